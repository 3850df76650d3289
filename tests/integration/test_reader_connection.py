"""A reading connection: long answers whole, cancelled statements ended, lost servers told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from providers.database import DatabaseRole, Reader, connection_options


@asynccontextmanager
async def reader(url: str) -> AsyncIterator[Reader]:
    options = connection_options(DatabaseRole.READER)
    async with await Reader.connect(url, autocommit=True, **options) as connection:
        yield connection


def run(url: str, with_reader: Callable[[Reader], Awaitable[None]]) -> None:
    async def main() -> None:
        async with reader(url) as connection:
            await with_reader(connection)

    asyncio.run(main())


def test_an_answer_of_many_parts_arrives_whole(database_url: str) -> None:
    async def ask(one: Reader) -> None:
        cursor = await one.execute(
            "SELECT i, repeat(i::text, 500) FROM generate_series(1, 3000) AS s (i)"
        )
        assert await cursor.fetchall() == [(i, str(i) * 500) for i in range(1, 3001)]
        cursor = await one.execute("SELECT 1 WHERE false")
        assert await cursor.fetchall() == []

    run(database_url, ask)


def test_a_statement_whose_reader_is_gone_is_ended_and_the_connection_serves_on(
    database_url: str,
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


def test_a_refused_statement_and_a_lost_server_are_told(database_url: str) -> None:
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
