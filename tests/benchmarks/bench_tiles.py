"""Tiles over loopback HTTP against the same statement sent to the database directly.

Each row is the median of interleaved rounds; the ratio is server time over raw SQL time.
"""

import statistics
import time
from collections.abc import Callable
from http.client import HTTPConnection

import psycopg
import pytest

from config.model import Catalogue
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.dialect import compile_sql
from providers.relations import current
from providers.tiles import TileQuery, tile_statement

ROUNDS = 40
KEY = EditionKey("2024")
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)


def median_ms(ask: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Medians of two questions asked in turn, in milliseconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for question, taken in ((ask, times[0]), (other, times[1])):
            began = time.perf_counter()
            question()
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(times[0]), statistics.median(times[1])


@pytest.fixture
def get(live_server: str) -> Callable[[str], bytes]:
    host, _, port = live_server.removeprefix("http://").partition(":")
    connection = HTTPConnection(host, int(port))

    def ask(path: str) -> bytes:
        connection.request("GET", path, headers={"Accept": "*/*", "Accept-Encoding": "identity"})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200
        return body

    return ask


@pytest.mark.parametrize(("z", "row", "column"), [(14, 5964, 13895), (12, 1491, 3473)])
def test_a_tile(
    get: Callable[[str], bytes],
    live_settings: dict[str, str],
    catalogue: Catalogue,
    z: int,
    row: int,
    column: int,
) -> None:
    layer = catalogue.layers["land_use"]
    compiled = compile_sql(tile_statement(layer, current(layer, KEY), (), EVERYTHING))
    values = compiled.binds(TileQuery(z=z, row=row, column=column).parameters)
    path = f"/collections/land_use/tiles/WebMercatorQuad/{z}/{row}/{column}"
    with psycopg.connect(live_settings["ONEMAP_DATABASE_URL"]) as connection:

        def raw() -> object:
            return connection.execute(compiled.text.encode(), values).fetchone()

        ours, database = median_ms(lambda: get(path), raw)
    print(
        f"\ntile {z}/{row}/{column}: {ours:.1f} ms, raw SQL {database:.1f} ms, ratio {ours / database:.2f}"
    )
