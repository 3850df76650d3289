"""Class areas for scales at which single polygons cannot be seen: a raster per tile, ready to draw.

Arrays are of shape (rows, columns), north up. A cell holds a number of a `Palette`; 0 is background.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray

type Cells = NDArray[np.int32]
type Pair = tuple[str | None, str | None]  # class as it is drawn, region

SIDE = 512  # cells of a tile, which maps draw at least so many pixels wide
MARGIN = 8  # cells of its neighbours that a tile's areas reach into
SMALLEST = 4  # patches of fewer cells join a neighbour
LARGEST = 64  # patches of as many stay, however many corners the areas have
MAX_CORNERS = 120_000  # of a tile's areas: in a vector tile they take three bytes each
BACKGROUND = 0


class Palette:
    """Numbers for pairs of class and region, from 1."""

    def __init__(self) -> None:
        self._numbers: dict[Pair, int] = {}
        self.pairs: list[Pair | None] = [None]  # by number

    def number(self, pair: Pair) -> int:
        found = self._numbers.setdefault(pair, len(self.pairs))
        if found == len(self.pairs):
            self.pairs.append(pair)
        return found

    def ranks(self) -> NDArray[np.int64]:
        """By number, the pair's place in the alphabet, from 0; background last."""
        ordered = sorted(range(1, len(self.pairs)), key=lambda n: _sortable(self.pairs[n]))
        ranks = np.full(len(self.pairs), len(self.pairs), dtype=np.int64)
        ranks[ordered] = np.arange(len(ordered))
        return ranks

    def regions(self) -> NDArray[np.int32]:
        """By number, the number of its region, from 1; 0 for background."""
        known: dict[str | None, int] = {}
        numbers = [known.setdefault(p[1], len(known) + 1) if p else 0 for p in self.pairs]
        return np.array(numbers, dtype=np.int32)


def drawn_cells(
    polygons: NDArray[np.object_],
    numbers: NDArray[np.int32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> Cells:
    """A tile's cells: each has the number of the polygon that its centre lies in.

    Parameters
    ----------
    polygons, numbers : arrays of equal length
        In the order in which they count: where polygons meet or overlap, the first has the cell.
    x, y : arrays
        The centres of the columns from the west and of the rows from the north, in the polygons'
        own system.

    Examples
    --------
    >>> west, east = shapely.box(0, 0, 1, 2), shapely.box(1, 0, 2, 2)
    >>> drawn_cells(np.array([west, east]), np.array([1, 2]), np.array([0.5, 1.5]), np.array([1.0]))
    array([[1, 2]], dtype=int32)
    """
    cells = np.zeros(len(x) * len(y), dtype=np.int32)
    if not len(polygons):
        return cells.reshape(len(y), len(x))
    centres = shapely.points(np.column_stack([np.tile(x, len(y)), np.repeat(y, len(x))]))
    covers, covered = shapely.STRtree(np.atleast_1d(centres)).query(
        polygons, predicate="intersects"
    )
    first = np.full(len(cells), len(polygons), dtype=np.int64)
    np.minimum.at(first, covered, covers)
    found = first < len(polygons)
    cells[found] = numbers[first[found]]
    return cells.reshape(len(y), len(x))


def majority(fine: Cells, ranks: NDArray[np.int64]) -> Cells:
    """Half as many rows and columns: of four cells what most are.

    Background only where all four are: a coverage's edge moves outward by at most half a cell, and
    nothing within it opens. Of as many the first in the alphabet (`Palette.ranks`).

    Examples
    --------
    >>> majority(np.array([[0, 0], [2, 1]], dtype=np.int32), np.array([2, 0, 1]))
    array([[1]], dtype=int32)
    """
    four = np.stack([fine[::2, ::2], fine[::2, 1::2], fine[1::2, ::2], fine[1::2, 1::2]])
    votes = (four[:, None] == four[None]).sum(axis=1)
    weight = np.where(four == BACKGROUND, -1, votes * len(ranks) - ranks[four])
    best = weight.argmax(axis=0)
    chosen: Cells = np.take_along_axis(four, best[None], axis=0)[0]
    return chosen


def sieved(cells: Cells, regions: NDArray[np.int32]) -> Cells:
    """Patches of fewer than SMALLEST cells joined to their largest neighbour of the same region.

    Where the areas have more than MAX_CORNERS corners, patches of fewer than twice, four times, …
    as many cells are joined, up to LARGEST. Neither background nor a region grows or shrinks.
    """
    size, of_cell = SMALLEST, regions[cells]
    while True:
        made = cells.copy()
        for region in np.unique(of_cell[of_cell > 0]):
            rows, columns = np.nonzero(of_cell == region)
            window = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            mask = of_cell[window] == region
            if (most := min(size, mask.size - 1)) < 2:
                continue
            joined = rasterio.features.sieve(made[window].copy(), most, mask=mask, connectivity=4)
            made[window] = np.where(mask, joined, made[window])
        if corners(made) <= MAX_CORNERS or size >= LARGEST:
            return made
        size *= 2


def bounded(cells: Cells, ranks: NDArray[np.int64]) -> Cells:
    """The cells, or as coarse ones as it takes for their areas to have at most MAX_CORNERS corners.

    Squares of 2 by 2, 4 by 4, … cells become what most of them are (`majority`), as they do further
    out: where no two neighbours are alike there is nothing that small patches could join.

    Examples
    --------
    >>> bounded(np.array([[0, 1], [1, 2]], dtype=np.int32), np.array([2, 0, 1])).tolist()
    [[0, 1], [1, 2]]
    """
    coarse, side, made = cells, 1, cells
    while corners(made) > MAX_CORNERS:
        coarse, side = majority(coarse, ranks), 2 * side
        made = coarse.repeat(side, axis=0).repeat(side, axis=1)
    return made


def corners(cells: Cells) -> int:
    """How many corners the areas of equal cells have, background left out.

    Examples
    --------
    >>> corners(np.array([[1, 1], [1, 2]], dtype=np.int32))
    10
    """
    padded = np.pad(cells, 1, constant_values=BACKGROUND)
    a, b, c, d = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    turns = 0
    for one, beside, below, across in ((a, b, c, d), (b, a, d, c), (c, d, a, b), (d, c, b, a)):
        outward = (one != beside) & (one != below)
        inward = (one == beside) & (one == below) & (one != across)
        turns += int(np.count_nonzero((outward | inward) & (one != BACKGROUND)))
    return turns


def widened(tile: Callable[[int, int], Cells | None]) -> Cells:
    """A tile with a margin of MARGIN cells from its neighbours.

    *tile* gives the cells of the neighbour so many rows south and columns east; None: none is drawn.
    """
    made = np.zeros((SIDE + 2 * MARGIN, SIDE + 2 * MARGIN), dtype=np.int32)
    places = {-1: np.s_[:MARGIN], 0: np.s_[MARGIN:-MARGIN], 1: np.s_[-MARGIN:]}
    strips = {-1: np.s_[-MARGIN:], 0: np.s_[:], 1: np.s_[:MARGIN]}
    for south in places:
        for east in places:
            if (cells := tile(south, east)) is not None:
                made[places[south], places[east]] = cells[strips[south], strips[east]]
    return made


def areas(cells: Cells, corner: int, side: int) -> Mapping[int, tuple[shapely.MultiPolygon, int]]:
    """The area of each number that is drawn, and its cells; along the cells' edges, exact.

    In a tile's own coordinates: x to the east, y to the south, shells of positive area in them, as
    vector tiles (Mapbox Vector Tile 2.1, 4.3.4.4) have them. *corner* is both coordinates of the
    array's first corner, *side* the side of a cell.
    """
    parts: dict[int, list[shapely.Polygon]] = {}
    for shape, value in rasterio.features.shapes(cells, mask=cells != BACKGROUND, connectivity=4):
        shell, *holes = shape["coordinates"]
        parts.setdefault(int(value), []).append(shapely.Polygon(shell, holes))
    counts = np.bincount(cells.ravel())
    return {
        number: (
            shapely.transform(
                shapely.orient_polygons(shapely.MultiPolygon(found)), lambda p: corner + p * side
            ),
            int(counts[number]),
        )
        for number, found in sorted(parts.items())
    }


def packed(cells: Cells, palette: Palette) -> bytes:
    """A tile's cells with their pairs, compressed: equal tiles give equal bytes."""
    used = [number for number in np.unique(cells) if number != BACKGROUND]
    used.sort(key=lambda number: _sortable(palette.pairs[number]))
    places = np.zeros(len(palette.pairs), dtype="<i4")
    places[used] = np.arange(1, len(used) + 1)
    head = json.dumps([palette.pairs[number] for number in used], ensure_ascii=False).encode()
    return zlib.compress(len(head).to_bytes(4, "little") + head + places[cells].tobytes(), 1)


def unpacked(content: bytes, palette: Palette) -> Cells:
    """The cells that `packed` wrote, in the numbers of this palette."""
    plain = zlib.decompress(content)
    length = int.from_bytes(plain[:4], "little")
    pairs: Iterable[list[str | None]] = json.loads(plain[4 : 4 + length])
    numbers = [BACKGROUND, *(palette.number((one, region)) for one, region in pairs)]
    cells = np.frombuffer(plain, dtype="<i4", offset=4 + length).reshape(SIDE, SIDE)
    made: Cells = np.array(numbers, dtype=np.int32)[cells]
    return made


def _sortable(pair: Pair | None) -> tuple[tuple[bool, str], tuple[bool, str]]:
    one, region = pair or (None, None)
    return (one is not None, one or ""), (region is not None, region or "")
