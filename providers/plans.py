"""The plan register (规划名录) as its readers see it: plans, their chain, their trace."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    all_,
    and_,
    any_,
    bindparam,
    case,
    column,
    false,
    func,
    literal,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, DATE, INTEGER, TEXT

from config.vocabulary import (
    Classification,
    PlanAct,
    PlanLevel,
    PlanLinkKind,
    PlanState,
    PlanType,
    Text,
)
from providers.access import ALL, SRID, Scope
from providers.dialect import compile_sql
from providers.plan_records import FACTS, Plan, PlanEvent, PlanLink, PlanQuery, plan_of
from providers.plan_states import UNAPPROVED

COORDINATE_DIGITS = 9
PLAN = table("plan", *(column(name) for name in (*FACTS, "extent")), schema="onemap")
LINK = table("plan_link", column("plan"), column("other"), column("kind"), schema="onemap")
REGION = table("region", column("code"), column("path"), schema="onemap")
EVENT_FACTS = (
    "number", "at", "act", "before", "after", "person", "reason", "document", "effective",
)  # fmt: skip
EVENT = table("plan_event", column("plan"), *(column(n) for n in EVENT_FACTS), schema="onemap")


def visible(plan: FromClause, scope: Scope) -> ColumnElement[bool]:
    """The plans that this scope lets through.

    A plan that is not yet approved is an internal matter. What is not open to all is seen only in
    its own region: a plan of a region, of what lies in it, or of what it lies in.
    """
    allowed = [c.value for c in Classification if c.rank <= scope.ceiling.rank]
    limits: list[ColumnElement[bool]] = [plan.c.classification == _one_of(allowed)]
    approved = plan.c.state != all_(literal(list(map(str, UNAPPROVED)), ARRAY(TEXT)))
    if scope.ceiling.rank < Classification.INTERNAL.rank:
        limits.append(approved)
    public = and_(plan.c.classification == literal(str(Classification.PUBLIC), TEXT), approved)
    limits.append(or_(public, _within(plan, scope)))
    return and_(*limits)


def _within(plan: FromClause, scope: Scope) -> ColumnElement[bool]:
    limits: list[ColumnElement[bool]] = [true()]
    if scope.regions is not ALL:
        own = any_(bindparam("scope_regions", type_=ARRAY(TEXT)))
        above = select(literal(1)).where(REGION.c.code == own, plan.c.region == any_(REGION.c.path))
        limits.append(or_(plan.c.region == own, above.correlate(plan).exists()))
    if scope.areas is not ALL:
        area = func.ST_GeomFromWKB(bindparam("scope_areas", type_=BYTEA), SRID)
        limits.append(func.coalesce(func.ST_Intersects(plan.c.extent, area), false()))
    return and_(*limits)


def in_force(plan: FromClause, day: date) -> ColumnElement[bool]:
    """Whether a plan is in force on a day: by its dates, whatever became of it later."""
    date_ = literal(day, DATE)
    return and_(plan.c.in_force_from <= date_, func.coalesce(plan.c.in_force_to >= date_, true()))


async def rows(
    connection: AsyncConnection[TupleRow], statement: Select[Any], scope: Scope
) -> list[TupleRow]:
    """The rows of a statement that was built for this scope."""
    compiled = compile_sql(statement)
    cursor = await connection.execute(compiled.text.encode(), compiled.binds(scope.parameters))
    return await cursor.fetchall()


async def list_plans(
    connection: AsyncConnection[TupleRow], query: PlanQuery, scope: Scope
) -> tuple[list[Plan], int]:
    """A page of the plans that the caller may see, from the highest level down; and how many match."""
    conditions = [visible(PLAN, scope)]
    if query.on is not None:
        conditions.append(in_force(PLAN, query.on))
    if query.state is not None:
        conditions.append(PLAN.c.state == literal(str(query.state), TEXT))
    if query.type is not None:
        conditions.append(PLAN.c.type == literal(str(query.type), TEXT))
    level = func.array_position(literal(list(map(str, PlanLevel)), ARRAY(TEXT)), PLAN.c.level)
    page = (
        _facts()
        .where(*conditions)
        .order_by(level, PLAN.c.region, PLAN.c.id)
        .limit(literal(query.limit, INTEGER))
        .offset(literal(query.offset, INTEGER))
    )
    counted = select(func.count()).select_from(PLAN).where(*conditions)
    total = await rows(connection, counted, scope)
    return [plan_of(r) for r in await rows(connection, page, scope)], int(total[0][0])


async def find_plan(connection: AsyncConnection[TupleRow], plan: str, scope: Scope) -> Plan | None:
    """One plan; None also where the scope hides it."""
    found = await rows(connection, _facts().where(_is(plan), visible(PLAN, scope)), scope)
    return plan_of(found[0]) if found else None


async def plan_extent(connection: AsyncConnection[TupleRow], plan: str, scope: Scope) -> str | None:
    """A plan's extent as GeoJSON text in degrees; None where it has none."""
    shape = func.ST_AsGeoJSON(PLAN.c.extent, literal(COORDINATE_DIGITS, INTEGER))
    found = await rows(connection, select(shape).where(_is(plan), visible(PLAN, scope)), scope)
    return found[0][0] if found else None


async def plan_chain(
    connection: AsyncConnection[TupleRow], plan: str, scope: Scope
) -> list[PlanLink]:
    """All links of the chain that a plan stands in, as far as the caller sees their ends."""
    shown = (PLAN.c.id, PLAN.c.title_zh, PLAN.c.title_en, PLAN.c.state)
    seen = select(*shown).where(visible(PLAN, scope)).cte("seen")
    later, earlier = seen.alias("later"), seen.alias("earlier")
    edge = (
        select(LINK.c.plan, LINK.c.other, LINK.c.kind)
        .where(LINK.c.plan.in_(select(seen.c.id)), LINK.c.other.in_(select(seen.c.id)))
        .cte("edge")
    )
    walk = select(seen.c.id).where(seen.c.id == literal(plan, TEXT)).cte("walk", recursive=True)
    onward = case((edge.c.plan == walk.c.id, edge.c.other), else_=edge.c.plan)
    touching = or_(edge.c.plan == walk.c.id, edge.c.other == walk.c.id)
    walk = walk.union(select(onward).select_from(walk.join(edge, touching)))
    statement = (
        select(edge.c.kind, *later.c, *earlier.c)
        .select_from(
            edge.join(later, later.c.id == edge.c.plan).join(earlier, earlier.c.id == edge.c.other)
        )
        .where(edge.c.plan.in_(select(walk.c.id)))
        .order_by(edge.c.plan, edge.c.other)
    )
    return [
        PlanLink(
            kind=PlanLinkKind(r[0]),
            plan=r[1],
            plan_title=Text(zh=r[2], en=r[3]),
            plan_state=PlanState(r[4]),
            other=r[5],
            other_title=Text(zh=r[6], en=r[7]),
            other_state=PlanState(r[8]),
        )
        for r in await rows(connection, statement, scope)
    ]


async def plan_events(
    connection: AsyncConnection[TupleRow], plan: str, scope: Scope
) -> list[PlanEvent]:
    """What was done to a plan, from its registration on."""
    statement = (
        select(*(EVENT.c[name] for name in EVENT_FACTS))
        .select_from(EVENT.join(PLAN, PLAN.c.id == EVENT.c.plan))
        .where(_is(plan), visible(PLAN, scope))
        .order_by(EVENT.c.number)
    )
    return [
        PlanEvent(
            number=r[0],
            at=r[1],
            act=PlanAct(r[2]),
            before=None if r[3] is None else PlanState(r[3]),
            after=PlanState(r[4]),
            person=r[5],
            reason=r[6],
            document=r[7],
            effective=r[8],
        )
        for r in await rows(connection, statement, scope)
    ]


def plans_in_force(
    connection: Connection[TupleRow],
    day: date,
    scope: Scope,
    *,
    level: PlanLevel | None = None,
    type: PlanType | None = None,
    region: str | None = None,
) -> list[Plan]:
    """The plans in force on a day, by their dates and not by what was recorded last; by id.

    A superseded plan is among those of the days before its successor's start.
    """
    given = {"level": level, "type": type, "region": region}
    limits = [PLAN.c[n] == literal(str(v), TEXT) for n, v in given.items() if v is not None]
    statement = (
        _facts().where(visible(PLAN, scope), in_force(PLAN, day), *limits).order_by(PLAN.c.id)
    )
    compiled = compile_sql(statement)
    found = connection.execute(compiled.text.encode(), compiled.binds(scope.parameters))
    return [plan_of(r) for r in found.fetchall()]


def known_plans(connection: Connection[TupleRow], ids: Iterable[str]) -> set[str]:
    """Those of the ids that stand in the register: for loading, which serves no caller."""
    statement = "SELECT id FROM onemap.plan WHERE id = ANY(%s)"
    return {row[0] for row in connection.execute(statement, (list(ids),)).fetchall()}


def _is(plan: str) -> ColumnElement[bool]:
    return PLAN.c.id == literal(plan, TEXT)


def _one_of(values: Sequence[str]) -> Any:
    return any_(literal(list(values), ARRAY(TEXT)))


def _facts() -> Select[Any]:
    sides = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    return select(*(PLAN.c[name] for name in FACTS), *(side(PLAN.c.extent) for side in sides))
