"""Equal documents have one form of bytes, however they were written; others have another."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processes.algorithms.canonical import canonical_bytes, digest, sealed, sealed_with

numbers = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15)
texts = st.text(st.characters(exclude_categories=["Cs"]))
documents = st.recursive(
    st.none()
    | st.booleans()
    | numbers
    | texts
    | st.sampled_from(['1.0,"', "\\", '\\"2.0]', "-0.0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def as_a_browser_writes(value: Any) -> Any:
    """Whole numbers without a fraction, as JSON.stringify has them."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [as_a_browser_writes(each) for each in value]
    if isinstance(value, dict):
        return {name: as_a_browser_writes(each) for name, each in reversed(value.items())}
    return value


@given(documents)
def test_a_document_that_a_browser_wrote_again_keeps_its_bytes(document: Any) -> None:
    again = json.loads(json.dumps(as_a_browser_writes(document), indent=2, ensure_ascii=True))

    assert canonical_bytes(again) == canonical_bytes(document)


@given(documents)
def test_the_canonical_bytes_are_the_document(document: Any) -> None:
    assert orjson.loads(canonical_bytes(document)) == document


@given(st.dictionaries(texts, documents, max_size=4))
def test_a_sealed_document_has_the_hash_of_what_it_was(document: dict[str, Any]) -> None:
    whole = sealed(document)

    assert whole["hash"] == digest(document) == digest(whole)
    assert digest(whole | {"another member": 1}) != whole["hash"]


@given(st.dictionaries(texts, documents, max_size=4), st.lists(documents, max_size=3), texts)
def test_an_array_of_canonical_texts_is_sealed_as_if_it_were_read(
    document: dict[str, Any], items: list[Any], member: str
) -> None:
    whole = sealed({**document, member: items})

    spliced = sealed_with(document, member, [canonical_bytes(item) for item in items])

    assert orjson.loads(orjson.dumps(spliced)) == orjson.loads(orjson.dumps(whole))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1.0}, {"a": 1.5}),
        ({"a": "1.0,"}, {"a": "1,"}),
        ({"a": True}, {"a": 1}),
        ({"a": None}, {}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": 10}, {"a": 1}),
        ({"a": 0.05}, {"a": 0.5}),
        ({"a": -0.5}, {"a": 0.5}),
    ],
)
def test_documents_that_differ_have_hashes_that_differ(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


@pytest.mark.parametrize("value", [2**70, {1: "a"}, object(), "\ud800"])
def test_what_is_no_json_has_no_hash(value: Any) -> None:
    with pytest.raises(ValueError, match="no JSON document"):
        digest({"a": value})


def test_nesting_without_end_is_refused() -> None:
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    with pytest.raises(ValueError, match="no JSON document"):
        canonical_bytes(deep)
