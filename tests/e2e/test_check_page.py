"""The page of the compliance check as people use it: from a file to the report and a signed opinion."""

import io
import json
import re
import zipfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from pyproj import Transformer

SOON_MS = 30_000
PLANE = "EPSG:4551"  # zone 42, eastings without its number
CORNERS = [(125.345, 43.8855), (125.345, 43.8885), (125.350, 43.8885), (125.350, 43.8855)]
HEADER = """[属性描述]
格式版本号=1.01
数据产生单位=模拟测绘院
几度分带=3
投影类型=高斯克吕格
计量单位=米
精度=0.001
[地块坐标]
"""


def boundary_text(count: int = 1) -> bytes:
    """The official coordinate text in GBK, of a zone that it does not state; X is the northing."""
    to_plane = Transformer.from_crs("EPSG:4490", PLANE, always_xy=True)
    blocks = []
    for number in range(1, count + 1):
        shift = 0.006 * (number - 1)
        points = [to_plane.transform(x + shift, y) for x, y in (*CORNERS, CORNERS[0])]
        lines = [
            f"J{place % 4 + 1},1,{north:.3f},{east:.3f}"
            for place, (east, north) in enumerate(points)
        ]
        blocks.append("\n".join([f"5,,{number},示例地块{number},面,,工业用地,1001,@", *lines]))
    return (HEADER + "\n".join(blocks) + "\n").encode("gbk")


def square(west: float = 125.345) -> dict[str, Any]:
    shift = west - CORNERS[0][0]
    ring = [[x + shift, y] for x, y in (*CORNERS, CORNERS[0])]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "geometry": geometry, "properties": {"name": f"{west:.3f}"}}


@pytest.fixture
def open_form(page: Page, live_server: str) -> Callable[[], Page]:
    """Open the form and wait until it can be filled in."""

    def visit() -> Page:
        page.goto(f"{live_server}/app/check")
        expect(page.get_by_role("button", name=re.compile("开始审查|Start"))).to_be_visible()
        return page

    return visit


@pytest.fixture(scope="module")
def checked(client: httpx.Client, wait_until: Callable[..., None]) -> Callable[..., dict[str, Any]]:
    """A check made as any client would make it; its document."""

    def run(*parcels: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        [process] = [
            one["id"]
            for one in client.get("/processes").json()["processes"]
            if "compliance" in one["keywords"]
        ]
        inputs = {"parcels": {"type": "FeatureCollection", "features": list(parcels)}}
        headers = {"Prefer": "respond-async"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        started = client.post(
            f"/processes/{process}/execution", json={"inputs": inputs}, headers=headers
        )
        assert started.status_code == 201, started.text
        job, own = started.json()["jobID"], {k: headers[k] for k in headers if k != "Prefer"}
        wait_until(
            lambda: (
                client.get(f"/jobs/{job}", headers=own).json()["status"]
                not in ("accepted", "running")
            )
        )
        document: dict[str, Any] = client.get(f"/jobs/{job}/results", headers=own).json()
        assert document["kind"] == "compliance_check", document
        return document

    return run


@pytest.fixture(scope="module")
def batch(checked: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A check of several parcels, one of which crosses itself."""
    tie = square(125.370)
    [ring] = tie["geometry"]["coordinates"]
    ring[1], ring[2] = ring[2], ring[1]
    return checked(square(), square(125.352), square(125.360), tie)


def drop(target: Locator, content: bytes, name: str) -> None:
    """Let a file fall on a drop zone, as from a folder."""
    transfer = target.page.evaluate_handle(
        """([text, name]) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
            const transfer = new DataTransfer()
            transfer.items.add(new File([bytes], name, {type: 'text/plain'}))
            return transfer
        }""",
        [b64encode(content).decode(), name],
    )
    target.dispatch_event("drop", {"dataTransfer": transfer})


def start(page: Page) -> str:
    """Start the check and wait for its result; its hash."""
    page.get_by_role("button", name="开始审查").click()
    expect(page).to_have_url(re.compile(r"/app/check/[0-9a-f]{64}"), timeout=SOON_MS)
    found = re.search(r"[0-9a-f]{64}", page.url)
    assert found
    return found[0]


def downloaded(page: Page, name: str) -> bytes:
    with page.expect_download(timeout=SOON_MS) as caught:
        page.get_by_role("link", name=name, exact=True).click()
    return Path(caught.value.path()).read_bytes()


def sign_in(page: Page, key: str) -> None:
    page.get_by_role("button", name="登录").click()
    page.get_by_role("textbox", name="访问密钥").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("当前用户"))).to_be_visible()


def answer_all(page: Page, document: dict[str, Any]) -> None:
    """Fill in an opinion: the first choice of each manual item, with a note where it leaves room for one."""
    for item in document["manual"]:
        choice = item["choices"][0]
        page.get_by_label(f"{item['title']['zh']}：结论").select_option(choice["outcome"])
        if "{" in choice["text"]:
            page.get_by_label(f"{item['title']['zh']}：说明").fill("经核对")
    page.get_by_label("结论", exact=True).select_option("COND")
    page.get_by_label("意见", exact=True).fill("同意，须补充论证。")


def opinion(document: dict[str, Any], parcels: list[int] | None = None) -> dict[str, Any]:
    """The same as any client sends it."""
    manual = [
        {"rule": item["rule"], "outcome": item["choices"][0]["outcome"], "text": "经核对"}
        for item in document["manual"]
    ]
    return {
        "parcels": parcels,
        "conclusion": "VERIFY",
        "text": "先行意见。",
        "document_date": "2026-03-05",
        "manual": manual,
        "supersedes": None,
    }


def test_a_gbk_text_without_a_zone_goes_from_drop_to_report(
    open_form: Callable[[], Page],
    client: httpx.Client,
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    page = open_form()

    drop(page.locator("label", has_text="把文件拖到这里"), boundary_text(), "界址点.txt")
    zones = page.get_by_role("group", name=re.compile("坐标属于哪一带"))
    expect(zones.get_by_role("radio").first).to_be_attached(timeout=SOON_MS)
    page.get_by_role("button", name="开始审查").click()
    expect(zones.get_by_text("请选择投影带。")).to_be_visible()
    expect(page.get_by_role("application", name=re.compile("预览图"))).to_be_visible()
    assert violations() == []
    zones.get_by_text(re.compile("中央经线 126°")).first.click()
    screenshot("check-zone")
    name = start(page)

    document = client.get(f"/checks/{name}").json()
    rules = page.get_by_role("group", name="事实与建议")
    expect(rules.get_by_role("row")).to_have_count(len(document["parcels"][0]["rules"]) + 1)
    expect(page.get_by_text("公顷（").first).to_be_visible()
    report = downloaded(page, "报告 DOCX")
    with zipfile.ZipFile(io.BytesIO(report)) as docx:
        text = docx.read("word/document.xml").decode()
    assert name[:16] in "".join(
        zipfile.ZipFile(io.BytesIO(report)).read(part).decode("utf-8", "replace")
        for part in zipfile.ZipFile(io.BytesIO(report)).namelist()
        if part.endswith(".xml")
    )
    assert "示例地块1" in text
    assert downloaded(page, "套合表 XLSX").startswith(b"PK")
    assert json.loads(downloaded(page, "JSON 文件"))["hash"] == name
    screenshot("check-result")


def test_pasted_coordinates_are_asked_for_their_zone_before_anything_is_checked(
    open_form: Callable[[], Page],
) -> None:
    page = open_form()
    page.get_by_text("粘贴坐标").click()
    page.get_by_label("界址点坐标").fill(boundary_text().decode("gbk"))

    page.get_by_role("button", name="开始审查").click()

    expect(page.get_by_text("请选择投影带。")).to_be_visible(timeout=SOON_MS)
    page.get_by_text(re.compile("中央经线 126°")).first.click()
    start(page)


def test_parcels_are_taken_from_a_layer_by_a_filter(
    open_form: Callable[[], Page],
    client: httpx.Client,
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    layer = "pending_batch"
    first = client.get(f"/collections/{layer}/items", params={"limit": 1}).json()["features"][0]
    batch, number = (first["properties"][name] for name in ("DZJGH", "DKBH"))
    page = open_form()
    page.get_by_text("选图层", exact=True).click()
    expect(page.get_by_label("图层", exact=True)).to_be_visible()

    page.get_by_role("button", name="开始审查").click()
    expect(page.get_by_label("图层", exact=True)).to_be_focused()
    expect(page.get_by_text("请先给出地块。")).to_be_visible()
    page.get_by_label("图层", exact=True).select_option(layer)
    page.get_by_label("筛选条件（CQL2）").fill("DKBH =")
    assert violations() == []
    page.get_by_role("button", name="开始审查").click()
    page.expect_faults("status of 400")  # type: ignore[attr-defined]
    expect(page.get_by_text("/inputs/parcels/filter:")).to_be_visible(timeout=SOON_MS)
    page.get_by_label("筛选条件（CQL2）").fill(f"DZJGH = '{batch}' AND DKBH = '{number}'")
    screenshot("check-layer")
    name = start(page)

    document = client.get(f"/checks/{name}").json()
    [parcel] = document["parcels"]
    assert (parcel["id"], parcel["attributes"]["DZJGH"]) == (number, batch)


def test_a_rule_leads_to_its_layer_edition_and_features_and_stands_in_the_link(
    page: Page,
    live_server: str,
    checked: Callable[..., dict[str, Any]],
    violations: Callable[[], list[str]],
) -> None:
    document = checked(square())
    [parcel] = document["parcels"]
    rule = next(one for one in parcel["rules"] if any(c["features"] for c in one["concerns"]))
    concern = next(one for one in rule["concerns"] if one["features"])
    page.goto(f"{live_server}/app/check/{document['hash']}")

    page.get_by_role("button", name=f"查看{rule['title']['zh']}的依据").click()

    expect(page).to_have_url(re.compile(f"rule={rule['rule']}"))
    detail = page.get_by_role("group", name="事实", exact=True)
    expect(detail).to_contain_text(rule["text"])
    expect(detail).to_contain_text(concern["features"][0]["id"])
    assert violations() == []
    page.reload()
    expect(detail).to_contain_text(rule["text"])


def test_what_is_not_connected_is_listed_apart_with_its_reason(
    page: Page, live_server: str, checked: Callable[..., dict[str, Any]]
) -> None:
    document = checked(square())
    missing = [one for one in document["layers"] if not one["connected"]]

    page.goto(f"{live_server}/app/check/{document['hash']}")

    apart = page.get_by_role("region", name=f"未接入图层 {len(missing)}")
    expect(apart).to_be_visible()
    for one in missing:
        expect(apart).to_contain_text(one["title"]["zh"])


def test_a_batch_is_filtered_by_suggestion_by_rule_and_by_what_could_not_be_read(
    page: Page,
    live_server: str,
    batch: dict[str, Any],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    page.goto(f"{live_server}/app/check/{batch['hash']}")
    table = page.get_by_role("group", name="地块列表")
    expect(table.get_by_role("row")).to_have_count(len(batch["parcels"]) + 1)

    page.get_by_label("只看未能读取的").check()
    expect(table.get_by_role("row")).to_have_count(2)
    expect(page.get_by_text("这个地块未能读取，没有审查结果")).to_be_visible()
    [fault] = [
        one for parcel in batch["parcels"] for one in parcel["faults"] if one["severity"] == "error"
    ]
    expect(page.get_by_text(fault["title"]["zh"]).first).to_be_visible()
    page.get_by_role("button", name="清除筛选").click()
    rule = next(
        one for parcel in batch["parcels"] for one in parcel["rules"] if one["suggestion"] != "PASS"
    )
    page.get_by_role("tab", name="按规则汇总").click()
    assert violations() == []
    page.get_by_role("button", name=f"查看{rule['title']['zh']}未符合的地块").click()
    found = [
        parcel["number"]
        for parcel in batch["parcels"]
        if any(r["rule"] == rule["rule"] and r["suggestion"] != "PASS" for r in parcel["rules"])
    ]
    expect(table.get_by_role("row")).to_have_count(len(found) + 1)
    expect(page).to_have_url(re.compile(f"by={rule['rule']}"))
    screenshot("check-batch")


def test_a_person_signs_after_answering_what_no_rule_can_and_the_sheet_can_be_verified(
    page: Page,
    live_server: str,
    client: httpx.Client,
    checked: Callable[..., dict[str, Any]],
    new_key: Callable[..., str],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    key = new_key("planner", person="张三")
    document = checked(square(), key=key)
    page.goto(f"{live_server}/app/map")
    sign_in(page, key)
    page.goto(f"{live_server}/app/check/{document['hash']}")
    page.get_by_role("button", name="签署", exact=True).click()
    expect(page.get_by_text("请选择结论。")).to_be_visible()
    assert violations() == []

    answer_all(page, document)
    page.get_by_label("文号").fill("模自然预审〔2026〕1号")
    expect(page.get_by_text("适用：本地块")).to_be_visible()
    page.get_by_role("button", name="签署", exact=True).click()

    expect(page.get_by_text(re.compile("^张三 于 .* 签署$"))).to_be_visible(timeout=SOON_MS)
    headers = {"Authorization": f"Bearer {key}"}
    [signed] = client.get(f"/checks/{document['hash']}/opinions", headers=headers).json()[
        "opinions"
    ]
    assert (signed["conclusion"], signed["document_number"]) == ("COND", "模自然预审〔2026〕1号")
    assert len(signed["manual"]) == len(document["manual"])
    assert client.get(f"/verify/{signed['hash']}").is_success
    assert downloaded(page, "意见表 DOCX").startswith(b"PK")
    screenshot("check-signed")


def test_whoever_signs_after_another_is_shown_the_other_opinion_first(
    page: Page,
    live_server: str,
    client: httpx.Client,
    checked: Callable[..., dict[str, Any]],
    new_key: Callable[..., str],
) -> None:
    key = new_key("planner", person="李四")
    document = checked(square(125.347), key=key)
    page.goto(f"{live_server}/app/map")
    sign_in(page, key)
    page.goto(f"{live_server}/app/check/{document['hash']}")
    answer_all(page, document)
    headers, there = {"Authorization": f"Bearer {key}"}, f"/checks/{document['hash']}/opinions"
    overtaking = client.post(there, json=opinion(document), headers=headers)
    assert overtaking.status_code == 201, overtaking.text

    page.get_by_role("button", name="签署", exact=True).click()

    expect(page.get_by_text("另有人签署了意见")).to_be_visible()
    expect(page.get_by_text("先行意见。")).to_be_visible()
    page.expect_faults("status of 400")  # type: ignore[attr-defined]
    page.get_by_role("button", name="签署", exact=True).click()
    expect(page.get_by_text("其后另有意见")).to_be_visible(timeout=SOON_MS)
    first, second = client.get(there, headers=headers).json()["opinions"]
    assert (second["supersedes"], second["text"]) == (first["id"], "同意，须补充论证。")


def test_a_choice_with_room_for_a_name_asks_for_it_and_the_scope_stands_beside_the_button(
    page: Page,
    live_server: str,
    checked: Callable[..., dict[str, Any]],
    new_key: Callable[..., str],
    violations: Callable[[], list[str]],
) -> None:
    key = new_key("planner", person="王五")
    document = checked(square(125.3455), square(125.3525), key=key)
    item, choice = next(
        (item, choice)
        for item in document["manual"]
        for choice in item["choices"]
        if "{" in choice["text"]
    )
    page.goto(f"{live_server}/app/map")
    sign_in(page, key)
    page.goto(f"{live_server}/app/check/{document['hash']}?parcel=2")
    answer_all(page, document)
    field = page.get_by_label(f"{item['title']['zh']}：结论")
    field.select_option(choice["outcome"])
    note = page.get_by_label(f"{item['title']['zh']}：说明")
    note.fill("")

    page.get_by_role("button", name="签署", exact=True).click()

    expect(note).to_be_focused()
    expect(field).to_contain_text("……")
    expect(field).not_to_contain_text("{")
    expect(page.get_by_text("请在说明中写明")).to_be_visible()
    expect(page.get_by_text("适用：全部 2 个地块")).to_be_visible()
    page.get_by_label("仅地块 2").check()
    expect(page.get_by_text("适用：仅地块 2")).to_be_visible()
    assert violations() == []


def test_a_document_in_metres_is_asked_for_its_reference_system(
    open_form: Callable[[], Page], violations: Callable[[], list[str]]
) -> None:
    to_plane = Transformer.from_crs("EPSG:4490", PLANE, always_xy=True)
    document = square()
    [ring] = document["geometry"]["coordinates"]
    turned = [to_plane.transform(*one)[::-1] for one in ring]  # as its axes: northing first
    document["geometry"]["coordinates"] = [turned]
    page = open_form()
    page.get_by_text("粘贴坐标").click()
    page.get_by_label("界址点坐标").fill(json.dumps(document))
    expect(page.get_by_label("坐标参考系")).to_have_count(0)

    page.get_by_role("button", name="开始审查").click()

    field = page.get_by_label("坐标参考系")
    expect(field).to_be_focused(timeout=SOON_MS)
    assert violations() == []
    page.expect_faults("status of 400")  # type: ignore[attr-defined]
    field.fill(PLANE)
    start(page)


def test_a_document_that_gives_the_easting_first_is_exchanged_by_one_press(
    open_form: Callable[[], Page],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    to_plane = Transformer.from_crs("EPSG:4490", PLANE, always_xy=True)
    document = square(125.3455)["geometry"]
    [ring] = document["coordinates"]
    document["coordinates"] = [[to_plane.transform(*one) for one in ring]]  # easting first
    document["coordRefSys"] = f"[{PLANE}]"
    page = open_form()
    page.get_by_text("粘贴坐标").click()
    page.get_by_label("界址点坐标").fill(json.dumps(document))
    page.get_by_role("button", name="开始审查").click()
    page.expect_faults("status of 400")  # type: ignore[attr-defined]

    expect(page.get_by_text("exchange the two numbers of every position")).to_be_visible(
        timeout=SOON_MS
    )
    assert violations() == []
    screenshot("check-exchange")
    page.get_by_role("button", name="交换 X、Y").click()
    expect(page.get_by_role("button", name="交换 X、Y")).to_have_count(0)
    expect(page.get_by_label("界址点坐标")).to_be_focused()
    start(page)


def test_a_job_leads_to_its_check_or_to_what_has_to_be_changed(
    page: Page,
    live_server: str,
    client: httpx.Client,
    checked: Callable[..., dict[str, Any]],
) -> None:
    document = checked(square(125.3495))
    [process] = [
        one["id"]
        for one in client.get("/processes").json()["processes"]
        if "compliance" in one["keywords"]
    ]

    def job_of(parcels: dict[str, Any]) -> str:
        started = client.post(
            f"/processes/{process}/execution",
            json={"inputs": {"parcels": parcels}},
            headers={"Prefer": "respond-async"},
        )
        return str(started.json()["jobID"])

    page.goto(f"{live_server}/app/check?job={job_of(square(125.3495))}")
    expect(page).to_have_url(re.compile(document["hash"]), timeout=SOON_MS)

    metres = square()
    [ring] = metres["geometry"]["coordinates"]
    metres["geometry"]["coordinates"] = [[[100 * x, 1e5 * y] for x, y in ring]]
    page.goto(f"{live_server}/app/check?job={job_of(metres)}")
    expect(page.get_by_text("/inputs/crs:")).to_be_visible(timeout=SOON_MS)
    page.expect_faults("status of 400")  # type: ignore[attr-defined]
    page.get_by_role("button", name="返回填写").click()

    expect(page.get_by_label("坐标参考系")).to_be_focused()


def test_a_command_line_sends_a_key_only_for_who_has_one(
    page: Page,
    live_server: str,
    checked: Callable[..., dict[str, Any]],
    new_key: Callable[..., str],
) -> None:
    document = checked(square())
    page.goto(f"{live_server}/app/check/{document['hash']}")
    page.get_by_text("cURL 命令").first.click()
    command = page.get_by_label("cURL 命令", exact=True)
    expect(command).to_contain_text(document["hash"])
    expect(command).not_to_contain_text("ONEMAP_KEY")

    sign_in(page, new_key("planner", person="钱七"))

    expect(command).to_contain_text("Bearer $ONEMAP_KEY")


def test_ones_own_checks_are_listed_below_the_form_and_the_days_of_the_project_asked(
    page: Page,
    live_server: str,
    client: httpx.Client,
    checked: Callable[..., dict[str, Any]],
    new_key: Callable[..., str],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    key = new_key("planner", person="赵六")
    made = [checked(square(west), key=key)["hash"] for west in (125.3465, 125.3475)]
    page.goto(f"{live_server}/app/check")
    expect(page.get_by_role("region", name="我的审查记录")).to_have_count(0)
    sign_in(page, key)
    listed = page.get_by_role("region", name="我的审查记录")
    expect(listed.get_by_role("row")).to_have_count(len(made) + 1)
    assert violations() == []
    screenshot("check-own")
    listed.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(made[1]))

    page.go_back()
    page.get_by_text("粘贴坐标").click()
    page.get_by_label("界址点坐标").fill(json.dumps(square(125.3485)))
    for name, day in (
        ("受理日期", "2026-03-05"),
        ("批准日期", "2026-03-06"),
        ("许可日期", "2026-03-07"),
    ):
        page.get_by_label(name).fill(day)
    name = start(page)
    kept = client.get(f"/checks/{name}", headers={"Authorization": f"Bearer {key}"}).json()
    basis = {"acceptance": "2026-03-05", "approval": "2026-03-06", "permit": "2026-03-07"}
    assert kept["check_date"] == basis[kept["profile"]["date_basis"]]


def test_an_unsigned_opinion_and_an_unsent_form_are_back_after_a_reload(
    open_form: Callable[[], Page],
) -> None:
    page = open_form()
    page.get_by_label("项目名称").fill("示范园")
    page.get_by_text("粘贴坐标").click()
    page.get_by_label("界址点坐标").fill(json.dumps(square()))
    page.wait_for_timeout(800)  # what is typed is kept once the hands rest

    page = open_form()

    expect(page.get_by_text("已恢复上次未提交的填写。")).to_be_visible()
    expect(page.get_by_label("项目名称")).to_have_value("示范园")
    page.get_by_role("button", name="清空重填").click()
    expect(page.get_by_label("项目名称")).to_have_value("")


def test_the_keyboard_alone_pastes_starts_and_opens_a_rule(open_form: Callable[[], Page]) -> None:
    page = open_form()
    page.get_by_role("radio", name="上传文件").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.insert_text(json.dumps(square()))
    button = page.get_by_role("button", name="开始审查")
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/app/check/[0-9a-f]{64}"), timeout=SOON_MS)
    rule = page.get_by_role("group", name="事实与建议").get_by_role("button").first
    for _ in range(60):
        page.keyboard.press("Tab")
        if rule.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("rule="))


def test_a_hash_that_is_not_kept_is_told_with_what_to_do(page: Page, live_server: str) -> None:
    page.goto(f"{live_server}/app/check/{'0' * 64}")

    expect(page.get_by_text("没有这份审查")).to_be_visible()
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
    batch: dict[str, Any],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
    size: tuple[int, int],
    theme: str,
    locale: str,
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.add_init_script(f"localStorage.setItem('onemap.language', '{locale}')")

    page.goto(f"{live_server}/app/check")
    expect(page.get_by_role("button", name=re.compile("开始审查|Start"))).to_be_visible()
    assert violations() == []
    screenshot(f"check-form-{size[0]}-{theme}-{locale}")
    page.goto(f"{live_server}/app/check/{batch['hash']}?parcel=1")
    expect(page.get_by_role("application").first).to_be_visible(timeout=SOON_MS)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations() == []
    screenshot(f"check-{size[0]}-{theme}-{locale}")
