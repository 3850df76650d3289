"""Callbacks: written with the job, delivered apart from it, tried again, and never the job's matter."""

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.manager import JobManager
from psycopg import sql

from config.remote_hosts import RemoteHost, parse_hosts
from config.settings import Settings
from config.vocabulary import Classification
from processes.callbacks import CallbackTasks
from providers.access import ALL, Principal, Scope
from providers.callback_deliveries import CallbackStore
from providers.callbacks import (
    QUEUE,
    Callback,
    CallbackState,
    Event,
    Subscriber,
    announce,
    callback_secret,
    callbacks_of,
)
from providers.database import DatabaseRole, Pools, connect, open_pools
from providers.job_attempts import Attempt, AttemptStore
from providers.job_records import Job, JobStatus, NewJob, Result
from providers.jobs import JobStore, open_jobs
from providers.keys import KeyRecord, new_key
from providers.webhooks import WAITS
from server.guide import render
from server.key_commands import KeyRefused, show_callback_secret

BASE = "http://map.example.cn"
LIMITED = Scope(
    layers=ALL,
    regions=("220102",),
    areas=ALL,
    ceiling=Classification.INTERNAL,
    functions=frozenset({"echo"}),
)
OWNER = Principal(
    id="a1b2c3d4e5f6", organisation="测试单位", person="测试员", role="surveyor", scope=LIMITED
)
ECHO = NewJob(
    process="echo",
    process_version="1.0.0",
    inputs={"text": "一张图"},
    outputs=("text",),
    response="raw",
    catalogue="test",
    per_owner=100,
)


class Receiver:
    """A subscriber's server: what it was sent, and how it answers."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.port = 0

    def uri(self, path: str) -> str:
        return f"http://hooks.example.cn:{self.port}{path}"

    @property
    def hosts(self) -> tuple[RemoteHost, ...]:
        return parse_hosts(f"hooks.example.cn:{self.port}=internal")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    subject = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            subject.received.append((self.path, headers, content))
            self.send_response(subject.statuses.pop(0) if subject.statuses else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    subject.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield subject
    server.shutdown()
    server.server_close()
    thread.join()


class Bench:
    """A database with jobs, and the deliveries of one worker."""

    def __init__(self, pools: Pools, jobs: JobStore, receiver: Receiver) -> None:
        self.pools, self.jobs, self.receiver = pools, jobs, receiver
        self.attempts = AttemptStore(pools)
        self.store = CallbackStore(pools, BASE)
        self.queue = JobManager(PsycopgConnector())
        self.tasks = CallbackTasks(self.store, receiver.hosts, lambda host, port: ["127.0.0.1"])

    async def started(self, subscriber: Subscriber | None) -> tuple[Job, Attempt]:
        """A job under way, whose subscriber is noted."""
        job = await self.jobs.submit(ECHO, OWNER, subscriber)
        attempt = await self.attempts.start(job.id)
        assert attempt is not None
        return job, attempt

    async def failed(self, attempt: Attempt) -> None:
        assert await self.attempts.fail(attempt, {"reason": "error", "detail": "It failed."})

    async def succeeded(self, attempt: Attempt, value: bytes = b'"\xe4\xb8\x80"') -> None:
        result = Result(output="text", media_type="application/json", value=value)
        assert await self.attempts.finish(attempt, [result], {})

    async def work(self) -> None:
        """Deliver whatever is due, as a worker does."""
        app = App(connector=PsycopgConnector())
        self.tasks.register(app)
        await app.open_async(pool=self.pools.writer)
        await app.run_worker_async(
            queues=[QUEUE],
            wait=False,
            delete_jobs="always",
            install_signal_handlers=False,
            listen_notify=False,
        )

    async def skip_the_wait(self) -> None:
        async with self.pools.writing() as connection:
            await connection.execute(
                "UPDATE procrastinate.procrastinate_jobs SET scheduled_at = now()"
                " WHERE queue_name = %s",
                (QUEUE,),
            )

    async def of(self, job: Job) -> list[Callback]:
        async with self.pools.writing() as connection:
            return await callbacks_of(connection, job.id)

    async def only(self, job: Job) -> Callback:
        (one,) = await self.of(job)
        return one

    async def status(self, job: Job) -> JobStatus:
        return (await self.jobs.get(job.id, OWNER)).status


@pytest.fixture
def at_work(
    database_url: str, receiver: Receiver
) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    def run(work: Callable[[Bench], Awaitable[None]]) -> None:
        async def inside() -> None:
            async with open_pools(database_url) as pools, open_jobs(database_url, pools) as jobs:
                await work(Bench(pools, jobs, receiver))

        asyncio.run(inside())

    return run


type AtWork = Callable[[Callable[[Bench], Awaitable[None]]], None]


def ends(receiver: Receiver) -> Subscriber:
    return Subscriber(success=receiver.uri("/done?token=1"), failed=receiver.uri("/failed"))


def everything(receiver: Receiver) -> Subscriber:
    return Subscriber(
        success=receiver.uri("/done?token=1"),
        in_progress=receiver.uri("/started"),
        failed=receiver.uri("/failed"),
    )


def verified(headers: dict[str, str], content: bytes, secret: str) -> bool:
    """By the function that the guide prints for receivers."""
    (path,) = (render.FOLDER / "en").glob("*-processes.md")
    (code,) = re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    return cast(bool, names["verified"](headers, content, secret))


def test_a_success_is_told_with_its_results_signed_and_once(
    at_work: AtWork, receiver: Receiver, database_url: str
) -> None:
    async def work(bench: Bench) -> None:
        job, attempt = await bench.started(everything(receiver))
        await bench.work()
        await bench.succeeded(attempt)
        await bench.work()
        await bench.work()
        found = await bench.of(job)
        assert [(c.event, c.state, c.attempts, c.problem) for c in found] == [
            (Event.IN_PROGRESS, CallbackState.DELIVERED, 1, None),
            (Event.SUCCESS, CallbackState.DELIVERED, 1, None),
        ]
        assert found[1].place == receiver.uri("/done")
        assert [headers["webhook-id"] for _, headers, _ in receiver.received] == [
            str(c.id) for c in found
        ]

    at_work(work)
    (started, _, status), (done, headers, results) = receiver.received
    assert (started, done) == ("/started", "/done?token=1")
    assert json.loads(status)["status"] == "running"
    assert json.loads(results) == {"text": "一"}
    assert headers["content-type"] == "application/json"
    with connect(database_url, DatabaseRole.WRITER) as connection:
        secret, other = (callback_secret(connection, name) for name in (OWNER.id, "anonymous"))
    assert verified(headers, results, secret)
    assert not verified(headers, results, other)


def test_a_failure_is_told_with_the_jobs_status(at_work: AtWork, receiver: Receiver) -> None:
    async def work(bench: Bench) -> None:
        job, attempt = await bench.started(ends(receiver))
        await bench.failed(attempt)
        await bench.work()
        assert (await bench.only(job)).state is CallbackState.DELIVERED

    at_work(work)
    ((path, _, content),) = receiver.received
    document = json.loads(content)
    assert path == "/failed"
    assert (document["status"], document["message"]) == ("failed", "It failed.")


def test_results_that_are_large_are_told_by_their_address(
    at_work: AtWork, receiver: Receiver
) -> None:
    async def work(bench: Bench) -> None:
        job, attempt = await bench.started(ends(receiver))
        await bench.succeeded(attempt, b'"' + b"x" * 2_000_000 + b'"')
        await bench.work()
        ((_, _, content),) = receiver.received
        href = f"{BASE}/jobs/{job.id}/results"
        assert json.loads(content) == {"text": {"href": href, "type": "application/json"}}

    at_work(work)


def test_nobody_is_told_who_did_not_ask(at_work: AtWork, receiver: Receiver) -> None:
    async def work(bench: Bench) -> None:
        for subscriber in (None, Subscriber(success=receiver.uri("/"))):
            failed, attempt = await bench.started(subscriber)
            await bench.failed(attempt)
            dismissed, _ = await bench.started(subscriber)
            await bench.jobs.dismiss(dismissed.id, OWNER)
            assert [await bench.of(job) for job in (failed, dismissed)] == [[], []]

    at_work(work)


def test_what_is_rolled_back_with_the_job_is_never_told(
    at_work: AtWork, receiver: Receiver
) -> None:
    async def work(bench: Bench) -> None:
        job, _ = await bench.started(ends(receiver))
        async with bench.pools.writing() as connection:
            await announce(connection, bench.queue, job.id, JobStatus.SUCCESSFUL)
            await connection.rollback()
        await bench.work()
        assert await bench.of(job) == []

    at_work(work)
    assert receiver.received == []


def test_a_refusal_is_tried_again_with_the_same_id_and_leaves_the_job_as_it_is(
    at_work: AtWork, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, 404]

    async def work(bench: Bench) -> None:
        job, attempt = await bench.started(ends(receiver))
        await bench.succeeded(attempt)
        for number, status in enumerate([500, 302, 404], start=1):
            await bench.work()
            found = await bench.only(job)
            assert (found.state, found.attempts) == (CallbackState.WAITING, number)
            assert found.problem == f"answered {status}; expected 2xx"
            assert await bench.status(job) is JobStatus.SUCCESSFUL
            await bench.work()  # not before its time
            assert len(receiver.received) == number
            await bench.skip_the_wait()
        await bench.work()
        assert (await bench.only(job)).state is CallbackState.DELIVERED

    at_work(work)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.received}) == 1


def test_after_the_last_attempt_and_after_410_it_has_failed_for_its_owner_to_see(
    at_work: AtWork, receiver: Receiver
) -> None:
    tries = len(WAITS) + 1
    receiver.statuses = [503] * tries + [410]

    async def work(bench: Bench) -> None:
        for expected in (tries, 1):
            job, attempt = await bench.started(ends(receiver))
            await bench.succeeded(attempt)
            for _ in range(expected + 1):
                await bench.work()
                await bench.skip_the_wait()
            found = await bench.only(job)
            assert (found.state, found.attempts) == (CallbackState.FAILED, expected)
            assert found.problem is not None
            assert found.ended is not None
            assert await bench.status(job) is JobStatus.SUCCESSFUL

    at_work(work)
    assert len(receiver.received) == tries + 1


@pytest.mark.parametrize("kept", ["hooks.example.cn:{port}", ""])
def test_a_private_address_or_a_host_no_longer_listed_is_not_called(
    at_work: AtWork, receiver: Receiver, kept: str
) -> None:
    async def work(bench: Bench) -> None:
        hosts = parse_hosts(kept.format(port=receiver.port))
        bench.tasks = CallbackTasks(bench.store, hosts, lambda host, port: ["127.0.0.1"])
        job, attempt = await bench.started(ends(receiver))
        await bench.failed(attempt)
        await bench.work()
        found = await bench.only(job)
        assert found.state is CallbackState.WAITING
        assert found.problem is not None
        assert "127.0.0.1" not in found.problem

    at_work(work)
    assert receiver.received == []


def test_the_callbacks_of_a_dismissed_job_are_dropped(at_work: AtWork, receiver: Receiver) -> None:
    async def work(bench: Bench) -> None:
        job, attempt = await bench.started(ends(receiver))
        await bench.succeeded(attempt)
        await bench.jobs.dismiss(job.id, OWNER)
        await bench.work()
        assert (await bench.only(job)).state is CallbackState.DROPPED

    at_work(work)
    assert receiver.received == []


def test_what_a_dead_worker_had_begun_and_what_lost_its_task_is_taken_up_again(
    at_work: AtWork, receiver: Receiver
) -> None:
    async def work(bench: Bench) -> None:
        job, attempt = await bench.started(ends(receiver))
        await bench.failed(attempt)
        assert await bench.store.take_up(timedelta(seconds=-3_600)) == 0  # its task still waits
        claimed = await bench.store.claim((await bench.only(job)).id, 0)
        assert claimed is not None
        async with bench.pools.writing() as connection:
            await connection.execute("DELETE FROM procrastinate.procrastinate_jobs")
        assert await bench.store.take_up() == 0  # it may still be under way
        assert await bench.store.take_up(timedelta(seconds=-3_600)) == 1
        await bench.work()
        assert (await bench.only(job)).state is CallbackState.DELIVERED
        await bench.store.refused(claimed, "late", for_good=True)  # the dead one comes back
        assert (await bench.only(job)).state is CallbackState.DELIVERED

    at_work(work)
    assert len(receiver.received) == 1


def test_one_attempt_is_claimed_once(at_work: AtWork, receiver: Receiver) -> None:
    async def work(bench: Bench) -> None:
        job, attempt = await bench.started(ends(receiver))
        await bench.failed(attempt)
        name = (await bench.only(job)).id
        claims = await asyncio.gather(*(bench.store.claim(name, 0) for _ in range(4)))
        assert [claim is not None for claim in claims].count(True) == 1
        assert "secret" not in repr(next(c for c in claims if c)).lower()
        assert await bench.store.claim(UUID(int=0), 0) is None

    at_work(work)


def test_the_command_line_prints_the_secret_of_a_key_in_force(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path, store=tmp_path, database_url=database_url)
    record = KeyRecord(id="", organisation="单位", person="人", role="surveyor", regions=())
    with connect(database_url, DatabaseRole.WRITER) as connection:
        name = new_key(connection, record, None).split("_")[1]
        secret = callback_secret(connection, name)

    assert show_callback_secret(settings, name) == 0
    assert capsys.readouterr().out.strip() == secret
    assert secret.startswith("whsec_")
    with pytest.raises(KeyRefused):
        show_callback_secret(settings, "unknown")


@pytest.mark.parametrize("table", ["subscription", "callback", "callback_secret"])
def test_computations_see_neither_secrets_nor_addresses(database_url: str, table: str) -> None:
    with (
        connect(database_url, DatabaseRole.READER) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier("onemap", table)))
