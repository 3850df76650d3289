"""Tile matrix sets: how the world is cut into tiles (OGC 17-083r4), in degrees and in Web Mercator.

Bounds are west, south, east, north in the order x, y, whatever the axis order of the reference
system. A *zoom* counts alike in all grids: the world is 2^zoom tiles wide. A *level* is what a grid
calls it.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import atan, degrees, floor, log, pi, radians, sinh, tan

from config.vocabulary import Text
from providers.access import SRID
from providers.errors import BadParameter, NotFound

type Bounds = tuple[float, float, float, float]

TILE_PX = 256
WEB_MERCATOR, WGS84 = 3857, 4326
WORLD_M = 20037508.342789244  # half the equator in Web Mercator
MERCATOR_NORTH = 85.0511287798066  # degrees; where the square of Web Mercator ends
MAX_DIGITS = 10
OGC = "http://www.opengis.net/def"


class Tiling(StrEnum):
    """How a grid cuts: what has the same tiles has the same tiling."""

    DEGREES = "degrees"
    MERCATOR = "mercator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A tile matrix set whose levels halve the cell size of the one before."""

    id: str
    title: Text
    description: Text
    crs: str  # URI
    srid: int
    tiling: Tiling
    first: int  # the levels that there are
    last: int
    shift: int  # zoom = level + shift
    uri: str | None = None  # of the registry's; None: it is ours, and known by its address here
    north_first: bool = False  # axis order of the reference system
    well_known_scale_set: str | None = None

    @property
    def levels(self) -> range:
        return range(self.first, self.last + 1)

    def zoom(self, level: int) -> int:
        return level + self.shift

    def size(self, level: int) -> tuple[int, int]:
        """Columns and rows of a level."""
        across = 1 << self.zoom(level)
        return across, across if self.tiling is Tiling.MERCATOR else across // 2

    @property
    def world(self) -> Bounds:
        """What the grid covers, in its own system."""
        if self.tiling is Tiling.MERCATOR:
            return (-WORLD_M, -WORLD_M, WORLD_M, WORLD_M)
        return (-180.0, -90.0, 180.0, 90.0)

    def cell(self, level: int, across: int = TILE_PX) -> float:
        """The size of a cell in the grid's own unit; a tile is so many cells wide."""
        return self._side(level) / across

    def bounds(self, level: int, row: int, column: int, margin: float = 0.0) -> Bounds:
        """A tile in the grid's own system, widened by *margin* of its side."""
        west, _, _, north = self.world
        side = self._side(level)
        wide = margin * side
        return (
            west + column * side - wide,
            north - (row + 1) * side - wide,
            west + (column + 1) * side + wide,
            north - row * side + wide,
        )

    def degrees(self, level: int, row: int, column: int, margin: float = 0.0) -> Bounds:
        """The same in degrees, cut at the edges of the world."""
        west, south, east, north = (
            min(max(value, low), high)
            for value, low, high in zip(
                self.bounds(level, row, column, margin),
                (*self.world[:2], *self.world[:2]),
                (*self.world[2:], *self.world[2:]),
                strict=True,
            )
        )
        if self.tiling is Tiling.DEGREES:
            return west, south, east, north
        return (_longitude(west), _latitude(south), _longitude(east), _latitude(north))

    def limits(self, box: Bounds, level: int) -> tuple[int, int, int, int]:
        """The tiles that a box of degrees meets: first and last row, first and last column."""
        west, south, east, north = box
        if self.tiling is Tiling.MERCATOR:
            south, north = (_northing(value) for value in (south, north))
            west, east = (value * WORLD_M / 180 for value in (west, east))
        columns, rows = self.size(level)
        side, left, top = self._side(level), self.world[0], self.world[3]

        def within(value: float, count: int) -> int:
            return min(max(floor(value), 0), count - 1)

        return (
            within((top - north) / side, rows),
            within((top - south) / side, rows),
            within((west - left) / side, columns),
            within((east - left) / side, columns),
        )

    def _side(self, level: int) -> float:
        return (self.world[2] - self.world[0]) / (1 << self.zoom(level))


@dataclass(frozen=True, slots=True)
class TileAddress:
    """One tile: level, row from the north, column from the west, from zero."""

    grid: Grid
    level: int
    row: int
    column: int

    @property
    def zoom(self) -> int:
        return self.grid.zoom(self.level)


WEB_MERCATOR_QUAD = Grid(
    id="WebMercatorQuad",
    title=Text(zh="Web 墨卡托", en="Google Maps Compatible for the World"),
    description=Text(
        zh="网络地图通行的方形瓦片，南北至 85.05°。",
        en="The square tiles of web maps, to 85.05 degrees north and south.",
    ),
    crs=f"{OGC}/crs/EPSG/0/3857",
    srid=WEB_MERCATOR,
    tiling=Tiling.MERCATOR,
    first=0,
    last=24,
    shift=0,
    uri=f"{OGC}/tilematrixset/OGC/1.0/WebMercatorQuad",
    well_known_scale_set=f"{OGC}/wkss/OGC/1.0/GoogleMapsCompatible",
)
WORLD_CRS84_QUAD = Grid(
    id="WorldCRS84Quad",
    title=Text(zh="WGS 84 经纬度", en="CRS84 for the World"),
    description=Text(
        zh="经纬度瓦片，第 0 级为两张；第 n 级与 CGCS2000Quad 的第 n+1 级逐张相同。",
        en="Tiles in degrees, two at level 0; those of level n are those of level n+1 in CGCS2000Quad.",
    ),
    crs=f"{OGC}/crs/OGC/1.3/CRS84",
    srid=WGS84,
    tiling=Tiling.DEGREES,
    first=0,
    last=23,
    shift=1,
    uri=f"{OGC}/tilematrixset/OGC/1.0/WorldCRS84Quad",
    well_known_scale_set=f"{OGC}/wkss/OGC/1.0/GoogleCRS84Quad",
)
CGCS2000_QUAD = Grid(
    id="CGCS2000Quad",
    title=Text(zh="CGCS2000 经纬度", en="CGCS2000 for the World, levels as Tianditu counts them"),
    description=Text(
        zh="国家大地坐标系的经纬度瓦片，级别编号与天地图一致：第 n 级像元为 1.40625°/2ⁿ。",
        en="Tiles in the national system, in degrees; cells of 1.40625 degrees / 2^n at level n.",
    ),
    crs=f"{OGC}/crs/EPSG/0/4490",
    srid=SRID,
    tiling=Tiling.DEGREES,
    first=1,
    last=20,
    shift=0,
    north_first=True,
)
GRIDS = {grid.id: grid for grid in (WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD, CGCS2000_QUAD)}


def grid_of(name: str) -> Grid:
    """The grid of this id; NotFound for any other."""
    if (grid := GRIDS.get(name)) is None:
        raise NotFound("tile matrix set", name)
    return grid


def parse_address(grid: Grid, level: str, row: str, column: str) -> TileAddress:
    """A tile's address.

    Raises
    ------
    BadParameter
        For what is no whole number.
    NotFound
        For a level, row or column that the grid does not have.
    """
    names = {"tileMatrix": level, "tileRow": row, "tileCol": column}
    for name, text in names.items():
        if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
            expected = f"a whole number of at most {MAX_DIGITS} digits, zero or greater"
            raise BadParameter(name, text, expected)
    n, r, c = (int(text) for text in names.values())
    if not grid.first <= n <= grid.last or level != str(n):
        raise NotFound(f"tile matrix in {grid.id} ({grid.first} to {grid.last})", level)
    columns, rows = grid.size(n)
    if r >= rows or c >= columns:
        raise NotFound(f"tile in matrix {n} of {grid.id}", f"{row}/{column}")
    return TileAddress(grid, n, r, c)


def _northing(latitude: float) -> float:
    kept = min(max(latitude, -MERCATOR_NORTH), MERCATOR_NORTH)
    return log(tan(pi / 4 + radians(kept) / 2)) * WORLD_M / pi


def _latitude(northing: float) -> float:
    return degrees(atan(sinh(northing * pi / WORLD_M)))


def _longitude(easting: float) -> float:
    return easting * 180 / WORLD_M
