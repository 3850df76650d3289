"""The plan register over HTTP: which plans there are, their chain, their trace, their documents."""

from datetime import date
from enum import StrEnum
from typing import Any, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import PlanState, PlanType, Text
from providers.crs import CRS84_URI
from providers.documents import OfPlan, attached
from providers.errors import BadParameter, NotFound
from providers.features import parse_whole
from providers.plan_records import PLAN_ID, Plan, PlanEvent, PlanLink, PlanQuery
from providers.plans import find_plan, list_plans, plan_chain, plan_events, plan_extent
from server import negotiate
from server.files import (
    DEFAULT_LISTED,
    MAX_LISTED,
    MAX_OFFSET,
    both,
    document_facts,
    page_links,
)
from server.links import link, query, segment
from server.state import onemap, principal, scope

TITLE = Text(zh="规划名录", en="Plan register")


class Labelled(Protocol):
    """A code with a title."""

    @property
    def value(self) -> str: ...
    @property
    def label(self) -> Text: ...


async def plans(request: Request) -> Response:
    """GET /catalogue/plans: the plans the caller may see."""
    given = negotiate.only(request, "limit", "offset", "on", "state", "type")
    lang, one = negotiate.language(request), onemap(request)
    asked = PlanQuery(
        on=_day("on", given["on"]) if "on" in given else None,
        state=one_of(PlanState, "state", given["state"]) if "state" in given else None,
        type=one_of(PlanType, "type", given["type"]) if "type" in given else None,
        limit=parse_whole("limit", given.get("limit", str(DEFAULT_LISTED)), 1, MAX_LISTED),
        offset=parse_whole("offset", given.get("offset", "0"), 0, MAX_OFFSET),
    )
    async with one.pools.reading() as connection:
        found, total = await list_plans(connection, asked, scope(request))
    path, title = f"{one.settings.public_url}/catalogue/plans", TITLE.in_language(lang)
    body = {
        "title": title,
        "links": page_links(path, given, asked.limit, asked.offset, total, title),
        "numberMatched": total,
        "numberReturned": len(found),
        "plans": [plan_facts(plan, path, lang) for plan in found],
    }
    return negotiate.respond(request, body, template="plans.html")


async def plan(request: Request) -> Response:
    """GET /catalogue/plans/{planId}."""
    negotiate.only(request)
    one, lang, caller = onemap(request), negotiate.language(request), scope(request)
    name, base = request.path_params["planId"], one.settings.public_url
    if not PLAN_ID.fullmatch(name):
        raise NotFound("plan", name.replace("\x00", "␀"))
    async with one.pools.reading() as connection:
        found = await find_plan(connection, name, caller)
        if found is None:
            raise NotFound("plan", name)
        shape = await plan_extent(connection, name, caller)
        chain = await plan_chain(connection, name, caller)
        events = await plan_events(connection, name, caller)
        documents = await attached(connection, OfPlan(name), caller)
    register, anonymous = f"{base}/catalogue/plans", principal(request).anonymous
    here = f"{register}/{segment(name)}"
    listed = query(f"{base}/catalogue/documents", {"plan": name})
    body = {
        **plan_facts(found, register, lang),
        "geometry": None if shape is None else orjson.loads(shape),
        "chain": [_link(each, register, lang) for each in chain],
        "events": [_event(each, lang, named=not anonymous) for each in events],
        "documents": [
            {**document_facts(each.document, base, lang), "role": each.role} for each in documents
        ],
        "links": [
            *both(here, "self", found.title.in_language(lang)),
            link(register, "collection", negotiate.JSON, TITLE.in_language(lang)),
            link(listed, "related", negotiate.JSON, "文档 / Documents"),
        ],
    }
    return negotiate.respond(request, body, template="plan.html")


def plan_facts(plan: Plan, register: str, lang: str) -> dict[str, Any]:
    """A plan as JSON; *register* is the address of the list."""
    facts: dict[str, Any] = {
        "id": plan.id,
        "title": plan.title.in_language(lang),
        "level": coded(plan.level, lang),
        "type": coded(plan.type, lang),
        "state": coded(plan.state, lang),
        "region": plan.region,
        "baseYear": plan.base_year,
        "targetYear": plan.target_year,
        "compiler": plan.compiler,
        "approver": plan.approver,
        "basis": plan.basis,
        "approvedOn": _iso(plan.approved_on),
        "inForceFrom": _iso(plan.in_force_from),
        "inForceTo": _iso(plan.in_force_to),
        "classification": plan.classification,
        "href": f"{register}/{segment(plan.id)}",
        "x-onemap": {"synthetic": plan.synthetic},
    }
    if plan.extent is not None:
        facts["extent"] = {"spatial": {"bbox": [list(plan.extent)], "crs": CRS84_URI}}
    return facts


def _link(found: PlanLink, register: str, lang: str) -> dict[str, Any]:
    def end(name: str, title: Text, state: PlanState) -> dict[str, Any]:
        return {
            "id": name,
            "title": title.in_language(lang),
            "state": coded(state, lang),
            "href": f"{register}/{segment(name)}",
        }

    return {
        "plan": end(found.plan, found.plan_title, found.plan_state),
        "kind": coded(found.kind, lang),
        "other": end(found.other, found.other_title, found.other_state),
    }


def _event(event: PlanEvent, lang: str, *, named: bool) -> dict[str, Any]:
    """What was done; who did it and why they say so is told to those who are *named* themselves."""
    facts: dict[str, Any] = {
        "number": event.number,
        "at": event.at.isoformat(),
        "act": coded(event.act, lang),
        "before": None if event.before is None else coded(event.before, lang),
        "after": coded(event.after, lang),
        "document": event.document,
        "effective": _iso(event.effective),
    }
    return {**facts, "person": event.person, "reason": event.reason} if named else facts


def coded(code: Labelled, lang: str) -> dict[str, str]:
    return {"code": code.value, "title": code.label.in_language(lang)}


def one_of[E: StrEnum](kind: type[E], name: str, text: str) -> E:
    """A parameter that names one of a few."""
    try:
        return kind(text)
    except ValueError:
        raise BadParameter(name, text, f"one of {', '.join(kind)}") from None


def _day(name: str, text: str) -> date:
    try:
        if len(text) != len("2024-12-31"):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise BadParameter(name, text, "a date value") from None


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
