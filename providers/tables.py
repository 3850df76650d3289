"""From a layer's specification to its tables: planning.<layer>, its partitions, its history."""

from typing import Any

from geoalchemy2 import Geometry
from psycopg import Connection, sql
from psycopg.rows import TupleRow
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table
from sqlalchemy.dialects.postgresql import (
    BOOLEAN,
    DATE,
    DOUBLE_PRECISION,
    INTEGER,
    NUMERIC,
    TEXT,
    TIMESTAMP,
)
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from config.model import Layer
from config.vocabulary import EditionKey, FieldType, GeometryKind
from providers.access import SRID
from providers.dialect import DIALECT
from providers.search_index import index_search

CURRENT, HISTORY, PARTS = "planning", "planning_history", "planning_parts"
OVERVIEW, MOSAIC = "planning_overview", "planning_mosaic"
TEXT_BY_CODE_POINT = TEXT(collation="C")  # CQL2 compares text by code point
COLUMN_TYPES: dict[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: TEXT_BY_CODE_POINT,
    FieldType.INTEGER: INTEGER(),
    FieldType.DECIMAL: NUMERIC(),
    FieldType.DATE: DATE(),
    FieldType.INSTANT: TIMESTAMP(timezone=True),
    FieldType.BOOLEAN: BOOLEAN(),
}


def partition_name(layer: Layer, edition: EditionKey) -> str:
    return f"{layer.id}__{edition}"


def edition_name(layer: Layer, edition: EditionKey) -> sql.Identifier:
    """The same partition, for statements that are composed with psycopg."""
    return sql.Identifier(CURRENT, partition_name(layer, edition))


def edition_table(layer: Layer, edition: EditionKey) -> Table:
    """The partition that holds the current rows of one edition."""
    name = partition_name(layer, edition)
    return Table(name, MetaData(), *_columns(layer), _since(), schema=CURRENT)


def parts_table(layer: Layer, edition: EditionKey) -> Table:
    """The subdivided polygons of one edition of a layer that has them."""
    shape = Geometry("POLYGON", srid=SRID, spatial_index=False)
    columns = [Column("fid", BigInteger, nullable=False), Column("geom", shape, nullable=False)]
    return Table(partition_name(layer, edition), MetaData(), *columns, schema=PARTS)


def _since() -> Column[int]:
    return Column("om_rev", Integer, nullable=False)  # the revision in which the row came


def _columns(layer: Layer) -> list[Column[object]]:
    """The columns that current and history rows share."""
    columns: list[Column[object]] = [
        Column("fid", BigInteger, nullable=False),
        Column("om_edition", TEXT_BY_CODE_POINT, nullable=False),
        Column("om_id", TEXT_BY_CODE_POINT, nullable=False),
        Column("om_area_m2", DOUBLE_PRECISION),  # ellipsoidal, official method
        Column("om_region", TEXT_BY_CODE_POINT),
        Column("om_plan", TEXT_BY_CODE_POINT),
        Column("om_basis", TEXT_BY_CODE_POINT),
        Column("om_hash", TEXT_BY_CODE_POINT, nullable=False),
    ]
    columns += [Column(f.column, COLUMN_TYPES[f.type]) for f in layer.fields]
    if layer.geometry is not GeometryKind.NONE:
        shape = Geometry(layer.geometry.postgis.upper(), srid=SRID, spatial_index=False)
        columns.append(Column("geom", shape, nullable=False))
    return columns


def content_columns(layer: Layer) -> list[str]:
    """What a row says, and what history keeps of it, in table order."""
    geometry = ["geom"] if layer.geometry is not GeometryKind.NONE else []
    system = ["om_area_m2", "om_region", "om_plan", "om_basis", "om_hash"]
    return [*system, *(f.column for f in layer.fields), *geometry]


def ensure_tables(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, *, indexed: bool = True
) -> None:
    """Create what is missing for *edition* of *layer*, as the owner; additive columns included.

    Without *indexed* the edition's own indexes wait for `index_edition`: a first load fills the
    bare table and has them built at once.
    """
    parent = Table(
        layer.id,
        MetaData(),
        *_columns(layer),
        _since(),
        schema=CURRENT,
        postgresql_partition_by="LIST (om_edition)",
    )
    history = Table(
        layer.id,
        MetaData(),
        *_columns(layer),
        Column("rev_from", Integer, nullable=False),
        Column("rev_to", Integer, nullable=False),
        schema=HISTORY,
    )
    for table in (parent, history):
        create = CreateTable(table, if_not_exists=True).compile(dialect=DIALECT)
        connection.execute(str(create))
        _add_columns(connection, table)
    partition = partition_name(layer, edition)
    names = {
        "parent": sql.Identifier(CURRENT, layer.id),
        "partition": edition_name(layer, edition),
        "history": sql.Identifier(HISTORY, layer.id),
        "parts": sql.Identifier(PARTS, partition),
        "sequence": sql.Identifier(CURRENT, f"{layer.id}__fid"),
        "edition": sql.Literal(edition),
    }
    statements = [
        "CREATE SEQUENCE IF NOT EXISTS {sequence}",
        "CREATE TABLE IF NOT EXISTS {partition} PARTITION OF {parent} FOR VALUES IN ({edition})",
        "CREATE INDEX IF NOT EXISTS {history_to} ON {history} (om_edition, rev_to)",
        "CREATE INDEX IF NOT EXISTS {history_id} ON {history} (om_edition, om_id, rev_to)",
        "CREATE INDEX IF NOT EXISTS {history_fid} ON {history} (om_edition, fid, rev_to)",
    ]
    if layer.geometry is not GeometryKind.NONE:
        statements.append(
            "CREATE INDEX IF NOT EXISTS {history_geom} ON {history} USING gist (geom)"
        )
    if layer.subdivided:
        statements += [
            "CREATE TABLE IF NOT EXISTS {parts}"
            " (fid bigint NOT NULL, geom geometry(Polygon, 4490) NOT NULL)",
            "CREATE INDEX IF NOT EXISTS {parts_fid} ON {parts} (fid)",
            "CREATE INDEX IF NOT EXISTS {parts_geom} ON {parts} USING gist (geom)",
        ]
    indexes = {
        "history_to": f"{layer.id}_ht",
        "history_id": f"{layer.id}_h",
        "history_fid": f"{layer.id}_hf",
        "history_geom": f"{layer.id}_hg",
        "parts_fid": f"{partition}_f",
        "parts_geom": f"{partition}_g",
    }
    identifiers = {key: sql.Identifier(name) for key, name in indexes.items()}
    for statement in statements:
        connection.execute(sql.SQL(statement).format(**names, **identifiers))
    if indexed:
        index_edition(connection, layer, edition)


def index_edition(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> None:
    """The indexes of an edition's current rows, as the owner."""
    statements = {
        "f": "CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {partition} (fid)",
        "i": "CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {partition} (om_id)",
        "r": "CREATE INDEX IF NOT EXISTS {index} ON {partition} (om_region, fid)",
        "v": "CREATE INDEX IF NOT EXISTS {index} ON {partition} (om_rev)",
    }
    if layer.geometry is not GeometryKind.NONE:
        statements["g"] = "CREATE INDEX IF NOT EXISTS {index} ON {partition} USING gist (geom)"
    for letter, statement in statements.items():
        index = sql.Identifier(f"{partition_name(layer, edition)}_{letter}")
        connection.execute(
            sql.SQL(statement).format(index=index, partition=edition_name(layer, edition))
        )
    name = partition_name(layer, edition)
    index_search(connection, layer, CURRENT, name, f"{name}_s")


def discard_unpublished(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey
) -> bool:
    """Remove the tables of an edition that was never published; True where it is none now."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM onemap.edition WHERE layer = %s AND edition = %s)",
        (layer.id, edition),
    ).fetchone()
    if row and row[0]:
        return False
    free = connection.execute(
        "SELECT pg_try_advisory_xact_lock(hashtext(%s))", (f"onemap/{layer.id}",)
    ).fetchone()
    if free and free[0]:  # else another load is at it, and will need them
        name = partition_name(layer, edition)
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(edition_name(layer, edition)))
        for beside in (PARTS, OVERVIEW, MOSAIC):
            connection.execute(
                sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(beside, name))
            )
    return True


def analyse(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> None:
    """Fresh statistics after a load, as the owner: the planner must not wait for autovacuum."""
    tables = [sql.Identifier(CURRENT, partition_name(layer, edition))]
    tables.append(sql.Identifier(HISTORY, layer.id))
    if layer.subdivided:
        tables.append(sql.Identifier(PARTS, partition_name(layer, edition)))
    connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(tables)))


def _add_columns(connection: Connection[TupleRow], table: Table) -> None:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s)"
        " AND attnum > 0 AND NOT attisdropped",
        (f"{table.schema}.{table.name}",),
    ).fetchall()
    present = {row[0] for row in rows}
    for column in table.columns:
        if column.name not in present:
            kind = column.type.compile(dialect=DIALECT)
            statement = sql.SQL("ALTER TABLE {} ADD COLUMN {} " + kind).format(
                sql.Identifier(str(table.schema), table.name), sql.Identifier(column.name)
            )
            connection.execute(statement)
