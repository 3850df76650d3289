"""The attribute table of a Shapefile as it is on disk: its texts as bytes, and broken values.

GDAL makes 0 of a number that is none; here such rows are found, so that they can be rejected.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from providers.source_file import FileRefused

BLOCK_BYTES = 8 * 1024 * 1024
FIELD_BYTES = 32
MAX_BROKEN = 100_000
DELETED = ord("*")
NUMERIC = b"0123456789+-.eE* \x00"
LANGUAGES = {0x4D: "gb18030", 0x7A: "gb18030", 0x4E: "cp949", 0x4F: "cp950", 0x7B: "cp932"}


@dataclass(frozen=True, slots=True)
class DbfField:
    """One column: its name as bytes, its kind (C, N, F, D, L …), where it stands in a record."""

    name: bytes
    kind: str
    start: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DbfTable:
    """The table's form, and its records in blocks."""

    path: Path
    records: int
    header: int
    length: int
    fields: tuple[DbfField, ...]
    language: str | None  # by the language byte, where it says more than "of this machine"

    def blocks(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Records as bytes with the number of the first; deleted ones are among them."""
        rows = max(1, BLOCK_BYTES // self.length)
        with self.path.open("rb") as file:
            file.seek(self.header)
            for first in range(0, self.records, rows):
                raw = file.read(min(rows, self.records - first) * self.length)
                yield first, np.frombuffer(raw, dtype=np.uint8).reshape(-1, self.length)

    def texts(self) -> Iterator[bytes]:
        """The distinct texts, block by block, that are not plain ASCII."""
        for field in self.fields:
            yield field.name
        for _, block in self.blocks():
            for field in self.fields:
                if field.kind != "C" or not field.width:
                    continue
                cells = block[:, field.start : field.start + field.width]
                for text in _distinct(cells[(cells >= 0x80).any(axis=1)]):
                    yield text.split(b"\x00", 1)[0].rstrip(b" ")

    def broken(self) -> dict[int, str]:
        """Records with a number or a date that is none, by their number, and what it is."""
        table = np.zeros(256, dtype=np.bool_)
        table[list(NUMERIC)] = True
        found: dict[int, str] = {}
        for first, block in self.blocks():
            for field in self.fields:
                cells = block[:, field.start : field.start + field.width]
                if field.kind in ("N", "F"):
                    wrong, what = ~table[cells].all(axis=1), "number"
                elif field.kind == "D":
                    wrong, what = _no_date(cells), "date"
                else:
                    continue
                wrong &= block[:, 0] != DELETED
                for row in np.flatnonzero(wrong).tolist():
                    found.setdefault(first + row, _said(field, cells[row], what))
            if len(found) > MAX_BROKEN:
                raise FileRefused(
                    f"More than {MAX_BROKEN:,} rows are broken, the first: {found[min(found)]}."
                )
        return found


def dbf_table(path: Path, name: str) -> DbfTable:
    """Read the header; refused where it is none, or says more than the file has."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            raise FileRefused(f"{name}: its .dbf is empty or cut off.")
        records = int.from_bytes(head[4:8], "little")
        header, length = (int.from_bytes(head[at : at + 2], "little") for at in (8, 10))
        described = file.read(max(0, header - 32))
    fields: list[DbfField] = []
    start = 1
    for at in range(0, len(described) - FIELD_BYTES + 1, FIELD_BYTES):
        one = described[at : at + FIELD_BYTES]
        if one[0] == 0x0D:
            break
        kind, width = chr(one[11]), one[16] + (one[17] << 8 if one[11:12] == b"C" else 0)
        fields.append(DbfField(one[:11].split(b"\x00", 1)[0].rstrip(b" "), kind, start, width))
        start += width
    if not fields or start > length:
        raise FileRefused(f"{name}: its .dbf has no table in it.")
    if header + records * length > size:
        raise FileRefused(
            f"{name}: its .dbf is cut off; {records:,} records take {header + records * length:,}"
            f" bytes, the file has {size:,}."
        )
    return DbfTable(
        path=path,
        records=records,
        header=header,
        length=length,
        fields=tuple(fields),
        language=LANGUAGES.get(head[29]),
    )


def _distinct(cells: NDArray[np.uint8]) -> list[bytes]:
    if not cells.size:
        return []
    whole = np.ascontiguousarray(cells).view(f"S{cells.shape[1]}").ravel()
    return [bytes(one) for one in np.unique(whole)]


def _no_date(cells: NDArray[np.uint8]) -> NDArray[np.bool_]:
    whole = np.ascontiguousarray(cells).view(f"S{cells.shape[1]}").ravel()
    distinct, numbers = np.unique(whole, return_inverse=True)
    wrong = np.array([not _is_date(bytes(one)) for one in distinct], dtype=np.bool_)
    return np.asarray(wrong[numbers.ravel()], dtype=np.bool_)


def _is_date(text: bytes) -> bool:
    plain = text.strip(b" \x00")
    if not plain.strip(b"0"):
        return True  # not filled in
    try:
        return len(plain) == 8 and bool(date(int(plain[:4]), int(plain[4:6]), int(plain[6:8])))
    except ValueError:
        return False


def _said(field: DbfField, cell: NDArray[np.uint8], what: str) -> str:
    name = field.name.decode("gb18030", "replace")
    return f"{name}: {cell.tobytes().decode('gb18030', 'replace').strip()[:40]!r} is no {what}"
