"""From an external layer's entry and the database to a layer that can be served, or the findings.

Whatever is not certain is refused with what would help: a layer that shows a table in the wrong
place, or every row to a caller of one county, is worse than none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import External, ExternalColumn, Field, Layer
from config.vocabulary import FieldType, GeometryKind, Text
from providers.crs import WHOLE, Bounds
from providers.database import DatabaseRole, connect
from providers.external_catalog import (
    FoundColumn,
    FoundTable,
    extent,
    find_table,
    is_counted,
)
from providers.external_place import Place, find_place
from providers.external_rows import INSTANTS, field_type
from providers.external_table import (
    KEY_KINDS,
    ExternalRefused,
    ExternalTable,
    KeyKind,
    described,
    is_described,
    trigger_sql,
    with_extent,
)
from providers.relations import SYSTEM_PROPERTIES, degrees_code
from providers.tables import CURRENT, HISTORY, MOSAIC, OVERVIEW, PARTS

OWN_SCHEMAS = ("onemap", CURRENT, HISTORY, PARTS, OVERVIEW, MOSAIC, "procrastinate")
SHAPES = ("geometry", "geography", "raster", "topogeometry")
UNSHOWN = (*SHAPES, "bytea")
ORDERED = ("int2", "int4", "int8", "numeric", "date", *INSTANTS, "text", "varchar")
MOST_NAME_BYTES = 63  # beyond, PostgreSQL cuts a name


def describe(connection: Connection[TupleRow], layer: Layer, before: Layer | None = None) -> Layer:
    """The external layer with fields, geometry and key as the database has them.

    *connection* has the serving role's rights. *before* is the layer as it was described last:
    where nothing has changed, a view's extent is not measured again.

    Raises
    ------
    ExternalRefused
        With every finding, each of which says what would help.
    """
    found = described_now(connection, layer)
    known = before.external if before is not None and before == found else None
    if isinstance(known, ExternalTable) and known.view and known.extent is not None:
        return with_extent(found, known.extent)
    try:
        return with_extent(found, _extent(connection, found))
    except psycopg.Error as error:
        raise _refused(layer, error) from error


def described_now(connection: Connection[TupleRow], layer: Layer) -> Layer:
    """The same without its extent, which may take long to measure."""
    external = layer.external
    if external is None:
        raise ValueError(f"{layer.id} is not an external layer")
    try:
        with connection.transaction():
            return _described(connection, layer, external)
    except psycopg.Error as error:
        raise _refused(layer, error) from error


def _refused(layer: Layer, error: psycopg.Error) -> ExternalRefused:
    told = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ExternalRefused(layer.id, [f"the database refused to look at it: {told}"])


def _described(connection: Connection[TupleRow], layer: Layer, external: External) -> Layer:
    if external.schema in OWN_SCHEMAS:
        raise ExternalRefused(layer.id, [f"the schema {external.schema} is OneMap's own"])
    table = find_table(connection, external.schema, external.table)
    if isinstance(table, str):
        raise ExternalRefused(layer.id, [table])
    findings: list[str] = []
    key = _key(table, external, findings)
    place = find_place(connection, table, external, findings)
    shown = _shown(table, external, findings)
    made = [_field(table, one, column) for one, column in shown]
    _check_version(connection, table, external, findings)
    _check_entry(layer, shown, made, place, findings)
    if findings or key is None:
        raise ExternalRefused(layer.id, findings)
    kind = place.kind if place else GeometryKind.NONE
    own = {f.name: getattr(external, f.name) for f in fields(External)}
    return replace(
        layer,
        specification=replace(layer.specification, geometry=kind, fields=tuple(made)),
        identity=tuple(f.code for f, (_, c) in zip(made, shown, strict=True) if c.name == key.name),
        external=ExternalTable(
            **own,
            key_column=key.name,
            key_kind=KEY_KINDS[key.type],
            view=table.view,
            types={c.name: c.type for c in table.columns},
            shown=tuple(c.name for _, c in shown),
            definition=table.definition,
            place=place.column if place else None,
            srid=place.srid if place else None,
            curved=place.curved if place else False,
            everywhere=place.everywhere if place else False,
            area=place.area if place else WHOLE,
        ),
    )


def _key(table: FoundTable, external: External, findings: list[str]) -> FoundColumn | None:
    usable = {c.name: c for c in table.columns if _can_be_key(c)}
    if external.key is None:
        for name in table.keys:
            if name in usable:
                return usable[name]
        what = "a view" if table.view else "the table has no primary key of one column"
        findings.append(f"key: {what}; name the column that identifies a row with key:")
        return None
    if external.key not in usable:
        findings.append(
            f"key: {external.key!r} is no column of whole numbers, text or uuid in it;"
            f" such are {', '.join(usable) or 'none'}"
        )
        return None
    if not table.view and external.key not in table.keys:
        findings.append(
            f"key: {external.key!r} may repeat or be missing: it needs NOT NULL and a unique index"
        )
        return None
    return usable[external.key]


def _can_be_key(column: FoundColumn) -> bool:
    kind = KEY_KINDS.get(column.type)
    return kind is not None and (kind is not KeyKind.NUMBER or column.scale == 0)


def _shown(
    table: FoundTable, external: External, findings: list[str]
) -> list[tuple[ExternalColumn, FoundColumn]]:
    if not external.columns:
        readable = [c for c in table.columns if c.type not in UNSHOWN]
        chosen = [(ExternalColumn(name=c.name, column=c.name), c) for c in readable]
    else:
        chosen = []
        for one in external.columns:
            column = table.column(one.column)
            if column is None:
                findings.append(f"columns: there is no column {one.column!r}")
            elif column.type in UNSHOWN:
                findings.append(f"columns: {one.column!r} ({column.type}) cannot be shown")
            else:
                chosen.append((one, column))
    for one, _ in chosen:
        if one.name in SYSTEM_PROPERTIES:
            findings.append(f"columns: {one.name!r} is OneMap's own name; give another with name:")
        if len(one.name.encode()) > MOST_NAME_BYTES:
            findings.append(f"columns: {one.name!r} is longer than {MOST_NAME_BYTES} bytes")
    return chosen


def _field(table: FoundTable, one: ExternalColumn, column: FoundColumn) -> Field:
    comment = column.comment or one.name
    coded = one.code_list is not None  # codes are text, whatever holds them
    return Field(
        code=one.name,
        title=one.title or Text(zh=comment, en=comment),
        type=FieldType.TEXT if coded else field_type(column.type),
        length=column.length,
        decimals=column.scale,
        required=column.required and not table.view,
        unit=one.unit,
        code_list=one.code_list,
    )


def _check_version(
    connection: Connection[TupleRow], table: FoundTable, external: External, findings: list[str]
) -> None:
    match external.version:
        case "column":
            watched = table.column(external.version_column or "")
            if watched is None or watched.type not in ORDERED:
                findings.append(
                    f"version: {external.version_column!r} is no column of moments, dates, numbers"
                    " or text in it"
                )
        case "trigger":
            relation = f"{external.schema}.{external.table}"
            if not is_counted(connection, table, relation):
                example = ("SCHEMA", "TABLE_THAT_IT_READS") if table.view else None
                findings.append(
                    "version: nothing counts its changes yet; its owner runs:"
                    f" {trigger_sql(external, example)}"
                )


def _check_entry(
    layer: Layer,
    shown: list[tuple[ExternalColumn, FoundColumn]],
    made: list[Field],
    place: Place | None,
    findings: list[str],
) -> None:
    """What the entry says beside the storage must fit the table."""
    types: Mapping[str, str] = {one.name: column.type for one, column in shown}
    names = {f.code for f in made}
    if layer.region == "overlap":
        findings.append("region: overlap is found at load only; name a column with region: {field}")
    elif layer.region != "none" and layer.region not in names:
        findings.append(f"region: {layer.region!r} is not shown")
    for code in layer.search:
        if code not in names:
            findings.append(f"search: {code!r} is not shown")
    for code in layer.tiles.attributes:
        if code not in names:
            findings.append(f"tiles: {code!r} is not shown")
    for code in filter(None, layer.validity):
        if types.get(code) not in ("date", *INSTANTS):
            findings.append(f"validity: {code!r} is no shown column of dates or moments")
    if layer.style is not None:
        for code in sorted(layer.style.fields - names):
            findings.append(f"style: it draws by {code!r}, which is not shown")
        if place is None or place.kind != layer.style.geometry:
            findings.append(f"style: it draws {layer.style.geometry}")


def _extent(connection: Connection[TupleRow], layer: Layer) -> Bounds | None:
    table = described(layer)
    if table.place is None or table.srid is None:
        return None
    return extent(
        connection,
        table.schema,
        table.table,
        table.place,
        srid=table.srid,
        degrees=degrees_code(table.srid),
    )


def describe_all(
    url: str, layers: Iterable[Layer]
) -> tuple[dict[str, Layer], list[ExternalRefused]]:
    """Every external layer as it is found now, by id; a refused one comes back undescribed."""
    found: dict[str, Layer] = {}
    refused: list[ExternalRefused] = []
    with connect(url, DatabaseRole.READER) as connection:
        for layer in layers:
            if layer.external is None:
                continue
            before = layer if is_described(layer) else None
            try:
                found[layer.id] = describe(connection, layer, before)
            except ExternalRefused as error:
                refused.append(error)
                found[layer.id] = replace(layer, external=_entry(layer.external))
    return found, refused


def _entry(external: External) -> External:
    """What the catalogue's entry says, without what was found."""
    return External(**{f.name: getattr(external, f.name) for f in fields(External)})
