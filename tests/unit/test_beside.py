"""So much is made beside the server at a time, and nobody takes every place."""

import asyncio
import os
from typing import Any

import pytest
from starlette.requests import Request

from config.vocabulary import Classification
from providers.access import ALL, ANONYMOUS_ID, Principal, Scope
from server.beside import Lane
from server.problems import Overloaded

SCOPE = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=ALL)


def asking(name: str, host: str = "192.0.2.1") -> Request:
    request = Request({"type": "http", "headers": [], "client": (host, 1)})
    request.state.principal = Principal(id=name, organisation="", person="", role="x", scope=SCOPE)
    return request


class Held:
    """Work that goes on until it is let go, in place of another process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.let_go = asyncio.Event()
        monkeypatch.setattr("server.beside.anyio.to_process.run_sync", self.run)

    async def run(self, work: Any, *arguments: Any, **_: Any) -> Any:
        await self.let_go.wait()
        return work(*arguments)


def test_the_work_is_done_in_another_process() -> None:
    async def work() -> int:
        return await Lane(places=1, each=1, wait_s=20).run(asking("a"), os.getpid)

    assert asyncio.run(work()) != os.getpid()


def test_a_caller_whose_places_are_taken_is_told_and_another_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work() -> list[Any]:
        held, lane = Held(monkeypatch), Lane(places=3, each=1, wait_s=0.05)
        callers = [asking("a"), asking("a"), asking("b"), asking(ANONYMOUS_ID)]
        callers += [asking(ANONYMOUS_ID), asking(ANONYMOUS_ID, "192.0.2.2")]
        tasks = [asyncio.create_task(lane.run(one, int, "7")) for one in callers]
        await asyncio.sleep(0.2)
        held.let_go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    ended = asyncio.run(work())

    assert [one == 7 or type(one) for one in ended] == [
        True, Overloaded, True, True, Overloaded, Overloaded,
    ]  # fmt: skip


def test_places_are_free_again_after_work_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> int:
        held, lane = Held(monkeypatch), Lane(places=1, each=1, wait_s=0.05)
        held.let_go.set()
        with pytest.raises(ValueError, match="invalid"):
            await lane.run(asking("a"), int, "x")
        return await lane.run(asking("b"), int, "1")

    assert asyncio.run(work()) == 1
