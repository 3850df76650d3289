"""What is said of a job: its status, and its results in the form that was asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from processes.spec import JSON, REL
from providers.job_records import Job, JobStatus, Result
from server import negotiate
from server.links import link, segment
from server.web.pages import Face

JOB_TYPE = "process"


def results_answer(
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


def status_document(found: Job, base: str) -> dict[str, Any]:
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
