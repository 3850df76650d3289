"""What narrows a layer's rows: each condition knows its SQL, and the values that it binds."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, or_
from sqlalchemy.dialects.postgresql import BIGINT, DATE

from config.model import Field, Layer
from config.vocabulary import FieldType, Text
from providers.errors import BadParameter
from providers.moments import parse_moment
from providers.ordering import SYSTEM_TYPES
from providers.relations import Relation

MAX_VALUE_CHARACTERS = 1_000
# What a query parameter says is never the value of an attribute of the same name.
PAGING = frozenset({"f", "lang", "limit", "offset", "cursor", "datetime", "asOf", "resulttype"})
FILTERING = frozenset({"bbox", "bbox-crs", "q", "filter", "filter-lang", "filter-crs", "sortby"})
RESERVED = PAGING | FILTERING | {"crs", "properties", "skipGeometry", "encoding", "profile"}
SYSTEM_FIELDS = {
    name: Field(code=name, title=Text(zh=name, en=name), type=kind)
    for name, kind in SYSTEM_TYPES.items()
}
type Days = tuple[date, date]  # both inclusive


class Condition(Protocol):
    """One checked condition of a query; no two in a query bind the same name.

    Conditions of equal `shape` have the same SQL text and differ in the bound values only: compiled
    statements are kept by it.
    """

    @property
    def shape(self) -> Hashable: ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The values of the statement's binds."""

    def of(self, relation: Relation, rows: FromClause) -> ColumnElement[bool]:
        """The condition on the rows of one branch of *relation*."""


def shapes(conditions: Iterable[Condition]) -> tuple[Hashable, ...]:
    """What the text of a statement with these conditions depends on."""
    return tuple((type(one), one.shape) for one in conditions)


def parameters(conditions: Iterable[Condition]) -> dict[str, Any]:
    """The values that these conditions bind."""
    values: dict[str, Any] = {}
    for one in conditions:
        values |= one.parameters
    return values


@dataclass(frozen=True, slots=True)
class Equals:
    """Attributes that have the given values, sorted by field code."""

    values: tuple[tuple[Field, Any], ...]

    @property
    def shape(self) -> Hashable:
        return tuple(field.code for field, _ in self.values)

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {f"p_{i}": value for i, (_, value) in enumerate(self.values)}

    def of(self, relation: Relation, rows: FromClause) -> ColumnElement[bool]:
        return and_(*(_equal(relation, rows, f, i) for i, (f, _) in enumerate(self.values)))


@dataclass(frozen=True, slots=True)
class ValidIn:
    """Rows that are valid on one of the days: begun by their end, not over at their beginning."""

    days: Days

    @property
    def shape(self) -> Hashable:
        return None

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {"valid_start": self.days[0], "valid_end": self.days[1]}

    def of(self, relation: Relation, rows: FromClause) -> ColumnElement[bool]:
        begin, end = (rows.c[name] if name else None for name in relation.validity)
        conditions: list[ColumnElement[bool]] = []
        if begin is not None:
            conditions.append(begin <= bindparam("valid_end", type_=DATE))
        if end is not None:
            conditions.append(or_(end.is_(None), end >= bindparam("valid_start", type_=DATE)))
        return and_(*conditions)


def parse_equals(layer: Layer, given: Mapping[str, str]) -> Equals | None:
    """Attribute equality from the parameters that name queryables: fields, or what we add to them."""
    named = sorted((name, text) for name, text in given.items() if name not in RESERVED)
    typed = ((layer.field(name) or SYSTEM_FIELDS.get(name), text) for name, text in named)
    values = tuple((field, parse_value(field, text)) for field, text in typed if field is not None)
    return Equals(values) if values else None


def parse_value(field: Field, text: str) -> Any:
    """The typed value of an attribute parameter.

    Raises
    ------
    BadParameter
        For text that is no value of the field's type.
    """
    if len(text) > MAX_VALUE_CHARACTERS or "\x00" in text:
        raise BadParameter(field.code, text, f"at most {MAX_VALUE_CHARACTERS} printable characters")
    expected = f"{'an' if field.type is FieldType.INTEGER else 'a'} {field.type} value"
    try:
        match field.type:
            case FieldType.TEXT:
                return text
            case FieldType.INTEGER:
                value = int(text) if text.isascii() else 2**63
                if not -(2**63) <= value < 2**63:
                    raise BadParameter(field.code, text, "a 64-bit integer")
                return value
            case FieldType.DECIMAL:
                number = Decimal(text)
                if not number.is_finite() or abs(number.adjusted()) > 100:
                    raise BadParameter(field.code, text, expected)
                return number
            case FieldType.DATE:
                return date.fromisoformat(text)
            case FieldType.INSTANT:
                expected = "a date-time with its offset, like 2024-12-31T08:00:00+08:00"
                return parse_moment(text)
            case FieldType.BOOLEAN:
                return {"true": True, "false": False}[text]
    except (ValueError, KeyError, InvalidOperation):
        raise BadParameter(field.code, text, expected) from None


def _equal(relation: Relation, rows: FromClause, field: Field, number: int) -> ColumnElement[bool]:
    attribute = relation.value(rows, field.code)
    kind = BIGINT() if field.type is FieldType.INTEGER else attribute.type
    return attribute == bindparam(f"p_{number}", type_=kind)
