"""Text as people paste it from word processors, brought to plain characters."""

import re

BREAKS = re.compile(r"\r\n?|[\v\f\u0085\u2028\u2029]")
SPACES = re.compile(r"[\u00a0\u2000-\u200a\u202f\u205f]")
NOTHING = re.compile(r"[\u00ad\u200b-\u200d\u2060\ufeff]")  # soft hyphens, zero-width characters


def plain(text: str) -> str:
    r"""The text with ordinary line breaks and spaces, without zero-width characters, trimmed.

    >>> plain("\ufeff同\u200b意\u00a0。\r\n")
    '同意 。'
    """
    return NOTHING.sub("", SPACES.sub(" ", BREAKS.sub("\n", text))).strip()
