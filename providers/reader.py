"""The connection that answers callers: it plans as it is told, and reads long answers at little cost."""

import asyncio
from enum import StrEnum
from typing import Any, cast

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.waiting import READY_R, WAIT_R

CANCEL_S = 5.0  # for a server to end what nobody waits for any more


class Planning(StrEnum):
    """Whether the server plans a prepared statement for the values of each execution, or once."""

    EACH = "force_custom_plan"  # a window's size decides between its index and the key's
    ONCE = "force_generic_plan"  # where no value decides: planning takes longer than a short page


class Reader(AsyncConnection[TupleRow]):
    """A connection whose socket the event loop goes on to watch between statements.

    To begin anew for each costs more than a short page, and what arrives of a long answer, 8 KiB at
    a time, wakes no task. The driver's own ways of waiting get the socket unwatched.
    """

    planning: Planning | None = Planning.EACH  # None: not known
    _answer: "_Answer[Any] | None" = None  # that is under way
    _watched: int | None = None  # the socket

    async def wait[T](
        self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None
    ) -> T:
        """As the driver waits, for whatever needs no more than reading."""
        try:
            wanted = next(gen)
        except StopIteration as ended:
            return cast("T", ended.value)
        if wanted != WAIT_R or timeout is not None:
            self._unwatch()
            return await super().wait(gen, interval, timeout)
        answer = self._answer = _Answer(gen)
        try:
            self._watch()
            if await answer.ended:
                return cast("T", answer.value)
        except asyncio.CancelledError:
            self._unwatch()
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                try:
                    await self.cancel_safe(timeout=CANCEL_S)
                    await super().wait(gen, interval, CANCEL_S)
                except psycopg.errors.QueryCanceled:
                    pass
                except psycopg.Error:
                    self.pgconn.finish()  # in a state that nobody knows
            raise
        finally:
            self._answer = None
        self._unwatch()
        return await super().wait(gen, interval)

    async def plan(self, planning: Planning) -> None:
        """Have prepared statements planned so from now on."""
        if self.planning is not planning:
            self.planning = None
            await self.execute(f"SET plan_cache_mode = {planning}".encode())
            self.planning = planning

    async def close(self) -> None:
        """Close the connection."""
        self._unwatch()
        await super().close()

    def _watch(self) -> None:
        if self._watched is None:
            self._watched = self.pgconn.socket
            asyncio.get_running_loop().add_reader(self._watched, self._readable)

    def _unwatch(self) -> None:
        if self._watched is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched = None

    def _readable(self) -> None:
        """Take a part of the answer; news that come while nobody asks are for the next who does."""
        if self._answer is None or not self._answer.taken() or self.closed:
            self._unwatch()


class _Answer[T]:
    """An answer whose parts are taken as the socket has them."""

    value: T

    def __init__(self, gen: PQGen[T]) -> None:
        self._gen = gen
        # true once all is there, false where the driver has to write first
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def taken(self) -> bool:
        """Take what is there; false where that ended in anything but the answer."""
        if self.ended.done():
            return False
        try:
            if self._gen.send(READY_R) == WAIT_R:
                return True
            self.ended.set_result(False)
        except StopIteration as ended:
            self.value = ended.value
            self.ended.set_result(True)
            return True
        except Exception as error:
            self.ended.set_exception(error)
        return False
