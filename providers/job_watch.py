"""News of jobs: one listening connection for all who wait in this process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from providers.listening import listen

CHANNEL = "onemap_job"
RECONNECT_S = 1.0


class News:
    """Wakes one waiter when its job's status changes."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def arrive(self) -> None:
        self._event.set()

    async def within(self, seconds: float) -> None:
        """Return at the next change, or after *seconds*."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        self._event.clear()

    @staticmethod
    def now() -> float:
        """The event loop's clock, in seconds."""
        return asyncio.get_running_loop().time()


class JobWatch:
    """Hands notifications to those who listen; a lost connection only makes them look again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._listeners: dict[UUID, set[News]] = {}

    @contextmanager
    def listening(self, job: UUID) -> Iterator[News]:
        """News of *job* from now on."""
        news = News()
        self._listeners.setdefault(job, set()).add(news)
        try:
            yield news
        finally:
            self._listeners[job].discard(news)
            if not self._listeners[job]:
                del self._listeners[job]

    async def follow(self) -> None:
        """Listen for ever; after a reconnect everybody is woken, since news may be lost."""
        await listen(
            self._url, CHANNEL, hear=self._hear, retry_s=RECONNECT_S, lost="job_listener_lost"
        )

    async def _hear(self, connection: AsyncConnection[TupleRow]) -> None:
        for news in [n for waiting in self._listeners.values() for n in waiting]:
            news.arrive()
        async for notification in connection.notifies():
            for news in self._listeners.get(UUID(notification.payload), ()):
                news.arrive()


@asynccontextmanager
async def watching_jobs(url: str) -> AsyncIterator[JobWatch]:
    """A watch that follows the channel while the context lasts."""
    watch = JobWatch(url)
    following = asyncio.create_task(watch.follow(), name="job_watch")
    try:
        yield watch
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
