"""The tables of an edition's overview: generalised rows by level, ready class areas by tile."""

from collections.abc import Sequence
from contextlib import suppress

from psycopg import Connection, errors, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind
from providers.tables import MOSAIC, OVERVIEW, content_columns, edition_name, partition_name

FREE_AT_ONCE_MS = 200  # else those who read tiles meanwhile would wait longer
LETTERS = "0123456789abcdefghijklmnop"  # of a level's index: names are as long as they may be
COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), c.collname::text
FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation AND c.collname <> 'default'
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
TABLES = (
    "CREATE TABLE IF NOT EXISTS {overview} (level smallint NOT NULL, LIKE {current},"
    " PRIMARY KEY (level, fid))",
)
MOSAIC_TABLES = (
    'CREATE TABLE IF NOT EXISTS {mosaic} (tiling text COLLATE "C" NOT NULL,'
    " zoom smallint NOT NULL, tile_row integer NOT NULL, tile_col integer NOT NULL,"
    ' id bigint PRIMARY KEY, class text COLLATE "C", om_region text COLLATE "C",'
    " cells integer NOT NULL, geom geometry(MultiPolygon) NOT NULL)",
    "CREATE INDEX IF NOT EXISTS {mosaic_tile} ON {mosaic} (tiling, zoom, tile_row, tile_col)",
)


def has_overview(layer: Layer) -> bool:
    """Whether an overview of this layer is kept: it has a place, is ours, and does not decline."""
    placed = layer.geometry is not GeometryKind.NONE
    return placed and layer.external is None and layer.tiles.overview


def overview_name(layer: Layer, edition: EditionKey) -> sql.Identifier:
    """The generalised rows, for statements that are composed with psycopg."""
    return sql.Identifier(OVERVIEW, partition_name(layer, edition))


def mosaic_name(layer: Layer, edition: EditionKey) -> sql.Identifier:
    """The class areas, likewise."""
    return sql.Identifier(MOSAIC, partition_name(layer, edition))


def row_columns(layer: Layer) -> list[str]:
    """All columns of an edition's rows, the geometry last."""
    return ["fid", "om_edition", "om_id", "om_rev", *content_columns(layer)]


def ensure_overview(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> None:
    """Create what is missing, as the owner, after ensure_tables; additive columns included."""
    if not has_overview(layer):
        return
    name = partition_name(layer, edition)
    names = {
        "overview": overview_name(layer, edition),
        "mosaic": mosaic_name(layer, edition),
        "current": edition_name(layer, edition),
        "mosaic_tile": sql.Identifier(f"{name}_t"),
    }
    areas = MOSAIC_TABLES if layer.geometry is GeometryKind.POLYGON else ()
    for statement in (*TABLES, *areas):
        connection.execute(sql.SQL(statement).format(**names))
    held, wanted = (
        connection.execute(COLUMNS, (names[one].as_string(connection),)).fetchall()
        for one in ("overview", "current")
    )
    present = {row[0] for row in held}
    for column, kind, collation in wanted:
        if column not in present:
            collated = sql.SQL(" COLLATE {}").format(sql.Identifier(collation or ""))
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN {} " + kind + "{}").format(
                    names["overview"],
                    sql.Identifier(column),
                    collated if collation else sql.SQL(""),
                )
            )


def index_levels(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, levels: Sequence[int]
) -> None:
    """One index of places per level that is used, as the owner."""
    for level in levels:
        made = "CREATE INDEX IF NOT EXISTS {} ON {} USING gist (geom) WHERE level = {}"
        name, table = _index_of(layer, edition, level), overview_name(layer, edition)
        statement = sql.SQL(made).format(sql.Identifier(name), table, sql.Literal(level))
        connection.execute(statement)


def drop_needless(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> None:
    """Remove the indexes of levels that are no longer used, as the owner, in autocommit.

    It waits for all who read the overview, and all others for it: so it gives up soon, and whoever
    makes the overview next tries again.
    """
    if not _needless(connection, layer, edition):
        return
    lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(overview_name(layer, edition))
    with suppress(errors.LockNotAvailable), connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = {FREE_AT_ONCE_MS}")
        connection.execute(lock)  # from now on nobody makes it with other levels
        for name in _needless(connection, layer, edition):
            gone = sql.Identifier(OVERVIEW, name)
            connection.execute(sql.SQL("DROP INDEX {}").format(gone))


def _needless(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> list[str]:
    row = connection.execute(
        "SELECT levels FROM onemap.overview WHERE layer = %s AND edition = %s", (layer.id, edition)
    ).fetchone()
    levels = {*range(len(LETTERS))} - {*(row[0] if row else ())}
    names = [_index_of(layer, edition, level) for level in sorted(levels)]
    found = connection.execute(
        "SELECT relname::text FROM pg_class WHERE relname = ANY(%s) AND relkind = 'i'"
        " AND relnamespace = %s::regnamespace",
        (names, OVERVIEW),
    ).fetchall()
    return [name for (name,) in found]


def _index_of(layer: Layer, edition: EditionKey, level: int) -> str:
    return f"{partition_name(layer, edition)}_{LETTERS[level]}"


def analyse_overview(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> None:
    """Fresh statistics after a build, as the owner."""
    tables = [overview_name(layer, edition)]
    if layer.geometry is GeometryKind.POLYGON:
        tables.append(mosaic_name(layer, edition))
    connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(tables)))
