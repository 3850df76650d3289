"""The offset of web maps in China: its size, its way back, and where there is none."""

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processes.algorithms.gcj02 import from_gcj02, offset_m, to_gcj02

GEOD = pyproj.Geod(a=6378137.0, rf=298.257222101)
IN_CHINA = st.tuples(st.floats(73.0, 136.0), st.floats(3.0, 54.0))
BEYOND = st.one_of(
    st.tuples(st.floats(-180.0, 72.0), st.floats(-90.0, 90.0)),
    st.tuples(st.floats(138.0, 180.0), st.floats(-90.0, 90.0)),
    st.tuples(st.floats(-180.0, 180.0), st.floats(-90.0, 0.8)),
    st.tuples(st.floats(-180.0, 180.0), st.floats(56.0, 90.0)),
)


def at(*places: tuple[float, float]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array(places, dtype=np.float64).reshape(len(places), 2)


@given(st.lists(IN_CHINA, min_size=1, max_size=50))
def test_the_way_back_returns_to_the_place(places: list[tuple[float, float]]) -> None:
    points = at(*places)

    assert np.abs(from_gcj02(to_gcj02(points)) - points).max() < 1e-9
    assert np.abs(to_gcj02(from_gcj02(points)) - points).max() < 1e-9


@given(IN_CHINA)
def test_the_offset_is_never_a_kilometre_and_has_the_length_that_is_stated(
    place: tuple[float, float],
) -> None:
    points, moved = at(place), to_gcj02(at(place))
    _, _, metres = GEOD.inv(*points[0], *moved[0])

    assert 10 < metres < 900
    # the formula's metres are of another ellipsoid and along parallel and meridian
    assert metres == pytest.approx(offset_m(points)[0], rel=1e-3)


def test_of_a_hundred_places_ninety_eight_are_moved_by_more_than_a_hundred_metres() -> None:
    longitude, latitude = np.meshgrid(np.arange(73.0, 136.0, 0.25), np.arange(3.0, 54.0, 0.25))
    metres = offset_m(np.column_stack([longitude.ravel(), latitude.ravel()]))

    assert np.mean((metres > 100) & (metres < 900)) > 0.98


@given(st.lists(BEYOND, min_size=1, max_size=20))
def test_outside_the_rectangle_nothing_is_moved(places: list[tuple[float, float]]) -> None:
    points = at(*places)

    assert np.array_equal(to_gcj02(points), points)
    assert np.array_equal(from_gcj02(points), points)
    assert not offset_m(points).any()


@given(IN_CHINA, IN_CHINA)
def test_each_point_is_moved_by_itself(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    both = to_gcj02(at(one, other))
    alone = np.vstack([to_gcj02(at(one)), to_gcj02(at(other))])

    assert np.abs(both - alone).max() < 1e-12


def test_a_published_pair_is_met() -> None:
    """Tiananmen, as the map libraries' own tests have it."""
    assert to_gcj02(at((116.404, 39.915)))[0] == pytest.approx(
        (116.41024449916938, 39.91640428150164), abs=1e-12
    )


def test_no_points_and_unknown_points_pass() -> None:
    assert from_gcj02(at()).shape == (0, 2)
    unknown = from_gcj02(at((np.nan, 30.0), (110.0, 30.0)))

    assert np.isnan(unknown[0, 0])
    assert np.abs(to_gcj02(unknown[1:])[0] - (110.0, 30.0)).max() < 1e-9
