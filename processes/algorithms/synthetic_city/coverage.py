"""From pieces to a coverage: noded on a grid, so that neighbours share their vertices exactly."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.synthetic_city.convex import Flags, Floats, Ints
from processes.algorithms.synthetic_city.layout import Layout, Zone
from processes.algorithms.synthetic_city.pieces import Pieces
from processes.algorithms.synthetic_city.plane import Plane

GRID_DEG = 1e-9  # vertices lie on it: about 0.1 mm
DECIMALS = 9
type Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces of the noded line work inside the study area.

    `piece` is the piece under each face, `form` the large form over it (-1: none), `division` the
    administrative division around it; `union` numbers the faces that belong together.
    """

    polygons: Geometries  # degrees
    points: Floats  # a point inside each, metres
    area_m2: Floats  # in the local plane: to compare, not to report
    piece: Ints
    form: Ints
    division: Ints
    union: Ints

    def __len__(self) -> int:
        return len(self.piece)


def faces(pieces: Pieces, layout: Layout, plane: Plane, divisions: Geometries) -> Faces:
    """Node pieces, large forms and divisions together and keep what lies in a division.

    Parameters
    ----------
    divisions : ndarray of shapely polygons
        A coverage in degrees, EPSG:4490, on the grid of 1e-9 degrees.
    """
    rings = plane.degrees(pieces.cells.rings())
    areas = np.array([overlay.area for overlay in layout.overlays], dtype=object)
    frames = np.concatenate((layout.districts.rings(), shapely.boundary(areas)))
    chords = np.asarray(shapely.linestrings(pieces.chords))
    lines = [plane.degrees(frames), plane.degrees(chords), shapely.boundary(divisions)]
    soup = shapely.multilinestrings(np.concatenate([shapely.get_parts(part) for part in lines]))
    noded = shapely.unary_union(soup, grid_size=GRID_DEG)
    polygons = shapely.get_parts(shapely.polygonize([noded]))
    inner = shapely.point_on_surface(polygons)
    division = _first_match(divisions, inner)
    polygons, inner = polygons[division >= 0], inner[division >= 0]
    division = division[division >= 0]
    piece = _first_match(np.asarray(shapely.polygons(rings)), inner)
    kept = piece >= 0
    polygons, inner, division, piece = polygons[kept], inner[kept], division[kept], piece[kept]
    inner = plane.metres(inner)
    form, reach = _forms(layout, inner)
    union = _unions(pieces, layout, piece, form, reach, division)
    points = shapely.get_coordinates(inner)
    area_m2 = shapely.area(polygons) * plane.east_m * plane.north_m
    return Faces(polygons, points, area_m2, piece, form, division, union)


def _first_match(polygons: Geometries, points: Geometries) -> Ints:
    """The first polygon that holds each point, -1 where none does."""
    point, polygon = shapely.STRtree(polygons).query(points, predicate="intersects")
    match = np.full(len(points), len(polygons), dtype=np.int64)
    np.minimum.at(match, point, polygon)
    match[match == len(polygons)] = -1
    return match


def _forms(layout: Layout, points: Geometries) -> tuple[Ints, Ints]:
    """The large form over each point, and the number of its reach; -1 where there is none."""
    form = np.full(len(points), -1, dtype=np.int64)
    reach = np.full(len(points), -1, dtype=np.int64)
    xy = shapely.get_coordinates(points)
    start = 0
    for overlay in layout.overlays:
        shapely.prepare(overlay.area)
        covered = np.flatnonzero((form < 0) & shapely.contains_xy(overlay.area, xy))
        form[covered] = overlay.form
        along = np.zeros(len(covered))
        if overlay.axis is not None:
            along = shapely.line_locate_point(overlay.axis, points[covered])
        number = (along / overlay.reach_m).astype(np.int64)
        reach[covered] = start + number
        start += int(number.max(initial=0)) + 1
    return form, reach


def _unions(
    pieces: Pieces, layout: Layout, piece: Ints, form: Ints, reach: Ints, division: Ints
) -> Ints:
    """Faces of one road, or of one reach of a large form, belong together; others stand alone."""
    road = np.where(form < 0, pieces.road[piece], -1)
    urban = layout.zone[pieces.district[piece]] <= Zone.FRINGE
    alone = (form < 0) & (road < 0)
    key = np.column_stack(
        (
            np.where(alone, np.arange(len(piece)), -1),
            road,
            np.where(form >= 0, form, -1),
            np.where(form >= 0, reach, -1),
            np.where(form >= 0, urban, False),
            division,
        )
    )
    _, union = np.unique(key, axis=0, return_inverse=True)
    return union.astype(np.int64)


def absorb(found: Faces, pieces: Pieces, *, least_m2: Floats, wanted: int) -> Ints:
    """The union of each face once small ones have joined a neighbour.

    Unions below their own *least_m2* join the neighbour with which they share the longest border,
    rather one of the same kind; then the smallest, until *wanted* are left.
    """
    borders = _borders(found.polygons)
    union = _connected(found.union, borders)
    cleaning = True
    while True:
        area = np.bincount(union, weights=found.area_m2)
        least = np.full(len(area), np.inf)
        np.minimum.at(least, union, least_m2)
        target = _best_neighbour(found, pieces, union, area, borders)
        able = target >= 0
        chosen = (area < least) & able
        surplus = len(area) - wanted
        cleaning = cleaning and bool(chosen.any())
        if not cleaning:
            chosen[:] = False
            alike = np.flatnonzero(able & _mergeable(found, pieces, union, target))
            others = alike if len(alike) else np.flatnonzero(able)
            if surplus <= 0 or not len(others):
                return union
            chosen[others[np.argsort(area[others], kind="stable")[:surplus]]] = True
        parent = np.where(chosen, target, np.arange(len(area)))
        while (parent[parent] != parent).any():
            parent = parent[parent]
        _, union = np.unique(parent[union], return_inverse=True)


def _mergeable(found: Faces, pieces: Pieces, union: Ints, target: Ints) -> Flags:
    """Whether a union and its target are lots of one block."""
    first = largest_face(found, union)
    block = np.where(found.form[first] < 0, pieces.block[found.piece[first]], -1)
    mergeable: Flags = (block >= 0) & (target >= 0) & (block == block[target])
    return mergeable


def largest_face(found: Faces, union: Ints) -> Ints:
    """The largest face of each union: what the union is."""
    order = np.lexsort((-found.area_m2, union))
    return order[np.flatnonzero(np.diff(union[order], prepend=-1))]


def _connected(union: Ints, borders: tuple[Ints, Ints, Floats]) -> Ints:
    """The unions with those that consist of separate parts taken apart."""
    one, other, _ = borders
    inner = union[one] == union[other]
    one, other = one[inner], other[inner]
    part = np.arange(len(union))
    while True:
        before = part.copy()
        np.minimum.at(part, one, part[other])
        np.minimum.at(part, other, part[one])
        part = part[part]
        if (part == before).all():
            break
    _, apart = np.unique(part, return_inverse=True)
    return apart.astype(np.int64)


def _best_neighbour(
    found: Faces,
    pieces: Pieces,
    union: Ints,
    area: Floats,
    borders: tuple[Ints, Ints, Floats],
) -> Ints:
    """The neighbour each union would join: of its division, by shared border, -1 where none."""
    one, other, border = borders
    a, b = union[one], union[other]
    apart = (a != b) & (found.division[one] == found.division[other])
    a, b = np.concatenate((a[apart], b[apart])), np.concatenate((b[apart], a[apart]))
    border = np.concatenate((border[apart], border[apart]))
    count = len(area)
    pairs, which = np.unique(a * count + b, return_inverse=True)
    shared = np.bincount(which, weights=border)
    a, b = pairs // count, pairs % count
    first = largest_face(found, union)
    form = found.form[first]
    kind = np.where(form >= 0, 100 + form, pieces.kind[found.piece[first]])
    block = np.where(form >= 0, -1, pieces.block[found.piece[first]])
    liking = np.where(kind[a] == kind[b], 20.0, 1.0) * np.where(form[b] >= 0, 0.05, 1.0)
    liking *= np.where((block[a] >= 0) & (block[a] == block[b]), 5.0, 1.0)
    larger = (area[b] > area[a]) | ((area[b] == area[a]) & (b > a))
    score = np.where(larger, shared * liking, 0.0)
    order = np.lexsort((b, -score, a))
    best = order[np.flatnonzero(np.diff(a[order], prepend=-1))]
    target = np.full(count, -1, dtype=np.int64)
    target[a[best]] = np.where(score[best] > 0, b[best], -1)
    return target


def _borders(polygons: Geometries) -> tuple[Ints, Ints, Floats]:
    """Pairs of neighbouring polygons of a coverage, one row per common edge, and its length."""
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    steps = np.round(points / GRID_DEG).astype(np.int64)
    vertex = _number(steps[:, 0], steps[:, 1])
    edge = ring[1:] == ring[:-1]
    start, end = vertex[:-1][edge], vertex[1:][edge]
    owner = polygon[ring[:-1][edge]]
    length = np.hypot(*(points[1:] - points[:-1])[edge].T)
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((high, low))
    low, high, owner, length = low[order], high[order], owner[order], length[order]
    twin = np.flatnonzero((low[1:] == low[:-1]) & (high[1:] == high[:-1]))
    return owner[twin], owner[twin + 1], length[twin]


def _number(x: Ints, y: Ints) -> Ints:
    """Equal points get equal numbers."""
    order = np.lexsort((y, x))
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (x[order][1:] != x[order][:-1]) | (y[order][1:] != y[order][:-1])
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(fresh) - 1
    return number


def dissolve(polygons: Geometries, label: Ints) -> tuple[Geometries, Ints]:
    """Polygons of one coverage with equal labels made one; separate parts stay separate.

    Parameters
    ----------
    polygons : ndarray of shapely polygons, shape (n,)
    label : ndarray of int, shape (n,)
        Negative labels are left out.

    Returns
    -------
    parts, label
        Single polygons on the same vertices, and their labels, in order of label.

    Examples
    --------
    >>> tiles = shapely.box([0, 1, 5], 0, [1, 2, 6], 1)
    >>> parts, label = dissolve(tiles, np.array([4, 4, 4]))
    >>> shapely.area(parts).tolist(), label.tolist()
    ([2.0, 1.0], [4, 4])
    """
    chosen = np.flatnonzero(label >= 0)
    order = chosen[np.argsort(label[chosen], kind="stable")]
    kinds, start = np.unique(label[order], return_index=True)
    merged = np.empty(len(kinds), dtype=object)
    for i, members in enumerate(np.split(order, start[1:])):
        merged[i] = (
            polygons[members[0]]
            if len(members) == 1
            else shapely.coverage_union_all(polygons[members])
        )
    parts, which = shapely.get_parts(merged, return_index=True)
    return parts, kinds[which]
