"""The words of a choice that a person makes: some leave open what only the person knows."""

import re

HOLDER = re.compile(r"\{\w+\}")
BLANK = "……"


def is_open(text: str) -> bool:
    """Whether the words have a place that the person fills in."""
    return HOLDER.search(text) is not None


def blanked(text: str) -> str:
    """The words as they are printed, open places as a blank.

    >>> blanked("符合{plan}")
    '符合……'
    """
    return HOLDER.sub(BLANK, text)
