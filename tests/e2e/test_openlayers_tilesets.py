"""OpenLayers as others deploy it: a page of another host opens our tilesets by their address."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "server" / "web" / "node_modules" / "ol" / "dist" / "ol.js"
CITY = [125.3235, 43.8865]
# OpenLayers takes the system of a vector source from its options; 4490 is not one of its own.
SYSTEMS = {
    "WebMercatorQuad": "EPSG:3857",
    "WorldCRS84Quad": "EPSG:4326",
    "CGCS2000Quad": "EPSG:4490",
}
GRIDS = list(SYSTEMS)
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<div id="map" style="width: 512px; height: 512px"></div><script src="/ol.js"></script>
<script>
ol.proj.addProjection(new ol.proj.Projection({
  code: 'EPSG:4490', units: 'degrees', axisOrientation: 'neu', extent: [-180, -90, 180, 90], global: true,
}))
ol.proj.addEquivalentProjections([ol.proj.get('EPSG:4490'), ol.proj.get('EPSG:4326')])
function show({ url, centre, zoom, collections, projection }) {
  const said = { loaded: 0, errors: [] }
  const format = new ol.format.MVT()
  const source = new ol.source.OGCVectorTile({ url, collections, projection, format })
  source.on('tileloadend', () => { said.loaded += 1 })
  source.on('tileloaderror', event => said.errors.push(String(event.tile.key)))
  return new Promise(done => {
    let map
    const give = () => {
      const layer = map?.getLayers().item(0)
      const drawn = layer?.getFeaturesInExtent(map.getView().calculateExtent()) ?? []
      done({
        ...said,
        state: source.getState(),
        features: drawn.length,
        names: [...new Set(drawn.map(one => one.get('layer')))].sort(),
        centre: map?.getFeaturesAtPixel([256, 256]).map(one => one.getProperties()) ?? [],
      })
    }
    const draw = () => {  // in the grid's own system, as OpenLayers draws vector tiles
      const center = ol.proj.fromLonLat(centre, projection)
      map = new ol.Map({
        target: 'map',
        layers: [new ol.layer.VectorTile({ source })],
        view: new ol.View({ projection, center, zoom }),
        controls: [],
      })
      map.on('loadend', () => { if (said.loaded) give() })
      map.on('error', give)
    }
    source.on('change', () => {
      if (source.getState() === 'ready' && !map) draw()
      if (source.getState() === 'error') give()
    })
    setTimeout(give, 20000)
  })
}
</script>
"""


class Host(BaseHTTPRequestHandler):
    """Serves the page and the library, and nothing else."""

    def do_GET(self) -> None:
        files: dict[str, tuple[str, Callable[[], bytes]]] = {
            "/": ("text/html", PAGE.encode),
            "/ol.js": ("text/javascript", LIBRARY.read_bytes),
        }
        found = files.get(self.path)
        if found is None:
            self.send_error(404)
            return
        kind, content = found
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(content())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """The address of a page that is not ours."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


type Opener = Callable[..., dict[str, Any]]


@pytest.fixture
def open_tileset(browser: Browser, host: str) -> Iterator[Opener]:
    """Open a tileset in a map of that page and say what came of it; any error fails the test."""
    context = browser.new_context(viewport={"width": 600, "height": 600})
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))

    def show(url: str, **given: Any) -> dict[str, Any]:
        page.goto(host)
        system = SYSTEMS[url.rpartition("/")[2]]
        asked = {"url": url, "centre": CITY, "zoom": 14, "projection": system, **given}
        said: dict[str, Any] = page.evaluate("given => show(given)", asked)
        return said

    yield show
    context.close()
    assert not faults


@pytest.mark.parametrize("zoom", [9, 14])
@pytest.mark.parametrize("grid", GRIDS)
def test_a_tileset_opened_by_its_address_draws_features_without_an_error(
    open_tileset: Opener, live_server: str, grid: str, zoom: int
) -> None:
    said = open_tileset(f"{live_server}/collections/land_use/tiles/{grid}", zoom=zoom)

    assert said["state"] == "ready"
    assert said["errors"] == []
    assert said["features"] > 0
    assert said["names"] == ["land_use"]


@pytest.mark.parametrize("grid", GRIDS)
def test_what_lies_under_a_point_is_what_the_items_say(
    open_tileset: Opener, live_server: str, client: httpx.Client, grid: str
) -> None:
    point = f"POINT({CITY[0]} {CITY[1]})"
    asked = client.get(
        "/collections/land_use/items",
        params={"filter": f"S_INTERSECTS(geom,{point})", "limit": 10},
    ).json()
    wanted = {feature["properties"]["BSM"] for feature in asked["features"]}

    said = open_tileset(f"{live_server}/collections/land_use/tiles/{grid}", zoom=16)

    assert {one["BSM"] for one in said["centre"]} == wanted
    assert wanted


@pytest.mark.parametrize("grid", GRIDS)
def test_several_layers_come_in_one_tile(open_tileset: Opener, live_server: str, grid: str) -> None:
    wanted = ["land_use", "permanent_farmland"]

    said = open_tileset(f"{live_server}/tiles/{grid}", zoom=13, collections=wanted)

    assert (said["state"], said["errors"]) == ("ready", [])
    assert said["names"] == wanted, json.dumps(said)[:500]
