"""The demo's registers of projects: conversions approved and asked for, permits with limits."""

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from processes.algorithms.synthetic_city.works import converted, pending, permitted
from processes.workflows.demo_plans import optional
from processes.workflows.demo_tables import City, Column, Ints, padded
from processes.workflows.feature_table import FeatureTable

BUREAU = "模拟市自然资源和规划局（模拟）"
APPROVER = "模拟省人民政府（模拟）"
APPROVED_ON, ASKED_ON = date(2024, 6, 28), date(2025, 3, 10)


def project_tables(city: City) -> Iterator[tuple[str, FeatureTable]]:
    """The layers in the order of loading; a small city has no feature of some of them."""
    yield "approved_conversion", _approved(city)
    yield "pending_batch", _pending(city)
    yield "land_use_permit", _permits(city)


def _approved(city: City) -> FeatureTable:
    parcel, project = converted(city.made)
    numbers = (project + 1).tolist()
    state: dict[str, Column] = {
        "DKZT": ["已批准"] * len(numbers),
        "PFWH": [f"模拟农转〔2024〕{number}号" for number in numbers],
        "PZRQ": [APPROVED_ON] * len(numbers),
        "PZDW": [APPROVER] * len(numbers),
        "AJBH": [f"MNNZ2024{number:04d}" for number in numbers],
    }
    table = _conversion(city, parcel, project, city.made.next_use, "2024A")
    return FeatureTable(values={**table, **state}, geometry=city.made.parcels[parcel])


def _pending(city: City) -> FeatureTable:
    parcel = pending(city.made)
    project = np.arange(len(parcel))
    numbers = (project + 1).tolist()
    state: dict[str, Column] = {
        "DKZT": ["在办"] * len(numbers),
        "SBRQ": [ASKED_ON] * len(numbers),
        "AJBH": [f"MNNZ2025{number:04d}" for number in numbers],
    }
    table = _conversion(city, parcel, project, city.made.planned_use, "2025B")
    return FeatureTable(values={**table, **state}, geometry=city.made.parcels[parcel])


def _conversion(
    city: City, parcel: Ints, project: Ints, uses: NDArray[np.str_], series: str
) -> dict[str, Column]:
    """What both registers of conversions say of their plots."""
    codes = uses[parcel].tolist()
    hectares = np.round(city.area_m2[parcel] / 10_000, 4)
    total = np.round(np.bincount(project, hectares, minlength=1)[project], 4)
    division = city.made.division[parcel]
    _, first = np.unique(project, return_index=True)
    numbers = (project + 1).tolist()
    return {
        "DKBH": [f"{n:03d}" for n in (np.arange(len(parcel)) - first[project] + 1).tolist()],
        "DKXZQDM": [padded(code) for code in city.codes[division].tolist()],
        "DKXZQMC": city.county_names[division].tolist(),
        "DKMJ": hectares.tolist(),
        "DKYTDM": codes,
        "DKYTMC": city.named("YDYH", codes),
        "DZJGH": supervised(city.codes[division[first]][project].tolist(), series, numbers),
        "XMMC": [f"模拟项目{series[:4]}-{number}" for number in numbers],
        "SBDW": [BUREAU] * len(codes),
        "YDZMJ": total.tolist(),
    }


def _permits(city: City) -> FeatureTable:
    chosen = permitted(city.made)
    parcel, limits = city.made.plots[chosen], city.made.limits
    codes = city.made.planned_use[parcel].tolist()
    division = city.made.division[parcel]
    numbers = list(range(1, len(codes) + 1))
    columns = {
        "DZJGH": supervised(city.codes[division].tolist(), "2024C", numbers),
        "YDWZ": city.county_names[division].tolist(),
        "YDMJ": city.area_m2[parcel].tolist(),
        "TDYT": city.named("YDYH", codes),
        "RJLGX": optional(limits.far_most[chosen]),
        "RJLDX": optional(limits.far_least[chosen]),
        "JZGDGX": optional(limits.height_most_m[chosen]),
        "JZMDGX": optional(limits.density_most_percent[chosen]),
        "LDLDX": optional(limits.green_least_percent[chosen]),
        "TSSX": ["模拟数据"] * len(codes),
        "AJBH": [f"MNYG2024{number:04d}" for number in numbers],
    }
    return FeatureTable(values=columns, geometry=city.made.parcels[parcel])


def supervised(counties: Sequence[str], series: str, numbers: Sequence[int]) -> list[str]:
    """电子监管号 of 19 signs: county, year and kind of approval, sequence."""
    return [f"{code}{series}{n:08d}" for code, n in zip(counties, numbers, strict=True)]
