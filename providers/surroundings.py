"""What lies around a place, for a small picture: the nearest shapes, cut and simplified; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, INTEGER, TEXT

from config.model import Layer
from config.vocabulary import EditionKey
from providers.access import SRID, Scope
from providers.crs import Bounds
from providers.layers import LayerStore
from providers.relations import Relation, relation_of

SIDES = ("around_west", "around_south", "around_east", "around_north")


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """A window in degrees, how coarse its picture is, and how many shapes it holds at most."""

    box: Bounds
    tolerance_deg: float
    most: int

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the statement's binds."""
        sides = dict(zip(SIDES, self.box, strict=True))
        return {**sides, "around_tolerance": self.tolerance_deg, "around_most": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A feature's shape in degrees (WKB), and the value that its symbol depends on."""

    om_id: str
    code: str | None
    shape: bytes


async def surroundings(
    store: LayerStore,
    layer: Layer,
    edition: EditionKey | None,
    around: Around,
    scope: Scope,
    *,
    at: int | None = None,
) -> list[Neighbour]:
    """The features nearest to the window's middle that the caller sees in it."""
    found = await store.fetch(
        layer,
        ("around", edition, at is None, scope.shape),
        lambda: surroundings_statement(
            layer, relation_of(layer, edition, past=at is not None), scope
        ),
        {
            **around.parameters,
            **scope.parameters,
            "layer": layer.id,
            "edition": edition,
            "at": at,
        },
    )
    return [Neighbour(om_id=row[0], code=row[1], shape=bytes(row[2])) for row in found if row[2]]


def surroundings_statement(layer: Layer, relation: Relation, scope: Scope) -> Select[Any]:
    """Id, symbol value and shape of the nearest features that the scope lets through.

    They come by distance from the middle, as the spatial index gives them: what is left out where
    there are too many lies at the edge of the picture.
    """
    west, south, east, north = (bindparam(name, type_=DOUBLE_PRECISION) for name in SIDES)
    tolerance = bindparam("around_tolerance", type_=DOUBLE_PRECISION)
    half = literal(2.0, DOUBLE_PRECISION)
    point = func.ST_MakePoint((west + east) / half, (south + north) / half)
    middle = relation.moved(func.ST_SetSRID(point, literal(SRID, INTEGER)))
    window = relation.moved_window(west, south, east, north)

    def inside(rows: FromClause) -> Sequence[ColumnElement[bool]]:
        return [rows.c.geom.op("&&")(window), relation.visible(scope, rows)]

    def nearest(rows: FromClause) -> Sequence[ColumnElement[Any]]:
        return [rows.c.geom.op("<->", return_type=DOUBLE_PRECISION())(middle), rows.c.fid]

    code = layer.style.field if layer.style else None
    styled = [] if code is None else [relation.attributes[code]]
    names = list(dict.fromkeys(["fid", "om_id", *styled, "geom"]))
    rows = relation.first(names, inside, nearest, bindparam("around_most", type_=INTEGER))
    value = cast(rows.c[styled[0]], TEXT) if styled else cast(null(), TEXT)
    box = func.Box2D(func.ST_MakeEnvelope(west, south, east, north, literal(SRID, INTEGER)))
    shape = func.ST_ClipByBox2D(relation.degrees(relation.plain(rows.c.geom)), box)
    return select(
        cast(rows.c.om_id, TEXT), value, func.ST_AsBinary(func.ST_Simplify(shape, tolerance))
    )
