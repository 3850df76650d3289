"""Schedules over HTTP: which there are, when each runs next, and what became of its last run."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.schedule import Schedule
from config.vocabulary import Text
from providers.schedule_runs import Followed, LastRun, followed, seen_by
from server import negotiate
from server.links import link, query, segment
from server.state import onemap, principal
from server.web.pages import Face

TITLE = Text(zh="定时计划", en="Schedules")
PATH = "/catalogue/schedules"


async def schedules(request: Request) -> Response:
    """GET /catalogue/schedules: those of the caller, or all for who sees all jobs."""
    negotiate.only(request)
    one, caller, lang = onemap(request), principal(request), negotiate.language(request)
    shown = seen_by(one.snapshot.catalogue.schedules.values(), caller)
    states = await followed(one.pools, shown, caller, datetime.now(UTC))
    base, title = one.settings.public_url, TITLE.in_language(lang)
    here = f"{base}{PATH}"
    body = {
        "title": title,
        "schedules": [_document(each, states[each.id], base, lang) for each in shown],
        "links": [
            link(here, "self", negotiate.JSON, title),
            link(query(here, {"f": "html"}), "alternate", negotiate.HTML, title),
            link(f"{base}/jobs", "related", negotiate.JSON, "任务 / Jobs"),
        ],
    }
    return negotiate.respond(request, body, template=Face.DOCUMENT)


def _document(one: Schedule, state: Followed, base: str, lang: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title.in_language(lang),
        "process": one.process,
        "href": f"{base}/processes/{segment(one.process)}",
        "cron": one.cron,
        "key": one.key,
        "next": _time(state.next),
        "last": None if state.last is None else _run(state.last, base),
    }


def _run(last: LastRun, base: str) -> dict[str, Any]:
    return {
        "jobID": str(last.job),
        "status": last.status.value,
        "created": _time(last.created),
        "href": f"{base}/jobs/{last.job}",
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
