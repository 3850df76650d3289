"""From a checked feature query to one statement; pure, no connection."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import INTEGER, TEXT

from config.model import Layer
from config.vocabulary import GeometryKind
from providers import jsonfg
from providers.access import Scope
from providers.conditions import Condition, parameters, shapes
from providers.crs import CRS84, Crs
from providers.errors import BadParameter
from providers.feature_text import geojson
from providers.ordering import Position, Sort, after, order_of, position_text
from providers.relations import SYSTEM_PROPERTIES, Relation

DEFAULT_LIMIT, MAX_LIMIT = 10, 10_000
FEW = (10, 100, 1_000, MAX_LIMIT)  # page lengths that plans are made for
MAX_OFFSET = 50_000  # what lies deeper is reached by next links, which count no rows off
MAX_LIMIT_DIGITS = 15
type Form = Literal["geojson", "jsonfg", "jsonfg-plus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How features are written: the reference system, the properties, with geometry or without."""

    crs: Crs = CRS84
    fields: tuple[str, ...] | None = None  # names of properties; None: all
    geometry: bool = True
    form: Form = "geojson"

    def names(self, layer: Layer) -> list[str]:
        """The properties that are written, in the layer's order."""
        every = [*(f.code for f in layer.fields), *SYSTEM_PROPERTIES]
        return [n for n in every if self.fields is None or n in self.fields]

    def draws(self, layer: Layer) -> bool:
        """Whether geometries are written."""
        return self.geometry and layer.geometry is not GeometryKind.NONE


AS_STORED = Shown()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureQuery:
    """One page of features: which, in what order, after which row, how many, and how written."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    conditions: tuple[Condition, ...] = ()
    order: tuple[Sort, ...] = ()
    after: Position | None = None
    shown: Shown = AS_STORED

    @property
    def shape(self) -> Hashable:
        """What the statement's text depends on."""
        position = self.after and self.after.shape
        return (
            shapes(self.conditions),
            self.order,
            position,
            self.offset > 0,
            self.shown,
            self.most if self.steady else None,
        )

    @property
    def steady(self) -> bool:
        """Whether one plan serves whatever the values are: a page of neighbours by their keys."""
        return not self.conditions and not self.order and not self.offset

    @property
    def most(self) -> int:
        """The length that the page is planned for, at least its limit."""
        return next((number for number in FEW if number >= self.limit), self.limit)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the statement's binds."""
        values: dict[str, Any] = {"limit": self.limit, **parameters(self.conditions)}
        if self.offset:
            values["offset"] = self.offset
        return values if self.after is None else {**values, **self.after.parameters}


def parse_limit(text: str) -> int:
    """More than the maximum is the maximum (OGC 17-069r4, /req/core/fc-limit-response-1)."""
    if text.isascii() and text.isdigit() and len(text) <= MAX_LIMIT_DIGITS and int(text):
        return min(MAX_LIMIT, int(text))
    raise BadParameter("limit", text, f"an integer from 1; at most {MAX_LIMIT} come at once")


def parse_whole(name: str, text: str, low: int, high: int) -> int:
    """A whole number in plain digits; BadParameter beyond its bounds."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not low <= int(text) <= high:
        raise BadParameter(name, text, f"an integer from {low} to {high}")
    return int(text)


def parse_properties(layer: Layer, text: str) -> tuple[str, ...]:
    """The properties of `properties`, by their names, separated by commas."""
    known = [*(f.code for f in layer.fields), *SYSTEM_PROPERTIES]
    if not text.strip():
        return ()
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if any(name not in known for name in names):
        raise BadParameter("properties", text, f"some of {', '.join(known)}")
    return names


def page_statement(
    layer: Layer, relation: Relation, query: FeatureQuery, scope: Scope
) -> Select[Any]:
    """One page as one row: features (JSON text), count, position of the last, more, version.

    The features arrive joined by commas, as the caller may see them; the database writes the
    text, so that nothing is parsed and written again on the way.
    """
    limit = bindparam("limit", type_=INTEGER)
    rows = chosen_rows(layer, relation, query, scope, limit + 1)  # one more says that more follow
    order = order_of(relation, rows, query.order)
    position = func.row_number().over(order_by=order).label("position")
    feature = feature_text(layer, relation, rows, query.shown).label("feature")
    place = position_text(relation, rows, query.order).label("place")
    page = select(place, feature, position).subquery("page")
    inside = page.c.position <= limit
    separator = literal(
        ",", TEXT
    )  # the rows come in order: sorting them once more costs a sixteenth
    last = func.max(cast(page.c.place, TEXT)).filter(page.c.position == limit)
    return select(
        func.string_agg(page.c.feature, separator).filter(inside).label("features"),
        func.count().filter(inside).label("count"),
        last.label("last"),
        (func.count() > limit).label("more"),
        relation.version.label("version"),
    ).select_from(page)


def chosen_rows(
    layer: Layer,
    relation: Relation,
    query: FeatureQuery,
    scope: Scope,
    most: ColumnElement[Any],
) -> FromClause:
    """The first *most* rows of a query behind its position, in its order, with what is written."""

    def conditions(rows: FromClause) -> list[ColumnElement[bool]]:
        found = [relation.visible(scope, rows), *(c.of(relation, rows) for c in query.conditions)]
        if query.after is not None:
            found.append(after(relation, rows, query.order, query.after))
        return found

    rows = relation.first(
        _columns(layer, relation, query.shown, query.order),
        conditions,
        lambda rows: order_of(relation, rows, query.order),
        literal(query.most + 1, INTEGER) if query.steady else most,
        skipped=bindparam("offset", type_=INTEGER) if query.offset else None,
    )
    if not query.steady:
        return rows
    # a plan that is made once must know about how many rows are read, and in what order they come
    first = select(rows).order_by(*order_of(relation, rows, query.order)).limit(most)
    return first.subquery("chosen")


def count_statement(
    relation: Relation, conditions: Sequence[Condition], scope: Scope
) -> Select[Any]:
    """How many rows satisfy the conditions and the scope, and the version that was counted."""
    counts = [
        select(func.count())
        .select_from(branch.rows)
        .where(
            *branch.conditions,
            relation.visible(scope, branch.rows),
            *(c.of(relation, branch.rows) for c in conditions),
        )
        .scalar_subquery()
        for branch in relation.branches
    ]
    return select(reduce(add, counts), relation.version)


def item_statement(
    layer: Layer,
    relation: Relation,
    scope: Scope,
    *,
    shown: Shown = AS_STORED,
    conditions: Sequence[Condition] = (),
) -> Select[Any]:
    """One feature by business id: its JSON text, and what tells that something in it changed.

    The row's hash covers what the row says; region, plan and document stand beside it.
    """

    def chosen(rows: FromClause) -> list[ColumnElement[bool]]:
        narrowed = (c.of(relation, rows) for c in conditions)
        return [relation.is_named(rows), relation.visible(scope, rows), *narrowed]

    beside = ("om_region", "om_plan", "om_basis")
    names = dict.fromkeys([*_columns(layer, relation, shown, ()), "om_hash", *beside])
    rows = relation.first(list(names), chosen, lambda rows: [], literal(1, INTEGER))
    said = func.json_build_array(rows.c.om_hash, *(rows.c[name] for name in beside))
    return select(feature_text(layer, relation, rows, shown).label("feature"), cast(said, TEXT))


def extent_statement(relation: Relation, scope: Scope) -> Select[Any]:
    """West, south, east, north of the rows that the caller may see; nulls where there are none."""
    (branch,) = relation.branches
    box = func.ST_Extent(relation.degrees(branch.rows.c.geom))
    sides = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    return select(*(side(box) for side in sides)).where(
        *branch.conditions, relation.visible(scope, branch.rows)
    )


def feature_text(
    layer: Layer, relation: Relation, rows: FromClause, shown: Shown
) -> ColumnElement[Any]:
    """A feature in the form that was asked for."""
    if shown.form != "geojson":
        return jsonfg.feature(layer, relation, rows, shown)
    crs = shown.crs if shown.draws(layer) else None
    return geojson(relation, rows, shown.names(layer), crs)


def _columns(layer: Layer, relation: Relation, shown: Shown, order: Sequence[Sort]) -> list[str]:
    """The columns from which features are written and put in order."""
    names = [*shown.names(layer), *(s.name for s in order)]
    values = [relation.attributes.get(name, name) for name in names]
    days = [name for name in relation.validity if name and shown.form != "geojson"]
    placed = ["geom"] if shown.draws(layer) else []
    return list(dict.fromkeys(["fid", "om_id", *values, *days, *placed]))
