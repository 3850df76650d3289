"""Predicates judged for all subjects at once, each with the reasons of what stays unknown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from config.predicates import (
    AllOf,
    AnyOf,
    Attribute,
    BindingValue,
    ClassConformity,
    Document,
    FieldValue,
    Flag,
    Measure,
    Missing,
    Negation,
    Predicate,
    ProjectValue,
    Stale,
)
from processes.algorithms.compliance.cells import Cells, compared_cells, why_not_compared
from processes.algorithms.compliance.class_tables import conformity
from processes.algorithms.compliance.evidence import Absent
from processes.algorithms.compliance.feature_values import of_features
from processes.algorithms.compliance.inquiry import Cell, Nowhere, Unknown
from processes.algorithms.compliance.measuring import Interval
from processes.algorithms.compliance.missing import missing
from processes.algorithms.compliance.overlay import Overlay
from processes.algorithms.compliance.three_valued import (
    FALSE,
    TRUE,
    UNKNOWN,
    Truth,
    always,
    certain,
    compared,
    conjunction,
    disjunction,
    negation,
)

type Why = Callable[[int], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """A predicate with its truth for each subject."""

    truth: Truth
    unknown: Sequence[bool] = field(init=False)  # of each subject, to be asked one by one
    parts: tuple["Node", ...] = ()
    why: Why | None = None  # of a single predicate
    measure: Measure | None = None
    interval: Interval | None = None  # of a measure
    negated: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "unknown", (self.truth == UNKNOWN).tolist())


def collect_reasons(node: Node, subject: int, found: set[str]) -> None:
    """Add to *found* why a predicate is unknown of a subject; nothing where it is known."""
    if not node.unknown[subject]:
        return
    if node.why is not None:
        found.update(node.why(subject))
    for part in node.parts:
        collect_reasons(part, subject, found)


def true_areas(node: Node, subject: int) -> list[Node]:
    """The overlap and outside measures by which a predicate is true of a subject."""
    if node.truth[subject] != TRUE or node.negated:
        return []
    if node.measure is not None and node.measure.kind in ("overlap_m2", "outside_m2"):
        return [node]
    return [found for part in node.parts for found in true_areas(part, subject)]


class Evaluator:
    """Judges predicates of the subjects of an overlay."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self.inquiry = overlay.inquiry
        self.subjects = overlay.subjects
        self.cells = Cells(overlay.inquiry, overlay.selecting, overlay.subjects)

    def node(self, predicate: Predicate) -> Node:
        """The predicate's truth for each subject."""
        match predicate:
            case AllOf():
                parts = tuple(map(self.node, predicate.parts))
                return Node(truth=conjunction(part.truth for part in parts), parts=parts)
            case AnyOf():
                parts = tuple(map(self.node, predicate.parts))
                return Node(truth=disjunction(part.truth for part in parts), parts=parts)
            case Negation():
                part = self.node(predicate.part)
                return Node(truth=negation(part.truth), parts=(part,), negated=True)
            case Measure():
                return self._measure(predicate)
            case Attribute():
                return self._attribute(predicate)
            case ClassConformity():
                return self._conformity(predicate)
            case Flag():
                return self._flag(predicate)
            case Document():
                return self._document(predicate)
            case Missing():
                return Node(truth=certain(missing(predicate, self.overlay, self.cells)))
            case Stale():
                return self._stale(predicate)

    def _measure(self, measure: Measure) -> Node:
        interval = self.overlay.interval(measure)
        than = self.inquiry.number(measure.than)
        return Node(
            truth=compared(measure.op, interval.low, interval.high, than),
            why=self.overlay.why(measure),
            measure=measure,
            interval=interval,
        )

    def _attribute(self, attribute: Attribute) -> Node:
        operand = self.cells.column(attribute.operand)
        of = attribute.of
        if isinstance(of, BindingValue):
            truth, of_subject = of_features(self.overlay, of, attribute.op, operand)
            return Node(truth=truth, why=of_subject)
        left = self.cells.column(of)
        told = [compared_cells(attribute.op, a, b) for a, b in zip(left, operand, strict=True)]
        unreadable = (
            f"attribute_missing:{of.id}"
            if isinstance(of, ProjectValue)
            else f"field_empty:{of.code}"
        )

        def why(subject: int) -> set[str]:
            return why_not_compared(left[subject], operand[subject]) or {unreadable}

        return Node(truth=np.array(told, dtype=np.int8), why=why)

    def _conformity(self, asked: ClassConformity) -> Node:
        table = self.inquiry.ruleset.tables[asked.table]
        codes = self.cells.column(FieldValue(asked.code))
        planned = self.cells.column(ProjectValue("planned_class"))
        known: dict[tuple[Cell, Cell], int] = {}

        def told(code: Cell, klass: Cell) -> int:
            if isinstance(code, Nowhere):
                return FALSE
            if isinstance(code, Unknown) or isinstance(klass, Unknown):
                return UNKNOWN
            result = conformity(table, str(code), str(klass))
            return UNKNOWN if result is None else TRUE if result in asked.results else FALSE

        for pair in zip(codes, planned, strict=True):
            if pair not in known:
                known[pair] = told(*pair)
        truth = [known[pair] for pair in zip(codes, planned, strict=True)]

        def why(subject: int) -> set[str]:
            missing_values = why_not_compared(codes[subject], planned[subject])
            return missing_values or {f"no_table_row:{asked.table}"}

        return Node(truth=np.array(truth, dtype=np.int8), why=why)

    def _flag(self, flag: Flag) -> Node:
        default = self.inquiry.ruleset.flags[flag.id].default
        given = [declared.flags.get(flag.id, default) for declared in self.inquiry.declared]
        told = [UNKNOWN if yes is None else TRUE if yes else FALSE for yes in given]
        return Node(truth=self._of_parcels(told), why=_always(f"not_declared:{flag.id}"))

    def _document(self, document: Document) -> Node:
        enough = ("verified",) if document.verified else ("attached", "verified")
        told = [
            TRUE if declared.documents.get(document.id) in enough else FALSE
            for declared in self.inquiry.declared
        ]
        return Node(truth=self._of_parcels(told))

    def _stale(self, stale: Stale) -> Node:
        layer = self.inquiry.layer(stale.binding)
        count = len(self.subjects)
        if isinstance(layer, Absent):
            reason = self.inquiry.because(stale.binding, layer.reason)
            return Node(truth=always(UNKNOWN, count), why=_always(reason))
        if layer.released is None or layer.latest_release is None:
            reason = self.inquiry.because(stale.binding, "no_release_date")
            return Node(truth=always(UNKNOWN, count), why=_always(reason))
        return Node(truth=always(TRUE if layer.released < layer.latest_release else FALSE, count))

    def _of_parcels(self, told: Sequence[int]) -> Truth:
        return np.array(told, dtype=np.int8)[self.subjects.parcel]


def _always(reason: str) -> Why:
    def why(_subject: int) -> Iterable[str]:
        return (reason,)

    return why
