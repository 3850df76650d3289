"""Features: pages in key order and single items, as the database writes them."""

import hashlib
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.model import Layer
from config.vocabulary import GeometryKind
from providers.access import Scope
from providers.crs import CRS84_URI
from providers.edition_history import parse_as_of
from providers.editions import Window
from providers.errors import NotFound
from providers.features import (
    DEFAULT_LIMIT,
    FeatureQuery,
    parse_bbox,
    parse_equals,
    parse_limit,
)
from providers.layers import Page
from server import negotiate
from server.asked import cached, resolve_asked, valid_days, window_of
from server.collections import field_facts, title_of
from server.cursors import NO_EDITION, Position, parse_cursor, write_cursor
from server.links import Link, link, query, segment
from server.snapshot import Resolved, Snapshot
from server.state import onemap, principal, scope

ANSWERED_BY_PAGE = ("bbox", "limit", "datetime", "asOf", "cursor")
FORMATS = {"json": negotiate.GEOJSON, "html": negotiate.HTML}


async def items(request: Request) -> Response:
    """GET /collections/{collectionId}/items."""
    one, lang = onemap(request), negotiate.language(request)
    snapshot, caller = one.snapshot, scope(request)
    collection = request.path_params["collectionId"]
    layer = snapshot.layer(collection, caller)
    given = negotiate.only(request, *ANSWERED_BY_PAGE, *(f.code for f in layer.fields))
    resolved = await resolve_asked(snapshot, collection, given, caller)
    chosen = negotiate.negotiated(request, FORMATS)
    position = parse_cursor(given["cursor"], layer) if "cursor" in given else None
    resolved, page = await _page(
        snapshot, resolved, _query(layer, given, position), position, caller, window_of(given)
    )
    key = resolved.edition or NO_EDITION
    state: object = page.revision
    if layer.external is not None:  # where nothing tells its state, the content is the validator
        state = page.version or hashlib.sha256(page.features.encode()).hexdigest()
    canonical = sorted(given.items())
    tag = negotiate.etag(
        collection, key, state, canonical, caller.key(), lang, chosen,
        negotiate.encoding(request), snapshot.build, snapshot.catalogue.digest,
        _reader(request, chosen),
    )  # fmt: skip
    if response := negotiate.unchanged(request, tag):
        return cached(request, response, layer)
    base = f"{one.settings.public_url}/collections/{segment(collection)}"
    links = _page_links(base, given, page, key, title_of(layer, lang))
    edition = {
        "Link": _link_header(links),
        "Content-Crs": f"<{CRS84_URI}>",
    }
    first = "cursor" not in given
    counted = {"numberMatched": page.count} if first and page.next_after is None else {}
    head: dict[str, Any] = {
        "type": "FeatureCollection",
        **counted,
        "numberReturned": page.count,
        "links": links,
        "x-onemap": {
            "edition": resolved.edition,
            "revision": page.revision,
            **_as_of(given),
            "synthetic": layer.synthetic,
        },
    }
    body = _with_features(head, page.features)
    fields = {"Content-Language": lang, **edition}
    if chosen == "html":
        document = orjson.loads(body) | {"title": layer.title.in_language(lang)}
        return cached(
            request, await _face(request, document, "items.html", layer, fields, tag), layer
        )
    # compressing ten thousand features takes a moment: not in the event loop
    response = await run_in_threadpool(
        negotiate.answer, request, body, negotiate.GEOJSON, headers=fields, tag=tag
    )
    return cached(request, response, layer)


async def item(request: Request) -> Response:
    """GET /collections/{collectionId}/items/{featureId}."""
    one, lang = onemap(request), negotiate.language(request)
    snapshot, caller = one.snapshot, scope(request)
    collection, name = request.path_params["collectionId"], request.path_params["featureId"]
    given = negotiate.only(request, "datetime", "asOf")
    resolved = await resolve_asked(snapshot, collection, given, caller)
    layer = resolved.layer
    chosen = negotiate.negotiated(request, FORMATS)
    if not resolved.answers or "\x00" in name:
        raise NotFound("feature", name.replace("\x00", "␀"))
    key = resolved.edition or NO_EDITION
    found = await snapshot.store.item(
        layer, resolved.edition, name, caller, at=resolved.at, valid=valid_days(layer, given)
    )
    facts: dict[str, Any] = {"edition": resolved.edition, "synthetic": layer.synthetic}
    if resolved.at is not None:
        facts |= {"revision": resolved.at, **_as_of(given)}
    tag = negotiate.etag(
        found.hash, collection, key, lang, chosen, negotiate.encoding(request),
        snapshot.build, snapshot.catalogue.digest, _reader(request, chosen),
        sorted(given.items()), resolved.at,
    )  # fmt: skip
    if response := negotiate.unchanged(request, tag):
        return cached(request, response, layer)
    base = f"{one.settings.public_url}/collections/{segment(collection)}"
    here = query(f"{base}/items/{segment(name)}", {k: given[k] for k in sorted(given) if k != "f"})
    links = [
        link(here, "self", negotiate.GEOJSON, name),
        link(
            query(f"{base}/items/{segment(name)}", {**given, "f": "html"}),
            "alternate",
            negotiate.HTML,
            name,
        ),
        link(base, "collection", negotiate.JSON, layer.title.in_language(lang)),
    ]
    if layer.external is None:
        beside = {"collection": resolved.id, "feature": name}
        address = query(f"{one.settings.public_url}/catalogue/documents", beside)
        links.append(link(address, "related", negotiate.JSON, "文档 / Documents"))
    fields = {
        "Content-Language": lang,
        "Link": _link_header(links),
        "Content-Crs": f"<{CRS84_URI}>",
    }
    told = {"links": links, **({"x-onemap": facts} if resolved.at is not None else {})}
    body = found.feature[:-1].encode() + b"," + orjson.dumps(told)[1:]
    if chosen == "html":
        document = orjson.loads(body)
        document["x-onemap"] = facts
        return cached(
            request, await _face(request, document, "item.html", layer, fields, tag), layer
        )
    response = negotiate.answer(request, body, negotiate.GEOJSON, headers=fields, tag=tag)
    return cached(request, response, layer)


async def _page(
    snapshot: Snapshot,
    resolved: Resolved,
    asked: FeatureQuery,
    position: Position | None,
    caller: Scope,
    window: Window | None,
) -> tuple[Resolved, Page]:
    """The page, and what it was read from: the state in which the pages before it were read."""
    store, layer = snapshot.store, resolved.layer
    if not resolved.answers:  # no edition is in force then: an empty answer, not an error
        if position is not None:
            raise position.refused()
        return resolved, Page(features="", count=0, next_after=None, revision=0)
    if position is None or layer.external is not None:
        page = await store.page(layer, resolved.edition, asked, caller, at=resolved.at)
        return resolved, page
    pinned = await snapshot.resolve_at(
        resolved, position.edition, position.revision, caller, window
    )
    if pinned is None:
        raise position.refused()
    page = await store.page(layer, pinned.edition, asked, caller, at=pinned.at)
    if page.revision == position.revision:
        return pinned, page
    if (page.revision or 0) < position.revision:
        raise position.refused()
    # what is known here of the newest revision is older than what the statement saw
    past = await snapshot.resolve_at(
        pinned.superseded(page.revision or 0), position.edition, position.revision, caller, window
    )
    if past is None:
        raise position.refused()
    return past, await store.page(layer, past.edition, asked, caller, at=past.at)


def _reader(request: Request, chosen: str) -> str:
    """Whose page it is: a page names its reader, a document does not."""
    return principal(request).id if chosen == "html" else ""


async def _face(
    request: Request,
    document: dict[str, Any],
    template: str,
    layer: Layer,
    fields: dict[str, str],
    tag: str,
) -> Response:
    """The document as a page, with the fields' titles; a long page is written aside."""
    lang = fields["Content-Language"]
    document["x-onemap"]["fields"] = [field_facts(f, lang, detail=False) for f in layer.fields]

    def written() -> Response:
        text = negotiate.render(request, document, template=template, lang=lang).encode()
        kind = f"{negotiate.HTML}; charset=utf-8"
        return negotiate.answer(request, text, kind, headers=fields, tag=tag)

    return await run_in_threadpool(written)


def _query(layer: Layer, given: dict[str, str], position: Position | None) -> FeatureQuery:
    windows = parse_bbox(given["bbox"]) if "bbox" in given else ()
    if layer.geometry is GeometryKind.NONE:  # OGC 17-069r4, 7.15.3: rows without a place may match
        windows = ()
    return FeatureQuery(
        limit=parse_limit(given.get("limit", str(DEFAULT_LIMIT))),
        windows=windows,
        equals=parse_equals(layer, given),
        valid=valid_days(layer, given),
        after=position.after if position else None,
    )


def _as_of(given: dict[str, str]) -> dict[str, str]:
    return {"asOf": parse_as_of(given["asOf"]).isoformat()} if "asOf" in given else {}


def _page_links(base: str, given: dict[str, str], page: Page, key: str, title: str) -> list[Link]:
    path = f"{base}/items"
    kept = {k: v for k, v in given.items() if k != "f"}
    links = [
        link(query(path, kept), "self", negotiate.GEOJSON, "GeoJSON"),
        link(query(path, {**kept, "f": "html"}), "alternate", negotiate.HTML, "HTML"),
        link(base, "collection", negotiate.JSON, title),
    ]
    if page.next_after is not None:
        following = {**given, "cursor": write_cursor(key, page.revision or 0, page.next_after)}
        links.append(link(query(path, following), "next", negotiate.GEOJSON, "下一页 / next"))
    return links


def _with_features(head: dict[str, Any], features: str) -> bytes:
    """The collection's JSON with the database's own text for the features."""
    return orjson.dumps(head)[:-1] + b',"features":[' + features.encode() + b"]}"


def _link_header(links: list[Link]) -> str:
    shown = (f'<{one["href"]}>; rel="{one["rel"]}"; type="{one["type"]}"' for one in links)
    return ", ".join(shown).encode("ascii", "replace").decode()
