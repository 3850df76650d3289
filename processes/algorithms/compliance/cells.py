"""The values that predicates compare, one for each subject."""

from collections.abc import Sequence

from config.predicates import FieldValue, Op, Operand, Param, ProjectValue, TableValue, Value
from processes.algorithms.compliance.evidence import LayerEvidence
from processes.algorithms.compliance.inquiry import Cell, Inquiry, Nowhere, Unknown
from processes.algorithms.compliance.selecting import Selecting
from processes.algorithms.compliance.subjects import NO_FEATURE, Subjects
from processes.algorithms.compliance.three_valued import FALSE, TRUE, UNKNOWN
from processes.algorithms.compliance.values import holds


class Cells:
    """Values of parcels or pieces; each column is made once."""

    def __init__(self, inquiry: Inquiry, selecting: Selecting, subjects: Subjects) -> None:
        self.inquiry = inquiry
        self.selecting = selecting
        self.subjects = subjects
        self._fields: dict[str, list[Cell]] = {}

    def column(self, operand: Operand) -> Sequence[Cell]:
        """The operand's value for each subject."""
        match operand:
            case ProjectValue() | TableValue():
                of_parcels = self.inquiry.column(operand)
                if self.subjects.whole:
                    return of_parcels
                return [of_parcels[parcel] for parcel in self.subjects.parcel]
            case FieldValue():
                if operand.code not in self._fields:
                    self._fields[operand.code] = self._of_pieces(operand.code)
                return self._fields[operand.code]
            case Param():
                return [self.inquiry.parameter(operand)] * len(self.subjects)
        return [operand] * len(self.subjects)

    def _of_pieces(self, code: str) -> list[Cell]:
        subjects = self.subjects
        columns: dict[str, list[Value | None]] = {}
        for named in {binding for binding in subjects.binding if binding is not None}:
            layer = self.inquiry.layer(named)
            if isinstance(layer, LayerEvidence):
                read = self.inquiry.read(named)
                columns[named] = self.selecting.field(layer, read, code)
        cells: list[Cell] = []
        for binding, feature, gap in zip(
            subjects.binding, subjects.feature, subjects.gap, strict=True
        ):
            if gap is not None:
                cells.append(Unknown(gap))
            elif binding is None or feature == NO_FEATURE:
                cells.append(Nowhere.NO_FEATURE)
            else:
                value = columns[binding][feature]
                name = self.inquiry.read(binding)
                empty = Unknown(f"field_empty:{name}.{code}", empty=True)
                cells.append(empty if value is None else value)
        return cells


def compared_cells(op: Op, left: Cell, right: Cell) -> int:
    """One comparison, as one of the three values."""
    if isinstance(left, Nowhere) or isinstance(right, Nowhere):
        return FALSE
    if op is Op.PRESENT:
        if isinstance(left, Unknown) and not left.empty:
            return UNKNOWN
        return TRUE if (not isinstance(left, Unknown)) is right else FALSE
    if isinstance(left, Unknown | tuple) or isinstance(right, Unknown):
        return UNKNOWN
    told = holds(op, left, right)
    return UNKNOWN if told is None else TRUE if told else FALSE


def why_not_compared(*cells: Cell) -> set[str]:
    """The reasons that the cells of a comparison give."""
    return {cell.reason for cell in cells if isinstance(cell, Unknown)}
