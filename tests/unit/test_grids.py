"""The three grids: their numbers are the registry's, their tiles cover the world and nest."""

import json
from importlib.resources import files
from math import pi
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import BadParameter, NotFound
from providers.grids import (
    CGCS2000_QUAD,
    GRIDS,
    MERCATOR_NORTH,
    WEB_MERCATOR_QUAD,
    WORLD_CRS84_QUAD,
    Grid,
    TileAddress,
    grid_of,
    parse_address,
)
from server.tile_matrix_sets import definition, scale_denominator, uri_of

BASE = "http://onemap.test"
REGISTERED = (WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD)
grids = pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))


def registry(grid: Grid) -> dict[str, Any]:
    """The registry's document of a grid, as another program brings it."""
    folder = files("pygeoapi") / "resources" / "definitions" / "tiles"
    found: dict[str, Any] = json.loads((folder / f"{grid.id}.json").read_text("utf-8"))
    return found


@st.composite
def addresses(draw: st.DrawFn) -> TileAddress:
    grid = draw(st.sampled_from(list(GRIDS.values())))
    level = draw(st.sampled_from(list(grid.levels)))
    columns, rows = grid.size(level)
    row, column = draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))
    return TileAddress(grid, level, row, column)


@pytest.mark.parametrize("grid", REGISTERED, ids=lambda grid: grid.id)
def test_the_documents_of_registered_grids_say_what_the_registry_s_say(grid: Grid) -> None:
    ours, theirs = definition(grid, BASE, "en"), registry(grid)

    for name in ("id", "title", "uri", "crs", "wellKnownScaleSet", "orderedAxes"):
        assert ours[name] == theirs.get(name, ours[name])
    assert len(ours["tileMatrices"]) <= len(theirs["tileMatrices"])
    for mine, other in zip(ours["tileMatrices"], theirs["tileMatrices"], strict=False):
        assert mine["pointOfOrigin"] == pytest.approx(other["pointOfOrigin"], rel=1e-12)
        assert mine["scaleDenominator"] == pytest.approx(other["scaleDenominator"], rel=1e-11)
        assert mine["cellSize"] == pytest.approx(other["cellSize"], rel=1e-11)
        for name in ("id", "tileWidth", "tileHeight", "matrixWidth", "matrixHeight"):
            assert mine[name] == other[name]


def test_the_scales_of_the_first_levels_are_the_registry_s() -> None:
    assert scale_denominator(WEB_MERCATOR_QUAD, 0) == pytest.approx(559082264.028717, abs=1e-5)
    assert scale_denominator(WORLD_CRS84_QUAD, 0) == pytest.approx(279541132.014358, abs=1e-5)
    assert scale_denominator(CGCS2000_QUAD, 1) == pytest.approx(279541132.014358, abs=1e-5)


def test_the_national_grid_has_the_axes_of_its_system_and_the_levels_of_tianditu() -> None:
    document = definition(CGCS2000_QUAD, BASE, "zh")

    assert document["uri"] == f"{BASE}/tileMatrixSets/CGCS2000Quad" == uri_of(CGCS2000_QUAD, BASE)
    assert document["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4490"
    assert document["orderedAxes"] == ["Lat", "Lon"]
    assert document["boundingBox"]["lowerLeft"] == [-90, -180]
    assert document["boundingBox"]["upperRight"] == [90, 180]
    assert "wellKnownScaleSet" not in document
    assert [each["id"] for each in document["tileMatrices"]] == [str(n) for n in range(1, 21)]
    for n, matrix in enumerate(document["tileMatrices"], start=1):
        assert matrix["pointOfOrigin"] == [90, -180]
        assert matrix["cellSize"] == 1.40625 / 2**n
        assert (matrix["matrixWidth"], matrix["matrixHeight"]) == (2**n, 2 ** (n - 1))


@grids
def test_every_level_covers_the_world_and_halves_the_cell_of_the_one_before(grid: Grid) -> None:
    west, south, east, north = grid.world
    for level in grid.levels:
        columns, rows = grid.size(level)
        assert grid.cell(level) * 256 * columns == pytest.approx(east - west, rel=1e-12)
        assert grid.cell(level) * 256 * rows == pytest.approx(north - south, rel=1e-12)
        assert grid.bounds(level, 0, 0)[::3] == pytest.approx((west, north))
        corner = grid.bounds(level, rows - 1, columns - 1)
        assert corner[1:3] == pytest.approx((south, east))
        if level > grid.first:
            assert grid.cell(level - 1) == 2 * grid.cell(level)


@given(addresses(), st.integers(0, 1), st.integers(0, 1))
def test_a_tile_is_its_four_children(one: TileAddress, down: int, right: int) -> None:
    if one.level == one.grid.last:
        return
    west, south, east, north = one.grid.bounds(one.level, one.row, one.column)
    middle = ((west + east) / 2, (south + north) / 2)

    child = one.grid.bounds(one.level + 1, 2 * one.row + down, 2 * one.column + right)

    assert child[0] == pytest.approx(middle[0] if right else west, abs=1e-6)
    assert child[2] == pytest.approx(east if right else middle[0], abs=1e-6)
    assert child[3] == pytest.approx(middle[1] if down else north, abs=1e-6)
    assert child[1] == pytest.approx(south if down else middle[1], abs=1e-6)


@given(addresses())
def test_the_grids_of_degrees_have_the_very_same_tiles_one_level_apart(one: TileAddress) -> None:
    for other in (WORLD_CRS84_QUAD, CGCS2000_QUAD):
        level = one.zoom - other.shift
        if one.grid.tiling is other.tiling and level in other.levels:
            assert other.size(level) == one.grid.size(one.level)
            assert other.bounds(level, one.row, one.column) == one.grid.bounds(
                one.level, one.row, one.column
            )


@given(addresses())
def test_the_limits_of_a_place_within_a_tile_are_that_tile(one: TileAddress) -> None:
    west, south, east, north = one.grid.degrees(one.level, one.row, one.column)
    x, y = (west + east) / 2, (south + north) / 2

    assert one.grid.limits((x, y, x, y), one.level) == (one.row, one.row, one.column, one.column)


@given(addresses(), st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 90), st.floats(0, 90))
def test_limits_never_leave_the_grid_and_are_wider_for_a_wider_box(
    one: TileAddress, x: float, y: float, wide: float, high: float
) -> None:
    columns, rows = one.grid.size(one.level)
    around = (max(x - wide, -180), max(y - high, -90), min(x + wide, 180), min(y + high, 90))

    top, bottom, left, right = one.grid.limits((x, y, x, y), one.level)
    first, last, begin, end = one.grid.limits(around, one.level)

    assert 0 <= first <= top <= bottom <= last < rows
    assert 0 <= begin <= left <= right <= end < columns


@grids
def test_a_tile_with_its_margin_ends_at_the_edges_of_the_world(grid: Grid) -> None:
    west, south, east, north = grid.degrees(grid.first, 0, 0, 0.5)
    edge = MERCATOR_NORTH if grid is WEB_MERCATOR_QUAD else 90.0

    assert (west, north) == pytest.approx((-180, edge))
    assert -edge <= south <= north
    assert west <= east <= 180


def test_web_mercator_is_a_square_in_metres_and_ends_where_it_does_in_degrees() -> None:
    side = 2 * pi * 6_378_137

    assert WEB_MERCATOR_QUAD.cell(0) * 256 == pytest.approx(side, rel=1e-12)
    assert WEB_MERCATOR_QUAD.degrees(0, 0, 0) == pytest.approx(
        (-180, -MERCATOR_NORTH, 180, MERCATOR_NORTH), abs=1e-9
    )


@given(addresses())
def test_the_address_of_every_tile_of_a_grid_is_read(one: TileAddress) -> None:
    assert parse_address(one.grid, str(one.level), str(one.row), str(one.column)) == one


@grids
@pytest.mark.parametrize("text", ["", "a", "-1", "1.0", "+1", " 1", "1e1", "٣", "0" * 11])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_no_whole_number_is_named(grid: Grid, text: str, place: int) -> None:
    parts = [str(grid.first), "0", "0"]
    parts[place] = text

    with pytest.raises(BadParameter) as refused:
        parse_address(grid, *parts)

    assert refused.value.name == ("tileMatrix", "tileRow", "tileCol")[place]


@grids
def test_a_level_is_named_as_the_grid_names_it(grid: Grid) -> None:
    with pytest.raises(NotFound):
        parse_address(grid, f"0{grid.first}", "0", "0")


@grids
def test_a_level_row_or_column_beyond_the_grid_is_not_found(grid: Grid) -> None:
    columns, rows = grid.size(grid.first)
    beyond = [
        (grid.last + 1, 0, 0),
        (99, 0, 0),
        (grid.first, rows, 0),
        (grid.first, 0, columns),
        (grid.first, 2**31 - 1, 2**31 - 1),
    ]
    if grid.first:
        beyond.append((grid.first - 1, 0, 0))

    for parts in beyond:
        with pytest.raises(NotFound):
            parse_address(grid, *map(str, parts))


def test_a_grid_that_is_not_served_is_not_found() -> None:
    with pytest.raises(NotFound, match="CDB1GlobalGrid"):
        grid_of("CDB1GlobalGrid")
