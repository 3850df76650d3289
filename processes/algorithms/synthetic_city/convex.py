"""Many convex polygons at once: cut by lines, measured, divided into lots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Flags = NDArray[np.bool_]

_LEAST_SHARE = 0.12  # of a piece that a cut may leave on its smaller side, by width


@dataclass(frozen=True, slots=True)
class Cells:
    """Convex polygons in a plane, anticlockwise; rows are padded, `count` says how far they reach.

    Attributes
    ----------
    points : ndarray, shape (n, m, 2)
        Vertices in metres.
    count : ndarray, shape (n,)
        Vertices in use; 0 for an empty polygon.
    """

    points: Floats
    count: Ints

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, index: Ints | Flags) -> "Cells":
        count = self.count[index]
        widest = int(count.max(initial=3))
        return Cells(self.points[index, :widest], count)

    @property
    def used(self) -> Flags:
        """Which vertices are in use, shape (n, m)."""
        return np.arange(self.points.shape[1]) < self.count[:, None]

    @property
    def following(self) -> Floats:
        """The vertex after each vertex, shape (n, m, 2)."""
        at = np.arange(1, self.points.shape[1] + 1)[None, :]
        at = np.where(at < self.count[:, None], at, 0)
        return np.take_along_axis(self.points, at[:, :, None], axis=1)

    def area_m2(self) -> Floats:
        """Area of each polygon, square metres, shape (n,)."""
        a = self.points - self.points[:, :1]
        b = self.following - self.points[:, :1]
        cross = np.where(self.used, a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0], 0.0)
        return cross.sum(axis=1) / 2

    def centre(self) -> Floats:
        """Mean of the vertices of each polygon, shape (n, 2)."""
        total = np.where(self.used[..., None], self.points, 0.0).sum(axis=1)
        return total / np.maximum(self.count, 1)[:, None]

    def reach(self, direction: Floats) -> tuple[Floats, Floats]:
        """Least and greatest coordinate of each polygon along its *direction*, shape (n, 2)."""
        along = np.einsum("nmk,nk->nm", self.points, direction)
        used = self.used
        return (
            np.where(used, along, np.inf).min(axis=1),
            np.where(used, along, -np.inf).max(axis=1),
        )

    def rings(self) -> NDArray[np.object_]:
        """The boundary of each polygon as a shapely LinearRing; none may be empty."""
        owner = np.repeat(np.arange(len(self)), self.count)
        return np.asarray(shapely.linearrings(self.points[self.used], indices=owner))


def join(parts: Sequence[Cells]) -> Cells:
    """The polygons of all *parts*, one after the other."""
    widest = max(part.points.shape[1] for part in parts)
    padded = [
        np.pad(part.points, ((0, 0), (0, widest - part.points.shape[1]), (0, 0))) for part in parts
    ]
    return Cells(np.concatenate(padded), np.concatenate([part.count for part in parts]))


def from_polygons(polygons: NDArray[np.object_]) -> Cells:
    """Convex shapely polygons without holes as cells, anticlockwise."""
    rings = shapely.get_exterior_ring(shapely.orient_polygons(polygons))
    points, owner = shapely.get_coordinates(rings, return_index=True)
    first = np.searchsorted(owner, np.arange(len(rings) + 1))
    count = np.diff(first) - 1  # the last point repeats the first
    at = np.arange(len(points)) - first[owner]
    kept = at < count[owner]
    padded = np.zeros((len(rings), int(count.max(initial=3)), 2))
    padded[owner[kept], at[kept]] = points[kept]
    return Cells(padded, count)


def cut(cells: Cells, normal: Floats, offset: Floats) -> tuple[Cells, Cells, Floats]:
    """Each polygon in two, by the line ``normal · p = offset``.

    Parameters
    ----------
    cells : Cells
        n polygons.
    normal : ndarray, shape (n, 2)
        Unit vectors.
    offset : ndarray, shape (n,)
        Metres from the origin along the normal.

    Returns
    -------
    below, above : Cells
        n polygons each, on the negative and on the positive side of the line;
        empty where the line leaves nothing there.
    chord : ndarray, shape (k, 2, 2)
        The segments along which the polygons were cut, for those that were.

    Examples
    --------
    >>> square = from_polygons(np.array([shapely.box(0, 0, 10, 10)]))
    >>> below, above, chord = cut(square, np.array([[1.0, 0.0]]), np.array([4.0]))
    >>> below.area_m2().tolist(), above.area_m2().tolist(), chord[0, :, 0].tolist()
    ([40.0], [60.0], [4.0, 4.0])
    >>> below, above, chord = cut(square, np.array([[1.0, 0.0]]), np.array([20.0]))
    >>> below.area_m2().tolist(), above.count.tolist()
    ([100.0], [0])
    """
    side = np.einsum("nmk,nk->nm", cells.points, normal) - offset[:, None]
    following = cells.following
    side_next = np.einsum("nmk,nk->nm", following, normal) - offset[:, None]
    used = cells.used
    crosses = used & (side * side_next < 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(crosses, side / (side - side_next), 0.0)
    crossing = cells.points + share[..., None] * (following - cells.points)
    slots = np.stack((cells.points, crossing), axis=2).reshape(len(cells), -1, 2)
    children = []
    for kept in (side <= 0, side >= 0):
        mask = np.stack((used & kept, crosses), axis=2).reshape(len(cells), -1)
        count = mask.sum(axis=1)
        order = np.argsort(~mask, axis=1, kind="stable")[:, : max(3, int(count.max(initial=3)))]
        points = np.take_along_axis(slots, order[..., None], axis=1)
        children.append(Cells(points, np.where(count >= 3, count, 0)))
    through = crosses.sum(axis=1) == 2
    chord = crossing[through][crosses[through]].reshape(-1, 2, 2)
    return children[0], children[1], chord


def directions(angle: Floats) -> Floats:
    """Unit vectors of angles in radians, shape (n, 2)."""
    return np.column_stack((np.cos(angle), np.sin(angle)))


def cut_streets(
    cells: Cells,
    *,
    angle: Floats,
    block_m2: Floats,
    width_m: Floats,
    rng: np.random.Generator,
) -> tuple[Cells, Ints, Cells, Ints, list[Floats]]:
    """Cut streets through polygons until every block is small enough.

    Parameters
    ----------
    angle : ndarray, shape (n,)
        Direction of the streets of each polygon, radians.
    block_m2, width_m : ndarray, shape (n,)
        Wanted block size and street width; the first street of a polygon is wider by half.

    Returns
    -------
    blocks, block_owner, streets, street_owner
        The pieces, and the polygon each was cut from.
    chords
        The segments of the cuts, arrays of shape (k, 2, 2).
    """
    blocks: list[Cells] = []
    block_owners: list[Ints] = []
    streets: list[Cells] = []
    street_owners: list[Ints] = []
    chords: list[Floats] = []
    owner = np.arange(len(cells))
    first = np.ones(len(cells), dtype=np.bool_)
    while len(cells):
        turn = angle[owner] + rng.normal(0.0, 0.03, len(cells))
        across, low, high = _longer_side(cells, turn, np.ones(len(cells)))
        width = width_m[owner] * np.where(first, 1.5, 1.0)
        limit = block_m2[owner] * rng.uniform(1.2, 1.9, len(cells))
        divide = (cells.area_m2() > limit) & (high - low > 6 * width)
        blocks.append(cells[~divide])
        block_owners.append(owner[~divide])
        cells, owner, first = cells[divide], owner[divide], first[divide]
        if not len(cells):
            break
        across, low, high, width = across[divide], low[divide], high[divide], width[divide]
        middle = low + (high - low) * rng.uniform(0.4, 0.6, len(cells))
        below, rest, near = cut(cells, across, middle - width / 2)
        street, above, far = cut(rest, across, middle + width / 2)
        chords += [near, far]
        sound = street.count > 0
        streets.append(street[sound])
        street_owners.append(owner[sound])
        halves = join((below, above))
        owner = np.concatenate((owner, owner))
        sound = halves.count > 0
        cells, owner = halves[sound], owner[sound]
        first = np.zeros(len(cells), dtype=np.bool_)
    none = Cells(np.zeros((0, 3, 2)), np.zeros(0, dtype=np.int64))
    return (
        join([*blocks, none]),
        np.concatenate([*block_owners, np.zeros(0, dtype=np.int64)]),
        join([*streets, none]),
        np.concatenate([*street_owners, np.zeros(0, dtype=np.int64)]),
        chords,
    )


def cut_lots(
    cells: Cells, *, pieces: Ints, angle: Floats, slenderness: Floats, rng: np.random.Generator
) -> tuple[Cells, Ints, list[Floats]]:
    """Divide each polygon into exactly *pieces* lots.

    Parameters
    ----------
    pieces : ndarray, shape (n,)
        Lots wanted of each polygon, at least 1.
    angle : ndarray, shape (n,)
        Direction of the long side of the lots, radians.
    slenderness : ndarray, shape (n,)
        Wanted length of a lot over its width; 1 for square lots.

    Returns
    -------
    lots, owner
        ``pieces.sum()`` polygons, and the polygon each was cut from.
    chords
        The segments of the cuts, arrays of shape (k, 2, 2).
    """
    done: list[Cells] = []
    owners: list[Ints] = []
    chords: list[Floats] = []
    owner = np.arange(len(cells))
    while len(cells):
        finished = pieces <= 1
        done.append(cells[finished])
        owners.append(owner[finished])
        cells, owner, pieces = cells[~finished], owner[~finished], pieces[~finished]
        if not len(cells):
            break
        turn = angle[owner] + rng.normal(0.0, 0.035, len(cells))
        across, low, high = _longer_side(cells, turn, slenderness[owner])
        share = np.round(pieces * rng.uniform(0.4, 0.6, len(cells))) / pieces
        share += rng.normal(0.0, 0.06, len(cells))
        middle = low + (high - low) * np.clip(share, _LEAST_SHARE, 1 - _LEAST_SHARE)
        below, above, chord = cut(cells, across, middle)
        chords.append(chord)
        area_below, area_above = below.area_m2(), above.area_m2()
        whole = np.maximum(area_below + area_above, np.finfo(np.float64).tiny)
        fair = np.round(pieces * area_below / whole).astype(np.int64)
        fewer = np.clip(fair, 1, pieces - 1)
        cells = join((below, above))
        owner = np.concatenate((owner, owner))
        pieces = np.concatenate((fewer, pieces - fewer))
    return join(done), np.concatenate(owners), chords


def _longer_side(cells: Cells, angle: Floats, slenderness: Floats) -> tuple[Floats, Floats, Floats]:
    """The axis along which each polygon is too long for its *slenderness*, and its reach there."""
    along, beside = directions(angle), directions(angle + np.pi / 2)
    low_along, high_along = cells.reach(along)
    low_beside, high_beside = cells.reach(beside)
    long = high_along - low_along >= slenderness * (high_beside - low_beside)
    return (
        np.where(long[:, None], along, beside),
        np.where(long, low_along, low_beside),
        np.where(long, high_along, high_beside),
    )
