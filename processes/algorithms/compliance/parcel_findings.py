"""Findings of rules that judge a parcel as a whole."""

from collections.abc import Sequence

import numpy as np
import shapely

from config.ruleset import Clause, Rule
from config.vocabulary import Outcome
from processes.algorithms.compliance.concerns import Concerns
from processes.algorithms.compliance.evaluating import Evaluator, Node, true_areas
from processes.algorithms.compliance.facts import facts
from processes.algorithms.compliance.findings import Concerned, RuleFinding
from processes.algorithms.compliance.measuring import measured
from processes.algorithms.compliance.texts import (
    OUTCOMES,
    accepted,
    filled,
    hedged,
    holder_words,
    tells_area,
)
from processes.algorithms.compliance.verdicts import Verdicts, open_needs, verdicts


def parcel_findings(rule: Rule, concerns: Concerns, evaluator: Evaluator) -> list[RuleFinding]:
    """The rule's finding for each parcel."""
    declared = evaluator.inquiry.declared
    told = verdicts(rule.clauses, evaluator, declared)
    found_facts = facts(rule, concerns, evaluator)
    columns = [concerns.told(concern) for concern in rule.concerns]
    with_area = [tells_area(clause) for clause in rule.clauses]
    says, findings = _Says(told, evaluator), []
    for parcel, (fact, number, rank) in enumerate(
        zip(found_facts, told.clause, told.suggested, strict=True)
    ):
        concerned = tuple(one for column in columns if (one := column[parcel]) is not None)
        clause = rule.clauses[number - 1] if number else None
        area = None
        if clause is not None and with_area[number - 1]:
            area = _area(told.nodes[number - 1], concerned, evaluator, parcel)
        findings.append(
            RuleFinding(
                rule=rule.id,
                fact=fact,
                outcome=OUTCOMES[rank - 1],
                clause=number,
                text=says.text(clause, parcel, area),
                reasons=frozenset(told.reasons(parcel)),
                needs=open_needs(clause, declared[parcel].documents) if clause else (),
                ellipsoid_m2=area,
                concerns=concerned,
            )
        )
    return findings


class _Says:
    """What a rule says of parcels in words; the same of many is composed once."""

    def __init__(self, told: Verdicts, evaluator: Evaluator) -> None:
        self._told, self._evaluator = told, evaluator
        self._composed: dict[tuple[str, Outcome, int, int, frozenset[int]], str] = {}

    def text(self, clause: Clause | None, parcel: int, area_m2: float | None) -> str:
        """The clause's text about one parcel; without a clause why there is none."""
        told = self._told
        suggested, others = told.suggested[parcel], told.others[parcel]
        if clause is None:
            return hedged("", suggested, 0, others)

        def value(holder: str) -> str:
            evaluator = self._evaluator
            return holder_words(clause, holder, evaluator.cells, evaluator.overlay, parcel)

        stated, text = told.stated(parcel), filled(clause, area_m2, value)
        key = text, clause.outcome, suggested, stated, others
        if key not in self._composed:
            whole = accepted(clause, text, stated)
            self._composed[key] = hedged(whole, suggested, stated, others) if others else whole
        return self._composed[key]


def _area(node: Node, concerned: Sequence[Concerned], evaluator: Evaluator, parcel: int) -> float:
    """The land by which the clause is true; a clause without areas tells that of the concerns."""
    measures = [
        (measure.interval.land.geometry[parcel], float(measure.interval.low[parcel]))
        for measure in true_areas(node, parcel)
        if measure.interval is not None and measure.interval.land is not None
    ]
    areas = measures or [
        (one.geometry, one.ellipsoid_m2 if one.net_m2 is None else one.net_m2) for one in concerned
    ]
    areas = [(land, area_m2) for land, area_m2 in areas if area_m2 > 0]
    if len(areas) < 2:
        return areas[0][1] if areas else 0.0
    union = np.array([shapely.union_all([land for land, _ in areas])], dtype=object)
    return float(measured(union, evaluator.inquiry.yardstick).ellipsoid_m2[0])
