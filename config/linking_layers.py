"""A layer entry becomes a layer: what it does not say, its specification or the default says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.model import (
    CodeList,
    Entry,
    External,
    ExternalColumn,
    Layer,
    Source,
    Specification,
    Style,
    Theme,
)
from config.tile_options import TileOptions
from config.units import Unit
from config.vocabulary import (
    OMITTED,
    Classification,
    DataKind,
    FieldType,
    GeometryKind,
    LayerId,
    Text,
)

type Find = Callable[[str, str], None]  # pointer, message

NOT_STATED = Text(zh="未注明", en="Not stated")
EXTERNAL_VERSION = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a layer entry may refer to."""

    specifications: Mapping[str, Specification]
    code_lists: Mapping[str, CodeList]
    sources: Mapping[str, Source]
    themes: Mapping[str, Theme]
    styles: Mapping[str, Style]


def text(value: Mapping[str, str]) -> Text:
    """A title in both languages."""
    return Text(zh=value["zh"], en=value["en"])


def identity_of(e: Entry) -> tuple[str, ...]:
    """The identity as declared; empty where the geometry is it."""
    declared = e.get("identity", "geometry")
    return () if declared == "geometry" else tuple(declared)


def region_of(e: Entry) -> str:
    """The field that names the region, or how it is found."""
    declared: Any = e.get("region", "none")
    return str(declared["field"] if isinstance(declared, dict) else declared)


def link_layer(e: Entry, known: Known, find: Find) -> Layer | None:
    """The layer of a sound entry; what does not hold together is found."""
    if e["id"].endswith(OMITTED):
        find("/id", f"{e['id']!r} ends in {OMITTED}, as what tiles leave out of a layer is named")
    external = _external(e, known, find)
    if external is not None:
        specification: Specification | None = _unknown_yet(e)
    else:
        specification = known.specifications.get(e["specification"])
        if specification is None:
            find("/specification", f"no sound specification {e['specification']!r}")
            return None
    assert specification is not None
    theme_id, style_id = e.get("theme", specification.theme), e.get("style", specification.style)
    theme = known.themes.get(theme_id) if theme_id else None
    style = known.styles.get(style_id) if style_id else None
    if theme is None:
        find(
            "/theme",
            f"no theme {theme_id!r}" if theme_id else "is needed: the specification names none",
        )
    if style_id and style is None:
        find("/style", f"no style {style_id!r}")
    source = _source(e, known, find)
    if theme is None or (style_id and style is None) or source is None:
        return None
    layer = Layer(
        id=LayerId(e["id"]),
        title=text(e["title"]) if "title" in e else specification.title,
        description=text(e["description"]) if "description" in e else specification.source,
        theme=theme,
        specification=specification,
        identity=identity_of(e) if "identity" in e else specification.identity,
        region=region_of(e) if "region" in e else specification.region,
        plan=e.get("plan", specification.plan),
        classification=Classification(e.get("classification", Classification.INTERNAL)),
        style=style,
        source=source,
        licence=_licence(e, known),
        keeper=text(e["keeper"]) if "keeper" in e else NOT_STATED,
        synthetic=e.get("synthetic", False),
        external=external,
        validity=(e.get("validity", {}).get("from"), e.get("validity", {}).get("to")),
        subdivided=e.get("subdivided", specification.subdivided),
        search=tuple(e.get("search", specification.search)),
        tiles=TileOptions(**{"overview": external is None, **e.get("tiles", {})}),
    )
    if external is None:
        _check(layer, find)
    if layer.tiles.overview_hours is not None and not (external and layer.tiles.overview):
        find("/tiles/overview_hours", "is of an external layer with overview: true")
    return layer


def _check(layer: Layer, find: Find) -> None:
    """What a managed layer's entry says must fit its specification."""
    specification, kind = layer.specification, layer.geometry
    wanted = {
        "/identity": list(layer.identity),
        "/region": [] if layer.region in ("overlap", "none") else [layer.region],
        "/validity": [name for name in layer.validity if name],
        "/search": list(layer.search),
        "/tiles/attributes": list(layer.tiles.attributes),
    }
    if layer.style:
        wanted["/style"] = sorted(layer.style.fields)
        if layer.style.geometry != kind:
            find("/style", f"draws {layer.style.geometry}, the specification has {kind}")
    for pointer, names in wanted.items():
        for name in names:
            if layer.field(name) is None:
                find(pointer, f"{name!r} is not a field of {specification.id}")
    for name in layer.search:
        field = layer.field(name)
        if field is not None and field.type is not FieldType.TEXT:
            find("/search", f"{name!r} is no text")
    if layer.region == "overlap" and kind is GeometryKind.NONE:
        find("/region", "a table layer has nothing to overlap with")
    if not layer.identity and kind is GeometryKind.NONE:
        find("/identity", "a table layer has no geometry to be known by; name its fields")
    if layer.subdivided and kind is not GeometryKind.POLYGON:
        find("/subdivided", "only polygons are subdivided")


def _source(e: Entry, known: Known, find: Find) -> Text | None:
    declared = e.get("source")
    if declared is None:
        return NOT_STATED
    if not isinstance(declared, str):
        return text(declared)
    if (source := known.sources.get(declared)) is None:
        find("/source", f"no source {declared!r}")
        return None
    return source.attribution or source.title


def _licence(e: Entry, known: Known) -> Text | None:
    declared = e.get("source")
    return known.sources[declared].licence if isinstance(declared, str) else None


def _external(e: Entry, known: Known, find: Find) -> External | None:
    storage = e.get("storage", "managed")
    if storage == "managed":
        return None
    schema, _, table = storage["external"].partition(".")
    columns: list[ExternalColumn] = []
    for i, c in enumerate(storage.get("columns", ())):
        listed = c.get("code_list")
        if listed is not None and listed not in known.code_lists:
            find(f"/storage/columns/{i}/code_list", f"no code list {listed!r}")
        columns.append(
            ExternalColumn(
                name=c.get("name", c["column"]),
                column=c["column"],
                title=text(c["title"]) if "title" in c else None,
                unit=Unit(c["unit"]) if "unit" in c else None,
                code_list=known.code_lists.get(listed) if listed else None,
            )
        )
    names = [c.name for c in columns]
    for name in sorted({n for n in names if names.count(n) > 1}):
        find("/storage/columns", f"the name {name!r} is given twice")
    return External(
        schema=schema,
        table=table,
        key=storage.get("key"),
        geometry=storage.get("geometry"),
        version=storage.get("version", "none"),
        version_column=storage.get("column"),
        columns=tuple(columns),
    )


def _unknown_yet(e: Entry) -> Specification:
    """The specification of an external layer before its table was looked at."""
    title = text(e["title"])
    return Specification(
        id=e["id"],
        version=EXTERNAL_VERSION,
        title=title,
        geometry=GeometryKind.NONE,
        source=title,
        fields=(),
        kind=DataKind.PRESENT,
    )
