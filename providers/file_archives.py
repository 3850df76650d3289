"""Zipped and gzipped files: unpacked to a private folder under strict bounds, and removed afterwards."""

import gzip
import lzma
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from providers.source_file import FileRefused

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
GZIP_MAGIC = b"\x1f\x8b"
MAX_ENTRIES = 10_000
MAX_EXPANDED_BYTES = 20 * 1024**3
MAX_WORKBOOK_BYTES = 256 * 1024**2  # GDAL holds a workbook in memory, about six times that
MAX_RATIO = 200  # expanded to packed; vector data reach 20
RATIO_FROM_BYTES = 100 * 1024**2  # small archives may well be all zeros
SPARE_BYTES = 1024**3  # of the disk, left to others
BLOCK = 1024 * 1024
DATASETS = (
    ".shp",
    ".gpkg",
    ".geojson",
    ".json",
    ".fgb",
    ".parquet",
    ".csv",
    ".tsv",
    ".xlsx",
    ".dxf",
    ".kml",
)
TEXTS = (
    ".txt",
)  # parcels where they stand alone; beside other data sets a text to be read by people
SINGLE_FILES = (".csv", ".tsv", ".geojson", ".json", ".gpkg", ".fgb")  # that gzip may pack
BESIDE = (".shx", ".dbf", ".prj", ".cpg", ".gpkg-wal", ".gpkg-journal")
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz")
WORKBOOK = "xl/workbook.xml"
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    EOFError,
    RuntimeError,
    ValueError,
    OSError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The data set of a file that may be an archive, and which layer of it is asked for."""

    path: Path
    layer: str | None
    notes: tuple[str, ...] = ()


@contextmanager
def unpacked(path: Path, layer: str | None) -> Iterator[Unpacked]:
    """The file to read and the layer in it, for as long as it is needed.

    That is the path itself, or the one data set of a zip; of several data sets the one that is
    named like *layer*.
    """
    head = b"" if path.is_dir() else _head(path)
    if head not in ZIP_MAGIC and not head.startswith(GZIP_MAGIC):
        yield Unpacked(path=path, layer=layer)
        return
    folder = Path(tempfile.mkdtemp(prefix="onemap-"))
    try:
        try:
            if head.startswith(GZIP_MAGIC):
                inside = Unpacked(path=_expanded(path, folder), layer=layer)
            else:
                with zipfile.ZipFile(path) as archive:
                    inside = _one_dataset(archive, folder, path, layer)
        except DAMAGES as error:
            said = str(error).replace(str(folder), "").rstrip(".") or type(error).__name__
            raise FileRefused(f"{path.name} is a damaged archive: {said[:200]}.") from None
        yield inside
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _expanded(path: Path, folder: Path) -> Path:
    """The one file that gzip packs, under its name without the ending."""
    target = folder / (path.stem if path.suffix.lower() == ".gz" else path.name)
    if target.suffix.lower() not in SINGLE_FILES:
        raise FileRefused(
            f"{path.name} is packed with gzip; so are read {', '.join(SINGLE_FILES)}. Else use zip."
        )
    expanded = 0
    with gzip.open(path) as packed, target.open("xb") as file:
        while block := packed.read(BLOCK):
            expanded += len(block)
            _bound(expanded, path, MAX_EXPANDED_BYTES)
            file.write(block)
    return target


def _one_dataset(archive: zipfile.ZipFile, folder: Path, path: Path, layer: str | None) -> Unpacked:
    entries = _entries(archive, path)
    if WORKBOOK in entries:
        _check_workbook(archive, entries, path)
        return Unpacked(path=path, layer=layer)
    geodatabases = {
        PurePosixPath(name).parent for name in entries if name.lower().endswith(".gdbtable")
    }
    files = [
        PurePosixPath(name)
        for name in entries
        if name.lower().endswith(DATASETS) and PurePosixPath(name).parent not in geodatabases
    ]
    inner = [name for name in entries if name.lower().endswith(ARCHIVES)]
    texts = [PurePosixPath(name) for name in entries if name.lower().endswith(TEXTS)]
    found = sorted([*geodatabases, *files] or texts)
    if not found and inner:
        raise FileRefused(f"{path.name} holds another archive, {inner[0]}; unpack it first.")
    named = [one for one in found if layer is not None and layer in (one.stem, str(one))]
    if len(found) > 1 and len(named) == 1:
        found, layer = named, None
    if len(found) != 1:
        names = ", ".join(str(one) for one in found[:20])
        raise FileRefused(
            f"{path.name} holds {len(found)} data sets: {names}; name one as the layer (--layer)."
            if found
            else f"{path.name} holds no data set that can be read."
        )
    chosen = found[0]
    _extract(archive, _parts(entries, chosen, chosen in geodatabases), folder, path)
    notes = tuple(f"the archive {name} inside it was not opened" for name in inner[:5])
    if chosen not in geodatabases and layer == chosen.stem:
        layer = None
    return Unpacked(path=folder / chosen, layer=layer, notes=notes)


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by their names; any that is not what it should be refuses the archive."""
    listed = archive.infolist()
    if len(listed) > MAX_ENTRIES:
        raise FileRefused(f"{path.name} has {len(listed):,} entries; at most {MAX_ENTRIES:,}.")
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in listed:
        name = _name(entry).replace("\\", "/")
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/") or ":" in parts[0]:
            raise FileRefused(f"{path.name}: the entry {name[:100]!r} leads out of the archive.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise FileRefused(f"{path.name}: the entry {name[:100]!r} is a link or a device.")
        if entry.flag_bits & 1:
            raise FileRefused(f"{path.name} is encrypted.")
        if entry.is_dir() or parts[-1].startswith(".") or "__MACOSX" in parts:
            continue
        name = str(PurePosixPath(name))
        if name in entries:
            raise FileRefused(f"{path.name} has the entry {name[:100]!r} twice.")
        entries[name] = entry
    return entries


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; old Chinese archives write GBK and do not say so."""
    if entry.flag_bits & 0x800 or entry.filename.isascii():
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return entry.filename


def _parts(
    entries: dict[str, zipfile.ZipInfo], chosen: PurePosixPath, geodatabase: bool
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The entries that belong to a data set: a geodatabase's folder, a Shapefile's parts."""
    named = {PurePosixPath(name): entry for name, entry in entries.items()}
    if geodatabase:
        return {name: entry for name, entry in named.items() if name.parent == chosen}
    parts = {
        name: entry
        for name, entry in named.items()
        if name.with_suffix("") == chosen.with_suffix("") and name.suffix.lower() in BESIDE
    }
    return parts | {chosen: named[chosen]}


def _extract(
    archive: zipfile.ZipFile,
    entries: dict[PurePosixPath, zipfile.ZipInfo],
    folder: Path,
    path: Path,
) -> None:
    """Write the entries out; what a header said of their size is not believed."""
    claimed = sum(entry.file_size for entry in entries.values())
    _bound(claimed, path, MAX_EXPANDED_BYTES)
    if claimed + SPARE_BYTES > shutil.disk_usage(folder).free:
        raise FileRefused(f"{path.name} unpacked takes {claimed:,} bytes; the disk has no room.")
    expanded = 0
    for name, entry in entries.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as packed, target.open("xb") as file:
            while block := packed.read(BLOCK):
                expanded += len(block)
                _bound(expanded, path, MAX_EXPANDED_BYTES)
                file.write(block)


def _check_workbook(
    archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], path: Path
) -> None:
    """An XLSX is read where it is: its true size is found by reading through it once."""
    expanded = 0
    for name, entry in entries.items():
        with archive.open(entry) as packed:
            first = True
            while block := packed.read(BLOCK):
                expanded += len(block)
                _bound(expanded, path, MAX_WORKBOOK_BYTES)
                if first and name.endswith(".xml") and b"<!DOCTYPE" in block[:4096]:
                    raise FileRefused(f"{path.name}: {name} has a document type; refused.")
                first = False


def _bound(expanded: int, path: Path, limit: int) -> None:
    packed = max(1, path.stat().st_size)
    if expanded > limit:
        raise FileRefused(
            f"{path.name} expands from {packed:,} bytes to more than {limit:,}; that is the limit."
        )
    if expanded > RATIO_FROM_BYTES and expanded / packed > MAX_RATIO:
        raise FileRefused(
            f"{path.name} expands from {packed:,} bytes to more than {MAX_RATIO} times as much;"
            " refused as a zip bomb."
        )
