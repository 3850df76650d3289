"""The load: keep-alive connections, each asking again as soon as it is answered.

Rates are asked for by `wrk` where it is installed: like pgbench it is compiled, and leaves the
machine to those who are measured. Else, and where the first byte counts, this module is run as a
program of its own: a plan comes as JSON on standard input, the figures go as JSON to standard
output. Bodies are counted, not kept.
"""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

BUFFER_BYTES = 1024 * 1024
LAST_CHUNK = b"\r\n0\r\n\r\n"
PATIENCE_S = 60.0
LOOK_AGAIN_S, IDLE = 0.2, 0.9
PROCESSORS = Path("/proc/stat")
WRK = shutil.which("wrk")
SCRIPT = """
local requests, turn = {}, 0
function init()
  for _, path in ipairs(PATHS) do requests[#requests + 1] = wrk.format("GET", path) end
end
function request() turn = turn % #requests + 1; return requests[turn] end
function done(summary)
  local bad = summary.errors
  io.stderr:write(string.format('{"answers": %d, "refused": %d, "micros": %d}', summary.requests,
    bad.status + bad.connect + bad.read + bad.write + bad.timeout, summary.duration))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one round gave."""

    answers: int
    refused: int  # answers that were no 200
    seconds: float
    first_byte_ms: float | None = None  # median, where it was looked at

    @property
    def a_second(self) -> float:
        return self.answers / self.seconds


def generator() -> str:
    """By what rates are asked for."""
    return "wrk" if WRK else "a program in Python"


def at_rest() -> None:
    """Wait until the machine is idle: a slow server goes on after its round is over."""
    for _ in range(round(PATIENCE_S / LOOK_AGAIN_S)):
        before = _spent()
        time.sleep(LOOK_AGAIN_S)
        spent, idle = (now - then for now, then in zip(_spent(), before, strict=True))
        if idle >= IDLE * spent:
            return


def _spent() -> tuple[int, int]:
    """What all processors have spent since the machine began, and how much of it idly (proc(5))."""
    ticks = [int(part) for part in PROCESSORS.read_text().splitlines()[0].split()[1:]]
    return sum(ticks), ticks[3]


def rate(port: int, addresses: Sequence[str], *, seconds: float, connections: int = 8) -> Figures:
    """One round of which only the number of answers counts."""
    if WRK is None:
        return ask(port, addresses, seconds=seconds, connections=connections)
    with TemporaryDirectory(prefix="onemap-load-") as folder:
        script = Path(folder) / "asked.lua"
        paths = ", ".join(json.dumps(address) for address in addresses)
        script.write_text(f"PATHS = {{{paths}}}\n{SCRIPT}", "utf-8")
        command = [
            WRK,
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "-s",
            str(script),
        ]
        command += ["--timeout", f"{PATIENCE_S:.0f}s", "-H", "Accept: */*"]
        told = _run([*command, f"http://127.0.0.1:{port}"], "", seconds).stderr
    found = json.loads(told)
    if found["answers"] < connections:  # wrk does not wait for what was asked last
        return ask(port, addresses, seconds=seconds, connections=connections)
    return Figures(
        answers=found["answers"], refused=found["refused"], seconds=found["micros"] / 1e6
    )


def ask(port: int, addresses: Sequence[str], *, seconds: float, connections: int = 8) -> Figures:
    """One round, the times of which count too."""
    plan = {"port": port, "addresses": list(addresses)}
    plan |= {"seconds": seconds, "connections": connections}
    return Figures(**json.loads(_run([sys.executable, __file__], json.dumps(plan), seconds).stdout))


def _run(command: list[str], given: str, seconds: float) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        timeout=seconds + 2 * PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"the load ended badly: {done.stderr[-1_500:]}")
    return done


class Round:
    """What the connections share: whose turn which address is, until when, and the times."""

    def __init__(self, requests: Sequence[bytes], seconds: float) -> None:
        self.requests = cycle(requests)
        self.began = time.perf_counter()
        self.until = self.began + seconds
        self.ended = self.began
        self.refused = 0
        self.answers = 0
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
        self.round.answers += 1
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
        answers=one.answers,
        refused=one.refused,
        seconds=one.ended - one.began,
        first_byte_ms=statistics.median(one.first) * 1000,
    )


if __name__ == "__main__":
    import uvloop

    json.dump(asdict(uvloop.run(_round(**json.load(sys.stdin)))), sys.stdout)
