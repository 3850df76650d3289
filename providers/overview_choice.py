"""For which zooms an edition gets generalised rows, and below which it is drawn as classes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log2

import numpy as np
import shapely
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind
from processes.algorithms.coverage_levels import cell_degrees, tolerance
from providers.tables import edition_name

METHOD = 2  # raise it when overviews are made otherwise: all are then made anew
MEDIAN_PX = 2.0
# A tile holds so few features or vertices whole, at any zoom.
FEW_FEATURES, FEW_VERTICES = 500, 20_000
LAST_LEVEL, STEP = 13, 2
MATTERS = 0.9  # a level that keeps a larger share of what there is would be a copy
SAMPLE = 1_000
BLOCK_CELLS = 64  # side of a block, in cells of the zoom at which the median polygon has two

MEASURE = """
SELECT count(*), coalesce(sum(ST_NPoints(geom)), 0),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY sqrt(ST_Area(geom))),
    greatest(ST_XMax(ST_Extent(geom)) - ST_XMin(ST_Extent(geom)),
        ST_YMax(ST_Extent(geom)) - ST_YMin(ST_Extent(geom)))
FROM {current}
"""
# From the middle: rows that lie together, as they are filled in the order of their places.
SAMPLED = "SELECT ST_AsBinary(geom) FROM {current} ORDER BY fid LIMIT %s OFFSET %s"
PLACES = """
SELECT count(*) FROM (SELECT DISTINCT floor(ST_X(ST_Centroid(geom)) / %(cell)s),
    floor(ST_Y(ST_Centroid(geom)) / %(cell)s), om_region, {drawn} FROM {current}) cells
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What an overview consists of."""

    classes_below: int
    levels: tuple[int, ...]
    features: int  # that there were when it was chosen

    @property
    def side(self) -> float:
        """Of a block of polygons that are simplified together, in degrees."""
        return BLOCK_CELLS * cell_degrees(self.levels[0] - 1)

    def fits(self, features: int) -> bool:
        """Whether it is still right for so many features."""
        return self.features <= 2 * features and features <= 2 * max(self.features, FEW_FEATURES)


def recipe(layer: Layer) -> str:
    """What an overview depends on beside the rows."""
    style = layer.style
    rules = [(rule.codes, rule.match) for rule in style.rules] if style else []
    said = repr((METHOD, layer.geometry, style.field if style else None, rules))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def choose(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> Choice:
    """The zooms for the rows that there are; the same for the same rows."""
    current = edition_name(layer, edition)
    row = connection.execute(sql.SQL(MEASURE).format(current=current)).fetchone()
    count, vertices, median, extent = row or (0, 0, None, None)
    if not count:
        return Choice(classes_below=0, levels=(), features=0)
    below = first = 0
    if layer.geometry is GeometryKind.POLYGON:
        first = _zoom_of(median, MEDIAN_PX)
        below = first if count >= FEW_FEATURES else 0
    else:
        first = _zoom_of(extent, 256.0)  # further out all lies in one tile
    few = count < FEW_FEATURES and vertices < FEW_VERTICES
    levels = () if few else tuple(_levels(connection, layer, edition, first + 1, count))
    return Choice(classes_below=below, levels=levels, features=count)


def _zoom_of(degrees: float, cells: float) -> int:
    """The first zoom at which a length has so many cells."""
    zoom = ceil(log2(cells * cell_degrees(0) / max(degrees, 1e-9)))
    return min(max(zoom, 0), LAST_LEVEL + STEP)


def _levels(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, first: int, count: int
) -> Iterator[int]:
    current = edition_name(layer, edition)
    if layer.geometry is GeometryKind.POINT:
        statement = sql.SQL(PLACES).format(current=current, drawn=drawn_field(layer))
        for zoom in range(first, LAST_LEVEL + 1, STEP):
            row = connection.execute(statement, {"cell": cell_degrees(zoom)}).fetchone()
            if row is None or row[0] > MATTERS * count:
                return
            yield zoom
        return
    middle = max(count - SAMPLE, 0) // 2
    statement = sql.SQL(SAMPLED).format(current=current)
    found = connection.execute(statement, (SAMPLE, middle)).fetchall()
    shapes = shapely.from_wkb(np.array([bytes(row[0]) for row in found], dtype=object))
    whole = shapely.get_num_coordinates(shapes).sum()
    for zoom in range(first, LAST_LEVEL + 1, STEP):
        if layer.geometry is GeometryKind.LINE:
            seen = shapes[shapely.length(shapes) >= cell_degrees(zoom)]
            simple = shapely.simplify(seen, tolerance(zoom))
        else:
            simple = shapely.coverage_simplify(shapes, tolerance(zoom))
        if shapely.get_num_coordinates(simple).sum() > MATTERS * whole:
            return
        yield zoom


def drawn_field(layer: Layer) -> sql.Composable:
    """The column that the style looks at; NULL where there is none."""
    field = layer.field(layer.style.field) if layer.style and layer.style.field else None
    return sql.SQL("NULL::text") if field is None else sql.Identifier(field.column)
