"""Compliance rule sets (合规性审查规则) as values: parameters, tables, rules, profiles.

Read from the catalogue by `config.ruleset_reading`; what rules may say is `config.predicates`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from config.edition_choice import EditionChoice
from config.predicates import (
    AreaKind,
    FieldValue,
    Flag,
    Param,
    Predicate,
    ProjectValue,
    Selection,
    TableValue,
    Value,
)
from config.vocabulary import Outcome, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMeasure:
    """A number for a text: the least distance to selected features, in metres."""

    source: tuple[Selection, ...]
    inset_m: Decimal | Param | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One outcome with its condition; *when* None: otherwise, always true."""

    when: Predicate | None
    outcome: Outcome
    text: str  # zh, with {area}, {area_m2} and the holders of *values*
    needs: tuple[str, ...] = ()  # documents that make a COND count as PASS once verified
    values: Mapping[str, ProjectValue | FieldValue | TableValue | TextMeasure] = field(
        default_factory=dict
    )
    titles: Mapping[str, str] = field(default_factory=dict)  # holder -> table that names its codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """What a rule's fact and areas are told of; *within_m*: near it is concerned already."""

    selection: Selection
    area: AreaKind = AreaKind.ELLIPSOID
    within_m: Decimal | Param | None = None
    inset_m: Decimal | Param | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Legal:
    """One legal basis; *verify*: its wording or number is not yet checked against the text."""

    cite: str
    valid_from: date | None = None
    valid_to: date | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person may answer to a manual item."""

    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; without clauses it is a manual item (人工事项) with its choices."""

    id: str
    version: int
    title: Text
    family: str
    each: Literal["parcel", "piece"] = "parcel"
    split: tuple[Selection, ...] = ()
    concerns: tuple[Concern, ...] = ()
    compares: tuple[ProjectValue | TableValue | Flag, ...] = ()
    clauses: tuple[Clause, ...] = ()
    limits: tuple[Text, ...] = ()
    legal: tuple[Legal, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    src: str
    note: str | None = None
    changes: tuple[str, ...] = ()
    reason: Text | None = None  # why a manual item cannot be computed
    choices: tuple[Choice, ...] = ()

    @property
    def manual(self) -> bool:
        """Whether a person answers it."""
        return not self.clauses


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number, word or list that rules name."""

    id: str
    value: Value | tuple[Value, ...]
    title: str
    src: str
    unit: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTable:
    """How planned classes go with codes of a plan: rows by (code, class), or by equality."""

    id: str
    title: str
    results: tuple[str, ...]
    src: str
    rows: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (zone, column) -> result
    columns: tuple[
        str, ...
    ] = ()  # class codes; the longest that the planned one begins with counts
    titles: Mapping[str, str] = field(default_factory=dict)  # zone -> its name, zh
    compatible: frozenset[tuple[str, str]] = frozenset()  # (plan class, admitted class)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSpec:
    """An attribute that an applicant gives for a parcel or a project."""

    id: str
    type: Literal["code", "number", "text", "date"]
    title: str
    unit: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSpec:
    """A flag; *default* is its value when nothing was declared, None: unknown."""

    id: str
    title: str
    default: bool | None
    source: Literal["applicant", "service"] = "applicant"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSpec:
    """A document that may be attached."""

    id: str
    title: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingSpec:
    """What a rule set expects of a binding: kind, specification, the fields that rules read."""

    id: str
    title: Text
    kind: Literal["layer", "table"]
    geometry: Literal["polygon", "line", "point"]
    edition: EditionChoice
    fields: tuple[str, ...]
    specification: str | None = None
    accepts: tuple[str, ...] = ()
    src: str
    note: str | None = None


class DateBasis(StrEnum):
    """Which day the check date is."""

    TODAY = "today"
    ACCEPTANCE = "acceptance"  # 受理日
    APPROVAL = "approval"  # 批准日
    PERMIT = "permit"  # 发证日


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The rules of one matter (审查事项)."""

    id: str
    title: Text
    matter: str
    date_basis: DateBasis
    mandatory: tuple[str, ...]
    advisory: tuple[str, ...] = ()
    manual: tuple[str, ...] = ()
    replace: Mapping[str, str] = field(default_factory=dict)  # one binding in another's place
    bindings_mandatory: tuple[str, ...] = ()
    bindings_advisory: tuple[str, ...] = ()
    template: str
    report_title: str
    valid_from: date | None = None
    valid_to: date | None = None
    note: str | None = None
    src: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Rules, what they read and the profiles that use them, of one version."""

    id: str
    version: str
    valid_from: date
    valid_to: date | None  # last day included
    title: Text
    parameters: Mapping[str, Parameter]
    tables: Mapping[str, ClassTable]
    class_groups: Mapping[str, str]  # land-use class code -> group of construction
    attributes: Mapping[str, AttributeSpec]
    flags: Mapping[str, FlagSpec]
    documents: Mapping[str, DocumentSpec]
    bindings: Mapping[str, BindingSpec]
    rules: Mapping[str, Rule]
    profiles: Mapping[str, Profile]
    overrides: tuple[tuple[str, str], ...] = ()  # (id, version) of what was laid over it
    switched_off: Mapping[str, str] = field(default_factory=dict)  # rule -> why
    digest: str = ""  # of everything above, and of the overrides that were laid over it


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What a locality sets in place of a rule set's own (地方规则), by which document."""

    id: str
    version: str
    ruleset: str
    valid_from: date
    valid_to: date | None  # last day included
    source: str  # 文号
    title: Text
    region: tuple[str, ...] = ()  # codes that it holds for; none: everywhere
    parameters: tuple[Parameter, ...] = ()
    compatible: frozenset[tuple[str, str]] = frozenset()  # (plan class, admitted class)
    rules: tuple[Rule, ...] = ()  # whole rules
    switch_off: Mapping[str, str] = field(default_factory=dict)  # rule -> why
    profiles: tuple[Profile, ...] = ()
    digest: str = ""  # of everything above
