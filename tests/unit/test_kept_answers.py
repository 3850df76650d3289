"""Answers that are kept: for the same words, of one snapshot and day, within a bound."""

from datetime import date
from typing import Any, cast

import pytest
from starlette.requests import Request

from providers.editions import Window
from server import kept_answers
from server.kept_answers import KeptAnswers
from server.snapshot import Snapshot

READS = (b"accept", b"accept-language")
FIRST, SECOND = cast(Snapshot, object()), cast(Snapshot, object())


def asked(query: str = "limit=10", **headers: str) -> Request:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "path": "/collections/a/items",
        "query_string": query.encode(),
        "headers": [(b"host", b"x"), *pairs],
    }
    return Request(scope)


def answer(held: KeptAnswers[str], request: Request, snapshot: Snapshot, given: str) -> None:
    """Look it up in vain, and keep what was answered."""
    assert held.get(request, snapshot) is None
    held.put(request, snapshot, given)


@pytest.fixture
def kept() -> KeptAnswers[str]:
    held: KeptAnswers[str] = KeptAnswers(3, READS)
    answer(held, asked(), FIRST, "ten")
    return held


def test_the_same_words_have_the_same_answer_and_others_have_none(kept: KeptAnswers[str]) -> None:
    assert kept.get(asked(), FIRST) == "ten"
    assert kept.get(asked(user_agent="other"), FIRST) == "ten"
    for other in (asked("limit=11"), asked(accept="text/html"), asked(accept_language="en")):
        assert kept.get(other, FIRST) is None


def test_another_snapshot_forgets_all(kept: KeptAnswers[str]) -> None:
    late = asked("limit=5")
    assert kept.get(late, FIRST) is None
    assert kept.get(asked(), SECOND) is None
    kept.put(late, FIRST, "of a snapshot that is over")
    assert kept.get(asked("limit=5"), SECOND) is None


def test_another_day_forgets_all(kept: KeptAnswers[str], monkeypatch: pytest.MonkeyPatch) -> None:
    tomorrow = date(2100, 1, 1)
    monkeypatch.setattr(kept_answers, "today", lambda: Window(start=tomorrow, end=tomorrow))

    assert kept.get(asked(), FIRST) is None


def test_the_first_makes_room_for_the_fourth(kept: KeptAnswers[str]) -> None:
    for number in range(1, 4):
        answer(kept, asked(f"limit={number}"), FIRST, str(number))

    assert kept.get(asked(), FIRST) is None
    assert [kept.get(asked(f"limit={n}"), FIRST) for n in (1, 2, 3)] == ["1", "2", "3"]


def test_what_was_looked_up_before_midnight_is_not_kept_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: KeptAnswers[str] = KeptAnswers(3, READS)
    before = asked()
    assert held.get(before, FIRST) is None
    tomorrow = date(2100, 1, 1)
    monkeypatch.setattr(kept_answers, "today", lambda: Window(start=tomorrow, end=tomorrow))
    assert held.get(asked(), FIRST) is None
    held.put(before, FIRST, "of yesterday's edition")

    assert held.get(asked(), FIRST) is None
