"""Two sets of polygons laid over one another: what they share, and what each has alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from processes.algorithms.blocks import Spread, in_place
from processes.algorithms.overlay_blocks import (
    Areas,
    Measure,
    Pairs,
    parts_alone,
    shared_parts,
)
from processes.algorithms.polygon_repair import polygonal

MAX_PAIRS = 1_000_000
PAIRS_AT_ONCE = 2_000_000  # candidates looked at in one go
SNAP_M = 0.001  # the coarsest grid that keeps areas to 1e-10; coarser ones make new slivers
CLOSING_M2, CLOSING_SHARE = 1.0, 1e-6
ROUNDING_SHARE = 1e-9  # of a feature's area: what is less is rounding, not land

type Geometries = NDArray[np.object_]
type Integers = NDArray[np.int64]


class TooManyPairs(Exception):
    """More pairs of features meet than one computation may cut."""

    def __init__(self) -> None:
        super().__init__(f"more than {MAX_PAIRS} pairs of features meet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of an overlay, parallel arrays; -1 stands for the input that is not there."""

    geometries: Geometries  # polygonal, in the plane of the overlay
    left: Integers
    right: Integers
    area_m2: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.geometries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Whether the parts of one input add up to it."""

    whole_m2: float
    shared_m2: float  # with the other input; counted once for each feature there
    alone_m2: float
    plane_whole_m2: float
    plane_difference_m2: float  # parts minus whole in the plane of the overlay

    @property
    def difference_m2(self) -> float:
        """What the parts have too much: land under two features of the other input counts twice.

        Beside that the cutting of edges, which are straight in the plane of the overlay alone.
        """
        return self.shared_m2 + self.alone_m2 - self.whole_m2

    @property
    def closes(self) -> bool:
        """In the plane, within the larger of 1 m² and a millionth of the whole."""
        tolerance_m2 = max(CLOSING_M2, CLOSING_SHARE * self.plane_whole_m2)
        return abs(self.plane_difference_m2) <= tolerance_m2


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """Two inputs cut by one another."""

    both: Parts
    left_alone_m2: Areas  # of each feature, what lies under none of the other input
    right_alone_m2: Areas
    left: Closing
    right: Closing
    cut: Callable[[bool], Parts]  # what the left (true) or the right input has alone, cut now

    @property
    def left_alone(self) -> Parts:
        """What the left input has alone, with its shapes."""
        return self.cut(True)

    @property
    def right_alone(self) -> Parts:
        """What the right input has alone, with its shapes."""
        return self.cut(False)


def overlay(
    left: Geometries,
    right: Geometries,
    *,
    measure: Measure,
    snap_m: float | None = None,
    spread: Spread = in_place,
) -> Overlay:
    """Both inputs cut by one another: intersection, and what each has alone.

    Parameters
    ----------
    left, right : ndarray of object, shapes (n,) and (m,)
        Valid Polygon or MultiPolygon in one plane in metres; empty ones meet
        nothing. Features of one input may overlap one another.
    measure : callable
        The area of geometries of that plane in square metres: `shapely.area` in
        the official plane, whose planar area is the ellipsoidal one. Picklable.
    snap_m : float, optional
        Snaps all vertices to a grid of this size, at most 1 mm. None: only where
        the exact computation fails.
    spread : callable, optional
        Cuts the blocks of many pairs.

    Returns
    -------
    Overlay
        Parts in order of left, then right feature. Features that only touch
        share nothing; slivers are kept, or the areas would not close.

    Raises
    ------
    TooManyPairs
        If more than a million pairs of features meet.
    ValueError
        If *snap_m* is not in (0, 0.001].

    Notes
    -----
    In one plane with `shapely.area` the law is exact but for rounding: the
    shared parts and the part alone of a feature have its area, where the
    features of the other input do not overlap one another. There the area
    alone is that difference; its shape is cut only where somebody asks for it.
    Elsewhere it is cut at once.

    References
    ----------
    Shared kernel K-6 of the domain's algorithms: bulk index query, vectorised
    cutting, snap-rounding to at most 1 mm.

    Examples
    --------
    >>> a, b = shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)
    >>> one, other = np.array([a], dtype=object), np.array([b], dtype=object)
    >>> found = overlay(one, other, measure=shapely.area)
    >>> [float(p.area_m2.sum()) for p in (found.both, found.left_alone, found.right_alone)]
    [1.0, 1.0, 1.0]
    >>> nothing = np.array([], dtype=object)
    >>> overlay(one, nothing, measure=shapely.area).left.closes
    True
    """
    if snap_m is not None and not 0 < snap_m <= SNAP_M:
        raise ValueError(f"snap_m: {snap_m}; expected more than 0 and at most {SNAP_M}")
    i, j = meeting(left, right)
    try:
        return _overlay(left, right, i, j, measure, snap_m, spread)
    except GEOSException:
        if snap_m is not None:
            raise
        return _overlay(left, right, i, j, measure, SNAP_M, spread)


def meeting(left: Geometries, right: Geometries) -> tuple[Integers, Integers]:
    """The pairs of features that have a point in common, in order of left, then right."""
    tree = shapely.STRtree(right)
    step = max(1, PAIRS_AT_ONCE // max(1, len(right)))
    rows, columns, count = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for start in range(0, len(left), step):
        i, j = tree.query(left[start : start + step], predicate="intersects")
        count += len(i)
        if count > MAX_PAIRS:
            raise TooManyPairs
        rows.append(i + start)
        columns.append(j)
    i, j = np.concatenate(rows), np.concatenate(columns)
    order = np.lexsort((j, i))
    return i[order], j[order]


def _overlay(
    left: Geometries,
    right: Geometries,
    i: Integers,
    j: Integers,
    measure: Measure,
    grid: float | None,
    spread: Spread,
) -> Overlay:
    if grid is not None:
        left, right = (polygonal(shapely.set_precision(one, grid)) for one in (left, right))
    pairs = Pairs(ours=left, theirs=right, i=i, j=j)
    shared, shared_m2 = shared_parts(pairs, measure=measure, grid=grid, spread=spread)

    @cache
    def cut(of_left: bool) -> Parts:
        seen = pairs if of_left else pairs.turned()
        alone, alone_m2 = parts_alone(seen, measure=measure, grid=grid, spread=spread)
        own, nobody = np.arange(len(alone)), np.full(len(alone), -1, dtype=np.int64)
        one, other = (own, nobody) if of_left else (nobody, own)
        return _parts(alone, one, other, alone_m2)

    def alone(of_left: bool) -> Areas:
        whole, others, at = (left, right, i) if of_left else (right, left, j)
        if measure is shapely.area and apart(others):
            own_m2 = shapely.area(whole)
            rest = own_m2 - np.bincount(at, shared_m2, minlength=len(whole))
            return np.where(rest > ROUNDING_SHARE * own_m2, rest, 0.0)
        parts = cut(of_left)
        areas_m2 = np.zeros(len(whole))
        areas_m2[parts.left if of_left else parts.right] = parts.area_m2
        return areas_m2

    both = _parts(shared, i, j, shared_m2)
    left_m2, right_m2 = alone(True), alone(False)
    in_plane_m2 = float(shapely.area(both.geometries).sum())
    return Overlay(
        both=both,
        left_alone_m2=left_m2,
        right_alone_m2=right_m2,
        left=_closing(left, both, in_plane_m2, left_m2, measure, cut, True),
        right=_closing(right, both, in_plane_m2, right_m2, measure, cut, False),
        cut=cut,
    )


def apart(features: Geometries) -> bool:
    """Whether no two of some valid polygons in a plane share an area.

    Examples
    --------
    >>> one, two, three = shapely.box(0, 0, 2, 1), shapely.box(2, 0, 3, 1), shapely.box(1, 0, 3, 1)
    >>> apart(np.array([one, two])), apart(np.array([one, three]))
    (True, False)
    """
    if shapely.coverage_is_valid(features):  # neighbours that share their edges, vertex by vertex
        return True
    tree = shapely.STRtree(features)
    step = max(1, PAIRS_AT_ONCE // max(1, len(features)))
    for start in range(0, len(features), step):
        i, j = tree.query(features[start : start + step])
        one, other = i + start, j
        later = one < other
        if shapely.relate_pattern(features[one[later]], features[other[later]], "T********").any():
            return False
    return True


def _closing(
    whole: Geometries,
    both: Parts,
    in_plane_m2: float,
    alone_m2: Areas,
    measure: Measure,
    cut: Callable[[bool], Parts],
    of_left: bool,
) -> Closing:
    plane_whole_m2 = float(shapely.area(whole).sum())
    planar = measure is shapely.area
    alone_plane_m2 = alone_m2.sum() if planar else shapely.area(cut(of_left).geometries).sum()
    return Closing(
        whole_m2=float(measure(whole).sum()),
        shared_m2=float(both.area_m2.sum()),
        alone_m2=float(alone_m2.sum()),
        plane_whole_m2=plane_whole_m2,
        plane_difference_m2=in_plane_m2 + float(alone_plane_m2) - plane_whole_m2,
    )


def _parts(
    geometries: Geometries, left: Integers, right: Integers, area_m2: NDArray[np.float64]
) -> Parts:
    kept = area_m2 > 0
    return Parts(
        geometries=geometries[kept], left=left[kept], right=right[kept], area_m2=area_m2[kept]
    )
