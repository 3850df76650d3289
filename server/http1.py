"""HTTP/1.1 as uvicorn speaks it, deaf to offers of HTTP/2 in clear text, its answers sent in one piece.

Java's own client offers `Upgrade: h2c` with every request. The parser stops at an offer that nobody
takes and the body is lost; a server may ignore the field (RFC 9110, 7.8), so it is taken out before.
"""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.problems import MEDIA_TYPE

HEAD_END = re.compile(rb"\r?\n\r?\n")
HEAD_BYTES = 64 * 1024  # a longer head is left to the parser as it comes
REQUEST = re.compile(rb"[A-Z]{3,10} \S++ HTTP/1\.1\r\n")
OFFER = re.compile(
    rb"\r\n(?:upgrade:[ \t]*h2c[ \t]*|http2-settings:[^\r\n]*)(?=\r\n)", re.IGNORECASE
)
NO_REQUEST = "不是 HTTP 请求 / Not an HTTP request"
HIGH = re.compile(rb"[\x80-\xff]")
HELD_BYTES = 2 * 1024 * 1024  # of an answer at most wait for the rest of it


class Corked:
    """A transport that sends together what is written in one turn of the loop: head and body.

    Sent one by one, each wakes the client, and the first brings it nothing that it can use.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []
        self._bytes = 0

    def write(self, data: bytes) -> None:
        """Send at the end of this turn, or at once where it is much."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        self._bytes += len(data)
        if self._bytes > HELD_BYTES:
            self._send()

    def close(self) -> None:
        """Send what is held, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        held, self._held, self._bytes = self._held, [], 0
        if held and not self._transport.is_closing():  # nobody is there any more
            self._transport.writelines(held)

    def __getattr__(self, name: str) -> Any:
        """All else is the transport's own."""
        return getattr(self._transport, name)


class Http1(HttpToolsProtocol):
    """The protocol of one connection."""

    between_messages = True
    _held = b""  # the beginning of a head

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The connection is there."""
        corked: Any = Corked(transport, self.loop)
        super().connection_made(corked)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client; the head of a message is read once all of it has come."""
        if self.between_messages:
            data = self._held + data
            unfinished = data[:1].isalpha() and HEAD_END.search(data) is None
            self._held = data if unfinished and len(data) < HEAD_BYTES else b""
            if self._held:
                return
        for part in _messages(data) if OFFER.search(data) or not data.isascii() else (data,):
            if not self.transport.is_closing():  # after a message that is none
                self._feed(part)

    def on_message_begin(self) -> None:
        """What follows is of this message, also where it came with the end of the one before."""
        super().on_message_begin()
        self.between_messages = False

    def on_message_complete(self) -> None:
        """The next bytes begin another message."""
        super().on_message_complete()
        self.between_messages = True

    def send_400_response(self, msg: str) -> None:
        """Bytes that are no request are refused in the form of all refusals (RFC 9457)."""
        said = {"type": "about:blank", "title": NO_REQUEST, "status": 400, "detail": msg}
        body = orjson.dumps(said)
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: %s\r\ncontent-length: %d\r\n"
            b"cache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head % (MEDIA_TYPE.encode(), len(body)) + body)
        self.transport.close()

    def _feed(self, data: bytes) -> None:
        if self.between_messages and not data.isascii():
            # the client did not encode its address
            line, end_of_line, rest = data.partition(b"\r\n")
            data = HIGH.sub(lambda found: b"%%%02X" % found[0][0], line) + end_of_line + rest
        if self.between_messages and (end := HEAD_END.search(data)):
            data = OFFER.sub(b"", data[: end.end()]) + data[end.end() :]
        self.between_messages = False
        super().data_received(data)


def _messages(data: bytes) -> Iterator[bytes]:
    """Cut wherever a request may begin: whoever does not wait for answers sends several at once."""
    starts = [0, *(found.start() for found in REQUEST.finditer(data) if found.start())]
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        yield data[start:end]
