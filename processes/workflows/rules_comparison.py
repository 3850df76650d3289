"""What drafted rules would change: past parcels judged by the rules in force and by the draft.

Both judge the same parcels over the same evidence, read once; only the rules differ.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
import shapely
from psycopg import Connection
from psycopg.rows import TupleRow

from config.ruleset import Ruleset
from processes.algorithms.compliance.evidence import Need
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.overall import overall
from processes.context import Context
from processes.spec import BodyError, InvalidBody
from processes.workflows.check_document import ADVISORY, both, ruleset_document
from processes.workflows.check_evidence import needs
from processes.workflows.check_request import Asked, Rules, asked_of, rules_of, ruleset_of
from processes.workflows.parcel_intake import IntakeParcel
from processes.workflows.parcel_judging import ask_for, judged
from processes.workflows.rules_draft import DRAFT, Draft, drafted
from providers.access import ANONYMOUS_ID
from providers.checks import eyes_of
from providers.crs import parse_crs
from providers.parcel_overlay import TooManyFeatures
from providers.past_checks import PastCheck, past_checks, past_document

MOST_CHECKS, MOST_PARCELS = 500, 10_000
BLOCK = 1_000  # parcels whose evidence is held at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What rules say of one parcel: of all of it, and rule by rule."""

    overall: str
    rules: Mapping[str, RuleFinding]


def compare_rules(context: Context, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The parcels of kept checks whose suggestions would change, rule by rule.

    Raises
    ------
    InvalidBody
        For a draft that does not hold together.
    """
    entry = inputs[DRAFT]
    draft = drafted(context.rulebook, entry, context.entry.bindings, f"/inputs/{DRAFT}")
    ruleset = str(entry["id"] if entry["kind"] == "ruleset" else entry["ruleset"])
    changed: list[dict[str, Any]] = []
    moves: Counter[tuple[str, str | None, str | None]] = Counter()
    checks = parcels = left_out = 0
    told: Ruleset | None = None
    with context.reading() as connection:
        for past in _past(context, connection, inputs, ruleset):
            if parcels + past.parcels > MOST_PARCELS:
                left_out += 1
                continue
            document = past_document(connection, past)
            sound = [one for one in document["parcels"] if one["rules"]]
            checks, parcels = checks + 1, parcels + len(sound)
            context.report(min(95, 100 * parcels // MOST_PARCELS), f"{checks} checks")
            for parcel, before, after, rules in _judged_twice(
                context, connection, document, sound, draft
            ):
                told = rules or told
                moved = list(_moves(before, after))
                moves.update((m["rule"], m["before"], m["after"]) for m in moved)
                if moved or before.overall != after.overall:
                    changed.append(
                        {
                            "check": document["hash"],
                            "parcel": parcel["number"],
                            "name": parcel["name"],
                            "before": before.overall,
                            "after": after.overall,
                            "rules": moved,
                        }
                    )
    if told is None:
        day = max(context.today, draft.begins)
        told = ruleset_of(draft.rulebook, ruleset, day, None)
    return {
        "advisory": both(ADVISORY),
        "draft": ruleset_document(told),
        "checks": checks,
        "parcels": parcels,
        "left_out": left_out,
        "changed": changed,
        "summary": [
            {"rule": rule, "before": before, "after": after, "parcels": count}
            for (rule, before, after), count in sorted(
                moves.items(), key=lambda move: tuple(map(str, move[0]))
            )
        ],
    }


def _past(
    context: Context, connection: Connection[TupleRow], inputs: Mapping[str, Any], ruleset: str
) -> list[PastCheck]:
    asked = inputs.get("checks", {})
    depot = context.depot
    owner = ANONYMOUS_ID if depot is None else depot.owner
    organisation, person = ("", "") if depot is None else (depot.organisation, depot.person)
    if owner == ANONYMOUS_ID and "hashes" not in asked:
        return []  # one anonymous caller is not another
    return past_checks(
        connection,
        eyes_of(owner, organisation, person, context.scope),
        ruleset=ruleset,
        hashes=asked.get("hashes"),
        since=date.fromisoformat(asked["since"]) if "since" in asked else None,
        profile=asked.get("profile"),
        most=MOST_CHECKS,
    )


def _judged_twice(
    context: Context,
    connection: Connection[TupleRow],
    document: Mapping[str, Any],
    sound: list[dict[str, Any]],
    draft: Draft,
) -> Iterator[tuple[dict[str, Any], Verdict, Verdict, Ruleset | None]]:
    """Each parcel of a kept check with what both say of it, and the drafted rules."""
    asked = _asked(document, context.now)
    by_region: dict[str | None, list[dict[str, Any]]] = {}
    for one in sound:
        by_region.setdefault(one["region"] and one["region"]["lowest"], []).append(one)
    for region, members in by_region.items():
        now = rules_of(context.rulebook, asked, context.today, region)
        then = _drafted_rules(context, asked, region, draft)
        wanted = needs(now.ruleset, now.profile)
        if then is not None:
            wanted = _together(wanted, needs(then.ruleset, then.profile))
        for start in range(0, len(members), BLOCK):
            block = members[start : start + BLOCK]
            try:
                _, answers = ask_for(
                    context,
                    connection,
                    asked,
                    now if then is None else replace(then, day=now.day),
                    wanted,
                    [_parcel(one) for one in block],
                    [region] * len(block),
                    parse_crs(document["source"]["crs"]),
                    parse_crs(document["planar_crs"]["uri"]),
                )
            except TooManyFeatures as error:
                raise InvalidBody([BodyError("/inputs/checks", str(error))]) from error
            scene = answers.scene()
            before = judged(scene, asked, now)
            after = [()] * len(block) if then is None else judged(scene, asked, then)
            for parcel, was, becomes in zip(block, before, after, strict=True):
                rules = None if then is None else then.ruleset
                yield parcel, _verdict(now, was), _verdict(then or now, becomes), rules


def _drafted_rules(
    context: Context, asked: Asked, region: str | None, draft: Draft
) -> Rules | None:
    """The rules that would hold; None where the draft no longer has the matter."""
    try:
        return rules_of(draft.rulebook, asked, context.today, region, draft.begins)
    except InvalidBody:
        return None


def _asked(document: Mapping[str, Any], now: datetime) -> Asked:
    """What the kept check was asked."""
    project = {k: v for k, v in document["project"].items() if v is not None}
    inputs: dict[str, Any] = {
        "ruleset": document["ruleset"]["id"],
        "profile": document["profile"]["id"],
        "check_date": document["check_date"],
        "project": project,
    }
    if document["as_of"] is not None:
        inputs["as_of"] = document["as_of"]
    return asked_of(inputs, now)


def _parcel(document: Mapping[str, Any]) -> IntakeParcel:
    return IntakeParcel(
        number=document["number"],
        name=document["name"],
        id=document["id"],
        geometry=shapely.from_geojson(orjson.dumps(document["geometry"])),
        declared_m2=document["areas"]["declared_m2"],
        attributes=document["attributes"],
        faults=(),
    )


def _together(one: Mapping[str, Need], other: Mapping[str, Need]) -> dict[str, Need]:
    """What either asks."""
    return {
        name: _either(one.get(name, Need()), other.get(name, Need()))
        for name in sorted(one.keys() | other.keys())
    }


def _either(one: Need, other: Need) -> Need:
    margins = [m for m in (one.margin_m, other.margin_m) if m is not None]
    return Need(
        fields=one.fields | other.fields,
        overlaps=one.overlaps or other.overlaps,
        margin_m=max(margins, default=None),
        mandatory=one.mandatory or other.mandatory,
        table=one.table or other.table,
    )


def _verdict(rules: Rules, findings: tuple[RuleFinding, ...]) -> Verdict:
    mandatory = rules.profile.mandatory
    return Verdict(
        overall=overall(
            [one.outcome for one in findings if one.rule in mandatory],
            [one.outcome for one in findings if one.rule not in mandatory],
        ).value,
        rules={one.rule: one for one in findings},
    )


def _moves(before: Verdict, after: Verdict) -> Iterator[dict[str, Any]]:
    """The rules whose suggestion differs; null where one of them does not have the rule."""
    for rule in sorted(before.rules.keys() | after.rules.keys()):
        one, other = before.rules.get(rule), after.rules.get(rule)
        was, becomes = one and one.outcome.value, other and other.outcome.value
        if was != becomes:
            yield {
                "rule": rule,
                "before": was,
                "after": becomes,
                "text_before": one and one.text,
                "text_after": other and other.text,
            }
