"""Findings of rules that judge a parcel piece by piece: the worst piece is the parcel's."""

from config.ruleset import Rule
from config.vocabulary import Fact, Outcome
from processes.algorithms.compliance.concerns import Concerns
from processes.algorithms.compliance.evaluating import Evaluator
from processes.algorithms.compliance.evidence import LayerEvidence
from processes.algorithms.compliance.facts import facts
from processes.algorithms.compliance.findings import Concerned, Piece, RuleFinding
from processes.algorithms.compliance.measuring import ranges
from processes.algorithms.compliance.subjects import NO_FEATURE
from processes.algorithms.compliance.texts import (
    OUTCOMES,
    accepted,
    filled,
    hedged,
    holder_words,
    tells_area,
)
from processes.algorithms.compliance.verdicts import NO_CLAUSE, Verdicts, open_needs, verdicts

TO_VERIFY = Outcome.VERIFY.rank


def piece_findings(
    rule: Rule, concerns: Concerns, parcels: Evaluator, pieces: Evaluator
) -> list[RuleFinding]:
    """The rule's finding for each parcel; *pieces* judges those of the rule's split."""
    told = verdicts(rule.clauses, pieces, parcels.inquiry.declared)
    found_facts = facts(rule, concerns, parcels)
    columns = [concerns.told(concern) for concern in rule.concerns]
    table = Pieces(rule, told, pieces)
    start, end = ranges(pieces.subjects.parcel, parcels.subjects.parcel)
    return [
        table.finding(
            parcel,
            range(first, last),
            fact,
            tuple(one for column in columns if (one := column[parcel]) is not None),
        )
        for parcel, (first, last, fact) in enumerate(
            zip(start.tolist(), end.tolist(), found_facts, strict=True)
        )
    ]


class Pieces:
    """The pieces of all parcels under one rule."""

    def __init__(self, rule: Rule, told: Verdicts, evaluator: Evaluator) -> None:
        self.rule = rule
        self.told = told
        self.evaluator = evaluator
        self._clause = told.clause
        self._rank = told.suggested
        self._area = evaluator.subjects.ellipsoid_m2.tolist()
        self._planar = evaluator.subjects.planar_m2.tolist()

    def finding(
        self, parcel: int, pieces: range, fact: Fact, concerned: tuple[Concerned, ...]
    ) -> RuleFinding:
        """The finding of one parcel."""
        worst = max((self._rank[piece] for piece in pieces), default=TO_VERIFY)
        leading = [piece for piece in pieces if self._rank[piece] == worst]
        number = min((self._clause[piece] for piece in leading), default=0)
        leading = [piece for piece in leading if self._clause[piece] == number]
        clause = self.rule.clauses[number - 1] if number else None
        area = None
        if clause is not None and tells_area(clause):
            area = sum(self._area[piece] for piece in pieces if self._clause[piece] == number)
        reasons = set() if pieces else {NO_CLAUSE}
        for piece in pieces:
            reasons |= self.told.reasons(piece)
        documents = self.evaluator.inquiry.declared[parcel].documents
        return RuleFinding(
            rule=self.rule.id,
            fact=fact,
            outcome=OUTCOMES[worst - 1],
            clause=number,
            text=self._text(number, leading, area),
            reasons=frozenset(reasons),
            needs=open_needs(clause, documents) if clause else (),
            ellipsoid_m2=area,
            concerns=concerned,
            pieces=tuple(self._piece(piece) for piece in pieces),
        )

    def _piece(self, piece: int) -> Piece:
        subjects = self.evaluator.subjects
        feature = int(subjects.feature[piece])
        binding = subjects.binding[piece]
        return Piece(
            clause=self._clause[piece],
            outcome=OUTCOMES[self._rank[piece] - 1],
            text=self._text(self._clause[piece], [piece], self._area[piece]),
            ellipsoid_m2=self._area[piece],
            planar_m2=self._planar[piece],
            binding=binding,
            feature=self._feature_id(binding, feature),
            geometry=subjects.geometry[piece],
        )

    def _feature_id(self, binding: str | None, feature: int) -> str | None:
        if binding is None or feature == NO_FEATURE:
            return None
        layer = self.evaluator.inquiry.layer(binding)
        return layer.ids[feature] if isinstance(layer, LayerEvidence) else None

    def _text(self, number: int, pieces: list[int], area_m2: float | None) -> str:
        """The clause's text about pieces that it took; their values stand side by side."""
        if not pieces:
            return hedged("", TO_VERIFY, 0, frozenset())
        told, first = self.told, pieces[0]
        others = frozenset().union(*(told.others[piece] for piece in pieces))
        if not number:
            return hedged("", self._rank[first], 0, others)
        clause = self.rule.clauses[number - 1]

        def value(holder: str) -> str:
            cells, overlay = self.evaluator.cells, self.evaluator.overlay
            words = [holder_words(clause, holder, cells, overlay, piece) for piece in pieces]
            return "、".join(dict.fromkeys(words))

        stated = told.stated(first)
        text = accepted(clause, filled(clause, area_m2, value), stated)
        return hedged(text, self._rank[first], stated, others) if others else text
