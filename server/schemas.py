"""Schemas of collections (OGC API - Common, Part 3): what is returned, queried and sorted by."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.model import Field, Layer
from config.units import Unit
from config.vocabulary import FieldType, GeometryKind, Text
from providers.conditions import RESERVED
from providers.cql2 import functions_document
from providers.ordering import SYSTEM_TYPES
from providers.relations import SYSTEM_PROPERTIES
from server import negotiate
from server.snapshot import Resolved
from server.state import onemap, scope

type Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
GEOMETRY_TITLE, ID_TITLE = Text(zh="几何", en="Geometry"), Text(zh="要素标识", en="Feature id")
NOT_GIVEN = Text(zh="未填", en="Not given")
SYSTEM_TITLES = {
    "om_area_m2": Text(zh="椭球面积", en="Ellipsoidal area"),
    "om_region": Text(zh="行政区划代码", en="Region code"),
    "om_plan": Text(zh="所属规划", en="Plan"),
    "om_basis": Text(zh="依据文号", en="Legal basis"),
}
SYSTEM_FIELDS = tuple(
    Field(
        code=name,
        title=SYSTEM_TITLES[name],
        type=SYSTEM_TYPES[name],
        unit=Unit.SQUARE_METRE if name == "om_area_m2" else None,
    )
    for name in SYSTEM_PROPERTIES
)
BOUNDS = {
    "minimum": "minimum",
    "exclusive_minimum": "exclusiveMinimum",
    "maximum": "maximum",
    "exclusive_maximum": "exclusiveMaximum",
}


async def schema(request: Request) -> Response:
    """GET /collections/{collectionId}/schema: what a feature says, and what each property means."""
    resolved, lang = _asked(request)
    layer = resolved.layer
    return _answer(request, resolved, "schema", returnables(layer, lang), _required(layer))


async def queryables(request: Request) -> Response:
    """GET /collections/{collectionId}/queryables: what a filter may name."""
    resolved, lang = _asked(request)
    return _answer(request, resolved, "queryables", queryable_properties(resolved.layer, lang))


async def functions(request: Request) -> Response:
    """GET /functions: what a filter may compute."""
    negotiate.only(request)
    lang, base = negotiate.language(request), onemap(request).settings.public_url
    return negotiate.respond(request, functions_document(lang, base), template="functions.html")


async def sortables(request: Request) -> Response:
    """GET /collections/{collectionId}/sortables: what `sortby` may name."""
    resolved, lang = _asked(request)
    properties = _fields(resolved.layer, lang, nullable=False)
    return _answer(request, resolved, "sortables", properties)


def returnables(layer: Layer, lang: str) -> dict[str, Schema]:
    """The properties of a feature; its id is a property of its own where no field is it."""
    found = _place(layer, lang)
    if len(layer.identity) != 1:
        said = {"type": "string", "readOnly": True, "x-ogc-role": "id"}
        found["om_id"] = {**_titled(ID_TITLE, lang), **said}
    found |= _fields(layer, lang, nullable=True)
    for name in SYSTEM_PROPERTIES:
        found[name]["readOnly"] = True
    return _in_sequence(found)


def queryable_properties(layer: Layer, lang: str) -> dict[str, Schema]:
    """The properties of filters; a field whose name is a parameter's says something else there."""
    found = {**_place(layer, lang), **_fields(layer, lang, nullable=False)}
    return _in_sequence({name: said for name, said in found.items() if name not in RESERVED})


def _asked(request: Request) -> tuple[Resolved, str]:
    negotiate.only(request)
    collection, caller = request.path_params["collectionId"], scope(request)
    resolved = onemap(request).snapshot.resolve(collection, None, caller)
    return resolved, negotiate.language(request)


def _answer(
    request: Request,
    resolved: Resolved,
    kind: str,
    properties: dict[str, Schema],
    required: Sequence[str] = (),
) -> Response:
    lang, layer = negotiate.language(request), resolved.layer
    base = onemap(request).settings.public_url
    body: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"{base}/collections/{resolved.id}/{kind}",
        "type": "object",
        **_titled(layer.title, lang),
        "description": layer.specification.source.in_language(lang),
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }
    if kind == "queryables":  # as drafts listed them: GDAL 3.12 sends no filter without
        body["queryables"] = [{"id": name} for name in properties]
    return negotiate.respond(request, body, template="schema.html", media_type=_media_type(request))


def _media_type(request: Request) -> str:
    """JSON Schema's own type, and plain JSON for those who know that only, as GDAL 3.12 does."""
    accepted = request.headers.get("accept", "")
    plain = negotiate.JSON in accepted and negotiate.SCHEMA not in accepted
    return negotiate.JSON if plain else negotiate.SCHEMA


def _required(layer: Layer) -> list[str]:
    placed = layer.external is None and layer.geometry is not GeometryKind.NONE
    return [*(["geometry"] if placed else []), *(f.code for f in layer.fields if f.required)]


def _place(layer: Layer, lang: str) -> dict[str, Schema]:
    if layer.geometry is GeometryKind.NONE:
        return {}
    form = f"geometry-{layer.geometry.postgis.lower()}"
    said = {"format": form, "x-ogc-role": "primary-geometry"}
    return {"geometry": {**_titled(GEOMETRY_TITLE, lang), **said}}


def _fields(layer: Layer, lang: str, *, nullable: bool) -> dict[str, Schema]:
    """The layer's fields and what we add to them; *nullable*: what is missing is null."""
    roles = _roles(layer)
    found = {}
    for f in (*layer.fields, *SYSTEM_FIELDS):
        found[f.code] = _property(f, lang, nullable=nullable and not f.required)
        if f.code in roles:
            found[f.code]["x-ogc-role"] = roles[f.code]
    return _in_sequence(found)


def _roles(layer: Layer) -> dict[str, str]:
    """What single fields are for: the identity, and the days on which a row begins and ends."""
    roles = {}
    labels = ("primary-interval-start", "primary-interval-end")
    for code, label in zip(layer.validity, labels, strict=True):
        field = layer.field(code) if code else None
        if field is not None and field.type is FieldType.DATE:
            roles[field.code] = label
    if len(layer.identity) == 1:
        roles[layer.identity[0]] = "id"
    return roles


def _property(field: Field, lang: str, *, nullable: bool) -> Schema:
    """One field as JSON Schema says it."""
    said: Schema = {**field.type.json_schema, **_titled(field.title, lang)}
    if nullable:
        said["type"] = [said["type"], "null"]
    if field.length is not None:
        said["maxLength"] = field.length
    for name, keyword in BOUNDS.items():
        if (bound := getattr(field, name)) is not None:
            said[keyword] = bound
    if field.decimals is not None:
        said["x-onemap-decimals"] = field.decimals
    if field.unit is not None:
        said |= {"x-ogc-unit": field.unit.ucum, "x-ogc-unitLang": "UCUM"}
        said["x-onemap-unit"] = field.unit.label.in_language(lang)
    if field.code_list is not None:
        titles: dict[str | None, Text] = dict(field.code_list.codes.items())
        if nullable:
            titles[None] = NOT_GIVEN
        said["enum"] = list(titles)
        said["oneOf"] = [{"const": code, **_titled(t, lang)} for code, t in titles.items()]
    return said


def _titled(title: Text, lang: str) -> Schema:
    """The title in the language asked for, and in both."""
    return {
        "title": title.in_language(lang),
        "x-onemap-title": {"zh": title.zh, "en": title.en},
    }


def _in_sequence(properties: dict[str, Schema]) -> dict[str, Schema]:
    """The same, each with its place in the order."""
    for place, said in enumerate(properties.values(), start=1):
        said["x-ogc-propertySeq"] = place
    return properties
