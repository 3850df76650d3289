"""Rectangles that narrow a layer's rows: `bbox` in the reference system of `bbox-crs`.

A rectangle of degrees or of Web Mercator is one of degrees, and exact. The sides of one in a zone of
CGCS2000 are curves in degrees: its outline is followed to half a millimetre, to a centimetre where a
side is longer than 1,000 km. Rows are asked for in their own system, so that their index answers; a
rectangle in that very system is taken as it is.
"""

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, FromClause, bindparam, func, literal, or_, true
from sqlalchemy.dialects.postgresql import BYTEA, DOUBLE_PRECISION, INTEGER

from providers.access import SRID
from providers.crs import SAME_NUMBERS, Bounds, Crs
from providers.crs_operations import own_degrees
from providers.crs_systems import Zone, system_of_code
from providers.errors import BadParameter
from providers.frames import WEB_MERCATOR
from providers.relations import Relation

NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
MAX_CHARACTERS = 400
SIDES = ("west", "south", "east", "north")
WORLD_M = 20_037_508.342789244  # half the equator in Web Mercator
EARTH_M, DEGREE_M = 6_378_137.0, 111_320.0
# of a zone's plane, from its meridian and the equator: China from each of its meridians
REACH_M, REACH_NORTH_M = 6_000_000.0, 8_000_000.0
USED_M, USED_NORTHINGS_M = 500_000.0, (300_000.0, 6_000_000.0)  # where survey data lie
LAND_M = 1_800_000.0  # the northing south of which there is sea only
DEGREES = 180.0
FIRST_CHORDS, MAX_CHORDS, DEVIATION_M = 8, 8_192, 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A rectangle in a reference system: rows whose geometry touches it, and rows without one.

    OGC 17-069r4, 7.15.3: what has no place is left out by no rectangle.
    """

    crs: Crs
    boxes: tuple[Bounds, ...]  # in the system, x before y; two across the antimeridian
    bounds: tuple[Bounds, ...]  # around them, in degrees of longitude and latitude
    outline: bytes | None = None  # WKB in EPSG:4490, where that is no rectangle of degrees

    @property
    def shape(self) -> Hashable:
        return (None if self.crs.code in SAME_NUMBERS else self.crs.code, len(self.boxes))

    @property
    def parameters(self) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        for kind, boxes in (("box", self.boxes), ("deg", self.bounds)):
            for i, box in enumerate(boxes):
                names = (f"w_{kind}_{side}_{i}" for side in SIDES)
                values |= dict(zip(names, box, strict=True))
        return values if self.outline is None else {**values, "w_outline": self.outline}

    def of(self, relation: Relation, rows: FromClause) -> ColumnElement[bool]:
        if "geom" not in rows.c:
            return true()
        touched: list[ColumnElement[bool]] = [
            func.ST_Intersects(rows.c.geom, shape) for shape in self._placed(relation)
        ]
        if relation.table is not None and not relation.table.everywhere:
            touched.append(rows.c.geom.is_(None))
        return or_(*touched)

    def _placed(self, relation: Relation) -> list[ColumnElement[Any]]:
        """The window in the relation's own system."""
        if self.crs.code == relation.srid and relation.srid not in SAME_NUMBERS:
            srid = literal(relation.srid, INTEGER)
            boxes = (_sides("box", i) for i in range(len(self.boxes)))
            return [func.ST_Envelope(func.ST_MakeEnvelope(*box, srid)) for box in boxes]
        if self.outline is not None:
            outline = func.ST_GeomFromWKB(bindparam("w_outline", type_=BYTEA), SRID)
            return [relation.moved(outline)]
        if self.crs.code not in (*SAME_NUMBERS, WEB_MERCATOR):
            raise ValueError(f"{self.crs.label} is no system of {relation.srid}")
        return [relation.moved_window(*_sides("deg", i)) for i in range(len(self.bounds))]


def parse_bbox(text: str, crs: Crs, *, name: str = "bbox") -> Window:
    """The rectangle of parameter *name*: its lower and its upper corner in the axis order of *crs*.

    Six numbers carry heights, which plane layers ignore. West may be greater than east in degrees:
    the rectangle lies across the antimeridian. A rectangle in a zone is cut at 6,000 km beside the
    zone's meridian, and 8,000 km from the equator.

    Raises
    ------
    BadParameter
        For text that is no rectangle, or none of *crs*: swapped axes, degrees, a zone's
        number that is missing or should not be there.
    """
    first, second, third, fourth = _numbers(text, crs, name)
    box = (second, first, fourth, third) if crs.north_first else (first, second, third, fourth)
    refused = BadParameter(name, text, _expected(crs))
    if box[1] > box[3] or (box[0] > box[2] and not crs.geographic):
        raise refused
    if crs.geographic:
        boxes = _degrees(box)
        if boxes is None:
            raise refused
        return Window(crs=crs, boxes=boxes, bounds=boxes)
    if crs.code == WEB_MERCATOR:
        if box[0] > WORLD_M or box[2] < -WORLD_M:
            raise refused
        box = (max(box[0], -WORLD_M), box[1], min(box[2], WORLD_M), box[3])
        return Window(crs=crs, boxes=(box,), bounds=(_unprojected(box),))
    zone = system_of_code(crs.code).zone
    if zone is None:  # an external table's own: it is asked for in it
        return Window(crs=crs, boxes=(box,), bounds=_around(box, crs))
    cut = _cut(box, zone)
    if cut is None:
        raise refused
    outline = _outline(cut, crs, zone)
    west, south, east, north = shapely.bounds(outline).tolist()
    return Window(
        crs=crs,
        boxes=(cut,),
        bounds=((west, south, east, north),),
        outline=shapely.to_wkb(outline),
    )


def _numbers(text: str, crs: Crs, name: str) -> tuple[float, ...]:
    parts = text.split(",") if len(text) <= MAX_CHARACTERS else []
    if len(parts) in (4, 6) and all(map(NUMBER.fullmatch, parts)):
        numbers = [float(part) for part in parts]
        if all(map(math.isfinite, numbers)):
            return tuple(numbers if len(numbers) == 4 else [*numbers[:2], *numbers[3:5]])
    raise BadParameter(name, text, _expected(crs))


def _degrees(box: Bounds) -> tuple[Bounds, ...] | None:
    west, south, east, north = box
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        return None
    if west > east:
        return (west, south, 180.0, north), (-180.0, south, east, north)
    return (box,)


def _unprojected(box: Bounds) -> Bounds:
    """A rectangle of Web Mercator in degrees; far beyond its end lies the pole."""
    west, south, east, north = box
    low, high = (max(-50.0, min(50.0, side / EARTH_M)) for side in (south, north))
    return (
        180.0 * west / WORLD_M,
        math.degrees(math.atan(math.sinh(low))),
        180.0 * east / WORLD_M,
        math.degrees(math.atan(math.sinh(high))),
    )


def _around(box: Bounds, crs: Crs) -> tuple[Bounds, ...]:
    """Degrees around a rectangle of another plane, on its own datum; none where they are unknown."""
    place = own_degrees(system_of_code(crs.code)).place(box)
    return () if place is None else (place,)


def _cut(box: Bounds, zone: Zone) -> Bounds | None:
    """A rectangle as far as the zone's plane goes; None: swapped axes, degrees, elsewhere."""
    middle = zone.false_easting_m
    whole = (middle - REACH_M, -REACH_NORTH_M, middle + REACH_M, REACH_NORTH_M)
    low, high = USED_NORTHINGS_M
    used = (middle - USED_M, low, middle + USED_M, high)
    land = (middle - USED_M, LAND_M, middle + USED_M, high)
    swapped = _meet((box[1], box[0], box[3], box[2]), land) and not _meet(box, used)
    if swapped or not _meet(box, whole) or max(map(abs, box)) <= DEGREES:
        return None
    return (
        max(box[0], whole[0]),
        max(box[1], whole[1]),
        min(box[2], whole[2]),
        min(box[3], whole[3]),
    )


def _meet(one: Bounds, other: Bounds) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _outline(box: Bounds, crs: Crs, zone: Zone) -> shapely.Geometry:
    """A rectangle of a zone in degrees, its sides followed closely; a line or a point if it is one."""
    west, south, east, north = box
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    if west == east or south == north:
        corners = [(west, south), (east, north)]
    sides = [_followed(a, b, crs, zone) for a, b in pairwise(corners)]
    line = np.concatenate([sides[0][:1], *(side[1:] for side in sides)])
    if len(corners) == 5:
        return shapely.Polygon(line)
    return shapely.Point(line[0]) if corners[0] == corners[1] else shapely.LineString(line)


def _followed(
    start: tuple[float, float], end: tuple[float, float], crs: Crs, zone: Zone
) -> NDArray[np.float64]:
    """A straight line of the plane in degrees, in as many chords as it needs."""
    looked = _placed_line(start, end, 2 * FIRST_CHORDS, crs, zone)
    off = np.abs(looked[1::2] - (looked[:-1:2] + looked[2::2]) / 2)
    metres = DEGREE_M * np.hypot(off[:, 0] * np.cos(np.radians(looked[1::2, 1])), off[:, 1])
    chords = math.ceil(FIRST_CHORDS * math.sqrt(metres.max() / DEVIATION_M))
    return _placed_line(start, end, min(max(chords, 1), MAX_CHORDS), crs, zone)


def _placed_line(
    start: tuple[float, float], end: tuple[float, float], chords: int, crs: Crs, zone: Zone
) -> NDArray[np.float64]:
    points = np.linspace(start, end, chords + 1)
    way = own_degrees(system_of_code(crs.code)).transformer
    if way is None:
        raise ValueError(f"{crs.label} is no plane")
    longitude, latitude = way.transform(points[:, 0], points[:, 1])
    middle = zone.meridian_deg  # no jump at the antimeridian
    return np.column_stack([(longitude - middle + 180) % 360 - 180 + middle, latitude])


def _sides(kind: str, number: int) -> list[ColumnElement[Any]]:
    return [bindparam(f"w_{kind}_{side}_{number}", type_=DOUBLE_PRECISION) for side in SIDES]


def _expected(crs: Crs) -> str:
    """What a rectangle in *crs* looks like, with the faults that are often made."""
    order = "south,west,north,east" if crs.north_first else "west,south,east,north"
    if crs.geographic:
        first = "latitude" if crs.north_first else "longitude"
        return f"4 (or 6) numbers {order} in degrees, {first} first, south <= north"
    said = f"4 (or 6) numbers {order} in the unit of {crs.label}, lower before upper corner"
    zone = system_of_code(crs.code).zone
    if zone is None:
        return said
    first = "northing" if crs.north_first else "easting"
    low, high = USED_NORTHINGS_M
    middle = zone.false_easting_m
    number = zone.number
    prefix = (
        "eastings without a zone number"
        if number is None
        else f"eastings that begin with the zone number {number}"
    )
    return (
        f"{said}; {first} first; {prefix}, about {middle - USED_M:.0f} to {middle + USED_M:.0f};"
        f" northings {low:.0f} to {high:.0f}"
    )
