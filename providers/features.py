"""From a checked feature query to one statement; pure, no connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import (
    BIGINT,
    DATE,
    DOUBLE_PRECISION,
    INTEGER,
    TEXT,
    aggregate_order_by,
)

from config.model import Field, Layer
from config.vocabulary import FieldType, GeometryKind
from providers.access import Scope
from providers.errors import BadParameter
from providers.external_table import Key
from providers.relations import SYSTEM_PROPERTIES, Relation, columns_of

DEFAULT_LIMIT, MAX_LIMIT = 10, 10_000
MAX_LIMIT_DIGITS = 15
MAX_VALUE_CHARACTERS = 1_000
COORDINATE_DIGITS = 9
# What a query parameter says is never the value of an attribute of the same name.
PAGING = frozenset({"f", "lang", "limit", "offset", "cursor", "datetime", "asOf"})
FILTERING = frozenset({"bbox", "bbox-crs", "q", "filter", "filter-lang", "filter-crs", "sortby"})
RESERVED = PAGING | FILTERING | {"crs", "properties", "skipGeometry"}
type Window = tuple[float, float, float, float]
type Days = tuple[date, date]  # both inclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureQuery:
    """One page of features: which window, which values, valid when, after which key, how many."""

    limit: int = DEFAULT_LIMIT
    windows: tuple[Window, ...] = ()  # west, south, east, north; two across the antimeridian
    equals: tuple[tuple[Field, Any], ...] = ()  # sorted by field code
    valid: Days | None = None  # rows valid on one of these days, where rows say so
    after: Key | None = None

    @property
    def shape(self) -> tuple[Any, ...]:
        """What the statement's text depends on."""
        codes = tuple(f.code for f, _ in self.equals)
        return (len(self.windows), codes, self.valid is not None, self.after is not None)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the statement's binds."""
        values: dict[str, Any] = {"limit": self.limit, "after": self.after}
        for i, window in enumerate(self.windows):
            values |= {f"{side}_{i}": v for side, v in zip("wsen", window, strict=True)}
        values |= {f"p_{i}": value for i, (_, value) in enumerate(self.equals)}
        return values | days_parameters(self.valid)


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
                if not -(2**63) <= value < 2**63:
                    raise BadParameter(field.code, text, "a 64-bit integer")
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


def page_statement(
    layer: Layer, relation: Relation, query: FeatureQuery, scope: Scope
) -> Select[Any]:
    """One page in key order as one row: features (GeoJSON text), count, last key, more, version.

    The features arrive joined by commas, as the caller may see them; the database writes the
    text, so that nothing is parsed and written again on the way.
    """
    limit = bindparam("limit", type_=INTEGER)

    def chosen(rows: FromClause) -> list[ColumnElement[bool]]:
        return [relation.visible(scope, rows), *_conditions(relation, rows, query)]

    rows = relation.first(
        columns_of(layer, relation),
        chosen,
        lambda rows: [rows.c.fid],
        limit + 1,  # the extra row says whether a next page exists
    )
    position = func.row_number().over(order_by=rows.c.fid).label("position")
    fid = rows.c.fid if relation.whole_keys else cast(rows.c.fid, TEXT)
    feature = _feature(layer, relation, rows).label("feature")
    page = select(fid.label("fid"), feature, position).subquery("page")
    inside = page.c.position <= limit
    separated = aggregate_order_by(literal(",", TEXT), page.c.position)
    return select(
        func.string_agg(page.c.feature, separated).filter(inside).label("features"),
        func.count().filter(inside).label("count"),
        func.max(page.c.fid).filter(page.c.position == limit).label("last"),
        (func.count() > limit).label("more"),
        relation.version.label("version"),
    ).select_from(page)


def item_statement(
    layer: Layer, relation: Relation, scope: Scope, *, valid: bool = False
) -> Select[Any]:
    """One feature by business id: its GeoJSON text, and what tells that something in it changed.

    The row's hash covers what the row says; region, plan and document stand beside it.
    """

    def chosen(rows: FromClause) -> list[ColumnElement[bool]]:
        within = in_days(relation, rows) if valid else []
        return [relation.is_named(rows), relation.visible(scope, rows), *within]

    names = columns_of(layer, relation)
    rows = relation.first(names, chosen, lambda rows: [], literal(1, INTEGER))
    beside = (rows.c.om_region, rows.c.om_plan, rows.c.om_basis)
    said = func.json_build_array(rows.c.om_hash, *beside)
    return select(_feature(layer, relation, rows).label("feature"), cast(said, TEXT))


def extent_statement(relation: Relation, scope: Scope) -> Select[Any]:
    """West, south, east, north of the rows that the caller may see; nulls where there are none."""
    (branch,) = relation.branches
    box = func.ST_Extent(relation.degrees(branch.rows.c.geom))
    sides = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    return select(*(side(box) for side in sides)).where(
        *branch.conditions, relation.visible(scope, branch.rows)
    )


def in_days(relation: Relation, rows: FromClause) -> list[ColumnElement[bool]]:
    """The rows that are valid on a bound day: begun by its end, not over at its beginning."""
    begin, end = (rows.c[name] if name else None for name in relation.validity)
    conditions: list[ColumnElement[bool]] = []
    if begin is not None:
        conditions.append(begin <= bindparam("valid_end", type_=DATE))
    if end is not None:
        conditions.append(or_(end.is_(None), end >= bindparam("valid_start", type_=DATE)))
    return conditions


def days_parameters(days: Days | None) -> dict[str, Any]:
    """The values of the binds of `in_days`."""
    return {} if days is None else {"valid_start": days[0], "valid_end": days[1]}


def _conditions(
    relation: Relation, rows: FromClause, query: FeatureQuery
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.windows:
        conditions.append(or_(*(_touches(relation, rows, i) for i in range(len(query.windows)))))
    for i, (field, _) in enumerate(query.equals):
        attribute = relation.attribute(rows, field)
        kind = BIGINT() if field.type is FieldType.INTEGER else attribute.type
        conditions.append(attribute == bindparam(f"p_{i}", type_=kind))
    if query.valid is not None:
        conditions += in_days(relation, rows)
    if query.after is not None:
        conditions.append(rows.c.fid > bindparam("after", type_=relation.key))
    return conditions


def _touches(relation: Relation, rows: FromClause, number: int) -> ColumnElement[bool]:
    sides = (bindparam(f"{side}_{number}", type_=DOUBLE_PRECISION) for side in "wsen")
    return func.ST_Intersects(rows.c.geom, relation.moved_window(*sides))


def _feature(layer: Layer, relation: Relation, rows: FromClause) -> ColumnElement[Any]:
    """A GeoJSON Feature as text: 4490 is CRS84's numbers, a relabelling and no transformation."""
    geometry: ColumnElement[Any] = literal("null", TEXT)
    if layer.geometry is not GeometryKind.NONE:
        digits, options = literal(COORDINATE_DIGITS, INTEGER), literal(0, INTEGER)
        shape = relation.degrees(relation.plain(rows.c.geom))
        geometry = func.ST_AsGeoJSON(shape, digits, options)
        if relation.table is not None:  # another's column may be null
            geometry = func.coalesce(geometry, literal("null", TEXT))
    columns = {f.code: relation.attribute(rows, f) for f in layer.fields}
    columns |= {name: rows.c[name] for name in SYSTEM_PROPERTIES}
    row = select(*(each.label(name) for name, each in columns.items()))
    values = row.correlate(rows).lateral("p")
    properties = select(func.row_to_json(values.table_valued())).correlate(rows).scalar_subquery()
    return func.concat(
        literal('{"type":"Feature","id":', TEXT),
        func.to_json(rows.c.om_id),
        literal(',"geometry":', TEXT),
        geometry,
        literal(',"properties":', TEXT),
        properties,
        literal("}", TEXT),
    )


def parse_equals(layer: Layer, parameters: Mapping[str, str]) -> tuple[tuple[Field, Any], ...]:
    """Attribute equality from the parameters that name fields."""
    named = sorted((name, text) for name, text in parameters.items() if name not in RESERVED)
    found = ((layer.field(name), text) for name, text in named)
    return tuple((field, parse_value(field, text)) for field, text in found if field is not None)
