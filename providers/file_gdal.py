"""Files that GDAL reads: Shapefile, GeoPackage, file geodatabase, GeoJSON, FlatGeobuf, XLSX."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import pyogrio.raw
import pyproj
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from providers.file_encoding import BYTES, text_name
from providers.file_geometry import Extent, ReadShapes, shapes_of
from providers.file_kinds import Kind
from providers.file_values import bounded_columns, plain_type, readable
from providers.source_file import Batch, Bounds, FileRefused

SURVEY_ROWS = 20_000
ARROW_BYTES = 256 * 1024 * 1024  # of one batch's texts or geometries; a larger feature ends it
MAX_SAID = 5
ARC_DEGREES = 1  # chord of an arc: off by at most 0.00004 of its radius


@dataclass(frozen=True, slots=True, kw_only=True)
class GdalLayer:
    """One layer of a file under its private name, and how GDAL is asked for it."""

    path: Path
    name: str  # of the file, for messages
    kind: Kind
    layer: str | None  # None: the format has one only
    options: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"  # of a Shapefile
    columns: tuple[str, ...] = ()  # as GDAL names them
    table: bool = False
    broken: Mapping[int, str] = field(default_factory=dict)  # by GDAL's feature id
    said: list[str] = field(default_factory=list)  # GDAL's warnings so far

    @property
    def address(self) -> str:
        """The path as GDAL is given it; the prefix keeps other JSON drivers away."""
        return f"GEOJSON:{self.path}" if self.kind is Kind.GEOJSON else str(self.path)

    @property
    def raw_text(self) -> str | None:
        """The encoding that GDAL is told: one that keeps the bytes of a Shapefile."""
        return BYTES if self.kind is Kind.SHAPEFILE else None

    def column_name(self, name: str) -> str:
        """A column's own name."""
        if self.kind is not Kind.SHAPEFILE:
            return name
        return text_name(name.encode(BYTES), self.encoding)

    @contextmanager
    def stream(
        self, rows: int, *, attributes: bool = True
    ) -> Iterator[tuple[str | None, str, pa.RecordBatchReader]]:
        """Record batches, with the names of their columns of geometry and of feature ids."""
        pyogrio.set_gdal_config_options({"OGR_ARROW_MEM_LIMIT": str(ARROW_BYTES)})
        with ExitStack() as stack:
            with heard(self.said):
                meta, reader = stack.enter_context(
                    pyogrio.raw.open_arrow(
                        self.address,
                        layer=self.layer,
                        encoding=self.raw_text,
                        columns=list(self.columns) if attributes else [],
                        read_geometry=not self.table,
                        return_fids=True,
                        batch_size=rows,
                        use_pyarrow=True,
                        **self.options,
                    )
                )
            shape = None if self.table else meta["geometry_name"] or "wkb_geometry"
            yield shape, meta["fid_column"] or "OGC_FID", reader

    def batches(self, rows: int) -> Iterator[Batch]:
        """The features from the beginning."""
        first = 0
        with gdal_errors(self.name), self.stream(rows) as (shape, ids, reader):
            names = unique([self.column_name(one) for one in self.columns])
            while (batch := self._next(reader)) is not None:
                unreadable: dict[int, str] = {}
                numbers = batch.column(ids)
                shapes = None
                if shape is not None:
                    found = self._shapes(batch.column(shape), numbers)
                    shapes, unreadable = found.shapes, dict(found.unreadable)
                read = (
                    (name, readable(_codes(batch.column(own)), self.encoding, self.raw_text))
                    for own, name in zip(self.columns, names, strict=True)
                )
                columns = bounded_columns(read, unreadable)
                if self.broken:
                    for row, number in enumerate(numbers.to_pylist()):
                        if number in self.broken:
                            unreadable.setdefault(row, self.broken[number])
                yield Batch(
                    first=first,
                    count=batch.num_rows,
                    columns=columns,
                    geometry=shapes,
                    unreadable=unreadable,
                )
                first += batch.num_rows

    def survey(self) -> "Survey":
        """Read all geometries once: the bounds and the number that a header says may be stale."""
        seen = Survey()
        extent = Extent()
        with gdal_errors(self.name), self.stream(SURVEY_ROWS, attributes=False) as found:
            shape, ids, reader = found
            while (batch := self._next(reader)) is not None:
                seen.features += batch.num_rows
                if shape is None:
                    continue
                read = self._shapes(batch.column(shape), batch.column(ids))
                seen.curved += read.curved
                seen.raised += read.raised
                extent.add(read.shapes)
        seen.bounds = extent.found
        return seen

    def described(self) -> tuple["GdalLayer", dict[str, Any], Mapping[str, pa.DataType], list[str]]:
        """The layer with its columns, GDAL's description, their types, and those left out."""
        with gdal_errors(self.name):
            with heard(self.said):
                info = pyogrio.read_info(
                    self.address, layer=self.layer, encoding=self.raw_text, **self.options
                )
            if info["driver"] != self.kind:
                raise FileRefused(f"{self.name} is not the {self.kind} that it begins like.")
            layer = replace(
                self, columns=tuple(info["fields"]), table=info["geometry_type"] is None
            )
            with layer.stream(1) as (_, _, reader):
                kinds = {one: _kind(reader.schema.field(one).type) for one in layer.columns}
        kept = tuple(one for one in layer.columns if kinds[one] is not None)
        left = [layer.column_name(one) for one in layer.columns if kinds[one] is None]
        names = unique([layer.column_name(one) for one in kept])
        types = {name: kinds[one] for name, one in zip(names, kept, strict=True)}
        return replace(layer, columns=kept), info, types, left

    def _next(self, reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
        with heard(self.said):
            try:
                return reader.read_next_batch()
            except StopIteration:
                return None

    def _shapes(self, values: pa.Array, ids: pa.Array) -> ReadShapes:
        def linear(rows: NDArray[np.int64]) -> Sequence[bytes | None]:
            return self._without_curves(ids.take(pa.array(rows)).to_pylist())

        return shapes_of(values, linear)

    def _without_curves(self, ids: list[int]) -> Sequence[bytes | None]:
        """These features again: GDAL replaces arcs by chords where it is asked for linear ones."""
        pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": str(ARC_DEGREES)})
        _, numbers, geometry, _ = pyogrio.raw.read(
            self.address, layer=self.layer, columns=[], fids=ids, return_fids=True, **self.options
        )
        found = dict(zip(numbers.tolist(), geometry, strict=True))
        return [found.get(one) for one in ids]


@dataclass(slots=True)
class Survey:
    """What reading all geometries found."""

    features: int = 0
    curved: int = 0
    raised: int = 0
    bounds: Bounds | None = None

    def notes(self) -> list[str]:
        """What the reader changes, in words."""
        said = []
        if self.curved:
            said.append(
                f"arcs of {self.curved:,} features were replaced by chords of {ARC_DEGREES} degree"
            )
        if self.raised:
            said.append(f"heights and measures (Z, M) of {self.raised:,} features are left out")
        return said


def crs_of(text: str | None, name: str) -> pyproj.CRS | None:
    """The reference system as GDAL states it; None where there is none or it is undefined."""
    if not text:
        return None
    try:
        found = pyproj.CRS.from_user_input(text)
    except CRSError:
        raise FileRefused(f"{name}: its reference system cannot be read: {text[:200]}.") from None
    undefined = found.name.lower().startswith("undefined")
    return None if undefined or found.type_name == "Engineering CRS" else found


def unique(names: Sequence[str]) -> list[str]:
    """Names of which none is twice; a later one of the same name has its number behind it."""
    taken: list[str] = []
    for name in names:
        number, one = 1, name
        while one in taken:
            number += 1
            one = f"{name}_{number}"
        taken.append(one)
    return taken


def _codes(values: pa.Array) -> pa.Array:
    """A column with a domain: its codes, which GDAL gives as indices of their descriptions."""
    return values.indices if pa.types.is_dictionary(values.type) else values


def _kind(kind: pa.DataType) -> pa.DataType | None:
    return kind.index_type if pa.types.is_dictionary(kind) else plain_type(kind)


@contextmanager
def gdal_errors(name: str) -> Iterator[None]:
    """What GDAL says about a file, as ours."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, LookupError, pa.ArrowException) as error:
        raise FileRefused(f"{name} cannot be read: {_plain(str(error))}.") from None


@contextmanager
def heard(said: list[str]) -> Iterator[None]:
    """Warnings of GDAL as sentences, the first few; nothing of them is printed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for one in caught:
        sentence = _plain(str(one.message))
        if sentence not in said and len(said) < MAX_SAID:
            said.append(sentence)


def _plain(text: str) -> str:
    """What GDAL says without the folder in which it was opened."""
    one_line = " ".join(text.split())
    return re.sub(r"(GEOJSON:)?(/[^\s'\"/]+)+/", "", one_line).rstrip(". ")[:300]
