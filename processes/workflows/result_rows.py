"""From the features of an output to the rows of a table: names, types and places of their values."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from config.vocabulary import FieldType, GeometryKind
from processes.workflows.feature_input import in_registry_order, stored_from
from providers.access import SRID
from providers.crs import parse_crs

MOST_OF_ID = 500  # characters
MOST_COLUMNS = 500
MOST_NAME_BYTES = 60  # with room for a number before PostgreSQL cuts a name
DEEPEST = 3  # objects in objects that become columns; deeper ones are text
LARGEST = 2**63
RESERVED = frozenset({"fid", "geom", "geometry", "om_id", "om_hash", "om_area_m2", "om_region"})
SYSTEM = frozenset({"om_plan", "om_basis", "om_edition"})
KINDS: Mapping[str, GeometryKind] = {
    "Point": GeometryKind.POINT,
    "MultiPoint": GeometryKind.POINT,
    "LineString": GeometryKind.LINE,
    "MultiLineString": GeometryKind.LINE,
    "LinearRing": GeometryKind.LINE,
    "Polygon": GeometryKind.POLYGON,
    "MultiPolygon": GeometryKind.POLYGON,
}
MULTI: Mapping[GeometryKind, Callable[[list[Any]], Any]] = {
    GeometryKind.POINT: shapely.multipoints,
    GeometryKind.LINE: shapely.multilinestrings,
    GeometryKind.POLYGON: shapely.multipolygons,
}
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": None})

type Extent = tuple[float, float, float, float]


class NoLayer(Exception):
    """Features that cannot be the rows of one table; the message is one plain sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Features as rows, in memory: their columns, and one text of COPY for each row."""

    geometry: GeometryKind
    fields: tuple[tuple[str, FieldType], ...]
    extent: Extent | None
    ids: tuple[str, ...]
    values: Sequence[Mapping[str, Any]]
    shapes: NDArray[np.object_]

    def write(self, file: BinaryIO) -> None:
        """The rows as COPY reads them: fid, om_id, om_hash, the values, the geometry (EWKB)."""
        for row in self._rows():
            file.write("\t".join(row).encode())
            file.write(b"\n")

    def _rows(self) -> Iterator[list[str]]:
        hexes = shapely.to_wkb(
            shapely.set_srid(self.shapes, SRID), hex=True, include_srid=True, output_dimension=2
        )
        for number, (name, values, shape) in enumerate(
            zip(self.ids, self.values, hexes, strict=True), start=1
        ):
            texts = [_text(values.get(code), kind) for code, kind in self.fields]
            place = "\\N" if shape is None else shape
            digest = hashlib.sha256("\t".join((name, *texts, place)).encode()).hexdigest()[:32]
            yield [str(number), name.translate(ESCAPES), digest, *texts, place]


def read_table(collection: Mapping[str, Any]) -> Table:
    """The table that a FeatureCollection is.

    Raises
    ------
    NoLayer
        For geometries of several kinds, or more properties than a table has columns.
    """
    features: Sequence[Mapping[str, Any]] = collection["features"]
    shapes, kind = _shapes(features, collection.get("coordRefSys"))
    named: dict[tuple[str, ...], str] = {}
    flat = [dict(_flat((), f.get("properties") or {})) for f in features]
    paths = dict.fromkeys(path for one in flat for path in one)
    if len(paths) > MOST_COLUMNS:
        raise NoLayer(
            f"The features have {len(paths)} different properties; a collection of results has at"
            f" most {MOST_COLUMNS}."
        )
    for path in paths:
        named[path] = _name(path, set(map(str.casefold, named.values())))
    types = {path: _type([one[path] for one in flat if path in one]) for path in named}
    values = [{named[path]: value for path, value in one.items()} for one in flat]
    west, south, east, north = shapely.total_bounds(shapes) if len(shapes) else (math.nan,) * 4
    there = not math.isnan(west)
    return Table(
        geometry=kind,
        fields=tuple((name, types[path]) for path, name in named.items()),
        extent=(float(west), float(south), float(east), float(north)) if there else None,
        ids=_ids(features),
        values=values,
        shapes=shapes,
    )


def _shapes(
    features: Sequence[Mapping[str, Any]], crs: str | None
) -> tuple[NDArray[np.object_], GeometryKind]:
    """Geometries of the Multi type in storage; where there are none, a layer of polygons."""
    texts = [
        None if f.get("geometry") is None else orjson.dumps(f["geometry"]).decode()
        for f in features
    ]
    shapes = shapely.from_geojson(np.array(texts, dtype=object))
    shapes[shapely.is_empty(shapes)] = None
    if crs is not None:
        system = parse_crs(crs)
        shapes = stored_from(in_registry_order(shapes, system), system)
    shapes = shapely.force_2d(shapes)
    found = {one.geom_type for one in shapes if one is not None}
    kinds = {KINDS.get(name) for name in found} or {GeometryKind.POLYGON}
    if None in kinds or len(kinds) > 1:
        raise NoLayer(
            f"The features are {', '.join(sorted(found))}; a collection of results holds points,"
            " lines or polygons, one of the three."
        )
    (kind,) = kinds
    assert kind is not None
    for place, one in enumerate(shapes):
        if one is not None and not one.geom_type.startswith("Multi"):
            shapes[place] = MULTI[kind]([one])
    return shapes, kind


def _flat(
    path: tuple[str, ...], values: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Values by their paths; objects in objects are told by longer ones."""
    for key, value in values.items():
        further = (*path, str(key))
        if isinstance(value, Mapping) and value and len(further) < DEEPEST:
            yield from _flat(further, value)
        else:
            yield further, value


def _name(path: tuple[str, ...], taken: set[str]) -> str:
    """A column's name: the keys on its path but `properties`, joined; different from all others."""
    keys = [key for n, key in enumerate(path) if not (n and key == "properties")]
    text = "".join(c for c in "_".join(keys) if c.isprintable()).strip() or "value"
    text = text.encode()[:MOST_NAME_BYTES].decode(errors="ignore")
    text = f"{text}_" if text.casefold() in RESERVED | SYSTEM else text
    name, number = text, 1
    while name.casefold() in taken:
        number += 1
        name = text.encode()[: MOST_NAME_BYTES - 4].decode(errors="ignore") + f"_{number}"
    return name


def _type(values: Iterable[Any]) -> FieldType:
    """The type that holds every value; what is mixed is text."""
    kinds = {_kind(value) for value in values if value is not None}
    if not kinds:
        return FieldType.TEXT
    if kinds == {FieldType.INTEGER, FieldType.DECIMAL}:
        return FieldType.DECIMAL
    return kinds.pop() if len(kinds) == 1 else FieldType.TEXT


def _kind(value: Any) -> FieldType:
    match value:
        case bool():
            return FieldType.BOOLEAN
        case int() if -LARGEST <= value < LARGEST:
            return FieldType.INTEGER
        case int() | float():
            return FieldType.DECIMAL
        case _:
            return FieldType.TEXT


def _text(value: Any, kind: FieldType) -> str:
    """A value as COPY reads it."""
    if value is None:
        return "\\N"
    if kind is FieldType.BOOLEAN:
        return "t" if value else "f"
    if kind is FieldType.DECIMAL:
        return repr(float(value))
    if kind is FieldType.INTEGER:
        return str(value)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text.translate(ESCAPES)


def _ids(features: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The features' own ids where each has another one, else their numbers."""
    given = tuple(str(f["id"]).replace("\x00", "") for f in features if f.get("id") is not None)
    short = max(map(len, given), default=0) <= MOST_OF_ID  # an index has no room for long ones
    if short and len(given) == len(features) and len(set(given)) == len(given) and all(given):
        return given
    return tuple(str(number) for number in range(1, len(features) + 1))
