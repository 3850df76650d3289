"""Our styles in MapLibre GL JS itself: drawn, without an error, from this server alone."""

import base64
import math
import mimetypes
import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
import shapely.geometry
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Route, sync_playwright
from rasterio.features import rasterize
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds

from providers.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD, WORLD_M, Grid

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "server" / "web" / "node_modules" / "maplibre-gl" / "dist"
# Without a GPU WebGL2 is computed; --disable-gpu would leave none.
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="maplibre-gl.css">
<style>html, body, #map { margin: 0; width: 512px; height: 512px }</style><div id="map"></div>
<script type="module">
import * as maplibregl from './maplibre-gl.mjs'
maplibregl.setWorkerUrl(new URL('./maplibre-gl-worker.mjs', location.href).href)
window.maplibregl = maplibregl
</script></html>"""
DRAW = """([style, centre, zoom, back]) => new Promise((resolve, reject) => {
  const map = window.drawn = new maplibregl.Map({
    container: 'map', style, center: centre, zoom, interactive: false, fadeDuration: 0,
    attributionControl: false, canvasContextAttributes: {preserveDrawingBuffer: true},
  })
  window.faults = []
  map.on('error', event => window.faults.push(String(event.error && event.error.message || event)))
  setTimeout(() => reject(new Error('not drawn: ' + window.faults)), 60000)
  if (back) map.on('style.load', () => map.addLayer(
    {id: 'back', type: 'background', paint: {'background-color': back}}, map.getStyle().layers[0].id))
  map.once('idle', () => resolve({
    faults: window.faults,
    drawn: map.queryRenderedFeatures().length,
    sources: [...new Set(map.queryRenderedFeatures().map(each => each.source))],
    picture: map.getCanvas().toDataURL('image/png').split(',')[1],
    corners: [[0, 0], [512, 512]].map(at => map.unproject(at).toArray()),
  }))
})"""
WRITTEN = """layer => window.drawn.queryRenderedFeatures({layers: [layer]})
  .map(each => Object.values(each.properties).join(' '))"""
REMOVE = "() => window.drawn && window.drawn.remove()"
SIDE = 512
TILE_PX = 256
GROUNDS = ("#000000", "#ffffff")  # where the two pictures differ, the ground is seen
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
type Picture = NDArray[np.uint8]
type Draw = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, its WebGL2 computed by the processor."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "no chromium on this machine: `make test` installs it"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def draw(page: Page, live_server: str) -> Draw:
    """Draw a style in a page of this server; what MapLibre says of it, and the picture."""
    here = f"{live_server}/maplibre/"

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(here).partition("?")[0]
        if not name:
            route.fulfill(body=PAGE, content_type="text/html")
            return
        kind = "text/javascript" if name.endswith(".mjs") else mimetypes.guess_type(name)[0]
        route.fulfill(body=(LIBRARY / name).read_bytes(), content_type=kind or "text/plain")

    page.context.route(f"{here}**", answer)
    page.goto(here)
    page.wait_for_function("() => window.maplibregl")

    def shown(
        style: str | dict[str, Any], centre: list[float], zoom: float, back: str | None = None
    ) -> dict[str, Any]:
        address = f"{live_server}{style}" if isinstance(style, str) else style
        page.evaluate(REMOVE)
        found: dict[str, Any] = page.evaluate(DRAW, [address, centre, zoom, back])
        assert found["faults"] == []
        return found

    return shown


@pytest.fixture(scope="module")
def drawn_collections(client: httpx.Client) -> dict[str, dict[str, Any]]:
    found = client.get("/collections").json()["collections"]
    return {c["id"]: c for c in found if c["x-onemap"]["style"] is not None}


@pytest.fixture(scope="module")
def coverage(client: httpx.Client) -> shapely.geometry.base.BaseGeometry:
    """All of the demo's land use as one area, in degrees."""
    shapes = []
    address: str | None = "/collections/land_use/items?limit=1000&f=json"
    while address:
        page = client.get(address).raise_for_status().json()
        shapes += [shapely.geometry.shape(each["geometry"]) for each in page["features"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    return shapely.union_all(shapes)


def land_use(client: httpx.Client) -> dict[str, Any]:
    """The style of the land use alone."""
    asked = {"f": "mapbox", "collections": "land_use"}
    style: dict[str, Any] = client.get("/styles/land_use", params=asked).raise_for_status().json()
    return style


@pytest.fixture(scope="module")
def four_zooms(client: httpx.Client, wait_until: Callable[..., None]) -> list[int]:
    """Two zooms whose tiles hold classes and two above, once the worker has made the overview."""

    def border() -> int:
        (facts,) = land_use(client)["metadata"]["onemap:layers"]
        return int(facts["classesBelow"])

    wait_until(lambda: border() > 1, 120)
    return [border() - 2, border() - 1, border(), border() + 2]


def mercator(shape: Any) -> Any:
    """Degrees to the unit square of Web Mercator, y to the south."""

    def placed(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x = points[:, 0] / 360 + 0.5
        y = 0.5 - np.log(np.tan(np.pi / 4 + np.radians(points[:, 1]) / 2)) / (2 * np.pi)
        return np.column_stack((x, y))

    return shapely.transform(shape, placed)


def middle_of(collection: dict[str, Any]) -> tuple[list[float], float]:
    """The middle of a collection and the zoom at which it fills the page."""
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    square = mercator(shapely.box(west, south, east, north)).bounds
    span = max(square[2] - square[0], square[3] - square[1])
    return [(west + east) / 2, (south + north) / 2], min(14.0, math.log2(1 / span) - 0.1)


def read(picture: str) -> Picture:
    """A PNG as rows of red, green, blue."""
    with MemoryFile(base64.b64decode(picture)) as file, file.open() as image:
        bands: Picture = image.read()[:3]
    return np.moveaxis(bands, 0, -1)


def test_each_layer_is_drawn_by_its_style_without_an_error(
    client: httpx.Client, drawn_collections: dict[str, dict[str, Any]], draw: Draw
) -> None:
    assert len(drawn_collections) > 5
    for name, collection in drawn_collections.items():
        style = f"/styles/{collection['x-onemap']['style']}?f=mapbox&collections={name}"
        found = draw(style, *middle_of(collection))
        assert found["drawn"] > 0, name
        assert found["sources"] == [name]


def test_the_whole_map_shows_the_first_branch_of_the_tree_and_the_rest_when_asked(
    client: httpx.Client, drawn_collections: dict[str, dict[str, Any]], draw: Draw, page: Page
) -> None:
    style = client.get("/styles/one_map", params={"f": "mapbox"}).json()
    first = style["metadata"]["onemap:visible"]

    found = draw("/styles/one_map?f=mapbox", *middle_of(drawn_collections["land_use"]))
    assert 0 < len(first) < len(style["sources"])
    assert set(found["sources"]) == set(first)

    for part in style["layers"]:
        part.get("layout", {}).pop("visibility", None)
    everything = draw(style, *middle_of(drawn_collections["land_use"]))
    assert len(everything["sources"]) > len(first)
    assert set(style["sources"]) == set(drawn_collections)


def test_a_hatch_is_drawn_from_our_own_sprite(
    client: httpx.Client, draw: Draw, page: Page, live_server: str
) -> None:
    box = client.get("/collections/land_use").json()["extent"]["spatial"]["bbox"][0]
    centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    style = land_use(client)
    square = shapely.geometry.mapping(shapely.box(*box))
    reserved = {"type": "Feature", "properties": {"YDYHFLDM": "160000"}, "geometry": square}
    style["sources"]["land_use"] = {"type": "geojson", "data": reserved}
    for part in style["layers"]:
        part.pop("source-layer")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    picture = read(draw(style, centre, 13)["picture"])

    assert f"{live_server}/styles/sprite.png" in asked
    grey = picture.min(axis=-1)
    assert (picture.max(axis=-1) == grey).all()  # white ground and grey lines, nothing else
    assert (grey == 255).mean() > 0.3
    assert (grey < 190).mean() > 0.1
    assert grey.min() >= 138


def test_names_are_written_in_fonts_of_the_readers_own_system(
    drawn_collections: dict[str, dict[str, Any]], draw: Draw, page: Page, live_server: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    style = "/styles/administrative_boundary?f=mapbox&collections=county"

    draw(style, middle_of(drawn_collections["land_use"])[0], 9)
    written = page.evaluate(WRITTEN, "county-labels")

    assert any("区" in name for name in written)
    assert all(url.startswith((live_server, "blob:", "data:")) for url in asked)
    assert not [url for url in asked if url.partition("?")[0].endswith((".pbf", ".woff2", ".ttf"))]


def test_no_background_shows_within_the_coverage_as_maplibre_draws_it(
    client: httpx.Client, draw: Draw, coverage: Any, four_zooms: list[int]
) -> None:
    inner = mercator(coverage)
    west, south, east, north = coverage.bounds
    style = land_use(client)
    for zoom in four_zooms:
        centre = [(west + east) / 2, (south + north) / 2]
        dark, light = (draw(style, centre, zoom + 0.001, back) for back in GROUNDS)
        (left, top), (right, bottom) = (
            mercator(shapely.Point(corner)).coords[0] for corner in dark["corners"]
        )
        seen = read(dark["picture"]) != read(light["picture"])
        pixel = (right - left) / SIDE
        within = burnt(inner.buffer(-2 * pixel), (left, top, right, bottom), SIDE)
        assert within.any()
        assert not (seen.any(axis=-1) & within).any(), f"zoom {zoom}"


@pytest.mark.parametrize("grid", [WEB_MERCATOR_QUAD, CGCS2000_QUAD], ids=lambda one: one.id)
def test_no_pixel_within_the_coverage_is_left_empty_by_the_tiles_themselves(
    client: httpx.Client, coverage: Any, four_zooms: list[int], grid: Grid
) -> None:
    inner = coverage if grid is CGCS2000_QUAD else shapely.transform(mercator(coverage), to_metres)
    for zoom in four_zooms:
        level = zoom - grid.shift
        safe = inner.buffer(-2 * grid.cell(level))
        middle = safe.envelope.centroid.buffer(3 * TILE_PX * grid.cell(level))
        first, last, west, east = grid.limits(coverage.bounds, level)
        seen = 0
        for row, column in product(range(first, last + 1), range(west, east + 1)):
            left, bottom, right, top = grid.bounds(level, row, column)
            if not middle.intersects(shapely.box(left, bottom, right, top)):
                continue  # of a near zoom the tiles around the middle
            within = burnt(safe, (left, top, right, bottom), TILE_PX)
            if not within.any():
                continue
            path = f"/collections/land_use/tiles/{grid.id}/{level}/{row}/{column}"
            filled = decoded(client.get(path, params={"f": "mvt"}).raise_for_status().content)
            assert not (within & ~filled).any(), f"tile {level}/{row}/{column}"
            seen += 1
        assert seen, f"zoom {zoom}"


def to_metres(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit square of Web Mercator in metres, y to the north."""
    return np.column_stack((points[:, 0] - 0.5, 0.5 - points[:, 1])) * 2 * WORLD_M


def burnt(shape: Any, place: tuple[float, float, float, float], side: int) -> NDArray[np.bool_]:
    """The pixels of a square window, left, top, right, bottom, whose middle lies in the shape."""
    left, top, right, bottom = place
    if shape.is_empty:
        return np.zeros((side, side), np.bool_)
    grid = from_bounds(left, bottom, right, top, side, side)  # rows go down as y does
    return np.asarray(rasterize([shape], (side, side), transform=grid, dtype="uint8"), np.bool_)


def decoded(tile: bytes) -> NDArray[np.bool_]:
    """The pixels of a tile that any of its areas touches."""
    if not tile:
        return np.zeros((TILE_PX, TILE_PX), np.bool_)
    layer = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})["land_use"]
    shapes = [shapely.geometry.shape(each["geometry"]) for each in layer["features"]]
    extent = layer["extent"]
    grid = from_bounds(0, extent, extent, 0, TILE_PX, TILE_PX)
    burned = rasterize(shapes, (TILE_PX, TILE_PX), transform=grid, all_touched=True, dtype="uint8")
    return np.asarray(burned, np.bool_)
