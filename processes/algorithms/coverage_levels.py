"""Polygons of a coverage simplified together, block by block, so that an edit stays where it was.

What `shapely.coverage_simplify` makes of an edge depends on the edges near it and on the order in
which all are visited: through narrow streets one changed parcel may change the whole city. Here
the plane is cut into fixed square blocks. What a block's pieces become depends on the pieces in it
and on nothing else, so that making the touched blocks anew gives what making all anew would give.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, floor

import numpy as np
import shapely
from numpy.typing import NDArray

type Geometries = NDArray[np.object_]
type Block = tuple[int, int]  # column from longitude 0, row from the equator; both may be negative

DEGREES_PER_CELL = 360.0 / 256  # of zoom 0, where the world is one tile of 256 cells wide
PIXELS = 0.5  # what is smaller than this many cells of a zoom is not drawn there


def cell_degrees(zoom: int) -> float:
    """The side of a cell (pixel) of a zoom in degrees; exact in binary.

    Examples
    --------
    >>> cell_degrees(0), cell_degrees(1)
    (1.40625, 0.703125)
    """
    return float(DEGREES_PER_CELL / (1 << zoom))


def tolerance(zoom: int) -> float:
    """Degrees: corners whose triangle is smaller than the square of this side may go."""
    return PIXELS * cell_degrees(zoom)


def block_box(block: Block, side: float) -> shapely.Polygon:
    """The square of a block; *side* in degrees."""
    column, row = block
    return shapely.box(column * side, row * side, (column + 1) * side, (row + 1) * side)


def blocks_of(bounds: Sequence[float], side: float) -> Iterator[Block]:
    """The blocks that an envelope (west, south, east, north, degrees) meets.

    Examples
    --------
    >>> list(blocks_of((0.5, 0.5, 1.5, 0.75), 1.0))
    [(0, 0), (1, 0)]
    """
    west, south, east, north = bounds
    for column in range(floor(west / side), max(ceil(east / side), floor(west / side) + 1)):
        for row in range(floor(south / side), max(ceil(north / side), floor(south / side) + 1)):
            yield column, row


def with_crossings(polygons: Geometries, side: float) -> Geometries:
    """The same polygons with a vertex wherever an edge crosses the border of a block.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon
        Longitude, latitude in degrees (EPSG:4490).
    side : float
        Of a block, in degrees; a binary fraction of 1.40625, so that borders are exact numbers.

    Returns
    -------
    array of Polygon or MultiPolygon
        In the same order. The vertex of an edge that two polygons share is the same number in both.
    """
    changed = polygons.copy()
    bounds = shapely.bounds(polygons)
    crossing = (np.floor(bounds[:, :2] / side) + 1 < np.ceil(bounds[:, 2:] / side)).any(axis=1)
    for number in np.flatnonzero(crossing):
        parts = [
            shapely.Polygon(
                _ring(part.exterior, side), [_ring(hole, side) for hole in part.interiors]
            )
            for part in shapely.get_parts(polygons[number])
        ]
        changed[number] = shapely.MultiPolygon(parts)
    return changed


def simplified_block(
    polygons: Geometries, block: Block, side: float, tolerances: Sequence[float]
) -> list[Geometries]:
    """The pieces of polygons within a block, simplified together; edges on its border stay.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon
        As `with_crossings` gives them, in an order that depends on themselves alone.
    block, side
        The block and its side in degrees.
    tolerances : sequence of float
        Degrees, one per level.

    Returns
    -------
    list of arrays
        One array per tolerance: MultiPolygon, empty where a polygon has no part in the block.

    Notes
    -----
    What no polygon covers is simplified with them as one more polygon: the outer boundary and the
    gaps of a coverage lose as many corners as its inner edges do. Polygons that overlap are
    simplified as if each were alone where they do.
    """
    box = block_box(block, side)
    pieces = polygons.copy()
    inside = shapely.covered_by(shapely.box(*shapely.bounds(polygons).T), box)
    pieces[~inside] = _polygons_only(shapely.intersection(polygons[~inside], box))
    there = np.flatnonzero(~shapely.is_empty(pieces))
    none = np.full(len(polygons), shapely.MultiPolygon(), dtype=object)
    if not len(there):
        return [none.copy() for _ in tolerances]
    outside = _polygons_only(np.array([box.difference(shapely.union_all(pieces[there]))]))
    coverage = np.concatenate([pieces[there], outside[~shapely.is_empty(outside)]])
    levels = []
    for one in tolerances:
        simple = shapely.coverage_simplify(coverage, one, simplify_boundary=False)[: len(there)]
        wrong = ~shapely.is_valid(simple) | shapely.is_empty(simple)
        simple[wrong] = pieces[there][wrong]
        level = none.copy()
        level[there] = _polygons_only(simple)
        levels.append(level)
    return levels


def joined(pieces: Sequence[shapely.MultiPolygon]) -> shapely.MultiPolygon:
    """The pieces of one polygon as one; equal shapes are equal once they are normalised."""
    if len(pieces) == 1:
        return pieces[0]
    whole: shapely.MultiPolygon = _polygons_only(np.array([shapely.union_all(np.array(pieces))]))[0]
    return whole


def outside_of(
    shape: shapely.MultiPolygon, blocks: Sequence[Block], side: float
) -> shapely.MultiPolygon:
    """What of a shape that `joined` gave lies in none of these blocks."""
    squares = np.array([block_box(block, side) for block in blocks], dtype=object)
    outside = np.array([shapely.difference(shape, shapely.union_all(squares))], dtype=object)
    rest: shapely.MultiPolygon = _polygons_only(outside)[0]
    return rest


def _polygons_only(shapes: Geometries) -> Geometries:
    """MultiPolygons of the parts that have an area."""
    parts, owners = shapely.get_parts(shapes, return_index=True)
    while (nested := shapely.get_type_id(parts) > 3).any():
        deeper, inner = shapely.get_parts(parts[nested], return_index=True)
        kept, of_kept = parts[~nested], owners[~nested]
        owners = np.concatenate([of_kept, owners[nested][inner]])
        parts = np.concatenate([kept, deeper])
    flat = shapely.get_type_id(parts) == 3
    parts, owners = parts[flat], owners[flat]
    made = np.full(len(shapes), shapely.MultiPolygon(), dtype=object)
    if len(parts):
        order = np.argsort(owners, kind="stable")
        shapely.multipolygons(parts[order], indices=owners[order], out=made)
    return made


def _ring(ring: shapely.LinearRing, side: float) -> NDArray[np.float64]:
    """The ring's coordinates with a vertex at every border that an edge crosses."""
    points = shapely.get_coordinates(ring)
    low = np.minimum(points[:-1], points[1:])
    high = np.maximum(points[:-1], points[1:])
    crossed = (np.floor(low / side) + 1 < np.ceil(high / side)).any(axis=1)
    if not crossed.any():
        return points
    made: list[NDArray[np.float64]] = []
    for number, (start, end) in enumerate(pairwise(points)):
        made.append(points[number : number + 1])
        if crossed[number]:
            turned = tuple(start) > tuple(end)
            between = _crossings(end, start, side) if turned else _crossings(start, end, side)
            made.append(between[::-1] if turned else between)
    made.append(points[-1:])
    return np.concatenate(made)


def _crossings(
    start: NDArray[np.float64], end: NDArray[np.float64], side: float
) -> NDArray[np.float64]:
    """Where an edge crosses borders, from its start; both of its polygons ask from the same end."""
    along = end - start
    found: dict[tuple[float, float], float] = {}
    for axis in (0, 1):
        low, high = sorted((start[axis], end[axis]))
        for line in np.arange(floor(low / side) + 1, ceil(high / side)) * side:
            share = (line - start[axis]) / along[axis]
            point = start + share * along
            point[axis] = line
            found[(float(point[0]), float(point[1]))] = float(share)
    ordered = sorted(found, key=lambda place: (found[place], place))
    return np.array(ordered, dtype=np.float64).reshape(-1, 2)
