"""Run by the tests of blocks in a process of its own: `blocks.py CREW`, then what was found.

CREW is `alone`, `pool`, or the address of a Dask scheduler.
"""

import hashlib
import json
import os
import sys
import time
from functools import partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms import area_table, buffers, overlay_blocks
from processes.algorithms.official_plane import to_official_plane
from processes.algorithms.polygon_overlay import overlay
from processes.compute import Crew, alone, blockwise, cluster, map_blocks, process_pool

FEATURES = 1_500


class Surroundings:
    """What blocks need of a context."""

    def __init__(self, name: str) -> None:
        self.told: list[int] = []
        pool = process_pool(lambda blocks: min(2, blocks), lambda: None)
        self.crew: Crew = {"alone": alone, "pool": pool}.get(name) or cluster(name)

    def report(self, percent: int, message: str) -> None:
        self.told.append(percent)


def main(name: str) -> None:
    area_table.BLOCK_VERTICES = overlay_blocks.BLOCK_VERTICES = 10_000  # many blocks of few
    buffers.BLOCK_VERTICES = 50_000
    context = Surroundings(name)
    found: dict[str, Any] = {"digest": _digest(context), "told": context.told}
    order = list(map_blocks(context.crew, _late, [0.1, 0.05, 0.0, 0.02], expected=4))
    found["order"] = [late_s for late_s, _ in order]
    found["elsewhere"] = os.getpid() not in {pid for _, pid in order}
    found["single"] = next(map_blocks(context.crew, _late, [0.0], expected=1))[1] == os.getpid()
    try:
        list(map_blocks(context.crew, partial(divmod, 1), [1, 0, 1], expected=3))
    except ZeroDivisionError:
        found["error"] = "ZeroDivisionError"
    print(json.dumps(found))


def _digest(context: Surroundings) -> str:
    stored = _circles(FEATURES)
    stored[7] = None
    nowhere = np.full(len(stored), None, dtype=object)
    one, other = to_official_plane(stored[8:]), to_official_plane(_circles(FEATURES, 0.001))
    with blockwise(context, "law", passes=5) as spread:
        areas = area_table.area_table(stored, nowhere, spread=spread)
        around = buffers.buffers(stored[8:200], 50.0, quadrant_segments=4, spread=spread)
        laid = overlay(one, other, measure=shapely.area, spread=spread)
    said: list[Any] = [areas.official_m2, areas.geodesic_m2, around.error_m, around.geometries]
    for parts in (laid.both, laid.left_alone, laid.right_alone):
        said += [parts.geometries, parts.left, parts.right, parts.area_m2]
    digest = hashlib.sha256(repr(areas.reasons).encode())
    for array in said:
        is_shapes = array.dtype == object
        digest.update(b"".join(shapely.to_wkb(array)) if is_shapes else array.tobytes())
    return digest.hexdigest()


def _circles(count: int, east: float = 0.0) -> NDArray[np.object_]:
    """Rings of 24 vertices around places on a grid, as far apart as they are wide."""
    x, y = np.divmod(np.arange(count), 100)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    west, south = 125 + x * 0.002 + east, 43 + y * 0.002
    rings = np.stack(
        [west[:, None] + 0.001 * np.cos(turn), south[:, None] + 0.001 * np.sin(turn)], axis=-1
    )
    return np.asarray(shapely.polygons(rings), dtype=object)


def _late(seconds: float) -> tuple[float, int]:
    time.sleep(seconds)
    return seconds, os.getpid()


if __name__ == "__main__":
    main(sys.argv[1])
