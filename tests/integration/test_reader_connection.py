"""A reading connection: long answers whole, cancelled statements ended, lost servers told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest
import uvloop

from providers.database import DatabaseRole, connection_options
from providers.reader import Reader


@asynccontextmanager
async def reader(url: str) -> AsyncIterator[Reader]:
    options = connection_options(DatabaseRole.READER)
    async with await Reader.connect(url, autocommit=True, **options) as connection:
        yield connection


type Run = Callable[[str, Callable[[Reader], Awaitable[None]]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Have a coroutine run with a reader of its own, in one of the event loops."""
    made = uvloop.new_event_loop if request.param == "uvloop" else None

    def run_it(url: str, with_reader: Callable[[Reader], Awaitable[None]]) -> None:
        async def main() -> None:
            async with reader(url) as connection:
                await with_reader(connection)

        with asyncio.Runner(loop_factory=made) as runner:
            runner.run(main())

    return run_it


def test_an_answer_of_many_parts_arrives_whole(database_url: str, run: Run) -> None:
    async def ask(one: Reader) -> None:
        cursor = await one.execute(
            "SELECT i, repeat(i::text, 500) FROM generate_series(1, 3000) AS s (i)"
        )
        assert await cursor.fetchall() == [(i, str(i) * 500) for i in range(1, 3001)]
        cursor = await one.execute("SELECT 1 WHERE false")
        assert await cursor.fetchall() == []

    run(database_url, ask)


def test_a_statement_whose_reader_is_gone_is_ended_and_the_connection_serves_on(
    database_url: str, run: Run
) -> None:
    async def ask(one: Reader) -> None:
        asking = asyncio.create_task(one.execute("SELECT pg_sleep(9)"))
        while one.info.transaction_status is not psycopg.pq.TransactionStatus.ACTIVE:
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        cursor = await one.execute("SELECT 2")
        assert await cursor.fetchone() == (2,)

    run(database_url, ask)


def test_a_refused_statement_and_a_lost_server_are_told(database_url: str, run: Run) -> None:
    async def ask(one: Reader) -> None:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await one.execute("SELECT 1 / 0")
        asking = asyncio.create_task(one.execute("SELECT pg_sleep(9)"))
        while one.info.transaction_status is not psycopg.pq.TransactionStatus.ACTIVE:
            await asyncio.sleep(0.01)
        end = "SELECT pg_terminate_backend(%s)"
        async with await psycopg.AsyncConnection.connect(database_url) as other:
            await other.execute(end, (one.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            await asking

    run(database_url, ask)


def test_statements_one_after_the_other_leave_the_event_loop_in_peace(
    database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket stays watched between statements; nothing may be left in it that wakes the loop."""

    async def ask(one: Reader) -> None:
        woken: list[int] = []
        readable = one._readable

        def counted() -> None:
            woken.append(1)
            readable()

        monkeypatch.setattr(one, "_readable", counted)
        for number in range(20):
            cursor = await one.execute("SELECT %s::int", (number,))
            assert await cursor.fetchone() == (number,)
        heard = len(woken)
        assert 20 <= heard <= 60
        await asyncio.sleep(0.05)
        assert len(woken) == heard

    run(database_url, ask)


def test_a_connection_that_ends_while_nobody_asks_is_told_to_the_next_who_does(
    database_url: str, run: Run
) -> None:
    async def ask(one: Reader) -> None:
        await one.execute("SELECT 1")
        async with await psycopg.AsyncConnection.connect(database_url) as other:
            await other.execute("SELECT pg_terminate_backend(%s)", (one.info.backend_pid,))
        await asyncio.sleep(0.1)
        with pytest.raises(psycopg.OperationalError):
            await one.execute("SELECT 2")
        async with reader(database_url) as another:  # whose socket may have the same number
            cursor = await another.execute("SELECT 3")
            assert await cursor.fetchone() == (3,)

    run(database_url, ask)
