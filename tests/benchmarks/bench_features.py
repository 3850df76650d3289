"""Pages of features against peers and against the database alone, on one generated table.

The figures are told, not judged by the exit: a loaded machine is no fault of the code. A run of all
rows writes RESULTS.md and results.svg beside this file; `make bench ROW=bbox_500` measures one row.
"""

import json
import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from peers import load
from peers.ceiling import Ceiling, Written, conditions_of, filtered
from peers.mapserver import MapServer
from peers.onemap import OneMap, external, keeping
from peers.questions import DEEP, DEPTH, ITEMS_10, RATES, STREAM, Question
from peers.report import CEILING, Judged, Report, Row, judged
from peers.servers import Peer, Running, Unavailable, running
from peers.stock_pygeoapi import Pygeoapi
from peers.table import (
    CELL,
    MANAGED,
    ORIGIN,
    SCHEMA,
    TABLE,
    layer_in,
    load_table,
    write_catalogue,
)
from peers.tipg import Tipg

from providers.cluster import Cluster

ROUNDS, SECONDS, WARM_S = 5, 2.0, 1.0
STREAMED = 10  # pages of 10,000 after which memory is read
MOST_FIRST_BYTE_MS, MOST_MIB, MOST_DEEPER, MOST_CQL2 = 50.0, 30.0, 1.2, 1.3
ROWS = {*(one.name for one in RATES), STREAM.name, DEEP.name, "cql2_filter"}


@dataclass(slots=True, kw_only=True)
class Bench:
    """The servers that run, the database, and the report of this session."""

    folder: Path
    url: str
    ours: OneMap
    servers: list[Running]  # each once; `columns` may name one more than once
    ceiling: Ceiling
    report: Report

    def asked(self) -> Iterator[tuple[Peer, Running]]:
        """Whom to ask: each server, ours for both of its layers."""
        for server in self.servers:
            yield server.peer, server
            if isinstance(server.peer, OneMap):
                yield external(server.peer), server

    def add(self, row: Row) -> None:
        print(f"\n{row.text()}", flush=True)
        self.report.rows.append(row)


@pytest.fixture(scope="session")
def bench(cluster: Cluster, new_database: Callable[..., str]) -> Iterator[Bench]:
    """The table loaded and every peer that can run here running over it."""
    with ExitStack() as stack:
        folder = Path(mkdtemp(prefix="onemap-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # other users' programs must pass through
        catalogue = folder / "catalogue"
        write_catalogue(catalogue)
        url = cluster.address(new_database())
        load_table(url, folder, catalogue)
        ours = OneMap(catalogue=catalogue)
        servers, skipped = [], {}
        for peer in (ours, Pygeoapi(), Tipg(), MapServer()):
            try:
                servers.append(stack.enter_context(running(peer, folder, url, ITEMS_10)))
            except Unavailable as error:
                skipped[peer.title] = str(error)
        titles = [server.peer.title for server in servers]
        kept = keeping(ours).title
        columns = [titles[0], kept, external(ours).title, *titles[1:], CEILING]
        print(f"\nasked: {', '.join(columns)}", *(f"; no {n}: {w}" for n, w in skipped.items()))
        one = Bench(
            folder=folder,
            url=url,
            ours=ours,
            servers=servers,
            ceiling=Ceiling(
                url=url,
                layer=layer_in(catalogue, MANAGED),
                folder=folder,
                binaries=cluster.binaries.postgres.parent,
            ),
            report=Report(
                columns=columns,
                database=_versions(url),
                skipped=skipped,
                generator=load.generator(),
            ),
        )
        yield one
        if {row.name for row in one.report.rows} == ROWS:
            one.report.write(Path(__file__).parent)


@pytest.mark.parametrize("question", RATES, ids=lambda one: one.name)
def test_a_page(bench: Bench, question: Question) -> None:
    conditions = conditions_of(bench.ceiling.layer, question)
    rates: dict[str, list[float]] = {}
    with ExitStack() as stack:
        asked = [(p, s, a) for p, s in bench.asked() if (a := p.addresses(question))]
        if RATES[question].of_stock > 1:  # the pages of this one are short enough to be kept
            one = keeping(bench.ours)
            server = stack.enter_context(running(one, bench.folder, bench.url, question))
            asked.append((one, server, one.addresses(question)))
        for _, server, addresses in asked:
            load.rate(server.port, addresses, seconds=WARM_S)
        for number in range(ROUNDS):
            for peer, server, addresses in asked:
                load.at_rest()
                _check(peer, server, addresses[number % len(addresses)], question)
                rates.setdefault(peer.title, []).append(_rate(peer, server, addresses))
            load.at_rest()
            assert bench.ceiling.count(question.limit, conditions) == question.limit
            rates.setdefault(CEILING, []).append(
                bench.ceiling.rate(
                    question.limit, conditions, windows=question.windows, seconds=SECONDS
                )
            )
    figures = {title: statistics.median(found) for title, found in rates.items()}
    bench.add(
        Row(
            name=question.name,
            title=question.title,
            unit="requests/s",
            figures=figures,
            judged=judged(figures, RATES[question], bench.ours.title, keeping(bench.ours).title),
        )
    )


def test_a_streamed_page(bench: Bench) -> None:
    first: dict[str, list[float]] = {}
    asked = [(p, s, a) for p, s in bench.asked() if (a := p.addresses(STREAM))]
    for _ in range(ROUNDS):
        for peer, server, addresses in asked:
            _check(peer, server, addresses[0], STREAM)
            told = load.ask(server.port, addresses, seconds=SECONDS, connections=1)
            assert told.first_byte_ms is not None
            first.setdefault(peer.title, []).append(told.first_byte_ms)
    figures = {title: statistics.median(found) for title, found in first.items()}
    memory = {title: mib for title, mib in _memory(bench) if mib is not None}
    ours, held = figures[bench.ours.title], memory[bench.ours.title]
    bench.add(
        Row(
            name=STREAM.name,
            title=STREAM.title,
            unit="ms to the first byte",
            figures=figures,
            judged=(
                Judged(
                    bar=f"first byte within {MOST_FIRST_BYTE_MS:.0f} ms",
                    measured=f"{ours:.1f} ms",
                    holds=ours <= MOST_FIRST_BYTE_MS,
                ),
                Judged(
                    bar=f"at most {MOST_MIB:.0f} MiB above idle",
                    measured=f"{held:.1f} MiB",
                    holds=held <= MOST_MIB,
                ),
            ),
            said=(
                "peak of the server's processes above idle, one page at a time: "
                + ", ".join(f"{title} {mib:,.0f} MiB" for title, mib in memory.items()),
            ),
        )
    )


def test_a_deep_page_against_page_one(bench: Bench) -> None:
    with psycopg.connect(bench.url) as connection:
        sought = f"SELECT bsm FROM {SCHEMA}.{TABLE} ORDER BY gid OFFSET {DEPTH} LIMIT 1"
        row = connection.execute(sought.encode()).fetchone()
    assert row is not None
    rates: dict[str, list[tuple[float, float]]] = {}
    asked = []
    for peer, server in bench.asked():
        deep = replace(peer, after=_cursor(peer, server)) if isinstance(peer, OneMap) else peer
        if addresses := deep.addresses(DEEP):
            asked.append((peer, server, peer.addresses(ITEMS_10), addresses))
    for _ in range(ROUNDS):
        for peer, server, front, back in asked:
            features = _check(peer, server, back[0], DEEP)
            found = {name.lower(): value for name, value in features[0]["properties"].items()}
            assert found["bsm"] == row[0], f"{peer.name}: another page"
            pair = (_rate(peer, server, front), _rate(peer, server, back))
            rates.setdefault(peer.title, []).append(pair)
    figures = {t: statistics.median(a / b for a, b in pairs) for t, pairs in rates.items()}
    ours = figures[bench.ours.title]
    bench.add(
        Row(
            name=DEEP.name,
            title=DEEP.title,
            unit="times as long as page one",
            figures=figures,
            judged=(
                Judged(
                    bar=f"within {MOST_DEEPER}x of page one",
                    measured=f"{ours:.2f}x",
                    holds=ours <= MOST_DEEPER,
                ),
            ),
        )
    )


def test_a_cql2_filter_against_hand_written_sql(bench: Bench) -> None:
    """The same page twice, prepared: once with our condition, once with a person's."""
    west, south = ORIGIN[0] + 100 * CELL[0], ORIGIN[1] + 100 * CELL[1]
    east, north = west + 80 * CELL[0], south + 80 * CELL[1]
    ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
    ours = filtered(
        bench.ceiling.layer,
        "DLBM IN ('0701','0702') AND CS >= 10 AND DLMC LIKE '%宅%' AND GXRQ > DATE('2016-01-01')"
        f" AND S_INTERSECTS(geometry, POLYGON(({ring})))",
    )
    written = Written(
        "dlbm IN ('0701','0702') AND cs >= 10 AND dlmc LIKE '%宅%' AND gxrq > DATE '2016-01-01'"
        f" AND ST_Intersects(geom, ST_GeomFromText('POLYGON(({ring}))', 4490))"
    )
    times: dict[str, list[float]] = {"CQL2": [], "hand-written": []}
    counts = set()
    for _ in range(ROUNDS):
        for name, condition in (("CQL2", ours), ("hand-written", written)):
            counts.add(bench.ceiling.count(100, (condition,)))
            rate = bench.ceiling.rate(100, (condition,), seconds=SECONDS, clients=1)
            times[name].append(1000 / rate)
    assert len(counts) == 1
    assert counts.pop() > 0
    figures = {name: statistics.median(found) for name, found in times.items()}
    ratio = figures["CQL2"] / figures["hand-written"]
    told = ", ".join(f"{name} {ms:.2f} ms" for name, ms in figures.items())
    bench.add(
        Row(
            name="cql2_filter",
            title="CQL2 filter, limit=100",
            unit="times the hand-written SQL",
            figures={bench.ours.title: ratio},
            judged=(
                Judged(
                    bar=f"at most {MOST_CQL2}x of the hand-written SQL",
                    measured=f"{ratio:.2f}x",
                    holds=ratio <= MOST_CQL2,
                ),
            ),
            said=(f"database time of one page: {told}",),
        )
    )


def _rate(peer: Peer, server: Running, addresses: list[str]) -> float:
    told = load.rate(server.port, addresses, seconds=SECONDS)
    assert told.refused == 0, f"{peer.name}: {told.refused} of {told.answers} answers were no 200"
    return told.a_second


def _check(peer: Peer, server: Running, address: str, question: Question) -> list[dict[str, Any]]:
    """The page's features, as many as were asked for."""
    features: list[dict[str, Any]] = json.loads(server.get(address))["features"]
    assert len(features) == question.limit, f"{peer.name}: {len(features)} features at {address}"
    return features


def _cursor(peer: OneMap, server: Running) -> str:
    """The cursor behind the first DEPTH rows, found by following next links."""
    address, cursor = peer.addresses(STREAM)[0], ""
    for _ in range(DEPTH // STREAM.limit):
        page = json.loads(server.get(address))
        following = next(one["href"] for one in page["links"] if one["rel"] == "next")
        parts = urlsplit(following)
        address, cursor = f"{parts.path}?{parts.query}", parse_qs(parts.query)["cursor"][0]
    return cursor


def _memory(bench: Bench) -> Iterator[tuple[str, float | None]]:
    """Peak above idle of fresh servers, while they write pages of 10,000, one at a time."""
    for server in bench.servers:
        peer = server.peer
        with running(peer, bench.folder, bench.url, ITEMS_10) as fresh:
            load.rate(fresh.port, peer.addresses(ITEMS_10), seconds=1.0)
            idle = fresh.forget_peaks()
            for _ in range(STREAMED):
                _check(peer, fresh, peer.addresses(STREAM)[0], STREAM)
            peaks = fresh.resident_mib()
            yield peer.title, sum(max(0.0, peaks.get(p, 0.0) - held) for p, held in idle.items())


def _versions(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT version(), postgis_lib_version()").fetchone()
    assert row is not None
    return f"{' '.join(row[0].split()[:2])}, PostGIS {row[1]}"
