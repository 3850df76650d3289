"""What a compliance check is asked beside its parcels, and the rules that hold there and then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from config.predicates import Value
from config.rulebook import Rulebook
from config.ruleset import Profile, Ruleset
from config.ruleset_choice import NoRuleset, TiedOverrides
from processes.spec import BodyError, InvalidBody
from processes.workflows.rules_draft import DRAFT
from providers.access import Scope
from providers.checks import SIGN
from providers.edition_history import parse_as_of
from providers.errors import BadParameter

FIRST_DAY, LAST_DAY = date(1949, 10, 1), date(2099, 12, 31)
DEFAULT_PROFILE, DEFAULT_RULESET = "site_preapproval", "national_default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a check is asked, beside its parcels."""

    ruleset: str
    profile: str
    day: date | None
    as_of: datetime | None
    name: str | None
    code: str | None
    attributes: Mapping[str, Value | None]
    flags: Mapping[str, bool]
    documents: Mapping[str, Any]
    dates: Mapping[str, date]
    draft: Mapping[str, Any] | None = None  # rules that are tried before they are in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules that hold at a place on the day of the check."""

    ruleset: Ruleset
    profile: Profile
    day: date


def asked_of(inputs: Mapping[str, Any], now: datetime) -> Asked:
    """The inputs beside the parcels, typed; InvalidBody with every fault."""
    project = inputs.get("project", {})
    faults: list[BodyError] = []
    as_of = None
    if "as_of" in inputs:
        try:
            as_of = parse_as_of(inputs["as_of"])
        except BadParameter as error:
            faults.append(BodyError("/inputs/as_of", f"expected {error.expected}"))
    if as_of is not None and as_of > now and as_of.date() > now.date():
        faults.append(BodyError("/inputs/as_of", "expected no moment that is to come"))
    days = {"/inputs/check_date": inputs["check_date"]} if "check_date" in inputs else {}
    days |= {f"/inputs/project/dates/{k}": v for k, v in project.get("dates", {}).items()}
    faults += [
        BodyError(place, f"expected a day from {FIRST_DAY} to {LAST_DAY}")
        for place, day in days.items()
        if not FIRST_DAY <= date.fromisoformat(day) <= LAST_DAY
    ]
    if faults:
        raise InvalidBody(faults)
    return Asked(
        ruleset=inputs.get("ruleset", DEFAULT_RULESET),
        profile=inputs.get("profile", DEFAULT_PROFILE),
        day=date.fromisoformat(inputs["check_date"]) if "check_date" in inputs else None,
        as_of=as_of,
        name=project.get("name"),
        code=project.get("code"),
        attributes={k: as_value(v) for k, v in project.get("attributes", {}).items()},
        flags=project.get("flags", {}),
        documents=project.get("documents", {}),
        draft=inputs.get(DRAFT),
        dates={k: date.fromisoformat(v) for k, v in project.get("dates", {}).items()},
    )


def as_value(value: Any) -> Value | None:
    """A value of a request as rules compare it: numbers as the decimals that were written."""
    if value is None or isinstance(value, str | bool | Decimal):
        return value
    return Decimal(repr(value)) if isinstance(value, int | float) else str(value)


def rules_of(
    rulebook: Rulebook, asked: Asked, today: date, region: str | None, begins: date = date.min
) -> Rules:
    """The rule set, profile and day that hold for a region; rules of *begins* at the earliest.

    Raises
    ------
    InvalidBody
        Where no version or no such matter is in force on the day.
    """
    first = asked.day or today
    ruleset = ruleset_of(rulebook, asked.ruleset, max(first, begins), region)
    profile = _profile(ruleset, asked.profile)
    day = asked.day or asked.dates.get(profile.date_basis.value) or today
    if day != first:
        ruleset = ruleset_of(rulebook, asked.ruleset, max(day, begins), region)
        profile = _profile(ruleset, asked.profile)
    if (profile.valid_from or date.min) > max(day, begins) or day > (profile.valid_to or date.max):
        raise InvalidBody([BodyError("/inputs/profile", f"is not valid on {day.isoformat()}")])
    return Rules(ruleset=ruleset, profile=profile, day=day)


def ruleset_of(rulebook: Rulebook, name: str, day: date, region: str | None) -> Ruleset:
    """The rule set in force; InvalidBody where there is none, or where overrides contradict."""
    try:
        return rulebook.in_force(name, day, region)
    except (NoRuleset, TiedOverrides) as error:
        raise InvalidBody([BodyError("/inputs/ruleset", str(error))]) from error


def _profile(ruleset: Ruleset, name: str) -> Profile:
    if name not in ruleset.profiles:
        known = ", ".join(ruleset.profiles)
        raise InvalidBody([BodyError("/inputs/profile", f"expected one of {known}")])
    return ruleset.profiles[name]


def check_names(asked: Asked, ruleset: Ruleset, scope: Scope) -> None:
    """Refuse attributes, flags and documents that the rule set does not know.

    That a document was accepted is a reviewer's word: who may not sign can only attach it.
    """
    known = {
        "attributes": ruleset.attributes,
        "flags": ruleset.flags,
        "documents": ruleset.documents,
    }
    given = {"attributes": asked.attributes, "flags": asked.flags, "documents": asked.documents}
    faults = [
        BodyError(f"/inputs/project/{part}/{name}", f"is none of the rule set's {part}")
        for part, names in given.items()
        for name in names
        if name not in known[part]
    ]
    faults += [
        BodyError(f"/inputs/project/flags/{name}", "is answered by a service, not declared")
        for name in asked.flags
        if name in ruleset.flags and ruleset.flags[name].source == "service"
    ]
    if not scope.may(SIGN):
        faults += [
            BodyError(f"/inputs/project/documents/{name}", "expected attached: reviewers verify")
            for name, state in asked.documents.items()
            if state == "verified"
        ]
    if faults:
        raise InvalidBody(faults)
