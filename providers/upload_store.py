"""The contents of uploads: a file without a name until it is whole, then under the upload's id."""

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from providers.store_disk import RESERVED_BYTES, StorageFull, sync_folder, writing_told

FOLDER, RECEIVING = "uploads", ".receiving"
UPLOAD_ID = re.compile(r"up-[0-9a-f]{32}", re.ASCII)
# A file that nobody knows is left alone so long: its row may be about to be committed.
UNKNOWN_FOR_S = 2 * 3_600.0
DESCRIPTORS = Path("/proc/self/fd")  # by which a file without a name gets one


class UploadLost(Exception):
    """The database knows an upload whose content the store does not have, or has otherwise."""


def new_upload_id() -> str:
    """128 random bits: whoever knows an anonymous upload's id may use it."""
    return f"up-{secrets.token_hex(16)}"


@dataclass(slots=True)
class Receiving:
    """A content that is arriving."""

    descriptor: int
    path: Path | None  # None: the file has no name, and is gone with the process
    size: int = 0  # bytes so far
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def write(self, chunk: bytes) -> None:
        """Append; StorageFull where the disk has no room."""
        with writing_told():
            view = memoryview(chunk)
            while view:
                view = view[os.write(self.descriptor, view) :]
        self.digest.update(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        return self.digest.hexdigest()


@dataclass(frozen=True, slots=True)
class UploadStore:
    """The folder of the uploads' contents: `ab/up-ab…`."""

    folder: Path

    @classmethod
    def within(cls, store: Path) -> "UploadStore":
        """The uploads' part of an instance's store."""
        return cls(store / FOLDER)

    def path(self, upload: str, size: int) -> Path:
        """Where a content lies; UploadLost where it does not, or is of another size."""
        place = self._place(upload)
        try:
            found = place.stat().st_size
        except OSError as error:
            raise UploadLost(f"the upload {upload} is not in the store") from error
        if found != size:
            raise UploadLost(f"the upload {upload} has {found} bytes in the store, not {size}")
        return place

    def check_room(self, size: int) -> None:
        """StorageFull where the disk would have less left than is reserved."""
        with writing_told():
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        if free - size < RESERVED_BYTES:
            raise StorageFull

    @contextmanager
    def receiving(self) -> Iterator[Receiving]:
        """A file to write to; it goes unless it was kept."""
        with writing_told():
            one = self._opened()
        try:
            yield one
        finally:
            os.close(one.descriptor)
            if one.path is not None:
                one.path.unlink(missing_ok=True)

    def finish(self, one: Receiving) -> None:
        """Have the content on the disk, not only on its way to it."""
        with writing_told():
            os.fsync(one.descriptor)

    def keep(self, one: Receiving, upload: str) -> None:
        """Give the whole content its name, at once and for good."""
        place = self._place(upload)
        with writing_told():
            place.parent.mkdir(exist_ok=True)
            if one.path is None:
                _named(one.descriptor, place)
            else:
                os.link(one.path, place)
            for folder in (place.parent, self.folder):
                sync_folder(folder)

    def forget(self, upload: str) -> None:
        """Remove a content that no row knows."""
        self._place(upload).unlink(missing_ok=True)

    def old(self) -> Iterator[str]:
        """The ids of contents that have lain here for a while; what was left of lost ones goes."""
        if not self.folder.is_dir():
            return
        before = time.time() - UNKNOWN_FOR_S
        for part in self.folder.iterdir():
            for path in part.iterdir() if part.is_dir() else ():
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime > before:
                        continue
                    if part.name == RECEIVING:
                        path.unlink()
                    elif UPLOAD_ID.fullmatch(path.name):
                        yield path.name

    def _place(self, upload: str) -> Path:
        if not UPLOAD_ID.fullmatch(upload):
            raise ValueError(f"{upload!r} is no upload's id")
        return self.folder / upload[3:5] / upload

    def _opened(self) -> Receiving:
        folder = self.folder / RECEIVING
        folder.mkdir(parents=True, exist_ok=True)
        if hasattr(os, "O_TMPFILE") and DESCRIPTORS.is_dir():
            with suppress(OSError):  # a file system without such files, as NFS: one with a name
                return Receiving(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o640), None)
        path = folder / secrets.token_hex(16)
        return Receiving(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640), path)


def _named(descriptor: int, place: Path) -> None:
    folder = os.open(place.parent, os.O_RDONLY)
    try:  # only with a folder's descriptor does link() follow the link in /proc
        os.link(DESCRIPTORS / str(descriptor), place, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
