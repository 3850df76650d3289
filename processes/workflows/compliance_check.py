"""The compliance check (合规性审查): parcels in, facts and advice out, with what they rest on.

Everything said is a fact or a suggestion. An opinion is a person's, and another document.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from psycopg import Connection
from psycopg.rows import TupleRow

from config.vocabulary import Text
from processes.algorithms.canonical import sealed_with
from processes.algorithms.compliance.judging import noise_of
from processes.algorithms.survey_parcels import Fault, finding
from processes.compute import map_blocks
from processes.context import Context
from processes.workflows import check_document
from processes.workflows.check_evidence import Layered, manual_rules, needs
from processes.workflows.check_outline import Outline
from processes.workflows.check_parcels import Block, class_names, judged_block, unjudged
from processes.workflows.check_request import Asked, Rules, asked_of
from processes.workflows.parcel_intake import Intake, fault_document, read_parcels
from processes.workflows.parcel_judging import Answers, ask_for, within_noise
from processes.workflows.parcel_placing import MAX_EDGE_M
from processes.workflows.rules_by_place import Group, Placement, placed_under_rules
from providers.crs import plane_over
from providers.parcel_overlay import TooManyFeatures

BLOCK = 500  # parcels whose evidence is held at once; one block is held for each who judges, and one read
PRESENT_REGISTER = "divisions, bindings and rules are those of today, whatever as_of says"


def check_parcels(context: Context, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Read the parcels, read what the rules need, judge, and tell.

    Raises
    ------
    InvalidBody
        With every fault of the request, each with its place; a faulty parcel of a batch is told
        in the result instead.
    """
    asked = asked_of(inputs, context.now)
    with context.reading() as connection:
        intake = read_parcels(context, connection, inputs)
        placement = placed_under_rules(context, connection, asked, intake)
        intake, groups = _without_noise(intake, placement.groups)
        layers, outline, texts = dict[str, Layered](), Outline(), dict[int, bytes]()
        total = sum(len(members) for _, members in groups)
        blocks = _blocks(context, connection, asked, intake, placement, groups, layers)
        expected = sum(-(-len(members) // BLOCK) for _, members in groups)
        faulty = [one for one in intake.parcels if one.geometry is None]
        for told in chain(
            [unjudged(faulty)], map_blocks(context.crew, judged_block, blocks, expected=expected)
        ):
            outline.add(told.outline)
            texts.update(zip(told.numbers, told.texts, strict=True))
            done = len(texts) - len(faulty)
            context.report(95 * done // max(1, total), f"{done} / {total}")
    parcels = [texts[one.number] for one in intake.parcels]
    return _document(asked, intake, [rules for rules, _ in groups], layers, outline, parcels)


def _blocks(
    context: Context,
    connection: Connection[TupleRow],
    asked: Asked,
    intake: Intake,
    placement: Placement,
    groups: Sequence[Group],
    layers: dict[str, Layered],
) -> Iterator[Block]:
    """What the layers say, of so many parcels at a time that it is bounded; *layers* are noted.

    Parcels that together meet too much are read in halves, until the one that does is alone.
    """
    first = groups[0][0].ruleset
    waiting = [
        (rules, members[start : start + BLOCK])
        for rules, members in groups
        for start in range(0, max(1, len(members)), BLOCK)
    ]
    while waiting:
        rules, members = waiting.pop(0)
        parcels = tuple(intake.parcels[i] for i in members)
        places = tuple(placement.places[i] for i in members)
        answers: Answers | Text
        try:
            found, answers = ask_for(
                context,
                connection,
                asked,
                rules,
                needs(rules.ruleset, rules.profile),
                parcels,
                [None if place is None else place.lowest for place in places],
                intake.crs,
                intake.plane,
            )
        except TooManyFeatures as much:
            if len(members) > 1:
                half = len(members) // 2
                waiting[:0] = [(rules, members[:half]), (rules, members[half:])]
                continue
            found = ()
            answers = Text(
                zh=f"涉及{much.layer}的要素超过{much.most}个，无法整块审查",
                en=f"{much}: it is too large to be checked in one piece",
            )
        for one in found:
            before = layers.get(one.binding)
            layers[one.binding] = one if before is None else before.also(one)
        yield Block(
            asked=asked,
            rules=rules,
            named=rules.ruleset is not first,
            parcels=parcels,
            places=places,
            torn=frozenset(intake.parcels[i].number for i in members if i in placement.torn),
            answers=answers,
            names=class_names(found),
        )


def _without_noise(intake: Intake, groups: Sequence[Group]) -> tuple[Intake, list[Group]]:
    """The parcels that are more than boundary noise; the others have that as their fault."""
    parcels, kept = list(intake.parcels), list[Group]()
    for rules, members in groups:
        shapes = np.array([parcels[i].geometry for i in members], dtype=object)
        noise = noise_of(rules.ruleset)
        lost = np.zeros(0, dtype=np.bool_)
        if members:
            lost = within_noise(shapes, plane_over(shapes, intake.plane), noise)
        said = Text(
            zh=f"不超过边界误差：{noise.eps_m2:g}平方米，宽{noise.min_width_m:g}米",
            en=f"is no larger than boundary noise: {noise.eps_m2:g} m², {noise.min_width_m:g} m wide",
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
    outline: Outline,
    parcels: Sequence[bytes],
) -> dict[str, Any]:
    first = found[0]
    manual = {
        rule: check_document.manual_document(rules.ruleset.rules[rule])
        for rules in found
        for rule in manual_rules(rules.ruleset, rules.profile)
    }
    return sealed_with(
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
            **outline.document(),
            "manual": list(manual.values()),
            "notes": [*intake.notes, *([] if asked.as_of is None else [PRESENT_REGISTER])],
        },
        "parcels",
        parcels,
    )
