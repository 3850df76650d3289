"""Warm child processes, each for one computation at a time; a killed one is replaced.

The children come from a forkserver that has imported the compute stack already. They read the
database with the reader's rights and write nothing: what they find goes back through a pipe, and
the worker commits it.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

import structlog

from processes.computation import (
    Backend,
    Computation,
    Done,
    Failed,
    HandsWanted,
    Outcome,
    Progress,
    Taken,
    Unavailable,
    serve_computations,
)
from processes.context import Steps

PRELOAD = ["__main__", "processes.computation"]
START_AGAIN_S = 1.0

log = structlog.get_logger()

type Report = Callable[[int, str, Steps], Awaitable[None]]


class ChildDied(Exception):
    """The child ended before it answered: killed, or out of memory."""


class Children:
    """A fixed number of warm children; made by `open`, ended by `close`."""

    def __init__(
        self,
        url: str,
        size: int,
        end_backend: Callable[[int], Awaitable[None]],
        scheduler: str | None = None,
    ) -> None:
        self._url, self._size, self._end_backend = url, size, end_backend
        self._scheduler = scheduler
        self._free_cores = os.cpu_count() or 1  # not lent to any computation
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOAD)
        self._idle: asyncio.Queue[_Child] = asyncio.Queue()
        self._all: set[_Child] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._interrupted = False

    async def open(self) -> None:
        """Start every child and wait until all are warm."""
        await asyncio.gather(*(self._start() for _ in range(self._size)))

    async def close(self) -> None:
        """End every child, whatever it does."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for child in self._all:
            child.forget()
        self._all.clear()

    def interrupt(self) -> None:
        """End the children that compute; every computation, waiting or not, raises ChildDied."""
        self._interrupted = True
        for child in self._all:
            if child.busy:
                child.kill()

    async def compute(self, computation: Computation, report: Report) -> Outcome:
        """The outcome of one computation.

        Raises
        ------
        ChildDied
            If the child ended without an answer.
        TimeoutError
            After the computation's time limit. A cancelled or late child is killed and replaced.
        """
        child = await self._asked(computation)
        lent = 0

        def lend(most: int) -> int:
            nonlocal lent
            self._free_cores += lent  # one step after the other: what the last one had is back
            lent = min(most, self._free_cores)
            lent = lent if lent > 1 else 0  # a single one would win nothing
            self._free_cores -= lent
            return lent

        try:
            async with asyncio.timeout(computation.limit_s):
                outcome = await child.answer(report, lend)
        except BaseException:
            self._replace(child)
            raise
        finally:
            self._free_cores += lent
        self._idle.put_nowait(child)
        return outcome

    async def _asked(self, computation: Computation) -> "_Child":
        """The child that has taken the computation; one that died while idle is no fault of it."""
        for _ in range(self._size + 1):  # as many as there are may have been killed at once
            child = await self._idle.get()
            if self._interrupted:
                self._idle.put_nowait(child)
                break
            try:
                if await child.takes(computation):
                    return child
            except BaseException:
                self._replace(child)
                raise
            self._replace(child)
        raise ChildDied("the worker stops, or no child lives")

    def _replace(self, child: "_Child") -> None:
        child.forget()
        self._all.discard(child)
        task = asyncio.create_task(self._start_again(child.backend))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self) -> None:
        child = await asyncio.to_thread(_Child, self._context, self._url, self._scheduler)
        self._all.add(child)
        try:
            await child.ready()
        except BaseException:
            self._all.discard(child)
            child.forget()
            raise
        self._idle.put_nowait(child)

    async def _start_again(self, backend: int | None) -> None:
        if backend is not None:
            try:
                await self._end_backend(backend)
            except Exception as error:  # its statement timeout ends it at the latest
                log.warning("backend_not_ended", backend=backend, error=type(error).__name__)
        while True:
            try:
                return await self._start()
            except (OSError, ChildDied) as error:
                log.error("child_not_started", error=repr(error))
                await asyncio.sleep(START_AGAIN_S)


class _Child:
    """One process, its pipe, and the leash whose end tells it that we are gone."""

    def __init__(self, context: ForkServerContext, url: str, scheduler: str | None) -> None:
        self._pipe, theirs = context.Pipe()
        self._leash, their_leash = context.Pipe()
        self._process: ForkServerProcess = context.Process(
            target=serve_computations,
            args=(theirs, their_leash, url, scheduler),
            daemon=False,  # or it might not start processes; its leash ends it with us
        )
        self._process.start()
        theirs.close()
        their_leash.close()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="child")
        self.backend: int | None = None
        self.busy = False

    async def ready(self) -> None:
        """Return once the child has told that it is warm."""
        await self._receive()

    async def takes(self, computation: Computation) -> bool:
        """Hand *computation* over; whether the child lived to take it."""
        self.busy, self.backend = True, None
        try:
            self._pipe.send(computation)
            return isinstance(await self._receive(), Taken)
        except (OSError, ChildDied):
            self.busy = False
            return False

    async def answer(self, report: Report, lend: Callable[[int], int]) -> Outcome:
        """What becomes of the computation that it took."""
        try:
            while True:
                match await self._receive():
                    case Progress(percent, message, steps):
                        await report(percent, message, steps)
                    case HandsWanted(most):
                        self._pipe.send(lend(most))
                    case Backend(pid):
                        self.backend = pid
                    case Done() | Failed() | Unavailable() as outcome:
                        return outcome
        finally:
            self.busy = False

    def kill(self) -> None:
        """End the process now; whoever waits for it gets ChildDied."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._leash.close()

    def forget(self) -> None:
        """Kill, and let go of what served it; nobody waits for it any more."""
        self.kill()
        self._thread.shutdown(wait=False)

    async def _receive(self) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._pipe.recv)
        except (EOFError, OSError) as error:
            raise ChildDied("the child ended without an answer") from error
