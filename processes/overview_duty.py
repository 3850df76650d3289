"""The worker's care for overviews: what is due is made by child processes, one of each kind at once.

Tables that are not ours may be large, slow or unfit: whatever they do, overviews of editions do not
wait for it.
"""

import asyncio
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from time import monotonic
from typing import Any

import psycopg
import structlog

from config.model import Catalogue
from processes.workflows.overview_building import (
    build_overview,
    clear_tables,
    count_overview,
    due_counts,
    due_overviews,
    due_tables,
    take_overview,
)
from providers.database import sentence
from providers.errors import Refused
from providers.taken_overviews import taken_recipe

MADE, HELD = "", "another is at it"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An overview that is to be made, by which function of which arguments."""

    name: str
    made_of: str  # what failed is tried again at once where this has changed
    make: Callable[..., bool]
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Overviews that wait for each other."""

    find: Callable[[str, Catalogue], list[Due]]  # those that are due, the first first
    every_s: float  # how often they are looked at
    again_s: float  # how long one that could not be made is left alone; then twice as long
    again_most_s: float
    within_s: float | None = None  # what takes longer is stopped
    held_s: float | None = None  # one that another is at is left alone so long; else as `every_s`
    rests: float = 0.0  # one that was made is left alone for so many times as long as it took


def _editions(url: str, catalogue: Catalogue) -> list[Due]:
    found = due_overviews(url, catalogue)
    return [_due(f"{layer.id}.{key}", build_overview, url, layer, key) for layer, key in found]


def _counts(url: str, catalogue: Catalogue) -> list[Due]:
    found = due_counts(url, catalogue)
    return [
        _due(f"{layer.id}.{key}/omitted", count_overview, url, layer, key) for layer, key in found
    ]


def _due(name: str, make: Callable[..., bool], *arguments: Any) -> Due:
    return Due(name=name, made_of="", make=make, arguments=arguments)


def _tables(url: str, catalogue: Catalogue) -> list[Due]:
    for name, reason in clear_tables(url, catalogue).items():
        log.warning("overview_not_removed", overview=name, reason=reason)
    return [
        Due(
            name=layer.id,
            made_of=taken_recipe(layer),
            make=take_overview,
            arguments=(url, layer),
        )
        for layer in due_tables(url, catalogue)
    ]


EDITIONS = Kind(find=_editions, every_s=2.0, again_s=60.0, again_most_s=60.0)
COUNTS = Kind(  # each edit makes them due anew, and nothing waits for them
    find=_counts,
    every_s=2.0,
    again_s=60.0,
    again_most_s=86_400.0,
    within_s=3_600.0,
    held_s=20.0,
    rests=4.0,
)
TABLES = Kind(  # nobody here can mend them
    find=_tables, every_s=60.0, again_s=600.0, again_most_s=86_400.0, within_s=21_600.0
)


class OverviewDuty:
    """Makes overviews until cancelled; a build that is cut short leaves no overview behind."""

    def __init__(
        self,
        url: str,
        catalogue: Callable[[], Catalogue],
        kinds: tuple[Kind, ...] = (EDITIONS, COUNTS, TABLES),
    ) -> None:
        self._url, self._catalogue, self._kinds = url, catalogue, kinds
        self._context = multiprocessing.get_context("forkserver")
        # by name and what it is made of: until when it is left alone, and after failures how long
        self._left_alone: dict[tuple[str, str], tuple[float, float]] = {}

    async def run(self) -> None:
        """Look, make, and look again."""
        async with asyncio.TaskGroup() as kinds:
            for kind in self._kinds:
                kinds.create_task(self._keep(kind))

    async def _keep(self, kind: Kind) -> None:
        missed: str | None = None
        while True:
            try:
                while (one := await self._next(kind)) is not None:
                    await self._make(kind, one)
                missed = None
            except (psycopg.Error, OSError) as error:  # the database is away: it will be back
                if missed != (missed := repr(error)):
                    log.warning("overviews_missed", error=missed, again_s=kind.every_s)
            await asyncio.sleep(kind.every_s)

    async def _next(self, kind: Kind) -> Due | None:
        found = await asyncio.to_thread(kind.find, self._url, self._catalogue())
        now = monotonic()
        ready = (one for one in found if self._rest(one)[0] <= now)
        return next(ready, None)

    def _rest(self, one: Due) -> tuple[float, float]:
        return self._left_alone.get((one.name, one.made_of), (0.0, 0.0))

    async def _make(self, kind: Kind, one: Due) -> None:
        began = monotonic()
        told = await self._told(kind, one)
        took_s, rest_s, again_s = round(monotonic() - began, 1), kind.every_s, 0.0
        if told == MADE:
            rest_s = max(rest_s, kind.rests * took_s)
            log.info("overview_made", overview=one.name, took_s=took_s)
        elif told == HELD:
            rest_s, again_s = kind.held_s or kind.every_s, self._rest(one)[1]
            log.debug("overview_left", overview=one.name, reason=told)
        else:
            again_s = min(max(kind.again_s, 2 * self._rest(one)[1]), kind.again_most_s)
            rest_s = again_s
            log.error("overview_failed", overview=one.name, reason=told, again_s=again_s)
        self._left_alone[one.name, one.made_of] = (monotonic() + rest_s, again_s)

    async def _told(self, kind: Kind, one: Due) -> str:
        """Make it in a child process: MADE, HELD, or why it could not be made."""
        ours, theirs = self._context.Pipe(duplex=False)
        child = self._context.Process(
            target=_attempt, args=(theirs, one.make, *one.arguments), daemon=True
        )
        with ours:
            with theirs:
                await asyncio.to_thread(child.start)
            try:
                async with asyncio.timeout(kind.within_s):
                    await _ended(child)
            except TimeoutError:
                return f"it was not done within {kind.within_s:g} s"
            finally:
                child.kill()
                await asyncio.to_thread(child.join)
            try:
                return str(ours.recv())
            except EOFError:
                return f"its process ended with {child.exitcode}"


def _attempt(told: Connection, make: Callable[..., bool], *arguments: Any) -> None:
    try:
        told.send(MADE if make(*arguments) else HELD)
    except Refused as error:
        told.send(str(error))
    except psycopg.Error as error:
        told.send(sentence(error))


async def _ended(child: ForkServerProcess) -> None:
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(child.sentinel, done.set)
    try:
        await done.wait()
    finally:
        loop.remove_reader(child.sentinel)
