"""What a worker knows of the catalogue when it takes up a job."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from config.model import Catalogue
from config.settings import Settings
from config.vocabulary import Classification
from processes.attempts import JobTasks
from processes.computation import Done, Failed
from providers.access import ALL, Scope
from providers.job_attempts import Attempt
from providers.upload_store import UploadStore

EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
)


class Store:
    """One job for the process `echo`, and how it ended."""

    ended: Any = None

    async def start(self, job: UUID) -> Attempt | None:
        return Attempt(
            job=job,
            number=1,
            process="echo",
            owner="a",
            scope=EVERYTHING,
            inputs={"text": "a"},
            outputs=("text",),
        )

    async def finish(self, *_: object) -> bool:
        self.ended = Done
        return True

    async def fail(self, _: Attempt, error: Any) -> bool:
        self.ended = error["reason"]
        return True


class Children:
    """Compute nothing, and succeed."""

    async def compute(self, *_: object) -> Done | Failed:
        return Done(results=(), lineage=())


class Queue:
    """Takes the task that is registered."""

    def task(self, **_: object) -> Any:
        return lambda work: setattr(self, "run", work)


@pytest.mark.parametrize(
    ("known", "in_force", "ends", "read"),
    [(True, True, Done, 0), (False, True, Done, 1), (False, False, "no_such_process", 1)],
)
def test_a_job_for_a_process_that_the_worker_has_not_heard_of_is_no_longer_offered_only_if_it_is_not(
    catalogue: Catalogue, tmp_path: Path, known: bool, in_force: bool, ends: object, read: int
) -> None:
    """A server may offer a process, and give it a job, before the worker has heard of the edit."""
    others = {name: one for name, one in catalogue.processes.items() if name != "echo"}
    without = replace(catalogue, processes=others)
    now, reads = [catalogue if known else without], []

    async def reread() -> None:
        reads.append(1)
        now[0] = catalogue if in_force else without

    async def work() -> object:
        store, queue = Store(), Queue()
        tasks = JobTasks(
            Settings.from_environ({"ONEMAP_HOME": str(tmp_path)}),
            store,  # type: ignore[arg-type]
            Children(),  # type: ignore[arg-type]
            UploadStore.within(tmp_path),
            lambda: now[0],
            reread,
            asyncio.Event(),
        )
        tasks.register(queue, queue="jobs")  # type: ignore[arg-type]
        await queue.run(str(uuid4()))  # type: ignore[attr-defined]
        assert not tasks.running
        return store.ended

    assert asyncio.run(work()) == ends
    assert len(reads) == read
