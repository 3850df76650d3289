"""From entries that satisfy their schemas to linked values; a broken reference is a finding."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from config.linking_layers import Find, Known, link_layer, text
from config.linking_rulesets import Placed, link_override, link_ruleset, misfits, tied
from config.linking_specifications import link_specification
from config.model import (
    Binding,
    Catalogue,
    CodeList,
    Digests,
    EditionChoice,
    Entry,
    Labels,
    Layer,
    ProcessEntry,
    Role,
    Source,
    Style,
    StyleRule,
    Theme,
)
from config.ruleset import Override, Ruleset
from config.ruleset_choice import version_order
from config.schedule import Schedule, cron_fault
from config.vocabulary import (
    Classification,
    EditionKey,
    EditionStatus,
    ExecutionMode,
    GeometryKind,
    Issuer,
)

type Findings = list[str]
type Entries = Mapping[str, Mapping[str, tuple[str, Entry]]]  # kind -> id -> (place, entry)


def link(entries: Entries, findings: Findings, digests: Digests) -> Catalogue:
    """The catalogue of *entries*; what does not hold together is added to *findings*."""
    code_lists = _each(entries, "code_list", findings, lambda e, _: _code_list(e))
    themes = _each(entries, "theme", findings, lambda e, _: _theme(e))
    styles = _each(entries, "style", findings, lambda e, _: _style(e))
    specifications = _each(
        entries, "specification", findings, lambda e, find: link_specification(e, code_lists, find)
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
    rulesets = _rulesets(entries, bindings, findings)
    overrides = _overrides(entries, rulesets, findings)
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
        rulesets={
            name: tuple(r for r in rulesets if r.id == name)
            for name in dict.fromkeys(r.id for r in rulesets)
        },
        ruleset_overrides=overrides,
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


def _rulesets(
    entries: Entries, bindings: Mapping[str, Binding], findings: Findings
) -> list[Ruleset]:
    """All versions of all rule sets, lower versions first."""
    built = _each(entries, "ruleset", findings, lambda e, find: link_ruleset(e, bindings, find))
    rulesets = sorted(built.values(), key=lambda r: (r.id, version_order(r.version)))
    told = {fit for ruleset in rulesets for fit in misfits(ruleset, bindings)}
    for name, message in sorted(told):
        findings.append(f"{entries['binding'][name][0]}/layer: {message}")
    return rulesets


def _overrides(
    entries: Entries, rulesets: Sequence[Ruleset], findings: Findings
) -> tuple[Override, ...]:
    """All versions of all overrides; two that tie are findings."""
    kind = "ruleset_override"
    built = _each(entries, kind, findings, lambda e, find: link_override(e, rulesets, find))
    placed = [Placed(value=value, place=entries[kind][name][0]) for name, value in built.items()]
    findings.extend(tied(placed))
    return tuple(sorted(built.values(), key=lambda o: (o.id, version_order(o.version))))


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
    given = e.get("bindings", {})
    uses = {name: name for name in bindings} if given == "all" else given
    for use, name in uses.items():
        if name not in bindings:
            find(f"/bindings/{use}", f"no binding {name!r}")
            return None
    return ProcessEntry(
        id=e["id"],
        spec=e["spec"],
        public=e["public"],
        bindings={use: bindings[name] for use, name in uses.items()},
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
