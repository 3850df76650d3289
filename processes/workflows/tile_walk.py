"""Which tiles there may be of some data: a descent through a grid's quadtree in Hilbert's order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from pmtiles.tile import zxy_to_tileid

from providers.grids import Bounds, Grid, TileAddress

DEEPEST_LOOK = 10  # data are looked for down to this zoom: a tile of it is asked as quickly
MARGIN = 0.1  # of a tile's side: what a tile draws of beyond its edges lies within

type Occupied = Callable[[Bounds], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The tiles of some zooms of a grid that meet a box of degrees."""

    grid: Grid
    box: Bounds
    zooms: range
    occupied: Occupied  # whether there is anything in a box of degrees
    found: dict[tuple[int, int, int], bool] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many tiles meet the box, empty ones included."""
        return sum(self.area(zoom) for zoom in self.zooms)

    def limits(self, zoom: int) -> tuple[int, int, int, int]:
        return self.grid.limits(self.box, zoom - self.grid.shift)

    def area(self, zoom: int) -> int:
        top, bottom, left, right = self.limits(zoom)
        return (bottom - top + 1) * (right - left + 1)

    async def tiles(self, empty: Callable[[int], None]) -> AsyncIterator[TileAddress]:
        """The tiles that may hold data, zoom after zoom, each zoom along Hilbert's curve.

        *empty* is told how many tiles are passed over because there is nothing where they lie.
        """
        for zoom in self.zooms:
            limits = self.limits(zoom)
            waiting = [(0, 0, 0)]
            while waiting:
                at, row, column = waiting.pop()
                held = _held(limits, zoom - at, row, column)
                if not held:
                    continue
                if not await self._holds(at, row, column):
                    empty(held)
                elif at == zoom:
                    yield TileAddress(self.grid, zoom - self.grid.shift, row, column)
                else:
                    waiting += _children(at + 1, row * 2, column * 2)

    async def _holds(self, zoom: int, row: int, column: int) -> bool:
        if zoom > DEEPEST_LOOK:
            return True
        key = (zoom, row, column)
        if key not in self.found:
            box = self.grid.degrees(zoom - self.grid.shift, row, column, MARGIN)
            self.found[key] = await self.occupied(box)
        return self.found[key]


async def drawn[T](
    tiles: AsyncIterator[TileAddress], draw: Callable[[TileAddress], Awaitable[T]], *, ahead: int
) -> AsyncIterator[tuple[TileAddress, T]]:
    """What is drawn of each tile, in their order; *ahead* of them are drawn at once."""
    waiting: deque[tuple[TileAddress, asyncio.Future[T]]] = deque()
    try:
        async for address in tiles:
            waiting.append((address, asyncio.ensure_future(draw(address))))
            if len(waiting) >= ahead:
                first, coming = waiting.popleft()
                yield first, await coming
        while waiting:
            first, coming = waiting.popleft()
            yield first, await coming
    finally:
        for _, coming in waiting:
            coming.cancel()
        await asyncio.gather(*(coming for _, coming in waiting), return_exceptions=True)


def _children(zoom: int, row: int, column: int) -> list[tuple[int, int, int]]:
    """The four tiles of the next zoom, the first of the curve last: a stack gives it first."""
    four = [(zoom, row + down, column + right) for down in (0, 1) for right in (0, 1)]
    return sorted(four, key=lambda one: zxy_to_tileid(zoom, one[2], one[1]), reverse=True)


def _held(limits: tuple[int, int, int, int], below: int, row: int, column: int) -> int:
    """How many tiles within the limits lie under a tile *below* zooms above theirs."""
    top, bottom, left, right = limits
    first_row, first_column, side = row << below, column << below, 1 << below
    high = min(bottom, first_row + side - 1) - max(top, first_row) + 1
    wide = min(right, first_column + side - 1) - max(left, first_column) + 1
    return max(high, 0) * max(wide, 0)
