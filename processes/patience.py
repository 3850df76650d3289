"""What is kept up whatever happens: the answer of a computation, and the duties of a worker."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from providers.errors import StoreTimeout, StoreUnavailable

RETRY_S = 1.0
DATABASE_AWAY_S = 120.0  # how long a computation's answer waits for the database to come back

log = structlog.get_logger()


async def patiently[T](write: Callable[[], Awaitable[T]]) -> T:
    """Write, again and again while the database is away; its error where it stays away."""
    give_up = time.monotonic() + DATABASE_AWAY_S
    while True:
        try:
            return await write()
        except (StoreUnavailable, StoreTimeout):
            if time.monotonic() > give_up:
                raise
            await asyncio.sleep(RETRY_S)


async def lasting(duty: Callable[[], Awaitable[None]]) -> None:
    """Do *duty* until cancelled; an error that it did not expect is logged, and it begins anew."""
    while True:
        try:
            return await duty()
        except Exception as error:
            name = getattr(duty, "__name__", repr(duty)).removeprefix("_")
            log.error("duty_failed", duty=name, error=repr(error), retry_s=RETRY_S)
        await asyncio.sleep(RETRY_S)
