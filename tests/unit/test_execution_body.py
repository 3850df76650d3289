"""The body of an execution: read within bounds, checked beside the event loop."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request

from config.model import ProcessEntry
from processes.ogc.echo import ECHO
from processes.spec import BodyError, Execution, InvalidBody, ProcessSpec
from processes.workflows.nested_input import Offered
from server.execution import MAX_BODY_BYTES, _execution
from server.problems import BodyTooLarge, UnsupportedMediaType

ENTRY = ProcessEntry(
    id="echo", spec="echo", public=True, bindings={}, limits={"seconds": 1, "per_owner": 1}
)


def executed(
    body: bytes, media_type: str = "application/json", spec: ProcessSpec = ECHO
) -> Execution:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", media_type.encode())]}
    outer = Offered(entry=ENTRY, spec=spec)
    request = Request(scope, receive)
    return asyncio.run(_execution(request, outer, lambda _: None, lambda _: ()))[0]


def test_even_a_short_body_is_checked_beside_the_event_loop() -> None:
    threads: list[threading.Thread] = []

    def check(inputs: Mapping[str, Any]) -> list[BodyError]:
        threads.append(threading.current_thread())
        return []

    executed(b'{"inputs": {"text": "a"}}', spec=replace(ECHO, check=check))

    assert threads
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize(
    ("body", "media_type", "refused"),
    [
        (b"{", "application/json", InvalidBody),
        (b'{"inputs": {"text": "a\\u0000"}}', "application/json", InvalidBody),
        (b"x" * (MAX_BODY_BYTES + 1), "application/json", BodyTooLarge),
        (b"a=1", "application/x-www-form-urlencoded", UnsupportedMediaType),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_by_name(
    body: bytes, media_type: str, refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        executed(body, media_type)
