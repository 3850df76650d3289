"""Laws of laying polygons over one another."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import Polygon

from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.official_plane import from_official_plane, to_official_plane
from processes.algorithms.overlay_statistics import Relation, class_pairs
from processes.algorithms.polygon_overlay import overlay
from processes.algorithms.polygon_repair import repair

WEST, SOUTH, SIDE = 125.0, 43.0, 0.01
CORNER = st.tuples(st.floats(0, 1), st.floats(0, 1))
RING = st.lists(CORNER, min_size=3, max_size=7, unique=True)
RINGS = st.lists(RING, max_size=4)
CUTS = st.lists(st.integers(1, 19), max_size=4, unique=True).map(sorted)


def polygons(rings: list[list[tuple[float, float]]]) -> NDArray[np.object_]:
    """Anything that the corners make, crossing rings too, in the official plane; valid."""
    given_rings = [Polygon([(WEST + SIDE * x, SOUTH + SIDE * y) for x, y in r]) for r in rings]
    return repair(to_official_plane(np.array(given_rings, dtype=object)))[0]


def coverage(columns: list[int], rows: list[int]) -> NDArray[np.object_]:
    """A square cut along some of twenty columns and rows: features that share edges only."""
    x, y = (np.array([0, *cuts, 20]) * SIDE / 20 for cuts in (columns, rows))
    cells = [
        shapely.box(WEST + a, SOUTH + c, WEST + b, SOUTH + d)
        for a, b in pairwise(x)
        for c, d in pairwise(y)
    ]
    return to_official_plane(np.array(cells, dtype=object))


@given(left=RINGS, columns=CUTS, rows=CUTS)
def test_what_a_feature_shares_and_what_it_has_alone_is_the_feature(
    left: list[Any], columns: list[int], rows: list[int]
) -> None:
    one = polygons(left)

    found = overlay(one, coverage(columns, rows), measure=shapely.area)

    for i, shape in enumerate(one):
        shared = found.both.area_m2[found.both.left == i].sum()
        alone = found.left_alone.area_m2[found.left_alone.left == i].sum()
        assert shared + alone == pytest.approx(shape.area, rel=1e-9, abs=1e-4)
    assert found.left.closes


@given(left=RINGS, right=RINGS)
def test_the_two_sides_may_be_exchanged(left: list[Any], right: list[Any]) -> None:
    one, other = polygons(left), polygons(right)

    there = overlay(one, other, measure=shapely.area)
    back = overlay(other, one, measure=shapely.area)

    assert there.both.area_m2.sum() == pytest.approx(back.both.area_m2.sum(), rel=1e-9, abs=1e-4)
    assert there.left.alone_m2 == pytest.approx(back.right.alone_m2, rel=1e-9, abs=1e-4)
    assert there.right.alone_m2 == pytest.approx(back.left.alone_m2, rel=1e-9, abs=1e-4)


@given(left=RINGS)
def test_nothing_on_the_other_side_leaves_everything_as_it_is(left: list[Any]) -> None:
    one, nothing = polygons(left), np.array([], dtype=object)

    found = overlay(one, nothing, measure=shapely.area)
    turned = overlay(nothing, one, measure=shapely.area)

    assert len(found.both) == len(found.right_alone) == 0
    assert found.left.alone_m2 == turned.right.alone_m2 == pytest.approx(shapely.area(one).sum())


@given(columns=CUTS, rows=CUTS, others=CUTS, more=CUTS)
def test_classes_of_two_coverages_add_up_to_both(
    columns: list[int], rows: list[int], others: list[int], more: list[int]
) -> None:
    one, other = coverage(columns, rows), coverage(others, more)
    kinds = [
        np.array([str(i % 3) for i in range(len(side))], dtype=object) for side in (one, other)
    ]

    found = overlay(one, other, measure=shapely.area)
    rows_of = class_pairs(found, *kinds)

    for side, shapes, codes in (("left", one, kinds[0]), ("right", other, kinds[1])):
        for code in set(codes):
            parts = [
                r.area_m2
                for r in rows_of
                if getattr(r, side) == code and r.relation in (Relation.BOTH, Relation(side))
            ]
            assert sum(parts) == pytest.approx(shapely.area(shapes[codes == code]).sum(), abs=0.01)


@given(left=RINGS, right=RINGS)
def test_a_grid_of_a_millimetre_moves_areas_by_next_to_nothing(
    left: list[Any], right: list[Any]
) -> None:
    one, other = polygons(left), polygons(right)

    exact = overlay(one, other, measure=shapely.area)
    snapped = overlay(one, other, measure=shapely.area, snap_m=0.001)

    expected = exact.both.area_m2.sum()
    assert snapped.both.area_m2.sum() == pytest.approx(expected, abs=20.0, rel=1e-6)


@given(rings=RINGS)
def test_planar_areas_of_the_official_plane_are_the_official_areas(rings: list[Any]) -> None:
    plane = polygons(rings)

    official_m2 = ellipsoid_area_m2(from_official_plane(plane))

    assert shapely.area(plane) == pytest.approx(official_m2, rel=1e-8, abs=1e-3)
