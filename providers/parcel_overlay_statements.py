"""Many parcels laid over one layer as one statement each, and what of them is not told; pure.

Parcels are bound once as an array of WKB. Edges are straight in longitude and latitude, as they are
stored, and a cut has no vertices beside those of both shapes and where their edges cross.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import (
    ARRAY,
    BOOLEAN,
    BYTEA,
    DOUBLE_PRECISION,
    INTEGER,
    TEXT,
)

from providers.access import SRID, Scope
from providers.relations import Branch, Relation

type Expression = ColumnElement[Any]
VALID = "method=structure keepcollapsed=false"
POLYGONS = 3  # what ST_CollectionExtract calls them
ROOMY = 4.0  # a box of so many times its parcel's area meets many rows that the parcel does not
TOLD = ("parcel", "fid", "om_id", "om_plan", "om_basis")
HIT = (*TOLD, "overlap", "near")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is read of the features that parcels meet."""

    codes: tuple[str, ...]  # of fields of the layer
    cut: bool  # what each shares with the parcel
    near: bool  # its shape in the parcel's neighbourhood, however far it lies within that


def overlay_statement(
    relation: Relation, scope: Scope, asked: Asked, parts: Table | None = None
) -> Select[Any]:
    """Rows of HIT and of the asked fields: features that meet a parcel, or its neighbourhood.

    A row whose box meets a parcel may share nothing with it: `overlap` is empty then; null is the
    whole parcel. Where the layer is subdivided its *parts* are asked: most parcels meet a small
    piece, or lie within one, and the whole red line of a county stays unread.
    """
    parcel = bound_parcels(relation, near=asked.near)
    found = [
        _met(relation, branch, scope, asked, parcel)
        if parts is None
        else _met_by_parts(relation, branch, scope, asked, parcel, parts)
        for branch in relation.branches
    ]
    all_met = found[0] if len(found) == 1 else union_all(*found)
    bounded = select(all_met.subquery("met")).limit(bindparam("bound", type_=INTEGER))
    met = bounded.subquery("hits")
    fields = (met.c[f"f_{number}"] for number, _ in enumerate(asked.codes))
    overlap: Expression = _overlap(met) if asked.cut else cast(null(), BYTEA)
    near: Expression = cast(null(), BYTEA)
    if asked.near:
        near = func.ST_AsBinary(func.ST_ClipByBox2D(met.c.nearest, met.c.window))
    return select(*(met.c[name] for name in TOLD), overlap, near, *fields)


def bound_parcels(relation: Relation, *, near: bool) -> CTE:
    """The bound parcels: number from 0, shape, what is sought by the index, neighbourhood.

    A parcel that is not `compact` fills little of its box, as a road does that runs aslant.
    """
    arrays = [bindparam("parcels", type_=ARRAY(BYTEA))]
    names = [column("wkb", BYTEA)]
    if near:
        arrays += [bindparam(name, type_=ARRAY(DOUBLE_PRECISION)) for name in ("wide", "high")]
        names += [column("wide", DOUBLE_PRECISION), column("high", DOUBLE_PRECISION)]
    given = (
        func.unnest(*arrays)
        .table_valued(*names, with_ordinality="number")
        .render_derived(name="given")
    )
    shape = func.ST_GeomFromWKB(given.c.wkb, literal(SRID, INTEGER))
    placed = select(
        cast(given.c.number - literal(1, INTEGER), INTEGER).label("n"),
        shape.label("geom"),
        *((given.c.wide, given.c.high) if near else ()),
    ).subquery("placed")
    reach: Expression = placed.c.geom
    box_area = func.ST_Area(func.ST_Envelope(placed.c.geom))
    compact = box_area <= func.ST_Area(placed.c.geom) * literal(ROOMY, DOUBLE_PRECISION)
    columns: list[Expression] = [compact.label("compact")]
    if near:
        reach = func.ST_Expand(placed.c.geom, placed.c.wide, placed.c.high)
        window = func.ST_Expand(reach, placed.c.wide, placed.c.high)  # its sides are out of reach
        columns.append(func.Box2D(window).label("window"))
        columns.append(func.greatest(placed.c.wide, placed.c.high).label("farthest"))
    if relation.srid != SRID:
        columns.append(relation.moved(reach).label("moved"))
    found = select(placed.c.n, placed.c.geom, reach.label("reach"), *columns).cte("parcel")
    return found.prefix_with("MATERIALIZED", dialect="postgresql")


def meets(relation: Relation, rows: FromClause, parcel: CTE) -> ColumnElement[bool]:
    """Whether a row lies in a parcel's reach, by the index of the row's own column."""
    exact = func.ST_Intersects(shape_of(relation, rows), parcel.c.reach)
    return exact if relation.table is None else and_(_boxes(relation, rows, parcel), exact)


def _boxes(relation: Relation, rows: FromClause, parcel: CTE) -> ColumnElement[bool]:
    """Whether the boxes of a row and of a parcel's reach meet."""
    sought = parcel.c.moved if relation.srid != SRID else parcel.c.reach
    return rows.c.geom.op("&&", return_type=BOOLEAN())(sought)


def _closely(shape: Expression, parcel: CTE, *, near: bool) -> ColumnElement[bool]:
    """Whether a shape in the box of a parcel that fills little of it meets the parcel itself.

    No metre of a margin is longer in degrees than `farthest` allows, whichever way it points.
    """
    if near:
        close = func.ST_DWithin(shape, parcel.c.geom, parcel.c.farthest, type_=BOOLEAN())
    else:
        close = func.ST_Intersects(shape, parcel.c.geom, type_=BOOLEAN())
    return or_(parcel.c.compact, close)


def _met(
    relation: Relation, branch: Branch, scope: Scope, asked: Asked, parcel: CTE
) -> Select[Any]:
    """Pairs of a parcel and a row in its reach; to cut is as quick as to ask whether they meet."""
    rows = branch.rows
    shape = shape_of(relation, rows)
    columns: list[Expression] = [
        shape.label("shape"),
        cast(null(), BOOLEAN).label("whole"),
    ]
    if asked.near:
        columns += [parcel.c.window, shape.label("nearest")]
    return (
        select(*_told(relation, rows, parcel, asked.codes), *columns)
        .select_from(parcel)
        .join(rows, (meets if asked.near else _boxes)(relation, rows, parcel))
        .where(
            *branch.conditions,
            relation.visible(scope, rows),
            _closely(shape, parcel, near=asked.near),
        )
    )


def _met_by_parts(
    relation: Relation, branch: Branch, scope: Scope, asked: Asked, parcel: CTE, parts: Table
) -> Select[Any]:
    """The same by the parts of rows; `shape` is the part that holds all that is shared, if one does.

    Several parts would do, too, but where a cut crosses a border they have vertices of their own.
    """
    rows, part = branch.rows, parts.c.geom
    shares = func.ST_Intersects(part, parcel.c.geom)
    columns: list[Expression] = [
        func.array_agg(part, type_=ARRAY(part.type)).filter(shares).label("parts")
    ]
    if asked.near:
        columns.append(func.ST_Collect(part).label("nearest"))
    within = func.ST_Intersects(part, parcel.c.reach, type_=BOOLEAN())
    met = and_(within, _closely(part, parcel, near=True)) if asked.near else within
    held = (
        select(parcel.c.n, parts.c.fid, *columns)
        .select_from(parcel)
        .join(parts, met)
        .group_by(parcel.c.n, parts.c.fid)
        .subquery("held")
    )
    one, count = literal(1, INTEGER), func.cardinality(held.c.parts)
    shape = case(
        (count == one, held.c.parts[one]), (count > one, shape_of(relation, rows)), else_=null()
    )
    whole = and_(count > one, func.ST_Covers(func.ST_Union(held.c.parts), parcel.c.geom))
    near = [parcel.c.window, held.c.nearest] if asked.near else []
    return (
        select(
            *_told(relation, rows, parcel, asked.codes),
            shape.label("shape"),
            whole.label("whole"),
            *near,
        )
        .select_from(held)
        .join(parcel, parcel.c.n == held.c.n)
        .join(rows, rows.c.fid == held.c.fid)
        .where(*branch.conditions, relation.visible(scope, rows))
    )


def _told(
    relation: Relation, rows: FromClause, parcel: CTE, codes: tuple[str, ...]
) -> list[Expression]:
    """What a pair says beside shapes: TOLD, the parcel's shape, the asked fields."""
    texts = (cast(rows.c[name], TEXT).label(name) for name in TOLD[2:])
    return [
        parcel.c.n.label("parcel"),
        rows.c.fid.label("fid"),
        *texts,
        parcel.c.geom.label("place"),
        *_fields(relation, rows, codes),
    ]


def _fields(relation: Relation, rows: FromClause, codes: tuple[str, ...]) -> list[Expression]:
    named = (rows.c[relation.attributes[code]] for code in codes)
    return [one.label(f"f_{number}") for number, one in enumerate(named)]


def _overlap(met: FromClause) -> Expression:
    """What a feature shares with a parcel; null: the whole parcel."""
    shared = func.ST_Intersection(met.c.shape, met.c.place)
    cut = func.ST_CollectionExtract(shared, literal(POLYGONS, INTEGER))
    nothing = func.ST_GeomFromText(literal("POLYGON EMPTY", TEXT), literal(SRID, INTEGER))
    cases = (met.c.shape.is_(None), nothing), (met.c.whole, null())
    return func.ST_AsBinary(case(*cases, else_=cut))


def shape_of(relation: Relation, rows: FromClause) -> Expression:
    """A row's shape in degrees; what others wrote is made valid first."""
    if relation.table is None:
        return rows.c.geom
    shape: Expression = relation.degrees(relation.plain(rows.c.geom))
    labelled = func.ST_SetSRID(shape, literal(SRID, INTEGER))
    made = func.ST_MakeValid(labelled, literal(VALID, TEXT))
    return case((func.ST_IsValid(labelled), labelled), else_=made)


def table_statement(relation: Relation, scope: Scope, codes: tuple[str, ...]) -> Select[Any]:
    """The region and the asked fields of the rows of the bound regions, in key order."""
    found = [
        select(
            branch.rows.c.fid.label("fid"),
            cast(branch.rows.c.om_region, TEXT).label("region"),
            *_fields(relation, branch.rows, codes),
        ).where(
            *branch.conditions,
            relation.visible(scope, branch.rows),
            branch.rows.c.om_region == any_(bindparam("regions", type_=ARRAY(TEXT))),
        )
        for branch in relation.branches
    ]
    rows = (found[0] if len(found) == 1 else union_all(*found)).subquery("held")
    return (
        select(rows.c.region, *(rows.c[f"f_{number}"] for number, _ in enumerate(codes)))
        .order_by(rows.c.fid)
        .limit(bindparam("bound", type_=INTEGER))
    )
