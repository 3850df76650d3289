"""Features: pages, counts and single items, as the database writes them."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from providers.errors import BadParameter, NotFound
from providers.layers import Count, LayerStore, Page
from server import negotiate
from server.asked import (
    STATE,
    WRITING,
    cached,
    item_parameters,
    query_of,
    resolve_asked,
    shown_of,
    valid_in,
    window_of,
)
from server.compression import Pieces
from server.cursors import NO_EDITION
from server.downloads import download, encoding_of
from server.faces import face
from server.feature_documents import (
    DOCUMENTS,
    Asked,
    about,
    headers_of,
    link_header,
    matched_of,
    one_feature,
    reader_of,
    tag_of,
)
from server.formats import FILES, MEDIA_TYPES
from server.reading import CHUNK, Reading, read_on, read_part
from server.snapshot import Resolved
from server.state import onemap, scope

ITEM_FORMATS = {name: MEDIA_TYPES[name] for name in DOCUMENTS}
CONDITIONAL = {"if-none-match", "if-modified-since"}
RESULT_TYPES = ("results", "hits")
OPENED = b'{"type":"FeatureCollection","features":['
SMALL_BYTES = 100_000
PIECE = 500  # features of a long page that are held at once
NOTHING = Page(features=b"", count=0, next_after=None, revision=0)


async def items(request: Request) -> Response:
    """GET /collections/{collectionId}/items."""
    one, lang, caller = onemap(request), negotiate.language(request), scope(request)
    snapshot, collection = one.snapshot, request.path_params["collectionId"]
    if (ready := await one.pages.get(request, snapshot)) is not None:
        return ready
    layer = snapshot.layer(collection, caller)
    given = negotiate.only(request, *item_parameters(layer))
    resolved = await resolve_asked(snapshot, collection, given, caller)
    chosen = negotiate.negotiated(request, MEDIA_TYPES)
    rows, cursor = query_of(resolved, given, chosen)
    reading = Reading(
        snapshot=snapshot,
        resolved=resolved,
        query=rows,
        caller=caller,
        window=window_of(given),
        cursor=cursor,
    )
    asked = Asked(
        request=request,
        collection=collection,
        given=given,
        chosen=chosen,
        lang=lang,
        reading=reading,
    )
    hits = given.get("resulttype", RESULT_TYPES[0])
    if hits not in RESULT_TYPES:
        raise BadParameter("resulttype", hits, f"one of {', '.join(RESULT_TYPES)}")
    encoding_of(chosen, given)
    if (response := _without_rows(asked)) is not None:
        return cached(request, response, layer)
    if chosen in FILES:
        response = await download(
            request,
            reading,
            chosen,
            given,
            headers=headers_of(asked),
            tag=lambda key, state: tag_of(asked, key, state),
        )
    elif hits == "hits":
        response = await _counted(asked)
    else:
        response = await _listed(asked)
    return cached(request, response, layer)


async def item(request: Request) -> Response:
    """GET /collections/{collectionId}/items/{featureId}."""
    one, lang, caller = onemap(request), negotiate.language(request), scope(request)
    snapshot = one.snapshot
    collection, name = request.path_params["collectionId"], request.path_params["featureId"]
    given = negotiate.only(request, *STATE, *WRITING)
    resolved = await resolve_asked(snapshot, collection, given, caller)
    layer = resolved.layer
    chosen = negotiate.negotiated(request, ITEM_FORMATS)
    if not resolved.answers or "\x00" in name:
        raise NotFound("feature", name.replace("\x00", "␀"))
    shown = shown_of(resolved, given, chosen)
    valid = valid_in(layer, given)
    found = await snapshot.store.item(
        layer,
        resolved.edition,
        name,
        caller,
        at=resolved.at,
        conditions=() if valid is None else (valid,),
        shown=shown,
    )
    tag = negotiate.etag(
        found.hash, collection, resolved.edition or NO_EDITION, lang, chosen,
        negotiate.encoding(request), snapshot.build, snapshot.catalogue.digest,
        reader_of(request, chosen), sorted(given.items()), resolved.at,
    )  # fmt: skip
    if response := negotiate.unchanged(request, tag):  # the row was read: its hash knows best
        return cached(request, response, layer)
    body, document, fields = one_feature(request, resolved, name, given, found, shown)
    if chosen == "html":
        response = await face(
            request, document, "item.html", layer, fields, tag, resolved=resolved, caller=caller
        )
    else:
        response = negotiate.answer(
            request,
            body,
            ITEM_FORMATS[chosen],
            headers=fields,
            tag=tag,
            modified=snapshot.modified(layer),
        )
    return cached(request, response, layer)


def _without_rows(asked: Asked) -> Response | None:
    """304 where the client has it, and the answer to HEAD, by what is known of the state.

    What was published a moment ago may not be known here yet: then the rows are read as always.
    """
    request, state = asked.request, asked.reading.resolved.state
    if request.method != "HEAD" and CONDITIONAL.isdisjoint(request.headers.keys()):
        return None
    if (
        state is None
        or asked.reading.layer.external is not None
        or asked.reading.cursor is not None
    ):
        return None
    tag = tag_of(asked, state.edition.key, asked.reading.resolved.at or state.revision)
    if response := negotiate.unchanged(request, tag, asked.modified):
        return response
    if request.method != "HEAD" or asked.chosen in FILES:
        return None
    return negotiate.bodiless(
        request,
        MEDIA_TYPES[asked.chosen],
        headers=headers_of(asked),
        tag=tag,
        modified=asked.modified,
    )


async def _counted(asked: Asked) -> Response:
    """How many features there are (`resulttype=hits`), and none of them."""
    reading, resolved = asked.reading, asked.reading.resolved
    counted = Count(number=0, revision=0)
    if resolved.answers:
        counted = await reading.snapshot.store.count(
            reading.layer,
            resolved.edition,
            reading.query.conditions,
            reading.caller,
            at=resolved.at,
        )
    page = replace(NOTHING, revision=counted.revision, version=counted.version)
    return await _answered(asked, resolved, page, matched=counted.number)


async def _listed(asked: Asked) -> Response:
    """A page of features; a long one leaves in parts while it is read."""
    reading = asked.reading
    if not reading.resolved.answers:  # no edition is in force then: an empty answer, no error
        if reading.cursor is not None:
            raise reading.cursor.refused()
        return await _answered(asked, reading.resolved, NOTHING, matched=0)
    limit = reading.query.limit
    if limit <= CHUNK or asked.chosen == "html":
        reading, page = await read_part(reading, LayerStore.page)
        matched = matched_of(reading, page)
        return await _answered(asked, reading.resolved, page, matched=matched)
    first = replace(reading, query=replace(reading.query, limit=PIECE))
    reading, page = await read_part(first, LayerStore.page)
    if page.next_after is None:
        matched = matched_of(reading, page)
        return await _answered(asked, reading.resolved, page, matched=matched)
    key = reading.resolved.edition or NO_EDITION
    state = page.version if page.revision is None else page.revision
    tag = None if state is None else tag_of(asked, key, state)
    if tag is not None and (response := negotiate.unchanged(asked.request, tag)):
        return response
    return negotiate.stream(
        asked.request,
        _flowing(asked, reading, page, limit),
        MEDIA_TYPES[asked.chosen],
        headers=headers_of(asked),
        tag=tag,
        modified=asked.modified,
    )


async def _flowing(asked: Asked, reading: Reading, page: Page, limit: int) -> AsyncIterator[bytes]:
    """A long page in parts: the features as they are read, and behind them what they are part of."""
    yield OPENED + page.features
    count, last = page.count, page
    async for part in read_on(reading, LayerStore.page, page, limit - count, chunk=PIECE):
        if part.count:
            count += part.count
            yield b"," + part.features
        last = part
    whole = replace(last, count=count, revision=page.revision)
    matched = matched_of(reading, whole)
    yield b"]," + orjson.dumps(about(asked, reading.resolved, whole, matched))[1:]


async def _answered(
    asked: Asked, resolved: Resolved, page: Page, *, matched: int | None
) -> Response:
    """A page that is here as a whole."""
    request, key = asked.request, resolved.edition or NO_EDITION
    state: object = page.revision
    if asked.layer.external is not None:  # where nothing tells its state, the content is it
        content = page.features + str(matched).encode()
        state = page.version or hashlib.sha256(content).hexdigest()
    tag, fields = tag_of(asked, key, state), headers_of(asked)
    if response := negotiate.unchanged(request, tag):
        return response
    said = about(asked, resolved, page, matched)
    fields["Link"] = link_header(said["links"])
    parts = (OPENED, page.features, b"]," + orjson.dumps(said)[1:])
    if asked.chosen == "html":
        document = orjson.loads(b"".join(parts)) | {
            "title": asked.layer.title.in_language(asked.lang)
        }
        return await face(
            request,
            document,
            "items.html",
            asked.layer,
            fields,
            tag,
            resolved=resolved,
            caller=asked.reading.caller,
        )
    media_type = MEDIA_TYPES[asked.chosen]
    if len(page.features) < SMALL_BYTES:
        response = negotiate.answer(
            request, b"".join(parts), media_type, headers=fields, tag=tag, modified=asked.modified
        )
        _keep(asked, resolved, page, response)
        return response
    if negotiate.encoding(request) == "identity":
        named = negotiate.fields_of(request, media_type, fields, tag, asked.modified)
        return Pieces(parts, headers=named)
    # compressing a thousand features takes a moment: not in the event loop
    return await run_in_threadpool(
        negotiate.answer,
        request,
        b"".join(parts),
        media_type,
        headers=fields,
        tag=tag,
        modified=asked.modified,
    )


def _keep(asked: Asked, resolved: Resolved, page: Page, response: Response) -> None:
    """Have the page ready for the next who asks so, where it shows an edition as it stands."""
    state = resolved.state
    if state is None or page.revision is None or resolved.at is not None:
        return
    shown = (resolved.layer.id, state.edition.key, page.revision)
    onemap(asked.request).pages.put(asked.request, asked.reading.snapshot, shown, response)
