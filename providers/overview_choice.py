"""For which zooms an edition gets generalised rows, and below which it is drawn as classes."""

import hashlib
from dataclasses import dataclass
from itertools import takewhile
from math import ceil, log2

import numpy as np
import shapely
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind
from processes.algorithms.coverage_levels import Geometries, cell_degrees, tolerance
from providers.tables import edition_name

METHOD = 3  # raise it when overviews are made otherwise: all are then made anew
MEDIAN_PX = 2.0
# A tile holds so few features or vertices whole, at any zoom.
FEW_FEATURES, FEW_VERTICES = 500, 20_000
LAST_LEVEL, STEP = 13, 2
# A level that keeps a larger share of what it would spare would be a copy. Of points, and of lines
# further out than all of them, that is what the next finer level holds, or the rows. So every zoom
# is drawn from at most a ninth more points than its own rule leaves, and all levels together hold
# at most 0.9 + 0.9^2 + ... < 9 times the rows.
MATTERS = 0.9
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
# How many points the rule leaves at each zoom, the finest first: cells lie in those further out.
PLACES = """
WITH place AS MATERIALIZED (
    SELECT DISTINCT floor(ST_X(ST_Centroid(geom)) / %(cell)s) AS x,
        floor(ST_Y(ST_Centroid(geom)) / %(cell)s) AS y, om_region, {drawn} AS drawn FROM {current})
SELECT %(finest)s - further, (SELECT count(*) FROM (SELECT DISTINCT
    floor(x / 2 ^ further), floor(y / 2 ^ further), om_region, drawn FROM place) cells)
FROM generate_series(0, %(finest)s) further ORDER BY further
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
    many = count >= FEW_FEATURES or vertices >= FEW_VERTICES
    below = 0
    levels: tuple[int, ...] = ()
    match layer.geometry:
        case GeometryKind.POLYGON:
            first = _zoom_of(median, MEDIAN_PX)
            below = first if count >= FEW_FEATURES else 0
            levels = _of_polygons(_sample(connection, current, count), first + 1) if many else ()
        case GeometryKind.LINE:
            first = _zoom_of(extent, 256.0)  # further out all lies in one tile
            if many:
                levels = _of_lines(_sample(connection, current, count), first + 1, vertices)
        case _:
            levels = _of_points(connection, layer, current, count) if many else ()
    return Choice(classes_below=below, levels=levels, features=count)


def _zoom_of(degrees: float, cells: float) -> int:
    """The first zoom at which a length has so many cells."""
    zoom = ceil(log2(cells * cell_degrees(0) / max(degrees, 1e-9)))
    return min(max(zoom, 0), LAST_LEVEL + STEP)


def _sample(connection: Connection[TupleRow], current: sql.Identifier, count: int) -> Geometries:
    middle = max(count - SAMPLE, 0) // 2
    statement = sql.SQL(SAMPLED).format(current=current)
    found = connection.execute(statement, (SAMPLE, middle)).fetchall()
    return shapely.from_wkb(np.array([bytes(row[0]) for row in found], dtype=object))


def _of_polygons(shapes: Geometries, first: int) -> tuple[int, ...]:
    whole = shapely.get_num_coordinates(shapes).sum()

    def pays(zoom: int) -> bool:
        simple = shapely.coverage_simplify(shapes, tolerance(zoom))
        return bool(shapely.get_num_coordinates(simple).sum() <= MATTERS * whole)

    return tuple(takewhile(pays, range(first, LAST_LEVEL + 1, STEP)))


def _of_lines(shapes: Geometries, first: int, vertices: int) -> tuple[int, ...]:
    """From *first* on those that spare rows; further out those that spare a full tile."""
    whole = shapely.get_num_coordinates(shapes).sum()

    def share(zoom: int) -> float:
        seen = shapes[shapely.length(shapes) >= cell_degrees(zoom)]
        simple = shapely.simplify(seen, tolerance(zoom))
        return float(shapely.get_num_coordinates(simple).sum() / whole)

    fine = range(first, LAST_LEVEL + 1, STEP)
    levels = list(takewhile(lambda zoom: share(zoom) <= MATTERS, fine))
    held = share(levels[0]) if levels else 1.0
    for zoom in range(min(first - 1, LAST_LEVEL), -1, -1):
        if held * vertices < FEW_VERTICES:  # one tile holds them whole
            break
        if (kept := share(zoom)) <= MATTERS * held:
            levels.insert(0, zoom)
            held = kept
    return tuple(levels)


def _of_points(
    connection: Connection[TupleRow], layer: Layer, current: sql.Identifier, count: int
) -> tuple[int, ...]:
    """Every zoom whose rule leaves fewer than what would serve it otherwise."""
    statement = sql.SQL(PLACES).format(current=current, drawn=drawn_field(layer))
    binds = {"finest": LAST_LEVEL, "cell": cell_degrees(LAST_LEVEL)}
    levels, held = [], count
    for zoom, kept in connection.execute(statement, binds).fetchall():
        if kept <= MATTERS * held:
            levels.append(zoom)
            held = kept
    return tuple(reversed(levels))


def drawn_field(layer: Layer) -> sql.Composable:
    """The column that the style looks at; NULL where there is none."""
    field = layer.field(layer.style.field) if layer.style and layer.style.field else None
    return sql.SQL("NULL::text") if field is None else sql.Identifier(field.column)
