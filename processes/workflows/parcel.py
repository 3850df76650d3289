"""A parcel from a request to storage: every fault with its place, its datum, its plane."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from processes.algorithms.parcel_geometry import invalidity, read_parcel
from processes.spec import BodyError, InvalidBody
from providers.crs import CRS84_URI, Crs, CrsError, Operation, parse_crs, to_storage, zone_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel in storage, and how it came there."""

    geometry: Polygon | MultiPolygon  # longitude, latitude, EPSG:4490
    crs: Crs
    operation: Operation
    declared_m2: float | None  # 申报面积


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
    if parcel.crs.survey_zone:
        return parcel.crs
    if configured is not None:
        return parse_crs(configured)
    zone = zone_of(float(shapely.centroid(parcel.geometry).x))
    if zone is None:
        message = "lies outside the zones of China (73.5°E to 136.5°E), and no plane is configured"
        raise InvalidBody([BodyError("/inputs/parcel", message)])
    return zone
