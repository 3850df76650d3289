"""The compliance check: one parcel by HTTP, and a batch against the same overlay by hand as SQL.

The figures are told, not judged by the exit. A run of all rows writes its section of RESULTS.md
beside this file; `make bench ROW=check_one` measures one row.
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
from numpy.typing import NDArray
from peers.onemap import OneMap
from peers.questions import ITEMS_10
from peers.report import Judged, Report, Row
from peers.rule_layers import (
    BINDINGS,
    FEATURES,
    SURVEY,
    feature_collection,
    layer_id,
    load_rows,
    load_rule_layers,
    parcels,
    stars,
    write_rule_catalogue,
)
from peers.servers import ROOT, Running, running

from config.model import Binding, EditionChoice, Layer
from config.settings import child_environ
from config.vocabulary import Classification, EditionKey
from processes.algorithms.compliance.evidence import Need
from providers.access import ALL, Scope
from providers.bindings import Bound
from providers.cluster import Cluster
from providers.database import DatabaseRole, connect
from providers.editions import list_editions_now
from providers.parcel_overlay import ask_layer
from providers.tables import edition_name

BATCH, ROUNDS, LARGEST = 10_000, 3, 1_000_000
ASKED, WARM, MOST_MS, OF_SQL = 200, 20, 300.0, 0.7
EDITION, LARGER = EditionKey("a"), EditionKey("b")
PLANE = "EPSG:4551"
PROFILE = "site_preapproval"
ROWS = ("check_overlay", "check_batch", "check_one")
TITLE = "Compliance checks: OneMap, and the same overlay by hand as SQL"
MANNER = f"{len(BINDINGS)} layers with {FEATURES:,} features; a warm worker of two slots"
SQL, OURS = "overlay by hand", "OneMap"
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
)
# What somebody writes who wants areas: planar ones, of each parcel and feature.
BY_HAND = """
SELECT p.n, f.om_id, ST_Area(ST_Transform(ST_Intersection(f.geom, p.geom), 4551))
FROM (SELECT n, ST_GeomFromWKB(wkb, 4490) AS geom
      FROM unnest(%(parcels)s::bytea[]) WITH ORDINALITY AS given (wkb, n)) p
JOIN {rows} f ON ST_Intersects(f.geom, p.geom)
"""


@dataclass(slots=True, kw_only=True)
class Bench:
    """The server that runs, the database and its layers, and the report of this session."""

    url: str
    folder: Path
    catalogue: Path
    layers: Mapping[str, Layer]
    ours: Running
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
        write_rule_catalogue(catalogue)
        url = cluster.address(new_database())
        layers = load_rule_layers(url, folder, catalogue)
        peer = OneMap(catalogue=catalogue, collection=layer_id("wetland"))
        ours = stack.enter_context(running(peer, folder, url, ITEMS_10))
        stack.enter_context(_worker(url, folder / peer.name, catalogue))
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT version(), postgis_lib_version()").fetchone()
        assert row is not None
        report = Report(
            title=TITLE,
            plot=None,
            manner=MANNER,
            columns=[OURS, SQL],
            database=f"{' '.join(row[0].split()[:2])}, PostGIS {row[1]}",
            skipped={},
            generator="a program in Python",
        )
        one = Bench(
            url=url, folder=folder, catalogue=catalogue, layers=layers, ours=ours, report=report
        )
        yield one
        if {row.name for row in one.report.rows} == {*ROWS}:
            one.report.write(Path(__file__).parent)


@pytest.mark.row("check_overlay")
def test_layers_read_for_a_batch(bench: Bench) -> None:
    """What a check reads, beside the same overlays by hand; areas agree."""
    asked = parcels(BATCH)
    times: dict[str, list[float]] = {OURS: [], SQL: []}
    for _ in range(ROUNDS):
        began = time.perf_counter()
        read_m2 = _read(bench, asked)
        times[OURS].append(time.perf_counter() - began)
        began = time.perf_counter()
        by_hand = _by_hand(bench, asked)
        times[SQL].append(time.perf_counter() - began)
    for binding, (hits, _) in by_hand.items():
        assert hits >= read_m2[binding] > 0.9 * hits  # by hand also those that only touch
    _told(bench, "check_overlay", f"{BATCH:,} parcels read against {len(BINDINGS)} layers", times)


@pytest.mark.row("check_batch")
def test_a_batch_is_checked(bench: Bench) -> None:
    """The whole check as a job, from its submission to its result."""
    asked = parcels(BATCH)
    body = {"inputs": {"parcels": {"href": ""}, "profile": PROFILE, "crs": "EPSG:4490"}}
    times: dict[str, list[float]] = {OURS: [], SQL: []}
    with _client(bench.ours) as client:
        content = json.dumps(feature_collection(asked))
        kind = {"Content-Type": "application/geo+json"}
        _, file = _send(client, "POST", "/files?name=parcels.geojson", content, kind)
        body["inputs"]["parcels"] = {"href": json.loads(file)["href"]}
        for _ in range(ROUNDS):
            began = time.perf_counter()
            _by_hand(bench, asked)
            times[SQL].append(time.perf_counter() - began)
            began = time.perf_counter()
            _job(client, body)
            times[OURS].append(time.perf_counter() - began)
    _told(bench, "check_batch", f"{BATCH:,} parcels checked against {len(BINDINGS)} layers", times)


@pytest.mark.row("check_one")
def test_one_parcel_is_checked(bench: Bench) -> None:
    """Different parcels one after the other, at once, one of the layers with a million rows."""
    shapes, survey = stars(LARGEST, 12, 77), bench.layers[SURVEY]
    load_rows(bench.url, bench.folder, bench.catalogue, survey, LARGER, shapes, 77)
    asked = parcels(WARM + ASKED, seed=11)
    times = []
    with _client(bench.ours) as client:
        for number, parcel in enumerate(asked):
            inputs = {"parcels": json.loads(shapely.to_geojson(parcel)), "profile": PROFILE}
            began = time.perf_counter()
            told = _post(client, {"inputs": inputs}, {"Prefer": "wait=60"}, 200)
            if number >= WARM:
                times.append((time.perf_counter() - began) * 1000)
    assert told["parcels"][0]["rules"]
    slowest = float(np.percentile(times, 95))
    bench.add(
        Row(
            name="check_one",
            title=f"one parcel against {len(BINDINGS)} layers, one with {LARGEST:,} rows: p95",
            unit="ms",
            figures={OURS: slowest},
            judged=(
                Judged(
                    bar=f"p95 under {MOST_MS:.0f} ms",
                    measured=f"{slowest:.0f} ms (median {statistics.median(times):.0f} ms)",
                    holds=slowest < MOST_MS,
                ),
            ),
        )
    )


def _told(bench: Bench, name: str, title: str, times: Mapping[str, list[float]]) -> None:
    seconds = {name: statistics.median(found) for name, found in times.items()}
    ratio = seconds[SQL] / seconds[OURS]
    bench.add(
        Row(
            name=name,
            title=title,
            unit="parcels/s",
            figures={name: BATCH / found for name, found in seconds.items()},
            judged=(
                Judged(
                    bar=f"at least {OF_SQL}x the {SQL}",
                    measured=f"{ratio:.2f}x",
                    holds=ratio >= OF_SQL,
                ),
            ),
        )
    )


def _read(bench: Bench, asked: NDArray[np.object_]) -> dict[str, int]:
    """Layer after layer, as a check reads them; how many pairs share an area."""
    found = {}
    with connect(bench.url, DatabaseRole.READER, statement_timeout_ms=0) as connection:
        states = {s.edition.layer: s for s in list_editions_now(connection)}
        for name, layer in bench.layers.items():
            binding = Binding(id=name, title=layer.title, layer=layer, edition=EditionChoice())
            bound = Bound(binding=binding, layer=layer, state=states[layer.id])
            codes = frozenset(f.code for f in layer.fields[:6])
            need = Need(overlaps=True, fields=codes)
            read = ask_layer(
                connection, bound, asked, EVERYTHING, need, most=100 * len(asked)
            ).evidence(asked)
            assert not read.gaps
            found[name] = len(read.parcel)
    return found


def _by_hand(bench: Bench, asked: NDArray[np.object_]) -> dict[str, tuple[int, float]]:
    """Pairs that meet and the planar areas that they share, layer after layer."""
    found = {}
    values = {"parcels": shapely.to_wkb(asked).tolist()}
    with connect(bench.url, DatabaseRole.READER, statement_timeout_ms=0) as connection:
        for name, layer in bench.layers.items():
            rows = edition_name(layer, EDITION).as_string(connection)
            statement = BY_HAND.format(rows=rows).encode()
            pairs = connection.execute(statement, values).fetchall()
            found[name] = len(pairs), sum(area_m2 for *_, area_m2 in pairs)
    return found


def _job(client: HTTPConnection, body: Any) -> None:
    job = _post(client, body, {"Prefer": "respond-async"}, 201)
    while True:
        _, content = _send(client, "GET", f"/jobs/{job['jobID']}", None, {})
        status = json.loads(content)["status"]
        if status == "successful":
            return
        assert status in ("accepted", "running"), content
        time.sleep(0.05)


@contextmanager
def _client(server: Running) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=600)
    try:
        yield connection
    finally:
        connection.close()


def _post(client: HTTPConnection, body: Any, headers: Mapping[str, str], status: int) -> Any:
    path, kind = "/processes/compliance-check/execution", {"Content-Type": "application/json"}
    told, content = _send(client, "POST", path, json.dumps(body), {**kind, **headers})
    assert told == status, (told, content[:500])
    return json.loads(content)


def _send(
    client: HTTPConnection, method: str, path: str, body: str | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    told = {"Accept": "application/json", **headers}
    client.request(method, path, None if body is None else body.encode(), told)
    answer = client.getresponse()
    return answer.status, answer.read()


@contextmanager
def _worker(url: str, home: Path, catalogue: Path) -> Iterator[None]:
    """A worker of ours, once it is warm."""
    environ = child_environ(
        ONEMAP_DATABASE_URL=url,
        ONEMAP_HOME=str(home),
        ONEMAP_CATALOGUE=str(catalogue),
        ONEMAP_PLANAR_CRS=PLANE,
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
