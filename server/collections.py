"""Collections as documents: what a layer is, where its data are, which editions it has."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.model import Field, Layer
from config.vocabulary import GeometryKind
from processes.spec import REL
from providers.access import ALL, Scope
from providers.crs import CRS84_URI
from providers.editions import EditionState
from providers.external_table import described
from providers.features import RESERVED, parse_whole
from providers.layers import Box
from providers.relations import SYSTEM_PROPERTIES
from providers.tiles import GRID, MVT
from server import negotiate
from server.links import Link, link, query
from server.snapshot import Resolved, Snapshot
from server.state import onemap, scope
from server.styles import legend

MAX_COLLECTIONS = 10_000
SYNTHETIC = {"zh": ("模拟", "（模拟数据）"), "en": ("synthetic", " (synthetic data)")}  # word, mark
SYSTEM_SCHEMAS: dict[str, dict[str, Any]] = {
    "om_area_m2": {
        "type": ["number", "null"],
        "zh": "椭球面积",
        "en": "Ellipsoidal area",
        "unit": "m2",
    },
    "om_region": {"type": ["string", "null"], "zh": "行政区划代码", "en": "Region code"},
    "om_plan": {"type": ["string", "null"], "zh": "所属规划", "en": "Plan"},
    "om_basis": {"type": ["string", "null"], "zh": "依据文号", "en": "Legal basis"},
}


async def collections(request: Request) -> Response:
    """GET /collections: the layers the caller may see; with `layer`, the editions of one."""
    given = negotiate.only(request, "limit", "layer", "offset")
    lang, one = negotiate.language(request), onemap(request)
    snapshot, base = one.snapshot, one.settings.public_url
    limit = parse_whole("limit", given.get("limit", str(MAX_COLLECTIONS)), 1, MAX_COLLECTIONS)
    offset = parse_whole("offset", given.get("offset", "0"), 0, MAX_COLLECTIONS)
    if "layer" in given:
        resolved = snapshot.resolve(given["layer"], None, scope(request))
        found = [
            Resolved(layer=resolved.layer, state=state, pinned=True)
            for state in snapshot.states(resolved.layer, scope(request))
        ]
    else:
        found = [
            snapshot.resolve(layer.id, None, scope(request))
            for layer in snapshot.visible(scope(request))
        ]
    shown = found[offset : offset + limit]
    documents = [
        await collection_document(snapshot, r, scope(request), base=base, lang=lang, detail=False)
        for r in shown
    ]
    path, title = f"{base}/collections", {"zh": "数据集", "en": "Collections"}[lang]
    links = _both(query(path, {k: v for k, v in given.items() if k != "f"}), "self", title)
    if offset + limit < len(found):
        more = {**given, "limit": limit, "offset": offset + limit}
        links.append(link(query(path, more), "next", negotiate.JSON, title))
    body = {
        "links": links,
        "numberMatched": len(found),
        "numberReturned": len(documents),
        "collections": documents,
    }
    return negotiate.respond(request, body, template="collections.html")


async def collection(request: Request) -> Response:
    """GET /collections/{collectionId}."""
    negotiate.only(request)
    one, lang = onemap(request), negotiate.language(request)
    resolved = one.snapshot.resolve(request.path_params["collectionId"], None, scope(request))
    body = await collection_document(
        one.snapshot, resolved, scope(request), base=one.settings.public_url, lang=lang, detail=True
    )
    return negotiate.respond(request, body, template="collection.html")


async def schema(request: Request) -> Response:
    """GET /collections/{collectionId}/schema: the properties and their meaning."""
    return _schema(request, "schema")


async def queryables(request: Request) -> Response:
    """GET /collections/{collectionId}/queryables: what may be used in a query."""
    return _schema(request, "queryables")


async def collection_document(
    snapshot: Snapshot, resolved: Resolved, scope: Scope, *, base: str, lang: str, detail: bool
) -> dict[str, Any]:
    """The collection as OGC API Features Part 1 wants it, with our facts under `x-onemap`."""
    layer, state = resolved.layer, resolved.state
    title = title_of(layer, lang, state if resolved.pinned else None)
    document: dict[str, Any] = {
        "id": resolved.id,
        "title": title,
        "description": layer.description.in_language(lang),
        "itemType": "feature",
        "crs": [CRS84_URI],
        "links": _links(resolved, base, title),
        "x-onemap": facts(snapshot, resolved, scope, lang=lang, detail=detail),
    }
    extent: dict[str, Any] = {}
    box = await visible_extent(snapshot, resolved, scope)
    if box is not None:
        extent["spatial"] = {"bbox": [list(box)], "crs": CRS84_URI}
    if state is not None:
        edition = state.edition
        until = edition.valid_to.isoformat() if edition.valid_to else None
        extent["temporal"] = {"interval": [[edition.valid_from.isoformat(), until]]}
    if extent:
        document["extent"] = extent
    return document


def facts(
    snapshot: Snapshot, resolved: Resolved, scope: Scope, *, lang: str, detail: bool
) -> dict[str, Any]:
    """What OGC has no word for: theme, editions, source, keeper, fields, style."""
    layer, state = resolved.layer, resolved.state
    parts = layer.theme.id.split(".")
    themes = [snapshot.catalogue.themes[".".join(parts[: i + 1])] for i in range(len(parts))]
    return {
        "theme": {
            "id": layer.theme.id,
            "title": layer.theme.title.in_language(lang),
            "order": layer.theme.order,
            "parents": [
                {"id": t.id, "title": t.title.in_language(lang), "order": t.order}
                for t in themes[:-1]
            ],
        },
        "edition": _edition(state, lang) if state else None,
        "editions": [_edition(s, lang) for s in snapshot.states(layer, scope)],
        "classification": layer.classification,
        "kind": layer.specification.kind,
        "storage": "managed" if layer.external is None else "external",
        "asOf": layer.external is None,  # whether past states can be asked for
        "geometry": layer.geometry,
        "source": layer.source.in_language(lang),
        "keeper": layer.keeper.in_language(lang),
        "updated": state.updated.isoformat() if state else None,
        "synthetic": layer.synthetic,
        "style": layer.style.id if layer.style else None,
        "fields": [field_facts(f, lang, detail=detail) for f in layer.fields],
        **({"legend": legend(layer.style, lang)} if detail and layer.style else {}),
    }


def _schema(request: Request, kind: str) -> Response:
    negotiate.only(request)
    one, lang = onemap(request), negotiate.language(request)
    resolved = one.snapshot.resolve(request.path_params["collectionId"], None, scope(request))
    layer = resolved.layer
    properties: dict[str, Any] = {}
    if layer.geometry is not GeometryKind.NONE:
        properties["geometry"] = {
            "x-ogc-role": "primary-geometry",
            "format": f"geometry-multi{layer.geometry}",
            "title": {"zh": "几何", "en": "Geometry"}[lang],
        }
    for f in layer.fields:
        if kind == "queryables" and f.code in RESERVED:
            continue  # a parameter of this name says something else
        properties[f.code] = {**f.type.json_schema, "title": f.title.in_language(lang)}
        missing = [None] if kind == "schema" and not f.required else []
        if missing:  # a value that is not known is null in the items
            properties[f.code]["type"] = [f.type.json_schema["type"], "null"]
        if f.length is not None:
            properties[f.code]["maxLength"] = f.length
        if f.unit is not None:
            properties[f.code] |= {
                "x-ogc-unit": f.unit,
                "x-onemap-unit": f.unit.label.in_language(lang),
            }
        if f.code_list is not None:
            titles = {code: t.in_language(lang) for code, t in f.code_list.codes.items()}
            properties[f.code] |= {"enum": [*titles, *missing], "x-onemap-codes": titles}
        if f.code in layer.identity and len(layer.identity) == 1:
            properties[f.code]["x-ogc-role"] = "id"
    if kind == "schema":
        for name in SYSTEM_PROPERTIES:
            known = SYSTEM_SCHEMAS[name]
            properties[name] = {"type": known["type"], "title": known[lang], "readOnly": True}
            if "unit" in known:
                properties[name]["x-ogc-unit"] = known["unit"]
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{one.settings.public_url}/collections/{resolved.id}/{kind}",
        "type": "object",
        "title": layer.title.in_language(lang),
        "description": layer.specification.source.in_language(lang),
        "properties": properties,
        "additionalProperties": False,
    }
    return negotiate.respond(request, body, template="schema.html", media_type=negotiate.SCHEMA)


def _edition(state: EditionState, lang: str) -> dict[str, Any]:
    edition = state.edition
    return {
        "key": edition.key,
        "title": edition.title.in_language(lang),
        "validFrom": edition.valid_from.isoformat(),
        "validTo": edition.valid_to.isoformat() if edition.valid_to else None,
        "status": {"code": edition.status, "title": edition.status.label.in_language(lang)},
        "issuer": {"code": edition.issuer, "title": edition.issuer.label.in_language(lang)},
        "document": edition.document,
        "revision": state.revision,
        "updated": state.updated.isoformat(),
    }


def field_facts(field: Field, lang: str, *, detail: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": field.code,
        "title": field.title.in_language(lang),
        "type": field.type,
        "unit": field.unit.label.in_language(lang) if field.unit else None,
    }
    if detail and field.code_list is not None:
        document["codes"] = {c: t.in_language(lang) for c, t in field.code_list.codes.items()}
    return document


def _links(resolved: Resolved, base: str, title: str) -> list[Link]:
    here = f"{base}/collections/{resolved.id}"
    links = [
        *_both(here, "self", title),
        link(f"{here}/items", "items", negotiate.GEOJSON, "GeoJSON"),
        link(query(f"{here}/items", {"f": "html"}), "items", negotiate.HTML, "HTML"),
        link(f"{here}/schema", f"{REL}schema", negotiate.SCHEMA, "Schema"),
        link(f"{here}/queryables", f"{REL}queryables", negotiate.SCHEMA, "Queryables"),
    ]
    if resolved.layer.external is None:
        history = query(f"{base}/collections", {"layer": resolved.layer.id})
        links.append(link(history, "version-history", negotiate.JSON, "版次 / Editions"))
        beside = query(f"{base}/catalogue/documents", {"collection": resolved.id})
        links.append(link(beside, "related", negotiate.JSON, "文档 / Documents"))
    if resolved.layer.geometry is not GeometryKind.NONE:
        links.append(
            link(f"{here}/tiles", f"{REL}tilesets-vector", negotiate.JSON, "Vector tilesets")
        )
        template = f"{here}/tiles/{GRID}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt"
        links.append(
            {"href": template, "rel": "item", "type": MVT, "title": "MVT", "templated": True}
        )
    if resolved.layer.style is not None:
        links.append(
            link(
                query(f"{base}/styles/{resolved.layer.style.id}", {"f": "mapbox"}),
                f"{REL}styles",
                "application/vnd.mapbox.style+json",
                "MapLibre style",
            )
        )
    return links


def title_of(layer: Layer, lang: str, edition: EditionState | None = None) -> str:
    """The title of a collection; invented data say so, in whichever words."""
    title = layer.title.in_language(lang)
    if edition is not None:
        title = f"{title} · {edition.edition.title.in_language(lang)}"
    word, mark = SYNTHETIC[lang]
    return title + mark if layer.synthetic and word not in title.lower() else title


def _both(path: str, rel: str, title: str) -> list[Link]:
    page = f"{path}{'&' if '?' in path else '?'}f=html"
    return [
        link(path, rel, negotiate.JSON, title),
        link(page, "alternate", negotiate.HTML, title),
    ]


async def visible_extent(snapshot: Snapshot, resolved: Resolved, scope: Scope) -> Box | None:
    """The published extent where the caller sees every row, else that of the rows they see."""
    layer, state = resolved.layer, resolved.state
    if layer.geometry is GeometryKind.NONE or not resolved.answers:
        return None
    everything = scope.regions is ALL and scope.areas is ALL
    if layer.external is not None:  # of part of its rows it is not known
        return described(layer).extent if everything else None
    if state is None or everything:
        return state.extent if state else None
    return await snapshot.store.extent(layer, state.edition.key, state.revision, scope)
