"""How long an answer may take: to its first byte, and from part to part."""

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from providers.errors import BadParameter, StoreTimeout
from server.middleware.limits import MAX_ADDRESS_BYTES, Limits
from server.problems import Overloaded

SCOPE: dict[str, Any] = {
    "type": "http",
    "path": "/x",
    "raw_path": b"/x",
    "query_string": b"",
    "headers": [],
}


def limited(app: ASGIApp, deadline_s: float) -> Limits:
    limits = Limits(app, sync_wait_s=0)
    limits.deadline_s = deadline_s
    return limits


async def ask(limits: Limits, **scope: Any) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)

    await limits({**SCOPE, **scope}, receive, send)
    return sent


def test_a_body_may_take_long_while_its_parts_keep_coming() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(12):
            await asyncio.sleep(0.05)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})

    assert len(asyncio.run(ask(limited(app, 0.3)))) == 12


def test_a_request_may_take_long_while_its_parts_keep_coming_but_not_while_it_is_silent() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            continue
        await send({"type": "http.response.body", "body": b"x"})

    def sent(part: bytes) -> list[Message]:
        parts, answered = iter(range(12)), list[Message]()

        async def receive() -> Message:
            await asyncio.sleep(0.05)
            more = next(parts, None) is not None
            return {"type": "http.request", "body": part, "more_body": more}

        async def send(message: Message) -> None:
            answered.append(message)

        asyncio.run(limited(app, 0.3)(SCOPE, receive, send))
        return answered

    assert len(sent(b"x")) == 1
    with pytest.raises(StoreTimeout):
        sent(b"")


def test_an_answer_that_does_not_come_is_given_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Future()

    limits = limited(app, 0.05)
    with pytest.raises(StoreTimeout):
        asyncio.run(ask(limits))
    assert limits.under_way == 0


def test_too_long_an_address_and_too_many_requests_are_refused_at_the_door() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it was let in")

    with pytest.raises(BadParameter):
        asyncio.run(ask(limited(app, 1), query_string=b"a" * MAX_ADDRESS_BYTES))
    busy = limited(app, 1)
    busy.under_way = 10_000
    with pytest.raises(Overloaded):
        asyncio.run(ask(busy))
