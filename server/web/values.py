"""How JSON values are told apart and summarised for the plain faces (pure functions)."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Final

MAX_DEPTH: Final = 8  # deeper nesting is shown as JSON text
MAX_COLUMNS: Final = 12  # wider objects read better one below the other

GEOMETRY_TYPES: Final = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"}
)
COLOUR: Final = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")
# A colon before the first of / ? # would start a scheme; "//" and a backslash would name a host.
SAFE_HREF: Final = re.compile(r"https?://[^\s\\]+|(?!//)[^\s\\:/?#]*(?:[/?#][^\s\\]*)?", re.I)
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)")
SHANGHAI: Final = timezone(timedelta(hours=8))  # no summer time since 1991
AREA_NAME: Final = re.compile(r"(?:.*_)?m2")  # om_area_m2, ellipsoidal_m2
AREA_UNITS: Final = frozenset({"m2", "平方米"})
AREA_DECIMALS: Final = 2
# Relations to this very page or its neighbours, and one to where only POST is answered.
NO_WAY_ON: Final = frozenset({"self", "alternate", "next", "prev", "root", "parent", "execute"})
CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")


class Kind(StrEnum):
    """The ways a JSON value can be shown."""

    MISSING = "missing"
    NUMBER = "number"
    LINK = "link"
    INSTANT = "instant"  # a date-time with its offset from UTC
    TEXT = "text"
    GEOMETRY = "geometry"
    EMPTY = "empty"
    INLINE = "inline"  # a short list of plain values
    TABLE = "table"  # a list of objects
    LIST = "list"
    OBJECT = "object"
    JSON = "json"  # nested too deeply


def kind(value: Any, depth: int = 0) -> Kind:
    """How *value* is shown at nesting *depth*."""
    if value is None:
        return Kind.MISSING
    if isinstance(value, bool):
        return Kind.TEXT
    if isinstance(value, int | float):
        return Kind.NUMBER
    if isinstance(value, str):
        web = re.match(r"https?://", value) and "{" not in value and safe_href(value)
        if web:
            return Kind.LINK
        return Kind.TEXT if local_time(value) is None else Kind.INSTANT
    if is_geometry(value):
        return Kind.GEOMETRY
    if not value:
        return Kind.EMPTY
    if depth >= MAX_DEPTH:
        return Kind.JSON
    if isinstance(value, Mapping):
        return Kind.OBJECT
    if all(isinstance(each, Mapping) for each in value):
        narrow = len(columns(value)) <= MAX_COLUMNS and not any(map(is_geometry, value))
        return Kind.TABLE if narrow else Kind.LIST
    plain = all(each is None or isinstance(each, str | int | float) for each in value)
    return Kind.INLINE if plain else Kind.LIST


def text(value: Any) -> str:
    """A plain value exactly as JSON has it, text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def local_time(value: str) -> str | None:
    """An instant as offices write it, `2026-11-27 07:07` of Asia/Shanghai; None for other text."""
    if not INSTANT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):  # of this form, but no such day or hour
        return None


def rounded_area(value: Any, name: str, unit: str | None = None) -> str | None:
    """An area in square metres with two decimals; None for what is none, or has no more of them."""
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    if unit not in AREA_UNITS and not AREA_NAME.fullmatch(name):
        return None
    shown = f"{value:.{AREA_DECIMALS}f}"
    # A sliver is no zero: it keeps its digits.
    return None if float(shown) in (value, 0.0) else shown


def unit_within(name: str) -> str | None:
    """The unit that the members of an object share by its name: `area_m2: {planar: 312.06}`."""
    return "m2" if AREA_NAME.fullmatch(name) else None


def merged(editions: Sequence[Mapping[str, Any]], shown: Mapping[str, Any] | None) -> list[Any]:
    """All *editions*, the *shown* one first where the list does not have it."""
    keys = {edition.get("key") for edition in editions}
    return [*([shown] if shown and shown.get("key") not in keys else []), *editions]


def json_text(value: Any) -> str:
    """*value* as indented JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def safe_href(value: Any) -> str | None:
    """*value* if it is an http(s) address or a relative one, else None: it is text then."""
    if not isinstance(value, str) or not value or CONTROL.search(value):
        return None
    return value if SAFE_HREF.fullmatch(value) else None


def colour(value: Any) -> str | None:
    """*value* if it is a plain hexadecimal colour."""
    return value if isinstance(value, str) and COLOUR.fullmatch(value) else None


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The members of all *rows*, in order of first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def rest(document: Mapping[str, Any], *shown: str) -> dict[str, Any]:
    """The members of *document* that the face has not shown."""
    return {name: value for name, value in document.items() if name not in shown}


def is_geometry(value: Any) -> bool:
    """Whether *value* is a GeoJSON geometry (its coordinates are summarised, not listed)."""
    if not isinstance(value, Mapping):
        return False
    name = value.get("type")  # of a plan or a schema it may be an object or a list
    if name == "GeometryCollection":
        return "geometries" in value
    return isinstance(name, str) and name in GEOMETRY_TYPES and "coordinates" in value


def positions(geometry: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """The vertices of a GeoJSON geometry, ring ends counted twice as they are written."""
    if geometry.get("type") == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from positions(part)
        return
    pending: list[Any] = [geometry["coordinates"]]
    while pending:
        node = pending.pop()
        if len(node) >= 2 and all(isinstance(number, int | float) for number in node[:2]):
            yield float(node[0]), float(node[1])
        else:
            pending.extend(node)


def geometry_summary(geometry: Mapping[str, Any]) -> dict[str, Any]:
    """Type, number of vertices and extent (west, south, east, north; degrees) of a geometry."""
    points = list(positions(geometry))
    west_east, south_north = [x for x, _ in points], [y for _, y in points]
    extent = (
        [min(west_east), min(south_north), max(west_east), max(south_north)] if points else None
    )
    return {"type": geometry["type"], "vertices": len(points), "extent": extent}


def relation(rel: str) -> str:
    """The last word of a link relation, which may be a URI."""
    return rel.rstrip("/").rpartition("/")[2]


def main_links(links: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """One link per relation that a reader can follow, the HTML one if there is one; of items, all."""
    chosen: dict[str, Mapping[str, Any]] = {}
    for link in links:
        rel = relation(str(link.get("rel", "")))
        if rel in NO_WAY_ON or link.get("templated"):
            continue
        subject = str(link["href"]) if rel == "item" else rel
        if subject not in chosen or link.get("type") == "text/html":
            chosen[subject] = link
    return list(chosen.values())


def link_to(document: Mapping[str, Any], rel: str) -> Mapping[str, Any] | None:
    """The first link of *document* with this relation."""
    links: Sequence[Mapping[str, Any]] = document.get("links") or ()
    return next((link for link in links if link.get("rel") == rel), None)


def type_name(schema: Mapping[str, Any]) -> str:
    """A JSON Schema's type in a few words: `string (date)`, `array of number`, `$ref` by name."""
    if "$ref" in schema:
        return relation(str(schema["$ref"]))
    for key in ("oneOf", "anyOf", "allOf"):
        if options := schema.get(key):
            joined = " & " if key == "allOf" else " | "
            names = dict.fromkeys(type_name(option) for option in options)
            if names.keys() - {"any", "null"} or "type" not in schema:  # not values of one type
                return joined.join(names)
    declared = schema.get("type", "")
    name = " | ".join(declared) if isinstance(declared, list) else str(declared)
    if name == "array" and isinstance(schema.get("items"), Mapping):
        return f"array of {type_name(schema['items'])}" if schema["items"] else name
    shape = schema.get("format") or schema.get("x-ogc-role")
    return f"{name} ({shape})" if name and shape else name or str(shape or "any")


def code_titles(schema: Mapping[str, Any]) -> dict[str, str]:
    """The codes of a property with what they stand for; empty where it has no code list."""
    named = schema.get("x-onemap-codes")
    if isinstance(named, Mapping):
        return {str(code): str(title) for code, title in named.items()}
    options = schema.get("oneOf")
    if not isinstance(options, list) or not all(isinstance(o, Mapping) for o in options):
        return {}
    constants = [o for o in options if "const" in o and o["const"] is not None]
    return {str(o["const"]): str(o.get("title") or "") for o in constants}
