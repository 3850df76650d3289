"""Connections: one database URL, pools by database role, driver errors as ours."""

import re
import select
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.pq import PGconn, Ping
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from providers.errors import StoreTimeout, StoreUnavailable
from providers.reader import Planning, Reader

MINIMUM_POSTGRESQL = 140000
MINIMUM_POSTGIS = (3, 3)


class DatabaseError(Exception):
    """The database server cannot be used as it is; one plain sentence."""


class DatabaseRole(StrEnum):
    """Who does what in the database: migrations, writing, serving."""

    OWNER = "onemap_owner"
    WRITER = "onemap_writer"
    READER = "onemap_reader"


# Statement limits by what a connection is for; a tile or a page never needs more.
STATEMENT_TIMEOUT_MS = {
    DatabaseRole.OWNER: 0,
    DatabaseRole.WRITER: 30_000,
    DatabaseRole.READER: 10_000,
}
DRIVER_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
RECOVERY_S = 60.0  # for a server that is there, but takes no connections yet
SEARCH_PATH = "onemap,procrastinate,public"


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of one server process."""

    reader: AsyncConnectionPool[Reader]
    writer: AsyncConnectionPool[AsyncConnection[TupleRow]]

    @asynccontextmanager
    async def reading(self, planning: Planning = Planning.EACH) -> AsyncIterator[Reader]:
        """A read-only connection, each statement in a transaction of its own.

        Driver errors leave as store errors.
        """
        try:
            connection = await self.reader.getconn()
            try:  # without the pool's transaction: there is none to end
                await connection.plan(planning)
                yield connection
            finally:
                await self.reader.putconn(connection)
        except DRIVER_ERRORS as error:
            raise _as_ours(error) from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A writing connection in a transaction: commit at the end, roll back on error."""
        try:
            async with self.writer.connection() as connection:
                yield connection
        except DRIVER_ERRORS as error:
            raise _as_ours(error) from error


@asynccontextmanager
async def open_pools(url: str, *, readers: int = 8, writers: int = 4) -> AsyncIterator[Pools]:
    """Both pools, opened in the background so that a dead database is a 503 and not a dead server."""
    async with (
        _pool(url, DatabaseRole.READER, readers, Reader) as reader,
        _pool(url, DatabaseRole.WRITER, writers, AsyncConnection[TupleRow]) as writer,
    ):
        yield Pools(reader, writer)


@contextmanager
def connect(
    url: str, role: DatabaseRole, *, statement_timeout_ms: int | None = None
) -> Iterator[Connection[TupleRow]]:
    """One connection in a transaction, for loads and the command line."""
    with psycopg.connect(url, **connection_options(role, statement_timeout_ms)) as connection:
        yield connection


def sentence(error: psycopg.Error) -> str:
    """A driver's error as one plain sentence for the operator."""
    return f"The database refused: {_first_line(error)}."


def check_server(url: str) -> None:
    """DatabaseError unless the server is PostgreSQL 14 or later with PostGIS 3.3 or later.

    One that recovers from a crash is waited for.
    """
    until = time.monotonic() + RECOVERY_S
    while PGconn.ping(url.encode()) == Ping.REJECT and time.monotonic() < until:
        time.sleep(0.2)
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            if connection.info.server_version < MINIMUM_POSTGRESQL:
                found = connection.info.server_version // 10000
                raise DatabaseError(
                    f"The database server is PostgreSQL {found}; 14 or later is needed."
                )
            row = connection.execute(
                "SELECT default_version FROM pg_available_extensions WHERE name = 'postgis'"
            ).fetchone()
    except psycopg.Error as error:
        raise DatabaseError(f"The database cannot be reached: {_first_line(error)}.") from error
    version = str(row[0]) if row else ""
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    if numbers < MINIMUM_POSTGIS:
        raise DatabaseError(
            f"The database server has PostGIS {version or 'not installed'}; 3.3 or later is needed."
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def connection_options(
    role: DatabaseRole,
    statement_timeout_ms: int | None = None,
    planning: Planning = Planning.EACH,
) -> dict[str, Any]:
    """What a connection of this role is opened with: its rights and its limits."""
    timeout = STATEMENT_TIMEOUT_MS[role] if statement_timeout_ms is None else statement_timeout_ms
    settings = {
        "role": role,
        "search_path": SEARCH_PATH,
        "statement_timeout": timeout,
        "idle_in_transaction_session_timeout": 60_000 if role is not DatabaseRole.OWNER else 0,
        "timezone": "UTC",
        "jit": "off",
        "plan_cache_mode": planning,
        "default_transaction_read_only": "on" if role is DatabaseRole.READER else "off",
    }
    return {
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "application_name": f"onemap {role.removeprefix('onemap_')}",
        "connect_timeout": 10,
        # a peer that vanished without a word is noticed within a minute, also by who waits for it
        "tcp_user_timeout": 60_000,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }


def _pool[C: AsyncConnection[TupleRow]](
    url: str, role: DatabaseRole, size: int, kind: type[C]
) -> AsyncConnectionPool[C]:
    # a reader's transaction would cost two more messages for each statement
    reads = role is DatabaseRole.READER
    apart = {"autocommit": True} if reads else {}
    return AsyncConnectionPool(
        url,
        connection_class=kind,
        kwargs=connection_options(role) | apart,
        min_size=1,
        max_size=size,
        open=False,
        timeout=5.0,
        max_waiting=200,
        max_idle=300.0,
        reconnect_timeout=30.0,
        configure=_warm,
        check=_quick_check if reads else AsyncConnectionPool.check_connection,
        name=role,
    )


async def _quick_check(connection: AsyncConnection[TupleRow]) -> None:
    """Whether a waiting connection lives; the server is asked only where the line is not silent.

    A server that ends a connection says so, or closes it: then there is something to read.
    """
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if waiting.poll(0):
        await AsyncConnectionPool.check_connection(connection)


async def _warm(connection: AsyncConnection[TupleRow]) -> None:
    """PROJ and PostGIS load on the first transformation; no request should pay for that."""
    await connection.execute(
        "SELECT ST_AsMVTGeom(ST_Transform(ST_SetSRID(ST_MakePoint(125, 43), 4326), 3857),"
        " ST_TileEnvelope(0, 0, 0))"
    )
    if not connection.autocommit:
        await connection.commit()


def _as_ours(error: Exception) -> StoreTimeout | StoreUnavailable:
    if isinstance(error, psycopg.errors.QueryCanceled):
        return StoreTimeout("a statement was stopped at its time limit")
    return StoreUnavailable(type(error).__name__)
