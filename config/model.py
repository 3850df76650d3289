"""The catalogue as values: what the YAML entries become once they are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from config.units import Unit
from config.vocabulary import (
    Classification,
    EditionKey,
    EditionStatus,
    FieldType,
    GeometryKind,
    Issuer,
    LayerId,
    Text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """A closed list of codes of a standard; codes are text."""

    id: str
    version: str
    title: Text
    source: Text
    codes: Mapping[str, Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One attribute of a specification, by its official code."""

    code: str
    title: Text
    type: FieldType
    length: int | None = None
    required: bool = False
    unit: Unit | None = None
    code_list: CodeList | None = None

    @property
    def column(self) -> str:
        """The column of this field: its code in lower case."""
        return self.code.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a standard says a layer's rows look like."""

    id: str
    version: str
    title: Text
    geometry: GeometryKind
    source: Text
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """A branch of the resource tree; a dotted id is its path."""

    id: str
    title: Text
    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleRule:
    """One symbol and the codes it stands for; no codes: the rest."""

    title: Text
    codes: tuple[str, ...] = ()
    match: Literal["exact", "prefix"] = "exact"
    fill: str | None = None
    opacity: float = 1.0
    outline: str | None = None
    width: float = 1.0
    outline_min_zoom: float | None = None  # no outline further out: it would cover the fills
    dash: tuple[float, ...] = ()
    hatch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Which field is written on the map, from which zoom on."""

    field: str
    min_zoom: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A symbolisation, from which every map language is generated."""

    id: str
    title: Text
    source: Text
    geometry: GeometryKind
    field: str | None
    rules: tuple[StyleRule, ...]
    labels: Labels | None = None

    @property
    def fields(self) -> frozenset[str]:
        """The attributes a tile must carry to be drawn in this style."""
        names = {self.field, self.labels.field if self.labels else None}
        return frozenset(name for name in names if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer entry with its specification, theme and style resolved."""

    id: LayerId
    title: Text
    description: Text
    theme: Theme
    specification: Specification
    identity: tuple[str, ...]
    region: str | Literal["overlap", "none"]  # a field code, or how it is computed at load
    plan: Literal["required", "none"]
    classification: Classification
    style: Style | None
    source: Text
    keeper: Text
    synthetic: bool

    @property
    def geometry(self) -> GeometryKind:
        return self.specification.geometry

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.specification.fields

    def field(self, code: str) -> Field | None:
        """The field with this case-sensitive code."""
        return next((f for f in self.fields if f.code == code), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionChoice:
    """Which edition a binding reads: a key, or the newest that satisfies the conditions."""

    key: EditionKey | None = None
    issuer: Issuer | None = None
    status: EditionStatus = EditionStatus.IN_FORCE
    at: Literal["check_date"] | date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A name through which rules and processes read a layer; without layer it is 未接入."""

    id: str
    title: Text
    layer: Layer | None
    edition: EditionChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEntry:
    """A process that this instance offers, with its bindings and limits."""

    id: str
    spec: str
    public: bool
    bindings: Mapping[str, Binding]
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What holders of a key with this role may see and call."""

    id: str
    title: Text
    layers: frozenset[str] | None  # None: all layers, spelled `all` in the entry
    regions: Literal["all", "key"]
    ceiling: Classification
    functions: frozenset[str] | None  # None: all functions


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything declared, checked and linked; immutable, swapped whole."""

    specifications: Mapping[str, Specification] = field(default_factory=dict)
    code_lists: Mapping[str, CodeList] = field(default_factory=dict)
    themes: Mapping[str, Theme] = field(default_factory=dict)
    styles: Mapping[str, Style] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)
    bindings: Mapping[str, Binding] = field(default_factory=dict)
    processes: Mapping[str, ProcessEntry] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    digest: str = ""


Entry = Mapping[str, Any]  # a YAML document that satisfies its JSON Schema
