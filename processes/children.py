"""Warm child processes, each for one computation at a time; a killed one is replaced.

The children come from a forkserver that has imported the compute stack already. They read the
database with the reader's rights and write nothing: what they find goes back through a pipe, and
the worker commits it.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

import orjson
import psycopg
import structlog
from psycopg.rows import TupleRow

from config.model import ProcessEntry
from processes.context import Context
from processes.registry import SPECS
from processes.spec import JSON, InvalidBody
from providers.access import Scope
from providers.database import DatabaseRole, connection_options
from providers.jobs import Result

PRELOAD = ["__main__", "processes.children"]
PROGRESS_EVERY_S = 0.5
MAX_RESULT_BYTES = 64 * 1024 * 1024
START_AGAIN_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Computation:
    """What a child is asked to do."""

    spec: str
    entry: ProcessEntry
    scope: Scope
    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    now: datetime
    planar_crs: str | None
    limit_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The values of the outputs asked for, and what was read for them."""

    results: tuple[Result, ...]
    lineage: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Why there is no result; `trace` is for the log alone."""

    error: Mapping[str, Any]
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The database went away; the same computation may be tried again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the computation is, in percent."""

    percent: int
    message: str


@dataclass(frozen=True, slots=True)
class Backend:
    """The database backend that reads for the computation."""

    pid: int


type Outcome = Done | Failed | Unavailable
type Report = Callable[[int, str], Awaitable[None]]


class ChildDied(Exception):
    """The child ended before it answered: killed, or out of memory."""


class Children:
    """A fixed number of warm children; made by `open`, ended by `close`."""

    def __init__(self, url: str, size: int, end_backend: Callable[[int], Awaitable[None]]) -> None:
        self._url, self._size, self._end_backend = url, size, end_backend
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOAD)
        self._idle: asyncio.Queue[_Child] = asyncio.Queue()
        self._all: set[_Child] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start every child and wait until all are warm."""
        await asyncio.gather(*(self._start() for _ in range(self._size)))

    async def close(self) -> None:
        """End every child, whatever it does."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for child in list(self._all):
            child.kill()
        self._all.clear()

    def interrupt(self) -> None:
        """End the children that compute; their computations raise ChildDied."""
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
        while not (child := await self._idle.get()).alive():
            self._replace(child)  # died while idle: no fault of this computation
        try:
            async with asyncio.timeout(computation.limit_s):
                outcome = await child.answer(computation, report)
        except BaseException:
            self._replace(child)
            raise
        self._idle.put_nowait(child)
        return outcome

    def _replace(self, child: "_Child") -> None:
        child.kill()
        self._all.discard(child)
        task = asyncio.create_task(self._start_again(child.backend))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self) -> None:
        child = await asyncio.to_thread(_Child, self._context, self._url)
        self._all.add(child)
        await child.ready()
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

    def __init__(self, context: ForkServerContext, url: str) -> None:
        self._pipe, theirs = context.Pipe()
        self._leash, their_leash = context.Pipe()
        self._process: ForkServerProcess = context.Process(
            target=serve_computations, args=(theirs, their_leash, url), daemon=True
        )
        self._process.start()
        theirs.close()
        their_leash.close()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="child")
        self.backend: int | None = None
        self.busy = False

    def alive(self) -> bool:
        return self._process.is_alive()

    async def ready(self) -> None:
        """Return once the child has told that it is warm."""
        await self._receive()

    async def answer(self, computation: Computation, report: Report) -> Outcome:
        self.busy, self.backend = True, None
        try:
            try:
                self._pipe.send(computation)
            except OSError as error:
                raise ChildDied("the child was gone") from error
            while True:
                match await self._receive():
                    case Progress(percent, message):
                        await report(percent, message)
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
        self._thread.shutdown(wait=False)

    async def _receive(self) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._pipe.recv)
        except (EOFError, OSError) as error:
            raise ChildDied("the child ended without an answer") from error


def serve_computations(pipe: Pipe, leash: Pipe, url: str) -> None:
    """The child's life: one computation after the other until its worker is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to hear
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with, args=(leash,), daemon=True).start()
    reader = _Reader(url, pipe)
    pipe.send("ready")
    while True:
        try:
            computation = pipe.recv()
        except EOFError:
            return
        pipe.send(_outcome(computation, reader, pipe))


def _die_with(leash: Pipe) -> None:
    with suppress(EOFError, OSError):
        leash.recv()
    os._exit(1)


def _outcome(computation: Computation, reader: "_Reader", pipe: Pipe) -> Outcome:
    spec = SPECS[computation.spec]
    reader.limit_s = computation.limit_s
    context = Context(
        entry=computation.entry,
        scope=computation.scope,
        reader=reader.connection,
        report=_Reporter(pipe),
        now=computation.now,
        planar_crs=computation.planar_crs,
    )
    try:
        values = spec.run(context, computation.inputs)
        results = tuple(
            _result(name, spec.outputs[name].media_type, values[name])
            for name in computation.outputs
        )
    except InvalidBody as error:
        return Failed(
            error={"reason": "invalid_inputs", "detail": str(error), "errors": error.errors}
        )
    except psycopg.errors.QueryCanceled:
        return Failed(error=time_limit(computation.limit_s))
    except (psycopg.OperationalError, psycopg.InterfaceError):
        reader.drop()
        return Unavailable()
    except Exception:
        return Failed(
            error={
                "reason": "error",
                "detail": "The computation failed; the worker's log says why.",
            },
            trace=traceback.format_exc(),
        )
    if sum(len(result.value) for result in results) > MAX_RESULT_BYTES:
        detail = f"The result is larger than {MAX_RESULT_BYTES} bytes."
        return Failed(error={"reason": "too_large", "detail": detail})
    return Done(results=results, lineage=tuple(context.lineage))


def time_limit(seconds: int) -> Mapping[str, Any]:
    """The problem of a computation that outlasts its entry's limit."""
    detail = f"The computation was stopped at its limit of {seconds} s."
    return {"reason": "time_limit", "detail": detail}


def _result(name: str, media_type: str, value: Any) -> Result:
    text = orjson.dumps(value) if media_type == JSON else str(value).encode()
    return Result(output=name, media_type=media_type, value=text)


class _Reporter:
    """Sends progress, but not more often than anybody could read it."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe, self._last = pipe, 0.0

    def __call__(self, percent: int, message: str) -> None:
        now = time.monotonic()
        if now - self._last >= PROGRESS_EVERY_S:
            self._last = now
            self._pipe.send(Progress(max(0, min(99, percent)), message))


class _Reader:
    """The child's one reading connection, opened at first use and kept."""

    def __init__(self, url: str, pipe: Pipe) -> None:
        self._url, self._pipe, self.limit_s = url, pipe, 0
        self._connection: psycopg.Connection[TupleRow] | None = None

    def connection(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or not self._answers(self._connection):
            self._connection = psycopg.connect(
                self._url, autocommit=True, **connection_options(DatabaseRole.READER)
            )
        self._pipe.send(Backend(self._connection.info.backend_pid))
        self._connection.execute(f"SET statement_timeout = {self.limit_s * 1000:d}")
        return self._connection

    def drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _answers(self, connection: psycopg.Connection[TupleRow]) -> bool:
        try:
            connection.execute("SELECT 1")
        except psycopg.Error:
            self.drop()
            return False
        return True
