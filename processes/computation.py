"""What happens in a child process: one computation after the other, each with its outcome."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from typing import Any

import orjson
import psycopg
from psycopg.rows import TupleRow

from config.model import Layer, ProcessEntry
from processes.context import Context, Depot
from processes.registry import SPECS
from processes.spec import JSON, InvalidBody
from processes.workflows.referred_input import resolved
from providers.access import Scope
from providers.database import DatabaseRole, connection_options
from providers.job_records import Result

PROGRESS_EVERY_S = 0.5
MAX_RESULT_BYTES = 64 * 1024 * 1024


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
    layers: Mapping[str, Layer]  # those that inputs name
    depot: Depot


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
        layers=computation.layers,
        depot=computation.depot,
    )
    try:
        values = spec.run(context, resolved(context, spec, computation.inputs))
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
