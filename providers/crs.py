"""Coordinate reference systems: names, axis order dealt with once, and the way to storage.

Storage is EPSG:4490 as longitude, latitude. CRS84, EPSG:4326 and EPSG:4490 have the same numbers
(a relabelling); a CRS on the CGCS2000 datum is only projected; everything else goes to EPSG:4326
by PROJ's best operation that is not a guess ("ballpark"), and is refused where there is none:
PROJ's direct paths to EPSG:4490 are all guesses. Files come to storage by `crs_ways`.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from providers.crs_errors import CrsError, NoOperation, OutsideArea, UnknownCrs
from providers.crs_operations import RELABELLED, Operation, inside, own_degrees, ways
from providers.crs_systems import (
    BEYOND_ZONE_DEG,
    FIRST_MERIDIAN,
    FIRST_PLAIN,
    LAST_MERIDIAN,
    SAME_NUMBERS,
    STORAGE,
    THREE_DEGREES,
    WHOLE,
    WORLD,
    Bounds,
    area_of_use,
    system_of_code,
)

__all__ = [
    "BEYOND_ZONE_DEG",
    "CRS84",
    "CRS84_URI",
    "EPSG_URI",
    "RELABELLED",
    "SAME_NUMBERS",
    "STORAGE",
    "WHOLE",
    "WORLD",
    "Bounds",
    "Crs",
    "CrsError",
    "NoOperation",
    "Operation",
    "OutsideArea",
    "Stored",
    "UnknownCrs",
    "from_epsg",
    "parse_crs",
    "plane_over",
    "to_plane",
    "to_storage",
    "within_zone",
    "zone_of",
]

CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0/"
NAMES = re.compile(
    r"(?:https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/|urn:ogc:def:crs:EPSG:[0-9.]*:|EPSG:)"
    r"([1-9][0-9]{3,5})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crs:
    """A two-dimensional reference system and its registry axis order."""

    uri: str
    code: int
    name: str
    geographic: bool
    north_first: bool  # the registry gives latitude or northing first

    @property
    def survey_zone(self) -> bool:
        """A plane on the CGCS2000 datum: the zone in which a survey file is measured."""
        return not self.geographic and system_of_code(self.code).base == STORAGE

    @property
    def label(self) -> str:
        """The code and the name, for a result that names its plane."""
        return f"EPSG:{self.code} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Geometries as they are stored, and how they came there."""

    geometries: NDArray[np.object_]  # longitude, latitude, EPSG:4490
    operation: Operation


CRS84 = Crs(
    uri=CRS84_URI,
    code=WORLD,
    name="WGS 84 (longitude, latitude)",
    geographic=True,
    north_first=False,
)


@lru_cache(256)
def parse_crs(text: str) -> Crs:
    """The reference system of a URI, URN or EPSG code; axis order as the registry has it."""
    if text in (CRS84_URI, CRS84_URI.replace("http:", "https:"), "urn:ogc:def:crs:OGC:1.3:CRS84"):
        return CRS84
    match = NAMES.fullmatch(text)
    if match is None:
        raise UnknownCrs(text)
    return from_epsg(int(match[1]))


@lru_cache(256)
def from_epsg(code: int) -> Crs:
    """The reference system of an EPSG code; two dimensions, axes to the north and the east."""
    try:
        found = pyproj.CRS.from_epsg(code)
    except pyproj.exceptions.CRSError:
        raise UnknownCrs(f"EPSG:{code}") from None
    directions = [axis.direction for axis in found.axis_info]
    if sorted(directions) != ["east", "north"] or not (found.is_geographic or found.is_projected):
        raise CrsError(f"EPSG:{code} ({found.name}) has no two axes to the north and the east")
    return Crs(
        uri=f"{EPSG_URI}{code}",
        code=code,
        name=found.name,
        geographic=bool(found.is_geographic),
        north_first=directions[0] == "north",
    )


def to_storage(geometries: NDArray[np.object_], crs: Crs) -> Stored:
    """Geometries in *crs*, in its own axis order, as stored: longitude, latitude, EPSG:4490.

    Raises
    ------
    NoOperation
        Where only a guess leads to EPSG:4326.
    OutsideArea
        Where coordinates are no longitudes and latitudes, or far from where *crs* is used
        (swapped axes, another zone).
    """
    plain = shapely.transform(geometries, _swapped) if crs.north_first else geometries
    system = system_of_code(crs.code)
    own = own_degrees(system)
    placed = own.there(plain)
    if placed is None or not inside(_bounds(placed), own.area):
        raise _outside(crs)
    for way in ways(system, _bounds(placed)):
        stored = placed if way is own else way.there(plain)
        if stored is not None and inside(_bounds(stored), WHOLE):
            return Stored(geometries=stored, operation=way.operation)
    raise NoOperation(system.label, system.datum)


def to_plane(geometries: NDArray[np.object_], crs: Crs) -> NDArray[np.object_]:
    """Stored geometries in a projected *crs*, as easting, northing in its unit.

    The way back of `to_storage`: what came by it returns to where it was.
    """
    if crs.geographic:
        raise CrsError(f"{crs.label} is no plane")
    system = system_of_code(crs.code)
    for way in ways(system, _bounds(geometries)):
        placed = way.back(geometries)
        if placed is None:
            raise OutsideArea(f"the coordinates cannot be those of {crs.label}")
        return placed
    raise NoOperation(system.label, system.datum)


def plane_over(
    geometries: NDArray[np.object_], crs: Crs
) -> Callable[[NDArray[np.object_]], NDArray[np.object_]]:
    """`to_plane` for whatever lies near stored *geometries*, its operation chosen once."""
    if crs.geographic:
        raise CrsError(f"{crs.label} is no plane")
    system = system_of_code(crs.code)
    way = next(iter(ways(system, _bounds(geometries))), None)
    if way is None:
        raise NoOperation(system.label, system.datum)
    back = way.back

    def placed(near: NDArray[np.object_]) -> NDArray[np.object_]:
        found = back(near) if len(near) else near
        if found is None:
            raise OutsideArea(f"the coordinates cannot be those of {crs.label}")
        return found

    return placed


def within_zone(geometries: NDArray[np.object_], crs: Crs, margin_deg: float) -> bool:
    """Whether stored geometries lie where *crs* is used, or at most *margin_deg* beside."""
    return inside(_bounds(geometries), area_of_use(pyproj.CRS.from_epsg(crs.code), margin_deg))


def zone_of(longitude_deg: float) -> Crs | None:
    """The 3-degree Gauss-Kruger zone of CGCS2000; None where China has no zone."""
    meridian = 3 * math.floor((longitude_deg + 1.5) / 3)
    if not FIRST_MERIDIAN <= meridian <= LAST_MERIDIAN:
        return None
    return from_epsg(FIRST_PLAIN[THREE_DEGREES] + (meridian - FIRST_MERIDIAN) // 3)


def _swapped(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points[:, ::-1]


def _bounds(geometries: NDArray[np.object_]) -> Bounds:
    west, south, east, north = shapely.total_bounds(geometries).tolist()
    return west, south, east, north


def _outside(crs: Crs) -> OutsideArea:
    axes = ("latitude", "longitude") if crs.geographic else ("northing", "easting")
    first, second = axes if crs.north_first else axes[::-1]
    return OutsideArea(
        f"the coordinates lie outside the area of {crs.label}; expected {first}, {second}"
    )
