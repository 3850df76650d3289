"""Tiles in real clients: GDAL and QGIS, and what the format itself asks of every tile."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyogrio
import pyproj
import pytest
import shapely
from mapbox_vector_tile.Mapbox import vector_tile_pb2

from providers.grids import GRIDS, Grid, TileAddress, Tiling

ROOT = Path(__file__).resolve().parents[2]
READING = Path(__file__).parent / "clients" / "qgis_reading.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # QGIS belongs to the distribution's Python
CITY = (125.3235, 43.8865)
WITHIN = (125.31, 43.875, 125.33, 43.895)  # covered by parcels all over
EXTENT, CELLS = 4096, 64
MOVE, LINE, CLOSE = 1, 2, 7
grids = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
levels = pytest.mark.parametrize("zoom", [0, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 20])


def tile_at(grid: Grid, zoom: int, place: tuple[float, float] = CITY) -> TileAddress:
    level = max(zoom - grid.shift, grid.first)
    row, _, column, _ = grid.limits((*place, *place), level)
    return TileAddress(grid, level, row, column)


def path_of(tile: TileAddress, collection: str = "land_use") -> str:
    place = f"{tile.level}/{tile.row}/{tile.column}"
    return f"/collections/{collection}/tiles/{tile.grid.id}/{place}?f=mvt"


# --- the format ---------------------------------------------------------------------------------


def rings(commands: list[int]) -> Iterator[list[tuple[int, int]]]:
    """The paths of a geometry; a ring's last point is not repeated, ClosePath ends it."""
    x = y = 0
    path: list[tuple[int, int]] = []
    values = iter(commands)
    for word in values:
        command, count = word & 7, word >> 3
        assert command in (MOVE, LINE, CLOSE)
        assert count > 0
        if command == CLOSE:
            assert count == 1
            yield path
            path = []
            continue
        for _ in range(count):
            dx, dy = next(values), next(values)
            x += (dx >> 1) ^ -(dx & 1)
            y += (dy >> 1) ^ -(dy & 1)
            assert command == MOVE or (dx, dy) != (0, 0), "a step that goes nowhere"
            path.append((x, y))
    assert not path, "a ring that is not closed"


def signed_area(ring: list[tuple[int, int]]) -> float:
    """By the surveyor's formula; positive for exterior rings, as y points down."""
    following = ring[1:] + ring[:1]
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, following, strict=True)) / 2


def check_layer(layer: Any) -> None:
    assert (layer.version, layer.extent) == (2, EXTENT)
    assert layer.name
    assert layer.features
    assert len(set(layer.keys)) == len(layer.keys)
    ids = [feature.id for feature in layer.features]
    assert len(set(ids)) == len(ids)
    assert 0 not in ids
    for feature in layer.features:
        keys, values = feature.tags[::2], feature.tags[1::2]
        assert len(keys) == len(values) == len(set(keys))
        assert all(key < len(layer.keys) for key in keys)
        assert all(value < len(layer.values) for value in values)
        if feature.type == vector_tile_pb2.tile.Polygon:
            check_polygon(list(feature.geometry))
        else:
            assert feature.type in (vector_tile_pb2.tile.Point, vector_tile_pb2.tile.LineString)
            assert feature.geometry


def check_polygon(commands: list[int]) -> None:
    areas = []
    for ring in rings(commands):
        assert len(ring) >= 3
        assert len(set(ring)) >= 3
        assert all(-CELLS <= c <= EXTENT + CELLS for point in ring for c in point)
        areas.append(signed_area(ring))
    assert areas[0] > 0, "a polygon begins with its exterior ring"
    assert 0 not in areas


@levels
@grids
def test_every_tile_is_as_the_format_says(client: httpx.Client, grid: Grid, zoom: int) -> None:
    tile = tile_at(grid, zoom)
    collections = client.get("/collections").json()["collections"]
    drawn = 0
    for name in [c["id"] for c in collections if c["x-onemap"]["geometry"] != "none"]:
        answer = client.get(path_of(tile, name))
        assert answer.status_code in (200, 204)
        if answer.status_code == 204:
            assert not answer.content
            continue
        found = vector_tile_pb2.tile()
        found.ParseFromString(answer.content)
        names = [layer.name for layer in found.layers]
        assert names[0] == name
        assert set(names[1:]) <= {f"{name}_omitted"}
        for layer in found.layers:
            check_layer(layer)
        drawn += 1
    assert drawn


@grids
def test_a_tile_of_several_layers_is_their_tiles_one_after_the_other(
    client: httpx.Client, grid: Grid
) -> None:
    tile = tile_at(grid, 13)
    names = ["permanent_farmland", "land_use"]

    place = f"/tiles/{grid.id}/{tile.level}/{tile.row}/{tile.column}"
    several = client.get(place, params={"f": "mvt", "collections": ",".join(names)})

    found = vector_tile_pb2.tile()
    found.ParseFromString(several.content)
    assert [layer.name for layer in found.layers] == names
    assert several.content == b"".join(client.get(path_of(tile, name)).content for name in names)


# --- GDAL ---------------------------------------------------------------------------------------


@grids
def test_gdal_puts_the_features_of_a_saved_tile_where_the_items_are(
    client: httpx.Client, tmp_path: Path, grid: Grid
) -> None:
    """GDAL's MVT driver reads z/x/y files; for a grid of degrees a file beside says how it begins."""
    tile = tile_at(grid, 15)
    saved = tmp_path / str(tile.zoom) / str(tile.column) / f"{tile.row}.pbf"
    saved.parent.mkdir(parents=True)
    saved.write_bytes(client.get(path_of(tile)).content)
    options = {}
    if grid.tiling is Tiling.DEGREES:
        about = {
            "crs": f"EPSG:{grid.srid}",
            "tile_origin_upper_left_x": -180.0,
            "tile_origin_upper_left_y": 90.0,
            "tile_dimension_zoom_0": 360.0,
        }
        (tmp_path / "metadata.json").write_text(json.dumps(about))
        options["METADATA_FILE"] = str(tmp_path / "metadata.json")

    meta, _, wkb, columns = pyogrio.raw.read(saved, layer="land_use", **options)

    assert meta["crs"] == f"EPSG:{grid.srid}"
    names = dict(zip(meta["fields"], columns, strict=True))["BSM"]
    shapes = dict(zip(names, shapely.from_wkb(wkb), strict=True))
    to_grid = pyproj.Transformer.from_crs(4326, grid.srid, always_xy=True)
    bounds = shapely.box(*grid.bounds(tile.level, tile.row, tile.column))
    compared = 0
    for feature in items_within(client, grid.degrees(tile.level, tile.row, tile.column)):
        shape = shapely.geometry.shape(feature["geometry"])
        wanted = shapely.transform(shape, to_grid.transform, interleaved=False)
        if not bounds.covers(wanted):
            continue
        near = grid.cell(tile.level) / 16  # tiles have 16 steps to a cell
        apart = shapes[feature["id"]].buffer(0).symmetric_difference(wanted)
        assert apart.area < wanted.length * near
        compared += 1
    assert compared > 5


def items_within(
    client: httpx.Client, box: tuple[float, float, float, float]
) -> list[dict[str, Any]]:
    given = {"bbox": ",".join(map(str, box)), "limit": 10_000, "f": "json"}
    found: list[dict[str, Any]] = client.get("/collections/land_use/items", params=given).json()[
        "features"
    ]
    return found


def test_gdal_reads_a_tile_by_its_address(live_server: str) -> None:
    """It takes z/x/y from an address by itself; the standard's order is z/y/x, so they are said."""
    tile = tile_at(GRIDS["WebMercatorQuad"], 13)
    source = f"MVT:{live_server}{path_of(tile)}"

    meta, _, wkb, _ = pyogrio.raw.read(source, X=tile.column, Y=tile.row, Z=tile.level)

    bounds = shapely.box(*tile.grid.bounds(tile.level, tile.row, tile.column)).buffer(0.1)
    assert meta["crs"] == "EPSG:3857"
    assert len(wkb) > 0
    assert bounds.covers(shapely.box(*shapely.total_bounds(shapely.from_wkb(wkb))))


@pytest.mark.parametrize("name", ["WorldCRS84Quad", "CGCS2000Quad"])
def test_gdal_opens_the_tilesets_of_a_collection_in_grids_of_degrees(
    live_server: str, client: httpx.Client, name: str
) -> None:
    """Its driver looks for a collection's degrees among the metres of Web Mercator, in vain."""
    grid = GRIDS[name]
    source = f"OGCAPI:{live_server}/collections/land_use"
    options = {"API": "TILES", "TILEMATRIXSET": grid.id}

    meta, _, wkb, columns = pyogrio.raw.read(source, layer="Zoom level 14", **options)

    extent = client.get("/collections/land_use").json()["extent"]["spatial"]["bbox"][0]
    names = columns[list(meta["fields"]).index("BSM")]
    found = shapely.total_bounds(shapely.from_wkb(wkb))
    crs = pyproj.CRS(meta["crs"])
    assert crs.equals(pyproj.CRS(grid.srid), ignore_axis_order=True) or "CRS84" in crs.name
    assert found.tolist() == pytest.approx(extent, abs=grid.cell(14))
    assert len(set(names)) >= 1_990


# --- QGIS ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def qgis(live_server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What QGIS says of the server; skipped where the machine has none."""
    asked = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False
    )
    if asked.returncode:
        pytest.skip("QGIS is not installed (python3-qgis); `make e2e-clients` installs it")
    folder = tmp_path_factory.mktemp("qgis")
    told = subprocess.run(
        [SYSTEM_PYTHON, READING, live_server, folder, *map(str, WITHIN)],
        cwd=folder,
        env={
            "PATH": os.defpath,
            "QT_QPA_PLATFORM": "offscreen",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    said: dict[str, Any] = json.loads(told.stdout)
    return said


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4490", "EPSG:4528"])
def test_qgis_draws_the_tiles_without_a_gap_in_the_map_s_own_system(
    qgis: dict[str, Any], crs: str
) -> None:
    assert qgis["tiles"][crs] == 1.0


def test_qgis_asks_for_tiles_by_row_and_column(qgis: dict[str, Any]) -> None:
    asked = [urlsplit(url).path for url in qgis["asked"] if "/tiles/" in url]
    wanted = {
        path_of(tile_at(GRIDS["WebMercatorQuad"], zoom, WITHIN[:2])).partition("?")[0]
        for zoom in range(19)
    }

    assert wanted & set(asked)


def test_qgis_reads_the_window_that_it_shows_and_no_more(
    qgis: dict[str, Any], client: httpx.Client
) -> None:
    wanted = {feature["id"] for feature in items_within(client, WITHIN)}
    windows = [
        parse_qs(urlsplit(url).query)["bbox"][0]
        for url in qgis["asked"]
        if "/land_use/items" in url and "bbox=" in url
    ]

    assert qgis["valid"]
    assert {name for name, *_ in qgis["features"]} == wanted
    assert [float(side) for side in windows[0].split(",")] == pytest.approx(WITHIN)


def test_the_coordinates_of_cgcs2000_in_qgis_are_the_stored_numbers(qgis: dict[str, Any]) -> None:
    for (name, *sides), (same, *moved) in zip(qgis["features"], qgis["inCgcs2000"], strict=True):
        assert name == same
        assert moved == pytest.approx(sides, abs=1e-9)
    assert qgis["drawn"] == 1.0


def test_qgis_sends_a_condition_on_a_date_to_the_server(
    qgis: dict[str, Any], client: httpx.Client
) -> None:
    """QGIS 3.22 sends windows and dates; it judges other conditions itself, later ones send CQL2."""
    given = {"filter": "BHKSSJ >= DATE('2020-01-01')", "limit": 10_000}
    wanted = client.get("/collections/permanent_farmland/items", params=given).json()

    asked = [url for url in qgis["asked"] if "/permanent_farmland/items" in url]

    assert qgis["accepted"]
    assert any("datetime=2020-01-01" in url or "filter=" in url for url in asked)
    assert [name for name, *_ in qgis["filtered"]] == sorted(f["id"] for f in wanted["features"])
