"""A filter as a condition of a query, from each of the forms in which it can be said."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause

from config.model import Layer
from providers.cql2.checked import Checker
from providers.cql2.compiled import Compiler
from providers.cql2.document import Node, to_ast
from providers.cql2.faults import FilterFault
from providers.cql2.scan import value_of
from providers.cql2.terms import Term
from providers.cql2.text import parse_text
from providers.crs import CRS84, Crs
from providers.errors import BadParameter
from providers.relations import Relation

type Language = Literal["cql2-text", "cql2-json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A checked filter: its terms, and the values of its literals by the names of their binds."""

    condition: Term
    values: Mapping[str, Any]

    @property
    def shape(self) -> Hashable:
        return self.condition

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.values

    def of(self, relation: Relation, rows: FromClause) -> ColumnElement[bool]:
        return Compiler(relation, rows).of(self.condition)


def parse_filter(text: str, *, language: Language, layer: Layer, crs: Crs) -> Filter:
    """The filter that a query parameter says; coordinates in it are those of *crs*.

    Raises
    ------
    BadParameter
        For what is not of the language, does not fit the layer, or is too much to compute.
    """
    try:
        document = parse_text(text) if language == "cql2-text" else value_of(text)
        return _checked(to_ast(document), layer, crs)
    except FilterFault as fault:
        raise BadParameter("filter", text, str(fault)) from None


def from_ast(node: Node, layer: Layer, crs: Crs = CRS84) -> Filter:
    """The filter of an AST of pygeofilter, which pygeoapi hands to its providers."""
    try:
        return _checked(node, layer, crs)
    except FilterFault as fault:
        raise BadParameter("filter", type(node).__name__, str(fault)) from None


def _checked(node: Node, layer: Layer, crs: Crs) -> Filter:
    checker = Checker(layer, crs)
    condition = checker.condition(node)
    return Filter(condition=condition, values=checker.binds.values)
