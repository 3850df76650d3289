"""What the columns of a file, or the properties of a feature, say of a parcel."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any

from config.settings import PACKAGE_ROOT
from config.units import FACTORS, Unit
from config.vocabulary import Text
from processes.algorithms.boundary_point_text import NARROW
from processes.algorithms.survey_parcels import Fault, Finding, finding

MOST_DECLARED_M2 = 1e13  # ten times the largest province
COLUMNS = PACKAGE_ROOT / "standards" / "parameters" / "parcel-columns.json"
BRACKETED = re.compile(r"(.+?)[(\[]([^()\[\]]+)[)\]]")
DECLARED, LAND_AREA = "declared_area_m2", "land_area_m2"
HECTARES, HA_M2 = "declared_ha", 10_000.0
MAX_TEXT = 1_000
AREA, _ = FACTORS[Unit.SQUARE_METRE]
NO_UNITS: Mapping[str, Unit] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column means: this system's name, what it holds, and the factor to its unit."""

    name: str
    number: bool
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is said of one parcel."""

    name: str | None = None
    id: str | None = None
    declared_m2: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def described(
    properties: Mapping[str, Any],
    name: str | int | None = None,
    units: Mapping[str, Unit] = NO_UNITS,
) -> Described:
    """Properties under this system's names; numbers as numbers, empty ones left out.

    *name* is the feature's own id, where it has one; *units* those that a layer states.
    """
    values: dict[str, Any] = {}
    wrong: list[Finding] = []
    for key, given in properties.items():
        value, column = _plain(given), _stated(meaning(key), units.get(key))
        if value is None:
            if column is not None and isinstance(given, list | dict):
                said = Text(
                    zh=f"{key}应为单个值",
                    en=f"has a {type(given).__name__} as {key}; expected a plain value",
                )
                wrong.append(finding(Fault.UNREADABLE_VALUE, said, column=key))
            continue
        if column is None:
            values.setdefault(key, value)
        elif not column.number:
            values[column.name] = str(value)
        elif (number := _number(value)) is not None:
            values[column.name] = round(number * column.factor, 6)
        else:
            said = Text(
                zh=f"{key}为“{str(value)[:40]}”，应为数字",
                en=f"has {str(value)[:40]!r} as {key}; expected a number",
            )
            wrong.append(finding(Fault.UNREADABLE_VALUE, said, column=key))
    declared = values.pop(DECLARED, None)
    if declared is not None:
        if not 0 < declared <= MOST_DECLARED_M2:
            said = Text(
                zh=f"申报面积{declared:g}平方米，应大于0，不超过{MOST_DECLARED_M2:g}",
                en=f"declares {declared:g} m²; expected more than 0, at most {MOST_DECLARED_M2:g}",
            )
            wrong.append(finding(Fault.UNREADABLE_VALUE, said, column=DECLARED))
            declared = None
        else:
            values[LAND_AREA] = declared
    own = values.pop("id", None)
    return Described(
        name=values.pop("name", None),
        id=own if own is not None else None if name is None else str(name),
        declared_m2=declared,
        attributes=values,
        findings=tuple(wrong),
    )


def _stated(column: Column | None, unit: Unit | None) -> Column | None:
    """An area in the unit that its layer states; one that is none of an area is no column of it."""
    if column is None or unit is None or column.name not in _areas():
        return column
    quantity, factor = FACTORS[unit]
    return replace(column, factor=factor) if quantity == AREA else None


@lru_cache(4096)
def meaning(column: str) -> Column | None:
    """What a column means by its name; None: it keeps its name."""
    text = re.sub(r"\s+", "", column.translate(NARROW)).replace("（", "(").replace("）", ")")
    known, units = _known()
    if (found := known.get(text.casefold())) is not None:
        return found
    if (match := BRACKETED.fullmatch(text)) is None:
        return None
    found = known.get(match[1].casefold())
    unit = match[2].casefold()
    if found is None or not found.number:
        return None
    if found.name in _areas():
        if unit not in units:
            return None
        return Column(name=found.name, number=True, factor=units[unit])
    return found


@cache
def _known() -> tuple[Mapping[str, Column], Mapping[str, float]]:
    """Columns by their names, and the units of areas."""
    data = json.loads(COLUMNS.read_text("utf-8"))
    found: dict[str, Column] = {}
    for kind in ("texts", "numbers", "areas_m2"):
        for name, others in data[kind].items():
            column = Column(name=name, number=kind != "texts")
            found |= {one.casefold(): column for one in (name, *others)}
    found[HECTARES] = Column(name=DECLARED, number=True, factor=HA_M2)
    return found, {unit.casefold(): float(factor) for unit, factor in data["units"].items()}


@cache
def _areas() -> frozenset[str]:
    return frozenset(json.loads(COLUMNS.read_text("utf-8"))["areas_m2"])


def _plain(value: Any) -> Any:
    """A value as JSON has it; None where there is none, or it is no plain one."""
    if isinstance(value, str):
        return value.strip()[:MAX_TEXT] or None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, bool | int) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        found = float(str(value).translate(NARROW).replace(",", "").rstrip("%"))
    except ValueError:
        return None
    return found if math.isfinite(found) else None
