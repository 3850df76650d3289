"""Laws of a parcel over a control line, and of reference systems."""

from math import isclose
from typing import Any

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from processes.algorithms.control_line_check import NoiseRule, measure, overlay
from providers.crs import from_epsg, to_plane, to_storage

PLANE = from_epsg(4551)
NO_NOISE = NoiseRule(eps_m2=0.0, min_width_m=0.0, combine="or", version="test", source="")
NOISE = NoiseRule(eps_m2=1.0, min_width_m=0.1, combine="or", version="test", source="")
PARCEL = shapely.box(125.3, 43.8, 125.31, 43.81)
AREA_M2 = 894071.98  # of PARCEL

# A grid of 0.001°: features share edges and corners as real ones do.
steps = st.integers(-5, 15)


@st.composite
def features(draw: Any) -> list[shapely.Geometry]:
    boxes = draw(
        st.lists(st.tuples(steps, steps, st.integers(1, 6), st.integers(1, 6)), max_size=6)
    )
    return [
        shapely.box(
            125.3 + x / 1000, 43.8 + y / 1000, 125.3 + (x + w) / 1000, 43.8 + (y + h) / 1000
        )
        for x, y, w, h in boxes
    ]


def zone(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    return to_plane(geometries, PLANE)


@given(found=features())
def test_inside_and_outside_make_the_parcel(found: list[shapely.Geometry]) -> None:
    cut = overlay(PARCEL, found, to_plane=zone, noise=NO_NOISE)

    whole = cut.inside.areas.ellipsoid_m2 + cut.outside.areas.ellipsoid_m2
    assert isclose(whole, measure(PARCEL, zone).ellipsoid_m2, rel_tol=1e-6)
    assert isclose(cut.inside.share + cut.outside.share, 1.0, rel_tol=1e-6)


@given(found=features())
def test_the_order_of_the_features_does_not_matter(found: list[shapely.Geometry]) -> None:
    cut = overlay(PARCEL, found, to_plane=zone, noise=NOISE)
    turned = overlay(PARCEL, found[::-1], to_plane=zone, noise=NOISE)

    assert isclose(cut.inside.areas.ellipsoid_m2, turned.inside.areas.ellipsoid_m2, abs_tol=1e-3)
    assert len(cut.parts) == len(turned.parts)


@given(found=features())
def test_land_under_several_features_counts_once(found: list[shapely.Geometry]) -> None:
    once = overlay(PARCEL, found, to_plane=zone, noise=NOISE)
    twice = overlay(PARCEL, [*found, *found], to_plane=zone, noise=NOISE)

    assert isclose(once.inside.areas.planar_m2, twice.inside.areas.planar_m2, abs_tol=1e-3)
    assert len(twice.parts) == 2 * len(once.parts)


@given(found=features(), more=features())
def test_another_feature_never_makes_the_overlap_smaller(
    found: list[shapely.Geometry], more: list[shapely.Geometry]
) -> None:
    less = overlay(PARCEL, found, to_plane=zone, noise=NO_NOISE).inside.areas.ellipsoid_m2
    all_of_them = overlay(PARCEL, [*found, *more], to_plane=zone, noise=NO_NOISE)

    assert all_of_them.inside.areas.ellipsoid_m2 >= less - 1e-3


@given(found=features())
def test_noise_is_left_out_but_never_lost(found: list[shapely.Geometry]) -> None:
    plain = overlay(PARCEL, found, to_plane=zone, noise=NO_NOISE).inside
    filtered = overlay(PARCEL, found, to_plane=zone, noise=NOISE).inside

    assert isclose(
        filtered.areas.planar_m2 + filtered.noise_m2,
        plain.areas.planar_m2 + plain.noise_m2,
        abs_tol=1e-3,
    )


@given(
    code=st.sampled_from([4490, 4551, 4530, 4510, 2056, 25831, 3857]),
    x=st.floats(0.1, 0.9),
    y=st.floats(0.1, 0.9),
)
def test_what_comes_to_storage_returns_to_its_plane(code: int, x: float, y: float) -> None:
    crs = from_epsg(code)
    west, south, east, north = {
        2056: (6.0, 45.9, 10.4, 47.7),
        25831: (0.5, 42.0, 5.5, 48.0),
    }.get(code, (124.6, 41.0, 127.4, 52.0))
    place = np.array([shapely.Point(west + x * (east - west), south + y * (north - south))])
    if crs.geographic:
        turned = shapely.transform(place, lambda p: p[:, ::-1])
        assert to_storage(turned, crs).geometries[0].equals_exact(place[0], 0)
        return
    plane = to_plane(place, crs)
    given_order = shapely.transform(plane, lambda p: p[:, ::-1]) if crs.north_first else plane

    again = to_plane(to_storage(given_order, crs).geometries, crs)

    # a shift of datum loses the height that it gives: 1.3 mm in Switzerland
    assert shapely.distance(again[0], plane[0]) < (5e-3 if code == 2056 else 1e-4)
