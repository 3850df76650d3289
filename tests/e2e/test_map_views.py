"""The views of the map page: degrees of CGCS2000, a 3-degree zone, Web Mercator."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect
from pyproj import Geod, Transformer
from shapely import get_parts, maximum_inscribed_circle
from shapely.geometry import shape

DRAWN_MS = 20_000
PIXEL_M = 0.00028
GRS80 = Geod(ellps="GRS80")
CENTRE = (125.3235, 43.8865)
PLACE = f"c={CENTRE[0]},{CENTRE[1]}"
VIEWS = {"4490": "CGCS2000Quad", "4530": "CGCS2000Quad", "3857": "WebMercatorQuad"}
TITLES = {
    "4490": "CGCS2000 经纬度",
    "4530": "CGCS2000 3度带 42带（126°）",
    "3857": "Web 墨卡托",
}


@pytest.fixture
def open_map(page: Page, live_server: str) -> Callable[[str], Page]:
    """Open the page with a query and wait until everything asked for is drawn."""

    def visit(query: str = "") -> Page:
        page.goto(f"{live_server}/app/map{'?' if query else ''}{query}")
        expect(page.locator(".row").first).to_be_attached()
        drawn(page)
        return page

    return visit


def drawn(page: Page) -> None:
    """Wait until no tile is awaited: twice, as before the first one is asked for none is, either."""
    for _ in range(2):
        expect(page.locator(".busy")).to_have_count(0, timeout=DRAWN_MS)
        page.evaluate("() => new Promise(done => setTimeout(done, 250))")


def tiles_asked(page: Page) -> list[str]:
    """The addresses of tiles that the page asks for from now on."""
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if "/tiles/" in r.url else None)
    return asked


def grids(asked: list[str]) -> set[str]:
    return {url.split("/tiles/")[1].split("/")[0] for url in asked}


def place_in_address(page: Page) -> tuple[float, float, int]:
    """Longitude, latitude and scale denominator as the address has them."""
    found = re.search(r"c=(-?[\d.]+),(-?[\d.]+)&s=(\d+)", page.url)
    assert found, page.url
    return float(found[1]), float(found[2]), int(found[3])


def switch(page: Page, code: str) -> None:
    with page.expect_request(re.compile("/tiles/")):
        page.get_by_role("combobox", name="视图坐标系").select_option(code)
    expect(page).to_have_url(re.compile(f"crs={code}"))
    drawn(page)


def units_per_pixel(code: str, place: tuple[float, float], scale: float) -> float:
    """From the geodesic line along the parallel: what PROJ says of the view's unit at *place*."""
    to_view = Transformer.from_crs("EPSG:4490", f"EPSG:{code}", always_xy=True)
    x, y = to_view.transform(*place)
    step = 1e-4 if code == "4490" else 10.0
    _, _, metres = GRS80.inv(*to_view.transform(x - step, y, direction="INVERSE"),
                             *to_view.transform(x + step, y, direction="INVERSE"))  # fmt: skip
    return scale * PIXEL_M / (float(metres) / (2 * step))


def hover(page: Page, right: float, down: float) -> None:
    """Point at a place so many pixels from the middle of the map."""
    box = page.locator("#map").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2 + right, box["y"] + box["height"] / 2 + down)


def told_degrees(page: Page) -> tuple[float, float]:
    text = page.get_by_role("textbox", name=re.compile("坐标")).input_value()
    found = re.fullmatch(r"([\d.]+)°E ([\d.]+)°N", text)
    assert found, text
    return float(found[1]), float(found[2])


def told_plane(page: Page) -> tuple[float, float, int]:
    text = page.locator(".readout .plane").inner_text()
    found = re.fullmatch(r"X ([\d.]+) Y ([\d.]+) 3°(\d+)带", text)
    assert found, text
    return float(found[1]), float(found[2]), int(found[3])


def test_the_map_opens_in_degrees_and_asks_for_tiles_of_the_national_grid_alone(
    page: Page, open_map: Callable[[str], Page], screenshot: Callable[[str], Path]
) -> None:
    asked = tiles_asked(page)
    open_map("")

    expect(page.get_by_role("combobox", name="视图坐标系")).to_have_value("4490")
    expect(page).to_have_url(re.compile("crs=4490"))
    assert asked
    assert grids(asked) == {"CGCS2000Quad"}
    screenshot("one-map-view-first")


@pytest.mark.parametrize("code", VIEWS)
def test_each_view_draws_its_tiles_and_is_accessible(
    page: Page,
    open_map: Callable[[str], Page],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
    code: str,
) -> None:
    asked = tiles_asked(page)
    open_map(f"{PLACE}&s=30000&crs={code}&l=urban_growth_boundary,land_use,county")

    assert grids(asked) == {VIEWS[code]}
    assert colours(page) > 10
    option = page.get_by_role("combobox", name="视图坐标系").locator("option:checked")
    expect(option).to_have_text(TITLES[code])
    assert violations() == []
    screenshot(f"one-map-view-{code}")


@pytest.mark.parametrize("code", ["4530", "4529", "3857"])
def test_another_view_keeps_place_and_scale_and_back_returns(
    page: Page, open_map: Callable[[str], Page], code: str
) -> None:
    open_map(f"{PLACE}&s=30000&l=land_use")
    before = place_in_address(page)
    asked = tiles_asked(page)

    switch(page, code)

    assert grids(asked) == {"WebMercatorQuad" if code == "3857" else "CGCS2000Quad"}
    expect(page.get_by_role("textbox", name=re.compile("比例尺"))).to_have_value("1:30,000")
    after = place_in_address(page)
    assert after[:2] == pytest.approx(before[:2], abs=1e-5)
    assert after[2] == pytest.approx(before[2], abs=1)
    page.go_back()
    expect(page.get_by_role("combobox", name="视图坐标系")).to_have_value("4490")
    drawn(page)
    assert place_in_address(page) == before


def test_the_view_is_switched_by_keyboard_alone(
    page: Page, open_map: Callable[[str], Page]
) -> None:
    open_map(f"{PLACE}&s=30000&l=county")
    switcher = page.get_by_role("combobox", name="视图坐标系")
    page.get_by_role("combobox", name="经纬度写法").focus()

    page.keyboard.press("Tab")
    expect(switcher).to_be_focused()
    page.keyboard.press("End")

    expect(switcher).to_have_value("3857")
    expect(page).to_have_url(re.compile("crs=3857"))


@pytest.mark.parametrize("code", [*VIEWS, "4551"])
def test_a_link_opens_the_view_that_it_names(
    page: Page, open_map: Callable[[str], Page], code: str
) -> None:
    open_map(f"{PLACE}&s=20000&crs={code}&l=land_use:40,county")
    page.keyboard.press("Tab")
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(re.compile(re.escape(PLACE)))
    link, place = page.url, place_in_address(page)

    page.goto("about:blank")
    page.goto(link)
    drawn(page)

    expect(page.get_by_role("combobox", name="视图坐标系")).to_have_value(code)
    assert page.url == link
    assert place_in_address(page) == place


def test_a_view_that_there_is_not_is_named_and_the_place_kept(
    page: Page, open_map: Callable[[str], Page]
) -> None:
    open_map(f"{PLACE}&s=20000&crs=2154&l=county")

    expect(page.locator(".banner")).to_contain_text("crs=2154")
    expect(page.get_by_role("combobox", name="视图坐标系")).to_have_value("4490")
    assert place_in_address(page)[:2] == CENTRE


@pytest.mark.parametrize("code", VIEWS)
def test_the_read_out_at_a_corner_of_a_parcel_is_the_servers_coordinate(
    page: Page, open_map: Callable[[str], Page], client: httpx.Client, code: str
) -> None:
    query: dict[str, Any] = {"limit": 1, "bbox": "125.32,43.884,125.327,43.889"}
    uri = "http://www.opengis.net/def/crs/EPSG/0/4530"
    items = "/collections/land_use/items"
    degrees = client.get(items, params=query).json()["features"][0]
    plane = client.get(items, params={**query, "crs": uri}).json()["features"][0]
    assert degrees["id"] == plane["id"]
    corner = degrees["geometry"]["coordinates"][0][0][0]
    north, east = plane["geometry"]["coordinates"][0][0][0]
    centre = (round(corner[0] + 0.0006, 5), round(corner[1] - 0.0004, 5))
    open_map(f"c={centre[0]},{centre[1]}&s=1000&crs={code}&l=land_use")

    to_view = Transformer.from_crs("EPSG:4490", f"EPSG:{code}", always_xy=True)
    (cx, cy), (x, y) = to_view.transform(*centre), to_view.transform(*corner)
    unit = units_per_pixel(code, centre, 1000)
    hover(page, (x - cx) / unit, (cy - y) / unit)

    reach = 1.5 * 1000 * PIXEL_M  # metres: the pointer stands on whole pixels, of 28 cm here
    longitude, latitude = told_degrees(page)
    assert GRS80.inv(longitude, latitude, corner[0], corner[1])[2] < reach
    told_x, told_y, zone = told_plane(page)
    assert zone == 42
    assert (told_x, told_y) == pytest.approx((north, east), abs=reach)


@pytest.mark.parametrize("code", VIEWS)
@pytest.mark.parametrize("scale", [1_000, 250_000])
def test_the_scale_bar_is_as_long_on_the_ground_as_it_says(
    page: Page, open_map: Callable[[str], Page], code: str, scale: int
) -> None:
    open_map(f"{PLACE}&s={scale}&crs={code}&l=county")
    words = page.locator(".scale-bar .length").inner_text()
    number, unit = words.split()
    said = float(number.replace(",", "")) * {"米": 1, "千米": 1000}[unit]
    box = page.locator(".scale-bar .line").bounding_box()
    assert box

    hover(page, -300, 0)
    first = told_degrees(page)
    hover(page, 300, 0)
    measured = GRS80.inv(*first, *told_degrees(page))[2] / 600 * box["width"]

    assert measured == pytest.approx(said, rel=0.004)


def test_degrees_are_told_in_minutes_and_seconds_where_that_is_chosen_and_any_form_is_a_way_to_go(
    page: Page, open_map: Callable[[str], Page], screenshot: Callable[[str], Path]
) -> None:
    open_map("c=125.32416,43.88653&s=10000&l=county")
    place = page.get_by_role("textbox", name=re.compile("坐标"))
    expect(page.locator(".plane")).to_have_text("X 4861436.64 Y 42445690.19 3°42带")

    page.get_by_role("combobox", name="经纬度写法").select_option("度分秒")
    expect(place).to_have_value("125°19′26.976″E 43°53′11.508″N")
    screenshot("one-map-view-sexagesimal")
    page.reload()
    expect(place).to_have_value("125°19′26.976″E 43°53′11.508″N")

    place.fill("X 4818754.54 Y 41580876.90")
    place.press("Enter")
    expect(page).to_have_url(re.compile(r"c=124,43\.5&"))
    place.fill("125°19′26.976″E 43°53′11.508″N")
    place.press("Enter")
    expect(page).to_have_url(re.compile(r"c=125\.32416,43\.88653&"))


@pytest.mark.parametrize("code", [*VIEWS, "4529"])
def test_no_edge_of_a_tile_is_seen_inside_a_parcel(
    page: Page, open_map: Callable[[str], Page], client: httpx.Client, code: str
) -> None:
    found = client.get("/collections/land_use/items", params={"limit": 3000}).json()["features"]
    parts = [polygon for f in found for polygon in get_parts(shape(f["geometry"]))]
    circles = [maximum_inscribed_circle(part) for part in parts]
    largest = max((line for line in circles if line), key=lambda line: line.length)
    longitude, latitude = largest.coords[0]
    degrees = largest.length
    # the circle holds the map, and the tiles of this scale are smaller than the map
    scale = round(degrees * 80_000 / (480 * PIXEL_M))
    open_map(f"c={longitude:.5f},{latitude:.5f}&s={scale}&crs={code}&l=land_use")

    assert colours(page) >= 1
    assert shades(page) <= 1  # compositing rounds


def test_a_click_in_a_zoom_of_classes_says_that_no_features_are_shown(
    page: Page, open_map: Callable[[str], Page]
) -> None:
    page.route(
        "**/collections/land_use/tiles/**",
        lambda route: route.fulfill(
            body=class_tile("land_use", "YDYHFLDM", "0101"),
            content_type="application/vnd.mapbox-vector-tile",
        ),
    )
    open_map(f"{PLACE}&s=400000&l=land_use,county")

    page.locator("#map").click(position={"x": 343, "y": 336})

    results = page.locator("#results")
    expect(results.get_by_text("图上是同类地块合并后的范围，不是单个要素")).to_have_count(1)
    expect(results.locator(".card").first).to_be_visible()


def test_what_a_tile_leaves_out_is_said_at_its_layer(
    page: Page, open_map: Callable[[str], Page]
) -> None:
    counting = class_tile("land_use_omitted", "count", 1234)
    body = class_tile("land_use", "om_id", "x") + counting
    page.route(
        "**/collections/land_use/tiles/CGCS2000Quad/16/*/*",
        lambda route: route.fulfill(body=body, content_type="application/vnd.mapbox-vector-tile"),
    )
    open_map(f"{PLACE}&s=2000&l=land_use")

    said = page.locator(".row").filter(has_text="图上略去")
    expect(said).to_contain_text(re.compile(r"图上略去 [\d,]+ 个较小的要素"))
    assert int(re.findall(r"略去 ([\d,]+)", said.inner_text())[0].replace(",", "")) % 1234 == 0


def test_an_external_table_drawn_from_an_overview_says_as_of_when(
    page: Page, open_map: Callable[[str], Page], screenshot: Callable[[str], Path]
) -> None:
    asked: list[str] = []

    def external(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        for one in body["collections"]:
            one["x-onemap"]["storage"] = "external" if one["id"] == "land_use" else "managed"
        route.fulfill(response=answer, json=body)

    def taken(route: Route) -> None:
        asked.append(route.request.url)
        answer = route.fetch()
        body = answer.json()
        assert body["x-onemap"]["takenAt"] is None  # a layer of ours
        body["x-onemap"]["takenAt"] = "2026-11-27T20:05:33+00:00"
        route.fulfill(response=answer, json=body)

    page.route(re.compile(r"/collections\?"), external)
    page.route(re.compile(r"/collections/[^/]+/tiles/[^/]+$"), taken)
    open_map(f"{PLACE}&s=400000&l=land_use,county")

    said = page.locator(".row").filter(has_text="缩小时截至")
    expect(said).to_contain_text("缩小时截至 2026-11-28 04:05，放大即现状")
    expect(said.locator(".title")).to_contain_text("现状用地用海")
    page.get_by_role("button", name=re.compile("English")).click()
    expect(
        page.get_by_text("Zoomed out as of 2026-11-28 04:05, closer as it is now")
    ).to_be_visible()
    assert len(asked) == 1  # nothing of tables that are ours
    screenshot("one-map-view-taken")


def test_a_busy_server_is_asked_again_when_it_says(
    page: Page, open_map: Callable[[str], Page]
) -> None:
    refused: list[str] = []

    def once(route: Route) -> None:
        if route.request.url in refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            busy(route, "1")

    page.route("**/tiles/**", once)
    open_map(f"{PLACE}&s=30000&l=land_use")

    assert refused
    expect(page.locator("#layers")).not_to_contain_text("图层未能绘制")
    assert colours(page) > 5
    page.expect_faults("status of 503")  # type: ignore[attr-defined]


def test_a_server_that_stays_busy_is_given_up_and_said_at_the_layer(
    page: Page, open_map: Callable[[str], Page]
) -> None:
    asked = tiles_asked(page)
    page.route("**/tiles/**", lambda route: busy(route, "0"))
    open_map(f"{PLACE}&s=30000&l=county")

    county = page.locator(".row").filter(has_text="县级行政区")
    expect(county).to_contain_text("图层未能绘制：服务器繁忙")
    assert {asked.count(url) for url in asked} == {4}
    page.unroute("**/tiles/**")
    county.get_by_role("button", name="重试").click()
    expect(county).not_to_contain_text("图层未能绘制")
    page.expect_faults("status of 503")  # type: ignore[attr-defined]


def test_on_a_phone_the_view_can_be_switched(
    page: Page,
    open_map: Callable[[str], Page],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_map(f"{PLACE}&s=30000&l=land_use,county")

    switch(page, "4530")

    assert violations() == []
    screenshot("one-map-view-390")


def test_the_views_have_english_names(page: Page, open_map: Callable[[str], Page]) -> None:
    open_map(f"{PLACE}&s=30000&l=county")
    page.get_by_role("button", name=re.compile("English")).click()

    switcher = page.get_by_role("combobox", name="Reference system of the view")
    expect(switcher.locator("option")).to_have_text(
        [
            "CGCS2000 degrees",
            "CGCS2000 3° zone 41 (123°)",
            "CGCS2000 3° zone 42 (126°)",
            "Web Mercator",
        ]
    )


def colours(page: Page) -> int:
    """How many colours the map has, the ground not counted."""
    return int(
        page.locator("#map canvas").evaluate_all(
            """canvases => new Set(canvases.flatMap(canvas => {
                 const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
                 return [...new Set(new Uint32Array(data.buffer))].filter(Boolean)
               })).size"""
        )
    )


def shades(page: Page) -> int:
    """By how much the pixels of the map differ at most, in one of red, green, blue and opacity."""
    return int(
        page.locator("#map canvas").evaluate_all(
            """canvases => Math.max(...canvases.map(canvas => {
                 const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
                 const low = [255, 255, 255, 255], high = [0, 0, 0, 0]
                 data.forEach((value, i) => {
                   low[i % 4] = Math.min(low[i % 4], value)
                   high[i % 4] = Math.max(high[i % 4], value)
                 })
                 return Math.max(...high.map((value, i) => value - low[i]))
               }))"""
        )
    )


def busy(route: Route, seconds: str) -> None:
    route.fulfill(
        status=503,
        headers={"Retry-After": seconds},
        content_type="application/problem+json",
        body='{"code": "Overloaded", "status": 503}',
    )


def class_tile(layer: str, field: str, value: str | int) -> bytes:
    """A tile with one square over all of it and one property (Mapbox Vector Tile 2.1)."""

    def varint(number: int) -> bytes:
        out = bytearray()
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        return bytes([*out, number])

    def block(tag: int, content: bytes) -> bytes:
        return varint(tag << 3 | 2) + varint(len(content)) + content

    def whole(tag: int, number: int) -> bytes:
        return varint(tag << 3) + varint(number)

    square = [9, 0, 0, 26, 8192, 0, 0, 8192, 8191, 0, 15]
    feature = block(2, bytes([0, 0])) + whole(3, 3) + block(4, b"".join(map(varint, square)))
    content = block(1, value.encode()) if isinstance(value, str) else whole(5, value)
    return block(
        3,
        block(1, layer.encode())
        + block(2, feature)
        + block(3, field.encode())
        + block(4, content)
        + whole(5, 4096)
        + whole(15, 2),
    )
