"""What is asked: a rule set about parcels, with declarations and evidence; and its plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from config.predicates import Param, ProjectValue, TableValue, Value
from config.ruleset import Ruleset
from processes.algorithms.compliance.evidence import (
    Absent,
    Declared,
    Evidence,
    LayerEvidence,
    TableEvidence,
)
from processes.algorithms.compliance.measuring import Yardstick
from processes.algorithms.compliance.values import value_of

GROUP_OF_CLASS = ("planned_class_group", "planned_class")  # the first follows from the second


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not there; *empty*: that nothing is there is itself known."""

    reason: str
    empty: bool = False


class Nowhere(Enum):
    """The field of a piece that lies in no feature: comparisons with it are false."""

    NO_FEATURE = 0


type Cell = Value | tuple[Value, ...] | Unknown | Nowhere


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inquiry:
    """The rule set, the parcels' declarations and what was read; asked once for many parcels."""

    ruleset: Ruleset
    declared: Sequence[Declared]  # one per parcel
    evidence: Mapping[str, Evidence]  # by the binding that was really read
    replace: Mapping[str, str]
    yardstick: Yardstick
    columns: dict[ProjectValue | TableValue, list[Cell]] = field(default_factory=dict)

    def read(self, binding: str) -> str:
        """The binding that is read in the place of *binding*."""
        return self.replace.get(binding, binding)

    def layer(self, binding: str) -> LayerEvidence | Absent:
        """What is known of a layer."""
        found = self.evidence.get(self.read(binding), Absent("not_connected"))
        if isinstance(found, TableEvidence):
            raise TypeError(f"binding {self.read(binding)} is a table, a layer is asked")
        return found

    def table(self, binding: str) -> TableEvidence | Absent:
        """What is known of a table."""
        found = self.evidence.get(self.read(binding), Absent("not_connected"))
        if isinstance(found, LayerEvidence):
            raise TypeError(f"binding {self.read(binding)} is a layer, a table is asked")
        return found

    def because(self, binding: str, reason: str) -> str:
        """A reason that names the binding that was read."""
        return f"{reason}:{self.read(binding)}"

    def number(self, value: Decimal | Param) -> float:
        """A threshold as a number."""
        found = self.parameter(value) if isinstance(value, Param) else value
        return float(Decimal(str(found)))

    def parameter(self, named: Param) -> Value | tuple[Value, ...]:
        """The value of a parameter."""
        return self.ruleset.parameters[named.id].value

    def column(self, operand: ProjectValue | TableValue) -> list[Cell]:
        """The value for each parcel."""
        if operand not in self.columns:
            self.columns[operand] = (
                self._given(operand.id)
                if isinstance(operand, ProjectValue)
                else self._looked_up(operand)
            )
        return self.columns[operand]

    def _given(self, name: str) -> list[Cell]:
        if name == GROUP_OF_CLASS[0]:
            return [self._group(declared) for declared in self.declared]
        return [self._attribute(declared, name) for declared in self.declared]

    def _attribute(self, declared: Declared, name: str) -> Value | Unknown:
        value = value_of(declared.attributes.get(name))
        return Unknown(f"attribute_missing:{name}", empty=True) if value is None else value

    def _group(self, declared: Declared) -> Value | Unknown:
        """The group follows from the class (of the longest code that is known of it)."""
        group, planned = GROUP_OF_CLASS
        code = value_of(declared.attributes.get(planned))
        if code is None:
            return self._attribute(declared, group)
        groups = self.ruleset.class_groups
        for length in range(len(str(code)), 0, -1):
            if str(code)[:length] in groups:
                return groups[str(code)[:length]]
        return Unknown(f"attribute_missing:{group}", empty=True)

    def _looked_up(self, operand: TableValue) -> list[Cell]:
        table = self.table(operand.table)
        if isinstance(table, Absent):
            missing = Unknown(self.because(operand.table, table.reason))
            return [missing] * len(self.declared)
        return [self._only(operand, rows) for rows in table.rows]

    def _only(self, operand: TableValue, rows: Sequence[Mapping[str, object]]) -> Cell:
        if len(rows) != 1:
            return Unknown(self.because(operand.table, f"rows_{len(rows)}"))
        value = value_of(rows[0].get(operand.code))
        if value is None:
            where = f"{self.read(operand.table)}.{operand.code}"
            return Unknown(f"field_empty:{where}", empty=True)
        return value
