"""Each parcel of a compliance check as a document: areas, faults, rules, composition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from config.model import CodeList
from config.vocabulary import Outcome, Text
from processes.algorithms.canonical import canonical_bytes
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.overall import overall
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.survey_parcels import Fault, Finding, finding
from processes.workflows.check_document import (
    closed_on,
    composition_document,
    number,
    plain,
    profile_document,
    rule_document,
    rule_head,
    ruleset_document,
    summary,
)
from processes.workflows.check_evidence import PLANNED, PRESENT, Layered, asked_rules
from processes.workflows.check_outline import Outline, outline_of
from processes.workflows.check_request import Asked, Rules
from processes.workflows.check_shapes import Shapes
from processes.workflows.parcel_intake import IntakeParcel, fault_document
from processes.workflows.parcel_judging import Answers, Scene, judged, present_and_planned
from providers.bindings import Bound
from providers.crs import to_plane
from providers.parcel_regions import Placed

ACROSS = Text(
    zh="部分位于适用其他规则的行政区，按面积最大部分的规则审查",
    en="parts of it lie in divisions with other rules; those of the largest part were applied",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some parcels under the rules that hold where they lie, and what the layers say of them."""

    asked: Asked
    rules: Rules
    named: bool  # the rules are told with each parcel
    parcels: tuple[IntakeParcel, ...]
    places: tuple[Placed | None, ...]
    torn: frozenset[int]  # numbers of parcels of which parts lie where other rules hold
    answers: Answers | Text  # or why they cannot be read
    names: Mapping[str, Mapping[str, Text]]  # of classes, by the binding of a composition


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is said of some parcels: of each a document in canonical bytes, and of all an outline."""

    numbers: tuple[int, ...]
    texts: tuple[bytes, ...]
    outline: Outline


def unjudged(parcels: Iterable[IntakeParcel]) -> Told:
    """Parcels as far as they could be read; nothing is said of them."""
    shapes = Shapes()
    return _told(shapes, [_unjudged(shapes, one) for one in parcels])


def judged_block(block: Block) -> Told:
    """What the rules say of a block's parcels; to be called in any process."""
    shapes = Shapes()
    documents = [_unjudged(shapes, one) for one in block.parcels]
    if isinstance(block.answers, Text):
        for document in documents:
            _tell_fault(document, finding(Fault.TOO_LARGE, block.answers))
        return _told(shapes, documents)
    scene = block.answers.scene()
    findings = judged(scene, block.asked, block.rules)
    present, planned = present_and_planned(scene)
    heads = _heads(block.rules)
    for row, (document, areas) in enumerate(zip(documents, _areas(scene), strict=True)):
        place, declared_m2 = block.places[row], block.parcels[row].declared_m2
        now = None if present is None else present[row]
        then = None if planned is None else planned[row]
        document |= {
            "region": None if place is None else _region(place),
            "areas": {"declared_m2": number(declared_m2), **areas},
            **_advice(shapes, block.rules, heads, findings[row], declared_m2),
            "composition": {
                "present": composition_document(now, block.names[PRESENT[0]]),
                "planned": composition_document(then, block.names[PLANNED[0]]),
                "closed_on": {"present": closed_on(now), "planned": closed_on(then)},
            },
        }
        if block.named:
            document["ruleset"] = ruleset_document(block.rules.ruleset)
            document["profile"] = profile_document(block.rules.profile)
        if document["number"] in block.torn:
            _tell_fault(document, finding(Fault.OTHER_RULES, ACROSS))
    return _told(shapes, documents)


def class_names(layers: Sequence[Layered]) -> dict[str, Mapping[str, Text]]:
    """The names of the classes of which compositions are made, by binding."""
    return {binding: _names(layers, binding, code) for binding, code in (PRESENT, PLANNED)}


def _told(shapes: Shapes, documents: Sequence[dict[str, Any]]) -> Told:
    shapes.write()
    return Told(
        numbers=tuple(one["number"] for one in documents),
        texts=tuple(map(canonical_bytes, documents)),
        outline=outline_of(documents),
    )


def _tell_fault(document: dict[str, Any], fault: Finding) -> None:
    """Note what is wrong with a parcel; nothing is said to be in order then."""
    document["faults"] = [*document["faults"], fault_document(fault, None)]
    if Outcome(document["overall"]).rank < Outcome.VERIFY.rank:
        document["overall"] = Outcome.VERIFY.value


def _unjudged(shapes: Shapes, parcel: IntakeParcel) -> dict[str, Any]:
    document = {
        "number": parcel.number,
        "name": parcel.name,
        "id": parcel.id,
        "region": None,
        "attributes": {name: plain(value) for name, value in parcel.attributes.items()},
        "areas": {
            "declared_m2": number(parcel.declared_m2),
            "planar_m2": None,
            "ellipsoid_m2": None,
        },
        "faults": [dict(fault) for fault in parcel.faults],
        "overall": Outcome.VERIFY.value,
        "summary": summary(()),
        "rules": [],
        "composition": {
            "present": None,
            "planned": None,
            "closed_on": {"present": None, "planned": None},
        },
    }
    return shapes.put(document, parcel.geometry)


def _areas(scene: Scene) -> list[dict[str, Any]]:
    """The areas of each parcel as it was judged."""
    if not scene.parcels:
        return []
    ellipsoid = ellipsoid_area_m2(scene.shapes).tolist()
    planar = shapely.area(to_plane(scene.shapes, scene.plane)).tolist()
    return [
        {"planar_m2": number(flat), "ellipsoid_m2": number(curved)}
        for flat, curved in zip(planar, ellipsoid, strict=True)
    ]


def _heads(rules: Rules) -> dict[str, dict[str, Any]]:
    """What is told of each rule of the profile that is computed, whatever it says of a parcel."""
    ruleset, mandatory = rules.ruleset, rules.profile.mandatory
    return {
        rule: rule_head(ruleset.rules[rule], rules.day, mandatory=rule in mandatory)
        for rule in asked_rules(ruleset, rules.profile)
    }


def _advice(
    shapes: Shapes,
    rules: Rules,
    heads: Mapping[str, Mapping[str, Any]],
    findings: Sequence[RuleFinding],
    declared_m2: float | None,
) -> dict[str, Any]:
    ruleset, profile = rules.ruleset, rules.profile
    weighed = [(finding, finding.rule in profile.mandatory) for finding in findings]
    return {
        "overall": overall(
            [finding.outcome for finding, mandatory in weighed if mandatory],
            [finding.outcome for finding, mandatory in weighed if not mandatory],
        ).value,
        "summary": summary(weighed),
        "rules": [
            rule_document(
                shapes,
                ruleset,
                heads[finding.rule],
                finding,
                replace=profile.replace,
                declared_m2=declared_m2,
            )
            for finding, _ in weighed
        ],
    }


def _names(layers: Sequence[Layered], binding: str, code: str) -> Mapping[str, Text]:
    """The names of a layer's classes, by its own code list."""
    bound = next((one.bound for one in layers if one.binding == binding), None)
    if not isinstance(bound, Bound):
        return {}
    lists = (f.code_list for f in bound.layer.specification.fields if f.code == code)
    found: CodeList | None = next(lists, None)
    return {} if found is None else found.codes


def _region(place: Placed) -> dict[str, Any]:
    """The county of a parcel, the lowest division in it, and where else parts of it lie."""
    return {
        "code": place.code,
        "name": place.name,
        "lowest": place.lowest,
        "others": list(place.others),
    }
