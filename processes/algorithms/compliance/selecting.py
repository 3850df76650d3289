"""Which features a selection takes: surely, perhaps (an empty field, a value not given), or not."""

from collections.abc import Sequence

import numpy as np

from config.predicates import (
    Condition,
    FieldValue,
    Op,
    Param,
    ProjectValue,
    Selection,
    TableValue,
    Value,
)
from processes.algorithms.compliance.evidence import LayerEvidence
from processes.algorithms.compliance.inquiry import Cell, Inquiry, Nowhere, Unknown
from processes.algorithms.compliance.three_valued import (
    FALSE,
    TRUE,
    UNKNOWN,
    Truth,
    always,
    conjunction,
)
from processes.algorithms.compliance.values import holds, value_of


class Selecting:
    """The features of each layer against the conditions of selections; each is asked once."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._inquiry = inquiry
        self._truths: dict[tuple[str, tuple[Condition, ...]], Truth] = {}
        self._conditions: dict[tuple[str, Condition], Truth] = {}
        self._fields: dict[tuple[str, str], list[Value | None]] = {}

    def truth(self, layer: LayerEvidence, selection: Selection) -> Truth:
        """For each hit of *layer*, whether the selection takes its feature."""
        key = (self._inquiry.read(selection.binding), selection.where)
        if key not in self._truths:
            self._truths[key] = conjunction(
                [
                    always(TRUE, len(layer.feature)),
                    *(self._condition(layer, key[0], condition) for condition in selection.where),
                ]
            )
        return self._truths[key]

    def reasons(self, layer: LayerEvidence, selection: Selection, hit: int) -> list[str]:
        """Why it is not known whether the selection takes the feature of *hit*."""
        binding = self._inquiry.read(selection.binding)
        found = []
        for condition in selection.where:
            if self._condition(layer, binding, condition)[hit] == UNKNOWN:
                value = self.field(layer, binding, condition.code)[layer.feature[hit]]
                operand = self._operand(layer, binding, condition, hit)
                if value is not None and isinstance(operand, Unknown):
                    found.append(operand.reason)
                else:
                    found.append(f"field_empty:{binding}.{condition.code}")
        return found

    def field(self, layer: LayerEvidence, binding: str, code: str) -> list[Value | None]:
        """The values of a field, one per feature; a layer without the field has none."""
        if (binding, code) not in self._fields:
            stored: Sequence[object] = layer.fields.get(code, (None,) * len(layer.ids))
            self._fields[binding, code] = [value_of(value) for value in stored]
        return self._fields[binding, code]

    def _condition(self, layer: LayerEvidence, binding: str, condition: Condition) -> Truth:
        key = (binding, condition)
        if key not in self._conditions:
            self._conditions[key] = self._asked(layer, binding, condition)
        return self._conditions[key]

    def _asked(self, layer: LayerEvidence, binding: str, condition: Condition) -> Truth:
        values = self.field(layer, binding, condition.code)
        operand = condition.operand
        if isinstance(operand, ProjectValue | TableValue | FieldValue):
            told = [
                _meets(values[feature], condition, self._operand(layer, binding, condition, hit))
                for hit, feature in enumerate(layer.feature)
            ]
            return np.array(told, dtype=np.int8)
        constant = self._inquiry.parameter(operand) if isinstance(operand, Param) else operand
        known: dict[Value | None, int] = {}
        for value in values:
            if value not in known:
                known[value] = _meets(value, condition, constant)
        of_features = np.array([known[value] for value in values], dtype=np.int8)
        return of_features[layer.feature] if len(values) else of_features

    def _operand(self, layer: LayerEvidence, binding: str, condition: Condition, hit: int) -> Cell:
        operand = condition.operand
        match operand:
            case ProjectValue() | TableValue():
                cell: Cell = self._inquiry.column(operand)[int(layer.parcel[hit])]
                return cell
            case FieldValue():  # another field of the same feature
                value = self.field(layer, binding, operand.code)[layer.feature[hit]]
                missing = Unknown(f"field_empty:{binding}.{operand.code}", empty=True)
                return missing if value is None else value
            case Param():
                return self._inquiry.parameter(operand)
        return operand


def _meets(value: Value | None, condition: Condition, operand: Cell) -> int:
    if condition.op is Op.PRESENT:
        return TRUE if (value is not None) == operand else FALSE
    if value is None:
        return {"unknown": UNKNOWN, "match": TRUE, "no_match": FALSE}[condition.if_null]
    if isinstance(operand, Unknown | Nowhere):
        return UNKNOWN
    told = holds(condition.op, value, operand)
    return UNKNOWN if told is None else TRUE if told else FALSE
