"""From a checked tile query to one MVT statement; pure, no connection."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import INTEGER, TEXT

from config.model import Layer
from config.vocabulary import GeometryKind
from providers.access import SRID, Scope

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

    @property
    def parameters(self) -> dict[str, Any]:
        return {"z": self.z, "row": self.row, "column": self.column}


def tile_statement(layer: Layer, table: Table, scope: Scope) -> Select[Any]:
    """One vector tile as bytes: a layer named like ours, feature ids, what the style needs.

    Storage is EPSG:4490; its numbers are those of EPSG:4326, relabelled and never shifted,
    then projected to Web Mercator.
    """
    address = [bindparam(name, type_=INTEGER) for name in ("z", "column", "row")]
    envelope = func.ST_TileEnvelope(*address)
    world = func.ST_MakeEnvelope(
        *(literal(side) for side in (-WORLD_M, -WORLD_M, WORLD_M, WORLD_M)),
        literal(WEB_MERCATOR, INTEGER),
    )
    margin = literal(TILE_BUFFER / TILE_EXTENT)
    # cut at the antimeridian: a window beyond it would come back as the far side of the globe
    wide = func.ST_Intersection(func.ST_TileEnvelope(*address, world, margin), world)
    window = func.ST_SetSRID(
        func.ST_Transform(wide, literal(WGS84, INTEGER)), literal(SRID, INTEGER)
    )
    largest = (
        select(table)
        .where(table.c.geom.op("&&")(window), scope.predicate(table))
        .order_by(*_largest_first(layer, table))
        .limit(literal(MAX_TILE_FEATURES, INTEGER))
        .subquery("largest")
    )
    projected = func.ST_Transform(
        func.ST_SetSRID(largest.c.geom, literal(WGS84, INTEGER)), literal(WEB_MERCATOR, INTEGER)
    )
    shape = func.ST_AsMVTGeom(
        projected, envelope, literal(TILE_EXTENT, INTEGER), literal(TILE_BUFFER, INTEGER), True
    )
    drawn = layer.style.fields if layer.style else frozenset()
    names = {f.code: f.column for f in layer.fields if f.code in drawn or f.code in layer.identity}
    attributes = [_plain(largest.c[column]).label(code) for code, column in names.items()]
    rows = (
        select(largest.c.fid, largest.c.om_id, *attributes, shape.label("geom"))
        .order_by(largest.c.fid)  # equal data give equal bytes, whatever the plan
        .subquery("rows")
    )
    mvt = func.ST_AsMVT(
        rows.table_valued(),
        literal(str(layer.id), TEXT),
        literal(TILE_EXTENT, INTEGER),
        literal("geom", TEXT),
        literal("fid", TEXT),
    )
    return select(mvt).select_from(rows).where(rows.c.geom.is_not(None))


WORLD_M = 20037508.342789244  # half the equator in Web Mercator


def _largest_first(layer: Layer, table: Table) -> list[Any]:
    if layer.geometry is GeometryKind.POLYGON:
        return [table.c.om_area_m2.desc(), table.c.fid]
    return [table.c.fid]


def _plain(column: Any) -> Any:
    """MVT knows text, numbers and booleans; dates and decimals travel as text."""
    return column if isinstance(column.type, INTEGER | TEXT) else cast(column, TEXT)
