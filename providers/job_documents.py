"""Jobs as documents of OGC API Processes 1.0: statusInfo, and results by output."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from processes.spec import JSON, REL, charset
from providers.callbacks import Callback
from providers.job_records import Job, JobStatus, Result
from providers.job_results import LayerResult

JOB_TYPE = "process"
PROBLEM = "application/problem+json"
HAS_PROVENANCE = "http://www.w3.org/ns/prov#has_provenance"


def status_document(job: Job, base: str, callbacks: Iterable[Callback] = ()) -> dict[str, Any]:
    """The job's statusInfo; times that are not known yet are left out."""
    here = f"{base}/jobs/{job.id}"
    links = [_link(here, "self", JSON, "This document")]
    if job.status is JobStatus.SUCCESSFUL:
        links.append(_link(f"{here}/results", f"{REL}results", JSON, "Results"))
    if job.status is JobStatus.FAILED:
        links.append(_link(f"{here}/results", f"{REL}exceptions", PROBLEM, "Why it failed"))
    links.append(_link(f"{here}/prov", HAS_PROVENANCE, JSON, "How it came about (W3C PROV)"))
    process = f"{base}/processes/{quote(job.process, safe='')}"
    links.append(_link(process, "up", JSON, job.process))
    times = {
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "updated": job.updated,
        "expires": job.expires if job.status.final else None,
    }
    told = [_callback(each) for each in callbacks]
    return {
        "processID": job.process,
        "type": JOB_TYPE,
        "jobID": str(job.id),
        "status": job.status.value,
        "message": job.message,
        "progress": job.progress,
        **({"schedule": job.schedule} if job.schedule is not None else {}),
        **({"steps": _steps(job)} if job.steps else {}),
        **{name: _time(value) for name, value in times.items() if value is not None},
        "links": links,
        **({"x-onemap": {"callbacks": told}} if told else {}),
    }


def refusal(job: Job) -> dict[str, Any]:
    """What a failed job found wrong with its inputs, each with its place; nothing where that was not why."""
    found = (job.error or {}).get("errors") or ()
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in found]
    return {"errors": errors} if errors else {}


def results_document(results: Sequence[Result | LayerResult], base: str) -> dict[str, Any]:
    """Values by output; objects are qualified by their media type, layers are told by a link."""
    return {
        r.output: _inline(r) if isinstance(r, Result) else collection_link(r, base) for r in results
    }


def collection_link(result: LayerResult, base: str) -> dict[str, Any]:
    """Where the features of an output are, as a collection."""
    title = f"{result.title.zh} / {result.title.en}"
    return _link(f"{base}/collections/{result.layer}", "data", JSON, title)


def references_document(outputs: Sequence[str], job: Job, base: str) -> dict[str, Any]:
    """Where the values are, for those that are too large to be sent."""
    there = {"href": f"{base}/jobs/{job.id}/results", "type": JSON}
    return dict.fromkeys(outputs, there)


def _inline(result: Result) -> Any:
    if result.media_type != JSON:
        return result.value.decode(charset(result.media_type))
    value = orjson.loads(result.value)
    return {"value": value, "mediaType": JSON} if isinstance(value, dict) else value


def _steps(job: Job) -> list[dict[str, Any]]:
    """The processes of the job; none of them outlives it."""
    match job.status:
        case JobStatus.SUCCESSFUL:
            return [{**s, "status": job.status.value, "progress": 100} for s in job.steps]
        case JobStatus.FAILED | JobStatus.DISMISSED:
            ended = {"running": job.status.value, "accepted": JobStatus.DISMISSED.value}
            return [{**s, "status": ended.get(s["status"], s["status"])} for s in job.steps]
        case _:
            return [dict(s) for s in job.steps]


def _callback(one: Callback) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "event": one.event.value,
        "uri": one.place,
        "state": one.state.value,
        "attempts": one.attempts,
        **({"problem": one.problem} if one.problem is not None else {}),
        **({"ended": _time(one.ended)} if one.ended is not None else {"next": _time(one.due)}),
    }


def _link(href: str, rel: str, media_type: str, title: str) -> dict[str, Any]:
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def _time(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
