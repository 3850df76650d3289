"""Rule sets of the compliance check over HTTP: what forms and reviewers need to know of them."""

import re
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.rulebook import rulebook_of
from config.ruleset import Profile, Rule, Ruleset
from config.ruleset_choice import NoRuleset, TiedOverrides, newest
from config.vocabulary import Text
from providers.editions import today
from providers.errors import BadParameter, NotFound
from server import negotiate
from server.links import Link, link, segment
from server.state import onemap
from server.web.pages import Face

TITLE = Text(zh="合规性审查规则", en="Rules of the compliance check")
REGION = re.compile(r"[1-9][0-9]{5}([0-9]{3}){0,2}")


async def rulesets(request: Request) -> Response:
    """GET /catalogue/rulesets: those in force on a day."""
    given = negotiate.only(request, "on")
    one, lang = onemap(request), negotiate.language(request)
    here = f"{one.settings.public_url}/catalogue/rulesets"
    versions = [v for each in one.snapshot.catalogue.rulesets.values() for v in each]
    title = TITLE.in_language(lang)
    body = {
        "title": title,
        "rulesets": [_brief(found, here, lang) for found in newest(versions, _day(given))],
        "links": _both(here, title),
    }
    return negotiate.respond(request, body, template=Face.DOCUMENT)


async def ruleset(request: Request) -> Response:
    """GET /catalogue/rulesets/{rulesetId}: as it is in force on a day in a region."""
    given = negotiate.only(request, "on", "region")
    one, lang = onemap(request), negotiate.language(request)
    name, region = request.path_params["rulesetId"], given.get("region")
    if region is not None and not REGION.fullmatch(region):
        raise BadParameter("region", region, "a region code of 6, 9 or 12 digits")
    try:
        found = rulebook_of(one.snapshot.catalogue).in_force(name, _day(given), region)
    except NoRuleset as error:
        raise NotFound("rule set in force on this day", name.replace("\x00", "␀")) from error
    except TiedOverrides as error:
        raise BadParameter(
            "region", str(region), f"one whose local rules agree: {error}"
        ) from error
    listed = f"{one.settings.public_url}/catalogue/rulesets"
    title = found.title.in_language(lang)
    body = {
        **_brief(found, listed, lang),
        **_names(found),
        "profiles": [_profile(each, lang) for each in found.profiles.values()],
        "rules": [_rule(each, lang) for each in found.rules.values()],
        "overrides": [{"id": each, "version": version} for each, version in found.overrides],
        "switched_off": dict(found.switched_off),
        "links": [
            *_both(f"{listed}/{segment(found.id)}", title),
            link(listed, "collection", negotiate.JSON, TITLE.in_language(lang)),
        ],
    }
    return negotiate.respond(request, body, template=Face.DOCUMENT)


def _day(given: dict[str, str]) -> date:
    """The day asked for; today (China) where none is."""
    if "on" not in given:
        return today().end
    try:
        return date.fromisoformat(given["on"])
    except ValueError:
        raise BadParameter("on", given["on"], "a date, YYYY-MM-DD") from None


def _brief(found: Ruleset, listed: str, lang: str) -> dict[str, Any]:
    return {
        "id": found.id,
        "version": found.version,
        "title": found.title.in_language(lang),
        "valid_from": found.valid_from.isoformat(),
        "valid_to": None if found.valid_to is None else found.valid_to.isoformat(),
        "href": f"{listed}/{segment(found.id)}",
    }


def _names(found: Ruleset) -> dict[str, Any]:
    """What may be said of a project; titles are in Chinese."""
    return {
        "attributes": [
            {"id": a.id, "type": a.type, "title": a.title, "unit": a.unit, "note": a.note}
            for a in found.attributes.values()
        ],
        "flags": [
            {"id": f.id, "title": f.title, "default": f.default, "source": f.source, "note": f.note}
            for f in found.flags.values()
        ],
        "documents": [
            {"id": d.id, "title": d.title, "note": d.note} for d in found.documents.values()
        ],
    }


def _profile(profile: Profile, lang: str) -> dict[str, Any]:
    return {
        "id": profile.id,
        "title": profile.title.in_language(lang),
        "matter": profile.matter,
        "date_basis": profile.date_basis.value,
        "mandatory": list(profile.mandatory),
        "advisory": list(profile.advisory),
        "manual": list(profile.manual),
    }


def _rule(rule: Rule, lang: str) -> dict[str, Any]:
    return {
        "id": rule.id,
        "version": rule.version,
        "title": rule.title.in_language(lang),
        "family": rule.family,
        "manual": rule.manual,
    }


def _both(here: str, title: str) -> list[Link]:
    return [
        link(here, "self", negotiate.JSON, title),
        link(f"{here}?f=html", "alternate", negotiate.HTML, title),
    ]
