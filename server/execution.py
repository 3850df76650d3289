"""Processes and jobs over HTTP (OGC API Processes 1.0)."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.model import ProcessEntry
from processes.registry import SPECS
from processes.spec import (
    JSON,
    REL,
    BodyError,
    Execution,
    FunctionNotGranted,
    InvalidBody,
    NoSuchProcess,
    ProcessSpec,
)
from providers.errors import BadParameter
from providers.features import parse_whole
from providers.job_records import Job, JobQuery, JobStatus, NewJob, Result, parse_cursor
from providers.jobs import job_id
from server import negotiate
from server.links import link, query, segment
from server.preference import Preference
from server.problems import UnsupportedMediaType
from server.state import onemap, principal
from server.web.pages import Face

MAX_BODY_BYTES = 1024 * 1024
DEFAULT_LIMIT, MAX_LIMIT = 10, 1_000
NULL_CHARACTER = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
JOB_TYPE = "process"
PROCESS_ID = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)


async def processes(request: Request) -> Response:
    """GET /processes: what this caller may run."""
    given = negotiate.only(request, "limit", "cursor")
    limit, after = _limit(given, DEFAULT_LIMIT), _process_cursor(given)
    one, lang = onemap(request), negotiate.language(request)
    base = one.settings.public_url
    granted = [
        entry
        for _, entry in sorted(one.snapshot.catalogue.processes.items())
        if entry.spec in SPECS and principal(request).scope.may(entry.id) and entry.id > after
    ]
    page, here = granted[:limit], f"{base}/processes"
    links = [
        link(query(here, given), "self", JSON, "This document"),
        link(query(here, {**given, "f": "html"}), "alternate", negotiate.HTML, "HTML"),
    ]
    if len(granted) > limit:
        next_page = query(here, {**given, "cursor": page[-1].id})
        links.append(link(next_page, "next", JSON, "Next page"))
    summaries = [SPECS[entry.spec].summary(entry.id, lang, base) for entry in page]
    document = {"processes": summaries, "links": links}
    return negotiate.respond(request, document, template=Face.PROCESSES)


async def process(request: Request) -> Response:
    """GET /processes/{processId}."""
    negotiate.only(request)
    entry, spec = _offered(request)
    one, lang = onemap(request), negotiate.language(request)
    base = one.settings.public_url
    here = f"{base}/processes/{entry.id}"
    document = spec.description_document(entry.id, lang, base)
    document["links"] = [
        *document["links"],
        link(f"{here}?f=html", "alternate", negotiate.HTML, "HTML"),
        link(f"{base}/jobs?processID={entry.id}", f"{REL}job-list", JSON, "Jobs"),
    ]
    return negotiate.respond(request, document, template=Face.PROCESS)


async def execute(request: Request) -> Response:
    """POST /processes/{processId}/execution: 200 with the result, or 201 with the job."""
    negotiate.only(request)
    entry, spec = _offered(request)
    one, caller = onemap(request), principal(request)
    execution = await _execution(request, spec)
    preference = Preference.parse(request.headers.getlist("prefer"))
    new = NewJob(
        process=entry.id,
        process_version=spec.version,
        inputs=execution.inputs,
        outputs=execution.outputs,
        response=execution.response,
        catalogue=one.snapshot.catalogue.digest,
        per_owner=entry.limits["per_owner"],
    )
    job = await one.jobs.submit(new, caller)
    patience_s = preference.patience_s(one.settings.sync_wait_s)
    if patience_s > 0:
        job = await one.jobs.wait(job.id, caller, patience_s)
    location = {"Location": f"{one.settings.public_url}/jobs/{job.id}"}
    if not job.status.final:
        document = _status(job, one.settings.public_url)
        headers = {**location, **preference.applied(accepted=True)}
        return negotiate.respond(request, document, template=Face.JOB, status=201, headers=headers)
    job, found = await one.jobs.results(job.id, caller)
    described = f'<{location["Location"]}>; rel="monitor"'
    headers = {"Link": described, **preference.applied(accepted=False)}
    return await run_in_threadpool(_answer, request, job, found, headers)


async def jobs(request: Request) -> Response:
    """GET /jobs: the caller's own, newest first."""
    given = negotiate.only(request, "limit", "cursor", "status", "processID", "type")
    job_query = JobQuery(
        limit=_limit(given, DEFAULT_LIMIT),
        after=parse_cursor(given["cursor"]) if "cursor" in given else None,
        statuses=_statuses(given),
        processes=tuple(given["processID"].split(",")) if "processID" in given else None,
    )
    one = onemap(request)
    page = await one.jobs.list(job_query, principal(request))
    base = f"{one.settings.public_url}/jobs"
    links = [
        link(query(base, given), "self", JSON, "This document"),
        link(query(base, {**given, "f": "html"}), "alternate", negotiate.HTML, "HTML"),
    ]
    if page.cursor is not None:
        links.append(link(query(base, {**given, "cursor": page.cursor}), "next", JSON, "Next page"))
    document = {"jobs": [_status(j, one.settings.public_url) for j in page.jobs], "links": links}
    return negotiate.respond(request, document, template=Face.JOBS)


async def job(request: Request) -> Response:
    """GET /jobs/{jobId}."""
    negotiate.only(request)
    one = onemap(request)
    found = await one.jobs.get(_job(request), principal(request))
    return negotiate.respond(request, _status(found, one.settings.public_url), template=Face.JOB)


async def dismiss(request: Request) -> Response:
    """DELETE /jobs/{jobId}: its work ends, its results go."""
    negotiate.only(request)
    one = onemap(request)
    found = await one.jobs.dismiss(_job(request), principal(request))
    return negotiate.respond(request, _status(found, one.settings.public_url), template=Face.JOB)


async def results(request: Request) -> Response:
    """GET /jobs/{jobId}/results, in the form that the request asked for."""
    negotiate.only(request)
    found_job, found = await onemap(request).jobs.results(_job(request), principal(request))
    return await run_in_threadpool(_answer, request, found_job, found, {})


def _offered(request: Request) -> tuple[ProcessEntry, ProcessSpec]:
    """The process of the path, if it is offered and granted."""
    name = request.path_params["processId"]
    entry = onemap(request).snapshot.catalogue.processes.get(name)
    if entry is None or entry.spec not in SPECS:
        raise NoSuchProcess(name)
    if not principal(request).scope.may(entry.id):
        raise FunctionNotGranted(entry.id)
    return entry, SPECS[entry.spec]


def _job(request: Request) -> UUID:
    return job_id(request.path_params["jobId"])


async def _execution(request: Request, spec: ProcessSpec) -> Execution:
    """The body, bounded, parsed and checked."""
    media_type = request.headers.get("content-type", JSON).split(";")[0].strip().lower()
    if media_type != JSON:
        raise UnsupportedMediaType(f"Content-Type {media_type[:100]!r}; expected {JSON}")
    body = await negotiate.read_body(request, max_bytes=MAX_BODY_BYTES)
    # what a process checks may take a moment: not in the event loop
    return await asyncio.to_thread(_parsed, body, spec)


def _parsed(body: bytes, spec: ProcessSpec) -> Execution:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidBody([BodyError("", f"is not JSON: {error}")]) from None
    if NULL_CHARACTER.search(body):
        raise InvalidBody([BodyError("", "text must not contain null characters")])
    return spec.parse(document)


def _answer(
    request: Request, found_job: Job, found: Sequence[Result], headers: Mapping[str, str]
) -> Response:
    """One output raw as it is; everything else as a document by output."""
    if found_job.response == "raw" and len(found) == 1:
        only = found[0]
        if only.media_type == JSON:
            value = orjson.loads(only.value)
            if isinstance(value, dict):
                return negotiate.respond(request, value, template=Face.DOCUMENT, headers=headers)
            return negotiate.answer(request, only.value, JSON, headers=headers)
        media_type = f"{only.media_type}; charset=utf-8"
        return negotiate.answer(request, only.value, media_type, headers=headers)
    document = {result.output: _inline(result) for result in found}
    return negotiate.respond(request, document, template=Face.RESULTS, headers=headers)


def _inline(result: Result) -> Any:
    """A value inside a results document; objects are qualified by their media type."""
    if result.media_type != JSON:
        return result.value.decode()
    value = orjson.loads(result.value)
    return {"value": value, "mediaType": JSON} if isinstance(value, dict) else value


def _status(found: Job, base: str) -> dict[str, Any]:
    """statusInfo of OGC API Processes 1.0."""
    here = f"{base}/jobs/{found.id}"
    links = [link(here, "self", JSON, "This document")]
    if found.status is JobStatus.SUCCESSFUL:
        links.append(link(f"{here}/results", f"{REL}results", JSON, "Results"))
    if found.status is JobStatus.FAILED:
        links.append(
            link(f"{here}/results", f"{REL}exceptions", "application/problem+json", "Why it failed")
        )
    links.append(link(f"{base}/processes/{segment(found.process)}", "up", JSON, found.process))
    times = {
        "created": found.created,
        "started": found.started,
        "finished": found.finished,
        "updated": found.updated,
    }
    return {
        "processID": found.process,
        "type": JOB_TYPE,
        "jobID": str(found.id),
        "status": found.status.value,
        "message": found.message,
        "progress": found.progress,
        **{name: _time(value) for name, value in times.items() if value is not None},
        "links": links,
    }


def _time(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _limit(given: Mapping[str, str], default: int) -> int:
    return parse_whole("limit", given.get("limit", str(default)), 1, MAX_LIMIT)


def _process_cursor(given: Mapping[str, str]) -> str:
    """The process after which a page begins; empty for the first page."""
    text = given.get("cursor", "")
    if "cursor" in given and PROCESS_ID.fullmatch(text) is None:
        raise BadParameter("cursor", text, "a cursor from a next link")
    return text


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
