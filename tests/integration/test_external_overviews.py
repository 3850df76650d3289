"""An external table with an overview: far out as it was when taken, near as it is, within the scope."""

import asyncio
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import psycopg
import pytest
import shapely
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from config.loader import catalogue_folders, load
from config.model import Catalogue, Layer
from config.settings import PACKAGE_ROOT, Settings
from config.vocabulary import Classification, EditionKey, EditionStatus, Issuer, LayerId, Text
from processes.overview_duty import EDITIONS, TABLES, Due, Kind, OverviewDuty
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from processes.workflows.overview_building import (
    clear_tables,
    due_overviews,
    due_tables,
    take_overview,
)
from providers.access import ALL, Scope
from providers.database import DatabaseRole, connect, open_pools
from providers.editions import EARLIEST, Edition, list_editions_now
from providers.errors import Refused
from providers.external import describe
from providers.external_table import trigger_sql
from providers.grids import WEB_MERCATOR_QUAD, TileAddress
from providers.layers import LayerStore
from providers.overview_sources import Drawn, Overview
from providers.overview_taking import BEING_TAKEN, COPIES, take
from providers.overviews import hold
from providers.revisions import RevisionKind
from providers.tables import CURRENT
from providers.taken_overviews import list_taken_now, standing
from providers.taken_rows import table_version
from providers.tile_sources import Tile
from providers.tiles import TileQuery
from server.app import create_app
from server.overview_commands import overview as overview_command

ACROSS, SIZE, WEST, SOUTH = 24, 0.002, 125.0, 43.0
CODES, COUNTIES = ("010100", "070100", "120700", "060200"), ("220102", "220103")
OWN, KEY = LayerId("land_use"), EditionKey("a")
TABLE = """
CREATE SCHEMA gis;
GRANT USAGE ON SCHEMA gis TO onemap_reader;
CREATE TABLE gis.parcel AS SELECT fid AS id, ydyhfldm AS code, xzqdm AS county, geom
    FROM planning.land_use__a;
ALTER TABLE gis.parcel ADD PRIMARY KEY (id);
CREATE INDEX ON gis.parcel USING gist (geom);
GRANT SELECT ON gis.parcel TO onemap_reader;
"""
ENTRY = """
kind: layer
id: parcel
title: {zh: 图斑, en: Parcels}
theme: present
classification: public
storage:
  external: gis.parcel
  columns: [{name: YDYHFLDM, column: code}, {name: XZQDM, column: county}]
region: {field: XZQDM}
style: land_use
tiles: {overview: true}
"""
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=frozenset()
)
LOW, LEVEL, NEAR = 8, 12, 16  # classes, generalised rows, rows


def crooked() -> list[shapely.Geometry]:
    """A coverage of squares whose edges are bent alike on either side."""
    rng = np.random.default_rng(1)
    phases = rng.uniform(0, 6, (2, 20))

    def bent(places: Any) -> Any:
        waves = np.arange(1, 21)[:, None] * 2.1
        x = (np.sin(waves * places[:, 1] + phases[0][:, None]) * 0.0015).sum(axis=0)
        y = (np.sin(waves * places[:, 0] + phases[1][:, None]) * 0.0015).sum(axis=0)
        return (places + np.stack([x, y], axis=1)) * SIZE + [WEST, SOUTH]

    squares = [shapely.box(x, y, x + 1, y + 1) for y in range(ACROSS) for x in range(ACROSS)]
    return list(shapely.transform(shapely.segmentize(squares, 0.1), bent))


@pytest.fixture
def tables(
    database_url: str, catalogue: Catalogue, make_squares: Callable[..., FeatureTable]
) -> Callable[[str], None]:
    """Run SQL as the database's owner; the same parcels are there as a layer of ours and a table."""
    shapes, layer = crooked(), catalogue.layers[OWN]
    names = [str(number) for number in range(len(shapes))]
    columns = {
        "YDYHFLDM": [CODES[number * 7 % 11 % 4] for number in range(len(shapes))],
        "XZQDM": [COUNTIES[2 * (number % ACROSS) // ACROSS] for number in range(len(shapes))],
    }
    rows = replace(
        make_squares(layer, names, columns=columns), geometry=np.array(shapes, dtype=object)
    )
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
    load_edition(
        database_url,
        layer,
        edition,
        rows.of(layer),
        author="t",
        note="",
        kind=RevisionKind.LOAD,
        regions=(),
    )

    def run(statement: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute(statement.encode())

    run(TABLE)
    return run


@pytest.fixture
def declared(tmp_path: Path, database_url: str) -> Callable[..., Settings]:
    def write(text: str = ENTRY) -> Settings:
        folder = tmp_path / "catalogue"
        folder.mkdir(exist_ok=True)
        (folder / "layers.yaml").write_text(text, "utf-8")
        return Settings(
            home=tmp_path,
            store=tmp_path / "store",
            database_url=database_url,
            catalogue=(PACKAGE_ROOT / "demo", folder),
        )

    return write


@pytest.fixture
def layer_of(declared: Callable[..., Settings]) -> Callable[..., Layer]:
    """The layer of an entry, as the catalogue has it."""

    def look(text: str = ENTRY) -> Layer:
        return load(catalogue_folders(declared(text))).layers[LayerId("parcel")]

    return look


@contextmanager
def serving(settings: Settings) -> Iterator[TestClient]:
    application = create_app(
        settings, load(catalogue_folders(settings)), str(settings.database_url)
    )
    with capture_logs(), TestClient(application) as client:
        wait(lambda: client.get("/health/ready").status_code == 200)
        wait(lambda: client.get("/collections").status_code == 200)
        yield client


def wait(done: Callable[[], bool]) -> None:
    for _ in range(1_200):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def address(zoom: int) -> TileAddress:
    west, south = WEST + 2.5 * SIZE, SOUTH + 2.5 * SIZE
    row, _, column, _ = WEB_MERCATOR_QUAD.limits((west, south, west, south), zoom)
    return TileAddress(grid=WEB_MERCATOR_QUAD, level=zoom, row=row, column=column)


def path(zoom: int, collection: str = "parcel") -> str:
    at = address(zoom)
    return f"/collections/{collection}/tiles/{at.grid.id}/{at.level}/{at.row}/{at.column}"


def features(content: bytes) -> list[Any]:
    """Shapes and attributes but for our own ids, in the order of the tile."""
    (layer,) = mapbox_vector_tile.decode(content).values()
    kept = ("YDYHFLDM", "XZQDM")
    return [
        (one["geometry"], {k: v for k, v in one["properties"].items() if k in kept}, one["id"])
        for one in layer["features"]
    ]


def seen(url: str, layer: Layer) -> tuple[Layer, Overview | None]:
    """The layer as it is found, and the overview that serves it."""
    with connect(url, DatabaseRole.READER) as connection:
        found = describe(connection, layer)
        return found, standing(list_taken_now(connection), {layer.id: found}).get(layer.id)


def drawn(url: str, layer: Layer, zoom: int, scope: Scope = EVERYTHING) -> Tile:
    found, overview = seen(url, layer)

    async def run() -> Tile:
        async with open_pools(url, readers=2, writers=1) as pools:
            query = TileQuery(address=address(zoom))
            return await LayerStore(pools).tile(found, None, query, scope, overview=overview)

    return asyncio.run(run())


def stored(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_tiles_far_out_hold_what_a_layer_of_ours_with_these_rows_holds_and_are_kept(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    layer_of: Callable[..., Layer],
    database_url: str,
) -> None:
    layer = layer_of()
    assert take_overview(database_url, layer)
    _, overview = seen(database_url, layer)
    assert overview is not None
    assert overview.taken is not None
    with connect(database_url, DatabaseRole.READER) as connection:
        (state,) = list_editions_now(connection)  # an external table has no edition that is shown
    assert state.overview is not None
    for name in ("classes_below", "levels"):
        assert getattr(overview, name) == getattr(state.overview, name)
    assert overview.omitted.by_tiling == state.overview.omitted.by_tiling
    sources = [overview.source(zoom).drawn for zoom in (LOW, LEVEL, NEAR)]
    assert sources == [Drawn.CLASSES, Drawn.GENERALISED, Drawn.ROWS]

    with serving(declared()) as client:
        for zoom in (LOW, LEVEL, NEAR):
            ours, theirs = client.get(path(zoom, OWN)), client.get(path(zoom))
            assert features(theirs.content) == features(ours.content)
        kept = {zoom: client.get(path(zoom)) for zoom in (LOW, LEVEL)}
        for answer in kept.values():
            assert "max-age" not in answer.headers["Cache-Control"]
        assert "max-age=60" in client.get(path(NEAR)).headers["Cache-Control"]
        for zoom, held in ((LOW, False), (NEAR, True)):
            several = path(zoom).replace("/collections/parcel", "") + "?collections=parcel,land_use"
            answer = client.get(several)
            assert set(mapbox_vector_tile.decode(answer.content)) == {"parcel", OWN}
            assert ("max-age" in answer.headers["Cache-Control"]) is held

        # nothing is asked of the database: what it would say is not there any more
        edition = overview.taken.edition
        tables(f"UPDATE gis.parcel SET code = '{CODES[0]}'")
        tables(f"TRUNCATE planning_mosaic.parcel__{edition}, planning_overview.parcel__{edition}")
        for zoom, answer in kept.items():
            again = client.get(path(zoom))
            assert (again.content, again.headers["ETag"]) == (
                answer.content,
                answer.headers["ETag"],
            )
            known = {"If-None-Match": answer.headers["ETag"]}
            assert client.get(path(zoom), headers=known).status_code == 304
        now = {one[1]["YDYHFLDM"] for one in features(client.get(path(NEAR)).content)}
        assert now == {CODES[0]}


def test_what_is_taken_anew_replaces_what_was_and_tilesets_say_as_of_when(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    layer_of: Callable[..., Layer],
    database_url: str,
) -> None:
    layer, settings = layer_of(), declared()
    take_overview(database_url, layer)
    with serving(settings) as client:

        def facts(lang: str = "en") -> Any:
            asked = "/collections/parcel/tiles/WebMercatorQuad?f=json&lang="
            return client.get(asked + lang).json()["x-onemap"]

        before, first = client.get(path(LOW)), facts()
        tables(f"UPDATE gis.parcel SET code = '{CODES[0]}'")
        assert client.get(path(LOW)).headers["ETag"] == before.headers["ETag"]
        take_overview(database_url, layer)
        wait(lambda: facts()["takenAt"] != first["takenAt"])
        after = client.get(path(LOW))
        assert after.headers["ETag"] != before.headers["ETag"]
        assert {one[1]["YDYHFLDM"] for one in features(after.content)} == {"01"}

        tables("UPDATE onemap.overview SET made_at = made_at - interval '2 min'")
        assert clear_tables(database_url, load(catalogue_folders(settings))) == {}
        counted = "SELECT count(*) FROM pg_class WHERE relname LIKE 'parcel\\_\\_table%' "
        assert stored(database_url, f"{counted} AND relkind = 'r'") == [(2,)]
        assert stored(database_url, "SELECT count(*) FROM onemap.overview") == [(2,)]
        assert client.get(path(LOW)).content == after.content

        said = facts()
        assert said["takenAt"] > first["takenAt"]
        assert said["taken"].startswith("At levels 0–")
        assert "(Beijing time)" in said["taken"]
        assert facts("zh")["taken"].startswith("第 0–")
        assert (said["edition"], said["revision"], said["overviewRevision"]) == (None, None, None)
        page = client.get("/collections/parcel/tiles/WebMercatorQuad?f=html&lang=en").text
        assert said["taken"] in page
        tilejson = client.get("/collections/parcel/tiles/WebMercatorQuad?f=tilejson&lang=en").json()
        assert said["taken"] in tilejson["vector_layers"][0]["description"]


def test_a_county_sees_of_what_was_taken_what_it_sees_of_the_rows(
    tables: Callable[[str], None], layer_of: Callable[..., Layer], database_url: str
) -> None:
    layer = layer_of()
    tables("UPDATE gis.parcel SET county = county || '000000'")  # as the table pads its codes
    take_overview(database_url, layer)
    county = replace(EVERYTHING, regions=(COUNTIES[0],))
    nobody = replace(EVERYTHING, regions=())
    middle = shapely.box(WEST, SOUTH, WEST + 5 * SIZE, SOUTH + 5 * SIZE)
    within = replace(EVERYTHING, areas=shapely.MultiPolygon([middle]).wkb)
    for zoom, source in ((LOW, Drawn.CLASSES), (LEVEL, Drawn.GENERALISED)):
        whole, part = drawn(database_url, layer, zoom), drawn(database_url, layer, zoom, county)
        assert (whole.source.drawn, part.source.drawn) == (source, source)
        all_of, some = features(whole.content), features(part.content)
        assert 0 < len(some) < len(all_of)
        assert [one for one in all_of if one in some] == some
        assert drawn(database_url, layer, zoom, nobody).content == b""
        # an area is met by shapes as they are, and never by those that were moved
        assert drawn(database_url, layer, zoom, within).source.drawn is Drawn.ROWS

    bare = layer_of(ENTRY.replace("region: {field: XZQDM}\n", ""))
    assert seen(database_url, bare)[1] is None  # what was taken knows other regions: it serves not
    take_overview(database_url, bare)
    assert drawn(database_url, bare, LOW).content
    assert drawn(database_url, bare, LOW, county).content == b""


def test_rows_that_the_serving_role_may_not_read_are_not_taken(
    tables: Callable[[str], None], layer_of: Callable[..., Layer], database_url: str
) -> None:
    tables(
        "ALTER TABLE gis.parcel ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY later ON gis.parcel TO onemap_reader USING (id > 40)"
    )
    take_overview(database_url, layer_of())
    _, overview = seen(database_url, layer_of())
    assert overview is not None
    assert overview.taken is not None
    name = f"planning_overview.parcel__{overview.taken.edition}"
    fids = stored(database_url, f"SELECT DISTINCT fid FROM {name} ORDER BY fid")
    assert fids == [(number,) for number in range(41, ACROSS**2 + 1)]
    tables("REVOKE SELECT ON gis.parcel FROM onemap_reader")
    with pytest.raises(Refused, match="GRANT SELECT"):
        take_overview(database_url, layer_of())


def test_where_the_overview_does_not_fit_tiles_are_drawn_from_the_table(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    layer_of: Callable[..., Layer],
    database_url: str,
) -> None:
    layer = layer_of()
    take_overview(database_url, layer)
    _, overview = seen(database_url, layer)
    assert overview is not None
    assert overview.taken is not None
    for schema in ("planning_overview", "planning_mosaic"):
        tables(f"DROP TABLE {schema}.parcel__{overview.taken.edition}")
    with serving(declared()) as client:
        for zoom in (LOW, LEVEL):
            live = client.get(path(zoom))
            assert live.status_code == 200
            assert {one[2] for one in features(live.content)} <= set(range(1, ACROSS**2 + 1))
            tables("DELETE FROM gis.parcel WHERE id % 2 = 0")
            assert len(client.get(path(zoom)).content) <= len(live.content)

        take_overview(database_url, layer)
        asked = "/collections/parcel/tiles/WebMercatorQuad?f=json"
        wait(lambda: client.get(asked).json()["x-onemap"]["takenAt"] is not None)
        # a column of another type: what was taken shows another one, and is due
        tables("ALTER TABLE gis.parcel ALTER id TYPE text USING 'n' || id; NOTIFY onemap_revision")
        wait(lambda: client.get(asked).json()["x-onemap"]["takenAt"] is None)
        # while a table changes its layer may be told unavailable for a moment
        wait(lambda: client.get(path(LOW)).status_code == 200)
        assert [
            one.id for one in due_tables(database_url, load(catalogue_folders(declared())))
        ] == ["parcel"]

        tables("DROP TABLE gis.parcel; NOTIFY onemap_revision")
        wait(lambda: client.get(path(LOW)).status_code == 503)
        assert client.get(path(LOW)).json()["code"] == "Overloaded"
        assert due_tables(database_url, load(catalogue_folders(declared()))) == []
        with pytest.raises(Refused, match="no table or view"):
            take_overview(database_url, layer)


def test_without_being_asked_for_nothing_is_taken_and_what_was_goes(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    layer_of: Callable[..., Layer],
    database_url: str,
) -> None:
    take_overview(database_url, layer_of())
    without = ENTRY.replace("tiles: {overview: true}\n", "")
    layer = layer_of(without)
    assert seen(database_url, layer)[1] is None
    catalogue = load(catalogue_folders(declared(without)))
    assert due_tables(database_url, catalogue) == []
    assert clear_tables(database_url, catalogue) == {}
    named = "SELECT FROM pg_class WHERE relname LIKE 'parcel\\_\\_table%'"
    assert stored(database_url, named) == []
    left = "SELECT FROM onemap.mosaic_cells WHERE layer = 'parcel'"
    assert stored(database_url, left) == stored(
        database_url, left.replace("mosaic_cells", "edition")
    )
    with serving(declared(without)) as client:
        assert "max-age=60" in client.get(path(LOW)).headers["Cache-Control"]
        facts = client.get("/collections/parcel/tiles/WebMercatorQuad?f=json").json()["x-onemap"]
        assert (facts["taken"], facts["takenAt"], facts["generalisation"]) == (None, None, None)


def test_an_overview_is_due_at_first_when_it_differs_and_when_its_hours_are_over(
    tables: Callable[[str], None], declared: Callable[..., Settings], database_url: str
) -> None:
    def due(text: str) -> bool:
        return bool(due_tables(database_url, load(catalogue_folders(declared(text)))))

    def take(text: str) -> None:
        catalogue = load(catalogue_folders(declared(text)))
        assert take_overview(database_url, catalogue.layers[LayerId("parcel")])

    def age(hours: int) -> None:
        tables(
            f"UPDATE onemap.overview SET taken_at = taken_at - interval '{hours} h',"
            f" looked_at = looked_at - interval '{hours} h' WHERE taken_at IS NOT NULL"
        )

    assert due(ENTRY)
    take(ENTRY)
    assert not due(ENTRY)
    age(100)
    assert not due(ENTRY)  # only by command
    daily = ENTRY.replace("overview: true", "overview: true, overview_hours: 24")
    assert due(daily)
    take(daily)
    assert not due(daily)

    counted = daily.replace("external: gis.parcel", "external: gis.parcel\n  version: trigger")
    table = load(catalogue_folders(declared(counted))).layers[LayerId("parcel")].external
    assert table is not None
    tables(trigger_sql(table))
    tables("UPDATE gis.parcel SET code = code WHERE id = 1")
    take(counted)
    age(25)
    assert not due(counted)  # nothing was written since
    tables("UPDATE gis.parcel SET code = code WHERE id = 1")
    assert not due(counted)  # it was looked at: its hours have begun anew
    age(25)
    assert due(counted)


def test_a_worker_takes_what_is_due(
    tables: Callable[[str], None], declared: Callable[..., Settings], database_url: str
) -> None:
    catalogue = load(catalogue_folders(declared()))
    layer = catalogue.layers[LayerId("parcel")]

    async def until_taken() -> None:
        duty = asyncio.create_task(OverviewDuty(database_url, lambda: catalogue).run())
        while (await asyncio.to_thread(seen, database_url, layer))[1] is None:
            assert not duty.done()
            await asyncio.sleep(0.2)
        duty.cancel()

    asyncio.run(asyncio.wait_for(until_taken(), 60))
    assert drawn(database_url, layer, LOW).source.drawn is Drawn.CLASSES
    assert due_tables(database_url, catalogue) == []


def test_keys_that_tiles_cannot_carry_and_shapes_that_are_not_sound(
    tables: Callable[[str], None], layer_of: Callable[..., Layer], database_url: str
) -> None:
    tables(
        'CREATE TABLE gis.other (name text PRIMARY KEY, code text, county text, "%" float8,'
        " geom geometry(MultiPolygonZ, 4530));"
        "INSERT INTO gis.other SELECT 'n' || id, code, county, 0.1::float8 + 0.2,"
        " ST_Force3D(ST_Transform(geom, 4530)) FROM gis.parcel WHERE id > 1;"
        "INSERT INTO gis.other SELECT 'bow', '010100', '220102', 1, ST_Multi(ST_Force3D(ST_Transform("
        "ST_GeomFromText('POLYGON((125 43, 125.01 43.01, 125.01 43, 125 43.01, 125 43))', 4490),"
        " 4530)));"
        "INSERT INTO gis.other SELECT 's' || i, '010100', '220102', 1, ST_Multi(ST_Force3D(ST_Transform("
        "ST_MakeEnvelope(125.1 + i * 1e-4, 43, 125.1 + i * 1e-4 + 5e-5, 43.0001, 4490), 4530)))"
        " FROM generate_series(1, 500) i;"  # a sample of them does not find the far one
        "INSERT INTO gis.other VALUES ('nowhere', '1', '1', 1, NULL),"
        " ('empty', '1', '1', 1, ST_GeomFromText('MULTIPOLYGON Z EMPTY', 4530)),"
        " ('far', '1', '1', 1, ST_Force3D(ST_Multi(ST_MakeEnvelope(1e9, 1e9, 2e9, 2e9, 4530))));"
        "GRANT SELECT ON gis.other TO onemap_reader;"
        "CREATE VIEW gis.twice AS SELECT 1 AS id, code, county, geom FROM gis.parcel;"
        "GRANT SELECT ON gis.twice TO onemap_reader"
    )
    entry = ENTRY.replace("gis.parcel", "gis.other")
    layer = layer_of(entry.replace("{name: XZQDM", '{name: "比%", column: "%"}, {name: XZQDM'))
    take_overview(database_url, layer)
    far, near = drawn(database_url, layer, LEVEL), drawn(database_url, layer, NEAR)
    assert (far.source.drawn, near.source.drawn) == (Drawn.GENERALISED, Drawn.ROWS)
    for tile in (far, near):
        assert {one[2] for one in features(tile.content)} == {0}  # no ids, as always
    assert drawn(database_url, layer, LOW).source.drawn is Drawn.CLASSES

    twice = ENTRY.replace("external: gis.parcel", "external: gis.twice\n  key: id")
    with pytest.raises(Refused, match="key repeat"):
        take_overview(database_url, layer_of(twice))


def test_points_follow_their_own_rule(
    tables: Callable[[str], None], layer_of: Callable[..., Layer], database_url: str
) -> None:
    tables(
        "CREATE TABLE gis.tree AS SELECT i AS id, ST_SetSRID(ST_MakePoint(125 + (i % 100) * 1e-2"
        " + (i / 1000) * 1e-5, 43 + (i / 100 % 10) * 1e-5), 4490)::geometry(Point, 4490) AS geom FROM"
        " generate_series(0, 9999) i; ALTER TABLE gis.tree ADD PRIMARY KEY (id);"
        "GRANT SELECT ON gis.tree TO onemap_reader"
    )
    plain = ENTRY[: ENTRY.index("  columns:")].replace("gis.parcel", "gis.tree")
    layer = layer_of(f"{plain}tiles: {{overview: true}}\n")
    take_overview(database_url, layer)
    _, overview = seen(database_url, layer)
    assert overview is not None
    assert overview.levels
    level = overview.levels[0]
    cell = 360 / 256 / 2**level
    held = stored(
        database_url,
        f"SELECT fid FROM planning_overview.parcel__{overview.taken and overview.taken.edition}"
        f" WHERE level = {level} ORDER BY fid",
    )
    expected = stored(
        database_url,
        f"SELECT min(id)::bigint FROM gis.tree GROUP BY floor(ST_X(geom) / {cell}),"
        f" floor(ST_Y(geom) / {cell}) ORDER BY 1",
    )
    assert held == expected


def kept(
    url: str, catalogue: Catalogue, kinds: tuple[Kind, ...], done: Callable[[list[Any]], bool]
) -> list[Any]:
    """What a duty of these kinds logs until it is *done*."""

    async def until_done() -> None:
        duty = asyncio.create_task(OverviewDuty(url, lambda: catalogue, kinds).run())
        while not await asyncio.to_thread(done, logged):
            assert not duty.done()
            await asyncio.sleep(0.05)
        duty.cancel()

    with capture_logs() as logged:
        asyncio.run(asyncio.wait_for(until_done(), 60))
    return list(logged)


def test_a_table_that_the_database_refuses_keeps_no_other_overview_waiting(
    tables: Callable[[str], None], declared: Callable[..., Settings], database_url: str
) -> None:
    catalogue = load(catalogue_folders(declared()))
    layer = catalogue.layers[LayerId("parcel")]
    for _ in range(2):
        take_overview(database_url, layer)
    first, second = stored(
        database_url, "SELECT edition FROM onemap.overview WHERE layer = 'parcel' ORDER BY revision"
    )
    assert clear_tables(database_url, catalogue) == {}
    held = "SELECT count(*) FROM onemap.overview WHERE layer = 'parcel'"
    assert stored(database_url, held) == [(2,)]  # a server may not know yet what replaced it
    tables(f"CREATE VIEW gis.holds AS SELECT fid FROM planning_overview.parcel__{first[0]}")
    tables("UPDATE onemap.overview SET made_at = made_at - interval '2 min'")
    (name,) = clear_tables(database_url, catalogue)
    assert name == f"parcel.{first[0]}"

    def forget() -> None:
        tables("DELETE FROM onemap.overview WHERE layer = 'land_use'")
        assert due_overviews(database_url, catalogue)

    def made(_: list[Any]) -> bool:
        return not due_overviews(database_url, catalogue)

    def broken(url: str, catalogue: Catalogue) -> list[Due]:
        raise psycopg.errors.InternalError("out of order")

    forget()
    kept(
        database_url,
        catalogue,
        (EDITIONS, TABLES),
        lambda log: made(log) and any(one["event"] == "overview_not_removed" for one in log),
    )
    forget()
    logged = kept(database_url, catalogue, (EDITIONS, replace(TABLES, find=broken)), made)
    (missed,) = [one for one in logged if one["event"] == "overviews_missed"]
    assert "out of order" in missed["error"]

    tables("DROP VIEW gis.holds")
    assert clear_tables(database_url, catalogue) == {}
    assert stored(database_url, held.replace("count(*)", "edition")) == [second]


def test_where_other_rows_may_be_read_than_when_it_was_taken_it_serves_not(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    layer_of: Callable[..., Layer],
    database_url: str,
) -> None:
    def taken(text: str) -> Layer:
        layer = layer_of(text)
        take_overview(database_url, layer)
        assert seen(database_url, layer)[1] is not None
        return layer

    def withdrawn(text: str, change: str) -> None:
        layer = taken(text)
        tables(change)
        assert seen(database_url, layer)[1] is None
        due = due_tables(database_url, load(catalogue_folders(declared(text))))
        assert [one.id for one in due] == [layer.id]

    withdrawn(ENTRY, "ALTER TABLE gis.parcel ENABLE ROW LEVEL SECURITY")
    tables("CREATE POLICY several ON gis.parcel TO onemap_reader USING (id > 10)")
    withdrawn(ENTRY, "ALTER POLICY several ON gis.parcel USING (id > 20)")
    withdrawn(ENTRY, "ALTER POLICY several ON gis.parcel TO onemap_owner, onemap_reader")
    view = ENTRY.replace("external: gis.parcel", "external: gis.seen\n  key: id")
    tables(
        "CREATE VIEW gis.inner AS SELECT * FROM gis.parcel;"
        "CREATE VIEW gis.seen AS SELECT * FROM gis.inner; GRANT SELECT ON gis.seen TO onemap_reader"
    )
    withdrawn(view, "CREATE OR REPLACE VIEW gis.seen AS SELECT * FROM gis.inner WHERE id > 9")
    withdrawn(view, "CREATE OR REPLACE VIEW gis.inner AS SELECT * FROM gis.parcel WHERE id > 30")
    withdrawn(view, "ALTER POLICY several ON gis.parcel USING (id > 40)")
    layer = taken(view)
    tables("ALTER TABLE gis.parcel SET (fillfactor = 90); ANALYZE gis.parcel")
    assert seen(database_url, layer)[1] is not None


def test_a_table_that_had_no_rows_gets_its_overview_once_it_has_many(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    layer_of: Callable[..., Layer],
    database_url: str,
) -> None:
    tables(
        "CREATE TABLE gis.later (LIKE gis.parcel INCLUDING ALL);"
        "ALTER TABLE gis.later ALTER geom TYPE geometry(MultiPolygon, 4490);"
        "GRANT SELECT ON gis.later TO onemap_reader"
    )
    text = ENTRY.replace("gis.parcel", "gis.later")
    layer, catalogue = layer_of(text), load(catalogue_folders(declared(text)))

    def due() -> bool:
        return bool(due_tables(database_url, catalogue))

    assert due()
    take_overview(database_url, layer)
    assert not due()
    assert seen(database_url, layer)[1] is None  # nothing is drawn from it
    tables("INSERT INTO gis.later SELECT * FROM gis.parcel WHERE id < 500")
    tables("INSERT INTO gis.later SELECT id + 1000, code, county, NULL FROM gis.parcel")
    assert not due()  # what has no place is not drawn
    tables("INSERT INTO gis.later SELECT * FROM gis.parcel WHERE id = 500")
    assert due()
    take_overview(database_url, layer)
    assert not due()
    assert seen(database_url, layer)[1] is not None


def test_what_cannot_be_taken_is_told_in_a_sentence_and_tried_more_and_more_seldom(
    tables: Callable[[str], None], declared: Callable[..., Settings], database_url: str
) -> None:
    tables(
        "CREATE TABLE gis.mixed (id int PRIMARY KEY, code text, county text,"
        " geom geometry(Geometry, 4490)); GRANT SELECT ON gis.mixed TO onemap_reader;"
        "INSERT INTO gis.mixed SELECT i, '010100', '220102', ST_MakeEnvelope(125, 43, 125.1, 43.1, 4490)"
        " FROM generate_series(1, 1000) i; INSERT INTO gis.mixed VALUES (1001, '010100', '220102',"
        " ST_GeomFromText('LINESTRING(125 43, 125.1 43.1)', 4490))"
    )
    catalogue = load(catalogue_folders(declared(ENTRY.replace("gis.parcel", "gis.mixed"))))
    with pytest.raises(Refused, match="Geometry type"):
        take_overview(database_url, catalogue.layers[LayerId("parcel")])
    assert stored(database_url, COPIES.replace("%s", f"'{CURRENT}'")) == []

    def failures(logged: list[Any]) -> list[Any]:
        return [one for one in logged if one["event"] == "overview_failed"]

    often = replace(TABLES, every_s=0.01, again_s=0.02, again_most_s=0.05)
    logged = kept(database_url, catalogue, (often,), lambda log: len(failures(log)) > 3)
    assert [one["again_s"] for one in failures(logged)[:4]] == [0.02, 0.04, 0.05, 0.05]
    assert all("Geometry type" in one["reason"] for one in failures(logged))
    hasty = replace(TABLES, within_s=0.0)
    logged = kept(database_url, catalogue, (hasty,), lambda log: bool(failures(log)))
    assert failures(logged)[0]["reason"] == "it was not done within 0 s"


def test_a_table_whose_version_is_not_told_in_time_is_due_and_one_that_another_worker_took_no_error(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = ENTRY.replace(
        "external: gis.parcel", "external: gis.parcel\n  version: column\n  column: id"
    ).replace("overview: true", "overview: true, overview_hours: 1")
    catalogue = load(catalogue_folders(declared(text)))
    take_overview(database_url, catalogue.layers[LayerId("parcel")])
    tables("UPDATE onemap.overview SET taken_at = taken_at - interval '2 h'")

    def late(*asked: Any) -> str | None:
        raise psycopg.errors.QueryCanceled("canceling statement due to statement timeout")

    def meanwhile(*asked: Any) -> str | None:
        tables("DELETE FROM onemap.overview WHERE layer = 'parcel'")
        return table_version(*asked)

    monkeypatch.setattr("providers.taken_overviews.table_version", late)
    assert len(due_tables(database_url, catalogue)) == 1
    monkeypatch.setattr("providers.taken_overviews.table_version", meanwhile)
    assert due_tables(database_url, catalogue) == []


def test_a_table_is_free_while_its_overview_is_made_and_no_copy_of_its_rows_stays(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue = load(catalogue_folders(declared()))
    layer = catalogue.layers[LayerId("parcel")]
    copies = COPIES.replace("%s", f"'{CURRENT}'")

    def emptied(*given: Any) -> None:
        ((name,),) = stored(database_url, copies)
        clear_tables(database_url, catalogue)
        assert stored(database_url, copies) == [(name,)]  # it is in use
        tables("SET lock_timeout = 1000; TRUNCATE gis.parcel")
        take(*given)

    monkeypatch.setattr("processes.workflows.overview_building.take", emptied)
    take_overview(database_url, layer)
    assert stored(database_url, copies) == []
    assert drawn(database_url, layer, LOW).content

    tables(
        "CREATE UNLOGGED TABLE planning.parcel__table_99 ();"
        "CREATE TABLE planning.land_use__table_7 PARTITION OF planning.land_use"
        " FOR VALUES IN ('table_7')"
    )
    with connect(database_url, DatabaseRole.WRITER) as other:
        assert hold(other, layer.id, BEING_TAKEN, lasting=False)
        assert clear_tables(database_url, catalogue) == {}
        assert stored(database_url, copies) == [("parcel__table_99",)]
    assert clear_tables(database_url, catalogue) == {}
    assert stored(database_url, copies) == []
    own = "SELECT FROM pg_class WHERE relname = 'land_use__table_7'"
    assert len(stored(database_url, own)) == 1


def test_the_command_takes_an_external_layers_overview_and_leaves_other_catalogues_alone(
    tables: Callable[[str], None],
    declared: Callable[..., Settings],
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(text: str, name: str) -> str:
        assert overview_command(declared(text), Namespace(layer=name, anew=False)) == 0
        return capsys.readouterr().out

    said = run(ENTRY, "parcel")
    assert "(Beijing time), classes below zoom" in said
    run(ENTRY.replace("id: parcel", "id: lot"), "lot")
    with connect(database_url, DatabaseRole.READER) as connection:
        assert set(list_taken_now(connection)) == {"parcel", "lot"}
    with pytest.raises(Refused, match="asks for no overview"):
        run(ENTRY.replace("tiles: {overview: true}\n", ""), "parcel")
