"""Tiles in files, beside and across processes: whole or not there, and never trusted unread.

A file holds a line that says what it is and the tile's bytes. Several processes may share the
folder: a file is written aside and put in its place at once, and the last one wins.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import orjson
import structlog

from server.tile_figures import GONE, HELD, UNUSABLE, Kept
from server.tile_memory import Entry, Key, digest_of

log = structlog.get_logger()

SUFFIX, ASIDE = ".tile", ".new"
LOOK_AGAIN = 0.05  # of the bound: after so many written bytes the folder is measured anew
KEPT = 0.9  # of the bound, after the oldest files went


class TileDisk:
    """Entries by their keys in *folder*, at most about *most* bytes; blocking, for other threads."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self._written = 0

    def get(self, key: Key) -> Entry | None:
        """The entry as it was written; None where it is not there, or not what it says."""
        path = self._path(key)
        try:
            head, _, content = path.read_bytes().partition(b"\n")
            said = orjson.loads(head)
            if said["key"] != _text(key) or said["digest"] != digest_of(content):
                raise ValueError("another tile than it says")
            revision = int(said["revision"])
        except OSError:
            return None
        except (ValueError, KeyError, TypeError):
            log.warning("tile_file_unsound", file=path.name)
            UNUSABLE.inc()
            with suppress(OSError):
                size = path.stat().st_size
                path.unlink()
                HELD[Kept.FILES].dec(size)
            return None
        with suppress(OSError):
            os.utime(path)  # asked for just now
        return Entry(content=content, revision=revision, digest=said["digest"])

    def put(self, key: Key, entry: Entry) -> None:
        """Write an entry; a disk that is full or not there is no reason to fail."""
        path = self._path(key)
        said = {"key": _text(key), "revision": entry.revision, "digest": entry.digest}
        whole, before = orjson.dumps(said) + b"\n" + entry.content, 0
        with suppress(OSError):
            before = path.stat().st_size  # of what is replaced
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=ASIDE, dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(whole)
                os.replace(name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            log.warning("tile_file_not_written", error=type(error).__name__)
            UNUSABLE.inc()
            return
        HELD[Kept.FILES].inc(len(whole) - before)
        self._written += len(whole)
        if self._written > self.most * LOOK_AGAIN:
            self.tidy()

    def tidy(self) -> None:
        """Measure the folder; what was not asked for longest goes until it is within its bound."""
        self._written = 0
        found: list[tuple[float, int, Path]] = []
        for path in self.folder.rglob("*"):
            with suppress(OSError):
                if path.suffix in (SUFFIX, ASIDE):
                    told = path.stat()
                    found.append((told.st_mtime, told.st_size, path))
        held = sum(size for _, size, _ in found)
        until = self.most * KEPT if held > self.most else held
        for _, size, path in sorted(found):
            if held <= until:
                break
            with suppress(OSError):
                path.unlink()
            held -= size
            GONE[Kept.FILES].inc()
        HELD[Kept.FILES].set(held)

    def _path(self, key: Key) -> Path:
        name = hashlib.sha256(_text(key).encode()).hexdigest()
        return self.folder / name[:2] / f"{name[2:]}{SUFFIX}"


def _text(key: Key) -> str:
    return repr(key)
