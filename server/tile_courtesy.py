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
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

log = structlog.get_logger()

FILE = "tile.courtesy"  # in the home, of what runs there
RECENT_S = 0.25  # so long after another request the machine is not for tiles alone
# Times as long as the tile took, within bounds: answering with it costs something, too.
REST, LEAST_REST_S, MOST_REST_S = 3.0, 0.01, 0.1
LOOK_AGAIN_S = 0.005  # whether another process has finished its tile
TIMES = struct.Struct("dd")  # of the last other request; until when no tile is begun


class TileCourtesy:
    """What the server processes of an instance know of each other; without a file, of one alone."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = _shared(folder)
        self._times = mmap.mmap(self._file, mmap.PAGESIZE)
        self._held = False  # by a turn of this process, whom its own lock does not keep out

    def answered(self) -> None:
        """Note that something else than a tile is being answered."""
        _, rest = TIMES.unpack_from(self._times)
        TIMES.pack_into(self._times, 0, time.monotonic(), rest)

    @property
    def needed(self) -> bool:
        """Whether others are being answered."""
        last: float = TIMES.unpack_from(self._times)[0]
        return 0 <= time.monotonic() - last < RECENT_S  # a time to come is of before a restart

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn to make one tile: at once, or, while others are answered, the only one."""
        alone = await self._wait()
        began = time.monotonic()
        try:
            yield
        finally:
            if alone:
                now = time.monotonic()
                last, _ = TIMES.unpack_from(self._times)
                rest = min(max(REST * (now - began), LEAST_REST_S), MOST_REST_S)
                TIMES.pack_into(self._times, 0, last, now + rest)
                self._held = False
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        self._times.close()
        os.close(self._file)

    async def _wait(self) -> bool:
        """Wait for the turn; whether it is the only one of this machine."""
        while self.needed:
            _, until = TIMES.unpack_from(self._times)
            left = until - time.monotonic()
            if 0 < left <= MOST_REST_S:
                await asyncio.sleep(left)
            elif self._taken():
                return True
            else:
                await asyncio.sleep(LOOK_AGAIN_S)
        return False

    def _taken(self) -> bool:
        if self._held:
            return False
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._held = True
        return True


def _shared(folder: Path | None) -> int:
    """A file of one page: the instance's own, else one that nobody else has."""
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.truncate(file, mmap.PAGESIZE)
        except OSError as error:  # a home that cannot be written
            log.warning("tile_courtesy_not_shared", error=type(error).__name__)
        else:
            return file
    with tempfile.TemporaryFile() as own:
        own.truncate(mmap.PAGESIZE)
        return os.dup(own.fileno())
