"""The class areas of an edition, tile by tile: where rows changed, and outward from there."""

from collections import OrderedDict

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import sql

from processes.algorithms.class_mosaic import (
    MARGIN,
    SIDE,
    Cells,
    Palette,
    areas,
    bounded,
    drawn_cells,
    majority,
    packed,
    sieved,
    unpacked,
    widened,
)
from providers.grids import (
    WEB_MERCATOR_QUAD,
    WORLD_CRS84_QUAD,
    WORLD_M,
    Grid,
    Tiling,
)
from providers.overview_rows import Work
from providers.style_classes import class_of
from providers.tiles import TILE_EXTENT

type Tile = tuple[int, int]  # row from the north, column from the west
type Places = NDArray[np.float64]
type Bounds = NDArray[np.float64]  # one row per envelope: west, south, east, north in degrees

GRIDS = (WORLD_CRS84_QUAD, WEB_MERCATOR_QUAD)
UNITS = TILE_EXTENT // SIDE  # of a tile's own coordinates in a cell
KEPT_TILES = 128  # whose cells are at hand
ID_BITS = 16  # of an area's id that count the areas of a tile

ROWS = """
SELECT {drawn}, om_region, ST_AsBinary(geom) FROM {current}
WHERE geom && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4490) ORDER BY fid
"""
TILE = """
WHERE layer = %(layer)s AND edition = %(edition)s AND tiling = %(tiling)s AND zoom = %(zoom)s
    AND tile_row = %(row)s AND tile_col = %(column)s
"""
READ = f"SELECT cells FROM onemap.mosaic_cells {TILE}"
DELETE = f"DELETE FROM onemap.mosaic_cells {TILE}"
WRITE = """
INSERT INTO onemap.mosaic_cells (layer, edition, tiling, zoom, tile_row, tile_col, cells)
VALUES (%(layer)s, %(edition)s, %(tiling)s, %(zoom)s, %(row)s, %(column)s, %(cells)s)
ON CONFLICT (layer, edition, tiling, zoom, tile_row, tile_col)
DO UPDATE SET cells = excluded.cells
"""
CLEAR = """
DELETE FROM {mosaic} WHERE tiling = %(tiling)s AND zoom = %(zoom)s AND tile_row = %(row)s
    AND tile_col = %(column)s
"""
COPY = """
COPY {mosaic} (tiling, zoom, tile_row, tile_col, id, class, om_region, cells, geom) FROM STDIN
"""
PRESENT = """
SELECT tile_row, tile_col FROM onemap.mosaic_cells
JOIN unnest(%(rows)s::integer[], %(columns)s::integer[]) AS asked (tile_row, tile_col)
    USING (tile_row, tile_col)
WHERE layer = %(layer)s AND edition = %(edition)s AND tiling = %(tiling)s AND zoom = %(zoom)s
"""
TOUCH = """
INSERT INTO pg_temp.overview_touch VALUES (%(below)s, %(west)s, %(south)s, %(east)s, %(north)s)
"""


def keep_mosaic(work: Work, changed: Bounds) -> None:
    """Bring the class areas in step with the changed rows, whose envelopes are given."""
    if not work.choice.classes_below:
        return
    for grid in GRIDS:
        zoom = work.choice.classes_below - 1
        mosaic = _Mosaic(work, grid)
        tiles = tiles_met(grid, zoom, changed)
        make = mosaic.from_rows
        while zoom >= grid.shift:
            rewritten = {
                tile for tile in sorted(tiles) if mosaic.keep(zoom, tile, make(zoom, tile))
            }
            mosaic.draw(zoom, rewritten)
            make = mosaic.from_finer
            tiles = {(row // 2, column // 2) for row, column in rewritten}
            zoom -= 1


def tiles_met(grid: Grid, zoom: int, boxes: Bounds) -> set[Tile]:
    """The tiles of a zoom that these envelopes meet."""
    level = zoom - grid.shift
    if not len(boxes) or level < 0:
        return set()
    found = np.unique(np.array([grid.limits(tuple(box), level) for box in boxes.tolist()]), axis=0)
    return {
        (row, column)
        for top, bottom, left, right in found.tolist()
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    }


class _Mosaic:
    """The tiles of one grid while they are brought up to date."""

    def __init__(self, work: Work, grid: Grid) -> None:
        self._work, self._grid = work, grid
        self._palette, self._classes = Palette(), dict[object, str | None]()
        self._at_hand: OrderedDict[tuple[int, Tile], Cells | None] = OrderedDict()

    def keep(self, zoom: int, tile: Tile, made: Cells | None) -> bool:
        """Store a tile's cells; whether they are others than before."""
        if made is not None:
            made = self._drawn(made) if made.any() else None
        before = self.at(zoom, tile)
        if made is before or (
            made is not None and before is not None and np.array_equal(made, before)
        ):
            return False
        binds = self._binds(zoom, tile)
        if made is None:
            self._work.connection.execute(DELETE, binds)
        else:
            self._work.connection.execute(WRITE, {**binds, "cells": packed(made, self._palette)})
        self._hold(zoom, tile, made)
        if self._work.since is not None:
            empty = np.zeros((SIDE, SIDE), dtype=np.int32)
            old, new = (empty if cells is None else cells for cells in (before, made))
            self._tell(zoom, tile, old != new)
        return True

    def _drawn(self, cells: Cells) -> Cells:
        """The cells with as much detail as a tile has room for."""
        return bounded(sieved(cells, self._palette.regions()), self._palette.ranks())

    def from_rows(self, zoom: int, tile: Tile) -> Cells | None:
        """A tile's cells by the rows that their centres lie in; None where there is no row."""
        grid, (row, column) = self._grid, tile
        level = zoom - grid.shift
        sides = grid.degrees(level, row, column)
        box = dict(zip(("west", "south", "east", "north"), sides, strict=True))
        found = self._work.rows(ROWS, **box).fetchall()
        if not found:
            return None
        shapes = shapely.from_wkb(np.array([bytes(one[2]) for one in found], dtype=object))
        numbers = np.array([self._number(one[0], one[1]) for one in found], dtype=np.int32)
        west, _, _, north = grid.bounds(level, row, column)
        middles: Places = (np.arange(SIDE, dtype=np.float64) + 0.5) * grid.cell(level, SIDE)
        x, y = _degrees(grid, west + middles, north - middles)
        return drawn_cells(shapes, numbers, x, y)

    def from_finer(self, zoom: int, tile: Tile) -> Cells | None:
        """A tile's cells by those of the four tiles that it consists of."""
        row, column = tile
        four = [
            [self.at(zoom + 1, (2 * row + south, 2 * column + east)) for east in (0, 1)]
            for south in (0, 1)
        ]
        if all(cells is None for pair in four for cells in pair):
            return None
        empty = np.zeros((SIDE, SIDE), dtype=np.int32)
        fine = np.block([[empty if one is None else one for one in pair] for pair in four])
        return majority(fine, self._palette.ranks())

    def draw(self, zoom: int, tiles: set[Tile]) -> None:
        """Write the areas of these tiles and of those whose margin shows a part of them."""
        beside = {
            (row + south, column + east)
            for row, column in tiles
            for south in (-1, 0, 1)
            for east in (-1, 0, 1)
        }
        for row, column in sorted(beside & self._present(zoom, beside) | tiles):
            self._draw(zoom, (row, column))

    def at(self, zoom: int, tile: Tile) -> Cells | None:
        """A tile's cells as they are stored."""
        key = (zoom, tile)
        if key not in self._at_hand:
            found = self._work.connection.execute(READ, self._binds(zoom, tile)).fetchone()
            cells = None if found is None else unpacked(bytes(found[0]), self._palette)
            self._hold(zoom, tile, cells)
        self._at_hand.move_to_end(key)
        return self._at_hand[key]

    def _hold(self, zoom: int, tile: Tile, cells: Cells | None) -> None:
        self._at_hand[(zoom, tile)] = cells
        while len(self._at_hand) > KEPT_TILES:
            self._at_hand.popitem(last=False)

    def _present(self, zoom: int, tiles: set[Tile]) -> set[Tile]:
        """Those of these tiles that have cells."""
        rows, columns = zip(*tiles, strict=True) if tiles else ((), ())
        binds = {**self._binds(zoom, (0, 0)), "rows": list(rows), "columns": list(columns)}
        return set(self._work.connection.execute(PRESENT, binds).fetchall())

    def _draw(self, zoom: int, tile: Tile) -> None:
        row, column = tile
        work = self._work
        work.execute(CLEAR, **self._binds(zoom, tile))
        cells = widened(lambda south, east: self.at(zoom, (row + south, column + east)))
        if self.at(zoom, tile) is None:
            return
        drawn = areas(cells, -MARGIN * UNITS, UNITS)
        first = _tile_number(self._grid, zoom, tile) << ID_BITS
        ordered = sorted(drawn, key=self._palette.ranks().__getitem__)
        statement = sql.SQL(COPY).format(**work.names)
        with work.connection.cursor().copy(statement) as writer:
            for place, number in enumerate(ordered):
                shape, count = drawn[number]
                told = shapely.to_wkb(shape, hex=True)
                at = (self._grid.tiling, zoom, row, column, first + place)
                writer.write_row((*at, *(self._palette.pairs[number] or ()), count, told))

    def _number(self, value: object, region: str | None) -> int:
        if value not in self._classes:
            self._classes[value] = class_of(self._work.layer.style, value)
        return self._palette.number((self._classes[value], region))

    def _tell(self, zoom: int, tile: Tile, changed: NDArray[np.bool_]) -> None:
        """Note where in a tile cells changed, with the margin in which its neighbours show them."""
        grid, level = self._grid, zoom - self._grid.shift
        rows, columns = np.nonzero(changed)
        west, _, _, north = grid.bounds(level, *tile)
        cell = grid.cell(level, SIDE)
        x, y = _degrees(
            grid,
            west + np.array([columns.min() - MARGIN, columns.max() + 1 + MARGIN]) * cell,
            north - np.array([rows.max() + 1 + MARGIN, rows.min() - MARGIN]) * cell,
        )
        box = {"west": x[0], "east": x[1], "south": y[0], "north": y[1]}
        told = {name: float(value) for name, value in box.items()}
        self._work.connection.execute(TOUCH, {**told, "below": zoom + 1})

    def _binds(self, zoom: int, tile: Tile) -> dict[str, object]:
        work = self._work
        named = {"layer": work.layer.id, "edition": work.edition, "tiling": self._grid.tiling}
        return {**named, "zoom": zoom, "row": tile[0], "column": tile[1]}


def _degrees(grid: Grid, x: Places, y: Places) -> tuple[Places, Places]:
    """Longitudes and latitudes of places in the grid's own system."""
    if grid.tiling is Tiling.DEGREES:
        return x, y
    latitudes: Places = np.degrees(np.arctan(np.sinh(y * np.pi / WORLD_M)))
    return x * 180 / WORLD_M, latitudes


def _tile_number(grid: Grid, zoom: int, tile: Tile) -> int:
    """A number that no other tile of any zoom and grid has."""
    coarser = ((1 << 2 * zoom) - 1) // 3
    place = coarser + (tile[0] << zoom) + tile[1]
    return 2 * place + (grid.tiling is Tiling.MERCATOR)
