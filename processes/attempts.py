"""The task of one job: its attempts, until it has ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from uuid import UUID

import structlog
from procrastinate import App

from config.model import Catalogue, ProcessEntry
from config.rulebook import NO_RULES, rulebook_of
from config.settings import Settings
from processes.children import ChildDied, Children
from processes.computation import (
    Computation,
    Done,
    Failed,
    Outcome,
    Unavailable,
    time_limit,
)
from processes.context import Depot, Steps
from processes.patience import DATABASE_AWAY_S, RETRY_S, patiently
from processes.registry import SPECS
from processes.spec import BodyError
from processes.workflows.nested_input import Offered, Step, finding, steps_of
from processes.workflows.referred_input import layers_of_steps
from processes.workflows.results import Wanted
from providers.errors import StoreTimeout, StoreUnavailable
from providers.job_attempts import Attempt, AttemptStore
from providers.jobs import TASK
from providers.result_files import ResultFiles
from providers.result_layers import job_of
from providers.upload_store import UploadStore

log = structlog.get_logger()


class JobTasks:
    """The jobs of one worker; `register` makes them known to its Procrastinate app."""

    def __init__(
        self,
        settings: Settings,
        store: AttemptStore,
        children: Children,
        uploads: UploadStore,
        catalogue: Callable[[], Catalogue],
        reread: Callable[[], Awaitable[None]],
        stopping: asyncio.Event,
    ) -> None:
        """*catalogue* is the one in force as the worker knows it, *reread* makes it know the newest.

        *reread* raises StoreUnavailable while the database is away.
        """
        self._settings, self._store, self._children = settings, store, children
        self._uploads, self._stopping = uploads, stopping
        self._catalogue, self._reread = catalogue, reread
        self._files = ResultFiles.within(settings.store)
        self.running: set[Attempt] = set()  # for whose signs of life the worker cares

    def register(self, app: App, *, queue: str) -> None:
        """Let *app* run the jobs that *queue* holds."""
        app.task(name=TASK, queue=queue)(self._run_job)

    async def _run_job(self, job: str) -> None:
        """The task: attempts until the job has ended. Cancelled when the job is dismissed."""
        while (attempt := await self._store.start(UUID(job))) is not None:
            self.running.add(attempt)
            try:
                if not self._knows(attempt):  # a server may have heard before us of what it offers
                    await patiently(self._reread)
                catalogue = self._catalogue()  # a reload meanwhile is the next attempt's
                outcome = await self._outcome(attempt, catalogue)
                if await patiently(partial(self._commit, attempt, outcome, catalogue.digest)):
                    log.info("job_ended", job=job, attempt=attempt.number, process=attempt.process)
                return
            except ChildDied:
                if self._stopping.is_set():
                    await patiently(partial(self._store.release, attempt))
                    return
                log.warning("child_died", job=job, attempt=attempt.number)
                if not await patiently(partial(self._store.lose, attempt)):
                    return
            except asyncio.CancelledError:
                log.info("job_dismissed", job=job, attempt=attempt.number)
                raise
            finally:
                self.running.discard(attempt)

    def _knows(self, attempt: Attempt) -> bool:
        """Whether the catalogue in force has the processes and layers of a job."""
        catalogue = self._catalogue()
        if (entry := _offered(attempt, catalogue)) is None:
            return False
        steps, faults = self._steps(attempt, catalogue, entry)
        layers = layers_of_steps(steps) - catalogue.layers.keys()
        return not faults and all(job_of(layer) is not None for layer in layers)

    def _steps(
        self, attempt: Attempt, catalogue: Catalogue, entry: ProcessEntry
    ) -> tuple[Sequence[Step], Sequence[BodyError]]:
        find = finding(catalogue.processes, SPECS, attempt.scope, self._settings.public_url)
        outer = Offered(entry=entry, spec=SPECS[entry.spec])
        return steps_of(outer, {"inputs": attempt.inputs}, find)

    async def _outcome(self, attempt: Attempt, catalogue: Catalogue) -> Outcome:
        if (entry := _offered(attempt, catalogue)) is None:
            return Failed(error={"reason": "no_such_process", "detail": "No longer offered."})
        base = self._settings.public_url
        steps, _ = self._steps(attempt, catalogue, entry)  # faults: the child tells them
        entries = [step.offered.entry for step in steps]
        named = layers_of_steps(steps)
        computation = Computation(
            spec=entry.spec,
            entry=entry,
            scope=attempt.scope,
            inputs=attempt.inputs,
            wanted=Wanted(
                outputs=attempt.outputs,
                as_collection=attempt.as_collection,
                folder=self._files.of(attempt.job, attempt.number),
            ),
            now=datetime.now(UTC),
            planar_crs=self._settings.planar_crs,
            limit_s=sum(one.limits["seconds"] for one in entries),
            layers={n: catalogue.layers[n] for n in named if n in catalogue.layers},
            depot=Depot(
                owner=attempt.owner,
                organisation=attempt.organisation,
                person=attempt.person,
                uploads=self._uploads,
                public_url=base,
                hosts=self._settings.fetch_hosts,
                fetch_bytes=self._settings.upload_mb * 1024 * 1024,
            ),
            nested={one.id: one for one in entries[:-1]},
            rulebook=rulebook_of(catalogue) if _ruled(entries) else NO_RULES,
        )

        async def report(percent: int, message: str, steps: Steps) -> None:
            with suppress(StoreUnavailable, StoreTimeout):
                await self._store.report(attempt, percent, message, steps)

        give_up = time.monotonic() + DATABASE_AWAY_S
        try:
            outcome = await self._children.compute(computation, report)
            while isinstance(outcome, Unavailable) and time.monotonic() < give_up:
                await asyncio.sleep(RETRY_S)
                outcome = await self._children.compute(computation, report)
        except TimeoutError:
            return Failed(error=time_limit(computation.limit_s))
        return outcome

    async def _commit(self, attempt: Attempt, outcome: Outcome, catalogue: str) -> bool:
        match outcome:
            case Done(results=results, lineage=lineage):
                made = {
                    "process": {"id": attempt.process, "attempt": attempt.number},
                    "software": f"onemap-server {version('onemap-server')}",
                    "catalogue": catalogue,
                    "read": list(lineage),
                }
                return await self._store.finish(attempt, results, made)
            case Failed(error=error, trace=trace):
                if trace:
                    log.error("computation_failed", job=str(attempt.job), exception=trace)
                return await self._store.fail(attempt, error)
            case Unavailable():
                detail = "The database could not be reached."
                return await self._store.fail(attempt, {"reason": "database", "detail": detail})


def _offered(attempt: Attempt, catalogue: Catalogue) -> ProcessEntry | None:
    entry = catalogue.processes.get(attempt.process)
    return entry if entry is not None and entry.spec in SPECS else None


def _ruled(entries: Iterable[ProcessEntry]) -> bool:
    """Whether any of the processes applies rules."""
    return any(SPECS[entry.spec].ruled for entry in entries)
