"""From entries that satisfy their schemas to linked values; a broken reference is a finding."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from config.model import (
    Binding,
    Catalogue,
    CodeList,
    EditionChoice,
    Entry,
    Field,
    Labels,
    Layer,
    ProcessEntry,
    Role,
    Specification,
    Style,
    StyleRule,
    Theme,
)
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

type Findings = list[str]
type Entries = Mapping[str, Mapping[str, tuple[str, Entry]]]  # kind -> id -> (place, entry)

MAX_COLUMN_BYTES = 63
RESERVED_COLUMNS = frozenset({"fid", "geom", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


def link(entries: Entries, findings: Findings, digest: str) -> Catalogue:
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
    layers = _each(
        entries, "layer", findings, lambda e, find: _layer(e, specifications, themes, styles, find)
    )
    bindings = _each(entries, "binding", findings, lambda e, find: _binding(e, layers, find))
    processes = _each(entries, "process", findings, lambda e, find: _process(e, bindings, find))
    roles = _each(entries, "role", findings, lambda e, _: _role(e))
    for name, (place, _) in entries["role"].items():
        role = roles.get(name)
        for layer in sorted((role and role.layers) or ()):
            if layers and layer not in entries["layer"]:
                findings.append(f"{place}/layers: no layer {layer!r}")
    return Catalogue(
        specifications=specifications,
        code_lists=code_lists,
        themes=themes,
        styles=styles,
        layers=layers,
        bindings=bindings,
        processes=processes,
        roles=roles,
        digest=digest,
    )


type Find = Callable[[str, str], None]  # pointer, message


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


def _text(value: Mapping[str, str]) -> Text:
    return Text(zh=value["zh"], en=value["en"])


def _code_list(e: Entry) -> CodeList:
    return CodeList(
        id=e["id"],
        version=e["version"],
        title=_text(e["title"]),
        source=_text(e["source"]),
        codes={code: _text(title) for code, title in e["codes"].items()},
    )


def _theme(e: Entry) -> Theme:
    return Theme(id=e["id"], title=_text(e["title"]), order=e["order"])


def _style(e: Entry) -> Style:
    rules = tuple(
        StyleRule(
            **{k: v for k, v in rule.items() if k not in ("title", "codes", "dash")},
            title=_text(rule["title"]),
            codes=tuple(rule.get("codes", ())),
            dash=tuple(rule.get("dash", ())),
        )
        for rule in e["rules"]
    )
    return Style(
        id=e["id"],
        title=_text(e["title"]),
        source=_text(e["source"]),
        geometry=GeometryKind(e["geometry"]),
        field=e.get("field"),
        rules=rules,
        labels=Labels(**e["labels"]) if "labels" in e else None,
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
                title=_text(f["title"]),
                type=FieldType(f["type"]),
                length=f.get("length"),
                required=f.get("required", False),
                unit=Unit(f["unit"]) if "unit" in f else None,
                code_list=code_lists[listed] if listed else None,
            )
        )
    if not sound:
        return None
    return Specification(
        id=e["id"],
        version=e["version"],
        title=_text(e["title"]),
        geometry=GeometryKind(e["geometry"]),
        source=_text(e["source"]),
        fields=tuple(fields),
    )


def _layer(
    e: Entry,
    specifications: Mapping[str, Specification],
    themes: Mapping[str, Theme],
    styles: Mapping[str, Style],
    find: Find,
) -> Layer | None:
    specification, theme = specifications.get(e["specification"]), themes.get(e["theme"])
    style = styles.get(e["style"]) if "style" in e else None
    if specification is None:
        find("/specification", f"no sound specification {e['specification']!r}")
    if theme is None:
        find("/theme", f"no theme {e['theme']!r}")
    if "style" in e and style is None:
        find("/style", f"no style {e['style']!r}")
    if specification is None or theme is None or ("style" in e and style is None):
        return None
    codes = {f.code for f in specification.fields}
    region: Any = e["region"]
    wanted = {
        "/identity": e["identity"],
        "/region": [region["field"]] if isinstance(region, dict) else [],
    }
    if style:
        wanted["/style"] = sorted(style.fields)
        if style.geometry != specification.geometry:
            find(
                "/style", f"draws {style.geometry}, the specification has {specification.geometry}"
            )
    for pointer, names in wanted.items():
        for name in names:
            if name not in codes:
                find(pointer, f"{name!r} is not a field of {specification.id}")
    if region == "overlap" and specification.geometry == GeometryKind.NONE:
        find("/region", "a table layer has nothing to overlap with")
    return Layer(
        id=LayerId(e["id"]),
        title=_text(e["title"]),
        description=_text(e["description"]),
        theme=theme,
        specification=specification,
        identity=tuple(e["identity"]),
        region=region["field"] if isinstance(region, dict) else region,
        plan=e["plan"],
        classification=Classification(e["classification"]),
        style=style,
        source=_text(e["source"]),
        keeper=_text(e["keeper"]),
        synthetic=e["synthetic"],
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
        title=_text(e["title"]),
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
    )


def _role(e: Entry) -> Role:
    def names(value: Any) -> frozenset[str] | None:
        return None if value == "all" else frozenset(value)

    return Role(
        id=e["id"],
        title=_text(e["title"]),
        layers=names(e["layers"]),
        regions=e["regions"],
        ceiling=Classification(e["ceiling"]),
        functions=names(e["functions"]),
    )
