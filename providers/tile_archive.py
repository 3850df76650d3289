"""The one writer of PMTiles 3 archives: a file appears when all of its tiles are written.

https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
"""

import gzip
import json
import os
import shutil
import struct
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from pmtiles.tile import Compression, Entry, TileType, serialize_directory, zxy_to_tileid

from providers.errors import Refused

type Box = tuple[float, float, float, float]  # west, south, east, north in degrees

SUFFIX = ".pmtiles"
HEADER = struct.Struct("<7sB11Q6B4iB2i")
VERSION, FIRST_READ = 3, 16_384  # the header and the root directory come with a client's first read
LEAF = 4_096  # entries of a leaf directory
# Equal tiles lie close to each other: only so many are remembered, however large the archive.
MOST_REMEMBERED = 200_000
E7 = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an archive holds."""

    addressed: int  # tiles that it answers
    contents: int  # different ones that it stores
    bytes: int


@dataclass(slots=True, kw_only=True)
class TileArchive:
    """Takes the tiles of one archive, in the order of their ids; memory does not grow with bytes."""

    data: IO[bytes]
    ids: "array[int]" = field(default_factory=lambda: array("Q"))
    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    lengths: "array[int]" = field(default_factory=lambda: array("I"))
    runs: "array[int]" = field(default_factory=lambda: array("I"))
    places: dict[bytes, tuple[int, int]] = field(default_factory=dict)  # digest -> offset, length
    addressed: int = 0
    contents: int = 0
    size: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    bounds: Box = (-180.0, -90.0, 180.0, 90.0)
    zooms: tuple[int, int] = (0, 0)

    def add(self, zoom: int, row: int, column: int, content: bytes) -> None:
        """Append a tile of WebMercatorQuad; empty ones are not written.

        Raises
        ------
        ValueError
            For a tile whose id is not greater than that of the one before.
        """
        if not content:
            return
        number = zxy_to_tileid(zoom, column, row)
        if self.ids and number < self.ids[-1] + self.runs[-1]:
            raise ValueError(f"tile {zoom}/{column}/{row} is out of order")
        place = self._place(content)
        self.addressed += 1
        if self.ids and number == self.ids[-1] + self.runs[-1] and place[0] == self.offsets[-1]:
            self.runs[-1] += 1
            return
        for column_, value in zip(
            (self.ids, self.offsets, self.lengths, self.runs), (number, *place, 1), strict=True
        ):
            column_.append(value)

    def _place(self, content: bytes) -> tuple[int, int]:
        """Where the tile's bytes are stored: those of an equal one before, or at the end."""
        digest = blake2b(content, digest_size=16).digest()
        place = self.places.pop(digest, None)
        if place is None:
            packed = gzip.compress(content, 6, mtime=0)  # the same tiles give the same archive
            self.data.write(packed)
            place = (self.size, len(packed))
            self.size += len(packed)
            self.contents += 1
            if len(self.places) >= MOST_REMEMBERED:
                self.places.pop(next(iter(self.places)))
        self.places[digest] = place  # the last used is forgotten last
        return place

    def entries(self, first: int, count: int) -> list[Entry]:
        part = slice(first, first + count)
        columns = (self.ids[part], self.offsets[part], self.lengths[part], self.runs[part])
        return [Entry(*values) for values in zip(*columns, strict=True)]

    def directories(self) -> tuple[bytes, bytes]:
        """The root directory and the leaves; all in the root where it is small enough."""
        count, most = len(self.ids), FIRST_READ - HEADER.size
        if count <= LEAF and len(root := serialize_directory(self.entries(0, count))) <= most:
            return root, b""
        leaf = LEAF
        while True:
            pointers, leaves = [], bytearray()
            for first in range(0, count, leaf):
                packed = serialize_directory(self.entries(first, leaf))
                pointers.append(Entry(self.ids[first], len(leaves), len(packed), 0))
                leaves += packed
            if len(root := serialize_directory(pointers)) <= most:
                return root, bytes(leaves)
            leaf *= 2

    def write_to(self, file: IO[bytes]) -> None:
        """Header, directories, metadata and tiles."""
        root, leaves = self.directories()
        about = json.dumps(self.metadata, ensure_ascii=False).encode()
        told = gzip.compress(about, mtime=0)
        starts = [HEADER.size]
        for part in (root, told, leaves):
            starts.append(starts[-1] + len(part))
        west, south, east, north = self.bounds
        sides = (round(value * E7) for value in self.bounds)
        header = HEADER.pack(
            b"PMTiles",
            VERSION,
            *(starts[0], len(root), starts[1], len(told), starts[2], len(leaves)),
            *(starts[3], self.size, self.addressed, len(self.ids), self.contents),
            1,  # the tiles lie in the order of their ids
            Compression.GZIP.value,
            Compression.GZIP.value,
            TileType.MVT.value,
            *self.zooms,
            *sides,
            self.zooms[0],
            *(round((low + high) / 2 * E7) for low, high in ((west, east), (south, north))),
        )
        for part in (header, root, told, leaves):
            file.write(part)
        self.data.seek(0)
        shutil.copyfileobj(self.data, file, 1 << 20)

    @property
    def written(self) -> Written:
        return Written(addressed=self.addressed, contents=self.contents, bytes=self.size)


@contextmanager
def tile_archive(path: Path) -> Iterator[TileArchive]:
    """An archive to add tiles to; it is put in place, whole, where the block ends without an error.

    The tiles are kept in a file without a name, so that nothing is left of them where the process
    is killed; what stood at *path* before stays until the new archive is complete.

    Raises
    ------
    Refused
        Where the folder cannot be written to.
    """
    folder = path.absolute().parent
    with ExitStack() as stack:
        try:
            spool = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        except OSError as error:
            raise Refused(f"{path} cannot be written: {error.strerror}.") from None
        archive = TileArchive(data=spool)
        yield archive
        number, name = tempfile.mkstemp(prefix=".onemap-", suffix=SUFFIX, dir=folder)
        try:
            with os.fdopen(number, "wb") as file:
                archive.write_to(file)
                os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    held = os.umask(0o022)
    os.umask(held)
    return held
