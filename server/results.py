"""The results of a job in the form that was asked for."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response

from processes.spec import JSON
from providers.job_documents import results_document
from providers.job_records import Job, Result
from server import negotiate
from server.links import Link, header, link, segment
from server.state import onemap
from server.web.pages import Face


def results_answer(
    request: Request, found_job: Job, found: Sequence[Result], headers: Mapping[str, str]
) -> Response:
    """The outputs raw or as a document, each by value or by reference (18-062r2, table 11)."""
    base = onemap(request).settings.public_url
    links = {r.output: _reference(found_job, r, base) for r in found}
    if found_job.response == "document":
        told = [r for r in found if r.output not in found_job.by_reference]
        document = results_document(told) | {n: links[n] for n in found_job.by_reference}
        return negotiate.respond(request, document, template=Face.RESULTS, headers=headers)
    said_in = [header(links[name]) for name in found_job.by_reference]
    if said := ", ".join([*([headers["Link"]] if "Link" in headers else []), *said_in]):
        headers = {**headers, "Link": said}
    values = [r for r in found if r.output not in found_job.by_reference]
    if not values:
        return Response(status_code=204, headers={**negotiate.cache_headers(request), **headers})
    if len(values) == 1:
        return raw_answer(request, values[0], headers)
    boundary = uuid4().hex
    content = b"".join([*(_part(r, boundary) for r in values), f"--{boundary}--\r\n".encode()])
    media_type = f"multipart/related; boundary={boundary}"
    return negotiate.answer(request, content, media_type, headers=headers)


def raw_answer(request: Request, result: Result, headers: Mapping[str, str]) -> Response:
    """One output as it is; an object has a page, too."""
    if result.media_type == JSON:
        value = orjson.loads(result.value)
        if isinstance(value, dict):
            return negotiate.respond(request, value, template=Face.DOCUMENT, headers=headers)
    return negotiate.answer(request, result.value, _typed(result), headers=headers)


def _reference(found_job: Job, result: Result, base: str) -> Link:
    here = f"{base}/jobs/{found_job.id}/results/{segment(result.output)}"
    return link(here, result.output, result.media_type, result.output)


def _part(result: Result, boundary: str) -> bytes:
    head = (
        f"--{boundary}\r\nContent-Type: {_typed(result)}\r\nContent-ID: <{result.output}>\r\n\r\n"
    )
    return head.encode() + result.value + b"\r\n"


def _typed(result: Result) -> str:
    text = result.media_type.startswith("text/")
    return f"{result.media_type}; charset=utf-8" if text else result.media_type
