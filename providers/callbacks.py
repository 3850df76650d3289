"""Who is told of a job (OGC API Processes 1.0, subscriber): subscriptions, and what became of them.

Rows are written in the transaction that changes the job; what happens to them afterwards changes
no job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from config.remote_hosts import RemoteHost
from processes.spec import BodyError, InvalidBody
from providers.errors import StoreUnavailable
from providers.job_records import JobStatus
from providers.remote_errors import RemoteError
from providers.remote_places import admitted, parse_place
from providers.webhooks import owner_secret, secret_text

TASK, QUEUE = "deliver_callback", "onemap_callbacks"


class Event(StrEnum):
    """What a subscriber is told of."""

    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILED = "failed"

    @classmethod
    def of(cls, status: JobStatus) -> "Event | None":
        """The event that a job's new status is; a dismissal is its owner's own doing."""
        return EVENTS.get(status)


EVENTS: Mapping[JobStatus, Event] = {
    JobStatus.RUNNING: Event.IN_PROGRESS,
    JobStatus.SUCCESSFUL: Event.SUCCESS,
    JobStatus.FAILED: Event.FAILED,
}


class CallbackState(StrEnum):
    """What became of a callback."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"  # for good
    DROPPED = "dropped"  # the job was dismissed before it was told of


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Where to send what."""

    success: str
    in_progress: str | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One callback as the job's owner sees it."""

    id: UUID
    event: Event
    place: str  # the address without its query
    state: CallbackState
    attempts: int
    problem: str | None  # of the last attempt
    due: datetime
    ended: datetime | None


SUBSCRIBE: LiteralString = """
INSERT INTO onemap.subscription (job, success_uri, in_progress_uri, failed_uri)
VALUES (%(job)s, %(success)s, %(in_progress)s, %(failed)s)
"""
ANNOUNCE: LiteralString = """
INSERT INTO onemap.callback (job, event, uri)
SELECT job, %(event)s, uri FROM (
    SELECT job, CASE %(event)s WHEN 'success' THEN success_uri WHEN 'failed' THEN failed_uri
                ELSE in_progress_uri END AS uri
    FROM onemap.subscription WHERE job = %(job)s) AS asked
WHERE uri IS NOT NULL
ON CONFLICT (job, event) DO NOTHING
RETURNING id
"""
OF_JOB: LiteralString = """
SELECT id, event, uri, state, attempts, problem, due_at, ended_at FROM onemap.callback
WHERE job = %(job)s ORDER BY created_at, event
"""


def parse_subscriber(document: Mapping[str, Any], hosts: Sequence[RemoteHost]) -> Subscriber:
    """A subscriber that satisfies its schema; InvalidBody where it may not be called back.

    The network address is looked at when it is called, each time anew.
    """
    errors = []
    for name, uri in document.items():
        try:
            admitted(parse_place(uri), hosts)
        except RemoteError as error:
            errors.append(BodyError(f"/subscriber/{name}", error.said))
    if errors:
        raise InvalidBody(errors)
    return Subscriber(
        success=document["successUri"],
        in_progress=document.get("inProgressUri"),
        failed=document.get("failedUri"),
    )


async def subscribe(
    connection: AsyncConnection[TupleRow], job: UUID, subscriber: Subscriber
) -> None:
    """Note who is told of a job, in the transaction that inserts it."""
    values = {
        "job": job,
        "success": subscriber.success,
        "in_progress": subscriber.in_progress,
        "failed": subscriber.failed,
    }
    await connection.execute(SUBSCRIBE, values)


async def announce(
    connection: AsyncConnection[TupleRow], queue: JobManager, job: UUID, status: JobStatus
) -> None:
    """Have the job's subscriber told of its new status, in the transaction that sets it.

    A status is told of once, however many attempts reach it.
    """
    event = Event.of(status)
    if event is None:
        return
    row = await (await connection.execute(ANNOUNCE, {"job": job, "event": event})).fetchone()
    if row is not None:
        await defer_delivery(connection, queue, row[0], 0, None)


async def defer_delivery(
    connection: AsyncConnection[TupleRow],
    queue: JobManager,
    callback: UUID,
    attempts: int,
    due: datetime | None,
) -> None:
    """Queue the attempt that follows so many others, now or at a time."""
    task = configure_task(
        name=TASK, job_manager=queue, queue=QUEUE, schedule_at=due, connection=connection
    )
    try:
        number = await task.defer_async(callback=str(callback), attempts=attempts)
    except ConnectorException as error:
        raise StoreUnavailable(type(error).__name__) from error
    await connection.execute(
        "UPDATE onemap.callback SET queue_id = %s, due_at = coalesce(%s, clock_timestamp())"
        " WHERE id = %s",
        (number, due, callback),
    )


async def callbacks_of(connection: AsyncConnection[TupleRow], job: UUID) -> list[Callback]:
    """The callbacks of a job that the caller has been found to see."""
    rows = await (await connection.execute(OF_JOB, {"job": job})).fetchall()
    return [_callback(row) for row in rows]


def callback_secret(connection: Connection[TupleRow], owner: str) -> str:
    """What the receivers of an owner's callbacks verify them with."""
    row = connection.execute("SELECT secret FROM onemap.callback_secret").fetchone()
    assert row is not None
    return secret_text(owner_secret(bytes(row[0]), owner))


def _callback(row: TupleRow) -> Callback:
    return Callback(
        id=row[0],
        event=Event(row[1]),
        place=str(parse_place(row[2])),
        state=CallbackState(row[3]),
        attempts=row[4],
        problem=row[5],
        due=row[6],
        ended=row[7],
    )
