"""Vector tiles against peers and against the database alone, and kept tiles against a file.

The figures are told, not judged by the exit. A run of all rows writes its section of RESULTS.md and
results_tiles.svg beside this file; `make bench ROW=tiles_z14` measures one row.
"""

import shutil
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import mapbox_vector_tile
import psycopg
import pytest
from peers import load
from peers.mapserver import MapServer
from peers.martin import Martin
from peers.onemap import OneMap
from peers.questions import ITEMS_10, Bar
from peers.report import CEILING, Judged, Report, Row, judged
from peers.servers import ROOT, Peer, Running, Unavailable, running
from peers.table import (
    CELL,
    COLUMNS,
    MANAGED,
    ORIGIN,
    ROWS,
    layer_in,
    load_table,
    run_onemap,
    write_catalogue,
)
from peers.tile_ceiling import TileCeiling
from peers.tipg import Tipg

from providers.cluster import Cluster
from providers.grids import WEB_MERCATOR_QUAD, TileAddress

ROUNDS, SECONDS, WARM_S = 5, 2.0, 1.0
MOST_PLACES = 32  # of one zoom that are asked for in turn
BARS = {14: Bar(of_ceiling=0.4), 12: Bar(of_ceiling=0.8), 10: Bar(of_ceiling=0.8)}
KEPT, KEPT_A_SECOND, OF_STATIC = "tiles_kept", 10_000.0, 0.9
STATIC = "static file"
STORM_ROW, QUIET, STORM = "tiles_storm", "alone", "in a storm"
PAIRS, MOST_SLOWER = 7, 1.2
ASSETS = ROOT / "server" / "web" / "dist" / "assets"
TITLE, PLOT = "Vector tiles: OneMap, its peers, and the database alone", "results_tiles.svg"
TABLE = (
    ORIGIN[0],
    ORIGIN[1],
    ORIGIN[0] + COLUMNS * CELL[0],
    ORIGIN[1] + ROWS * CELL[1],
)


@dataclass(slots=True, kw_only=True)
class Bench:
    """The servers that run, the database, and the report of this session."""

    folder: Path
    url: str
    catalogue: Path
    servers: list[Running]
    ceiling: TileCeiling
    report: Report

    def add(self, row: Row) -> None:
        print(f"\n{row.text()}", flush=True)
        self.report.rows.append(row)


def places(zoom: int) -> list[TileAddress]:
    """Tiles within the table, spread over it by a fixed rule."""
    first, last, west, east = WEB_MERCATOR_QUAD.limits(TABLE, zoom)
    every = [(row, column) for row in range(first, last + 1) for column in range(west, east + 1)]
    inner = [(row, column) for row, column in every if first < row < last and west < column < east]
    chosen = inner or every
    step = max(1, len(chosen) // MOST_PLACES)
    return [TileAddress(WEB_MERCATOR_QUAD, zoom, *one) for one in chosen[::step][:MOST_PLACES]]


@pytest.fixture(scope="session")
def bench(cluster: Cluster, new_database: Callable[..., str]) -> Iterator[Bench]:
    """The table loaded and every peer that can run here running over it, none with a cache."""
    with ExitStack() as stack:
        folder = Path(mkdtemp(prefix="onemap-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # other users' programs must pass through
        catalogue = folder / "catalogue"
        write_catalogue(catalogue)
        url = cluster.address(new_database())
        load_table(url, folder, catalogue)
        run_onemap(url, folder, catalogue, "overview", MANAGED)  # as a worker would by itself
        servers, skipped = [], {}
        for peer in (OneMap(catalogue=catalogue, cache_mb=0), Tipg(), MapServer(), Martin()):
            try:
                servers.append(stack.enter_context(running(peer, folder, url, places(14)[0])))
            except Unavailable as error:
                skipped[peer.title] = str(error)
        titles = [server.peer.title for server in servers]
        print(f"\nasked: {', '.join(titles)}", *(f"; no {n}: {w}" for n, w in skipped.items()))
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT version(), postgis_lib_version()").fetchone()
        assert row is not None
        one = Bench(
            folder=folder,
            url=url,
            catalogue=catalogue,
            servers=servers,
            ceiling=TileCeiling(
                url=url,
                layer=layer_in(catalogue, MANAGED),
                folder=folder,
                binaries=cluster.binaries.postgres.parent,
            ),
            report=Report(
                title=TITLE,
                plot=PLOT,
                columns=[*titles, STATIC, CEILING],
                database=f"{' '.join(row[0].split()[:2])}, PostGIS {row[1]}",
                skipped=skipped,
                generator=load.generator(),
            ),
        )
        yield one
        if {row.name for row in one.report.rows} == {*map(_name, BARS), KEPT, STORM_ROW}:
            one.report.write(Path(__file__).parent)


@pytest.mark.parametrize("zoom", BARS, ids=lambda zoom: _name(zoom))
def test_an_uncached_tile(bench: Bench, zoom: int) -> None:
    asked = places(zoom)
    rates: dict[str, list[float]] = {}
    said = []
    for server in bench.servers:
        said.append(_content(server, asked))
        load.rate(server.port, server.peer.tiles(asked), seconds=WARM_S)
    for _ in range(ROUNDS):
        for server in bench.servers:
            load.at_rest()
            addresses = server.peer.tiles(asked)
            rates.setdefault(server.peer.title, []).append(_rate(server, addresses))
        load.at_rest()
        rates.setdefault(CEILING, []).append(bench.ceiling.rate(asked, seconds=SECONDS))
    figures = {title: statistics.median(found) for title, found in rates.items()}
    ours = bench.servers[0].peer.title
    bench.add(
        Row(
            name=_name(zoom),
            title=f"zoom {zoom}, nothing kept",
            unit="tiles/s",
            figures=figures,
            judged=judged(figures, BARS[zoom], ours),
            said=(f"a tile on average: {', '.join(said)}",),
        )
    )


@pytest.mark.row(KEPT)
def test_a_kept_tile_against_a_file_of_its_size(bench: Bench) -> None:
    rates: dict[str, list[float]] = {}
    with ExitStack() as stack:
        ours = OneMap(catalogue=bench.catalogue)
        server = stack.enter_context(running(ours, bench.folder / KEPT, bench.url, places(14)[0]))
        load.rate(server.port, ours.tiles(places(14)), seconds=WARM_S)  # both processes are there
        place, asset, sizes = _alike(server)
        asked: list[tuple[str, Running, list[str]]] = [
            (ours.title, server, ours.tiles([place])),
            (STATIC, server, [f"/app/assets/{asset}"]),
        ]
        try:
            other = Martin(cache_mb=64)
            martin = stack.enter_context(
                running(other, bench.folder / KEPT, bench.url, places(14)[0])
            )
            asked.append((other.title, martin, other.tiles([place])))
        except Unavailable:
            pass
        for _, one, addresses in asked:
            load.rate(one.port, addresses, seconds=WARM_S)
        for _ in range(ROUNDS):
            for title, one, addresses in asked:
                rates.setdefault(title, []).append(_rate(one, addresses))
    figures = {title: statistics.median(found) for title, found in rates.items()}
    mine, file = figures[ours.title], figures[STATIC]
    bar = min(KEPT_A_SECOND, OF_STATIC * file)
    found = [
        Judged(
            bar=f"{KEPT_A_SECOND:,.0f} a second or {OF_STATIC}x the file, whichever is less",
            measured=f"{mine:,.0f} a second, {mine / file:.2f}x",
            holds=mine >= bar,
        )
    ]
    if "Martin" in figures:
        found.append(
            Judged(
                bar="ahead of Martin's",
                measured=f"{mine / figures['Martin']:.2f}x",
                holds=mine > figures["Martin"],
            )
        )
    bench.add(
        Row(
            name=KEPT,
            title="a kept tile",
            unit="tiles/s",
            figures=figures,
            judged=tuple(found),
            said=(f"bytes of the tile and of the file: {sizes[0]:,} and {sizes[1]:,}",),
        )
    )


@pytest.mark.row(STORM_ROW)
def test_items_during_a_storm_of_cold_tiles(bench: Bench) -> None:
    """Pairs one after the other: a page of ten alone, and while eight ask for cold tiles far out."""
    server = bench.servers[0]
    page, tiles = server.peer.addresses(ITEMS_10), server.peer.tiles([*places(8), *places(9)])
    times: dict[str, list[float]] = {QUIET: [], STORM: []}
    load.rate(server.port, page, seconds=WARM_S, connections=1)
    for _ in range(PAIRS):
        times[QUIET].append(
            1000 / load.rate(server.port, page, seconds=SECONDS, connections=1).a_second
        )
        with ThreadPoolExecutor(1) as apart:
            storm = apart.submit(load.rate, server.port, tiles, seconds=SECONDS + 1)
            told = load.rate(server.port, page, seconds=SECONDS, connections=1)
            storm.result()
        assert told.refused == 0
        times[STORM].append(1000 / told.a_second)
    ratios = sorted(b / a for a, b in zip(times[QUIET], times[STORM], strict=True))
    figures = {name: statistics.median(found) for name, found in times.items()}
    bench.add(
        Row(
            name=STORM_ROW,
            title="a page of ten while others ask for cold tiles far out",
            unit="times as long as alone",
            figures={server.peer.title: statistics.median(ratios)},
            judged=(
                Judged(
                    bar=f"at most {MOST_SLOWER}x",
                    measured=f"{statistics.median(ratios):.2f}x (quartile {ratios[PAIRS // 4]:.2f}x)",
                    holds=ratios[PAIRS // 4] <= MOST_SLOWER,
                ),
            ),
            said=(", ".join(f"{name} {ms:.2f} ms" for name, ms in figures.items()),),
        )
    )


def _name(zoom: int) -> str:
    return f"tiles_z{zoom}"


def _rate(server: Running, addresses: list[str]) -> float:
    """Tiles per second; what another refuses is not counted, of ours nothing may be refused."""
    told = load.rate(server.port, addresses, seconds=SECONDS)
    refused = f"{told.refused} of {told.answers} answers were no 200"
    assert told.refused == 0 or not isinstance(server.peer, OneMap), refused
    return (told.answers - told.refused) / told.seconds


def _content(server: Running, asked: list[TileAddress]) -> str:
    """How much a tile of this server holds: what is compared is not always the same."""
    peer: Peer = server.peer
    bodies = [server.get(address) for address in peer.tiles(asked)]
    counts = [
        sum(len(layer["features"]) for layer in mapbox_vector_tile.decode(body).values())
        for body in bodies
    ]
    assert all(counts), f"{peer.name}: an empty tile"
    features, kib = statistics.mean(counts), statistics.mean(map(len, bodies)) / 1024
    return f"{peer.title} {features:,.0f} features in {kib:,.0f} KiB"


def _alike(server: Running) -> tuple[TileAddress, str, tuple[int, int]]:
    """The tile and the file of the web application that are most alike in size."""
    files = {
        path.name: path.stat().st_size
        for path in ASSETS.iterdir()
        if path.suffix in (".js", ".css") and path.stat().st_size > 5_000
    }
    pairs = []
    for place in [*places(14), *places(13)]:
        size = len(server.get(server.peer.tiles([place])[0]))
        name = min(files, key=lambda name, size=size: abs(files[name] - size))  # type: ignore[misc]
        pairs.append((abs(files[name] - size) / size, place.row, place, name, size))
    _, _, place, name, size = min(pairs, key=lambda pair: pair[:2])
    return place, name, (size, files[name])
