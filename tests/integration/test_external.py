"""Any PostGIS table or view is a layer in five lines of YAML: as it is, read-only, within the scope."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import psycopg
import pytest
import shapely
from pygeoapi.provider.base import ProviderItemNotFoundError
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from config.loader import catalogue_folders, load
from config.model import Layer
from config.settings import PACKAGE_ROOT, Settings
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.crs import CRS84
from providers.database import DatabaseRole, connect, open_pools
from providers.dialect import compile_sql
from providers.external import describe
from providers.external_table import ExternalRefused, trigger_sql
from providers.features import FeatureQuery, item_statement, page_statement
from providers.grids import WEB_MERCATOR_QUAD, TileAddress
from providers.layers import LayerStore
from providers.ordering import Position, parse_position
from providers.pygeoapi import source
from providers.pygeoapi.feature import LayerProvider
from providers.relations import relation_of
from providers.tiles import TileQuery
from providers.windows import parse_bbox
from server.app import create_app

TABLES = """
CREATE SCHEMA gis;
GRANT USAGE ON SCHEMA gis TO onemap_reader;
CREATE TABLE gis.pipe (
    id integer PRIMARY KEY, "管径(mm)" numeric(6, 1) NOT NULL, kind varchar(8), seen timestamptz,
    uid uuid NOT NULL DEFAULT gen_random_uuid(), more jsonb, county text, laid date, removed date,
    "limit" integer, photo bytea, geom geometry(PolygonZ, 4547));
COMMENT ON COLUMN gis.pipe.kind IS '管材';
INSERT INTO gis.pipe SELECT i, i * 100, 'PE', '2024-01-01T08:00+08', gen_random_uuid(),
    jsonb_build_object('n', i), CASE WHEN i % 2 = 0 THEN '220102000000' ELSE '220103' END,
    make_date(2000 + i, 1, 1), CASE WHEN i < 3 THEN make_date(2010 + i, 1, 1) END, i, 'x',
    ST_Force3DZ(ST_Transform(ST_MakeEnvelope(114 + i * 0.01, 30, 114.005 + i * 0.01, 30.005, 4490),
        4547))
    FROM generate_series(1, 7) i;
CREATE INDEX pipe_geom ON gis.pipe USING gist (geom);
CREATE VIEW gis.pipe_view AS
    SELECT uid, kind, ST_Force2D(ST_Transform(geom, 4490)) AS geom FROM gis.pipe;
CREATE VIEW gis.county AS SELECT county, count(*)::integer AS pipes FROM gis.pipe GROUP BY county;
GRANT SELECT ON ALL TABLES IN SCHEMA gis TO onemap_reader;
"""
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=frozenset()
)
HEAD = "kind: layer\ntitle: {zh: 管线, en: Pipes}\ntheme: present\nclassification: public\n"
PIPES = f"{HEAD}id: pipe\nstorage: {{external: gis.pipe}}\n"


@pytest.fixture
def tables(database_url: str) -> Callable[..., None]:
    """Run SQL as the database's owner; the tables are there from the start."""

    def run(statement: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute(statement.encode())

    run(TABLES)
    return run


@pytest.fixture
def declared(tmp_path: Path, database_url: str) -> Callable[[str], Settings]:
    """An instance whose own catalogue folder has these entries."""

    def write(text: str) -> Settings:
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


@contextmanager
def serving(settings: Settings) -> Iterator[TestClient]:
    """The application in this process, once it has looked at the database."""
    catalogue = load(catalogue_folders(settings))
    application = create_app(settings, catalogue, str(settings.database_url))
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


@pytest.fixture
def found(
    tables: Callable[..., None], declared: Callable[[str], Settings], database_url: str
) -> Callable[[str], Layer]:
    """The layer of an entry as the serving role finds it."""

    def look(text: str) -> Layer:
        catalogue = load(catalogue_folders(declared(text)))
        layer = next(one for one in catalogue.layers.values() if one.external is not None)
        with connect(database_url, DatabaseRole.READER) as connection:
            return describe(connection, layer)

    return look


def reading[T](url: str, work: Callable[[LayerStore], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_pools(url, readers=2, writers=1) as pools:
            return await work(LayerStore(pools))

    return asyncio.run(run())


def features(page: Any) -> list[Any]:
    found: list[Any] = json.loads(b"[" + page.features + b"]")
    return found


def test_five_lines_show_a_table_with_its_names_types_and_place(
    tables: Callable[..., None], declared: Callable[[str], Settings]
) -> None:
    with serving(declared(PIPES)) as client:
        page = client.get("/collections/pipe/items?limit=100").json()
        assert [f["id"] for f in page["features"]] == list("1234567")
        assert page["numberMatched"] == 7
        assert page["x-onemap"] == {"edition": None, "revision": None, "synthetic": False}
        feature = client.get("/collections/pipe/items/3").json()
        properties = feature["properties"]
        assert (properties["管径(mm)"], properties["kind"], properties["laid"]) == (
            300,
            "PE",
            "2003-01-01",
        )
        assert properties["seen"] == "2024-01-01T00:00:00+00:00"
        assert json.loads(properties["more"]) == {"n": 3}
        assert "photo" not in properties
        assert properties["om_area_m2"] is None
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.geom_type == "MultiPolygon"
        assert not shape.has_z
        assert shape.bounds == pytest.approx((114.03, 30, 114.035, 30.005), abs=1e-8)

        collection = client.get("/collections/pipe").json()
        assert collection["extent"]["spatial"]["bbox"][0] == pytest.approx(
            [114.01, 30, 114.075, 30.005], abs=0.01
        )
        facts = collection["x-onemap"]
        assert (facts["storage"], facts["asOf"], facts["geometry"], facts["editions"]) == (
            "external",
            False,
            "polygon",
            [],
        )
        schema = client.get("/collections/pipe/schema").json()["properties"]
        kind = {key: said for key, said in schema["kind"].items() if not key.startswith("x-")}
        assert kind == {"type": ["string", "null"], "title": "管材", "maxLength": 8}
        assert schema["id"]["x-ogc-role"] == "id"
        queryables = client.get("/collections/pipe/queryables").json()["properties"]
        assert schema.keys() - queryables.keys() >= {"limit"}
        assert "pipe" in [c["id"] for c in client.get("/collections").json()["collections"]]


def test_windows_values_pages_and_tiles_of_an_external_layer(
    tables: Callable[..., None], declared: Callable[[str], Settings]
) -> None:
    with serving(declared(PIPES)) as client:

        def ids(**asked: str) -> list[str]:
            answer = client.get("/collections/pipe/items", params=asked)
            assert answer.status_code == 200, answer.text
            return [f["id"] for f in answer.json()["features"]]

        assert ids(bbox="114.021,30.001,114.034,30.002") == ["2", "3"]
        assert ids(bbox="-180,-90,180,90") == list("1234567")
        assert ids(bbox="0,0,1,1") == []
        assert ids(**{"管径(mm)": "400"}) == ["4"]
        assert ids(kind="PE", id="5") == ["5"]
        assert ids(more='{"n": 6}') == ["6"]
        assert ids(limit="2") == ["1", "2"], "what pages is no attribute"
        walked: list[str] = []
        address: str | None = "/collections/pipe/items?limit=3"
        while address is not None:
            page = client.get(address).json()
            walked += [f["id"] for f in page["features"]]
            address = next((x["href"] for x in page["links"] if x["rel"] == "next"), None)
        assert walked == list("1234567")
        tiles = "/collections/pipe/tiles/WebMercatorQuad"
        assert client.get(f"{tiles}/0/0/0?f=mvt").status_code == 204, "too small to be drawn"
        tile = client.get(f"{tiles}/10/422/836?f=mvt")
        drawn = mapbox_vector_tile.decode(tile.content)["pipe"]["features"]
        assert {f["id"] for f in drawn} == set(range(1, 8))
        assert {f["properties"]["om_id"] for f in drawn} == {str(f["id"]) for f in drawn}


def test_an_external_layer_has_no_editions_and_no_past(
    tables: Callable[..., None], declared: Callable[[str], Settings]
) -> None:
    with serving(declared(PIPES)) as client:
        for path in ("/items", "/items/1", "/tiles/WebMercatorQuad/0/0/0"):
            refused = client.get(f"/collections/pipe{path}?asOf=2024-01-01")
            assert refused.status_code == 400
            assert "not recorded" in refused.json()["detail"]
        assert client.get("/collections/pipe.2024/items").status_code == 404
        assert client.get("/collections/pipe/items?datetime=1949-10-01").json()["numberReturned"]
        assert client.get("/collections/pipe/items/x").status_code == 404
        assert client.get("/collections/pipe/items/01").status_code == 404


def test_a_view_is_named_by_its_key_and_pages_in_the_order_of_its_texts(
    tables: Callable[..., None], found: Callable[[str], Layer], database_url: str
) -> None:
    with pytest.raises(ExternalRefused, match="a view; name the column"):
        found(f"{HEAD}id: v\nstorage: {{external: gis.pipe_view}}\n")
    layer = found(f"{HEAD}id: v\nstorage: {{external: gis.pipe_view, key: uid}}\n")

    async def walk(store: LayerStore) -> list[str]:
        ids: list[str] = []
        after: Any = None
        while True:
            page = await store.page(layer, None, FeatureQuery(limit=3, after=after), EVERYTHING)
            ids += [f["id"] for f in features(page)]
            if page.next_after is None:
                break
            after = parse_position(layer, (), page.next_after)
        for name in ids:
            assert json.loads((await store.item(layer, None, name, EVERYTHING)).feature)
        return ids

    ids = reading(database_url, walk)
    assert len(ids) == len(set(ids)) == 7
    assert ids == sorted(ids)


def test_a_tile_carries_ids_only_where_keys_are_whole_numbers(
    tables: Callable[..., None], found: Callable[[str], Layer], database_url: str
) -> None:
    tables("GRANT SELECT ON gis.pipe_view TO onemap_reader")
    layer = found(f"{HEAD}id: v\nstorage: {{external: gis.pipe_view, key: uid}}\n")
    query = TileQuery(address=TileAddress(WEB_MERCATOR_QUAD, 10, 422, 836))

    tile = reading(database_url, lambda store: store.tile(layer, None, query, EVERYTHING))

    drawn = mapbox_vector_tile.decode(tile.content)["v"]["features"]
    assert len(drawn) == 7
    assert all(not f.get("id") and len(f["properties"]["om_id"]) == 36 for f in drawn)


def test_the_stock_engine_shows_an_external_layer_alike(
    tables: Callable[..., None],
    declared: Callable[[str], Settings],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = declared(PIPES)
    monkeypatch.setenv("ONEMAP_HOME", str(settings.home))
    monkeypatch.setenv("ONEMAP_DATABASE_URL", database_url)
    monkeypatch.setenv("ONEMAP_CATALOGUE", os.pathsep.join(map(str, settings.catalogue)))
    for kept in (source.catalogue, source.pool, source.external_layer):
        kept.cache_clear()
    block = {"data": source.DATABASE_VARIABLE, "layer": "pipe", "principal": "anonymous"}
    try:
        face = LayerProvider({"type": "feature", "name": "face", **block})
        with serving(settings) as client:
            ours = client.get("/collections/pipe/items?limit=100").json()["features"]
        assert face.query(limit=100)["features"] == ours
        assert face.query(offset=2, limit=2)["features"] == ours[2:4]
        assert face.query(bbox=[114.021, 30.001, 114.034, 30.002])["features"] == ours[1:3]
        assert face.get("5") == ours[4]
        assert face.get_fields()["kind"]["title"] == "管材"
        with pytest.raises(ProviderItemNotFoundError):
            face.get("five")
    finally:
        source.pool().close()
        for kept in (source.catalogue, source.pool, source.external_layer):
            kept.cache_clear()


def test_columns_are_chosen_renamed_and_described(found: Callable[[str], Layer]) -> None:
    layer = found(
        f"{HEAD}id: pipe\nstorage:\n  external: gis.pipe\n  columns:\n"
        "    - {name: GJ, column: 管径(mm), title: {zh: 管径, en: Diameter}, unit: m}\n"
        "    - {column: kind}\n"
    )

    assert [(f.code, f.title.zh, f.unit) for f in layer.fields] == [
        ("GJ", "管径", "m"),
        ("kind", "管材", None),
    ]
    with pytest.raises(ExternalRefused) as refused:
        found(
            f"{HEAD}id: pipe\nstorage:\n  external: gis.pipe\n  columns:\n"
            "    - {column: nothing}\n    - {column: photo}\n"
        )
    assert [f.split("'")[1] for f in refused.value.findings] == ["nothing", "photo"]


def test_the_scope_decides_and_a_layer_without_region_shows_nothing_to_a_county(
    found: Callable[[str], Layer], database_url: str
) -> None:
    county = Scope(
        layers=ALL,
        regions=("220102",),
        areas=ALL,
        ceiling=Classification.INTERNAL,
        functions=frozenset(),
    )
    area = shapely.MultiPolygon([shapely.box(114.041, 30.001, 114.042, 30.002)])
    there = Scope(
        layers=ALL,
        regions=ALL,
        areas=area.wkb,
        ceiling=Classification.INTERNAL,
        functions=frozenset(),
    )

    def seen(layer: Layer, scope: Scope) -> list[str]:
        async def ask(store: LayerStore) -> list[str]:
            return [f["id"] for f in features(await store.page(layer, None, FeatureQuery(), scope))]

        return reading(database_url, ask)

    plain, regional = found(PIPES), found(f"{PIPES}region: {{field: county}}\n")
    assert seen(plain, county) == []
    assert seen(regional, county) == ["2", "4", "6"]
    assert seen(plain, there) == ["4"]
    assert seen(regional, EVERYTHING) == list("1234567")


def test_datetime_selects_rows_that_are_valid_then(
    tables: Callable[..., None], declared: Callable[[str], Settings]
) -> None:
    entry = f"{PIPES}validity: {{from: laid, to: removed}}\n"
    with serving(declared(entry)) as client:

        def ids(at: str) -> list[str]:
            page = client.get("/collections/pipe/items", params={"datetime": at}).json()
            return [f["id"] for f in page["features"]]

        assert ids("2000-12-31") == []
        assert ids("2003-01-01") == ["1", "2", "3"]
        assert ids("2011-01-01") == list("1234567")
        assert ids("2011-01-02") == list("234567")
        assert ids("2012-06-01/..") == list("34567")
        assert client.get("/collections/pipe/items/1?datetime=2020-01-01").status_code == 404
        assert client.get("/collections/pipe/items/1?datetime=2005-01-01").status_code == 200
        assert client.get("/collections/pipe/items").json()["numberReturned"] == 7


@pytest.mark.parametrize("version", ["none", "column", "trigger"])
def test_a_change_is_noticed_by_what_the_entry_declares(
    tables: Callable[..., None], declared: Callable[[str], Settings], version: str
) -> None:
    watched = ", column: seen" if version == "column" else ""
    entry = f"{HEAD}id: pipe\nstorage: {{external: gis.pipe, version: {version}{watched}}}\n"
    settings = declared(entry)
    if version == "trigger":
        external = load(catalogue_folders(settings)).layers["pipe"].external
        assert external is not None
        tables(trigger_sql(external))
    with serving(settings) as client:

        def asked(tag: str = "") -> tuple[int, str, str]:
            answer = client.get("/collections/pipe/items", headers={"If-None-Match": tag})
            return answer.status_code, answer.headers["ETag"], answer.headers["Cache-Control"]

        status, tag, kept = asked()
        assert (status, kept) == (200, "max-age=60" if version == "none" else "no-cache")
        assert asked(tag)[0] == 304
        tables("UPDATE gis.pipe SET kind = 'PVC', seen = now() WHERE id = 2")
        assert asked(tag)[0] == 200
        status, tag, _ = asked()
        tables("DELETE FROM gis.pipe WHERE id = 7")
        if version != "column":  # a greatest value does not tell of deletions
            assert asked(tag)[0] == 200


def test_a_broken_external_layer_takes_nothing_else_down(
    tables: Callable[..., None], declared: Callable[[str], Settings]
) -> None:
    other = PIPES.replace("id: pipe", "id: county_pipes").replace(
        "{external: gis.pipe}", "{external: gis.county, key: county}"
    )
    with serving(declared(f"{PIPES}---\n{other}")) as client:
        listed = {c["id"] for c in client.get("/collections").json()["collections"]}
        assert {"pipe", "county_pipes", "land_use"} <= listed
        assert client.get("/collections/county_pipes/items").json()["numberReturned"] == 2

        tables("DROP TABLE gis.pipe CASCADE")
        for path in ("/items", "/items/1", "/tiles/WebMercatorQuad/0/0/0"):
            broken = client.get(f"/collections/pipe{path}")
            assert broken.status_code == 503
            assert broken.json()["code"] == "Overloaded"
            assert "gis" not in broken.text
        tables("NOTIFY onemap_revision")
        wait(
            lambda: (
                not {"pipe", "county_pipes"}
                & {c["id"] for c in client.get("/collections").json()["collections"]}
            )
        )
        assert client.get("/collections/pipe").status_code == 503
        assert client.get("/collections/land_use").status_code == 200
        tables(TABLES.replace("CREATE SCHEMA gis;", ""))
        tables("NOTIFY onemap_revision")
        wait(lambda: client.get("/collections/pipe/items").status_code == 200)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("REVOKE SELECT ON gis.pipe FROM onemap_reader", 'GRANT SELECT ON "gis"."pipe" TO'),
        ("REVOKE USAGE ON SCHEMA gis FROM onemap_reader", 'GRANT USAGE ON SCHEMA "gis" TO'),
        ("DROP TABLE gis.pipe CASCADE", "no table or view gis.pipe"),
        ("ALTER TABLE gis.pipe DROP CONSTRAINT pipe_pkey", "no primary key"),
        ("ALTER TABLE gis.pipe ADD COLUMN g2 geometry(Point, 4490)", "several"),
        ("ALTER TABLE gis.pipe ADD COLUMN om_region text", "OneMap's own name"),
        (
            "DROP VIEW gis.pipe_view; ALTER TABLE gis.pipe ALTER geom TYPE geometry"
            " USING ST_SetSRID(geom, CASE WHEN id = 1 THEN 4490 ELSE 4547 END)",
            "mixes the reference systems 4490, 4547",
        ),
        (
            "DROP VIEW gis.pipe_view; ALTER TABLE gis.pipe ALTER geom TYPE geometry"
            " USING ST_SetSRID(geom, 0)",
            "SRID 0",
        ),
        (
            "DROP VIEW gis.pipe_view; ALTER TABLE gis.pipe ALTER geom TYPE geometry"
            " USING CASE WHEN id = 1 THEN ST_Centroid(geom) ELSE geom END",
            "holds POINT, POLYGON",
        ),
        (
            "DROP VIEW gis.pipe_view; ALTER TABLE gis.pipe ALTER geom TYPE"
            " geometry(PolygonZ, 2436) USING ST_SetSRID(geom, 2436)",
            "EPSG:2436",
        ),
        (
            "DROP VIEW gis.pipe_view; ALTER TABLE gis.pipe ALTER geom TYPE"
            " geometry(PolygonZ, 4490) USING ST_SetSRID(geom, 4490)",
            "outside",
        ),
    ],
)
def test_what_is_not_certain_is_refused_with_what_would_help(
    tables: Callable[..., None], found: Callable[[str], Layer], change: str, says: str
) -> None:
    tables(change)

    with pytest.raises(ExternalRefused) as refused:
        found(PIPES)

    assert says in str(refused.value)


def test_uncounted_changes_and_our_own_tables_are_refused(found: Callable[[str], Layer]) -> None:
    counted = f"{HEAD}id: pipe\nstorage: {{external: gis.pipe, version: trigger}}\n"
    with pytest.raises(ExternalRefused, match="CREATE TRIGGER"):
        found(counted)
    with pytest.raises(ExternalRefused, match="OneMap's own"):
        found(f"{HEAD}id: keys\nstorage: {{external: onemap.edition}}\n")


def test_pages_items_and_windows_of_an_external_table_use_its_indexes(
    tables: Callable[..., None], found: Callable[[str], Layer], database_url: str
) -> None:
    tables(
        "INSERT INTO gis.pipe SELECT i, 1, 'PE', now(), gen_random_uuid(), NULL, '220102',"
        " '2020-01-01', NULL, 1, NULL, ST_Force3DZ(ST_Transform(ST_MakeEnvelope("
        "113 + i * 0.0001, 30, 113.00005 + i * 0.0001, 30.0001, 4490), 4547))"
        " FROM generate_series(8, 20000) i; ANALYZE gis.pipe"
    )
    layer = found(PIPES)
    relation = relation_of(layer, None, past=False)
    small = FeatureQuery(conditions=(parse_bbox("113.5,30.0,113.501,30.001", CRS84),))
    questions: list[tuple[Any, dict[str, Any]]] = [
        (page_statement(layer, relation, query, EVERYTHING), query.parameters)
        for query in (FeatureQuery(), FeatureQuery(after=Position((), 9_000)), small)
    ]
    questions.append((item_statement(layer, relation, EVERYTHING), {"om_id": 7_000}))

    with connect(database_url, DatabaseRole.READER) as connection:
        for statement, parameters in questions:
            compiled = compile_sql(statement)
            values = compiled.binds(parameters)
            plan = connection.execute(f"EXPLAIN {compiled.text}".encode(), values).fetchall()
            text = "\n".join(line for (line,) in plan)
            assert "Seq Scan" not in text, text


def test_a_window_asks_for_rows_without_a_place_only_where_there_may_be_some(
    tables: Callable[..., None], found: Callable[[str], Layer]
) -> None:
    window = parse_bbox("113.5,30.0,113.501,30.001", CRS84)

    def asked() -> str:
        layer = found(PIPES)
        relation = relation_of(layer, None, past=False)
        return compile_sql(
            page_statement(layer, relation, FeatureQuery(conditions=(window,)), EVERYTHING)
        ).text

    assert "geom IS NULL" in asked()
    tables("ALTER TABLE gis.pipe ALTER COLUMN geom SET NOT NULL")
    assert "geom IS NULL" not in asked()


def test_a_managed_layer_is_never_read_without_its_edition(found: Callable[[str], Layer]) -> None:
    with pytest.raises(ValueError, match="in an edition"):
        relation_of(replace(found(PIPES), external=None), None, past=False)
    assert relation_of(replace(found(PIPES), external=None), EditionKey("2024"), past=True).branches
