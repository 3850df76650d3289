"""Tiles of a million polygons from zoom 5 to 10: one request each, nothing kept, a warm database.

The figures are told, not judged by the exit. A run of all zooms writes its section of RESULTS.md;
`make bench ROW=million_z7` measures one zoom.
"""

import gzip
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import mapbox_vector_tile
import psycopg
import pytest
from peers import load
from peers.onemap import OneMap
from peers.report import Judged, Report, Row
from peers.servers import Running, running
from peers.table import (
    CELL,
    CODES,
    COLUMNS,
    MANAGED,
    ORIGIN,
    load_table,
    run_onemap,
    write_catalogue,
)

from providers.cluster import Cluster
from providers.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD, Grid, TileAddress

PARCELS, ROUNDS, WARM_S = 1_000_000, 7, 2.0
GRIDS = (WEB_MERCATOR_QUAD, CGCS2000_QUAD)
ZOOMS = range(5, 11)
MOST_MS, MOST_BYTES = 150.0, 500_000
TITLE = "Tiles of a million polygons"
MANNER = (
    f"Of each tile, up to nine in the middle of the layer, the median of {ROUNDS} requests one after"
    " the other, in each grid that of the slowest; no tile is kept; two processes of the server"
)
RULES = "\n".join(
    f'  - {{title: {{zh: "{code}", en: "{code}"}}, codes: ["{code}"], fill: "#{90 * n % 256:02x}a080"}}'
    for n, code in enumerate(CODES)
)
STYLE = f"""\
kind: style
id: parcels
title: {{zh: 测试地块, en: Parcels}}
source: {{zh: 本系统的性能测试, en: The benchmark of this system}}
geometry: polygon
field: DLBM
rules:
{RULES}
"""


def tiles_at(grid: Grid, zoom: int) -> list[TileAddress]:
    """The tiles that the table meets, at most nine in its middle."""
    level = zoom - grid.shift
    high = PARCELS // COLUMNS * CELL[1]
    box = (ORIGIN[0], ORIGIN[1], ORIGIN[0] + COLUMNS * CELL[0], ORIGIN[1] + high)
    first, last, west, east = grid.limits(box, level)
    row, column = (first + last) // 2, (west + east) // 2
    rows = range(max(first, row - 1), min(last, row + 1) + 1)
    columns = range(max(west, column - 1), min(east, column + 1) + 1)
    return [TileAddress(grid, level, r, c) for r in rows for c in columns]


def one_request(server: Running, address: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    body = server.get(address)
    return (time.perf_counter() - began) * 1000, body


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A server without a tile cache over a million parcels, and the report."""

    server: Running
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The tiles of one zoom in one grid: the slowest, the largest, the fullest."""

    ms: float
    size: int
    packed: int  # of the largest, as it travels
    features: int
    omitted: int  # of areas, in all of the tiles

    def __str__(self) -> str:
        return (
            f"{self.size / 1000:,.0f} KB ({self.packed / 1000:,.0f} KB compressed),"
            f" {self.features:,} areas"
        )


def told(server: Running, addresses: list[str]) -> Told:
    slowest, largest, most, omitted = 0.0, b"", 0, 0
    for address in addresses:
        asked = [one_request(server, address) for _ in range(ROUNDS)]
        slowest = max(slowest, statistics.median(ms for ms, _ in asked))
        body = asked[0][1]
        largest = max(largest, body, key=len)
        layers = mapbox_vector_tile.decode(body) if body else {}
        most = max(most, len(layers.get(MANAGED, {"features": []})["features"]))
        for left_out in layers.get(f"{MANAGED}_omitted", {"features": []})["features"]:
            omitted += left_out["properties"]["count"]
    return Told(
        ms=slowest,
        size=len(largest),
        packed=len(gzip.compress(largest)),
        features=most,
        omitted=omitted,
    )


@pytest.mark.parametrize("zoom", ZOOMS, ids=lambda zoom: _name(zoom))
def test_a_tile_of_a_million_polygons(bench: Bench, zoom: int) -> None:
    server = bench.server
    found = {grid.id: told(server, server.peer.tiles(tiles_at(grid, zoom))) for grid in GRIDS}
    slowest, largest = max(t.ms for t in found.values()), max(t.size for t in found.values())
    omitted = sum(t.omitted for t in found.values())
    row = Row(
        name=_name(zoom),
        title=f"zoom {zoom}",
        unit="ms",
        figures={grid: one.ms for grid, one in found.items()},
        judged=(
            Judged(
                bar=f"within {MOST_MS:.0f} ms",
                measured=f"{slowest:.1f} ms",
                holds=slowest < MOST_MS,
            ),
            Judged(
                bar=f"at most {MOST_BYTES // 1000} KB",
                measured=f"{largest / 1000:,.0f} KB",
                holds=largest <= MOST_BYTES,
            ),
            Judged(
                bar="every class is drawn",
                measured=f"{omitted} left out",
                holds=not omitted,
            ),
        ),
        said=(f"the largest tile: {'; '.join(f'{grid} {one}' for grid, one in found.items())}",),
    )
    print(f"\n{row.text()}", flush=True)
    bench.report.rows.append(row)


@pytest.fixture(scope="module")
def bench(cluster: Cluster, new_database: Callable[..., str]) -> Iterator[Bench]:
    """The parcels loaded, their overview made, the server running."""
    folder = Path(mkdtemp(prefix="onemap-bench-"))
    folder.chmod(0o755)  # other users' programs must pass through
    catalogue = folder / "catalogue"
    write_catalogue(catalogue)
    (catalogue / "style.yaml").write_text(STYLE, "utf-8")
    layers = catalogue / "layers" / "bench.yaml"
    styled = layers.read_text("utf-8").replace(
        "classification", "style: parcels\nclassification", 1
    )
    layers.write_text(styled, "utf-8")
    url = cluster.address(new_database())
    try:
        load_table(url, folder, catalogue, PARCELS)
        began = time.perf_counter()
        run_onemap(url, folder, catalogue, "overview", MANAGED)
        took = time.perf_counter() - began
        print(f"\noverview of {PARCELS:,} polygons: {took:.0f} s", flush=True)
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT version(), postgis_lib_version()").fetchone()
        assert row is not None
        report = Report(
            title=TITLE,
            plot=None,
            manner=MANNER,
            columns=[grid.id for grid in GRIDS],
            database=f"{' '.join(row[0].split()[:2])}, PostGIS {row[1]}",
            skipped={},
            generator="a program in Python",
        )
        peer = OneMap(catalogue=catalogue, cache_mb=0)
        with running(peer, folder, url, tiles_at(WEB_MERCATOR_QUAD, 10)[0]) as server:
            warm = peer.tiles(tiles_at(WEB_MERCATOR_QUAD, 10))
            load.rate(server.port, warm, seconds=WARM_S)  # both processes are there
            yield Bench(server=server, report=report)
        if {row.name for row in report.rows} == {*map(_name, ZOOMS)}:
            report.write(Path(__file__).parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _name(zoom: int) -> str:
    return f"million_z{zoom}"
