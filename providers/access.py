"""Who asks, and what they may see: a scope is a required argument of every statement."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, FromClause, and_, any_, bindparam, false, func, true
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, TEXT

from config.model import Layer, Role
from config.vocabulary import Classification

SRID = 4490


class Everything(Enum):
    """The explicit value for "no limit"; None never means it."""

    ALL = "all"


ALL: Final = Everything.ALL
type All = Literal[Everything.ALL]
type Shape = ColumnElement[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a caller may see and call."""

    layers: frozenset[str] | All
    regions: tuple[str, ...] | All  # codes, already expanded downward, sorted
    areas: bytes | All  # WKB of one multipolygon in EPSG:4490
    ceiling: Classification
    functions: frozenset[str] | All

    def sees(self, layer: Layer) -> bool:
        """Whether the layer as such is visible; rows are the predicate's matter."""
        if layer.classification.rank > self.ceiling.rank:
            return False
        return self.layers is ALL or layer.id in self.layers

    def may(self, function: str) -> bool:
        return self.functions is ALL or function in self.functions

    @property
    def shape(self) -> tuple[bool, bool]:
        """What a compiled statement depends on: which kinds of limits there are."""
        return (self.regions is not ALL, self.areas is not ALL)

    @property
    def parameters(self) -> dict[str, object]:
        """The values that the predicate's binds take."""
        values: dict[str, object] = {}
        if self.regions is not ALL:
            values["scope_regions"] = list(self.regions)
        if self.areas is not ALL:
            values["scope_areas"] = self.areas
        return values

    def predicate(
        self, table: FromClause, moved: Callable[[Shape], Shape] = lambda shape: shape
    ) -> ColumnElement[bool]:
        """The rows of *table* that this scope lets through.

        *moved* brings a shape from EPSG:4490 into the reference system of the table's geometry.
        """
        limits: list[ColumnElement[bool]] = [true()]
        if self.regions is not ALL:
            limits.append(table.c.om_region == any_(bindparam("scope_regions", type_=ARRAY(TEXT))))
        if self.areas is not ALL and "geom" not in table.c:
            limits.append(false())  # a row without a place lies in no area
        elif self.areas is not ALL:
            area = func.ST_GeomFromWKB(bindparam("scope_areas", type_=BYTEA), SRID)
            limits.append(func.ST_Intersects(table.c.geom, moved(area)))
        return and_(*limits)

    @property
    def everywhere(self) -> bool:
        """Whether no row is hidden by where it lies."""
        return self.regions is ALL and self.areas is ALL

    def key(self) -> str:
        """A text that differs where the scopes differ: part of every cache key and ETag."""
        layers = "*" if self.layers is ALL else ",".join(sorted(self.layers))
        regions = "*" if self.regions is ALL else ",".join(self.regions)
        areas = "*" if self.areas is ALL else self.areas.hex()
        functions = "*" if self.functions is ALL else ",".join(sorted(self.functions))
        return f"{layers};{regions};{areas};{self.ceiling};{functions}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: an organisation and a person, in a role, with the scope that follows."""

    id: str  # key id, or "anonymous"
    organisation: str
    person: str
    role: str
    scope: Scope

    @property
    def anonymous(self) -> bool:
        return self.id == ANONYMOUS_ID


ANONYMOUS_ID = "anonymous"


def anonymous(role: Role, public: frozenset[str]) -> Principal:
    """The caller without a key: public layers, and the functions that are public."""
    granted = scope_of(role, public=public, regions=(), expand=lambda codes: codes)
    scope = replace(granted, regions=ALL, ceiling=Classification.PUBLIC)
    return Principal(id=ANONYMOUS_ID, organisation="", person="", role=role.id, scope=scope)


def scope_of(
    role: Role,
    *,
    public: frozenset[str],
    regions: tuple[str, ...],
    expand: Callable[[tuple[str, ...]], tuple[str, ...]],
) -> Scope:
    """The scope of a role held for *regions*; a role by key without a region sees no rows.

    What is *public* may be called in every role.
    """
    return Scope(
        layers=ALL if role.layers is None else role.layers,
        regions=ALL if role.regions == "all" else tuple(sorted(expand(regions))),
        areas=ALL,
        ceiling=role.ceiling,
        functions=ALL if role.functions is None else role.functions | public,
    )
