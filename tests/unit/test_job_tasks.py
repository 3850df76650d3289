"""What a worker knows of the catalogue when it takes up a job."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from config.model import Catalogue
from config.settings import Settings
from config.vocabulary import Classification
from processes.attempts import JobTasks
from processes.computation import Computation, Done, Failed
from processes.worker import Worker
from providers.access import ALL, Scope
from providers.job_attempts import Attempt
from providers.upload_store import UploadStore

EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
)


class Store:
    """One job for a process, and how it ended."""

    def __init__(self, process: str, inputs: dict[str, Any]) -> None:
        self.process, self.inputs = process, inputs
        self.ended: Any = None

    async def start(self, job: UUID) -> Attempt | None:
        return Attempt(
            job=job,
            number=1,
            process=self.process,
            owner="a",
            scope=EVERYTHING,
            inputs=self.inputs,
            outputs=(),
        )

    async def finish(self, *_: object) -> bool:
        self.ended = Done
        return True

    async def fail(self, _: Attempt, error: Any) -> bool:
        self.ended = error["reason"]
        return True


class Children:
    """Compute nothing, and succeed."""

    def __init__(self) -> None:
        self.given: list[Computation] = []

    async def compute(self, computation: Computation, _: object) -> Done | Failed:
        self.given.append(computation)
        return Done(results=(), lineage=())


class Queue:
    """Takes the task that is registered."""

    def task(self, **_: object) -> Any:
        return lambda work: setattr(self, "run", work)


POINT = {"type": "Point", "coordinates": [125.345, 43.8855]}
BUFFER = {
    "process": "buffer",
    "inputs": {"features": POINT, "distance_m": 1},
    "outputs": {"features": {}},
}
OWN, NESTED = ("echo", {"text": "a"}), ("area-ellipsoid", {"features": BUFFER})
LAYER = ("area-ellipsoid", {"features": {"collection": "land_use", "limit": 1}})
RESULT = ("area-ellipsoid", {"features": {"collection": f"result_{UUID(int=7).hex}_features"}})


def without(catalogue: Catalogue, name: str) -> Catalogue:
    """The catalogue before this process or layer was in it."""
    processes = {key: one for key, one in catalogue.processes.items() if key != name}
    layers = {key: one for key, one in catalogue.layers.items() if key != name}
    return replace(catalogue, processes=processes, layers=layers)


@pytest.mark.parametrize(
    ("asked", "unheard", "in_force", "ends", "read"),
    [
        pytest.param(OWN, "", True, Done, 0, id="known"),
        pytest.param(OWN, "echo", True, Done, 1, id="new"),
        pytest.param(OWN, "echo", False, "no_such_process", 1, id="gone"),
        pytest.param(NESTED, "", True, Done, 0, id="known-within"),
        pytest.param(NESTED, "buffer", True, Done, 1, id="new-within"),
        pytest.param(LAYER, "", True, Done, 0, id="known-layer"),
        pytest.param(LAYER, "land_use", True, Done, 1, id="new-layer"),
        pytest.param(RESULT, "", True, Done, 0, id="result"),
    ],
)
def test_what_the_worker_has_not_heard_of_is_missing_only_if_the_newest_catalogue_has_it_not(
    catalogue: Catalogue,
    tmp_path: Path,
    asked: tuple[str, dict[str, Any]],
    unheard: str,
    in_force: bool,
    ends: object,
    read: int,
) -> None:
    """A server may offer something, and give a job for it, before the worker has heard of the edit."""
    before = without(catalogue, unheard)
    now, reads = [before], []

    async def reread() -> None:
        reads.append(1)
        now[0] = catalogue if in_force else before

    async def work() -> object:
        store, queue, children = Store(*asked), Queue(), Children()
        tasks = JobTasks(
            Settings.from_environ({"ONEMAP_HOME": str(tmp_path)}),
            store,  # type: ignore[arg-type]
            children,  # type: ignore[arg-type]
            UploadStore.within(tmp_path),
            lambda: now[0],
            reread,
            asyncio.Event(),
        )
        tasks.register(queue, queue="jobs")  # type: ignore[arg-type]
        await queue.run(str(uuid4()))  # type: ignore[attr-defined]
        assert not tasks.running
        for one in children.given:
            assert not unheard or unheard in {one.entry.id, *one.nested, *one.layers}
        return store.ended

    assert asyncio.run(work()) == ends
    assert len(reads) == read


def test_of_two_readings_of_the_catalogue_the_later_one_is_kept(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is slow: it does not end after the second and replace what that found."""
    older, newer = replace(catalogue, digest="older"), replace(catalogue, digest="newer")
    readings = [(older, 0.2), (newer, 0.0)]

    def read(*_: object) -> tuple[Catalogue, tuple[()]]:
        found, took_s = readings.pop(0)
        time.sleep(took_s)
        return found, ()

    monkeypatch.setattr("processes.worker.read_catalogue", read)
    address = {"ONEMAP_HOME": str(tmp_path), "ONEMAP_DATABASE_URL": "postgresql://nowhere/x"}
    worker = Worker(Settings.from_environ(address), catalogue, 1)

    async def both() -> None:
        await asyncio.gather(worker._reload(), worker._reload())

    asyncio.run(both())
    assert worker._catalogue.digest == "newer"
