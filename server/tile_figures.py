"""What the tile cache does, in figures of this process for /metrics."""

from enum import StrEnum
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

TILES = Counter(
    "onemap_tiles",
    "Tiles asked for, by how they were had",
    ["had"],
    registry=None,
)
MAKING = Histogram(
    "onemap_tile_make_seconds",
    "Seconds in which the database made a tile, without the wait for a turn, by kind of zoom",
    ["zoom"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=None,
)
BYTES = Gauge("onemap_tile_cache_bytes", "Bytes of kept tiles", ["kept"], registry=None)
ENTRIES = Gauge("onemap_tile_cache_entries", "Tiles kept in memory", registry=None)
EVICTED = Counter(
    "onemap_tile_cache_evictions", "Kept tiles that made room for others", ["kept"], registry=None
)
UNUSABLE = Counter(
    "onemap_tile_files_unusable",
    "Files of tiles that could not be written, or were not what they said",
    registry=None,
)
ALL: Final = (TILES, MAKING, BYTES, ENTRIES, EVICTED, UNUSABLE)


class Had(StrEnum):
    """How a tile was had."""

    MEMORY = "memory"  # nothing was asked of the database
    FILES = "files"
    CHECKED = "checked"  # one question told that no edit has touched it
    MADE = "made"
    AWAITED = "awaited"  # another request was having it already
    REFUSED = "refused"  # too many waited


class Kept(StrEnum):
    """Where tiles are kept."""

    MEMORY = "memory"
    FILES = "files"


HAD: Final = {each: TILES.labels(each) for each in Had}
HELD: Final = {each: BYTES.labels(each) for each in Kept}
GONE: Final = {each: EVICTED.labels(each) for each in Kept}
LOW, NEAR = MAKING.labels("low"), MAKING.labels("near")
