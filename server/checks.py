"""Kept compliance checks over HTTP: the caller's own, their documents, their reports."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import orjson
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import Text
from processes.workflows.kept_checks import made_report
from processes.workflows.manual_choices import blanked
from providers.checks import (
    HASH,
    CheckRecord,
    check_content,
    find_check,
    list_checks,
    parse_cursor,
    unpack,
    unpacking,
)
from providers.errors import BadParameter, NotFound
from providers.features import parse_whole
from server import negotiate
from server.attachments import attachment
from server.beside import Lane
from server.links import Link, link, query
from server.state import onemap, principal
from server.web.pages import Face

TITLE = Text(zh="合规性审查记录", en="Compliance checks")
RESULT = Text(zh="审查结果", en="Result")
OPINIONS = Text(zh="审查意见", en="Opinions")
VERIFICATION = Text(zh="复核", en="Verification")
DEFAULT_LIMIT, MAX_LIMIT = 10, 1_000
NUMBERS = re.compile(r"[1-9]\d{0,6}(,[1-9]\d{0,6}){0,999}", re.ASCII)
FACE_BYTES = 1024**2  # a page of more than that is read by nobody
REPORTING = Lane(places=4, each=1, wait_s=20.0)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON = "application/geo+json"
REPORTS = {"json": negotiate.JSON, "jsonfg": GEOJSON, "xlsx": XLSX, "docx": DOCX}
NAMES = {
    "json": "合规性审查",
    "jsonfg": "合规性审查套合图形",
    "xlsx": "合规性审查套合表",
    "docx": "合规性审查报告",
}


async def checks(request: Request) -> Response:
    """GET /checks: the caller's own, newest first."""
    given = negotiate.only(request, "limit", "cursor")
    limit = parse_whole("limit", given.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT)
    after = parse_cursor(given["cursor"]) if "cursor" in given else None
    one, lang = onemap(request), negotiate.language(request)
    async with one.pools.reading() as connection:
        page = await list_checks(connection, principal(request), limit, after)
    base = one.settings.public_url
    here, title = f"{base}/checks", TITLE.in_language(lang)
    links = [
        link(query(here, given), "self", negotiate.JSON, title),
        link(query(here, {**given, "f": "html"}), "alternate", negotiate.HTML, title),
    ]
    if page.cursor is not None:
        following = query(here, {**given, "cursor": page.cursor})
        links.append(link(following, "next", negotiate.JSON, "下一页 / Next page"))
    listed = [check_facts(check, base) for check in page.checks]
    body = {"title": title, "checks": listed, "links": links}
    return negotiate.respond(request, body, template=Face.CHECKS)


async def check(request: Request) -> Response:
    """GET /checks/{hash}: the document as the check made it."""
    negotiate.only(request)
    record, packed = await checked(request)
    html = negotiate.negotiated(request, {"json": negotiate.JSON, "html": negotiate.HTML}) == "html"
    if html:
        return await run_in_threadpool(_face, request, record, packed)
    return await run_in_threadpool(_document, request, record, packed, {})


async def report(request: Request) -> Response:
    """GET /checks/{hash}/report: to be saved, as JSON, XLSX or DOCX."""
    given = negotiate.only(request, "parcel")
    form = negotiate.negotiated(request, REPORTS)
    record, packed = await checked(request)
    parcels = _parcels(given, record)
    saved = {"Content-Disposition": file_name(record.hash, form)}
    if form == "json" and parcels is None:
        return await run_in_threadpool(_document, request, record, packed, saved)
    return await report_answer(request, packed, form, saved, parcels=parcels, of=record.hash)


async def report_answer(
    request: Request,
    packed: bytes,
    form: str,
    headers: Mapping[str, str],
    *,
    of: str,
    parcels: frozenset[int] | None = None,
    opinion: Mapping[str, Any] | None = None,
) -> Response:
    """A report, made in a process of its own; what the client has already is not made again."""
    told = [*map(str, sorted(parcels or ()))]
    coding = negotiate.encoding(request)
    tag = negotiate.etag(of, form, *told, version("onemap-server"), coding)
    if response := negotiate.unchanged(request, tag):
        return response
    if request.method == "HEAD":
        return negotiate.bodiless(request, REPORTS[form], headers=headers, tag=tag)
    content = await REPORTING.run(request, made_report, packed, form, parcels, opinion)
    return negotiate.answer(request, content, REPORTS[form], headers=headers, tag=tag)


async def checked(request: Request) -> tuple[CheckRecord, bytes]:
    """The check of the path with its packed document, if the caller may see it."""
    record = await recorded(request)
    async with onemap(request).pools.reading() as connection:
        packed = await check_content(connection, record.hash, principal(request))
    if packed is None:
        raise NotFound("check", record.hash)
    return record, packed


async def recorded(request: Request) -> CheckRecord:
    """The check of the path without its document, if the caller may see it."""
    name = request.path_params["hash"]
    found = None
    if HASH.fullmatch(name):
        async with onemap(request).pools.reading() as connection:
            found = await find_check(connection, name, principal(request))
    if found is None:
        raise NotFound("check", name.replace("\x00", "␀"))
    return found


def file_name(name: str, form: str) -> str:
    """The header by which a browser saves a report."""
    return attachment(f"check-{name[:12]}.{form}", f"{NAMES[form]}-{name[:12]}.{form}")


def check_facts(record: CheckRecord, base: str) -> dict[str, Any]:
    """A check in a list."""
    facts = record.facts
    return {
        "hash": record.hash,
        "href": f"{base}/checks/{record.hash}",
        "project": facts["project"],
        "profile": facts["profile"],
        "ruleset": facts["ruleset"],
        "check_date": facts["check_date"],
        "as_of": facts["as_of"],
        "parcels": facts["parcels"],
        "overall": facts["overall"],
        "outcomes": facts["outcomes"],
        "synthetic": facts["synthetic"],
        "opinions": record.opinions,
        "conclusion": record.conclusion,
        "kept_at": record.kept.isoformat(),
        "seen_at": record.seen.isoformat(),
    }


def check_links(name: str, base: str, lang: str) -> list[Link]:
    """Where to go on from a check."""
    here = f"{base}/checks/{name}"

    def way(href: str, rel: str, media_type: str, title: Text) -> Link:
        return link(href, rel, media_type, title.in_language(lang))

    return [
        way(here, "self", negotiate.JSON, RESULT),
        way(
            f"{here}/report?f=docx",
            "related",
            DOCX,
            Text(zh="审查报告（DOCX）", en="Report (DOCX)"),
        ),
        way(f"{here}/report?f=xlsx", "related", XLSX, Text(zh="套合表（XLSX）", en="Table (XLSX)")),
        way(f"{here}/opinions", "related", negotiate.JSON, OPINIONS),
        way(f"{base}/verify/{name}", "related", negotiate.JSON, VERIFICATION),
        way(f"{base}/checks", "collection", negotiate.JSON, TITLE),
    ]


def _document(
    request: Request, record: CheckRecord, packed: bytes, headers: Mapping[str, str]
) -> Response:
    """The document's own bytes; whoever takes zstd is sent what is kept."""
    coding = negotiate.encoding(request)
    tag = negotiate.etag(record.hash, coding)
    if response := negotiate.unchanged(request, tag):
        return response
    if coding == "zstd":
        fields = {**headers, "Content-Encoding": coding}
        return negotiate.answer(request, packed, negotiate.JSON, headers=fields, tag=tag)
    if record.bytes > FACE_BYTES:  # not held as a whole
        parts = iterate_in_threadpool(unpacking(packed))
        return negotiate.stream(request, parts, negotiate.JSON, headers=headers, tag=tag)
    content = unpack(packed)
    return negotiate.answer(request, content, negotiate.JSON, headers=headers, tag=tag)


def _face(request: Request, record: CheckRecord, packed: bytes) -> Response:
    """The page of a check; of a large one its summary."""
    facts, lang = record.facts, negotiate.language(request)
    base = onemap(request).settings.public_url
    large = record.bytes > FACE_BYTES
    whole = check_facts(record, base) if large else _printed(orjson.loads(unpack(packed)))
    named = [facts["profile"]["title"][lang], facts["project"]["name"]]
    body = {
        **whole,
        "title": " · ".join(part for part in named if part),
        "links": check_links(record.hash, base, lang),
        "x-onemap": {"synthetic": facts["synthetic"]},
    }
    return negotiate.respond(request, body, template=Face.CHECK)


def _printed(document: dict[str, Any]) -> dict[str, Any]:
    """The document as people read it: what a choice leaves open is a blank."""
    manual = [
        {**item, "choices": [{**one, "text": blanked(one["text"])} for one in item["choices"]]}
        for item in document["manual"]
    ]
    return {**document, "manual": manual}


def _parcels(given: Mapping[str, str], record: CheckRecord) -> frozenset[int] | None:
    """The parcels asked for; None: all of them."""
    if "parcel" not in given:
        return None
    text, most = given["parcel"], record.facts["parcels"]
    numbers = frozenset(map(int, text.split(","))) if NUMBERS.fullmatch(text) else frozenset()
    if not numbers or max(numbers) > most:
        raise BadParameter("parcel", text, f"numbers from 1 to {most}, separated by commas")
    return numbers
