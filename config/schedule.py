"""When a process is run by itself: five fields of cron, in China's time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter

from config.vocabulary import Text

ZONE = ZoneInfo("Asia/Shanghai")
ANY_TIME = datetime(2026, 1, 1, tzinfo=ZONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A process, its inputs, its times, and in whose name it is run."""

    id: str
    title: Text
    process: str
    inputs: Mapping[str, Any]
    cron: str
    key: str | None  # None: the system's own name


def last_due(cron: str, now: datetime) -> datetime:
    """The latest time not after *now* at which *cron* is due; ValueError where it never is.

    Examples
    --------
    >>> last_due("30 6 * * mon", datetime(2026, 11, 27, 12, tzinfo=ZONE)).isoformat()
    '2026-11-23T06:30:00+08:00'
    """
    local = now.astimezone(ZONE)
    try:
        if croniter.match(cron, local):
            return local.replace(second=0, microsecond=0)
        due: datetime = croniter(cron, local).get_prev(datetime)
    except (ValueError, KeyError) as error:
        raise ValueError(str(error)) from error
    return due


def next_due(cron: str, now: datetime) -> datetime:
    """The first time after *now* at which *cron* is due.

    Examples
    --------
    >>> next_due("30 6 * * mon", datetime(2026, 11, 27, 12, tzinfo=ZONE)).isoformat()
    '2026-11-30T06:30:00+08:00'
    """
    due: datetime = croniter(cron, now.astimezone(ZONE)).get_next(datetime)
    return due


def cron_fault(cron: str) -> str | None:
    """What is wrong with the five fields; None: nothing."""
    try:
        last_due(cron, ANY_TIME)
    except ValueError as error:
        return f"{cron!r} is no time: {error}"
    return None
