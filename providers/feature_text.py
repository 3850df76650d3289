"""Features as the database writes them: JSON text, so that nothing is parsed on the way."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, func, literal, select
from sqlalchemy.dialects.postgresql import INTEGER, TEXT

from providers.crs import Crs
from providers.frames import digits, written
from providers.relations import Relation

NULL = literal("null", TEXT)


def geojson(
    relation: Relation, rows: FromClause, names: Sequence[str], crs: Crs | None
) -> ColumnElement[Any]:
    """A GeoJSON Feature with these properties; without a *crs* its geometry is null."""
    return func.concat(
        literal('{"type":"Feature","id":', TEXT),
        func.to_json(rows.c.om_id),
        literal(',"geometry":', TEXT),
        NULL if crs is None else geometry_text(relation, rows.c.geom, crs),
        literal(',"properties":', TEXT),
        properties_text(relation, rows, names),
        literal("}", TEXT),
    )


def geometry_text(relation: Relation, shape: ColumnElement[Any], crs: Crs) -> ColumnElement[Any]:
    """A stored geometry as a GeoJSON object in *crs*, in the axis order of its registry."""
    shown = written(relation, relation.plain(shape), crs)
    text = func.ST_AsGeoJSON(shown, literal(digits(crs), INTEGER), literal(0, INTEGER))
    return func.coalesce(text, NULL)  # a missing place, or one that *crs* does not reach


def properties_text(
    relation: Relation, rows: FromClause, names: Sequence[str]
) -> ColumnElement[Any]:
    """The named properties as a JSON object, under their names in answers."""
    if not names:
        return literal("{}", TEXT)
    row = select(*(relation.value(rows, name).label(name) for name in names))
    values = row.correlate(rows).lateral("p")
    return select(func.row_to_json(values.table_valued())).correlate(rows).scalar_subquery()
