"""Laws of the generalised polygons: shared edges stay shared, and an edit stays in its blocks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from processes.algorithms.coverage_levels import (
    Block,
    block_box,
    blocks_of,
    cell_degrees,
    joined,
    outside_of,
    simplified_block,
    with_crossings,
)

SIDE = 64 * cell_degrees(11)  # degrees; some twelve polygons
SIZE = SIDE / 12
TOLERANCES = (SIZE / 3, SIZE / 10)
ACROSS = 20
PLACE = np.array([125.0, 43.0])

type Polygons = Mapping[int, shapely.Polygon]
type Levels = list[dict[int, shapely.MultiPolygon]]


def a_coverage(seed: int, noise: float) -> dict[int, shapely.Polygon]:
    """Crooked parcels that share their crooked edges, and a few places where there is none."""
    rng = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(np.arange(ACROSS + 1.0), np.arange(ACROSS + 1.0)), axis=-1)
    corners += rng.uniform(-0.25, 0.25, corners.shape)

    def edge(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        share = np.linspace(0, 1, 6)[1:-1, None]
        between = start + (end - start) * share + rng.uniform(-noise, noise, (4, 2))
        return np.vstack([start, between, end])

    flat = {
        (x, y): edge(corners[y, x], corners[y, x + 1])
        for y in range(ACROSS + 1)
        for x in range(ACROSS)
    }
    steep = {
        (x, y): edge(corners[y, x], corners[y + 1, x])
        for y in range(ACROSS)
        for x in range(ACROSS + 1)
    }
    made = {}
    for y in range(ACROSS):
        for x in range(ACROSS):
            ring = [flat[x, y], steep[x + 1, y], flat[x, y + 1][::-1], steep[x, y][::-1]]
            points = np.vstack([part[:-1] for part in ring]) * SIZE + PLACE
            if rng.random() > 0.03:
                made[y * ACROSS + x] = shapely.Polygon(points)
    return made


def blocks_with(polygons: Polygons) -> dict[Block, list[int]]:
    met: dict[Block, list[int]] = defaultdict(list)
    for fid in sorted(polygons):
        for block in blocks_of(polygons[fid].bounds, SIDE):
            met[block].append(fid)
    return met


def pieces_in(
    polygons: Polygons, blocks: Iterable[Block]
) -> list[dict[int, list[shapely.MultiPolygon]]]:
    """Per level and polygon, its pieces in these blocks."""
    found: list[dict[int, list[shapely.MultiPolygon]]] = [defaultdict(list) for _ in TOLERANCES]
    met = blocks_with(polygons)
    for block in sorted(set(blocks) & met.keys()):
        fids = met[block]
        shapes = with_crossings(np.array([polygons[fid] for fid in fids], dtype=object), SIDE)
        for level, made in zip(
            found, simplified_block(shapes, block, SIDE, TOLERANCES), strict=True
        ):
            for fid, piece in zip(fids, made, strict=True):
                if not piece.is_empty:
                    level[fid].append(piece)
    return found


def all_of(polygons: Polygons) -> Levels:
    return [
        {fid: shapely.normalize(joined(parts)) for fid, parts in level.items()}
        for level in pieces_in(polygons, blocks_with(polygons))
    ]


def after(held: Levels, before: Polygons, now: Polygons) -> Levels:
    """What is held, with the blocks made anew in which a polygon came, changed or went."""
    changed = {fid for fid in before.keys() | now.keys() if before.get(fid) != now.get(fid)}
    blocks = sorted(
        {
            block
            for fid in changed
            for state in (before, now)
            if fid in state
            for block in blocks_of(state[fid].bounds, SIDE)
        }
    )
    made: Levels = []
    for level, pieces in zip(held, pieces_in(now, blocks), strict=True):
        kept = {fid: shape for fid, shape in level.items() if fid in now}
        for fid in blocks_of_any(now, blocks):
            parts = pieces.get(fid, [])
            if fid in kept and not (rest := outside_of(kept[fid], blocks, SIDE)).is_empty:
                parts = [*parts, rest]
            kept[fid] = shapely.normalize(joined(parts))
        made.append(kept)
    return made


def blocks_of_any(polygons: Polygons, blocks: list[Block]) -> list[int]:
    wanted = set(blocks)
    return [
        fid
        for fid in sorted(polygons)
        if wanted.intersection(blocks_of(polygons[fid].bounds, SIDE))
    ]


def equal(one: Levels, other: Levels) -> bool:
    return [{f: s.wkb for f, s in level.items()} for level in one] == [
        {f: s.wkb for f, s in level.items()} for level in other
    ]


def edited(
    polygons: Polygons, edits: list[tuple[str, int]], seed: int
) -> dict[int, shapely.Polygon]:
    """Some polygons gone, merged into a neighbour, or taken from another coverage as a whole."""
    now, rng = dict(polygons), np.random.default_rng(seed)
    for act, place in edits:
        fid = sorted(now)[place % len(now)] if now else None
        if fid is None:
            break
        if act == "remove":
            del now[fid]
        elif act == "merge" and fid + 1 in now:
            whole = shapely.union(now[fid], now[fid + 1])
            if isinstance(whole, shapely.Polygon):
                now[fid] = whole
                del now[fid + 1]
        elif act == "split":
            west, south, east, north = now[fid].bounds
            middle = west + (east - west) * rng.uniform(0.3, 0.7)
            halves = [
                shapely.intersection(now[fid], shapely.box(*sides))
                for sides in ((west, south, middle, north), (middle, south, east, north))
            ]
            if all(isinstance(half, shapely.Polygon) for half in halves):
                now[fid], now[max(now) + 1] = halves
    return now


coverages = st.builds(a_coverage, st.integers(0, 10_000), st.sampled_from([0.0, 0.03, 0.06]))
acts = st.lists(
    st.tuples(st.sampled_from(["remove", "merge", "split"]), st.integers(0, 399)),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=15)
@given(polygons=coverages)
def test_a_coverage_is_one_at_every_level(polygons: dict[int, shapely.Polygon]) -> None:
    for level in all_of(polygons):
        shapes = np.array(list(level.values()), dtype=object)
        assert level.keys() == polygons.keys()
        assert shapely.coverage_is_valid(shapes)
        assert shapely.is_valid(shapes).all()


@settings(deadline=None, max_examples=25)
@given(polygons=coverages, edits=acts, seed=st.integers(0, 10_000))
def test_making_the_touched_blocks_anew_gives_what_making_all_anew_gives(
    polygons: dict[int, shapely.Polygon], edits: list[tuple[str, int]], seed: int
) -> None:
    held, before = all_of(polygons), polygons
    for number, edit in enumerate(edits):
        now = edited(before, [edit], seed + number)
        held, before = after(held, before, now), now
    assert equal(held, all_of(before))


@settings(deadline=None, max_examples=15)
@given(polygons=coverages)
def test_corners_go_and_the_outline_stays_within_the_tolerance(
    polygons: dict[int, shapely.Polygon],
) -> None:
    for level, tolerance in zip(all_of(polygons), TOLERANCES, strict=True):
        simple, whole = (shapely.union_all(list(one.values())) for one in (level, polygons))
        given_corners = shapely.get_num_coordinates(list(polygons.values())).sum()
        assert shapely.get_num_coordinates(list(level.values())).sum() < given_corners
        # no triangle that went is larger than the tolerance's square; some may follow one another
        assert shapely.symmetric_difference(simple, whole).area < 12 * ACROSS * tolerance**2


@settings(deadline=None, max_examples=15)
@given(polygons=coverages, shift=st.floats(0.05, 0.5))
def test_polygons_that_overlap_or_leave_gaps_keep_a_valid_shape_each(
    polygons: dict[int, shapely.Polygon], shift: float
) -> None:
    moved = {
        fid: shapely.transform(one, lambda p: p + SIZE * shift) if fid % 3 == 0 else one
        for fid, one in polygons.items()
    }
    for level, tolerance in zip(all_of(moved), TOLERANCES, strict=True):
        assert level.keys() == moved.keys()
        for fid, shape in level.items():
            assert shape.is_valid
            assert not shape.is_empty
            assert shapely.hausdorff_distance(shape, moved[fid]) < 6 * tolerance


@given(west=st.floats(-179, 179), south=st.floats(-89, 89), size=st.floats(1e-4, 0.1))
def test_blocks_of_an_envelope_cover_it(west: float, south: float, size: float) -> None:
    envelope = shapely.box(west, south, west + size, south + size)
    boxes = [block_box(block, SIDE) for block in blocks_of(envelope.bounds, SIDE)]

    assert shapely.covers(shapely.union_all(boxes), envelope)
