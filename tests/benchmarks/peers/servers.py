"""Servers in environments of their own: made once, started on a free port, ended with their kin."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Protocol

from peers.questions import Question

from config.settings import child_environ
from providers.grids import TileAddress

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".tools" / "bench"  # what was installed stays: later runs need no network
PROCESSES = 2
READY_WITHIN_S = 60.0


class Unavailable(Exception):
    """The peer cannot run on this machine; one plain sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a peer runs: the command, its environment beside ours, and its working folder."""

    command: Sequence[str]
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)


class Peer(Protocol):
    """A server that can be asked the questions."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def start(self, folder: Path, url: str, port: int) -> Started:
        """How to run it over the database at *url*; Unavailable where it cannot."""

    def addresses(self, question: Question) -> list[str]:
        """Path and query of each request; none where it has no such request."""

    def tiles(self, places: Sequence[TileAddress]) -> list[str]:
        """Path and query of each vector tile; none where it has no tiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers."""

    peer: Peer
    port: int
    process: subprocess.Popen[bytes]

    def get(self, address: str) -> bytes:
        """The body of a 200."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request("GET", address, headers={"Accept": "*/*"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise AssertionError(f"{self.peer.name}: {answer.status} to {address}: {body[:500]!r}")
        return body

    def resident_mib(self) -> dict[int, float]:
        """The most memory of each of its processes since `forget_peaks`."""
        return {pid: _status_mib(pid, "VmHWM") for pid in family(self.process.pid)}

    def forget_peaks(self) -> dict[int, float]:
        """Begin to measure anew; what each process holds now."""
        held = {}
        for pid in family(self.process.pid):
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")
            held[pid] = _status_mib(pid, "VmRSS")
        return held


@contextmanager
def running(peer: Peer, folder: Path, url: str, probe: Question | TileAddress) -> Iterator[Running]:
    """The peer, once it answers *probe*; its whole family of processes is ended on leaving."""
    port = _free_port()
    home = folder / peer.name
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)
    started = peer.start(home, url, port)
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            list(started.command),
            cwd=started.folder,
            env=child_environ(**started.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        one = Running(peer=peer, port=port, process=process)
        asked = peer.addresses(probe) if isinstance(probe, Question) else peer.tiles([probe])
        _wait(one, asked[0], home / "server.log")
        yield one
    finally:
        kin = family(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in kin:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def environment(name: str, *pins: str) -> Path:
    """The bin folder of a virtual environment with exactly these packages, made where missing."""
    home = CACHE / name
    stamp = home / "pins.txt"
    wanted = "\n".join(pins)
    if not stamp.is_file() or stamp.read_text() != wanted:
        uv = str(Path(sys.executable).parent / "uv")
        python = str(home / "bin" / "python")
        make = [uv, "venv", "-q", "--clear", "--python", sys.executable, str(home)]
        fill = [uv, "pip", "install", "-q", "--python", python, *pins]
        try:
            for command in (make, fill):
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"its packages cannot be installed ({error})") from error
        stamp.write_text(wanted)
    return home / "bin"


def family(pid: int) -> list[int]:
    """A process and all that it and its children started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        left += children.get(one, [])
    return found


def _wait(server: Running, address: str, log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until and server.process.poll() is None:
        with suppress(OSError, HTTPException, AssertionError):
            server.get(address)
            return
        time.sleep(0.2)
    said = log.read_text(errors="replace")[-1_500:]
    raise AssertionError(f"{server.peer.name} does not answer {address}: {said}")


def _status_mib(pid: int, what: str) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
    return 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
