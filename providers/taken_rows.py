"""The rows of an external table as they are at a moment, while an overview is made of them."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import TupleRow
from sqlalchemy import ColumnElement, Select, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import BIGINT, BOOLEAN, INTEGER

from config.model import Layer
from config.vocabulary import EditionKey, FieldType, GeometryKind
from providers.access import SRID
from providers.crs import WHOLE
from providers.dialect import compile_sql
from providers.external_rows import FIELD_TYPES, version_of
from providers.external_table import described
from providers.relations import Relation, relation_of
from providers.tables import edition_name

# The rows while the overview is made of them; gone before anybody else can see the table.
ROWS = """
CREATE UNLOGGED TABLE {current} (fid bigint NOT NULL, om_edition text COLLATE "C" NOT NULL,
    om_id text COLLATE "C" NOT NULL, om_rev integer NOT NULL, om_area_m2 double precision,
    om_region text COLLATE "C", om_plan text COLLATE "C", om_basis text COLLATE "C",
    om_hash text COLLATE "C", {fields} geom geometry({kind}, 4490) NOT NULL)
"""
LET_READER = "GRANT INSERT ON {current} TO onemap_reader"


def create_rows(
    connection: Connection[TupleRow], layer: Layer, ours: Layer, edition: EditionKey
) -> None:
    """The table of the rows, as the owner; attributes have the types that they have where they are."""
    table = described(layer)
    fields = [
        sql.SQL("{} {},").format(sql.Identifier(f.column), _type(f.type, table.types[name]))
        for f, name in zip(ours.fields, table.shown, strict=True)
    ]
    current = edition_name(ours, edition)
    kind = sql.Identifier(layer.geometry.postgis)
    made = sql.SQL(ROWS).format(current=current, fields=sql.SQL(" ").join(fields), kind=kind)
    connection.execute(made)
    connection.execute(sql.SQL(LET_READER).format(current=current))


def _type(shown: FieldType, native: str) -> sql.Composable:
    if shown is FieldType.TEXT or native not in FIELD_TYPES:
        return sql.SQL('text COLLATE "C"')
    return sql.Identifier("pg_catalog", native)


def fill_rows(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> None:
    """Put the rows that tiles can show into their table, as the reader."""
    relation = relation_of(layer, None, past=False)
    columns = _columns(relation, edition)
    compiled = compile_sql(_rows(layer, relation, columns))
    head = sql.SQL("INSERT INTO {} ({}) ").format(
        edition_name(layer, edition), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    statement = head.as_string(connection) + compiled.text
    connection.execute(statement.encode(), compiled.binds({}))


def _columns(relation: Relation, edition: EditionKey) -> dict[str, ColumnElement[Any]]:
    (branch,) = relation.branches
    rows = branch.rows
    number: ColumnElement[Any] = cast(rows.c.fid, BIGINT)
    if not relation.whole_keys:  # tiles show no ids then
        number = func.row_number().over(order_by=rows.c.fid)
    return {
        "fid": number,
        "om_edition": literal(str(edition)),
        "om_id": rows.c.om_id,
        "om_rev": literal(0, INTEGER),
        "om_region": rows.c.om_region,
        **{name: rows.c[name] for name in relation.attributes.values()},
        "geom": func.ST_SetSRID(relation.degrees(relation.plain(rows.c.geom)), SRID),
    }


def _there(relation: Relation) -> ColumnElement[bool]:
    (branch,) = relation.branches
    window = relation.moved_window(*map(literal, WHOLE))
    return branch.rows.c.geom.op("&&", return_type=BOOLEAN())(window)


def _rows(
    layer: Layer, relation: Relation, columns: Mapping[str, ColumnElement[Any]]
) -> Select[Any]:
    """The rows that tiles can show: where their system is used, and polygons that are sound."""
    (branch,) = relation.branches
    named = (column.label(name) for name, column in columns.items())
    where = (*branch.conditions, _there(relation))
    found = select(*named).where(*where).offset(0).subquery("found")
    shape: ColumnElement[Any] = found.c.geom
    if layer.geometry is GeometryKind.POLYGON:
        mended = func.ST_Multi(func.ST_CollectionExtract(func.ST_MakeValid(shape), 3))
        shape = case((func.ST_IsValid(shape), shape), else_=mended)
    sound = select(*(c for c in found.c if c.name != "geom"), shape.label("geom")).offset(0)
    drawn = sound.subquery("drawn")
    return select(drawn).where(func.ST_IsEmpty(drawn.c.geom).is_(False))


def count_rows(connection: Connection[TupleRow], layer: Layer, most: int) -> int:
    """How many rows there are that tiles can show, as the reader; counted as far as *most*."""
    relation = relation_of(layer, None, past=False)
    columns = {"geom": _columns(relation, EditionKey(""))["geom"]}
    found = _rows(layer, relation, columns).limit(most).subquery("some")
    compiled = compile_sql(select(func.count()).select_from(found))
    row = connection.execute(compiled.text.encode(), compiled.binds({})).fetchone()
    return int(row[0]) if row else 0


def key_repeats(connection: Connection[TupleRow], layer: Layer) -> bool:
    """Whether two of these rows would have one number: only a view's may, where tiles show its key."""
    relation = relation_of(layer, None, past=False)
    if not (described(layer).view and relation.whole_keys):
        return False
    (branch,) = relation.branches
    where = (*branch.conditions, _there(relation))
    again = select(literal(1, INTEGER)).where(*where).group_by(branch.rows.c.fid)
    compiled = compile_sql(again.having(func.count() > 1).limit(1))
    return connection.execute(compiled.text.encode(), compiled.binds({})).fetchone() is not None


def table_version(connection: Connection[TupleRow], layer: Layer) -> str | None:
    """What changes with the table's rows; None: nothing tells."""
    compiled = compile_sql(select(version_of(described(layer))))
    row = connection.execute(compiled.text.encode(), compiled.binds({})).fetchone()
    return row[0] if row else None
