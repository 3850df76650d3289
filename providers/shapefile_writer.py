"""Shapefiles: GDAL writes the shapes, this module the table, to the byte that the format allows.

Nothing is cut: a text that does not fit, a character that the encoding lacks, a file beyond two
gigabytes are refused before anything is written. Numbers are written as exactly as they came, in
columns as wide as the widest of them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio.raw

from config.vocabulary import FieldType, GeometryKind
from providers.file_writer import NAMES
from providers.shapefile_names import unique_names

MAX_BYTES = 2**31 - 1  # of each part; offsets are signed
MAX_TEXT = 254
MAX_RECORD = 65_535
MAX_PLAIN = 24  # characters of a number without an exponent
MAX_WHOLE = 18  # digits of what readers take for an integer
EXPONENT_DECIMALS = 15
SHAPE_BYTES = 64  # of a record beside its points, at most per part
GEOMETRY = "geom"
TYPES = {
    FieldType.TEXT: "C",
    FieldType.INTEGER: "N",
    FieldType.DECIMAL: "N",
    FieldType.DATE: "D",
    FieldType.INSTANT: "C",
    FieldType.BOOLEAN: "L",
}
LANGUAGE = {"UTF-8": 0x00, "GBK": 0x4D}  # of the table's header
CODE_PAGE = {"UTF-8": "UTF-8", "GBK": "936"}  # of the file beside it


class ShapefileRefused(Exception):
    """The features cannot be a Shapefile; in which column, of which row, and why."""

    def __init__(self, column: str, row: str, why: str) -> None:
        super().__init__(f"{column}: {why}" + (f" ({row})" if row else ""))
        self.column, self.row, self.why = column, row, why


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column that is to be written: its whole name, its type, what is declared of it."""

    name: str
    type: FieldType
    length: int | None = None  # characters
    decimals: int | None = None


@dataclass(slots=True)
class _Cells:
    """What is known of a column's cells so far."""

    width: int = 1
    scale: int = 0
    whole: int = 1  # characters before the point


@dataclass(slots=True, kw_only=True)
class ShapefileWriter:
    """Takes rows; the table's widths are known when all are there."""

    columns: tuple[TableColumn, ...]
    encoding: str
    drawn: bool
    spool: Path
    cells: tuple[_Cells, ...]
    written: int = 0
    shape_bytes: int = 100
    stream: pa.RecordBatchStreamWriter | None = None
    names: tuple[bytes, ...] = field(default_factory=tuple)

    def write(self, rows: Sequence[Sequence[Any]], shapes: Sequence[bytes | None] | None) -> None:
        """Append rows, a value per column; the first column names the row in a refusal."""
        arrays: dict[str, pa.Array] = {}
        for i, column in enumerate(self.columns):
            values = [self._cell(i, column, row[i], row[0]) for row in rows]
            arrays[str(i)] = pa.array(values, pa.binary())
        if self.drawn:
            placed = shapes if shapes is not None else [None] * len(rows)
            arrays[GEOMETRY] = pa.array(placed, pa.binary())
            self.shape_bytes += sum(SHAPE_BYTES + len(one or b"") for one in placed)
        batch = pa.table(arrays)
        if self.stream is None:
            self.stream = pa.ipc.new_stream(self.spool, batch.schema)
        self.stream.write_table(batch)
        self.written += len(rows)
        record = 1 + sum(one.width for one in self.cells)
        if max(self.shape_bytes, self.written * record) > MAX_BYTES:
            raise ShapefileRefused("", "", "a Shapefile holds two gigabytes at most")

    def batches(self, *names: str) -> Iterator[pa.RecordBatch]:
        """What was written, some columns of it."""
        with pa.OSFile(str(self.spool)) as source, pa.ipc.open_stream(source) as reader:
            for batch in reader:
                yield batch.select(list(names))

    def _cell(self, number: int, column: TableColumn, value: Any, row: Any) -> bytes | None:
        """A value as it stands in the table."""
        if value is None:
            return None
        cells = self.cells[number]
        match column.type:
            case FieldType.TEXT | FieldType.INSTANT:
                text = self._encoded(column, str(value), row)
            case FieldType.DATE:
                text = _day(column, str(value), row)
            case FieldType.BOOLEAN:
                text = b"T" if value else b"F"
            case FieldType.INTEGER | FieldType.DECIMAL:
                text = _number(column, value, row)
                whole, _, scale = text.partition(b".")
                cells.whole, cells.scale = (
                    max(cells.whole, len(whole)),
                    max(cells.scale, len(scale)),
                )
        cells.width = max(cells.width, len(text))
        return text

    def _encoded(self, column: TableColumn, value: str, row: Any) -> bytes:
        try:
            text = value.encode(self.encoding)
        except UnicodeEncodeError as error:
            strange = value[error.start : error.end]
            why = f"{strange!r} is no character of {self.encoding}"
            raise ShapefileRefused(column.name, str(row), why) from None
        if len(text) > MAX_TEXT:
            why = f"a text of {len(text)} bytes, a Shapefile holds {MAX_TEXT}"
            raise ShapefileRefused(column.name, str(row), why)
        return text


@contextmanager
def shapefile_writer(
    folder: Path,
    *,
    name: str,
    columns: Sequence[TableColumn],
    crs: str,
    geometry: GeometryKind,
    encoding: str,
    day: date,
) -> Iterator[ShapefileWriter]:
    """A writer of the parts of a Shapefile, which appear in *folder* when all is written.

    Parameters
    ----------
    geometry : GeometryKind
        NONE: there is only the table.
    encoding : str
        UTF-8 or GBK.
    day : date
        When the table was changed last, as its header says.

    Raises
    ------
    ShapefileRefused
        For what a Shapefile cannot hold.
    """
    writer = ShapefileWriter(
        columns=tuple(columns),
        encoding=encoding,
        drawn=geometry is not GeometryKind.NONE,
        spool=folder / "rows.arrows",
        cells=tuple(_declared(one, encoding) for one in columns),
        names=tuple(unique_names([one.name for one in columns], encoding)),
    )
    try:
        yield writer
        if writer.stream is None:
            writer.write((), ())
    finally:
        if writer.stream is not None:
            writer.stream.close()
    parts = folder / name
    if writer.drawn:
        _write_shapes(writer, parts.with_suffix(".shp"), crs, NAMES[geometry])
    _write_table(writer, parts.with_suffix(".dbf"), day)
    parts.with_suffix(".cpg").write_text(CODE_PAGE[encoding], "ascii")
    writer.spool.unlink()


def _declared(column: TableColumn, encoding: str) -> _Cells:
    """The width that a column has whatever its rows are."""
    match column.type:
        case FieldType.TEXT if column.length:
            most = column.length * (2 if encoding == "GBK" else 3)
            return _Cells(width=min(MAX_TEXT, most))
        case FieldType.INTEGER:
            return _Cells(width=11, whole=11)
        case FieldType.DECIMAL:
            return _Cells(whole=9, scale=column.decimals or 2)
        case FieldType.DATE:
            return _Cells(width=8)
    return _Cells()


def _write_shapes(writer: ShapefileWriter, path: Path, crs: str, kind: str) -> None:
    """The shapes with a table that has nothing in it but numbers, which is written over."""
    schema = pa.schema([pa.field(GEOMETRY, pa.binary())])
    reader = pa.RecordBatchReader.from_batches(schema, writer.batches(GEOMETRY))
    pyogrio.raw.write_arrow(
        reader,
        path,
        driver="ESRI Shapefile",
        geometry_name=GEOMETRY,
        geometry_type=kind,
        crs=crs,
        encoding="UTF-8",
    )
    for ending in (".dbf", ".cpg"):
        path.with_suffix(ending).unlink(missing_ok=True)


def _write_table(writer: ShapefileWriter, path: Path, day: date) -> None:
    forms = [_form(*pair) for pair in zip(writer.columns, writer.cells, strict=True)]
    record = 1 + sum(width for _, width, _ in forms)
    if record > MAX_RECORD:
        raise ShapefileRefused("", "", f"rows of {record} bytes, a Shapefile holds {MAX_RECORD}")
    head = 32 + 32 * len(forms) + 1
    with path.open("wb") as file:
        file.write(bytes([3, day.year - 1900, day.month, day.day]))
        file.write(writer.written.to_bytes(4, "little"))
        file.write(head.to_bytes(2, "little") + record.to_bytes(2, "little"))
        file.write(bytes(17) + bytes([LANGUAGE[writer.encoding]]) + bytes(2))
        for name, (kind, width, scale) in zip(writer.names, forms, strict=True):
            described = name.ljust(11, b"\0") + kind.encode() + bytes(4) + bytes([width, scale])
            file.write(described.ljust(32, b"\0"))
        file.write(b"\r")
        for batch in writer.batches(*(str(i) for i in range(len(forms)))):
            file.write(_records(batch, forms, record))
        file.write(b"\x1a")


def _form(column: TableColumn, cells: _Cells) -> tuple[str, int, int]:
    """Kind, width and decimals of a column."""
    if column.type is FieldType.INTEGER:
        return ("C" if cells.width > MAX_WHOLE else "N", cells.width, 0)
    if column.type is FieldType.DECIMAL:
        width = cells.whole + 1 + cells.scale
        plain = (width <= MAX_PLAIN) and cells.scale <= EXPONENT_DECIMALS
        return ("N", width, cells.scale) if plain else ("F", MAX_PLAIN, EXPONENT_DECIMALS)
    return (TYPES[column.type], cells.width, 0)


def _records(batch: pa.RecordBatch, forms: Sequence[tuple[str, int, int]], record: int) -> bytes:
    rows = batch.num_rows
    table = np.full((rows, record), ord(" "), dtype=np.uint8)
    start = 1
    for values, (kind, width, scale) in zip(batch.columns, forms, strict=True):
        cells = [_laid(one, kind, width, scale) for one in values.to_pylist()]
        table[:, start : start + width] = np.frombuffer(b"".join(cells), np.uint8).reshape(
            rows, width
        )
        start += width
    return table.tobytes()


def _laid(cell: bytes | None, kind: str, width: int, scale: int) -> bytes:
    if cell is None:
        return (b"?" if kind == "L" else b" ").ljust(width)
    if kind == "F":
        return f"{float(cell):.16e}".encode().rjust(width)
    if kind == "N" and scale:
        whole, _, rest = cell.partition(b".")
        return b"%s.%s" % (whole.rjust(width - scale - 1), rest.ljust(scale, b"0"))
    return cell.rjust(width) if kind == "N" else cell.ljust(width)


def _number(column: TableColumn, value: Any, row: Any) -> bytes:
    """All digits of a number, without an exponent."""
    exact = value if isinstance(value, Decimal | int) else Decimal(repr(float(value)))
    if isinstance(exact, Decimal) and not exact.is_finite():
        raise ShapefileRefused(column.name, str(row), f"{value} is no number of a file")
    return f"{exact:f}".encode() if isinstance(exact, Decimal) else b"%d" % exact


def _day(column: TableColumn, value: str, row: Any) -> bytes:
    try:
        return f"{date.fromisoformat(value):%Y%m%d}".rjust(8, "0").encode()
    except ValueError:
        raise ShapefileRefused(column.name, str(row), f"{value} is no date of a file") from None
