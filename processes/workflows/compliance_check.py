"""The compliance check (合规性审查): parcels in, facts and advice out, with what they rest on.

Everything said is a fact or a suggestion. An opinion is a person's, and another document.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from psycopg import Connection
from psycopg.rows import TupleRow

from processes.algorithms.canonical import sealed
from processes.algorithms.compliance.judging import noise_of
from processes.algorithms.survey_parcels import Fault, finding
from processes.context import Context
from processes.workflows import check_document
from processes.workflows.ahead import ahead
from processes.workflows.check_document import Shapes
from processes.workflows.check_evidence import Layered, manual_rules, needs
from processes.workflows.check_parcels import Judged, tell, tell_fault, unjudged
from processes.workflows.check_request import Asked, Rules, asked_of
from processes.workflows.parcel_intake import Intake, fault_document, read_parcels
from processes.workflows.parcel_judging import (
    Scene,
    judged,
    present_and_planned,
    read_scene,
    within_noise,
)
from processes.workflows.parcel_placing import MAX_EDGE_M
from processes.workflows.rules_by_place import Group, Placement, placed_under_rules
from providers.crs import plane_over
from providers.parcel_overlay import TooManyFeatures

BLOCK = 1_000  # parcels whose evidence is held at once, while that of the next is read
PRESENT_REGISTER = "divisions, bindings and rules are those of today, whatever as_of says"


def check_parcels(context: Context, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Read the parcels, read what the rules need, judge, and tell.

    Raises
    ------
    InvalidBody
        With every fault of the request, each with its place; a faulty parcel of a batch is told
        in the result instead.
    """
    asked, shapes = asked_of(inputs, context.now), Shapes()
    with context.reading() as connection:
        intake = read_parcels(context, connection, inputs)
        placement = placed_under_rules(context, connection, asked, intake)
        intake, groups = _without_noise(intake, placement.groups)
        first, parcels, layers = groups[0][0], unjudged(shapes, intake), dict[str, Layered]()
        done, total = 0, sum(len(members) for _, members in groups)
        for rules, members, scene in ahead(
            _scenes(context, connection, asked, intake, placement, groups)
        ):
            done += len(members)
            context.report(95 * done // max(1, total), f"{done} / {total}")
            if isinstance(scene, TooManyFeatures):
                said = f"{scene}: it is too large to be checked in one piece"
                tell_fault(parcels[members[0]], finding(Fault.TOO_LARGE, said))
                continue
            present, planned = present_and_planned(scene)
            judgement = Judged(
                rules=rules,
                positions=tuple(members),
                shapes=scene.shapes,
                layers=scene.layers,
                findings=judged(scene, asked, rules),
                present=present,
                planned=planned,
            )
            tell(parcels, shapes, intake, placement, judgement, first.ruleset)
            shapes.write()
            for one in scene.layers:
                before = layers.get(one.binding)
                layers[one.binding] = one if before is None else before.also(one)
        shapes.write()
    return _document(asked, intake, [rules for rules, _ in groups], layers, parcels)


def _scenes(
    context: Context,
    connection: Connection[TupleRow],
    asked: Asked,
    intake: Intake,
    placement: Placement,
    groups: Sequence[Group],
) -> Iterator[tuple[Rules, Sequence[int], Scene | TooManyFeatures]]:
    """What the layers say, of so many parcels at a time that it is bounded.

    Parcels that together meet too much are read in halves, until the one that does is alone.
    """
    waiting = [
        (rules, members[start : start + BLOCK])
        for rules, members in groups
        for start in range(0, max(1, len(members)), BLOCK)
    ]
    while waiting:
        rules, members = waiting.pop(0)
        places = [placement.places[i] for i in members]
        try:
            scene = read_scene(
                context,
                connection,
                asked,
                rules,
                needs(rules.ruleset, rules.profile),
                [intake.parcels[i] for i in members],
                [None if place is None else place.lowest for place in places],
                intake.crs,
                intake.plane,
            )
        except TooManyFeatures as much:
            if len(members) == 1:
                yield rules, members, much
            else:
                half = len(members) // 2
                waiting[:0] = [(rules, members[:half]), (rules, members[half:])]
            continue
        yield rules, members, scene


def _without_noise(intake: Intake, groups: Sequence[Group]) -> tuple[Intake, list[Group]]:
    """The parcels that are more than boundary noise; the others have that as their fault."""
    parcels, kept = list(intake.parcels), list[Group]()
    for rules, members in groups:
        shapes = np.array([parcels[i].geometry for i in members], dtype=object)
        noise = noise_of(rules.ruleset)
        lost = np.zeros(0, dtype=np.bool_)
        if members:
            lost = within_noise(shapes, plane_over(shapes, intake.plane), noise)
        said = (
            f"is no larger than boundary noise: {noise.eps_m2:g} m², {noise.min_width_m:g} m wide"
        )
        fault = fault_document(finding(Fault.WITHIN_NOISE, said), None)
        for place in np.flatnonzero(lost).tolist():
            one = parcels[members[place]]
            parcels[members[place]] = replace(one, geometry=None, faults=(fault, *one.faults))
        rest = [member for member, gone in zip(members, lost.tolist(), strict=True) if not gone]
        kept.append((rules, rest))
    return replace(intake, parcels=tuple(parcels)), kept


def _document(
    asked: Asked,
    intake: Intake,
    found: Sequence[Rules],
    layers: Mapping[str, Layered],
    parcels: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    first = found[0]
    manual = {
        rule: check_document.manual_document(rules.ruleset.rules[rule])
        for rules in found
        for rule in manual_rules(rules.ruleset, rules.profile)
    }
    return sealed(
        {
            "kind": "compliance_check",
            "advisory": check_document.both(check_document.ADVISORY),
            "draft": asked.draft is not None,
            "ruleset": check_document.ruleset_document(first.ruleset),
            "profile": check_document.profile_document(first.profile),
            "check_date": first.day.isoformat(),
            "as_of": None if asked.as_of is None else asked.as_of.isoformat(),
            "planar_crs": check_document.plane_document(intake.plane),
            "source": check_document.source_document(intake.crs, intake.operation, MAX_EDGE_M),
            "project": {
                "name": asked.name,
                "code": asked.code,
                "attributes": {k: check_document.plain(v) for k, v in asked.attributes.items()},
                "flags": dict(asked.flags),
                "documents": dict(asked.documents),
            },
            "layers": [check_document.layer_document(layers[name]) for name in sorted(layers)],
            "parcels": list(parcels),
            "manual": list(manual.values()),
            "notes": [*intake.notes, *([] if asked.as_of is None else [PRESENT_REGISTER])],
        }
    )
