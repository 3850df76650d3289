"""`onemap plan`: the plan register (规划名录) at the command line."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from config.settings import Settings
from config.vocabulary import (
    Classification,
    PlanAct,
    PlanLevel,
    PlanLinkKind,
    PlanState,
    PlanType,
    RegionCode,
    Text,
)
from providers.access import ALL, Scope
from providers.database import DatabaseRole, connect, connection_options
from providers.documents import Attached, OfPlan, attached
from providers.editions import day_in_china
from providers.migrations import migrate
from providers.plan_records import Plan, PlanEvent, PlanLink, PlanQuery, check_plan_id
from providers.plan_register import add_plan, advance_plan, link_plans, region_extent
from providers.plan_states import STEPS, PlanRefused, drawn
from providers.plans import find_plan, list_plans, plan_chain, plan_events
from server.instance import database, user
from server.plan_extent import read_extent

OPERATOR = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL
)  # who has the database in hand sees what is in it
ACTS = tuple(dict.fromkeys(act for _, act in STEPS))
MAX_LISTED = 1_000_000


def add(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap plan add`: a plan that is being drafted."""
    plan = Plan(
        id=check_plan_id(given.id),
        title=Text(zh=given.title, en=given.title_en),
        level=PlanLevel(given.level),
        type=PlanType(given.type),
        region=given.region,
        base_year=given.base_year,
        target_year=given.target_year,
        compiler=given.compiler,
        approver=given.approver,
        classification=Classification(given.classification),
        synthetic=given.synthetic,
    )
    drawn_extent = read_extent(given.extent) if given.extent is not None else None
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            extent = (
                region_extent(connection, drawn_extent.value)
                if isinstance(drawn_extent, RegionCode)
                else drawn_extent
            )
            add_plan(connection, plan, extent=extent, person=given.person)
    print(f"{plan.id}\t{PlanState.DRAFTING}")
    return 0


def show_list(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap plan list`: all plans, or those in force on a day."""
    query = PlanQuery(on=given.on, limit=MAX_LISTED)
    with database(settings) as db:
        migrate(db.url)
        plans, _ = reading(db.url, lambda connection: list_plans(connection, query, OPERATOR))
    if given.json:
        print(as_json([asdict(plan) for plan in plans]))
        return 0
    print("id\tstate\tlevel\ttype\tregion\tin force\ttitle" if plans else "no plan is registered")
    for plan in plans:
        in_force = f"{plan.in_force_from}/{plan.in_force_to or '..'}" if plan.in_force_from else "-"
        facts = (plan.id, plan.state, plan.level, plan.type, plan.region, in_force, plan.title.zh)
        print(*facts, sep="\t")
    return 0


def show(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap plan show`: a plan with its chain, its events and its documents."""

    async def read(
        connection: AsyncConnection[TupleRow],
    ) -> tuple[Plan | None, list[PlanLink], list[PlanEvent], list[Attached]]:
        return (
            await find_plan(connection, given.id, OPERATOR),
            await plan_chain(connection, given.id, OPERATOR),
            await plan_events(connection, given.id, OPERATOR),
            await attached(connection, OfPlan(given.id), OPERATOR),
        )

    with database(settings) as db:
        migrate(db.url)
        plan, chain, events, documents = reading(db.url, read)
    if plan is None:
        raise PlanRefused(f"There is no plan {given.id[:100]!r} in the register.")
    if given.json:
        whole = {
            **asdict(plan),
            "chain": [asdict(link) for link in chain],
            "events": [asdict(event) for event in events],
            "documents": [{**asdict(each.document), "role": each.role} for each in documents],
        }
        print(as_json(whole))
        return 0
    for name, value in asdict(plan).items():
        if value is not None:
            print(name, plan.title.zh if name == "title" else value, sep="\t")
    for link in chain:
        print("chain", link.plan, link.kind, link.other, sep="\t")
    for event in events:
        said = (event.document or "", event.effective or "", event.reason)
        print(
            "event", f"{event.at:%Y-%m-%d}", event.act, event.after, event.person, *said, sep="\t"
        )
    for each in documents:
        print("document", each.document.id, each.role, each.document.title.zh, sep="\t")
    return 0


def advance(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap plan advance`: the next act in a plan's life."""
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            plan = advance_plan(
                connection,
                given.id,
                PlanAct(given.act),
                person=given.person,
                reason=given.reason,
                today=day_in_china(datetime.now(UTC)),
                basis=given.basis,
                day=given.date,
            )
    print(f"{plan.id}\t{plan.state}")
    return 0


def link(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap plan link`: what a plan is to an earlier one."""
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            kind = PlanLinkKind(given.kind)
            person, reason = given.person or user(), given.reason or ""
            link_plans(connection, given.id, kind, given.other, person=person, reason=reason)
    print(f"{given.id}\t{given.kind}\t{given.other}")
    return 0


def reading[T](url: str, read: Callable[[AsyncConnection[TupleRow]], Awaitable[T]]) -> T:
    """What *read* finds, as the reader."""

    async def run() -> T:
        options = connection_options(DatabaseRole.READER)
        async with await AsyncConnection.connect(url, **options) as connection:
            return await read(connection)

    return asyncio.run(run())


def as_json(value: Any) -> str:
    """A value for machines: dates as ISO text, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_iso)


def _iso(value: date) -> str:
    return value.isoformat()


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap plan add|list|show|advance|link|states`."""
    plan = verbs.add_parser("plan", help="the plan register").add_subparsers(
        dest="plan_verb", required=True, metavar="VERB"
    )
    new = plan.add_parser("add", help="register a plan that is being drafted")
    new.add_argument("id", help="a-z, 0-9, _ and -")
    new.add_argument("--title", required=True, type=words, help="in Chinese")
    new.add_argument("--title-en", required=True, type=words)
    new.add_argument("--level", required=True, choices=_codes(PlanLevel))
    new.add_argument("--type", required=True, choices=_codes(PlanType))
    new.add_argument("--region", required=True, type=_region, metavar="CODE")
    new.add_argument("--base-year", type=_year, metavar="YYYY")
    new.add_argument("--target-year", type=_year, metavar="YYYY")
    new.add_argument("--compiler", type=words, help="编制单位")
    new.add_argument("--approver", type=words, help="审批机关")
    new.add_argument(
        "--classification", choices=_codes(Classification), default=Classification.INTERNAL.value
    )
    new.add_argument("--extent", metavar="CODE|FILE", help="a region, or GeoJSON or WKT in degrees")
    new.add_argument("--synthetic", action="store_true", help="invented for trying out")
    new.add_argument("--person", required=True, type=words)
    new.set_defaults(run=add)
    listed = plan.add_parser("list", help="all plans, or those in force on a day")
    listed.add_argument("--on", type=day, metavar="YYYY-MM-DD")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(run=show_list)
    shown = plan.add_parser("show", help="a plan, its chain, its events, its documents")
    shown.add_argument("id")
    shown.add_argument("--json", action="store_true")
    shown.set_defaults(run=show)
    next_ = plan.add_parser("advance", help="the next act in a plan's life")
    next_.add_argument("id")
    next_.add_argument("act", choices=_codes(ACTS))
    next_.add_argument("--person", required=True, type=words)
    next_.add_argument("--reason", required=True, type=words)
    next_.add_argument("--basis", type=words, help="批复文号")
    next_.add_argument(
        "--date",
        type=day,
        metavar="YYYY-MM-DD",
        help="of the approval; the first day in force; the first day no longer in force",
    )
    next_.set_defaults(run=advance)
    linked = plan.add_parser("link", help="what a plan is to an earlier one")
    linked.add_argument("id")
    linked.add_argument("kind", choices=_codes(PlanLinkKind))
    linked.add_argument("other")
    linked.add_argument("--person", type=words, help="who says so (default: this user)")
    linked.add_argument("--reason", type=words)
    linked.set_defaults(run=link)
    states = plan.add_parser("states", help="what may follow what, as a Mermaid diagram")
    states.set_defaults(run=lambda settings, given: print(drawn()) or 0)


def words(text: str) -> str:
    """Words that a person says: a title, a name, a reason."""
    if not text.strip() or len(text) > 500 or not text.isprintable():
        raise argparse.ArgumentTypeError("1 to 500 printable characters")
    return text.strip()


def day(text: str) -> date:
    """A date as ISO 8601 writes it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date like 2024-12-31") from None


def _codes(values: Sequence[Any] | type[Any]) -> list[str]:
    return [str(value) for value in values]


def _region(text: str) -> str:
    try:
        return RegionCode(text).value
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _year(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1949 <= int(text) <= 2200:
        raise argparse.ArgumentTypeError("a year from 1949 to 2200")
    return int(text)
