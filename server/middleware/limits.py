"""Bounds on every request: address length, time, and how many are under way at once."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from providers.errors import BadParameter, StoreTimeout
from server.problems import Overloaded

MAX_ADDRESS_BYTES = 32 * 1024
MAX_UNDER_WAY = 256
ALWAYS_ANSWERED = "/health/"  # who asks whether we are overloaded must hear it
TAKES_ITS_TIME = (
    "/files/"  # a large document over a slow line; it holds no connection of the database
)
DEADLINE_S = 30.0
GRACE_S = 10.0


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
        if self.under_way >= MAX_UNDER_WAY:
            raise Overloaded(f"{self.under_way} requests are under way")
        self.under_way += 1
        try:
            patience = None if scope["path"].startswith(TAKES_ITS_TIME) else self.deadline_s
            async with asyncio.timeout(patience):
                await self.app(scope, receive, send)
        except TimeoutError as error:
            raise StoreTimeout(f"no answer within {self.deadline_s} s") from error
        finally:
            self.under_way -= 1
