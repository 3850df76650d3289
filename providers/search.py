"""Text search (OGC API - Features, Part 9 draft): the parameter `q` as a condition on rows.

Terms are separated by commas, and one of them must stand in one of the searched fields; the words of
a term must follow each other there with nothing but white space between. Case, accents and width do
not count. Chinese is found wherever it stands; a word of letters or digits from its beginning on.
A pattern decides; where a layer declares what is searched, an index finds the rows to look at.
"""

import re
import unicodedata
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, cast, false, func
from sqlalchemy.dialects.postgresql import TEXT, TSQUERY

from config.model import Field, Layer
from providers.errors import BadParameter
from providers.relations import Relation
from providers.search_index import pairs, searched, searched_text

MAX_CHARACTERS = 200
MAX_TERMS = 10
COMMAS = re.compile("[,，]")
ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
# What a word is made of, once folded; a character of any other kind stands for itself.
WORD = r"0-9a-z\u00c0-\u1fff\u2c00-\u2dff\ua640-\uabff"
BEGINS_WORD = re.compile(f"[{WORD}]")
SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")
IDEOGRAPH = re.compile(
    r"[\u2e80-\u2fff\u3005-\u30ff\u3400-\u9fff\ue000-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Words:
    """Rows in whose searched fields one of the terms stands."""

    fields: tuple[Field, ...]
    terms: tuple[tuple[str, ...], ...]  # folded words
    indexed: bool

    @property
    def shape(self) -> Hashable:
        return self.indexed  # the fields are the layer's

    @property
    def parameters(self) -> Mapping[str, Any]:
        found = {"q_pattern": pattern_of(self.terms).pattern}
        if self.indexed:
            found["q_pairs"] = " | ".join(map(_pairs, self.terms))
        return found

    def of(self, relation: Relation, rows: FromClause) -> ColumnElement[bool]:
        columns = [relation.attribute(rows, f) for f in self.fields]
        text = func.onemap.search_text(searched_text(columns), type_=TEXT)
        # coalesce keeps the planner from guessing: only the index knows how many rows there are
        stands = func.coalesce(text.op("~")(bindparam("q_pattern", type_=TEXT)), false())
        if not self.indexed:
            return stands
        asked = cast(bindparam("q_pairs", type_=TEXT), TSQUERY)
        return and_(pairs(columns).op("@@")(asked), stands)


def parse_words(layer: Layer, text: str) -> Words:
    """The condition that the parameter `q` sets on the layer's rows.

    Raises
    ------
    BadParameter
        For a layer without searchable text, no term, too many of them, or too long a text.
    """
    fields = searched(layer)
    if not fields:
        expected = f"the parameter left out: {layer.id} has no field with text to search"
        raise BadParameter("q", text, expected)
    indexed = bool(layer.search) and layer.external is None
    return Words(fields, parse_terms(text), indexed)


def parse_terms(text: str) -> tuple[tuple[str, ...], ...]:
    """The terms of `q`, each as the folded words that it is made of."""
    if len(text) > MAX_CHARACTERS:
        raise BadParameter("q", text, f"at most {MAX_CHARACTERS} characters")
    given = (fold(part).split() for part in COMMAS.split(text))
    terms = tuple(dict.fromkeys(tuple(words) for words in given if words))
    readable = all(any(c.isalnum() for word in words for c in word) for words in terms)
    if not terms or not readable or "\x00" in text:
        raise BadParameter("q", text, "words, or several of them separated by commas")
    if len(terms) > MAX_TERMS:
        raise BadParameter("q", text, f"at most {MAX_TERMS} terms separated by commas")
    return terms


def fold(text: str) -> str:
    """Text as it is compared; onemap.search_text does the same in the database."""
    plain = ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", plain).lower().replace("ς", "σ")


def pattern_of(terms: tuple[tuple[str, ...], ...]) -> re.Pattern[str]:
    """What folded text is searched by: PostgreSQL and Python read it alike."""
    return re.compile("|".join(map(_pattern, terms)))


def _pattern(words: tuple[str, ...]) -> str:
    """The regular expression of one term."""
    written = [SPECIAL.sub(r"\\\g<0>", word) for word in words]
    begun = rf"(?<![{WORD}])" if BEGINS_WORD.match(words[0]) else ""
    between = [
        r"\s*" if IDEOGRAPH.match(a[-1]) and IDEOGRAPH.match(b[0]) else r"\s+"
        for a, b in pairwise(words)
    ]
    return begun + written[0] + "".join(map("".join, zip(between, written[1:], strict=True)))


def _pairs(words: tuple[str, ...]) -> str:
    """The tsquery that every row with the term satisfies."""
    wanted: dict[str, None] = {}
    for word in words:
        if len(word) == 1:
            wanted[f"{_lexeme(word)}:*"] = None
        for one, following in pairwise(word):
            wanted[_lexeme(one + following)] = None
    return "(" + " & ".join(wanted) + ")"


def _lexeme(pair: str) -> str:
    return "'" + pair.replace("\\", "\\\\").replace("'", "''") + "'"
