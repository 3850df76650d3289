"""Laws of the synthetic city, for any number of parcels, seed and shape of the study area."""

from dataclasses import fields
from math import cos, pi, radians, sin

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.synthetic_city import Line, SyntheticCity, dissolve, generate

PARCEL_M2 = 15_000.0
ROUNDING_DEG = 2e-9  # the outline's points, and those where it meets a parcel, go to the grid

CENTRE = st.tuples(st.floats(100, 130), st.floats(20, 50))
PARCELS = st.integers(50, 1_500)
SEED = st.integers(0, 2**31)


def study(centre: tuple[float, float], parcels: int, corners: int, stretch: float) -> Polygon:
    """A regular polygon round the centre with natural room for the parcels."""
    turn = 2 * pi / corners
    radius = (parcels * PARCEL_M2 * 2 / corners / sin(turn)) ** 0.5 / 111_000
    east = stretch / cos(radians(centre[1]))
    return Polygon(
        (
            centre[0] + radius * east * cos((i + 0.3) * turn),
            centre[1] + radius / stretch * sin((i + 0.3) * turn),
        )
        for i in range(corners)
    )


def total_m2(*polygons: shapely.Geometry) -> float:
    return float(ellipsoid_area_m2(np.array(polygons, dtype=object)).sum())


AREA = {"corners": st.integers(3, 9), "stretch": st.floats(0.7, 1.4)}


@settings(max_examples=25)
@given(centre=CENTRE, parcels=PARCELS, seed=SEED, **AREA)
def test_parcels_are_a_coverage_of_the_study_area(
    centre: tuple[float, float], parcels: int, seed: int, corners: int, stretch: float
) -> None:
    area = study(centre, parcels, corners, stretch)

    city = generate(centre, area, parcels=parcels, seed=seed)

    assert shapely.is_valid(city.parcels).all()
    assert shapely.coverage_is_valid(city.parcels)
    whole = shapely.coverage_union_all(city.parcels)
    assert total_m2(*city.parcels) == pytest.approx(total_m2(whole), rel=1e-12)
    assert shapely.symmetric_difference(whole, area).area <= ROUNDING_DEG * area.length
    assert abs(len(city.parcels) - parcels) <= 0.05 * parcels


@settings(max_examples=15)
@given(centre=CENTRE, parcels=PARCELS, seed=SEED)
def test_the_control_lines_are_disjoint(
    centre: tuple[float, float], parcels: int, seed: int
) -> None:
    city = generate(centre, study(centre, parcels, 4, 1.0), parcels=parcels, seed=seed)

    lines = [
        shapely.union_all(dissolve(city.parcels, np.where(city.line == line, 0, -1))[0])
        for line in (Line.FARMLAND, Line.REDLINE, Line.BOUNDARY)
    ]

    for i, one in enumerate(lines):
        for other in lines[i + 1 :]:
            assert shapely.intersection(one, other).area == 0.0


@settings(max_examples=8)
@given(centre=CENTRE, parcels=st.integers(50, 400), seed=SEED)
def test_equal_arguments_give_an_equal_city(
    centre: tuple[float, float], parcels: int, seed: int
) -> None:
    area = study(centre, parcels, 4, 1.0)
    one = generate(centre, area, parcels=parcels, seed=seed)
    other = generate(centre, area, parcels=parcels, seed=seed)

    for field in fields(SyntheticCity):
        if field.name == "limits":
            continue
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name
    for field in fields(one.limits):
        assert np.array_equal(
            getattr(one.limits, field.name), getattr(other.limits, field.name), equal_nan=True
        )


@settings(max_examples=8)
@given(centre=CENTRE, parcels=st.integers(100, 800), seed=SEED)
def test_another_seed_gives_another_city(
    centre: tuple[float, float], parcels: int, seed: int
) -> None:
    area = study(centre, parcels, 4, 1.0)
    one = generate(centre, area, parcels=parcels, seed=seed)
    other = generate(centre, area, parcels=parcels, seed=seed + 1)

    assert not np.array_equal(one.parcels[:20], other.parcels[:20])


@settings(max_examples=15)
@given(centre=CENTRE, parcels=st.integers(100, 800), seed=SEED, cut=st.floats(-0.6, 0.6))
def test_no_parcel_crosses_a_division(
    centre: tuple[float, float], parcels: int, seed: int, cut: float
) -> None:
    area = study(centre, parcels, 6, 1.0)
    west, south, east, north = area.bounds
    border = centre[0] + cut * (east - west) / 2
    divisions = np.array(
        [
            shapely.box(west - 1, south - 1, border, north + 1),
            shapely.box(border, south - 1, east + 1, north + 1),
        ]
    )

    city = generate(centre, area, parcels=parcels, seed=seed, divisions=divisions)

    assert shapely.coverage_is_valid(city.parcels)
    x = shapely.bounds(city.parcels)
    assert (x[city.division == 0, 2] <= border + 1e-9).all()
    assert (x[city.division == 1, 0] >= border - 1e-9).all()


@settings(max_examples=10)
@given(seed=SEED, label_count=st.integers(1, 6))
def test_dissolving_a_coverage_keeps_its_area_and_stays_a_coverage(
    seed: int, label_count: int
) -> None:
    centre = (125.3, 43.9)
    city = generate(centre, study(centre, 150, 4, 1.0), parcels=150, seed=seed)
    label = np.random.default_rng(seed).integers(0, label_count, len(city.parcels))

    parts, _ = dissolve(city.parcels, label)

    assert shapely.coverage_is_valid(parts)
    assert abs(total_m2(*parts) - total_m2(*city.parcels)) < 1e-3
