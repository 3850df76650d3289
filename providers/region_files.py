"""Files of regions: lists of divisions with or without polygons, and the land of a unit."""

import gzip
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from config.vocabulary import AdminLevel, RegionCode, Text
from providers.crs_ways import missing_crs, way_to_storage
from providers.files import SourceFile, open_file
from providers.region_lookup import Known
from providers.regions import COUNTRY, SHOWN, Region, RegionRefused, region_code

MAX_UNPACKED_BYTES = 1024**3
BLOCK_BYTES = 1024 * 1024
MAX_NAME = 200
MAX_REPAIR_SHARE = 1e-6  # of a polygon's area: what mending its rings may change

# What the columns are called in the files that there are, in lower case.
CODE_COLUMNS = ("code", "adcode", "xzqdm", "区划代码", "行政区划代码", "行政区代码")
NAME_COLUMNS = ("name", "xzqmc", "名称", "行政区划名称", "行政区名称")
PARENT_COLUMNS = ("parent", "parent_code", "streetcode", "areacode", "citycode", "provincecode")
LEVEL_WORDS = {**{level.value: level for level in AdminLevel}, "district": AdminLevel.COUNTY}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionColumns:
    """Which columns of a file say what; None: by their usual names.

    Several parent columns go from the nearest upward: where the nearest is not registered, the next
    one's is the parent.
    """

    code: str | None = None
    name: str | None = None
    parents: tuple[str, ...] = ()
    level: str | None = None

    def within(self, source: SourceFile) -> "RegionColumns":
        """The file's own spelling of each; RegionRefused where one is missing or holds numbers."""
        own = {name.lower(): name for name in source.columns}

        def find(given: str | None, usual: Sequence[str]) -> str | None:
            wanted = (given.lower(),) if given is not None else usual
            name = next((own[one] for one in wanted if one in own), None)
            if name is None and given is not None:
                has = ", ".join(source.columns)
                raise RegionRefused(f"{source.name} has no column {given}; it has {has}.")
            return name

        code = find(self.code, CODE_COLUMNS)
        if code is None:
            has = ", ".join(list(source.columns)[:SHOWN])
            raise RegionRefused(f"{source.name}: say with --code-column where codes are: {has} ….")
        parents = [find(name, ()) for name in self.parents] or [find(None, PARENT_COLUMNS)]
        found = RegionColumns(
            code=code,
            name=find(self.name, NAME_COLUMNS),
            parents=tuple(name for name in parents if name is not None),
            level=find(None, ("level",)),
        )
        for name in found.named:
            kind = source.columns[name]
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise RegionRefused(
                    f"{source.name}: {name} holds {kind}; codes and names are text."
                )
        return found

    @property
    def named(self) -> tuple[str, ...]:
        """The columns to read."""
        given = (self.code, self.name, *self.parents, self.level)
        return tuple(dict.fromkeys(name for name in given if name is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionRow:
    """One division as its file has it.

    `parents` go from the nearest upward: those that the file names (stated), or, where it has no
    such column, those that the digits of the code say (GB/T 2260, GB/T 10114).
    """

    code: RegionCode
    name: str | None
    level: AdminLevel
    parents: tuple[str, ...]
    stated: bool
    polygon: shapely.MultiPolygon | None
    repaired: bool


def read_regions(
    path: Path,
    *,
    layer: str | None = None,
    level: AdminLevel | None = None,
    columns: RegionColumns | None = None,
) -> list[RegionRow]:
    """The divisions of a file, polygons in longitude and latitude (EPSG:4490).

    Raises
    ------
    RegionRefused, FileRefused, CrsError
        With the rows that cannot be read, or why the file as a whole cannot.
    """
    found: list[RegionRow] = []
    wrong: list[str] = []
    with opened(path, layer) as source:
        used = (columns or RegionColumns()).within(source)
        for number, cells, shape in _rows(source, used.named, wrong):
            try:
                found.append(_row(used, cells, shape, level))
            except ValueError as error:
                wrong.append(f"row {number}: {error}")
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise RegionRefused("\n".join([f"{path.name}:", *wrong[:SHOWN], *more]))
    if not found:
        raise RegionRefused(f"{path.name} has no regions.")
    return found


def read_land(path: Path, *, layer: str | None = None) -> shapely.MultiPolygon:
    """All polygons of a file as one, in longitude and latitude: the land of a management unit."""
    wrong: list[str] = []
    with opened(path, layer) as source:
        shapes = [shape for _, _, shape in _rows(source, (), wrong) if shape is not None]
    try:
        parts = [_polygon(shape)[0] for shape in shapes]
    except ValueError as error:
        raise RegionRefused(f"{path.name}: {error}.") from None
    if wrong or not parts:
        raise RegionRefused(f"{path.name}: {wrong[0] if wrong else 'there are no polygons'}.")
    return _polygon(shapely.union_all(parts))[0]


def regions_of(
    rows: Sequence[RegionRow], known: Mapping[str, Known], valid_from: date
) -> tuple[list[Region], Counter[str]]:
    """The regions to register, and how many were lifted past which parent that is not registered.

    *known* is the register's word on the codes of the rows and of their parents: a name that the
    file does not say is the register's.
    """
    listed = {row.code.value for row in rows}
    found: list[Region] = []
    lifted: Counter[str] = Counter()
    nameless: list[str] = []
    for row in rows:
        held = known.get(row.code.value)
        if held is not None and row.name in (None, held.name.zh):
            name = held.name  # a list in Chinese leaves the English name as it is
        elif row.name is not None:
            name = Text(zh=row.name, en=row.name)
        else:
            nameless.append(row.code.value)
            continue
        there = [p for p in row.parents if p == COUNTRY or p in listed or p in known]
        if there and there[0] != row.parents[0]:
            lifted[row.parents[0]] += 1
        parent = next(iter(there or (row.parents if row.stated else ())), None)
        found.append(
            Region(
                code=row.code,
                parent=None if parent is None else region_code(parent),
                level=row.level,
                name=name,
                valid_from=valid_from,
                polygon=row.polygon,
            )
        )
    if nameless:
        raise RegionRefused(
            f"Neither the file nor the register has names: {', '.join(nameless[:SHOWN])}."
        )
    return found, lifted


def plain_code(text: str) -> str:
    """A code without padding: 220102000000 is 220102, and of two or four digits 22 is 220000."""
    if text.isascii() and text.isdigit():
        if len(text) in (2, 4):
            return text.ljust(6, "0")
        if len(text) == 12:
            return text.removesuffix("000").removesuffix("000")
    return text


def _row(
    used: RegionColumns,
    cells: Mapping[str, str | None],
    shape: BaseGeometry | None,
    level: AdminLevel | None,
) -> RegionRow:
    assert used.code is not None
    code = RegionCode(plain_code((cells[used.code] or "").strip()))
    name = (cells[used.name] or "").strip() if used.name is not None else None
    if name is not None and not (name.isprintable() and 1 <= len(name) <= MAX_NAME):
        raise ValueError(f"{code.value}: a name has 1 to {MAX_NAME} printable characters")
    word = (cells[used.level] or "").strip().lower() if used.level is not None else ""
    stated = [plain_code((cells[name] or "").strip()) for name in used.parents]
    polygon, repaired = (None, False) if shape is None else _polygon(shape)
    return RegionRow(
        code=code,
        name=name,
        level=level or LEVEL_WORDS.get(word) or _level(code.value),
        parents=tuple(region_code(p).value for p in stated if p) or _above(code.value),
        stated=any(stated),
        polygon=polygon,
        repaired=repaired,
    )


def _level(code: str) -> AdminLevel:
    """The level that the digits say."""
    if len(code) > 6:
        return AdminLevel.TOWN if len(code) == 9 else AdminLevel.VILLAGE
    if code.endswith("0000"):
        return AdminLevel.PROVINCE
    return AdminLevel.CITY if code.endswith("00") else AdminLevel.COUNTY


def _above(code: str) -> tuple[str, ...]:
    """The divisions above one as the digits say, from the nearest upward."""
    heads = (code[:9], code[:6], code[:4] + "00", code[:2] + "0000")
    return tuple(head for head in dict.fromkeys(heads) if head != code)


def _polygon(shape: BaseGeometry) -> tuple[shapely.MultiPolygon, bool]:
    """A valid multipolygon and whether it had to be mended; ValueError where it is none."""
    if shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        raise ValueError(f"a {shape.geom_type}; a region has a polygon")
    mended = shape.is_valid
    valid = shape if mended else shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = [part for part in shapely.get_parts(valid) if part.geom_type == "Polygon"]
    whole = shapely.MultiPolygon(parts)
    if abs(whole.area - shape.area) > MAX_REPAIR_SHARE * shape.area or whole.is_empty:
        raise ValueError(f"its polygon is invalid: {shapely.is_valid_reason(shape)}")
    return whole, not mended


def _rows(
    source: SourceFile, names: Sequence[str], wrong: list[str]
) -> Iterator[tuple[int, dict[str, str | None], BaseGeometry | None]]:
    """Each row's number from 1, its cells, and its geometry in storage coordinates."""
    way = None
    if source.geometry is not None and source.bounds is not None:
        if source.crs is None:
            raise missing_crs(source.bounds)
        way = way_to_storage(source.crs, source.bounds)
    for batch in source.batches():
        wrong += [f"row {batch.first + i + 1}: {why}" for i, why in batch.unreadable.items()]
        lists = {name: batch.columns[name].to_pylist() for name in names}
        moved: NDArray[np.object_] = np.full(batch.count, None, dtype=object)
        if way is not None and batch.geometry is not None:
            moved = way.move(batch.geometry)
        for i in range(batch.count):
            if i not in batch.unreadable:
                yield batch.first + i + 1, {name: lists[name][i] for name in names}, moved[i]


@contextmanager
def opened(path: Path, layer: str | None) -> Iterator[SourceFile]:
    """The file; a table that is packed with gzip is unpacked beside, bounded."""
    if path.suffix.lower() != ".gz":
        with open_file(path, layer=layer) as source:
            yield source
        return
    with tempfile.TemporaryDirectory(prefix="onemap-regions-") as folder:
        plain = Path(folder) / path.stem
        _unpack(path, plain)
        with open_file(plain, layer=layer) as source:
            yield source


def _unpack(path: Path, plain: Path) -> None:
    left = MAX_UNPACKED_BYTES
    try:
        with gzip.open(path) as packed, plain.open("wb") as file:
            while block := packed.read(BLOCK_BYTES):
                if (left := left - len(block)) < 0:
                    raise RegionRefused(
                        f"{path.name} unpacks to more than {MAX_UNPACKED_BYTES:,} bytes."
                    )
                file.write(block)
    except (OSError, EOFError, zlib.error) as error:
        raise RegionRefused(f"{path.name} cannot be unpacked: {error}.") from None
