"""Reference systems: axis order dealt with once, and the way to storage."""

import math
from contextlib import suppress

import numpy as np
import pyproj.database
import pytest
import shapely
from numpy.typing import NDArray

from providers.crs import (
    CRS84,
    CRS84_URI,
    EPSG_URI,
    CrsError,
    NoOperation,
    OutsideArea,
    UnknownCrs,
    from_epsg,
    parse_crs,
    to_plane,
    to_storage,
    zone_of,
)

METRES_PER_DEGREE = 111_200.0


def points(*places: tuple[float, float]) -> NDArray[np.object_]:
    return np.array([shapely.Point(place) for place in places], dtype=object)


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two places a few metres apart, longitude and latitude in degrees."""
    east = (one[0] - other[0]) * math.cos(math.radians(one[1]))
    return METRES_PER_DEGREE * math.hypot(east, one[1] - other[1])


def dms(degrees: int, minutes: int, seconds: float) -> float:
    return degrees + minutes / 60 + seconds / 3600


def swiss_approximately(easting: float, northing: float) -> tuple[float, float]:
    """LV95 to WGS 84 by swisstopo's approximate formulas (better than 1 m in Switzerland)."""
    y, x = (easting - 2_600_000) / 1e6, (northing - 1_200_000) / 1e6
    longitude = 2.6779094 + 4.728982 * y + 0.791484 * y * x + 0.1306 * y * x**2 - 0.0436 * y**3
    latitude = (
        16.9023892
        + 3.238272 * x
        - 0.270978 * y**2
        - 0.002528 * x**2
        - 0.0447 * y**2 * x
        - 0.0140 * x**3
    )
    return longitude * 100 / 36, latitude * 100 / 36


def swiss_rigorously(easting: float, northing: float) -> tuple[float, float]:
    """LV95 to WGS 84 by the oblique Mercator on Bessel's sphere and swisstopo's three shifts."""
    a, e2 = 6377397.155, 0.006674372230614
    lat0, lon0 = math.radians(dms(46, 57, 8.66)), math.radians(dms(7, 26, 22.5))
    radius = a * math.sqrt(1 - e2) / (1 - e2 * math.sin(lat0) ** 2)
    alpha = math.sqrt(1 + e2 / (1 - e2) * math.cos(lat0) ** 4)
    b0 = math.asin(math.sin(lat0) / alpha)
    e = math.sqrt(e2)

    def isometric(latitude: float) -> float:
        sine = math.sin(latitude)
        return math.log(math.tan(math.pi / 4 + latitude / 2)) - e / 2 * math.log(
            (1 + e * sine) / (1 - e * sine)
        )

    k = math.log(math.tan(math.pi / 4 + b0 / 2)) - alpha * isometric(lat0)
    ll = (easting - 2_600_000) / radius
    bb = 2 * (math.atan(math.exp((northing - 1_200_000) / radius)) - math.pi / 4)
    b = math.asin(math.cos(b0) * math.sin(bb) + math.sin(b0) * math.cos(bb) * math.cos(ll))
    along = math.atan(math.sin(ll) / (math.cos(b0) * math.cos(ll) - math.sin(b0) * math.tan(bb)))
    longitude, latitude = lon0 + along / alpha, b
    for _ in range(8):
        wanted = (math.log(math.tan(math.pi / 4 + b / 2)) - k) / alpha
        latitude += (wanted - isometric(latitude)) * math.cos(latitude)
    n = a / math.sqrt(1 - e2 * math.sin(latitude) ** 2)
    x = n * math.cos(latitude) * math.cos(longitude) + 674.374
    y = n * math.cos(latitude) * math.sin(longitude) + 15.056
    z = n * (1 - e2) * math.sin(latitude) + 405.346
    wa, we2 = 6378137.0, 0.00669437999014
    reach, found = math.hypot(x, y), math.atan2(z, math.hypot(x, y))
    for _ in range(8):
        m = wa / math.sqrt(1 - we2 * math.sin(found) ** 2)
        found = math.atan2(z + we2 * m * math.sin(found), reach)
    return math.degrees(math.atan2(y, x)), math.degrees(found)


@pytest.mark.parametrize(
    ("place", "published"),
    [
        # the old observatory of Bern, origin of LV95; and the example of swisstopo's formulas
        ((2_600_000.0, 1_200_000.0), (dms(7, 26, 19.077), dms(46, 57, 3.898))),
        ((2_699_999.76, 1_099_999.97), (dms(8, 43, 49.79), dms(46, 2, 38.87))),
    ],
)
def test_a_swiss_control_point_lands_within_two_metres(
    place: tuple[float, float], published: tuple[float, float]
) -> None:
    stored = to_storage(points(place), parse_crs(f"{EPSG_URI}2056"))
    found = (stored.geometries[0].x, stored.geometries[0].y)

    assert distance_m(found, published) < 2
    assert distance_m(found, swiss_approximately(*place)) < 2
    assert distance_m(found, swiss_rigorously(*place)) < 0.05
    assert "CH1903+ to WGS 84" in stored.operation.name
    assert stored.operation.accuracy_m == 1.0
    assert not stored.operation.exact


@pytest.mark.parametrize(
    "text",
    [
        f"{EPSG_URI}4490",
        "https://www.opengis.net/def/crs/EPSG/0/4490",
        "urn:ogc:def:crs:EPSG::4490",
        "EPSG:4490",
    ],
)
def test_a_reference_system_has_several_spellings(text: str) -> None:
    crs = parse_crs(text)

    assert (crs.code, crs.uri, crs.north_first) == (4490, f"{EPSG_URI}4490", True)


@pytest.mark.parametrize(
    "text",
    ["", "EPSG:", "EPSG:0", "EPSG:999999", "4490", "EPSG:4490 ", "EPSG:４４９０", f"{CRS84_URI}h"],
)
def test_what_names_no_reference_system_is_unknown(text: str) -> None:
    with pytest.raises(UnknownCrs):
        parse_crs(text)


def test_crs84_is_storage_under_another_name() -> None:
    stored = to_storage(points((125.3, 43.8)), parse_crs(CRS84_URI))

    assert stored.geometries[0].coords[0] == (125.3, 43.8)
    assert stored.operation.exact


def test_the_registrys_latitude_first_is_turned_once() -> None:
    for code in (4490, 4326):
        stored = to_storage(points((43.8, 125.3)), from_epsg(code))
        assert stored.geometries[0].coords[0] == (125.3, 43.8)


def test_a_zone_of_cgcs2000_is_projected_without_any_shift() -> None:
    # worked numbers, gk-forward: 125.3 E 43.8 N in the zone of 126 E, northing first
    stored = to_storage(points((4851838.49566595, 443667.3495082)), from_epsg(4551))
    numbered = to_storage(points((4851838.49566595, 42443667.3495082)), from_epsg(4530))

    for found in (stored, numbered):
        assert found.geometries[0].coords[0] == pytest.approx((125.3, 43.8), abs=1e-9)
        assert found.operation.exact


def test_the_way_back_to_the_plane_returns_to_the_place() -> None:
    crs = from_epsg(4551)
    stored = to_storage(points((4851838.0, 443667.0)), crs)

    assert to_plane(stored.geometries, crs)[0].coords[0] == pytest.approx((443667.0, 4851838.0))


@pytest.mark.parametrize(
    ("code", "place"),
    [
        (4610, (43.8, 125.3)),  # Xi'an 1980: only guesses
        (2363, (4856789.0, 39487654.0)),  # a zone of it
        (4214, (43.8, 125.3)),  # Beijing 1954: published for other places
    ],
)
def test_a_datum_that_could_only_be_guessed_is_refused(
    code: int, place: tuple[float, float]
) -> None:
    with pytest.raises(NoOperation):
        to_storage(points(place), from_epsg(code))


@pytest.mark.parametrize(
    ("code", "place"),
    [
        (4551, (443667.0, 4851838.0)),  # easting first
        (4547, (4851838.0, 40443667.0)),  # a zone prefix where none belongs
        (4490, (125.3, 43.8)),  # longitude first
        (2056, (1_200_000.0, 2_600_000.0)),
    ],
)
def test_swapped_axes_and_wrong_zones_are_noticed(code: int, place: tuple[float, float]) -> None:
    with pytest.raises(OutsideArea):
        to_storage(points(place), from_epsg(code))


@pytest.mark.parametrize("code", [4979, 4978, 2053, 5773])
def test_only_planes_and_degrees_with_north_and_east_are_taken(code: int) -> None:
    with pytest.raises(CrsError):
        from_epsg(code)


@pytest.mark.parametrize(
    ("longitude", "code"),
    [(124.4999, 4550), (124.5, 4551), (125.3, 4551), (127.5, 4552), (73.6, 4534), (135.0, 4554)],
)
def test_the_three_degree_zone_goes_east_at_its_edge(longitude: float, code: int) -> None:
    zone = zone_of(longitude)

    assert zone is not None
    assert zone.code == code
    assert zone.survey_zone


def test_outside_china_there_is_no_zone() -> None:
    assert zone_of(7.4) is None
    assert zone_of(136.5) is None
    assert not CRS84.survey_zone
    assert not from_epsg(3857).survey_zone


@pytest.mark.parametrize("code", [3174, 3175, 3578, 3579, 9474, 22300, 22700, 32600, 32700])
def test_a_system_that_leads_nowhere_is_refused_in_words(code: int) -> None:
    box = shapely.box(500_000, 4_800_000, 500_100, 4_800_100)
    geometries = np.array([box], dtype=object)

    with pytest.raises(CrsError):
        to_storage(geometries, parse_crs(f"EPSG:{code}"))


CODES = sorted({int(found.code) for found in pyproj.database.query_crs_info(auth_name="EPSG")})
HARD = [3174, 3175, 3578, 3579, 9474, 22300, 22700, 32600, 32700]


@pytest.mark.filterwarnings("ignore:Best transformation is not available")
@pytest.mark.parametrize("code", [*HARD, *CODES[::40]])
def test_whatever_the_system_coordinates_are_stored_or_refused_by_name(code: int) -> None:
    for west, south, size in (
        (125.3, 43.8, 0.01),
        (43.8, 125.3, 0.01),
        (4_851_838.0, 443_667.0, 100.0),
        (1e9, 1e9, 1.0),
        (1e300, -1e300, 1e299),
    ):
        box = np.array([shapely.box(west, south, west + size, south + size)], dtype=object)
        with suppress(CrsError):
            stored = to_storage(box, from_epsg(code))
            bounds = shapely.total_bounds(stored.geometries)
            assert np.all(np.abs(bounds) <= [180, 90, 180, 90])
