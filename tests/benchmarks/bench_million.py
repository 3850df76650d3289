"""Tiles of a million polygons from zoom 5 to 10: one request each, nothing kept, a warm database."""

import gzip
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import mapbox_vector_tile
import pytest
from peers.onemap import OneMap
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

PARCELS, ROUNDS = 1_000_000, 5
ZOOMS = range(5, 11)
MOST_MS, MOST_BYTES = 150.0, 500_000
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


@pytest.mark.parametrize("grid", [WEB_MERCATOR_QUAD, CGCS2000_QUAD], ids=lambda one: one.id)
def test_a_tile_of_a_million_polygons(million: Running, grid: Grid) -> None:
    lines = [f"\n{grid.id}: zoom, slowest tile (median of {ROUNDS}), largest tile, features"]
    for zoom in ZOOMS:
        addresses = million.peer.tiles(tiles_at(grid, zoom))
        slowest, largest, most = 0.0, 0, 0
        for address in addresses:
            asked = [one_request(million, address) for _ in range(ROUNDS)]
            body = asked[0][1]
            slowest = max(slowest, statistics.median(ms for ms, _ in asked))
            largest = max(largest, len(body))
            drawn = mapbox_vector_tile.decode(body).values() if body else ()
            most = max(most, sum(len(layer["features"]) for layer in drawn))
        said = "holds " if slowest <= MOST_MS and largest <= MOST_BYTES else "MISSED"
        packed = len(gzip.compress(body))
        lines.append(
            f"  {said} z{zoom:<3} {slowest:7.1f} ms {largest / 1000:7.0f} KB"
            f" ({packed / 1000:.0f} KB packed) {most:6}"
        )
    print("\n".join(lines), flush=True)


@pytest.fixture(scope="module")
def million(cluster: Cluster, new_database: Callable[..., str]) -> Iterator[Running]:
    """A server without a tile cache over a million parcels and their overview."""
    folder = Path(mkdtemp(prefix="onemap-bench-"))
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
        peer = replace(OneMap(catalogue=catalogue), cache_mb=0)
        with running(peer, folder, url, tiles_at(WEB_MERCATOR_QUAD, 10)[0]) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)
