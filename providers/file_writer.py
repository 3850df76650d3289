"""The one writer of vector files: batches kept beside, written and put in place when complete."""

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import pyproj
import shapely
from numpy.typing import NDArray

from config.vocabulary import GeometryKind
from providers.file_geometry import Extent
from providers.shapes import to_multi
from providers.source_file import FileRefused

PARQUET = "Parquet"
DRIVERS = {
    ".gpkg": "GPKG",
    ".fgb": "FlatGeobuf",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".parquet": PARQUET,
}
GEOMETRY = "geom"
NAMES = {
    GeometryKind.POINT: "MultiPoint",
    GeometryKind.LINE: "MultiLineString",
    GeometryKind.POLYGON: "MultiPolygon",
}


@dataclass(slots=True, kw_only=True)
class FeatureWriter:
    """Takes features for one layer of a file; columns and types are those of the first batch."""

    spool: Path
    kind: GeometryKind | None  # made multi geometries of; None: as they come
    geometry: str | None  # name of the column; None: a table
    written: int = 0
    extent: Extent = field(default_factory=Extent)
    types: set[str] = field(default_factory=set)
    schema: pa.Schema | None = None
    stream: pa.RecordBatchStreamWriter | None = None
    about: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of columns, by name
    options: dict[str, str] = field(default_factory=dict)  # of the format, until all is written
    missing: int = 0  # features without a geometry

    def write(
        self, columns: Mapping[str, pa.Array], geometry: NDArray[np.object_] | pa.Array | None
    ) -> None:
        """Append features; None geometry where the layer is a table, an Arrow array is WKB as it is."""
        arrays = {name: _writable(values) for name, values in columns.items()}
        if self.schema is None:
            taken = {name.lower() for name in arrays}
            while self.geometry is not None and self.geometry in taken:
                self.geometry += "_"
            if geometry is None:
                self.geometry = None
        if self.geometry is not None:
            if geometry is None:
                raise ValueError("features of a layer with geometry came without it")
            arrays[self.geometry] = self._binary(geometry)
        batch = pa.table(arrays)
        if self.schema is None or self.stream is None:
            self.schema = pa.schema(
                [
                    one.with_metadata(self.about[one.name]) if one.name in self.about else one
                    for one in batch.schema
                ]
            )
            self.stream = pa.ipc.new_stream(self.spool, self.schema)
        self.stream.write_table(batch.cast(self.schema))
        self.written += batch.num_rows

    def close(self) -> None:
        """No more features come."""
        if self.stream is not None:
            self.stream.close()

    @contextmanager
    def batches(self) -> Iterator[pa.RecordBatchReader]:
        """All that was written, in its order."""
        with pa.OSFile(str(self.spool)) as source, pa.ipc.open_stream(source) as reader:
            yield reader

    def _binary(self, geometry: NDArray[np.object_] | pa.Array) -> pa.Array:
        if isinstance(geometry, pa.Array):
            self.missing += geometry.null_count
            return geometry
        if self.kind is not None:
            geometry = geometry.copy()
            to_multi(geometry, self.kind)
        self.extent.add(geometry)
        here = geometry[~shapely.is_missing(geometry)]
        self.missing += len(geometry) - len(here)
        self.types |= {_type_name(int(one)) for one in np.unique(shapely.get_type_id(here))}
        return pa.array(shapely.to_wkb(geometry, flavor="iso").tolist(), pa.binary())


@contextmanager
def feature_writer(
    path: Path,
    *,
    layer: str,
    crs: str | pyproj.CRS | None,
    geometry: GeometryKind | None = None,
    driver: str | None = None,
    about: Mapping[str, Mapping[str, str]] | None = None,
    empty: bool = False,
) -> Iterator[FeatureWriter]:
    """A writer of GeoPackage, FlatGeobuf, GeoJSON or GeoParquet.

    Parameters
    ----------
    path : Path
        Appears when all is written; stays as it was where anything fails or nothing was written.
    layer : str
        The layer's name, where the format has names of layers.
    crs : str or CRS
        That of the coordinates, x to the east; None: not known.
    geometry : GeometryKind, optional
        Written as multi geometries of this kind; None: of any kind, as they come.
    driver : str, optional
        GPKG, FlatGeobuf, GeoJSON or Parquet; by the path's ending where not given.
    about : mapping, optional
        Field metadata of columns, in the words of GDAL: GDAL:OGR:alternative_name and so on.
    empty : bool
        Whether a file without features is written too; its columns are those of an empty batch.
    """
    driver = driver or DRIVERS.get(path.suffix.lower(), "")
    if driver not in DRIVERS.values():
        raise FileRefused(f"{path.name}: files are written as {', '.join(sorted(DRIVERS))}.")
    try:
        beside = Path(tempfile.mkdtemp(prefix=".onemap-", dir=path.absolute().parent))
    except OSError as error:
        raise FileRefused(f"{path.name} cannot be written: {error.strerror}.") from None
    try:
        writer = FeatureWriter(
            spool=beside / "features.arrows",
            kind=geometry,
            geometry=None if geometry is GeometryKind.NONE else GEOMETRY,
            about=about or {},
        )
        try:
            yield writer
        finally:
            writer.close()
        if writer.written or (empty and writer.schema is not None):
            _put(writer, beside, path, driver, layer, pyproj.CRS(crs) if crs else None)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put(
    writer: FeatureWriter,
    beside: Path,
    path: Path,
    driver: str,
    layer: str,
    crs: pyproj.CRS | None,
) -> None:
    with tempfile.TemporaryDirectory(prefix="onemap-") as folder:
        way = Path(folder) / "out"  # GDAL reads meanings into names; the caller's may have any
        way.symlink_to(beside, target_is_directory=True)
        target = way / f"written{'.parquet' if driver == PARQUET else path.suffix.lower()}"
        with writer.batches() as reader:
            if driver == PARQUET:
                _parquet(writer, reader, target, crs)
            else:
                _gdal(writer, reader, target, driver, layer, crs)
        os.replace(beside / target.name, path)


def _gdal(
    writer: FeatureWriter,
    reader: pa.RecordBatchReader,
    target: Path,
    driver: str,
    layer: str,
    crs: pyproj.CRS | None,
) -> None:
    kind = None if writer.kind is None else NAMES.get(writer.kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        pyogrio.raw.write_arrow(
            reader,
            target,
            layer=layer,
            driver=driver,
            geometry_name=writer.geometry,
            geometry_type=None if writer.geometry is None else kind or "Unknown",
            crs=None if crs is None else _said(crs),
            layer_options=writer.options,
        )


def _parquet(
    writer: FeatureWriter, reader: pa.RecordBatchReader, target: Path, crs: pyproj.CRS | None
) -> None:
    """GeoParquet 1.1 (https://geoparquet.org/releases/v1.1.0/)."""
    schema = reader.schema
    if writer.geometry is not None:
        column: dict[str, object] = {
            "encoding": "WKB",
            "geometry_types": sorted(writer.types),
            "crs": None if crs is None else crs.to_json_dict(),
        }
        if writer.extent.found is not None:
            column["bbox"] = list(writer.extent.found)
        geo = {
            "version": "1.1.0",
            "primary_column": writer.geometry,
            "columns": {writer.geometry: column},
        }
        schema = schema.with_metadata({b"geo": json.dumps(geo).encode()})
    with pq.ParquetWriter(target, schema, compression="zstd") as file:
        for batch in reader:
            file.write_batch(batch.replace_schema_metadata(schema.metadata))


def _said(crs: pyproj.CRS) -> str:
    """The authority's code where the whole system is that of the code, else all of it."""
    found = crs.to_authority(min_confidence=100)
    return ":".join(found) if found else str(crs.to_wkt())


def _writable(values: pa.Array) -> pa.Array:
    """Values in a type that every format has."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _writable(values.dictionary_decode())
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    if pa.types.is_decimal(kind):
        return values.cast(pa.float64())
    return values


def _type_name(number: int) -> str:
    names = {1: "LineString", 2: "LineString", 3: "Polygon", 4: "MultiPoint"}
    more = {0: "Point", 5: "MultiLineString", 6: "MultiPolygon", 7: "GeometryCollection"}
    return (names | more)[number]
