"""Jobs as documents of OGC API Processes 1.0: statusInfo, and results by output."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from processes.spec import JSON, REL
from providers.callbacks import Callback
from providers.job_records import Job, JobStatus, Result

JOB_TYPE = "process"
PROBLEM = "application/problem+json"


def status_document(job: Job, base: str, callbacks: Iterable[Callback] = ()) -> dict[str, Any]:
    """The job's statusInfo; times that are not known yet are left out."""
    here = f"{base}/jobs/{job.id}"
    links = [_link(here, "self", JSON, "This document")]
    if job.status is JobStatus.SUCCESSFUL:
        links.append(_link(f"{here}/results", f"{REL}results", JSON, "Results"))
    if job.status is JobStatus.FAILED:
        links.append(_link(f"{here}/results", f"{REL}exceptions", PROBLEM, "Why it failed"))
    process = f"{base}/processes/{quote(job.process, safe='')}"
    links.append(_link(process, "up", JSON, job.process))
    times = {
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "updated": job.updated,
    }
    told = [_callback(each) for each in callbacks]
    return {
        "processID": job.process,
        "type": JOB_TYPE,
        "jobID": str(job.id),
        "status": job.status.value,
        "message": job.message,
        "progress": job.progress,
        **{name: _time(value) for name, value in times.items() if value is not None},
        "links": links,
        **({"x-onemap": {"callbacks": told}} if told else {}),
    }


def results_document(results: Sequence[Result]) -> dict[str, Any]:
    """Values by output; objects are qualified by their media type."""
    return {result.output: _inline(result) for result in results}


def references_document(outputs: Sequence[str], job: Job, base: str) -> dict[str, Any]:
    """Where the values are, for those that are too large to be sent."""
    there = {"href": f"{base}/jobs/{job.id}/results", "type": JSON}
    return dict.fromkeys(outputs, there)


def _inline(result: Result) -> Any:
    if result.media_type != JSON:
        return result.value.decode()
    value = orjson.loads(result.value)
    return {"value": value, "mediaType": JSON} if isinstance(value, dict) else value


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
