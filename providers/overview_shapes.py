"""The generalised rows of an edition: polygons by blocks, lines one by one, points by cells."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import sql

from config.vocabulary import GeometryKind
from processes.algorithms.coverage_levels import (
    Block,
    Geometries,
    block_box,
    blocks_of,
    cell_degrees,
    joined,
    outside_of,
    simplified_block,
    tolerance,
    with_crossings,
)
from providers.overview_rows import EMPTY, Level, Work, stage, take_out_gone, write
from providers.overview_tables import overview_name
from providers.tables import edition_name

type Bounds = NDArray[np.float64]  # one row per envelope: west, south, east, north in degrees

TOGETHER = 4  # blocks per side that are read at once

ROWS = """
SELECT fid, ST_AsBinary(geom) FROM {current}
WHERE geom && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4490) ORDER BY fid
"""
HELD = "SELECT fid, level, ST_AsBinary(geom) FROM {overview} WHERE fid = ANY(%(fids)s)"
LINES_OF = """
INSERT INTO pg_temp.overview_of
SELECT DISTINCT %(level)s::smallint, fid FROM {changed} JOIN {current} c USING (fid)
"""
LINES = """
INSERT INTO pg_temp.overview_row
SELECT level, fid, ST_Multi(ST_SimplifyPreserveTopology(geom, %(tolerance)s))
FROM {current} JOIN pg_temp.overview_of USING (fid) WHERE ST_Length(geom) >= %(cell)s
"""
PLACE = (
    "floor(ST_X(ST_Centroid(c.geom)) / %(cell)s) AS x,"
    " floor(ST_Y(ST_Centroid(c.geom)) / %(cell)s) AS y"
)
# All points of the cells in which one came, changed or went: another may be the first now. Cells
# lie in those further out: there the first of the next finer level are asked, not all rows.
POINTS = f"""
CREATE TEMPORARY TABLE overview_point ON COMMIT DROP AS
SELECT c.* FROM (SELECT DISTINCT {PLACE} FROM {{changed}} c) e, LATERAL (
    SELECT c.fid, c.geom, c.om_region, {{drawn}} AS drawn, {PLACE} FROM {{finer}} c
    WHERE c.geom && ST_MakeEnvelope(e.x * %(cell)s, e.y * %(cell)s, (e.x + 1) * %(cell)s,
        (e.y + 1) * %(cell)s, 4490)) c
WHERE (c.x, c.y) = (e.x, e.y)
"""
# And those that were the first of these cells.
POINTS_OF = f"""
INSERT INTO pg_temp.overview_of
SELECT %(level)s::smallint, fid FROM pg_temp.overview_point
UNION SELECT %(level)s::smallint, c.fid FROM (SELECT DISTINCT {PLACE} FROM {{changed}} c) e, LATERAL (
    SELECT c.fid, {PLACE} FROM {{overview}} c WHERE c.level = %(level)s
    AND c.geom && ST_MakeEnvelope(e.x * %(cell)s, e.y * %(cell)s, (e.x + 1) * %(cell)s,
        (e.y + 1) * %(cell)s, 4490)) c
WHERE (c.x, c.y) = (e.x, e.y)
"""
FIRST = """
INSERT INTO pg_temp.overview_row
SELECT %(level)s, fid, geom FROM (SELECT DISTINCT ON (x, y, om_region, drawn) fid, geom
    FROM pg_temp.overview_point ORDER BY x, y, om_region, drawn, fid) drawn_points
"""


def keep_shapes(work: Work, changed: Bounds) -> None:
    """Bring the generalised rows in step with the changed rows, whose envelopes are given."""
    if not work.choice.levels:
        return
    if work.since is not None:
        take_out_gone(work)
    match work.layer.geometry:
        case GeometryKind.POLYGON:
            _keep_polygons(work, changed)
        case GeometryKind.LINE:
            _keep_lines(work)
        case _:
            _keep_points(work)


def blocks_met(work: Work, changed: Bounds) -> set[Block]:
    """The blocks that these envelopes meet."""
    if not work.choice.levels:
        return set()
    side = work.choice.side
    corners = np.unique(
        np.hstack([np.floor(changed[:, :2] / side), np.ceil(changed[:, 2:] / side)]), axis=0
    )
    return {block for one in corners * side for block in blocks_of(one.tolist(), side)}


def _keep_polygons(work: Work, changed: Bounds) -> None:
    groups: dict[Block, list[Block]] = defaultdict(list)
    for block in blocks_met(work, changed):
        groups[(block[0] // TOGETHER, block[1] // TOGETHER)].append(block)
    for _, blocks in sorted(groups.items()):
        fids, shapes = _rows_in(work, blocks)
        stage(work, fids, _blocks_anew(work, sorted(blocks), fids, shapes))
        write(work)


def _rows_in(work: Work, blocks: Sequence[Block]) -> tuple[list[int], Geometries]:
    """The polygons whose envelopes meet the envelope of the blocks, in the order of their ids."""
    boxes = np.array([block_box(block, work.choice.side) for block in blocks], dtype=object)
    west, south, east, north = shapely.total_bounds(boxes).tolist()
    found = work.rows(ROWS, west=west, south=south, east=east, north=north).fetchall()
    shapes = shapely.from_wkb(np.array([bytes(row[1]) for row in found], dtype=object))
    met = np.zeros(len(found), dtype=bool)
    met[shapely.STRtree(shapes).query(boxes)[1]] = True
    return [row[0] for row, one in zip(found, met, strict=True) if one], shapes[met]


def _blocks_anew(
    work: Work, blocks: Sequence[Block], fids: Sequence[int], shapes: Geometries
) -> list[Level]:
    """The polygons at each level: their pieces in these blocks, and what is held of the others."""
    if not fids:
        return []
    levels, side = work.choice.levels, work.choice.side
    tolerances = [tolerance(level) for level in levels]
    ready = with_crossings(shapes, side)
    tree = shapely.STRtree(ready)
    pieces: dict[int, list[list[shapely.MultiPolygon]]] = {
        level: [[] for _ in fids] for level in levels
    }
    for block in blocks:
        within = np.sort(tree.query(block_box(block, side)))
        if not len(within):
            continue
        made = simplified_block(ready[within], block, side, tolerances)
        for level, simple in zip(levels, made, strict=True):
            for number, piece in zip(within, simple, strict=True):
                if not piece.is_empty:
                    pieces[level][number].append(piece)
    for number, level, held in _held(work, blocks, fids, shapes):
        rest = outside_of(held, blocks, side)
        if not rest.is_empty:
            pieces[level][number].append(rest)
    return [_level(level, fids, parts) for level, parts in pieces.items()]


def _held(
    work: Work, blocks: Sequence[Block], fids: Sequence[int], shapes: Geometries
) -> Iterator[tuple[int, int, shapely.MultiPolygon]]:
    """Number, level and stored shape of the polygons that reach beyond these blocks."""
    here, side = set(blocks), work.choice.side
    wider = {
        fid: number
        for number, (fid, bounds) in enumerate(
            zip(fids, shapely.bounds(shapes).tolist(), strict=True)
        )
        if not here.issuperset(blocks_of(bounds, side))
    }
    for fid, level, wkb in work.rows(HELD, fids=list(wider)).fetchall():
        held = shapely.from_wkb(bytes(wkb))
        assert isinstance(held, shapely.MultiPolygon)
        yield wider[fid], level, held


def _level(zoom: int, fids: Sequence[int], pieces: list[list[shapely.MultiPolygon]]) -> Level:
    there = [number for number, parts in enumerate(pieces) if parts]
    whole = np.array([joined(pieces[number]) for number in there], dtype=object)
    return Level(zoom, [fids[number] for number in there], shapely.normalize(whole))


def _keep_lines(work: Work) -> None:
    for level in work.choice.levels:
        work.execute(EMPTY)
        work.execute(LINES_OF, level=level)
        work.execute(LINES, tolerance=tolerance(level), cell=cell_degrees(level))
        write(work)


def _keep_points(work: Work) -> None:
    finer: sql.Composable = edition_name(work.layer, work.edition)
    for level in reversed(work.choice.levels):
        work.execute(EMPTY)
        work.execute("DROP TABLE IF EXISTS pg_temp.overview_point")
        points = sql.SQL(POINTS).format(**work.names, finer=finer)
        work.connection.execute(points, {"cell": cell_degrees(level)})
        work.execute(POINTS_OF, level=level, cell=cell_degrees(level))
        work.execute(FIRST, level=level)
        write(work)
        finer = sql.SQL("(SELECT * FROM {} WHERE level = {})").format(
            overview_name(work.layer, work.edition), sql.Literal(level)
        )
