"""A parcel from a request to storage: every fault with its place, its datum, its plane."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from config.settings import PACKAGE_ROOT
from processes.algorithms.parcel_geometry import invalidity, read_parcel
from processes.spec import BodyError, InvalidBody
from providers.crs import (
    CRS84_URI,
    Crs,
    CrsError,
    Operation,
    parse_crs,
    to_storage,
    within_zone,
    zone_of,
)

BOUNDS = PACKAGE_ROOT / "standards" / "parameters" / "parcel-bounds.json"
# A 3-degree zone used a degree beside its edge shows areas 0.1 % too large at 43°N; then it grows.
BESIDE_ZONE_DEG = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel in storage, and how it came there."""

    geometry: Polygon | MultiPolygon  # longitude, latitude, EPSG:4490
    crs: Crs
    operation: Operation
    declared_m2: float | None  # 申报面积


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelBounds:
    """How large a parcel may be, and how many features of one layer it may meet."""

    max_span_deg: float
    max_features: int


@cache
def parcel_bounds() -> ParcelBounds:
    """The bounds, with their source in the file."""
    data = json.loads(BOUNDS.read_text("utf-8"))
    return ParcelBounds(max_span_deg=data["max_span_deg"], max_features=data["max_features"])


def parcel_faults(inputs: Mapping[str, Any]) -> list[BodyError]:
    """Everything wrong with the parcel and its reference system."""
    try:
        read_stored(inputs)
    except InvalidBody as error:
        return list(error.errors)
    return []


def read_stored(inputs: Mapping[str, Any]) -> Parcel:
    """The parcel of a request, in storage; InvalidBody with every fault."""
    faults: list[BodyError] = []
    found = read_parcel(inputs["parcel"])
    if isinstance(found, list):
        faults += [BodyError(f"/parcel{place}", message) for place, message in found]
    try:
        crs = parse_crs(inputs.get("crs", CRS84_URI))
    except CrsError as error:
        faults.append(BodyError("/crs", str(error)))
    if isinstance(found, list) or faults:
        raise InvalidBody(faults)
    try:
        stored = to_storage(np.array([found], dtype=object), crs)
    except CrsError as error:
        raise InvalidBody([BodyError("/parcel", str(error))]) from error
    geometry: Polygon | MultiPolygon = stored.geometries[0]
    west, south, east, north = geometry.bounds
    if max(east - west, north - south) > parcel_bounds().max_span_deg:
        message = f"spans more than {parcel_bounds().max_span_deg}° in longitude or latitude"
        raise InvalidBody([BodyError("/parcel", message)])
    if why := invalidity(geometry):
        raise InvalidBody([BodyError("/parcel", f"the polygon is not valid: {why}")])
    return Parcel(
        geometry=geometry,
        crs=crs,
        operation=stored.operation,
        declared_m2=inputs.get("declared_area_m2"),
    )


def plane_of(parcel: Parcel, configured: str | None) -> Crs:
    """The file's own survey zone, else the configured plane, else the 3-degree zone."""
    if parcel.crs.survey_zone or configured is not None:
        plane = parcel.crs if parcel.crs.survey_zone else parse_crs(str(configured))
        if not within_zone(np.array([parcel.geometry], dtype=object), plane, BESIDE_ZONE_DEG):
            message = f"lies more than {BESIDE_ZONE_DEG:g}° beside the area of {plane.label}:"
            message += " an area in that plane would mean nothing"
            raise InvalidBody([BodyError("/inputs/parcel", message)])
        return plane
    zone = zone_of(float(shapely.centroid(parcel.geometry).x))
    if zone is None:
        message = "lies outside the zones of China (73.5°E to 136.5°E), and no plane is configured"
        raise InvalidBody([BodyError("/inputs/parcel", message)])
    return zone
