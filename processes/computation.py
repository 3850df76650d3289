"""What happens in a child process: one computation after the other, each with its outcome."""

import gc
import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from config.model import Layer, ProcessEntry
from config.rulebook import NO_RULES, Rulebook
from processes.compute import ClusterLost, Crew, cluster, process_pool
from processes.context import Context, Depot, Steps
from processes.registry import SPECS
from processes.spec import InvalidBody
from processes.workflows.nested_input import Offered, finding
from processes.workflows.process_steps import computed
from processes.workflows.result_rows import NoLayer
from processes.workflows.results import TooLarge, Wanted, make_results
from providers.access import Scope
from providers.database import DatabaseRole, connection_options
from providers.job_results import STORAGE_FULL, Made
from providers.store_disk import StorageFull

PROGRESS_EVERY_S = 0.5
LEFT_OVER = 50_000  # objects that a computation leaves behind before somebody looks for cycles


@dataclass(frozen=True, slots=True, kw_only=True)
class Computation:
    """What a child is asked to do."""

    spec: str
    entry: ProcessEntry
    scope: Scope
    inputs: Mapping[str, Any]
    wanted: Wanted
    now: datetime
    planar_crs: str | None
    limit_s: int
    layers: Mapping[str, Layer]  # those that inputs name
    depot: Depot
    nested: Mapping[str, ProcessEntry]  # those that inputs are, by their ids
    rulebook: Rulebook = NO_RULES  # where a process applies rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The values of the outputs asked for, and what was read for them."""

    results: tuple[Made, ...]
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
class Taken:
    """The child has the computation: what befalls it from here on may be its doing."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the computation is, in percent."""

    percent: int
    message: str
    steps: Steps = ()  # where processes are nested


@dataclass(frozen=True, slots=True)
class Backend:
    """The database backend that reads for the computation."""

    pid: int


@dataclass(frozen=True, slots=True)
class HandsWanted:
    """Processes wanted beside the child's own; the answer is how many it may start."""

    most: int


type Outcome = Done | Failed | Unavailable


def serve_computations(pipe: Pipe, leash: Pipe, url: str, scheduler: str | None) -> None:
    """The child's life: one computation after the other until its worker is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to hear
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with, args=(leash,), daemon=True).start()
    reader, crew = _Reader(url, pipe), _crew(pipe, leash, scheduler)
    # A document of millions of values is no garbage: the collector looks for cycles in between alone.
    gc.disable()
    gc.freeze()
    pipe.send("ready")
    while True:
        try:
            computation = pipe.recv()
        except EOFError:
            return
        pipe.send(Taken())
        pipe.send(_outcome(computation, reader, pipe, crew))
        del computation
        if gc.get_count()[0] > LEFT_OVER:
            gc.collect()


def _crew(pipe: Pipe, leash: Pipe, scheduler: str | None) -> Crew:
    """The cluster where there is one, else processes of the child's own, as the worker lends them."""
    if scheduler is not None:
        return cluster(scheduler)

    def lent(most: int) -> int:
        pipe.send(HandsWanted(most))
        return int(pipe.recv())

    def let_go() -> None:
        pipe.close()
        leash.close()

    return process_pool(lent, let_go)


def _die_with(leash: Pipe) -> None:
    with suppress(EOFError, OSError):
        leash.recv()
    os._exit(1)


def _outcome(computation: Computation, reader: "_Reader", pipe: Pipe, crew: Crew) -> Outcome:
    spec = SPECS[computation.spec]
    reader.limit_s = computation.limit_s
    context = Context(
        entry=computation.entry,
        scope=computation.scope,
        reader=reader.connection,
        report=(reporter := _Reporter(pipe)),
        report_steps=reporter.note,
        now=computation.now,
        planar_crs=computation.planar_crs,
        layers=computation.layers,
        depot=computation.depot,
        rulebook=computation.rulebook,
        crew=crew,
    )
    try:
        outer, base = Offered(entry=computation.entry, spec=spec), computation.depot.public_url
        find = finding(computation.nested, SPECS, computation.scope, base)
        values = computed(context, outer, computation.inputs, find)
        results = make_results(context, spec, values, computation.wanted)
    except InvalidBody as error:
        return Failed(
            error={"reason": "invalid_inputs", "detail": str(error), "errors": error.errors}
        )
    except psycopg.errors.QueryCanceled:
        return Failed(error=time_limit(computation.limit_s))
    except (psycopg.OperationalError, psycopg.InterfaceError):
        reader.drop()
        return Unavailable()
    except StorageFull:
        return Failed(error=STORAGE_FULL)
    except TooLarge as error:
        return Failed(error={"reason": "too_large", "detail": str(error)})
    except NoLayer as error:
        return Failed(error={"reason": "no_collection", "detail": str(error)})
    except ClusterLost:
        detail = "The cluster went away in the middle of the computation."
        return Failed(error={"reason": "cluster", "detail": detail})
    except BrokenExecutor:  # one of its processes was killed: so is the computation
        os._exit(1)
    except Exception:
        return Failed(
            error={
                "reason": "error",
                "detail": "The computation failed; the worker's log says why.",
            },
            trace=traceback.format_exc(),
        )
    return Done(results=results, lineage=tuple(context.lineage))


def time_limit(seconds: int) -> Mapping[str, Any]:
    """The problem of a computation that outlasts its entry's limit."""
    detail = f"The computation was stopped at its limit of {seconds} s."
    return {"reason": "time_limit", "detail": detail}


class _Reporter:
    """Sends progress, but not more often than anybody could read it."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe, self._last = pipe, 0.0
        self._steps: Steps = ()
        self._said = 0, "Running"

    def __call__(self, percent: int, message: str) -> None:
        self._said = max(0, min(99, percent)), message
        now = time.monotonic()
        if now - self._last >= PROGRESS_EVERY_S:
            self._last = now
            self._pipe.send(Progress(*self._said, self._steps))

    def note(self, steps: Steps) -> None:
        """How far each process is; sent at once where another one computes now."""
        news = [s["status"] for s in steps] != [s["status"] for s in self._steps]
        self._steps = steps
        if news:
            self._pipe.send(Progress(*self._said, steps))


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
