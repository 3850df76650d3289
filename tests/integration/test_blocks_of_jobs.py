"""A job with many features is computed by several processes, which end with it."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, child_environ
from config.vocabulary import Classification
from processes.worker import worker_alive
from providers.access import ALL, Principal, Scope
from providers.database import open_pools
from providers.job_records import Job, JobStatus, NewJob
from providers.jobs import JobStore, open_jobs

ROOT = Path(__file__).resolve().parents[2]
PROMISED_S = 2.0  # in which dismissal stops the work
SCOPE = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL)
SURVEYOR = Principal(
    id="b" * 12, organisation="测试单位", person="测试员", role="surveyor", scope=SCOPE
)


@pytest.fixture(scope="module")
def url(cluster: Any, new_database: Callable[..., str]) -> str:
    return str(cluster.address(new_database()))


@pytest.fixture(scope="module")
def worker(
    url: str, tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., None]
) -> Iterator[int]:
    """A worker of two computations, on a machine that is told to have two cores at least."""
    home = tmp_path_factory.mktemp("worker")
    environ = child_environ(ONEMAP_DATABASE_URL=url, ONEMAP_HOME=str(home), PYTHON_CPU_COUNT="2")
    settings = Settings.from_environ({"ONEMAP_HOME": str(home)})
    with subprocess.Popen(
        [sys.executable, "-m", "server", "worker"], cwd=ROOT, env=environ
    ) as process:
        try:
            wait_until(lambda: worker_alive(settings))
            yield process.pid
        finally:
            process.kill()


def test_a_large_job_is_computed_by_several_processes_and_ends(
    url: str, worker: int, wait_until: Callable[..., None]
) -> None:
    job = asyncio.run(_jobs(url, lambda jobs: jobs.submit(_buffers(2_500), SURVEYOR)))
    wait_until(lambda: len(_helpers(worker)) == 2)
    ended = asyncio.run(_jobs(url, lambda jobs: jobs.wait(job.id, SURVEYOR, 60)))
    assert ended.status is JobStatus.SUCCESSFUL, ended
    wait_until(lambda: not _helpers(worker))


def test_dismissal_ends_all_processes_of_a_job(
    url: str, worker: int, wait_until: Callable[..., None]
) -> None:
    job = asyncio.run(_jobs(url, lambda jobs: jobs.submit(_buffers(9_000), SURVEYOR)))
    wait_until(lambda: len(_helpers(worker)) == 2)
    dismissed = asyncio.run(_jobs(url, lambda jobs: jobs.dismiss(job.id, SURVEYOR)))
    assert dismissed.status is JobStatus.DISMISSED
    wait_until(lambda: not _helpers(worker), PROMISED_S)
    again = asyncio.run(_jobs(url, lambda jobs: jobs.submit(_buffers(2_500), SURVEYOR)))
    wait_until(lambda: len(_helpers(worker)) == 2)  # the cores were given back
    ended = asyncio.run(_jobs(url, lambda jobs: jobs.wait(again.id, SURVEYOR, 60)))
    assert ended.status is JobStatus.SUCCESSFUL, ended


def _buffers(points: int) -> NewJob:
    features = [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Point", "coordinates": [125 + i % 100 / 100, 43 + i / 100_000]},
        }
        for i in range(points)
    ]
    return NewJob(
        process="buffer",
        process_version="1.0.0",
        inputs={
            "features": {"type": "FeatureCollection", "features": features},
            "distance_m": 50,
            "quadrant_segments": 4,
            "dissolve": False,
        },
        outputs=("report",),
        response="raw",
        catalogue="test",
        per_owner=100,
    )


async def _jobs(url: str, work: Callable[[JobStore], Any]) -> Job:
    async with open_pools(url) as pools, open_jobs(url, pools) as jobs:
        job: Job = await work(jobs)
        return job


def _helpers(worker: int) -> list[int]:
    """The processes that computations started: below forkserver and child."""
    level = [worker]
    for _ in range(3):
        level = [child for pid in level for child in _children(pid)]
    return level


def _children(pid: int) -> list[int]:
    try:
        found = (task.read_text().split() for task in Path(f"/proc/{pid}/task").glob("*/children"))
        return [int(child) for children in found for child in children]
    except OSError:  # gone meanwhile
        return []
