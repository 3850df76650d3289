"""Tile matrix sets as documents (OGC 17-083r4, JSON): the grids in which tiles are served."""

from math import pi
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import Text
from providers.grids import GRIDS, TILE_PX, Grid, Tiling, grid_of
from server import negotiate
from server.links import Link, link, query
from server.state import onemap
from server.web.pages import Face

EQUATOR_M = 2 * pi * 6_378_137.0  # of WGS 84 and of CGCS2000 alike: scales are told by it
PIXEL_M = 0.00028  # a pixel as the standard takes it
AXES = {Tiling.MERCATOR: ("X", "Y"), Tiling.DEGREES: ("Lon", "Lat")}
TITLE = Text(zh="瓦片矩阵集", en="Tile matrix sets")


async def tile_matrix_sets(request: Request) -> Response:
    """GET /tileMatrixSets: the grids that are served."""
    negotiate.only(request)
    base, lang = onemap(request).settings.public_url, negotiate.language(request)
    body = {
        "title": TITLE.in_language(lang),
        "links": _both(f"{base}/tileMatrixSets", TITLE.in_language(lang)),
        "tileMatrixSets": [
            {
                "id": grid.id,
                "title": grid.title.in_language(lang),
                "uri": uri_of(grid, base),
                "crs": grid.crs,
                "links": _both(address_of(grid, base), grid.title.in_language(lang)),
            }
            for grid in GRIDS.values()
        ],
    }
    return negotiate.respond(request, body, template=Face.TILE_MATRIX_SETS)


async def tile_matrix_set(request: Request) -> Response:
    """GET /tileMatrixSets/{tileMatrixSetId}: a TileMatrixSet as OGC 17-083r4 writes it in JSON."""
    negotiate.only(request)
    grid = grid_of(request.path_params["tileMatrixSetId"])
    base, lang = onemap(request).settings.public_url, negotiate.language(request)
    return negotiate.respond(request, definition(grid, base, lang), template=Face.TILE_MATRIX_SET)


def address_of(grid: Grid, base: str) -> str:
    """Where the grid's definition is to be had here."""
    return f"{base}/tileMatrixSets/{grid.id}"


def uri_of(grid: Grid, base: str) -> str:
    """The registry's name of a grid; of one that is in no registry, its address here."""
    return grid.uri or address_of(grid, base)


def definition(grid: Grid, base: str, lang: str) -> dict[str, Any]:
    """The grid as the standard writes it; coordinates have the axis order of its system."""
    west, south, east, north = grid.world
    axes = list(AXES[grid.tiling])[:: -1 if grid.north_first else 1]
    document: dict[str, Any] = {
        "id": grid.id,
        "title": grid.title.in_language(lang),
        "description": grid.description.in_language(lang),
        "uri": uri_of(grid, base),
        "crs": grid.crs,
        "orderedAxes": axes,
        "boundingBox": {
            "lowerLeft": _ordered(grid, west, south),
            "upperRight": _ordered(grid, east, north),
            "crs": grid.crs,
            "orderedAxes": axes,
        },
        "tileMatrices": [_matrix(grid, level) for level in grid.levels],
    }
    if grid.well_known_scale_set is not None:
        document["wellKnownScaleSet"] = grid.well_known_scale_set
    return document


def scale_denominator(grid: Grid, level: int) -> float:
    """The scale at which a cell is as large as the standard's pixel."""
    metres = EQUATOR_M / 360 if grid.tiling is Tiling.DEGREES else 1.0
    return grid.cell(level) * metres / PIXEL_M


def _matrix(grid: Grid, level: int) -> dict[str, Any]:
    columns, rows = grid.size(level)
    west, _, _, north = grid.world
    return {
        "id": str(level),
        "scaleDenominator": scale_denominator(grid, level),
        "cellSize": grid.cell(level),
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": _ordered(grid, west, north),
        "tileWidth": TILE_PX,
        "tileHeight": TILE_PX,
        "matrixWidth": columns,
        "matrixHeight": rows,
    }


def _ordered(grid: Grid, x: float, y: float) -> list[float]:
    return [y, x] if grid.north_first else [x, y]


def _both(path: str, title: str) -> list[Link]:
    return [
        link(path, "self", negotiate.JSON, title),
        link(query(path, {"f": "html"}), "alternate", negotiate.HTML, title),
    ]
