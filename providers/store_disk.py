"""The disk under the store: what is full, what cannot be written, and names that last."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from providers.errors import StoreUnavailable

RESERVED_BYTES = 256 * 1024**2  # of the disk: for the database, logs and results
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StorageFull(Exception):
    """There is no room in the store."""

    def __init__(self) -> None:
        super().__init__("the store has no room for this file; expected free space on its disk")


def sync_folder(folder: Path) -> None:
    """The names of a folder's files outlast a crash from here on."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing_told() -> Iterator[None]:
    """A full disk as StorageFull; a store that cannot be written as one that does not answer."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull from error
        raise StoreUnavailable(f"the store cannot be written ({error.strerror})") from error
