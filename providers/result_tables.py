"""The table of a result layer: its columns, and how it is filled and found again when it is lost."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from geoalchemy2 import Geometry
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, TEXT
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from config.model import Layer
from config.vocabulary import FieldType, GeometryKind
from providers.access import SRID
from providers.dialect import DIALECT
from providers.result_layers import Description, result_id

SCHEMA = "result"
PIECE_BYTES = 1024 * 1024
TEXT_BY_CODE_POINT = TEXT(collation="C")
TYPES: dict[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: TEXT_BY_CODE_POINT,
    FieldType.INTEGER: BigInteger(),
    FieldType.DECIMAL: DOUBLE_PRECISION(),
    FieldType.BOOLEAN: Boolean(),
}
# No row of a result has them: the schema of features is one for all layers.
MISSING = ("om_area_m2", "om_region", "om_plan", "om_basis")
NO_LAYER: LiteralString = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'result' AND c.relkind = 'r'
  AND NOT EXISTS (SELECT FROM onemap.result_layer l WHERE l.id = c.relname)
"""
INSERT_LAYER: LiteralString = """
INSERT INTO onemap.result_layer (id, job, output, owner, said, features, west, south, east, north)
SELECT %(id)s, j.id, %(output)s, j.owner, %(said)s, %(features)s,
       %(west)s, %(south)s, %(east)s, %(north)s
FROM onemap.job j WHERE j.id = %(job)s
"""


def attribute(number: int) -> str:
    """The column of a field, by the field's place."""
    return f"a{number}"


def result_table(layer: Layer) -> Table:
    """The table of a result layer."""
    kinds = [(f.code, f.type) for f in layer.fields]
    return _table(layer.id, kinds, layer.geometry)


def copied_columns(fields: int) -> list[str]:
    """The columns of a spooled row, in their order."""
    return ["fid", "om_id", "om_hash", *map(attribute, range(fields)), "geom"]


async def fill(
    connection: AsyncConnection[TupleRow],
    job: UUID,
    output: str,
    said: Description,
    *,
    spool: Path,
    features: int,
    extent: tuple[float, float, float, float] | None,
) -> str:
    """Make the table from spooled rows, in the connection's own transaction; its layer's id."""
    name = result_id(job, output)
    table = _table(name, said.fields, said.geometry)
    create = CreateTable(table).compile(dialect=DIALECT)
    await connection.execute(str(create).encode())
    place = sql.Identifier(SCHEMA, name)
    columns = sql.SQL(", ").join(map(sql.Identifier, copied_columns(len(said.fields))))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(place, columns)
    with await asyncio.to_thread(spool.open, "rb") as rows:
        async with connection.cursor().copy(statement) as copy:
            while piece := await asyncio.to_thread(rows.read, PIECE_BYTES):
                await copy.write(piece)
    for text in (
        "CREATE UNIQUE INDEX ON {} (fid)",
        "CREATE UNIQUE INDEX ON {} (om_id)",
        "CREATE INDEX ON {} USING gist (geom)",
        "ANALYZE {}",
        "GRANT SELECT ON {} TO onemap_reader",
    ):
        await connection.execute(sql.SQL(text).format(place))
    west, south, east, north = extent or (None,) * 4
    values = {
        "id": name,
        "job": job,
        "output": output,
        "said": Jsonb(said.document()),
        "features": features,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
    }
    await connection.execute(INSERT_LAYER, values)
    return name


async def forgotten_tables(connection: AsyncConnection[TupleRow], most: int) -> list[str]:
    """Tables whose layers are gone; none of them gets a layer again."""
    rows = await (await connection.execute(NO_LAYER)).fetchmany(most)
    return [str(name) for (name,) in rows]


async def drop_table(connection: AsyncConnection[TupleRow], name: str) -> None:
    """Drop one of them; it stays while somebody reads it."""
    await connection.execute("SET LOCAL lock_timeout = '2s'")
    statement = sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(SCHEMA, name))
    with suppress(psycopg.errors.LockNotAvailable):
        async with connection.transaction():
            await connection.execute(statement)


def _table(name: str, fields: Sequence[tuple[str, FieldType]], geometry: GeometryKind) -> Table:
    columns: list[Column[Any]] = [
        Column("fid", BigInteger, nullable=False),
        Column("om_id", TEXT_BY_CODE_POINT, nullable=False),
        Column("om_hash", TEXT_BY_CODE_POINT, nullable=False),
        Column(MISSING[0], DOUBLE_PRECISION),
        *(Column(beside, TEXT_BY_CODE_POINT) for beside in MISSING[1:]),
        *(Column(attribute(n), TYPES[kind]) for n, (_, kind) in enumerate(fields)),
    ]
    shape = Geometry(geometry.postgis.upper(), srid=SRID, spatial_index=False)
    return Table(name, MetaData(), *columns, Column("geom", shape), schema=SCHEMA)
