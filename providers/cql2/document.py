"""CQL2 JSON to pygeofilter's AST, the form in which filters are handed on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pygeofilter import ast, values

from providers.cql2.faults import (
    MAX_LIST,
    MAX_OPERATORS,
    MAX_TERMS,
    MAX_VERTICES,
    FilterFault,
    within,
)
from providers.cql2.times import parse_date, parse_timestamp
from providers.cql2.words import (
    ARITHMETIC,
    ARRAYS,
    COMPARISONS,
    MORE_ARITHMETIC,
    NESTING,
    SPATIAL,
    SPELLING,
    TEMPORAL,
)

type Node = Any  # of pygeofilter, which is untyped


def to_ast(document: Any) -> Node:
    """The AST of a filter in CQL2 JSON; FilterFault for what is none, or too much of it."""
    return _Reader().node(document)


@dataclass(slots=True)
class _Reader:
    """Counts what a filter holds while it is read."""

    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, most: int, more: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + more
        within(self.counts[what], most, what)

    def node(self, said: Any) -> Node:
        match said:
            case str() | bool() | int() | Decimal():
                return said
            case list():
                within(len(said), MAX_LIST, "values in a list")
                return [self.node(each) for each in said]
            case {"op": str(name), "args": list(args), **rest} if not rest:
                return self.operation(SPELLING.get(name.lower(), name), args)
            case {"property": str(name), **rest} if not rest:
                return ast.Attribute(name)
            case {"date": str(text), **rest} if not rest:
                return parse_date(text)
            case {"timestamp": str(text), **rest} if not rest:
                return parse_timestamp(text)
            case {"interval": [start, end], **rest} if not rest:
                return values.Interval(self.bound(start), self.bound(end))
            case {"bbox": list(sides), **rest} if not rest:
                if len(sides) not in (4, 6) or not all(map(_is_number, sides)):
                    raise FilterFault("a bbox of 4 or 6 numbers")
                return values.Geometry({"type": "bbox", "coordinates": sides})
            case {"type": str(kind)}:
                return values.Geometry(self.geometry(kind, said))
        raise FilterFault(f"CQL2 JSON (op and args, property, or a literal), not {_shown(said)}")

    def bound(self, said: Any) -> Node:
        """An end of an interval; None: it is open."""
        if not isinstance(said, str):
            return self.node(said)
        if said in ("..", ""):
            return None
        return parse_timestamp(said) if "T" in said else parse_date(said)

    def operation(self, name: str, args: list[Any]) -> Node:
        if name.lower() in ("and", "or"):
            _arity(name, args, 2, MAX_TERMS)
            self.count("terms of AND and OR", MAX_TERMS, len(args) - 1)
            combination = ast.And if name.lower() == "and" else ast.Or
            return balanced(combination, [self.node(each) for each in args])
        if name in BUILT:
            number, build = BUILT[name]
            _arity(name, args, number, number)
            if name in ARITHMETIC or name in MORE_ARITHMETIC:
                self.count("operators of arithmetic", MAX_OPERATORS)
            return build(*(self.node(each) for each in args))
        within(len(args), MAX_LIST, "arguments")
        return ast.Function(name, [self.node(each) for each in args])

    def geometry(self, kind: str, said: dict[str, Any]) -> dict[str, Any]:
        """A geometry in GeoJSON, its positions counted and known to be numbers."""
        if kind == "GeometryCollection" and isinstance(said.get("geometries"), list):
            members = said["geometries"]
            within(len(members), MAX_LIST, "geometries in a collection")
            if not all(isinstance(m, dict) and m.get("type") in NESTING for m in members):
                raise FilterFault("a collection of simple geometries")
            return {"type": kind, "geometries": [self.geometry(m["type"], m) for m in members]}
        if kind not in NESTING or not isinstance(said.get("coordinates"), list):
            raise FilterFault(f"a GeoJSON geometry, not {_shown(said)}")
        self.positions(said["coordinates"], NESTING[kind])
        return {"type": kind, "coordinates": said["coordinates"]}

    def positions(self, found: Any, depth: int) -> None:
        if not isinstance(found, list) or not found:
            raise FilterFault("a geometry with coordinates as GeoJSON has them, and not empty")
        if depth:
            for each in found:
                self.positions(each, depth - 1)
            return
        self.count("positions", MAX_VERTICES)
        if len(found) not in (2, 3) or not all(map(_is_number, found)):
            raise FilterFault("positions of 2 or 3 numbers")


def balanced(combination: Callable[[Node, Node], Node], nodes: Sequence[Node]) -> Node:
    """The nodes in one tree of two branches each, as low as it can be."""
    if len(nodes) == 1:
        return nodes[0]
    half = len(nodes) // 2
    return combination(balanced(combination, nodes[:half]), balanced(combination, nodes[half:]))


def _function(name: str) -> Callable[..., Node]:
    return lambda *args: ast.Function(name, list(args))


def _like(text: Node, pattern: Node) -> Node:
    return ast.Like(text, pattern, False, "%", "_", "\\", False)


def _in(value: Node, items: Node) -> Node:
    if not isinstance(items, list) or not items:
        raise FilterFault("a list of at least one value after IN")
    return ast.In(value, items, False)


BUILT: dict[str, tuple[int, Callable[..., Node]]] = {
    **{name: (2, node) for name, node in (*COMPARISONS.items(), *ARITHMETIC.items())},
    **{name: (2, node) for name, node in (*SPATIAL.items(), *ARRAYS.items())},
    **{name: (2, node or _function(name)) for name, node in TEMPORAL.items()},
    **{name: (2, _function(name)) for name in MORE_ARITHMETIC},
    "not": (1, ast.Not),
    "isNull": (1, lambda value: ast.IsNull(value, False)),
    "like": (2, _like),
    "between": (3, lambda value, low, high: ast.Between(value, low, high, False)),
    "in": (2, _in),
    "casei": (1, _function("casei")),
    "accenti": (1, _function("accenti")),
}


def _arity(name: str, args: list[Any], least: int, most: int) -> None:
    if not least <= len(args) <= most:
        number = str(least) if least == most else f"{least} to {most}"
        raise FilterFault(f"{number} arguments of {name}, not {len(args)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _shown(said: Any) -> str:
    text = repr(said)
    return text if len(text) <= 60 else text[:60] + "…"
