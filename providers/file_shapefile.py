"""What a Shapefile's parts must be before GDAL opens them: GDAL makes up what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from providers.file_dbf import DbfTable, dbf_table
from providers.file_encoding import Judgement, judge, known, wanted_encoding
from providers.source_file import FileRefused

HEADER = 100  # bytes, of .shp and .shx
RECORD_HEADER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapefileParts:
    """The encoding of its text, rows that hold values that are none, and what is to be said."""

    judged: Judgement
    broken: Mapping[int, str]
    notes: tuple[str, ...]


def shapefile_parts(path: Path, name: str, encoding: str | None) -> ShapefileParts:
    """Check all parts of a Shapefile; refused where one is missing, cut off or of another file."""
    missing = [e for e in (".shx", ".dbf") if not path.with_suffix(e).is_file()]
    if missing:
        raise FileRefused(f"{name} has no {' and no '.join(missing)} beside it; all are needed.")
    table = dbf_table(path.with_suffix(".dbf"), name)
    shapes = _check_index(path, name)
    if shapes != table.records:
        raise FileRefused(
            f"{name}: the .shp has {shapes:,} features, the .dbf {table.records:,}; they do not"
            " belong together."
        )
    notes = []
    if not path.with_suffix(".prj").is_file():
        notes.append("there is no .prj beside it: its reference system is not stated")
    said, by = _declared(path, table)
    if said is None and by is not None:
        notes.append(by)
    wanted = wanted_encoding(encoding)
    judged = judge(table.texts(), name, said=said, by=by or "", wanted=wanted)
    return ShapefileParts(judged=judged, broken=table.broken(), notes=tuple(notes))


def _check_index(path: Path, name: str) -> int:
    """The number of features by the .shx; its last record must lie within the .shp."""
    size, index = path.stat().st_size, path.with_suffix(".shx")
    with path.open("rb") as file:
        head = file.read(HEADER)
    if len(head) < HEADER:
        raise FileRefused(f"{name} is cut off: it has {size:,} bytes.")
    declared = 2 * int.from_bytes(head[24:28], "big")
    entries = (index.stat().st_size - HEADER) // 8
    if entries < 0:
        raise FileRefused(f"{name}: its .shx is empty or cut off.")
    records = np.fromfile(index, dtype=">i4", offset=HEADER, count=2 * entries).reshape(-1, 2)
    ends = 2 * records.astype(np.int64).sum(axis=1) + RECORD_HEADER
    needed = max(declared, int(ends.max(initial=0)))
    if needed > size:
        raise FileRefused(f"{name} is cut off: it should have {needed:,} bytes and has {size:,}.")
    return entries


def _declared(path: Path, table: DbfTable) -> tuple[str | None, str | None]:
    """What the .cpg says, else the language byte of the .dbf, and who says so."""
    cpg = path.with_suffix(".cpg")
    if cpg.is_file():
        with cpg.open("rb") as file:
            text = file.read(64).decode("latin-1").strip("\x00\r\n\t ï»¿")
        found = known(text)
        if found is None and text:
            return None, f"the .cpg says {text[:30]!r}, which is no known encoding"
        if found is not None:
            return found, "the .cpg"
    if table.language is not None:
        return table.language, "the language byte of the .dbf"
    return None, None
