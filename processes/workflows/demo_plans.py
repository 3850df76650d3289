"""The generated layers of the demo as tables: land use, plans, control lines, plots."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processes.algorithms.synthetic_city import Line, dissolve
from processes.algorithms.synthetic_city.works import inner_zones
from processes.workflows.demo_tables import (
    REMARK,
    RIDGE_SHARE,
    City,
    Geometries,
    Ints,
    sequence,
    written_m2,
)
from processes.workflows.feature_table import FeatureTable

# 用地用海分类 (2023) -> 国土调查地类, for the classes that the generator gives
SURVEY_CLASS = {
    "010100": "0101", "010200": "0102", "010300": "0103", "020100": "0201", "030100": "0301",
    "030300": "0305", "030400": "0307", "040300": "0404", "050600": "1106", "060101": "1006",
    "060102": "1006", "060201": "1202", "060202": "1202", "0701": "0701", "0702": "0701",
    "0703": "0702", "0704": "0702", "0801": "08H1", "080401": "08H2A", "0805": "08H2",
    "0802": "08H2", "0803": "08H2", "0804": "08H2", "0806": "08H2", "0807": "08H2",
    "09": "05H1", "1001": "0601", "11": "0508", "120100": "1001", "120200": "1003",
    "120700": "1004", "1208": "1005", "13": "0809", "14": "0810", "150600": "09",
    "160000": "1201", "170100": "1101", "170300": "1103", "170400": "1104", "230100": "1201",
}  # fmt: skip
GUIDANCE = {
    "100": "严格禁止开发性、生产性建设活动，仅允许有限人为活动",
    "200": "保持自然本底，限制开发建设",
    "300": "严格保护永久基本农田，不得擅自占用或改变用途",
    "410": "实行详细规划加规划许可管理，优先盘活存量",
    "411": "以城镇居住为主，完善社区服务配套",
    "412": "以公共服务和综合服务为主",
    "413": "以商业、商务办公为主",
    "414": "以工业及其配套为主",
    "415": "以物流仓储及其配套为主",
    "416": "以公园绿地、广场等开敞空间为主",
    "418": "用途待定的城镇战略空间，近期不得占用",
    "420": "未依法调整为集中建设区前保持现状用途",
    "430": "以生态、休闲功能为主，不得进行集中建设",
    "510": "依村庄规划管理，保障农村住宅和公共服务",
    "520": "以农业生产为主，鼓励土地整理",
    "530": "以林业生产和生态保育为主",
}


def survey_class(code: str) -> str:
    """The survey class (地类编码) of a land-use class, by its longest known beginning."""
    return next(SURVEY_CLASS[code[:n]] for n in (6, 4, 2) if code[:n] in SURVEY_CLASS)


def city_tables(city: City) -> Iterator[tuple[str, FeatureTable]]:
    """The layers in the order of loading; land use as of the first survey year."""
    yield "land_use", city.land_use(city.made.use)
    yield "planned_land_use", _planned(city)
    yield "planning_zone", _zones(city)
    yield "permanent_farmland", farmland(city, np.flatnonzero(city.made.line == Line.FARMLAND))
    yield "ecological_redline", _redline(city)
    yield "urban_growth_boundary", boundary(city, city.made.line == Line.BOUNDARY, city.made.zone)
    yield "detailed_plan_parcel", _plots(city)


def _planned(city: City) -> FeatureTable:
    made, codes = city.made, city.made.planned_use.tolist()
    kept = (made.planned_use == made.use).tolist()
    columns = {
        **city.head(made.division, "0120", "2090050245"),
        "YDYHFLDM": codes,
        "YDYHFLMC": city.named("YDYH", codes),
        "TBMJ": city.area_m2.tolist(),
        "TBDLMJ": city.net_m2(made.planned_use),
        "GHZT": ["10" if same else "20" for same in kept],
        "JQDLDM": [survey_class(code) for code in made.use.tolist()],
        "BZ": [REMARK] * len(codes),
    }
    return FeatureTable(values=columns, geometry=made.parcels)


def parts(city: City, *keys: NDArray[Any], chosen: NDArray[np.bool_]) -> tuple[Geometries, Ints]:
    """Parcels with equal division and *keys* made one; the parts, and a parcel of each."""
    labels = np.zeros(len(chosen), dtype=np.int64)
    for key in (city.made.division, *keys):
        _, number = np.unique(key, return_inverse=True)
        labels = labels * (int(number.max(initial=0)) + 1) + number
    geometry, label = dissolve(city.made.parcels, np.where(chosen, labels, -1))
    kinds, first = np.unique(labels, return_index=True)
    return geometry, first[np.searchsorted(kinds, label)]


def written(geometry: Geometries) -> list[float]:
    areas: list[float] = written_m2(geometry).tolist()
    return areas


def _zones(city: City) -> FeatureTable:
    made = city.made
    everywhere = np.ones(len(made.zone), dtype=np.bool_)
    zone = inner_zones(made)
    geometry, parcel = parts(city, made.district, zone, chosen=everywhere)
    codes = zone[parcel].tolist()
    columns = {
        **city.head(made.division[parcel], "0130", "2090020610"),
        "GHFQDM": codes,
        "GHFQMC": city.named("GHFQ", codes),
        "MJ": written(geometry),
        "GKZY": [GUIDANCE[code] for code in codes],
        "BZ": [REMARK] * len(codes),
    }
    return FeatureTable(values=columns, geometry=geometry)


def farmland(city: City, chosen: Ints) -> FeatureTable:
    """永久基本农田 on the chosen parcels, numbered in their order."""
    made = city.made
    division = made.division[chosen]
    number = sequence(division).tolist()
    classes = [survey_class(code) for code in made.use[chosen].tolist()]
    village, village_name = city.village(chosen)
    sloping = city.sloping[chosen].tolist()
    gross = city.area_m2[chosen]
    deducted = np.round(gross * np.where(city.sloping[chosen], RIDGE_SHARE, 0.0), 2)
    count = len(chosen)
    unit = [f"{code}0000000" for code in village]
    columns = {
        **city.head(division, "0210", "2005010300"),
        "YJJBNTTBBH": [f"{v}{n % 1_000_000:06d}" for v, n in zip(village, number, strict=True)],
        "TBBH": [f"{n:05d}" for n in number],
        "DLBM": classes,
        "DLMC": city.named("DLBM", classes),
        "QSXZ": ["30"] * count,
        "QSDWDM": unit,
        "QSDWMC": village_name,
        "ZLDWDM": unit,
        "ZLDWMC": village_name,
        "YJJBNTTBMJ": gross.tolist(),
        "KCDLBM": ["1203" if slope else None for slope in sloping],
        "KCXS": [RIDGE_SHARE if slope else None for slope in sloping],
        "KCMJ": deducted.tolist(),
        "YJJBNTMJ": np.round(gross - deducted, 2).tolist(),
        "GDLX": ["PD" if slope else None for slope in sloping],
        "GDPDJB": ["2" if slope else "1" for slope in sloping],
        "GDDB": (9 + made.district[chosen] % 3).tolist(),
        "SJNF": [2022] * count,
        "BHKSSJ": [date(2023, 1, 1)] * count,
        "BZ": [REMARK] * count,
    }
    return FeatureTable(values=columns, geometry=made.parcels[chosen])


def _redline(city: City) -> FeatureTable:
    made = city.made
    water = np.char.startswith(made.use, "17")
    geometry, parcel = parts(city, water, chosen=made.line == Line.REDLINE)
    division, wet = made.division[parcel], water[parcel].tolist()
    areas = written(geometry)
    core = int(np.argmax(np.where(wet, 0.0, areas)))
    count = len(areas)
    columns = {
        "BSM": city.identifiers(division, "0220"),
        "YSDM": ["2090020211"] * count,
        "XJXZQDM": city.codes[division].tolist(),
        "SJXZQMC": ["吉林省"] * count,
        "SJXZQMC1": ["模拟市（长春市界）"] * count,
        "XJXZQMC": city.county_names[division].tolist(),
        "LHLX": ["陆域"] * count,
        "MJ": areas,
        "HXMC": [
            f"模拟{'河湖水源涵养' if is_wet else '森林生物多样性维护'}红线{n}"
            for n, is_wet in enumerate(wet, 1)
        ],
        "HXLX": ["核心保护区" if n == core else "一般控制区" for n in range(count)],
    }
    return FeatureTable(values=columns, geometry=geometry)


def boundary(city: City, chosen: NDArray[np.bool_], zone: NDArray[np.str_]) -> FeatureTable:
    """城镇开发边界 around the chosen parcels, one feature per connected part of a zone."""
    made = city.made
    geometry, parcel = parts(city, zone, chosen=chosen)
    codes = zone[parcel].tolist()
    columns = {
        **city.head(made.division[parcel], "0230", "2090020212"),
        "GHFQDM": codes,
        "GHFQMC": city.named("CZKFBJFQ", codes),
        "MJ": written(geometry),
        "BZ": [REMARK] * len(codes),
    }
    return FeatureTable(values=columns, geometry=geometry)


def optional(values: NDArray[np.float64]) -> list[float | None]:
    """NaN as missing."""
    return [None if np.isnan(value) else value for value in values.tolist()]


def _plots(city: City) -> FeatureTable:
    made, chosen, limits = city.made, city.made.plots, city.made.limits
    codes = made.planned_use[chosen].tolist()
    district = made.district[chosen]
    blocks, block = np.unique(
        np.column_stack((district, made.block[chosen])), axis=0, return_inverse=True
    )
    in_district = sequence(blocks[:, 0])[block].tolist()
    unit = [f"MN{number:03d}" for number in district.tolist()]
    street = [f"{u}-{number:02d}" for u, number in zip(unit, in_district, strict=True)]
    plot = [f"{s}-{number:02d}" for s, number in zip(street, sequence(block).tolist(), strict=True)]
    homes = [code.startswith("07") for code in codes]
    columns = {
        **city.head(made.division[chosen], "0310", "2090060100"),
        "XGDYBH": unit,
        "JFBH": street,
        "DKBH": plot,
        "YDYHFLDM": codes,
        "YDYHFLMC": city.named("YDYH", codes),
        "YDMJ": city.area_m2[chosen].tolist(),
        "RJLGX": optional(limits.far_most),
        "RJLDX": optional(limits.far_least),
        "JZGDGX": optional(limits.height_most_m),
        "JZMDGX": optional(limits.density_most_percent),
        "LDLDX": optional(limits.green_least_percent),
        "JZTX": [
            "退道路红线不小于8米" if code[:2] in ("07", "08", "09") else None for code in codes
        ],
        "PTGGFWSS": ["社区服务站、养老服务设施" if home else None for home in homes],
        "BZ": [REMARK] * len(codes),
    }
    return FeatureTable(values=columns, geometry=made.parcels[chosen])
