"""What a compliance check found, as the JSON document that is kept, printed and shown."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from config.ruleset import Legal, Profile, Rule, Ruleset
from config.vocabulary import Outcome, Text
from processes.algorithms.compliance.composition import Composition
from processes.algorithms.compliance.findings import Concerned, Piece, RuleFinding
from processes.workflows.check_evidence import Layered
from processes.workflows.check_shapes import Shapes
from providers.bindings import Bound, NotBound
from providers.crs import Crs, Operation

ADVISORY = Text(
    zh="系统辅助分析，不作为审批依据",
    en="Computer-aided analysis; no basis for approval",
)
ZONE = re.compile(r"3-degree Gauss-Kruger (?:CM (\d+)E|zone (\d+))")
EXACT_INTEGER = 10**15  # larger numbers are not written in full


def both(text: Text) -> dict[str, str]:
    """A text in its two languages."""
    return {"zh": text.zh, "en": text.en}


def ruleset_document(ruleset: Ruleset) -> dict[str, Any]:
    """Which rules were applied, with what was laid over them."""
    return {
        "id": ruleset.id,
        "version": ruleset.version,
        "title": both(ruleset.title),
        "overrides": [{"id": name, "version": version} for name, version in ruleset.overrides],
        "digest": ruleset.digest,
        "titles": {
            one.id: one.title
            for group in (ruleset.attributes, ruleset.flags, ruleset.documents)
            for one in group.values()
        },
    }


def profile_document(profile: Profile) -> dict[str, Any]:
    """The matter, and how its report is called."""
    return {
        "id": profile.id,
        "title": both(profile.title),
        "matter": profile.matter,
        "date_basis": profile.date_basis.value,
        "report": {"template": profile.template, "title_zh": profile.report_title},
    }


def plane_document(plane: Crs) -> dict[str, Any]:
    """The plane in which planar areas are measured, by its name."""
    named = ZONE.search(plane.name) if plane.survey_zone else None
    number = None if named is None else int(named[1]) // 3 if named[1] else int(named[2])
    return {"uri": plane.uri, "name": plane.label, "zone": number}


def source_document(crs: Crs, operation: Operation, edge_m: float) -> dict[str, Any]:
    """How the parcels came to storage, and to what length their edges were cut for overlays."""
    return {
        "crs": crs.uri,
        "operation": {
            "name": operation.name,
            "accuracy_m": operation.accuracy_m,
            "exact": operation.exact,
        },
        "max_edge_m": None if crs.geographic else edge_m,
    }


def layer_document(layer: Layered) -> dict[str, Any]:
    """What one binding reads: layer, edition and revision; or why it reads nothing."""
    bound = layer.bound
    document: dict[str, Any] = {
        "binding": layer.binding,
        "title": both(layer.title),
        "mandatory": layer.need.mandatory,
        "connected": isinstance(bound, Bound),
        "reason": None,
        "layer": None,
        "layer_title": None,
        "edition": None,
        "revision": None,
        "released": None if layer.released is None else layer.released.isoformat(),
        "synthetic": False,
    }
    if isinstance(bound, NotBound):
        return document | {"reason": bound.reason.value}
    document |= {
        "layer": bound.layer.id,
        "layer_title": both(bound.layer.title),
        "synthetic": bound.layer.synthetic,
    }
    if bound.state is None:
        return document
    edition = bound.state.edition
    return document | {
        "revision": bound.state.revision,
        "edition": {
            "key": edition.key,
            "title": both(edition.title),
            "status": edition.status.value,
            "issuer": edition.issuer.value,
            "document": edition.document,
            "valid_from": edition.valid_from.isoformat(),
            "valid_to": None if edition.valid_to is None else edition.valid_to.isoformat(),
        },
    }


def rule_head(rule: Rule, day: date, *, mandatory: bool) -> dict[str, Any]:
    """What is told of a rule wherever it is applied."""
    return {
        "rule": rule.id,
        "version": rule.version,
        "title": both(rule.title),
        "family": rule.family,
        "mandatory": mandatory,
        "limits": [both(one) for one in rule.limits],
        "legal": [
            {"cite": one.cite, "verify": one.verify} for one in rule.legal if _valid(one, day)
        ],
    }


def rule_document(
    shapes: Shapes,
    ruleset: Ruleset,
    head: Mapping[str, Any],
    finding: RuleFinding,
    *,
    replace: Mapping[str, str],
    declared_m2: float | None,
) -> dict[str, Any]:
    """What one rule, with its *head*, says of a parcel; bindings are those read, after *replace*."""
    return {
        **head,
        "fact": finding.fact.value,
        "suggestion": finding.outcome.value,
        "clause": finding.clause,
        "text": finding.text,
        "reasons": sorted(finding.reasons),
        "needs": [{"id": n, "title": ruleset.documents[n].title} for n in finding.needs],
        "concerns": [_concern(shapes, one, replace, declared_m2) for one in finding.concerns],
        "pieces": [_piece(shapes, one, replace) for one in finding.pieces],
    }


def _valid(legal: Legal, day: date) -> bool:
    begun = legal.valid_from is None or legal.valid_from <= day
    return begun and (legal.valid_to is None or day <= legal.valid_to)


def _concern(
    shapes: Shapes, found: Concerned, replace: Mapping[str, str], declared_m2: float | None
) -> dict[str, Any]:
    distance = found.distance_m
    document = {
        "binding": replace.get(found.binding, found.binding),
        "ellipsoid_m2": number(found.ellipsoid_m2),
        "planar_m2": number(found.planar_m2),
        "noise_m2": number(found.noise_m2),
        "share": number(found.share),
        "declared_m2": None if declared_m2 is None else number(found.share * declared_m2),
        "net_m2": number(found.net_m2),
        "distance_m": None if distance is None or math.isinf(distance) else number(distance),
        "features": [
            {
                "id": part.id,
                "plan": part.plan,
                "document": part.document,
                "fields": {name: plain(value) for name, value in part.fields.items()},
                "ellipsoid_m2": number(part.ellipsoid_m2),
                "planar_m2": number(part.planar_m2),
            }
            for part in found.features
        ],
    }
    return shapes.put(document, found.geometry)


def _piece(shapes: Shapes, piece: Piece, replace: Mapping[str, str]) -> dict[str, Any]:
    document = {
        "clause": piece.clause,
        "outcome": piece.outcome.value,
        "text": piece.text,
        "ellipsoid_m2": number(piece.ellipsoid_m2),
        "planar_m2": number(piece.planar_m2),
        "binding": piece.binding and replace.get(piece.binding, piece.binding),
        "feature": piece.feature,
    }
    return shapes.put(document, piece.geometry)


def plain(value: Any) -> Any:
    """A value as JSON has it: days as their text, decimals as numbers."""
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else number(float(value))


def number(value: float | None) -> float | int | None:
    """A number as canonical JSON writes it: without a fraction where it has none.

    >>> number(0.0), number(-0.5), number(None)
    (0, -0.5, None)
    """
    if value is None or not value.is_integer() or abs(value) > EXACT_INTEGER:
        return value
    return int(value)


def summary(findings: Iterable[tuple[RuleFinding, bool]]) -> dict[str, int]:
    """How many mandatory rules suggest each outcome, worst first."""
    counts = {outcome.value: 0 for outcome in reversed(Outcome)}
    for finding, mandatory in findings:
        if mandatory:
            counts[finding.outcome.value] += 1
    return counts


def manual_document(rule: Rule) -> dict[str, Any]:
    """An item that a person answers (人工事项)."""
    return {
        "rule": rule.id,
        "title": both(rule.title),
        "reason": None if rule.reason is None else both(rule.reason),
        "choices": [{"outcome": one.outcome.value, "text": one.text} for one in rule.choices],
    }


def composition_document(
    found: Composition | None, names: Mapping[str, Text]
) -> list[dict[str, Any]] | None:
    """The classes of a parcel with their names; null where the layer is not there."""
    if found is None:
        return None
    return [
        {
            "code": one.code,
            "name": None if one.code is None or one.code not in names else names[one.code].zh,
            "ellipsoid_m2": number(one.ellipsoid_m2),
            "net_m2": number(one.net_m2),
            "share": number(one.share),
            "declared_m2": None if one.declared_ha is None else plain(one.declared_ha * 10_000),
        }
        for one in found.classes
    ]


def closed_on(found: Composition | None) -> dict[str, Any] | None:
    """Which class took what rounding to four decimals of a hectare left over; null: nothing was."""
    if found is None or not found.remainder_ha:
        return None
    return {"class": found.closed_on, "remainder_ha": float(found.remainder_ha)}
