"""Cold tiles far out give way: while other requests are answered, they take a share of the machine.

Whoever answers something else notes the time where all server processes of an instance see it. As
long as that is recent, such tiles are made one at a time on this machine, and after each of them
none is begun for a while that grows with the time that it took. Nobody else, no waiting.
"""

import asyncio
import fcntl
import mmap
import os
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog

log = structlog.get_logger()

FILE = "tile.courtesy"  # in the home, of what runs there
RECENT_S = 0.25  # so long after another request the machine is not for tiles alone
NOTED_EVERY_S = 0.1  # while one is answered
# Times as long as the tile took, within bounds: answering with it costs something, too.
REST, LEAST_REST_S, MOST_REST_S = 3.0, 0.01, 0.1
LOOK_AGAIN_S = 0.005  # whether another process has finished its tile
TIME = struct.Struct("d")
ANSWERED, RESTING = 0, TIME.size  # where: of the last other request; until when no tile is begun


class TileCourtesy:
    """What the server processes of an instance know of each other; without a file, of one alone."""

    def __init__(self, folder: Path | None = None, *, ahead: bool = False) -> None:
        """*ahead*: nobody waits for this process's tiles, so that it gives way and holds none up."""
        self._times, self._file = _shared(folder)
        self._resting = 0.0  # in place of the shared time, where there is no lock to share
        self._held = False  # by a turn of this process, whom its own lock does not keep out
        self._answering = 0
        self._next: asyncio.TimerHandle | None = None
        if ahead:
            self._unshare()

    def answered(self) -> None:
        """Note that something else than a tile is being answered."""
        TIME.pack_into(self._times, ANSWERED, time.monotonic())

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Note it from the beginning to the end, however long it takes."""
        self._answering += 1
        if self._next is None:
            self._note()
        try:
            yield
        finally:
            self._answering -= 1
            self.answered()

    @property
    def needed(self) -> bool:
        """Whether others are being answered."""
        last: float = TIME.unpack_from(self._times, ANSWERED)[0]
        return 0 <= time.monotonic() - last < RECENT_S  # a time to come is of before a restart

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """A turn to make one tile: at once, or, while others are answered, the only one: whether."""
        alone = await self._wait()
        began = time.monotonic()
        try:
            yield alone
        finally:
            if alone:
                now = time.monotonic()
                self._rest(now + min(max(REST * (now - began), LEAST_REST_S), MOST_REST_S))
                self._held = False
                self._locked(fcntl.LOCK_UN)

    def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
        self._unshare()
        self._times.close()

    def _note(self) -> None:
        self._next = None
        if self._answering:
            self.answered()
            self._next = asyncio.get_running_loop().call_later(NOTED_EVERY_S, self._note)

    async def _wait(self) -> bool:
        """Wait for the turn; whether it is the only one of this machine."""
        while self.needed:
            left = self._until() - time.monotonic()
            if 0 < left <= MOST_REST_S:
                await asyncio.sleep(left)
            elif not self._held and self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                self._held = True
                return True
            else:
                await asyncio.sleep(LOOK_AGAIN_S)
        return False

    def _until(self) -> float:
        """When the rest ends."""
        if self._file is None:
            return self._resting
        found: float = TIME.unpack_from(self._times, RESTING)[0]
        return found

    def _rest(self, until: float) -> None:
        if self._file is None:
            self._resting = until
        else:
            TIME.pack_into(self._times, RESTING, until)

    def _locked(self, operation: int) -> bool:
        """Whether the file's lock is as asked for; where it has none, each process has its own."""
        if self._file is None:
            return True
        try:
            fcntl.flock(self._file, operation)
        except BlockingIOError:
            return False
        except OSError as error:  # a file system without locks
            log.warning("tile_courtesy_not_shared", error=str(error))
            self._unshare()
        return True

    def _unshare(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _shared(folder: Path | None) -> tuple[mmap.mmap, int | None]:
    """A page and the file it is of: the instance's own, else a page that nobody else has."""
    if folder is not None:
        file = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            # a page without its place on the disk would end the process that writes to it
            os.posix_fallocate(file, 0, mmap.PAGESIZE)
            return mmap.mmap(file, mmap.PAGESIZE), file
        except OSError as error:  # a home that cannot be written, a full disk
            log.warning("tile_courtesy_not_shared", error=str(error))
            if file is not None:
                os.close(file)
    return mmap.mmap(-1, mmap.PAGESIZE), None
