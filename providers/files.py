"""The one reader and writer of vector and table files: what a file is, and its features in batches.

A file is known by its content, not by its name: only the formats of providers.file_kinds ever
reach a driver, so that a file that tells a driver to read something else is refused first.
"""

import codecs
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from providers import (
    file_boundary_points,
    file_kml,
    file_layers,
    file_parquet,
    file_point_tables,
    file_tables,
)
from providers.file_archives import unpacked
from providers.file_folders import parts_of, plainly_named
from providers.file_kinds import Kind, kind_of
from providers.file_writer import FeatureWriter, feature_writer
from providers.source_file import Batch, FileLayer, FileRefused, OpenedPath, SourceFile

__all__ = [
    "Batch",
    "FeatureWriter",
    "FileLayer",
    "FileRefused",
    "SourceFile",
    "feature_writer",
    "layers_of",
    "open_file",
]

BLOCK = 1024 * 1024


@contextmanager
def open_file(
    path: Path, *, layer: str | None = None, encoding: str | None = None
) -> Iterator[SourceFile]:
    """Open one layer of a file; what was unpacked is removed at the end.

    Parameters
    ----------
    path : Path
        A regular file, or the folder of a file geodatabase. Shapefile, GeoPackage, file
        geodatabase, GeoJSON, GeoParquet, FlatGeobuf, CSV, XLSX, a DXF drawing, KML, the
        coordinate text of parcels, a list of points, or one of them in a zip (KMZ).
    layer : str, optional
        Which of several layers; in a zip of several data sets the name of one of them.
    encoding : str, optional
        Of the text of a Shapefile or CSV; otherwise it is found, by declaration and by the bytes.

    Raises
    ------
    FileRefused
        Where it cannot be read: no such file, another kind of file than it says, cut off, several
        layers and none named, an archive that is not safe.
    """
    _check_plain(path)
    digest = _sha256(path)
    with unpacked(path, layer) as held:
        kind = kind_of(held.path, path.name)
        if kind is Kind.GEOJSON:
            _check_utf8(held.path, path.name)
        with plainly_named(held.path, kind, path.name) as readable:
            asked = OpenedPath(
                path=readable,
                given=path,
                title=held.path.stem,
                sha256=digest,
                layer=held.layer,
                encoding=encoding,
                notes=held.notes,
            )
            match kind:
                case Kind.PARQUET:
                    source = file_parquet.opened(asked)
                case Kind.CSV:
                    source = file_point_tables.pointed(asked, file_tables.opened(asked))
                case Kind.BOUNDARY_POINTS:
                    source = file_boundary_points.opened(asked)
                case Kind.POINT_LIST:
                    source = file_point_tables.opened(asked)
                case Kind.DXF:
                    source = _drawing(asked)
                case Kind.KML:
                    source = file_kml.opened(asked)
                case Kind.XLSX:
                    source = file_point_tables.pointed(asked, file_layers.opened(asked, kind))
                case _:
                    source = file_layers.opened(asked, kind)
            yield source


def layers_of(path: Path) -> list[FileLayer]:
    """The layers of a file, tables among them; of a zip, those of its one data set."""
    _check_plain(path)
    with unpacked(path, None) as held:
        kind = kind_of(held.path, path.name)
        if kind is Kind.DXF:
            return _drawing_layers(held.path, path.name)
        if kind in (Kind.BOUNDARY_POINTS, Kind.POINT_LIST, Kind.KML):
            return [FileLayer(name=held.path.stem, geometry="Polygon")]
        if kind in (Kind.PARQUET, Kind.CSV):
            geometry = None if kind is Kind.CSV else file_parquet.geometry_of(held.path, path.name)
            return [FileLayer(name=held.path.stem, geometry=geometry)]
        with plainly_named(held.path, kind, path.name) as readable:
            return file_layers.layers_in(readable, kind, held.path.stem, path.name)


def _drawing(asked: OpenedPath) -> SourceFile:
    """A drawing; its library takes a second to import, so only where one is read."""
    from providers import file_dxf

    return file_dxf.opened(asked)


def _drawing_layers(path: Path, name: str) -> list[FileLayer]:
    """The layers of a drawing, as above."""
    from providers import file_dxf

    return file_dxf.layers_of(path, name)


def _check_plain(path: Path) -> None:
    """A regular file or a folder, by its own name: no link, no device, no pipe."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        raise FileRefused(f"{path.name}: there is no such file or folder.") from None
    if stat.S_ISLNK(mode):
        raise FileRefused(f"{path.name} is a link; name the file itself.")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileRefused(f"{path.name} is no file, but a device or a pipe.")
    if not os.access(path, os.R_OK):
        raise FileRefused(f"{path.name} may not be read by this user.")
    if stat.S_ISREG(mode) and not path.stat().st_size:
        raise FileRefused(f"{path.name} is empty.")


def _check_utf8(path: Path, name: str) -> None:
    """GeoJSON is UTF-8 by its standard (RFC 7946, RFC 8259)."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise FileRefused(f"{name} is not UTF-8, which GeoJSON must be; save it so.") from None


def _sha256(path: Path) -> str:
    """Digest of the file; of a geodatabase's or Shapefile's parts in the order of their names."""
    if path.is_dir():
        parts = sorted(part for part in path.iterdir() if part.is_file())
    else:
        parts = [part for _, part in sorted(parts_of(path).items())]
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()
