"""Many parcels over a layer: all that the caller may know, no more, by one statement and the index."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import psycopg
import pytest
import shapely
from psycopg import ClientCursor, Connection, Cursor
from shapely import Geometry

from config.model import Binding, Catalogue, EditionChoice, External, Layer
from config.vocabulary import AdminLevel, Classification, EditionKey, LayerId, Text
from processes.algorithms.compliance.evidence import Geometries, LayerEvidence, Need
from processes.workflows.edition_facts import EditionFacts, edition_to_be
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from providers.access import ALL, Scope
from providers.bindings import Bound, bind
from providers.database import DatabaseRole, connect
from providers.edition_history import editions_then
from providers.editions import EditionState, edition_now, list_editions_now
from providers.parcel_overlay import TooManyFeatures, ask_layer, read_table
from providers.parcel_overlay_statements import Asked
from providers.parcel_statements import Reading
from providers.regions import Region, put_regions, region_code
from providers.revisions import Revision

type Loader = Callable[..., Revision]
type Squares = Callable[..., FeatureTable]
EVERYTHING = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL)
OVERLAPS = Need(overlaps=True)
KEY, LAND_USE = EditionKey("2024"), "land_use"
SIZE = 0.01  # degrees: the squares 0, 1, 2, … lie side by side from 125° E, 43° N


def boxes(*sides: tuple[float, float, float, float]) -> Geometries:
    found: Geometries = shapely.box(*np.array(sides).T)
    return found


def east_of(first: float, last: float, *, south: float = 43.002, north: float = 43.004) -> Geometry:
    """A strip over the squares, from one place to another in squares."""
    strip: Geometry = shapely.box(125 + SIZE * first, south, 125 + SIZE * last, north)
    return strip


@contextmanager
def reading(url: str) -> Iterator[Connection[Any]]:
    with connect(url, DatabaseRole.READER) as connection:
        yield connection


def state_of(connection: Connection[Any], layer: Layer) -> EditionState:
    (state,) = [s for s in list_editions_now(connection) if s.edition.layer == layer.id]
    return state


def bound_to(layer: Layer, state: EditionState) -> Bound:
    binding = Binding(id="any", title=layer.title, layer=layer, edition=EditionChoice())
    return Bound(binding=binding, layer=layer, state=state)


def read(
    url: str,
    layer: Layer,
    parcels: Any,
    *,
    scope: Scope = EVERYTHING,
    need: Need = OVERLAPS,
    **more: Any,
) -> LayerEvidence:
    with reading(url) as connection:
        bound = bound_to(layer, state_of(connection, layer))
        asked = np.array(parcels, dtype=object)
        return ask_layer(
            connection, bound, asked, scope, need, **{"most": 10_000, **more}
        ).evidence(asked)


def hits(found: LayerEvidence) -> list[tuple[int, str]]:
    pairs = zip(found.parcel.tolist(), found.feature.tolist(), strict=True)
    return sorted((parcel, found.ids[feature]) for parcel, feature in pairs)


@pytest.fixture
def land_use(catalogue: Catalogue) -> Layer:
    return catalogue.layers[LAND_USE]


@pytest.fixture
def row(load_squares: Loader, database_url: str) -> str:
    """Six squares in a row, in two districts by turns."""
    districts = ["220102", "220104"] * 3
    load_squares(LAND_USE, KEY, list("012345"), columns={"XZQDM": districts})
    return database_url


def test_each_parcel_has_what_it_shares_with_each_feature_by_parcel_and_key(
    row: str, land_use: Layer
) -> None:
    within, crossing, apart = east_of(0.2, 0.8), east_of(2.5, 4.5), east_of(8, 9)
    larger = east_of(0.9, 2.1, south=42.99, north=43.02)

    found = read(row, land_use, [within, crossing, apart, larger])

    assert hits(found) == [
        *((0, "0"), (1, "2"), (1, "3"), (1, "4")),
        *((3, "0"), (3, "1"), (3, "2")),
    ]
    square = [shapely.box(125 + SIZE * n, 43, 125 + SIZE * (n + 1), 43 + SIZE) for n in range(6)]
    for parcel, feature, overlap in zip(found.parcel, found.feature, found.overlaps, strict=True):
        shape = (within, crossing, apart, larger)[parcel]
        known = shapely.intersection(shape, square[int(found.ids[feature])])
        assert shapely.symmetric_difference(overlap, known).area < 1e-15
    (whole,) = found.overlaps[found.parcel == 0]
    assert len(shapely.get_coordinates(whole)) == 5  # not one vertex more than the parcel has
    assert found.near is None
    assert found.gaps == {}


def test_what_only_touches_a_parcel_shares_nothing_with_it(row: str, land_use: Layer) -> None:
    above = east_of(1, 2, south=43 + SIZE, north=43 + 2 * SIZE)

    assert hits(read(row, land_use, [above])) == []


def test_no_parcels_meet_nothing(row: str, land_use: Layer) -> None:
    found = read(row, land_use, [])

    assert (hits(found), found.gaps, len(found.overlaps)) == ([], {}, 0)


def test_fields_plans_and_documents_are_told_once_for_each_feature(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    layer = catalogue.layers["planning_zone"]
    load_squares(layer.id, "a", ["0", "1"], columns={"GKZY": ["甲", None]})
    need = Need(fields=frozenset({"GKZY", "GHFQDM", "KCXS"}), overlaps=True)

    found = read(database_url, layer, [east_of(0, 2), east_of(0.5, 1.5)], need=need)

    told = dict(zip(found.ids, found.fields["GKZY"], strict=True))
    assert told == {"0": "甲", "1": None}
    assert found.plans == ("P1", "P1")
    assert found.documents == (None, None)
    assert found.fields["KCXS"] == (None, None)  # the layer has no such field: empty
    assert len(found.parcel) == 4


def test_numbers_are_decimals_and_blank_texts_are_empty(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares(LAND_USE, KEY, ["0"], columns={"TBMJ": [1234.5]})
    with connect(database_url, DatabaseRole.OWNER) as connection:
        connection.execute("UPDATE planning.land_use__2024 SET bz = ' '")
    need = Need(fields=frozenset({"TBMJ", "BZ"}), overlaps=True)

    found = read(database_url, land_use, [east_of(0.2, 0.4)], need=need)

    assert found.fields == {"TBMJ": (Decimal("1234.5"),), "BZ": (None,)}


class Counting(Cursor[Any]):
    """A cursor that writes down what it executes."""

    told: ClassVar[list[str]] = []

    def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        self.told.append(query.decode())
        return super().execute(query, *arguments, **options)


@pytest.mark.parametrize("count", [1, 500])
def test_features_are_one_statement_however_many_parcels_there_are(
    row: str, land_use: Layer, count: int
) -> None:
    parcels = np.array([east_of(n % 5, n % 5 + 1.5) for n in range(count)], dtype=object)
    need = Need(overlaps=True, margin_m=50, fields=frozenset({"YDYHFLDM"}))
    with reading(row) as connection:
        bound = bound_to(land_use, state_of(connection, land_use))
        connection.cursor_factory = Counting
        Counting.told = []
        limited = replace(EVERYTHING, regions=("220102", "220104"))
        found = ask_layer(connection, bound, parcels, limited, need, most=10_000).evidence(parcels)

    assert len(found.parcel) >= 2 * count
    assert len(Counting.told) == 2
    assert sum("ST_Intersection(hits" in told for told in Counting.told) == 1
    assert sum("coverage" in told for told in Counting.told) == 1


@pytest.mark.parametrize("name", ["land_use", "ecological_redline"])
@pytest.mark.parametrize("past", [False, True])
def test_features_are_found_by_the_spatial_index_of_their_edition(
    load_squares: Loader, database_url: str, catalogue: Catalogue, name: str, past: bool
) -> None:
    layer = catalogue.layers[name]
    load_squares(name, KEY, [str(n) for n in range(2_000)], size=0.0005)
    asked = Asked(codes=(), cut=True, near=True)
    statement = Reading.of(layer, KEY, EVERYTHING, asked, past=past).hits()
    values = {
        **{"parcels": [shapely.to_wkb(east_of(n, n + 0.01)) for n in range(20)]},
        **{"wide": [0.0001] * 20, "high": [0.0001] * 20},
        **{"bound": 1_000, "at": 1, "edition": KEY},
    }
    with psycopg.connect(database_url, cursor_factory=ClientCursor) as connection:
        connection.execute("ANALYZE")
        explain = f"EXPLAIN {statement.text}".encode()
        lines = connection.execute(explain, statement.binds(values)).fetchall()

    plan = "\n".join(line for (line,) in lines)
    searched = f"{name}__{KEY}_g"
    assert f"using {searched}" in plan or f"Bitmap Index Scan on {searched}" in plan, plan
    assert f"Seq Scan on {name}__{KEY}" not in plan


def test_more_hits_than_are_allowed_are_refused_by_name(row: str, land_use: Layer) -> None:
    parcels = [east_of(0.1, 2.9), east_of(3.1, 5.9)]

    assert len(hits(read(row, land_use, parcels, most=6))) == 6
    with pytest.raises(TooManyFeatures, match="more than 5 features of land_use"):
        read(row, land_use, parcels, most=5)


def test_only_what_meets_a_parcel_counts_where_that_fills_little_of_its_box(
    row: str, load_squares: Loader, catalogue: Catalogue
) -> None:
    size = SIZE / 20
    load_squares("planning_zone", "a", [str(n) for n in range(20)], size=size)
    load_squares("ecological_redline", "a", [str(n) for n in range(20)], size=size)
    road = shapely.Polygon([(125, 42.99), (125.0001, 42.99), (125.01, 43.0001), (125.01, 43.0002)])
    strip = shapely.box(125, 43, 125 + SIZE, 43 + size)

    for name in ("planning_zone", "ecological_redline"):
        layer = catalogue.layers[name]
        assert hits(read(row, layer, [road], most=1)) == [(0, "19")]
        with pytest.raises(TooManyFeatures):
            read(row, layer, [strip], most=19)
        near = read(row, layer, [road], need=Need(overlaps=True, margin_m=60), most=3)
        assert hits(near)[-2:] == [(0, "18"), (0, "19")]


def test_features_within_the_margin_are_told_with_their_shape_near_the_parcel(
    row: str, land_use: Layer
) -> None:
    metre_deg = 1 / 111_000
    above = [
        east_of(1.1, 1.2, south=43 + SIZE + m * metre_deg, north=43.02) for m in (0, 49, 51, 80)
    ]

    found = read(row, land_use, above, need=Need(overlaps=True, margin_m=50))

    assert (0, "1") in hits(found)
    assert (1, "1") in hits(found)
    assert {parcel for parcel, _ in hits(found)} <= {0, 1, 2}
    assert shapely.is_empty(found.overlaps).all()
    assert found.near is not None
    for parcel, near in zip(found.parcel, found.near, strict=True):
        square = shapely.box(125 + SIZE, 43, 125 + 2 * SIZE, 43 + SIZE)
        asked = above[parcel]
        assert shapely.distance(near, asked) == pytest.approx(shapely.distance(square, asked))
        assert near.area < 0.3 * SIZE * SIZE  # cut to the neighbourhood


def test_a_margin_of_nothing_finds_what_touches(row: str, land_use: Layer) -> None:
    touching = east_of(6, 7)

    found = read(row, land_use, [touching], need=Need(overlaps=True, margin_m=0))

    assert hits(found) == [(0, "5")]
    assert found.near is not None
    assert shapely.distance(found.near[0], touching) == 0


@pytest.mark.parametrize("margin_m", [None, 300.0])
def test_parts_of_large_polygons_tell_what_the_whole_ones_would(
    load_squares: Loader,
    make_squares: Squares,
    database_url: str,
    catalogue: Catalogue,
    margin_m: float | None,
) -> None:
    layer = catalogue.layers["ecological_redline"]
    load_squares(layer.id, "a", ["1"])
    random = np.random.default_rng(7)
    angles = np.linspace(0, 2 * np.pi, 900, endpoint=False)
    shapes = []
    for number in range(4):
        far = 0.03 * (0.7 + 0.2 * np.sin(9 * angles + number) + random.uniform(-0.02, 0.02, 900))
        x, y = 125.03 + 0.04 * (number % 2), 43.03 + 0.04 * (number // 2)
        shapes.append(shapely.Polygon(np.c_[x + far * np.cos(angles), y + far * np.sin(angles)]))
    with reading(database_url) as connection:
        held = edition_now(connection, layer.id, EditionKey("a"))
    assert held is not None
    table = replace(make_squares(layer, list("1234")), geometry=np.array(shapes, dtype=object))
    load_edition(database_url, layer, held, table.of(layer), author="t", note="")
    centres = random.uniform(0, 0.1, (200, 2)) + np.array([125, 43])
    sizes = random.choice([0.0005, 0.003, 0.02], 200)
    parcels = shapely.box(
        *(centres - sizes[:, None]).T, *(centres + sizes[:, None] * [1.0, 0.7]).T
    ).tolist()
    parcels.append(shapely.difference(shapely.box(125, 43, 125.1, 43.1), shapes[0]))
    need = Need(overlaps=True, margin_m=margin_m)

    by_parts = read(database_url, layer, parcels, need=need)
    by_shapes = read(database_url, replace(layer, subdivided=False), parcels, need=need)

    told = [
        {
            pair: (overlap, near)
            for pair, overlap, near in zip(
                hits(found),
                found.overlaps,
                found.overlaps if found.near is None else found.near,
                strict=True,
            )
        }
        for found in (by_parts, by_shapes)
    ]
    assert len(told[1]) > 100
    for pair in told[0].keys() | told[1].keys():
        nothing = shapely.Polygon(), shapely.Polygon()
        (one, close), (other, nearby) = (each.get(pair, nothing) for each in told)
        assert shapely.symmetric_difference(one, other).area < 1e-15
        if margin_m is not None and pair in told[0] and pair in told[1]:
            asked = parcels[pair[0]]
            apart = shapely.distance(close, asked) - shapely.distance(nearby, asked)
            assert abs(apart) < 1e-12


def test_an_edition_says_nothing_beyond_its_coverage(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares(LAND_USE, KEY, ["0"])
    across = shapely.box(126.9, 43.002, 127.1, 43.004)  # the edition reaches to 127° E

    found = read(database_url, land_use, [east_of(0, 1), across])

    assert list(found.gaps) == [1]
    assert found.gaps[1].reason == "outside_coverage"
    beyond = shapely.box(127, 43.002, 127.1, 43.004)
    assert shapely.equals(found.gaps[1].geometry, beyond)


def test_an_edition_that_does_not_say_how_far_it_reaches_says_nothing_of_the_rest(
    row: str, land_use: Layer
) -> None:
    with connect(row, DatabaseRole.OWNER) as connection:
        connection.execute("UPDATE onemap.edition SET coverage = NULL")
    parcels = [east_of(0, 1), east_of(1, 2)]

    found = read(row, land_use, parcels)

    assert {n: (g.geometry, g.reason) for n, g in found.gaps.items()} == {
        n: (parcel, "outside_coverage") for n, parcel in enumerate(parcels)
    }
    assert hits(found) == [(0, "0"), (1, "1")]


@pytest.fixture
def districts(row: str) -> str:
    """Two districts in the register: the western three squares, and the eastern three."""
    with connect(row, DatabaseRole.WRITER) as connection:
        put_regions(
            connection,
            [
                a_region("220000", None, AdminLevel.PROVINCE, 0, 6),
                a_region("220100", "220000", AdminLevel.CITY, 0, 6),
                a_region("220102", "220100", AdminLevel.COUNTY, 0, 3),
                a_region("220104", "220100", AdminLevel.COUNTY, 3, 6),
            ],
        )
    return row


def a_region(code: str, parent: str | None, level: AdminLevel, west: float, east: float) -> Region:
    return Region(
        code=region_code(code),
        parent=None if parent is None else region_code(parent),
        level=level,
        name=Text(zh=code, en=code),
        valid_from=date(2020, 1, 1),
        polygon=shapely.MultiPolygon([shapely.box(125 + SIZE * west, 42, 125 + SIZE * east, 44)]),
    )


def test_beyond_the_callers_regions_nothing_is_known(districts: str, land_use: Layer) -> None:
    own = replace(EVERYTHING, regions=("220102",))
    inside, across, outside = east_of(0.1, 0.9), east_of(2.2, 3.5), east_of(4.2, 4.5)

    found = read(districts, land_use, [inside, across, outside], scope=own)

    assert hits(found) == [(0, "0"), (1, "2"), (2, "4")]  # rows of its own, wherever they lie
    assert {n: gap.reason for n, gap in found.gaps.items()} == dict.fromkeys(
        (1, 2), "outside_scope"
    )
    assert shapely.equals(found.gaps[1].geometry, east_of(3, 3.5))
    assert shapely.equals(found.gaps[2].geometry, outside)


def test_a_hidden_row_in_sight_makes_the_whole_parcel_unknown_and_shows_no_shape(
    districts: str, land_use: Layer
) -> None:
    own = replace(EVERYTHING, regions=("220102",))
    parcel = east_of(0.5, 1.5)  # square 1 is the other district's, by its row

    found = read(districts, land_use, [parcel, east_of(0.2, 1)], scope=own)

    assert hits(found) == [(0, "0"), (1, "0")]
    assert list(found.gaps) == [0]  # a hidden neighbour that only touches keeps nothing back
    assert shapely.equals(found.gaps[0].geometry, parcel)
    assert found.gaps[0].reason == "outside_scope"


def test_a_hidden_row_in_sight_within_the_margin_leaves_distances_unknown_but_no_overlap(
    districts: str, land_use: Layer
) -> None:
    own = replace(EVERYTHING, regions=("220102",))
    parcel, need = east_of(0.2, 0.95), Need(overlaps=True, margin_m=100)

    assert not read(districts, land_use, [parcel], scope=own).beyond
    found = read(districts, land_use, [parcel], scope=own, need=need)

    assert not found.gaps
    assert found.beyond[0].reason == "outside_scope"
    assert shapely.distance(found.beyond[0].geometry, parcel) == 0


@pytest.mark.parametrize("limit", ["regions", "areas"])
@pytest.mark.parametrize("ids", ["23", "2"])  # with a hidden square beyond the border, and without
def test_what_lies_in_reach_beyond_the_callers_limits_is_unknown_whether_rows_are_there_or_not(
    districts: str, load_squares: Loader, land_use: Layer, limit: str, ids: str
) -> None:
    load_squares(LAND_USE, KEY, list(ids), columns={"XZQDM": ["220102", "220104"][: len(ids)]})
    west = shapely.to_wkb(east_of(0, 3, south=42, north=44))
    by_region, by_area = replace(EVERYTHING, regions=("220102",)), replace(EVERYTHING, areas=west)
    own = by_region if limit == "regions" else by_area
    close, within = east_of(2.5, 2.95), east_of(2.2, 2.4)  # 40 m and 490 m from the border

    found = read(
        districts, land_use, [close, within], scope=own, need=Need(overlaps=True, margin_m=100)
    )

    assert not found.gaps
    assert {n: gap.reason for n, gap in found.beyond.items()} == {0: "outside_scope"}
    assert shapely.bounds(found.beyond[0].geometry)[0] == pytest.approx(125 + 3 * SIZE)


def test_what_lies_in_reach_beyond_an_editions_coverage_is_unknown(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares(LAND_USE, KEY, ["0"])
    close = shapely.box(126.99, 43.002, 126.9999, 43.004)  # the edition reaches to 127° E
    across = shapely.box(126.99, 43.002, 127.0001, 43.004)
    need = Need(overlaps=True, margin_m=500)

    found = read(database_url, land_use, [close, east_of(0, 1), across], need=need)

    assert list(found.gaps) == [2]
    assert shapely.equals(found.gaps[2].geometry, shapely.box(127, 43.002, 127.0001, 43.004))
    assert {n: gap.reason for n, gap in found.beyond.items()} == dict.fromkeys(
        (0, 2), "outside_coverage"
    )
    west, south, east, north = shapely.bounds(found.beyond[0].geometry)
    assert west == 127
    assert east > 126.9999 + 500 / 82_000  # to the margin
    assert south < 43.002 - 500 / 111_400
    assert north > 43.004 + 500 / 111_400


def test_beyond_the_callers_areas_nothing_is_known(row: str, land_use: Layer) -> None:
    area = east_of(0, 1.5, south=42, north=44)
    own = replace(EVERYTHING, areas=shapely.to_wkb(area))

    found = read(row, land_use, [east_of(0.2, 0.8), east_of(1.2, 2.5)], scope=own)

    assert hits(found) == [(0, "0"), (1, "1")]
    assert list(found.gaps) == [1]
    assert found.gaps[1].reason == "outside_scope"


def test_what_was_recorded_then_is_read_as_of_then(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    load_squares(LAND_USE, KEY, ["0", "1", "2"])
    then = datetime.now(UTC)
    load_squares(LAND_USE, KEY, ["1", "2", "3"], columns={"YDYHFLDM": ["030100"] * 3})
    need = Need(overlaps=True, fields=frozenset({"YDYHFLDM"}))
    parcel = np.array([east_of(0, 4)], dtype=object)

    now = read(database_url, land_use, parcel, need=need)
    with reading(database_url) as connection:
        (state,) = editions_then(connection, land_use.id, then)
        bound = bound_to(land_use, state)
        past = ask_layer(
            connection, bound, parcel, EVERYTHING, need, as_of=then, most=100
        ).evidence(parcel)

    assert set(now.ids) == {"1", "2", "3"}
    assert set(past.ids) == {"0", "1", "2"}
    assert now.fields["YDYHFLDM"] == ("030100",) * 3
    assert "030100" not in past.fields["YDYHFLDM"]
    assert past.gaps == {}


def test_the_newest_release_is_that_of_any_edition_known_then_and_until_the_day(
    load_squares: Loader, make_squares: Squares, database_url: str, land_use: Layer
) -> None:
    parcel = np.array([east_of(0, 1)], dtype=object)

    def release(key: str, start: date, day: date) -> None:
        load_squares(LAND_USE, key, ["0"], start=start)
        with reading(database_url) as connection:
            held = edition_now(connection, land_use.id, EditionKey(key))
            facts = EditionFacts(released=day)
            edition = edition_to_be(
                connection,
                land_use,
                EditionKey(key),
                facts,
                held,
                issued_from_above=True,
                region=None,
            )
        rows = make_squares(land_use, ["0"]).of(land_use)
        load_edition(database_url, land_use, edition, rows, author="t", note="")

    def dates(**more: Any) -> tuple[date | None, date | None]:
        with reading(database_url) as connection:
            held = list_editions_now(connection)
            (state,) = [s for s in held if s.edition.key == KEY]
            bound = bound_to(land_use, state)
            found = ask_layer(
                connection, bound, parcel, EVERYTHING, OVERLAPS, most=9, **more
            ).evidence(parcel)
        return found.released, found.latest_release

    release(KEY, date(2023, 1, 1), date(2024, 5, 1))
    then = datetime.now(UTC)
    release("2025", date(2025, 1, 1), date(2025, 6, 1))

    assert dates() == (date(2024, 5, 1), date(2025, 6, 1))
    assert dates(check_date=date(2024, 12, 31)) == (date(2024, 5, 1), date(2024, 5, 1))
    with reading(database_url) as connection:
        (state,) = editions_then(connection, land_use.id, then)
        bound = bound_to(land_use, state)
        past = ask_layer(
            connection, bound, parcel, EVERYTHING, OVERLAPS, as_of=then, most=9
        ).evidence(parcel)
    assert (past.released, past.latest_release) == (date(2024, 5, 1), date(2024, 5, 1))


PIPES = """
CREATE SCHEMA gis;
GRANT USAGE ON SCHEMA gis TO onemap_reader;
CREATE TABLE gis.plot (id integer PRIMARY KEY, kind text, geom geometry(Polygon, 4551));
INSERT INTO gis.plot SELECT i, 'K', ST_Transform(ST_Segmentize(
    ST_MakeEnvelope(125 + i * 0.01, 43, 125.01 + i * 0.01, 43.01, 4490), 0.0005), 4551)
    FROM generate_series(0, 5) i;
INSERT INTO gis.plot VALUES (9, 'bow', ST_Transform(ST_GeomFromText(
    'POLYGON((125.2 43, 125.21 43.01, 125.21 43, 125.2 43.01, 125.2 43))', 4490), 4551));
CREATE INDEX plot_geom ON gis.plot USING gist (geom);
GRANT SELECT ON ALL TABLES IN SCHEMA gis TO onemap_reader;
ANALYZE gis.plot;
"""


def test_an_external_table_in_a_plane_is_read_like_ours_but_does_not_say_how_far_it_reaches(
    row: str, land_use: Layer
) -> None:
    with psycopg.connect(row, autocommit=True) as connection:
        connection.execute(PIPES)
    layer = replace(
        land_use, external=External(schema="gis", table="plot"), region="none", style=None
    )
    with reading(row) as connection:
        need = Need(overlaps=True, margin_m=20, fields=frozenset({"kind"}))
        parcels = np.array(
            [east_of(0.5, 1.5), east_of(20.1, 20.9, south=43.001, north=43.009)], dtype=object
        )
        binding = Binding(id="any", title=layer.title, layer=layer, edition=EditionChoice())
        bound = bind(binding, (), date(2025, 1, 1), EVERYTHING)
        assert isinstance(bound, Bound)
        found = ask_layer(connection, bound, parcels, EVERYTHING, need, most=100).evidence(parcels)
        past = ask_layer(
            connection, bound, parcels, EVERYTHING, need, as_of=datetime.now(UTC), most=100
        ).evidence(parcels)

    assert hits(found) == [(0, "0"), (0, "1"), (1, "9")]
    assert found.fields["kind"] == ("K", "K", "bow")
    half = shapely.area(found.overlaps[:2]) / parcels[0].area
    assert half.tolist() == pytest.approx([0.5, 0.5], abs=1e-5)
    assert shapely.is_valid(found.overlaps).all()
    assert {n: gap.reason for n, gap in found.gaps.items()} == dict.fromkeys(
        (0, 1), "outside_coverage"
    )
    assert (found.released, found.latest_release) == (None, None)
    assert (hits(past), list(past.gaps)) == ([], [0, 1])


def test_an_external_table_without_shapes_says_nothing_of_any_parcel(
    row: str, land_use: Layer
) -> None:
    with psycopg.connect(row, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA gis; GRANT USAGE ON SCHEMA gis TO onemap_reader")
        connection.execute("CREATE TABLE gis.list (id integer PRIMARY KEY, kind text)")
        connection.execute("GRANT SELECT ON gis.list TO onemap_reader")
    external = External(schema="gis", table="list")
    layer = replace(land_use, external=external, region="none", style=None)
    parcel = np.array([east_of(0.5, 1.5)], dtype=object)
    binding = Binding(id="any", title=layer.title, layer=layer, edition=EditionChoice())
    bound = bind(binding, (), date(2025, 1, 1), EVERYTHING)
    assert isinstance(bound, Bound)
    with reading(row) as connection:
        for need in (OVERLAPS, Need(overlaps=True, margin_m=20)):
            found = ask_layer(connection, bound, parcel, EVERYTHING, need, most=100).evidence(
                parcel
            )
            assert (hits(found), list(found.gaps)) == ([], [0])


def test_a_table_gives_the_rows_of_each_parcels_region_or_of_the_county_it_lies_in(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    layer = replace(catalogue.layers["census_2020"], identity=("XZQMC",))
    load_squares(LAND_USE, KEY, ["0"])
    with reading(database_url) as connection:
        edition = edition_now(connection, LayerId(LAND_USE), KEY)
    assert edition is not None
    table = FeatureTable(
        values={
            "XZQDM": ["220102", "220104", "220104"],
            "XZQMC": ["a", "b", "c"],
            "RKZS": [1, 2, 3],
        },
        geometry=None,
    )
    load_edition(
        database_url, layer, replace(edition, layer=layer.id), table.of(layer), author="t", note=""
    )
    regions = ["220102", "220104001", None, "220105", "220102"]
    need = Need(table=True, fields=frozenset({"RKZS", "SYMJ"}))
    limited = replace(EVERYTHING, regions=("220104",))
    with reading(database_url) as connection:
        bound = bound_to(layer, state_of(connection, layer))
        found = read_table(connection, bound, regions, EVERYTHING, need, None)
        seen = read_table(connection, bound, regions, limited, need, None)

    assert [sorted(row["RKZS"] for row in rows) for rows in found.rows] == [
        [Decimal(1)], [Decimal(2), Decimal(3)], [], [], [Decimal(1)]
    ]  # fmt: skip
    assert found.rows[0] == ({"RKZS": Decimal(1), "SYMJ": None},)
    assert [len(rows) for rows in seen.rows] == [0, 2, 0, 0, 0]
