"""The feature provider that pygeoapi sees: the same statements as our own items."""

import json
from collections.abc import Sequence
from typing import Any

from pygeoapi.provider.base import BaseProvider, SchemaType

from config.vocabulary import GeometryKind
from providers.access import ALL
from providers.conditions import Condition, ValidIn, parameters, parse_equals
from providers.cql2 import from_ast
from providers.crs import CRS84, parse_crs
from providers.errors import BadParameter, NotFound
from providers.external_table import Key, described
from providers.features import (
    MAX_OFFSET,
    FeatureQuery,
    Shown,
    count_statement,
    item_statement,
    page_statement,
    parse_properties,
)
from providers.ordering import Sort, parse_sortby
from providers.pygeoapi.filters import settled
from providers.pygeoapi.source import View, layer_of, told_upstream, view
from providers.relations import SYSTEM_PROPERTIES
from providers.search import parse_words
from providers.windows import parse_bbox

SYSTEM_FIELDS: dict[str, dict[str, Any]] = {
    "om_area_m2": {"type": "number", "title": "椭球面积", "x-ogc-unit": "m2"},
    "om_region": {"type": "string", "title": "行政区划代码"},
    "om_plan": {"type": "string", "title": "所属规划"},
    "om_basis": {"type": "string", "title": "依据文号"},
}
GEOJSON_TYPES = {
    GeometryKind.POINT: "MultiPoint",
    GeometryKind.LINE: "MultiLineString",
    GeometryKind.POLYGON: "MultiPolygon",
}
RESULT_TYPES = ("results", "hits")
NOTHING: tuple[Any, ...] = (None, 0, None, False, None)
type Feature = dict[str, Any]


class LayerProvider(BaseProvider):  # type: ignore[misc]
    """Features of one layer: the block names it as `layer:`, and a `principal:`."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self._block = provider_def
        self._layer = layer_of(provider_def)
        self.get_fields()

    def get_fields(self) -> dict[str, dict[str, Any]]:
        """The properties as JSON Schema, those of the specification and those that OneMap adds."""
        if not self._fields:
            for field in self._layer.fields:
                schema: dict[str, Any] = {**field.type.json_schema, "title": field.title.zh}
                if field.length is not None:
                    schema["maxLength"] = field.length
                if field.unit is not None:
                    schema["x-ogc-unit"] = str(field.unit)
                if field.code_list is not None:
                    schema["enum"] = list(field.code_list.codes)
                self._fields[field.code] = schema
            for name in SYSTEM_PROPERTIES:
                self._fields[name] = {**SYSTEM_FIELDS[name], "readOnly": True}
        fields: dict[str, dict[str, Any]] = self._fields
        return fields

    def get_domains(
        self, properties: Sequence[str] = (), current: bool = False
    ) -> tuple[dict[str, list[str]], bool]:
        """The code lists that the specification closes; never what happens to be in the table."""
        lists = {f.code: list(f.code_list.codes) for f in self._layer.fields if f.code_list}
        return {c: codes for c, codes in lists.items() if not properties or c in properties}, False

    def get_schema(self, schema_type: SchemaType = SchemaType.item) -> tuple[str, dict[str, Any]]:
        """A GeoJSON Feature of this layer; items are read, never written, through this face."""
        geometry: dict[str, Any] = {"nullable": True, "type": "object"}
        if self._layer.geometry is not GeometryKind.NONE:
            kind = {"type": "string", "enum": [GEOJSON_TYPES[self._layer.geometry]]}
            coordinates = {"type": "array", "items": {}}
            geometry = {"type": "object", "properties": {"type": kind, "coordinates": coordinates}}
        return "application/geo+json", {
            "type": "object",
            "required": ["type", "id", "geometry", "properties"],
            "properties": {
                "type": {"type": "string", "enum": ["Feature"]},
                "id": {"type": "string"},
                "geometry": geometry,
                "properties": {"type": "object", "properties": dict(self.get_fields())},
            },
        }

    def query(
        self,
        offset: int = 0,
        limit: int = 10,
        resulttype: str = "results",
        bbox: Sequence[float] = (),
        datetime_: str | None = None,
        properties: Sequence[tuple[str, str]] = (),
        sortby: Sequence[dict[str, str]] = (),
        select_properties: Sequence[str] = (),
        skip_geometry: bool = False,
        q: str | None = None,
        language: object = None,
        filterq: Any = None,
        crs_transform_spec: Any = None,
        **kwargs: object,
    ) -> dict[str, Any]:
        """A page, or how many there are, of the edition in force at `datetime_` or today."""
        with told_upstream():
            if resulttype not in RESULT_TYPES:
                raise BadParameter("resulttype", resulttype, f"one of {', '.join(RESULT_TYPES)}")
            if not 0 <= offset <= MAX_OFFSET:
                raise BadParameter("offset", str(offset), f"an integer from 0 to {MAX_OFFSET}")
            seen = view(self._block, datetime_)
            conditions = self._conditions(seen, bbox, dict(properties), q, filterq)
            asked = FeatureQuery(
                limit=limit,
                offset=offset,
                conditions=conditions,
                order=self._order(sortby),
                shown=self._shown(crs_transform_spec, select_properties, skip_geometry),
            )
            if resulttype == "hits":
                return _collection([], _count(seen, conditions))
            return _page(seen, asked)

    def get(
        self,
        identifier: str,
        language: object = None,
        crs_transform_spec: Any = None,
        **kwargs: object,
    ) -> Feature:
        """One feature by business id; not found also where the scope hides it."""
        with told_upstream():
            seen = view(self._block, None)
            named: Key | None = None if "\x00" in identifier else identifier
            if named is not None and seen.layer.external is not None:
                named = described(seen.layer).key_kind.parse(identifier)
            if seen.relation is None or named is None:
                raise NotFound("feature", identifier.replace("\x00", "␀"))
            shown = self._shown(crs_transform_spec)
            statement = item_statement(seen.layer, seen.relation, seen.scope, shown=shown)
            row = seen.first(statement, {"om_id": named})
            if row is None:
                raise NotFound("feature", identifier)
        feature: Feature = json.loads(row[0])
        return feature

    def _conditions(
        self,
        seen: View,
        bbox: Sequence[float],
        values: dict[str, str],
        q: str | None,
        filterq: Any,
    ) -> tuple[Condition, ...]:
        """Everything that narrows the rows; upstream has brought places to `storage_crs`, CRS84."""
        found: list[Condition] = []
        if bbox:
            found.append(parse_bbox(",".join(repr(float(side)) for side in bbox), CRS84))
        if filterq is not None:
            found.append(from_ast(settled(filterq), self._layer))
        if q is not None:
            found.append(parse_words(self._layer, q))
        if (equals := parse_equals(self._layer, values)) is not None:
            found.append(equals)
        if seen.days is not None:
            found.append(ValidIn(seen.days))
        return tuple(found)

    def _order(self, sortby: Sequence[dict[str, str]]) -> tuple[Sort, ...]:
        keys = ",".join(f"{key['order']}{key['property']}" for key in sortby)
        return parse_sortby(self._layer, keys) if keys else ()

    def _shown(
        self, spec: Any, select_properties: Sequence[str] = (), skip_geometry: bool = False
    ) -> Shown:
        """How features are written: upstream names the reference system, our SQL writes in it."""
        names = ",".join(select_properties)
        return Shown(
            crs=CRS84 if spec is None else parse_crs(spec.target_crs_uri),
            fields=parse_properties(self._layer, names) if names else None,
            geometry=not skip_geometry,
        )

    def __repr__(self) -> str:
        return f"<LayerProvider> {self._layer.id}"


def _page(seen: View, asked: FeatureQuery) -> dict[str, Any]:
    """The features of a page; how many match in all only where that costs nothing."""
    if seen.relation is None:
        return _collection([], 0)
    statement = page_statement(seen.layer, seen.relation, asked, seen.scope)
    text, count, _, more, revision = seen.first(statement, asked.parameters) or NOTHING
    features: list[Feature] = json.loads(f"[{text or ''}]")
    if not more and (count or not asked.offset):
        return _collection(features, asked.offset + count)
    everything = seen.scope.regions is ALL and seen.scope.areas is ALL and not asked.conditions
    known = seen.state if everything else None
    current = known is not None and known.revision == revision
    return _collection(features, known.features if known is not None and current else None)


def _count(seen: View, conditions: Sequence[Condition]) -> int:
    if seen.relation is None:
        return 0
    statement = count_statement(seen.relation, conditions, seen.scope)
    row = seen.first(statement, parameters(conditions))
    return row[0] if row else 0


def _collection(features: list[Feature], matched: int | None) -> dict[str, Any]:
    counted = {} if matched is None else {"numberMatched": matched}
    said = {"numberReturned": len(features), **counted}
    return {"type": "FeatureCollection", "features": features, **said}
