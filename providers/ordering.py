"""The order of a layer's rows, and where in it a page begins.

Rows come in key order or, before that, by the properties asked for; missing values come last either
way. A position is the values of these properties and the key of the row before: the next page is
found by an index or a sort, never by counting rows off.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, func, or_
from sqlalchemy.dialects.postgresql import BIGINT, INTEGER

from config.model import Layer
from config.vocabulary import FieldType
from providers.errors import BadParameter
from providers.external_table import Key, KeyKind, described
from providers.moments import parse_written
from providers.relations import SYSTEM_PROPERTIES, Relation

MAX_SORT_KEYS = 5
SYSTEM_TYPES = {
    "om_area_m2": FieldType.DECIMAL,
    "om_region": FieldType.TEXT,
    "om_plan": FieldType.TEXT,
    "om_basis": FieldType.TEXT,
}
type Value = Any  # of a property, as the driver gives and takes it; None: missing


@dataclass(frozen=True, slots=True)
class Sort:
    """One property to sort by; missing values come last."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """The row after which a page begins: the values of the properties sorted by, and its key."""

    values: tuple[Value, ...]
    key: Key

    @property
    def shape(self) -> Hashable:
        return tuple(value is None for value in self.values)

    @property
    def parameters(self) -> Mapping[str, Any]:
        values = {f"after_{i}": v for i, v in enumerate(self.values) if v is not None}
        return {**values, "after": self.key}


def parse_sortby(layer: Layer, text: str) -> tuple[Sort, ...]:
    """The properties of `sortby`: names after + or -, separated by commas.

    Raises
    ------
    BadParameter
        For a name that is no property, one that is given twice, or too many.
    """
    known = [*(f.code for f in layer.fields), *SYSTEM_PROPERTIES]
    sorts = []
    for part in text.split(","):
        name = part.strip()
        descending = name.startswith("-")
        # a bare + in an address is a space
        name = name[1:] if name[:1] in ("+", "-") else name
        if name not in known:
            raise BadParameter("sortby", text, f"some of {', '.join(known)}, each after + or -")
        sorts.append(Sort(name, descending))
    if len({s.name for s in sorts}) < len(sorts) or len(sorts) > MAX_SORT_KEYS:
        raise BadParameter("sortby", text, f"at most {MAX_SORT_KEYS} properties, each once")
    return tuple(sorts)


def order_of(
    relation: Relation, rows: FromClause, sorts: Sequence[Sort]
) -> list[ColumnElement[Any]]:
    """What the rows are ordered by; the key makes the order complete."""
    columns = [(relation.value(rows, s.name), s.descending) for s in sorts]
    return [*((c.desc() if down else c.asc()).nulls_last() for c, down in columns), rows.c.fid]


def after(
    relation: Relation, rows: FromClause, sorts: Sequence[Sort], position: Position
) -> ColumnElement[bool]:
    """The rows behind a position."""
    beyond: ColumnElement[bool] = rows.c.fid > bindparam("after", type_=relation.key)
    for i in reversed(range(len(sorts))):
        column = relation.value(rows, sorts[i].name)
        if position.values[i] is None:
            beyond = and_(column.is_(None), beyond)
            continue
        kind = BIGINT() if isinstance(column.type, INTEGER | BIGINT) else column.type
        bound = bindparam(f"after_{i}", type_=kind)
        further = column < bound if sorts[i].descending else column > bound
        beyond = or_(further, column.is_(None), and_(column == bound, beyond))
    return beyond


def position_text(
    relation: Relation, rows: FromClause, sorts: Sequence[Sort]
) -> ColumnElement[Any]:
    """A row's position as the JSON array that `parse_position` reads."""
    return func.json_build_array(*(relation.value(rows, s.name) for s in sorts), rows.c.fid)


def parse_position(layer: Layer, sorts: Sequence[Sort], text: str) -> Position | None:
    """The position that a statement wrote, in the types of the columns; None: it wrote no such."""
    try:
        said = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, list) or len(said) != len(sorts) + 1:
        return None
    *values, key = said
    kind = described(layer).key_kind if layer.external is not None else KeyKind.WHOLE
    found = kind.parse(str(key)) if isinstance(key, str | int | Decimal) else None
    try:
        if any(b"\0" in part.encode() for part in said if isinstance(part, str)):
            return None  # no text of the database holds it, nor half a surrogate pair: ValueError
        typed = tuple(_typed(layer, s.name, v) for s, v in zip(sorts, values, strict=True))
    except (TypeError, ValueError):
        return None
    return None if found is None else Position(typed, found)


def _typed(layer: Layer, name: str, value: Any) -> Value:
    """A value as JSON writes it in the type of its column; ValueError or TypeError: it is another."""
    if value is None:
        return None
    field = layer.field(name)
    kind = SYSTEM_TYPES[name] if field is None else field.type
    match kind:
        case FieldType.TEXT if isinstance(value, str):
            return value
        case FieldType.BOOLEAN if isinstance(value, bool):
            return value
        case _ if isinstance(value, bool):  # which Python counts among the whole numbers
            pass
        case FieldType.INTEGER if isinstance(value, int) and -(2**63) <= value < 2**63:
            return value
        case FieldType.DATE | FieldType.INSTANT if isinstance(value, str):
            return parse_written(kind, value)
        case FieldType.DECIMAL if isinstance(value, int | Decimal) and _in_double(Decimal(value)):
            return value
        case FieldType.DECIMAL if value in ("NaN", "Infinity", "-Infinity"):
            return float(value)
    raise TypeError(f"{name}: {value!r} is no {kind}")


def _in_double(value: Decimal) -> bool:
    """Whether a double precision column can be compared with it."""
    return isfinite(float(value)) and (float(value) != 0) == (value != 0)
