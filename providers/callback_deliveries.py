"""Callbacks as their deliverers see them: claimed by attempt, ended, tried again, taken up again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID

import orjson
from procrastinate import PsycopgConnector
from procrastinate.manager import JobManager
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from providers.callbacks import QUEUE, CallbackState, Event, defer_delivery
from providers.database import Pools
from providers.job_documents import references_document, results_document, status_document
from providers.job_records import COLUMNS, Job, JobStatus, job_from
from providers.job_results import FileResult, read_results
from providers.webhooks import owner_secret, wait_after

INLINE_BYTES = 1024 * 1024  # of larger results a subscriber is told where they are
# An attempt ends long before that; whatever is due for longer has lost its task or its worker.
LEASE = timedelta(seconds=60)
LATE = timedelta(seconds=60)
TAKEN_UP_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """One attempt to tell a subscriber."""

    callback: UUID
    job: UUID
    attempts: int  # this one counted
    uri: str
    content: bytes
    secret: bytes

    def __repr__(self) -> str:  # neither secret nor address belongs into a log
        return f"Delivery({self.callback}, attempt {self.attempts})"


OF_JOB: LiteralString = ", ".join("j." + name.strip() for name in COLUMNS.split(","))
CLAIM: LiteralString = f"""
UPDATE onemap.callback c
SET attempts = c.attempts + 1, due_at = clock_timestamp() + %(lease)s
FROM onemap.job j
WHERE c.id = %(callback)s AND c.state = 'waiting' AND c.attempts = %(attempts)s AND j.id = c.job
RETURNING c.attempts, c.event, c.uri, {OF_JOB}
"""
# Every later write of an attempt holds this: one that was given up changes nothing.
CURRENT: LiteralString = "id = %(callback)s AND state = 'waiting' AND attempts = %(attempts)s"
END: LiteralString = f"""
UPDATE onemap.callback
SET state = %(state)s, problem = %(problem)s, ended_at = clock_timestamp() WHERE {CURRENT}
"""
AGAIN: LiteralString = f"UPDATE onemap.callback SET problem = %(problem)s WHERE {CURRENT}"
SMALL: LiteralString = """
SELECT bool_and(file IS NULL) AND sum(octet_length(coalesce(value, ''))) <= %(most)s
FROM onemap.job_result WHERE job = %(job)s
"""
OVERDUE: LiteralString = """
SELECT c.id, c.attempts FROM onemap.callback c
WHERE c.state = 'waiting' AND c.due_at < clock_timestamp() - %(late)s
  AND NOT EXISTS (
    SELECT FROM procrastinate.procrastinate_jobs q
    WHERE q.id = c.queue_id AND q.status = 'todo')
ORDER BY c.due_at LIMIT %(most)s FOR UPDATE OF c SKIP LOCKED
"""
ABANDONED: LiteralString = """
DELETE FROM procrastinate.procrastinate_jobs q
WHERE q.queue_name = %(queue)s AND q.status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate.procrastinate_workers w
    WHERE w.id = q.worker_id AND w.last_heartbeat > clock_timestamp() - %(late)s)
"""
SECRET: LiteralString = "SELECT secret FROM onemap.callback_secret"


class CallbackStore:
    """Claims deliveries and notes how they ended."""

    def __init__(self, pools: Pools, base: str) -> None:
        self._pools, self._base = pools, base
        self._queue = JobManager(PsycopgConnector())  # only ever used on a given connection

    async def claim(self, callback: UUID, attempts: int) -> Delivery | None:
        """The attempt that follows so many others; None where it is ended or somebody else's."""
        values = {"callback": callback, "attempts": attempts, "lease": LEASE}
        async with self._pools.writing() as connection:
            row = await (await connection.execute(CLAIM, values)).fetchone()
            if row is None:
                return None
            event, job = Event(row[1]), job_from(row[3:])
            if job.status is JobStatus.DISMISSED:
                end = {"state": CallbackState.DROPPED, "problem": None}
                await connection.execute(END, {**values, **end, "attempts": row[0]})
                return None
            secret = await (await connection.execute(SECRET)).fetchone()
            assert secret is not None
            return Delivery(
                callback=callback,
                job=job.id,
                attempts=row[0],
                uri=row[2],
                content=await self._content(connection, event, job),
                secret=owner_secret(bytes(secret[0]), job.owner),
            )

    async def delivered(self, delivery: Delivery) -> None:
        """The subscriber took it."""
        values = {**_attempt(delivery), "state": CallbackState.DELIVERED, "problem": None}
        async with self._pools.writing() as connection:
            await connection.execute(END, values)

    async def refused(self, delivery: Delivery, problem: str, *, for_good: bool) -> bool:
        """Note why it was not taken; whether it is tried again."""
        wait = None if for_good else wait_after(delivery.attempts)
        values = {**_attempt(delivery), "state": CallbackState.FAILED, "problem": problem[:500]}
        async with self._pools.writing() as connection:
            if wait is None:
                await connection.execute(END, values)
            elif (await connection.execute(AGAIN, values)).rowcount > 0:
                due = datetime.now(UTC) + wait
                await defer_delivery(
                    connection, self._queue, delivery.callback, delivery.attempts, due
                )
        return wait is not None

    async def take_up(self, late: timedelta = LATE) -> int:
        """Queue again what is overdue: its worker died, or its task is lost; how many."""
        values = {"late": late, "most": TAKEN_UP_AT_ONCE, "queue": QUEUE}
        async with self._pools.writing() as connection:
            rows = await (await connection.execute(OVERDUE, values)).fetchall()
            for callback, attempts in rows:
                await defer_delivery(connection, self._queue, callback, attempts, None)
            await connection.execute(ABANDONED, values)
        return len(rows)

    async def _content(
        self, connection: AsyncConnection[TupleRow], event: Event, job: Job
    ) -> bytes:
        """The results of a success, as the standard has it; else the job's status."""
        if event is not Event.SUCCESS:
            return orjson.dumps(status_document(job, self._base))
        values = {"job": job.id, "most": INLINE_BYTES}
        small = (await (await connection.execute(SMALL, values)).fetchone() or (False,))[0]
        found = await read_results(connection, job.id) if small else {}
        told = [r for n, r in found.items() if n in job.outputs and not isinstance(r, FileResult)]
        if told:
            return orjson.dumps(results_document(told, self._base))
        return orjson.dumps(references_document(job.outputs, job, self._base))


def _attempt(delivery: Delivery) -> dict[str, object]:
    return {"callback": delivery.callback, "attempts": delivery.attempts}
