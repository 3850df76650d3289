"""From entries that satisfy their schemas to linked values; a broken reference is a finding."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from config.linking_layers import Find, Known, identity_of, link_layer, region_of, text
from config.model import (
    Binding,
    Catalogue,
    CodeList,
    Digests,
    EditionChoice,
    Entry,
    Field,
    Labels,
    Layer,
    ProcessEntry,
    Role,
    Source,
    Specification,
    Style,
    StyleRule,
    Theme,
)
from config.schedule import Schedule, cron_fault
from config.units import Unit
from config.vocabulary import (
    Classification,
    DataKind,
    EditionKey,
    EditionStatus,
    ExecutionMode,
    FieldType,
    GeometryKind,
    Issuer,
)

type Findings = list[str]
type Entries = Mapping[str, Mapping[str, tuple[str, Entry]]]  # kind -> id -> (place, entry)

BOUNDS = ("minimum", "exclusive_minimum", "maximum", "exclusive_maximum")
RESERVED_COLUMNS = frozenset({"fid", "geom", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


def link(entries: Entries, findings: Findings, digests: Digests) -> Catalogue:
    """The catalogue of *entries*; what does not hold together is added to *findings*."""
    code_lists = _each(entries, "code_list", findings, lambda e, _: _code_list(e))
    themes = _each(entries, "theme", findings, lambda e, _: _theme(e))
    styles = _each(entries, "style", findings, lambda e, _: _style(e))
    specifications = _each(
        entries, "specification", findings, lambda e, find: _specification(e, code_lists, find)
    )
    for name, (place, _) in entries["theme"].items():
        parent = name.rpartition(".")[0]
        if parent and parent not in entries["theme"]:
            findings.append(f"{place}/id: the theme above it, {parent!r}, is not declared")
    sources = _each(entries, "source", findings, lambda e, _: _source(e))
    known = Known(
        specifications=specifications,
        code_lists=code_lists,
        sources=sources,
        themes=themes,
        styles=styles,
    )
    layers = _each(entries, "layer", findings, lambda e, find: link_layer(e, known, find))
    bindings = _each(entries, "binding", findings, lambda e, find: _binding(e, layers, find))
    processes = _each(entries, "process", findings, lambda e, find: _process(e, bindings, find))
    roles = _each(entries, "role", findings, lambda e, _: _role(e))
    schedules = _each(entries, "schedule", findings, lambda e, find: _schedule(e, processes, find))
    for name, (place, _) in entries["role"].items():
        role = roles.get(name)
        for layer in sorted((role and role.layers) or ()):
            if layers and layer not in entries["layer"]:
                findings.append(f"{place}/layers: no layer {layer!r}")
    return Catalogue(
        specifications=specifications,
        code_lists=code_lists,
        sources=sources,
        themes=themes,
        styles=styles,
        layers=layers,
        bindings=bindings,
        processes=processes,
        roles=roles,
        schedules=schedules,
        digests=digests,
        digest=hashlib.sha256(repr(digests).encode()).hexdigest()[:16],
    )


def _each[T](
    entries: Entries, kind: str, findings: Findings, build: Callable[[Entry, Find], T | None]
) -> dict[str, T]:
    built: dict[str, T] = {}
    for name, (place, entry) in entries[kind].items():

        def find(pointer: str, message: str, place: str = place) -> None:
            findings.append(f"{place}{pointer}: {message}")

        if (value := build(entry, find)) is not None:
            built[name] = value
    return built


def _code_list(e: Entry) -> CodeList:
    return CodeList(
        id=e["id"],
        version=e["version"],
        title=text(e["title"]),
        source=text(e["source"]),
        codes={code: text(title) for code, title in e["codes"].items()},
    )


def _theme(e: Entry) -> Theme:
    return Theme(id=e["id"], title=text(e["title"]), order=e["order"])


def _source(e: Entry) -> Source:
    licence, attribution = e.get("licence"), e.get("attribution")
    return Source(
        id=e["id"],
        title=text(e["title"]),
        organisation=text(e["organisation"]),
        licence=text(licence) if licence else None,
        attribution=text(attribution) if attribution else None,
        review_number=e.get("review_number"),
        url=e.get("url"),
    )


def _style(e: Entry) -> Style:
    rules = tuple(
        StyleRule(
            **{k: v for k, v in rule.items() if k not in ("title", "codes", "dash")},
            title=text(rule["title"]),
            codes=tuple(rule.get("codes", ())),
            dash=tuple(rule.get("dash", ())),
        )
        for rule in ({**e.get("defaults", {}), **given} for given in e["rules"])
    )
    return Style(
        id=e["id"],
        title=text(e["title"]),
        source=text(e["source"]),
        geometry=GeometryKind(e["geometry"]),
        field=e.get("field"),
        rules=rules,
        labels=Labels(**e["labels"]) if "labels" in e else None,
        version=e.get("version"),
    )


def _specification(
    e: Entry, code_lists: Mapping[str, CodeList], find: Find
) -> Specification | None:
    fields: list[Field] = []
    columns: set[str] = set()
    sound = True
    for i, f in enumerate(e["fields"]):
        pointer = f"/fields/{i}"
        column = f["code"].lower()
        if column in columns or column in RESERVED_COLUMNS or column.startswith("om_"):
            find(f"{pointer}/code", f"{f['code']!r} is given twice or reserved")
            sound = False
        columns.add(column)
        listed = f.get("code_list")
        if listed is not None and listed not in code_lists:
            find(f"{pointer}/code_list", f"no code list {listed!r}")
            sound = False
            continue
        if listed is not None and f["type"] != FieldType.TEXT:
            find(f"{pointer}/type", "a coded field is text")
            sound = False
        fields.append(
            Field(
                code=f["code"],
                title=text(f["title"]),
                type=FieldType(f["type"]),
                length=f.get("length"),
                decimals=f.get("decimals"),
                required=f.get("required", False),
                unit=Unit(f["unit"]) if "unit" in f else None,
                code_list=code_lists[listed] if listed else None,
                aliases=tuple(f.get("aliases", ())),
                **{name: float(f[name]) for name in BOUNDS if name in f},
            )
        )
    defaults = e.get("defaults", {})
    identity, region = identity_of(defaults), region_of(defaults)
    codes = {f.code for f in fields}
    searched = [("search", n) for n in defaults.get("search", ())]
    for pointer, name in [*(("identity", n) for n in identity), ("region", region), *searched]:
        if name not in codes and name not in ("overlap", "none"):
            find(f"/defaults/{pointer}", f"{name!r} is not a field of {e['id']}")
            sound = False
    if not sound:
        return None
    return Specification(
        id=e["id"],
        version=e["version"],
        title=text(e["title"]),
        geometry=GeometryKind(e["geometry"]),
        source=text(e["source"]),
        fields=tuple(fields),
        kind=DataKind(e.get("class", DataKind.PLANNING)),
        theme=defaults.get("theme"),
        identity=identity,
        region=region,
        plan=defaults.get("plan", "none"),
        style=defaults.get("style"),
        subdivided=defaults.get("subdivided", False),
        search=tuple(defaults.get("search", ())),
    )


def _binding(e: Entry, layers: Mapping[str, Layer], find: Find) -> Binding | None:
    name = e.get("layer")
    if name is not None and name not in layers:
        find("/layer", f"no sound layer {name!r}")
        return None
    choice = e["edition"]
    at = choice.get("at")
    return Binding(
        id=e["id"],
        title=text(e["title"]),
        layer=layers[name] if name else None,
        edition=EditionChoice(
            key=EditionKey(choice["key"]) if "key" in choice else None,
            issuer=Issuer(choice["issuer"]) if "issuer" in choice else None,
            status=EditionStatus(choice.get("status", EditionStatus.IN_FORCE)),
            at=at if at in (None, "check_date") else date.fromisoformat(at),
        ),
    )


def _process(e: Entry, bindings: Mapping[str, Binding], find: Find) -> ProcessEntry | None:
    for use, name in e.get("bindings", {}).items():
        if name not in bindings:
            find(f"/bindings/{use}", f"no binding {name!r}")
            return None
    return ProcessEntry(
        id=e["id"],
        spec=e["spec"],
        public=e["public"],
        bindings={use: bindings[name] for use, name in e.get("bindings", {}).items()},
        limits=e["limits"],
        execution=frozenset(map(ExecutionMode, e.get("execution", ExecutionMode))),
    )


def _schedule(e: Entry, processes: Mapping[str, ProcessEntry], find: Find) -> Schedule | None:
    fault = cron_fault(e["cron"])
    if fault is not None:
        find("/cron", fault)
    if e["process"] not in processes:
        find("/process", f"no sound process {e['process']!r}")
    if fault is not None or e["process"] not in processes:
        return None
    return Schedule(
        id=e["id"],
        title=text(e["title"]),
        process=e["process"],
        inputs=e["inputs"],
        cron=e["cron"],
        key=e.get("key"),
    )


def _role(e: Entry) -> Role:
    def names(value: Any) -> frozenset[str] | None:
        return None if value == "all" else frozenset(value)

    return Role(
        id=e["id"],
        title=text(e["title"]),
        layers=names(e["layers"]),
        regions=e["regions"],
        ceiling=Classification(e["ceiling"]),
        functions=names(e["functions"]),
    )
