"""What becomes of a file's geometries: taken, mended by the stated rule, or rejected with a reason."""

import json
from dataclasses import replace

import numpy as np
import pytest
import shapely
from shapely import Geometry

from config.model import Layer, Specification, Theme
from config.vocabulary import Classification, GeometryKind, LayerId, Text
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from providers.shapes import RULES, ShapeRules, Shapes, checked_shapes, shape_rules

X, Y = 125.0, 43.0  # where the drawings below lie: a unit is 0.001 degrees, about 80 by 110 m
STEP = 0.001


def layer_of(kind: GeometryKind) -> Layer:
    words = Text(zh="试验", en="trial")
    specification = Specification(
        id="TRIAL", version="1", title=words, geometry=kind, source=words, fields=()
    )
    return Layer(
        id=LayerId("trial"),
        title=words,
        description=words,
        theme=Theme(id="trial", title=words, order=1),
        specification=specification,
        identity=(),
        region="none",
        plan="none",
        classification=Classification.INTERNAL,
        style=None,
        source=words,
        keeper=words,
        synthetic=True,
    )


@pytest.fixture
def polygons() -> Layer:
    return layer_of(GeometryKind.POLYGON)


@pytest.fixture
def lines() -> Layer:
    return layer_of(GeometryKind.LINE)


@pytest.fixture
def points() -> Layer:
    return layer_of(GeometryKind.POINT)


def drawn(wkt: str) -> Geometry:
    """A drawing in units, laid at X, Y."""
    return shapely.transform(
        shapely.from_wkt(wkt), lambda xy: np.array([X, Y]) + xy * STEP, include_z=False
    )


def check(layer: Layer, *shapes: Geometry | None, rules: ShapeRules | None = None) -> Shapes:
    return checked_shapes(layer, np.array(shapes, dtype=object), rules or shape_rules())


def area_m2(shape: Geometry) -> float:
    return float(ellipsoid_area_m2(np.array([shape], dtype=object))[0])


def test_each_rule_states_its_value_and_its_source() -> None:
    rules = json.loads(RULES.read_text("utf-8"))

    assert shape_rules() == ShapeRules(
        max_vertices=1_000_000, max_area_change_m2=1.0, max_crossings=10_000
    )
    for name in ("max_vertices", "max_area_change_m2", "max_crossings"):
        assert set(rules[name]["source"]) == {"zh", "en"}


def test_a_valid_polygon_is_stored_as_multipolygon_to_the_left_of_its_rings(
    polygons: Layer,
) -> None:
    clockwise = drawn("POLYGON ((0 0, 0 4, 4 4, 4 0, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))")
    found = check(polygons, clockwise)
    (part,) = found.geometry[0].geoms

    assert found.geometry[0].geom_type == "MultiPolygon"
    assert part.exterior.is_ccw
    assert not part.interiors[0].is_ccw
    assert found.geometry[0].equals(clockwise)
    assert (found.repaired, found.rejected) == ({}, {})


def test_height_and_measure_are_left_out(polygons: Layer, lines: Layer) -> None:
    found = check(polygons, shapely.from_wkt("POLYGON Z ((0 0 5, 1 0 5, 1 1 5, 0 0 5))"))
    measured = check(lines, shapely.from_wkt("LINESTRING M (0 0 5, 1 0 6)"))

    assert not found.geometry[0].has_z
    assert not shapely.has_m(measured.geometry[0])
    assert measured.rejected == {}


def test_what_was_given_is_not_changed(polygons: Layer) -> None:
    given = np.array([drawn("POLYGON ((0 0, 0 4, 4 4, 0 0))"), None], dtype=object)
    before = given.copy()
    checked_shapes(polygons, given, shape_rules())

    assert given[0] is before[0]
    assert given[1] is None


@pytest.mark.parametrize(
    ("wkt", "words"),
    [
        ("POLYGON ((0 0, 4 0, 4 4, 8 4, 4 4, 0 4, 0 0))", "a ring touches itself"),  # spike
        ("POLYGON ((0 0, 4 0, 4 4, 2 4, 2 2, 2 4, 0 4, 0 0))", "a ring touches itself"),
        (  # a hole drawn into the outer ring, from the vertex where it touches
            "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0, 1 2, 2 2, 2 1, 0 0))",
            "a ring touches itself",
        ),
        (  # two parts that share an edge
            "MULTIPOLYGON (((0 0, 2 0, 2 2, 0 2, 0 0)), ((2 0, 4 0, 4 2, 2 2, 2 0)))",
            "the boundary crosses itself",
        ),
        (  # a hole of no width
            "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 3 1, 1 1))",
            "the boundary crosses itself",
        ),
        (
            "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)), ((6 6, 6 6, 6 6, 6 6)))",
            "a part has too few different points",
        ),
    ],
)
def test_what_is_wrong_without_a_change_of_area_is_repaired_and_told_with_its_place(
    polygons: Layer, wkt: str, words: str
) -> None:
    given = drawn(wkt)
    found = check(polygons, given)
    shape, said = found.geometry[0], found.repaired[0]

    assert found.rejected == {}
    assert shape.is_valid
    assert area_m2(shape) == pytest.approx(area_m2(given), abs=0.01)
    assert said.startswith(f"{words} at 125")
    assert ", 43" in said
    assert said.endswith(f"before, {area_m2(shape):,.2f} m² after")


def test_a_bow_tie_is_rejected_with_both_areas_and_the_place(polygons: Layer) -> None:
    found = check(polygons, drawn("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"))

    assert found.geometry[0] is None
    assert found.repaired == {}
    assert found.rejected[0].startswith(
        "the boundary crosses itself at 125.0005, 43.0005; repairing it would change the area"
        " from 0.0"
    )
    assert found.rejected[0].endswith("expected a change of at most 1 m²")


@pytest.mark.parametrize(
    "wkt",
    [
        "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (6 6, 7 6, 7 7, 6 6))",  # a hole outside
        "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)), ((2 2, 6 2, 6 6, 2 6, 2 2)))",  # overlap
        "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0)), ((2 2, 6 2, 6 6, 2 6, 2 2)))",  # nested
        "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 5 1, 5 5, 1 5, 1 1), (2 2, 4 2, 4 4, 2 2))",
        "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0, 4 0, 4 4, 0 4, 0 0))",  # drawn twice over
    ],
)
def test_a_polygon_of_which_it_is_unclear_what_is_meant_is_rejected(
    polygons: Layer, wkt: str
) -> None:
    found = check(polygons, drawn(wkt))

    assert "repairing it would change the area" in found.rejected[0]


def test_the_rule_decides_at_its_tolerance(polygons: Layer) -> None:
    small_loop = drawn("POLYGON ((-0.005 -0.005, 4 4, 4 -4, -0.005 0.005, -0.005 -0.005))")
    mended = shapely.make_valid(small_loop, method="structure", keep_collapsed=False)
    change = abs(area_m2(mended) - area_m2(small_loop))
    above = replace(shape_rules(), max_area_change_m2=change + 1e-6)
    below = replace(shape_rules(), max_area_change_m2=change - 1e-6)

    assert 0.1 < change < 1.0
    assert set(check(polygons, small_loop).repaired) == {0}
    assert set(check(polygons, small_loop, rules=above).repaired) == {0}
    assert set(check(polygons, small_loop, rules=below).rejected) == {0}


def test_repeated_points_are_no_fault(polygons: Layer) -> None:
    given = drawn("POLYGON ((0 0, 4 0, 4 0, 4 4, 0 4, 0 0))")
    found = check(polygons, given)

    assert (found.repaired, found.rejected) == ({}, {})
    assert shapely.get_num_coordinates(found.geometry[0]) == 6


@pytest.mark.parametrize("wkt", ["POLYGON EMPTY", "MULTIPOLYGON EMPTY", "POINT EMPTY", None])
def test_missing_and_empty_geometry_is_no_geometry(polygons: Layer, wkt: str | None) -> None:
    found = check(polygons, None if wkt is None else shapely.from_wkt(wkt))

    assert found.rejected == {0: "no geometry"}
    assert found.geometry[0] is None


def test_other_kinds_of_geometry_are_rejected(polygons: Layer, lines: Layer, points: Layer) -> None:
    line, box = shapely.LineString([(0, 0), (1, 1)]), shapely.box(0, 0, 1, 1)
    two = shapely.GeometryCollection([box, shapely.Point(0, 0)])

    assert check(polygons, line, two, shapely.MultiPoint([(0, 0), (1, 1), (2, 2)])).rejected == {
        0: "a LineString; expected a polygon",
        1: "a GeometryCollection of 2; expected a polygon",
        2: "a MultiPoint of 3; expected a polygon",
    }
    assert check(lines, box).rejected == {0: "a Polygon; expected a line"}
    assert check(points, line).rejected == {0: "a LineString; expected a point"}


def test_a_collection_of_one_geometry_of_the_kind_is_unpacked(polygons: Layer) -> None:
    box, spike = (
        drawn("POLYGON ((0 0, 4 0, 4 4, 0 0))"),
        drawn("POLYGON ((0 0, 4 0, 4 4, 8 4, 4 4, 0 4, 0 0))"),
    )
    bow_tie = drawn("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))")
    found = check(
        polygons,
        *(shapely.GeometryCollection([one]) for one in (box, spike, bow_tie)),
        shapely.GeometryCollection([shapely.Point(0, 0)]),
    )

    assert found.repaired[0] == "taken out of a geometry collection"
    assert found.geometry[0].equals(box)
    assert found.repaired[1].startswith(
        "taken out of a geometry collection; a ring touches itself at "
    )
    assert set(found.rejected) == {2, 3}
    assert set(found.repaired) == {0, 1}


def test_parts_without_coordinates_are_left_out(polygons: Layer) -> None:
    box = shapely.box(0, 0, 1, 1)
    found = check(polygons, box, shapely.from_wkt("MULTIPOLYGON (EMPTY, ((0 0, 1 0, 1 1, 0 0)))"))

    assert found.repaired == {1: "a part without coordinates left out"}
    assert len(found.geometry[1].geoms) == 1


def test_too_many_vertices_are_rejected(polygons: Layer) -> None:
    found = check(
        polygons, drawn("POINT (0 0)").buffer(1), rules=replace(shape_rules(), max_vertices=60)
    )

    assert found.rejected == {0: "65 vertices; expected at most 60"}


@pytest.mark.parametrize("size", [600, 3_000])
def test_a_scribble_is_rejected_before_anyone_tries_to_repair_it(
    polygons: Layer, size: int
) -> None:
    scribble = shapely.Polygon(np.random.default_rng(1).uniform(50, 51, (size, 2)))
    found = check(polygons, scribble)

    assert found.rejected[0].startswith("the boundary crosses itself at 50.")
    assert found.rejected[0].endswith(", and in more than 10,000 places")


def test_a_large_polygon_with_one_fault_is_repaired(polygons: Layer) -> None:
    angle = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    ring = np.stack((X + np.cos(angle), Y + np.sin(angle)), axis=1)
    spiked = shapely.Polygon([*ring, ring[0], (X + 2, Y + 1), ring[0]])

    assert set(check(polygons, spiked).repaired) == {0}


@pytest.mark.parametrize(
    "shape",
    [
        shapely.box(4_800_000, 500_000, 4_800_100, 500_100),  # metres
        shapely.box(43.0, 125.0, 43.1, 125.1),  # latitude first
        shapely.box(179.9, 0.0, 180.1, 0.1),
    ],
)
def test_what_is_no_longitude_and_latitude_is_rejected_with_its_numbers(
    polygons: Layer, shape: Geometry
) -> None:
    (reason,) = check(polygons, shape).rejected.values()

    assert reason.startswith("coordinates from ")
    assert reason.endswith("expected longitude within ±180 and latitude within ±90")


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_coordinate_that_is_no_number_is_rejected_wherever_it_stands(
    polygons: Layer, lines: Layer, points: Layer, bad: float
) -> None:
    ring = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)]
    for place in (1, 2, 3):
        broken = [xy if n != place else (xy[0], bad) for n, xy in enumerate(ring)]
        for layer, shape in (
            (polygons, shapely.Polygon(broken)),
            (lines, shapely.LineString(broken)),
            (points, shapely.MultiPoint(broken)),
        ):
            assert check(layer, shape).rejected == {0: "a coordinate is not a finite number"}


def test_a_hole_beyond_the_world_is_rejected(polygons: Layer) -> None:
    hole = [(100.0, -181.0), (101.0, -181.0), (101.0, -180.0)]
    found = check(polygons, shapely.Polygon(shapely.box(100, 40, 101, 41).exterior, [hole]))

    assert found.rejected == {0: "a hole lies outside its outer ring at 100, -181"}


@pytest.mark.parametrize(
    "wkt", ["POLYGON ((0 0, 1 0, 2 0, 0 0))", "POLYGON ((1 1, 1 1, 1 1, 1 1))"]
)
def test_a_polygon_of_no_area_is_rejected(polygons: Layer, wkt: str) -> None:
    assert "repairing it leaves no polygon" in check(polygons, drawn(wkt)).rejected[0]


def test_a_polygon_too_small_to_have_an_area_is_rejected(polygons: Layer) -> None:
    speck = shapely.Polygon([(0, 0), (1e-170, 0), (1e-170, 1e-170), (0, 1e-170)])

    assert list(check(polygons, speck).rejected) == [0]


def test_lines_without_length_are_rejected_and_crossing_lines_are_not(lines: Layer) -> None:
    found = check(
        lines,
        shapely.LineString([(0, 0), (0, 0)]),
        shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (2, 2)]]),
        shapely.LineString([(0, 0), (1, 1), (1, 0), (0, 1)]),
    )

    assert found.rejected == {
        0: "a part has too few different points at 0, 0",
        1: "a part has too few different points at 2, 2",
    }
    assert found.geometry[2].geom_type == "MultiLineString"


def test_points_become_multipoints(points: Layer) -> None:
    found = check(points, shapely.Point(X, Y), None, shapely.MultiPoint([(1, 1), (1, 1)]))

    assert [None if g is None else g.geom_type for g in found.geometry] == [
        "MultiPoint",
        None,
        "MultiPoint",
    ]


def test_nothing_gives_nothing(polygons: Layer) -> None:
    found = check(polygons)

    assert (len(found.geometry), found.repaired, found.rejected) == (0, {}, {})
