"""From pygeofilter's AST to terms: every name known, every type fitting, every literal bound."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pygeofilter import ast, values

from config.model import Layer
from providers.cql2.faults import MAX_OPERATORS, FilterFault, within
from providers.cql2.functions import FUNCTIONS
from providers.cql2.literals import Binds
from providers.cql2.names import column_of
from providers.cql2.numbers import MOST_EXACT_POWER, computed, size
from providers.cql2.patterns import checked_pattern
from providers.cql2.periods import period_of
from providers.cql2.terms import Bind, Call, Kind, Term
from providers.cql2.words import (
    ARITHMETIC,
    ARRAYS,
    COMPARISONS,
    MORE_ARITHMETIC,
    SPATIAL,
    TEMPORAL,
    TEXT_FOLDS,
)
from providers.crs import Crs

type Node = Any  # of pygeofilter, which is untyped
OPERATORS: dict[Any, str] = {
    node: name
    for words in (COMPARISONS, ARITHMETIC, SPATIAL, TEMPORAL, ARRAYS)
    for name, node in words.items()
    if node is not None
}
NULL = Call(name="null", args=(), kind=Kind.NUMBER)


@dataclass(slots=True)
class Checker:
    """Checks one filter against one layer; what its literals are is kept in `binds`."""

    layer: Layer
    crs: Crs
    binds: Binds = field(default_factory=Binds)
    operators: int = 0

    def condition(self, node: Node) -> Term:
        """A term that is true, false or unknown of each row."""
        return self.of(Kind.BOOLEAN, node, "a condition")

    def of(self, kind: Kind, node: Node, role: str) -> Term:
        found = self.term(node)
        if found.kind is not kind:
            raise FilterFault(f"{kind.phrase} as {role}, not {found}")
        return found

    def term(self, node: Node) -> Term:
        match node:
            case ast.And() | ast.Or():
                return self.combination(node)
            case ast.Not():
                return _test("not", self.condition(node.sub_node))
            case ast.Comparison():
                return self.comparison(OPERATORS[type(node)], node.lhs, node.rhs)
            case ast.Between():
                return _negated(node, self.between(node))
            case ast.In():
                return _negated(node, self.membership(node))
            case ast.Like():
                return _negated(node, self.like(node))
            case ast.IsNull():
                return _negated(node, _test("isNull", self.term(node.lhs)))
            case ast.SpatialComparisonPredicate() | ast.BBox():
                return self.spatial(node)
            case ast.TemporalPredicate() if type(node) in OPERATORS:
                return self.temporal(OPERATORS[type(node)], node.lhs, node.rhs)
            case ast.ArrayPredicate():
                return self.arrays(OPERATORS[type(node)], node.lhs, node.rhs)
            case ast.Arithmetic():
                return self.arithmetic(OPERATORS[type(node)], node.lhs, node.rhs)
            case ast.Function():
                return self.function(node.name, node.arguments)
            case ast.Attribute():
                return column_of(self.layer, node.name)
            case values.Interval():
                return period_of(self.term, self.binds, self.layer, node)
            case values.Geometry() | values.Envelope():
                return self.binds.shape(node.geometry, self.crs)
            case bool() | int() | float() | Decimal() | str() | date():
                return self.binds.literal(node)
        raise FilterFault(f"no {type(node).__name__} here")

    def combination(self, node: Node) -> Term:
        """All terms of a chain of one operator, in their order, however the chain is nested."""
        kind, waiting, found = type(node), [node], []
        while waiting:
            each = waiting.pop()
            if type(each) is kind:
                waiting += [each.rhs, each.lhs]
            else:
                found.append(self.condition(each))
        return _test("and" if kind is ast.And else "or", *found)

    def comparison(self, operator: str, left: Node, right: Node) -> Term:
        return _test(operator, *_alike([self.term(left), self.term(right)]))

    def between(self, node: Node) -> Term:
        parts = (node.lhs, node.low, node.high)
        return _test("between", *_alike([self.term(part) for part in parts]))

    def membership(self, node: Node) -> Term:
        value = self.term(node.lhs)
        if items := self.binds.many(node.sub_nodes, value.kind):
            return _test("in", *_alike([value, items]))
        return _test("in", *_alike([value, *(self.term(each) for each in node.sub_nodes)]))

    def like(self, node: Node) -> Term:
        checked_pattern(node.pattern)
        found = [self.of(Kind.TEXT, each, "LIKE's text") for each in (node.lhs, node.pattern)]
        if getattr(node, "nocase", False):
            found = [_fold("casei", each) for each in found]
        return _test("like", *found)

    def spatial(self, node: Node) -> Term:
        if isinstance(node, ast.BBox):
            sides = [node.minx, node.miny, node.maxx, node.maxy]
            box = self.binds.shape({"type": "bbox", "coordinates": sides}, self.crs)
            return _test("s_intersects", self.of(Kind.GEOMETRY, node.lhs, "BBOX's geometry"), box)
        name = OPERATORS[type(node)]
        pair = [self.of(Kind.GEOMETRY, n, f"{name}'s geometry") for n in (node.lhs, node.rhs)]
        return _test(name, *pair)

    def temporal(self, name: str, left: Node, right: Node) -> Term:
        pair = [self.term(left), self.term(right)]
        for one in pair:
            if one.kind not in (Kind.DATE, Kind.INSTANT, Kind.INTERVAL):
                raise FilterFault(
                    f"dates, timestamps or intervals in {name}, not {one}{_hint(pair)}"
                )
        return _test(name, *self.binds.same_clock(pair))

    def arrays(self, name: str, left: Node, right: Node) -> Term:
        pair = [
            self.array(node) if isinstance(node, list) else self.term(node)
            for node in (left, right)
        ]
        element = next((one.element for one in pair if one.element is not None), Kind.TEXT)
        typed = []
        for one in pair:
            if one.kind is not Kind.ARRAY or one.element not in (None, element):
                raise FilterFault(
                    f"arrays of one type in {name}, not {one} with {element} elements"
                )
            typed.append(
                one
                if one.element
                else Call(name="array", args=(), kind=Kind.ARRAY, element=element)
            )
        return _test(name, *typed)

    def array(self, nodes: list[Node]) -> Term:
        if not nodes:
            return Call(name="array", args=(), kind=Kind.ARRAY)
        items = _alike([self.term(node) for node in nodes])
        return Call(name="array", args=tuple(items), kind=Kind.ARRAY, element=items[0].kind)

    def arithmetic(self, operator: str, left: Node, right: Node) -> Term:
        """An operator on numbers; on two literals it is computed at once."""
        self.operators += 1
        within(self.operators, MAX_OPERATORS, "operators of arithmetic")
        a, b = (self.of(Kind.NUMBER, node, f"an operand of {operator}") for node in (left, right))
        if isinstance(a, Bind) and isinstance(b, Bind):
            value = computed(operator, self.binds.taken(a), self.binds.taken(b))
            return NULL if value is None else self.binds.literal(value)
        name = operator
        if operator == "^" and isinstance(b, Bind):
            exponent = self.binds.values[b.name]
            if isinstance(exponent, int) and 0 <= exponent <= MOST_EXACT_POWER:
                name = "power"
        found = Call(name=name, args=(a, b), kind=Kind.NUMBER)
        size(found, self.binds.values)
        return found

    def function(self, name: str, nodes: list[Node]) -> Term:
        if name in TEMPORAL and len(nodes) == 2:
            return self.temporal(name, *nodes)
        if name in MORE_ARITHMETIC and len(nodes) == 2:
            return self.arithmetic(name, *nodes)
        if name in TEXT_FOLDS and len(nodes) == 1:
            return _fold(name, self.of(Kind.TEXT, nodes[0], f"the argument of {name.upper()}"))
        if name == "bbox" and len(nodes) in (4, 6):  # pygeofilter knows it only as a function
            if not all(isinstance(n, int | float | Decimal) for n in nodes):
                raise FilterFault("a bbox of 4 or 6 numbers")
            return self.binds.shape({"type": "bbox", "coordinates": nodes}, self.crs)
        function = FUNCTIONS.get(name) or FUNCTIONS.get(name.lower())
        if function is None:
            raise FilterFault(
                f"a known function (GET /functions), one of {', '.join(FUNCTIONS)}; not {name[:40]}"
            )
        if len(nodes) != len(function.arguments):
            raise FilterFault(f"{len(function.arguments)} argument(s) of {name}, not {len(nodes)}")
        pairs = zip(function.arguments, nodes, strict=True)
        args = tuple(self.of(a.kind, node, f"an argument of {name}") for a, node in pairs)
        found = Call(name=f"f:{name.lower()}", args=args, kind=function.returns)
        if found.kind is Kind.NUMBER:
            size(found, self.binds.values)
        return found


def _alike(found: list[Term]) -> list[Term]:
    """The terms, where they are scalars of one kind."""
    first = found[0]
    for other in found[1:]:
        if other.kind is not first.kind:
            shown = f"{first} with {other}{_hint(found)}"
            raise FilterFault(f"values of one type to compare, not {shown}")
    if first.kind in (Kind.GEOMETRY, Kind.ARRAY, Kind.INTERVAL):
        raise FilterFault(f"{first.kind.phrase} only in functions for such, not {first}")
    return found


def _test(name: str, *args: Term) -> Term:
    return Call(name=name, args=args, kind=Kind.BOOLEAN)


def _negated(node: Node, found: Term) -> Term:
    return _test("not", found) if node.not_ else found


def _fold(name: str, text: Term) -> Term:
    return Call(name=name, args=(text,), kind=Kind.TEXT)


def _hint(found: list[Term]) -> str:
    """How a moment is written, where something else stands for one."""
    kinds = {one.kind for one in found}
    if Kind.INSTANT in kinds and Kind.DATE not in kinds:
        return "; a timestamp is TIMESTAMP('2024-02-29T08:00:00Z')"
    return "; a date is DATE('2024-02-29')" if Kind.DATE in kinds else ""
