"""Which current features of an edition meet a polygon: set work in the database, by its index."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow
from shapely import Geometry
from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    bindparam,
    exists,
    false,
    func,
    literal,
    not_,
    select,
)
from sqlalchemy.dialects.postgresql import BYTEA, INTEGER, TEXT

from providers.access import ALL, SRID, Scope
from providers.bindings import Bound
from providers.dialect import compile_sql
from providers.tables import edition_table, parts_table


class TooManyFeatures(Exception):
    """A polygon meets more features of a layer than one computation may read."""

    def __init__(self, layer: str, most: int) -> None:
        super().__init__(f"meets more than {most} features of {layer}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """The features that meet a polygon: parallel sequences, in key order."""

    ids: tuple[str, ...]
    geometries: NDArray[np.object_]  # longitude, latitude, EPSG:4490
    plans: tuple[str | None, ...]
    documents: tuple[str | None, ...]  # 依据文号


def meeting_statement(
    table: Table, scope: Scope, parts: Table | None = None
) -> Select[tuple[str, bytes, str, str]]:
    """Features that share at least a point with the bound polygon, as the caller may see them.

    Where the layer is subdivided its *parts* are asked: a small piece is met or not, instead of a
    red line of a whole county.
    """
    polygon = func.ST_GeomFromWKB(bindparam("polygon", type_=BYTEA), SRID)
    meets: ColumnElement[bool] = func.ST_Intersects(table.c.geom, polygon)
    if parts is not None:
        meets = table.c.fid.in_(
            select(parts.c.fid).where(func.ST_Intersects(parts.c.geom, polygon))
        )
    return (
        select(table.c.om_id, func.ST_AsBinary(table.c.geom), table.c.om_plan, table.c.om_basis)
        .where(scope.predicate(table), meets)
        .order_by(table.c.fid)
        .limit(bindparam("bound", type_=INTEGER))
    )


def hidden_statement(table: Table, scope: Scope) -> Select[tuple[bool]]:
    """Whether any feature that meets the bound polygon is kept from the caller; no more than that."""
    polygon = func.ST_GeomFromWKB(bindparam("polygon", type_=BYTEA), SRID)
    kept = not_(func.coalesce(scope.predicate(table), false()))
    # a neighbour that only touches the polygon keeps nothing of it back
    overlaps = func.ST_Relate(table.c.geom, polygon, literal("2********", TEXT))
    return select(exists().where(func.ST_Intersects(table.c.geom, polygon), overlaps, kept))


def features_meeting(
    connection: Connection[TupleRow], bound: Bound, polygon: Geometry, scope: Scope, *, most: int
) -> Met:
    """What of the bound edition meets *polygon* (longitude, latitude, EPSG:4490).

    Raises
    ------
    TooManyFeatures
        Where more than *most* features meet it.
    """
    layer, key = bound.layer, bound.state.edition.key
    parts = parts_table(layer, key) if layer.subdivided else None
    compiled = compile_sql(meeting_statement(edition_table(layer, key), scope, parts))
    values = {**scope.parameters, "polygon": shapely.to_wkb(polygon), "bound": most + 1}
    rows = connection.execute(compiled.text, compiled.binds(values)).fetchall()
    if len(rows) > most:
        raise TooManyFeatures(bound.layer.id, most)
    return Met(
        ids=tuple(row[0] for row in rows),
        geometries=shapely.from_wkb(np.array([bytes(row[1]) for row in rows], dtype=object)),
        plans=tuple(row[2] for row in rows),
        documents=tuple(row[3] for row in rows),
    )


def hides(connection: Connection[TupleRow], bound: Bound, polygon: Geometry, scope: Scope) -> bool:
    """Whether the bound edition has something within *polygon* that the scope keeps back."""
    table = edition_table(bound.layer, bound.state.edition.key)
    compiled = compile_sql(hidden_statement(table, scope))
    values = compiled.binds({**scope.parameters, "polygon": shapely.to_wkb(polygon)})
    row = connection.execute(compiled.text, values).fetchone()
    return bool(row and row[0])


def part_in_scope(connection: Connection[TupleRow], polygon: Geometry, scope: Scope) -> Geometry:
    """The part of *polygon* whose rows *scope* lets through; beyond it nothing is known."""
    visible = polygon
    if scope.regions is not ALL:
        rows = connection.execute(
            "SELECT ST_AsBinary(geom) FROM onemap.region"
            " WHERE code = ANY(%s) AND geom && ST_GeomFromWKB(%s, 4490)",
            (list(scope.regions), shapely.to_wkb(polygon)),
        ).fetchall()
        regions = shapely.from_wkb(np.array([bytes(row[0]) for row in rows], dtype=object))
        visible = shapely.intersection(visible, shapely.union_all(regions))
    if scope.areas is not ALL:
        visible = shapely.intersection(visible, shapely.from_wkb(scope.areas))
    return visible
