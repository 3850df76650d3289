"""Patterns of LIKE: literals whose last backslash escapes something."""

import re
import unicodedata
from typing import Any

from pygeofilter import ast

from providers.cql2.faults import FilterFault
from providers.cql2.words import TEXT_FOLDS

FOLDS = (*TEXT_FOLDS, "lower")  # what pygeofilter makes of CASEI
MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")


def checked_pattern(node: Any) -> None:
    """A fault for a pattern that is no literal, or that ends within an escape."""
    folded = False
    while isinstance(node, ast.Function) and node.name in FOLDS and len(node.arguments) == 1:
        folded |= node.name == "accenti"
        (node,) = node.arguments
    if not isinstance(node, str):
        raise FilterFault("a text in quotes after LIKE")
    # a mark behind a backslash goes with the accents, and would leave the backslash alone
    text = MARKS.sub("", unicodedata.normalize("NFD", node)) if folded else node
    if (len(text) - len(text.rstrip("\\"))) % 2:
        raise FilterFault("a pattern that does not end with a single backslash")
