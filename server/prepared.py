"""An answer whose body is prepared while the caller waits, and a caller who is told that it is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PATIENCE_S = 15.0  # until the answer begins, and between its signs of life
PIECE_BYTES = 262_144


class Abandoned(Exception):
    """The caller is gone; nobody hears of it."""


class Prepared(Response):
    """The bytes of the file that *making* opens; made once, and closed when it is sent or not wanted."""

    def __init__(
        self, making: Callable[["Prepared"], Awaitable[BinaryIO]], *, headers: Mapping[str, str]
    ) -> None:
        super().__init__(headers=headers)
        del self.headers["Content-Length"]
        self.making = making
        self.abandoned = False  # what makes the file looks here now and then

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        made = asyncio.ensure_future(self.making(self))
        left = asyncio.ensure_future(_left(receive))
        begun = False
        try:
            while not made.done():
                await asyncio.wait(
                    (made, left), timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
                )
                if left.done():
                    return
                if not made.done():
                    await (_piece(send, b"") if begun else self._begin(send))
                    begun = True
            file = made.result()
            if not begun:
                size = await run_in_threadpool(_size, file)
                self.headers["Content-Length"] = str(size)
                await self._begin(send)
            while not left.done() and (piece := await run_in_threadpool(file.read, PIECE_BYTES)):
                await _piece(send, piece)
            if not left.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            left.cancel()
            self.abandoned = True
            made.add_done_callback(_closed)

    async def _begin(self, send: Send) -> None:
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})


async def _left(receive: Receive) -> None:
    """Returns when the caller is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _piece(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _closed(made: "asyncio.Future[BinaryIO]") -> None:
    """Close what was made; what went wrong after the caller had gone is nobody's."""
    with suppress(Exception, asyncio.CancelledError):
        made.result().close()
