"""Jobs: how soon one is taken and done, a large overlay against its SQL, and pages beside a queue.

The figures are told, not judged by the exit. A run of all rows writes its section of RESULTS.md
beside this file; `make bench ROW=jobs_echo` measures one row.
"""

import json
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from peers import load
from peers.onemap import OneMap
from peers.questions import ITEMS_10
from peers.report import Judged, Report, Row
from peers.servers import ROOT, Running, Unavailable, running
from peers.stock_pygeoapi import Pygeoapi
from peers.table import (
    CELL,
    EDITION,
    LAYERS,
    MANAGED,
    generated,
    layer_in,
    load_table,
    run_onemap,
    write_catalogue,
)

from config.settings import child_environ
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.cluster import Cluster
from providers.database import SEARCH_PATH
from providers.dialect import compile_sql
from providers.overlay_statements import Side, overlay_statement
from providers.relations import current

PARCELS, OTHER, CODE = 20_000, "parcels_beside", "DLBM"
ASKED, WARM = 200, 20
SUBMIT_MS, ECHO_MS, OF_SQL = 10.0, 60.0, 1.3
OVERLAYS, QUEUED, PAIRS, SECONDS, MOST_SLOWER = 5, 1_000, 7, 2.0, 1.2
ROWS = ("jobs_submit", "jobs_echo", "jobs_overlay", "jobs_queue")
TITLE = "Jobs: OneMap, stock pygeoapi, and the database alone"
MANNER = "One client on loopback, a warm worker of two slots, two processes for each server"
SQL = "the same as SQL"
# Both write a job for each request; the one in a file, the other in PostgreSQL.
EXECUTION = {
    "onemap": ("/processes/echo/execution", {"inputs": {"text": "ok"}}),
    "pygeoapi": ("/processes/hello-world/execution", {"inputs": {"name": "ok"}}),
}
ECHO = """\
kind: process
id: echo
spec: echo
public: true
limits: {seconds: 60, per_owner: 100000}
---
kind: process
id: overlay
spec: overlay
public: true
limits: {seconds: 300, per_owner: 4}
"""


@dataclass(slots=True, kw_only=True)
class Bench:
    """The servers that run, the worker, the database, and the report of this session."""

    url: str
    catalogue: Path
    ours: Running
    stock: Running | None
    report: Report

    def add(self, row: Row) -> None:
        print(f"\n{row.text()}", flush=True)
        self.report.rows.append(row)


@pytest.fixture(scope="session")
def bench(cluster: Cluster, new_database: Callable[..., str]) -> Iterator[Bench]:
    with ExitStack() as stack:
        folder = Path(mkdtemp(prefix="onemap-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        catalogue = folder / "catalogue"
        write_catalogue(catalogue)
        (catalogue / "layers" / "beside.yaml").write_text(
            LAYERS.partition("---")[0].replace(f"id: {MANAGED}", f"id: {OTHER}"), "utf-8"
        )
        (catalogue / "processes.yaml").write_text(ECHO, "utf-8")
        url = cluster.address(new_database())
        load_table(url, folder, catalogue, PARCELS)
        _load_beside(url, folder, catalogue)
        ours = stack.enter_context(running(OneMap(catalogue=catalogue), folder, url, ITEMS_10))
        stack.enter_context(_worker(url, folder / "onemap", catalogue))
        stock, skipped = None, {}
        try:
            stock = stack.enter_context(running(Pygeoapi(), folder, url, ITEMS_10))
        except Unavailable as error:
            skipped[Pygeoapi().title] = str(error)
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT version(), postgis_lib_version()").fetchone()
        assert row is not None
        one = Bench(
            url=url,
            catalogue=catalogue,
            ours=ours,
            stock=stock,
            report=Report(
                title=TITLE,
                plot=None,
                manner=MANNER,
                columns=["OneMap", *([stock.peer.title] if stock else []), SQL],
                database=f"{' '.join(row[0].split()[:2])}, PostGIS {row[1]}",
                skipped=skipped,
                generator="a program in Python",
            ),
        )
        yield one
        if {row.name for row in one.report.rows} == {*ROWS}:
            one.report.write(Path(__file__).parent)


@pytest.mark.row("jobs_submit")
def test_a_job_is_taken(bench: Bench) -> None:
    figures = {
        server.peer.title: _median_ms(server, {"Prefer": "respond-async"}, 201)
        for server in _asked(bench)
    }
    mine = figures["OneMap"]
    bar = f"at most {SUBMIT_MS:.0f} ms"
    told = Judged(bar=bar, measured=f"{mine:.1f} ms", holds=mine < SUBMIT_MS)
    title = "a job submitted"
    bench.add(Row(name="jobs_submit", title=title, unit="ms", figures=figures, judged=(told,)))


@pytest.mark.row("jobs_echo")
def test_a_job_is_done(bench: Bench) -> None:
    figures = {server.peer.title: _median_ms(server, {}, 200) for server in _asked(bench)}
    mine = figures["OneMap"]
    bar = f"at most {ECHO_MS:.0f} ms"
    told = Judged(bar=bar, measured=f"{mine:.1f} ms", holds=mine < ECHO_MS)
    title = "an echo from submission to its result"
    bench.add(Row(name="jobs_echo", title=title, unit="ms", figures=figures, judged=(told,)))


@pytest.mark.row("jobs_overlay")
def test_a_large_overlay(bench: Bench) -> None:
    body = {
        "inputs": {
            "left": {"collection": MANAGED},
            "right": {"collection": OTHER},
            "left_class": CODE,
            "right_class": CODE,
            "operation": "intersection",
        },
        "outputs": {"statistics": {}},
    }
    scope = Scope(
        layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
    )
    sides = {}
    for name, layer_id in (("left", MANAGED), ("right", OTHER)):
        layer = layer_in(bench.catalogue, layer_id)
        relation = current(layer, EditionKey(EDITION))
        sides[name] = layer_id, Side(relation=relation, scope=scope, by=layer.field(CODE))
    compiled = compile_sql(overlay_statement(sides["left"][1], sides["right"][1]))
    values: dict[str, Any] = {}
    for name, (layer_id, side) in sides.items():
        values |= side.parameters(name, {"layer": layer_id, "edition": EDITION})
    times: dict[str, list[float]] = {"OneMap": [], SQL: []}
    with psycopg.connect(bench.url, autocommit=True) as connection, _client(bench.ours) as client:
        for number in range(OVERLAYS + 1):
            began = time.perf_counter()
            rows = connection.execute(compiled.text.encode(), compiled.binds(values)).fetchall()
            by_hand = time.perf_counter() - began
            began = time.perf_counter()
            told = _post(client, "/processes/overlay/execution", body, {"Prefer": "wait=120"}, 200)
            if number:
                times["OneMap"].append(time.perf_counter() - began)
                times[SQL].append(by_hand)
    shared = sum(row["area_m2"] for row in told["classes"] if row["relation"] == "both")
    assert abs(shared - sum(row[4] for row in rows if row[0] == "both")) < 1e-6 * shared
    figures = {name: statistics.median(found) for name, found in times.items()}
    ratio = figures["OneMap"] / figures[SQL]
    bench.add(
        Row(
            name="jobs_overlay",
            title=f"an overlay of {PARCELS:,} and {PARCELS:,} polygons, by a job",
            unit="s",
            figures=figures,
            judged=(
                Judged(
                    bar=f"at most {OF_SQL}x the SQL",
                    measured=f"{ratio:.2f}x",
                    holds=ratio <= OF_SQL,
                ),
            ),
        )
    )


@pytest.mark.row("jobs_queue")
def test_pages_beside_a_queue(bench: Bench) -> None:
    """Pairs one after the other: a page of ten with no job, and with a thousand that wait."""
    server = bench.ours
    page = server.peer.addresses(ITEMS_10)
    load.rate(server.port, page, seconds=1, connections=1)
    ratios: list[float] = []
    for _ in range(PAIRS):
        alone = load.rate(server.port, page, seconds=SECONDS, connections=1).a_second
        with _client(server) as client:
            path, body = EXECUTION["onemap"]
            for _ in range(QUEUED):
                slow = {"inputs": {**body["inputs"], "pause": 1}}
                _post(client, path, slow, {"Prefer": "respond-async"}, 201)
        beside = load.rate(server.port, page, seconds=SECONDS, connections=1).a_second
        with psycopg.connect(bench.url) as connection:
            waiting = connection.execute(
                "SELECT count(*) FROM onemap.job WHERE status = 'accepted'"
            ).fetchone()
            assert waiting is not None
            assert waiting[0] > 0.8 * QUEUED
        _empty(bench.url)
        ratios.append(alone / beside)
    ratios.sort()
    bench.add(
        Row(
            name="jobs_queue",
            title=f"a page of ten while {QUEUED:,} jobs wait",
            unit="times as long as alone",
            figures={"OneMap": statistics.median(ratios)},
            judged=(
                Judged(
                    bar=f"at most {MOST_SLOWER}x",
                    measured=f"{statistics.median(ratios):.2f}x (quartile {ratios[PAIRS // 4]:.2f}x)",
                    holds=ratios[PAIRS // 4] <= MOST_SLOWER,
                ),
            ),
        )
    )


def _asked(bench: Bench) -> list[Running]:
    return [bench.ours, *([bench.stock] if bench.stock else [])]


def _median_ms(server: Running, headers: Mapping[str, str], status: int) -> float:
    """Of as many executions one after the other, after some that warm the server."""
    path, body = EXECUTION[server.peer.name]
    times = []
    with _client(server) as client:
        for number in range(WARM + ASKED):
            began = time.perf_counter()
            _post(client, path, body, headers, status)
            if number >= WARM:
                times.append((time.perf_counter() - began) * 1000)
            if status == 201:
                time.sleep(0.02)  # the work of the last one is not the submission of the next
    return statistics.median(times)


@contextmanager
def _client(server: Running) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        yield connection
    finally:
        connection.close()


def _post(
    client: HTTPConnection, path: str, body: Any, headers: Mapping[str, str], status: int
) -> Any:
    told = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    client.request("POST", path, json.dumps(body), told)
    answer = client.getresponse()
    content = answer.read()
    assert answer.status == status, (path, answer.status, content[:500])
    return json.loads(content) if answer.headers.get_content_subtype() == "json" else content


@contextmanager
def _worker(url: str, home: Path, catalogue: Path) -> Iterator[None]:
    """A worker of ours, once it is warm."""
    environ = child_environ(
        ONEMAP_DATABASE_URL=url, ONEMAP_HOME=str(home), ONEMAP_CATALOGUE=str(catalogue)
    )
    with (home / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "worker"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + 60
        while not (home / "worker.alive").exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _load_beside(url: str, folder: Path, catalogue: Path) -> None:
    """A second layer: the same parcels half a cell further, so that each meets four."""
    layer, rows = layer_in(catalogue, OTHER), generated(PARCELS)
    moved = shapely.transform(rows.geometry, lambda p: np.add(p, np.divide(CELL, 2)))
    file = folder / "beside.gpkg"
    type(rows)(values=rows.values, geometry=moved).of(layer).write(file, layer)
    said = ("--edition", EDITION, "--valid-from", "2024-01-01", "--title", EDITION)
    run_onemap(url, folder, catalogue, "load", OTHER, str(file), *said)


def _empty(url: str) -> None:
    """No job waits any more, and those under way have ended."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET search_path = {SEARCH_PATH}")
        connection.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        connection.execute("DELETE FROM onemap.job WHERE status = 'accepted'")
        while True:
            row = connection.execute(
                "SELECT count(*) FROM onemap.job WHERE status = 'running'"
            ).fetchone()
            if row is not None and row[0] == 0:
                return
            time.sleep(0.1)
