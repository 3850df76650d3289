"""`onemap load` of 200,000 parcels, command start to exit, against bare COPY into the same table.

COPY writes the same rows, ready made, into a partition with the same key and indexes. Rounds are
interleaved; a row gives the median and, of the load, the largest memory of its process.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from config.model import Catalogue, Layer
from config.settings import child_environ
from config.vocabulary import EditionKey
from processes.workflows.demo import demo_loads
from providers.database import DatabaseRole, connect
from providers.tables import edition_name, ensure_tables

PARCELS, ROUNDS = 200_000, 3


@pytest.fixture
def layer(catalogue: Catalogue) -> Layer:
    return catalogue.layers["land_use"]


@pytest.fixture
def parcels(layer: Layer, tmp_path: Path) -> Path:
    path = tmp_path / "land_use.gpkg"
    table = next(one.table for one in demo_loads(PARCELS, 1) if one.layer == layer.id)
    table.of(layer).write(path, layer)
    return path


def onemap(url: str, home: Path, *arguments: str) -> tuple[float, float]:
    """Seconds from the command's start to its exit, and the most memory it held, in MiB."""
    environ = child_environ(ONEMAP_DATABASE_URL=url, ONEMAP_HOME=str(home), ONEMAP_CATALOGUE="demo")
    began = time.perf_counter()
    command = [sys.executable, "-m", "server", *arguments]
    running = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    most = 0.0
    while running.poll() is None:
        most = max(most, resident_mib(running.pid))
        time.sleep(0.05)
    assert running.returncode == 0
    return time.perf_counter() - began, most


def resident_mib(pid: int) -> float:
    """The most memory that a process has held so far; 0 where it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM"))
    return next((int(words[1]) / 1024 for words in lines), 0.0)


def rows_of(url: str, layer: Layer, edition: str) -> Iterator[bytes]:
    """The rows of an edition as COPY writes them."""
    source = sql.SQL("COPY (SELECT * FROM {} ORDER BY fid) TO STDOUT").format(
        edition_name(layer, EditionKey(edition))
    )
    with psycopg.connect(url) as connection, connection.cursor().copy(source) as copy:
        yield from (bytes(block) for block in copy)


def copied(url: str, layer: Layer, key: str, data: bytes) -> float:
    """Seconds in which bare COPY takes the same rows into a fresh partition."""
    edition = EditionKey(key)
    with connect(url, DatabaseRole.OWNER) as connection:
        ensure_tables(connection, layer, edition)
    began = time.perf_counter()
    with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
        target = sql.SQL("COPY {} FROM STDIN").format(edition_name(layer, edition))
        with connection.cursor().copy(target) as copy:
            copy.write(data)
    return time.perf_counter() - began


def test_a_load_against_bare_copy(
    layer: Layer, parcels: Path, database_url: str, tmp_path: Path
) -> None:
    loads, reloads, copies, memory = [], [], [], 0.0
    for number in range(ROUNDS):
        key = f"load_{number}"
        first = ("load", layer.id, str(parcels), "--edition", key, "--valid-from", "2023-12-31")
        seconds, held = onemap(database_url, tmp_path, *first)
        loads.append(seconds)
        memory = max(memory, held)
        reloads.append(onemap(database_url, tmp_path, *first)[0])
        data = b"".join(rows_of(database_url, layer, key))
        bare = f"copy_{number}"
        data = data.replace(f"\t{key}\t".encode(), f"\t{bare}\t".encode())
        copies.append(copied(database_url, layer, bare, data))
    load, reload, copy = map(statistics.median, (loads, reloads, copies))
    print(
        f"\nload {PARCELS:,} parcels  {load:6.1f} s  {PARCELS / load:8,.0f}/s"
        f"  {copy / load:5.2f}x bare COPY ({copy:.1f} s)  {memory:,.0f} MiB"
    )
    print(f"reload, unchanged       {reload:6.1f} s  {reload / load:5.2f}x the load")
