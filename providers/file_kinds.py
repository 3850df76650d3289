"""What a file is by its content, whatever it is called: only these formats are ever opened."""

import re
from enum import StrEnum
from pathlib import Path

from providers.file_boundary_points import is_boundary_text
from providers.file_kml import is_kml
from providers.file_point_tables import is_point_header, is_point_list, lines_of
from providers.source_file import FileRefused

HEAD_BYTES = 64 * 1024
TABLE_ENDINGS = (".csv", ".txt", ".tsv")
FEATURES = re.compile(rb'"type"\s*:\s*"(FeatureCollection|Feature)"|"features"\s*:\s*\[')
FOREIGN = re.compile(rb'"gdal_streamed_alg"|"Topology"|esriGeometry|esriFieldType', re.IGNORECASE)
UTF16 = (b"\xff\xfe", b"\xfe\xff")
DRAWING = re.compile(rb"\s*(999\r?\n[^\n]*\n\s*)*0\r?\n\s*SECTION\s")
BINARY_DRAWING = b"AutoCAD Binary DXF\r\n\x1a\x00"
READABLE = (
    "Shapefile, GeoPackage, file geodatabase, GeoJSON, GeoParquet, FlatGeobuf, CSV, XLSX,"
    " DXF, KML, coordinate text (界址点 TXT), lists of points,"
    " or one of them zipped"
)
OTHERS = (  # what is often found instead
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF", "a PDF document"),
    (b"Rar!", "a RAR archive; pack it as zip"),
    (b"7z\xbc\xaf", "a 7z archive; pack it as zip"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.xls, .doc); save it as XLSX"),
    (b"\x00\x01\x00\x00Standard Jet DB", "an Access database (.mdb); export it as .gdb or .gpkg"),
    (b"AC10", "a DWG drawing; save it as DXF R2010"),
    (b"<", "XML or HTML"),
)


class Kind(StrEnum):
    """The formats that are read; the value is GDAL's name where GDAL reads it."""

    SHAPEFILE = "ESRI Shapefile"
    GEOPACKAGE = "GPKG"
    GEODATABASE = "OpenFileGDB"
    GEOJSON = "GeoJSON"
    FLATGEOBUF = "FlatGeobuf"
    XLSX = "XLSX"
    PARQUET = "Parquet"
    CSV = "CSV"
    BOUNDARY_POINTS = "BoundaryPoints"
    POINT_LIST = "PointList"
    DXF = "DXF"
    KML = "KML"


def kind_of(path: Path, name: str) -> Kind:
    """The format of a file that is no archive; refused with what it is instead."""
    if path.is_dir():
        return _folder(path, name)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise FileRefused(f"{name} is empty.")
    suffix = path.suffix.lower()
    if suffix in (".dbf", ".shx", ".prj", ".cpg"):
        raise FileRefused(f"{name} is a part of a Shapefile; name the .shp.")
    if head[:4] == b"\x00\x00\x27\x0a":
        return Kind.SHAPEFILE
    if head[:16] == b"SQLite format 3\x00":
        return Kind.GEOPACKAGE
    if head[:3] == b"fgb":
        return Kind.FLATGEOBUF
    if head[:4] == b"PAR1":
        return Kind.PARQUET
    if head[:4] == b"PK\x03\x04":  # of the zipped formats only a workbook comes here unpacked
        return Kind.XLSX
    if head.startswith(BINARY_DRAWING) or DRAWING.match(head.removeprefix(b"\xef\xbb\xbf")):
        return Kind.DXF
    if is_boundary_text(head):
        return Kind.BOUNDARY_POINTS
    if is_kml(head):
        return Kind.KML
    return _text(path, name, head)


def _folder(path: Path, name: str) -> Kind:
    parts = list(path.iterdir())
    if not any(part.suffix.lower() == ".gdbtable" for part in parts):
        raise FileRefused(f"{name} is a folder, but no file geodatabase (.gdb).")
    for part in parts:
        if part.is_symlink() or not (part.is_file() or part.is_dir()):
            raise FileRefused(f"{name}: {part.name} in it is a link or a device.")
    return Kind.GEODATABASE


def _text(path: Path, name: str, head: bytes) -> Kind:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    suffix = path.suffix.lower()
    if start[:1] == b"{" and suffix not in TABLE_ENDINGS:
        if FOREIGN.search(head) or not FEATURES.search(head):
            raise FileRefused(f"{name} is JSON, but no GeoJSON feature collection.")
        return Kind.GEOJSON
    if head[:2] in UTF16 and suffix in TABLE_ENDINGS:
        raise FileRefused(f"{name} is text in UTF-16; save it as UTF-8.")
    for magic, what in OTHERS:
        if start.startswith(magic):
            raise FileRefused(f"{name} is {what}; these files can be read: {READABLE}.")
    lines = [] if b"\x00" in head else list(lines_of(head))
    if is_point_list(lines):
        return Kind.POINT_LIST
    if b"\x00" not in head and (suffix in TABLE_ENDINGS or (lines and is_point_header(lines[0]))):
        return Kind.CSV
    what = "holds unknown bytes" if b"\x00" in head else "is text"
    raise FileRefused(f"{name} {what} and is none of the files that can be read: {READABLE}.")
