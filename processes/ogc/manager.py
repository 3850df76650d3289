"""The manager that pygeoapi sees: the same jobs, queue and workers as our own endpoints."""

import asyncio
import atexit
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cached_property
from threading import Lock, Thread
from typing import Any
from uuid import UUID

import orjson
from pygeoapi.process.base import JobNotFoundError, JobResultNotFoundError
from pygeoapi.process.manager.base import BaseManager
from pygeoapi.util import JobStatus as UpstreamStatus
from pygeoapi.util import RequestedProcessExecutionMode, RequestedResponse, Subscriber

from config.settings import Settings
from config.vocabulary import ExecutionMode
from processes.ogc.processor import REFUSALS, Refused, SpecProcessor
from processes.spec import JSON, BodyError, InvalidBody, charset
from providers.access import ANONYMOUS_ID, Principal
from providers.callbacks import Subscriber as CallbackTo
from providers.callbacks import parse_subscriber
from providers.database import open_pools
from providers.errors import NotFound, OutlastedWait
from providers.job_documents import collection_link
from providers.job_records import Job, JobQuery, JobStatus, NewJob, Result
from providers.job_results import FileResult, Kept, LayerResult
from providers.jobs import JobStore, NoSuchJob, ResultNotReady, job_id, open_jobs
from providers.pygeoapi.caller import scope_of_caller
from providers.pygeoapi.source import DATABASE_VARIABLE, catalogue
from providers.result_files import ResultFiles

ASYNC = RequestedProcessExecutionMode.respond_async
NOT_GIVEN: tuple[type[Exception], ...] = (ResultNotReady, NotFound, *REFUSALS)
MAX_PAGE = 1_000  # what upstream can page through with limit and offset

type Executed = tuple[str, str | None, Any, UpstreamStatus, dict[str, str]]


class JobManager(BaseManager):  # type: ignore[misc]
    """Jobs of the principal that the configuration block names."""

    def __init__(self, manager_def: Mapping[str, Any]) -> None:
        super().__init__(dict(manager_def))
        self.is_async = self.supports_subscribing = True
        self._block = dict(manager_def)
        self._store = _Store()

    def execute_process(
        self,
        process_id: str,
        data_dict: Mapping[str, Any],
        execution_mode: RequestedProcessExecutionMode | None = None,
        requested_outputs: Mapping[str, Any] | None = None,
        subscriber: Subscriber | None = None,
        requested_response: str | None = RequestedResponse.raw.value,
    ) -> Executed:
        """Validate, submit, and wait for the result unless it is to come later.

        Callbacks are our workers' to make, within their bounds; upstream's own are not used.
        """
        processor: SpecProcessor = self.get_processor(process_id)
        body: dict[str, Any] = {"inputs": data_dict, "response": requested_response or "raw"}
        if requested_outputs:
            body["outputs"] = requested_outputs
        if subscriber is not None:
            body["subscriber"] = _plain(subscriber)
        execution, settings = processor.parse(body), Settings.from_environ()
        modes = processor.entry.execution
        if execution.as_collection:
            where = f"/outputs/{execution.as_collection[0]}/format/mediaType"
            raise Refused(InvalidBody([BodyError(where, "results as layers are not offered")]))
        new = NewJob(
            process=processor.entry.id,
            process_version=processor.spec.version,
            inputs=execution.inputs,
            outputs=execution.outputs,
            by_reference=execution.by_reference,
            response=execution.response,
            catalogue=catalogue().digest,
            per_owner=processor.entry.limits["per_owner"],
        )
        later = ExecutionMode.SYNC not in modes or (
            execution_mode is ASYNC and ExecutionMode.ASYNC in modes
        )
        patience_s = 0.0 if later else settings.sync_wait_s
        try:
            told = None
            if execution.subscriber is not None:
                told = parse_subscriber(execution.subscriber, settings.callback_hosts)
            job = self._store.submitted(new, self._principal, patience_s, told)
            if not job.status.final:
                if ExecutionMode.ASYNC not in modes:
                    self._store.dismissed(job.id, self._principal)
                    raise OutlastedWait(processor.entry.id, patience_s)
                applied = {"Preference-Applied": ASYNC.value}
                return str(job.id), JSON, None, UpstreamStatus.accepted, applied
            job, results = self._store.results(job.id, self._principal)
        except REFUSALS as error:
            raise Refused(error) from error
        media_type, value, headers = _answered(job, results, settings.public_url)
        return str(job.id), media_type, value, UpstreamStatus.successful, headers

    def get_jobs(
        self, status: Any = None, limit: int | None = None, offset: int | None = None
    ) -> dict[str, Any]:
        """The principal's jobs; anonymous ones are reached only by their id."""
        wanted = min((limit or MAX_PAGE) + (offset or 0), MAX_PAGE)
        statuses = (
            tuple(JobStatus) if status is None else (JobStatus(getattr(status, "value", status)),)
        )
        page = self._store.listed(JobQuery(limit=wanted, statuses=statuses), self._principal)
        jobs = [_described(job) for job in page[(offset or 0) :]]
        return {"jobs": jobs, "numberMatched": len(page)}

    def get_job(self, job_id: str) -> dict[str, Any]:
        """One job's state."""
        return _described(self._job(job_id))

    def get_job_result(self, job_id: str) -> tuple[str, Any]:
        """The result of a job that has ended well."""
        job = self._job(job_id)
        try:
            return _told(*self._store.results(job.id, self._principal))
        except NOT_GIVEN as error:
            raise JobResultNotFoundError(str(error)) from error

    def delete_job(self, job_id: str) -> bool:
        """Dismiss: the work ends, the results go."""
        return self._store.dismissed(self._job(job_id).id, self._principal)

    @property
    def _principal(self) -> Principal:
        scope = scope_of_caller(self._block, catalogue())
        return Principal(
            id=ANONYMOUS_ID, organisation="", person="", role=ANONYMOUS_ID, scope=scope
        )

    def _job(self, text: str) -> Job:
        try:
            return self._store.found(text, self._principal)
        except NoSuchJob as error:
            raise JobNotFoundError(str(error)) from error


def _told(job: Job, results: list[Result]) -> tuple[str, Any]:
    """A single raw output as it is; else the document by output."""
    values = {
        r.output: orjson.loads(r.value)
        if r.media_type == JSON
        else r.value.decode(charset(r.media_type))
        for r in results
    }
    if job.response == "raw" and len(results) == 1:
        return results[0].media_type, values[results[0].output]
    qualified = {
        name: {"value": value, "mediaType": JSON} if isinstance(value, dict) else value
        for name, value in values.items()
    }
    return JSON, qualified


def _whole(one: Kept, settings: Settings) -> Result:
    """A result in memory: upstream sends nothing piece by piece, and has no layers but its own."""
    match one:
        case FileResult(output=output, media_type=media_type, kept=kept):
            files = ResultFiles.within(settings.store)
            value = b"".join(files.pieces(kept))
            return Result(output=output, media_type=media_type, value=value)
        case LayerResult(output=output):
            document = collection_link(one, settings.public_url)
            return Result(output=output, media_type=JSON, value=orjson.dumps(document))
        case Result():
            return one


def _answered(job: Job, results: list[Result], base: str) -> tuple[str, Any, dict[str, str]]:
    """What an execution answers: what was asked for by reference is found at the job's results.

    Upstream has no address for one output of several, and can answer no 204: where nothing is asked
    for by value, a raw answer holds the references, too.
    """
    there = f"{base}/jobs/{job.id}/results?f=json"
    links = {
        name: {"href": there, "rel": name, "type": JSON, "title": name} for name in job.by_reference
    }
    values = [r for r in results if r.output not in links]
    if job.response == "document" or not values:
        value = (_told(job, values)[1] if values else {}) | links
        return JSON, value, {}
    media_type, value = _told(job, values)
    said = ", ".join(f'<{there}>; rel="{name}"; type="{JSON}"' for name in links)
    return media_type, value, {"Link": said} if said else {}


def _plain(subscriber: Subscriber) -> dict[str, str]:
    """The subscriber as the standard writes it."""
    uris = {
        "successUri": subscriber.success_uri,
        "inProgressUri": subscriber.in_progress_uri,
        "failedUri": subscriber.failed_uri,
    }
    return {name: uri for name, uri in uris.items() if uri is not None}


def _described(job: Job) -> dict[str, Any]:
    """The names under which upstream reads a job."""
    return {
        "type": "process",
        "identifier": str(job.id),
        "process_id": job.process,
        "status": job.status.value,
        "message": job.message,
        "progress": job.progress,
        "mimetype": JSON,
        "created": job.created,
        "started": job.started or job.created,  # upstream sorts by it
        "finished": job.finished,
        "updated": job.updated,
    }


class _Store:
    """The asynchronous store for upstream's threads, on an event loop of its own."""

    def __init__(self) -> None:
        self._opening = Lock()

    def submitted(
        self, new: NewJob, principal: Principal, patience_s: float, told: CallbackTo | None
    ) -> Job:
        async def work(store: JobStore) -> Job:
            job = await store.submit(new, principal, told)
            return await store.wait(job.id, principal, patience_s) if patience_s > 0 else job

        return self._run(work)

    def found(self, text: str, principal: Principal) -> Job:
        name = job_id(text)
        return self._run(lambda store: store.get(name, principal))

    def listed(self, query: JobQuery, principal: Principal) -> tuple[Job, ...]:
        page = self._run(lambda store: store.list(query, principal))
        return page.jobs

    def results(self, name: UUID, principal: Principal) -> tuple[Job, list[Result]]:
        job, results = self._run(lambda store: store.results(name, principal))
        settings = Settings.from_environ()
        return job, [_whole(one, settings) for one in results]

    def dismissed(self, name: UUID, principal: Principal) -> bool:
        job = self._run(lambda store: store.dismiss(name, principal))
        return job.status is JobStatus.DISMISSED

    def _run[T](self, work: Callable[[JobStore], Coroutine[Any, Any, T]]) -> T:
        with self._opening:
            loop, store = self._opened
        return _wait(work(store), loop)

    @cached_property
    def _opened(self) -> tuple[asyncio.AbstractEventLoop, JobStore]:
        settings = Settings.from_environ()
        url = settings.database_url
        if url is None:
            raise RuntimeError(f"{DATABASE_VARIABLE} is not set")
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever, name="jobs", daemon=True)
        thread.start()
        stack = AsyncExitStack()

        async def opening() -> JobStore:
            pools = await stack.enter_async_context(open_pools(url, readers=1, writers=4))
            keep = timedelta(days=settings.job_days)
            opened = open_jobs(url, pools, keep, settings.job_queue)
            return await stack.enter_async_context(opened)

        store = _wait(opening(), loop)

        def close() -> None:
            _wait(stack.aclose(), loop)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)

        atexit.register(close)
        return loop, store


def _wait[T](work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result()
