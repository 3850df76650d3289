import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import date

import mapbox_vector_tile
import pytest

from config.model import Catalogue, Layer
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.conditions import parse_equals
from providers.crs import CRS84
from providers.database import open_pools
from providers.errors import NotFound
from providers.features import FeatureQuery
from providers.grids import WEB_MERCATOR_QUAD, TileAddress
from providers.layers import LayerStore
from providers.ordering import parse_position
from providers.revisions import Revision
from providers.tiles import TileQuery
from providers.windows import parse_bbox

type Loader = Callable[..., Revision]
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)
TILE = TileQuery(address=TileAddress(WEB_MERCATOR_QUAD, 12, 1504, 3470))  # holds 125.02 E, 43.005 N
KEY = EditionKey("2024")


def reading[T](url: str, work: Callable[[LayerStore], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_pools(url, readers=2, writers=1) as pools:
            return await work(LayerStore(pools))

    return asyncio.run(run())


@pytest.fixture
def land_use(catalogue: Catalogue) -> Layer:
    return catalogue.layers["land_use"]


def region_column(layer: Layer, *codes: str) -> dict[str, list[str]]:
    field = layer.field(layer.region)
    assert field is not None
    return {field.code: [code.ljust(field.length or 6, "0")[: field.length or 6] for code in codes]}


def regional(*codes: str) -> Scope:
    return Scope(
        layers=ALL, regions=codes, areas=ALL, ceiling=Classification.INTERNAL, functions=frozenset()
    )


def test_pages_follow_each_other_without_gap_or_repetition(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", [str(i) for i in range(25)])

    async def walk(store: LayerStore) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = await store.page(land_use, KEY, FeatureQuery(limit=10, after=after), EVERYTHING)
            features = json.loads(b"[" + page.features + b"]")
            assert page.count == len(features) <= 10
            found += [f["id"] for f in features]
            if page.next_after is None:
                return found
            after = parse_position(land_use, (), page.next_after)

    found = reading(database_url, walk)

    assert len(found) == 25
    assert set(found) == {str(i) for i in range(25)}


def test_a_window_and_an_attribute_choose_features(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", ["0", "1", "2", "3"])
    window = FeatureQuery(conditions=(parse_bbox("125.012,43.002,125.018,43.004", CRS84),))
    equal = parse_equals(land_use, {land_use.identity[0]: "3"})
    assert equal is not None
    named = FeatureQuery(conditions=(equal,))

    async def ask(store: LayerStore) -> list[list[str]]:
        pages = [await store.page(land_use, KEY, q, EVERYTHING) for q in (window, named)]
        return [[f["id"] for f in json.loads(b"[" + p.features + b"]")] for p in pages]

    assert reading(database_url, ask) == [["1"], ["3"]]


def test_features_are_geojson_with_official_codes_and_system_facts(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", ["7"])

    item = reading(database_url, lambda store: store.item(land_use, KEY, "7", EVERYTHING))

    feature = json.loads(item.feature)
    assert feature["type"] == "Feature"
    assert feature["id"] == "7"
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert feature["geometry"]["coordinates"][0][0][0] in (
        [125.07, 43],
        [125.08, 43],
        [125.07, 43.01],
        [125.08, 43.01],
    )
    assert list(feature["properties"])[: len(land_use.fields)] == [f.code for f in land_use.fields]
    assert feature["properties"]["om_area_m2"] == pytest.approx(905_788, abs=2)


def test_regions_outside_the_scope_are_in_no_answer(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares(
        "land_use", "2024", ["1", "2"], columns=region_column(land_use, "220102", "220103")
    )

    async def ask(store: LayerStore, scope: Scope) -> tuple[list[str], int, object, int]:
        page = await store.page(land_use, KEY, FeatureQuery(), scope)
        tile = await store.tile(land_use, KEY, TILE, scope)
        found = mapbox_vector_tile.decode(tile.content)
        drawn = found["land_use"]["features"] if found else []
        extent = await store.extent(land_use, KEY, 1, scope)
        ids = sorted(f["id"] for f in json.loads(b"[" + page.features + b"]"))
        return ids, page.count, extent, len(drawn)

    everything = reading(database_url, lambda store: ask(store, EVERYTHING))
    first = reading(database_url, lambda store: ask(store, regional("220102")))
    none = reading(database_url, lambda store: ask(store, regional()))

    assert everything == (["1", "2"], 2, pytest.approx((125.01, 43.0, 125.03, 43.01)), 2)
    assert first == (["1"], 1, pytest.approx((125.01, 43.0, 125.02, 43.01)), 1)
    assert none == ([], 0, None, 0)
    with pytest.raises(NotFound):
        reading(database_url, lambda store: store.item(land_use, KEY, "2", regional("220102")))


def test_an_area_of_the_scope_limits_rows_by_place(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    import shapely

    load_squares("land_use", "2024", ["0", "5"])
    area = shapely.MultiPolygon([shapely.box(125.051, 43.001, 125.052, 43.002)])
    scope = Scope(
        layers=ALL,
        regions=ALL,
        areas=area.wkb,
        ceiling=Classification.PUBLIC,
        functions=frozenset(),
    )

    page = reading(database_url, lambda store: store.page(land_use, KEY, FeatureQuery(), scope))

    assert [f["id"] for f in json.loads(b"[" + page.features + b"]")] == ["5"]


def test_two_editions_with_equal_ids_answer_each_from_exactly_one(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    """Standing check: bare ids are the same, contents are each edition's own."""
    load_squares("land_use", "2023", ["1", "2"], end=date(2023, 12, 31))
    load_squares("land_use", "2024", ["1", "2", "3"], start=date(2024, 1, 1), size=0.005)

    async def ask(store: LayerStore, key: str) -> tuple[int, float, int]:
        page = await store.page(land_use, EditionKey(key), FeatureQuery(), EVERYTHING)
        item = json.loads((await store.item(land_use, EditionKey(key), "1", EVERYTHING)).feature)
        tile = await store.tile(
            land_use,
            EditionKey(key),
            TileQuery(address=TileAddress(WEB_MERCATOR_QUAD, 8, 94, 216)),
            EVERYTHING,
        )
        drawn = mapbox_vector_tile.decode(tile.content)["land_use"]["features"]
        return page.count, round(item["properties"]["om_area_m2"], -3), len(drawn)

    assert reading(database_url, lambda store: ask(store, "2023")) == (2, 906_000.0, 2)
    assert reading(database_url, lambda store: ask(store, "2024")) == (3, 226_000.0, 3)


def test_a_tile_carries_feature_ids_business_ids_and_lies_where_the_feature_lies(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", ["2"])

    tile = reading(database_url, lambda store: store.tile(land_use, KEY, TILE, EVERYTHING))

    layer = mapbox_vector_tile.decode(tile.content)["land_use"]
    (feature,) = layer["features"]
    assert layer["extent"] == 4096
    assert feature["id"] >= 1
    assert feature["properties"]["om_id"] == "2"
    xs = [x for x, _ in feature["geometry"]["coordinates"][0]]
    # 125.02°E is 0.5057… of column 3470 at zoom 12: (125.02 + 180) / 360 * 4096 - 3470
    assert min(xs) == pytest.approx(((125.02 + 180) / 360 * 4096 - 3470) * 4096, abs=1)


def test_equal_data_give_equal_tile_bytes(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", [str(i) for i in range(9)])

    async def twice(store: LayerStore) -> set[bytes]:
        return {(await store.tile(land_use, KEY, TILE, EVERYTHING)).content for _ in range(2)}

    assert len(reading(database_url, twice)) == 1


def test_statements_are_compiled_once_per_shape(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares("land_use", "2024", ["1"])

    async def ask(store: LayerStore) -> int:
        for west in range(5):
            window = FeatureQuery(conditions=(parse_bbox(f"{west},0,170,80", CRS84),))
            await store.page(land_use, KEY, window, EVERYTHING)
        return len(store.statements)

    assert reading(database_url, ask) == 1


def test_a_windowed_page_uses_the_spatial_index(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    from providers.database import DatabaseRole, connect
    from providers.dialect import compile_sql
    from providers.features import page_statement
    from providers.relations import current
    from providers.tables import analyse

    load_squares("land_use", "2024", [str(i) for i in range(5_000)], size=0.001)
    with connect(database_url, DatabaseRole.OWNER) as connection:
        analyse(connection, land_use, KEY)
    query = FeatureQuery(conditions=(parse_bbox("125.1,43.0,125.102,43.01", CRS84),))
    relation = current(land_use, KEY)
    compiled = compile_sql(page_statement(land_use, relation, query, EVERYTHING))
    values = compiled.binds({**query.parameters, "layer": land_use.id, "edition": KEY})

    with connect(database_url, DatabaseRole.READER) as connection:
        plan = connection.execute(f"EXPLAIN {compiled.text}".encode(), values).fetchall()

    assert any("land_use__2024_g" in line for (line,) in plan)


@pytest.mark.parametrize("key", ["2023", "2024"])
def test_what_a_tile_holds_its_parents_hold_too_down_to_the_whole_world(
    load_squares: Loader, database_url: str, land_use: Layer, key: str
) -> None:
    load_squares("land_use", key, ["0"], size=2.0)

    async def ancestors(store: LayerStore) -> list[int]:
        row, column, sizes = 94, 217, []
        for z in range(8, -1, -1):
            tile = TileQuery(address=TileAddress(WEB_MERCATOR_QUAD, z, row, column))
            drawn = await store.tile(land_use, EditionKey(key), tile, EVERYTHING)
            sizes.append(len(drawn.content))
            row, column = row // 2, column // 2
        return sizes

    assert all(size > 0 for size in reading(database_url, ancestors))


def test_a_row_without_a_place_lies_in_no_area(catalogue: Catalogue) -> None:
    from providers.dialect import compile_sql
    from providers.features import page_statement
    from providers.relations import current

    census = catalogue.layers["census_2020"]
    scope = Scope(
        layers=ALL, regions=ALL, areas=b"", ceiling=Classification.PUBLIC, functions=frozenset()
    )

    text = compile_sql(
        page_statement(census, current(census, EditionKey("2020")), FeatureQuery(), scope)
    ).text

    assert "false" in text
