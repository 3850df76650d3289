"""By which fields of its feature a rule judges a piece, and of which it tells."""

from collections.abc import Iterator

from config.predicates import (
    AllOf,
    AnyOf,
    Attribute,
    ClassConformity,
    FieldValue,
    Missing,
    Negation,
    Predicate,
)
from config.ruleset import Rule


def piece_codes(rule: Rule) -> frozenset[str]:
    """Pieces that have the same values there are one to the rule."""
    codes = set[str]()
    for clause in rule.clauses:
        codes.update(_judged(clause.when))
        codes.update(
            value.code for value in clause.values.values() if isinstance(value, FieldValue)
        )
    return frozenset(codes)


def _judged(predicate: Predicate | None) -> Iterator[str]:
    match predicate:
        case AllOf() | AnyOf():
            for part in predicate.parts:
                yield from _judged(part)
        case Negation():
            yield from _judged(predicate.part)
        case Attribute():
            for side in (predicate.of, predicate.operand):
                if isinstance(side, FieldValue):
                    yield side.code
        case ClassConformity():
            yield predicate.code
        case Missing(binding=None, code=str(code)):
            yield code
