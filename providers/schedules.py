"""How far each schedule was followed: its job and the note of it are one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from config.model import Catalogue
from config.schedule import Schedule, last_due
from config.vocabulary import Classification
from providers.access import ALL, Principal, Scope, scope_of
from providers.database import Pools
from providers.job_records import Job, NewJob
from providers.jobs import JobStore
from providers.keys import find_record
from providers.regions import REGION_PATHS, expand

SYSTEM_ID = "system"
NOW: LiteralString = "SELECT clock_timestamp()"
# What is new, or has other times than before, begins with the next of its times.
SEEN: LiteralString = """
INSERT INTO onemap.schedule AS s (id, cron, due) VALUES (%(id)s, %(cron)s, %(due)s)
ON CONFLICT (id) DO UPDATE SET cron = excluded.cron, due = excluded.due WHERE s.cron <> excluded.cron
"""
# Of all workers that look, one takes the row; for the others it is no longer due.
TAKE: LiteralString = """
UPDATE onemap.schedule SET due = %(due)s WHERE id = %(id)s AND cron = %(cron)s AND due < %(due)s
RETURNING id
"""
BY_SCHEDULE: LiteralString = "UPDATE onemap.job SET schedule = %s WHERE id = %s"
FORGET: LiteralString = "DELETE FROM onemap.schedule WHERE id <> ALL(%s)"


class NoSuchOwner(Exception):
    """The key in whose name a schedule runs is not in force, or its role is not declared."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no key {key!r} in force")


@dataclass(frozen=True, slots=True)
class ScheduleStore:
    """Makes the jobs of schedules, each once, over any number of workers."""

    pools: Pools
    jobs: JobStore

    async def keep(self, schedules: frozenset[str]) -> None:
        """Forget the schedules that are no longer declared."""
        async with self.pools.writing() as connection:
            await connection.execute(FORGET, (sorted(schedules),))

    async def follow(
        self, schedule: Schedule, catalogue: Catalogue, new: Callable[[], NewJob]
    ) -> Job | None:
        """The job of a schedule that is due; None where it is not.

        However many times were missed, it is one job.

        Raises
        ------
        NoSuchOwner
            If the schedule's key is not in force; this time is passed over.
        TooManyJobs, QueueFull
            If there is no room for the job; the schedule remains due.
        """
        async with self.pools.writing() as connection:
            due = last_due(schedule.cron, await _now(connection))
            values = {"id": schedule.id, "cron": schedule.cron, "due": due}
            await connection.execute(SEEN, values)
            if await (await connection.execute(TAKE, values)).fetchone() is None:
                return None
            principal = await _principal(connection, schedule, catalogue)
            if principal is not None:
                job = await self.jobs.submit_within(connection, new(), principal)
                await connection.execute(BY_SCHEDULE, (schedule.id, job.id))
                return job
        raise NoSuchOwner(str(schedule.key))


def system() -> Principal:
    """The principal of what the system does by itself: it may do and see everything."""
    scope = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL)
    return Principal(id=SYSTEM_ID, organisation="", person="", role=SYSTEM_ID, scope=scope)


async def _now(connection: AsyncConnection[TupleRow]) -> datetime:
    """The database's clock: one for all workers."""
    row = await (await connection.execute(NOW)).fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


async def _principal(
    connection: AsyncConnection[TupleRow], schedule: Schedule, catalogue: Catalogue
) -> Principal | None:
    if schedule.key is None:
        return system()
    record = await find_record(connection, schedule.key)
    role = catalogue.roles.get(record.role) if record is not None else None
    if record is None or role is None:
        return None
    rows = await (await connection.execute(REGION_PATHS)).fetchall()
    paths = {code: tuple(path) for code, path in rows}
    public = frozenset(one.id for one in catalogue.processes.values() if one.public)
    scope = scope_of(
        role, public=public, regions=record.regions, expand=lambda codes: expand(paths, codes)
    )
    if not scope.may(schedule.process):
        return None
    return Principal(
        id=record.id,
        organisation=record.organisation,
        person=record.person,
        role=record.role,
        scope=scope,
    )
