"""Plans, their links and events as values, and the ids by which they are named."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import TupleRow

from config.vocabulary import (
    Classification,
    PlanAct,
    PlanLevel,
    PlanLinkKind,
    PlanState,
    PlanType,
    Text,
)
from providers.plan_states import PlanRefused

PLAN_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
# The columns of onemap.plan that `plan_of` reads, before the four sides of the extent.
FACTS = (
    "id", "title_zh", "title_en", "level", "type", "region", "base_year", "target_year",
    "compiler", "approver", "basis", "approved_on", "in_force_from", "in_force_to", "state",
    "classification", "synthetic",
)  # fmt: skip

type Box = tuple[float, float, float, float]  # west, south, east, north in degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan of the register; dates are inclusive."""

    id: str
    title: Text
    level: PlanLevel
    type: PlanType
    region: str
    base_year: int | None = None
    target_year: int | None = None
    compiler: str | None = None  # 编制单位
    approver: str | None = None  # 审批机关
    basis: str | None = None  # 批复文号
    approved_on: date | None = None
    in_force_from: date | None = None
    in_force_to: date | None = None
    state: PlanState = PlanState.DRAFTING
    classification: Classification = Classification.INTERNAL
    synthetic: bool = False
    extent: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLink:
    """What one plan is to an earlier one; both ends with title and state."""

    plan: str
    plan_title: Text
    plan_state: PlanState
    kind: PlanLinkKind
    other: str
    other_title: Text
    other_state: PlanState


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEvent:
    """What was done to a plan, when, by whom, why and under which document."""

    number: int
    at: datetime
    act: PlanAct
    before: PlanState | None
    after: PlanState
    person: str
    reason: str
    document: str | None
    effective: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanQuery:
    """Which plans, and which page of them."""

    on: date | None = None  # those in force on this day
    state: PlanState | None = None
    type: PlanType | None = None
    limit: int = 100
    offset: int = 0


def check_plan_id(text: str) -> str:
    """The id, if it has the form of one."""
    if not PLAN_ID.fullmatch(text):
        raise PlanRefused(
            f"{text[:100]!r} is no plan id; expected 1 to 64 of a-z, 0-9, _ and -,"
            " beginning with a letter or digit."
        )
    return text


def plan_of(r: TupleRow) -> Plan:
    return Plan(
        id=r[0],
        title=Text(zh=r[1], en=r[2]),
        level=PlanLevel(r[3]),
        type=PlanType(r[4]),
        region=r[5],
        base_year=r[6],
        target_year=r[7],
        compiler=r[8],
        approver=r[9],
        basis=r[10],
        approved_on=r[11],
        in_force_from=r[12],
        in_force_to=r[13],
        state=PlanState(r[14]),
        classification=Classification(r[15]),
        synthetic=r[16],
        extent=None if r[17] is None else (r[17], r[18], r[19], r[20]),
    )
