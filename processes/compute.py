"""Large inputs in blocks over a `concurrent.futures` executor: a process pool, or a Dask cluster.

Whoever computes writes a function of a block; `blockwise` runs it over the blocks, in order, and
reports progress after each. A computation of a single block is done in place: there is nothing to
win by starting anybody. What computes for it ends with the computation, also when that is killed.
"""

import importlib.util
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import wait
from typing import Protocol

import structlog

from processes.ahead import ahead
from processes.algorithms.blocks import Spread

AHEAD = 2  # blocks for each hand: the one it computes, and the one it computes next
BEHIND = 5  # steps of niceness: blocks give way to the database, and to who answers requests
CLUSTER_PATIENCE_S = 10

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Who computes blocks, and how many of them at once."""

    executor: Executor
    count: int


# Opened for so many blocks at most, for one computation; None: nobody is free, do it yourself.
type Crew = Callable[[int], AbstractContextManager[Hands | None]]


class ClusterLost(Exception):
    """The Dask cluster went away in the middle of a computation."""


class Watched(Protocol):
    """Of a computation's surroundings what is needed here."""

    @property
    def crew(self) -> Crew: ...
    @property
    def report(self) -> Callable[[int, str], None]: ...


@contextmanager
def alone(blocks: int) -> Iterator[Hands | None]:
    """No crew: every block is computed in place."""
    yield None


@contextmanager
def blockwise(
    context: Watched, message: str, *, start: int = 0, end: int = 100, passes: int = 1
) -> Iterator[Spread]:
    """What spreads the blocks of one computation, in so many *passes*, over its crew.

    Progress goes from *start* to *end* percent.
    """
    with ExitStack() as stack:
        yield _Blockwise(context, message, start, (end - start) / passes, stack)


def map_blocks[B, R](
    crew: Crew, function: Callable[[B], R], blocks: Iterable[B], *, expected: int
) -> Iterator[R]:
    """*function* of each block, in order, while those that come next are being made.

    For blocks that take as long to make as to compute: *expected* says how many there will be.
    """
    with ExitStack() as stack:
        hands = stack.enter_context(crew(expected)) if expected > 1 else None
        if hands is None:
            yield from map(function, ahead(blocks))
        else:
            yield from _ahead(hands, function, blocks, hands.count + 1)


class _Blockwise:
    """A `Spread` with progress, whose crew is called at the first pass that needs it."""

    def __init__(
        self, context: Watched, message: str, start: int, step: float, stack: ExitStack
    ) -> None:
        self._context, self._message, self._stack = context, message, stack
        self._begin, self._step = float(start), step
        self._hands: Hands | None = None
        self._called = False

    def __call__[B, R](self, function: Callable[[B], R], blocks: Sequence[B], /) -> Iterable[R]:
        begin = self._begin
        self._begin += self._step
        if len(blocks) > 1 and not self._called:
            self._called = True
            self._hands = self._stack.enter_context(self._context.crew(len(blocks)))
        hands = self._hands if len(blocks) > 1 else None
        found = (
            map(function, blocks)
            if hands is None
            else _ahead(hands, function, blocks, AHEAD * hands.count)
        )
        for done, one in enumerate(found, start=1):
            self._context.report(int(begin + self._step * done / len(blocks)), self._message)
            yield one


def _ahead[B, R](
    hands: Hands, function: Callable[[B], R], blocks: Iterable[B], most: int
) -> Iterator[R]:
    """In order, with just enough blocks begun ahead: all of them at once would fill the memory."""
    left = iter(blocks)
    begun: deque[Future[R]] = deque()
    try:
        while True:
            for block in islice(left, most - len(begun)):
                begun.append(hands.executor.submit(function, block))
            if not begun:
                return
            yield begun.popleft().result()
    except CancelledError as error:
        raise ClusterLost from error
    finally:
        for one in begun:
            one.cancel()


def process_pool(lent: Callable[[int], int], let_go: Callable[[], None]) -> Crew:
    """Processes forked from this one, as many as are *lent* for so many blocks.

    They share its memory until they write to it, and end when it ends, however it ends. *let_go*
    closes, in each of them, what they must not hold open.
    """

    @contextmanager
    def crew(blocks: int) -> Iterator[Hands | None]:
        count = lent(blocks)
        if count < 2:
            yield None
            return
        pool = ProcessPoolExecutor(
            count,
            mp_context=multiprocessing.get_context("fork"),
            initializer=_settle,
            initargs=(let_go,),
        )
        try:
            yield Hands(executor=pool, count=count)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return crew


def _settle(let_go: Callable[[], None]) -> None:
    let_go()
    os.nice(BEHIND)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def cluster_usable() -> bool:
    """Whether the extra is installed by which a cluster is reached."""
    return importlib.util.find_spec("distributed") is not None


def cluster(address: str) -> Crew:
    """The Dask cluster whose scheduler is at *address*; nobody where it cannot be reached.

    A client that is gone, killed or not, takes the blocks that it still waits for out of the
    scheduler's queue. Certificates of `tls://` are Dask's own configuration.
    """

    @contextmanager
    def crew(blocks: int) -> Iterator[Hands | None]:
        from distributed import Client

        with ExitStack() as stack:
            hands = None
            try:
                client = Client(address, timeout=CLUSTER_PATIENCE_S, set_as_default=False)
                stack.enter_context(client)
                if count := sum(client.nthreads().values()):
                    hands = Hands(executor=client.get_executor(pure=False), count=count)
            except (OSError, TimeoutError, ValueError) as error:
                log.warning("cluster_not_reached", address=address, error=repr(error))
            yield hands

    return crew
