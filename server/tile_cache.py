"""The tile cache: right after every edit, by touches; one statement per cold tile and process.

An entry is known to be right up to a revision. Is that the one asked for, nothing is asked of the
database; is it an older one, one statement says whether the tile was touched since.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import psycopg
import structlog

from config.settings import Settings
from config.vocabulary import LayerId
from providers.database import Pools
from providers.overview_sources import Source
from providers.tile_reading import database_identity
from providers.tile_sources import Tile
from server.compression import ASIDE_BYTES, Coding
from server.problems import Overloaded
from server.tile_courtesy import TileCourtesy
from server.tile_disk import TileDisk
from server.tile_figures import HAD, LOW, NEAR, Had
from server.tile_layers import of_each
from server.tile_memory import MIB, Entry, Form, Key, TileMemory
from server.tile_slots import LOW_ZOOM, SharedTurn, TileSlots

log = structlog.get_logger()

FOLDER = "tiles"  # in the store


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A tile that is asked for, and how to have it."""

    key: Key | None  # None: it is not kept, and nobody else asks for the very same
    layer: LayerId
    zoom: int
    revision: int  # that its source has now, as far as this process knows
    source: Source | None = None  # what it is kept as being drawn from; None: whatever
    make: Callable[[], Awaitable[Tile]]
    # whether revisions after one, up to another, changed what the tile draws
    touched: Callable[[int, int], Awaitable[bool]]
    together: SharedTurn | None = None  # with the other layers of one answer


async def _nowhere() -> str:
    return ""


class TileCache:
    """Memory, files where there are any, and the tiles that are being made."""

    def __init__(
        self,
        memory: TileMemory,
        disk: TileDisk | None = None,
        identify: Callable[[], Awaitable[str]] = _nowhere,
        slots: TileSlots | None = None,
    ) -> None:
        """Files are of the database that *identify* names."""
        self.memory, self.slots = memory, slots or TileSlots()
        self._disk, self._identify = disk, identify
        self._database: str | None = None
        self._flights: dict[Key, asyncio.Task[Entry]] = {}
        self._writing: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, settings: Settings, pools: Pools, *, ahead: bool = False) -> "TileCache":
        """The cache that an instance is told to have; *ahead*: nobody waits for its tiles."""
        most, stored = settings.tile_cache_mb * MIB, settings.tile_store_mb * MIB
        disk = TileDisk(settings.store / FOLDER, stored) if most and stored else None
        slots = TileSlots(courtesy=TileCourtesy(settings.home, ahead=ahead))
        found = cls(TileMemory(most), disk, partial(database_identity, pools), slots)
        if disk is not None:
            found._beside(disk.tidy)
        return found

    def current(self, key: Key, revision: int) -> Entry | None:
        """The entry where it is in memory and known to be right."""
        entry = self.memory.get(key)
        return entry if entry is not None and entry.revision >= revision else None

    async def tile(self, wanted: Wanted) -> Entry:
        """The tile: kept, still right, or made; who asks for the same waits for the same.

        Raises
        ------
        Overloaded
            Where too many tiles of the layer wait to be made.
        """
        try:
            key = wanted.key
            if key is None or not self.memory.most:
                return await self._made(wanted)
            return await self._had(key, wanted)
        except Overloaded:
            HAD[Had.REFUSED].inc()
            raise

    async def tiles(self, wanted: Sequence[Wanted]) -> list[Entry]:
        """The tiles of several layers at one place: far out one after the other, in one turn.

        Raises
        ------
        Overloaded
            Where too many tiles of one of the layers wait to be made.
        """
        if not wanted or wanted[0].zoom > LOW_ZOOM:
            return await of_each(self.tile, wanted)
        async with SharedTurn(self.slots) as turn:
            return [await self.tile(replace(each, together=turn)) for each in wanted]

    async def _had(self, key: Key, wanted: Wanted) -> Entry:
        while True:
            if (entry := self.current(key, wanted.revision)) is not None:
                HAD[Had.MEMORY].inc()
                return entry
            flight = self._flights.get(key)
            own = flight is None or flight.done()  # done, and not yet told: it waits for this turn
            if flight is None or own:
                flight = self._flights[key] = asyncio.create_task(self._found(key, wanted))
                flight.add_done_callback(lambda done: self._landed(key, done))
            elif wanted.together is not None:
                await wanted.together.give_back()
            # who leaves does not end it: others wait for it, and the next one asks again
            entry = await asyncio.shield(flight)
            if own:
                return entry
            if entry.revision >= wanted.revision:
                HAD[Had.AWAITED].inc()
                return entry

    async def form(self, key: Key | None, entry: Entry, coding: Coding) -> Form:
        """The entry in a coding; it is kept with the entry, and counted."""
        if (form := entry.forms.get(coding)) is not None:
            return form
        if coding != "identity" and len(entry.content) > ASIDE_BYTES:
            form = await asyncio.to_thread(entry.form, coding)
        else:
            form = entry.form(coding)
        if key is not None and self.memory.get(key) is entry:
            self.memory.put(key, entry)
        return form

    async def close(self) -> None:
        """Wait for the tiles that are being made and the files that are being written."""
        await asyncio.gather(*self._flights.values(), *self._writing, return_exceptions=True)
        self.slots.courtesy.close()

    async def _found(self, key: Key, wanted: Wanted) -> Entry:
        entry, had = self.memory.get(key), Had.MEMORY
        if entry is None:
            entry, had = await self._read(key), Had.FILES
        if entry is not None and entry.revision < wanted.revision:
            had = Had.CHECKED
            if await wanted.touched(entry.revision, wanted.revision):
                entry = None
            else:
                entry.revision = wanted.revision
        if entry is None:
            entry = await self._made(wanted)
            if not entry.revision:
                return entry
            self._write(key, entry)
        else:
            HAD[had].inc()
        self.memory.put(key, entry)
        return entry

    async def _read(self, key: Key) -> Entry | None:
        if self._disk is None:
            return None
        try:
            self._database = self._database or await self._identify()
        except psycopg.Error as error:  # a server that keeps this to itself
            log.warning("tile_files_off", error=type(error).__name__)
            self._disk = None
            return None
        return await asyncio.to_thread(self._disk.get, (self._database, *key))

    async def _made(self, wanted: Wanted) -> Entry:
        async with self.slots.turn(wanted.layer, wanted.zoom, wanted.together):
            with (LOW if wanted.zoom <= LOW_ZOOM else NEAR).time():
                tile = await wanted.make()
        HAD[Had.MADE].inc()
        # what was drawn from another source than asked for is right now, and never again
        kept = wanted.source is None or tile.source == wanted.source
        return Entry.of(tile.content, (tile.revision or 0) if kept else 0)

    def _write(self, key: Key, entry: Entry) -> None:
        if self._disk is not None and self._database is not None:
            self._beside(partial(self._disk.put, (self._database, *key), entry))

    def _beside(self, work: Callable[[], None]) -> None:
        """Beside what goes on: nobody waits for a file."""
        task = asyncio.create_task(asyncio.to_thread(work))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    def _landed(self, key: Key, done: asyncio.Task[Entry]) -> None:
        if self._flights.get(key) is done:
            del self._flights[key]
        if not done.cancelled():
            done.exception()  # told to whoever waits; nobody may
