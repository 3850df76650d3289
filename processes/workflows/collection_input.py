"""Inputs by collection: the rows of a layer that a filter chooses, as the caller may see them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import ColumnElement, FromClause, Select, cast, func, literal, select
from sqlalchemy.dialects.postgresql import INTEGER, JSON

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind
from processes.context import Context
from processes.workflows.feature_input import MOST_FEATURES, MOST_VERTICES, Rows, stored_rows
from providers.access import ANONYMOUS_ID, Scope
from providers.conditions import Condition, ValidIn, parameters
from providers.cql2 import parse_filter
from providers.crs import CRS84
from providers.dialect import compile_sql
from providers.edition_history import editions_then, parse_as_of
from providers.editions import EditionState, Window, edition_in, published
from providers.errors import BadParameter
from providers.feature_text import properties_text
from providers.relations import Relation, relation_of
from providers.result_layers import find_result_now, job_of

COLLECTION = "collection"  # what tells such an input from GeoJSON


def collection_rows(
    connection: Connection[TupleRow], context: Context, asked: Mapping[str, Any]
) -> Rows:
    """The features of the collection that is named.

    Raises
    ------
    BadParameter
        For a collection that is not there for the caller, a filter that does not fit it, and for
        more rows than a computation takes.
    """
    layer, state, at = _state(connection, context, asked)
    context.synthetic |= layer.synthetic
    if state is None:
        return stored_rows(np.array([], dtype=object), (), ())
    conditions = _conditions(layer, asked)
    relation = relation_of(layer, state.edition.key, past=at is not None)
    statement = rows_statement(layer, relation, conditions, context.scope)
    compiled = compile_sql(statement)
    binds = {
        **parameters(conditions),
        **context.scope.parameters,
        "layer": layer.id,
        "edition": state.edition.key,
        "at": at,
    }
    rows = connection.execute(compiled.text.encode(), compiled.binds(binds)).fetchall()
    context.note(state)
    if len(rows) > MOST_FEATURES or sum(row[3] or 0 for row in rows) > MOST_VERTICES:
        expected = (
            f"at most {MOST_FEATURES} features with {MOST_VERTICES} vertices: a narrower filter"
        )
        raise BadParameter("filter", str(asked.get("filter", "")), expected)
    found = stored_rows(
        shapely.from_wkb(np.array([row[2] and bytes(row[2]) for row in rows], dtype=object)),
        [row[1] for row in rows],
        [row[0] for row in rows],
    )
    units = {field.code: field.unit for field in layer.fields if field.unit is not None}
    return replace(found, units=units)


def rows_statement(
    layer: Layer, relation: Relation, conditions: Iterable[Condition], scope: Scope
) -> Select[Any]:
    """Id, properties, shape (WKB) and vertices of the rows; one more than a computation takes."""

    def chosen(rows: FromClause) -> list[ColumnElement[bool]]:
        return [relation.visible(scope, rows), *(c.of(relation, rows) for c in conditions)]

    columns = ["fid", "om_id", *(relation.attributes[f.code] for f in layer.fields), "geom"]
    rows = relation.first(
        list(dict.fromkeys(columns)),
        chosen,
        lambda rows: [rows.c.fid],
        literal(MOST_FEATURES + 1, INTEGER),
    )
    return select(
        rows.c.om_id,
        cast(properties_text(relation, rows, [f.code for f in layer.fields]), JSON),
        func.ST_AsBinary(relation.plain(rows.c.geom)),
        func.ST_NPoints(rows.c.geom),
    )


def _state(
    connection: Connection[TupleRow], context: Context, asked: Mapping[str, Any]
) -> tuple[Layer, EditionState | None, int | None]:
    """The layer, the edition that answers, and its revision where a past one is asked for."""
    name, _, key = str(asked[COLLECTION]).partition(".")
    if job_of(name) is not None:
        return *_result(connection, context, name), None
    layer = context.layers.get(name)
    if layer is None or not context.scope.sees(layer):
        raise BadParameter(COLLECTION, str(asked[COLLECTION]), "a collection that you may see")
    if layer.external is not None or layer.geometry is GeometryKind.NONE:
        expected = "a layer with geometry that OneMap keeps: external tables and tables are none"
        raise BadParameter(COLLECTION, str(asked[COLLECTION]), expected)
    window = Window.parse(asked["datetime"]) if "datetime" in asked else None
    known = context.states(layer.id)
    if "asOf" in asked:
        known = editions_then(connection, layer.id, parse_as_of(asked["asOf"]))
    states = published(known, context.scope.ceiling)
    day = window or Window(start=context.today, end=context.today)
    if key:
        state = next((s for s in states if s.edition.key == EditionKey(key)), None)
        if state is None:
            raise BadParameter(COLLECTION, str(asked[COLLECTION]), "an edition of this layer")
        if window is not None and not state.edition.holds_in(window):
            state = None
    else:
        state = edition_in(states, day)
    return layer, state, state.revision if state and "asOf" in asked else None


def _result(
    connection: Connection[TupleRow], context: Context, name: str
) -> tuple[Layer, EditionState]:
    """A result layer of the caller's own; it has no editions, and never changes."""
    owner = ANONYMOUS_ID if context.depot is None else context.depot.owner
    found = find_result_now(connection, name, owner=owner)
    if found is None:
        raise BadParameter(COLLECTION, name, "a collection that you may see")
    return found.layer, found.state


def _conditions(layer: Layer, asked: Mapping[str, Any]) -> list[Condition]:
    found: list[Condition] = []
    if "filter" in asked:
        text = asked["filter"]
        found.append(parse_filter(text, language="cql2-text", layer=layer, crs=CRS84))
    if "datetime" in asked and any(layer.validity):
        window = Window.parse(asked["datetime"])
        found.append(ValidIn((window.start, window.end)))
    return found
