"""Coordinate reference systems: names, axis order dealt with once, and the way to storage.

Storage is EPSG:4490 as longitude, latitude. CRS84, EPSG:4326 and EPSG:4490 have the same numbers
(a relabelling); a CRS on the CGCS2000 datum is only projected; everything else goes to EPSG:4326
by PROJ's best operation that is not a guess ("ballpark"), and is refused where there is none:
PROJ's direct paths to EPSG:4490 are all guesses.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import TransformerGroup
from shapely.errors import GEOSException

STORAGE, WORLD = 4490, 4326
SAME_NUMBERS = frozenset({STORAGE, WORLD})
CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0/"
NAMES = re.compile(
    r"(?:https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/|urn:ogc:def:crs:EPSG:[0-9.]*:|EPSG:)"
    r"([1-9][0-9]{3,5})",
    re.ASCII,
)
BEYOND_ZONE_DEG = 3.0  # a zone may be used a little outside its area, never on the other side
type Bounds = tuple[float, float, float, float]  # west, south, east, north
WHOLE: Bounds = (-180.0, -90.0, 180.0, 90.0)
FIRST_ZONE_EPSG, FIRST_MERIDIAN, LAST_MERIDIAN = 4534, 75, 135  # CGCS2000 3-degree zones by CM


class CrsError(Exception):
    """A reference system that cannot be used here; the message says why."""


class UnknownCrs(CrsError):
    """The text names no reference system that is known."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text[:200]!r} is not known; expected a URI like {CRS84_URI} or {EPSG_URI}4490"
        )


class NoOperation(CrsError):
    """There is no operation to storage but a guess."""

    def __init__(self, code: int, name: str) -> None:
        super().__init__(
            f"EPSG:{code} ({name}) has no published operation to CGCS2000 or WGS 84 here;"
            " its coordinates would be guessed and may be 100 m off"
        )


class OutsideArea(CrsError):
    """Coordinates lie where the reference system is not used."""


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
        return not self.geographic and _base(self.code) == STORAGE

    @property
    def label(self) -> str:
        """The code and the name, for a result that names its plane."""
        return f"EPSG:{self.code} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How coordinates came to storage, for the report."""

    name: str
    accuracy_m: float | None  # None: not stated by the registry
    exact: bool  # a relabelling or a projection on one datum


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
RELABELLED = Operation(
    name="relabelled: the numbers are those of EPSG:4490", accuracy_m=None, exact=True
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
    except CRSError:
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
    if crs.code in SAME_NUMBERS:
        _check_bounds(plain, crs, WHOLE)
        return Stored(geometries=plain, operation=RELABELLED)
    for way in _ways(crs.code, _base(crs.code)):
        stored = _transformed(plain, way.transformer, crs)
        if _within(stored, way.area):
            return Stored(geometries=stored, operation=way.operation)
    _check_bounds(stored, crs, _area_of_use(crs.code))
    raise NoOperation(crs.code, crs.name)  # there are some, but none for this place


def to_plane(geometries: NDArray[np.object_], crs: Crs) -> NDArray[np.object_]:
    """Stored geometries in a projected *crs*, as easting, northing in its unit.

    The way back of `to_storage`: what came by it returns to where it was.
    """
    if crs.geographic:
        raise CrsError(f"{crs.label} is no plane")
    return _transformed(geometries, _ways(_base(crs.code), crs.code)[0].transformer, crs)


def within_zone(geometries: NDArray[np.object_], crs: Crs, margin_deg: float) -> bool:
    """Whether stored geometries lie where *crs* is used, or at most *margin_deg* beside."""
    return _within(geometries, _area_of_use(crs.code, margin_deg))


def zone_of(longitude_deg: float) -> Crs | None:
    """The 3-degree Gauss-Kruger zone of CGCS2000; None where China has no zone."""
    meridian = 3 * math.floor((longitude_deg + 1.5) / 3)
    if not FIRST_MERIDIAN <= meridian <= LAST_MERIDIAN:
        return None
    return from_epsg(FIRST_ZONE_EPSG + (meridian - FIRST_MERIDIAN) // 3)


@dataclass(frozen=True, slots=True)
class _Way:
    transformer: pyproj.Transformer
    operation: Operation
    area: Bounds  # where the operation's result may lie, degrees


@lru_cache(256)
def _base(code: int) -> int:
    """Storage for a CRS on the CGCS2000 datum, which needs no operation; else EPSG:4326."""
    base = pyproj.CRS.from_epsg(code).geodetic_crs
    return STORAGE if base is not None and base.to_epsg() == STORAGE else WORLD


@lru_cache(256)
def _ways(source: int, target: int) -> tuple[_Way, ...]:
    """PROJ's operations that are no guess, the best first; x before y."""
    code = source if target in SAME_NUMBERS else target
    try:
        group = TransformerGroup(
            pyproj.CRS.from_epsg(source),
            pyproj.CRS.from_epsg(target),
            always_xy=True,
            allow_ballpark=False,
        )
    except (IndexError, ProjError):  # pyproj fails so where PROJ lists no operation at all
        raise NoOperation(code, from_epsg(code).name) from None
    if not group.transformers:
        raise NoOperation(code, from_epsg(code).name)
    return tuple(_way(t, code, exact=STORAGE in (source, target)) for t in group.transformers)


def _area_of_use(code: int, margin: float = BEYOND_ZONE_DEG) -> Bounds:
    """Where a CRS is used, and a little beside: survey files pass the edge of their zone."""
    area = pyproj.CRS.from_epsg(code).area_of_use
    if area is None:
        return WHOLE
    west, south, east, north = area.bounds
    if west > east:  # across the antimeridian
        west, east = WHOLE[0], WHOLE[2]
    return west - margin, south - margin, east + margin, north + margin


def _way(transformer: pyproj.Transformer, code: int, *, exact: bool) -> _Way:
    stated = transformer.accuracy is not None and transformer.accuracy >= 0
    holds = transformer.area_of_use
    return _Way(
        transformer=transformer,
        operation=Operation(
            name=transformer.description.partition(" (with axis order")[0],
            accuracy_m=float(transformer.accuracy) if stated else None,
            exact=exact,
        ),
        # a published operation holds in its own area only
        area=_area_of_use(code) if exact else WHOLE if holds is None else holds.bounds,
    )


def _transformed(
    geometries: NDArray[np.object_], transformer: pyproj.Transformer, crs: Crs
) -> NDArray[np.object_]:
    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = transformer.transform(points[:, 0], points[:, 1], errcheck=True)
        return np.column_stack([x, y])

    try:
        moved = shapely.transform(geometries, move)
        finite = bool(np.isfinite(shapely.get_coordinates(moved)).all())
    except (ProjError, GEOSException):  # far off, a ring may come back open
        finite = False
    if finite:
        return moved
    raise OutsideArea(f"the coordinates cannot be those of {crs.label}")


def _swapped(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points[:, ::-1]


def _within(geometries: NDArray[np.object_], area: Bounds) -> bool:
    west, south, east, north = shapely.total_bounds(geometries)
    return bool(area[0] <= west and area[1] <= south and east <= area[2] and north <= area[3])


def _check_bounds(geometries: NDArray[np.object_], crs: Crs, area: Bounds) -> None:
    if not _within(geometries, area):
        axes = ("latitude", "longitude") if crs.geographic else ("northing", "easting")
        first, second = axes if crs.north_first else axes[::-1]
        raise OutsideArea(
            f"the coordinates lie outside the area of {crs.label}; expected {first}, {second}"
        )
