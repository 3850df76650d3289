"""Features on their way in: checked against the specification and copied to a staging table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Field, Layer
from config.vocabulary import FieldType, GeometryKind, RegionCode
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from providers.access import SRID
from providers.errors import LoadRejected
from providers.tables import content_columns

MAX_FINDINGS = 100
MAX_VERTICES = 1_000_000
MULTI = {
    GeometryKind.POINT: (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT),
    GeometryKind.LINE: (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING),
    GeometryKind.POLYGON: (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """Features to load: parallel sequences, one row per feature.

    `geometry` is shapely in lon/lat degrees (EPSG:4490), None for a table layer; `columns` maps
    field codes to values, None meaning missing.
    """

    ids: Sequence[str]
    geometry: NDArray[np.object_] | None
    columns: Mapping[str, Sequence[Any]]
    plan: str | None = None
    basis: str | None = None


def stage(connection: Connection[TupleRow], layer: Layer, table: FeatureTable) -> None:
    """Copy *table* into the temporary table `staged`; LoadRejected names what does not fit."""
    findings = check(layer, table)
    if findings:
        raise LoadRejected(layer.id, findings)
    columns = ["om_id", *content_columns(layer)]
    source = sql.Identifier("planning", layer.id)
    wanted = sql.SQL(", ").join(map(sql.Identifier, columns))
    connection.execute("DROP TABLE IF EXISTS pg_temp.staged")
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA"
        ).format(wanted, source)
    )
    copy = sql.SQL("COPY pg_temp.staged ({}) FROM STDIN").format(wanted)
    with connection.cursor().copy(copy) as writer:
        for row in zip(*_sequences(layer, table), strict=True):
            writer.write_row(row)


def check(layer: Layer, table: FeatureTable) -> list[str]:
    """What in *table* does not satisfy the layer's specification, at most MAX_FINDINGS."""
    findings = [
        f"{code}: not a field of {layer.specification.id}"
        for code in table.columns
        if layer.field(code) is None
    ]
    lengths = {code: len(values) for code, values in table.columns.items()}
    if table.geometry is not None:
        lengths["geometry"] = len(table.geometry)
    findings += [
        f"{name}: {length} values for {len(table.ids)} features"
        for name, length in lengths.items()
        if length != len(table.ids)
    ]
    if (table.geometry is None) is not (layer.geometry is GeometryKind.NONE):
        findings.append(f"geometry: the specification has {layer.geometry}")
    if layer.plan == "required" and not table.plan:
        findings.append("plan: the layer is of plan kind, its features must name their plan")
    if findings:
        return findings
    seen: set[str] = set()
    for row, name in enumerate(table.ids):
        if not name or len(name) > 200 or name in seen or not name.isprintable():
            findings.append(f"row {row}: identity {name!r} is empty, given twice or not printable")
        seen.add(name)
    for field in layer.fields:
        for row, value in enumerate(table.columns.get(field.code, [None] * len(table.ids))):
            if wrong := _mistake(field, value):
                findings.append(f"row {row}: {field.code}: {value!r}; expected {wrong}")
            if len(findings) >= MAX_FINDINGS:
                return findings
    if (coded := layer.field(layer.region)) is not None:
        for row, value in enumerate(table.columns.get(coded.code, ())):
            if value is not None and _region(value) is None:
                findings.append(f"row {row}: {coded.code}: {value!r}; expected a division code")
    if table.geometry is not None:
        findings += _geometry_findings(layer, table.geometry)
    return findings[:MAX_FINDINGS]


def _mistake(field: Field, value: Any) -> str | None:
    """What was expected instead of *value*; None where it fits."""
    if value is None:
        return "a value" if field.required else None
    match field.type:
        case FieldType.TEXT:
            if not isinstance(value, str) or "\x00" in value:
                return "text"
            if field.length is not None and len(value) > field.length:
                return f"at most {field.length} characters"
            if field.code_list is not None and value not in field.code_list.codes:
                return f"a code of {field.code_list.id}"
        case FieldType.INTEGER:
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                return "an integer"
            if not -(2**31) <= value < 2**31:
                return "a 32-bit integer"
        case FieldType.DECIMAL:
            try:
                finite = not isinstance(value, bool) and Decimal(str(value)).is_finite()
            except InvalidOperation:
                finite = False
            if not finite:
                return "a finite number"
        case FieldType.DATE:
            if not isinstance(value, date):
                return "a date"
        case FieldType.BOOLEAN:
            if not isinstance(value, bool | np.bool_):
                return "true or false"
    return None


def _geometry_findings(layer: Layer, geometry: NDArray[np.object_]) -> list[str]:
    types = shapely.get_type_id(geometry)
    bounds = shapely.bounds(geometry)
    tests = {
        f"expected a {layer.geometry} with coordinates": ~np.isin(types, MULTI[layer.geometry])
        | shapely.is_empty(geometry),
        "expected longitude and latitude in degrees": ~(
            (bounds[:, 0] >= -180)
            & (bounds[:, 1] >= -90)
            & (bounds[:, 2] <= 180)
            & (bounds[:, 3] <= 90)
        ),
        "is not valid": ~shapely.is_valid(geometry),
        f"has more than {MAX_VERTICES} vertices": shapely.get_num_coordinates(geometry)
        > MAX_VERTICES,
    }
    return [
        f"row {row}: geometry: {message}"
        for message, wrong in tests.items()
        for row in np.flatnonzero(wrong)[:MAX_FINDINGS]
    ]


def _sequences(layer: Layer, table: FeatureTable) -> list[Sequence[Any]]:
    """Values in the order of the staging table's columns."""
    count = len(table.ids)
    missing: list[Any] = [None] * count
    areas: Sequence[Any] = missing
    geometry: list[Sequence[Any]] = []
    if table.geometry is not None:
        flat = shapely.force_2d(table.geometry)
        if layer.geometry is GeometryKind.POLYGON:
            areas = ellipsoid_area_m2(flat).tolist()
        single, _ = MULTI[layer.geometry]
        ones = np.flatnonzero(shapely.get_type_id(flat) == single)
        flat[ones] = _multi(layer.geometry, flat[ones])
        geometry = [
            shapely.to_wkb(shapely.set_srid(flat, SRID), hex=True, include_srid=True).tolist()
        ]
    field = layer.field(layer.region)
    regions = [_region(v) for v in table.columns.get(field.code, missing)] if field else missing
    values = [table.columns.get(f.code, missing) for f in layer.fields]
    plan, basis = [table.plan] * count, [table.basis] * count
    return [table.ids, areas, regions, plan, basis, *values, *geometry]


def _multi(kind: GeometryKind, single: NDArray[np.object_]) -> NDArray[np.object_]:
    """Each single geometry as the multi geometry of one part."""
    gathered: Any
    rows = np.arange(len(single))
    match kind:
        case GeometryKind.POINT:
            gathered = shapely.multipoints(single, indices=rows)
        case GeometryKind.LINE:
            gathered = shapely.multilinestrings(single, indices=rows)
        case _:
            gathered = shapely.multipolygons(single, indices=rows)
    return np.asarray(gathered, dtype=object)


def _region(value: str | None) -> str | None:
    """A division code without the zeros that pad it to 9 or 12 digits; None where it is none."""
    if value is None:
        return None
    code = value
    while len(code) > 6 and code.endswith("000"):
        code = code[:-3]
    try:
        return RegionCode(code).value
    except ValueError:
        return None
