"""The worker: a Procrastinate app whose one task runs a job's computation in a child process."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from procrastinate import App, PsycopgConnector
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import TupleRow

from config.loader import CatalogueError, catalogue_folders
from config.model import Catalogue
from config.settings import Settings, SettingsError
from processes.attempts import JobTasks
from processes.callbacks import AT_ONCE as CALLBACKS_AT_ONCE
from processes.callbacks import CallbackTasks
from processes.children import Children
from processes.compute import cluster_usable
from processes.overview_duty import OverviewDuty
from processes.patience import RETRY_S, lasting
from processes.schedules import ScheduleDuty
from providers.callback_deliveries import CallbackStore
from providers.callbacks import QUEUE as CALLBACKS
from providers.catalogue_edits import CHANNEL, read_catalogue
from providers.checks import sweep_checks
from providers.database import Pools, open_pools
from providers.errors import StoreTimeout, StoreUnavailable
from providers.job_attempts import Attempt, AttemptStore
from providers.jobs import ANONYMOUS_QUEUE, KEYED_QUEUE, open_jobs
from providers.listening import listen
from providers.result_files import ResultFiles
from providers.result_sweep import sweep_results
from providers.schedules import ScheduleStore
from providers.upload_store import UploadStore
from providers.uploads import sweep_uploads

BEATS = 3  # so many missed is a dead worker, not a slow query
GRACE_S = 5.0  # computations under way may end; then they are stopped and queued again
SWEEP_EVERY_S = 600.0
REREAD_S = 60.0  # how long a catalogue with findings is left alone before it is read again
ALIVE_FILE = "worker.alive"

log = structlog.get_logger()


def run_worker(settings: Settings, catalogue: Catalogue, *, concurrency: int | None = None) -> None:
    """Run jobs until SIGINT or SIGTERM; the database must be named in the settings."""
    asyncio.run(Worker(settings, catalogue, concurrency or max(2, os.cpu_count() or 1)).run())


def worker_alive(settings: Settings) -> bool:
    """Whether a worker of this home reached the database lately enough not to be lost."""
    try:
        age_s = time.time() - (settings.home / ALIVE_FILE).stat().st_mtime
    except OSError:
        return False
    return age_s < settings.worker_lost_s


class Worker:
    """One worker process."""

    def __init__(self, settings: Settings, catalogue: Catalogue, concurrency: int) -> None:
        if settings.database_url is None:
            raise ValueError("the worker needs a database address")
        if settings.dask_scheduler is not None and not cluster_usable():
            raise SettingsError("ONEMAP_DASK_SCHEDULER needs the extra: onemap-server[dask].")
        self._settings, self._catalogue = settings, catalogue
        self._url, self._concurrency = settings.database_url, concurrency
        self._lost_s = settings.worker_lost_s
        self._alive: Path = settings.home / ALIVE_FILE
        self._folders = catalogue_folders(settings)
        self._running: set[Attempt] = set()  # the attempts under way
        self._stopping = asyncio.Event()
        self._reading = asyncio.Lock()
        self._edits_known = asyncio.Event()  # until then a job might be run as no longer offered
        self._uploads = UploadStore.within(settings.store)
        self._results = ResultFiles.within(settings.store)
        self._pools: Pools
        self._store: AttemptStore
        self._callbacks: CallbackStore
        self._children: Children

    async def run(self) -> None:
        """Fetch and run jobs until told to stop; survives a database that goes away."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        async with AsyncExitStack() as stack:
            writers = 2 * self._concurrency + CALLBACKS_AT_ONCE + 5
            self._pools = await stack.enter_async_context(
                open_pools(self._url, readers=1, writers=writers)
            )
            self._store = AttemptStore(self._pools)
            self._callbacks = CallbackStore(self._pools, self._settings.public_url)
            tell = CallbackTasks(self._callbacks, self._settings.callback_hosts)
            self._children = Children(
                self._url,
                self._concurrency,
                self._store.end_backend,
                self._settings.dask_scheduler,
            )
            stack.push_async_callback(self._children.close)
            await self._children.open()
            jobs = JobTasks(
                self._settings,
                self._store,
                self._children,
                self._uploads,
                lambda: self._catalogue,
                self._reread,
                self._stopping,
            )
            self._running = jobs.running
            beating = asyncio.create_task(lasting(self._beat))
            stack.push_async_callback(_ended, beating)
            following = asyncio.create_task(lasting(self._follow))
            stack.push_async_callback(_ended, following)
            overviews = asyncio.create_task(lasting(self._keep_overviews))
            stack.push_async_callback(_ended, overviews)
            sweeping = asyncio.create_task(lasting(self._sweep))
            stack.push_async_callback(_ended, sweeping)
            schedules = asyncio.create_task(lasting(self._follow_schedules))
            stack.push_async_callback(_ended, schedules)
            log.info("worker_started", concurrency=self._concurrency)
            async with asyncio.TaskGroup() as serving:
                for queue, slots in (
                    (KEYED_QUEUE, self._concurrency),
                    (ANONYMOUS_QUEUE, self._for_strangers),
                ):
                    run = partial(jobs.register, queue=queue)
                    serving.create_task(self._serve(queue, slots, run))
                serving.create_task(self._serve(CALLBACKS, CALLBACKS_AT_ONCE, tell.register))
        self._alive.unlink(missing_ok=True)
        log.info("worker_stopped")

    @property
    def _for_strangers(self) -> int:
        """Of as many children, those that anonymous jobs may hold at once: all but one."""
        return max(1, self._concurrency - 1)

    async def _serve(self, queue: str, slots: int, register: Callable[[App], None]) -> None:
        ready = [asyncio.create_task(e.wait()) for e in (self._edits_known, self._stopping)]
        await asyncio.wait(ready, return_when=asyncio.FIRST_COMPLETED)
        for one in ready:
            one.cancel()
        while not self._stopping.is_set():
            await self._fetch(queue, slots, register)

    async def _fetch(self, queue: str, slots: int, register: Callable[[App], None]) -> None:
        """Procrastinate's own loop, until it ends by itself (the database) or by us."""
        app = App(connector=PsycopgConnector())
        register(app)
        await app.open_async(pool=self._pools.writer)
        fetching = asyncio.create_task(
            app.run_worker_async(
                queues=[queue],
                concurrency=slots,
                fetch_job_polling_interval=1.0,
                abort_job_polling_interval=1.0,
                update_heartbeat_interval=self._lost_s / BEATS,
                stalled_worker_timeout=self._lost_s,
                delete_jobs="always",
                install_signal_handlers=False,
            )
        )
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not fetching.done():
            fetching.cancel()  # ends when the jobs under way have
            await asyncio.wait({fetching}, timeout=GRACE_S)
            self._children.interrupt()
            await asyncio.wait({fetching})
        stopping.cancel()
        if not fetching.cancelled() and (error := fetching.exception()) is not None:
            log.warning("queue_lost", queue=queue, error=repr(error), retry_s=RETRY_S)
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        """Read the catalogue anew when the database says so, and after each lost connection."""
        await listen(self._url, CHANNEL, hear=self._hear, retry_s=RETRY_S)

    async def _hear(self, connection: AsyncConnection[TupleRow]) -> None:
        await self._reload()
        while True:
            notices = connection.notifies(timeout=REREAD_S, stop_after=1)
            if [n async for n in notices] or not self._edits_known.is_set():
                await self._reload()

    async def _keep_overviews(self) -> None:
        """Make the overviews that are due, by the catalogue in force."""
        await self._edits_known.wait()
        await OverviewDuty(self._url, lambda: self._catalogue).run()

    async def _follow_schedules(self) -> None:
        """Make the jobs of schedules that are due, by the catalogue in force."""
        await self._edits_known.wait()
        keep = timedelta(days=self._settings.job_days)
        async with open_jobs(self._url, self._pools, keep, self._settings.job_queue) as jobs:
            await ScheduleDuty(ScheduleStore(self._pools, jobs), lambda: self._catalogue).run()

    async def _reload(self) -> None:
        """Take the catalogue of files and edits; one with findings is not taken."""
        try:
            async with self._reading:  # one after the other: what was read last is the newest
                read = asyncio.to_thread(read_catalogue, self._url, self._folders)
                self._catalogue, _ = await read
        except CatalogueError as error:
            log.error("catalogue_refused", findings=list(error.findings))
        else:
            self._edits_known.set()
            log.info("catalogue_taken", digest=self._catalogue.digest)

    async def _reread(self) -> None:
        try:
            await self._reload()
        except OperationalError as error:
            raise StoreUnavailable(type(error).__name__) from error

    async def _beat(self) -> None:
        """Signs of life, ours and the attempts'; and the care for what other workers left."""
        self._alive.parent.mkdir(parents=True, exist_ok=True)
        steady_since: float | None = None
        while True:
            try:
                await self._store.beat(tuple(self._running))
                self._alive.touch()
                now = time.monotonic()
                steady_since = now if steady_since is None else steady_since
                if now - steady_since >= self._lost_s:  # after an outage the others are heard first
                    for job in await self._store.reclaim(timedelta(seconds=self._lost_s)):
                        log.warning("job_reclaimed", job=str(job), after_s=self._lost_s)
                    await self._callbacks.take_up()
            except (StoreUnavailable, StoreTimeout, OSError) as error:
                steady_since = None
                log.warning("beat_missed", error=repr(error))
            await asyncio.sleep(self._lost_s / BEATS)

    async def _sweep(self) -> None:
        """Remove what has expired; no sign of life waits for that."""
        await asyncio.sleep(self._lost_s)
        while True:
            try:
                await sweep_uploads(self._pools, self._uploads)
                await sweep_results(self._pools, self._results)
                await sweep_checks(self._pools, timedelta(days=self._settings.job_days))
            except (StoreUnavailable, StoreTimeout, OSError) as error:
                log.warning("sweep_missed", error=repr(error))
            await asyncio.sleep(SWEEP_EVERY_S)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
