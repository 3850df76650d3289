"""Values of attributes and fields: what is empty, and how two of them compare (as decimals)."""

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from operator import ge, gt, le, lt
from typing import Any

from config.predicates import Op, Value

ORDERS: dict[Op, Callable[[Any, Any], bool]] = {Op.GT: gt, Op.GE: ge, Op.LT: lt, Op.LE: le}


def value_of(stored: Any) -> Value | None:
    """A stored value as one that compares; None where it is empty."""
    match stored:
        case None:
            return None
        case bool():
            return stored
        case str():
            return stored.strip() or None
        case Decimal():
            return stored if stored.is_finite() else None
        case int() | float():
            return Decimal(str(stored)) if math.isfinite(stored) else None
        case date():
            return stored.isoformat()
    return str(stored)


def holds(op: Op, value: Value, operand: Value | tuple[Value, ...]) -> bool | None:
    """Whether *value* compares so; None: the two cannot be put in an order.

    Examples
    --------
    >>> holds(Op.UNDER, "1401", ("14",)), holds(Op.LE, Decimal("2.0"), Decimal(2))
    (True, True)
    >>> holds(Op.GT, "about two", Decimal(2)) is None
    True
    """
    several = operand if isinstance(operand, tuple) else (operand,)
    match op:
        case Op.IN | Op.EQ:
            return any(_equal(value, one) for one in several)
        case Op.NOT_IN | Op.NE:
            return not any(_equal(value, one) for one in several)
        case Op.UNDER:
            return str(value).startswith(tuple(map(str, several)))
        case Op.PRESENT:
            return operand is True
    return _ordered(op, value, several[0])


def number_of(value: Value | None) -> Decimal | None:
    """A value as a number; None where it is none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    left, right = number_of(one), number_of(other)
    return left is not None and left == right


def _ordered(op: Op, value: Value, operand: Value) -> bool | None:
    left, right = number_of(value), number_of(operand)
    if left is not None and right is not None:
        return ORDERS[op](left, right)
    try:
        return ORDERS[op](date.fromisoformat(str(value)), date.fromisoformat(str(operand)))
    except ValueError:
        return None
