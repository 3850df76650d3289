"""Both engines over one database: ours as it runs live, and stock pygeoapi beside it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config.settings import child_environ

ROOT = Path(__file__).resolve().parents[3]
STARTS_WITHIN_S = 120  # two interpreters, one after the other, on a busy machine


@pytest.fixture(scope="session")
def ours(live_server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live_server, timeout=60, params={"f": "json"}) as client:
        yield client


@pytest.fixture(scope="session")
def stock(
    live_server: str, live_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """`onemap serve --engine pygeoapi` over the live server's database and workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("stock")
    base = f"http://127.0.0.1:{port}"
    environ = live_settings | {
        "ONEMAP_HOME": str(home),
        "ONEMAP_PORT": str(port),
        "ONEMAP_PUBLIC_URL": base,
    }
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--engine", "pygeoapi"],
            cwd=ROOT,
            env=child_environ(**environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        with httpx.Client(
            transport=httpx.HTTPTransport(retries=7),  # until it listens: 0.5, 1, 2 … seconds apart
            base_url=base,
            timeout=STARTS_WITHIN_S,
            params={"f": "json"},
        ) as client:
            try:
                client.get("/").raise_for_status()
            except httpx.HTTPError:
                pytest.fail(f"the stock engine did not start:\n{log.read_text('utf-8')}")
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(40)
    assert status == 0, log.read_text("utf-8")
    assert [path.name for path in home.iterdir()] == ["log"], "its configuration is gone with it"
