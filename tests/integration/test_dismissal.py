"""Dismissal stops the work in under two seconds: on a cluster, in nested processes, in long SQL.

The two seconds are promised, so that they bound these tests.
"""

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from config.settings import Settings, child_environ
from config.vocabulary import Classification
from processes.worker import worker_alive
from providers.access import ALL, Principal, Scope
from providers.database import open_pools
from providers.job_documents import status_document
from providers.job_records import Job, JobStatus, NewJob
from providers.jobs import JobStore, open_jobs

ROOT = Path(__file__).resolve().parents[2]
PROMISED_S = 2.0
SCOPE = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL)
SURVEYOR = Principal(
    id="d" * 12, organisation="测试单位", person="测试员", role="surveyor", scope=SCOPE
)
CLUSTER = """
    import sys
    from distributed import LocalCluster

    if __name__ == "__main__":
        with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None,
                          protocol="tcp") as made:
            print(made.scheduler_address, flush=True)
            sys.stdin.read()
"""
READS: LiteralString = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'onemap reader' AND state = 'active'
  AND query LIKE '%ST_NPoints%'
"""
WRITES: LiteralString = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'onemap writer' AND state = 'active'
  AND wait_event = 'PgSleep'
"""
SLOW_TO_WRITE: LiteralString = """
CREATE FUNCTION onemap.slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON onemap.result_layer
    FOR EACH ROW EXECUTE FUNCTION onemap.slow();
"""
# Who reads a row waits for minutes: in the executor alone, or in call after call of geometry.
ENDLESS: dict[str, LiteralString] = {
    "executor": "SELECT count(*) > 0 FROM generate_series(1, 200000) a, generate_series(1, 200000) b",
    "geometry": "SELECT sum(ST_Area(ST_Intersection(ST_Buffer(geom, 4000, 200),"
    " ST_Buffer(geom, 4001, 200)))) > 0 FROM ST_Dump(ST_GeneratePoints("
    "ST_MakeEnvelope(0, 0, 1000, 1000), 200000, 7))",
}


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A Dask cluster of one worker process with two threads."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CLUSTER)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()
        process.stdin.close()


@pytest.fixture(scope="module")
def at_cluster(
    scheduler: str,
    cluster: Any,
    new_database: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
    wait_until: Callable[..., None],
) -> Iterator[str]:
    """The database of a worker whose blocks the cluster computes."""
    url = str(cluster.address(new_database()))
    home = tmp_path_factory.mktemp("worker")
    with _worker(url, home, wait_until, ONEMAP_DASK_SCHEDULER=scheduler):
        yield url


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_dismissed_job_has_its_blocks_taken_off_the_cluster(
    depth: int, at_cluster: str, scheduler: str, wait_until: Callable[..., None]
) -> None:
    """Also those of a process that lies so deep in others."""
    from distributed import Client

    with Client(scheduler, set_as_default=False) as client:

        def computing() -> int:
            """Blocks that the scheduler has given out, and those that threads are at."""
            found = (client.processing(), client.call_stack())
            return sum(len(blocks) for by_worker in found for blocks in by_worker.values())

        job = _with_jobs(at_cluster, lambda jobs: jobs.submit(_buffers(9_000, depth), SURVEYOR))
        wait_until(lambda: computing() > 2)
        dismissed = _dismissed(at_cluster, job.id)
        wait_until(lambda: computing() == 0, PROMISED_S)

    assert dismissed.status is JobStatus.DISMISSED
    told = status_document(dismissed, "").get("steps", [])
    assert [step["status"] for step in told] == ["dismissed"] * (depth + 1 if depth else 0)
    again = _with_jobs(at_cluster, lambda jobs: jobs.submit(_buffers(1, 0), SURVEYOR))
    assert _ended(at_cluster, again.id).status is JobStatus.SUCCESSFUL


def test_a_job_that_is_dismissed_while_its_results_are_written_leaves_none_and_no_statement(
    at_cluster: str, wait_until: Callable[..., None]
) -> None:
    new = replace(_buffers(1, 0), outputs=("features",), as_collection=("features",))
    with psycopg.connect(at_cluster, autocommit=True) as looking:

        def writing() -> int:
            found = looking.execute(WRITES).fetchone()
            return int(found[0]) if found else 0

        looking.execute(SLOW_TO_WRITE)
        try:
            job = _with_jobs(at_cluster, lambda jobs: jobs.submit(new, SURVEYOR))
            wait_until(lambda: writing() == 1)
            assert _dismissed(at_cluster, job.id).status is JobStatus.DISMISSED
            wait_until(lambda: writing() == 0, PROMISED_S)
        finally:
            looking.execute("DROP FUNCTION onemap.slow CASCADE")
        left = looking.execute("SELECT count(*) FROM onemap.result_layer").fetchone()
        assert left == (0,)


def test_a_dismissed_job_leaves_no_statement_running_whatever_it_computes(
    database_url: str,
    load_squares: Callable[..., Any],
    tmp_path: Path,
    wait_until: Callable[..., None],
) -> None:
    load_squares("land_use", "2024", ["1", "2"])
    new = _job("buffer", {"features": {"collection": "land_use"}, "distance_m": 50})

    with (
        psycopg.connect(database_url, autocommit=True) as looking,
        _worker(database_url, tmp_path, wait_until),
    ):
        row = looking.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'planning.land_use'::regclass"
        ).fetchone()
        assert row is not None
        for kind, endless in ENDLESS.items():
            for table in ("planning.land_use", row[0]):
                looking.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
                looking.execute(f"DROP POLICY IF EXISTS slow ON {table}")
                looking.execute(f"CREATE POLICY slow ON {table} USING (({endless}))")

            def reading() -> int:
                found = looking.execute(READS).fetchone()
                return int(found[0]) if found else 0

            job = _with_jobs(database_url, lambda jobs: jobs.submit(new, SURVEYOR))
            wait_until(lambda: reading() == 1)
            _dismissed(database_url, job.id)
            wait_until(lambda: reading() == 0, PROMISED_S)
            assert _ended(database_url, job.id).status is JobStatus.DISMISSED, kind


@contextmanager
def _worker(url: str, home: Path, wait_until: Callable[..., None], **more: str) -> Iterator[None]:
    environ = child_environ(
        ONEMAP_DATABASE_URL=url, ONEMAP_HOME=str(home), ONEMAP_CATALOGUE="demo", **more
    )
    settings = Settings.from_environ({"ONEMAP_HOME": str(home)})
    with subprocess.Popen(
        [sys.executable, "-m", "server", "worker"], cwd=ROOT, env=environ
    ) as process:
        try:
            wait_until(lambda: worker_alive(settings))
            yield
        finally:
            process.kill()


def _buffers(points: int, depth: int) -> NewJob:
    """Buffers around points that are buffers themselves, so many times."""
    places = [[125 + i % 100 / 100, 43 + i / 100_000] for i in range(points)]
    features: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {},
                "geometry": {"type": "Point", "coordinates": place},
            }
            for place in places
        ],
    }
    choices = {"distance_m": 50, "quadrant_segments": 4, "dissolve": False}
    for _ in range(depth):
        inner = {"features": features, **choices}
        features = {"process": "buffer", "inputs": inner, "outputs": {"features": {}}}
    steps = [
        {
            "pointer": "/inputs/features" * n,
            "process": "buffer",
            "status": "accepted",
            "progress": 0,
        }
        for n in range(depth, -1, -1)
    ]
    return _job("buffer", {"features": features, **choices}, *(steps if depth else ()))


def _job(process: str, inputs: dict[str, Any], *steps: dict[str, Any]) -> NewJob:
    return NewJob(
        process=process,
        process_version="1.0.0",
        inputs=inputs,
        outputs=("report",),
        response="raw",
        catalogue="test",
        per_owner=100,
        steps=steps,
    )


def _ended(url: str, job: UUID) -> Job:
    return _with_jobs(url, lambda jobs: jobs.wait(job, SURVEYOR, 60))


def _dismissed(url: str, job: UUID) -> Job:
    return _with_jobs(url, lambda jobs: jobs.dismiss(job, SURVEYOR))


def _with_jobs(url: str, work: Callable[[JobStore], Awaitable[Job]]) -> Job:
    async def run() -> Job:
        async with open_pools(url) as pools, open_jobs(url, pools) as jobs:
            return await work(jobs)

    return asyncio.run(run())
