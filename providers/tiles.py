"""From a checked tile query to one MVT statement; pure, no connection."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    bindparam,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import (
    BIGINT,
    DOUBLE_PRECISION,
    INTEGER,
    TEXT,
    TIMESTAMP,
    aggregate_order_by,
)

from config.model import Field, Layer
from config.vocabulary import GeometryKind
from providers.access import Scope
from providers.conditions import Condition, parameters, shapes
from providers.grids import WEB_MERCATOR, WGS84, TileAddress, Tiling
from providers.moments import moment_text
from providers.overview_sources import Drawn
from providers.relations import Relation, columns_of

MVT = "application/vnd.mapbox-vector-tile"
TILE_EXTENT, TILE_BUFFER = 4096, 64
MARGIN = TILE_BUFFER / TILE_EXTENT  # of a tile's side
# A tile draws at most this much, the largest features: no request may cost more.
MAX_TILE_FEATURES = 20_000
MAX_TILE_BYTES = 500_000
COUNTED_BELOW = 13  # zooms whose tiles may hold too many: they are counted before they are drawn
OWN = frozenset({"fid", "om_id", "geom"})  # what a tile's row holds anyway
EVERY = 2**31 - 1
SIDES = ("west", "south", "east", "north")


class Form(StrEnum):
    """Which features a statement draws: all, where `most` suffices, or the largest."""

    ALL = "all"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True, kw_only=True)
class TileQuery:
    """One tile, and what narrows its features."""

    address: TileAddress
    conditions: tuple[Condition, ...] = ()

    @property
    def tiling(self) -> Tiling:
        return self.address.grid.tiling

    @property
    def counted(self) -> bool:
        return self.address.zoom < COUNTED_BELOW

    @property
    def parameters(self) -> dict[str, Any]:
        """The tile in its grid's own system, and with its margin in degrees."""
        one = self.address
        place = (one.level, one.row, one.column)
        bounds, window = one.grid.bounds(*place), one.grid.degrees(*place, MARGIN)
        return {
            **{f"tile_{side}": value for side, value in zip(SIDES, bounds, strict=True)},
            **{f"window_{side}": value for side, value in zip(SIDES, window, strict=True)},
            **parameters(self.conditions),
        }


def attributes_at(layer: Layer, drawn: Drawn, zoom: int) -> tuple[Field, ...]:
    """The fields that features of a zoom carry beside their ids."""
    style = layer.style
    wanted = {style.field} if style else set()
    if drawn is not Drawn.CLASSES:
        wanted |= {*layer.identity}
        wanted |= {code for code, first in layer.tiles.attributes.items() if zoom >= first}
        if style and style.labels and zoom >= style.labels.min_zoom:
            wanted.add(style.labels.field)
    return tuple(f for f in layer.fields if f.code in wanted and f.code not in OWN)


def shape_of(layer: Layer, query: TileQuery, drawn: Drawn) -> tuple[Hashable, ...]:
    """What the text of a tile's statement depends on beside its relation, scope and form."""
    fields = attributes_at(layer, drawn, query.address.zoom)
    codes = tuple(f.code for f in fields)
    return (query.tiling, query.counted, codes, shapes(query.conditions))


def tile_statement(
    layer: Layer,
    relation: Relation,
    query: TileQuery,
    scope: Scope,
    *,
    form: Form = Form.ALL,
    drawn: Drawn = Drawn.ROWS,
) -> Select[Any]:
    """One vector tile: its bytes, the version that was seen, how many features were met and drawn.

    The tile's layer is named like ours and has feature ids; only whole keys are ids, as the format
    knows no others. *Met* are those whose envelope meets the tile's, of which the form ALL counts
    no more than `most` + 1 and draws nothing where there are more (or any `most` + 1 of them, at
    zooms where that is rare). Binds: those of the query, the scope and the relation, and `most`.
    """
    most = bindparam("most", type_=INTEGER)
    one_more = most + literal(1, INTEGER)
    largest = form is Form.LARGEST

    def met_by(rows: FromClause) -> list[ColumnElement[bool]]:
        window = relation.moved_window(*_sides("window"))
        narrowed = (c.of(relation, rows) for c in query.conditions)
        return [rows.c.geom.op("&&")(window), relation.visible(scope, rows), *narrowed]

    met = None
    if largest or query.counted:
        counted = literal(EVERY, INTEGER) if largest else one_more
        every = relation.first(["fid"], met_by, lambda _: [], counted)
        number = select(func.count().label("n")).select_from(every).cte("met")
        met = select(number.c.n).scalar_subquery()

    def drawn_of(rows: FromClause) -> list[ColumnElement[bool]]:
        return met_by(rows) if largest or met is None else [*met_by(rows), met <= most]

    rows = relation.first(
        columns_of(layer, relation),
        drawn_of,
        lambda rows: _largest_first(layer, relation, rows) if largest else [],
        most if largest else one_more,
    )
    shape = relation.degrees(relation.plain(rows.c.geom))
    if query.tiling is Tiling.MERCATOR:  # 4490 and 4326 have the same numbers: never shifted
        relabelled = func.ST_SetSRID(shape, literal(WGS84, INTEGER))
        shape = func.ST_Transform(relabelled, literal(WEB_MERCATOR, INTEGER))
    shaped = select(
        rows.c.fid,
        rows.c.om_id,
        *(
            _plain(relation.attribute(rows, f)).label(f.code)
            for f in attributes_at(layer, drawn, query.address.zoom)
        ),
        func.ST_AsMVTGeom(
            shape,
            func.ST_MakeEnvelope(*_sides("tile")),
            literal(TILE_EXTENT, INTEGER),
            literal(TILE_BUFFER, INTEGER),
            true(),
        ).label("geom"),
    )
    key = "fid" if relation.whole_keys else None
    return encoded_statement(layer, shaped, key, relation.version, met)


def encoded_statement(
    layer: Layer,
    shaped: Select[Any],
    key: str | None,
    version: ColumnElement[Any],
    met: ColumnElement[Any] | None,
) -> Select[Any]:
    """Rows with their shapes as one layer, in the order of their ids: so in every plan.

    A row whose shape is too small for the tile's own coordinates is not drawn.
    """
    rows = shaped.offset(literal(0, INTEGER)).subquery("rows")  # each shape is made but once
    names = ["geom", *([key] if key else [])]
    *others, last = (literal(name, TEXT) for name in names)
    mvt = func.ST_AsMVT(
        rows.table_valued(),
        literal(str(layer.id), TEXT),
        literal(TILE_EXTENT, INTEGER),
        *others,
        aggregate_order_by(last, rows.c.fid),
    )
    seen = func.count() if met is None else met
    return select(
        mvt.label("mvt"),
        version.label("version"),
        seen.label("met"),
        func.count(rows.c.geom).label("drawn"),
    ).select_from(rows)


def _sides(of: str) -> list[Any]:
    return [bindparam(f"{of}_{side}", type_=DOUBLE_PRECISION) for side in SIDES]


def _largest_first(layer: Layer, relation: Relation, rows: FromClause) -> list[Any]:
    if layer.geometry is GeometryKind.LINE:
        return [func.ST_Length(rows.c.geom).desc(), rows.c.fid]
    if layer.geometry is not GeometryKind.POLYGON:
        return [rows.c.fid]
    area = rows.c.om_area_m2 if relation.table is None else func.ST_Area(rows.c.geom)
    return [area.desc(), rows.c.fid]


def _plain(column: Any) -> Any:
    """MVT knows text, numbers and booleans; dates, moments and decimals travel as text."""
    if isinstance(column.type, TIMESTAMP):
        return moment_text(column)
    return column if isinstance(column.type, INTEGER | BIGINT | TEXT) else cast(column, TEXT)
