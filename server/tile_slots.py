"""How many tiles are made at once: cold tiles must leave connections for everything else."""

import time
from asyncio import Lock, Semaphore
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Self

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
# four never a tile's of a low zoom: of those some are made while others are sent.
ANY = Bounds(process=6, layer=4, waiting=120)
LOW = Bounds(process=4, layer=4, waiting=40)


@dataclass(slots=True)
class _Line:
    """The turns of one layer at one kind of zoom."""

    turns: Semaphore
    asking: int = 0  # who waits or makes
    waiting: int = 0
    began: float = 0.0  # the turn that was taken last
    seconds: float | None = None  # that turns took lately, with what they waited for

    def ended(self, began: float) -> None:
        took = time.monotonic() - began
        before = took if self.seconds is None else self.seconds
        self.seconds = before + NEWEST * (took - before)

    def later(self, at_once: int) -> int:
        """Seconds until half of those who wait now will have had their turns."""
        under_way = time.monotonic() - self.began
        seconds = max(self.seconds or 0.0, under_way)
        return min(max(ceil(self.waiting * seconds / at_once / 2), 1), MOST_AFTER_S)


@dataclass(slots=True)
class TileSlots:
    """Turns to make a tile; who would wait behind too many is refused."""

    low: Bounds = LOW
    any: Bounds = ANY
    courtesy: TileCourtesy = field(default_factory=TileCourtesy)
    _all: Semaphore = field(init=False)
    _low: Semaphore = field(init=False)
    _next: Lock = field(default_factory=Lock)  # one low tile at a time waits for a place
    _lines: dict[tuple[LayerId, bool], _Line] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all, self._low = Semaphore(self.any.process), Semaphore(self.low.process)

    @asynccontextmanager
    async def turn(
        self, layer: LayerId, zoom: int, together: "SharedTurn | None" = None
    ) -> AsyncIterator[None]:
        """A turn to make one tile.

        Raises
        ------
        Overloaded
            Where as many tiles of the layer wait already as may.
        """
        low = zoom <= LOW_ZOOM
        async with self._in_line(layer, together, low=low) as line:
            began = line.began = time.monotonic()
            if not low:
                async with self._all:
                    yield
            elif together is None:
                async with self.courteous():
                    yield
            else:
                async with together.part():
                    yield
            line.ended(began)

    @asynccontextmanager
    async def _in_line(
        self, layer: LayerId, together: "SharedTurn | None", *, low: bool
    ) -> AsyncIterator[_Line]:
        """One of the turns of a layer; its line is there as long as anybody asks for it."""
        place, bounds = (layer, low), self.low if low else self.any
        line = self._lines.get(place)
        if line is None:
            line = self._lines[place] = _Line(Semaphore(bounds.layer))
        if line.turns.locked() and line.waiting >= bounds.waiting:
            told = f"{line.waiting} tiles of {layer} wait to be made"
            raise Overloaded(told, after_s=line.later(bounds.layer))
        line.asking += 1
        try:
            line.waiting += 1
            try:
                if together is not None and line.turns.locked():
                    await together.give_back()
                await line.turns.acquire()
            finally:
                line.waiting -= 1
            try:
                yield line
            finally:
                line.turns.release()
        finally:
            line.asking -= 1
            if not line.asking:
                del self._lines[place]

    @asynccontextmanager
    async def courteous(self) -> AsyncIterator[bool]:
        """A place for a tile of a low zoom, and whether it is the only one of this machine.

        The machine's turn comes last: it is not held while waiting. Whoever waits for it holds one
        of the places that tiles near the ground need, and those behind hold none.
        """
        async with self._low:
            if not (self.courtesy.needed or self._all.locked()):
                async with self._all:
                    yield False
                return
            async with AsyncExitStack() as place:
                async with self._next:
                    await place.enter_async_context(self._all)
                    alone = await place.enter_async_context(self.courtesy.turn())
                yield alone


class SharedTurn:
    """A low tile of several layers has one turn: from the first that is made until it is whole.

    Its layers are had one after the other, and then the machine rests once. Who makes a layer for
    somebody else may wait for the same turn: so it is given back before waiting for them. A tile
    that holds a turn waits for nobody who needs one.
    """

    def __init__(self, slots: TileSlots) -> None:
        self._slots = slots
        self._place: AsyncExitStack | None = None
        self._alone = self._making = self._whole = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._whole = True
        if not self._making:  # else a layer outlasts the request that asked for it
            await self.give_back()

    async def give_back(self) -> None:
        """Hold no turn until the next layer is made."""
        place, self._place = self._place, None
        if place is not None:
            await place.aclose()

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """A turn to make one layer."""
        self._making = True
        try:
            if self._slots.courtesy.needed and not self._alone:
                await self.give_back()  # it was had before others were answered
            if self._place is None:
                place = AsyncExitStack()
                self._alone = await place.enter_async_context(self._slots.courteous())
                self._place = place
            yield
        finally:
            self._making = False
            if self._whole:
                await self.give_back()
