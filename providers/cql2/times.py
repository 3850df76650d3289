"""Dates and instants as CQL2 writes them."""

import re
from datetime import UTC, date, datetime

from providers.cql2.faults import FilterFault

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)


def parse_date(text: str) -> date:
    """A day of the calendar, as 2024-02-29."""
    try:
        if DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise FilterFault(f"a date like 2024-02-29, not {text[:40]!r}")


def parse_timestamp(text: str) -> datetime:
    """An instant in UTC, as 2024-02-29T08:00:00Z; with an offset as well."""
    try:
        if INSTANT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FilterFault(f"an instant like 2024-02-29T08:00:00Z, not {text[:40]!r}")


def whole_day(day: date) -> tuple[datetime, datetime]:
    """The first and last instant of a day in UTC."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start, start.replace(hour=23, minute=59, second=59, microsecond=999_999)
