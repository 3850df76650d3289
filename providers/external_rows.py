"""The rows of an external table under the names that our statements use; pure, no connection.

The planner sees through the inner select: conditions on its columns reach the table's own indexes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    case,
    cast,
    column,
    func,
    literal,
    null,
    select,
    true,
)
from sqlalchemy import table as named_table
from sqlalchemy.dialects.postgresql import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE_PRECISION,
    INTEGER,
    NUMERIC,
    REAL,
    TEXT,
    TIMESTAMP,
)
from sqlalchemy.types import NullType, TypeEngine

from config.model import Layer
from config.vocabulary import FieldType
from providers.external_table import ExternalTable
from providers.moments import moment_text

CHINA = "Asia/Shanghai"
INSTANTS = ("timestamp", "timestamptz")
NATIVE: dict[str, TypeEngine[Any]] = {
    "int2": INTEGER(),
    "int4": INTEGER(),
    "int8": BIGINT(),
    "numeric": NUMERIC(),
    "float4": REAL(),
    "float8": DOUBLE_PRECISION(),
    "bool": BOOLEAN(),
    "date": DATE(),
    "timestamptz": TIMESTAMP(timezone=True),
    "text": TEXT(),
}
FIELD_TYPES = {
    **dict.fromkeys(("int2", "int4", "int8"), FieldType.INTEGER),
    **dict.fromkeys(("numeric", "float4", "float8"), FieldType.DECIMAL),
    "bool": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "timestamptz": FieldType.INSTANT,
}  # everything else is shown as text
VALID = ("valid_from", "valid_to")


def field_type(native: str) -> FieldType:
    """How a column of this type is shown."""
    return FIELD_TYPES.get(native, FieldType.TEXT)


def external_rows(
    layer: Layer, table: ExternalTable, names: Mapping[str, str]
) -> tuple[FromClause, tuple[ColumnElement[bool], ...]]:
    """The rows, and the condition that all of them satisfy; *names*: field code -> column."""
    source = named_table(
        table.table,
        *(column(name, NATIVE.get(kind, NullType())) for name, kind in table.types.items()),
        schema=table.schema,
    ).alias("source")
    columns: dict[str, ColumnElement[Any]] = {
        "fid": source.c[table.key_column],
        "om_id": cast(source.c[table.key_column], TEXT),
        "om_area_m2": cast(null(), DOUBLE_PRECISION),
        "om_region": cast(null(), TEXT),
        "om_plan": cast(null(), TEXT),
        "om_basis": cast(null(), TEXT),
    }
    said: list[ColumnElement[Any]] = []
    for f, name in zip(layer.fields, table.shown, strict=True):
        native, textual = table.types[name], f.type is FieldType.TEXT
        columns[names[f.code]] = _text(source.c[name], native) if textual else source.c[name]
        said.append(source.c[name])
        if f.code == layer.region:
            columns["om_region"] = _division(cast(source.c[name], TEXT))
        for code, label in zip(layer.validity, VALID, strict=True):
            if f.code == code:
                columns[label] = _day(source.c[name], native)
    if table.place is not None:
        columns["geom"] = source.c[table.place]
        said.append(source.c[table.place])
    columns["om_hash"] = func.md5(cast(func.row(source.c[table.key_column], *said), TEXT))
    rows = select(*(each.label(name) for name, each in columns.items())).subquery("external")
    return rows, ((rows.c.fid.is_not(None),) if table.view else (true(),))


def as_ours(layer: Layer) -> Layer:
    """The layer as though its rows were ours, its fields in columns as `external_rows` names them."""
    if layer.external is None:
        return layer
    codes = {f.code: f"a{number}" for number, f in enumerate(layer.fields)}
    fields = tuple(replace(f, code=codes[f.code]) for f in layer.fields)
    style = layer.style
    if style is not None and style.field is not None:
        style = replace(style, field=codes[style.field])
    specification = replace(layer.specification, fields=fields)
    return replace(layer, external=None, specification=specification, style=style)


def version_of(table: ExternalTable) -> ColumnElement[Any]:
    """The text that changes with the rows, read in the statement's own snapshot; null: none does."""
    match table.version:
        case "none":
            return cast(null(), TEXT)
        case "column":
            watched: Column[Any] = Column(str(table.version_column))
            relation = named_table(table.table, watched, schema=table.schema)
            return select(cast(func.max(relation.c[watched.name]), TEXT)).scalar_subquery()
        case "trigger":
            counted = named_table(
                "external_version", column("relation", TEXT), column("number"), schema="onemap"
            )
            name = literal(f"{table.schema}.{table.table}", TEXT)
            found = select(cast(counted.c.number, TEXT)).where(counted.c.relation == name)
            return func.coalesce(found.scalar_subquery(), literal("0", TEXT))


def validity_of(layer: Layer) -> tuple[str | None, str | None]:
    """The columns of dates from and to which a row is valid."""
    first, last = layer.validity
    return (VALID[0] if first else None, VALID[1] if last else None)


def _text(shown: ColumnElement[Any], native: str) -> ColumnElement[Any]:
    if native == "text":
        return shown
    if native in INSTANTS:  # one without a zone is no moment: 2024-01-01T08:00:00
        return moment_text(shown)
    return cast(shown, TEXT)


def _day(moment: ColumnElement[Any], native: str) -> ColumnElement[Any]:
    """The date on the wall in China."""
    if native == "timestamptz":
        local = func.timezone(literal(CHINA, TEXT), moment, type_=TIMESTAMP())
        return cast(local, DATE)
    return cast(moment, DATE) if native == "timestamp" else moment


def _division(code: ColumnElement[Any]) -> ColumnElement[Any]:
    """A division code without its padding zeros, as managed rows have it."""
    padding = {12: "(000){1,2}$", 9: "000$"}
    return case(
        *(
            (
                func.length(code) == literal(digits, INTEGER),
                func.regexp_replace(code, literal(zeros, TEXT), literal("", TEXT)),
            )
            for digits, zeros in padding.items()
        ),
        else_=code,
    )
