"""The demo's land survey (国土变更调查): land-class parcels with ridges, slope and ownership."""

import numpy as np
from numpy.typing import NDArray

from processes.algorithms.synthetic_city import dissolve
from processes.workflows.demo_plans import survey_class
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

STATE_CLASSES = ("08", "1001", "1002", "1003", "1101", "1103")  # state land outside cities, too


def survey(city: City, uses: NDArray[np.str_], year: int, series: str) -> FeatureTable:
    """地类图斑 of a survey year: lots of one class in a block are one parcel, roads stay apart.

    Parcels of two years are not the same: their identifiers are of another *series*, four digits.
    """
    kinds, kind = np.unique(uses, return_inverse=True)
    by_kind = np.array([survey_class(code) for code in kinds.tolist()])
    geometry, lot = _merged(city, np.unique(by_kind, return_inverse=True)[1][kind])
    made = city.made
    division, codes = made.division[lot], by_kind[kind[lot]]
    gross, farmed = written_m2(geometry), np.char.startswith(codes, "01")
    ridged = farmed & city.sloping[lot]
    ridges = np.round(gross * np.where(ridged, RIDGE_SHARE, 0.0), 2)
    village, village_name = city.village(lot)
    unit = [f"{code}0000000" for code in village]
    urban = np.isin(made.settlement[lot], ["201", "202"])
    of_state = urban | np.any([np.char.startswith(codes, code) for code in STATE_CLASSES], axis=0)
    count, plain = len(lot), codes.tolist()
    columns = {
        "BSM": city.identifiers(division, series),
        "YSDM": ["2001010100"] * count,
        "TBBH": [f"{n:05d}" for n in sequence(division).tolist()],
        "DLBM": plain,
        "DLMC": city.named("DLBM", plain),
        "QSXZ": np.where(of_state, "20", "30").tolist(),
        "QSDWDM": unit,
        "QSDWMC": village_name,
        "ZLDWDM": unit,
        "ZLDWMC": village_name,
        "TBMJ": gross.tolist(),
        "KCDLBM": _where(ridged, "1203"),
        "KCXS": _where(ridged, RIDGE_SHARE),
        "KCMJ": ridges.tolist(),
        "TBDLMJ": np.round(gross - ridges, 2).tolist(),
        "GDLX": _where(ridged, "PD"),
        "GDPDJB": [
            ("2" if slope else "1") if is_farmed else None
            for is_farmed, slope in zip(farmed.tolist(), ridged.tolist(), strict=True)
        ],
        "CZCSXM": [code or None for code in made.settlement[lot].tolist()],
        "SJNF": [year] * count,
        "MSSM": ["00"] * count,
        "BZ": [REMARK] * count,
    }
    return FeatureTable(values=columns, geometry=geometry)


def _merged(city: City, kind: Ints) -> tuple[Geometries, Ints]:
    """Lots of one kind in a block made one; the parts, and a lot of each."""
    made = city.made
    place = np.column_stack((made.division, made.district, made.block, kind))
    settlement = np.unique(made.settlement, return_inverse=True)[1]
    _, group = np.unique(np.column_stack((place, settlement)), axis=0, return_inverse=True)
    alone = made.block < 0  # roads and water, as the survey draws them: reach by reach
    label = np.where(alone, int(group.max(initial=0)) + 1 + np.arange(len(group)), group)
    geometry, found = dissolve(made.parcels, label)
    labels, first = np.unique(label, return_index=True)
    return geometry, first[np.searchsorted(labels, found)]


def _where[T](chosen: NDArray[np.bool_], value: T) -> list[T | None]:
    return [value if one else None for one in chosen.tolist()]
