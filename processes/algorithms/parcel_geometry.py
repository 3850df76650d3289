"""A parcel from GeoJSON: every fault at once, each with its place."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

POLYGONS = ("Polygon", "MultiPolygon")

MAX_VERTICES = 20_000
MAX_RINGS = 2_000

type Fault = tuple[str, str]  # JSON pointer, what is wrong


def read_parcel(document: Mapping[str, Any]) -> Polygon | MultiPolygon | list[Fault]:
    """The polygon of a GeoJSON geometry or feature; or its faults.

    Parameters
    ----------
    document : mapping
        A Polygon, MultiPolygon, or a Feature with one of them. Coordinates in
        any CRS and axis order; heights are dropped.

    Returns
    -------
    Polygon, MultiPolygon or list of (JSON pointer, message)
        The geometry as given, or what is wrong with it: rings that are not
        closed, too short or not numbers, too many vertices.

    Notes
    -----
    Whether the polygon is valid (no crossing edges) is `invalidity`'s matter:
    it is judged on the stored coordinates.

    Examples
    --------
    >>> read_parcel({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}).area
    0.5
    >>> read_parcel({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]})
    [('/coordinates/0', 'the ring is not closed: its last position must repeat its first')]
    """
    if "crs" in document:
        return [("/crs", "is not read; name the reference system in the input crs")]
    if document.get("type") == "Feature":
        geometry = document.get("geometry")
        if not isinstance(geometry, dict):
            return [("/geometry", "a Polygon or MultiPolygon is required")]
        if geometry.get("type") not in POLYGONS:
            return [("/geometry/type", "expected Polygon or MultiPolygon")]
        inner = read_parcel(geometry)
        return [(f"/geometry{p}", m) for p, m in inner] if isinstance(inner, list) else inner
    kind, coordinates = document.get("type"), document.get("coordinates")
    if kind not in POLYGONS:
        return [("/type", "expected Polygon, MultiPolygon or Feature")]
    if not isinstance(coordinates, list) or not coordinates:
        return [("/coordinates", "at least one ring is required")]
    if kind == "Polygon":
        places = [("/coordinates", coordinates)]
    else:
        places = [(f"/coordinates/{i}", rings) for i, rings in enumerate(coordinates)]
    return _polygons(places)


def invalidity(polygon: Polygon | MultiPolygon) -> str | None:
    """Why a polygon is not valid (crossing edges, overlapping parts), in words; None if it is."""
    if shapely.is_valid(polygon):
        return None
    return str(shapely.is_valid_reason(polygon))


def _polygons(places: Sequence[tuple[str, Any]]) -> Polygon | MultiPolygon | list[Fault]:
    faults: list[Fault] = []
    polygons: list[Polygon] = []
    vertices = rings_read = 0
    for place, rings in places:
        if not isinstance(rings, list) or not rings:
            faults.append((place, "at least one ring is required"))
            continue
        read: list[NDArray[np.float64]] = []
        for i, ring in enumerate(rings):
            rings_read += 1
            vertices += len(ring) if isinstance(ring, list) else 0
            if vertices > MAX_VERTICES or rings_read > MAX_RINGS:
                limits = f"{MAX_VERTICES} vertices and {MAX_RINGS} rings"
                return [*faults, (f"{place}/{i}", f"a parcel has at most {limits}")]
            found = _ring(ring)
            if isinstance(found, list):
                faults += [(f"{place}/{i}{p}", message) for p, message in found]
            else:
                read.append(found)
        if read and not faults:
            polygons.append(Polygon(read[0], read[1:]))
    if faults:
        return faults
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)


def _ring(ring: Any) -> NDArray[np.float64] | list[Fault]:
    if not isinstance(ring, list):
        return [("", "a ring is an array of positions")]
    faults = list(_wrong_positions(ring))
    if faults:
        return faults
    if len(ring) < 4:
        return [("", "a ring has at least four positions")]
    points = np.array([position[:2] for position in ring], dtype=np.float64)
    if not np.array_equal(points[0], points[-1]):
        return [("", "the ring is not closed: its last position must repeat its first")]
    return points


def _wrong_positions(ring: Sequence[Any]) -> Iterator[Fault]:
    for i, position in enumerate(ring):
        if not isinstance(position, list) or not 2 <= len(position) <= 4:
            yield f"/{i}", "a position is an array of two or three numbers"
            continue
        for j, number in enumerate(position):
            if type(number) not in (int, float) or not math.isfinite(number):
                yield f"/{i}/{j}", "expected a finite number"
