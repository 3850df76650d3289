"""The parameter q: terms, what they match, and what is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Catalogue, Layer
from providers.errors import BadParameter
from providers.search import (
    MAX_CHARACTERS,
    MAX_TERMS,
    fold,
    parse_terms,
    parse_words,
    pattern_of,
)
from providers.search_index import searched

IDEOGRAPHS = "永久基本农田区"


def stands_in(q: str, text: str) -> bool:
    return pattern_of(parse_terms(q)).search(fold(text)) is not None


@pytest.mark.parametrize(
    ("q", "text", "matches"),
    [
        ("永久", "永久基本农田", True),
        ("田", "永久基本农田", True),
        ("永本", "永久基本农田", False),
        ("久基", "永久，基本", False),
        ("水田,基本", "永久基本农田", True),
        ("水田，基本", "永久基本农田", True),
        ("永久 基本", "永久基本农田", True),
        ("永久 基本", "永久  基本", True),
        ("基本 永久", "永久基本农田", False),
        ("RED line", "The red  line", True),
        ("red line", "red, line", False),
        ("red line", "redline", False),
        ("plan", "A planning zone", True),
        ("lan", "A planning zone", False),
        ("area", "Área", True),
        ("Área", "area", True),
        ("２２０１", "220102", True),
        ("0102", "220102", False),
        ("B1地块", "规划b1地块", True),
        ("1地块", "规划B1地块", False),
        ("red-line", "a red-line", True),
        ("a.b", "axb", False),
        ("it's", "It's so", True),
        ("\\d", "5", False),
        ("永久\u3000基本", "永久基本", True),
    ],
)
def test_a_term_stands_in_a_text_or_does_not(q: str, text: str, matches: bool) -> None:
    assert stands_in(q, text) is matches


def test_no_term_goes_from_one_field_into_the_next() -> None:
    assert not stands_in("久基", "永久\x1f基本")


@given(st.text(IDEOGRAPHS, min_size=1, max_size=6), st.text(IDEOGRAPHS + "，ab ", max_size=20))
def test_a_chinese_term_matches_where_it_is_a_substring(term: str, text: str) -> None:
    assert stands_in(term, text) is (term in text)


@given(st.text())
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "q", ["", " ", ",", "，, ,", "!", "永久,?", "a\x00b", "地" * (MAX_CHARACTERS + 1)]
)
def test_what_is_no_search_is_refused_and_named(q: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_terms(q)

    assert caught.value.name == "q"


def test_the_number_of_terms_is_bounded() -> None:
    assert len(parse_terms(",".join(map(str, range(MAX_TERMS))))) == MAX_TERMS
    with pytest.raises(BadParameter, match="at most"):
        parse_terms(",".join(map(str, range(MAX_TERMS + 1))))


def test_a_silent_layer_is_searched_in_the_texts_that_people_read(catalogue: Catalogue) -> None:
    silent = replace(catalogue.layers["planning_zone"], search=())

    assert [f.code for f in searched(silent)] == ["XZQMC", "GHFQMC", "GKZY", "BZ"]


def test_a_declaring_layer_is_searched_in_what_it_declares(catalogue: Catalogue) -> None:
    declaring = replace(catalogue.layers["planning_zone"], search=("BZ", "GHFQMC"))

    assert [f.code for f in searched(declaring)] == ["GHFQMC", "BZ"]


def test_a_layer_without_text_says_why_it_cannot_be_searched(catalogue: Catalogue) -> None:
    layer = catalogue.layers["planning_zone"]
    coded = tuple(f for f in layer.fields if f.code_list is not None)
    bare: Layer = replace(
        layer, search=(), specification=replace(layer.specification, fields=coded)
    )

    with pytest.raises(BadParameter, match="no field with text to search"):
        parse_words(bare, "永久")
