"""What became of schedules: how far each was followed, and the last job that it made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from config.schedule import Schedule, last_due, next_due
from providers.access import Principal
from providers.database import Pools
from providers.job_records import JobStatus
from providers.jobs import SEE_ALL, eyes

# An anonymous job is no schedule's, so that nobody reaches one here.
LAST: LiteralString = """
SELECT n.id, s.cron, s.due, j.id, j.status, j.created_at
FROM unnest(%(schedules)s::text[]) n (id)
LEFT JOIN onemap.schedule s ON s.id = n.id
LEFT JOIN LATERAL (
    SELECT id, status, created_at FROM onemap.job
    WHERE schedule = n.id AND (owner = %(owner)s OR %(all)s)
    ORDER BY created_at DESC LIMIT 1) j ON true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The newest job that a schedule has made and that is kept."""

    job: UUID
    status: JobStatus
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """When a schedule runs next, in the past where it waits for room; and its last run, if any."""

    next: datetime
    last: LastRun | None


def seen_by(schedules: Iterable[Schedule], principal: Principal) -> list[Schedule]:
    """Those in whose name the caller is, and all for those who see all jobs."""
    if principal.anonymous:
        return []
    every = principal.scope.may(SEE_ALL)
    return [one for one in schedules if every or one.key == principal.id]


async def followed(
    pools: Pools, schedules: Iterable[Schedule], principal: Principal, now: datetime
) -> Mapping[str, Followed]:
    """How each of the schedules stands, with the jobs that the caller may see."""
    asked = list(schedules)
    if not asked:
        return {}
    values = {**eyes(principal), "schedules": [one.id for one in asked]}
    async with pools.writing() as connection:
        rows = await (await connection.execute(LAST, values)).fetchall()
    known = {row[0]: row for row in rows}
    found: dict[str, Followed] = {}
    for one in asked:
        _, cron, due, job, status, created = known[one.id]
        before = last_due(one.cron, now)
        waits = cron == one.cron and due < before  # the workers have not dealt with it yet
        last = None if job is None else LastRun(job=job, status=JobStatus(status), created=created)
        found[one.id] = Followed(next=before if waits else next_due(one.cron, now), last=last)
    return found
