"""From terms to SQLAlchemy: a condition on the rows of one relation; nothing is checked here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    any_,
    bindparam,
    cast,
    collate,
    func,
    literal,
    not_,
    null,
    or_,
)
from sqlalchemy.dialects.postgresql import (
    ARRAY,
    BIGINT,
    BOOLEAN,
    BYTEA,
    DATE,
    INTEGER,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    array,
)
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine

from providers.access import SRID
from providers.cql2.functions import FUNCTIONS
from providers.cql2.terms import Bind, Bound, Call, Column, Kind, Term
from providers.cql2.timelines import temporal
from providers.relations import Relation

type Element = ColumnElement[Any]

INSTANT = TIMESTAMP(timezone=True)
BOUND: dict[Bound, TypeEngine[Any]] = {
    Bound.TEXT: TEXT(),
    Bound.WHOLE: BIGINT(),
    Bound.NUMBER: NUMERIC(),
    Bound.BOOLEAN: BOOLEAN(),
    Bound.DATE: DATE(),
    Bound.INSTANT: INSTANT,
}
TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: TEXT(),
    Kind.NUMBER: NUMERIC(),
    Kind.BOOLEAN: BOOLEAN(),
    Kind.DATE: DATE(),
    Kind.INSTANT: INSTANT,
}
ORDERED = ("<", ">", "<=", ">=", "between")


@dataclass(frozen=True, slots=True)
class Compiler:
    """Writes terms about the rows of one branch of a relation."""

    relation: Relation
    rows: FromClause

    def of(self, term: Term) -> Element:
        match term:
            case Column():
                return self.column(term)
            case Bind():
                return self.bind(term)
            case Call(name="in"):
                return self.membership(term)
            case Call(name="interval"):
                raise TypeError("an interval is written by the function that it stands in")
            case Call(name=name) if name.startswith("t_"):
                left, right = (self.ends(arg) for arg in term.args)
                return temporal(name, left, right)
            case Call(name="array"):
                items = [self.of(arg) for arg in term.args]
                if items and term.element is Kind.TEXT:  # items may be of several collations
                    items[0] = collate(items[0], "C")
                return cast(array(items), ARRAY(TYPES[term.element or Kind.TEXT]))
            case Call(name=name) if name.startswith("f:"):
                return FUNCTIONS[name.removeprefix("f:")].build(*map(self.of, term.args))
            case Call(name="null"):
                return cast(null(), NUMERIC)
            case Call(name="open_start" | "open_end" | "still"):
                return self.open(term)
        args = [self.of(arg) for arg in term.args]
        if term.name not in ("and", "or", "not"):
            args = [_grouped(a, e) for a, e in zip(term.args, args, strict=True)]
        if term.name in COMPARED and term.args[0].kind is Kind.TEXT:
            args = _by_code_point(term, args)
        if term.name in COMPUTED:
            args = [cast(each, NUMERIC) for each in args]
        return WRITTEN[term.name](*args)

    def column(self, column: Column) -> Element:
        if column.kind is Kind.GEOMETRY:
            return self.rows.c.geom
        found: Element = self.relation.value(self.rows, column.name)
        if column.kind is Kind.INSTANT:  # it is shown as the text of one
            if column.native == "timestamptz":
                return cast(found, INSTANT)
            return func.timezone(literal("UTC", TEXT), cast(found, TIMESTAMP()), type_=INSTANT)
        if column.kind is Kind.ARRAY:
            return cast(found, ARRAY(TYPES[column.element or Kind.TEXT]))
        return found

    def bind(self, bind: Bind) -> Element:
        if bind.bound is Bound.SHAPE:
            wkb = bindparam(bind.name, type_=BYTEA)
            return self.relation.moved(func.ST_GeomFromWKB(wkb, literal(SRID, INTEGER)))
        kind = BOUND[bind.bound]
        return bindparam(bind.name, type_=ARRAY(kind) if bind.many else kind)

    def membership(self, term: Call) -> Element:
        value, *items = term.args
        sought = _grouped(value, self.of(value))
        if isinstance(items[0], Bind) and items[0].many:
            return sought == any_(self.of(items[0]))
        return or_(*(self.of(Call(name="=", args=(value, i), kind=Kind.BOOLEAN)) for i in items))

    def ends(self, term: Term) -> tuple[Element, Element]:
        """The first and last moment of a temporal term."""
        if isinstance(term, Call) and term.name == "interval":
            start, end = (self.of(arg) for arg in term.args)
            return start, end
        found = self.of(term)
        return found, found

    def open(self, term: Call) -> Element:
        kind = TYPES[term.kind]
        if term.name == "still":
            return func.coalesce(self.of(term.args[0]), cast(literal("infinity", TEXT), kind))
        side = "-infinity" if term.name == "open_start" else "infinity"
        return cast(literal(side, TEXT), kind)


def _grouped(term: Term, element: Element) -> Element:
    """A condition as an operand, in brackets: NOT a IS NULL is something else."""
    if isinstance(term, Call) and term.kind is Kind.BOOLEAN:
        return Grouping(element)
    return element


def _by_code_point(term: Call, args: list[Element]) -> list[Element]:
    """Texts in the order of their code points; said only where it would not be so anyway.

    Equality is the same in every collation that PostgreSQL calls deterministic, and an index
    answers it in its own; two columns may be of two collations, and then one must be named.
    """
    bound = any(isinstance(arg, Bind) for arg in term.args)
    if term.name in ORDERED or not bound:
        return [collate(args[0], "C"), *args[1:]]
    return args


def _spatial(name: str) -> Callable[[Element, Element], Element]:
    function = getattr(func, name)
    return lambda left, right: function(left, right, type_=BOOLEAN())


def _disjoint(left: Element, right: Element) -> Element:
    return not_(func.ST_Intersects(left, right, type_=BOOLEAN()))


WRITTEN: dict[str, Callable[..., Element]] = {
    "and": and_,
    "or": or_,
    "not": not_,
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "between": lambda a, low, high: a.between(low, high),
    "like": lambda a, pattern: a.like(pattern),
    "isNull": lambda a: a.is_(None),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / func.nullif(b, literal(0, INTEGER), type_=NUMERIC()),
    "%": lambda a, b: func.mod(a, func.nullif(b, literal(0, INTEGER), type_=NUMERIC())),
    "div": lambda a, b: func.div(a, func.nullif(b, literal(0, INTEGER), type_=NUMERIC())),
    "power": lambda a, b: func.power(a, b, type_=NUMERIC()),
    "^": lambda a, b: func.onemap.power(a, b, type_=NUMERIC()),
    "casei": lambda text: func.onemap.casei(text, type_=TEXT()),
    "accenti": lambda text: func.onemap.accenti(text, type_=TEXT()),
    "s_intersects": _spatial("ST_Intersects"),
    "s_equals": _spatial("ST_Equals"),
    "s_disjoint": _disjoint,
    "s_touches": _spatial("ST_Touches"),
    "s_within": _spatial("ST_Within"),
    "s_overlaps": _spatial("ST_Overlaps"),
    "s_crosses": _spatial("ST_Crosses"),
    "s_contains": _spatial("ST_Contains"),
    "a_equals": lambda a, b: and_(a.contains(b), a.contained_by(b)),
    "a_contains": lambda a, b: a.contains(b),
    "a_containedBy": lambda a, b: a.contained_by(b),
    "a_overlaps": lambda a, b: a.overlap(b),
}
COMPARED = ("=", "<>", *ORDERED, "like")
COMPUTED = ("+", "-", "*", "/", "%", "div", "power", "^")
