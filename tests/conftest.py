"""One cluster per run, databases copied from a migrated template, and one live demo server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import httpx
import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from config.loader import load
from config.model import Catalogue
from config.settings import PACKAGE_ROOT, child_environ
from providers.cluster import Cluster, open_cluster
from providers.cluster_folder import ADMIN
from providers.database import DatabaseRole, connect
from providers.keys import KeyRecord
from providers.keys import new_key as make_key
from providers.migrations import migrate
from providers.postgres_binaries import available_memory
from providers.regions import region_code

ROOT = Path(__file__).resolve().parent.parent
DEMO_PARCELS = 2_000
TEMPLATE = "onemap_template"
MEMORY, ROOMY_BYTES = Path("/dev/shm"), 8 * 1024**3

hypothesis_settings.register_profile("suite", max_examples=50, deadline=None, print_blob=True)
hypothesis_settings.register_profile("campaign", max_examples=2_000, deadline=None, print_blob=True)
hypothesis_settings.load_profile("suite")


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The demo's catalogue."""
    return load([PACKAGE_ROOT / name for name in ("standards", "catalogue", "demo")])


@pytest.fixture(scope="session")
def databases_folder() -> Path | None:
    """In memory where there is plenty, as each of the hundreds of databases is a copy; else None."""
    free = shutil.disk_usage(MEMORY).free if MEMORY.is_dir() else 0
    return MEMORY if free > ROOMY_BYTES and available_memory() > 2 * ROOMY_BYTES else None


@pytest.fixture(scope="session")
def cluster(databases_folder: Path | None) -> Iterator[Cluster]:
    """The run's own PostGIS; gone afterwards, so that no write waits for the disk.

    What is committed still outlives every program that is killed, the database server too.
    """
    home = Path(tempfile.mkdtemp(prefix="onemap-tests-", dir=databases_folder))
    home.chmod(0o755)  # the database server's user must pass through
    try:
        with open_cluster(home, memory_bytes=2 * 1024**3) as running:
            with psycopg.connect(running.address("postgres", ADMIN), autocommit=True) as admin:
                for needless in ("fsync", "full_page_writes", "wal_compression"):
                    admin.execute(f"ALTER SYSTEM SET {needless} = off")  # type: ignore[arg-type]
                if databases_folder is not None:
                    admin.execute("ALTER SYSTEM SET max_wal_size = '256MB'")
                admin.execute("SELECT pg_reload_conf()")
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(cluster: Cluster) -> Callable[..., str]:
    """A factory of databases: migrated copies of a template."""
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template1")
    migrate(cluster.address(TEMPLATE))

    def create(template: str = TEMPLATE) -> str:
        name = f"t_{uuid4().hex[:16]}"
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            # Version 14 knows no other way of copying; what came later writes each page twice.
            how = "STRATEGY file_copy" if connection.info.server_version >= 150000 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {how}")  # type: ignore[arg-type]
        return name

    return create


@pytest.fixture
def database_url(cluster: Cluster, new_database: Callable[..., str]) -> Iterator[str]:
    """An empty migrated database of this test alone."""
    name = new_database()
    yield cluster.address(name)
    _drop(cluster, name)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo's files and documents lie."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def demo_template(
    cluster: Cluster, new_database: Callable[..., str], catalogue: Catalogue, demo_home: Path
) -> str:
    """The demo city, loaded once."""
    from server.demo import load_demo

    name = new_database()
    load_demo(cluster.address(name), catalogue, demo_home, parcels=DEMO_PARCELS)
    return name


@pytest.fixture
def demo_database_url(
    cluster: Cluster, new_database: Callable[..., str], demo_template: str
) -> Iterator[str]:
    """A copy of the demo city that a test may change."""
    name = new_database(demo_template)
    yield cluster.address(name)
    _drop(cluster, name)


@pytest.fixture(scope="session")
def live_settings(
    cluster: Cluster,
    new_database: Callable[..., str],
    demo_template: str,
    demo_home: Path,
) -> dict[str, str]:
    """The environment of the live server."""
    port = _free_port()
    subscriber, source = (f"127.0.0.1:{_free_port()}=internal" for _ in range(2))
    return {
        "ONEMAP_HOME": str(demo_home),
        "ONEMAP_DATABASE_URL": cluster.address(new_database(demo_template)),
        "ONEMAP_CATALOGUE": "demo",
        "ONEMAP_HOST": "127.0.0.1",
        "ONEMAP_PORT": str(port),
        "ONEMAP_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ONEMAP_CALLBACK_HOSTS": subscriber,
        "ONEMAP_FETCH_HOSTS": source,
    }


@pytest.fixture(scope="session")
def live_server(live_settings: dict[str, str]) -> Iterator[str]:
    """Server and worker as `onemap up` runs them; the base address."""
    output = Path(live_settings["ONEMAP_HOME"]) / "up.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "demo", "--parcels", str(DEMO_PARCELS)],
            cwd=ROOT,
            env=child_environ(**live_settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    base = live_settings["ONEMAP_PUBLIC_URL"]
    try:
        wait_ready(base, process)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
        if os.environ.get("CI"):
            sys.stdout.write(output.read_text("utf-8", "replace"))


@pytest.fixture(scope="session")
def client(live_server: str) -> Iterator[httpx.Client]:
    """An HTTP client of the live server."""
    with httpx.Client(
        base_url=live_server, timeout=30, headers={"Accept": "application/json"}
    ) as one:
        yield one


@pytest.fixture(scope="session")
def new_key(live_server: str, live_settings: dict[str, str]) -> Callable[..., str]:
    """A factory of API keys, written as `onemap key new` writes them."""

    def create(role: str, *regions: str, person: str = "测试员") -> str:
        codes = tuple(region_code(region).value for region in regions)
        record = KeyRecord(id="", organisation="测试单位", person=person, role=role, regions=codes)
        with connect(live_settings["ONEMAP_DATABASE_URL"], DatabaseRole.WRITER) as connection:
            return make_key(connection, record, None)

    return create


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """Wait for what another process brings about; a bound, not a measurement."""

    def wait(done: Callable[[], bool], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < until, "it did not come about"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A port of this machine that nobody listens on."""
    return _free_port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_ready(base: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urlopen(f"{base}/health/ready", timeout=2) as response:
                if response.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the server at {base} did not become ready (exit {process.poll()})")


def _drop(cluster: Cluster, name: str) -> None:
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        for _ in range(20):
            try:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type]
                return
            except psycopg.errors.InsufficientPrivilege:  # autovacuum is at it: not ours to end
                time.sleep(0.5)
        raise AssertionError(f"the database {name} could not be dropped")
