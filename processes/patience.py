"""What a computation found is kept while the database is away for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from providers.errors import StoreTimeout, StoreUnavailable

RETRY_S = 1.0
DATABASE_AWAY_S = 120.0  # how long a computation's answer waits for the database to come back


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
