"""What is wrong with a filter, said so that its author can mend it; and how much a filter may hold."""

MAX_TEXT_BYTES = 16 * 1024
MAX_JSON_BYTES = 64 * 1024  # the same filter takes some four times the room
MAX_JSON_DEPTH = 160
MAX_JSON_VALUES = 20_000
MAX_OPEN = 64
MAX_SIGNS = 64
MAX_TERMS = 500
MAX_OPERATORS = 100  # of arithmetic
MAX_LIST = 1_000
MAX_VERTICES = 10_000
MAX_LITERAL = 1_000  # characters
MAX_DIGITS = 100


class FilterFault(Exception):
    """A filter that cannot be used; the message completes the sentence "expected …"."""


def within(number: int, most: int, what: str) -> None:
    """A fault where there are more than *most*."""
    if number > most:
        raise FilterFault(f"at most {most:,} {what}")
