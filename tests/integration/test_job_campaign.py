"""Jobs while servers, workers and the database are killed, frozen or full; 200 jobs in a campaign."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import httpx
import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from config.settings import child_environ
from providers.cluster import Cluster, open_cluster
from providers.database import open_pools
from providers.job_attempts import MAX_LOST, AttemptStore
from providers.migrations import migrate

ROOT = Path(__file__).resolve().parents[2]
FULL = hypothesis_settings.get_current_profile_name() == "campaign"
JOBS, ROUNDS, AWAY_S = (200, 3, 20.0) if FULL else (20, 1, 3.0)
ECHO = "kind: process\nid: echo\nspec: echo\npublic: true\nlimits: {seconds: 60, per_owner: 1000}\n"
# Every ending is noted by the database itself: a second one would be seen.
ENDINGS: LiteralString = """
SET ROLE onemap_owner;
CREATE TABLE onemap.ending (job uuid NOT NULL);
GRANT INSERT, SELECT, DELETE ON onemap.ending TO onemap_writer;
CREATE FUNCTION onemap.note_ending() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO onemap.ending VALUES (NEW.id); RETURN NULL; END $$;
CREATE TRIGGER job_ending AFTER UPDATE ON onemap.job FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL AND NEW.status <> 'dismissed')
    EXECUTE FUNCTION onemap.note_ending();
"""
# What half a minute does to those who beat no longer; in a campaign it passes by itself.
AGED: LiteralString = """
UPDATE onemap.job SET beat_at = beat_at - interval '1 minute' WHERE status = 'running';
UPDATE onemap.job SET updated_at = updated_at - interval '1 minute' WHERE status = 'accepted';
UPDATE procrastinate.procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute';
"""
ENDED: LiteralString = "SELECT count(*) FROM onemap.job WHERE finished_at IS NOT NULL"
STATES: LiteralString = """
SELECT j.id::text, j.inputs ->> 'text', j.status, j.lost, j.attempt,
       (SELECT count(*) FROM onemap.ending e WHERE e.job = j.id),
       (SELECT array_agg(convert_from(r.value, 'UTF8')) FROM onemap.job_result r WHERE r.job = j.id)
FROM onemap.job j
"""


@dataclass(slots=True, kw_only=True)
class Site:
    """A database of its own with one server, and workers where a test wants them."""

    cluster: Cluster
    home: Path
    port: int
    until: Callable[..., None]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str, verb: str) -> subprocess.Popen[bytes]:
        """Run `onemap` *verb*; ended with the site."""
        home = self.home / name
        home.mkdir(exist_ok=True)
        environ = child_environ(
            ONEMAP_DATABASE_URL=self.cluster.url,
            ONEMAP_HOME=str(home),
            ONEMAP_STORE=str(self.home / "store"),
            ONEMAP_CATALOGUE=str(self.home / "catalogue"),
            ONEMAP_PORT=str(self.port),
        )
        with (home / "log").open("ab") as log:
            command = [sys.executable, "-m", "server", verb]
            made = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        self.processes[name] = made
        return made

    def log(self, name: str) -> str:
        return (self.home / name / "log").read_text("utf-8", "replace")

    def kill(self, name: str) -> None:
        """As the kernel does it where memory runs out."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    @contextmanager
    def worker(self, name: str = "worker") -> Iterator[subprocess.Popen[bytes]]:
        """A worker for a while, once it has begun."""
        self.begin_work(name)
        try:
            yield self.processes[name]
        finally:
            if name in self.processes:
                self.processes[name].send_signal(signal.SIGCONT)
                self.kill(name)

    def begin_work(self, name: str = "worker") -> None:
        alive = self.home / name / "worker.alive"
        alive.unlink(missing_ok=True)
        made = self.start(name, "worker")
        self.until(lambda: alive.exists() or made.poll() is not None)
        assert made.poll() is None, self.log(name)

    def sql(self, statement: LiteralString, **values: Any) -> list[Any]:
        """Rows, asked as the login role; tried again while the database is away."""
        rows: list[Any] = []

        def answered() -> bool:
            try:
                with psycopg.connect(self.cluster.url, autocommit=True) as connection:
                    connection.execute("SET ROLE onemap_writer")
                    found = connection.execute(statement, values or None)
                    rows[:] = found.fetchall() if found.description else []
            except psycopg.OperationalError:
                return False
            return True

        self.until(answered)
        return rows

    def submit(self, text: str, pause: float = 0.0) -> str:
        """A job's id; sent again under its key until there is an answer."""
        body = {"inputs": {"text": text, "pause": pause}}
        headers = {"Prefer": "respond-async", "Idempotency-Key": str(uuid4())}
        jobs: list[str] = []

        def taken() -> bool:
            try:
                path = f"{self.base}/processes/echo/execution"
                answer = httpx.post(path, json=body, headers=headers, timeout=20)
            except httpx.TransportError:
                return False
            assert answer.status_code == 201 or answer.status_code >= 500, answer.text
            if answer.status_code == 201:
                jobs.append(str(answer.json()["jobID"]))
            return bool(jobs)

        try:
            self.until(taken)
        except AssertionError as error:
            raise AssertionError(self.log("web")[-2000:]) from error
        return jobs[0]

    def state(self, job: str) -> tuple[str, int, int, list[str] | None]:
        """Status, attempts, endings and results of a job."""
        row = self.sql(f"{STATES} WHERE j.id = %(job)s", job=job)[0]
        return row[2], row[4], row[5], row[6]

    def reached(self, job: str, status: str, seconds: float = 60) -> None:
        self.until(lambda: self.state(job)[0] == status, seconds)

    def stall(self) -> None:
        """What died is given up for lost; by another worker's care, or here in its place."""
        if FULL:
            return

        async def reclaim() -> None:
            async with open_pools(self.cluster.url) as pools:
                await AttemptStore(pools).reclaim(timedelta(seconds=30))

        self.sql(AGED)
        asyncio.run(reclaim())


@pytest.fixture(scope="module")
def site(free_port: Callable[[], int], wait_until: Callable[..., None]) -> Iterator[Site]:
    """Kills of the database are nobody else's; hence a cluster apart."""
    home = Path(tempfile.mkdtemp(prefix="onemap-campaign-"))
    home.chmod(0o755)  # the database server's user must pass through
    (home / "catalogue").mkdir()
    (home / "catalogue" / "echo.yaml").write_text(ECHO)
    try:
        with open_cluster(home, memory_bytes=1024**3) as cluster:
            migrate(cluster.url)
            with psycopg.connect(cluster.url, autocommit=True) as connection:
                connection.execute(ENDINGS)
            one = Site(cluster=cluster, home=home, port=free_port(), until=wait_until)
            one.start("web", "serve")
            try:
                yield one
            finally:
                for name in tuple(one.processes):
                    one.kill(name)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def alone(site: Site) -> Site:
    """The site without the jobs of other tests."""
    site.sql("DELETE FROM onemap.job; DELETE FROM onemap.ending")
    return site


def test_each_job_ends_once_whoever_is_killed_meanwhile(alone: Site) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"killed jobs, seed {seed}")
    chance = random.Random(seed)
    order = [part for _ in range(ROUNDS) for part in ("web", "worker", "database")]
    chance.shuffle(order)
    wanted = {str(number): chance.uniform(0.05, 0.4) for number in range(JOBS)}
    made: dict[str, str] = {}

    def submit() -> None:
        for text, pause in wanted.items():
            made[text] = alone.submit(text, pause)

    def kill(part: str) -> None:
        match part:
            case "web":
                alone.kill("web")
                alone.start("web", "serve")
            case "worker":
                alone.kill("worker")
                alone.stall()
                alone.begin_work()
            case _:
                postmaster = alone.cluster.postmaster()
                assert postmaster is not None
                os.kill(postmaster, signal.SIGKILL)
                alone.cluster.ensure_running()

    with alone.worker():
        submitting = threading.Thread(target=submit)
        submitting.start()
        for number, part in enumerate(order):
            behind = JOBS * (number + 1) // (len(order) + 2) - chance.randrange(2)
            alone.until(lambda least=behind: alone.sql(ENDED)[0][0] >= least, 120)
            kill(part)
        submitting.join()
        alone.until(lambda: alone.sql(ENDED)[0][0] == JOBS, 180)

    rows = alone.sql(STATES)
    assert {row[0] for row in rows} == set(made.values()), f"seed {seed}: {order}"
    assert len(rows) == len(made) == JOBS
    for _, text, status, lost, _, endings, results in rows:
        assert endings == 1, f"{text} ended {endings} times, seed {seed}: {order}"
        if lost >= MAX_LOST:  # two workers died under it: then it is told, not tried for ever
            assert (status, results) == ("failed", None)
        else:
            assert (status, results) == ("successful", [text]), f"seed {seed}: {order}"
    assert FULL or not [row for row in rows if row[2] == "failed"], "one worker was killed only"


def test_a_frozen_worker_that_wakes_too_late_changes_nothing(alone: Site) -> None:
    with alone.worker("frozen") as frozen:
        job = alone.submit("once", 3.0)
        alone.reached(job, "running")
        frozen.send_signal(signal.SIGSTOP)
        with alone.worker("other"):
            alone.stall()
            alone.reached(job, "successful", 120)
            frozen.send_signal(signal.SIGCONT)
            frozen.terminate()
            assert frozen.wait(60) == 0, alone.log("frozen")
        del alone.processes["frozen"]
    assert alone.state(job) == ("successful", 2, 1, ["once"])
    assert "job_ended" not in alone.log("frozen")


def test_while_the_database_is_away_jobs_are_only_delayed(alone: Site) -> None:
    with alone.worker():
        finishing, waiting = alone.submit("finishing", AWAY_S / 6), alone.submit("waiting")
        alone.reached(finishing, "running")
        alone.cluster.stop()
        time.sleep(AWAY_S)  # what is computed ends meanwhile
        alone.cluster.ensure_running()
        for job in (finishing, waiting):
            alone.reached(job, "successful", 90)
        assert alone.state(finishing) == ("successful", 1, 1, ["finishing"])
        assert alone.state(waiting)[2:] == (1, ["waiting"])
    alone.until(lambda: httpx.get(f"{alone.base}/health/ready", timeout=10).status_code == 200)


@contextmanager
def small_tablespace(site: Site) -> Iterator[psycopg.Connection[Any]]:
    """Results lie on 4 MiB of memory, filled to the last page."""
    place = Path(tempfile.mkdtemp(prefix="onemap-small-"))
    owner = site.cluster.folder.data.stat().st_uid
    mount = ["mount", "-t", "tmpfs", "-o", f"size=4m,mode=0700,uid={owner}", "tmpfs", str(place)]
    try:
        told = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        told = subprocess.CompletedProcess(mount, 1, "", "there is no mount")
    if told.returncode != 0:
        place.rmdir()
        pytest.skip(
            f"a full disk needs a mounted tmpfs, which is not allowed: {told.stderr.strip()}"
        )
    try:
        address = site.cluster.address("onemap", "postgres")
        with psycopg.connect(address, autocommit=True) as admin:
            admin.execute(f"CREATE TABLESPACE small LOCATION '{place}'".encode())
            admin.execute("ALTER TABLE onemap.job_result SET TABLESPACE small")
            admin.execute("CREATE TABLE onemap.filler (page text) TABLESPACE small")
            admin.execute("ALTER TABLE onemap.filler ALTER COLUMN page SET STORAGE PLAIN")
            for rows in (100, 1):
                with suppress(psycopg.errors.DiskFull):
                    while True:
                        admin.execute(
                            "INSERT INTO onemap.filler SELECT repeat('x', 8000)"
                            " FROM generate_series(1, %s)",
                            (rows,),
                        )
            yield admin
            admin.execute("ALTER TABLE onemap.job_result SET TABLESPACE pg_default")
            admin.execute("DROP TABLE IF EXISTS onemap.filler")
            admin.execute("CHECKPOINT")  # or files of dropped tables are still there
            admin.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def test_a_full_disk_fails_the_job_with_its_reason_and_nothing_else(alone: Site) -> None:
    text = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=10_000))
    with alone.worker() as worker, small_tablespace(alone) as admin:
        job = alone.submit(text)
        alone.reached(job, "failed")
        assert alone.state(job)[2:] == (1, None)
        answer = httpx.get(f"{alone.base}/jobs/{job}/results", timeout=20)
        assert answer.status_code in (500, 507)
        assert "full" in answer.json()["detail"] or "room" in answer.json()["detail"]
        assert alone.sql("SELECT error ->> 'reason' FROM onemap.job")[0][0] == "storage_full"
        assert httpx.get(f"{alone.base}/health/ready", timeout=20).status_code == 200
        assert worker.poll() is None
        admin.execute("DROP TABLE onemap.filler")
        admin.execute("CHECKPOINT")
        again = alone.submit(text)
        alone.reached(again, "successful")
