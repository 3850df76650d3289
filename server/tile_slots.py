"""How many tiles are made at once: cold tiles must leave connections for everything else."""

import time
from asyncio import Semaphore
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil

from config.vocabulary import LayerId
from server.problems import Overloaded
from server.tile_courtesy import TileCourtesy

MOST_AFTER_S = 60  # that who is refused is told to wait
NEWEST = 0.2  # the weight of the last turn in what turns take
LOW_ZOOM = 12  # up to here a tile may hold thousands of features


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """At once in the process and of one layer, and how many of a layer may wait."""

    process: int
    layer: int
    waiting: int


# A process has eight reading connections: at least two of them are never a tile's, and at least
# six never a tile's of a low zoom, of which one layer makes one at a time: it fills a core.
ANY = Bounds(process=6, layer=4, waiting=120)
LOW = Bounds(process=2, layer=1, waiting=40)


@dataclass(slots=True)
class _Line:
    """The turns of one layer at one kind of zoom."""

    turns: Semaphore
    waiting: int = 0
    seconds: float = 0.0  # that a turn took lately, with what it waited for within the turn


@dataclass(slots=True)
class TileSlots:
    """Turns to make a tile; who would wait behind too many is refused."""

    low: Bounds = LOW
    any: Bounds = ANY
    courtesy: TileCourtesy = field(default_factory=TileCourtesy)
    _all: Semaphore = field(init=False)
    _low: Semaphore = field(init=False)
    _lines: dict[tuple[LayerId, bool], _Line] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all, self._low = Semaphore(self.any.process), Semaphore(self.low.process)

    @asynccontextmanager
    async def turn(self, layer: LayerId, zoom: int) -> AsyncIterator[None]:
        """A turn to make one tile.

        Raises
        ------
        Overloaded
            Where as many tiles of the layer wait already as may.
        """
        low = zoom <= LOW_ZOOM
        bounds = self.low if low else self.any
        line = self._lines.setdefault((layer, low), _Line(Semaphore(bounds.layer)))
        if line.turns.locked() and line.waiting >= bounds.waiting:
            # when half of those who wait now have had their turns
            later = ceil(line.waiting * line.seconds / bounds.layer / 2)
            told = f"{line.waiting} tiles of {layer} wait to be made"
            raise Overloaded(told, after_s=min(max(later, 1), MOST_AFTER_S))
        line.waiting += 1
        try:
            await line.turns.acquire()
        finally:
            line.waiting -= 1
        began = time.monotonic()
        try:
            if low:
                async with self._low, self.courtesy.turn(), self._all:
                    yield
            else:
                async with self._all:
                    yield
        finally:
            line.seconds += NEWEST * (time.monotonic() - began - line.seconds)
            line.turns.release()
