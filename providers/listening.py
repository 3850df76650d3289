"""Listening to the database for ever: a lost connection is made again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn

import psycopg
import structlog
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from providers.database import DatabaseRole, connection_options

log = structlog.get_logger()

type Listener = Callable[[AsyncConnection[TupleRow]], Awaitable[None]]


async def listen(
    url: str, *channels: str, hear: Listener, retry_s: float, lost: str = "listener_lost"
) -> NoReturn:
    """Let *hear* follow the channels on each new connection; what was said between two is lost."""
    while True:
        with suppress(psycopg.Error, OSError):
            async with await AsyncConnection.connect(
                url, autocommit=True, **connection_options(DatabaseRole.READER)
            ) as connection:
                for channel in channels:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                await hear(connection)
        log.warning(lost, retry_s=retry_s)
        await asyncio.sleep(retry_s)
