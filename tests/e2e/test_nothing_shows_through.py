"""Where a coverage lies the ground of the map is not seen, at any zoom and in any view of the page."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import numpy as np
import pytest
import shapely
import shapely.geometry
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect
from pyproj import Geod, Transformer
from rasterio.features import rasterize
from rasterio.transform import from_bounds

DRAWN_MS = 20_000
PIXEL_M = 0.00028
GRS80 = Geod(ellps="GRS80")
ROUNDING = 1  # of 255: what laying one translucent edge on another leaves
GROUNDS = ("#000000", "#ffffff")  # where the two pictures differ, the ground is seen
ON_GROUND = "colour => { document.querySelector('.ol-viewport').style.background = colour }"
BEYOND = (-2.7, -1.4, 0.4, 1.3)  # zooms from the one below which tiles hold areas of classes
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

type Shape = shapely.geometry.base.BaseGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """All of the demo's land use as one area, in degrees, and where its classes begin."""

    area: Shape
    middle: tuple[float, float]
    classes_below: int


@pytest.fixture(scope="module")
def coverage(client: httpx.Client, wait_until: Callable[..., None]) -> Coverage:
    wait_until(lambda: classes_below(client) > 0, 120)  # the worker makes the overview
    shapes = []
    address: str | None = "/collections/land_use/items?limit=1000&f=json"
    while address:
        page = client.get(address).raise_for_status().json()
        shapes += [shapely.geometry.shape(each["geometry"]) for each in page["features"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    area = shapely.union_all(shapes)
    west, south, east, north = area.bounds
    return Coverage(
        area=area,
        middle=(round((west + east) / 2, 5), round((south + north) / 2, 5)),
        classes_below=classes_below(client),
    )


def classes_below(client: httpx.Client) -> int:
    """Below which zoom tiles hold areas of classes; 0 where none do."""
    asked = {"f": "mapbox", "collections": "land_use"}
    style = client.get("/styles/land_use", params=asked).raise_for_status().json()
    (facts,) = style["metadata"]["onemap:layers"]
    return int(facts["classesBelow"])


@pytest.fixture
def pictures(page: Page, live_server: str) -> Callable[[str], list[NDArray[np.int64]]]:
    """The map alone over each of the grounds, once everything is drawn."""

    def take(query: str) -> list[NDArray[np.int64]]:
        page.goto(f"{live_server}/app/map?{query}")
        expect(page.locator(".row").first).to_be_attached()
        for _ in range(2):
            expect(page.locator(".busy")).to_have_count(0, timeout=DRAWN_MS)
            page.evaluate("() => new Promise(done => setTimeout(done, 250))")
        taken = []
        for ground in GROUNDS:
            page.evaluate(ON_GROUND, ground)
            image = Image.open(io.BytesIO(page.locator(".ol-viewport").first.screenshot()))
            taken.append(np.asarray(image.convert("RGB")).astype(np.int64))
        return taken

    return take


@pytest.mark.parametrize("code", ["4490", "3857", "4528"])
def test_the_ground_is_not_seen_within_a_coverage(
    pictures: Callable[[str], list[NDArray[np.int64]]], coverage: Coverage, code: str
) -> None:
    to_view = Transformer.from_crs("EPSG:4490", f"EPSG:{code}", always_xy=True)
    x, y = to_view.transform(*coverage.middle)
    step = 1e-4 if code == "4490" else 10.0
    ends = (to_view.transform(x + by, y, direction="INVERSE") for by in (-step, step))
    unit_m = GRS80.inv(*next(ends), *next(ends))[2] / (2 * step)
    dense = shapely.segmentize(coverage.area, 1e-3)
    inner = shapely.transform(dense, lambda p: np.column_stack(to_view.transform(*p.T)))
    metres_in_degree = GRS80.inv(0, coverage.middle[1], 0.001, coverage.middle[1])[2] * 1000
    for beyond in BEYOND:
        resolution_m = metres_in_degree * 360 / 512 / 2 ** (coverage.classes_below + beyond)
        scale = round(resolution_m / PIXEL_M)
        place = ",".join(map(str, coverage.middle))
        dark, light = pictures(f"c={place}&s={scale}&l=land_use&crs={code}")
        seen = np.abs(light - dark).max(axis=-1)
        high, wide = seen.shape
        cell = scale * PIXEL_M / unit_m
        grid = from_bounds(
            x - wide / 2 * cell, y - high / 2 * cell, x + wide / 2 * cell, y + high / 2 * cell, wide, high
        )  # fmt: skip
        within = np.asarray(
            rasterize([inner.buffer(-2 * cell)], (high, wide), transform=grid, dtype="uint8"),
            np.bool_,
        )
        assert within.any(), f"{beyond} zooms beyond"
        assert within.all() or seen.max() == 255, "without a layer the ground is seen"
        assert seen[within].max() <= ROUNDING, f"{beyond} zooms beyond"
