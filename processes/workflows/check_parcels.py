"""Each parcel of a compliance check as a document: areas, faults, rules, composition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from config.model import CodeList
from config.ruleset import Ruleset
from config.vocabulary import Outcome, Text
from processes.algorithms.compliance.composition import Composition
from processes.algorithms.compliance.evidence import Geometries
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.overall import overall
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.survey_parcels import Fault, Finding, finding
from processes.workflows.check_document import (
    Shapes,
    closed_on,
    composition_document,
    plain,
    profile_document,
    rule_document,
    ruleset_document,
    summary,
)
from processes.workflows.check_evidence import PLANNED, PRESENT, Layered
from processes.workflows.check_request import Rules
from processes.workflows.parcel_intake import Intake, IntakeParcel, fault_document
from processes.workflows.rules_by_place import Placement
from providers.bindings import Bound
from providers.crs import to_plane
from providers.parcel_regions import Placed

ACROSS = "parts of it lie in divisions with other rules; those of the largest part were applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Some parcels under the rules that hold where they lie."""

    rules: Rules
    positions: tuple[int, ...]  # among all parcels
    shapes: Geometries  # as they were judged, EPSG:4490
    layers: tuple[Layered, ...]
    findings: Sequence[tuple[RuleFinding, ...]]
    present: Sequence[Composition] | None
    planned: Sequence[Composition] | None


def unjudged(shapes: Shapes, intake: Intake) -> list[dict[str, Any]]:
    """Every parcel as far as it could be read: nothing is said of it before it is judged."""
    return [_unjudged(shapes, one) for one in intake.parcels]


def tell(
    documents: list[dict[str, Any]],
    shapes: Shapes,
    intake: Intake,
    placement: Placement,
    group: Judged,
    first: Ruleset,
) -> None:
    """Write into the documents of a group's parcels what was found; rules other than *first* are named."""
    names = {binding: _names(group.layers, binding, code) for binding, code in (PRESENT, PLANNED)}
    for place, (position, areas, findings) in enumerate(_measured(intake, group)):
        parcel, document = intake.parcels[position], documents[position]
        county = placement.places[position]
        present = None if group.present is None else group.present[place]
        planned = None if group.planned is None else group.planned[place]
        document |= {
            "region": None if county is None else _region(county),
            "areas": {"declared_m2": parcel.declared_m2, **areas},
            **_advice(shapes, group, findings, parcel.declared_m2),
            "composition": {
                "present": composition_document(present, names[PRESENT[0]]),
                "planned": composition_document(planned, names[PLANNED[0]]),
                "closed_on": {"present": closed_on(present), "planned": closed_on(planned)},
            },
        }
        if group.rules.ruleset is not first:
            document["ruleset"] = ruleset_document(group.rules.ruleset)
            document["profile"] = profile_document(group.rules.profile)
        if position in placement.torn:
            tell_fault(document, finding(Fault.OTHER_RULES, ACROSS))


def tell_fault(document: dict[str, Any], fault: Finding) -> None:
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
        "areas": {"declared_m2": parcel.declared_m2, "planar_m2": None, "ellipsoid_m2": None},
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


def _measured(
    intake: Intake, group: Judged
) -> Iterator[tuple[int, dict[str, float], tuple[RuleFinding, ...]]]:
    """Position, areas and findings of each parcel of a group."""
    if not group.positions:
        return
    ellipsoid = ellipsoid_area_m2(group.shapes)
    planar = shapely.area(to_plane(group.shapes, intake.plane))
    for position, one, other, findings in zip(
        group.positions, ellipsoid.tolist(), planar.tolist(), group.findings, strict=True
    ):
        yield position, {"planar_m2": other, "ellipsoid_m2": one}, findings


def _advice(
    shapes: Shapes, group: Judged, findings: Sequence[RuleFinding], declared_m2: float | None
) -> dict[str, Any]:
    ruleset, profile, day = group.rules.ruleset, group.rules.profile, group.rules.day
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
                finding,
                day,
                replace=profile.replace,
                mandatory=mandatory,
                declared_m2=declared_m2,
            )
            for finding, mandatory in weighed
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
