"""The worker's care for schedules: what is due becomes a job; what a schedule gets wrong is told."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

import structlog

from config.model import Catalogue
from config.schedule import Schedule
from processes.registry import SPECS
from processes.spec import InvalidBody
from providers.errors import StoreTimeout, StoreUnavailable
from providers.job_queue import QueueFull
from providers.job_records import NewJob
from providers.jobs import TooManyJobs
from providers.schedules import NoSuchOwner, ScheduleStore

LOOK_S = 5.0

log = structlog.get_logger()


class ScheduleDuty:
    """Follows the schedules of the catalogue in force until cancelled."""

    def __init__(self, store: ScheduleStore, catalogue: Callable[[], Catalogue]) -> None:
        self._store, self._catalogue = store, catalogue
        self._told: dict[str, str] = {}  # what was last said of a schedule: not said again

    async def run(self) -> None:
        """Look, make jobs, and look again."""
        while True:
            try:
                await self.look()
            except (StoreUnavailable, StoreTimeout, OSError) as error:
                log.warning("schedules_not_seen", error=repr(error))
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Make the jobs that are due now."""
        catalogue = self._catalogue()
        await self._store.keep(frozenset(catalogue.schedules))
        for schedule in catalogue.schedules.values():
            try:
                new = partial(job_of, schedule, catalogue)
                job = await self._store.follow(schedule, catalogue, new)
            except (TooManyJobs, QueueFull, NoSuchOwner, InvalidBody, KeyError) as error:
                self._tell(schedule, repr(error))
                continue
            if job is not None:
                self._told.pop(schedule.id, None)
                log.info("schedule_due", schedule=schedule.id, job=str(job.id))

    def _tell(self, schedule: Schedule, problem: str) -> None:
        if self._told.get(schedule.id) != problem:
            self._told[schedule.id] = problem
            log.warning("schedule_not_followed", schedule=schedule.id, problem=problem)


def job_of(schedule: Schedule, catalogue: Catalogue) -> NewJob:
    """What a schedule asks for; InvalidBody where its process would not take it."""
    entry = catalogue.processes[schedule.process]
    spec = SPECS[entry.spec]
    execution = spec.parse({"inputs": dict(schedule.inputs)})
    return NewJob(
        process=entry.id,
        process_version=spec.version,
        inputs=execution.inputs,
        outputs=execution.outputs,
        response=execution.response,
        catalogue=catalogue.digest,
        per_owner=entry.limits["per_owner"],
    )


def schedule_findings(catalogue: Catalogue) -> Iterator[str]:
    """Schedules whose inputs their process would refuse, each fault with its place."""
    for name, schedule in catalogue.schedules.items():
        try:
            job_of(schedule, catalogue)
        except KeyError as error:
            yield f"schedule {name}: /process: no process of this product has the spec {error}"
        except InvalidBody as error:
            yield from (f"schedule {name}: {e.pointer}: {e.message}" for e in error.errors)
