"""Geometry literals: from the caller's reference system to storage, once, before any SQL."""

import math
from typing import Any

import numpy as np
import shapely
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from providers.cql2.faults import FilterFault
from providers.crs import Crs, CrsError, to_storage

PIECE = 500.0  # of an edge in a plane, in its unit: within a centimetre of the curve in degrees
MOST_PIECES = 5_000


def stored(geometry: dict[str, Any], crs: Crs) -> bytes:
    """WKB in EPSG:4490 of a literal whose coordinates are *crs*'s own, in its axis order.

    Raises
    ------
    FilterFault
        For what is no valid geometry, or lies where the reference system is not used.
    """
    try:
        shape = (
            _box(geometry["coordinates"], crs) if geometry["type"] == "bbox" else _made(geometry)
        )
    except (GEOSException, ValueError, TypeError) as error:
        raise FilterFault(f"a geometry: {error}") from None
    if shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
        raise FilterFault("a geometry with finite coordinates, not an empty one")
    if not shape.is_valid:
        raise FilterFault(f"a valid geometry: {shapely.is_valid_reason(shape)}")
    if not crs.geographic and shape.length:
        shape = shapely.segmentize(shape, max(PIECE, shape.length / MOST_PIECES))
    try:
        (moved,) = to_storage(np.array([shape], dtype=object), crs).geometries
    except CrsError as error:
        raise FilterFault(f"coordinates in filter-crs: {error}") from None
    wkb: bytes = shapely.to_wkb(moved if moved.is_valid else shapely.make_valid(moved))
    return wkb


def _made(geometry: dict[str, Any]) -> BaseGeometry:
    if geometry["type"] == "GeometryCollection":
        # GEOS relates no collection whose parts overlap; their union is the same set of points
        return shapely.union_all([_made(member) for member in geometry["geometries"]])
    found = geometry["coordinates"]
    match geometry["type"]:
        case "Point":
            return shapely.Point(_plane(found))
        case "MultiPoint":
            return shapely.MultiPoint([_plane(p) for p in found])
        case "LineString":
            return _line(found)
        case "MultiLineString":
            return shapely.MultiLineString([_line(each) for each in found])
        case "Polygon":
            return _polygon(found)
        case "MultiPolygon":
            return shapely.MultiPolygon([_polygon(each) for each in found])
    raise FilterFault(f"a geometry, not {geometry['type']!r}")


def _line(found: list[Any]) -> shapely.LineString:
    return shapely.LineString([_plane(p) for p in found])


def _polygon(found: list[Any]) -> shapely.Polygon:
    rings = [[_plane(p) for p in ring] for ring in found]
    if any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
        raise FilterFault("rings of at least 4 positions that end where they begin")
    return shapely.Polygon(rings[0], rings[1:])


def _plane(position: list[Any]) -> tuple[float, float]:
    return float(position[0]), float(position[1])


def _box(sides: list[Any], crs: Crs) -> BaseGeometry:
    """A bbox; across the antimeridian it is two."""
    numbers = [float(side) for side in sides]
    if not all(map(math.isfinite, numbers)):
        raise FilterFault("a bbox of finite numbers")
    half = len(numbers) // 2
    low, high = numbers[:2], numbers[half : half + 2]
    east_axis = 1 if crs.north_first else 0
    if low[1 - east_axis] > high[1 - east_axis]:
        raise FilterFault("a bbox whose north is not south of its south")
    if low[east_axis] <= high[east_axis]:
        return _rectangle(low, high)
    if not crs.geographic:
        raise FilterFault("a bbox whose east is not west of its west")
    halves = []
    for west, east in ((low[east_axis], 180.0), (-180.0, high[east_axis])):
        first, last = [*low], [*high]
        first[east_axis], last[east_axis] = west, east
        halves.append(_rectangle(first, last))
    return shapely.union_all(halves)


def _rectangle(low: list[float], high: list[float]) -> BaseGeometry:
    """A rectangle, or the line or point to which it is flattened."""
    if low == high:
        return shapely.Point(low)
    if low[0] == high[0] or low[1] == high[1]:
        return shapely.LineString([low, high])
    return shapely.box(low[0], low[1], high[0], high[1])
