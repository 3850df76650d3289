"""What may follow what in a plan's life: a table that is read, drawn and tested; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from config.vocabulary import PlanAct, PlanState
from providers.errors import Refused


class PlanRefused(Refused):
    """What was asked of the plan register cannot be done; the message says what would work."""


class Need(StrEnum):
    """What an act must come with, beside its reason."""

    BASIS = "the number of the approving document (--basis, 批复文号)"
    DATE = "a date (--date)"


@dataclass(frozen=True, slots=True)
class Step:
    """Where an act leads, and what it must come with."""

    after: PlanState
    needs: tuple[Need, ...] = ()


APPROVAL = (Need.BASIS, Need.DATE)
STEPS: Mapping[tuple[PlanState, PlanAct], Step] = {
    (PlanState.DRAFTING, PlanAct.NOTIFY): Step(PlanState.PUBLIC_NOTICE),
    (PlanState.PUBLIC_NOTICE, PlanAct.RETURN): Step(PlanState.DRAFTING),
    (PlanState.PUBLIC_NOTICE, PlanAct.SUBMIT): Step(PlanState.SUBMITTED),
    (PlanState.SUBMITTED, PlanAct.RETURN): Step(PlanState.DRAFTING),
    (PlanState.SUBMITTED, PlanAct.APPROVE): Step(PlanState.APPROVED, APPROVAL),
    (PlanState.APPROVED, PlanAct.START): Step(PlanState.IN_FORCE, (Need.DATE,)),
    (PlanState.APPROVED, PlanAct.REPEAL): Step(PlanState.REPEALED),
    (PlanState.IN_FORCE, PlanAct.AMEND): Step(PlanState.AMENDING),
    (PlanState.IN_FORCE, PlanAct.REPEAL): Step(PlanState.REPEALED, (Need.DATE,)),
    (PlanState.AMENDING, PlanAct.ADOPT): Step(PlanState.IN_FORCE, APPROVAL),
    (PlanState.AMENDING, PlanAct.RESUME): Step(PlanState.IN_FORCE),
    (PlanState.AMENDING, PlanAct.REPEAL): Step(PlanState.REPEALED, (Need.DATE,)),
}
# A plan that another one supersedes ends with that one's start; nobody does it by hand.
SUPERSEDED: Mapping[PlanState, PlanState] = {
    PlanState.APPROVED: PlanState.REPEALED,
    PlanState.IN_FORCE: PlanState.REPEALED,
    PlanState.AMENDING: PlanState.REPEALED,
}
UNAPPROVED = (PlanState.DRAFTING, PlanState.PUBLIC_NOTICE, PlanState.SUBMITTED)
EFFECTIVE = (PlanState.IN_FORCE, PlanState.AMENDING)


def acts_from(state: PlanState) -> list[PlanAct]:
    """What may be done to a plan in this state."""
    return [act for held, act in STEPS if held is state]


def step(state: PlanState, act: PlanAct, *, basis: str | None, day: date | None) -> Step:
    """The step of an act; PlanRefused where it may not follow or lacks what it must come with."""
    if (found := STEPS.get((state, act))) is None:
        possible = ", ".join(acts_from(state)) or "nothing: it has ended"
        raise PlanRefused(
            f"A plan that is {state} ({state.label.zh}) cannot {act}; possible: {possible}."
        )
    given = {Need.BASIS: basis, Need.DATE: day}
    if missing := [need for need in found.needs if given[need] is None]:
        raise PlanRefused(f"The act {act} needs {' and '.join(missing)}.")
    return found


def drawn() -> str:
    """The table as a Mermaid state diagram."""
    rows = [f"    {state} --> {found.after}: {act}" for (state, act), found in STEPS.items()]
    ends = [f"    {state} --> {end}: {PlanAct.SUPERSEDE}" for state, end in SUPERSEDED.items()]
    names = [f"    {state}: {state} {state.label.zh}" for state in PlanState]
    first = f"    [*] --> {PlanState.DRAFTING}: {PlanAct.REGISTER}"
    return "\n".join(["stateDiagram-v2", *names, first, *rows, *ends])
