"""The feature provider that pygeoapi sees: the same statements as our own items."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pygeoapi.provider.base import BaseProvider, SchemaType
from sqlalchemy import select

from config.vocabulary import GeometryKind
from providers.errors import BadParameter, NotFound
from providers.external_table import Key, described
from providers.features import (
    MAX_LIMIT,
    FeatureQuery,
    item_statement,
    page_statement,
    parse_bbox,
    parse_equals,
)
from providers.pygeoapi.source import View, layer_of, told_upstream, view

MAX_OFFSET = MAX_LIMIT  # what lies deeper is reached by our own engine's next links
GEOJSON_TYPES = {
    GeometryKind.POINT: "MultiPoint",
    GeometryKind.LINE: "MultiLineString",
    GeometryKind.POLYGON: "MultiPolygon",
}
type Feature = dict[str, Any]


class LayerProvider(BaseProvider):  # type: ignore[misc]
    """Features of one layer: the block names it as `layer:`, and a `principal:`."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self._block = provider_def
        self._layer = layer_of(provider_def)
        self.get_fields()

    def get_fields(self) -> dict[str, dict[str, Any]]:
        """The specification's fields as JSON Schema; each may be asked for by equality."""
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
        filterq: object = None,
        crs_transform_spec: object = None,
        **kwargs: object,
    ) -> dict[str, Any]:
        """A page in key order, of the edition in force at `datetime_` or today."""
        with told_upstream():
            refused = {"sortby": sortby, "filter": filterq, "q": q, "crs": crs_transform_spec}
            for name, given in refused.items():
                if given:
                    raise BadParameter(name, str(given), "the parameter left out")
            if resulttype != "results":
                raise BadParameter("resulttype", resulttype, "results; rows are not counted")
            if offset > MAX_OFFSET:
                raise BadParameter("offset", str(offset), f"at most {MAX_OFFSET}")
            seen = view(self._block, datetime_)
            asked = FeatureQuery(
                limit=limit,
                windows=self._windows(bbox),
                equals=parse_equals(self._layer, dict(properties)),
                valid=seen.days,
            )
            features, more = self._page(seen, asked, offset)
        for feature in features:
            if skip_geometry:
                feature["geometry"] = None
            if select_properties:
                kept = feature["properties"]
                feature["properties"] = {k: v for k, v in kept.items() if k in select_properties}
        counted = {} if more or offset else {"numberMatched": len(features)}
        return {
            "type": "FeatureCollection",
            "features": features,
            "numberReturned": len(features),
            **counted,
        }

    def get(
        self,
        identifier: str,
        language: object = None,
        crs_transform_spec: object = None,
        **kwargs: object,
    ) -> Feature:
        """One feature by business id; not found also where the scope hides it."""
        with told_upstream():
            if crs_transform_spec is not None:
                raise BadParameter("crs", "", "the parameter left out")
            seen = view(self._block, None)
            named: Key | None = None if "\x00" in identifier else identifier
            if named is not None and seen.layer.external is not None:
                named = described(seen.layer).key_kind.parse(identifier)
            if seen.relation is None or named is None:
                raise NotFound("feature", identifier.replace("\x00", "␀"))
            statement = item_statement(seen.layer, seen.relation, seen.scope)
            row = seen.first(statement, {"om_id": named})
            if row is None:
                raise NotFound("feature", identifier)
        feature: Feature = json.loads(row[0])
        return feature

    def _windows(self, bbox: Sequence[float]) -> tuple[tuple[float, float, float, float], ...]:
        windows = parse_bbox(",".join(map(repr, bbox))) if bbox else ()
        # OGC 17-069r4, 7.15.3: rows without a place may match
        return () if self._layer.geometry is GeometryKind.NONE else windows

    def _page(self, seen: View, asked: FeatureQuery, offset: int) -> tuple[list[Feature], bool]:
        """The features after *offset* rows, and whether more follow."""
        if seen.relation is None:
            return [], False
        if offset:
            skipped = replace(asked, limit=offset)
            page = page_statement(seen.layer, seen.relation, skipped, seen.scope).subquery()
            # only these two: the planner then drops the text that nobody reads
            row = seen.first(select(page.c.last, page.c.more), skipped.parameters)
            if row is None or not row[1]:
                return [], False
            after = row[0] if seen.relation.whole_keys else self._key(row[0])
            asked = replace(asked, after=after)
        statement = page_statement(seen.layer, seen.relation, asked, seen.scope)
        row = seen.first(statement, asked.parameters)
        if row is None:
            return [], False
        features: list[Feature] = json.loads(f"[{row[0] or ''}]")
        return features, bool(row[3])

    def _key(self, text: str) -> Key | None:
        return described(self._layer).key_kind.parse(text)

    def __repr__(self) -> str:
        return f"<LayerProvider> {self._layer.id}"
