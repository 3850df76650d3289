"""The cutting of an overlay in blocks of pairs: each by itself, wherever it is computed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.blocks import Shapes, Spread, block_slices, vertex_counts
from processes.algorithms.polygon_repair import polygonal

BLOCK_VERTICES = 200_000  # of the polygons that are cut: some tenths of a second

type Geometries = NDArray[np.object_]
type Integers = NDArray[np.int64]
type Areas = NDArray[np.float64]
type Measure = Callable[[Geometries], Areas]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs of features that meet, by their places in the two inputs; sorted by *i*, then *j*."""

    ours: Geometries
    theirs: Geometries
    i: Integers
    j: Integers

    def turned(self) -> "Pairs":
        """The same pairs seen from the other input."""
        order = np.lexsort((self.i, self.j))
        return Pairs(ours=self.theirs, theirs=self.ours, i=self.j[order], j=self.i[order])

    def weights(self) -> Integers:
        """How many vertices each pair has."""
        return vertex_counts(self.ours)[self.i] + vertex_counts(self.theirs)[self.j]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Some pairs with the features that they name, each of them once."""

    ours: Shapes
    theirs: Shapes
    i: Integers  # places in *ours*
    j: Integers


def shared_parts(
    pairs: Pairs, *, measure: Measure, grid: float | None, spread: Spread
) -> tuple[Geometries, Areas]:
    """What the features of each pair have in common, and its area; empty where they only touch."""
    slices = block_slices(pairs.weights(), BLOCK_VERTICES)
    blocks = [_block(pairs, place) for place in slices]
    return _joined(spread(partial(_shared, measure=measure, grid=grid), blocks))


def parts_alone(
    pairs: Pairs, *, measure: Measure, grid: float | None, spread: Spread
) -> tuple[Geometries, Areas]:
    """What of each of our features lies under none of theirs, and its area."""
    met, begin = np.unique(pairs.i, return_index=True)
    weights = np.add.reduceat(pairs.weights(), begin) if len(met) else met
    ends = np.append(begin[1:], len(pairs.i))
    blocks = [
        _block(pairs, slice(int(begin[place.start]), int(ends[place.stop - 1])))
        for place in block_slices(weights, BLOCK_VERTICES)
    ]
    geometries, area_m2 = pairs.ours.copy(), np.zeros(len(pairs.ours))
    cut, cut_m2 = _joined(spread(partial(_alone, measure=measure, grid=grid), blocks))
    geometries[met], area_m2[met] = cut, cut_m2
    whole = np.ones(len(pairs.ours), dtype=np.bool_)
    whole[met] = False
    area_m2[whole] = measure(pairs.ours[whole])
    return geometries, area_m2


def _block(pairs: Pairs, place: slice) -> _Block:
    ours, i = np.unique(pairs.i[place], return_inverse=True)
    theirs, j = np.unique(pairs.j[place], return_inverse=True)
    return _Block(ours=Shapes(pairs.ours[ours]), theirs=Shapes(pairs.theirs[theirs]), i=i, j=j)


def _shared(block: _Block, *, measure: Measure, grid: float | None) -> tuple[Shapes, Areas]:
    ours, theirs = block.ours.geometries, block.theirs.geometries
    cut = polygonal(shapely.intersection(ours[block.i], theirs[block.j], grid_size=grid))
    return Shapes(cut), measure(cut)


def _alone(block: _Block, *, measure: Measure, grid: float | None) -> tuple[Shapes, Areas]:
    ours, theirs = block.ours.geometries, block.theirs.geometries
    (begin,) = np.nonzero(np.diff(block.i, prepend=-1))
    cover = np.empty(len(ours), dtype=object)
    for place, mates in enumerate(np.split(block.j, begin[1:])):
        one = len(mates) == 1
        cover[place] = theirs[mates[0]] if one else shapely.union_all(theirs[mates], grid_size=grid)
    cut = polygonal(shapely.difference(ours, cover, grid_size=grid))
    return Shapes(cut), measure(cut)


def _joined(found: Iterable[tuple[Shapes, Areas]]) -> tuple[Geometries, Areas]:
    every = list(found)
    if not every:
        return np.zeros(0, dtype=object), np.zeros(0)
    shapes, areas_m2 = zip(*every, strict=True)
    return np.concatenate([one.geometries for one in shapes]), np.concatenate(areas_m2)
