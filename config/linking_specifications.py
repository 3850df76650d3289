"""A specification's entry becomes a specification: its fields, and what layers of it default to."""

from collections.abc import Mapping

from config.linking_layers import Find, identity_of, region_of, text
from config.model import CodeList, Entry, Field, Specification
from config.units import Unit
from config.vocabulary import DataKind, FieldType, GeometryKind

BOUNDS = ("minimum", "exclusive_minimum", "maximum", "exclusive_maximum")
RESERVED_COLUMNS = frozenset({"fid", "geom", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


def link_specification(
    e: Entry, code_lists: Mapping[str, CodeList], find: Find
) -> Specification | None:
    """The specification of a sound entry; what does not hold together is found."""
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
