"""Collections as documents: what a layer is, where its data are, which editions it has."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.model import Field, Layer
from config.vocabulary import GeometryKind, Text
from processes.spec import REL
from providers.access import Scope
from providers.crs import CRS84_URI
from providers.editions import EditionState
from providers.features import parse_limit, parse_whole
from providers.frames import storage_crs
from providers.grids import WEB_MERCATOR_QUAD
from providers.job_documents import HAS_PROVENANCE
from providers.jsonfg import PROFILES
from providers.result_layers import job_of
from providers.tiles import MVT
from server import negotiate
from server.asked import frames_of
from server.collection_search import PARAMETERS, find, keywords_of, parse_search
from server.extents import in_force, intervals, visible_extent
from server.formats import MEDIA_TYPES
from server.legends import legend
from server.links import Link, link, query
from server.snapshot import Resolved, Snapshot
from server.state import onemap, scope

GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
MAPBOX_STYLE = "application/vnd.mapbox.style+json"
DEFAULT_COLLECTIONS, MAX_OFFSET = 1_000, 10_000
SYNTHETIC = {"zh": ("模拟", "（模拟数据）"), "en": ("synthetic", " (synthetic data)")}  # word, mark
ITEM_TITLES = {
    "json": "GeoJSON",
    "html": "HTML",
    "jsonfg": "JSON-FG",
    "csv": "CSV",
    "fgb": "FlatGeobuf",
    "gpkg": "GeoPackage",
    "shp": "Shapefile",
}
# The type alone would be GeoJSON's, and a client takes the first or the last of that type.
ITEM_TYPES = {**MEDIA_TYPES, "jsonfg": f'{MEDIA_TYPES["jsonfg"]}; profile="{PROFILES}jsonfg"'}
SHAPED = ("fgb", "shp")  # without geometries there is nothing to write
SCHEMAS = {
    "schema": Text(zh="数据结构", en="Schema"),
    "queryables": Text(zh="可查询字段", en="Queryables"),
    "sortables": Text(zh="可排序字段", en="Sortables"),
}
BESIDE = {
    "editions": Text(zh="版次", en="Editions"),
    "documents": Text(zh="文档", en="Documents"),
    "job": Text(zh="任务", en="Job"),
    "tiles": Text(zh="矢量瓦片", en="Vector tilesets"),
    "style": Text(zh="MapLibre 样式", en="MapLibre style"),
}


async def collections(request: Request) -> Response:
    """GET /collections: the layers the caller may see; with `layer`, the editions of one."""
    given = negotiate.only(request, "limit", "offset", *PARAMETERS)
    one, lang, caller = onemap(request), negotiate.language(request), scope(request)
    snapshot, base = one.snapshot, one.settings.public_url
    limit = parse_limit(given.get("limit", str(DEFAULT_COLLECTIONS)))
    offset = parse_whole("offset", given.get("offset", "0"), 0, MAX_OFFSET)
    search = parse_search(snapshot.catalogue, given)
    matched, found = await find(snapshot, search, caller, offset=offset, limit=limit)
    documents = [
        await collection_document(snapshot, r, caller, base=base, lang=lang, detail=False)
        for r in found
    ]
    body = {
        "links": _page_links(f"{base}/collections", given, limit, offset, matched, lang),
        "numberMatched": matched,
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
        "keywords": keywords_of(snapshot.catalogue, layer, lang),
        "attribution": layer.source.in_language(lang),
        "crs": [crs.uri for crs in frames_of(resolved)],
        "links": _links(resolved, base, title, lang),
        "x-onemap": facts(snapshot, resolved, scope, lang=lang, detail=detail),
    }
    if layer.geometry is not GeometryKind.NONE and (stored := storage_crs(layer)) is not None:
        document["storageCrs"] = stored.uri
    extent: dict[str, Any] = {}
    box = await visible_extent(snapshot, resolved, scope)
    if box is not None:
        extent["spatial"] = {"bbox": [list(box)], "crs": CRS84_URI}
    if times := intervals(in_force(resolved, snapshot.states(layer, scope))):
        extent["temporal"] = {"interval": times, "trs": GREGORIAN}
    if extent:
        document["extent"] = extent
    return document


def facts(
    snapshot: Snapshot, resolved: Resolved, scope: Scope, *, lang: str, detail: bool
) -> dict[str, Any]:
    """What OGC has no word for: theme, editions, source, keeper, fields, style."""
    layer, state = resolved.layer, resolved.state
    themes = snapshot.catalogue.branch(layer.theme)
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
        "licence": layer.licence.in_language(lang) if layer.licence else None,
        "keeper": layer.keeper.in_language(lang),
        "updated": state.updated.isoformat() if state else None,
        "synthetic": layer.synthetic,
        "style": layer.style.id if layer.style else None,
        "fields": [field_facts(f, lang, detail=detail) for f in layer.fields],
        **({"legend": legend(layer.style, lang)} if detail and layer.style else {}),
    }


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


def _links(resolved: Resolved, base: str, title: str, lang: str) -> list[Link]:
    here = f"{base}/collections/{resolved.id}"
    named = {name: what.in_language(lang) for name, what in {**SCHEMAS, **BESIDE}.items()}
    links = [
        *_both(here, "self", title),
        *_items(f"{here}/items", resolved.layer),
    ]
    for name in SCHEMAS:
        links.append(link(f"{here}/{name}", f"{REL}{name}", negotiate.SCHEMA, named[name]))
    # the relation's short name, by which GDAL finds it
    links.append(link(f"{here}/queryables", "queryables", negotiate.SCHEMA, named["queryables"]))
    if resolved.layer.external is None:
        history = query(f"{base}/collections", {"layer": resolved.layer.id})
        links.append(link(history, "version-history", negotiate.JSON, named["editions"]))
        beside = query(f"{base}/catalogue/documents", {"collection": resolved.id})
        links.append(link(beside, "related", negotiate.JSON, named["documents"]))
    if (job := job_of(resolved.layer.id)) is not None:
        made = f"{base}/jobs/{job}"
        links.append(link(made, "via", negotiate.JSON, named["job"]))
        links.append(link(f"{made}/prov", HAS_PROVENANCE, negotiate.JSON, "W3C PROV"))
    if resolved.layer.geometry is not GeometryKind.NONE:
        links.append(link(f"{here}/tiles", f"{REL}tilesets-vector", negotiate.JSON, named["tiles"]))
        grid = WEB_MERCATOR_QUAD.id
        template = f"{here}/tiles/{grid}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt"
        links.append(
            {"href": template, "rel": "item", "type": MVT, "title": "MVT", "templated": True}
        )
    if resolved.layer.style is not None:
        own = {"f": "mapbox", "collections": resolved.id}  # others may share the style
        drawn = query(f"{base}/styles/{resolved.layer.style.id}", own)
        links.append(link(drawn, f"{REL}styles", MAPBOX_STYLE, named["style"]))
    return links


def _items(path: str, layer: Layer) -> list[Link]:
    """The features in every form; GeoJSON is what comes where none is named."""
    shaped = layer.geometry is not GeometryKind.NONE
    return [
        link(path if f == "json" else f"{path}?f={f}", "items", ITEM_TYPES[f], title)
        for f, title in ITEM_TITLES.items()
        if shaped or f not in SHAPED
    ]


def title_of(layer: Layer, lang: str, edition: EditionState | None = None) -> str:
    """The title of a collection; invented data say so, in whichever words."""
    title = layer.title.in_language(lang)
    if edition is not None:
        title = f"{title} · {edition.edition.title.in_language(lang)}"
    word, mark = SYNTHETIC[lang]
    return title + mark if layer.synthetic and word not in title.lower() else title


def _page_links(
    path: str, given: Mapping[str, str], limit: int, offset: int, matched: int, lang: str
) -> list[Link]:
    """This part of the list, its page, and the parts around it."""
    title = {"zh": "数据集", "en": "Collections"}[lang]
    kept = {k: v for k, v in given.items() if k != "f"}
    links = _both(query(path, kept), "self", title)
    around = {"next": offset + limit} if offset + limit < matched else {}
    if offset:
        around["prev"] = max(0, offset - limit)
    for rel, begin in around.items():
        there = query(path, {**given, "limit": limit, "offset": begin})
        links.append(link(there, rel, negotiate.JSON, title))
    return links


def _both(path: str, rel: str, title: str) -> list[Link]:
    page = f"{path}{'&' if '?' in path else '?'}f=html"
    return [
        link(path, rel, negotiate.JSON, title),
        link(page, "alternate", negotiate.HTML, title),
    ]
