"""Writing the plan register: each act changes a plan and leaves its event, in one transaction."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.vocabulary import PlanAct, PlanLinkKind, PlanState
from providers.access import SRID
from providers.plan_records import FACTS as PLAN_FACTS
from providers.plan_records import Plan, plan_of
from providers.plan_states import (
    EFFECTIVE,
    SUPERSEDED,
    UNAPPROVED,
    PlanRefused,
    step,
)
from providers.regions import registered

LINKING = 0x706C616E  # "plan": one link at a time, or two could close a circle
WHOLE_COUNTRY = "100000"  # 全国, above all divisions
NOT_STATED = "未注明 / not stated"
WRITTEN = tuple(name for name in PLAN_FACTS if name != "id")


def add_plan(
    connection: Connection[TupleRow],
    plan: Plan,
    *,
    extent: bytes | None,
    person: str,
    reason: str = "登记 / registered",
) -> None:
    """Register a plan that is being drafted; *extent* is WKB of a multipolygon in EPSG:4490."""
    if plan.region != WHOLE_COUNTRY and not registered(connection, [plan.region]):
        raise PlanRefused(f"No such region is registered: {plan.region}.")
    if plan.target_year is not None and plan.target_year < (plan.base_year or plan.target_year):
        raise PlanRefused(
            f"The target year {plan.target_year} is before the base year {plan.base_year}."
        )
    statement = sql.SQL(
        "INSERT INTO onemap.plan (id, {columns}, extent) VALUES (%(id)s, {values},"
        " ST_Multi(ST_GeomFromWKB(%(extent)s::bytea, %(srid)s))) ON CONFLICT (id) DO NOTHING"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, WRITTEN)),
        values=sql.SQL(", ").join(map(sql.Placeholder, WRITTEN)),
    )
    values: dict[str, Any] = {
        "id": plan.id,
        "title_zh": plan.title.zh,
        "title_en": plan.title.en,
        "level": plan.level,
        "type": plan.type,
        "region": plan.region,
        "base_year": plan.base_year,
        "target_year": plan.target_year,
        "compiler": plan.compiler,
        "approver": plan.approver,
        "basis": None,
        "approved_on": None,
        "in_force_from": None,
        "in_force_to": None,
        "state": PlanState.DRAFTING,
        "classification": plan.classification,
        "synthetic": plan.synthetic,
        "extent": extent,
        "srid": SRID,
    }
    if connection.execute(statement, values).rowcount == 0:
        raise PlanRefused(f"The plan {plan.id!r} is registered already.")
    _trace(
        connection,
        plan.id,
        PlanAct.REGISTER,
        None,
        PlanState.DRAFTING,
        person=person,
        reason=reason,
    )


def region_extent(connection: Connection[TupleRow], region: str) -> bytes:
    """The polygon of a registered region as WKB; PlanRefused where the register has none."""
    row = connection.execute(
        "SELECT ST_AsBinary(geom) FROM onemap.region WHERE code = %s AND geom IS NOT NULL"
        " ORDER BY valid_from DESC LIMIT 1",
        (region,),
    ).fetchone()
    if row is None:
        raise PlanRefused(f"The register has no polygon of the region {region}.")
    return bytes(row[0])


def advance_plan(
    connection: Connection[TupleRow],
    plan_id: str,
    act: PlanAct,
    *,
    person: str,
    reason: str,
    today: date,
    basis: str | None = None,
    day: date | None = None,
) -> Plan:
    """Do an act to a plan, and end what it supersedes where it comes into force.

    *day* is the date of the approval, the first day in force, or, of a repeal, the first day on
    which the plan is in force no longer.
    """
    held = _held(connection, plan_id)
    found = step(held.state, act, basis=basis, day=day)
    changes: dict[str, Any] = {"state": found.after}
    match act:
        case PlanAct.APPROVE | PlanAct.ADOPT if day is not None and day > today:
            raise PlanRefused(f"The approval is dated {day}, which is still to come.")
        case PlanAct.ADOPT if day is not None and held.approved_on and day < held.approved_on:
            raise PlanRefused(
                f"The amendment is dated {day}, before the plan itself was approved"
                f" ({held.approved_on})."
            )
        case PlanAct.APPROVE:
            changes |= {"basis": basis, "approved_on": day}
        case PlanAct.START if day is not None and held.approved_on and day < held.approved_on:
            raise PlanRefused(
                f"The plan cannot come into force on {day}, before its approval of"
                f" {held.approved_on}."
            )
        case PlanAct.START:
            changes |= {"in_force_from": day}
        case PlanAct.REPEAL:
            changes |= {"in_force_to": _last_day(held, day)}
    _change(connection, plan_id, changes)
    _trace(
        connection, plan_id, act, held.state, found.after,
        person=person, reason=reason, document=basis, effective=day,
    )  # fmt: skip
    now = _held(connection, plan_id)
    if act is PlanAct.START:
        for other in _superseded_by(connection, plan_id):
            _end(connection, other, now, person=person)
    return now


def link_plans(
    connection: Connection[TupleRow],
    plan_id: str,
    kind: PlanLinkKind,
    other_id: str,
    *,
    person: str = NOT_STATED,
    reason: str = "",
) -> None:
    """Say what a plan is to an earlier one; what a plan in force supersedes ends at once."""
    if plan_id == other_id:
        raise PlanRefused(f"A plan cannot be linked to itself ({plan_id!r}).")
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LINKING,))
    plan, other = _held(connection, plan_id), _held(connection, other_id)
    if path := _path(connection, other_id, plan_id):
        raise PlanRefused(
            f"{plan_id} cannot come after {other_id}: the chain {' → '.join(path)}"
            " leads back to it already."
        )
    done = connection.execute(
        "INSERT INTO onemap.plan_link (plan, other, kind) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (plan_id, other_id, kind),
    )
    if done.rowcount == 0:
        raise PlanRefused(f"{plan_id} is linked to {other_id} already; links stay as they are.")
    _trace(
        connection, plan_id, PlanAct.LINK, plan.state, plan.state,
        person=person, reason=f"{kind} {other_id}{f': {reason}' if reason else ''}",
    )  # fmt: skip
    if kind is PlanLinkKind.SUPERSEDES and plan.state in EFFECTIVE:
        _end(connection, other.id, plan, person=person)


def _last_day(held: Plan, day: date | None) -> date | None:
    """The last day in force of a plan that is repealed from *day* on."""
    if held.in_force_from is None or day is None:
        return None
    if day <= held.in_force_from:
        raise PlanRefused(
            f"{held.id} is in force from {held.in_force_from}; the first day on which it no longer"
            f" is must be a later one, not {day}."
        )
    return day - timedelta(days=1)


def _end(connection: Connection[TupleRow], ended_id: str, successor: Plan, *, person: str) -> None:
    """End a superseded plan the day before its successor's start, with its own event."""
    ended = _held(connection, ended_id)
    if ended.state in UNAPPROVED:
        raise PlanRefused(
            f"{successor.id} supersedes {ended.id}, which is only {ended.state}"
            f" ({ended.state.label.zh}); there is nothing in force to supersede."
        )
    if (after := SUPERSEDED.get(ended.state)) is None:
        return
    start = successor.in_force_from
    _change(connection, ended.id, {"state": after, "in_force_to": _last_day(ended, start)})
    _trace(
        connection, ended.id, PlanAct.SUPERSEDE, ended.state, after,
        person=person, reason=f"由 {successor.id} 替代 / superseded by {successor.id}",
        document=successor.basis, effective=start,
    )  # fmt: skip


def _superseded_by(connection: Connection[TupleRow], plan_id: str) -> Sequence[str]:
    statement = "SELECT other FROM onemap.plan_link WHERE plan = %s AND kind = %s ORDER BY other"
    found = connection.execute(statement, (plan_id, PlanLinkKind.SUPERSEDES)).fetchall()
    return [row[0] for row in found]


def _path(connection: Connection[TupleRow], start: str, end: str) -> list[str]:
    """The chain from one plan back to another; empty where there is none."""
    row = connection.execute(
        """
        WITH RECURSIVE walk (id, path) AS (
            SELECT %(start)s::text COLLATE "C", ARRAY[%(start)s::text COLLATE "C"]
            UNION ALL
            SELECT l.other, w.path || l.other FROM walk w JOIN onemap.plan_link l ON l.plan = w.id
            WHERE l.other <> ALL (w.path)
        )
        SELECT path FROM walk WHERE id = %(end)s LIMIT 1
        """,
        {"start": start, "end": end},
    ).fetchone()
    return [] if row is None else list(row[0])


def _held(connection: Connection[TupleRow], plan_id: str) -> Plan:
    """The plan as it stands, held until the end of the transaction."""
    columns = sql.SQL(", ").join(map(sql.Identifier, PLAN_FACTS))
    row = connection.execute(
        sql.SQL(
            "SELECT {}, ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent)"
            " FROM onemap.plan WHERE id = %s FOR UPDATE"
        ).format(columns),
        (plan_id,),
    ).fetchone()
    if row is None:
        raise PlanRefused(f"There is no plan {plan_id[:100]!r} in the register.")
    return plan_of(row)


def _change(connection: Connection[TupleRow], plan_id: str, values: dict[str, Any]) -> None:
    pairs = (
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
    )
    statement = sql.SQL("UPDATE onemap.plan SET {} WHERE id = %(plan_id)s")
    connection.execute(statement.format(sql.SQL(", ").join(pairs)), {**values, "plan_id": plan_id})


def _trace(
    connection: Connection[TupleRow],
    plan_id: str,
    act: PlanAct,
    before: PlanState | None,
    after: PlanState,
    *,
    person: str,
    reason: str,
    document: str | None = None,
    effective: date | None = None,
) -> None:
    """The next event of a plan whose row is held."""
    connection.execute(
        """
        INSERT INTO onemap.plan_event (plan, number, act, before, after, person, reason, document, effective)
        SELECT %(plan)s, coalesce(max(number), 0) + 1, %(act)s, %(before)s, %(after)s,
            %(person)s, %(reason)s, %(document)s, %(effective)s::date
        FROM onemap.plan_event WHERE plan = %(plan)s
        """,
        {
            "plan": plan_id,
            "act": act,
            "before": before,
            "after": after,
            "person": person,
            "reason": reason,
            "document": document,
            "effective": effective,
        },
    )
