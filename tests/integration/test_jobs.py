"""Jobs, their queue and their workers, on a real database with real worker processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from config.settings import Settings, child_environ
from config.vocabulary import Classification
from processes.worker import worker_alive
from providers.access import ALL, ANONYMOUS_ID, Principal, Scope
from providers.database import DatabaseRole, connect, open_pools
from providers.errors import NotFound
from providers.job_attempts import AttemptStore
from providers.job_records import Job, JobQuery, JobStatus, NewJob, Result, parse_cursor
from providers.jobs import JobFailed, JobStore, NoSuchJob, ResultNotReady, TooManyJobs, open_jobs

ROOT = Path(__file__).resolve().parents[2]
SEES_ALL = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL)
LIMITED = Scope(
    layers=ALL,
    regions=("220102",),
    areas=ALL,
    ceiling=Classification.INTERNAL,
    functions=frozenset({"echo"}),
)
STALLED = timedelta(seconds=30)
FARMLAND = {
    "type": "Polygon",
    "coordinates": [[[125.0, 43.0], [125.02, 43.0], [125.02, 43.01], [125.0, 43.0]]],
}


def person(name: str, scope: Scope = LIMITED) -> Principal:
    return Principal(
        id=name, organisation="测试单位", person="测试员", role="surveyor", scope=scope
    )


def echo(text: str = "一张图", pause: float = 0, per_owner: int = 100) -> NewJob:
    return NewJob(
        process="echo",
        process_version="1.0.0",
        inputs={"text": text, "pause": pause},
        outputs=("text",),
        response="raw",
        catalogue="test",
        per_owner=per_owner,
    )


def with_jobs[T](url: str, work: Callable[[JobStore, AttemptStore], Awaitable[T]]) -> T:
    """Run *work* on both stores over *url*."""

    async def run() -> T:
        async with open_pools(url) as pools, open_jobs(url, pools) as jobs:
            return await work(jobs, AttemptStore(pools))

    return asyncio.run(run())


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.05)


async def running(jobs: JobStore, job: Job, who: Principal) -> None:
    async def is_running() -> bool:
        return (await jobs.get(job.id, who)).status is JobStatus.RUNNING

    await until(is_running)


async def computed(jobs: JobStore, job: Job, who: Principal) -> None:
    """Wait until a child works on *job*: only then is its end the end of a computation."""

    async def has_progressed() -> bool:
        return (await jobs.get(job.id, who)).progress > 0

    await until(has_progressed)


def descendants(pid: int) -> dict[int, int]:
    """The processes below *pid*, with how deep they lie."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # gone meanwhile
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    found: dict[int, int] = {}
    level = [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found |= dict.fromkeys(level, 1 + max(found.values(), default=0))
    return found


def computing(worker: subprocess.Popen[bytes]) -> list[int]:
    """The worker's children: they come from its forkserver."""
    return [pid for pid, depth in descendants(worker.pid).items() if depth > 1]


@contextmanager
def a_worker(
    url: str, home: Path, catalogue: str = "demo", **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process over *url*, ready to work; killed at the end if it still runs."""
    environ = child_environ(
        ONEMAP_DATABASE_URL=url, ONEMAP_HOME=str(home), ONEMAP_CATALOGUE=catalogue, **settings
    )
    (home / "worker.alive").unlink(missing_ok=True)
    with (home / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "worker"],
            cwd=ROOT,
            env=environ,
            stdout=log,
            stderr=log,
        )
    told = Settings.from_environ({"ONEMAP_HOME": str(home)})
    try:
        end = time.monotonic() + 40
        while not worker_alive(told):
            assert process.poll() is None, (home / "worker.log").read_text()
            assert time.monotonic() < end, "the worker did not become ready"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def shared_url(cluster: Any, new_database: Callable[..., str]) -> str:
    return str(cluster.address(new_database()))


@pytest.fixture(scope="module")
def shared_worker(
    shared_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[subprocess.Popen[bytes]]:
    with a_worker(shared_url, tmp_path_factory.mktemp("worker")) as worker:
        yield worker


def test_a_job_is_submitted_run_and_answered(
    shared_url: str, shared_worker: subprocess.Popen[bytes]
) -> None:
    async def work(jobs: JobStore, _: AttemptStore) -> tuple[Job, list[Result]]:
        job = await jobs.submit(echo("你好"), person("a1"))
        assert job.status is JobStatus.ACCEPTED
        job = await jobs.wait(job.id, person("a1"), 20)
        job, results = await jobs.results(job.id, person("a1"))
        return job, list(results)

    job, results = with_jobs(shared_url, work)

    assert (job.status, job.attempt, job.progress) == (JobStatus.SUCCESSFUL, 1, 100)
    assert job.started is not None
    assert job.finished is not None
    assert results == [Result(output="text", media_type="text/plain", value="你好".encode())]


def test_waiting_returns_the_job_as_it_stands_when_the_time_is_over(
    shared_url: str, shared_worker: subprocess.Popen[bytes]
) -> None:
    async def work(jobs: JobStore, _: AttemptStore) -> None:
        who = person("a2")
        job = await jobs.submit(echo(pause=5), who)
        begin = time.monotonic()
        job = await jobs.wait(job.id, who, 1.0)
        assert 0.9 <= time.monotonic() - begin < 3
        assert job.status is JobStatus.RUNNING
        with pytest.raises(ResultNotReady):
            await jobs.results(job.id, who)

        async def progresses() -> bool:
            return 0 < (await jobs.get(job.id, who)).progress < 100

        await until(progresses)
        await jobs.dismiss(job.id, who)

    with_jobs(shared_url, work)


def test_jobs_belong_to_their_owner(database_url: str) -> None:
    owner, other = person("owner"), person("other")
    everyone = person("chief", SEES_ALL)
    nobody = person(ANONYMOUS_ID, LIMITED)

    async def work(jobs: JobStore, _: AttemptStore) -> None:
        mine = await jobs.submit(echo(), owner)
        theirs = await jobs.submit(echo(), nobody)
        for stranger in (other, nobody):
            for ask in (jobs.get, jobs.dismiss, jobs.results):
                with pytest.raises(NoSuchJob):
                    await ask(mine.id, stranger)
        assert (await jobs.get(mine.id, everyone)).id == mine.id
        assert (await jobs.get(theirs.id, other)).id == theirs.id, "its id is its key"

        async def listed(who: Principal) -> set[UUID]:
            return {job.id for job in (await jobs.list(JobQuery(limit=10), who)).jobs}

        assert await listed(owner) == {mine.id}
        assert await listed(other) == set()
        assert await listed(nobody) == set(), "anonymous jobs are reached only by their id"
        assert await listed(everyone) == {mine.id, theirs.id}

    with_jobs(database_url, work)


def test_the_list_is_paged_newest_first_and_filtered(database_url: str) -> None:
    who = person("pager")

    async def work(jobs: JobStore, _: AttemptStore) -> None:
        made = [(await jobs.submit(echo(), who)).id for _ in range(5)]
        await jobs.dismiss(made[0], who)
        first = await jobs.list(JobQuery(limit=3), who)
        assert first.cursor is not None
        second = await jobs.list(JobQuery(limit=3, after=parse_cursor(first.cursor)), who)
        assert [job.id for job in (*first.jobs, *second.jobs)] == made[::-1]
        assert second.cursor is None
        gone = await jobs.list(JobQuery(limit=9, statuses=(JobStatus.DISMISSED,)), who)
        assert [job.id for job in gone.jobs] == [made[0]]
        other = await jobs.list(JobQuery(limit=9, processes=("compliance-check",)), who)
        assert other.jobs == ()

    with_jobs(database_url, work)


def test_a_caller_has_at_most_so_many_unfinished_jobs_even_at_once(database_url: str) -> None:
    who = person("eager")

    async def work(jobs: JobStore, _: AttemptStore) -> None:
        tries = [jobs.submit(echo(per_owner=3), who) for _ in range(8)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(o, Job) for o in outcomes) == 3
        assert sum(isinstance(o, TooManyJobs) for o in outcomes) == 5
        accepted = next(o for o in outcomes if isinstance(o, Job))
        await jobs.dismiss(accepted.id, who)
        await jobs.submit(echo(per_owner=3), who)
        await jobs.submit(echo(per_owner=3), person("another"))

    with_jobs(database_url, work)


def test_a_job_and_its_task_come_together_or_not_at_all(database_url: str) -> None:
    async def work(jobs: JobStore, _: AttemptStore) -> None:
        wrong = Scope(
            layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=ALL
        )
        broken = NewJob(
            process="echo",
            process_version="1",
            inputs={},
            outputs=("text",),
            response="sideways",  # type: ignore[arg-type]
            catalogue="",
            per_owner=1,
        )
        with pytest.raises(psycopg.errors.CheckViolation):
            await jobs.submit(broken, person("x", wrong))

    with_jobs(database_url, work)
    with connect(database_url, DatabaseRole.WRITER) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM onemap.job), (SELECT count(*) FROM procrastinate_jobs)"
        ).fetchone()
    assert row == (0, 0)


def test_only_the_writer_reads_jobs(database_url: str) -> None:
    for table in ("onemap.job", "onemap.job_result", "procrastinate.procrastinate_jobs"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            connect(database_url, DatabaseRole.READER) as connection,
        ):
            connection.execute(f"SELECT FROM {table}")  # type: ignore[arg-type]


def test_of_two_attempts_only_the_last_one_commits(database_url: str) -> None:
    who = person("fenced")
    late = [Result(output="text", media_type="text/plain", value=b"late")]
    right = [Result(output="text", media_type="text/plain", value=b"right")]

    async def work(jobs: JobStore, attempts: AttemptStore) -> None:
        job = await jobs.submit(echo(), who)
        first = await attempts.start(job.id)
        assert first is not None
        assert await attempts.start(job.id) is None, "somebody is at it"
        assert await attempts.reclaim(timedelta(0)) == [job.id]
        second = await attempts.start(job.id)
        assert second is not None
        assert (first.number, second.number) == (1, 2)
        assert not await attempts.finish(first, late, {})
        assert not await attempts.fail(first, {"reason": "error", "detail": "late"})
        await attempts.report(first, 99, "late")
        assert (await jobs.get(job.id, who)).progress == 0
        assert await attempts.finish(second, right, {})
        assert not await attempts.finish(second, right, {})
        _, results = await jobs.results(job.id, who)
        assert [r.value for r in results] == [b"right"]

    with_jobs(database_url, work)


def test_a_job_whose_computation_dies_twice_fails(database_url: str) -> None:
    who = person("unlucky")

    async def work(jobs: JobStore, attempts: AttemptStore) -> None:
        job = await jobs.submit(echo(), who)
        first = await attempts.start(job.id)
        assert first is not None
        assert await attempts.lose(first), "once may be chance"
        second = await attempts.start(job.id)
        assert second is not None
        assert not await attempts.lose(second)
        assert await attempts.start(job.id) is None
        with pytest.raises(JobFailed, match="twice"):
            await jobs.results(job.id, who)

    with_jobs(database_url, work)


def test_a_job_whose_task_is_gone_is_queued_again(database_url: str) -> None:
    who = person("orphan")

    async def work(jobs: JobStore, attempts: AttemptStore) -> None:
        job = await jobs.submit(echo(), who)
        assert await attempts.reclaim(timedelta(0)) == [], "its task waits"
        with connect(database_url, DatabaseRole.WRITER) as connection:
            connection.execute("DELETE FROM procrastinate_jobs")
        assert await attempts.reclaim(timedelta(0)) == [job.id]
        with connect(database_url, DatabaseRole.WRITER) as connection:
            row = connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone()
        assert row == (1,)

    with_jobs(database_url, work)


def test_a_task_is_not_struck_off_while_its_attempt_beats(database_url: str) -> None:
    """As after an outage: the queue has forgotten a worker that lives and works."""
    tasks = "SELECT count(*) FROM procrastinate_jobs"

    async def work(jobs: JobStore, attempts: AttemptStore) -> None:
        job = await jobs.submit(echo(), person("busy"))
        attempt = await attempts.start(job.id)
        assert attempt is not None
        with connect(database_url, DatabaseRole.WRITER) as connection:
            connection.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
        await attempts.beat([attempt])
        assert await attempts.reclaim(STALLED) == []
        with connect(database_url, DatabaseRole.WRITER) as connection:
            assert connection.execute(tasks).fetchone() == (1,)
        assert await attempts.fail(attempt, {"reason": "error", "detail": "it ended"})
        await attempts.reclaim(STALLED)
        with connect(database_url, DatabaseRole.WRITER) as connection:
            assert connection.execute(tasks).fetchone() == (0,), "then nobody needs it"

    with_jobs(database_url, work)


def test_a_dismissed_job_that_waited_leaves_no_task_behind(database_url: str) -> None:
    async def work(jobs: JobStore, _: AttemptStore) -> None:
        job = await jobs.submit(echo(), person("hasty"))
        await jobs.dismiss(job.id, person("hasty"))

    with_jobs(database_url, work)
    with connect(database_url, DatabaseRole.WRITER) as connection:
        row = connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone()
    assert row == (0,)


def test_results_that_are_dismissed_while_they_are_read_are_told_as_such(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = person("racing")

    async def work(jobs: JobStore, attempts: AttemptStore) -> None:
        job = await jobs.submit(echo(), who)
        attempt = await attempts.start(job.id)
        assert attempt is not None
        values = [Result(output="text", media_type="text/plain", value=b"x")]
        assert await attempts.finish(attempt, values, {})
        get = jobs.get

        async def late(name: UUID, principal: Principal) -> Job:
            found = await get(name, principal)
            monkeypatch.undo()
            await jobs.dismiss(name, principal)
            return found

        monkeypatch.setattr(jobs, "get", late)
        with pytest.raises(NotFound):
            await jobs.results(job.id, who)

    with_jobs(database_url, work)


def test_strangers_leave_a_slot_to_those_with_a_key(
    shared_url: str, shared_worker: subprocess.Popen[bytes]
) -> None:
    nobody = person(ANONYMOUS_ID)
    slots = max(2, os.cpu_count() or 1)

    async def work(jobs: JobStore, _: AttemptStore) -> None:
        crowd = [await jobs.submit(echo(pause=20), nobody) for _ in range(slots + 2)]
        await running(jobs, crowd[0], nobody)
        mine = await jobs.submit(echo(), person("a6"))
        assert (await jobs.wait(mine.id, person("a6"), 10)).status is JobStatus.SUCCESSFUL
        states = [(await jobs.get(job.id, nobody)).status for job in crowd]
        assert states.count(JobStatus.RUNNING) == slots - 1
        assert states.count(JobStatus.ACCEPTED) == 3
        for job in crowd:
            await jobs.dismiss(job.id, nobody)

    with_jobs(shared_url, work)


def test_a_job_that_is_queued_again_keeps_to_its_queue(database_url: str) -> None:
    queues = "SELECT queue_name, count(*) FROM procrastinate_jobs GROUP BY 1 ORDER BY 1"

    async def work(jobs: JobStore, attempts: AttemptStore) -> None:
        for who in (person("keyed"), person(ANONYMOUS_ID)):
            job = await jobs.submit(echo(), who)
            assert await attempts.start(job.id) is not None
        assert len(await attempts.reclaim(timedelta(0))) == 2
        with connect(database_url, DatabaseRole.WRITER) as connection:
            found = connection.execute(queues).fetchall()
        assert found == [("onemap", 2), ("onemap_anonymous", 2)], "one of before, one again"

    with_jobs(database_url, work)


def test_an_expired_job_goes_with_its_results(database_url: str) -> None:
    who = person("old")

    async def work(jobs: JobStore, attempts: AttemptStore) -> None:
        job = await jobs.submit(echo(), who)
        attempt = await attempts.start(job.id)
        assert attempt is not None
        await attempts.finish(
            attempt, [Result(output="text", media_type="text/plain", value=b"x")], {}
        )
        with connect(database_url, DatabaseRole.WRITER) as connection:
            connection.execute("UPDATE onemap.job SET expires_at = now() - interval '1 s'")
        await attempts.reclaim(STALLED)
        with pytest.raises(NoSuchJob):
            await jobs.get(job.id, who)
        with connect(database_url, DatabaseRole.WRITER) as connection:
            assert connection.execute("SELECT count(*) FROM onemap.job_result").fetchone() == (0,)

    with_jobs(database_url, work)


def test_a_dismissed_job_is_never_run_and_has_no_results(
    shared_url: str, shared_worker: subprocess.Popen[bytes]
) -> None:
    async def work(jobs: JobStore, _: AttemptStore) -> None:
        who = person("a3")
        done = await jobs.submit(echo(), who)
        await jobs.wait(done.id, who, 20)
        assert (await jobs.dismiss(done.id, who)).status is JobStatus.DISMISSED
        with pytest.raises(NotFound):
            await jobs.results(done.id, who)
        assert (await jobs.dismiss(done.id, who)).status is JobStatus.DISMISSED
        with pytest.raises(NoSuchJob):
            await jobs.dismiss(uuid4(), who)

    with_jobs(shared_url, work)


def test_dismissing_a_running_job_ends_its_computation_within_two_seconds(
    shared_url: str, shared_worker: subprocess.Popen[bytes]
) -> None:
    before = set(computing(shared_worker))

    async def work(jobs: JobStore, _: AttemptStore) -> None:
        who = person("a4")
        job = await jobs.submit(echo(pause=30), who)
        await computed(jobs, job, who)
        begin = time.monotonic()
        assert (await jobs.dismiss(job.id, who)).status is JobStatus.DISMISSED

        async def child_gone() -> bool:
            return not before <= set(computing(shared_worker))

        await until(child_gone, 2.0 - (time.monotonic() - begin))
        again = await jobs.submit(echo("weiter"), who)
        assert (await jobs.wait(again.id, who, 20)).status is JobStatus.SUCCESSFUL
        assert (await jobs.get(job.id, who)).status is JobStatus.DISMISSED

    with_jobs(shared_url, work)


def test_dismissing_ends_the_statement_that_the_database_works_on(
    database_url: str, load_squares: Callable[..., Any], tmp_path: Path
) -> None:
    load_squares("permanent_farmland", "2023", ["0", "1"])
    who = person("locked", SEES_ALL)
    new = NewJob(
        process="compliance-check",
        process_version="1",
        inputs={"parcels": FARMLAND},
        outputs=("result",),
        response="raw",
        catalogue="",
        per_owner=4,
    )
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = 'onemap reader' AND wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )

    async def work(jobs: JobStore, _: AttemptStore) -> None:
        with (
            psycopg.connect(database_url) as blocker,
            psycopg.connect(database_url, autocommit=True) as looking,
        ):
            blocker.execute("SET ROLE onemap_owner")
            blocker.execute("LOCK TABLE planning.permanent_farmland__2023 IN ACCESS EXCLUSIVE MODE")
            job = await jobs.submit(new, who)

            async def stands(count: int) -> bool:
                return looking.execute(waiting).fetchone() == (count,)

            await until(lambda: stands(1))
            await jobs.dismiss(job.id, who)
            await until(lambda: stands(0), 2.0)

    with a_worker(database_url, tmp_path):
        with_jobs(database_url, work)


def test_a_killed_computation_is_tried_once_more(
    shared_url: str, shared_worker: subprocess.Popen[bytes]
) -> None:
    async def work(jobs: JobStore, _: AttemptStore) -> None:
        who = person("a5")
        job = await jobs.submit(echo(pause=5), who)
        await computed(jobs, job, who)
        shared_worker.send_signal(signal.SIGSTOP)  # or it would try again before all are killed
        for pid in computing(shared_worker):
            os.kill(pid, signal.SIGKILL)
        shared_worker.send_signal(signal.SIGCONT)
        job = await jobs.wait(job.id, who, 30)
        assert (job.status, job.attempt) == (JobStatus.SUCCESSFUL, 2)

    with_jobs(shared_url, work)


def test_children_that_died_while_nothing_was_computed_are_no_fault_of_a_job(
    shared_url: str, shared_worker: subprocess.Popen[bytes]
) -> None:
    async def work(jobs: JobStore, _: AttemptStore) -> None:
        who = person("a7")
        below = descendants(shared_worker.pid)
        keepers = [pid for pid, depth in below.items() if depth == 1]
        for pid in keepers:
            os.kill(pid, signal.SIGSTOP)  # nobody notes the deaths, nobody starts others
        try:
            for pid in computing(shared_worker):
                os.kill(pid, signal.SIGKILL)
            job = await jobs.submit(echo(), who)
            await running(jobs, job, who)
            await asyncio.sleep(0.5)
        finally:
            for pid in keepers:
                os.kill(pid, signal.SIGCONT)
        job = await jobs.wait(job.id, who, 30)
        assert (job.status, job.attempt) == (JobStatus.SUCCESSFUL, 1)

    with_jobs(shared_url, work)


def test_a_job_is_stopped_at_its_entrys_time_limit(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    entry = (
        "kind: process\nid: echo\nspec: echo\npublic: true\nlimits: {seconds: 1, per_owner: 4}\n"
    )
    (folder / "echo.yaml").write_text(entry)

    async def work(jobs: JobStore, _: AttemptStore) -> None:
        who = person("slow")
        job = await jobs.submit(echo(pause=20), who)
        job = await jobs.wait(job.id, who, 15)
        assert job.status is JobStatus.FAILED
        with pytest.raises(JobFailed, match="limit of 1 s") as failed:
            await jobs.results(job.id, who)
        assert failed.value.reason == "time_limit"

    with a_worker(database_url, tmp_path, f"demo{os.pathsep}{folder}"):
        with_jobs(database_url, work)


def test_no_job_is_lost_or_done_twice_when_its_worker_is_killed(
    database_url: str, tmp_path: Path
) -> None:
    who = person("survivor")

    async def submit(jobs: JobStore, _: AttemptStore) -> list[Job]:
        made = [await jobs.submit(echo(str(i), pause=0.5), who) for i in range(6)]
        await running(jobs, made[0], who)
        return made

    async def ended(jobs: JobStore, _: AttemptStore) -> list[tuple[JobStatus, bytes]]:
        found = []
        for job in made:
            state = await jobs.wait(job.id, who, 60)
            _, results = await jobs.results(job.id, who)
            found.append((state.status, results[0].value))
        return found

    soon = {"ONEMAP_WORKER_LOST_S": "3"}
    with a_worker(database_url, tmp_path, **soon) as worker:
        made = with_jobs(database_url, submit)
        children = descendants(worker.pid)
        worker.kill()
        worker.wait()
    end = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()], "no child outlives it"
    with a_worker(database_url, tmp_path, **soon):
        outcome = with_jobs(database_url, ended)

    assert outcome == [(JobStatus.SUCCESSFUL, str(i).encode()) for i in range(6)]
    with connect(database_url, DatabaseRole.WRITER) as connection:
        assert connection.execute("SELECT count(*) FROM onemap.job_result").fetchone() == (6,)


def test_a_stopping_worker_gives_its_jobs_back_and_leaves_cleanly(
    database_url: str, tmp_path: Path
) -> None:
    who = person("patient")

    async def submit(jobs: JobStore, _: AttemptStore) -> Job:
        job = await jobs.submit(echo(pause=30), who)
        await running(jobs, job, who)
        return job

    with a_worker(database_url, tmp_path) as worker:
        job = with_jobs(database_url, submit)
        worker.terminate()
        assert worker.wait(20) == 0, (tmp_path / "worker.log").read_text()

    async def look(jobs: JobStore, _: AttemptStore) -> JobStatus:
        return (await jobs.get(job.id, who)).status

    assert with_jobs(database_url, look) is JobStatus.ACCEPTED, (
        tmp_path / "worker.log"
    ).read_text()
    assert not worker_alive(Settings.from_environ({"ONEMAP_HOME": str(tmp_path)}))


def test_a_stopping_worker_gives_back_what_still_waited_for_a_child(
    database_url: str, tmp_path: Path
) -> None:
    nobody, slots = person(ANONYMOUS_ID), max(2, os.cpu_count() or 1)

    async def submit(jobs: JobStore, _: AttemptStore) -> list[Job]:
        owners = [nobody] * (slots - 1) + [person("patient")] * slots
        made = [await jobs.submit(echo(pause=30), who) for who in owners]
        for job, who in zip(made, owners, strict=True):
            await running(jobs, job, who)
        return made

    async def look(jobs: JobStore, _: AttemptStore) -> set[JobStatus]:
        return {(await jobs.get(job.id, person("x", SEES_ALL))).status for job in made}

    with a_worker(database_url, tmp_path) as worker:
        made = with_jobs(database_url, submit)
        worker.terminate()
        assert worker.wait(20) == 0, (tmp_path / "worker.log").read_text()

    assert with_jobs(database_url, look) == {JobStatus.ACCEPTED}


def test_a_job_outlives_the_loss_of_every_connection(database_url: str, tmp_path: Path) -> None:
    who = person("steadfast")

    async def work(jobs: JobStore, _: AttemptStore) -> None:
        job = await jobs.submit(echo(pause=1.5), who)
        await running(jobs, job, who)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        job = await jobs.wait(job.id, who, 30)
        assert (job.status, job.attempt) == (JobStatus.SUCCESSFUL, 1)
        after = await jobs.submit(echo(), who)
        assert (await jobs.wait(after.id, who, 30)).status is JobStatus.SUCCESSFUL

    with a_worker(database_url, tmp_path):
        with_jobs(database_url, work)
