"""The days that the archive format of reports can write."""

from datetime import date

FIRST, LAST = date(1980, 1, 1), date(2107, 12, 31)


def within_archives(day: date) -> date:
    """The day itself, else the nearest one that can be written."""
    return min(max(day, FIRST), LAST)
