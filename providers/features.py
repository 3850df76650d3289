"""From a checked feature query to one statement; pure, no connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    Table,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import table as named_table
from sqlalchemy.dialects.postgresql import (
    BIGINT,
    DOUBLE_PRECISION,
    INTEGER,
    TEXT,
    aggregate_order_by,
)

from config.model import Field, Layer
from config.vocabulary import FieldType, GeometryKind
from providers.access import SRID, Scope
from providers.errors import BadParameter

DEFAULT_LIMIT, MAX_LIMIT = 10, 10_000
MAX_LIMIT_DIGITS = 15
MAX_VALUE_CHARACTERS = 1_000
SYSTEM_PROPERTIES = ("om_area_m2", "om_region", "om_plan", "om_basis")
COORDINATE_DIGITS = 9
EDITION = named_table(
    "edition", column("layer"), column("edition"), column("revision"), schema="onemap"
)
type Window = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureQuery:
    """One page of features: which window, which attribute values, after which key, how many."""

    limit: int = DEFAULT_LIMIT
    windows: tuple[Window, ...] = ()  # west, south, east, north; two across the antimeridian
    equals: tuple[tuple[Field, Any], ...] = ()  # sorted by field code
    after: int | None = None

    @property
    def shape(self) -> tuple[Any, ...]:
        """What the statement's text depends on."""
        return (len(self.windows), tuple(f.code for f, _ in self.equals), self.after is not None)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the statement's binds."""
        values: dict[str, Any] = {"limit": self.limit, "after": self.after}
        for i, window in enumerate(self.windows):
            values |= {f"{side}_{i}": v for side, v in zip("wsen", window, strict=True)}
        return values | {f"p_{f.column}": value for f, value in self.equals}


def parse_limit(text: str) -> int:
    """More than the maximum is the maximum (OGC 17-069r4, /req/core/fc-limit-response-1)."""
    if text.isascii() and text.isdigit() and len(text) <= MAX_LIMIT_DIGITS:
        return min(MAX_LIMIT, parse_whole("limit", text, 1, 10**MAX_LIMIT_DIGITS))
    raise BadParameter("limit", text, f"an integer from 1; at most {MAX_LIMIT} come at once")


def parse_whole(name: str, text: str, low: int, high: int) -> int:
    """A whole number in plain digits; BadParameter beyond its bounds."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not low <= int(text) <= high:
        raise BadParameter(name, text, f"an integer from {low} to {high}")
    return int(text)


def parse_bbox(text: str) -> tuple[Window, ...]:
    """Longitude and latitude in degrees; six numbers carry a height range that 2D layers ignore."""
    expected = "4 (or 6) numbers west,south,east,north in degrees, south <= north"
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise BadParameter("bbox", text, expected) from None
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(map(isfinite, numbers)):
        raise BadParameter("bbox", text, expected)
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise BadParameter("bbox", text, expected)
    if west > east:
        return ((west, south, 180.0, north), (-180.0, south, east, north))
    return ((west, south, east, north),)


def parse_value(field: Field, text: str) -> Any:
    """The typed value of an attribute parameter."""
    if len(text) > MAX_VALUE_CHARACTERS or "\x00" in text:
        raise BadParameter(field.code, text, f"at most {MAX_VALUE_CHARACTERS} printable characters")
    expected = f"{'an' if field.type is FieldType.INTEGER else 'a'} {field.type} value"
    try:
        match field.type:
            case FieldType.TEXT:
                return text
            case FieldType.INTEGER:
                value = int(text) if text.isascii() else 2**63
                if not -(2**31) <= value < 2**31:
                    raise BadParameter(field.code, text, "a 32-bit integer")
                return value
            case FieldType.DECIMAL:
                number = Decimal(text)
                if not number.is_finite() or abs(number.adjusted()) > 100:
                    raise BadParameter(field.code, text, expected)
                return number
            case FieldType.DATE:
                return date.fromisoformat(text)
            case FieldType.BOOLEAN:
                return {"true": True, "false": False}[text]
    except (ValueError, KeyError, InvalidOperation):
        raise BadParameter(field.code, text, expected) from None


def page_statement(layer: Layer, table: Table, query: FeatureQuery, scope: Scope) -> Select[Any]:
    """One page in key order as one row: features (GeoJSON text), count, last key, more.

    The features arrive joined by commas, as the caller may see them; the database writes the
    text, so that nothing is parsed and written again on the way.
    """
    limit = bindparam("limit", type_=INTEGER)
    rows = (
        select(table.c.fid, _feature(layer, table).label("feature"))
        .where(scope.predicate(table), *_conditions(table, query))
        .order_by(table.c.fid)
        .limit(limit + 1)  # the extra row says whether a next page exists
        .subquery("rows")
    )
    position = func.row_number().over(order_by=rows.c.fid).label("position")
    page = select(rows.c.fid, rows.c.feature, position).subquery("page")
    inside = page.c.position <= limit
    separated = aggregate_order_by(literal(",", TEXT), page.c.position)
    return select(
        func.string_agg(page.c.feature, separated).filter(inside).label("features"),
        func.count().filter(inside).label("count"),
        func.max(page.c.fid).filter(inside).label("last"),
        (func.count() > limit).label("more"),
        revision_in_snapshot().label("revision"),
    ).select_from(page)


def item_statement(layer: Layer, table: Table, scope: Scope) -> Select[Any]:
    """One feature by business id: its GeoJSON text and its hash."""
    return select(_feature(layer, table).label("feature"), table.c.om_hash).where(
        table.c.om_id == bindparam("om_id", type_=TEXT), scope.predicate(table)
    )


def extent_statement(table: Table, scope: Scope) -> Select[Any]:
    """West, south, east, north of the rows that the caller may see; nulls where there are none."""
    box = func.ST_Extent(table.c.geom)
    sides = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    return select(*(side(box) for side in sides)).where(scope.predicate(table))


def revision_in_snapshot() -> ScalarSelect[Any]:
    """The edition's revision as the statement itself sees it; binds `layer` and `edition`."""
    return (
        select(EDITION.c.revision)
        .where(
            EDITION.c.layer == bindparam("layer", type_=TEXT),
            EDITION.c.edition == bindparam("edition", type_=TEXT),
        )
        .scalar_subquery()
    )


def _conditions(table: Table, query: FeatureQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.windows:
        conditions.append(or_(*(_touches(table, i) for i in range(len(query.windows)))))
    for field, _ in query.equals:
        attribute = table.c[field.column]
        conditions.append(attribute == bindparam(f"p_{field.column}", type_=attribute.type))
    if query.after is not None:
        conditions.append(table.c.fid > bindparam("after", type_=BIGINT))
    return conditions


def _touches(table: Table, number: int) -> ColumnElement[bool]:
    sides = (bindparam(f"{side}_{number}", type_=DOUBLE_PRECISION) for side in "wsen")
    return func.ST_Intersects(table.c.geom, func.ST_MakeEnvelope(*sides, literal(SRID, INTEGER)))


def _feature(layer: Layer, table: Table) -> ColumnElement[Any]:
    """A GeoJSON Feature as text: 4490 is CRS84's numbers, a relabelling and no transformation."""
    geometry: ColumnElement[Any] = literal("null", TEXT)
    if layer.geometry is not GeometryKind.NONE:
        digits, options = literal(COORDINATE_DIGITS, INTEGER), literal(0, INTEGER)
        geometry = func.ST_AsGeoJSON(table.c.geom, digits, options)
    columns = {f.code: table.c[f.column] for f in layer.fields}
    columns |= {name: table.c[name] for name in SYSTEM_PROPERTIES}
    row = select(*(each.label(name) for name, each in columns.items()))
    values = row.correlate(table).lateral("p")
    properties = select(func.row_to_json(values.table_valued())).correlate(table).scalar_subquery()
    return func.concat(
        literal('{"type":"Feature","id":', TEXT),
        func.to_json(table.c.om_id),
        literal(',"geometry":', TEXT),
        geometry,
        literal(',"properties":', TEXT),
        properties,
        literal("}", TEXT),
    )


def parse_equals(layer: Layer, parameters: Mapping[str, str]) -> tuple[tuple[Field, Any], ...]:
    """Attribute equality from the parameters that name fields."""
    found = ((layer.field(name), text) for name, text in sorted(parameters.items()))
    return tuple((field, parse_value(field, text)) for field, text in found if field is not None)
