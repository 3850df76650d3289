"""What is told of a kept check without its document, and what may be said on it."""

from typing import Any

import pytest

from config.vocabulary import Outcome
from processes.algorithms.canonical import sealed
from processes.spec import InvalidBody
from processes.workflows.check_outline import outline_of, worst
from processes.workflows.kept_checks import excerpt, facts_of
from processes.workflows.opinion_signing import following, parse_said
from providers.opinions import superseded

BODY = {"conclusion": "PASS", "text": "同意。", "document_date": "2026-03-06"}


def a_parcel(number: int, overall: str, *needs: str) -> dict[str, Any]:
    rules = [{"rule": "CR01", "needs": [{"id": one, "title": one} for one in needs]}]
    return {"number": number, "overall": overall, "rules": rules if needs else []}


def a_check(*parcels: dict[str, Any]) -> dict[str, Any]:
    title = {"zh": "题", "en": "Title"}
    return sealed(
        {
            "kind": "compliance_check",
            "ruleset": {"id": "r", "version": "1", "title": title, "overrides": [], "digest": "x"},
            "profile": {"id": "p", "title": title, "matter": "预审选址"},
            "check_date": "2026-03-05",
            "as_of": None,
            "project": {"name": "甲", "code": None, "documents": {"given": "attached"}},
            "layers": [{"synthetic": False}, {"synthetic": True}],
            "parcels": list(parcels),
            **outline_of(parcels).document(),
            "manual": [],
        }
    )


def an_opinion(name: int, parcels: list[int] | None) -> dict[str, Any]:
    identity = f"00000000-0000-4000-8000-{name:012d}"
    return {"id": identity, "parcels": parcels, "signed_by": "张三"}


def test_the_whole_of_a_batch_is_as_its_worst_parcel_and_counts_them() -> None:
    parcels = [a_parcel(1, "PASS"), a_parcel(2, "COND"), a_parcel(3, "PASS"), a_parcel(4, "VERIFY")]

    facts = facts_of(a_check(*parcels))

    assert facts["overall"] == "COND"
    assert facts["outcomes"] == {"PASS": 2, "VERIFY": 1, "COND": 1}
    assert facts["parcels"] == 4
    assert facts["synthetic"]


def test_what_nobody_judged_is_to_be_verified() -> None:
    assert worst([]) is Outcome.VERIFY
    assert facts_of(a_check())["overall"] == "VERIFY"


def test_the_documents_of_a_check_are_those_it_asks_for_and_those_it_was_given() -> None:
    facts = facts_of(a_check(a_parcel(1, "COND", "proof", "map"), a_parcel(2, "COND", "proof")))

    assert facts["documents"] == ["given", "map", "proof"]


def test_a_part_of_a_check_names_the_whole() -> None:
    check = a_check(a_parcel(1, "PASS"), a_parcel(2, "FAIL"))

    part = excerpt(check, frozenset({2}))

    assert part["excerpt_of"] == check["hash"]
    assert [one["number"] for one in part["parcels"]] == [2]
    assert part.keys() == (check.keys() - {"hash"}) | {"excerpt_of"}


@pytest.mark.parametrize(
    ("opinions", "parcels", "name"),
    [
        ([], [1], None),
        ([an_opinion(1, None)], [1], 1),
        ([an_opinion(1, [1]), an_opinion(2, [2])], [1], 1),
        ([an_opinion(1, [1]), an_opinion(2, [2])], [1, 2], 2),
        ([an_opinion(1, [1]), an_opinion(2, [2])], [3], None),
        ([an_opinion(1, [1]), an_opinion(2, None)], [1], 2),
    ],
)
def test_the_opinion_that_stands_is_the_newest_on_any_of_the_parcels(
    opinions: list[dict[str, Any]], parcels: list[int], name: int | None
) -> None:
    found = superseded(opinions, parcels)

    assert (None if found is None else int(str(found["id"])[-12:])) == name


def test_whoever_names_another_than_the_standing_opinion_is_told_of_it() -> None:
    facts = facts_of(a_check(a_parcel(1, "PASS")))
    standing, other = an_opinion(1, None), an_opinion(2, None)

    plain, right, wrong = (
        parse_said(BODY | {"supersedes": name}, facts)
        for name in (None, standing["id"], other["id"])
    )

    following(plain, None)
    following(right, standing)
    for said, earlier in ((plain, standing), (right, None), (wrong, None), (wrong, standing)):
        with pytest.raises(InvalidBody) as refused:
            following(said, earlier)
        assert refused.value.errors[0].pointer == "/supersedes"


def test_lines_and_full_width_spaces_are_text_and_control_characters_are_not() -> None:
    facts = facts_of(a_check(a_parcel(1, "PASS")))

    assert (
        parse_said(BODY | {"text": "一、\n\u3000同意\t。\r\n"}, facts).text
        == "一、\n\u3000同意\t。"
    )
    for text in ("a\x07b", "a\x1b[31m", "\u200f同意"):
        with pytest.raises(InvalidBody):
            parse_said(BODY | {"text": text}, facts)


def a_manual_check(*rules: str) -> dict[str, Any]:
    """What is told of a check with manual items, one choice of which is left open."""
    choices = [{"outcome": "PASS", "text": "符合{plan}"}, {"outcome": "FAIL", "text": "不符合"}]
    title = {"zh": "题", "en": "Title"}
    items = [{"rule": rule, "title": title, "choices": choices} for rule in rules]
    return facts_of(a_check(a_parcel(1, "PASS"))) | {"manual": items}


def places(body: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidBody) as refused:
        parse_said(BODY | body, facts)
    return [error.pointer for error in refused.value.errors]


def test_a_choice_that_leaves_something_open_needs_the_persons_own_words() -> None:
    facts = a_manual_check("CR34")
    empty = [{"rule": "CR34", "outcome": "PASS"}, {"rule": "CR34", "outcome": "PASS", "text": ""}]

    for one in empty:
        assert places({"manual": [one]}, facts) == ["/manual/0/text"]
    own = {"rule": "CR34", "outcome": "PASS", "text": "符合详细规划"}
    assert parse_said(BODY | {"manual": [own]}, facts).manual[0].text == "符合详细规划"
    plain = {"rule": "CR34", "outcome": "FAIL"}
    assert parse_said(BODY | {"manual": [plain]}, facts).manual[0].text == "不符合"


def test_each_manual_item_is_answered_once() -> None:
    facts = a_manual_check("CR31", "CR34")
    one = {"rule": "CR31", "outcome": "FAIL"}

    assert places({"manual": [one, one]}, facts) == ["/manual/1/rule", "/manual"]
    assert places({"manual": [one] * 3}, facts) == ["/manual"]


def test_what_word_processors_put_between_characters_is_brought_to_plain_text() -> None:
    facts = facts_of(a_check(a_parcel(1, "PASS")))
    pasted = "\ufeff一、同\u200b意\u00a0。\v二、\u2003无\u00ad。\r\n"

    assert parse_said(BODY | {"text": pasted}, facts).text == "一、同意 。\n二、 无。"
    assert parse_said(BODY | {"document_number": "模\u00a0审\u200b7号"}, facts).document_number == (
        "模 审7号"
    )
    assert places({"text": "\u200b\u00a0"}, facts) == ["/text"]
