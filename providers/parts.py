"""Subdivided copies of large polygons: overlays meet small pieces instead of whole red lines."""

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey
from providers.tables import PARTS, edition_name, partition_name

MAX_PART_VERTICES = 256  # ST_Subdivide's own default: an index entry stays as tight as its piece


def maintain_parts(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, revision: int
) -> None:
    """Bring the parts in step with the rows that a publication (`delta`) has just changed.

    Also where the layer is not subdivided any more, or not yet in this process: parts that are
    there are right.
    """
    if not _present(connection, layer, edition):
        return
    connection.execute(
        sql.SQL("DELETE FROM {parts} p USING pg_temp.delta d WHERE p.fid = d.fid").format(
            **_tables(layer, edition)
        )
    )
    _subdivide(connection, layer, edition, sql.SQL("c.om_rev = {}").format(sql.Literal(revision)))


def complete_parts(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> None:
    """Make the parts of rows that have none: a layer that was declared subdivided only later.

    An overlay that asks the parts would else find nothing, and say so. Belongs into the transaction
    of ensure_tables, whose lock keeps publications out that know no table of parts yet.
    """
    if not layer.subdivided:
        return
    missing = sql.SQL("NOT EXISTS (SELECT FROM {parts} p WHERE p.fid = c.fid)")
    _subdivide(connection, layer, edition, missing.format(**_tables(layer, edition)))


def _present(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = %s AND relkind = 'r'"
        " AND relnamespace = %s::regnamespace)",
        (partition_name(layer, edition), PARTS),
    ).fetchone()
    return bool(row and row[0])


def _subdivide(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, which: sql.Composable
) -> None:
    connection.execute(
        sql.SQL(
            "INSERT INTO {parts} (fid, geom) SELECT c.fid, (ST_Dump(piece)).geom"
            " FROM {current} c, ST_Subdivide(c.geom, {vertices}) AS piece WHERE {which}"
        ).format(**_tables(layer, edition), vertices=sql.Literal(MAX_PART_VERTICES), which=which)
    )


def _tables(layer: Layer, edition: EditionKey) -> dict[str, sql.Composable]:
    parts = sql.Identifier(PARTS, partition_name(layer, edition))
    return {"parts": parts, "current": edition_name(layer, edition)}
