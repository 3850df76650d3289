"""The catalogue as values: what the YAML entries become once they are checked."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from config.edition_choice import EditionChoice as EditionChoice
from config.ruleset import Override, Ruleset
from config.schedule import Schedule
from config.tile_options import TileOptions
from config.units import Unit
from config.vocabulary import (
    Classification,
    DataKind,
    ExecutionMode,
    FieldType,
    GeometryKind,
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
    decimals: int | None = None
    required: bool = False
    unit: Unit | None = None
    code_list: CodeList | None = None
    minimum: float | None = None
    exclusive_minimum: float | None = None
    maximum: float | None = None
    exclusive_maximum: float | None = None
    aliases: tuple[str, ...] = ()  # other names that files give its column

    @property
    def column(self) -> str:
        """The column of this field: its code in lower case."""
        return self.code.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a standard says a layer's rows look like, and what a layer of it is where it is silent."""

    id: str
    version: str
    title: Text
    geometry: GeometryKind
    source: Text
    fields: tuple[Field, ...]
    kind: DataKind = DataKind.PLANNING
    theme: str | None = None
    identity: tuple[str, ...] = ()
    region: str = "none"
    plan: Literal["required", "none"] = "none"
    style: str | None = None
    subdivided: bool = False
    search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who gives data, and under which terms."""

    id: str
    title: Text
    organisation: Text
    licence: Text | None = None
    attribution: Text | None = None
    review_number: str | None = None  # 审图号 of the source's own map
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalColumn:
    """A column of an external table that is shown, under which name and meaning."""

    name: str
    column: str
    title: Text | None = None
    unit: Unit | None = None
    code_list: CodeList | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """An existing table or view that a layer shows as it is; what is not said is detected."""

    schema: str
    table: str
    key: str | None = None
    geometry: str | None = None
    version: Literal["none", "column", "trigger"] = "none"
    version_column: str | None = None
    columns: tuple[ExternalColumn, ...] = ()  # empty: all


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
    version: str | None = None  # of the classes that it draws

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
    identity: tuple[str, ...]  # empty: the geometry itself
    region: str | Literal["overlap", "none"]  # a field code, or how it is computed at load
    plan: Literal["required", "none"]
    classification: Classification
    style: Style | None
    source: Text
    keeper: Text
    synthetic: bool
    licence: Text | None = None  # the terms of its source
    external: External | None = None  # None: managed, its rows are ours
    validity: tuple[str | None, str | None] = (None, None)  # fields: a row is valid from, to
    subdivided: bool = False  # overlays meet small pieces of its polygons
    search: tuple[str, ...] = ()  # fields with an index for `q`; empty: its texts, without one
    tiles: TileOptions = field(default_factory=TileOptions)

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
    execution: frozenset[ExecutionMode] = frozenset(ExecutionMode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What holders of a key with this role may see and call."""

    id: str
    title: Text
    layers: frozenset[str] | None  # None: all layers, spelled `all` in the entry
    regions: Literal["all", "key"]
    ceiling: Classification
    functions: frozenset[str] | None  # None: all functions


type Digests = Mapping[str, Mapping[str, str]]  # kind -> id -> digest of the entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything declared, checked and linked; immutable, swapped whole."""

    specifications: Mapping[str, Specification] = field(default_factory=dict)
    code_lists: Mapping[str, CodeList] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    themes: Mapping[str, Theme] = field(default_factory=dict)
    styles: Mapping[str, Style] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)
    bindings: Mapping[str, Binding] = field(default_factory=dict)
    processes: Mapping[str, ProcessEntry] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    rulesets: Mapping[str, tuple[Ruleset, ...]] = field(
        default_factory=dict
    )  # all versions of an id
    ruleset_overrides: tuple[Override, ...] = ()  # all versions of all
    digests: Digests = field(default_factory=dict)  # of the entries that it was made from
    digest: str = ""

    def branch(self, theme: Theme) -> tuple[Theme, ...]:
        """The themes from the root of the tree down to *theme*."""
        parts = theme.id.split(".")
        return tuple(self.themes[".".join(parts[: i + 1])] for i in range(len(parts)))

    def with_layers(self, layers: Mapping[str, Layer]) -> "Catalogue":
        """The same catalogue with these layers in place of its own, wherever one is referred to."""
        if not layers:
            return self
        replaced = {**self.layers, **layers}
        bindings = {
            name: replace(b, layer=replaced[b.layer.id] if b.layer else None)
            for name, b in self.bindings.items()
        }
        processes = {
            name: replace(p, bindings={use: bindings[b.id] for use, b in p.bindings.items()})
            for name, p in self.processes.items()
        }
        said = repr((self.digests, sorted(layers.items()))).encode()  # the same when said again
        return replace(
            self,
            layers=replaced,
            bindings=bindings,
            processes=processes,
            digest=hashlib.sha256(said).hexdigest()[:16],
        )


Entry = Mapping[str, Any]  # a YAML document that satisfies its JSON Schema
