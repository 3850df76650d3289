"""Laws of the class mosaic: a partition that background never opens and no region loses a cell of."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from processes.algorithms.class_mosaic import (
    BACKGROUND,
    MARGIN,
    MAX_CORNERS,
    SIDE,
    SMALLEST,
    Cells,
    Palette,
    areas,
    bounded,
    corners,
    drawn_cells,
    majority,
    packed,
    sieved,
    unpacked,
    widened,
)

CLASSES, REGIONS = ("01", "02", "0703", None), ("220102", "220103", None)


def a_palette() -> Palette:
    palette = Palette()
    for one in CLASSES:
        for region in REGIONS:
            palette.number((one, region))
    return palette


def some_cells(seed: int, patch: int, side: int = SIDE) -> Cells:
    """Classes and regions in patches, with some background."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, len(CLASSES) * len(REGIONS) + 1, (side // patch, side // patch))
    return np.kron(coarse, np.ones((patch, patch), dtype=np.int32)).astype(np.int32)


seeds, patches = st.integers(0, 10_000), st.sampled_from([1, 2, 4, 16])
cells = st.builds(some_cells, seeds, patches)
# Whole tiles of single cells make a fifth of a million rings, which teach no more than a part does.
drawable = st.builds(some_cells, seeds, patches, st.just(SIDE // 4)) | st.builds(
    some_cells, seeds, st.just(16)
)


@settings(deadline=None, max_examples=20)
@given(cells=cells)
def test_sieving_moves_neither_background_nor_a_region(cells: Cells) -> None:
    palette = a_palette()
    regions = palette.regions()

    made = sieved(cells, regions)

    assert np.array_equal(made == BACKGROUND, cells == BACKGROUND)
    assert np.array_equal(regions[made], regions[cells])


@settings(deadline=None, max_examples=20)
@given(cells=cells)
def test_whatever_lies_in_a_tile_its_areas_have_no_more_corners_than_there_is_room_for(
    cells: Cells,
) -> None:
    made = bounded(cells, a_palette().ranks())

    assert corners(made) <= MAX_CORNERS
    assert not (made[cells != BACKGROUND] == BACKGROUND).any()
    assert corners(cells) > MAX_CORNERS or np.array_equal(made, cells)


def test_a_small_patch_joins_its_neighbour_and_a_larger_one_stays() -> None:
    palette = a_palette()
    ground, patch = palette.number(("01", "220102")), palette.number(("02", "220102"))
    cells = np.full((SIDE, SIDE), ground, dtype=np.int32)
    cells[10, 10 : 10 + SMALLEST - 1] = patch
    cells[20, 20 : 20 + SMALLEST] = patch

    made = sieved(cells, palette.regions())

    assert not (made[10] == patch).any()
    assert (made[20] == patch).sum() == SMALLEST


@settings(deadline=None, max_examples=20)
@given(cells=cells)
def test_further_out_a_cell_is_drawn_where_one_of_its_four_is_and_as_most_of_them(
    cells: Cells,
) -> None:
    palette = a_palette()
    coarse = majority(cells, palette.ranks())

    four = cells.reshape(SIDE // 2, 2, SIDE // 2, 2).transpose(0, 2, 1, 3).reshape(-1, 4)
    chosen, drawn = coarse.ravel(), four != BACKGROUND
    alike = (four[:, :, np.newaxis] == four[:, np.newaxis, :]).sum(axis=2)
    most = np.where(drawn, alike, 0).max(axis=1)
    assert np.array_equal(chosen == BACKGROUND, ~drawn.any(axis=1))
    assert np.array_equal(((four == chosen[:, np.newaxis]) & drawn).sum(axis=1), most)


def test_of_as_many_the_first_in_the_alphabet_is_drawn_whatever_the_numbers() -> None:
    one, other = Palette(), Palette()
    pairs = [("02", "b"), ("01", "b"), ("01", "a"), (None, "a")]
    for pair in pairs:
        one.number(pair)
    for pair in reversed(pairs):
        other.number(pair)
    for palette in (one, other):
        fine = np.array([[palette.number(p) for p in row] for row in (pairs[:2], pairs[2:])])
        (chosen,) = majority(fine.astype(np.int32), palette.ranks()).ravel()
        assert palette.pairs[chosen] == (None, "a")


@settings(deadline=None, max_examples=10)
@given(cells=drawable, side=st.sampled_from([1, 8]))
def test_areas_are_a_partition_along_the_edges_of_the_cells(cells: Cells, side: int) -> None:
    drawn = areas(cells, -8 * side, side)

    assert drawn.keys() == set(np.unique(cells)) - {BACKGROUND}
    for number, (shape, count) in drawn.items():
        assert shape.is_valid
        assert count == (cells == number).sum()
        assert shape.area == count * side**2
        rings, part = shapely.get_rings(shapely.get_parts(shape), return_index=True)
        assert np.array_equal(shapely.is_ccw(rings), np.diff(part, prepend=-1) == 1)  # holes: not
        steps = shapely.get_coordinates(shape) / side + 8
        assert np.array_equal(steps, np.round(steps))
    rows, columns = np.indices(cells.shape)
    middles = shapely.points((columns - 7.5) * side, (rows - 7.5) * side).ravel()
    shapes = np.array([shape for shape, _ in drawn.values()], dtype=object)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    part, cell = shapely.STRtree(middles).query(parts, predicate="contains")
    lying = np.array(list(drawn), dtype=np.int32)[owner[part]]
    filled = cells.ravel() != BACKGROUND
    assert np.array_equal(np.bincount(cell, minlength=cells.size), filled)  # in one shape, or none
    assert np.array_equal(lying, cells.ravel()[cell])


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1_000), across=st.integers(3, 40))
def test_each_cell_whose_centre_lies_in_a_polygon_is_drawn_and_no_other(
    seed: int, across: int
) -> None:
    rng = np.random.default_rng(seed)
    places: NDArray[np.float64] = np.sort(rng.uniform(0, 1, across + 1))
    boxes = [
        shapely.box(places[i], places[j], places[i + 1], places[j + 1])
        for i in range(across)
        for j in range(across)
    ]
    polygons, numbers = np.array(boxes, dtype=object), np.arange(1, len(boxes) + 1, dtype=np.int32)
    middles = (np.arange(32) + 0.5) / 32

    cells = drawn_cells(polygons, numbers, middles, middles[::-1])

    centres = shapely.points(*np.meshgrid(middles, middles[::-1]))
    inside = shapely.intersects(polygons, centres[..., np.newaxis])
    first = np.where(inside, numbers, len(boxes) + 1).min(axis=2)
    assert np.array_equal(cells, np.where(inside.any(axis=2), first, BACKGROUND))


@given(cells=cells, order=st.permutations(list(range(len(CLASSES) * len(REGIONS)))))
@settings(deadline=None, max_examples=10)
def test_stored_cells_are_read_as_they_were_whatever_the_numbers(
    cells: Cells, order: list[int]
) -> None:
    palette, other = a_palette(), Palette()
    for number in order:
        pair = palette.pairs[number + 1]
        assert pair is not None
        other.number(pair)

    content = packed(cells, palette)
    read = unpacked(content, other)

    assert packed(read, other) == content
    assert [other.pairs[n] for n in read[0]] == [palette.pairs[n] for n in cells[0]]


def test_a_tile_shows_its_neighbours_in_its_margin() -> None:
    tiles = {(0, 0): 1, (0, 1): 2, (-1, 0): 3, (1, -1): 4}

    def tile(south: int, east: int) -> Cells | None:
        number = tiles.get((south, east))
        return None if number is None else np.full((SIDE, SIDE), number, dtype=np.int32)

    made = widened(tile)

    assert made.shape == (SIDE + 2 * MARGIN, SIDE + 2 * MARGIN)
    assert (made[MARGIN:-MARGIN, MARGIN:-MARGIN] == 1).all()
    assert (made[MARGIN:-MARGIN, -MARGIN:] == 2).all()
    assert (made[:MARGIN, MARGIN:-MARGIN] == 3).all()
    assert (made[-MARGIN:, :MARGIN] == 4).all()
    assert (made[:MARGIN, :MARGIN] == BACKGROUND).all()
