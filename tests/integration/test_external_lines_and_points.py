"""Overviews of external lines and points: taken by the rules of layers of ours, live near the ground."""

import asyncio
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import psycopg
import pytest
import shapely
from starlette.testclient import TestClient

from config.loader import catalogue_folders, load
from config.model import Catalogue, Layer
from config.settings import PACKAGE_ROOT, Settings
from config.vocabulary import (
    Classification,
    EditionKey,
    EditionStatus,
    GeometryKind,
    Issuer,
    LayerId,
    Text,
)
from processes.algorithms.coverage_levels import cell_degrees
from processes.overview_duty import TABLES, OverviewDuty
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from processes.workflows.overview_building import (
    build_overview,
    count_overview,
    due_tables,
    take_overview,
)
from providers.access import ALL, Scope
from providers.database import DatabaseRole, connect, open_pools
from providers.editions import EARLIEST, Edition, list_editions_now
from providers.external import describe
from providers.grids import WEB_MERCATOR_QUAD, TileAddress
from providers.layers import LayerStore
from providers.overview_sources import RULES, Drawn, Overview
from providers.revisions import RevisionKind
from providers.taken_overviews import list_taken_now, standing
from providers.tile_sources import Tile
from providers.tiles import TileQuery
from server.overview_commands import overview as overview_command

LINE, POINT = GeometryKind.LINE, GeometryKind.POINT
OWN, KEY, MARK = LayerId("land_use"), EditionKey("a"), LayerId("mark")
WEST, SOUTH, WIDTH = 125.0, 43.0, 0.5
CORNER = np.array([WEST, SOUTH])
CODES, COUNTIES = ("010100", "070100", "120700"), ("220102", "220103")
FAR, NEAR = 8, 16
ENTRY = """
kind: layer
id: mark
title: {zh: 标记, en: Marks}
theme: present
classification: public
storage:
  external: gis.mark
  columns: [{name: YDYHFLDM, column: code}, {name: XZQDM, column: county}]
region: {field: XZQDM}
style: mark
tiles: {overview: true}
---
kind: style
id: mark
title: {zh: 标记, en: Marks}
source: {zh: 自定, en: Own}
geometry: KIND
field: YDYHFLDM
rules:
  - {codes: ["010100"], title: {zh: 甲, en: A}, outline: "#3465a4"}
  - {title: {zh: 其他, en: Others}, outline: "#204a87"}
"""
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=frozenset()
)
READ = "SELECT id, code, county, ST_AsBinary(geom) FROM gis.mark ORDER BY id"


def marks(kind: GeometryKind) -> list[shapely.Geometry]:
    """Points in crowds, or crooked lines of many lengths."""
    rng = np.random.default_rng(3)
    crowds = CORNER + rng.uniform(0, WIDTH, (40, 2))
    if kind is POINT:
        places = crowds[rng.integers(40, size=800)] + rng.normal(0, 2e-4, (800, 2))
        return [shapely.Point(place) for place in places]
    starts = CORNER + rng.uniform(0, WIDTH, (800, 1, 2))
    steps = rng.normal(0, 1, (800, 60, 2)) * 10 ** rng.uniform(-6, -3, (800, 1, 1))
    return [shapely.LineString(one) for one in starts + np.cumsum(steps, axis=1)]


@pytest.fixture
def sql(database_url: str) -> Callable[[str], list[Any]]:
    """Run SQL as the database's owner; its rows, where it has any."""

    def run(statement: str) -> list[Any]:
        with psycopg.connect(database_url) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    run("CREATE SCHEMA gis; GRANT USAGE ON SCHEMA gis TO onemap_reader")
    return run


@pytest.fixture
def ours(
    database_url: str,
    catalogue: Catalogue,
    make_squares: Callable[..., FeatureTable],
    sql: Callable[[str], list[Any]],
) -> Callable[[GeometryKind], Layer]:
    """A layer of ours of one kind with an overview, and a table of the same marks."""

    def publish(kind: GeometryKind) -> Layer:
        managed, shapes = catalogue.layers[OWN], marks(kind)
        layer = replace(managed, specification=replace(managed.specification, geometry=kind))
        columns = {
            "YDYHFLDM": [CODES[number % 3] for number in range(len(shapes))],
            "XZQDM": [COUNTIES[number // 3 % 2] for number in range(len(shapes))],
        }
        edition = Edition(
            layer=OWN,
            key=KEY,
            title=Text(zh="a", en="a"),
            valid_from=EARLIEST,
            valid_to=None,
            status=EditionStatus.IN_FORCE,
            issuer=Issuer.OWN,
            document="test",
        )
        names = [str(number) for number in range(len(shapes))]
        table = make_squares(layer, names, columns=columns)
        source = replace(table, geometry=np.array(shapes, dtype=object)).of(layer)
        load_edition(
            database_url,
            layer,
            edition,
            source,
            author="t",
            note="",
            kind=RevisionKind.LOAD,
            regions=(),
        )
        build_overview(database_url, layer, KEY, anew=True)
        count_overview(database_url, layer, KEY)
        single = {LINE: "LineString", POINT: "Point"}[kind]
        sql(
            "CREATE TABLE gis.mark AS SELECT fid AS id, ydyhfldm AS code, xzqdm AS county,"
            f" ST_GeometryN(geom, 1)::geometry({single}, 4490) AS geom FROM planning.land_use__a;"
            "ALTER TABLE gis.mark ADD PRIMARY KEY (id); CREATE INDEX ON gis.mark USING gist (geom);"
            "GRANT SELECT ON gis.mark TO onemap_reader"
        )
        return layer

    return publish


@pytest.fixture
def declared(tmp_path: Path, database_url: str) -> Callable[..., Catalogue]:
    """The catalogue with an entry of marks of a kind."""

    def write(kind: GeometryKind, text: str = ENTRY) -> Catalogue:
        folder = tmp_path / "declared"
        folder.mkdir(exist_ok=True)
        (folder / "layers.yaml").write_text(text.replace("KIND", kind), "utf-8")
        return load(catalogue_folders(settings(database_url, tmp_path)))

    return write


def settings(url: str, home: Path) -> Settings:
    folders = (PACKAGE_ROOT / "demo", home / "declared")
    return Settings(home=home, store=home / "store", database_url=url, catalogue=folders)


def seen(url: str, layer: Layer) -> tuple[Layer, Overview | None]:
    """The layer as it is found, and the overview that serves it."""
    with connect(url, DatabaseRole.READER) as connection:
        found = describe(connection, layer)
        return found, standing(list_taken_now(connection), {MARK: found}).get(MARK)


def taken(url: str, layer: Layer) -> tuple[Layer, Overview]:
    """The same once it has been taken."""
    assert take_overview(url, layer)
    found, overview = seen(url, layer)
    assert overview is not None
    return found, overview


def addresses(zoom: int, about: shapely.Geometry | None = None) -> Iterator[TileAddress]:
    """The tiles that marks lie in, or those about one of them."""
    box = (WEST - 0.01, SOUTH - 0.01, WEST + WIDTH, SOUTH + WIDTH)
    west, south, east, north = about.bounds if about is not None else box
    low, high, first, last = WEB_MERCATOR_QUAD.limits((west, south, east, north), zoom)
    for row in range(low, high + 1):
        for column in range(first, last + 1):
            yield TileAddress(grid=WEB_MERCATOR_QUAD, level=zoom, row=row, column=column)


def features(contents: Iterable[bytes]) -> list[Any]:
    """Shapes, attributes and ids, but for our own names of features."""
    return [
        (one["geometry"], one["properties"], one["id"])
        for content in contents
        for layer in mapbox_vector_tile.decode(content).values()
        for one in layer["features"]
    ]


def drawn(
    url: str,
    layer: Layer,
    overview: Overview | None,
    zoom: int,
    scope: Scope = EVERYTHING,
    edition: EditionKey | None = None,
    about: shapely.Geometry | None = None,
) -> tuple[set[Drawn], list[Any]]:
    """What the tiles of a zoom are drawn from, and their features."""

    async def run() -> Any:
        async with open_pools(url, readers=2, writers=1) as pools:
            store, found = LayerStore(pools), []
            for address in addresses(zoom, about):
                query = TileQuery(address=address)
                found.append(await store.tile(layer, edition, query, scope, overview=overview))
            return found

    tiles = asyncio.run(run())
    return {one.source.drawn for one in tiles}, features(one.content for one in tiles)


def expected(kind: GeometryKind, rows: Iterable[Any], zoom: int) -> set[Any]:
    """The features that are drawn at a stored zoom, by the stated rule."""
    cell, shapes = cell_degrees(zoom), [(*row[:3], shapely.from_wkb(row[3])) for row in rows]
    if kind is LINE:
        return {key for key, _, _, shape in shapes if shape.length >= cell}
    first: dict[Any, Any] = {}
    for key, code, county, shape in shapes:
        middle = shape.centroid
        place = (middle.x // cell, middle.y // cell, code, county)
        first[place] = min(key, first.get(place, key))
    return set(first.values())


def plain(found: list[Any]) -> list[Any]:
    kept = ("YDYHFLDM", "XZQDM")
    return [(shape, {k: v for k, v in said.items() if k in kept}, i) for shape, said, i in found]


@pytest.mark.parametrize("kind", [LINE, POINT])
def test_tiles_far_out_follow_the_rule_and_hold_what_a_layer_of_ours_holds(
    sql: Callable[[str], list[Any]],
    ours: Callable[[GeometryKind], Layer],
    declared: Callable[..., Catalogue],
    database_url: str,
    kind: GeometryKind,
) -> None:
    managed = ours(kind)
    layer, overview = taken(database_url, declared(kind).layers[MARK])
    with connect(database_url, DatabaseRole.READER) as connection:
        (state,) = list_editions_now(connection)
    assert state.overview is not None
    for name in ("classes_below", "levels"):
        assert getattr(overview, name) == getattr(state.overview, name)
    assert overview.omitted.by_tiling == state.overview.omitted.by_tiling
    assert overview.classes_below == 0
    assert overview.levels

    rows, one = sql(READ), marks(kind)[0]
    for zoom in (4, *overview.levels, overview.levels[-1] + 1, NEAR):
        about = one if zoom > 11 else None
        sources, theirs = drawn(database_url, layer, overview, zoom, about=about)
        same, held = drawn(database_url, managed, state.overview, zoom, edition=KEY, about=about)
        assert theirs
        assert (sources, plain(theirs)) == (same, plain(held))
        level = overview.source(zoom).zoom
        assert sources == {Drawn.ROWS if level is None else Drawn.GENERALISED}
        if level is not None:
            by_rule, ids = expected(kind, rows, level), {one[2] for one in theirs}
            assert 0 < len(by_rule) < len(rows)
            assert ids <= by_rule
            if about is None:
                assert ids >= by_rule - too_small(kind, rows, zoom)


def too_small(kind: GeometryKind, rows: Iterable[Any], zoom: int) -> set[Any]:
    """Lines that a tile need not show although its level has them: less than a pixel across."""
    if kind is POINT:
        return set()
    bounds = {row[0]: shapely.from_wkb(row[3]).bounds for row in rows}
    cell = cell_degrees(zoom)
    return {key for key, (w, s, e, n) in bounds.items() if max(e - w, n - s) < cell}


def shown(client: TestClient, zoom: int, about: shapely.Geometry | None = None) -> set[Any]:
    """The ids of what the served tiles of a zoom hold."""
    found = (client.get(path(one)) for one in addresses(zoom, about))
    return {one[2] for one in features(answer.content for answer in found)}


def path(at: TileAddress) -> str:
    return f"/collections/mark/tiles/{at.grid.id}/{at.level}/{at.row}/{at.column}"


def wait(done: Callable[[], bool]) -> None:
    for _ in range(1_200):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


@pytest.mark.parametrize("kind", [LINE, POINT])
def test_far_out_the_table_is_shown_as_of_a_moment_that_is_told_and_near_the_ground_as_it_is(
    sql: Callable[[str], list[Any]],
    ours: Callable[[GeometryKind], Layer],
    declared: Callable[..., Catalogue],
    serving_entry: Callable[..., AbstractContextManager[TestClient]],
    database_url: str,
    tmp_path: Path,
    kind: GeometryKind,
) -> None:
    ours(kind)
    layer = declared(kind).layers[MARK]
    _, overview = taken(database_url, layer)
    last, rows = overview.levels[-1], sql(READ)
    shapes = {row[0]: shapely.from_wkb(row[3]) for row in rows}
    gone = max(shapes, key=lambda one: shapes[one].length) if kind is LINE else 1
    short = min(expected(LINE, rows, overview.levels[0]) - {gone}) if kind is LINE else None
    ends = [(WEST + 0.2, SOUTH - 0.005), (WEST + 0.25, SOUTH - 0.005)]  # where no other is
    lonely = shapely.LineString(ends) if kind is LINE else shapely.Point(ends[0])
    text = ENTRY.replace("KIND", kind)
    with serving_entry(database_url, tmp_path, text, "/collections/mark/items") as client:

        def told(lang: str = "en") -> Any:
            asked = f"/collections/mark/tiles/WebMercatorQuad?f=json&lang={lang}"
            return client.get(asked).json()["x-onemap"]

        facts = told()
        assert overview.taken is not None
        assert facts["takenAt"] == overview.taken.at.isoformat()
        assert facts["taken"].startswith(f"At levels 0–{last}, ")
        assert told("zh")["taken"].startswith(f"第 0–{last} 级")
        assert facts["generalisation"] == RULES[kind].en
        assert told("zh")["generalisation"] == RULES[kind].zh
        levels = {int(one["tileMatrix"]): one for one in facts["tileMatrices"]}
        for number, one in levels.items():
            held = number <= last
            assert one["features"] == (Drawn.GENERALISED if held else Drawn.ROWS)
            assert one["omitted"] == (0 if held else None)
        assert last < max(levels)

        far, near = next(addresses(FAR, shapes[gone])), next(addresses(NEAR, shapes[gone]))
        before = client.get(path(far))
        assert "max-age" not in before.headers["Cache-Control"]
        assert "max-age=60" in client.get(path(near)).headers["Cache-Control"]
        assert gone in shown(client, FAR)
        assert gone in shown(client, NEAR, shapes[gone])

        sql(f"DELETE FROM gis.mark WHERE id = {gone}")
        sql(
            "INSERT INTO gis.mark SELECT 9001, code, county,"
            f" ST_GeomFromText('{lonely.wkt}', 4490) FROM gis.mark LIMIT 1"
        )
        if short is not None:
            sql(
                "UPDATE gis.mark SET geom = ST_Translate(ST_Scale(ST_Translate(geom, -125, -43),"
                f" 1e-4, 1e-4), 125, 43) WHERE id = {short}"
            )
        assert gone not in shown(client, NEAR, shapes[gone])
        assert 9001 in shown(client, NEAR, lonely)
        again = client.get(path(far))
        assert (again.content, again.headers["ETag"]) == (before.content, before.headers["ETag"])

        _, overview = taken(database_url, layer)
        wait(lambda: bool(told()["takenAt"] > facts["takenAt"]))
        after = client.get(path(far))
        assert after.headers["ETag"] != before.headers["ETag"]
        now, found = sql(READ), shown(client, FAR)
        level = overview.source(FAR).zoom
        assert level is not None
        by_rule = expected(kind, now, level)
        assert by_rule - too_small(kind, now, FAR) <= found <= by_rule
        assert 9001 in found
        assert not {gone, short} & by_rule


@pytest.mark.parametrize("kind", [LINE, POINT])
def test_a_county_sees_its_own_also_where_anothers_lie_in_the_same_pixel(
    sql: Callable[[str], list[Any]],
    ours: Callable[[GeometryKind], Layer],
    declared: Callable[..., Catalogue],
    database_url: str,
    kind: GeometryKind,
) -> None:
    ours(kind)
    sql("UPDATE gis.mark SET county = county || '000000'")  # as the table pads its codes
    layer, overview = taken(database_url, declared(kind).layers[MARK])
    level, rows = overview.source(FAR).zoom, sql(READ)
    assert level is not None
    for county in COUNTIES:
        scope = replace(EVERYTHING, regions=(county,))
        sources, found = drawn(database_url, layer, overview, FAR, scope)
        own = [row for row in rows if row[2] == f"{county}000000"]
        by_rule = expected(kind, own, level)
        assert sources == {Drawn.GENERALISED}
        assert by_rule - too_small(kind, own, FAR) <= {one[2] for one in found} <= by_rule
    nobody = replace(EVERYTHING, regions=())
    assert drawn(database_url, layer, overview, FAR, nobody)[1] == []
    square = shapely.box(WEST, SOUTH, WEST + 0.2, SOUTH + 0.2)
    within = replace(EVERYTHING, areas=shapely.MultiPolygon([square]).wkb)
    assert drawn(database_url, layer, overview, FAR, within)[0] == {Drawn.ROWS}


PLACED = (
    "ST_Transform(ST_SetSRID(ST_MakePoint(125 + i % 25 * 0.02, 43 + i / 25 * 0.02), 4490), 4530)"
)
FORMS = {
    "arcs": (
        LINE,
        "geometry(CircularString, 4530)",
        "ST_GeomFromText(format('CIRCULARSTRING(%s %s, %s %s, %s %s)', x, y, x + r, y + r,"
        " x + 2 * r, y), 4530)",
    ),
    "several lines with heights and measures": (
        LINE,
        "geometry(MultiLineStringZM, 4530)",
        "ST_Force4D(ST_Collect(ST_MakeLine(p, ST_Translate(p, r, 0)),"
        " ST_MakeLine(ST_Translate(p, 0, r), ST_Translate(p, r, r))))",
    ),
    "several points with heights": (
        POINT,
        "geometry(MultiPointZ, 4530)",
        "ST_Force3DZ(ST_Collect(p, ST_Translate(p, r / 1e3, 0)))",
    ),
    "points with measures": (POINT, "geometry(PointM, 4530)", "ST_Force3DM(p)"),
}


@pytest.mark.parametrize("form", FORMS)
def test_lines_and_points_of_other_forms_systems_and_keys_follow_the_same_rules(
    sql: Callable[[str], list[Any]],
    declared: Callable[..., Catalogue],
    database_url: str,
    form: str,
) -> None:
    kind, column, shape = FORMS[form]
    crowded = PLACED if kind is LINE else PLACED.replace("i % 25", "i % 25 / 5")
    sql(
        f"CREATE TABLE gis.mark (id text PRIMARY KEY, code text, county text, geom {column});"
        "GRANT SELECT ON gis.mark TO onemap_reader;"
        f"INSERT INTO gis.mark SELECT 'm' || lpad(i::text, 4, '0'), '{CODES[0]}', '220102', {shape}"
        f" FROM (SELECT i, p, ST_X(p) AS x, ST_Y(p) AS y, 5 * 1.008 ^ i AS r FROM (SELECT i, {crowded}"
        " AS p FROM generate_series(0, 599) i) placed) sized"
    )
    sql("INSERT INTO gis.mark VALUES ('x', '010100', '220102', NULL)")  # it has no place
    layer, overview = taken(database_url, declared(kind).layers[MARK])
    rows = sql(
        "SELECT id, code, county, ST_AsBinary(ST_Transform(ST_Force2D(ST_CurveToLine(geom)), 4490))"
        " FROM gis.mark WHERE id < 'x'"
    )
    for zoom in (FAR, *(one for one in overview.levels if one < 12)):
        sources, found = drawn(database_url, layer, overview, zoom)
        level = overview.source(zoom).zoom
        assert level is not None
        by_rule = expected(kind, rows, level)
        names = {one[1]["om_id"] for one in found}
        assert sources == {Drawn.GENERALISED}
        assert by_rule - too_small(kind, rows, zoom) <= names <= by_rule
        assert {one[2] for one in found} == {0}  # tiles carry whole numbers only
    assert drawn(database_url, layer, overview, NEAR, about=shapely.from_wkb(rows[-1][3]))[1]


def test_few_lines_of_many_vertices_have_an_overview_and_many_that_it_would_only_copy_have_none(
    sql: Callable[[str], list[Any]], declared: Callable[..., Catalogue], database_url: str
) -> None:
    catalogue = declared(LINE)
    sql(
        "CREATE TABLE gis.mark (id int PRIMARY KEY, code text, county text,"
        " geom geometry(LineString, 4490)); GRANT SELECT ON gis.mark TO onemap_reader;"
        "INSERT INTO gis.mark SELECT i, '010100', '220102', (SELECT ST_MakeLine(ST_SetSRID("
        "ST_MakePoint(125 + n * 1e-3, 43 + i * 1e-2 + sin(n) * 1e-4), 4490) ORDER BY n)"
        " FROM generate_series(0, 599) n) FROM generate_series(1, 40) i"
    )
    layer, overview = taken(database_url, catalogue.layers[MARK])
    assert overview.taken is not None
    assert overview.taken.features == 40
    assert drawn(database_url, layer, overview, FAR)[0] == {Drawn.GENERALISED}
    assert due_tables(database_url, catalogue) == []

    sql("TRUNCATE gis.mark")
    sql(
        "INSERT INTO gis.mark SELECT i, '010100', '220102', ST_SetSRID(ST_MakeLine(ST_MakePoint("
        "125, 43 + i * 1e-3), ST_MakePoint(125.5, 43 + i * 1e-3)), 4490)"
        " FROM generate_series(1, 600) i"
    )
    assert take_overview(database_url, catalogue.layers[MARK])
    layer, none = seen(database_url, catalogue.layers[MARK])
    assert none is None
    assert drawn(database_url, layer, none, FAR)[0] == {Drawn.ROWS}
    assert due_tables(database_url, catalogue) == []


@pytest.mark.parametrize("kind", [LINE, POINT])
def test_tiles_far_out_of_many_marks_close_together_hold_what_the_rule_says_and_leave_out_nothing(
    sql: Callable[[str], list[Any]],
    declared: Callable[..., Catalogue],
    database_url: str,
    kind: GeometryKind,
) -> None:
    place = "ST_SetSRID(ST_MakePoint(125 + i % 120 * 5e-4, 43 + i / 120 * 5e-4), 4490)"
    form = "LineString" if kind is LINE else "Point"
    shape = f"ST_MakeLine({place}, ST_Translate({place}, 4e-4, 0))" if kind is LINE else place
    sql(
        "CREATE TABLE gis.mark (id int PRIMARY KEY, code text, county text,"
        f" geom geometry({form}, 4490)); GRANT SELECT ON gis.mark TO onemap_reader;"
        f"INSERT INTO gis.mark SELECT i, '010100', '220102', {shape}"
        " FROM generate_series(0, 14399) i"
    )
    layer, overview = taken(database_url, declared(kind).layers[MARK])
    rows = sql(READ)

    async def tiles(zoom: int) -> list[Tile]:
        async with open_pools(database_url, readers=2, writers=1) as pools:
            store = LayerStore(pools)
            asked = [TileQuery(address=address) for address in addresses(zoom)]
            return [
                await store.tile(layer, None, query, EVERYTHING, overview=overview)
                for query in asked
            ]

    for zoom in range(11):
        found = asyncio.run(tiles(zoom))
        ids = {one[2] for one in features(tile.content for tile in found)}
        assert ids == expected(kind, rows, zoom)
        assert {tile.omitted for tile in found} == {0}
    if kind is POINT:
        assert len(expected(kind, rows, 1)) == 1


@pytest.mark.parametrize("kind", [LINE, POINT])
def test_the_worker_takes_it_and_takes_it_anew_once_its_hours_are_over(
    sql: Callable[[str], list[Any]],
    ours: Callable[[GeometryKind], Layer],
    declared: Callable[..., Catalogue],
    database_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: GeometryKind,
) -> None:
    ours(kind)
    text = ENTRY.replace("overview: true", "overview: true, overview_hours: 24")
    catalogue = declared(kind, text)
    layer = catalogue.layers[MARK]

    def newest() -> Any:
        _, overview = seen(database_url, layer)
        return overview and overview.taken

    async def until(done: Callable[[], bool]) -> None:
        often = replace(TABLES, every_s=0.1)
        duty = asyncio.create_task(OverviewDuty(database_url, lambda: catalogue, (often,)).run())
        while not await asyncio.to_thread(done):
            assert not duty.done()
            await asyncio.sleep(0.05)
        duty.cancel()

    asyncio.run(asyncio.wait_for(until(lambda: newest() is not None), 60))
    first = newest()
    assert first.features == len(sql(READ))
    assert due_tables(database_url, catalogue) == []

    sql("DELETE FROM gis.mark WHERE id % 4 = 0")
    sql(
        "UPDATE onemap.overview SET taken_at = taken_at - interval '25 h',"
        " looked_at = looked_at - interval '25 h' WHERE taken_at IS NOT NULL"
    )
    asyncio.run(asyncio.wait_for(until(lambda: newest().edition != first.edition), 60))
    assert newest().features == len(sql(READ)) < first.features
    rows, (found, overview) = sql(READ), seen(database_url, layer)
    assert overview is not None
    level = overview.source(FAR).zoom
    assert level is not None
    by_rule = expected(kind, rows, level)
    ids = {one[2] for one in drawn(database_url, found, overview, FAR)[1]}
    assert by_rule - too_small(kind, rows, FAR) <= ids <= by_rule

    asked = Namespace(layer="mark", anew=False)
    assert overview_command(settings(database_url, tmp_path), asked) == 0
    assert "generalised" in capsys.readouterr().out
