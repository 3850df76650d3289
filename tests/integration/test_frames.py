"""Reference systems in and out on PostGIS, held against PROJ's own word on each of them."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import psycopg
import pyproj
import pytest
import shapely
from numpy.typing import NDArray
from pyproj.enums import TransformDirection
from sqlalchemy import ColumnElement, FromClause, Select, column, func, literal, null, select
from sqlalchemy import table as named_table
from sqlalchemy.dialects.postgresql import INTEGER
from sqlalchemy.types import NullType

from providers.cluster import Cluster
from providers.crs import CRS84, WHOLE, Crs, from_epsg
from providers.crs_systems import area_of_use, system_of_code
from providers.dialect import compile_sql
from providers.external_table import ExternalTable, KeyKind
from providers.frames import REACH_DEG, digits, written
from providers.relations import Branch, Relation
from providers.windows import parse_bbox

CODES = list(range(4513, 4555))
PLANES = [*CODES, 3857]
ROWS = named_table("place", column("fid", INTEGER), column("geom", NullType()))
METRES_PER_DEGREE = 111_320.0
type Found = Callable[[Relation, Crs, Sequence[float]], list[int]]


@pytest.fixture(scope="module")
def database(
    cluster: Cluster, new_database: Callable[..., str]
) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(cluster.address(new_database()), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE place (fid int PRIMARY KEY, geom geometry)")
        yield connection


@pytest.fixture
def found(database: psycopg.Connection[Any]) -> Found:
    """The rows that a bbox finds."""

    def ask(relation: Relation, crs: Crs, box: Sequence[float]) -> list[int]:
        window = parse_bbox(",".join(map(repr, box)), crs)
        rows = relation.branches[0].rows
        asked = select(rows.c.fid).where(window.of(relation, rows)).order_by(rows.c.fid)
        return [fid for (fid,) in run(database, asked, **window.parameters)]

    return ask


def run(
    database: psycopg.Connection[Any], statement: Select[Any], **values: Any
) -> list[tuple[Any, ...]]:
    compiled = compile_sql(statement)
    return database.execute(compiled.text, compiled.binds(values)).fetchall()


def fill(
    database: psycopg.Connection[Any], shapes: Sequence[shapely.Geometry | None], srid: int = 4490
) -> None:
    database.execute("TRUNCATE place")
    with database.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO place SELECT %s, ST_GeomFromWKB(%s, %s)",
            [(i, shapely.to_wkb(s), srid) for i, s in enumerate(shapes)],
        )


def relation(srid: int = 4490) -> Relation:
    """The rows of the table, ours or another's."""
    if srid == 4490:
        return Relation(branches=(Branch(ROWS),), attributes={}, version=null())
    table = ExternalTable(
        schema="public",
        table="place",
        key_column="fid",
        key_kind=KeyKind.WHOLE,
        view=False,
        types={},
        shown=(),
        srid=srid,
    )
    area = WHOLE if srid == 4326 else area_of_use(pyproj.CRS.from_epsg(srid), 3.0)
    return Relation(
        branches=(Branch(ROWS),),
        attributes={},
        version=null(),
        table=table,
        srid=srid,
        area=area,
    )


def place_in(code: int) -> tuple[float, float, float, float]:
    """Where a system is used, by the registry."""
    area = pyproj.CRS.from_epsg(code).area_of_use
    assert area is not None
    return area.bounds


def lattice(bounds: tuple[float, float, float, float], steps: int = 4) -> NDArray[np.float64]:
    """Places in an area, on its edges and at its corners."""
    west, south, east, north = bounds
    x, y = np.meshgrid(np.linspace(west, east, steps), np.linspace(south, north, steps))
    return np.column_stack([x.ravel(), y.ravel()])


def axes(code: int) -> list[str]:
    return [axis.direction for axis in pyproj.CRS.from_epsg(code).axis_info]


def from_stored(code: int) -> pyproj.Transformer:
    """PROJ's projection, in the registry's axis order: nothing of ours has touched it."""
    base = 4326 if code == 3857 else 4490
    return pyproj.Transformer.from_crs(base, code)


def coordinates(
    database: psycopg.Connection[Any], asked: Relation, crs: Crs, *, xy: bool = False
) -> list[Any]:
    """The points' coordinates as the answer writes them; None where there is no geometry."""
    rows = asked.branches[0].rows
    shape = written(asked, rows.c.geom, crs, xy=xy)
    text = func.ST_AsGeoJSON(shape, literal(digits(crs), INTEGER), literal(0, INTEGER))
    answer = run(database, select(text).order_by(rows.c.fid))
    return [None if one is None else json.loads(one)["coordinates"] for (one,) in answer]


@pytest.mark.parametrize("code", PLANES)
def test_coordinates_are_those_of_proj_in_the_axis_order_of_the_registry(
    database: psycopg.Connection[Any], code: int
) -> None:
    places = lattice((-179.0, -85.0, 179.0, 85.0) if code == 3857 else place_in(code))
    fill(database, [shapely.Point(p) for p in places])
    crs = from_epsg(code)
    expected = np.column_stack(from_stored(code).transform(places[:, 1], places[:, 0]))

    answered = np.array(coordinates(database, relation(), crs))

    assert np.abs(answered - expected).max() <= 0.000_051, "4 decimals of a metre"
    easting = answered[:, axes(code).index("east")]
    number = int(pyproj.CRS.from_epsg(code).name.rpartition(" ")[2]) if code in CODES[:21] else None
    if number is not None:
        assert {int(e // 1e6) for e in easting} == {number}
    plain = np.array(coordinates(database, relation(), crs, xy=True))
    assert (plain[:, 0] == easting).all()


@pytest.mark.parametrize("code", PLANES)
def test_unrounded_coordinates_agree_with_proj_to_a_micrometre(
    database: psycopg.Connection[Any], code: int
) -> None:
    places = lattice((-179.0, -85.0, 179.0, 85.0) if code == 3857 else place_in(code), 7)
    fill(database, [shapely.Point(p) for p in places])
    shape = written(relation(), ROWS.c.geom, from_epsg(code), xy=True)
    asked = select(func.ST_X(shape), func.ST_Y(shape)).order_by(ROWS.c.fid)
    base = 4326 if code == 3857 else 4490
    there = pyproj.Transformer.from_crs(base, code, always_xy=True)

    answered = np.array(run(database, asked))

    assert np.abs(answered - np.column_stack(there.transform(*places.T))).max() < 1e-6


@pytest.mark.parametrize("code", PLANES)
def test_what_was_answered_leads_back_to_the_place_it_came_from(
    database: psycopg.Connection[Any], code: int
) -> None:
    china = (73.7, 3.5, 135.0, 53.5)
    places = lattice((-179.0, -85.0, 179.0, 85.0) if code == 3857 else china, 8)
    fill(database, [shapely.Point(p) for p in places])

    answered = np.array(coordinates(database, relation(), from_epsg(code)))

    latitude, longitude = from_stored(code).transform(
        answered[:, 0], answered[:, 1], direction=TransformDirection.INVERSE
    )
    east = (longitude - places[:, 0]) * np.cos(np.radians(places[:, 1]))
    off = METRES_PER_DEGREE * np.hypot(east, latitude - places[:, 1])
    assert off.max() < 0.0001


@pytest.mark.parametrize("code", [4490, 4326])
def test_degrees_of_the_registry_come_as_latitude_longitude(
    database: psycopg.Connection[Any], code: int
) -> None:
    assert axes(code) == ["north", "east"]
    fill(database, [shapely.Point(125.123456789, 43.987654321)])

    assert coordinates(database, relation(), from_epsg(code)) == [[43.987654321, 125.123456789]]
    assert coordinates(database, relation(), from_epsg(code), xy=True) == [
        [125.123456789, 43.987654321]
    ]
    assert coordinates(database, relation(), CRS84) == [[125.123456789, 43.987654321]]


def test_no_number_that_is_none_ever_leaves(database: psycopg.Connection[Any]) -> None:
    places = lattice((-180.0, -90.0, 180.0, 90.0), 13)
    fill(database, [shapely.Point(p) for p in places])

    for code in PLANES:
        answered = coordinates(database, relation(), from_epsg(code))
        assert np.isfinite([p for p in answered if p is not None]).all()
        zone = system_of_code(code).zone
        if zone is None:
            assert None not in answered
            continue
        off = np.abs(places[:, 0] - zone.meridian_deg)
        assert [p is not None for p in answered] == [bool(d <= REACH_DEG) for d in off]


def test_a_zone_has_coordinates_for_all_of_china() -> None:
    for code in CODES:
        zone = system_of_code(code).zone
        assert zone is not None
        assert zone.meridian_deg - REACH_DEG < 73.5
        assert zone.meridian_deg + REACH_DEG > 135.1


def border(box: tuple[float, float, float, float], off: float) -> NDArray[np.float64]:
    """Places beside a rectangle's four sides, *off* outside, or inside where it is negative."""
    west, south, east, north = box
    along = np.linspace(0.02, 0.98, 13)
    x, y = west + (east - west) * along, south + (north - south) * along
    still = np.ones_like(along)
    return np.concatenate(
        [
            np.column_stack([x, still * (south - off)]),
            np.column_stack([x, still * (north + off)]),
            np.column_stack([still * (west - off), y]),
            np.column_stack([still * (east + off), y]),
        ]
    )


def box_in(code: int, width: float, height: float) -> tuple[float, float, float, float]:
    """A rectangle amid the place where a zone is used, easting and northing."""
    west, south, east, north = place_in(code)
    there = pyproj.Transformer.from_crs(4490, code, always_xy=True)
    x, y = there.transform((west + east) / 2, (south + north) / 2)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def in_order(crs: Crs, box: tuple[float, float, float, float]) -> tuple[float, ...]:
    west, south, east, north = box
    return (south, west, north, east) if crs.north_first else box


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("width", "height"), [(2_000.0, 1_500.0), (180_000.0, 400_000.0)])
def test_a_bbox_in_a_zone_finds_what_lies_two_millimetres_inside_and_nothing_outside(
    database: psycopg.Connection[Any], found: Found, code: int, width: float, height: float
) -> None:
    crs, box = from_epsg(code), box_in(code, width, height)
    assert crs.north_first is (axes(code)[0] == "north")
    back = pyproj.Transformer.from_crs(code, 4490, always_xy=True)
    inside, outside = border(box, -0.002), border(box, 0.002)
    places = np.concatenate([inside, outside])
    fill(database, [shapely.Point(p) for p in np.column_stack(back.transform(*places.T))])

    assert found(relation(), crs, in_order(crs, box)) == list(range(len(inside)))


@pytest.mark.parametrize("code", CODES[::5])
def test_a_bbox_finds_the_polygons_that_meet_it_in_the_plane(
    database: psycopg.Connection[Any], found: Found, code: int
) -> None:
    crs, box = from_epsg(code), box_in(code, 30_000.0, 30_000.0)
    chance = np.random.default_rng(code)
    centres = np.concatenate([border(box, off) for off in (-60.0, -15.0, 15.0, 60.0)])
    squares = [
        shapely.box(x - 20, y - 20, x + 20, y + 20)
        for x, y in centres + chance.uniform(-3, 3, centres.shape)
    ]
    back = pyproj.Transformer.from_crs(code, 4490, always_xy=True)
    fill(
        database,
        [shapely.transform(s, lambda xy: np.column_stack(back.transform(*xy.T))) for s in squares],
    )
    expected = [i for i, s in enumerate(squares) if s.intersects(shapely.box(*box))]

    assert found(relation(), crs, in_order(crs, box)) == expected
    assert 0 < len(expected) < len(squares)


@pytest.mark.parametrize("code", [4534, 4546, 4554, 4513, 4525, 4533])
def test_a_bbox_as_wide_as_china_is_followed_to_a_centimetre(
    database: psycopg.Connection[Any], found: Found, code: int
) -> None:
    crs, zone = from_epsg(code), system_of_code(code).zone
    assert zone is not None
    middle = zone.false_easting_m
    box = (middle - 2_400_000.0, 2_000_000.0, middle + 2_400_000.0, 5_800_000.0)
    back = pyproj.Transformer.from_crs(code, 4490, always_xy=True)
    inside, outside = border(box, -0.01), border(box, 0.01)
    places = np.concatenate([inside, outside])
    fill(database, [shapely.Point(p) for p in np.column_stack(back.transform(*places.T))])
    kept = np.array(back.transform(*places.T))[0] <= 180  # beyond, storage begins anew

    answered = found(relation(), crs, in_order(crs, box))

    assert answered == [i for i in range(len(inside)) if kept[i]]


@pytest.mark.parametrize(
    ("crs", "box"),
    [
        (CRS84, (125.0, 43.0, 125.5, 43.5)),
        (from_epsg(4490), (43.0, 125.0, 43.5, 125.5)),
        (from_epsg(4326), (43.0, 125.0, 43.5, 125.5)),
    ],
)
def test_a_bbox_of_degrees_is_exact_and_its_border_belongs_to_it(
    database: psycopg.Connection[Any], found: Found, crs: Crs, box: tuple[float, ...]
) -> None:
    bounds = (125.0, 43.0, 125.5, 43.5)
    places = np.concatenate([border(bounds, off) for off in (-1e-12, 0.0, 1e-12)])
    fill(database, [shapely.Point(p) for p in places])

    assert found(relation(), crs, box) == list(range(2 * len(places) // 3))


def test_a_bbox_in_web_mercator_is_exact(database: psycopg.Connection[Any], found: Found) -> None:
    box = (13_910_000.0, 5_300_000.0, 14_020_000.0, 5_450_000.0)
    back = pyproj.Transformer.from_crs(3857, 4326, always_xy=True)
    inside, outside = border(box, -1e-6), border(box, 1e-6)
    places = np.concatenate([inside, outside])
    fill(database, [shapely.Point(p) for p in np.column_stack(back.transform(*places.T))])

    assert found(relation(), from_epsg(3857), box) == list(range(len(inside)))


def test_a_bbox_across_the_antimeridian_has_both_its_ends(
    database: psycopg.Connection[Any], found: Found
) -> None:
    fill(database, [shapely.Point(x, 0) for x in (169, 171, 180, -180, -171, -169, 0)])

    assert found(relation(), CRS84, (170, -1, -170, 1)) == [1, 2, 3, 4]
    assert found(relation(), from_epsg(4490), (-1, 170, 1, -170)) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Point(125.0, 43.0),
        shapely.LineString([(124.9, 43.0), (125.1, 43.0)]),
        shapely.box(124.9, 42.9, 125.1, 43.1),
    ],
)
def test_a_bbox_without_an_extent_finds_what_covers_it(
    database: psycopg.Connection[Any], found: Found, shape: shapely.Geometry
) -> None:
    fill(database, [shape, shapely.Point(125.2, 43.0)])
    northing, easting = pyproj.Transformer.from_crs(4490, 4551).transform(43.0, 125.0)

    assert found(relation(), CRS84, (125.0, 43.0, 125.0, 43.0)) == [0]
    assert found(relation(), CRS84, (125.0, 42.9, 125.0, 43.1)) == [0]
    if isinstance(shape, shapely.Polygon):  # a metre's last digit decides nothing
        assert found(relation(), from_epsg(4551), (northing, easting, northing, easting)) == [0]


@pytest.mark.parametrize("srid", [4326, 3857, 4547, 4526, 32650, 4508])
def test_anothers_table_answers_in_zones_and_is_asked_in_them(
    database: psycopg.Connection[Any], found: Found, srid: int
) -> None:
    asked, crs = relation(srid), from_epsg(4547)
    box = (530_000.0, 3_300_000.0, 560_000.0, 3_340_000.0)
    centre = np.array([[545_000.0, 3_320_000.0]])
    places = np.concatenate([border(box, -0.02), centre, border(box, 0.02)])
    longitude, latitude = pyproj.Transformer.from_crs(4547, 4490, always_xy=True).transform(
        *places.T
    )
    base = 4490 if srid in (4547, 4526, 4508) else 4326
    x, y = pyproj.Transformer.from_crs(base, srid, always_xy=True).transform(longitude, latitude)
    fill(database, [shapely.Point(p) for p in zip(x, y, strict=True)], srid)

    answered = np.array(coordinates(database, asked, crs))

    assert np.abs(answered - places[:, ::-1]).max() < 0.0005
    assert found(asked, crs, in_order(crs, box)) == list(range(len(places) // 2 + 1))
    in_degrees = np.array(coordinates(database, asked, from_epsg(4490)))
    assert np.abs(in_degrees - np.column_stack([latitude, longitude])).max() < 2e-9


def test_a_table_is_asked_and_answered_in_its_own_system_as_it_is(
    database: psycopg.Connection[Any], found: Found
) -> None:
    crs, asked = from_epsg(32650), relation(32650)
    box = (480_000.123, 3_300_000.0, 500_000.0, 3_310_000.0)
    places = np.concatenate([border(box, off) for off in (-1e-6, 0.0, 1e-6)])
    fill(database, [shapely.Point(p) for p in places], 32650)

    assert found(asked, crs, box) == list(range(2 * len(places) // 3))
    assert np.abs(np.array(coordinates(database, asked, crs)) - places).max() <= 0.000_051


def test_rows_without_a_place_are_left_out_by_no_bbox(
    database: psycopg.Connection[Any], found: Found
) -> None:
    fill(database, [shapely.Point(114, 30), None, shapely.Point(100, 30)], 4326)

    assert found(relation(4326), CRS84, (113, 29, 115, 31)) == [0, 1]


def test_a_layer_without_geometry_is_narrowed_by_no_bbox(
    database: psycopg.Connection[Any],
) -> None:
    fill(database, [shapely.Point(114, 30), shapely.Point(100, 30)])
    bare: FromClause = named_table("place", column("fid", INTEGER))
    window = parse_bbox("113,29,115,31", CRS84)
    condition: ColumnElement[bool] = window.of(
        Relation(branches=(Branch(bare),), attributes={}, version=null()), bare
    )

    assert len(run(database, select(bare.c.fid).where(condition), **window.parameters)) == 2
