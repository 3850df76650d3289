"""The linear scan that every filter passes before anything recursive sees it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

from providers.cql2.faults import (
    MAX_DIGITS,
    MAX_JSON_BYTES,
    MAX_JSON_DEPTH,
    MAX_JSON_VALUES,
    MAX_OPEN,
    MAX_SIGNS,
    MAX_TERMS,
    MAX_TEXT_BYTES,
    FilterFault,
    within,
)

# OGC 21-065, rules identifierStart and identifierPart
_START = (
    r":_A-Za-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFE\u200C\u200D"
    r"\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
)
_NAME = rf"[{_START}][{_START}.0-9\u0300-\u036F\u203F\u2040]*+"
# Possessive repeats: a literal without an end fails at once, whatever it holds.
_TOKEN = re.compile(
    r"(?P<text>'(?:''|\\.|[^'\\])*+')"
    r'|(?P<quoted>"(?:""|[^"])*+")'
    r"|(?P<number>(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)"
    rf"|(?P<name>{_NAME})"
    r"|(?P<sign><>|<=|>=|!=|[=<>(),+\-*/%^])",
    re.DOTALL,
)
_SPACE = re.compile(r"\s*+")
_NUMBER = re.compile(r"([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?")
_JSON_PART = re.compile(r'"(?:\\.|[^"\\])*+"|[\[{]|[\]}]|[,:]', re.DOTALL)
SIGNS = frozenset({"NOT", "+", "-"})


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of CQL2 text: what it is, how it is written, and where it begins."""

    kind: str  # text, quoted, number, name, sign, end
    written: str
    start: int

    @property
    def word(self) -> str:
        """A bare name or sign in capitals; empty for what is quoted, or a number."""
        return self.written.upper() if self.kind in ("name", "sign") else ""

    def __str__(self) -> str:
        if self.kind == "end":
            return "at its end"
        return f"at character {self.start + 1}, {self.written[:40]!r}"


def tokens_of(text: str) -> list[Token]:
    """The tokens of CQL2 text, an end token last.

    Raises
    ------
    FilterFault
        For what is no token, or more of something than can be parsed safely.
    """
    _size(text, MAX_TEXT_BYTES)
    tokens = [*_tokens(text)]
    deepest = max(accumulate((t.word == "(") - (t.word == ")") for t in tokens))
    within(deepest, MAX_OPEN, "open brackets")
    run = 0
    for token in tokens:
        run = run + 1 if token.word in SIGNS else 0
        within(run, MAX_SIGNS, "NOT, + or - in a row")
    joined = sum(token.word in ("AND", "OR") for token in tokens)
    within(joined, MAX_TERMS - 1, f"AND and OR ({MAX_TERMS} terms)")
    return tokens


def value_of(text: str) -> Any:
    """The value of CQL2 JSON, numbers exactly as they are written."""
    _size(text, MAX_JSON_BYTES)
    depth = deepest = values = 0
    for part in _JSON_PART.finditer(text):
        match part[0][0]:
            case "[" | "{":
                depth += 1
                deepest = max(deepest, depth)
            case "]" | "}":
                depth -= 1
            case "," | ":":
                values += 1
    within(deepest, MAX_JSON_DEPTH, "levels of JSON")
    within(values, MAX_JSON_VALUES, "values")
    try:
        return json.loads(
            text,
            parse_int=number_of,
            parse_float=number_of,
            parse_constant=_no_constant,
            object_pairs_hook=_once,
        )
    except ValueError as error:
        raise FilterFault(f"CQL2 JSON: {error}") from None


def number_of(written: str) -> int | Decimal:
    """A number exactly as it is written, an int where it is whole; bounded in its length."""
    match = _NUMBER.fullmatch(written.removeprefix("-"))
    assert match is not None
    digits = len(match[1]) + len(match[2])
    exponent = int(match[3][:6]) if match[3] else 0
    if digits > MAX_DIGITS or abs(exponent) > MAX_DIGITS:
        raise FilterFault(f"numbers of at most {MAX_DIGITS} digits and exponents to {MAX_DIGITS}")
    value = Decimal(written)
    return int(value) if value == value.to_integral_value() else value


def _tokens(text: str) -> Iterator[Token]:
    place, end = len(text) - len(text.lstrip()), len(text)
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise FilterFault(
                f"CQL2 text, not {text[place : place + 20]!r} at character {place + 1}"
            )
        yield Token(str(match.lastgroup), match[0], place)
        after = _SPACE.match(text, match.end())
        place = end if after is None else after.end()
    yield Token("end", "", end)


def _size(text: str, most: int) -> None:
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise FilterFault("Unicode text without NUL")
    within(len(text.encode()), most, "bytes")


def _no_constant(name: str) -> None:
    raise FilterFault(f"finite numbers, not {name}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise FilterFault("each member of a JSON object once")
    return found
