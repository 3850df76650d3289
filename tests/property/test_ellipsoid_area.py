"""Laws of the official ellipsoidal area."""

from math import cos, pi, radians, sin

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod
from shapely import Polygon

from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

CGCS2000 = Geod(a=6378137.0, rf=298.257222101)
EQUAL_AREA_M = 6378137.0  # scale of the oracle below

LONGITUDE = st.floats(74, 134)
LATITUDE = st.floats(17, 53)
SHARE = st.floats(0.1, 0.9)


def area_m2(geometry: shapely.Geometry) -> float:
    return float(ellipsoid_area_m2(np.array([geometry], dtype=object))[0])


def star(lon: float, lat: float, radii_m: list[float]) -> Polygon:
    """A star-shaped polygon round a point; radii in metres, evenly turned."""
    north = 1 / 111_000
    east = north / cos(radians(lat))
    turn = 2 * pi / len(radii_m)
    return Polygon(
        (lon + east * r * cos(i * turn), lat + north * r * sin(i * turn))
        for i, r in enumerate(radii_m)
    )


def turned(ring: NDArray[np.float64]) -> float:
    """1 for a closed ring that goes round more land to its left than to its right, else -1."""
    x, y = ring.T
    return float(np.sign((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()))


STAR = st.builds(star, LONGITUDE, LATITUDE, st.lists(st.floats(20, 200), min_size=3, max_size=12))


@given(west=LONGITUDE, south=LATITUDE, cut=SHARE)
def test_cutting_along_a_meridian_keeps_the_area(west: float, south: float, cut: float) -> None:
    whole = shapely.box(west, south, west + 1, south + 1)
    left = shapely.box(west, south, west + cut, south + 1)
    right = shapely.box(west + cut, south, west + 1, south + 1)

    assert area_m2(left) + area_m2(right) == pytest.approx(area_m2(whole), rel=1e-11)


@given(polygon=STAR, data=st.data())
def test_cutting_from_vertex_to_vertex_keeps_the_area(
    polygon: Polygon, data: st.DataObject
) -> None:
    ring = shapely.get_coordinates(polygon)[:-1]
    centre = np.mean(ring, axis=0)
    cut = data.draw(st.integers(1, len(ring) - 1))
    one = Polygon([*ring[: cut + 1], centre])
    other = Polygon([*ring[cut:], ring[0], centre])
    # signed parts: the centre of mass of the vertices need not see every edge of a star
    signs = [turned(shapely.get_coordinates(part) - centre) for part in (one, other)]

    parts = signs[0] * area_m2(one) + signs[1] * area_m2(other)

    assert parts == pytest.approx(area_m2(polygon), abs=1e-6)


@given(polygon=STAR)
def test_ring_direction_does_not_matter(polygon: Polygon) -> None:
    assert area_m2(polygon.reverse()) == pytest.approx(area_m2(polygon), rel=1e-12, abs=1e-8)


@given(polygon=STAR, start=st.integers(1, 11))
def test_the_first_vertex_does_not_matter(polygon: Polygon, start: int) -> None:
    ring = shapely.get_coordinates(polygon)[:-1]
    turned = Polygon(np.roll(ring, start, axis=0))

    assert area_m2(turned) == pytest.approx(area_m2(polygon), rel=1e-9, abs=1e-6)


@given(polygon=STAR, share=SHARE)
def test_a_hole_is_subtracted(polygon: Polygon, share: float) -> None:
    ring = shapely.get_coordinates(polygon)
    inner = ring[0] + share * (ring - ring[0]).mean(axis=0) + 1e-9 * (ring - ring[0])
    ringed = Polygon(ring, [inner])

    expected = area_m2(polygon) - area_m2(Polygon(inner))

    assert area_m2(ringed) == pytest.approx(expected, rel=1e-12, abs=1e-9)


@given(polygon=STAR)
def test_it_agrees_with_the_geodesic_area_once_edges_are_at_most_ten_metres(
    polygon: Polygon,
) -> None:
    """What a straight edge is differs; pieces of 10 m leave less than 3e-3 m² on 400 m."""
    dense = shapely.segmentize(polygon, 10 / 111_000)
    geodesic_m2 = abs(CGCS2000.geometry_area_perimeter(dense)[0])

    assert area_m2(dense) == pytest.approx(geodesic_m2, abs=3e-3, rel=0)


@given(polygon=STAR)
def test_it_is_the_planar_area_of_the_cylindrical_equal_area_plane(polygon: Polygon) -> None:
    """The official edge is straight there, so the law is exact but for the series."""
    ring = shapely.get_coordinates(polygon)
    lon0, lat0 = ring[0]
    plane = Polygon(
        np.column_stack(
            (
                np.radians(ring[:, 0] - lon0) * EQUAL_AREA_M,
                [authalic_m(lat) - authalic_m(lat0) for lat in ring[:, 1]],
            )
        )
    )

    assert area_m2(polygon) == pytest.approx(plane.area, rel=1e-8, abs=1e-3)


def authalic_m(lat: float) -> float:
    """Height in the equal-area plane by its closed form, metres."""
    e2 = (2 - 1 / 298.257222101) / 298.257222101
    e, s = e2**0.5, sin(radians(lat))
    q = (1 - e2) * (s / (1 - e2 * s * s) + np.arctanh(e * s) / e)
    return float(q) * EQUAL_AREA_M / 2
