"""Which fields of a layer are searched, as one text, and the index over the pairs in that text."""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import TupleRow
from sqlalchemy import ColumnElement, cast, collate, func, literal_column
from sqlalchemy import column as named_column
from sqlalchemy.dialects.postgresql import TEXT

from config.model import Field, Layer
from config.vocabulary import FieldType
from providers.dialect import compile_sql

CODE_ENDING = "码"  # 代码, 编码, 标识码: what is looked up by its value and never read
EMPTY: ColumnElement[str] = literal_column("''")
BETWEEN_FIELDS: ColumnElement[str] = literal_column(r"E'\x1f'")


def searched(layer: Layer) -> tuple[Field, ...]:
    """The fields that `q` looks into: those declared, else the texts that people read."""
    if layer.search:
        return tuple(f for f in layer.fields if f.code in layer.search)
    known = {*layer.identity, layer.region}
    return tuple(
        f
        for f in layer.fields
        if f.type is FieldType.TEXT
        and f.code_list is None
        and f.code not in known
        and not f.title.zh.endswith(CODE_ENDING)
    )


def searched_text(columns: Iterable[ColumnElement[Any]]) -> ColumnElement[Any]:
    """The columns as one text, in which no match goes from one column into the next."""
    texts = [func.coalesce(collate(cast(column, TEXT), "C"), EMPTY) for column in columns]
    whole: ColumnElement[Any] = texts[0]
    for text in texts[1:]:
        whole = whole.op("||")(BETWEEN_FIELDS).op("||")(text)
    return whole


def pairs(columns: Iterable[ColumnElement[Any]]) -> ColumnElement[Any]:
    """The pairs of neighbouring characters in the searched text: what the index holds."""
    return func.onemap.search_pairs(searched_text(columns))


def index_search(
    connection: Connection[TupleRow], layer: Layer, schema: str, table: str, name: str
) -> None:
    """The index over the fields that the layer declares to be searched, as the owner.

    Its comment says what it is over: another declaration makes another index.
    """
    fields = searched(layer) if layer.search else ()
    columns: list[ColumnElement[Any]] = [named_column(f.column) for f in fields]
    wanted = compile_sql(pairs(columns)).text if columns else None
    index = sql.Identifier(schema, name)
    row = connection.execute(
        "SELECT place IS NOT NULL, obj_description(place, 'pg_class') FROM to_regclass(%s) AS place",
        (f"{schema}.{name}",),
    ).fetchone()
    present, held = row or (False, None)
    if present and held != wanted:
        connection.execute(sql.SQL("DROP INDEX {}").format(index))
    if wanted is not None and held != wanted:
        create = sql.SQL("CREATE INDEX {name} ON {table} USING gin (" + wanted + ")")
        connection.execute(
            create.format(name=sql.Identifier(name), table=sql.Identifier(schema, table))
        )
        comment = sql.SQL("COMMENT ON INDEX {} IS {}").format(index, sql.Literal(wanted))
        connection.execute(comment)
