"""The language of compliance rules (合规性审查规则) as values: predicates.

What each word means is told in the guide, page "compliance"; here are only its forms. Numbers are
decimals, so that values compare exactly; thresholds of measures are decimals in the measure's unit.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal

type Value = str | Decimal | bool


class Op(StrEnum):
    """How two values compare; UNDER is a code prefix."""

    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    UNDER = "under"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of the rule set: a value or a list of values."""

    id: str


@dataclass(frozen=True, slots=True)
class ProjectValue:
    """An attribute of the parcel, else of its project."""

    id: str


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A field of the feature that a piece lies in."""

    code: str


@dataclass(frozen=True, slots=True)
class TableValue:
    """A field of the one row of a table binding for the parcel's region."""

    table: str
    code: str


@dataclass(frozen=True, slots=True)
class BindingValue:
    """A field of the features of a binding that overlap the subject beyond noise."""

    binding: str
    code: str
    match: Literal["any", "all"]
    optional: bool = False


type Operand = Value | tuple[Value, ...] | Param | ProjectValue | FieldValue | TableValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition on a field of a feature; a selection asks for all of its conditions."""

    code: str
    op: Op
    operand: Operand
    if_null: Literal["unknown", "match", "no_match"] = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Features of a binding; *optional*: none where it is not connected or does not reach."""

    binding: str
    where: tuple[Condition, ...] = ()
    optional: bool = False


class AreaKind(StrEnum):
    """Which area of an overlap is compared; NET leaves out field ridges (1 - KCXS)."""

    ELLIPSOID = "ellipsoid"
    PLANAR = "planar"
    NET = "net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A comparison of a measure of the subject against selected features with a threshold."""

    kind: Literal["overlap_m2", "outside_m2", "share", "distance_m"]
    source: tuple[Selection, ...]
    op: Op
    than: Decimal | Param
    area: AreaKind = AreaKind.ELLIPSOID
    inset_m: Decimal | Param | None = None  # of a distance: how far the subject is drawn in first


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A comparison of values."""

    of: ProjectValue | FieldValue | TableValue | BindingValue
    op: Op
    operand: Operand


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassConformity:
    """How the planned class goes with the code of the piece's feature, by a table of the rule set."""

    table: str
    code: str  # the field
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """Something the applicant declares, or a service answers."""

    id: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document attached, or accepted by a named reviewer."""

    id: str
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Whether data are missing: of a binding, of a field (of a binding or of the piece), or a value."""

    binding: str | None = None
    code: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """Whether the chosen edition is older than the newest official release."""

    binding: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A part holds."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold."""

    part: "Predicate"


type Predicate = (
    AllOf
    | AnyOf
    | Negation
    | Measure
    | Attribute
    | ClassConformity
    | Flag
    | Document
    | Missing
    | Stale
)
