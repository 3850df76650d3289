"""`onemap up`: server and worker as children, restarted when they die, stopped together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from providers.database import DatabaseError
from providers.errors import CannotRun

MAX_LOG_BYTES = 20 * 1024 * 1024
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 25.0
RESTART_AFTER_S = 1.0
WATCH_EVERY_S = 3.0


@dataclass(slots=True, kw_only=True)
class Child:
    """One process of the instance and its log file."""

    name: str
    command: list[str]
    environ: Mapping[str, str]
    log: Path
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
            output = self.log.open("ab")
        except OSError as error:
            raise CannotRun(f"The log {self.log} cannot be written: {error.strerror}.") from error
        with output:
            self.process = subprocess.Popen(
                self.command,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.pass_fds,
                start_new_session=True,  # Ctrl-C reaches only us: we stop them in order
            )
        self.started = time.monotonic()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # its own children too
            self.process.wait()


@dataclass(slots=True)
class Supervisor:
    """Keeps the children running until it is told to stop."""

    children: list[Child]
    watch: Callable[[], None] = lambda: None  # called every few seconds: is the database there?
    stopping: bool = field(default=False)

    def run(self, ready_url: str, announce: str) -> None:
        """Start, say *announce* once the server is ready, keep going until SIGINT or SIGTERM."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self._stop)
        try:
            for child in self.children:
                child.start()
            if self._wait_ready(ready_url):
                print(announce, flush=True)
            looked = time.monotonic()
            while not self.stopping:
                if time.monotonic() - looked > WATCH_EVERY_S:
                    self._look_after_database()
                    looked = time.monotonic()
                for child in self.children:
                    if not child.alive() and time.monotonic() - child.started > RESTART_AFTER_S:
                        print(
                            f"{child.name} ended; starting it again (see {child.log})",
                            file=sys.stderr,
                        )
                        child.start()
                time.sleep(0.2)
        finally:
            for child in self.children:
                child.stop()

    def _look_after_database(self) -> None:
        try:
            self.watch()
        except (
            DatabaseError
        ) as error:  # the children answer 503 meanwhile; the next look may mend it
            print(error, file=sys.stderr, flush=True)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _wait_ready(self, url: str) -> bool:
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until and not self.stopping:
            for child in self.children:
                if not child.alive():
                    raise CannotRun(f"The {child.name} ended while starting; see {child.log}.")
            with suppress(URLError, OSError), urlopen(url, timeout=2) as response:
                if response.status == 200:
                    return True
            time.sleep(0.1)
        if not self.stopping:
            raise CannotRun(f"The server was not ready within {READY_WITHIN_S:.0f} s; see its log.")
        return False
