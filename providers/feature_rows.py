"""The rows of a selection with their values, for files: each part one statement of one state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, cast, func, literal, select, true
from sqlalchemy.dialects.postgresql import INTEGER, TEXT

from config.model import Layer
from config.vocabulary import EditionKey, FieldType
from providers.access import Scope
from providers.features import FeatureQuery, chosen_rows
from providers.frames import digits, written
from providers.layers import LayerStore
from providers.moments import moment_text
from providers.ordering import order_of, position_text
from providers.relations import Relation, relation_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows in their order.

    `names` begins with om_id; each of `rows` has a value per name. Dates and moments are text, exact numbers
    Decimal. `geometry` is WKB, east before north, or WKT in the axis order of the registry; None
    where the selection has none, an entry None where the row has none.
    """

    names: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    geometry: Sequence[Any] | None
    next_after: str | None
    revision: int | None
    version: str | None = None

    @property
    def count(self) -> int:
        return len(self.rows)


def rows_statement(
    layer: Layer, relation: Relation, query: FeatureQuery, scope: Scope, *, text: bool
) -> Select[Any]:
    """A row per feature, one more than the limit where more follow, and at least one.

    The first columns are the version that the statement saw, the row's position, its number (null:
    there is no feature) and its om_id; then the values, then the geometry.
    """
    shown = query.shown
    rows = chosen_rows(layer, relation, query, scope, bindparam("limit", type_=INTEGER) + 1)
    number = func.row_number().over(order_by=order_of(relation, rows, query.order))
    columns = [
        cast(position_text(relation, rows, query.order), TEXT).label("place"),
        number.label("number"),
        cast(rows.c.om_id, TEXT).label("om_id"),
    ]
    for i, name in enumerate(shown.names(layer)):
        value = relation.value(rows, name)
        field = layer.field(name)
        if field is not None and field.type is FieldType.DATE:
            value = cast(value, TEXT)  # any date of the database, also one that Python has not
        elif field is not None and field.type is FieldType.INSTANT:
            value = moment_text(value)
        columns.append(value.label(f"v{i}"))
    if shown.draws(layer):
        shape = relation.plain(rows.c.geom)
        if text:
            placed = written(relation, shape, shown.crs)
            shape = func.ST_AsText(placed, literal(digits(shown.crs), INTEGER))
        else:
            shape = func.ST_AsBinary(written(relation, shape, shown.crs, xy=True))
        columns.append(shape.label("shape"))
    page = select(*columns).subquery("page")
    once = select(relation.version.label("version")).subquery("once")
    return (
        select(once.c.version, *page.c)
        .select_from(once.outerjoin(page, true()))
        .order_by(page.c.number)
    )


async def read_rows(
    store: LayerStore,
    layer: Layer,
    edition: EditionKey | None,
    query: FeatureQuery,
    scope: Scope,
    /,
    *,
    at: int | None = None,
) -> Rows:
    """The rows that the query asks for and the scope lets through, with geometries as WKB."""
    return await _read(store, layer, edition, query, scope, at=at, text=False)


async def read_texts(
    store: LayerStore,
    layer: Layer,
    edition: EditionKey | None,
    query: FeatureQuery,
    scope: Scope,
    /,
    *,
    at: int | None = None,
) -> Rows:
    """The same with geometries as WKT."""
    return await _read(store, layer, edition, query, scope, at=at, text=True)


def no_rows(layer: Layer, query: FeatureQuery) -> Rows:
    """What there is where nothing answers."""
    shown = query.shown
    names = ("om_id", *shown.names(layer))
    geometry: Sequence[Any] | None = () if shown.draws(layer) else None
    return Rows(names=names, rows=(), geometry=geometry, next_after=None, revision=None)


async def _read(
    store: LayerStore,
    layer: Layer,
    edition: EditionKey | None,
    query: FeatureQuery,
    scope: Scope,
    *,
    at: int | None,
    text: bool,
) -> Rows:
    found = await store.fetch(
        layer,
        ("rows", edition, at is None, query.shape, scope.shape, text),
        lambda: rows_statement(
            layer, relation_of(layer, edition, past=at is not None), query, scope, text=text
        ),
        {
            **query.parameters,
            **scope.parameters,
            "layer": layer.id,
            "edition": edition,
            "at": at,
        },
    )
    names = ("om_id", *query.shown.names(layer))
    version, ours = found[0][0], layer.external is None
    rows = [] if found[0][2] is None else found
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    first, end = 3, 3 + len(names)
    return Rows(
        names=names,
        rows=[row[first:end] for row in rows],
        geometry=[row[end] for row in rows] if query.shown.draws(layer) else None,
        next_after=rows[-1][1] if more else None,
        revision=version or 0 if ours else None,
        version=None if ours or version is None else str(version),
    )
