"""The demo's lesser lines and facilities: reserve, four lines, streets, transport, an airport."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.synthetic_city import Line
from processes.algorithms.synthetic_city.works import (
    CORE,
    obstacle_surfaces,
    reserve_zones,
    street_lines,
)
from processes.workflows.demo_plans import parts, written
from processes.workflows.demo_tables import REMARK, City, Column, Ints
from processes.workflows.feature_table import FeatureTable

AIRPORT = "模拟机场"
AIRPORT_ELEVATION_M = 215.0  # 1985 国家高程基准
AIRPORT_PLACE = 0.6  # of the way from the centre to the north-eastern corner of the city's window
PLOTS_OF_A_UNIT = 8
GREEN = {"1401": "公园绿地", "1402": "防护绿地", "1403": "广场用地"}
UTILITIES = {"1301": "供水设施", "1303": "供电设施", "1305": "供热设施", "1310": "消防设施"}
MAJOR = {"1301": "水厂", "1703": "水库"}
TRANSPORT = {"1201": "铁路", "1202": "公路"}


def line_tables(city: City) -> Iterator[tuple[str, FeatureTable]]:
    """The layers in the order of loading; a small city has no feature of some of them."""
    yield "nature_reserve", _reserve(city)
    yield "green_line", _lines(city, GREEN, "0410", "2090020232", "模拟绿线")
    yield "yellow_line", _lines(city, UTILITIES, "0420", "2090020234", "模拟黄线")
    yield "road_line", _streets(city)
    yield "detailed_plan_unit", _units(city)
    yield "major_facility", _facilities(city, MAJOR, "0510")
    yield "major_transport", _facilities(city, TRANSPORT, "0520")
    yield "airport_surface", _airport(city)


def _reserve(city: City) -> FeatureTable:
    zone = reserve_zones(city.made)
    geometry, parcel = parts(city, zone, chosen=zone > 0)
    count = len(geometry)
    columns = {
        **city.head(city.made.division[parcel], "0240", "2090069010"),
        "MC": ["模拟森林自然保护区"] * count,
        "LX": ["2"] * count,
        "JB": ["3"] * count,
        "GKFQ": np.where(zone[parcel] == CORE, "核心保护区", "一般控制区").tolist(),
        "MJ": written(geometry),
        "BZ": [REMARK] * count,
    }
    return FeatureTable(values=columns, geometry=geometry)


def _kinds(codes: NDArray[np.str_], kinds: dict[str, str]) -> Ints:
    """Which of *kinds* each class belongs to; -1: none."""
    beginning = codes.astype("<U4")
    kind = np.full(len(codes), -1, dtype=np.int64)
    for number, code in enumerate(kinds):
        kind[beginning == code] = number
    return kind


def _found(
    city: City, kinds: dict[str, str], *, urban: bool
) -> tuple[NDArray[np.object_], Ints, list[str]]:
    """Connected parcels of planned classes in a block: geometry, a parcel of each, the words."""
    kind = _kinds(city.made.planned_use, kinds)
    chosen = (kind >= 0) & ((city.made.line == Line.BOUNDARY) | (not urban))
    geometry, parcel = parts(city, city.made.district, city.made.block, kind, chosen=chosen)
    words = list(kinds.values())
    return geometry, parcel, [words[number] for number in kind[parcel].tolist()]


def _lines(city: City, kinds: dict[str, str], layer: str, element: str, name: str) -> FeatureTable:
    geometry, parcel, words = _found(city, kinds, urban=True)
    columns = {
        **city.head(city.made.division[parcel], layer, element),
        "MC": [f"{name}{number}" for number in range(1, len(words) + 1)],
        "LB": words,
        "MJ": written(geometry),
        "GKYQ": ["不得擅自改变用途"] * len(words),
        "BZ": [REMARK] * len(words),
    }
    return FeatureTable(values=columns, geometry=geometry)


def _facilities(city: City, kinds: dict[str, str], layer: str) -> FeatureTable:
    geometry, parcel, words = _found(city, kinds, urban=False)
    kept = (city.made.planned_use[parcel] == city.made.use[parcel]).tolist()
    columns = {
        **city.head(city.made.division[parcel], layer, f"209006{layer}"),
        "MC": [f"模拟{word}{number}" for number, word in enumerate(words, 1)],
        "LX": words,
        "GHZT": ["10" if same else "20" for same in kept],
        "MJ": written(geometry),
        "BZ": [REMARK] * len(words),
    }
    return FeatureTable(values=columns, geometry=geometry)


def _streets(city: City) -> FeatureTable:
    streets = street_lines(city.made)
    count = len(streets.lines)
    columns: dict[str, Column] = {
        **city.head(city.made.division[streets.parcel], "0430", "2090069020"),
        "DLDJ": np.where(streets.outer, "次干路", "支路").tolist(),
        "BZ": [REMARK] * count,
    }
    return FeatureTable(values=columns, geometry=streets.lines)


def _units(city: City) -> FeatureTable:
    """详规单元: the concentrated construction zone of each district that has a few plots."""
    made = city.made
    _, place = np.unique(
        np.column_stack((made.division, made.district)), axis=0, return_inverse=True
    )
    plots = np.bincount(place[made.plots], minlength=int(place.max()) + 1)
    chosen = (made.zone == "410") & (plots[place] >= PLOTS_OF_A_UNIT)
    part, parcel = parts(city, made.district, chosen=chosen)
    _, first, unit = np.unique(place[parcel], return_index=True, return_inverse=True)
    order = np.argsort(unit, kind="stable")
    geometry = np.asarray(shapely.multipolygons(part[order], indices=unit[order]))
    numbers = [f"MN{district:03d}" for district in made.district[parcel[first]].tolist()]
    columns = {
        **city.head(made.division[parcel[first]], "0440", "2090069030"),
        "DYBH": numbers,
        "DYMC": [f"模拟详规单元{number}" for number in numbers],
        "MJ": written(geometry),
        "BZ": [REMARK] * len(numbers),
    }
    return FeatureTable(values=columns, geometry=geometry)


def _airport(city: City) -> FeatureTable:
    west, south, east, north = shapely.total_bounds(city.made.parcels).tolist()
    middle_lon, middle_lat = (west + east) / 2, (south + north) / 2
    surfaces = obstacle_surfaces(
        middle_lon + AIRPORT_PLACE * (east - middle_lon),
        middle_lat + AIRPORT_PLACE * (north - middle_lat),
    )
    heights = surfaces.height_m.tolist()
    names = ["内水平面", *["锥形面"] * (len(heights) - 1)]
    columns: dict[str, Any] = {
        "BSM": [f"2201000530{number:08d}" for number in range(1, len(heights) + 1)],
        "JCMC": [AIRPORT] * len(heights),
        "XZMLX": names,
        "XGGC": [AIRPORT_ELEVATION_M + height for height in heights],
        "MJ": written(surfaces.rings),
        "BZ": [REMARK] * len(heights),
    }
    return FeatureTable(values=columns, geometry=surfaces.rings)
