"""Opening one layer of a file that GDAL reads: which one, and what is to be known of it."""

import re
from dataclasses import replace
from pathlib import Path

import pyogrio
import pyproj

from providers.file_folders import STEM
from providers.file_gdal import GdalLayer, crs_of, gdal_errors, heard
from providers.file_geopackage import OPTIONS as PACKAGE_OPTIONS
from providers.file_geopackage import PackageLayer, check_layer, mistyped, package_layers
from providers.file_kinds import HEAD_BYTES, Kind
from providers.file_shapefile import shapefile_parts
from providers.source_file import FileLayer, FileRefused, OpenedPath, SourceFile

OPTIONS = {
    Kind.GEOPACKAGE: PACKAGE_OPTIONS,
    Kind.XLSX: {"HEADERS": "FORCE"},  # the first row, also where all columns are text
    Kind.GEOJSON: {"DATE_AS_STRING": "YES", "ARRAY_AS_STRING": "YES"},
}
SINGLE = (Kind.SHAPEFILE, Kind.GEOJSON, Kind.FLATGEOBUF)  # formats of one layer
COUNTED = (Kind.GEODATABASE, Kind.FLATGEOBUF)  # whose header knows the number of features
NO_CRS = re.compile(rb'"crs"\s*:\s*null')
OLD_CRS = re.compile(rb'"crs"\s*:\s*\{')
GDB_HEADER = 40  # bytes of a .gdbtable; its own size stands at 24
DIMENSIONS = re.compile(r"^(2\.5D|3D Measured|3D|Measured) | (Z|M|ZM)$")


def layers_in(path: Path, kind: Kind, title: str, name: str) -> list[FileLayer]:
    """The layers of a file, tables among them."""
    if kind in SINGLE:
        return [FileLayer(name=title, geometry="Unknown")]
    if kind is Kind.GEOPACKAGE:
        return package_layers(path, name)
    if kind is Kind.GEODATABASE:
        _check_geodatabase(path, name)
    with gdal_errors(name), heard([]):
        found = pyogrio.list_layers(path)
    return [FileLayer(name=str(n), geometry=None if k is None else str(k)) for n, k in found]


def opened(asked: OpenedPath, kind: Kind) -> SourceFile:
    """One layer of a file of a format that GDAL reads."""
    path, name = asked.path, asked.name
    notes = list(asked.notes)
    chosen, rest = _chosen(asked, kind)
    layer = GdalLayer(
        path=path,
        name=name,
        kind=kind,
        layer=None if kind in SINGLE else chosen.name,
        options=OPTIONS.get(kind, {}),
    )
    if rest:
        notes.append(f"its tables {', '.join(rest[:20])} were not read")
    if kind is Kind.GEOPACKAGE:
        check_layer(path, name, chosen.name)
        layer = replace(layer, broken=mistyped(path, name, chosen.name))
    if kind is Kind.SHAPEFILE:
        parts = shapefile_parts(path, name, asked.encoding)
        layer = replace(layer, encoding=parts.judged.encoding, broken=parts.broken)
        notes += [*parts.notes, *parts.judged.notes]
    layer, info, types, left = layer.described()
    if left:
        notes.append(f"the columns {', '.join(left[:20])} hold no plain values and are left out")
    seen = layer.survey()
    if kind in COUNTED and seen.features < info["features"]:
        raise FileRefused(
            f"{name} is cut off: of {info['features']:,} features {seen.features:,} can be read."
        )
    return SourceFile(
        path=asked.given,
        name=name,
        driver=kind,
        layer=_title(chosen, info["layer_name"], kind),
        columns=types,
        geometry=None if layer.table else DIMENSIONS.sub("", str(info["geometry_type"])),
        crs=None if layer.table else _crs(layer, info["crs"], chosen),
        features=seen.features,
        bounds=seen.bounds,
        encoding=layer.encoding.upper() if kind is Kind.SHAPEFILE else None,
        notes=(*notes, *seen.notes(), *(f"GDAL: {one}" for one in layer.said)),
        sha256=asked.sha256,
        read=layer.batches,
    )


def _chosen(asked: OpenedPath, kind: Kind) -> tuple[FileLayer, list[str]]:
    """The layer that is asked for, or the only one; tables beside it that were not chosen."""
    layers = layers_in(asked.path, kind, asked.title, asked.name)
    named = [one for one in layers if asked.layer in (None, one.name)]
    if kind in SINGLE and asked.layer is not None and not named:
        raise FileRefused(f"{asked.name} has one layer, {asked.title}; it has no {asked.layer!r}.")
    if len(named) == 1:
        return named[0], []
    placed = [one for one in named if one.geometry is not None]
    if len(placed) == 1:
        return placed[0], [one.name for one in named if one.geometry is None]
    names = ", ".join(one.name for one in layers[:50]) or "none"
    if asked.layer is not None:
        raise FileRefused(f"{asked.name} has no layer {asked.layer!r}; it has: {names}.")
    if not layers:
        raise FileRefused(f"{asked.name} has no layer.")
    raise FileRefused(
        f"{asked.name} has {len(layers)} layers: {names}. Name the one to read (--layer)."
    )


def _title(chosen: FileLayer, said: str, kind: Kind) -> str:
    return said if kind in (Kind.GEOJSON, Kind.FLATGEOBUF) and said != STEM else chosen.name


def _crs(layer: GdalLayer, said: str | None, chosen: FileLayer) -> pyproj.CRS | None:
    if isinstance(chosen, PackageLayer) and not chosen.placed:
        return None
    if layer.kind is Kind.GEOJSON:
        with layer.path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if NO_CRS.search(head):
            return None
        if not OLD_CRS.search(head) or said in ("EPSG:4326", "EPSG:4979"):
            return pyproj.CRS.from_user_input("OGC:CRS84")  # RFC 7946
    return crs_of(said, layer.name)


def _check_geodatabase(path: Path, name: str) -> None:
    """A table whose header says more than there is has been cut off; GDAL reads up to the cut."""
    for table in sorted(path.iterdir()):
        if table.suffix.lower() != ".gdbtable":
            continue
        with table.open("rb") as file:
            head = file.read(GDB_HEADER)
        size = int.from_bytes(head[24:32], "little")
        if len(head) < GDB_HEADER or size > table.stat().st_size:
            raise FileRefused(f"{name} is cut off: {table.name} in it is not complete.")
