"""Features: pages in key order and single items, as the database writes them."""

import base64
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind
from providers.crs import CRS84_URI
from providers.errors import BadParameter, NotFound
from providers.features import (
    DEFAULT_LIMIT,
    FeatureQuery,
    parse_bbox,
    parse_equals,
    parse_limit,
)
from providers.layers import Page
from server import negotiate
from server.collections import field_facts, title_of, window_of
from server.links import Link, link, query, segment
from server.snapshot import Resolved
from server.state import onemap, principal, scope

ANSWERED_BY_PAGE = ("bbox", "limit", "datetime", "cursor")
FORMATS = {"json": negotiate.GEOJSON, "html": negotiate.HTML}


async def items(request: Request) -> Response:
    """GET /collections/{collectionId}/items."""
    one, lang = onemap(request), negotiate.language(request)
    snapshot, caller = one.snapshot, scope(request)
    collection = request.path_params["collectionId"]
    layer = snapshot.resolve(collection, None, caller).layer
    given = negotiate.only(request, *ANSWERED_BY_PAGE, *(f.code for f in layer.fields))
    resolved = snapshot.resolve(collection, window_of(given), caller)
    chosen = negotiate.negotiated(request, FORMATS)
    feature_query = _query(layer, given, resolved)
    state = resolved.state
    if state is None:  # no edition is in force then: an empty answer, not an error
        page = Page(features="", count=0, next_after=None, revision=0)
    else:
        page = await snapshot.store.page(layer, state.edition.key, feature_query, caller)
    key = state.edition.key if state else "-"
    canonical = sorted(given.items())
    tag = negotiate.etag(
        collection, key, page.revision, canonical, caller.key(), lang, chosen,
        negotiate.encoding(request), snapshot.build, snapshot.catalogue.digest,
        _reader(request, chosen),
    )  # fmt: skip
    if response := negotiate.unchanged(request, tag):
        return response
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
            "edition": None if state is None else key,
            "revision": page.revision,
            "synthetic": layer.synthetic,
        },
    }
    body = _with_features(head, page.features)
    fields = {"Content-Language": lang, **edition}
    if chosen == "html":
        document = orjson.loads(body) | {"title": layer.title.in_language(lang)}
        return await _face(request, document, "items.html", layer, fields, tag)
    # compressing ten thousand features takes a moment: not in the event loop
    return await run_in_threadpool(
        negotiate.answer, request, body, negotiate.GEOJSON, headers=fields, tag=tag
    )


async def item(request: Request) -> Response:
    """GET /collections/{collectionId}/items/{featureId}."""
    one, lang = onemap(request), negotiate.language(request)
    snapshot, caller = one.snapshot, scope(request)
    collection, name = request.path_params["collectionId"], request.path_params["featureId"]
    given = negotiate.only(request, "datetime")
    resolved = snapshot.resolve(collection, window_of(given), caller)
    chosen = negotiate.negotiated(request, FORMATS)
    if resolved.state is None or "\x00" in name:
        raise NotFound("feature", name.replace("\x00", "␀"))
    key = resolved.state.edition.key
    found = await snapshot.store.item(resolved.layer, key, name, caller)
    tag = negotiate.etag(
        found.hash, collection, key, lang, chosen, negotiate.encoding(request),
        snapshot.build, snapshot.catalogue.digest, _reader(request, chosen),
    )  # fmt: skip
    if response := negotiate.unchanged(request, tag):
        return response
    base = f"{one.settings.public_url}/collections/{segment(collection)}"
    here = f"{base}/items/{segment(name)}"
    links = [
        link(here, "self", negotiate.GEOJSON, name),
        link(query(here, {"f": "html"}), "alternate", negotiate.HTML, name),
        link(base, "collection", negotiate.JSON, resolved.layer.title.in_language(lang)),
    ]
    fields = {
        "Content-Language": lang,
        "Link": _link_header(links),
        "Content-Crs": f"<{CRS84_URI}>",
    }
    body = found.feature[:-1].encode() + b',"links":' + orjson.dumps(links) + b"}"
    if chosen == "html":
        document = orjson.loads(body)
        document["x-onemap"] = {"edition": key, "synthetic": resolved.layer.synthetic}
        return await _face(request, document, "item.html", resolved.layer, fields, tag)
    return negotiate.answer(request, body, negotiate.GEOJSON, headers=fields, tag=tag)


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


def _query(layer: Layer, given: dict[str, str], resolved: Resolved) -> FeatureQuery:
    windows = parse_bbox(given["bbox"]) if "bbox" in given else ()
    if layer.geometry is GeometryKind.NONE:  # OGC 17-069r4, 7.15.3: rows without a place may match
        windows = ()
    return FeatureQuery(
        limit=parse_limit(given.get("limit", str(DEFAULT_LIMIT))),
        windows=windows,
        equals=parse_equals(layer, given),
        after=_position(given["cursor"], resolved) if "cursor" in given else None,
    )


def cursor(edition: EditionKey | str, after: int, revision: int) -> str:
    """Where the next page begins: pinned to its edition, with the revision that it was made at."""
    return base64.urlsafe_b64encode(f"{edition}:{revision}:{after}".encode()).decode().rstrip("=")


def _position(text: str, resolved: Resolved) -> int:
    expected = "a cursor from a next link of this collection; begin again without it"
    try:
        padded = text + "=" * (-len(text) % 4)
        edition, _, after = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").split(":")
        )
        position = int(after)
    except ValueError:
        raise BadParameter("cursor", text, expected) from None
    current = resolved.state.edition.key if resolved.state else None
    if edition != current or not 0 <= position < 2**63:
        raise BadParameter("cursor", text, expected)
    return position


def _page_links(
    base: str, given: dict[str, str], page: Page, key: EditionKey | str, title: str
) -> list[Link]:
    path = f"{base}/items"
    kept = {k: v for k, v in given.items() if k != "f"}
    links = [
        link(query(path, kept), "self", negotiate.GEOJSON, "GeoJSON"),
        link(query(path, {**kept, "f": "html"}), "alternate", negotiate.HTML, "HTML"),
        link(base, "collection", negotiate.JSON, title),
    ]
    if page.next_after is not None:
        following = {**given, "cursor": cursor(key, page.next_after, page.revision)}
        links.append(link(query(path, following), "next", negotiate.GEOJSON, "下一页 / next"))
    return links


def _with_features(head: dict[str, Any], features: str) -> bytes:
    """The collection's JSON with the database's own text for the features."""
    return orjson.dumps(head)[:-1] + b',"features":[' + features.encode() + b"]}"


def _link_header(links: list[Link]) -> str:
    shown = (f'<{one["href"]}>; rel="{one["rel"]}"; type="{one["type"]}"' for one in links)
    return ", ".join(shown).encode("ascii", "replace").decode()
