"""Laws of the check of geometries: whatever comes in, what goes on is fit to be stored."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import Geometry

from config.model import Layer, Specification, Theme
from config.vocabulary import Classification, GeometryKind, LayerId, Text
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from providers.shapes import MULTI, Shapes, checked_shapes, shape_rules

# Few different numbers: rings touch, cross, repeat and collapse. Some numbers are none.
FINE = st.integers(0, 5).map(lambda n: 100.0 + n / 1000)
COARSE = st.sampled_from([0.0, -0.0, 1e-9, 90.0, -181.0, 1e6, np.nan, np.inf])
NORTH = st.integers(0, 5).map(lambda n: 40.0 + n / 1000)


def corners(least: int, most: int, *, wild: bool) -> st.SearchStrategy[list[Any]]:
    east, north = (FINE | COARSE, NORTH | COARSE) if wild else (FINE, NORTH)
    return st.lists(st.tuples(east, north), min_size=least, max_size=most)


@st.composite
def polygons(draw: st.DrawFn, *, wild: bool = False) -> Geometry:
    def ring(most: int) -> list[Any]:  # its first corner, at which it closes, is a place
        return [*draw(corners(1, 1, wild=False)), *draw(corners(2, most, wild=wild))]

    return shapely.Polygon(ring(8), [ring(4)] if draw(st.booleans()) else [])


@st.composite
def geometries(draw: st.DrawFn, *, wild: bool = False) -> Geometry | None:
    some = st.one_of(
        polygons(wild=wild),
        st.lists(polygons(wild=wild), max_size=3).map(shapely.MultiPolygon),
        corners(2, 6, wild=wild).map(shapely.LineString),
        corners(1, 4, wild=wild).map(shapely.MultiPoint),
        corners(1, 1, wild=wild).map(lambda one: shapely.Point(one[0])),
        st.just(shapely.MultiPolygon([shapely.Polygon()])),
    )
    match draw(st.integers(0, 9)):
        case 0:
            return None
        case 1:
            return shapely.GeometryCollection(draw(st.lists(some, max_size=2)))
        case 2:
            return shapely.force_3d(draw(some), 7.0)
        case _:
            return draw(some)


def batches(*, wild: bool) -> st.SearchStrategy[list[Geometry | None]]:
    return st.lists(geometries(wild=wild), max_size=8)


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


def check(kind: GeometryKind, shapes: list[Geometry | None]) -> Shapes:
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    return checked_shapes(layer_of(kind), array, shape_rules())


KINDS = [GeometryKind.POINT, GeometryKind.LINE, GeometryKind.POLYGON]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
@given(shapes=batches(wild=True) | batches(wild=False))
def test_what_goes_on_is_multi_valid_flat_and_in_degrees_and_every_row_is_accounted_for(
    kind: GeometryKind, shapes: list[Geometry | None]
) -> None:
    found = check(kind, shapes)
    taken = [row for row, shape in enumerate(found.geometry) if shape is not None]
    stored = found.geometry[taken]

    loaded = [row for row in taken if row not in found.repaired]
    assert len(loaded) + len(found.repaired) + len(found.rejected) == len(shapes)
    assert set(found.repaired) <= set(taken)
    assert set(found.rejected) == set(range(len(shapes))) - set(taken)
    assert all(found.rejected.values())
    assert (shapely.get_type_id(stored) == MULTI[kind]).all()
    assert shapely.is_valid(stored).all()
    assert not shapely.is_empty(stored).any()
    assert not shapely.is_empty(shapely.get_parts(stored)).any()
    assert not shapely.has_z(stored).any()
    xy = shapely.get_coordinates(stored)
    assert (np.abs(xy) <= (180.0, 90.0)).all()
    if kind is GeometryKind.POLYGON:
        parts = shapely.get_parts(stored)
        assert shapely.is_ccw(shapely.get_exterior_ring(parts)).all()
        assert (ellipsoid_area_m2(stored) > 0).all()


@given(shapes=st.lists(polygons(), min_size=1, max_size=6))
def test_a_repair_keeps_the_area_within_the_rule_and_the_rest_keeps_its_points(
    shapes: list[Geometry | None],
) -> None:
    found = check(GeometryKind.POLYGON, shapes)
    for row, shape in enumerate(found.geometry):
        if shape is None:
            continue
        given_one = np.array([shapes[row], shape], dtype=object)
        before, after = ellipsoid_area_m2(given_one)
        assert abs(after - before) <= shape_rules().max_area_change_m2
        if row not in found.repaired:
            points, stored = map(shapely.get_coordinates, given_one)
            assert sorted(points.tolist()) == sorted(stored.tolist())


@given(shapes=batches(wild=False))
def test_checking_again_changes_nothing(shapes: list[Geometry | None]) -> None:
    once = check(GeometryKind.POLYGON, shapes)
    kept = [shape for shape in once.geometry if shape is not None]
    twice = check(GeometryKind.POLYGON, kept)

    assert (twice.repaired, twice.rejected) == ({}, {})
    assert [shape.wkb for shape in twice.geometry] == [shape.wkb for shape in kept]
