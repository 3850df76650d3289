"""CSV by RFC 4180 in UTF-8: the header row has the names of the properties, the geometry is WKT.

It begins with a byte order mark, without which Excel takes UTF-8 for the code page of the machine.
Text stands in quotation marks and nothing else does: so an empty text is told from a missing value,
and a reader that heeds it keeps the zeros before a code. Values are never altered, also where a
spreadsheet would take them for a formula: these are data.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from providers.feature_rows import Rows

MARK = "\ufeff"
GEOMETRY = "geometry"
TRUTH = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class _Bare:
    """What is written as it stands, without quotation marks."""

    text: str

    def __str__(self) -> str:
        return self.text


def head(names: Sequence[str], *, drawn: bool) -> bytes:
    """The mark and the header row."""
    taken = {name.lower() for name in names}
    last = GEOMETRY
    while last in taken:
        last += "_"
    return (MARK + _written([[*names, last] if drawn else list(names)])).encode()


def body(rows: Rows) -> bytes:
    """Rows as lines."""
    lines: list[list[Any]] = [[_cell(value) for value in row] for row in rows.rows]
    if rows.geometry is not None:
        for line, shape in zip(lines, rows.geometry, strict=True):
            line.append(shape)
    return _written(lines).encode()


def _written(lines: list[list[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_STRINGS, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return _Bare(TRUTH[value])
    return _Bare(f"{value:f}") if isinstance(value, Decimal) else value
