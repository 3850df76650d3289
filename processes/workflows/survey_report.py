"""What a surveyor's file holds: its parcels, every fault, and the zones in which it may be."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import PurePath
from typing import Any, LiteralString

import numpy as np
import shapely
from psycopg import Connection
from psycopg.rows import TupleRow

from processes.algorithms.survey_parcels import Fault, Finding, finding
from processes.algorithms.survey_sentences import OUTSIDE
from providers.crs import Bounds, CrsError
from providers.crs_operations import own_degrees
from providers.crs_systems import system_of_code
from providers.crs_ways import way_to_storage
from providers.files import SourceFile
from providers.survey_frames import ZoneChoice, zones_allowed

MAX_LISTED = 1_000  # findings in a report
MAX_OUTLINE = 2_000  # vertices of a preview; beyond, the hull of all parcels is shown
OUTLINE_SHARE = 1 / 400  # of the extent, by which a preview may stray
VALID: LiteralString = (
    "geom IS NOT NULL AND valid_from <= %(day)s AND coalesce(valid_to, 'infinity') >= %(day)s"
)
UNIT: LiteralString = (
    f"SELECT ST_AsBinary(geom) FROM onemap.region WHERE code = %(code)s AND {VALID}"
)
# The register is public; the deepest division at a place.
AT: LiteralString = f"""
SELECT code, name_zh, name_en FROM onemap.region
WHERE {VALID} AND ST_Intersects(geom, ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4490))
ORDER BY cardinality(path) DESC, code LIMIT 1
"""


def unit_of(connection: Connection[TupleRow], code: str, day: date) -> shapely.Geometry | None:
    """The area of a unit; None: the register has none of this code."""
    row = connection.execute(UNIT, {"code": code, "day": day}).fetchone()
    return None if row is None else shapely.from_wkb(row[0])


def report(
    connection: Connection[TupleRow],
    source: SourceFile,
    name: str,
    crs: str | None,
    unit: shapely.Geometry | None,
    day: date,
) -> dict[str, Any]:
    """The file as a document; *name* and *crs* are what the caller says of it."""
    batches = [np.array([], dtype=object)]
    batches += [batch.geometry for batch in source.batches() if batch.geometry is not None]
    geometries = np.concatenate(batches)
    found = list(source.findings)
    chosen, refusal = crs or source.crs, None
    if chosen is not None and source.bounds is not None:
        try:
            way = way_to_storage(chosen, source.bounds)
            found += _outside(way.move(geometries), unit)
            chosen = way.crs_label
        except CrsError as error:
            chosen, refusal = None, str(error)
    within = _bounds(unit)
    zones = zones_allowed(source.bounds, within) if source.bounds is not None else ()
    lost = {one.parcel for one in found if one.error}
    outline = _outline(geometries)
    return {
        "name": name,
        "format": source.driver,
        "layer": PurePath(name).stem if source.layer == source.path.stem else source.layer,
        "crs": None if chosen is None else str(chosen),
        "refusal": refusal,
        "zones": []
        if chosen is not None
        else [_zone(connection, one, outline, day) for one in zones],
        "local_frame": chosen is None and source.bounds is not None and not zones,
        "parcels": len(geometries),
        "readable": len(geometries) - len(lost - {None}),
        "findings": [one.document() for one in found[:MAX_LISTED]],
        "findings_left_out": max(0, len(found) - MAX_LISTED),
        "notes": list(source.notes),
    }


def _outside(
    stored: np.ndarray[Any, np.dtype[np.object_]],
    unit: shapely.Geometry | None,
) -> Iterator[Finding]:
    if unit is None:
        return
    shapely.prepare(unit)
    out = ~shapely.is_missing(stored) & ~shapely.covers(unit, stored)
    for place in np.flatnonzero(out).tolist():
        yield finding(Fault.OUTSIDE_UNIT, OUTSIDE, parcel=place)


def _outline(geometries: np.ndarray[Any, np.dtype[np.object_]]) -> shapely.Geometry:
    """The readable parcels as they may be previewed, in the file's numbers."""
    there = geometries[~shapely.is_missing(geometries)]
    if not len(there):
        return shapely.Polygon()
    west, south, east, north = shapely.total_bounds(there).tolist()
    plain: np.ndarray[Any, np.dtype[np.object_]] = shapely.simplify(
        there, max(east - west, north - south) * OUTLINE_SHARE
    )
    if shapely.get_num_coordinates(plain).sum() > MAX_OUTLINE:
        return shapely.MultiPoint(shapely.get_coordinates(plain)).convex_hull
    return shapely.MultiPolygon(list(shapely.get_parts(plain)))


def _drawn(outline: shapely.Geometry, one: ZoneChoice) -> dict[str, Any] | None:
    """A preview where it would lie in a zone; None where it lies nowhere."""
    turned = shapely.transform(outline, lambda points: points[:, ::-1]) if one.swapped else outline
    moved = own_degrees(system_of_code(one.code)).there(np.array([turned], dtype=object))
    if moved is None or shapely.is_empty(moved[0]):
        return None
    shown = shapely.transform(moved[0], lambda points: points.round(7))
    return dict(json.loads(shapely.to_geojson(shown)))


def _zone(
    connection: Connection[TupleRow], one: ZoneChoice, outline: shapely.Geometry, day: date
) -> dict[str, Any]:
    """A zone and where the file would lie in it."""
    west, south, east, north = one.bounds
    middle = {"x": (west + east) / 2, "y": (south + north) / 2, "day": day}
    row = connection.execute(AT, middle).fetchone()
    region = None if row is None else {"code": row[0], "zh": row[1], "en": row[2]}
    return {
        "crs": f"EPSG:{one.code}",
        "name": one.name,
        "zone": one.zone,
        "meridian_deg": one.meridian_deg,
        "bbox": list(one.bounds),
        "outline": _drawn(outline, one),
        "region": region,
        "swapped": one.swapped,
    }


def _bounds(unit: shapely.Geometry | None) -> Bounds | None:
    if unit is None:
        return None
    west, south, east, north = shapely.bounds(unit).tolist()
    return west, south, east, north
