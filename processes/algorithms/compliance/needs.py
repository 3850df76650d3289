"""What rules read of each binding, before anything is read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from config.predicates import (
    AllOf,
    AnyOf,
    AreaKind,
    Attribute,
    BindingValue,
    ClassConformity,
    FieldValue,
    Measure,
    Missing,
    Negation,
    Operand,
    Param,
    Predicate,
    Selection,
    Stale,
    TableValue,
)
from config.ruleset import Clause, Concern, Rule, Ruleset, TextMeasure
from processes.algorithms.compliance.evidence import Need
from processes.algorithms.compliance.overlay import RIDGES


@dataclass(slots=True)
class Wanted:
    """A need as it grows."""

    fields: set[str] = field(default_factory=set)
    overlaps: bool = False
    margin_m: float | None = None
    mandatory: bool = False
    table: bool = False


def needs_of(
    ruleset: Ruleset, rule_ids: Iterable[str], replace: Mapping[str, str]
) -> dict[str, Need]:
    """What the rules read, by the binding that is really read (after *replace*).

    A need is mandatory where a rule reads the binding without calling it optional. With what
    rules compare come the fields that the rule set names for the binding, for the report.
    """
    reader = Reader(ruleset, replace)
    for rule in rule_ids:
        reader.read(ruleset.rules[rule])
    return {
        binding: Need(
            fields=frozenset(wanted.fields),
            overlaps=wanted.overlaps,
            margin_m=wanted.margin_m,
            mandatory=wanted.mandatory,
            table=wanted.table,
        )
        for binding, wanted in reader.wanted.items()
    }


class Reader:
    """Goes through rules and notes what they read."""

    def __init__(self, ruleset: Ruleset, replace: Mapping[str, str]) -> None:
        self.ruleset = ruleset
        self.replace = replace
        self.wanted: dict[str, Wanted] = {}

    def read(self, rule: Rule) -> None:
        """Note one rule."""
        for selection in rule.split:
            self._selection(selection).overlaps = True
        for concern in rule.concerns:
            self._concern(concern)
        for operand in rule.compares:
            if isinstance(operand, TableValue):
                self._operand(operand, rule)
        for clause in rule.clauses:
            self._clause(clause, rule)

    def _clause(self, clause: Clause, rule: Rule) -> None:
        if clause.when is not None:
            self._predicate(clause.when, rule)
        for value in clause.values.values():
            if isinstance(value, TextMeasure):
                for selection in value.source:
                    self._near(selection, Decimal(0))
            else:
                self._operand(value, rule)

    def _predicate(self, predicate: Predicate, rule: Rule) -> None:
        match predicate:
            case AllOf() | AnyOf():
                for part in predicate.parts:
                    self._predicate(part, rule)
            case Negation():
                self._predicate(predicate.part, rule)
            case Measure():
                self._measure(predicate)
            case Attribute():
                self._operand(predicate.operand, rule)
                if isinstance(predicate.of, BindingValue):
                    wanted = self._binding(predicate.of.binding, predicate.of.optional)
                    wanted.overlaps = True
                    wanted.fields.add(predicate.of.code)
                else:
                    self._operand(predicate.of, rule)
            case ClassConformity():
                self._operand(FieldValue(predicate.code), rule)
            case Missing():
                self._missing(predicate, rule)
            case Stale():
                self._binding(predicate.binding)

    def _missing(self, missing: Missing, rule: Rule) -> None:
        if missing.binding is not None:
            wanted = self._binding(missing.binding)
            if missing.code is not None:
                wanted.overlaps = True
                wanted.fields.add(missing.code)
        elif missing.code is not None:
            self._operand(FieldValue(missing.code), rule)

    def _measure(self, measure: Measure) -> None:
        for selection in measure.source:
            if measure.kind == "distance_m":
                self._near(selection, measure.than)
                continue
            wanted = self._selection(selection)
            wanted.overlaps = True
            if measure.area is AreaKind.NET:
                wanted.fields.add(RIDGES)

    def _concern(self, concern: Concern) -> None:
        wanted = self._selection(concern.selection)
        spec = self.ruleset.bindings[concern.selection.binding]
        wanted.fields.update(spec.fields)
        wanted.overlaps |= spec.geometry == "polygon"
        if concern.area is AreaKind.NET:
            wanted.fields.add(RIDGES)
        if concern.within_m is not None:
            self._near(concern.selection, concern.within_m)

    def _near(self, selection: Selection, within: Decimal | Param) -> None:
        wanted = self._selection(selection)
        found = self.ruleset.parameters[within.id].value if isinstance(within, Param) else within
        wanted.margin_m = max(wanted.margin_m or 0.0, float(Decimal(str(found))))

    def _selection(self, selection: Selection) -> Wanted:
        wanted = self._binding(selection.binding, selection.optional)
        for condition in selection.where:
            wanted.fields.add(condition.code)
            if isinstance(condition.operand, FieldValue):
                wanted.fields.add(condition.operand.code)
            elif isinstance(condition.operand, TableValue):
                self._table(condition.operand)
        return wanted

    def _operand(self, operand: Operand, rule: Rule) -> None:
        if isinstance(operand, TableValue):
            self._table(operand)
        elif isinstance(operand, FieldValue):
            for selection in rule.split:
                self._selection(selection).fields.add(operand.code)

    def _table(self, operand: TableValue) -> None:
        wanted = self._binding(operand.table)
        wanted.table = True
        wanted.fields.add(operand.code)

    def _binding(self, binding: str, optional: bool = False) -> Wanted:
        wanted = self.wanted.setdefault(self.replace.get(binding, binding), Wanted())
        wanted.mandatory |= not optional
        return wanted
