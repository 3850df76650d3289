"""Files and run-time edits: which of them is in force, and what is said where they disagree."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.merging import (
    Document,
    Edit,
    EditState,
    Key,
    changes,
    digest_of,
    latest,
    merge,
    over,
    state_of,
)

KEY: Key = ("theme", "planning")


def entry(order: int) -> dict[str, Any]:
    return {"kind": "theme", "id": "planning", "title": {"zh": "规划", "en": "P"}, "order": order}


def document(order: int) -> Document:
    return Document(file="bureau/a.yaml", number=2, entry=entry(order))


def edit(number: int, order: int | None, base: int | None, author: str = "张三") -> Edit:
    return Edit(
        kind="theme",
        id="planning",
        number=number,
        entry=None if order is None else entry(order),
        base=None if base is None else digest_of(entry(base)),
        author=author,
        note="",
        edited_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def served(file: int | None, *edits: Edit) -> int | None:
    """Which order is in force for the theme; None: no such theme."""
    files = {} if file is None else {KEY: document(file)}
    found = merge(files, edits).documents.get(KEY)
    return None if found is None else int(found.entry["order"])


def test_an_edit_wins_over_the_entry_that_it_was_made_over() -> None:
    assert served(1, edit(1, order=5, base=1)) == 5


def test_an_edit_of_a_new_id_needs_no_file() -> None:
    assert served(None, edit(1, order=5, base=None)) == 5


def test_the_last_edit_wins_in_whatever_order_they_are_read() -> None:
    assert served(1, edit(2, order=6, base=1), edit(1, order=5, base=1)) == 6


def test_a_file_that_changes_beneath_an_edit_is_in_force_and_the_edit_is_told() -> None:
    mine = edit(7, order=5, base=1)
    merged = merge({KEY: document(2)}, [mine])

    assert merged.documents[KEY] == document(2)
    (conflict,) = merged.conflicts
    assert conflict.edit == mine
    assert "bureau/a.yaml: /2" in str(conflict)
    assert "edit 7 by 张三" in str(conflict)


def test_an_edit_whose_file_entry_went_is_set_aside_with_it() -> None:
    merged = merge({}, [edit(1, order=5, base=1)])

    assert merged.documents == {}
    assert "the file's entry went" in str(merged.conflicts[0])


def test_a_file_that_brings_an_id_that_an_edit_had_added_is_a_conflict() -> None:
    merged = merge({KEY: document(2)}, [edit(1, order=5, base=None)])

    assert merged.documents[KEY].entry["order"] == 2
    assert len(merged.conflicts) == 1


def test_a_file_that_takes_over_what_the_edit_says_is_no_conflict() -> None:
    merged = merge({KEY: document(5)}, [edit(1, order=5, base=1)])

    assert merged.documents[KEY] == document(5)
    assert merged.conflicts == ()


def test_a_file_that_returns_to_the_base_brings_the_edit_back() -> None:
    mine = edit(1, order=5, base=1)

    assert [served(file, mine) for file in (1, 2, 1)] == [5, 2, 5]


def test_a_withdrawn_edit_leaves_the_file_and_a_later_one_counts_again() -> None:
    withdrawn = [edit(1, order=5, base=1), edit(2, order=None, base=None)]

    assert served(1, *withdrawn) == 1
    assert served(None, edit(1, order=5, base=None), edit(2, order=None, base=None)) is None
    assert served(1, *withdrawn, edit(3, order=9, base=1)) == 9


def test_entries_put_over_a_catalogue_settle_their_own_conflicts() -> None:
    merged = merge({KEY: document(2)}, [edit(1, order=5, base=1)])
    put = over(merged, {KEY: document(8)})

    assert put.documents[KEY].entry["order"] == 8
    assert put.documents[KEY].edited
    assert put.conflicts == ()


@pytest.mark.parametrize(
    ("given_edit", "file", "state"),
    [
        (edit(1, 5, 1), 1, EditState.IN_FORCE),
        (edit(1, 5, 1), 2, EditState.SET_ASIDE),
        (edit(1, 5, 1), None, EditState.SET_ASIDE),
        (edit(1, 5, 1), 5, EditState.ADOPTED),
        (edit(1, None, None), 1, EditState.WITHDRAWN),
        (edit(1, 5, None), None, EditState.IN_FORCE),
    ],
)
def test_what_has_become_of_an_edit(given_edit: Edit, file: int | None, state: EditState) -> None:
    assert state_of(given_edit, None if file is None else document(file)) is state


def test_the_order_of_members_is_no_difference_and_every_value_is_one() -> None:
    turned = dict(reversed(entry(1).items()))

    assert digest_of(turned) == digest_of(entry(1))
    assert digest_of(entry(2)) != digest_of(entry(1))
    assert digest_of({"codes": ["1", "2"]}) != digest_of({"codes": ["2", "1"]})


def test_changes_name_what_came_went_and_became_another() -> None:
    before = {"layer": {"a": "1", "b": "1"}, "role": {"r": "1"}}
    after = {"layer": {"b": "2", "c": "1"}, "role": {"r": "1"}}

    found = changes(before, after)

    assert (found.added, found.changed, found.removed) == (
        (("layer", "c"),),
        (("layer", "b"),),
        (("layer", "a"),),
    )
    assert found
    assert not changes(after, after)


ORDERS = st.integers(1, 3)
EDITS = st.lists(st.tuples(st.none() | ORDERS, st.none() | ORDERS), max_size=5)


@given(file=st.none() | ORDERS, said=EDITS)
def test_what_is_served_is_the_file_or_the_last_edit_and_a_conflict_means_the_file(
    file: int | None, said: list[tuple[int | None, int | None]]
) -> None:
    edits = [edit(n, order, base) for n, (order, base) in enumerate(said, start=1)]
    files = {} if file is None else {KEY: document(file)}
    merged = merge(files, edits)
    last = latest(edits).get(KEY)
    found = merged.documents.get(KEY)

    if found is not None and found.edited:
        assert last is not None
        assert found.entry == last.entry
        assert last.base == (None if file is None else digest_of(entry(file)))
        assert not merged.conflicts
    else:
        assert found == files.get(KEY)
    if merged.conflicts:
        assert found == files.get(KEY)
