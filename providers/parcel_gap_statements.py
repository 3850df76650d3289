"""Where a layer does not tell all there is about bound parcels: one statement for all; pure."""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    any_,
    bindparam,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import table as named_table
from sqlalchemy.dialects.postgresql import (
    ARRAY,
    BOOLEAN,
    BYTEA,
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    distinct_on,
)
from sqlalchemy.sql.expression import CompoundSelect

from config.vocabulary import EditionStatus
from providers.access import ALL, SRID, Scope
from providers.parcel_overlay_statements import POLYGONS, bound_parcels, meets, shape_of
from providers.relations import Relation

type Expression = ColumnElement[Any]
# Interiors that share an area, or with lines and points anything: what only touches hides nothing.
AREA, ANYTHING = "2********", "T********"
RELEASED = (EditionStatus.IN_FORCE, EditionStatus.REPEALED)
REGION = named_table("region", column("code", TEXT), column("geom"), schema="onemap")
FACTS = ("layer", "edition", "status", "released", "coverage")
EDITION = named_table("edition", *map(column, (*FACTS, "revision")), schema="onemap")
REVISION = named_table("revision", *map(column, (*FACTS, "number", "recorded_at")), schema="onemap")


def gap_statement(
    relation: Relation, scope: Scope, *, past: bool, near: bool, polygons: bool
) -> CompoundSelect[Any]:
    """Rows (parcel, beyond, hidden, hidden_near, uncovered, told, released, latest).

    The first has no parcel: whether the edition has *told* how far it reaches, and the dates of
    releases. The others are of parcels or, where features are sought *near* them, of what lies in
    reach of them, with a gap: the part *beyond* the caller's regions and areas, whether a row is
    *hidden* from the caller in the rest of the parcel, or of the reach, and the part *uncovered* by
    the edition.
    """
    parcel = bound_parcels(relation, near=near)
    said = _said(past).cte("said").prefix_with("MATERIALIZED", dialect="postgresql")
    seen = _seen(parcel, scope, near=near).cte("seen")
    seen = seen.prefix_with("MATERIALIZED", dialect="postgresql")
    asked = seen.c.reach if near else seen.c.geom
    coverage = select(said.c.coverage).scalar_subquery()
    beyond: Expression = cast(null(), BYTEA)
    hidden: Expression = false()
    hidden_near: Expression = false()
    if not scope.everywhere:
        beyond = func.ST_AsBinary(_without(asked, seen.c.sight))
        hidden = _hides(relation, scope, seen, seen.c.seen, polygons=polygons)
        if near:
            hidden_near = _hides(relation, scope, seen, seen.c.sight, polygons=polygons)
    found = (
        select(
            seen.c.n,
            beyond.label("beyond"),
            hidden.label("hidden"),
            hidden_near.label("hidden_near"),
            func.ST_AsBinary(_without(asked, coverage)).label("uncovered"),
        )
        .offset(literal(0, INTEGER))  # nothing is cut twice
        .subquery("found")
    )
    told = or_(
        found.c.beyond.is_not(None),
        found.c.hidden,
        found.c.hidden_near,
        found.c.uncovered.is_not(None),
    )
    no_day = cast(null(), DATE)
    gaps = select(*found.c, cast(null(), BOOLEAN), no_day, no_day).where(told)
    first = select(
        cast(null(), INTEGER),
        cast(null(), BYTEA),
        cast(null(), BOOLEAN),
        cast(null(), BOOLEAN),
        cast(null(), BYTEA),
        coverage.is_not(None),
        select(said.c.released).scalar_subquery(),
        _latest(past).scalar_subquery(),
    )
    return union_all(first, gaps)


def _said(past: bool) -> Select[Any]:
    """What the edition says of itself: now, or at the bound revision."""
    table = REVISION if past else EDITION
    of = [
        table.c.layer == bindparam("layer", type_=TEXT),
        table.c.edition == bindparam("edition", type_=TEXT),
    ]
    if past:
        of.append(table.c.number == bindparam("at", type_=INTEGER))
    return select(table.c.coverage, table.c.released).where(*of)


def _latest(past: bool) -> Select[Any]:
    """The newest release of the layer until the bound day, as it was known at the bound moment."""
    of = bindparam("layer", type_=TEXT)
    rows: Any = EDITION
    known: ColumnElement[bool] = EDITION.c.revision > literal(0, INTEGER)
    if past:
        rows = (
            select(REVISION.c.layer, REVISION.c.status, REVISION.c.released)
            .where(
                REVISION.c.layer == of,
                REVISION.c.recorded_at <= bindparam("moment", type_=TIMESTAMP(timezone=True)),
            )
            .ext(distinct_on(REVISION.c.edition))
            .order_by(REVISION.c.edition, REVISION.c.number.desc())
            .subquery("known")
        )
        known = true()
    statuses = [literal(status.value, TEXT) for status in RELEASED]
    until = bindparam("day", type_=DATE)
    return select(func.max(rows.c.released)).where(
        known, rows.c.layer == of, rows.c.status.in_(statuses), rows.c.released <= until
    )


def _seen(parcel: CTE, scope: Scope, *, near: bool) -> Select[Any]:
    """What of each parcel, or of what is in reach of it, the scope lets through: what is in sight.

    `seen` is the parcel's own part of it. Beyond nothing is known.
    """
    asked = parcel.c.reach if near else parcel.c.geom
    sight: Expression = asked
    if scope.regions is not ALL:
        own = REGION.c.code == any_(bindparam("scope_regions", type_=ARRAY(TEXT)))
        close = REGION.c.geom.op("&&", return_type=BOOLEAN())(asked)
        whole = exists().where(own, func.ST_Covers(REGION.c.geom, asked))
        united = select(func.ST_Union(REGION.c.geom)).where(own, close).scalar_subquery()
        sight = case((whole, sight), else_=func.ST_Intersection(sight, united))
    if scope.areas is not ALL:
        area = func.ST_GeomFromWKB(bindparam("scope_areas", type_=BYTEA), literal(SRID, INTEGER))
        sight = func.ST_Intersection(sight, area)
    if not scope.everywhere:
        sight = func.coalesce(_polygons(sight), _nothing())
    placed = select(*(one for one in parcel.c), sight.label("sight")).subquery("placed")
    seen: Expression = placed.c.sight
    if near and not scope.everywhere:
        seen = _polygons(func.ST_Intersection(placed.c.geom, placed.c.sight))
    return select(*(one for one in placed.c), seen.label("seen"))


def _hides(
    relation: Relation, scope: Scope, seen: CTE, sight: Expression, *, polygons: bool
) -> ColumnElement[bool]:
    """Whether any row that says something of what is in sight is kept back; no more than that."""
    pattern = literal(AREA if polygons else ANYTHING, TEXT)
    return or_(
        *(
            exists().where(
                meets(relation, branch.rows, seen),
                *branch.conditions,
                not_(func.coalesce(relation.visible(scope, branch.rows), false())),
                func.ST_Relate(shape_of(relation, branch.rows), sight, pattern, type_=BOOLEAN()),
            )
            for branch in relation.branches
        )
    )


def _without(shape: Expression, other: Expression) -> Expression:
    """The part of a shape outside another; null where there is none, or no other."""
    rest = _polygons(func.ST_Difference(shape, other))
    return case((func.ST_Covers(other, shape), null()), else_=rest)


def _polygons(shape: Expression) -> Expression:
    return func.ST_CollectionExtract(shape, literal(POLYGONS, INTEGER))


def _nothing() -> Expression:
    return func.ST_GeomFromText(literal("POLYGON EMPTY", TEXT), literal(SRID, INTEGER))
