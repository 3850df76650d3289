"""The worker's care for overviews: what is due is made, one after the other, in a child process."""

import asyncio
import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from time import monotonic

import psycopg
import structlog

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey
from processes.workflows.overview_building import build_overview, due_overviews

LOOK_S = 2.0  # how soon after a publication its overview is begun
AGAIN_S = 60.0  # how long an overview that could not be made is left alone

log = structlog.get_logger()


class OverviewDuty:
    """Makes overviews until cancelled; a build that is cut short leaves nothing behind."""

    def __init__(self, url: str, catalogue: Callable[[], Catalogue]) -> None:
        self._url, self._catalogue = url, catalogue
        self._context = multiprocessing.get_context("forkserver")
        self._left_alone: dict[tuple[str, str], float] = {}

    async def run(self) -> None:
        """Look, make, and look again."""
        while True:
            with suppress(psycopg.Error, OSError):  # the database is away: it will be back
                while (one := await self._next()) is not None:
                    await self._make(*one)
            await asyncio.sleep(LOOK_S)

    async def _next(self) -> tuple[Layer, EditionKey] | None:
        wanted = await asyncio.to_thread(due_overviews, self._url, self._catalogue())
        now = monotonic()
        ready = (
            (layer, edition)
            for layer, edition in wanted
            if self._left_alone.get((layer.id, edition), now) <= now
        )
        return next(ready, None)

    async def _make(self, layer: Layer, edition: EditionKey) -> None:
        name, began = f"{layer.id}.{edition}", monotonic()
        child = self._context.Process(
            target=build_overview, args=(self._url, layer, edition), daemon=True
        )
        await asyncio.to_thread(child.start)
        try:
            await _ended(child)
        finally:
            child.kill()
            await asyncio.to_thread(child.join)
        took_s = round(monotonic() - began, 1)
        if child.exitcode == 0:
            log.info("overview_made", overview=name, took_s=took_s)
        else:
            log.error("overview_failed", overview=name, exitcode=child.exitcode, again_s=AGAIN_S)
        rest_s = LOOK_S if child.exitcode == 0 else AGAIN_S
        self._left_alone[(layer.id, edition)] = monotonic() + rest_s


async def _ended(child: ForkServerProcess) -> None:
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(child.sentinel, done.set)
    try:
        await done.wait()
    finally:
        loop.remove_reader(child.sentinel)
