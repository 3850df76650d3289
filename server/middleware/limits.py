"""Bounds on every request: address length, time, and how many are under way at once."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from providers.errors import BadParameter, StoreTimeout
from server.problems import Overloaded

MAX_ADDRESS_BYTES = 32 * 1024
MAX_HEAD_BYTES = 64 * 1024  # names and values of all headers together
MAX_UNDER_WAY = 256
ALWAYS_ANSWERED = "/health/"  # who asks whether we are overloaded must hear it
DEADLINE_S = 30.0  # to the first byte, and from each part of a body, either way, to the next
GRACE_S = 10.0
RENEWED_AFTER = 1 / 30  # of it: most answers are sent before their time is worth reckoning anew
BODY_WITHIN_S = 3_600.0  # a large file over a slow line; it holds no connection of the database


class Limits:
    """ASGI middleware; *deadline_s* must exceed the longest wait that a route offers."""

    def __init__(self, app: ASGIApp, *, sync_wait_s: float) -> None:
        self.app = app
        self.deadline_s = max(DEADLINE_S, sync_wait_s + GRACE_S)
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(ALWAYS_ANSWERED):
            await self.app(scope, receive, send)
            return
        length = len(scope["raw_path"]) + len(scope["query_string"])
        if length > MAX_ADDRESS_BYTES:
            raise BadParameter("address", f"{length} bytes", f"at most {MAX_ADDRESS_BYTES} bytes")
        length = sum(len(name) + len(value) for name, value in scope["headers"])
        if length > MAX_HEAD_BYTES:
            raise BadParameter("headers", f"{length} bytes", f"at most {MAX_HEAD_BYTES} bytes")
        if self.under_way >= MAX_UNDER_WAY:
            raise Overloaded(f"{self.under_way} requests are under way")
        self.under_way += 1
        now = asyncio.get_running_loop().time
        renewed = now()
        last = renewed + BODY_WITHIN_S
        try:
            async with asyncio.timeout(self.deadline_s) as patience:

                def go_on() -> None:
                    nonlocal renewed
                    if (
                        now() - renewed >= RENEWED_AFTER * self.deadline_s
                        and not patience.expired()
                    ):
                        renewed = now()
                        patience.reschedule(min(last, renewed + self.deadline_s))

                async def sending(message: Message) -> None:
                    await send(message)
                    go_on()

                async def receiving() -> Message:
                    message = await receive()
                    if message.get("body"):
                        go_on()
                    return message

                await self.app(scope, receiving, sending)
        except TimeoutError as error:
            raise StoreTimeout(f"nothing to send within {self.deadline_s} s") from error
        finally:
            self.under_way -= 1
