"""Work in blocks: how an algorithm cuts its input, and whoever is given to spread the blocks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

type Geometries = NDArray[np.object_]


class Spread(Protocol):
    """A function of every block, in their order; where and how many at once is its own matter.

    Functions and blocks must be picklable: another process may be the one that computes.
    """

    def __call__[B, R](self, function: Callable[[B], R], blocks: Sequence[B], /) -> Iterable[R]: ...


def in_place[B, R](function: Callable[[B], R], blocks: Sequence[B], /) -> Iterable[R]:
    """One block after the other, here."""
    return map(function, blocks)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Geometries on their way to another process: as WKB, a fifth of what pickling each takes."""

    geometries: Geometries

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (shapely.to_wkb(self.geometries),)


def _unpacked(packed: NDArray[np.object_]) -> Shapes:
    return Shapes(shapely.from_wkb(packed))


def block_slices(weights: NDArray[np.number[Any]], at_most: float) -> list[slice]:
    """Consecutive blocks, none of them heavier than asked for.

    Parameters
    ----------
    weights : ndarray of numbers, shape (n,)
        What each item costs, not negative.
    at_most : float
        The weight of a block, more than 0; an item that is heavier by itself is
        a block by itself.

    Returns
    -------
    list of slice
        Together all of the items, in their order; none where there is no item.

    Examples
    --------
    >>> block_slices(np.array([2, 2, 2, 9, 1]), 4)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None), slice(4, 5, None)]
    >>> block_slices(np.array([], dtype=np.int64), 4)
    []
    """
    reached = np.cumsum(weights, dtype=np.float64)
    found: list[slice] = []
    start, before = 0, 0.0
    while start < len(reached):
        end = int(np.searchsorted(reached, before + at_most, side="right"))
        end = max(end, start + 1)
        found.append(slice(start, end))
        start, before = end, float(reached[end - 1])
    return found


def vertex_counts(geometries: Geometries) -> NDArray[np.int64]:
    """The vertices of each geometry, and one for its existence: what most work grows with.

    Examples
    --------
    >>> vertex_counts(np.array([shapely.box(0, 0, 1, 1), None], dtype=object)).tolist()
    [6, 1]
    """
    return np.asarray(shapely.get_num_coordinates(geometries), dtype=np.int64) + 1
