"""Buffers by a distance on the ellipsoid: each made in a plane of its own neighbourhood."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Geometry

from processes.algorithms.blocks import Shapes, Spread, block_slices, in_place, vertex_counts
from processes.algorithms.distance_planes import DistancePlane, plane_near

MAX_DISTANCE_M = 100_000.0
QUADRANT_SEGMENTS, MAX_QUADRANT_SEGMENTS = 32, 128
# How far the outline may be off: the larger of the two. Arcs are drawn as chords of course.
ACCURACY_SHARE, ACCURACY_M = 0.001, 0.1
SPAN_DEG = 1.0  # a wider feature is cut into cells of this size, each with its own plane
EDGE_DEG = 0.01  # longer edges are cut first: straight in degrees is not straight in a plane
EDGE_M = 1_000.0  # and those of the result, for the way back
HIGHEST_LATITUDE_DEG = 80.0
SHORTEST_DEGREE_M = 110_000.0
SAMPLES = 4  # places along each edge at which the outline's distance is measured
MAX_EXACT_EDGES = 20_000
# One feature costs as much as a thousand vertices; a block takes a few tenths of a second.
FEATURE_VERTICES, BLOCK_VERTICES = 1_000, 500_000

type Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffers:
    """Buffers of features, and how exact they are."""

    geometries: Geometries  # polygonal; empty: nothing is left; None: nothing was given
    error_m: NDArray[np.float64]  # the outline's largest error that was found; NaN: no outline


def chord_error_m(distance_m: float, quadrant_segments: int) -> float:
    """How far the chords of an outline's arcs lie inside of the true arcs.

    Examples
    --------
    >>> round(chord_error_m(100.0, 8), 3)
    0.482
    """
    return abs(distance_m) * (1 - math.cos(math.pi / (4 * quadrant_segments)))


def allowed_error_m(distance_m: float, quadrant_segments: int) -> float:
    """The accuracy that is promised: the larger of 0.1 % and 0.1 m, and the chords of the arcs."""
    promised = max(ACCURACY_SHARE * abs(distance_m), ACCURACY_M)
    return promised + chord_error_m(distance_m, quadrant_segments)


def buffers(
    geometries: Geometries,
    distance_m: float,
    *,
    quadrant_segments: int = QUADRANT_SEGMENTS,
    spread: Spread = in_place,
) -> Buffers:
    """The points that lie within a distance of each feature, on the CGCS2000 ellipsoid.

    Parameters
    ----------
    geometries : ndarray of object, shape (n,)
        Points, lines and valid polygons; longitude, latitude in degrees,
        EPSG:4490; edges straight in longitude and latitude. None is missing.
    distance_m : float
        Metres along geodesics, at most 100,000; a negative distance leaves what
        lies inside of polygons and farther than that from their boundary.
    quadrant_segments : int
        Chords for a quarter of a circle, 1 to 128.
    spread : callable, optional
        Computes the blocks into which many features are cut.

    Returns
    -------
    Buffers
        Polygons in degrees, EPSG:4490, with round ends and corners. The outline
        is where it should be to the larger of 0.1 % of the distance and 0.1 m,
        besides the chords of its arcs; `error_m` says what was measured.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or a buffer is `beyond_map`.

    Notes
    -----
    Each feature is buffered in an azimuthal equidistant plane whose centre is
    the half-degree node nearest to it: at 100 km from the centre distances are
    0.004 % too long. Wider features are cut into cells of one degree, as a
    buffer of the whole is the union of its parts' buffers; the planes of
    neighbouring cells, and zones, need not agree. GEOS straightens shallow bays
    by up to 1 % of the distance; where the measured outline shows that, the
    buffer is made again edge by edge.

    Examples
    --------
    >>> here = np.array([shapely.Point(125.3, 43.8), None], dtype=object)
    >>> found = buffers(here, 1000.0)
    >>> west, _, east, _ = found.geometries[0].bounds
    >>> round((east - west) * 80_475), found.geometries[1] is None  # metres of a degree there
    (2000, True)
    >>> square = np.array([shapely.box(125.3, 43.8, 125.301, 43.801)], dtype=object)
    >>> bool(shapely.is_empty(buffers(square, -60.0).geometries[0]))
    True
    """
    if not 0 < abs(distance_m) <= MAX_DISTANCE_M:
        raise ValueError(f"distance_m: {distance_m}; expected up to {MAX_DISTANCE_M}, not 0")
    if not 1 <= quadrant_segments <= MAX_QUADRANT_SEGMENTS:
        raise ValueError(f"quadrant_segments: {quadrant_segments}; expected 1 to 128")
    if beyond_map(geometries, distance_m).any():
        raise ValueError("a buffer reaches over the antimeridian or too near to a pole")
    one_block = partial(_block, distance_m=distance_m, quadrant_segments=quadrant_segments)
    slices = block_slices(vertex_counts(geometries) + FEATURE_VERTICES, BLOCK_VERTICES)
    result = np.empty(len(geometries), dtype=object)
    error_m = np.full(len(geometries), np.nan)
    found = spread(one_block, [Shapes(geometries[place]) for place in slices])
    for place, (made, errors_m) in zip(slices, found, strict=True):
        result[place], error_m[place] = made.geometries, errors_m
    return Buffers(geometries=result, error_m=error_m)


def _block(
    block: Shapes, *, distance_m: float, quadrant_segments: int
) -> tuple[Shapes, NDArray[np.float64]]:
    result = np.empty(len(block.geometries), dtype=object)
    error_m = np.full(len(block.geometries), np.nan)
    for place, shape in enumerate(shapely.segmentize(block.geometries, EDGE_DEG)):
        if shape is None:
            continue
        one = _Buffer(shape, distance_m, quadrant_segments)
        result[place], error_m[place] = one.made()
    return Shapes(result), error_m


def beyond_map(geometries: Geometries, distance_m: float) -> NDArray[np.bool_]:
    """Which features have a buffer over the antimeridian or beyond 80° of latitude.

    Examples
    --------
    >>> beyond_map(np.array([shapely.Point(179.999, 20), shapely.Point(120, 20)]), 1000.0).tolist()
    [True, False]
    """
    west, south, east, north = shapely.bounds(geometries).T
    reach = max(0.0, distance_m) / SHORTEST_DEGREE_M
    highest = np.maximum(np.abs(south - reach), np.abs(north + reach))
    aside = reach / np.cos(np.radians(np.minimum(highest, HIGHEST_LATITUDE_DEG)))
    over = (west - aside < -180) | (east + aside > 180)
    return np.array(over | (highest > HIGHEST_LATITUDE_DEG), dtype=np.bool_)


def dissolved(geometries: Geometries) -> Geometry:
    """All buffers as one polygon or multipolygon; land under several of them is there once.

    Examples
    --------
    >>> two = np.array([shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1), None], dtype=object)
    >>> float(dissolved(two).area)
    3.0
    """
    return shapely.union_all(geometries[~shapely.is_missing(geometries)])


class _Buffer:
    """One feature and its buffer."""

    def __init__(self, shape: Geometry, distance_m: float, quadrant_segments: int) -> None:
        self.shape, self.distance_m, self.segments = shape, distance_m, quadrant_segments
        self.areal = shapely.get_dimensions(shape) == 2
        # all that distances are counted from: a polygon's boundary, else the thing itself
        self.outline = shapely.boundary(shape) if self.areal else shape

    def made(self) -> tuple[Geometry, float]:
        """The buffer and its largest error; exact edge by edge where it is found wanting."""
        if shapely.is_empty(self.shape) or (self.distance_m < 0 and not self.areal):
            return shapely.Polygon(), math.nan
        cells = _cells(self.outline)
        found = self._joined(cells, exact=False)
        error_m = self._error_m(found)
        allowed_m = allowed_error_m(self.distance_m, self.segments)
        if error_m > allowed_m and len(_edges(self.outline)) <= MAX_EXACT_EDGES:
            found = self._joined(cells, exact=True)
            error_m = self._error_m(found)
        return found, error_m

    def _joined(self, cells: list[Geometry], *, exact: bool) -> Geometry:
        """The buffer out of those of the cells of its outline."""
        if len(cells) == 1 and not exact:
            plane = plane_near(self.shape)
            moved = plane.there(self.shape)
            around = shapely.buffer(moved, self.distance_m, quad_segs=self.segments)
            return _back(plane, around)
        band = shapely.union_all(np.array([self._band(cell, exact) for cell in cells]))
        if not self.areal:
            return band
        if self.distance_m < 0:
            return shapely.difference(self.shape, band)
        return shapely.union(self.shape, band)

    def _band(self, cell: Geometry, exact: bool) -> Geometry:
        """What lies within the distance of a part of the outline."""
        plane, width_m = plane_near(cell), abs(self.distance_m)
        moved = plane.there(cell)
        if exact:
            around = shapely.union_all(
                shapely.buffer(_edges(moved), width_m, quad_segs=self.segments)
            )
        else:
            around = shapely.buffer(moved, width_m, quad_segs=self.segments)
        return _back(plane, around)

    def _error_m(self, found: Geometry) -> float:
        """The largest difference between the distance asked for and that of the result's outline."""
        drawn = shapely.boundary(found)
        largest = math.nan
        for cell in [] if shapely.is_empty(drawn) else _cells(drawn):
            plane = plane_near(cell)
            reach = (abs(self.distance_m) * 1.1 + EDGE_M) / SHORTEST_DEGREE_M / plane.narrowing
            west, south, east, north = shapely.bounds(cell).tolist()
            near: Geometry = shapely.clip_by_rect(
                self.outline, west - reach, south - reach, east + reach, north + reach
            )
            source = plane.there(self.outline if shapely.is_empty(near) else near)
            shapely.prepare(source)
            samples = plane.points(_samples(cell))
            off = np.abs(shapely.distance(shapely.points(samples), source) - abs(self.distance_m))
            largest = float(np.nanmax(np.append(off, largest)))
        return largest


def _back(plane: DistancePlane, around: Geometry) -> Geometry:
    return plane.back(shapely.segmentize(around, EDGE_M))


def _cells(shape: Geometry) -> list[Geometry]:
    """A geometry, cut into cells of one degree where it is wider."""
    west, south, east, north = shapely.bounds(shape).tolist()
    if max(east - west, north - south) <= SPAN_DEG:
        return [shape]
    found = []
    for x in np.arange(math.floor(west), math.ceil(east), SPAN_DEG):
        for y in np.arange(math.floor(south), math.ceil(north), SPAN_DEG):
            part = shapely.intersection(shape, shapely.box(x, y, x + SPAN_DEG, y + SPAN_DEG))
            if not shapely.is_empty(part):
                found.append(part)
    return found


def _edges(shape: Geometry) -> Geometries:
    """Every edge of lines, and every point, by itself."""
    parts = shapely.get_parts(np.array([shape], dtype=object))
    parts = shapely.get_parts(parts)
    points, part = shapely.get_coordinates(parts, return_index=True)
    single = shapely.get_type_id(parts) == int(shapely.GeometryType.POINT)
    (begins,) = np.nonzero(part[1:] == part[:-1])
    ends = np.stack((points[begins], points[begins + 1]), axis=1)
    lines = np.asarray(shapely.linestrings(ends), dtype=object)
    return np.array([*parts[single], *lines], dtype=object)


def _samples(outline: Geometry) -> NDArray[np.float64]:
    """Places along an outline: its vertices, and between them."""
    points, line = shapely.get_coordinates(
        shapely.get_parts(np.array([outline], dtype=object)), return_index=True
    )
    (begins,) = np.nonzero(line[1:] == line[:-1])
    shares = np.arange(SAMPLES) / SAMPLES
    step = points[begins + 1] - points[begins]
    between = points[begins][:, np.newaxis] + shares[:, np.newaxis] * step[:, np.newaxis]
    return np.array(between.reshape(-1, 2), dtype=np.float64)
