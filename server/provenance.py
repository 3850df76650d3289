"""How a job came about (OGC API Processes, draft of Part 4): what it was asked, and W3C PROV."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from processes.provenance import asked_document, provenance_document
from providers.job_provenance import Origin, origin_of
from providers.jobs import job_id
from server import negotiate
from server.state import onemap, principal
from server.web.pages import Face


async def inputs(request: Request) -> Response:
    """GET /jobs/{jobId}/inputs: what was asked, as a new request can quote it."""
    document = asked_document(await _origin(request), onemap(request).settings.public_url)
    return negotiate.respond(request, document, template=Face.DOCUMENT)


async def provenance(request: Request) -> Response:
    """GET /jobs/{jobId}/prov: PROV-JSON of what is known so far."""
    base = onemap(request).settings.public_url
    document = await run_in_threadpool(provenance_document, await _origin(request), base)
    return negotiate.respond(request, document, template=Face.DOCUMENT)


async def _origin(request: Request) -> Origin:
    negotiate.only(request)
    name = job_id(request.path_params["jobId"])
    return await origin_of(onemap(request).pools, name, principal(request))
