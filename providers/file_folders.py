"""A file under a plain private name beside nothing else: what GDAL is let see of it.

GDAL looks for more files beside the one it opens, reads meanings into names (`!`, `;`, `/vsi…`),
and takes endings for formats; none of it is the caller's doing.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from providers.file_kinds import Kind
from providers.source_file import FileRefused

STEM = "data"
ENDINGS = {
    Kind.SHAPEFILE: ".shp",
    Kind.GEOPACKAGE: ".gpkg",
    Kind.GEODATABASE: ".gdb",
    Kind.GEOJSON: ".geojson",
    Kind.FLATGEOBUF: ".fgb",
    Kind.XLSX: ".xlsx",
}
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def parts_of(path: Path) -> dict[str, Path]:
    """The files that a data set consists of, by their ending; for most it is one."""
    if path.suffix.lower() != ".shp":
        return {path.suffix.lower(): path}
    found = {
        part.suffix.lower(): part
        for part in sorted(path.parent.iterdir())
        if part.stem == path.stem and part.suffix.lower() in SHAPEFILE_PARTS
    }
    for part in found.values():
        if part.is_symlink() or not part.is_file():
            raise FileRefused(f"{part.name} is a link or no file.")
    return found | {".shp": path}


@contextmanager
def plainly_named(path: Path, kind: Kind, name: str) -> Iterator[Path]:
    """The file by a link with a plain name in a folder of its own, for as long as it is needed."""
    if kind not in ENDINGS:
        yield path
        return
    if kind is Kind.GEOPACKAGE:
        _check_settled(path, name)
    folder = Path(tempfile.mkdtemp(prefix="onemap-"))
    try:
        target = folder / f"{STEM}{ENDINGS[kind]}"
        if kind is Kind.SHAPEFILE and path.suffix.lower() != ".shp":
            raise FileRefused(f"{name} is the main part of a Shapefile, but is not called .shp.")
        if kind is Kind.SHAPEFILE:
            for ending, part in parts_of(path).items():
                target.with_suffix(ending).symlink_to(part.absolute())
        else:
            target.symlink_to(path.absolute(), target_is_directory=path.is_dir())
        yield target
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_settled(path: Path, name: str) -> None:
    """A GeoPackage that a program still writes has its newest rows in a file beside it."""
    for ending in ("-wal", "-journal"):
        beside = path.with_name(path.name + ending)
        if beside.exists() and beside.stat().st_size:
            raise FileRefused(
                f"{name} is not complete: {beside.name} beside it holds changes. Close the program"
                " that has it open."
            )
