"""The page of processes as people use it: choosing, filling in four ways, running, coming back."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

SQUARE = "125.345, 43.8855\n125.350, 43.8855\n125.350, 43.8885\n125.345, 43.8885"
MAP_MS = 20_000


@pytest.fixture
def open_form(page: Page, live_server: str) -> Callable[..., Page]:
    """Open the form of a process, with a query, and wait until it can be filled in."""

    def visit(process: str, **query: str) -> Page:
        page.goto(f"{live_server}/app/processes/{process}?{urlencode(query)}")
        expect(page.get_by_role("button", name=re.compile("提交运行|Run"))).to_be_visible()
        return page

    return visit


@pytest.fixture
def finished(client: httpx.Client, wait_until: Callable[..., None]) -> Callable[[Page], str]:
    """Wait for the job that the page went on to; its results as they come."""

    def results(page: Page) -> str:
        expect(page).to_have_url(re.compile(r"/app/jobs/[0-9a-f-]{36}$"))
        job = page.url.rpartition("/")[2]
        wait_until(
            lambda: client.get(f"/jobs/{job}").json()["status"] not in ("accepted", "running")
        )
        assert client.get(f"/jobs/{job}").json()["status"] == "successful"
        return client.get(f"/jobs/{job}/results").text

    return results


def group(page: Page, title: str) -> Locator:
    """One input of features."""
    return page.get_by_role("group", name=re.compile(f"^{title}"), exact=False).first


def way(page: Page, title: str, name: str) -> Locator:
    """Choose how the features of an input are given."""
    found = group(page, title)
    found.get_by_text(name, exact=True).click()
    return found


def run(page: Page) -> None:
    page.get_by_role("button", name="提交运行").click()


def test_every_process_of_the_api_is_listed_and_the_filter_says_when_it_finds_none(
    page: Page, live_server: str, client: httpx.Client
) -> None:
    page.goto(f"{live_server}/app/map")
    page.get_by_role("link", name="处理服务").click()
    listed = page.get_by_role("navigation", name="可用的处理服务")

    titles = [
        p["title"] for p in client.get("/processes", params={"lang": "zh"}).json()["processes"]
    ]
    expect(listed.get_by_role("listitem")).to_have_count(len(titles))
    assert listed.locator("strong").all_inner_texts() == titles
    listed.get_by_role("searchbox").fill("没有这样的服务")
    expect(listed.get_by_text("没有名称或说明含“没有这样的服务”的处理服务。")).to_be_visible()
    listed.get_by_role("button", name="清除筛选").click()
    expect(listed.get_by_role("listitem")).to_have_count(len(titles))


def test_the_form_has_a_field_for_every_input_and_result_of_the_description(
    open_form: Callable[..., Page], client: httpx.Client
) -> None:
    page = open_form("echo-values")
    described = client.get("/processes/echo-values", params={"lang": "zh"}).json()

    for each in (*described["inputs"].values(), *described["outputs"].values()):
        labels = page.locator("form label, form .name").filter(has_text=each["title"])
        expect(labels.first).to_be_visible()
    expect(page.get_by_label("选项").locator("option")).to_have_text(["不填", "a", "b", "c"])


def test_what_is_missing_is_said_at_its_field_and_the_first_gets_the_focus(
    open_form: Callable[..., Page],
) -> None:
    page = open_form("buffer")
    page.get_by_label("四分之一圆分段数").fill("1000")

    run(page)

    expect(page.get_by_role("alert")).to_contain_text("有 3 处需要修改")
    expect(page.get_by_label("图层", exact=True)).to_be_focused()
    expect(page.get_by_label("距离（米）")).to_have_accessible_description(re.compile("此项必填。"))
    expect(page.get_by_text("不能大于 128。")).to_be_visible()
    page.get_by_label("四分之一圆分段数").fill("8")
    expect(page.get_by_role("alert")).to_contain_text("有 2 处需要修改")


def test_what_the_server_refuses_lights_up_the_field_its_pointer_names(
    open_form: Callable[..., Page], screenshot: Callable[[str], Path]
) -> None:
    page = open_form("buffer")
    way(page, "要素", "粘贴或输入").get_by_label("GeoJSON 或坐标").fill(SQUARE)
    distance = page.get_by_label("距离（米）")
    distance.fill("0")

    run(page)

    expect(distance).to_be_focused()
    expect(distance).to_have_attribute("aria-invalid", "true")
    screenshot("process-refused")
    distance.fill("5")
    expect(distance).to_have_attribute("aria-invalid", "false")
    page.expect_faults("status of 400")  # type: ignore[attr-defined]


def test_a_drawn_area_is_run_as_it_was_drawn(
    open_form: Callable[..., Page],
    finished: Callable[[Page], str],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    page = open_form("area-ellipsoid")
    features = way(page, "图斑", "绘制")
    canvas = features.get_by_role("application")
    expect(canvas.locator("canvas").first).to_be_attached(timeout=MAP_MS)
    page.wait_for_load_state("networkidle")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    corners = [(250, 120), (350, 120), (350, 200), (250, 200)]
    for x, y in corners:
        page.mouse.click(box["x"] + x, box["y"] + y, delay=20)
        page.wait_for_timeout(300)  # two quick clicks would be a double click, the end of a shape
    features.get_by_role("button", name="完成图形").click()

    expect(features.get_by_role("list", name="已绘制的图形")).to_contain_text("面 1：4 个点")
    assert violations() == []
    screenshot("process-draw")
    run(page)

    assert json.loads(finished(page))["total"]["measured"] == 1


def test_an_uploaded_file_is_the_input(
    open_form: Callable[..., Page], finished: Callable[[Page], str], tmp_path: Path
) -> None:
    ring = [[float(part) for part in line.split(",")] for line in SQUARE.splitlines()]
    geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    file = tmp_path / "地块.geojson"
    file.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": geometry}))
    page = open_form("area-ellipsoid")

    features = way(page, "图斑", "上传文件")
    features.locator("input[type=file]").set_input_files(file)
    expect(features.get_by_role("button", name="移除文件")).to_be_visible()
    expect(features.get_by_text("地块.geojson")).to_be_visible()
    run(page)

    uploaded = json.loads(finished(page))["total"]
    page = open_form("area-ellipsoid")
    way(page, "图斑", "粘贴或输入").get_by_label("GeoJSON 或坐标").fill(SQUARE)
    run(page)
    assert json.loads(finished(page))["total"] == uploaded


def test_a_layer_with_a_filter_stands_in_the_link_and_the_link_runs_it(
    open_form: Callable[..., Page], finished: Callable[[Page], str], client: httpx.Client
) -> None:
    first = client.get("/collections/land_use/items", params={"limit": 1}).json()["features"][0]
    code = first["properties"]["YDYHFLDM"]
    page = open_form("area-ellipsoid")
    features = group(page, "图斑")
    features.get_by_label("图层", exact=True).select_option("land_use")
    features.get_by_label("筛选条件（CQL2）").fill(f"YDYHFLDM = '{code}'")

    expect(page).to_have_url(re.compile(r"i\.features=land_use&i\.features\.filter="))
    page.goto(page.url)

    expect(features.get_by_label("筛选条件（CQL2）")).to_have_value(f"YDYHFLDM = '{code}'")
    run(page)
    found = client.get(
        "/collections/land_use/items", params={"limit": 10_000, "filter": f"YDYHFLDM = '{code}'"}
    ).json()["features"]
    assert json.loads(finished(page))["total"]["features"] == len(found) > 0


def test_the_keyboard_alone_chooses_fills_in_and_runs(
    page: Page, live_server: str, finished: Callable[[Page], str]
) -> None:
    page.goto(f"{live_server}/app/processes")
    expect(page.get_by_role("searchbox")).to_be_visible()

    page.get_by_role("searchbox").focus()
    page.keyboard.type("echo")
    expect(
        page.get_by_role("navigation", name="可用的处理服务").get_by_role("listitem")
    ).to_have_count(2)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="回声", exact=True)).to_be_focused()
    field = page.get_by_label("文字").first
    for _ in range(10):
        page.keyboard.press("Tab")
        if field.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.type("键盘")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type === 'submit'"):
            break
    page.keyboard.press("Enter")

    assert finished(page) == "键盘"


def test_what_was_not_sent_is_back_after_a_reload_and_gone_when_cleared_or_sent(
    open_form: Callable[..., Page],
) -> None:
    page = open_form("buffer")
    pasted = way(page, "要素", "粘贴或输入").get_by_label("GeoJSON 或坐标")
    pasted.fill(SQUARE)
    page.get_by_label("距离（米）").fill("12")
    expect(page).to_have_url(re.compile(r"i\.distance_m=12"))

    page = open_form("buffer")

    expect(pasted).to_have_value(SQUARE)
    expect(page.get_by_label("距离（米）")).to_have_value("12")
    expect(page).to_have_url(re.compile(r"i\.distance_m=12"))
    page.get_by_role("button", name="清空重填").click()
    expect(page.get_by_label("距离（米）")).to_have_value("")
    expect(page).not_to_have_url(re.compile("distance_m"))
    page = open_form("buffer")
    expect(page.get_by_text("已恢复上次未提交的填写。")).to_have_count(0)


def test_signing_out_leaves_nothing_of_a_form_behind(
    open_form: Callable[..., Page], new_key: Callable[..., str]
) -> None:
    page = open_form("echo")
    page.get_by_role("button", name="登录").click()
    page.get_by_role("textbox", name="访问密钥").fill(new_key("planner"))
    page.get_by_role("dialog").get_by_role("button", name="登录").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_label("文字").first.fill("机密")
    expect(page).to_have_url(re.compile("i.text="))

    page.get_by_role("button", name=re.compile("当前用户")).click()
    page.get_by_role("button", name="退出登录").click()

    expect(page.get_by_label("文字").first).to_have_value("")
    expect(page).not_to_have_url(re.compile("i.text="))
    page = open_form("echo")
    expect(page.get_by_label("文字").first).to_have_value("")


def test_a_job_is_run_again_with_its_inputs(
    open_form: Callable[..., Page], finished: Callable[[Page], str]
) -> None:
    page = open_form("echo")
    page.get_by_label("文字").first.fill("再来一次")
    run(page)
    finished(page)
    job = page.url.rpartition("/")[2]

    page = open_form("echo", **{"from": job})

    expect(page.get_by_label("文字").first).to_have_value("再来一次")
    page = open_form("echo", **{"from": "00000000-0000-4000-8000-000000000000"})
    expect(page.get_by_text("没有找到该任务的输入，请重新填写。")).to_be_visible()
    page.expect_faults("status of 404")  # type: ignore[attr-defined]


def test_the_command_line_it_shows_starts_the_same_job(
    open_form: Callable[..., Page], client: httpx.Client
) -> None:
    page = open_form("echo")
    page.get_by_label("文字").first.fill("it's “一张图” $HOME")
    page.get_by_text("用命令行调用（cURL）").click()
    command = page.locator("pre").inner_text()

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)

    assert client.get(f"/jobs/{json.loads(done.stdout)['jobID']}").is_success


def test_on_a_phone_the_pages_are_behind_one_button(page: Page, live_server: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server}/app/processes")
    link = page.get_by_role("navigation", name="主导航").get_by_role("link", name="一张图")
    expect(link).to_be_hidden()

    page.get_by_role("button", name="主导航").click()
    link.click()

    expect(page).to_have_url(re.compile("/app/map"))
    expect(link).to_be_hidden()


def test_a_process_that_is_not_there_is_told_with_what_to_do(page: Page, live_server: str) -> None:
    page.goto(f"{live_server}/app/processes/no-such-process")

    expect(page.get_by_role("alert")).to_contain_text("没有找到")
    page.expect_faults("status of 404")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("size", "theme", "locale"),
    [
        ((1366, 768), "light", "zh"),
        ((1366, 768), "dark", "en"),
        ((390, 844), "light", "en"),
        ((390, 844), "dark", "zh"),
    ],
)
def test_the_page_is_accessible_in_any_language_theme_and_size(
    page: Page,
    live_server: str,
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
    size: tuple[int, int],
    theme: str,
    locale: str,
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.add_init_script(f"localStorage.setItem('onemap.language', '{locale}')")

    page.goto(f"{live_server}/app/processes")
    expect(page.get_by_role("searchbox")).to_be_visible()
    assert violations() == []
    screenshot(f"processes-{size[0]}-{theme}-{locale}")
    page.goto(f"{live_server}/app/processes/overlay")
    page.get_by_role("button", name=re.compile("提交运行|^Run")).click()
    expect(page.get_by_role("alert").first).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations() == []
    screenshot(f"process-{size[0]}-{theme}-{locale}")
