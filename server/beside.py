"""Long work beside the server, in processes of its own: so many at a time, some for each caller."""

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

import anyio
import anyio.to_process
from starlette.requests import Request

from server.problems import Overloaded
from server.state import principal


class Lane:
    """Places for one kind of work; who finds none within the wait is told to come again."""

    def __init__(self, *, places: int, each: int, wait_s: float) -> None:
        self._each, self._wait_s = each, wait_s
        self._places = asyncio.Semaphore(places)
        self._processes = places
        self._callers: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def run[T](self, request: Request, work: Callable[..., T], *arguments: object) -> T:
        """What *work* gives, made in another process.

        Raises
        ------
        Overloaded
            Where the caller's places, or all, stay taken.
        """
        caller = _caller(request)
        own = self._callers.setdefault(caller, asyncio.Semaphore(self._each))
        try:
            async with asyncio.timeout(self._wait_s):
                await own.acquire()
                try:
                    await self._places.acquire()
                except BaseException:
                    own.release()
                    raise
        except TimeoutError:
            raise Overloaded(
                "as many of these are being made as this server makes at a time"
            ) from None
        try:
            limiter = anyio.CapacityLimiter(self._processes)
            return await anyio.to_process.run_sync(
                work, *arguments, cancellable=True, limiter=limiter
            )
        finally:
            self._places.release()
            own.release()


def _caller(request: Request) -> str:
    """A key, or where a request without a key comes from."""
    who = principal(request)
    if not who.anonymous:
        return who.id
    return request.client.host if request.client else ""
