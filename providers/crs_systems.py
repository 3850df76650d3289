"""What a reference system is, by its parameters: files often name it without a registry's code.

Shapefiles and geodatabases carry WKT of several dialects and spellings. The datum is recognised by
name and ellipsoid, a CGCS2000 zone by central meridian, false easting and scale.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
from pyproj.exceptions import CRSError

from providers.crs_errors import CrsError, MissingCrs, UnknownCrs

STORAGE, WORLD = 4490, 4326
SAME_NUMBERS = frozenset({STORAGE, WORLD})
BEYOND_ZONE_DEG = 3.0  # a zone may be used a little outside its area, never on the other side
type _Shape = tuple[float, float]  # of an ellipsoid: semi-major axis in metres, 1/f
type Bounds = tuple[float, float, float, float]  # west, south, east, north
WHOLE: Bounds = (-180.0, -90.0, 180.0, 90.0)
CHINA: Bounds = (73.0, 3.0, 136.0, 54.0)  # with its seas; the registry's area ends at 16.7°N
FIRST_MERIDIAN, LAST_MERIDIAN = 75, 135  # of the zones of CGCS2000, degrees east
THREE_DEGREES, SIX_DEGREES = 3, 6
# the first EPSG code and the first zone number of the CGCS2000 zones by width
FIRST_NUMBERED = {THREE_DEGREES: (4513, 25), SIX_DEGREES: (4491, 13)}
FIRST_PLAIN = {THREE_DEGREES: 4534, SIX_DEGREES: 4502}
MILLION, FALSE_EASTING_M = 1_000_000.0, 500_000.0

_CGCS2000_A_M, _CGCS2000_RF, _WGS84_RF = 6378137.0, 298.257222101, 298.257223563
_CGCS2000_NAMES = re.compile(
    r"cgcs2000|china2000|chinageodeticcoordinatesystem2000|2000国家大地坐标系|国家大地坐标系2000"
)
_NAMELESS = re.compile(r"^$|^(d_?)?(unknown|undefined|unnamed|notspecified)", re.IGNORECASE)
_WGS84_DATUMS = frozenset({"worldgeodeticsystem1984", "wgs84", "dwgs1984"})
_OLD_ELLIPSOIDS = {6378245: "Beijing 1954", 6378140: "Xi'an 1980"}  # by semi-major axis, metres


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A Gauss-Kruger plane of CGCS2000 by its parameters."""

    meridian_deg: float
    false_easting_m: float

    @property
    def number(self) -> int | None:
        """The zone number that stands in front of eastings; None: there is none."""
        number, rest = divmod(self.false_easting_m - FALSE_EASTING_M, MILLION)
        return int(number) if number > 0 and rest == 0 else None

    @property
    def code(self) -> int | None:
        """The EPSG code; None: the plane has parameters of its own."""
        for width, (first, first_number) in FIRST_NUMBERED.items():
            place, rest = divmod(self.meridian_deg - FIRST_MERIDIAN, width)
            if rest or not FIRST_MERIDIAN <= self.meridian_deg <= LAST_MERIDIAN:
                continue
            if self.false_easting_m == FALSE_EASTING_M:
                return FIRST_PLAIN[width] + int(place)
            if self.number == first_number + int(place):
                return first + int(place)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A two-dimensional reference system that is recognised as far as it can be."""

    crs: pyproj.CRS
    code: int | None  # EPSG
    base: int | None  # EPSG code of the geographic system beneath
    datum: str
    zone: Zone | None  # a Gauss-Kruger plane on the datum CGCS2000
    area: Bounds  # where it is used, and a little beside: survey files pass the edge of their zone

    @property
    def geographic(self) -> bool:
        return bool(self.crs.is_geographic)

    @property
    def label(self) -> str:
        if self.code:
            return f"EPSG:{self.code} {self.crs.name}"
        if (own := self.zone) is None:
            return str(self.crs.name)
        return (
            f"{self.crs.name} (central meridian {own.meridian_deg:g}°E,"
            f" false easting {own.false_easting_m:,.0f} m)"
        )


@lru_cache(256)
def system_of_code(code: int) -> System:
    """The system of an EPSG code."""
    try:
        return recognised(pyproj.CRS.from_epsg(code))
    except CRSError:
        raise UnknownCrs(f"EPSG:{code}") from None


def recognised(crs: pyproj.CRS) -> System:
    """What a file's reference system is: its horizontal part, datum, and EPSG code if any.

    Raises
    ------
    CrsError
        It counts in other units than degrees, has other axes than to the east and the north, or
        contradicts itself.
    MissingCrs
        It tells no place on the earth: a local or unnamed system, an unknown datum.
    """
    flat = _horizontal(crs)
    name, base_crs = str(flat.name), flat.geodetic_crs
    if base_crs is None or base_crs.datum is None or (ellipsoid := _ellipsoid(base_crs)) is None:
        raise MissingCrs(f"the reference system {name!r} has no datum")
    datum = str(base_crs.datum.name)
    base = _base(flat, base_crs, ellipsoid)
    if base is None and _NAMELESS.match(_plain(datum)):
        raise MissingCrs(_datum_unknown(name, ellipsoid, _zone(flat)))
    zone = _zone(flat) if base == STORAGE else None
    if flat.is_geographic:
        code = base if base is not None else flat.to_epsg()
    else:
        code = flat.to_epsg() or (zone.code if zone is not None else None)
    if code is not None:  # the registry's own text has the area, and axes as PROJ expects them
        flat = pyproj.CRS.from_epsg(code)
    return System(
        crs=flat, code=code, base=base, datum=datum, zone=zone, area=_area(flat, base, zone)
    )


def area_of_use(crs: pyproj.CRS, margin_deg: float) -> Bounds:
    """Where the registry says that a system is used, widened."""
    if crs.area_of_use is None:
        return WHOLE
    west, south, east, north = crs.area_of_use.bounds
    if west > east:  # across the antimeridian
        west, east = WHOLE[0], WHOLE[2]
    return west - margin_deg, south - margin_deg, east + margin_deg, north + margin_deg


def _horizontal(crs: pyproj.CRS) -> pyproj.CRS:
    """The two-dimensional part of a compound or three-dimensional system.

    A datum shift inside the file (TOWGS84) is left out: nobody says where it comes from.
    """
    name = str(crs.name)
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    if crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    if crs.is_engineering:
        raise MissingCrs(f"the reference system {name!r} is a local one without a place on earth")
    if (crs.is_derived and not crs.is_projected) or not (crs.is_geographic or crs.is_projected):
        raise CrsError(f"{name} is no system of longitude and latitude and no plane")
    if len(crs.axis_info) == 3:
        crs = crs.to_2d()
    units = sorted({str(axis.unit_name).lower() for axis in crs.axis_info})
    if crs.is_geographic and units != ["degree"]:
        raise CrsError(f"{name} counts in {', '.join(units)}; expected degrees")
    if sorted(axis.direction for axis in crs.axis_info) != ["east", "north"]:
        raise CrsError(f"{name} has no two axes to the north and the east")
    return crs


def _base(crs: pyproj.CRS, base: pyproj.CRS, ellipsoid: _Shape) -> int | None:
    """The code of the geographic system beneath, whatever it is called; CrsError: it is two."""
    datum = str(base.datum.name) if base.datum is not None else ""
    if base.prime_meridian is not None and base.prime_meridian.longitude != 0:
        found: int | None = base.to_epsg()
        return found
    named = any(_CGCS2000_NAMES.search(_plain(name)) for name in (base.name, datum, crs.name))
    if named and _is(ellipsoid, (_CGCS2000_RF, _WGS84_RF)):
        return STORAGE
    if _datum(datum) in _WGS84_DATUMS and _is(ellipsoid, (_WGS84_RF, _CGCS2000_RF)):
        return WORLD
    code: int | None = base.to_epsg() or base.to_epsg(min_confidence=20)
    if code is None:
        return None
    known = pyproj.CRS.from_epsg(code)
    if known.datum is None or _datum(known.datum.name) != _datum(datum):
        return None  # alike in name only
    expected = _ellipsoid(known)
    if expected is not None and not np.allclose(expected, ellipsoid, rtol=0, atol=(1e-3, 1e-5)):
        raise CrsError(
            f"{crs.name} names the datum {datum}, whose ellipsoid is {_shape(expected)},"
            f" but gives {_shape(ellipsoid)}"
        )
    return code


def _zone(crs: pyproj.CRS) -> Zone | None:
    """The central meridian and false easting of a Gauss-Kruger plane in metres."""
    conversion = crs.coordinate_operation
    if conversion is None or conversion.method_name not in ("Transverse Mercator", "Gauss Kruger"):
        return None
    if any(axis.unit_conversion_factor != 1 for axis in crs.axis_info):
        return None
    # by EPSG's numbers of the parameters; lengths in metres, angles in degrees
    given = {
        int(one.code or 0): float(one.value) * float(one.unit_conversion_factor)
        for one in conversion.params
    }
    latitude, scale, northing = given.get(8801, 0.0), given.get(8805, 1.0), given.get(8807, 0.0)
    if latitude or northing or scale != 1 or not {8802, 8806} <= given.keys():
        return None
    meridian = round(math.degrees(given[8802]), 9)
    return Zone(meridian_deg=meridian, false_easting_m=round(given[8806], 6))


def _area(crs: pyproj.CRS, base: int | None, zone: Zone | None) -> Bounds:
    if crs.is_geographic and base in SAME_NUMBERS:
        return WHOLE  # the numbers of WGS 84 have a meaning everywhere
    if zone is not None:
        six = zone.code is not None and "3-degree" not in crs.name
        reach = (SIX_DEGREES if six else THREE_DEGREES) / 2 + BEYOND_ZONE_DEG
        return zone.meridian_deg - reach, CHINA[1], zone.meridian_deg + reach, CHINA[3]
    if base == STORAGE and crs.area_of_use is None:
        return CHINA
    return area_of_use(crs, BEYOND_ZONE_DEG)


def _datum_unknown(name: str, ellipsoid: _Shape, zone: Zone | None) -> str:
    said = f"the reference system {name!r} names no datum (ellipsoid {_shape(ellipsoid)}"
    if (old := _OLD_ELLIPSOIDS.get(round(ellipsoid[0]))) is not None:
        return f"{said}, that of {old}, which needs a registered datum shift)"
    if _is(ellipsoid, (_CGCS2000_RF,)):
        code = zone.code if zone is not None else None
        fits = f"; if the data are CGCS2000, EPSG:{code} is this plane" if code else ""
        return f"{said}, that of CGCS2000 and of other datums{fits})"
    return f"{said})"


def _ellipsoid(crs: pyproj.CRS) -> _Shape | None:
    found = crs.ellipsoid
    return None if found is None else (found.semi_major_metre, found.inverse_flattening)


def _is(ellipsoid: _Shape, inverse_flattenings: tuple[float, ...]) -> bool:
    return ellipsoid[0] == _CGCS2000_A_M and any(
        abs(ellipsoid[1] - one) < 1e-7 for one in inverse_flattenings
    )


def _shape(ellipsoid: _Shape) -> str:
    return f"a = {ellipsoid[0]:.10g} m, 1/f = {ellipsoid[1]:.10g}"


def _datum(name: str) -> str:
    """A datum's name; an ensemble is the datum of which its members are realisations."""
    return _plain(name).removesuffix("ensemble")


def _plain(name: str) -> str:
    """A name without what spellings differ in."""
    return re.sub(r"[\W_]+", "", name).lower()
