"""The walk gives every tile that may hold data, once, in the order of an archive's ids."""

import asyncio

import shapely
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.tile import zxy_to_tileid

from processes.workflows.tile_walk import Walk
from providers.grids import GRIDS, Bounds, Grid, TileAddress

grids = st.sampled_from(sorted(GRIDS.values(), key=lambda grid: grid.id))


@st.composite
def boxes(draw: st.DrawFn, wide: float = 3.0) -> Bounds:
    west, south = draw(st.floats(-179, 175)), draw(st.floats(-80, 75))
    return (west, south, west + draw(st.floats(0, wide)), south + draw(st.floats(0, wide)))


def walked(walk: Walk) -> tuple[list[TileAddress], int]:
    passed = 0

    def empty(count: int) -> None:
        nonlocal passed
        passed += count

    async def run() -> list[TileAddress]:
        return [address async for address in walk.tiles(empty)]

    return asyncio.run(run()), passed


def a_walk(grid: Grid, box: Bounds, zooms: range, places: list[Bounds] | None) -> Walk:
    async def occupied(asked: Bounds) -> bool:
        return places is None or any(
            shapely.box(*asked).intersects(shapely.box(*place)) for place in places
        )

    return Walk(grid=grid, box=box, zooms=zooms, occupied=occupied)


@given(grid=grids, box=boxes(), first=st.integers(1, 8))
def test_without_empty_places_every_tile_within_the_limits_comes_once(
    grid: Grid, box: Bounds, first: int
) -> None:
    walk = a_walk(grid, box, range(first, first + 2), None)

    found, passed = walked(walk)

    wanted = {
        (zoom, row, column)
        for zoom in walk.zooms
        for top, bottom, left, right in [walk.limits(zoom)]
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    }
    assert {(a.zoom, a.row, a.column) for a in found} == wanted
    assert len(found) == len(wanted) == walk.count
    assert passed == 0
    ids = [zxy_to_tileid(a.zoom, a.column, a.row) for a in found]
    assert ids == sorted(ids)


@given(grid=grids, box=boxes(), places=st.lists(boxes(0.05), max_size=4), zoom=st.integers(4, 11))
def test_no_tile_that_holds_data_is_passed_over_and_what_is_passed_over_is_counted(
    grid: Grid, box: Bounds, places: list[Bounds], zoom: int
) -> None:
    walk = a_walk(grid, box, range(zoom, zoom + 1), places)

    found, passed = walked(walk)

    top, bottom, left, right = walk.limits(zoom)
    got = {(a.row, a.column) for a in found}
    assert len(got) + passed == walk.count
    level = zoom - grid.shift
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            tile = shapely.box(*grid.degrees(level, row, column, 64 / 4096))
            if any(tile.intersects(shapely.box(*place)) for place in places):
                assert (row, column) in got
