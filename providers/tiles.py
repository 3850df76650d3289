"""From a checked tile query to one MVT statement; pure, no connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import BIGINT, INTEGER, TEXT

from config.model import Layer
from config.vocabulary import GeometryKind
from providers.access import SRID, Scope
from providers.conditions import Condition, parameters
from providers.relations import Relation, columns_of

GRID = "WebMercatorQuad"
MVT = "application/vnd.mapbox-vector-tile"
MAX_ZOOM = 24
TILE_EXTENT, TILE_BUFFER = 4096, 64
WEB_MERCATOR, WGS84 = 3857, 4326
# A tile draws at most this many features, the largest ones: no request may cost more.
MAX_TILE_FEATURES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TileQuery:
    """One tile of WebMercatorQuad: level, row from the north, column from the west."""

    z: int
    row: int
    column: int
    conditions: tuple[Condition, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        address = {"z": self.z, "row": self.row, "column": self.column}
        return address | parameters(self.conditions)


def tile_statement(
    layer: Layer, relation: Relation, conditions: Sequence[Condition], scope: Scope
) -> Select[Any]:
    """One vector tile as bytes: a layer named like ours, feature ids, what the style needs.

    Storage is EPSG:4490; its numbers are those of EPSG:4326, relabelled and never shifted,
    then projected to Web Mercator. Only whole keys are ids: the format knows no others.
    """
    address = [bindparam(name, type_=INTEGER) for name in ("z", "column", "row")]
    envelope = func.ST_TileEnvelope(*address)

    def drawn(rows: FromClause) -> list[ColumnElement[bool]]:
        narrowed = (c.of(relation, rows) for c in conditions)
        window = _window(relation, address)
        return [rows.c.geom.op("&&")(window), relation.visible(scope, rows), *narrowed]

    largest = relation.first(
        columns_of(layer, relation),
        drawn,
        lambda rows: _largest_first(layer, relation, rows),
        literal(MAX_TILE_FEATURES, INTEGER),
    )
    degrees = relation.degrees(relation.plain(largest.c.geom))
    projected = func.ST_Transform(
        func.ST_SetSRID(degrees, literal(WGS84, INTEGER)), literal(WEB_MERCATOR, INTEGER)
    )
    shape = func.ST_AsMVTGeom(
        projected, envelope, literal(TILE_EXTENT, INTEGER), literal(TILE_BUFFER, INTEGER), True
    )
    styled = layer.style.fields if layer.style else frozenset()
    attributes = [
        _plain(relation.attribute(largest, f)).label(f.code)
        for f in layer.fields
        if (f.code in styled or f.code in layer.identity) and f.code not in OWN
    ]
    ids = [largest.c.fid] if relation.whole_keys else []
    rows = (
        select(*ids, largest.c.om_id, *attributes, shape.label("geom"))
        .order_by(largest.c.fid)  # equal data give equal bytes, whatever the plan
        .subquery("rows")
    )
    mvt = func.ST_AsMVT(
        rows.table_valued(),
        literal(str(layer.id), TEXT),
        literal(TILE_EXTENT, INTEGER),
        literal("geom", TEXT),
        *([literal("fid", TEXT)] if ids else []),
    )
    return select(mvt).select_from(rows).where(rows.c.geom.is_not(None))


WORLD_M = 20037508.342789244  # half the equator in Web Mercator
OWN = frozenset({"fid", "om_id", "geom"})  # what a tile's row holds anyway


def _window(relation: Relation, address: list[Any]) -> ColumnElement[Any]:
    """The tile with its margin, in the relation's own reference system."""
    world = func.ST_MakeEnvelope(
        *(literal(side) for side in (-WORLD_M, -WORLD_M, WORLD_M, WORLD_M)),
        literal(WEB_MERCATOR, INTEGER),
    )
    margin = literal(TILE_BUFFER / TILE_EXTENT)
    # cut at the antimeridian: a window beyond it would come back as the far side of the globe
    wide = func.ST_Intersection(func.ST_TileEnvelope(*address, world, margin), world)
    degrees = func.ST_Transform(wide, literal(WGS84, INTEGER))
    if relation.srid == SRID:
        return func.ST_SetSRID(degrees, literal(SRID, INTEGER))
    sides = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    return relation.moved_window(*(side(degrees) for side in sides))


def _largest_first(layer: Layer, relation: Relation, rows: FromClause) -> list[Any]:
    if layer.geometry is not GeometryKind.POLYGON:
        return [rows.c.fid]
    area = rows.c.om_area_m2 if relation.table is None else func.ST_Area(rows.c.geom)
    return [area.desc(), rows.c.fid]


def _plain(column: Any) -> Any:
    """MVT knows text, numbers and booleans; dates and decimals travel as text."""
    return column if isinstance(column.type, INTEGER | BIGINT | TEXT) else cast(column, TEXT)
