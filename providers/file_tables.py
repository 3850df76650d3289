"""CSV tables: every column is text, so that codes keep their leading zeros."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from providers.file_encoding import BYTES, decoded, judge, text_name, wanted_encoding
from providers.file_values import bounded_columns
from providers.source_file import Batch, FileRefused, OpenedPath, SourceFile

BLOCK_BYTES = 4 * 1024 * 1024  # a row must fit
MAX_COLUMNS = 2_000
DELIMITERS = (",", "\t", ";")  # none of them can be a part of a character, in GB18030 either
MARK = b"\xef\xbb\xbf"


@dataclass(slots=True, kw_only=True)
class CsvTable:
    """A CSV file with a header line, read as bytes and decoded column by column."""

    path: Path
    name: str
    encoding: str
    delimiter: str
    columns: list[str]
    uneven: list[str] = field(default_factory=list)

    def batches(self, rows: int) -> Iterator[Batch]:
        """The rows from the beginning."""
        first = 0
        self.uneven.clear()
        try:
            with self._open() as reader:
                for block in reader:
                    self._refuse_uneven()
                    for part in pa.Table.from_batches([block]).to_batches(rows):
                        yield self._batch(part, first)
                        first += part.num_rows
            self._refuse_uneven()
        except pa.ArrowException as error:
            said = " ".join(str(error).split())[:300].rstrip(".")
            raise FileRefused(f"{self.name} cannot be read: {said}.") from None

    def _batch(self, part: pa.RecordBatch, first: int) -> Batch:
        unreadable: dict[int, str] = {}
        named = zip(self.columns, part.columns, strict=True)
        texts = ((name, decoded(raw, self.encoding)) for name, raw in named)
        return Batch(
            first=first,
            count=part.num_rows,
            columns=bounded_columns(texts, unreadable),
            geometry=None,
            unreadable=unreadable,
        )

    def _refuse_uneven(self) -> None:
        if self.uneven:
            raise FileRefused(f"{self.name}: {self.uneven[0]}.")

    def _uneven(self, row: pyarrow.csv.InvalidRow) -> str:
        if not self.uneven:
            where = "a row" if row.number is None else f"row {row.number}"
            begins = str(row.text or "")[:40]
            self.uneven.append(
                f"{where} has {row.actual_columns} values, the header {row.expected_columns}"
                f" (it begins {begins!r})"
            )
        return "skip"

    def _open(self) -> pyarrow.csv.CSVStreamingReader:
        numbered = [str(number) for number in range(len(self.columns))]
        return pyarrow.csv.open_csv(
            self.path,
            read_options=pyarrow.csv.ReadOptions(
                block_size=BLOCK_BYTES,
                use_threads=False,
                column_names=numbered,
                skip_rows_after_names=1,
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=True,
                invalid_row_handler=self._uneven,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(numbered, pa.binary()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )


def opened(asked: OpenedPath) -> SourceFile:
    """A CSV file; UTF-8 with or without a byte order mark, or GB18030."""
    path, name = asked.path, asked.name
    if asked.layer not in (None, asked.title):
        raise FileRefused(f"{name} is one table; it has no layer {asked.layer!r}.")
    said = "utf-8" if _marked(path) else None
    wanted = wanted_encoding(asked.encoding)
    judged = judge(_lines(path), name, said=said, by="the byte order mark", wanted=wanted)
    delimiter, header = _header(path, name)
    columns = [text_name(one.encode(BYTES), judged.encoding).strip() for one in header]
    twice = sorted({one for one in columns if columns.count(one) > 1})
    if twice or len(columns) > MAX_COLUMNS:
        what = f"names {', '.join(map(repr, twice[:5]))} twice" if twice else f"has {len(columns)}"
        raise FileRefused(f"{name}: the header line {what}{'' if twice else ' columns'}.")
    table = CsvTable(
        path=path, name=name, encoding=judged.encoding, delimiter=delimiter, columns=columns
    )
    return SourceFile(
        path=asked.given,
        name=name,
        driver="CSV",
        layer=asked.title,
        columns=dict.fromkeys(columns, pa.string()),
        geometry=None,
        crs=None,
        features=None,
        bounds=None,
        encoding=judged.encoding.upper(),
        notes=(*asked.notes, *(judged.notes if judged.encoding != "utf-8" else ())),
        sha256=asked.sha256,
        read=table.batches,
    )


def _marked(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(3) == MARK


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(BLOCK_BYTES):
            yield line.rstrip(b"\r\n")


def _header(path: Path, name: str) -> tuple[str, list[str]]:
    """The delimiter and the first row, its characters standing for bytes."""
    with path.open(encoding=BYTES, newline="") as file:
        line = file.readline(BLOCK_BYTES).removeprefix(MARK.decode(BYTES))
        delimiter = max(DELIMITERS, key=line.count)
        file.seek(len(MARK) if _marked(path) else 0)
        try:
            return delimiter, next(csv.reader(file, delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration):
            raise FileRefused(f"{name} has no header line.") from None
