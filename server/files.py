"""Documents over HTTP: what there is, and the files themselves, to those who see their subjects.

Files that callers hand over (server/uploads.py) are given back at the same addresses.
"""

import re
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from config.vocabulary import EditionKey, LayerId, Text
from providers.access import Scope
from providers.document_content import DocumentType
from providers.document_store import DocumentStore
from providers.documents import (
    Attached,
    Document,
    DocumentQuery,
    OfEdition,
    OfFeature,
    OfPlan,
    Sight,
    Subject,
    find_document,
    list_documents,
)
from providers.errors import BadParameter, NotFound
from providers.features import parse_whole
from providers.plan_records import PLAN_ID
from providers.plans import find_plan
from providers.upload_store import UPLOAD_ID, UploadStore
from providers.uploads import Upload, find_upload
from server import negotiate
from server.links import Link, link, query, segment
from server.snapshot import Snapshot
from server.state import onemap, principal, scope

DEFAULT_LISTED, MAX_LISTED, MAX_OFFSET = 100, 1_000, 1_000_000
TITLE = Text(zh="文档", en="Documents")
FILE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
# RFC 5987, attr-char: what may stand in filename* as it is
PLAIN = "!#$&+-.^_`|~"
# A document is only looked at: whatever it holds, nothing runs and nothing is loaded.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
# Browsers show a PDF in an object of their own, which a sandbox would forbid them.
PDF_POLICY = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


async def documents(request: Request) -> Response:
    """GET /catalogue/documents: the documents of what the caller may see."""
    given = negotiate.only(request, "collection", "feature", "limit", "offset", "plan")
    lang, one, caller = negotiate.language(request), onemap(request), scope(request)
    snapshot, base = one.snapshot, one.settings.public_url
    if "feature" in given and "collection" not in given:
        raise BadParameter("feature", given["feature"], "a feature of the parameter collection")
    asked = DocumentQuery(
        plan=given.get("plan"),
        om_id=given.get("feature"),
        editions=_editions(snapshot, given["collection"], caller)
        if "collection" in given
        else None,
        limit=parse_whole("limit", given.get("limit", str(DEFAULT_LISTED)), 1, MAX_LISTED),
        offset=parse_whole("offset", given.get("offset", "0"), 0, MAX_OFFSET),
    )
    async with one.pools.reading() as connection:
        if asked.plan is not None:
            known = PLAN_ID.fullmatch(asked.plan)
            if not known or await find_plan(connection, asked.plan, caller) is None:
                raise NotFound("plan", asked.plan)
        found, total = await list_documents(connection, asked, sight(snapshot, caller))
    path, title = f"{base}/catalogue/documents", TITLE.in_language(lang)
    body = {
        "title": title,
        "links": page_links(path, given, asked.limit, asked.offset, total, title),
        "numberMatched": total,
        "numberReturned": len(found),
        "documents": [
            {
                **document_facts(document, base, lang),
                "subjects": [{**_subject(each.subject, base), "role": each.role} for each in where],
            }
            for document, where in found
        ],
    }
    return negotiate.respond(request, body, template="documents.html")


async def file(request: Request) -> Response:
    """GET /files/{fileId}: the bytes of a document or of an upload, whole or in ranges.

    Documents have UUIDs, uploads ids of their own form: one is never taken for the other.
    """
    given = negotiate.only(request)
    if "f" in given:
        raise BadParameter("f", given["f"], "the parameter left out")
    one, name = onemap(request), request.path_params["fileId"]
    found: Document | Upload | None = None
    async with one.pools.reading() as connection:
        if FILE_ID.fullmatch(name):
            found = await find_document(connection, name, sight(one.snapshot, scope(request)))
        elif UPLOAD_ID.fullmatch(name):
            found = await find_upload(connection, name, principal(request).id)
    if found is None:
        raise NotFound("file", name.replace("\x00", "␀"))
    tag = f'"{found.sha256}"'
    if response := negotiate.unchanged(request, tag):
        return response
    media_type = found.type if isinstance(found, Document) else found.media_type
    fields = {
        **negotiate.cache_headers(request),
        "ETag": tag,
        "Content-Disposition": disposition(found),
        "Content-Security-Policy": PDF_POLICY if media_type is DocumentType.PDF else POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    path = await run_in_threadpool(_path, one.settings.store, found)
    match _range(request.headers.get("range"), found.bytes):
        case Part.NONE:
            return Response(
                status_code=416, headers={**fields, "Content-Range": f"bytes */{found.bytes}"}
            )
        case Part.WHOLE:  # also where the header asks for what is not given: it may be ignored
            kept = [pair for pair in request.scope["headers"] if pair[0] != b"range"]
            request.scope["headers"] = kept
    return FileResponse(path, headers=fields, media_type=media_type)


def _path(store: Path, found: Document | Upload) -> Path:
    """Where the content lies."""
    if isinstance(found, Document):
        return DocumentStore.within(store).path(found.sha256, found.bytes)
    return UploadStore.within(store).path(found.id, found.bytes)


class Part(Enum):
    """What a Range header asks for."""

    WHOLE = "whole"
    SOME = "some"
    NONE = "none"


def _range(header: str | None, size: int) -> Part:
    """One range of bytes is given; several, or in other units, are not (RFC 9110, 14.2)."""
    found = RANGE.fullmatch(header.replace(" ", "")) if header is not None else None
    if found is None or found[0] == "bytes=-":
        return Part.WHOLE
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return Part.WHOLE
    return Part.SOME if (int(first) < size if first else int(last) > 0) else Part.NONE


def disposition(found: Document | Upload) -> str:
    """How a browser takes the file: shown where it may be, and under its own name (RFC 6266)."""
    shown = isinstance(found, Document) and found.type.shown_in_page
    plain = re.sub(r'[^ -~]|["\\%]', "_", found.name)
    way = "inline" if shown else "attachment"
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(found.name, safe=PLAIN)}"


def sight(snapshot: Snapshot, caller: Scope) -> Sight:
    """What the caller sees that documents may belong to."""
    return Sight(
        scope=caller,
        editions={
            (layer.id, state.edition.key): layer
            for layer in snapshot.visible(caller)
            for state in snapshot.states(layer, caller)
        },
    )


def document_facts(document: Document, base: str, lang: str) -> dict[str, Any]:
    """A document as JSON; who handed it over is not said."""
    return {
        "id": document.id,
        "title": document.title.in_language(lang),
        "name": document.name,
        "mediaType": document.type,
        "bytes": document.bytes,
        "sha256": document.sha256,
        "classification": document.classification,
        "addedAt": document.added_at.isoformat(),
        "href": f"{base}/files/{document.id}",
    }


def document_links(found: list[Attached], base: str, lang: str) -> list[Link]:
    """The documents of a subject as links of its own document."""
    return [
        link(
            f"{base}/files/{each.document.id}",
            "enclosure",
            each.document.type,
            f"{each.role} · {each.document.title.in_language(lang)}",
        )
        for each in found
    ]


def page_links(
    path: str, given: dict[str, str], limit: int, offset: int, total: int, title: str
) -> list[Link]:
    """This page, its plain face, and the next page."""
    kept = {name: value for name, value in given.items() if name != "f"}
    links = both(query(path, kept), "self", title)
    if offset + limit < total:
        following = {**given, "limit": limit, "offset": offset + limit}
        links.append(link(query(path, following), "next", negotiate.JSON, "下一页 / next"))
    return links


def both(path: str, rel: str, title: str) -> list[Link]:
    """An address and its plain face."""
    page = f"{path}{'&' if '?' in path else '?'}f=html"
    return [
        link(path, rel, negotiate.JSON, title),
        link(page, "alternate", negotiate.HTML, title),
    ]


def _editions(
    snapshot: Snapshot, collection: str, caller: Scope
) -> tuple[tuple[LayerId, EditionKey], ...]:
    """The editions that a collection's id stands for: one, or all that the caller sees."""
    resolved = snapshot.resolve(collection, None, caller)
    if resolved.pinned and resolved.state is not None:
        return ((resolved.layer.id, resolved.state.edition.key),)
    states = snapshot.states(resolved.layer, caller)
    return tuple((resolved.layer.id, state.edition.key) for state in states)


def _subject(subject: Subject, base: str) -> dict[str, Any]:
    match subject:
        case OfPlan():
            href = f"{base}/catalogue/plans/{segment(subject.plan)}"
            return {"kind": "plan", "plan": subject.plan, "href": href}
        case OfEdition() | OfFeature():
            collection = f"{subject.layer}.{subject.edition}"
            href = f"{base}/collections/{collection}"
    if isinstance(subject, OfEdition):
        return {"kind": "edition", "collection": collection, "href": href}
    href = f"{href}/items/{segment(subject.om_id)}"
    return {"kind": "feature", "collection": collection, "feature": subject.om_id, "href": href}
