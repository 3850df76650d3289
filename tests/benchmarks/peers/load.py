"""The load: keep-alive connections, each asking again as soon as it is answered.

Run as a program of its own, so that it takes nothing of the measuring process: a plan comes as JSON
on standard input, the figures go as JSON to standard output. Bodies are counted, not kept.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle
from typing import Any, cast

BUFFER_BYTES = 1024 * 1024
LAST_CHUNK = b"\r\n0\r\n\r\n"
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one round gave."""

    answers: int
    refused: int  # answers that were no 200
    seconds: float
    mib: float
    median_ms: float
    first_byte_ms: float  # median

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def ask(port: int, addresses: Sequence[str], *, seconds: float, connections: int = 8) -> Figures:
    """One round in a process of its own."""
    plan = {"port": port, "addresses": list(addresses)}
    plan |= {"seconds": seconds, "connections": connections}
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=seconds + 2 * PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"the load ended badly: {done.stderr[-1_500:]}")
    return Figures(**json.loads(done.stdout))


class Round:
    """What the connections share: whose turn which address is, until when, and the times."""

    def __init__(self, requests: Sequence[bytes], seconds: float) -> None:
        self.requests = cycle(requests)
        self.began = time.perf_counter()
        self.until = self.began + seconds
        self.ended = self.began
        self.refused = 0
        self.bytes = 0
        self.whole: list[float] = []
        self.first: list[float] = []


class Connection(asyncio.BufferedProtocol):
    """One connection; the answer's end is told by its length or by its last chunk."""

    def __init__(self, one: Round, done: asyncio.Future[None]) -> None:
        self.round, self.done = one, done
        self.buffer = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.buffer)
        self.head = b""
        self.left: int | None = None  # bytes of the body to come; None: chunks
        self.tail = b""
        self.in_body = False
        self.asked = self.heard = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        self._ask()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.view

    def buffer_updated(self, nbytes: int) -> None:
        self.round.bytes += nbytes
        if not self.heard:
            self.heard = time.perf_counter()
        if self.in_body:
            self._body(nbytes, bytes(self.view[max(0, nbytes - 7) : nbytes]))
            return
        self.head += bytes(self.view[:nbytes])
        end = self.head.find(b"\r\n\r\n")
        if end >= 0:
            self._headers(self.head[:end].lower())
            rest = self.head[end + 4 :]
            self.in_body = True
            self._body(len(rest), rest[-7:])

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _ask(self) -> None:
        self.head, self.tail, self.in_body, self.heard = b"", b"", False, 0.0
        self.asked = time.perf_counter()
        self.transport.write(next(self.round.requests))

    def _headers(self, head: bytes) -> None:
        if not head.startswith(b"http/1.1 200"):
            self.round.refused += 1
        lines = dict(line.partition(b":")[::2] for line in head.split(b"\r\n")[1:])
        length = lines.get(b"content-length")
        self.left = None if length is None else int(length)
        if length is None and b"chunked" not in lines.get(b"transfer-encoding", b""):
            raise ValueError("an answer without a length")

    def _body(self, count: int, end: bytes) -> None:
        if self.left is not None:
            self.left -= count
            if self.left > 0:
                return
        else:
            self.tail = (self.tail + end)[-7:]
            if self.tail != LAST_CHUNK:
                return
        now = time.perf_counter()
        self.round.whole.append(now - self.asked)
        self.round.first.append(self.heard - self.asked)
        self.round.ended = now
        if now < self.round.until:
            self._ask()
        else:
            self.done.set_result(None)
            self.transport.close()


async def _round(port: int, addresses: list[str], seconds: float, connections: int) -> Figures:
    loop = asyncio.get_running_loop()
    head = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n"
    one = Round([f"GET {address}{head}".encode() for address in addresses], seconds)
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        for end in ends:
            if not end.done():
                end.set_exception(context.get("exception") or RuntimeError(context["message"]))

    loop.set_exception_handler(failed)
    for end in ends:
        await loop.create_connection(partial(Connection, one, end), "127.0.0.1", port)
    async with asyncio.timeout(seconds + PATIENCE_S):
        await asyncio.gather(*ends)
    return Figures(
        answers=len(one.whole),
        refused=one.refused,
        seconds=one.ended - one.began,
        mib=one.bytes / 2**20,
        median_ms=statistics.median(one.whole) * 1000,
        first_byte_ms=statistics.median(one.first) * 1000,
    )


if __name__ == "__main__":
    import uvloop

    json.dump(asdict(uvloop.run(_round(**json.load(sys.stdin)))), sys.stdout)
