"""The properties that a filter can name."""

from config.model import Layer
from config.vocabulary import FieldType, GeometryKind
from providers.cql2.faults import FilterFault
from providers.cql2.terms import Column, Kind
from providers.external_table import ExternalTable

GEOMETRY_NAMES = ("geometry", "geom")
KINDS = {
    FieldType.TEXT: Kind.TEXT,
    FieldType.INTEGER: Kind.NUMBER,
    FieldType.DECIMAL: Kind.NUMBER,
    FieldType.DATE: Kind.DATE,
    FieldType.INSTANT: Kind.INSTANT,
    FieldType.BOOLEAN: Kind.BOOLEAN,
}
MANAGED = {FieldType.INTEGER: "int4", FieldType.DECIMAL: "numeric"}
SYSTEM = {
    "om_area_m2": Column(name="om_area_m2", kind=Kind.NUMBER, native="float8"),
    **{
        name: Column(name=name, kind=Kind.TEXT, native="text")
        for name in ("om_region", "om_plan", "om_basis")
    },
}
ELEMENTS = {
    **dict.fromkeys(("_text", "_varchar", "_bpchar", "_uuid"), Kind.TEXT),
    **dict.fromkeys(("_int2", "_int4", "_int8", "_numeric", "_float4", "_float8"), Kind.NUMBER),
    "_bool": Kind.BOOLEAN,
    "_date": Kind.DATE,
    "_timestamptz": Kind.INSTANT,
}


def column_of(layer: Layer, name: str) -> Column:
    """The property of this name; FilterFault where the layer has none."""
    field = layer.field(name)
    if field is None:
        if name in GEOMETRY_NAMES and layer.geometry is not GeometryKind.NONE:
            return Column(name="geom", kind=Kind.GEOMETRY)
        if name in SYSTEM:
            return SYSTEM[name]
        place = ["geometry"] if layer.geometry is not GeometryKind.NONE else []
        known = ", ".join([*(f.code for f in layer.fields), *place, *SYSTEM])
        raise FilterFault(f"a property of {layer.id}, not {name[:60]!r}: one of {known}")
    native = _native(layer, name)
    if native in ("timestamp", "timestamptz"):
        return Column(name=name, kind=Kind.INSTANT, native=native)
    if native in ELEMENTS:
        return Column(name=name, kind=Kind.ARRAY, native=native, element=ELEMENTS[native])
    return Column(name=name, kind=KINDS[field.type], native=native or MANAGED.get(field.type))


def _native(layer: Layer, name: str) -> str | None:
    """The type of an external column in its table; None: the layer is managed."""
    table = layer.external
    if not isinstance(table, ExternalTable):
        return None
    codes = [f.code for f in layer.fields]
    return table.types[table.shown[codes.index(name)]]
