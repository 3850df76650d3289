"""Vector tiles as they are drawn: what they hold, where it lies, and what they leave out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import mapbox_vector_tile
import psycopg
import pytest
import shapely

from config.model import Catalogue, Layer
from config.tile_options import TileOptions
from config.vocabulary import Classification, EditionKey
from providers import tile_reading, tile_sources
from providers.access import ALL, Scope
from providers.conditions import parse_equals
from providers.database import DatabaseRole, connect, open_pools
from providers.dialect import compile_shape
from providers.grids import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD, Grid, TileAddress
from providers.layers import LayerStore
from providers.overview_sources import Drawn, Overview
from providers.revisions import Revision
from providers.tile_sources import Drawing, Tile
from providers.tiles import MAX_TILE_BYTES, TILE_EXTENT, Form, TileQuery

type Loader = Callable[..., Revision]
type Features = list[dict[str, Any]]
KEY = EditionKey("2024")
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)
every_grid = pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)


@pytest.fixture
def land_use(catalogue: Catalogue) -> Layer:
    return catalogue.layers["land_use"]


def reading[T](url: str, work: Callable[[LayerStore], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_pools(url, readers=2, writers=1) as pools:
            return await work(LayerStore(pools))

    return asyncio.run(run())


def at(longitude: float, latitude: float, zoom: int, grid: Grid = WEB_MERCATOR_QUAD) -> TileAddress:
    """The tile of a zoom that holds a place."""
    level = zoom - grid.shift
    row, _, column, _ = grid.limits((longitude, latitude, longitude, latitude), level)
    return TileAddress(grid, level, row, column)


def drawn(
    url: str,
    layer: Layer,
    address: TileAddress,
    scope: Scope = EVERYTHING,
    *,
    overview: Overview | None = None,
    **asked: str,
) -> Tile:
    equals = parse_equals(layer, asked)
    query = TileQuery(address=address, conditions=() if equals is None else (equals,))
    return reading(url, lambda s: s.tile(layer, KEY, query, scope, overview=overview))


def layers_of(tile: Tile) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = mapbox_vector_tile.decode(
        tile.content, default_options={"y_coord_down": True}
    )
    return found


def features(tile: Tile, name: str = "land_use") -> Features:
    found: Features = layers_of(tile)[name]["features"] if tile.content else []
    return found


def ids(tile: Tile) -> list[str]:
    return sorted(f["properties"]["om_id"] for f in features(tile))


@every_grid
def test_a_feature_lies_in_its_tile_where_it_lies_in_the_grids_own_system(
    load_squares: Loader, database_url: str, land_use: Layer, grid: Grid
) -> None:
    load_squares("land_use", "2024", ["2"], size=0.002)  # 125.004 to 125.006, 43.0 to 43.002
    address = at(125.005, 43.001, 12, grid)

    (feature,) = features(drawn(database_url, land_use, address))

    west, _, east, north = grid.bounds(address.level, address.row, address.column)
    wide = (east - west) / TILE_EXTENT
    corners = [(125.004, 43.002), (125.006, 43.0)]
    if grid is WEB_MERCATOR_QUAD:
        import pyproj

        project = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
        corners = [project.transform(*corner) for corner in corners]
    (left, top), (right, bottom) = (((x - west) / wide, (north - y) / wide) for x, y in corners)
    found = shapely.Polygon(feature["geometry"]["coordinates"][0]).bounds
    assert found == pytest.approx((left, top, right, bottom), abs=1)
    assert feature["id"] >= 1


@every_grid
def test_a_feature_across_the_border_of_two_tiles_is_in_both_up_to_their_margin(
    load_squares: Loader, database_url: str, land_use: Layer, grid: Grid
) -> None:
    address = at(125.0, 43.005, 12, grid)
    border = grid.degrees(address.level, address.row, address.column)[2]
    load_squares("land_use", "2024", ["0"], west=border - 0.005, size=0.01)
    east = TileAddress(grid, address.level, address.row, address.column + 1)

    left, right = (
        shapely.Polygon(
            features(drawn(database_url, land_use, one))[0]["geometry"]["coordinates"][0]
        )
        for one in (address, east)
    )

    assert left.bounds[2] == TILE_EXTENT + 64
    assert right.bounds[0] == -64
    # what is left of the border in the one and right of it in the other is the whole square
    degrees = 360 / 2**address.zoom / TILE_EXTENT
    assert TILE_EXTENT - left.bounds[0] == pytest.approx(0.005 / degrees, abs=1)
    assert right.bounds[2] == pytest.approx(0.005 / degrees, abs=1)


def test_grids_of_degrees_draw_the_very_same_tiles_and_transform_nothing(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", [str(number) for number in range(9)])
    ours, crs84 = at(125.02, 43.0, 11, CGCS2000_QUAD), at(125.02, 43.0, 11, GRIDS["WorldCRS84Quad"])

    assert (crs84.level, crs84.row, crs84.column) == (ours.level - 1, ours.row, ours.column)
    same = {drawn(database_url, land_use, address).content for address in (ours, crs84)}
    assert len(same) == 1
    drawing = Drawing(land_use, KEY, TileQuery(address=ours), EVERYTHING)
    for form in Form:
        assert "transform" not in compile_shape(drawing.statement(form)).text.lower()


def test_a_statement_is_compiled_once_for_all_tiles_of_alike_zooms(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", ["1"])

    async def ask(store: LayerStore) -> int:
        for row in range(5):
            query = TileQuery(address=TileAddress(WEB_MERCATOR_QUAD, 14, row, row))
            await store.tile(land_use, KEY, query, EVERYTHING)
        return len(store.statements)

    assert reading(database_url, ask) == 1


def test_equal_data_give_equal_bytes_whatever_the_plan(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", [str(number) for number in range(300)], size=0.0005)
    query = TileQuery(address=at(125.02, 43.0, 10))
    drawing = Drawing(land_use, KEY, query, EVERYTHING)
    compiled = compile_shape(drawing.statement(Form.ALL))
    values = {**drawing.values(1_000), "layer": land_use.id, "edition": KEY}
    plans = {
        "as it comes": [],
        "without the index": ["enable_bitmapscan", "enable_indexscan"],
        "from the index alone": ["enable_seqscan", "enable_bitmapscan"],
    }
    found, explained = set(), set()
    with connect(database_url, DatabaseRole.OWNER) as connection:
        connection.execute("ANALYZE planning.land_use__2024")
        for off in plans.values():
            connection.execute("RESET ALL")
            for name in off:
                connection.execute(f"SET {name} = off".encode())
            row = connection.execute(compiled.text.encode(), values).fetchone()
            plan = connection.execute(f"EXPLAIN {compiled.text}".encode(), values).fetchall()
            assert row is not None
            found.add(bytes(row[0]))
            explained.add(str([line.split("(cost")[0] for (line,) in plan]))
        for statement in (
            "SET parallel_setup_cost = 0",
            "SET parallel_tuple_cost = 0",
            "SET min_parallel_table_scan_size = 0",
            "SET debug_parallel_query = on",
        ):
            try:
                with connection.transaction():
                    connection.execute(statement.encode())
            except psycopg.errors.UndefinedObject:  # before PostgreSQL 16 it has another name
                connection.execute("SET force_parallel_mode = on")
        row = connection.execute(compiled.text.encode(), values).fetchone()
        assert row is not None
        found.add(bytes(row[0]))

    assert len(found) == 1
    assert len(explained) > 1


def test_features_carry_what_they_are_drawn_by_and_what_the_entry_names_from_its_zoom_on(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", ["1"], columns={"BZ": ["备注"]})
    layer = replace(land_use, tiles=TileOptions(attributes={"BZ": 13}))
    style = land_use.style
    assert style is not None
    assert style.field is not None

    far, near = (
        features(drawn(database_url, layer, at(125.015, 43.005, zoom)))[0]["properties"]
        for zoom in (12, 13)
    )

    assert far.keys() == {"om_id", "BSM", style.field}
    assert near.keys() == {*far, "BZ"}
    assert (near["om_id"], near["BSM"], near["BZ"]) == ("1", "1", "备注")


def test_labels_come_from_the_zoom_on_at_which_they_are_written(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    county = catalogue.layers["county"]
    style = county.style
    assert style is not None
    assert style.labels is not None
    load_squares("county", "2024", ["220102"], west=125.0 - 220_102 * 0.01)

    far, near = (
        features(drawn(database_url, county, at(125.005, 43.005, zoom)), "county")[0]
        for zoom in (style.labels.min_zoom - 1, style.labels.min_zoom)
    )

    assert style.labels.field not in far["properties"]
    assert style.labels.field in near["properties"]


def test_beyond_the_bound_of_features_the_smallest_are_left_out_and_counted(
    load_squares: Loader,
    database_url: str,
    land_use: Layer,
    make_squares: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load_squares("land_use", "2024", [str(number) for number in range(30)], size=0.002)
    monkeypatch.setattr(tile_reading, "MAX_TILE_FEATURES", 10)

    for zoom in (10, 13):  # the one is counted first, the other is not
        address = at(125.03, 43.001, zoom)
        monkeypatch.setattr(tile_reading, "MAX_TILE_FEATURES", 20_000)
        whole = drawn(database_url, land_use, address)
        monkeypatch.setattr(tile_reading, "MAX_TILE_FEATURES", 10)
        tile = drawn(database_url, land_use, address)
        layers = layers_of(tile)
        (omitted,) = layers["land_use_omitted"]["features"]

        assert whole.omitted == 0
        assert len(layers["land_use"]["features"]) == tile.drawn == 10
        assert omitted["properties"] == {"count": tile.omitted}
        assert tile.omitted == whole.drawn - 10
        assert omitted["geometry"] == {"type": "Point", "coordinates": [2048, 2048]}
        assert {*ids(tile)} < {*ids(whole)}


def test_the_largest_features_are_those_that_stay(
    load_squares: Loader, database_url: str, land_use: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_squares("land_use", "2024", ["0", "1"], size=0.001)
    load_squares("land_use", "2024", ["5", "6"], size=0.003, kind="merge")
    monkeypatch.setattr(tile_reading, "MAX_TILE_FEATURES", 2)

    assert ids(drawn(database_url, land_use, at(125.01, 43.001, 10))) == ["5", "6"]


def test_beyond_the_bound_of_bytes_the_smallest_are_left_out_too(
    load_squares: Loader, database_url: str, land_use: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_squares("land_use", "2024", [str(number) for number in range(200)], size=0.0005)
    address = at(125.03, 43.0, 10)
    whole = drawn(database_url, land_use, address)
    most = len(whole.content) // 3
    monkeypatch.setattr(tile_sources, "MAX_TILE_BYTES", most)

    tile = drawn(database_url, land_use, address)

    told = layers_of(tile)["land_use_omitted"]["features"][0]["properties"]["count"]
    assert most / 2 < len(tile.content) <= most + 100
    assert told == tile.omitted == whole.drawn - tile.drawn
    assert MAX_TILE_BYTES == 500_000


def test_a_tile_holds_at_most_20000_features(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", [str(number) for number in range(20_100)], size=0.00001)

    tile = drawn(database_url, land_use, at(125.1, 43.0, 7))

    assert tile.drawn <= 20_000
    assert tile.drawn + tile.omitted <= 20_100
    assert tile.omitted >= 100
    assert len(tile.content) <= MAX_TILE_BYTES + 100


def test_a_scope_of_regions_draws_its_own_rows_only(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    code = land_use.field(land_use.region)
    assert code is not None
    load_squares("land_use", "2024", ["1", "2"], columns={code.code: ["220102", "220103"]})
    address = at(125.02, 43.005, 10)

    seen = {
        regions: ids(drawn(database_url, land_use, address, replace(EVERYTHING, regions=regions)))
        for regions in (("220102",), ("220103",), ())
    }

    assert seen == {("220102",): ["1"], ("220103",): ["2"], (): []}


OVERVIEWS = """
CREATE TABLE planning_overview.land_use__2024 AS
    SELECT 10::smallint AS level, r.* FROM planning.land_use__2024 r WHERE om_id <> '2';
CREATE TABLE planning_mosaic.land_use__2024 AS
    SELECT t.tiling, 8::smallint AS zoom, t.tile_row, t.tile_col, 7::bigint AS id,
        'code'::text AS class, '220102'::text AS om_region, 5 AS cells,
        ST_Multi(ST_MakeEnvelope(-64, 8, 800, 808)) AS geom
    FROM (VALUES ('mercator', 94, 216), ('degrees', 33, 216)) AS t (tiling, tile_row, tile_col);
GRANT SELECT ON planning_overview.land_use__2024, planning_mosaic.land_use__2024
    TO onemap_reader;
DELETE FROM onemap.overview;
INSERT INTO onemap.overview (layer, edition, revision, classes_below, levels, omitted, recipe, features)
VALUES ('land_use', '2024', 1, 9, '{10}', '{}', 'test', 3);
"""
OVERVIEW = Overview(revision=1, classes_below=9, levels=(10,))


@pytest.fixture
def overviews(load_squares: Loader, database_url: str) -> str:
    """Overviews that differ from the rows, so that one sees which of them is drawn."""
    load_squares("land_use", "2024", ["1", "2", "3"])
    with connect(database_url, DatabaseRole.OWNER) as connection:
        for schema in ("planning_overview", "planning_mosaic"):
            connection.execute(f"DROP TABLE IF EXISTS {schema}.land_use__2024".encode())
        connection.execute(OVERVIEWS)
    return database_url


@every_grid
def test_a_zoom_is_drawn_from_the_coarsest_source_that_is_fine_enough(
    overviews: str, land_use: Layer, grid: Grid
) -> None:
    style = land_use.style
    assert style is not None

    rows, generalised, classes = (
        features(drawn(overviews, land_use, at(125.02, 43.005, zoom, grid), overview=OVERVIEW))
        for zoom in (11, 10, 8)
    )

    assert sorted(f["properties"]["om_id"] for f in rows) == ["1", "2", "3"]
    assert sorted(f["properties"]["om_id"] for f in generalised) == ["1", "3"]
    assert [(f["id"], f["properties"]) for f in classes] == [(7, {style.field: "code"})]


def test_class_areas_are_for_whom_sees_their_region(overviews: str, land_use: Layer) -> None:
    address = at(125.02, 43.005, 8)
    for regions, count in ((("220102",), 1), (("220103",), 0)):
        scope = replace(EVERYTHING, regions=regions)
        tile = drawn(overviews, land_use, address, scope, overview=OVERVIEW)
        assert len(features(tile)) == count


def test_conditions_and_areas_of_a_scope_are_judged_by_the_rows_themselves(
    overviews: str, land_use: Layer
) -> None:
    address = at(125.02, 43.005, 8)
    area = shapely.MultiPolygon([shapely.box(125.021, 43.001, 125.022, 43.002)]).wkb

    narrowed = drawn(overviews, land_use, address, overview=OVERVIEW, BSM="2")
    within = drawn(overviews, land_use, address, replace(EVERYTHING, areas=area), overview=OVERVIEW)

    assert ids(narrowed) == ids(within) == ["2"]


@pytest.mark.parametrize("zoom", [8, 10])
def test_an_overview_that_is_another_by_now_is_not_drawn_from(
    overviews: str, land_use: Layer, zoom: int
) -> None:
    with connect(overviews, DatabaseRole.OWNER) as connection:
        connection.execute("UPDATE onemap.overview SET levels = '{9}', classes_below = 5")

    tile = drawn(overviews, land_use, at(125.02, 43.005, zoom), overview=OVERVIEW)

    assert ids(tile) == ["1", "2", "3"]
    assert tile.source.drawn is Drawn.ROWS
    with connect(overviews, DatabaseRole.OWNER) as connection:
        connection.execute("DROP TABLE planning_overview.land_use__2024")
        connection.execute("DROP TABLE planning_mosaic.land_use__2024")
    assert drawn(overviews, land_use, at(125.02, 43.005, zoom), overview=OVERVIEW) == tile


def test_a_touch_counts_for_the_zooms_and_the_place_that_it_names(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    for name in ("1", "90", "91"):
        load_squares("land_use", "2024", [name], kind="merge")
    touches: Mapping[int, int | None] = {2: None, 3: 12}
    with connect(database_url, DatabaseRole.OWNER) as connection:
        for revision, below in touches.items():
            connection.execute(
                "INSERT INTO onemap.touch (layer, edition, revision, envelope, below)"
                " VALUES ('land_use', '2024', %s, ST_MakeEnvelope(125.01, 43, 125.02, 43.01, 4490),"
                " %s)",
                (revision, below),
            )

    async def ask(store: LayerStore) -> list[bool]:
        found = []
        for address, after, until in (
            (at(125.015, 43.005, 14), 1, 2),
            (at(125.015, 43.005, 14), 2, 3),
            (at(125.015, 43.005, 11), 2, 3),
            (at(125.015, 43.005, 11), 3, 4),
            (at(125.5, 43.005, 14), 1, 3),
        ):
            told = await tile_reading.touched(store.fetch, land_use, KEY, address, after, until)
            found.append(told)
        return found

    assert reading(database_url, ask) == [True, False, True, False, False]
