"""Results that are too large for a row, and rows on their way to a table: files of the store."""

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from providers.errors import StoreUnavailable
from providers.store_disk import RESERVED_BYTES, StorageFull, sync_folder, writing_told

FOLDER = "results"
PIECE_BYTES = 256 * 1024


class ResultLost(StoreUnavailable):
    """The database knows a result whose content the store does not have, or has otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of a result: where it lies in the folder of the results, its size and digest."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class AttemptFolder:
    """Where one attempt writes: another attempt's files are never touched."""

    root: Path
    job: UUID
    number: int

    @property
    def name(self) -> str:
        return f"{self.job.hex}/{self.number}"

    def path(self, output: str) -> Path:
        return self.root / self.name / output

    @contextmanager
    def writing(self, output: str) -> Iterator[BinaryIO]:
        """A new file, on the disk when the block ends; StorageFull where there is no room."""
        with writing_told():
            path = self.path(output)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            for folder in (path.parent, path.parent.parent, self.root):
                sync_folder(folder)

    def keep(self, output: str, content: bytes) -> KeptFile:
        """A whole value as a file."""
        with writing_told():
            self.root.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.root).free
        if free - len(content) < RESERVED_BYTES:
            raise StorageFull
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="digest") as beside:
            digest = beside.submit(hashlib.sha256, content)
            with self.writing(output) as file:
                file.write(content)
        told = digest.result().hexdigest()
        return KeptFile(file=f"{self.name}/{output}", bytes=len(content), sha256=told)


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """The folder of the results: `<job>/<attempt>/<output>`."""

    root: Path

    @classmethod
    def within(cls, store: Path) -> "ResultFiles":
        """The results' part of an instance's store."""
        return cls(store / FOLDER)

    def of(self, job: UUID, number: int) -> AttemptFolder:
        return AttemptFolder(self.root, job, number)

    def opened(self, kept: KeptFile) -> BinaryIO:
        """The file, open; ResultLost where it is not there or of another size."""
        try:
            file = (self.root / kept.file).open("rb")
        except OSError as error:
            raise ResultLost(f"the result {kept.file} is not in the store") from error
        found = os.fstat(file.fileno()).st_size
        if found != kept.bytes:
            file.close()
            raise ResultLost(f"the result {kept.file} has {found} bytes in the store")
        return file

    def pieces(self, kept: KeptFile) -> Iterator[bytes]:
        """The content; ResultLost instead of its last piece where its digest is another."""
        digest, held = hashlib.sha256(), b""
        with self.opened(kept) as file:
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
                if held:
                    yield held
                held = piece
        if digest.hexdigest() != kept.sha256:
            raise ResultLost(f"the result {kept.file} is damaged in the store")
        yield held

    def jobs(self) -> Iterator[UUID]:
        """The jobs that have files here."""
        if self.root.is_dir():
            for folder in self.root.iterdir():
                try:
                    yield UUID(hex=folder.name)
                except ValueError:
                    continue

    def attempts(self, job: UUID) -> Iterator[int]:
        """The attempts of a job that have files here."""
        folder = self.root / job.hex
        if folder.is_dir():
            yield from (int(one.name) for one in folder.iterdir() if one.name.isdigit())

    def keep_only(self, job: UUID, kept: Collection[str]) -> None:
        """Remove whatever a job's attempts wrote but the files that are named."""
        folder = self.root / job.hex
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
            return
        for number in list(self.attempts(job)):
            attempt = self.of(job, number)
            names = {file.removeprefix(f"{attempt.name}/") for file in kept}
            with suppress(OSError):  # another worker was quicker, or it holds what is kept
                for path in list((folder / str(number)).iterdir()):
                    if path.name not in names:
                        path.unlink()
                (folder / str(number)).rmdir()
