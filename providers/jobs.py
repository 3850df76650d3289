"""Jobs as their owners see them: submit, look up, list, wait, read results, dismiss."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from processes.spec import BodyError, InvalidBody
from providers.access import ANONYMOUS_ID, Principal
from providers.callbacks import Callback, Subscriber, callbacks_of, subscribe
from providers.database import Pools
from providers.errors import NotFound, StoreUnavailable
from providers.idempotency import made_before
from providers.job_queue import WAITING, make_sure_of_room
from providers.job_records import (
    COLUMNS,
    Job,
    JobPage,
    JobQuery,
    JobStatus,
    NewJob,
    cursor,
    job_from,
    scope_document,
)
from providers.job_results import Kept, forget_results, read_results
from providers.job_watch import JobWatch, watching_jobs

TASK = "run_job"
# Two queues, for whom a worker has different numbers of slots: strangers never fill them all.
KEYED_QUEUE, ANONYMOUS_QUEUE = "onemap", "onemap_anonymous"
SEE_ALL = "jobs:all"  # the function that lets an administrator see every owner's jobs
RETRY_AFTER_S = 5
DAYS = 30  # for which an ended job is kept where nobody says otherwise
MISSED_NOTIFICATION_S = 2.0  # a waiter looks for itself this often


class NoSuchJob(Exception):
    """No job of this id, or none that this caller may see."""

    def __init__(self, job: object) -> None:
        super().__init__(f"no job {str(job)[:200]!r}")
        self.job = str(job)[:200]


class ResultNotReady(Exception):
    """The job has not ended yet."""

    def __init__(self, job: UUID) -> None:
        super().__init__(f"job {job} has not ended yet")
        self.job = str(job)


class TooManyJobs(Exception):
    """The caller has as many unfinished jobs of this process as its entry allows."""

    def __init__(self, process: str, limit: int) -> None:
        super().__init__(f"at most {limit} unfinished jobs of {process!r} for one caller")
        self.process, self.limit, self.retry_after_s = process, limit, RETRY_AFTER_S


class JobFailed(Exception):
    """The job ended without a result; `detail` is written for the caller and safe to show."""

    def __init__(self, job: UUID, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.job, self.reason, self.detail = str(job), reason, detail


# An anonymous job belongs to whoever knows its id.
VISIBLE: LiteralString = "(owner = %(owner)s OR owner = %(anonymous)s OR %(all)s)"
INSERT: LiteralString = f"""
INSERT INTO onemap.job (id, process, process_version, owner, organisation, person, scope, inputs,
                        outputs, by_reference, response, catalogue, queue_id, once_key,
                        once_digest, as_collection, expires_at, steps)
VALUES (%(id)s, %(process)s, %(version)s, %(owner)s, %(organisation)s, %(person)s, %(scope)s,
        %(inputs)s, %(outputs)s, %(by_reference)s, %(response)s, %(catalogue)s, %(queue_id)s,
        %(once_key)s, %(once_digest)s, %(as_collection)s,
        clock_timestamp() + %(keep)s, %(steps)s)
RETURNING {COLUMNS}
"""
UNFINISHED: LiteralString = """
SELECT count(*) FROM onemap.job
WHERE process = %(process)s AND owner = %(owner)s AND status IN ('accepted', 'running')
"""
GET: LiteralString = f"SELECT {COLUMNS} FROM onemap.job WHERE id = %(id)s AND {VISIBLE}"
LASTS: LiteralString = "extract(epoch FROM coalesce(finished_at, clock_timestamp()) - started_at)"
LIST: LiteralString = f"""
SELECT {COLUMNS} FROM onemap.job
WHERE (%(all)s OR (owner = %(owner)s AND owner <> %(anonymous)s))
  AND status = ANY(%(statuses)s)
  AND (%(processes)s::text[] IS NULL OR process = ANY(%(processes)s))
  AND (%(created)s::timestamptz IS NULL OR (created_at, id) < (%(created)s, %(id)s::uuid))
  AND (%(created_from)s::timestamptz IS NULL OR created_at >= %(created_from)s)
  AND (%(created_to)s::timestamptz IS NULL OR created_at <= %(created_to)s)
  AND (%(shortest)s::integer IS NULL OR {LASTS} >= %(shortest)s)
  AND (%(longest)s::integer IS NULL OR {LASTS} <= %(longest)s)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
DISMISS: LiteralString = f"""
UPDATE onemap.job
SET status = 'dismissed', message = 'Dismissed', updated_at = clock_timestamp(),
    finished_at = coalesce(finished_at, clock_timestamp()),
    expires_at = CASE WHEN finished_at IS NULL THEN clock_timestamp() + (expires_at - created_at)
                      ELSE expires_at END
WHERE id = %(id)s AND {VISIBLE} AND status <> 'dismissed'
  AND (%(ended)s OR status IN ('accepted', 'running'))
RETURNING queue_id
"""


class JobStore:
    """Jobs under the eyes of a principal; opened by `open_jobs`."""

    def __init__(self, pools: Pools, watch: JobWatch, keep: timedelta, waiting: int) -> None:
        self._pools, self._watch, self._keep, self._waiting = pools, watch, keep, waiting
        self._queue = JobManager(PsycopgConnector())  # only ever used on a given connection

    async def submit(
        self, new: NewJob, principal: Principal, subscriber: Subscriber | None = None
    ) -> Job:
        """Insert the job and defer its task in one transaction; TooManyJobs or QueueFull beyond a limit.

        What was made before under the same idempotency key is given again.
        """
        async with self._pools.writing() as connection:
            return await self.submit_within(connection, new, principal, subscriber)

    async def submit_within(
        self,
        connection: AsyncConnection[TupleRow],
        new: NewJob,
        principal: Principal,
        subscriber: Subscriber | None = None,
    ) -> Job:
        """The same in a transaction that does more."""
        name = uuid4()
        values = {
            "id": name,
            "process": new.process,
            "version": new.process_version,
            "owner": principal.id,
            "organisation": principal.organisation,
            "person": principal.person,
            "scope": Jsonb(scope_document(principal.scope)),
            "inputs": Jsonb(dict(new.inputs)),
            "outputs": list(new.outputs),
            "by_reference": list(new.by_reference),
            "as_collection": list(new.as_collection),
            "keep": self._keep,
            "response": new.response,
            "catalogue": new.catalogue,
            "steps": Jsonb(list(new.steps)) if new.steps else None,
            "once_key": new.once.key if new.once else None,
            "once_digest": new.once.digest if new.once else None,
        }
        lock = f"onemap/jobs/{new.process}/{principal.id}"
        if new.once and (job := await made_before(connection, new.once, principal.id)):
            return job
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,))
        unfinished = await _row(connection, UNFINISHED, values)
        if unfinished is not None and unfinished[0] >= new.per_owner:
            raise TooManyJobs(new.process, new.per_owner)
        await make_sure_of_room(connection, self._waiting)
        queue_id = await defer(self._queue, connection, name, principal.id)
        row = await _row(connection, INSERT, {**values, "queue_id": queue_id})
        if subscriber is not None:
            await subscribe(connection, name, subscriber)
        assert row is not None
        return job_from(row)

    async def get(self, name: UUID, principal: Principal) -> Job:
        """The job, if this caller may see it."""
        async with self._pools.writing() as connection:
            row = await _row(connection, GET, {"id": name, **eyes(principal)})
        if row is None:
            raise NoSuchJob(name)
        return job_from(row)

    async def callbacks(self, job: Job) -> Sequence[Callback]:
        """What became of the callbacks of a job that the caller sees."""
        async with self._pools.writing() as connection:
            return await callbacks_of(connection, job.id)

    async def list(self, query: JobQuery, principal: Principal) -> JobPage:
        """One page of the caller's own jobs, or of all for those who may see all."""
        values = {**query.parameters, **eyes(principal)}
        async with self._pools.writing() as connection:
            rows = await (await connection.execute(LIST, values)).fetchall()
        jobs = tuple(map(job_from, rows[: query.limit]))
        return JobPage(jobs=jobs, cursor=cursor(jobs[-1]) if len(rows) > query.limit else None)

    async def wait(self, name: UUID, principal: Principal, seconds: float) -> Job:
        """The job once it has ended, or as it stands after *seconds*."""
        with self._watch.listening(name) as news:
            job = await self.get(name, principal)
            end = news.now() + seconds
            while not job.status.final and (left := end - news.now()) > 0:
                await news.within(min(left, MISSED_NOTIFICATION_S))
                job = await self.get(name, principal)
        return job

    async def results(self, name: UUID, principal: Principal) -> tuple[Job, Sequence[Kept]]:
        """The ended job with the outputs that were asked for.

        Raises
        ------
        NoSuchJob, ResultNotReady, JobFailed, InvalidBody
            As the job stands; InvalidBody where the worker found the inputs wrong.
        """
        job = await self.get(name, principal)
        match job.status:
            case JobStatus.ACCEPTED | JobStatus.RUNNING:
                raise ResultNotReady(name)
            case JobStatus.DISMISSED:
                raise NotFound("result of the dismissed job", str(name))
            case JobStatus.FAILED:
                raise failure(job)
        async with self._pools.writing() as connection:
            found = await read_results(connection, name)
        if missing := set(job.outputs) - found.keys():  # dismissed or expired in this very moment
            raise NotFound("result", min(missing))
        return job, [found[output] for output in job.outputs]

    async def dismiss(self, name: UUID, principal: Principal, *, ended: bool = True) -> Job:
        """End the job's work, drop its results; it stays as dismissed. Without *ended*: if unfinished."""
        async with self._pools.writing() as connection:
            values = {"id": name, "ended": ended, **eyes(principal)}
            row = await _row(connection, DISMISS, values)
            if row is not None:
                await forget_results(connection, name)
                if row[0] is not None:
                    await connection.execute(
                        "SELECT procrastinate_cancel_job_v1(%s, true, true)", (row[0],)
                    )
        return await self.get(name, principal)


@asynccontextmanager
async def open_jobs(
    url: str, pools: Pools, keep: timedelta = timedelta(days=DAYS), waiting: int = WAITING
) -> AsyncIterator[JobStore]:
    """The store with its one listening connection; ended jobs are kept so long."""
    async with watching_jobs(url) as watch:
        yield JobStore(pools, watch, keep, waiting)


async def defer(
    manager: JobManager, connection: AsyncConnection[TupleRow], name: UUID, owner: str
) -> int:
    """Queue the job's task in the connection's own transaction; the queue's number for it."""
    queue = ANONYMOUS_QUEUE if owner == ANONYMOUS_ID else KEYED_QUEUE
    task = configure_task(name=TASK, job_manager=manager, queue=queue, connection=connection)
    try:
        return int(await task.defer_async(job=str(name)))
    except ConnectorException as error:
        raise StoreUnavailable(type(error).__name__) from error


def job_id(text: str) -> UUID:
    """A job id as it stands in a URL."""
    try:
        name = UUID(text)
    except ValueError:
        raise NoSuchJob(text) from None
    if str(name) != text:
        raise NoSuchJob(text)
    return name


def failure(job: Job) -> Exception:
    """What a failed job's results are: its problem."""
    error = job.error or {}
    if errors := error.get("errors"):
        return InvalidBody([BodyError(*e) for e in errors])
    return JobFailed(job.id, error.get("reason", "error"), error.get("detail", "The job failed."))


def eyes(principal: Principal) -> dict[str, object]:
    """What VISIBLE takes: whose jobs the caller sees."""
    return {
        "owner": principal.id,
        "anonymous": ANONYMOUS_ID,
        "all": not principal.anonymous and principal.scope.may(SEE_ALL),
    }


async def _row(
    connection: AsyncConnection[TupleRow], statement: LiteralString, values: Mapping[str, Any]
) -> TupleRow | None:
    return await (await connection.execute(statement, values)).fetchone()
