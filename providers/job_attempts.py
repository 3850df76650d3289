"""Jobs as their workers see them: attempts, fenced by number, and the reclaiming of lost ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.manager import JobManager
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from providers.access import Scope
from providers.callbacks import announce
from providers.database import Pools
from providers.errors import StoreUnavailable
from providers.job_records import JobStatus, scope_from
from providers.job_results import STORAGE_FULL, Made, forget_spools, write_results
from providers.jobs import ANONYMOUS_QUEUE, KEYED_QUEUE, defer

MAX_LOST = 2  # the second death is the job's own doing, most likely
DIED = {
    "reason": "died",
    "detail": "The computation ended without an answer, twice; it may need too much memory.",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attempt:
    """One try at a job: what it was asked, by whom, and which try it is."""

    job: UUID
    number: int
    process: str
    owner: str
    scope: Scope
    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    as_collection: tuple[str, ...] = ()
    organisation: str = ""
    person: str = ""


# What the database says of results that it will not take, however often they are brought.
UNSTORABLE: Sequence[tuple[type[psycopg.Error], Mapping[str, Any]]] = (
    (psycopg.errors.DiskFull, STORAGE_FULL),
    (
        psycopg.errors.ProgramLimitExceeded,
        {
            "reason": "no_collection",
            "detail": "A feature is too large to be a row of a collection.",
        },
    ),
)
START: LiteralString = """
UPDATE onemap.job
SET status = 'running', attempt = attempt + 1, beat_at = clock_timestamp(), progress = 0,
    message = 'Running', started_at = coalesce(started_at, clock_timestamp()),
    updated_at = clock_timestamp()
WHERE id = %(job)s AND status = 'accepted'
RETURNING id, attempt, process, owner, scope, inputs, outputs, as_collection, organisation, person
"""
# Every later write of an attempt holds this: a lost attempt that still lives changes nothing.
CURRENT: LiteralString = "id = %(job)s AND attempt = %(number)s AND status = 'running'"
# The row itself says how long it is kept; that begins when the job has ended.
EXPIRES: LiteralString = "expires_at = clock_timestamp() + (expires_at - created_at)"
MINE: LiteralString = f"SELECT FROM onemap.job WHERE {CURRENT}"
REPORT: LiteralString = f"""
UPDATE onemap.job
SET progress = %(progress)s, message = %(message)s, steps = coalesce(%(steps)s, steps),
    updated_at = clock_timestamp()
WHERE {CURRENT}
"""
FINISH: LiteralString = f"""
UPDATE onemap.job
SET status = 'successful', progress = 100, message = 'Finished', lineage = %(lineage)s,
    {EXPIRES}, finished_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE {CURRENT}
"""
FAIL: LiteralString = f"""
UPDATE onemap.job
SET status = 'failed', message = %(message)s, error = %(error)s, {EXPIRES},
    finished_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE {CURRENT}
"""
RELEASE: LiteralString = f"""
UPDATE onemap.job SET status = 'accepted', message = 'Waiting again', updated_at = clock_timestamp()
WHERE {CURRENT}
"""
LOSE: LiteralString = """
UPDATE onemap.job
SET lost = lost + 1,
    status = CASE WHEN lost + 1 < %(max_lost)s THEN 'accepted' ELSE 'failed' END,
    message = CASE WHEN lost + 1 < %(max_lost)s THEN 'Waiting again' ELSE 'It died twice' END,
    error = CASE WHEN lost + 1 < %(max_lost)s THEN NULL ELSE %(died)s::jsonb END,
    finished_at = CASE WHEN lost + 1 < %(max_lost)s THEN NULL ELSE clock_timestamp() END,
    expires_at = CASE WHEN lost + 1 < %(max_lost)s THEN expires_at
                      ELSE clock_timestamp() + (expires_at - created_at) END,
    updated_at = clock_timestamp()
"""
LOSE_ONE: LiteralString = f"{LOSE} WHERE {CURRENT} RETURNING status"
LOSE_STALLED: LiteralString = f"""
{LOSE} WHERE id IN (
    SELECT id FROM onemap.job
    WHERE status = 'running' AND beat_at < clock_timestamp() - %(stalled)s
    FOR UPDATE SKIP LOCKED)
RETURNING id, owner, status
"""
# Accepted, but its task is gone, or was taken by a worker that is gone.
ORPHANED: LiteralString = """
SELECT j.id, j.owner FROM onemap.job j
WHERE j.status = 'accepted' AND j.updated_at < clock_timestamp() - %(stalled)s
  AND NOT EXISTS (
    SELECT FROM procrastinate.procrastinate_jobs q
    LEFT JOIN procrastinate.procrastinate_workers w ON w.id = q.worker_id
    WHERE q.id = j.queue_id AND (q.status = 'todo'
       OR (q.status = 'doing' AND w.last_heartbeat > clock_timestamp() - %(stalled)s)))
FOR UPDATE OF j SKIP LOCKED
"""
# Taken by a worker that is gone; while its attempt still beats it is not, whatever the queue says:
# after an outage each worker that comes back strikes the others off the queue's own list.
ABANDONED: LiteralString = """
DELETE FROM procrastinate.procrastinate_jobs q
WHERE q.queue_name = ANY(%(queues)s) AND q.status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate.procrastinate_workers w
    WHERE w.id = q.worker_id AND w.last_heartbeat > clock_timestamp() - %(stalled)s)
  AND NOT EXISTS (
    SELECT FROM onemap.job j
    WHERE j.queue_id = q.id AND j.status = 'running'
      AND j.beat_at > clock_timestamp() - %(stalled)s)
"""
BEAT: LiteralString = """
UPDATE onemap.job j SET beat_at = clock_timestamp()
FROM unnest(%(jobs)s::uuid[], %(numbers)s::integer[]) AS r (job, number)
WHERE j.id = r.job AND j.attempt = r.number AND j.status = 'running'
"""
PURGE: LiteralString = """
DELETE FROM onemap.job
WHERE expires_at < clock_timestamp() AND status NOT IN ('accepted', 'running')
"""


class AttemptStore:
    """Starts, reports and ends attempts."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._queue = JobManager(PsycopgConnector())  # only ever used on a given connection

    async def start(self, job: UUID) -> Attempt | None:
        """The next attempt; None where the job has ended or is somebody else's."""
        async with self._pools.writing() as connection:
            row = await (await connection.execute(START, {"job": job})).fetchone()
            if row is None:
                return None
            await announce(connection, self._queue, job, JobStatus.RUNNING)
        return Attempt(
            job=row[0],
            number=row[1],
            process=row[2],
            owner=row[3],
            scope=scope_from(row[4]),
            inputs=row[5],
            outputs=tuple(row[6]),
            as_collection=tuple(row[7]),
            organisation=row[8],
            person=row[9],
        )

    async def report(
        self,
        attempt: Attempt,
        progress: int,
        message: str,
        steps: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Say how far the attempt is, and each of its processes where it has several."""
        told = Jsonb(list(steps)) if steps else None
        values = {**_place(attempt), "progress": progress, "message": message, "steps": told}
        async with self._pools.writing() as connection:
            await connection.execute(REPORT, values)

    async def finish(
        self, attempt: Attempt, results: Sequence[Made], lineage: Mapping[str, Any]
    ) -> bool:
        """Commit results and status together; False where the attempt is no longer the job's.

        Tables come first and the status last: until then the job can be dismissed. Where the
        database does not take the results, for lack of room or their size, the job fails with that
        reason.
        """
        values = {**_place(attempt), "lineage": Jsonb(dict(lineage))}
        try:
            async with self._pools.writing() as connection:
                if (await connection.execute(MINE, values)).rowcount == 0:
                    return False
                await write_results(connection, attempt.job, results)
                if (await connection.execute(FINISH, values)).rowcount == 0:
                    await connection.rollback()
                    return False
                await announce(connection, self._queue, attempt.job, JobStatus.SUCCESSFUL)
        except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable):
            return False  # another attempt has committed its results meanwhile
        except StoreUnavailable as error:
            for cause, failure in UNSTORABLE:
                if isinstance(error.__cause__, cause):
                    return await self.fail(attempt, failure)
            raise
        await forget_spools(results)
        return True

    async def fail(self, attempt: Attempt, error: Mapping[str, Any]) -> bool:
        """End the job with its problem."""
        said = {"message": str(error["detail"])[:500], "error": Jsonb(dict(error))}
        async with self._pools.writing() as connection:
            done = await connection.execute(FAIL, {**_place(attempt), **said})
            if done.rowcount > 0:
                await announce(connection, self._queue, attempt.job, JobStatus.FAILED)
        return done.rowcount > 0

    async def release(self, attempt: Attempt) -> None:
        """Queue the job again without blame: the worker stops."""
        async with self._pools.writing() as connection:
            if (await connection.execute(RELEASE, _place(attempt))).rowcount > 0:
                await self._defer(connection, attempt.job, attempt.owner)

    async def lose(self, attempt: Attempt) -> bool:
        """Note that the attempt's computation died; whether the job may be tried again."""
        values = {**_place(attempt), "max_lost": MAX_LOST, "died": Jsonb(DIED)}
        async with self._pools.writing() as connection:
            row = await (await connection.execute(LOSE_ONE, values)).fetchone()
            if row is not None:
                await announce(connection, self._queue, attempt.job, JobStatus(row[0]))
        return row is not None and row[0] == "accepted"

    async def beat(self, attempts: Sequence[Attempt]) -> None:
        """A sign of life for every attempt under way here."""
        values = {"jobs": [a.job for a in attempts], "numbers": [a.number for a in attempts]}
        async with self._pools.writing() as connection:
            await connection.execute(BEAT, values)

    async def reclaim(self, stalled: timedelta) -> list[UUID]:
        """Queue again what a dead worker left, drop what has expired; the jobs queued again."""
        values = {
            "stalled": stalled,
            "max_lost": MAX_LOST,
            "died": Jsonb(DIED),
            "queues": [KEYED_QUEUE, ANONYMOUS_QUEUE],
        }
        async with self._pools.writing() as connection:
            rows = await (await connection.execute(LOSE_STALLED, values)).fetchall()
            for row in rows:
                await announce(connection, self._queue, row[0], JobStatus(row[2]))
            orphans = await (await connection.execute(ORPHANED, values)).fetchall()
            again = [(r[0], r[1]) for r in rows if r[2] == "accepted"] + orphans
            for job, owner in again:
                await self._defer(connection, job, owner)
            await connection.execute(ABANDONED, values)
            await connection.execute(PURGE)
        return [job for job, _ in again]

    async def end_backend(self, pid: int) -> None:
        """End the statement of a computation that was killed; its backend may not notice alone."""
        async with self._pools.writing() as connection:
            await connection.execute("SET LOCAL ROLE NONE")  # the login role owns its backends
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid = %s AND usename = session_user",
                (pid,),
            )

    async def _defer(self, connection: AsyncConnection[TupleRow], job: UUID, owner: str) -> None:
        queue_id = await defer(self._queue, connection, job, owner)
        await connection.execute(
            "UPDATE onemap.job SET queue_id = %s, updated_at = clock_timestamp() WHERE id = %s",
            (queue_id, job),
        )


def _place(attempt: Attempt) -> dict[str, object]:
    return {"job": attempt.job, "number": attempt.number}
