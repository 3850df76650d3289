"""Features as JSON-FG 1.0 (OGC 21-045r1): GeoJSON with reference systems, time and type.

A geometry in WGS 84, longitude first, stands in `geometry` as ever; in any other system it stands in
`place`, in the axis order of the registry, and `geometry` is null, or with the profile jsonfg-plus
the same in WGS 84.
"""

from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, case, cast, func, literal
from sqlalchemy.dialects.postgresql import TEXT

from config.model import Layer
from config.vocabulary import GeometryKind
from providers.crs import CRS84, Crs
from providers.feature_text import NULL, geometry_text, properties_text
from providers.relations import Relation

CONFORMANCE = "http://www.opengis.net/spec/json-fg-1/1.0/conf/"
PROFILES = "http://www.opengis.net/def/profile/OGC/0/"
WITH_FALLBACK = frozenset({"jsonfg-plus"})
OPEN = ".."
DIMENSIONS = {GeometryKind.POINT: 0, GeometryKind.LINE: 1, GeometryKind.POLYGON: 2}


class Shown(Protocol):
    """How features are written."""

    @property
    def crs(self) -> Crs: ...
    @property
    def form(self) -> str: ...
    def names(self, layer: Layer) -> list[str]: ...
    def draws(self, layer: Layer) -> bool: ...


def feature(layer: Layer, relation: Relation, rows: FromClause, shown: Shown) -> ColumnElement[Any]:
    """A JSON-FG feature that is part of a document; what the document says of all is in `head`."""
    geometry: ColumnElement[Any] = NULL
    place: ColumnElement[Any] = NULL
    if shown.draws(layer) and _placed(shown):
        place = func.coalesce(geometry_text(relation, rows.c.geom, shown.crs), NULL)
    if shown.draws(layer) and (not _placed(shown) or shown.form in WITH_FALLBACK):
        geometry = geometry_text(relation, rows.c.geom, CRS84)
    return func.concat(
        literal('{"type":"Feature","id":', TEXT),
        func.to_json(rows.c.om_id),
        literal(',"time":', TEXT),
        _time(relation, rows),
        literal(',"place":', TEXT),
        place,
        literal(',"geometry":', TEXT),
        geometry,
        literal(',"properties":', TEXT),
        properties_text(relation, rows, shown.names(layer)),
        literal("}", TEXT),
    )


def head(
    layer: Layer, shown: Shown, *, schema: str | None = None, collection: bool = True
) -> dict[str, Any]:
    """What a JSON-FG document says of all its features.

    Parameters
    ----------
    schema : str, optional
        The address of the layer's schema (Features Part 5), where it has one.
    collection : bool
        Whether the document is a collection, which has one dimension; else it is one feature.
    """
    said: dict[str, Any] = {
        "conformsTo": [f"{CONFORMANCE}core", f"{CONFORMANCE}types-schemas"],
        "featureType": layer.id,
    }
    if schema is not None:
        said["featureSchema"] = schema
    if shown.draws(layer):
        if collection:
            said["geometryDimension"] = DIMENSIONS[layer.geometry]
        if _placed(shown):
            said["coordRefSys"] = shown.crs.uri
    return said


def _placed(shown: Shown) -> bool:
    """Whether geometries stand in `place`: all that are not in WGS 84 with longitude first."""
    return shown.crs != CRS84


def _time(relation: Relation, rows: FromClause) -> ColumnElement[Any]:
    """The days on which a row is valid, both inclusive; null where it does not say."""
    first, last = (rows.c[name] if name else None for name in relation.validity)
    known = [day for day in (first, last) if day is not None]
    if not known:
        return NULL
    interval = func.concat(
        literal('{"interval":[', TEXT),
        _day(first),
        literal(",", TEXT),
        _day(last),
        literal("]}", TEXT),
    )
    return case((func.coalesce(*known).is_not(None), interval), else_=NULL)


def _day(day: ColumnElement[Any] | None) -> ColumnElement[Any]:
    unbounded = literal(f'"{OPEN}"', TEXT)
    if day is None:
        return unbounded
    written = cast(func.to_json(func.to_char(day, literal("YYYY-MM-DD", TEXT))), TEXT)
    return case((func.isfinite(day), written), else_=unbounded)
