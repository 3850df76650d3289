"""Where an external table's shapes are: their column, kind and reference system, or the findings."""

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import External
from config.vocabulary import GeometryKind
from providers.crs import (
    BEYOND_ZONE_DEG,
    SAME_NUMBERS,
    WHOLE,
    Bounds,
    CrsError,
    from_epsg,
    to_storage,
)
from providers.crs_systems import area_of_use
from providers.external_catalog import FoundTable, registered_code, sample, typmod
from providers.external_table import CURVED, geometry_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a table's shapes are, of which kind, in which system."""

    column: str
    kind: GeometryKind
    srid: int
    curved: bool
    area: Bounds
    everywhere: bool  # no row is without a shape


def find_place(
    connection: Connection[TupleRow], table: FoundTable, external: External, findings: list[str]
) -> Place | None:
    """The table's shapes; None for a table without, or with a finding."""
    shapes = [c for c in table.columns if c.type == "geometry"]
    if external.geometry is not None:
        shapes = [c for c in shapes if c.name == external.geometry]
        if not shapes:
            findings.append(f"geometry: {external.geometry!r} is no geometry column of it")
            return None
    elif any(c.type == "geography" for c in table.columns) and not shapes:
        findings.append("geometry: geography is not read; show a view with column::geometry")
        return None
    if len(shapes) > 1:
        names = ", ".join(c.name for c in shapes)
        findings.append(f"geometry: there are several ({names}); name one with geometry:")
        return None
    if not shapes:
        return None
    column = shapes[0]
    declared, srid = typmod(connection, column)
    seen = sample(connection, external.schema, external.table, column.name)
    types = seen.types if declared == "GEOMETRY" else frozenset({declared})
    kinds = {geometry_kind(name) for name in types}
    srids = seen.srids if srid == 0 else frozenset({srid})
    if not types or not srids:
        findings.append(
            f"geometry: {column.name} declares no type or reference system, and no row tells; run"
            " ALTER TABLE … ALTER COLUMN … TYPE geometry(MultiPolygon, 4490), or the like"
        )
        return None
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None:
        findings.append(
            f"geometry: {column.name} holds {', '.join(sorted(types))}; one layer shows points,"
            " lines or polygons. Show a view of one of them"
        )
    if len(srids) > 1:
        listed = ", ".join(map(str, sorted(srids)))
        findings.append(f"geometry: {column.name} mixes the reference systems {listed}")
    if kind is None or len(srids) > 1:
        return None
    (code,) = srids
    area = _area(connection, column.name, code, seen.bounds, findings)
    if area is None:
        return None
    curved = declared in CURVED
    return Place(
        column=column.name,
        kind=kind,
        srid=code,
        curved=curved,
        area=area,
        everywhere=column.required and not table.view,
    )


def _area(
    connection: Connection[TupleRow],
    column: str,
    srid: int,
    bounds: Bounds | None,
    findings: list[str],
) -> Bounds | None:
    """Where the reference system is used, once a sure way leads from it to storage."""
    if srid == 0 or registered_code(connection, srid) != srid:
        findings.append(f"geometry: SRID {srid} of {column} is no EPSG code; the place is unknown")
        return None
    try:
        crs = from_epsg(srid)
        own = pyproj.CRS.from_epsg(srid)
        box = shapely.box(*(bounds or _middle(own)))
        ordered = shapely.transform(box, lambda xy: xy[:, ::-1]) if crs.north_first else box
        to_storage(np.array([ordered], dtype=object), crs)
    except CrsError as error:
        findings.append(f"geometry: {column}: {error}")
        return None
    return WHOLE if srid in SAME_NUMBERS else area_of_use(own, BEYOND_ZONE_DEG)


def _middle(crs: pyproj.CRS) -> Bounds:
    """A point amid the area of use, in the system's own numbers, x to the east."""
    west, south, east, north = area_of_use(crs, 0.0)
    there = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    x, y = there.transform((west + east) / 2, (south + north) / 2)
    return (float(x), float(y), float(x), float(y))
