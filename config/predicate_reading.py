"""The predicates of a rule set's entry become values; the entry satisfies its JSON Schema."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from config.predicates import (
    AllOf,
    AnyOf,
    AreaKind,
    Attribute,
    BindingValue,
    ClassConformity,
    Condition,
    Document,
    FieldValue,
    Flag,
    Measure,
    Missing,
    Negation,
    Op,
    Operand,
    Param,
    Predicate,
    ProjectValue,
    Selection,
    Stale,
    TableValue,
    Value,
)

OPS = frozenset(op.value for op in Op)


def read_predicate(e: Mapping[str, Any]) -> Predicate:
    """The one predicate that *e* holds."""
    ((name, said),) = e.items()
    match name:
        case "all":
            return AllOf(tuple(map(read_predicate, said)))
        case "any":
            return AnyOf(tuple(map(read_predicate, said)))
        case "not":
            return Negation(read_predicate(said))
        case "overlap_m2" | "outside_m2" | "share" | "distance_m":
            op, than = _comparison(said)
            return Measure(
                kind=name,
                source=read_source(said),
                op=op,
                than=read_number(than),
                area=AreaKind(said.get("area", AreaKind.ELLIPSOID)),
                inset_m=read_distance(said.get("inset_m")),
            )
        case "attribute":
            op, operand = _comparison(said)
            return Attribute(of=_subject(said), op=op, operand=read_operand(operand))
        case "class_conformity":
            return ClassConformity(
                table=said["table"], code=said["field"], results=tuple(said["in"])
            )
        case "flag":
            return Flag(said["id"])
        case "document":
            return Document(said["id"], verified=said.get("state") == "verified")
        case "missing":
            return Missing(
                binding=said.get("binding"), code=said.get("field"), project=said.get("project")
            )
        case "stale":
            return Stale(said["binding"])
    raise ValueError(f"{name!r} is no predicate")


def read_source(e: Mapping[str, Any]) -> tuple[Selection, ...]:
    """The selections of a measure: one, or those of `any_of`."""
    return tuple(map(read_selection, e.get("any_of", (e,))))


def read_selection(e: Mapping[str, Any]) -> Selection:
    """Features of a binding."""
    return Selection(
        binding=e["binding"],
        where=tuple(map(_condition, e.get("where", ()))),
        optional=e.get("optional", False),
    )


def read_value(value: Any) -> Value:
    """A literal; numbers become decimals as they are written."""
    if isinstance(value, bool | str):
        return value
    return Decimal(str(value))


def read_operand(value: Any) -> Operand:
    """What a value is compared with."""
    match value:
        case {"param": name}:
            return Param(name)
        case {"project": name}:
            return ProjectValue(name)
        case {"table": table, "field": code}:
            return TableValue(table, code)
        case {"field": code}:
            return FieldValue(code)
        case list():
            return tuple(map(read_value, value))
    return read_value(value)


def read_number(value: Any) -> Decimal | Param:
    """A threshold: a number or the parameter that holds it."""
    return Param(value["param"]) if isinstance(value, Mapping) else Decimal(str(value))


def read_distance(value: Any) -> Decimal | Param | None:
    """A number that may be left out."""
    return None if value is None else read_number(value)


def _comparison(e: Mapping[str, Any]) -> tuple[Op, Any]:
    ((name, operand),) = ((name, operand) for name, operand in e.items() if name in OPS)
    return Op(name), operand


def _condition(e: Mapping[str, Any]) -> Condition:
    op, operand = _comparison(e)
    return Condition(
        code=e["field"],
        op=op,
        operand=read_operand(operand),
        if_null=e.get("if_null", "unknown"),
    )


def _subject(e: Mapping[str, Any]) -> ProjectValue | FieldValue | TableValue | BindingValue:
    if "project" in e:
        return ProjectValue(e["project"])
    if "table" in e:
        return TableValue(e["table"], e["field"])
    if "binding" in e:
        return BindingValue(e["binding"], e["field"], e["match"], optional=e.get("optional", False))
    return FieldValue(e["field"])
