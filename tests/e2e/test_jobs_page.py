"""The pages of jobs as people use them: waiting, looking at results, cancelling, finding one again."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

SOON_MS = 20_000
AS_COLLECTION = {"format": {"mediaType": "application/vnd.ogc.collection+json"}}
RESULT = "result_" + "0" * 32 + "_features"


def parcel(west: float) -> dict[str, Any]:
    east, south, north = west + 0.004, 43.885, 43.888
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "geometry": geometry, "properties": {"code": "0103"}}


def parcels(west: float) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": [parcel(west)]}


OVERLAY = {
    "inputs": {"left": parcels(125.345), "right": parcels(125.347), "left_class": "code"},
    "response": "document",
}


@pytest.fixture
def submit(client: httpx.Client) -> Callable[..., str]:
    """Start a process as any client would; the id of its job."""

    def post(process: str, body: dict[str, Any], key: str | None = None) -> str:
        headers = {"Prefer": "respond-async"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        answer = client.post(f"/processes/{process}/execution", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    return post


@pytest.fixture
def open_job(page: Page, live_server: str) -> Callable[[str], Page]:
    """Open the page of a job."""

    def visit(job: str) -> Page:
        page.goto(f"{live_server}/app/jobs/{job}")
        return page

    return visit


@pytest.fixture
def ended(
    client: httpx.Client, wait_until: Callable[..., None], submit: Callable[..., str]
) -> Callable[..., str]:
    """A job that has succeeded."""

    def run(process: str, body: dict[str, Any]) -> str:
        job = submit(process, body)
        wait_until(lambda: client.get(f"/jobs/{job}").json()["status"] == "successful")
        return job

    return run


def sign_in(page: Page, key: str) -> None:
    page.get_by_role("button", name="登录").click()
    page.get_by_role("textbox", name="访问密钥").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("当前用户"))).to_be_visible()


def answer_with(change: Callable[[Any], None]) -> Callable[[Route], None]:
    """The server's own answer, changed."""

    def handle(route: Route) -> None:
        response = route.fetch()
        document = response.json()
        change(document)
        route.fulfill(response=response, body=json.dumps(document))

    return handle


def test_a_job_is_followed_from_its_start_to_its_result_without_a_reload(
    submit: Callable[..., str], open_job: Callable[[str], Page]
) -> None:
    page = open_job(submit("echo", {"inputs": {"text": "好了", "pause": 3}}))

    expect(page.get_by_text(re.compile("^(运行中|排队中)$"))).to_be_visible()
    expect(page.get_by_role("link", name="任务，1 个未结束")).to_be_visible()
    expect(page.get_by_text("任务成功后，结果显示在这里。")).to_be_visible()
    expect(page.get_by_text("成功", exact=True)).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_role("group", name="文字")).to_have_text("好了")
    expect(page.get_by_role("link", name="任务", exact=True)).to_be_visible(timeout=SOON_MS)


def test_a_failed_job_says_each_error_of_its_inputs_with_its_place(
    submit: Callable[..., str],
    open_job: Callable[[str], Page],
    client: httpx.Client,
    live_server: str,
    violations: Callable[[], list[str]],
) -> None:
    inputs = {"left": {"collection": "nowhere"}, "right": {"collection": "neither"}}
    job = submit("overlay", {"inputs": inputs})
    page = open_job(job)
    errors = page.get_by_role("region", name="逐项错误").get_by_role("listitem")

    expect(errors).to_have_count(2, timeout=SOON_MS)
    told = client.get(f"/jobs/{job}").json()["errors"]
    assert [one["pointer"] for one in told] == [
        "/inputs/left/collection",
        "/inputs/right/collection",
    ]
    for item, one in zip(errors.all(), told, strict=True):
        expect(item).to_contain_text(one["pointer"])
        expect(item.locator("[lang=en]")).to_have_text(one["detail"])
    assert violations() == []

    page.goto(f"{live_server}/jobs/{job}?f=html")
    table = page.get_by_role("group", name="逐项错误")
    for one in told:
        expect(table.get_by_role("rowheader", name=one["pointer"])).to_be_visible()
        expect(table).to_contain_text(one["detail"])


def test_a_running_job_is_cancelled_after_asking_once(
    submit: Callable[..., str],
    open_job: Callable[[str], Page],
    client: httpx.Client,
    violations: Callable[[], list[str]],
) -> None:
    job = submit("echo", {"inputs": {"text": "不要了", "pause": 5}})
    page = open_job(job)

    page.get_by_role("button", name="取消任务").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("不能恢复")
    assert violations() == []
    dialog.get_by_role("button", name="取消任务").click()

    expect(dialog).to_have_count(0)
    expect(page.get_by_text("已取消", exact=True).first).to_be_visible()
    assert client.get(f"/jobs/{job}").json()["status"] == "dismissed"
    expect(page.get_by_role("button", name="取消任务")).to_have_count(0)


def test_features_are_drawn_listed_and_located_and_areas_written_in_hectares(
    ended: Callable[..., str],
    open_job: Callable[[str], Page],
    client: httpx.Client,
    screenshot: Callable[[str], Path],
    violations: Callable[[], list[str]],
) -> None:
    job = ended("overlay", OVERLAY)
    page = open_job(job)
    results = client.get(f"/jobs/{job}/results").json()
    area_m2 = results["features"]["value"]["features"][0]["properties"]["area_m2"]

    table = page.get_by_role("group", name="要素的表格")
    expect(table.get_by_role("columnheader", name="area（公顷）")).to_be_visible()
    expect(table.get_by_role("row").nth(1)).to_contain_text(f"{area_m2 / 10_000:.4f}")
    expect(page.get_by_role("application", name=re.compile("结果地图"))).to_be_visible()
    expect(page.locator(".map canvas").first).to_be_attached(timeout=SOON_MS)
    assert violations() == []
    screenshot("job-features")
    table.get_by_role("button", name="定位 1").click()
    expect(page.get_by_role("button", name="显示全部")).to_be_visible()
    link = page.get_by_role("link", name="下载").first.get_attribute("href") or ""
    assert client.get(link).json()["type"] == "FeatureCollection"


def test_a_missing_value_of_a_result_is_a_dash_with_its_reason(
    ended: Callable[..., str], open_job: Callable[[str], Page]
) -> None:
    page = open_job(ended("overlay", OVERLAY))

    expect(page.get_by_role("row", name=re.compile("^piece（米）"))).to_contain_text("— 无值")


def test_steps_notices_keeping_and_provenance_are_told(
    ended: Callable[..., str],
    open_job: Callable[[str], Page],
    page: Page,
    live_server: str,
    screenshot: Callable[[str], Path],
    violations: Callable[[], list[str]],
) -> None:
    job = ended("echo", {"inputs": {"text": "树"}})

    def told(document: Any) -> None:
        document["expires"] = "2026-12-27T01:02:03.000Z"
        document["steps"] = [
            {"pointer": "", "process": "overlay", "status": "running", "progress": 40},
            {"pointer": "/inputs/left", "process": "buffer", "status": "successful"},
        ]
        notice = {"id": "1", "event": "failed", "state": "waiting", "uri": "https://a.example"}
        document["x-onemap"] = {"callbacks": [{**notice, "attempts": 2, "problem": "refused"}]}

    page.route(f"{live_server}/jobs/{job}", answer_with(told))
    open_job(job)

    expect(page.get_by_role("row", name=re.compile("^保留至"))).to_contain_text(
        "2026-12-27 09:02:03"
    )
    steps = page.get_by_role("region", name="步骤").get_by_role("listitem")
    expect(steps.nth(0)).to_contain_text("整个任务")
    expect(steps.nth(1)).to_contain_text("/inputs/left")
    expect(steps.nth(1)).to_contain_text("进度未知")
    expect(page.get_by_role("region", name="回调通知")).to_contain_text("已试 2 次")
    link = page.get_by_role("link", name="溯源").get_attribute("href")
    assert link == f"{live_server}/jobs/{job}/prov"
    inputs = page.get_by_role("region", name="输入")
    expect(inputs.get_by_role("row", name=re.compile("^text"))).to_contain_text("树")
    expect(page.get_by_role("row", name=re.compile("^提交者"))).to_contain_text("未登录者")
    assert violations() == []
    screenshot("job-steps")


def test_a_result_that_is_a_layer_opens_in_the_one_map(
    ended: Callable[..., str],
    open_job: Callable[[str], Page],
    page: Page,
    client: httpx.Client,
    screenshot: Callable[[str], Path],
) -> None:
    job = ended("overlay", {**OVERLAY, "outputs": {"features": AS_COLLECTION}})
    result = f"result_{UUID(job).hex}_features"
    title = client.get(f"/collections/{result}?lang=zh").json()["title"]

    open_job(job)
    page.get_by_role("link", name="在一张图中打开").click()

    expect(page).to_have_url(re.compile(rf"/app/map\?.*l={result}"))
    row = page.locator(".row").filter(has=page.get_by_text(title, exact=True))
    expect(row.get_by_role("checkbox")).to_be_checked(timeout=SOON_MS)
    expect(page.locator(".busy")).to_have_count(0, timeout=SOON_MS)
    expect(page.locator(".banner")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"c=125\.34"))  # where the result is, not the whole city
    screenshot("job-layer")
    row.get_by_role("checkbox").uncheck()
    expect(row).to_be_visible()


def test_a_result_layer_that_is_gone_is_named_on_the_map(page: Page, live_server: str) -> None:
    page.goto(f"{live_server}/app/map?l={RESULT},county")

    expect(page.locator(".banner")).to_contain_text(RESULT)
    expect(page).to_have_url(re.compile(r"l=county(&|$)"))
    page.expect_faults("status of 404")  # type: ignore[attr-defined]


def test_who_has_not_signed_in_finds_the_jobs_that_this_browser_has_opened(
    ended: Callable[..., str], open_job: Callable[[str], Page], page: Page
) -> None:
    first, second = (ended("echo", {"inputs": {"text": text}}) for text in "一二")
    open_job(first)
    expect(page.get_by_role("group", name="文字")).to_be_visible()

    page.get_by_role("link", name="全部任务").click()
    rows = page.get_by_role("group", name="任务列表").locator("tbody tr")
    expect(rows).to_have_count(1)
    page.get_by_role("textbox", name="任务编号").fill(second)
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="文字")).to_have_text("二")
    page.go_back()
    expect(rows).to_have_count(2)

    page.get_by_role("combobox", name="状态").select_option("failed")
    expect(page).to_have_url(re.compile("status=failed"))
    expect(page.get_by_text("没有符合筛选条件的任务")).to_be_visible()
    page.go_back()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name=f"从本浏览器移除 {first[:8]}").click()
    expect(rows).to_have_count(1)


def test_an_id_that_is_none_is_said_at_its_field(page: Page, live_server: str) -> None:
    page.goto(f"{live_server}/app/jobs")
    field = page.get_by_role("textbox", name="任务编号")
    field.fill("abc")
    field.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("36 个字符")
    expect(field).to_be_focused()


def test_who_has_signed_in_sees_the_servers_list_and_nobody_elses_jobs(
    page: Page,
    live_server: str,
    submit: Callable[..., str],
    new_key: Callable[..., str],
) -> None:
    key, other = new_key("planner", person="李工"), new_key("planner", person="王工")
    mine = submit("echo", {"inputs": {"text": "我的", "pause": 5}}, key)
    submit("echo", {"inputs": {"text": "他的"}}, other)
    page.goto(f"{live_server}/app/jobs")
    sign_in(page, key)

    rows = page.get_by_role("group", name="任务列表").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(mine[:8])
    rows.get_by_role("link").click()
    expect(page.get_by_role("row", name=re.compile("^提交者"))).to_contain_text("测试单位 李工")
    page.get_by_role("button", name="取消任务").click()
    page.get_by_role("dialog").get_by_role("button", name="取消任务").click()
    expect(page.get_by_text("已取消", exact=True).first).to_be_visible()
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert mine not in kept


def test_the_list_is_narrowed_and_paged_by_the_server(
    page: Page, live_server: str, submit: Callable[..., str], new_key: Callable[..., str]
) -> None:
    key = new_key("planner", person="赵工")
    submit("echo", {"inputs": {"text": "页"}}, key)
    asked: list[str] = []

    def paged(document: Any) -> None:
        document["links"].append({"rel": "next", "href": f"{live_server}/jobs?cursor=MTIz"})

    def handle(route: Route) -> None:
        asked.append(route.request.url)
        if "cursor=" in route.request.url:
            route.fulfill(json={"jobs": [], "links": []})
        else:
            answer_with(paged)(route)

    page.route(re.compile(r"/jobs\?.*limit=50"), handle)
    page.goto(f"{live_server}/app/jobs?status=successful&process=echo&from=2026-01-01")
    sign_in(page, key)
    page.get_by_role("button", name="下一页").click()

    expect(page).to_have_url(re.compile("cursor=MTIz"))
    expect(page.get_by_text("没有符合筛选条件的任务")).to_be_visible()
    for part in ("status=successful", "processID=echo", "datetime=2026-01-01", "cursor=MTIz"):
        assert part in asked[-1]


def test_schedules_are_listed_with_their_next_time_and_a_link_to_their_last_run(
    ended: Callable[..., str],
    page: Page,
    live_server: str,
    new_key: Callable[..., str],
    violations: Callable[[], list[str]],
) -> None:
    """The table is told by the page's own answer: no schedule becomes due while a test runs."""
    job = ended("echo", {"inputs": {"text": "按时"}})
    last = {"jobID": job, "status": "successful", "created": "2026-11-26T22:00:00Z"}
    daily = {
        "id": "daily",
        "title": "每日自检",
        "process": "echo",
        "cron": "0 6 * * *",
        "key": None,
    }
    told = [
        {**daily, "next": "2026-11-27T22:00:00Z", "last": last},
        {**daily, "id": "new", "title": "新计划", "next": "2026-12-31T22:00:00Z", "last": None},
    ]
    page.route(
        re.compile("/catalogue/schedules"),
        answer_with(lambda document: document.update(schedules=told)),
    )
    page.goto(f"{live_server}/app/jobs")
    expect(page.get_by_text("还没有任务")).to_be_visible()
    expect(page.get_by_role("region", name="定时计划")).to_have_count(0)
    sign_in(page, new_key("administrator"))

    table = page.get_by_role("group", name="定时计划的表格")
    row = table.get_by_role("row", name=re.compile("每日自检"))
    expect(row).to_contain_text("2026-11-28 06:00")
    expect(table.get_by_role("row", name=re.compile("新计划"))).to_contain_text("尚无")
    assert violations() == []
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/app/jobs/{job}$"))


def test_a_job_that_is_not_there_says_so_and_leads_back(
    open_job: Callable[[str], Page], violations: Callable[[], list[str]]
) -> None:
    page = open_job("00000000-0000-4000-8000-000000000000")

    expect(page.get_by_text("没有这个任务")).to_be_visible()
    assert violations() == []
    page.get_by_role("link", name="全部任务").click()
    expect(page.get_by_text("还没有任务")).to_be_visible()
    page.expect_faults("status of 404")  # type: ignore[attr-defined]


def test_an_unreachable_server_is_said_and_the_job_comes_after_a_retry(
    ended: Callable[..., str], page: Page, open_job: Callable[[str], Page], live_server: str
) -> None:
    job = ended("echo", {"inputs": {"text": "回来了"}})
    page.route(f"{live_server}/jobs/{job}", lambda route: route.abort())
    open_job(job)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("无法连接服务器", timeout=SOON_MS)

    page.unroute(f"{live_server}/jobs/{job}")
    # It is asked again by itself, too: whichever comes first.
    expect(page.get_by_role("group", name="文字")).to_have_text("回来了", timeout=SOON_MS)
    page.expect_faults("net::ERR_FAILED")  # type: ignore[attr-defined]


def test_the_keyboard_alone_finds_a_job_and_deletes_it(
    ended: Callable[..., str], open_job: Callable[[str], Page], page: Page, client: httpx.Client
) -> None:
    job = ended("echo", {"inputs": {"text": "键盘"}})
    open_job(job)
    expect(page.get_by_role("group", name="文字")).to_be_visible()
    page.get_by_role("link", name="任务", exact=True).focus()
    page.keyboard.press("Enter")
    row = page.get_by_role("group", name="任务列表").get_by_role("link")
    expect(row).to_be_visible()
    page.get_by_role("button", name="按编号打开").focus()
    page.keyboard.press("Tab")  # the table, which scrolls
    page.keyboard.press("Tab")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")

    page.get_by_role("button", name="删除任务和结果").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    confirm = dialog.get_by_role("button", name="删除任务和结果")
    for _ in range(3):
        if confirm.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(confirm).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("结果已不在；可再次运行。")).to_be_visible()
    assert client.get(f"/jobs/{job}").json()["status"] == "dismissed"


def test_the_pages_speak_english(
    ended: Callable[..., str], open_job: Callable[[str], Page]
) -> None:
    page = open_job(ended("overlay", OVERLAY))
    page.get_by_role("button", name=re.compile("English")).click()

    expect(page.get_by_role("heading", name="Results", exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader", name="area (ha)").first).to_be_visible()
    expect(page.get_by_role("heading", name="Overlay")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_nothing_of_the_pages_of_jobs_is_inaccessible_in_any_theme_or_size(
    page: Page,
    ended: Callable[..., str],
    open_job: Callable[[str], Page],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
    theme: str,
    size: tuple[int, int],
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    open_job(ended("overlay", OVERLAY))
    expect(page.get_by_role("group", name="要素的表格")).to_be_visible()
    assert violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshot(f"job-{size[0]}-{theme}")

    page.get_by_role("link", name="全部任务").click()
    expect(page.get_by_role("group", name="任务列表")).to_be_visible()
    assert violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshot(f"jobs-{size[0]}-{theme}")
