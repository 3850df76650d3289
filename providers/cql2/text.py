"""CQL2 text to CQL2 JSON: a parser by precedence over the grammar of OGC 21-065, Annex B.

Literals keep the digits that were written. Where the grammar is silent we are no stricter than it:
any NOT may follow another, a sign may stand before brackets.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from providers.cql2.faults import FilterFault
from providers.cql2.scan import SIGNS, Token, number_of, tokens_of
from providers.cql2.words import ARRAYS, COMPARISONS, GEOMETRIES, SPELLING

OR, AND, COMPARE, ADD, MULTIPLY, POWER = range(1, 7)
LEVELS = {
    "OR": OR,
    "AND": AND,
    **dict.fromkeys([*COMPARISONS, "!=", "NOT", "LIKE", "BETWEEN", "IN", "IS"], COMPARE),
    **dict.fromkeys(["+", "-"], ADD),
    **dict.fromkeys(["*", "/", "%", "DIV"], MULTIPLY),
    "^": POWER,
}
ONCE = {COMPARE: "a comparison", POWER: "a power"}  # brackets say what is meant by two of them
_ESCAPE = re.compile(r"''|\\.", re.DOTALL)
RESERVED = frozenset(word for word in LEVELS if word.isalpha()) | {"NULL"}


def parse_text(text: str) -> Any:
    """The filter as CQL2 JSON; FilterFault where it is no CQL2 text or too much of it."""
    parser = _Parser(tokens_of(text))
    found = parser.expression(OR)
    if parser.next.kind != "end":
        raise FilterFault(f"no more after a complete filter, {parser.next}")
    return found


@dataclass(slots=True)
class _Parser:
    tokens: list[Token]
    place: int = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    @property
    def following(self) -> Token:
        return self.tokens[min(self.place + 1, len(self.tokens) - 1)]

    def taken(self) -> Token:
        token = self.next
        self.place += token.kind != "end"
        return token

    def found(self, word: str) -> bool:
        """Take the word where it comes next."""
        if self.next.word != word:
            return False
        self.place += 1
        return True

    def expect(self, word: str, why: str = "") -> None:
        if not self.found(word):
            raise FilterFault(f"{word}{why}, {self.next}")

    def expression(self, floor: int) -> Any:
        """Operands joined by operators that bind at least as tightly as *floor*."""
        left = self.operand()
        last = None
        while (level := LEVELS.get(self.next.word, 0)) >= floor:
            if level == last and level in ONCE:
                raise FilterFault(
                    f"brackets around one of two: {ONCE[level]} of {ONCE[level]}, {self.next}"
                )
            left, last = self.joined(left, level), level
        return left

    def joined(self, left: Any, level: int) -> Any:
        if level == COMPARE:
            return self.comparison(left)
        operator = self.taken().word
        if level > AND:
            return _op(operator.lower(), left, self.expression(level + 1))
        terms = [left, self.expression(level + 1)]
        while self.found(operator):
            terms.append(self.expression(level + 1))
        return _op(operator.lower(), *terms)

    def comparison(self, left: Any) -> Any:
        token = self.taken()
        if token.word in COMPARISONS or token.word == "!=":
            return _op("<>" if token.word == "!=" else token.word, left, self.expression(ADD))
        if token.word == "IS":
            negated = self.found("NOT")
            self.expect("NULL")
            return _negated(negated, _op("isNull", left))
        negated = token.word == "NOT"
        word = self.taken().word if negated else token.word
        match word:
            case "LIKE":
                return _negated(negated, _op("like", left, self.expression(ADD)))
            case "BETWEEN":
                low = self.expression(ADD)
                self.expect("AND", " between the bounds of BETWEEN")
                return _negated(negated, _op("between", left, low, self.expression(ADD)))
            case "IN":
                return _negated(negated, _op("in", left, self.bracketed(self.item)))
        raise FilterFault(f"LIKE, BETWEEN or IN after NOT, {token}")

    def item(self) -> Any:
        return self.expression(ADD)

    def operand(self) -> Any:
        token = self.taken()
        match token.kind:
            case "number":
                return number_of(token.written)
            case "text":
                return _text(token)
            case "quoted":
                return {"property": token.written[1:-1].replace('""', '"')}
            case "name" if token.word != "NOT":
                return self.named(token)
        if token.word in SIGNS:
            return self.signed(token.word)
        if token.word == "(":
            inner = self.expression(OR)
            self.expect(")")
            return inner
        raise FilterFault(f"a value or a condition, {token}")

    def signed(self, first: str) -> Any:
        """What follows NOT, + or -, however often they are said."""
        odd = first != "+"
        kinds = ("NOT",) if first == "NOT" else ("+", "-")
        while self.next.word in kinds:
            odd ^= self.taken().word != "+"
        if first == "NOT":
            return _negated(odd, self.expression(COMPARE))
        value = self.operand()
        if not odd:
            return value
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return -value if number else _op("*", -1, value)

    def named(self, token: Token) -> Any:
        word = token.word
        if word in GEOMETRIES and (self.next.word in ("(", "Z", "EMPTY")):
            return self.geometry(word)
        if self.next.word == "(":
            return self.called(token)
        if word in ("TRUE", "FALSE"):
            return word == "TRUE"
        if word in RESERVED:
            raise FilterFault(f'a value or a condition, {token}; a property of this name in "…"')
        return {"property": token.written}

    def called(self, token: Token) -> Any:
        match token.word:
            case "DATE" | "TIMESTAMP":
                (value,) = self.exactly(1, token, self.moment)
                return {token.word.lower(): value}
            case "INTERVAL":
                return {"interval": self.exactly(2, token, self.bound)}
            case "BBOX" | "ENVELOPE":
                return {"bbox": self.bracketed(self.number)}
        spelled = SPELLING.get(token.written.lower(), token.written)
        argument = self.array_argument if spelled in ARRAYS else self.argument
        return {"op": spelled, "args": self.bracketed(argument, empty=True)}

    def argument(self) -> Any:
        return self.expression(OR)

    def array_argument(self) -> Any:
        if self.next.word == "(":
            return self.bracketed(self.array_argument, empty=True)
        return self.expression(OR)

    def bracketed(self, one: Callable[[], Any], *, empty: bool = False) -> list[Any]:
        """A list in brackets."""
        self.expect("(")
        if empty and self.found(")"):
            return []
        found = [one()]
        while self.found(","):
            found.append(one())
        self.expect(")")
        return found

    def exactly(self, number: int, token: Token, one: Callable[[], Any]) -> list[Any]:
        found = self.bracketed(one)
        if len(found) != number:
            raise FilterFault(f"{number} in the brackets of {token.word}, {token}")
        return found

    def moment(self) -> str:
        token = self.taken()
        if token.kind != "text":
            raise FilterFault(f"a date in quotes, {token}")
        return _text(token)

    def bound(self) -> Any:
        return self.moment() if self.next.kind == "text" else self.operand()

    def number(self) -> Any:
        value = self.operand()
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise FilterFault(f"a number, {self.next}")
        return value

    def geometry(self, word: str) -> Any:
        """A geometry after its name, as GeoJSON says it."""
        self.found("Z")
        if self.next.word == "EMPTY":
            raise FilterFault("a geometry that is not empty")
        kind = GEOMETRIES[word]
        match kind:
            case "Point":
                (coordinates,) = self.bracketed(self.position)
            case "MultiPoint":
                coordinates = self.bracketed(self.bare_point)
            case "LineString":
                coordinates = self.bracketed(self.position)
            case "Polygon" | "MultiLineString":
                coordinates = self.bracketed(self.line)
            case "MultiPolygon":
                coordinates = self.bracketed(self.lines)
            case _:
                return {"type": kind, "geometries": self.bracketed(self.member)}
        return {"type": kind, "coordinates": coordinates}

    def position(self) -> list[Any]:
        found = [self.number(), self.number()]
        if self.next.word not in (",", ")"):
            found.append(self.number())
        return found

    def bare_point(self) -> list[Any]:
        if self.next.word != "(":
            return self.position()
        (found,) = self.bracketed(self.position)
        return list(found)

    def line(self) -> list[Any]:
        return self.bracketed(self.position)

    def lines(self) -> list[Any]:
        return self.bracketed(self.line)

    def member(self) -> Any:
        token = self.taken()
        if token.word not in GEOMETRIES:
            raise FilterFault(f"a geometry, {token}")
        return self.geometry(token.word)


def _op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


def _negated(negated: bool, condition: Any) -> Any:
    return _op("not", condition) if negated else condition


def _text(token: Token) -> str:
    """The characters of a literal: both '' and \\' are a quote, any other backslash is itself."""
    return _ESCAPE.sub(lambda m: "'" if m[0] in ("''", "\\'") else m[0], token.written[1:-1])
