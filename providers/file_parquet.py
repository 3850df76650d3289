"""GeoParquet: geometry in WKB with its reference system; without the `geo` metadata, a table."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
from pyproj.exceptions import CRSError

from providers.file_geometry import Extent, shapes_of
from providers.file_values import bounded_columns, plain_type, readable
from providers.source_file import READ_ROWS, Batch, FileRefused, OpenedPath, SourceFile

LONGITUDE_LATITUDE = "OGC:CRS84"  # what the specification means where no crs is given
BATCH_BYTES = 256 * 1024 * 1024  # of one batch's texts and geometries, repeated values counted
BUFFER_BYTES = 1024 * 1024
MAX_EXPANDED_BYTES = 50 * 1024**3
MAX_RATIO = 1_000
RATIO_FROM_BYTES = 1024**3
MAX_THRIFT = 64 * 1024 * 1024  # of the file's description of itself


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetTable:
    """A Parquet file: which columns are read, and which of them is the geometry."""

    path: Path
    name: str
    columns: tuple[str, ...]
    coded: tuple[str, ...]  # columns of text or bytes: repeated values are kept once
    primary: str | None

    def open(self) -> pq.ParquetFile:
        """The file, to be read page by page."""
        return pq.ParquetFile(
            self.path,
            read_dictionary=list(self.coded),
            buffer_size=BUFFER_BYTES,
            pre_buffer=False,
            thrift_string_size_limit=MAX_THRIFT,
            thrift_container_size_limit=MAX_THRIFT,
        )

    def parts(self, rows: int, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Record batches, smaller ones where values are large."""
        try:
            with self.open() as file:
                for batch in file.iter_batches(rows, columns=list(columns), use_threads=False):
                    yield from _pieces(batch)
        except (pa.ArrowException, OSError, OverflowError) as error:
            said = " ".join(str(error).split())[:300].rstrip(".")
            raise FileRefused(f"{self.name} cannot be read: {said}.") from None

    def batches(self, rows: int) -> Iterator[Batch]:
        """The features from the beginning."""
        first = 0
        wanted = (*self.columns, *([self.primary] if self.primary else []))
        for part in self.parts(rows, wanted):
            unreadable: dict[int, str] = {}
            geometry = None
            if self.primary is not None:
                found = shapes_of(_binary(part.column(self.primary)))
                geometry, unreadable = found.shapes, dict(found.unreadable)
            read = ((name, readable(part.column(name), "utf-8", None)) for name in self.columns)
            yield Batch(
                first=first,
                count=part.num_rows,
                columns=bounded_columns(read, unreadable),
                geometry=geometry,
                unreadable=unreadable,
            )
            first += part.num_rows


def opened(asked: OpenedPath) -> SourceFile:
    """A Parquet file; the primary geometry column is its geometry."""
    name = asked.name
    if asked.layer not in (None, asked.title):
        raise FileRefused(f"{name} is one table; it has no layer {asked.layer!r}.")
    schema, count = _schema(asked.path, name)
    geo = _geo(schema, name)
    primary = geo["primary_column"] if geo else None
    column = geo["columns"][primary] if geo else {}
    kinds = {one: plain_type(schema.field(one).type) for one in schema.names if one != primary}
    covering = _covering(column)
    left = [one for one, kind in kinds.items() if kind is None and one not in covering]
    kept = tuple(one for one, kind in kinds.items() if kind is not None and one not in covering)
    table = ParquetTable(
        path=asked.path,
        name=name,
        columns=kept,
        coded=tuple(
            one
            for one in (*kept, *([primary] if primary else []))
            if one == primary or pa.types.is_string(kinds[one])
        ),
        primary=primary,
    )
    notes = [*asked.notes]
    if left:
        notes.append(f"the columns {', '.join(left[:20])} hold no plain values and are left out")
    extent, raised = Extent(), 0
    if primary:
        for part in table.parts(READ_ROWS, (primary,)):
            found = shapes_of(_binary(part.column(primary)))
            raised += found.raised
            extent.add(found.shapes)
    if raised:
        notes.append(f"heights and measures (Z, M) of {raised:,} features are left out")
    return SourceFile(
        path=asked.given,
        name=name,
        driver="Parquet",
        layer=asked.title,
        columns={one: kinds[one] for one in kept},
        geometry=_geometry_types(column) if geo else None,
        crs=_crs(column, name) if geo else None,
        features=count,
        bounds=extent.found,
        encoding=None,
        notes=tuple(notes),
        sha256=asked.sha256,
        read=table.batches,
    )


def geometry_of(path: Path, name: str) -> str | None:
    """The file's word for its geometry; None for a table."""
    schema, _ = _schema(path, name)
    geo = _geo(schema, name)
    return _geometry_types(geo["columns"][geo["primary_column"]]) if geo else None


def _schema(path: Path, name: str) -> tuple[pa.Schema, int]:
    table = ParquetTable(path=path, name=name, columns=(), coded=(), primary=None)
    try:
        with table.open() as file:
            schema, metadata = file.schema_arrow, file.metadata
            groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
            expanded = sum(max(0, group.total_byte_size) for group in groups)
    except (pa.ArrowException, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise FileRefused(f"{name} cannot be read: {said}.") from None
    packed = path.stat().st_size
    if expanded > MAX_EXPANDED_BYTES or (
        expanded > RATIO_FROM_BYTES and expanded > MAX_RATIO * packed
    ):
        raise FileRefused(f"{name} expands from {packed:,} to {expanded:,} bytes; refused.")
    if len(set(schema.names)) < len(schema.names):
        raise FileRefused(f"{name} has two columns of one name.")
    return schema, metadata.num_rows


def _geo(schema: pa.Schema, name: str) -> dict[str, Any] | None:
    raw = (schema.metadata or {}).get(b"geo")
    if raw is None:
        return None
    try:
        geo = json.loads(raw)
        column = geo["columns"][geo["primary_column"]]
        encoding, edges = column["encoding"], column.get("edges", "planar")
        schema.field(geo["primary_column"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FileRefused(f"{name}: its `geo` metadata are not those of GeoParquet.") from None
    if encoding != "WKB" or edges != "planar":
        raise FileRefused(
            f"{name}: its geometry is {encoding} with {edges} edges; WKB with planar edges is read."
        )
    return dict(geo)


def _covering(column: dict[str, Any]) -> set[str]:
    """The columns that only repeat the bounds of each geometry."""
    try:
        return {str(path[0]) for path in column["covering"]["bbox"].values()}
    except (KeyError, TypeError, AttributeError, IndexError):
        return set()


def _geometry_types(column: dict[str, Any]) -> str:
    types = {str(one).removesuffix(" Z") for one in column.get("geometry_types") or ()}
    return types.pop() if len(types) == 1 else "Unknown"


def _crs(column: dict[str, Any], name: str) -> pyproj.CRS | None:
    if "crs" not in column:
        return pyproj.CRS.from_user_input(LONGITUDE_LATITUDE)
    if column["crs"] is None:
        return None
    try:
        return pyproj.CRS.from_json(json.dumps(column["crs"]))
    except (CRSError, TypeError, ValueError):
        raise FileRefused(f"{name}: its reference system cannot be read as PROJJSON.") from None


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in parts of which none takes more than its bytes when repeated values are written."""
    sizes = np.zeros(batch.num_rows, dtype=np.int64)
    for values in batch.columns:
        if pa.types.is_dictionary(values.type):
            lengths = pc.binary_length(values.dictionary).take(values.indices).fill_null(0)
            sizes += lengths.to_numpy(zero_copy_only=False)
    if sizes.sum() <= BATCH_BYTES:
        yield batch
        return
    start, held = 0, 0
    for row, size in enumerate(sizes.tolist()):
        if held and held + size > BATCH_BYTES:
            yield batch.slice(start, row - start)
            start, held = row, 0
        held += size
    yield batch.slice(start)


def _binary(values: pa.Array) -> pa.Array:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
