"""Generalised rows on their way in: what changes is written and told, what is equal is left alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import shapely
from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey
from processes.algorithms.coverage_levels import Geometries
from providers.access import SRID
from providers.overview_choice import Choice, drawn_field
from providers.overview_tables import mosaic_name, overview_name, row_columns
from providers.tables import HISTORY, edition_name

MOST_TOUCHES = 1_000  # beyond, what lies near each other is told as one
COARSE = 64  # cells of the zoom per side of what is told as one

# `overview_row`: what the rows of a part of the edition are to be; `overview_of`: of which rows
# this is said; `overview_touch`: where anything was written, and below which zoom it shows.
TABLES = """
DROP TABLE IF EXISTS pg_temp.overview_row, pg_temp.overview_of, pg_temp.overview_touch;
CREATE TEMPORARY TABLE overview_row (level smallint, fid bigint, geom geometry) ON COMMIT DROP;
CREATE TEMPORARY TABLE overview_of (level smallint, fid bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE overview_touch (below smallint, west float8, south float8, east float8,
    north float8) ON COMMIT DROP;
"""
# The rows that came, changed or went since the overview was made, as they were and as they are.
CHANGED = """
CREATE TEMPORARY TABLE overview_changed ON COMMIT DROP AS
SELECT fid, geom FROM {history} WHERE om_edition = %(edition)s AND rev_to >= %(since)s
UNION ALL SELECT fid, geom FROM {current} WHERE om_rev > %(since)s
"""
GONE = """
INSERT INTO pg_temp.overview_of SELECT DISTINCT level, fid
FROM {changed} x, unnest(%(levels)s::smallint[]) AS level
WHERE NOT EXISTS (SELECT FROM {current} c WHERE c.fid = x.fid)
"""
EMPTY = "TRUNCATE pg_temp.overview_row, pg_temp.overview_of"
TELL = """
INSERT INTO pg_temp.overview_touch
SELECT level + 1, ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box) FROM (
    SELECT level, unnest(ARRAY[Box2D(o.geom), Box2D(n.geom)]) AS box
    FROM (SELECT o.* FROM {overview} o JOIN pg_temp.overview_of USING (level, fid)) o
    FULL JOIN (SELECT n.*, c.om_rev FROM pg_temp.overview_row n JOIN {current} c USING (fid)) n
        USING (level, fid)
    WHERE (o.om_rev, o.geom) IS DISTINCT FROM (n.om_rev, n.geom)) changed
WHERE box IS NOT NULL
"""
DELETE = """
DELETE FROM {overview} o USING pg_temp.overview_of a
WHERE (o.level, o.fid) = (a.level, a.fid) AND NOT EXISTS (
    SELECT FROM pg_temp.overview_row n WHERE (n.level, n.fid) = (o.level, o.fid))
"""
WRITE = """
INSERT INTO {overview} AS o (level, {columns}, geom)
SELECT n.level, {given}, n.geom FROM pg_temp.overview_row n JOIN {current} c USING (fid)
ORDER BY n.level, n.fid
ON CONFLICT (level, fid) DO UPDATE SET ({columns}, geom) = ROW({new}, excluded.geom)
WHERE (o.om_rev, o.geom) IS DISTINCT FROM (excluded.om_rev, excluded.geom)
"""
RECORD = """
WITH near AS (
    SELECT *, CASE WHEN count(*) OVER () > %(most)s THEN
        360.0 * %(coarse)s / 256 / (1 << (below - 1)) END AS side
    FROM pg_temp.overview_touch)
INSERT INTO onemap.touch (layer, edition, revision, below, envelope)
SELECT %(layer)s, %(edition)s, %(revision)s, below,
    ST_MakeEnvelope(min(west), min(south), max(east), max(north), 4490)
FROM near GROUP BY below, coalesce(floor(west / side), west), coalesce(floor(south / side), south),
    CASE WHEN side IS NULL THEN east END, CASE WHEN side IS NULL THEN north END
"""


@dataclass(frozen=True, slots=True)
class Level:
    """Some features as they are drawn up to a zoom; the two sequences run in parallel."""

    zoom: int
    fids: Sequence[int]
    shapes: Geometries


@dataclass(frozen=True, slots=True)
class Work:
    """One edition whose overview is brought up to date in this transaction, as the writer."""

    connection: Connection[TupleRow]
    layer: Layer
    edition: EditionKey
    choice: Choice
    since: int | None  # the revision that the overview shows; None: all of it is made

    @property
    def names(self) -> dict[str, sql.Composable]:
        columns = row_columns(self.layer)[:-1]
        return {
            "overview": overview_name(self.layer, self.edition),
            "mosaic": mosaic_name(self.layer, self.edition),
            "current": edition_name(self.layer, self.edition),
            "history": sql.Identifier(HISTORY, self.layer.id),
            "changed": sql.Identifier("pg_temp", "overview_changed")
            if self.since is not None
            else edition_name(self.layer, self.edition),
            "drawn": drawn_field(self.layer),
            "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
            "given": sql.SQL(", ").join(sql.Identifier("c", name) for name in columns),
            "new": sql.SQL(", ").join(sql.Identifier("excluded", name) for name in columns),
        }

    def execute(self, statement: str, **binds: object) -> None:
        self.connection.execute(sql.SQL(statement).format(**self.names), binds)

    def rows(self, statement: str, **binds: object) -> Cursor[TupleRow]:
        return self.connection.execute(sql.SQL(statement).format(**self.names), binds)


def open_rows(work: Work) -> None:
    """The temporary tables of this transaction, empty."""
    for statement in filter(None, map(str.strip, TABLES.split(";"))):
        work.connection.execute(statement.encode())
    if work.since is not None:
        work.execute("DROP TABLE IF EXISTS pg_temp.overview_changed")
        work.execute(CHANGED, edition=work.edition, since=work.since)
        work.execute("ANALYZE pg_temp.overview_changed")


def take_out_gone(work: Work) -> None:
    """Stage the rows of features that are not there any more, to be none."""
    work.execute(EMPTY)
    work.execute(GONE, levels=list(work.choice.levels))
    write(work)


def stage(work: Work, fids: Sequence[int], levels: Iterable[Level]) -> None:
    """Say what the rows of these features are to be, at every level."""
    work.execute(EMPTY)
    with work.connection.cursor().copy("COPY pg_temp.overview_of FROM STDIN") as writer:
        for level in work.choice.levels:
            writer.write("".join(f"{level}\t{fid}\n" for fid in fids))
    with work.connection.cursor().copy("COPY pg_temp.overview_row FROM STDIN") as writer:
        for one in levels:
            shapes = shapely.set_srid(one.shapes, SRID)
            told = shapely.to_wkb(shapes, hex=True, include_srid=True)
            rows = zip(one.fids, told, strict=True)
            writer.write("".join(f"{one.zoom}\t{fid}\t{shape}\n" for fid, shape in rows))


def write(work: Work) -> None:
    """Bring the overview in step with what is staged, and note where anything changed."""
    work.execute("ANALYZE pg_temp.overview_row, pg_temp.overview_of")
    if work.since is not None:
        work.execute(TELL)
    work.execute(DELETE)
    work.execute(WRITE)


def record(work: Work, revision: int) -> None:
    """What was noted becomes touches of a revision."""
    binds = {"layer": work.layer.id, "edition": work.edition, "revision": revision}
    work.connection.execute(RECORD, {**binds, "most": MOST_TOUCHES, "coarse": COARSE})
