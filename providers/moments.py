"""Moments as text: how answers write them, and how addresses and cursors give them back."""

import re
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal
from sqlalchemy.dialects.postgresql import INTEGER

from config.vocabulary import FieldType

INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
# As PostgreSQL writes dates and moments in JSON; the zone of our connections is UTC.
ENDLESS = ("infinity", "-infinity")
DAY = r"(?P<year>\d{4,7})-(?P<month>\d{2})-(?P<day>\d{2})"
TIME = r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?\+00:00"
ERA = r"(?P<before> BC)?"
WRITTEN = {
    FieldType.DATE: re.compile(DAY + ERA, re.ASCII),
    FieldType.INSTANT: re.compile(DAY + TIME + ERA, re.ASCII),
}
FIRST = (-4713, 11, 24)  # that it has: 4714 BC; a year 0 would be 1 BC
LAST_YEAR = {FieldType.DATE: 5_874_897, FieldType.INSTANT: 294_276}


def moment_text(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """A moment as JSON writes it: 2024-01-01T08:00:00+00:00."""
    return func.json_build_array(moment).op("->>")(literal(0, INTEGER))


def parse_moment(text: str) -> datetime:
    """A moment with its offset as RFC 3339 writes it, in UTC; ValueError for anything else."""
    if INSTANT.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no date-time with its offset")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the calendar") from error


def parse_written(kind: FieldType, text: str) -> str:
    """A DATE or INSTANT as PostgreSQL writes it, for it to read; ValueError for anything else.

    It stays text: the database has years before the first and after the last of Python's.
    """
    if text in ENDLESS:
        return text
    found = WRITTEN[kind].fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no {kind} as it is written")
    said, month, day = (int(found[part]) for part in ("year", "month", "day"))
    year = 1 - said if found["before"] else said
    date(2000 + year % 400, month, day)  # the calendar begins anew after 400 years
    if said == 0 or (year, month, day) < FIRST or year > LAST_YEAR[kind]:
        raise ValueError(f"{text!r} is beyond the calendar")
    return text
