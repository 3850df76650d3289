"""How many features the tiles of an edition leave out at each zoom.

What a tile may weigh is estimated amply from its features; the tiles that could be too full are
drawn by the very statement that draws them for whoever asks. Where that would be too much work the
number is not known, which is not zero.
"""

import hashlib
from collections.abc import Iterator

import psycopg
from psycopg import sql

from config.model import Layer
from config.vocabulary import Classification
from providers.access import ALL, Scope
from providers.dialect import compile_sql
from providers.grids import (
    GRIDS,
    MERCATOR_NORTH,
    WEB_MERCATOR_QUAD,
    WORLD_CRS84_QUAD,
    Grid,
    TileAddress,
    Tiling,
)
from providers.omitted_features import most_told
from providers.overview_rows import Work
from providers.overview_sources import NOT_COUNTED, Counts, Drawn, Overview, Source
from providers.overview_tables import overview_name
from providers.tables import CURRENT, edition_name, partition_name
from providers.tile_sources import Answered, Drawing
from providers.tiles import (
    MARGIN,
    MAX_TILE_BYTES,
    MAX_TILE_FEATURES,
    Form,
    TileQuery,
    attributes_at,
)

MOST_DRAWN = 128  # tiles of one tiling; the zoom whose tiles are more is not counted
MOST_DRAWN_IN_STEP = 4  # within a publication
MOST_MET = 10_000_000  # features of all tiles of a zoom, one that lies in two counted twice
FEW_COUNTED, FEW_BYTES = 50_000, 64 * 1024 * 1024  # of rows, that a publication looks through
LAST_ZOOM = max(grid.zoom(grid.last) for grid in GRIDS.values())
# A tile as shares of the world's width, from the west and from the north.
NORTHING = {
    Tiling.DEGREES: "(90 - {degrees}) / 360",
    Tiling.MERCATOR: f"0.5 - asinh(tan(radians(greatest(least({{degrees}}, {MERCATOR_NORTH}),"
    f" {-MERCATOR_NORTH})))) / (2 * pi())",
}
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=frozenset()
)
# The most bytes of a feature: four for each vertex, as no step within a tile takes more than two
# each way; ids, lengths and commands; each attribute's text with what refers to it.
SIZES = """
DROP TABLE IF EXISTS pg_temp.overview_size;
CREATE TEMPORARY TABLE overview_size ON COMMIT DROP AS
SELECT (ST_XMin(geom) + 180) / 360 AS west, (ST_XMax(geom) + 180) / 360 AS east,
    ST_YMin(geom) AS south, ST_YMax(geom) AS north,
    40 + 4 * (ST_NPoints(geom) + ST_NumGeometries(geom)) + {texts} AS bytes
FROM {rows} WHERE {level}
"""
SIZE = "SELECT pg_table_size(format('%%I.%%I', %s::text, %s::text)::regclass)"
TEXT_BYTES = "coalesce(octet_length({}::text), 0) + 16"
WHOLE = "SELECT count(*), coalesce(sum(bytes), 0) FROM pg_temp.overview_size"
PLACED = """
WITH placed AS (
    SELECT bytes, floor(west * %(across)s - %(margin)s)::bigint AS west,
        floor(east * %(across)s + %(margin)s)::bigint AS east,
        floor(({north}) * %(across)s - %(margin)s)::bigint AS north,
        floor(({south}) * %(across)s + %(margin)s)::bigint AS south
    FROM pg_temp.overview_size)
"""
MET = "SELECT coalesce(sum((east - west + 1)::numeric * (south - north + 1)), 0) FROM placed"
FULL = """
SELECT r, c FROM placed, generate_series(north, south) AS r, generate_series(west, east) AS c
WHERE r BETWEEN 0 AND %(rows)s - 1 AND c BETWEEN 0 AND %(columns)s - 1
GROUP BY r, c HAVING count(*) > %(features)s OR sum(bytes) > %(bytes)s
ORDER BY r, c LIMIT %(limit)s
"""


def counting_recipe(shown: Layer) -> str:
    """What counts depend on beside the rows and their overview: bounds, and what features carry."""
    carried = [
        [f.code for f in attributes_at(shown, drawn, zoom)]
        for drawn in (Drawn.ROWS, Drawn.GENERALISED)
        for zoom in range(LAST_ZOOM + 1)
    ]
    said = repr((MAX_TILE_FEATURES, MAX_TILE_BYTES, carried))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def is_counted(overview: Overview, shown: Layer) -> bool:
    """Whether its counts are of this layer as its tiles are drawn now."""
    return overview.omitted.recipe == counting_recipe(shown)


def count_quickly(work: Work, shown: Layer) -> Counts:
    """The counts within a publication, where that is little work; else it is left to the worker.

    No publication fails by what is counted of it.
    """
    if work.choice.features > FEW_COUNTED:
        return NOT_COUNTED
    try:
        with work.connection.transaction():
            rows = (CURRENT, partition_name(work.layer, work.edition))
            if work.connection.execute(SIZE, rows).fetchall()[0][0] > FEW_BYTES:
                return NOT_COUNTED
            return count_omitted(work, shown, few=True)
    except psycopg.Error:
        return NOT_COUNTED


def count_omitted(work: Work, shown: Layer, *, few: bool = False) -> Counts:
    """What the tiles of each zoom leave out in all.

    *shown* is the layer as its tiles are drawn. *few*: only few of a tiling's tiles are, and
    nothing is counted where there are more.
    """
    found: dict[str, dict[int, int | None]] = {}
    most = MOST_DRAWN_IN_STEP if few else MOST_DRAWN
    left = dict.fromkeys((WORLD_CRS84_QUAD, WEB_MERCATOR_QUAD), most)
    for grid in left:
        found[grid.tiling] = {}
    room = _room(shown)
    for source, zooms in _sources(work, shown):
        if not _measure(work, shown, source, room):
            continue
        for grid in left:
            for zoom in zooms:
                if zoom < grid.zoom(grid.first):
                    continue
                places = _full(work, grid, zoom, room, left[grid])
                if places is not None and not places:
                    break  # further in, tiles of the same rows hold no more
                omitted = None
                if places is not None:
                    left[grid] -= len(places)
                    omitted = sum(_omitted(work, shown, source, place) for place in places)
                elif few:
                    return NOT_COUNTED
                if omitted != 0:
                    found[grid.tiling][zoom] = omitted
    return Counts(recipe=counting_recipe(shown), by_tiling=found)


def _sources(work: Work, shown: Layer) -> Iterator[tuple[Source, list[int]]]:
    """What is drawn as features, and at which zooms; class areas always fit.

    An external table's own rows are not counted: they change without being told.
    """
    choice = work.choice
    overview = Overview(revision=0, classes_below=choice.classes_below, levels=choice.levels)
    zooms: dict[Source, list[int]] = {}
    for zoom in range(LAST_ZOOM + 1):
        zooms.setdefault(overview.source(zoom), []).append(zoom)
    for source, those in zooms.items():
        if source.drawn is Drawn.GENERALISED or (
            source.drawn is Drawn.ROWS and shown.external is None
        ):
            yield source, those


def _measure(work: Work, shown: Layer, source: Source, room: int) -> bool:
    """Note where each feature lies and what it weighs; whether all of them may be too much."""
    rows = edition_name(work.layer, work.edition)
    condition: sql.Composable = sql.SQL("TRUE")
    if source.zoom is not None:
        rows = overview_name(work.layer, work.edition)
        condition = sql.SQL("level = {}").format(sql.Literal(source.zoom))
    columns = {f.code: ours.column for f, ours in zip(shown.fields, work.layer.fields, strict=True)}
    carried = [columns[f.code] for f in attributes_at(shown, source.drawn, LAST_ZOOM)]
    texts = [sql.SQL(TEXT_BYTES).format(sql.Identifier(name)) for name in ("om_id", *carried)]
    names = {"rows": rows, "level": condition, "texts": sql.SQL(" + ").join(texts)}
    for statement in SIZES.split(";"):
        work.connection.execute(sql.SQL(statement).format(**names))
    features, size = work.connection.execute(WHOLE).fetchall()[0]
    return bool(features > MAX_TILE_FEATURES or size > room)


def _room(shown: Layer) -> int:
    """Of a tile's bytes, what is left beside the names of fields and what it says of itself."""
    named = sum(len(f.code.encode()) + 4 for f in shown.fields)
    return MAX_TILE_BYTES - most_told(shown.id) - named


def _full(work: Work, grid: Grid, zoom: int, room: int, most: int) -> list[TileAddress] | None:
    """The tiles that could be too full; None where finding or drawing them is too much work."""
    level = zoom - grid.shift
    columns, rows = grid.size(level)
    sides = {
        side: sql.SQL(NORTHING[grid.tiling]).format(degrees=sql.Identifier(side))
        for side in ("north", "south")
    }
    placed = sql.SQL(PLACED).format(**sides)
    binds = {"across": float(1 << zoom), "margin": MARGIN, "rows": rows, "columns": columns}
    met = work.connection.execute(placed + sql.SQL(MET), binds).fetchall()[0][0]
    if met > MOST_MET:
        return None
    bounds = {"features": MAX_TILE_FEATURES, "bytes": room, "limit": most + 1}
    found = work.connection.execute(placed + sql.SQL(FULL), {**binds, **bounds}).fetchall()
    if len(found) > most:
        return None
    return [TileAddress(grid, level, row, column) for row, column in found]


def _omitted(work: Work, shown: Layer, source: Source, address: TileAddress) -> int:
    """How many features a tile leaves out, as it says itself."""
    drawing = Drawing(shown, work.edition, TileQuery(address=address), EVERYTHING, source=source)
    edition = {"layer": work.layer.id, "edition": work.edition}
    form, most = drawing.begin, MAX_TILE_FEATURES
    while True:
        compiled = compile_sql(drawing.statement(form))
        binds = compiled.binds({**edition, **EVERYTHING.parameters, **drawing.values(most)})
        row = work.connection.execute(compiled.text.encode(), binds).fetchall()[0]
        found = Answered(content=row[0] or b"", version=row[1], met=row[2], drawn=row[3])
        if (fewer := drawing.fewer(form, most, found)) is None:
            return drawing.tile(form, most, found).omitted
        form, most = Form.LARGEST, fewer
