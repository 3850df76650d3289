"""Content codings of a page of a thousand features: time and size of each level, one row each."""

import gzip
import statistics
import time
from collections.abc import Callable

import httpx
import pytest
import zstandard

ROUNDS = 15


def gzipped(level: int) -> Callable[[bytes], bytes]:
    return lambda body: gzip.compress(body, level, mtime=0)


def zstandardised(level: int) -> Callable[[bytes], bytes]:
    return lambda body: zstandard.ZstdCompressor(level=level).compress(body)


CODERS = {
    **{f"gzip {level}": gzipped(level) for level in (1, 4, 6)},
    **{f"zstd {level}": zstandardised(level) for level in (1, 3, 6)},
}


@pytest.fixture(scope="module")
def page(client: httpx.Client) -> bytes:
    return client.get("/collections/land_use/items", params={"limit": 1_000}).content


def test_the_codings_of_a_page(page: bytes) -> None:
    taken: dict[str, list[float]] = {name: [] for name in CODERS}
    for _ in range(ROUNDS):  # in turn, so that a busy moment is shared
        for name, coder in CODERS.items():
            began = time.perf_counter()
            coder(page)
            taken[name].append((time.perf_counter() - began) * 1000)
    print(f"\n{len(page) / 1000:.0f} kB of GeoJSON")
    for name, times in taken.items():
        size = len(CODERS[name](page))
        print(f"{name:8} {statistics.median(times):8.1f} ms {size / len(page):7.1%} of the size")
