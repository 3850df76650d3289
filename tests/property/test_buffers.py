"""Laws of buffers, held against PROJ's geodesics."""

from math import cos, pi, radians, sin

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod
from shapely import Geometry, Polygon

from processes.algorithms.buffers import allowed_error_m, beyond_map, buffers, dissolved

CGCS2000 = Geod(a=6378137.0, rf=298.257222101)
PLACE = st.tuples(st.floats(74, 134), st.floats(17, 53))
DISTANCE = st.floats(1, 20_000)


def buffered(shape: Geometry, distance_m: float) -> tuple[Geometry, float]:
    found = buffers(np.array([shape], dtype=object), distance_m)
    return found.geometries[0], float(found.error_m[0])


def star(lon: float, lat: float, radii_m: list[float]) -> Polygon:
    east, north, turn = 1 / (111_000 * cos(radians(lat))), 1 / 111_000, 2 * pi / len(radii_m)
    return Polygon(
        (lon + east * r * cos(i * turn), lat + north * r * sin(i * turn))
        for i, r in enumerate(radii_m)
    )


def distances_m(outline: Geometry, source: Geometry, count: int = 24) -> NDArray[np.float64]:
    """Of some vertices of an outline: the least geodesic distance to what it surrounds."""
    vertices = shapely.get_coordinates(shapely.boundary(outline))
    lines = shapely.boundary(source) if isinstance(source, Polygon) else source
    whole = shapely.get_coordinates(shapely.segmentize(lines, 0.0005))
    begins, steps = whole[:-1], np.diff(whole, axis=0)
    found = []
    for place in vertices[:: max(1, len(vertices) // count)]:
        # The foot on every piece may be half a percent aside, as degrees are scaled by a sphere;
        # which foot is the nearest is for geodesics to say, or the choice is off by as much.
        scale = np.array([cos(radians(place[1])), 1])
        away, edge = (place - begins) * scale, steps * scale
        along = (away * edge).sum(axis=1) / (edge**2).sum(axis=1)
        feet = begins + np.clip(along, 0, 1)[:, np.newaxis] * steps
        here = np.broadcast_to(place, feet.shape)
        found.append(float(CGCS2000.inv(*here.T, *feet.T)[2].min()))
    return np.array(found)


@given(place=PLACE, distance_m=DISTANCE)
def test_the_outline_of_a_point_lies_at_the_distance(
    place: tuple[float, float], distance_m: float
) -> None:
    outline, error_m = buffered(shapely.Point(place), distance_m)
    lon, lat = shapely.get_coordinates(outline).T

    apart = CGCS2000.inv(np.full(len(lon), place[0]), np.full(len(lat), place[1]), lon, lat)[2]

    assert np.asarray(apart) == pytest.approx(distance_m, rel=0.001, abs=0.1)
    assert error_m <= allowed_error_m(distance_m, 32)


@settings(max_examples=15)
@example(  # between two arms whose distances are the same to a thousandth
    place=(74.0, 40.0), radii_m=[4302.0, 100.0, 3515.0, 2097.0, 1059.0, 140.0], distance_m=3894.0
)
@given(
    place=PLACE,
    radii_m=st.lists(st.floats(100, 5_000), min_size=3, max_size=12),
    distance_m=st.floats(20, 5_000),
)
def test_the_outline_of_a_polygon_lies_at_the_distance_from_its_boundary(
    place: tuple[float, float], radii_m: list[float], distance_m: float
) -> None:
    source = star(*place, radii_m)
    outline, error_m = buffered(source, distance_m)

    allowed_m = allowed_error_m(distance_m, 32)
    assert distances_m(outline, source) == pytest.approx(distance_m, abs=allowed_m, rel=0)
    assert error_m <= allowed_m
    assert shapely.is_valid(outline)


@given(place=PLACE, radius_m=st.floats(500, 5_000), share=st.floats(0.05, 0.6))
def test_inwards_and_outwards_again_never_leaves_the_polygon(
    place: tuple[float, float], radius_m: float, share: float
) -> None:
    source = star(*place, [radius_m] * 16)
    distance_m = share * radius_m

    inner, _ = buffered(source, -distance_m)

    assert distances_m(inner, source) == pytest.approx(distance_m, abs=max(0.1, distance_m / 500))
    again, _ = buffered(inner, distance_m)
    beyond = shapely.difference(again, source).area
    assert beyond <= 2e-3 * source.area


@pytest.mark.parametrize("distance_m", [2_000.0, -2_000.0])
def test_a_feature_over_two_zones_is_cut_into_parts_that_leave_no_seam(distance_m: float) -> None:
    source = Polygon([(118.6, 29.1), (122.8, 29.6), (122.4, 31.7), (119.3, 31.2)])

    outline, error_m = buffered(source, distance_m)

    assert isinstance(outline, Polygon)
    assert len(outline.interiors) == 0
    assert distances_m(outline, source) == pytest.approx(2_000.0, abs=3.3)
    assert error_m <= allowed_error_m(distance_m, 32)


def test_shallow_bays_are_not_straightened() -> None:
    """GEOS would by up to 1 % of the distance; here that is 50 m."""
    bay = [(125 + 0.001 * i, 43.5 - 0.0004 * sin(pi * i / 40)) for i in range(41)]
    source = shapely.LineString(bay)

    outline, error_m = buffered(source, 5_000.0)

    assert error_m <= allowed_error_m(5_000.0, 32)
    assert distances_m(outline, source, 200) == pytest.approx(5_000.0, abs=7)


def test_points_and_lines_have_no_inside_and_missing_features_no_buffer() -> None:
    shapes = np.array([shapely.Point(125, 43), None, Polygon()], dtype=object)

    inwards = buffers(shapes, -10.0)

    assert inwards.geometries[0].is_empty
    assert inwards.geometries[1] is None
    assert inwards.geometries[2].is_empty
    assert np.isnan(inwards.error_m).all()


def test_dissolved_buffers_count_land_once() -> None:
    shapes = np.array([shapely.Point(125, 43), shapely.Point(125.001, 43)], dtype=object)
    found = buffers(shapes, 100.0)

    whole = dissolved(found.geometries)

    assert isinstance(whole, Polygon)
    assert whole.area < shapely.area(found.geometries).sum()


def test_a_buffer_over_the_antimeridian_or_near_a_pole_is_refused() -> None:
    shapes = np.array([shapely.Point(-179.999, 10), shapely.Point(100, 79.99)], dtype=object)

    assert beyond_map(shapes, 5_000.0).all()
    with pytest.raises(ValueError, match="antimeridian"):
        buffers(shapes, 5_000.0)


@pytest.mark.parametrize(("distance_m", "segments"), [(0, 8), (100_001, 8), (1, 0), (1, 129)])
def test_parameters_out_of_range_are_refused(distance_m: float, segments: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        buffers(np.array([], dtype=object), distance_m, quadrant_segments=segments)
