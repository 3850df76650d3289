"""Arithmetic of literals, done here; and how large the numbers of an expression can become.

The database computes with exact decimals of bounded length, so that nothing overflows in it: each
expression's digits before and after the point are bounded from those of its operands.
"""

from collections.abc import Mapping
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, NamedTuple

from providers.cql2.faults import FilterFault
from providers.cql2.terms import Bind, Call, Column, Term

CONTEXT = Context(prec=60, Emax=400, Emin=-400, traps=[InvalidOperation, DivisionByZero, Overflow])
MOST_BEFORE, MOST_AFTER = 20_000, 10_000  # numeric holds 131,072 and 16,383
MOST_EXACT_POWER = 16
LONGEST_FLOAT = 300


class Size(NamedTuple):
    """The most decimal digits before and after the point."""

    before: int
    after: int


NATIVE_SIZES = {
    "int2": Size(5, 0),
    "int4": Size(10, 0),
    "int8": Size(19, 0),
    "float4": Size(40, 60),
    "float8": Size(310, 345),
}
ANY_SIZE = Size(1_000, 1_000)


def computed(operator: str, left: int | Decimal, right: int | Decimal) -> int | Decimal | None:
    """The value of an operator on two literals; None where it has none, as n/0."""
    if operator in ("/", "%", "div") and right == 0:
        return None
    if operator == "^" and _undefined_power(left, right):
        return None
    try:
        value = _value(operator, left, right)
    except (InvalidOperation, DivisionByZero, Overflow, OverflowError):
        raise FilterFault(f"arithmetic within 300 digits: {operator}") from None
    if abs(value) >= 10**LONGEST_FLOAT:
        raise FilterFault(f"arithmetic within 300 digits: {operator}")
    return value


def size(term: Term, values: Mapping[str, Any]) -> Size:
    """A bound of the digits that a term of numbers can have."""
    if isinstance(term, Column):
        return NATIVE_SIZES.get(term.native or "numeric", ANY_SIZE)
    if isinstance(term, Bind):
        _, digits, exponent = Decimal(values[term.name]).as_tuple()
        assert isinstance(exponent, int)
        return Size(max(len(digits) + exponent, 1), max(-exponent, 0))
    sizes = [size(arg, values) for arg in term.args if arg.kind is term.kind]
    return _size(term, sizes, values)


def _size(term: Call, sizes: list[Size], values: Mapping[str, Any]) -> Size:
    match term.name, sizes:
        case "*", [a, b]:
            found = Size(a.before + b.before, a.after + b.after)
        case "/", [a, b]:
            found = Size(a.before + b.after + 1, max(a.after, b.after, b.before + 20))
        case "power", [a, _]:
            exponent = int(values[term.args[1].name]) if isinstance(term.args[1], Bind) else 0
            found = Size(a.before * max(exponent, 1), a.after * max(exponent, 1) + 20)
        case "^", _:
            found = NATIVE_SIZES["float8"]
        case _, []:
            found = NATIVE_SIZES["int8"]
        case _:
            found = Size(max(s.before for s in sizes) + 1, max(s.after for s in sizes))
    if found.before > MOST_BEFORE or found.after > MOST_AFTER:
        raise FilterFault("less multiplication: the numbers may become too long to compute")
    return found


def _undefined_power(left: int | Decimal, right: int | Decimal) -> bool:
    return (left == 0 and right < 0) or (left < 0 and right != int(right))


def _value(operator: str, left: int | Decimal, right: int | Decimal) -> int | Decimal:
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and operator in ("+", "-", "*"):
        return {"+": left + right, "-": left - right, "*": left * right}[operator]
    a, b = Decimal(left), Decimal(right)
    match operator:
        case "+":
            value = CONTEXT.add(a, b)
        case "-":
            value = CONTEXT.subtract(a, b)
        case "*":
            value = CONTEXT.multiply(a, b)
        case "/":
            value = CONTEXT.divide(a, b)
        case "div":
            value = CONTEXT.divide_int(a, b)
        case "%":
            value = CONTEXT.remainder(a, b)
        case _:
            value = Decimal(1) if b == 0 else CONTEXT.power(a, b)
    return int(value) if value == value.to_integral_value() else value
