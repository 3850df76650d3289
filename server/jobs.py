"""The job list, single jobs and their results (OGC API Processes 1.0)."""

from collections.abc import Mapping
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from processes.spec import JSON
from providers.errors import BadParameter, NotFound
from providers.features import parse_whole
from providers.job_documents import JOB_TYPE, refusal, status_document
from providers.job_records import JobQuery, JobStatus, Period, parse_cursor, parse_period
from providers.jobs import job_id
from server import negotiate
from server.links import link, query
from server.results import raw_answer, results_answer
from server.schedules import PATH as SCHEDULES
from server.state import onemap, principal
from server.web.pages import Face

DEFAULT_LIMIT, MAX_LIMIT = 10, 1_000
MAX_SECONDS = 1_000_000_000
NARROWING = ("type", "processID", "status", "datetime", "minDuration", "maxDuration")


async def jobs(request: Request) -> Response:
    """GET /jobs: the caller's own, newest first."""
    given = negotiate.only(request, "limit", "cursor", *NARROWING)
    job_query = JobQuery(
        limit=parse_whole("limit", given.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT),
        after=parse_cursor(given["cursor"]) if "cursor" in given else None,
        statuses=_statuses(given),
        processes=tuple(given["processID"].split(",")) if "processID" in given else None,
        created=parse_period(given["datetime"]) if "datetime" in given else Period(),
        shortest_s=_seconds("minDuration", given),
        longest_s=_seconds("maxDuration", given),
    )
    one = onemap(request)
    page = await one.jobs.list(job_query, principal(request))
    base = f"{one.settings.public_url}/jobs"
    links = [
        link(query(base, given), "self", JSON, "This document"),
        link(query(base, {**given, "f": "html"}), "alternate", negotiate.HTML, "HTML"),
        link(f"{one.settings.public_url}{SCHEDULES}", "related", JSON, "定时计划 / Schedules"),
    ]
    if page.cursor is not None:
        links.append(link(query(base, {**given, "cursor": page.cursor}), "next", JSON, "Next page"))
    document = {
        "jobs": [status_document(j, one.settings.public_url) for j in page.jobs],
        "links": links,
    }
    return negotiate.respond(request, document, template=Face.JOBS)


async def job(request: Request) -> Response:
    """GET /jobs/{jobId}."""
    negotiate.only(request)
    one = onemap(request)
    found = await one.jobs.get(_job(request), principal(request))
    told = await one.jobs.callbacks(found)
    document = {**status_document(found, one.settings.public_url, told), **refusal(found)}
    return negotiate.respond(request, document, template=Face.JOB)


async def dismiss(request: Request) -> Response:
    """DELETE /jobs/{jobId}: its work ends, its results go."""
    negotiate.only(request)
    one = onemap(request)
    found = await one.jobs.dismiss(_job(request), principal(request))
    return negotiate.respond(
        request, status_document(found, one.settings.public_url), template=Face.JOB
    )


async def results(request: Request) -> Response:
    """GET /jobs/{jobId}/results, in the form that the request asked for."""
    negotiate.only(request)
    found_job, found = await onemap(request).jobs.results(_job(request), principal(request))
    return await run_in_threadpool(results_answer, request, found_job, found, {})


async def result(request: Request) -> Response:
    """GET /jobs/{jobId}/results/{output}: one output as it is."""
    negotiate.only(request)
    _, found = await onemap(request).jobs.results(_job(request), principal(request))
    name = request.path_params["output"]
    one = next((r for r in found if r.output == name), None)
    if one is None:
        raise NotFound("output", name)
    return await run_in_threadpool(raw_answer, request, one, {})


def _job(request: Request) -> UUID:
    return job_id(request.path_params["jobId"])


def _seconds(name: str, given: Mapping[str, str]) -> int | None:
    return parse_whole(name, given[name], 0, MAX_SECONDS) if name in given else None


def _statuses(given: Mapping[str, str]) -> tuple[JobStatus, ...]:
    """The statuses asked for; no job is of another type than `process`."""
    names = given["status"].split(",") if "status" in given else list(JobStatus)
    try:
        statuses = tuple(JobStatus(name) for name in names)
    except ValueError:
        expected = f"some of {', '.join(JobStatus)}"
        raise BadParameter("status", given["status"], expected) from None
    types = given.get("type", JOB_TYPE).split(",")
    if any(name not in (JOB_TYPE,) for name in types):
        raise BadParameter("type", given["type"], JOB_TYPE)
    return statuses
