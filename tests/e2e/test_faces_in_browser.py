"""The plain pages in a browser: on a phone and a desk, light and dark, without script."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

PAGES = {
    "landing": "/",
    "collections": "/collections",
    "collection": "/collections/planned_land_use",
    "items": "/collections/land_use/items?limit=20&bbox=125.2,43.8,125.5,44",
    "item": "/collections/planned_land_use/items/{planned_land_use}",
    "county": "/collections/county/items/{county}",
    "table": "/collections/census_2020/items/{census_2020}",
    "schema": "/collections/land_use/schema",
    "functions": "/functions",
    "tilesets": "/collections/land_use/tiles",
    "tile-matrix-set": "/tileMatrixSets/WebMercatorQuad",
    "conformance": "/conformance",
    "processes": "/processes",
    "process": "/processes/compliance-check",
    "jobs": "/jobs",
    "problem": "/problems/NotFound",
}
SIZES = {"phone": (390, 844), "desk": (1280, 900)}
ITEM = PAGES["item"]


def address(client: httpx.Client, path: str) -> str:
    """The path with the first feature of the collection that it names."""
    before, brace, layer = path.partition("{")
    if not brace:
        return path
    page = client.get(f"/collections/{layer[:-1]}/items?limit=1").json()
    return before + quote(page["features"][0]["id"], safe="")


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_is_readable_in_both_languages_and_themes(
    page: Page,
    live_server: str,
    client: httpx.Client,
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
    name: str,
    size: str,
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    path = address(client, PAGES[name])
    for lang, theme in (("zh", "light"), ("en", "dark")):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.goto(f"{live_server}{path}{'&' if '?' in path else '?'}lang={lang}")

        expect(page.locator("html")).to_have_attribute("lang", {"zh": "zh-CN", "en": "en"}[lang])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations() == []
        screenshot(f"face-{name}-{size}-{theme}-{lang}")


def test_a_row_of_a_schema_is_a_few_lines_high_on_a_phone(page: Page, live_server: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server}/collections/land_use/schema?f=html")

    heights = page.evaluate("[...document.querySelectorAll('tbody tr')].map(r => r.offsetHeight)")

    assert len(heights) > 10
    assert max(heights) <= 80


def test_a_feature_lies_on_its_map_between_scale_and_north(
    page: Page, live_server: str, client: httpx.Client
) -> None:
    page.goto(f"{live_server}{address(client, ITEM)}?lang=zh")

    picture = page.locator("figure.map svg").first
    feature, paper = (
        picture.locator(f".{n}").bounding_box() for n in ("map-selected", "map-paper")
    )
    assert feature
    assert paper
    assert paper["x"] <= feature["x"]
    assert paper["y"] <= feature["y"]
    assert feature["x"] + feature["width"] <= paper["x"] + paper["width"]
    assert feature["y"] + feature["height"] <= paper["y"] + paper["height"]
    assert feature["width"] > paper["width"] / 8
    expect(page.get_by_role("img", name="位置图")).to_be_visible()
    expect(picture.locator(".map-north")).to_be_visible()
    expect(picture.locator(".map-bar")).to_be_visible()


def test_a_reader_narrows_a_list_and_widens_it_again(
    page: Page, live_server: str, violations: Callable[[], list[str]]
) -> None:
    page.goto(f"{live_server}/collections/land_use/items?limit=5&lang=zh")
    page.locator("details.conditions").evaluate("each => { each.open = true }")
    form = page.locator("form.condition").filter(has_text="范围（西")
    form.get_by_role("textbox").fill("125.2,43.8,125.5,44")
    form.get_by_role("button").click()

    expect(page).to_have_url(
        f"{live_server}/collections/land_use/items?limit=5&lang=zh&bbox=125.2%2C43.8%2C125.5%2C44"
    )
    page.get_by_role("link", name="下一页").first.click()
    expect(page.get_by_role("link", name="首页").last).to_be_visible()
    assert violations() == []
    page.get_by_role("link", name="去掉 范围").click()
    expect(page).to_have_url(f"{live_server}/collections/land_use/items?limit=5&lang=zh")


def test_a_click_selects_a_whole_command(page: Page, live_server: str) -> None:
    page.goto(f"{live_server}/collections/county?lang=zh")
    page.locator("summary", has_text="GDAL").click()
    block = page.locator("pre.copy:visible")

    block.click()

    selected = page.evaluate("getSelection().toString()")
    assert selected.strip() == block.inner_text().strip()
    assert selected.startswith("ogrinfo -ro -so OAPIF:")


def test_the_map_application_opens_at_the_feature(
    page: Page, live_server: str, client: httpx.Client
) -> None:
    page.goto(f"{live_server}{address(client, ITEM)}?lang=zh")

    page.get_by_role("link", name="在一张图中打开").click()

    expect(page.get_by_role("application").or_(page.locator(".ol-viewport")).first).to_be_visible()
    assert "l=planned_land_use" in page.url
    assert "c=125." in page.url
