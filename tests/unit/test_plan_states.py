"""A plan's life is a table: what may follow what, and what each act must come with."""

from datetime import date
from itertools import product

import pytest

from config.vocabulary import PlanAct, PlanLinkKind, PlanState
from providers.plan_records import check_plan_id
from providers.plan_states import (
    STEPS,
    SUPERSEDED,
    UNAPPROVED,
    Need,
    PlanRefused,
    acts_from,
    drawn,
    step,
)

DAY = date(2024, 5, 1)


def reachable(start: PlanState) -> set[PlanState]:
    found, before = {start}, set[PlanState]()
    while found != before:
        before = set(found)
        found |= {after.after for (state, _), after in STEPS.items() if state in before}
    return found


def test_every_state_is_reached_from_drafting_and_every_one_can_end() -> None:
    assert reachable(PlanState.DRAFTING) == set(PlanState)
    assert all(PlanState.REPEALED in reachable(state) for state in PlanState)


def test_nothing_follows_a_repeal() -> None:
    assert acts_from(PlanState.REPEALED) == []
    with pytest.raises(PlanRefused, match="it has ended"):
        step(PlanState.REPEALED, PlanAct.START, basis="1", day=DAY)


def test_before_its_approval_a_plan_goes_back_to_drafting_only() -> None:
    backward = {s: a.after for (s, act), a in STEPS.items() if act is PlanAct.RETURN}

    assert backward == {
        PlanState.PUBLIC_NOTICE: PlanState.DRAFTING,
        PlanState.SUBMITTED: PlanState.DRAFTING,
    }


def test_no_plan_comes_into_force_that_was_not_approved() -> None:
    for (before, _), after in STEPS.items():
        if after.after not in UNAPPROVED and before in UNAPPROVED:
            assert after.after is PlanState.APPROVED
            assert set(after.needs) == {Need.BASIS, Need.DATE}


def test_every_approval_needs_the_number_and_the_date_of_its_document() -> None:
    approvals = [a for (_, act), a in STEPS.items() if act in (PlanAct.APPROVE, PlanAct.ADOPT)]

    assert len(approvals) == 2
    assert all(set(each.needs) == {Need.BASIS, Need.DATE} for each in approvals)
    with pytest.raises(PlanRefused, match=r"--basis.*and.*--date"):
        step(PlanState.SUBMITTED, PlanAct.APPROVE, basis=None, day=None)
    with pytest.raises(PlanRefused, match="--date"):
        step(PlanState.APPROVED, PlanAct.START, basis=None, day=None)


@pytest.mark.parametrize(("state", "act"), list(product(PlanState, PlanAct)))
def test_an_act_leads_where_the_table_says_or_is_refused_with_what_would_work(
    state: PlanState, act: PlanAct
) -> None:
    if (expected := STEPS.get((state, act))) is not None:
        assert step(state, act, basis="市政府〔2024〕1号", day=DAY) is expected
        return
    with pytest.raises(PlanRefused) as refused:
        step(state, act, basis="市政府〔2024〕1号", day=DAY)
    assert state.label.zh in str(refused.value)
    assert all(possible in str(refused.value) for possible in acts_from(state))


def test_what_is_superseded_was_approved_before() -> None:
    assert SUPERSEDED.keys() == set(PlanState) - set(UNAPPROVED) - {PlanState.REPEALED}


def test_the_diagram_draws_every_step_of_the_table() -> None:
    lines = [line.strip() for line in drawn().splitlines()]

    assert lines[0] == "stateDiagram-v2"
    for (before, act), after in STEPS.items():
        assert f"{before} --> {after.after}: {act}" in lines


@pytest.mark.parametrize("kind", [PlanState, PlanAct, PlanLinkKind])
def test_every_word_of_the_register_has_a_chinese_and_an_english_title(
    kind: type[PlanState] | type[PlanAct] | type[PlanLinkKind],
) -> None:
    for each in kind:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in each.label.zh)
        assert each.label.en.isascii()


@pytest.mark.parametrize("text", ["", "A", "-a", "规划", "a b", "a/b", "a\n", "a" * 65])
def test_what_is_no_plan_id_is_refused(text: str) -> None:
    with pytest.raises(PlanRefused, match="no plan id"):
        check_plan_id(text)


def test_a_plan_id_stays_as_it_is() -> None:
    assert check_plan_id("cc-master_2035") == "cc-master_2035"
