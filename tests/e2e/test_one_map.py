"""The One Map page as people use it: mouse, keyboard, phone, both languages, both themes."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

CITY = "c=125.3235,43.8865&s=30000&crs=3857"
DRAWN_MS = 20_000


@pytest.fixture
def open_map(page: Page, live_server: str) -> Callable[..., Page]:
    """Open the page with a query and wait until everything asked for is drawn."""

    def visit(query: str = "", path: str = "/app/map") -> Page:
        page.goto(f"{live_server}{path}{'?' if query else ''}{query}")
        expect(page.locator(".row").first).to_be_attached()
        expect(page.locator(".busy")).to_have_count(0, timeout=DRAWN_MS)
        return page

    return visit


def row(page: Page, title: str) -> Locator:
    """The row of a layer in the resource tree."""
    return page.locator(".row").filter(has=page.get_by_text(title, exact=True))


def painted(page: Page) -> int:
    """How many pixels of the map's canvases carry anything."""
    return page.locator("#map canvas").evaluate_all(
        """canvases => canvases.reduce((sum, canvas) => {
             const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
             let count = 0
             for (let i = 3; i < data.length; i += 4) if (data[i]) count += 1
             return sum + count
           }, 0)"""
    )


def wait_painted(page: Page) -> None:
    until = time.monotonic() + DRAWN_MS / 1000
    while painted(page) < 1_000:
        assert time.monotonic() < until, "nothing is drawn"
        page.wait_for_timeout(50)


def titles(client: httpx.Client, lang: str = "zh") -> dict[str, str]:
    """Layer id to the title that the tree shows: without the notice of synthetic data."""
    found = client.get("/collections", params={"lang": lang}).json()["collections"]
    notice = r"(\s*[（(][^（）()]*(模拟|simulated|synthetic)[^（）()]*[）)])+$"
    return {
        c["id"]: re.sub(notice, "", c["title"]) if c["x-onemap"]["synthetic"] else c["title"]
        for c in found
    }


def test_the_application_opens_on_the_map_with_the_ground_drawn(
    open_map: Callable[..., Page], screenshot: Callable[[str], Path]
) -> None:
    page = open_map(path="/app/")

    expect(page).to_have_url(re.compile(r"/app/map"))
    expect(row(page, "县级行政区").get_by_role("checkbox")).to_be_checked()
    wait_painted(page)
    expect(page.get_by_text("系统辅助分析，不作为审批依据")).to_be_visible()
    screenshot("one-map-light")


def test_the_tree_lists_every_collection_once_under_its_theme(
    open_map: Callable[..., Page], client: httpx.Client
) -> None:
    page = open_map()

    shown = page.locator(".row .title > :first-child").all_inner_texts()
    assert sorted(shown) == sorted(titles(client).values())
    themes = {
        c["x-onemap"]["theme"]["title"] for c in client.get("/collections").json()["collections"]
    }
    for theme in themes:
        expect(page.get_by_role("button", name=theme, exact=True)).to_be_visible()


def test_every_layer_says_its_source_keeper_document_and_date(
    open_map: Callable[..., Page], client: httpx.Client
) -> None:
    page = open_map()
    facts = client.get("/collections/land_use").json()["x-onemap"]

    row(page, titles(client)["land_use"]).get_by_role("button", name="来源与现势性").click()

    table = page.get_by_role("table", name=re.compile("来源与现势性"))
    for text in (facts["source"], facts["keeper"], facts["edition"]["document"]):
        expect(table).to_contain_text(text)
    expect(table).to_contain_text(facts["edition"]["validFrom"])


def test_the_filter_finds_layers_and_says_when_it_finds_none(
    open_map: Callable[..., Page],
) -> None:
    page = open_map()
    box = page.get_by_role("textbox", name="筛选图层")

    box.fill("农田")
    expect(page.locator(".row")).to_have_count(1)
    box.fill("没有这样的图层")
    expect(page.get_by_text("没有名称或来源含“没有这样的图层”的图层。")).to_be_visible()
    box.press("Escape")
    assert page.locator(".row").count() > 5


def test_a_click_tells_what_is_there_and_a_reload_tells_it_again(
    open_map: Callable[..., Page], client: httpx.Client, screenshot: Callable[[str], Path]
) -> None:
    page = open_map(f"{CITY}&l=land_use,county")

    page.locator("#map").click(position={"x": 300, "y": 300})

    cards = page.locator(".card")
    expect(cards).to_have_count(2)
    expect(page.locator("#results").get_by_text("此处 2 层，2 个要素")).to_be_visible()
    area = cards.first.get_by_role("row", name=re.compile(r"椭球面积（公顷）"))
    shown = area.get_by_role("cell").last.inner_text()
    assert re.fullmatch(r"[\d,]+\.\d{4}", shown)
    collection, identity = re.findall(r"sel=(\w+)/(\w+)", page.url)[0]
    feature = client.get(f"/collections/{collection}/items/{identity}").json()
    stored_ha = feature["properties"]["om_area_m2"] / 10_000
    assert float(shown.replace(",", "")) == pytest.approx(stored_ha, abs=5e-5)
    screenshot("one-map-feature")

    page.reload()
    expect(page.locator(".card.selected")).to_contain_text(identity)


def test_field_titles_units_and_code_titles_come_from_the_server(
    open_map: Callable[..., Page], client: httpx.Client
) -> None:
    page = open_map(f"{CITY}&l=land_use")
    page.locator("#map").click(position={"x": 300, "y": 300})
    card = page.locator(".card").first
    expect(card).to_be_visible()

    fields = client.get("/collections/land_use").json()["x-onemap"]["fields"]
    for field in fields:
        name = f"{field['title']}（{field['unit']}）" if field.get("unit") else field["title"]
        expect(card.locator("th[scope=row]").get_by_text(name, exact=True).first).to_be_attached()
    coded = next(f for f in fields if f.get("codes") and f["name"] == "YDYHFLDM")
    value = card.locator("tr").filter(has_text=coded["title"]).locator("td").first.inner_text()
    code, _, title = value.partition(" ")
    assert coded["codes"][code] == title


def test_a_missing_value_is_a_dash_with_its_reason(open_map: Callable[..., Page]) -> None:
    page = open_map("l=county&c=125.5,44.2&s=1000000&crs=3857")
    page.locator("#map").click(position={"x": 343, "y": 330})

    plan = page.locator(".card tr").filter(has_text="所属规划").locator("td")
    expect(plan).to_have_text("— 未登记所属规划")


def test_the_address_is_the_state_and_back_undoes_a_step(
    open_map: Callable[..., Page], client: httpx.Client
) -> None:
    page = open_map(f"{CITY}&l=county")
    check = row(page, titles(client)["land_use"]).get_by_role("checkbox")

    check.check()
    expect(page).to_have_url(re.compile(r"l=land_use,county"))
    expect(page.get_by_text("模拟数据").first).to_be_visible()
    page.go_back()

    expect(check).not_to_be_checked()
    expect(page).to_have_url(re.compile(r"l=county(&|$)"))


def test_parts_of_a_link_that_mean_nothing_are_named(open_map: Callable[..., Page]) -> None:
    page = open_map(f"{CITY}&l=county,no_such_layer,county.1066&zz=1")

    notice = page.locator(".banner")
    for part in ("zz=1", "no_such_layer", "county.1066"):
        expect(notice).to_contain_text(part)
    assert len(re.findall("。", notice.inner_text())) == 2
    expect(page).to_have_url(re.compile(r"l=county$"))
    notice.get_by_role("button", name="知道了").click()
    expect(notice).to_have_count(0)


def test_a_selected_feature_that_is_gone_is_named(
    page: Page, open_map: Callable[..., Page]
) -> None:
    open_map(f"{CITY}&l=county&sel=county/nobody")

    expect(page.locator(".banner")).to_contain_text("nobody")
    page.expect_faults("status of 404")  # type: ignore[attr-defined]


def test_synthetic_layers_are_watermarked_and_real_ones_are_not(
    open_map: Callable[..., Page],
) -> None:
    page = open_map("l=county")
    expect(page.locator(".watermark")).to_have_count(0)

    page = open_map(f"{CITY}&l=land_use")
    expect(page.locator(".watermark")).to_be_visible()


def test_another_edition_is_drawn_from_its_own_tiles_and_marked(
    open_map: Callable[..., Page], client: httpx.Client
) -> None:
    page = open_map(f"{CITY}&l=land_use")
    title = titles(client)["land_use"]
    row(page, title).get_by_role("button", name="更多操作").click()

    with page.expect_request(re.compile(r"/collections/land_use\.2023/tiles/WebMercatorQuad/")):
        page.get_by_role("combobox", name="版次").select_option("2023")

    expect(page).to_have_url(re.compile(r"l=land_use\.2023"))
    expect(row(page, title)).to_contain_text("非现行版次")


def test_a_layer_without_geometry_leads_to_its_figures(
    open_map: Callable[..., Page], client: httpx.Client
) -> None:
    page = open_map("l=county")
    row(page, titles(client)["census_2020"]).get_by_role("button", name="更多操作").click()

    figures = page.get_by_role("link", name="查看数据").get_attribute("href") or ""

    assert figures.startswith("/collections/census_2020/items?f=html&limit=100")
    answer = client.get(figures, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.text.count('<tr><th scope="row">') > 1


def test_fills_are_not_covered_by_outlines_and_land_use_not_by_the_growth_boundary(
    client: httpx.Client,
) -> None:
    parts = client.get("/styles/land_use").json()["layers"]
    boundary = client.get("/styles/control_lines_boundary").json()["layers"]

    lines = [part for part in parts if part["type"] == "line"]
    assert lines
    assert all(part["minzoom"] > 12 for part in lines)
    assert not [part for part in parts if part["type"] == "fill" and "minzoom" in part]
    assert {part["type"] for part in boundary} == {"line"}


def test_opacity_order_metadata_and_links_for_other_software_are_in_the_layers_menu(
    open_map: Callable[..., Page], client: httpx.Client, live_server: str
) -> None:
    page = open_map(f"{CITY}&l=land_use,county")
    row(page, titles(client)["land_use"]).get_by_role("button", name="更多操作").click()

    page.get_by_role("slider", name="不透明度").fill("40")
    expect(page).to_have_url(re.compile(r"l=land_use:40,county"))
    page.get_by_role("button", name="下移一层").click()
    expect(page).to_have_url(re.compile(r"l=county,land_use:40"))
    metadata = page.get_by_role("link", name="元数据").get_attribute("href") or ""
    assert client.get(metadata, headers={"Accept": "text/html"}).status_code == 200

    page.get_by_role("button", name="在其他软件中使用").click()
    dialog = page.get_by_role("dialog")
    values = [dialog.get_by_role("textbox").nth(n).input_value() for n in range(5)]
    assert f"{live_server}/" in values
    items = next(value for value in values if "/items" in value)
    assert client.get(items).status_code == 200


def test_the_keyboard_alone_reaches_the_map_asks_at_its_centre_and_reads_the_answer(
    open_map: Callable[..., Page], screenshot: Callable[[str], Path]
) -> None:
    page = open_map("l=county&c=125.5,44.2&s=1000000&crs=3857")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到资源目录")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#map")).to_be_focused()
    before = page.url
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(before)
    page.keyboard.press("+")
    page.keyboard.press("Enter")

    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_text("此处 1 层，1 个要素").first).to_be_attached()
    screenshot("one-map-keyboard")


def test_panels_are_resized_by_keyboard_and_remembered(open_map: Callable[..., Page]) -> None:
    page = open_map()
    handle = page.get_by_role("separator", name="调整资源目录宽度")
    width = int(handle.get_attribute("aria-valuenow") or 0)

    handle.press("ArrowRight")
    page.get_by_role("button", name="收起结果").click()
    page.reload()

    expect(handle).to_have_attribute("aria-valuenow", str(width + 16))
    expect(page.get_by_role("button", name="展开结果")).to_be_visible()


def test_scale_and_place_can_be_typed(open_map: Callable[..., Page]) -> None:
    page = open_map(f"{CITY}&l=county")

    scale = page.get_by_role("textbox", name=re.compile("比例尺"))
    scale.fill("1:10000")
    scale.press("Enter")
    expect(page).to_have_url(re.compile(r"s=(10000|9999|10001)&"))
    place = page.get_by_role("textbox", name=re.compile("坐标"))
    place.fill("125.5, 44.1")
    place.press("Enter")
    expect(page).to_have_url(re.compile(r"c=125\.5,44\.1(0000)?&"))
    place.fill("here")
    place.press("Enter")
    expect(page.get_by_text("请输入经度和纬度")).to_be_visible()


def test_the_page_speaks_english_and_remembers_it(
    page: Page, open_map: Callable[..., Page], client: httpx.Client
) -> None:
    open_map()
    page.get_by_role("button", name=re.compile("English")).click()

    expect(page.locator("html")).to_have_attribute("lang", "en-GB")
    expect(row(page, titles(client, "en")["county"])).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Resources")).to_be_visible()


def test_a_browser_that_prefers_another_language_gets_english_until_its_reader_chooses(
    browser: Browser, live_server: str
) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{live_server}/app/map")

    expect(page.get_by_role("heading", name="Resources")).to_be_visible()
    page.get_by_role("button", name=re.compile("中文")).click()
    page.reload()
    expect(page.get_by_role("heading", name="资源目录")).to_be_visible()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (390, 844)])
def test_nothing_is_inaccessible_in_any_theme_or_size(
    page: Page,
    open_map: Callable[..., Page],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
    theme: str,
    size: tuple[int, int],
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    open_map(f"{CITY}&l=urban_growth_boundary,land_use,county")

    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    assert violations() == []
    page.locator("#map").click(position={"x": size[0] // 8 + 100, "y": 200})
    expect(page.locator(".card").first).to_be_visible()
    assert violations() == []
    screenshot(f"one-map-{size[0]}-{theme}")


def test_on_a_phone_the_panels_are_sheets_of_which_one_is_open(
    page: Page, open_map: Callable[..., Page]
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_map()
    tree, legend = page.locator("#layers"), page.locator("#results")
    expect(tree).to_be_hidden()

    page.get_by_role("button", name="资源目录", exact=True).click()
    expect(tree).to_be_visible()
    page.get_by_role("button", name="图例", exact=True).click()
    expect(legend).to_be_visible()
    expect(tree).to_be_hidden()


def test_a_key_signs_in_and_signing_out_ends_it(
    page: Page, open_map: Callable[..., Page], new_key: Callable[..., str], live_server: str
) -> None:
    key = new_key("planner", person="张工")
    open_map("l=county")
    page.get_by_role("button", name="登录").click()
    page.get_by_role("textbox", name="访问密钥").fill(key)
    page.keyboard.press("Enter")

    menu = page.get_by_role("button", name="当前用户：张工")
    expect(menu).to_be_visible()
    cookies = page.context.cookies(live_server)
    assert [c["httpOnly"] for c in cookies] == [True]
    storage = page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert key not in storage
    page.reload()
    menu.click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("button", name="登录")).to_be_visible()
    assert page.context.request.get(f"{live_server}/session").json()["authenticated"] is False


def test_a_wrong_key_is_explained_and_the_field_is_ready_again(
    page: Page, open_map: Callable[..., Page], violations: Callable[[], list[str]]
) -> None:
    open_map("l=county")
    page.get_by_role("button", name="登录").click()
    field = page.get_by_role("textbox", name="访问密钥")
    field.fill("om_wrong_key")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("请检查访问密钥")
    expect(page.get_by_role("alert")).to_contain_text("请求编号")
    expect(field).to_be_focused()
    assert violations() == []
    page.expect_faults("status of 401")  # type: ignore[attr-defined]


def test_an_unreachable_server_is_said_with_a_way_to_retry(
    page: Page, live_server: str, violations: Callable[[], list[str]]
) -> None:
    page.route("**/collections?*", lambda route: route.abort())
    page.goto(f"{live_server}/app/map")
    alert = page.locator("#layers").get_by_role("alert")
    expect(alert).to_contain_text("无法连接服务器", timeout=DRAWN_MS)
    assert violations() == []

    page.unroute("**/collections?*")
    alert.get_by_role("button", name="重试").click()
    expect(page.locator(".row").first).to_be_visible()
    page.expect_faults("net::ERR_FAILED")  # type: ignore[attr-defined]


def test_tiles_that_fail_are_said_at_their_layer_and_asked_for_again(
    page: Page, open_map: Callable[..., Page]
) -> None:
    page.route("**/tiles/**", lambda route: route.abort())
    open_map("l=county")
    county = row(page, "县级行政区")
    expect(county).to_contain_text("图层未能绘制：无法连接服务器")

    page.unroute("**/tiles/**")
    county.get_by_role("button", name="重试").click()
    expect(county).not_to_contain_text("图层未能绘制")
    wait_painted(page)
    page.expect_faults("net::ERR_FAILED")  # type: ignore[attr-defined]


def test_with_no_layer_the_map_says_what_to_do(open_map: Callable[..., Page]) -> None:
    page = open_map("l=")

    expect(page.get_by_text("还没有显示任何图层")).to_be_visible()
    page.locator("#map").click(position={"x": 200, "y": 400})
    expect(page.locator("#results").get_by_text("没有可查询的图层")).to_be_visible()


def test_an_unknown_page_says_so_and_leads_back(
    page: Page, live_server: str, violations: Callable[[], list[str]]
) -> None:
    page.goto(f"{live_server}/app/no/such/page")

    expect(page.get_by_role("heading", name="没有这个页面")).to_be_visible()
    assert violations() == []
    page.get_by_role("link", name="返回一张图").click()
    expect(page.locator(".row").first).to_be_visible()


def test_the_page_and_its_parts_are_cached_as_they_should_be(
    client: httpx.Client, live_server: str
) -> None:
    entry = client.get("/app/map", headers={"Accept": "text/html"})
    script = re.findall(r'src="(/app/assets/[^"]+\.js)"', entry.text)[0]

    assert entry.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in entry.headers["content-security-policy"]
    assert "immutable" in client.get(script).headers["cache-control"]
    assert client.get("/app/assets/none.js").status_code == 404
