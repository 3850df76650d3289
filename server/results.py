"""The results of a job in the form that was asked for; large ones are sent as they are read."""

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import uuid4

import orjson
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from processes.spec import JSON
from providers.job_documents import collection_link, results_document
from providers.job_records import Job, Result
from providers.job_results import FileResult, Kept, LayerResult
from providers.result_files import ResultFiles
from server import negotiate
from server.links import Link, header, link, segment
from server.state import onemap
from server.web.pages import Face

FORMATS = {"json": JSON, "html": negotiate.HTML}
type Piece = bytes | FileResult


def results_answer(
    request: Request, found_job: Job, found: Sequence[Kept], headers: Mapping[str, str]
) -> Response:
    """The outputs raw or as a document, each by value or by reference (18-062r2, table 11)."""
    base = onemap(request).settings.public_url
    links = {r.output: _reference(found_job, r, base) for r in found}
    if found_job.response == "document":
        return _document(request, found_job, found, links, headers)
    said_in = [header(links[name]) for name in found_job.by_reference]
    if said := ", ".join([*([headers["Link"]] if "Link" in headers else []), *said_in]):
        headers = {**headers, "Link": said}
    values = [r for r in found if r.output not in found_job.by_reference]
    if not values:
        return Response(status_code=204, headers={**negotiate.cache_headers(request), **headers})
    if len(values) == 1:
        return raw_answer(request, values[0], headers)
    boundary = uuid4().hex
    pieces = [piece for r in values for piece in _part(r, boundary, base)]
    media_type = f"multipart/related; boundary={boundary}"
    return _sent(request, [*pieces, f"--{boundary}--\r\n".encode()], media_type, headers)


def raw_answer(request: Request, result: Kept, headers: Mapping[str, str]) -> Response:
    """One output as it is; an object has a page, too, and of a collection its link is told."""
    if isinstance(result, LayerResult):
        document = collection_link(result, onemap(request).settings.public_url)
        return negotiate.respond(request, document, template=Face.DOCUMENT, headers=headers)
    if isinstance(result, FileResult):
        return _sent(request, [result], _typed(result), headers, digest=result.kept.sha256)
    if result.media_type == JSON:
        value = orjson.loads(result.value)
        if isinstance(value, dict):
            return negotiate.respond(request, value, template=Face.DOCUMENT, headers=headers)
    return negotiate.answer(request, result.value, _typed(result), headers=headers)


def _document(
    request: Request,
    found_job: Job,
    found: Sequence[Kept],
    links: Mapping[str, Link],
    headers: Mapping[str, str],
) -> Response:
    """Values by output; on a page, and where they are no JSON, large ones are told by a link."""
    base = onemap(request).settings.public_url
    plain = negotiate.negotiated(request, FORMATS) == "json"
    large = {
        r.output: r
        for r in found
        if isinstance(r, FileResult) and r.output not in found_job.by_reference
    }
    sent = {n: r for n, r in large.items() if plain and r.media_type == JSON}
    told = [
        r for r in found if not isinstance(r, FileResult) and r.output not in found_job.by_reference
    ]
    by_link = [*found_job.by_reference, *(large.keys() - sent.keys())]
    document = results_document(told, base) | {name: links[name] for name in by_link}
    if not sent:
        return negotiate.respond(request, document, template=Face.RESULTS, headers=headers)
    pieces: list[Piece] = []
    for name, one in sent.items():
        pieces += [b"," if pieces else b"{", orjson.dumps(name), b':{"value":', one]
        pieces.append(b',"mediaType":"application/json"}')
    rest = orjson.dumps(document)
    pieces.append(b"," + rest[1:] if document else b"}")
    digest = " ".join(one.kept.sha256 for one in sent.values()) + rest.decode()
    return _sent(request, pieces, JSON, headers, digest=digest)


def _sent(
    request: Request,
    pieces: Sequence[Piece],
    media_type: str,
    headers: Mapping[str, str],
    *,
    digest: str | None = None,
) -> Response:
    """Pieces one after the other; what lies in files is opened first, so that a lost one is told."""
    if all(isinstance(piece, bytes) for piece in pieces):
        whole = b"".join(piece for piece in pieces if isinstance(piece, bytes))
        return negotiate.answer(request, whole, media_type, headers=headers)
    tag = None
    if digest is not None and request.method in ("GET", "HEAD"):
        tag = negotiate.etag(digest, media_type, negotiate.encoding(request))
        if response := negotiate.unchanged(request, tag):
            return response
    files = ResultFiles.within(onemap(request).settings.store)
    for piece in pieces:
        if isinstance(piece, FileResult):
            files.opened(piece.kept).close()
    return negotiate.stream(request, _flow(files, pieces), media_type, headers=headers, tag=tag)


async def _flow(files: ResultFiles, pieces: Sequence[Piece]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        async for part in iterate_in_threadpool(files.pieces(piece.kept)):
            yield part


def _reference(found_job: Job, result: Kept, base: str) -> Link:
    if isinstance(result, LayerResult):
        there = f"{base}/collections/{result.layer}"
        return link(there, result.output, JSON, result.title.en)
    here = f"{base}/jobs/{found_job.id}/results/{segment(result.output)}"
    return link(here, result.output, result.media_type, result.output)


def _part(result: Kept, boundary: str, base: str) -> list[Piece]:
    """One part of several; of a collection its link."""
    head = (
        f"--{boundary}\r\nContent-Type: {_typed(result)}\r\nContent-ID: <{result.output}>\r\n\r\n"
    )
    match result:
        case Result():
            value: Piece = result.value
        case FileResult():
            value = result
        case LayerResult():
            value = orjson.dumps(collection_link(result, base))
    return [head.encode(), value, b"\r\n"]


def _typed(result: Kept) -> str:
    if isinstance(result, LayerResult):
        return JSON
    text = result.media_type.startswith("text/") and "charset=" not in result.media_type
    return f"{result.media_type}; charset=utf-8" if text else result.media_type
