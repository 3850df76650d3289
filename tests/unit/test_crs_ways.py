"""A file's coordinates come to storage by the right operation, or are refused with what would fit.

Files give x to the east and y to the north, whatever axis order the registry has.
"""

import math

import numpy as np
import pyproj
import pytest
import shapely
from numpy.typing import NDArray

from providers.crs import parse_crs, to_storage
from providers.crs_errors import (
    Contradiction,
    CrsError,
    MissingCrs,
    NoOperation,
    OutsideArea,
    UnknownCrs,
)
from providers.crs_ways import StorageWay, missing_crs, way_to_storage

type Bounds = tuple[float, float, float, float]
CHANGCHUN, HUIZHOU = (125.3, 43.8), (114.3, 23.0)
ZONING: Bounds = (532189.15, 2545681.48, 533924.21, 2547982.41)  # a plan of 惠州, EPSG:4547
GUANGDONG: Bounds = (109.6, 20.2, 117.4, 25.6)
DEGREES = 'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]'
CGCS2000 = (
    'GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",'
    f'SPHEROID["CGCS2000",6378137.0,298.257222101]],{DEGREES}]'
)
MISNAMED = CGCS2000.replace("D_China_2000", "D_WGS_1984").replace(
    '"CGCS2000",6378137.0,298.257222101', '"WGS_1984",6378137.0,298.257223563'
)
XIAN = (
    'GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",'
    f'SPHEROID["Xian_1980",6378140.0,298.257]],{DEGREES}]'
)


def plane(
    base: str,
    meridian: float = 114,
    easting: float = 500_000,
    name: str = "a plane",
    method: str = "Gauss_Kruger",
) -> str:
    """A plane as Esri's programs write it, without any authority's code."""
    return (
        f'PROJCS["{name}",{base},PROJECTION["{method}"],PARAMETER["False_Easting",{easting}],'
        f'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",{meridian}],'
        'PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )


def around(place: tuple[float, float], crs: pyproj.CRS | str, turned: bool = False) -> Bounds:
    """The bounds of a square kilometre, in a system on the datum of storage."""
    known = pyproj.CRS.from_user_input(crs)
    to = pyproj.Transformer.from_crs(known.geodetic_crs, known, always_xy=True)
    west, south = to.transform(*place)
    east, north = to.transform(place[0] + 0.01, place[1] + 0.01)
    return (south, west, north, east) if turned else (west, south, east, north)


def corner(way: StorageWay, bounds: Bounds) -> tuple[float, float]:
    moved = way.move(np.array([shapely.Point(bounds[:2])], dtype=object))
    return shapely.get_x(moved)[0], shapely.get_y(moved)[0]


@pytest.mark.parametrize(
    ("crs", "label"),
    [
        (plane(CGCS2000), "EPSG:4547 "),
        (plane(CGCS2000, method="Transverse_Mercator"), "EPSG:4547 "),
        (plane(CGCS2000, easting=38_500_000), "EPSG:4526 "),
        (plane(CGCS2000, 117, 20_500_000), "EPSG:4498 "),
        (plane(MISNAMED), "EPSG:4547 "),
        (plane(CGCS2000, 113.75), "a plane (central meridian 113.75°E"),
        (plane(CGCS2000, 114, 600_000, "CGCS2000_3_Degree_GK_CM_114E"), "CGCS2000 / 3-degree"),
        (pyproj.CRS.from_epsg(4547).to_wkt("WKT1_GDAL"), "EPSG:4547 "),
        (pyproj.CRS.from_epsg(4547).to_json(), "EPSG:4547 "),
        ("EPSG:4547", "EPSG:4547 "),
        ("4547", "EPSG:4547 "),
        ("http://www.opengis.net/def/crs/EPSG/0/4547", "EPSG:4547 "),
    ],
)
def test_a_plane_of_cgcs2000_is_recognised_by_its_parameters_and_projected_back(
    crs: str, label: str
) -> None:
    bounds = around(HUIZHOU, f"EPSG:{crs}" if crs.isdigit() else crs)
    way = way_to_storage(crs, bounds)

    assert way.crs_label.startswith(label)
    assert way.operation.exact
    assert corner(way, bounds) == pytest.approx(HUIZHOU, abs=1e-9)


def test_a_plane_with_parameters_of_its_own_says_them() -> None:
    way = way_to_storage(plane(CGCS2000, 114, 600_000), around(HUIZHOU, plane(CGCS2000, 114, 6e5)))

    assert "central meridian 114°E, false easting 600,000 m" in way.crs_label


@pytest.mark.parametrize(
    ("crs", "label"),
    [
        (CGCS2000, "EPSG:4490 "),
        (MISNAMED, "EPSG:4490 "),
        ("EPSG:4490", "EPSG:4490 "),
        (pyproj.CRS.from_user_input("EPSG:4490+5737"), "EPSG:4490 "),
        ("EPSG:4480", "EPSG:4490 "),
        ("EPSG:4326", "EPSG:4326 "),
        ("EPSG:4979", "EPSG:4326 "),
        ("OGC:CRS84", "EPSG:4326 "),
    ],
)
def test_degrees_of_cgcs2000_and_wgs84_are_relabelled(crs: pyproj.CRS | str, label: str) -> None:
    way = way_to_storage(crs, (125.3, 43.8, 125.4, 43.9))
    shapes = np.array([shapely.box(125.3, 43.8, 125.4, 43.9), None], dtype=object)

    assert way.crs_label.startswith(label)
    assert way.operation.exact
    assert way.move(shapes)[0] == shapes[0]


def test_a_swiss_file_takes_the_published_operation_and_agrees_with_the_api() -> None:
    esri = pyproj.CRS.from_epsg(2056).to_wkt("WKT1_ESRI").replace('"GCS_CH1903+"', '"y"')
    bounds = (2_600_000.0, 1_200_000.0, 2_601_000.0, 1_201_000.0)
    published = 7 + 26 / 60 + 19.077 / 3600, 46 + 57 / 60 + 3.898 / 3600  # Bern, by swisstopo
    for crs in ("EPSG:2056", esri):
        way = way_to_storage(crs, bounds)
        found = corner(way, bounds)

        _, _, metres = pyproj.Geod(ellps="WGS84").inv(*found, *published)
        assert metres < 2
        assert way.operation.accuracy_m == 1.0
        assert "CH1903+ to WGS 84" in way.operation.name
        point = np.array([shapely.Point(bounds[:2])], dtype=object)
        stored = to_storage(point, parse_crs("EPSG:2056")).geometries[0]
        assert (stored.x, stored.y) == pytest.approx(found, abs=1e-12)


def test_etrs89_counts_as_coincident() -> None:
    way = way_to_storage("EPSG:25831", (370_000, 4_700_000, 380_000, 4_710_000))
    to = pyproj.Transformer.from_crs("EPSG:25831", "EPSG:4258", always_xy=True)

    assert way.operation.accuracy_m == 1.0
    assert corner(way, (370_000, 4_700_000, 0, 0)) == pytest.approx(
        to.transform(370_000, 4_700_000), abs=1e-9
    )


@pytest.mark.parametrize(
    ("crs", "bounds", "datum"),
    [
        ("EPSG:2415", around((116.4, 25.7), "EPSG:4527"), "Beijing 1954"),
        ("EPSG:4214", (108.0, 37.0, 108.1, 37.1), "Beijing 1954"),  # a basin's operation is near
        ("EPSG:4555", (114.0, 23.0, 114.1, 23.1), "New Beijing"),
        ("EPSG:4610", (114.0, 23.0, 114.1, 23.1), "Xian 1980"),
        (plane(XIAN), around(HUIZHOU, "EPSG:4547"), "Xian 1980"),
    ],
)
def test_a_datum_that_could_only_be_guessed_needs_a_registered_shift(
    crs: str, bounds: Bounds, datum: str
) -> None:
    with pytest.raises(NoOperation) as refused:
        way_to_storage(crs, bounds)

    assert f"on the datum {datum}" in str(refused.value)
    assert "registered datum shift" in str(refused.value)


KRASOVSKY = MISNAMED.replace("GCS_China_Geodetic_Coordinate_System_2000", "GCS_WGS_1984").replace(
    '"WGS_1984",6378137.0,298.257223563', '"Krasovsky_1940",6378245.0,298.3'
)


@pytest.mark.parametrize(
    ("crs", "refusal", "said"),
    [
        ("EPSG:4807", CrsError, "counts in grad"),
        ("EPSG:4978", CrsError, "no plane"),
        ("EPSG:2053", CrsError, "no two axes to the north and the east"),
        ("EPSG:32600", CrsError, "how it is projected"),
        ("EPSG:999999", UnknownCrs, "999999"),
        ("CGCS2000", UnknownCrs, "not known"),
        ("GEOGCS[nonsense", UnknownCrs, "not known"),
        (KRASOVSKY, CrsError, "but gives a = 6378245 m"),
        ('LOCAL_CS["city grid",UNIT["metre",1]]', MissingCrs, "EPSG:4547 (114°E)"),
        (
            pyproj.CRS.from_user_input("+proj=tmerc +lon_0=114 +x_0=500000 +ellps=GRS80"),
            MissingCrs,
            "if the data are CGCS2000, EPSG:4547 is this plane",
        ),
        (
            pyproj.CRS.from_user_input("+proj=tmerc +lon_0=114 +ellps=krass +towgs84=15,-154,-82"),
            MissingCrs,
            "that of Beijing 1954",
        ),
    ],
)
def test_a_system_that_tells_no_place_is_refused_with_the_reason(
    crs: pyproj.CRS | str, refusal: type[CrsError], said: str
) -> None:
    with pytest.raises(refusal) as refused:
        way_to_storage(crs, ZONING)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("crs", "bounds", "found", "fitting"),
    [
        # metres in degrees
        ("EPSG:4326", ZONING, "no degrees", "cannot be known from the numbers"),
        ("EPSG:4326", ZONING, "no degrees", "EPSG:4547 (114°E)"),
        ("EPSG:4490", around(HUIZHOU, "EPSG:4526"), "no degrees", "zone 38, EPSG:4526"),
        ("EPSG:4490", around(HUIZHOU, "EPSG:3857"), "no degrees", "web maps, EPSG:3857"),
        # degrees in metres
        ("EPSG:4547", (*HUIZHOU, 114.4, 23.1), "are degrees", "--srs EPSG:4490 would fit"),
        ("EPSG:3857", (*HUIZHOU, 114.4, 23.1), "are degrees", "--srs EPSG:4490 would fit"),
        ("EPSG:25831", (1.4, 42.4, 1.8, 42.7), "are degrees", "EPSG:4326"),
        # zone numbers
        ("EPSG:4547", around(HUIZHOU, "EPSG:4526"), "the zone number 38 in", "EPSG:4526 (114°E)"),
        ("EPSG:4526", around(HUIZHOU, "EPSG:4547"), "have no zone number 38", "number, EPSG:4547"),
        ("EPSG:4526", around((116.5, 23), "EPSG:4527"), "number 39, not 38", "zone 39, EPSG:4527"),
        ("EPSG:4526", around((116.5, 35), "EPSG:4498"), "number 20, not 38", "zone 20, EPSG:4498"),
        ("EPSG:4526", (38_4e5, 25e5, 39_6e5, 26e5), "38 to 39: more than one", "by itself"),
        # the axes
        ("EPSG:4551", around(CHANGCHUN, "EPSG:4551", turned=True), "northing comes", "exchanged"),
        ("EPSG:4529", around(CHANGCHUN, "EPSG:4529", turned=True), "northing comes", "exchanged"),
        ("EPSG:4490", (43.8, 125.3, 43.9, 125.4), "latitude comes before", "exchanged"),
        ("EPSG:4326", (40.0, 75.0, 40.1, 75.1), "latitude comes before", "exchanged"),
        ("EPSG:2056", (1.2e6, 2.75e6, 1.21e6, 2.76e6), "northing comes first", "exchanged"),
        ("EPSG:4258", (42.4, 1.4, 42.7, 1.8), "latitude comes before", "exchanged"),
        # elsewhere
        ("EPSG:2056", (370_000, 4_700_000, 380_000, 4_710_000), "they would lie at", "CGCS2000"),
        ("EPSG:32650", around(CHANGCHUN, "EPSG:32650"), "125.30 to 125.31°E", "地方独立坐标系"),
        ("EPSG:4258", (100.0, 20.0, 101.0, 21.0), "they would lie at", "EPSG:4490"),
    ],
)
def test_what_the_numbers_contradict_is_refused_with_what_would_fit(
    crs: str, bounds: Bounds, found: str, fitting: str
) -> None:
    with pytest.raises(Contradiction) as refused:
        way_to_storage(crs, bounds)

    first, second, third, fourth = str(refused.value).split("\n")
    assert crs in first
    assert found in first
    assert second.startswith("  found:     x ")
    assert third.startswith("  expected:  ")
    assert fourth.startswith("  would fit: ")
    assert fitting in fourth


@pytest.mark.parametrize(
    "bounds", [(math.nan, 0, 1, 1), (0, 0, math.inf, 1), (-math.inf, 0, 1, 1), (2, 0, 1, 1)]
)
def test_bounds_that_are_no_numbers_are_refused(bounds: Bounds) -> None:
    with pytest.raises(Contradiction, match="finite"):
        way_to_storage("EPSG:4490", bounds)


@pytest.mark.parametrize("meridian", range(75, 136, 3))
def test_every_zone_is_told_from_every_other_by_its_number(meridian: int) -> None:
    number = meridian // 3
    code = 4513 + number - 25
    bounds = (number * 1e6 + 4.9e5, 4.0e6, number * 1e6 + 5.1e5, 4.1e6)

    assert way_to_storage(f"EPSG:{code}", bounds).crs_label.startswith(f"EPSG:{code} ")
    for other in {4513, 4520, 4533, 4534, 4554, 4491, 4502} - {code}:
        with pytest.raises(Contradiction):
            way_to_storage(f"EPSG:{other}", bounds)


def test_a_region_narrows_the_hints_and_shows_a_wrong_meridian() -> None:
    bounds = around(HUIZHOU, "EPSG:4547")
    city: Bounds = (113.8, 22.4, 115.4, 23.9)
    with pytest.raises(Contradiction) as narrowed:
        way_to_storage("EPSG:4490", bounds, city)
    with pytest.raises(Contradiction) as elsewhere:
        way_to_storage("EPSG:4550", bounds, city)

    assert "EPSG:4547 (114°E)" in str(narrowed.value)
    assert "EPSG:4548" not in str(narrowed.value)
    assert "outside the region" in str(elsewhere.value)
    assert "EPSG:4547 (114°E)" in str(elsewhere.value)
    assert way_to_storage("EPSG:4547", bounds, city).operation.exact


@pytest.mark.parametrize(
    ("bounds", "fitting"),
    [
        (ZONING, "EPSG:4547 (114°E)"),
        (around(CHANGCHUN, "EPSG:4530"), "zone 42, EPSG:4530 (126°E)"),
        (around(CHANGCHUN, "EPSG:4551", turned=True), "once x and y are exchanged"),
        ((*CHANGCHUN, 125.4, 43.9), "--srs EPSG:4490 would fit"),
        ((43.8, 125.3, 43.9, 125.4), "once x and y are exchanged"),
        ((1.4, 42.4, 1.8, 42.7), "degrees outside China, as EPSG:4326"),
        ((5e7, 5e7, 6e7, 6e7), "地方独立坐标系"),
    ],
)
def test_a_file_without_a_system_is_told_what_would_fit(bounds: Bounds, fitting: str) -> None:
    said = str(missing_crs(bounds))

    assert said.startswith("the file names no reference system; would fit: ")
    assert fitting in said


def test_only_meridians_with_land_at_that_latitude_are_offered() -> None:
    said = str(missing_crs(ZONING))

    assert "EPSG:4534 " not in said
    assert "EPSG:4554 " not in said
    assert "EPSG:4547 (114°E)" in str(missing_crs(ZONING, GUANGDONG))
    assert "EPSG:4545" not in str(missing_crs(ZONING, GUANGDONG))


def test_the_southern_sea_and_other_countries_degrees_are_taken() -> None:
    way_to_storage("EPSG:4490", (112.0, 4.0, 113.0, 5.0))
    way_to_storage("EPSG:4545", around((112.0, 4.0), "EPSG:4545"))
    way_to_storage("EPSG:4490", (1.4, 42.4, 1.8, 42.7))
    way_to_storage("EPSG:4258", (20.0, 78.0, 21.0, 79.0))  # in Svalbard, not 78°E 20°N


def test_a_plane_with_its_origin_in_its_city_may_have_small_numbers() -> None:
    local = (
        plane(CGCS2000, 114.3, 0)
        .replace('"False_Northing",0.0', '"False_Northing",-2544500.0')
    )  # fmt: skip
    bounds = (10.0, 20.0, 60.0, 80.0)

    assert way_to_storage(local, bounds).operation.exact


def test_moving_keeps_what_has_no_place_and_refuses_what_lies_elsewhere() -> None:
    bounds = around(HUIZHOU, "EPSG:4547")
    way = way_to_storage("EPSG:4547", bounds)
    inside = shapely.box(*bounds)

    def move(*shapes: shapely.Geometry | None) -> NDArray[np.object_]:
        return way.move(np.array(shapes, dtype=object))

    moved = move(inside, None, shapely.Point(), shapely.Point(math.nan, math.nan))
    assert shapely.is_valid(moved[0])
    assert moved[1] is None
    assert shapely.is_empty(moved[2])
    assert len(way.move(np.array([], dtype=object))) == 0
    for far in (shapely.Point(4e7, 2.5e6), shapely.Point(1e300, 1e300), shapely.Point(114, 23)):
        with pytest.raises(OutsideArea, match="EPSG:4547"):
            move(inside, far)
