"""Processes and their execution over HTTP (OGC API Processes 1.0)."""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import partial

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.model import ProcessEntry
from config.vocabulary import ExecutionMode
from processes.description import description_document, summary
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
from processes.workflows.nested_input import Find, Look, Offered, Step, finding, parse_body
from processes.workflows.process_steps import step_documents
from processes.workflows.referred_input import address_faults
from providers.callbacks import parse_subscriber
from providers.errors import BadParameter, OutlastedWait
from providers.features import parse_whole
from providers.job_documents import status_document
from providers.job_records import JobStatus, NewJob, Once
from server import negotiate
from server.links import link, query
from server.preference import Preference
from server.problems import UnsupportedMediaType
from server.results import results_answer
from server.state import onemap, principal
from server.web.pages import Face

MAX_BODY_BYTES = 1024 * 1024
DEFAULT_LIMIT, MAX_LIMIT = 10, 1_000
NULL_CHARACTER = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
QUOTED = re.compile(r'\A"(.+)"\Z')
PROCESS_ID = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)


async def processes(request: Request) -> Response:
    """GET /processes: what this caller may run."""
    given = negotiate.only(request, "limit", "cursor")
    limit = parse_whole("limit", given.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT)
    after = _process_cursor(given)
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
    summaries = [summary(SPECS[e.spec], e.id, lang, base, e.execution) for e in page]
    document = {"processes": summaries, "links": links}
    return negotiate.respond(request, document, template=Face.PROCESSES)


async def process(request: Request) -> Response:
    """GET /processes/{processId}."""
    negotiate.only(request)
    entry, spec = _offered(request)
    one, lang = onemap(request), negotiate.language(request)
    base = one.settings.public_url
    here = f"{base}/processes/{entry.id}"
    document = description_document(spec, entry.id, lang, base, entry.execution)
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
    find = finding(one.snapshot.catalogue.processes, SPECS, caller.scope, one.settings.public_url)
    look = partial(address_faults, base=one.settings.public_url, hosts=one.settings.fetch_hosts)
    outer = Offered(entry=entry, spec=spec)
    execution, steps, digest = await _execution(request, outer, find, look)
    preference = Preference.parse(request.headers.getlist("prefer")).among(entry.execution)
    new = NewJob(
        process=entry.id,
        process_version=spec.version,
        inputs=execution.inputs,
        outputs=execution.outputs,
        by_reference=execution.by_reference,
        as_collection=execution.as_collection,
        response=execution.response,
        catalogue=one.snapshot.catalogue.digest,
        per_owner=entry.limits["per_owner"],
        once=_once(request, entry, digest),
        steps=tuple(step_documents(steps)),
    )
    subscriber = None
    if execution.subscriber is not None:
        subscriber = parse_subscriber(execution.subscriber, one.settings.callback_hosts)
    job = await one.jobs.submit(new, caller, subscriber)
    own = not job.repeated
    patience_s = 0.0
    if ExecutionMode.SYNC in entry.execution:
        patience_s = preference.patience_s(one.settings.sync_wait_s)
    if patience_s > 0:
        job = await one.jobs.wait(job.id, caller, patience_s)
    if not job.status.final and ExecutionMode.ASYNC not in entry.execution:
        if own:  # others may wait for what was asked before
            job = await one.jobs.dismiss(job.id, caller, ended=False)
        if job.status is not JobStatus.SUCCESSFUL:
            raise OutlastedWait(entry.id, patience_s)
    location = {"Location": f"{one.settings.public_url}/jobs/{job.id}"}
    if not job.status.final:
        document = status_document(job, one.settings.public_url)
        headers = {**location, **preference.applied(accepted=True)}
        return negotiate.respond(request, document, template=Face.JOB, status=201, headers=headers)
    job, found = await one.jobs.results(job.id, caller)
    described = f'<{location["Location"]}>; rel="monitor"'
    headers = {"Link": described, **preference.applied(accepted=False)}
    return await run_in_threadpool(results_answer, request, job, found, headers)


def _offered(request: Request) -> tuple[ProcessEntry, ProcessSpec]:
    """The process of the path, if it is offered and granted."""
    name = request.path_params["processId"]
    entry = onemap(request).snapshot.catalogue.processes.get(name)
    if entry is None or entry.spec not in SPECS:
        raise NoSuchProcess(name)
    if not principal(request).scope.may(entry.id):
        raise FunctionNotGranted(entry.id)
    return entry, SPECS[entry.spec]


async def _execution(
    request: Request, outer: Offered, find: Find, look: Look
) -> tuple[Execution, Sequence[Step], bytes]:
    """The body, bounded, parsed and checked; all of its processes, and its digest."""
    media_type = request.headers.get("content-type", JSON).split(";")[0].strip().lower()
    if media_type != JSON:
        raise UnsupportedMediaType(f"Content-Type {media_type[:100]!r}; expected {JSON}")
    body = await negotiate.read_body(request, max_bytes=MAX_BODY_BYTES)
    # what a process checks may take a moment: not in the event loop
    return await asyncio.to_thread(_parsed, body, outer, find, look)


def _parsed(
    body: bytes, outer: Offered, find: Find, look: Look
) -> tuple[Execution, Sequence[Step], bytes]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidBody([BodyError("", f"is not JSON: {error}")]) from None
    if NULL_CHARACTER.search(body):
        raise InvalidBody([BodyError("", "text must not contain null characters")])
    execution, steps = parse_body(outer, document, find, look)
    return execution, steps, hashlib.sha256(body).digest()


def _once(request: Request, entry: ProcessEntry, digest: bytes) -> Once | None:
    """The request's idempotency key, if it has one; its quotation marks do not count."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    key = QUOTED.sub(r"\1", given[0])
    if len(given) > 1 or not IDEMPOTENCY_KEY.fullmatch(key):
        expected = "one key of 1 to 255 visible ASCII characters"
        raise BadParameter("Idempotency-Key", ", ".join(given)[:300], expected)
    return Once(key=key, digest=hashlib.sha256(entry.id.encode() + b"\0" + digest).digest())


def _process_cursor(given: Mapping[str, str]) -> str:
    """The process after which a page begins; empty for the first page."""
    text = given.get("cursor", "")
    if "cursor" in given and PROCESS_ID.fullmatch(text) is None:
        raise BadParameter("cursor", text, "a cursor from a next link")
    return text
