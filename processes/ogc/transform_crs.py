"""Coordinate transformation as a process: by published operations only, with their accuracy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely

from config.vocabulary import Text
from processes.context import Context
from processes.ogc.feature_documents import feature_documents
from processes.ogc.feature_schemas import (
    CRS_INPUT,
    CRS_SCHEMA,
    OPERATION_SCHEMA,
    SOURCE_SCHEMA,
    collection_schema,
    features_input,
    operation_document,
    source_document,
)
from processes.spec import BodyError, Input, InvalidBody, Output, ProcessSpec
from processes.workflows.feature_input import (
    Geometries,
    Rows,
    faults_of,
    in_registry_order,
    read_rows,
)
from providers.crs import (
    CRS84,
    EPSG_URI,
    RELABELLED,
    SAME_NUMBERS,
    STORAGE,
    WORLD,
    Crs,
    CrsError,
    Operation,
    from_epsg,
    parse_crs,
    to_plane,
)
from providers.crs_systems import FIRST_NUMBERED, SIX_DEGREES, area_of_use, system_of_code
from providers.frames import WEB_MERCATOR, ZONES, digits, reach

SIX_DEGREE_ZONES = range(FIRST_NUMBERED[SIX_DEGREES][0], ZONES.start)
MAX_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Geometries in their new system, in the axis order of its registry."""

    geometries: Geometries
    crs: Crs
    operation: Operation  # from storage
    beside: int  # features that lie, wholly or in part, where the registry does not use the system


@cache
def targets() -> tuple[Crs, ...]:
    """What may be transformed into: degrees, Web Mercator, the zones of CGCS2000."""
    codes = (STORAGE, WORLD, WEB_MERCATOR, *SIX_DEGREE_ZONES, *ZONES)
    return (CRS84, *(from_epsg(code) for code in codes))


def read(inputs: Mapping[str, Any]) -> Rows:
    """The features, from their own system."""
    return read_rows(inputs, "features", crs_name="source_crs")


def target(inputs: Mapping[str, Any]) -> Crs:
    """The system that is asked for; InvalidBody for one that is not offered."""
    try:
        found = parse_crs(inputs["target_crs"])
    except CrsError as error:
        raise InvalidBody([BodyError("/target_crs", str(error))]) from error
    if found not in targets():
        first, last = SIX_DEGREE_ZONES.start, ZONES.stop - 1
        message = (
            f"{found.label} is not offered; expected CRS84, EPSG:4490, EPSG:4326, EPSG:3857"
            f" or a zone of CGCS2000, EPSG:{first} to EPSG:{last}"
        )
        raise InvalidBody([BodyError("/target_crs", message)])
    return found


def compute(rows: Rows, crs: Crs) -> Moved:
    """Rows in another system; InvalidBody names the features that have no coordinates there."""
    if crs.code in SAME_NUMBERS:
        placed, operation, beside = rows.geometries, RELABELLED, 0
    else:
        west, south, east, north = shapely.bounds(rows.geometries).T
        low, bottom, high, top = _reach(crs)
        outside = (west < low) | (east > high) | (south < bottom) | (north > top)
        if outside.any():
            text = f"lies where {crs.label} has no coordinates"
            (places,) = np.nonzero(outside)
            raise InvalidBody(
                [BodyError("/features", f"feature {i} {text}") for i in places[:MAX_LISTED]]
            )
        low, bottom, high, top = area_of_use(system_of_code(crs.code).crs, 0.0)
        beside = int(((west < low) | (east > high) | (south < bottom) | (north > top)).sum())
        placed = rows.geometries.copy()
        there = ~(shapely.is_missing(placed) | shapely.is_empty(placed))
        if there.any():
            placed[there] = to_plane(placed[there], crs)
        operation = Operation(name=str(crs.name), accuracy_m=None, exact=True)
    return Moved(
        geometries=in_registry_order(placed, crs), crs=crs, operation=operation, beside=beside
    )


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read, transform, tell."""
    rows = read(inputs)
    moved = compute(rows, target(inputs))
    return {"features": features(rows, moved), "report": report(rows, moved)}


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """The geometries, both systems, and whether the one can be reached from the other."""
    found = [*faults_of(read, inputs), *faults_of(target, inputs)]
    return found or faults_of(lambda: compute(read(inputs), target(inputs)))


def features(rows: Rows, moved: Moved) -> dict[str, Any]:
    """GeoJSON in the new system, which `coordRefSys` names (JSON-FG)."""
    documents = feature_documents(
        moved.geometries, rows.properties, rows.ids, digits=digits(moved.crs)
    )
    return {
        "type": "FeatureCollection",
        "coordRefSys": moved.crs.uri,
        "features": list(documents),
    }


def report(rows: Rows, moved: Moved) -> dict[str, Any]:
    """By which operations, how exact, in which axis order."""
    axes = ["longitude", "latitude"] if moved.crs.geographic else ["easting", "northing"]
    return {
        "source": source_document(rows),
        "target": {
            "crs": moved.crs.uri,
            "name": moved.crs.name,
            "axes": axes[::-1] if moved.crs.north_first else axes,
            "operation": operation_document(moved.operation),
        },
        "features": len(rows),
        "beside_area_of_use": moved.beside,
    }


def _reach(crs: Crs) -> tuple[float, float, float, float]:
    """Where a plane has coordinates, degrees."""
    if crs.code == WEB_MERCATOR:
        return area_of_use(system_of_code(crs.code).crs, 0.0)
    return reach(crs)


REPORT = {
    "type": "object",
    "properties": {
        "source": SOURCE_SCHEMA,
        "target": {
            "type": "object",
            "properties": {
                "crs": {"type": "string"},
                "name": {"type": "string"},
                "axes": {
                    "type": "array",
                    "description": "what the numbers of a position are, in their order",
                    "items": {"type": "string"},
                },
                "operation": OPERATION_SCHEMA,
            },
            "required": ["crs", "name", "axes", "operation"],
        },
        "features": {"type": "integer"},
        "beside_area_of_use": {
            "type": "integer",
            "description": "features that lie beside the area in which the system is used",
        },
    },
    "required": ["source", "target", "features", "beside_area_of_use"],
}

TRANSFORM_CRS = ProcessSpec(
    id="transform_crs",
    version="1.0.0",
    title=Text(zh="坐标转换", en="Coordinate transformation"),
    description=Text(
        zh="在 CGCS2000 地理坐标、各 3 度和 6 度带、WGS 84 与 Web 墨卡托之间转换；"
        "只用已发布的转换并注明方法与精度，只有近似转换的基准面一律拒绝。",
        en="Between CGCS2000, its 3- and 6-degree zones, WGS 84 and Web Mercator; by published"
        " operations only, which are named with their accuracy. A datum from which only a guess"
        " leads on is refused with the reason.",
    ),
    keywords=("坐标转换", "CGCS2000", "coordinates"),
    inputs={
        "features": features_input(Text(zh="要素", en="Features")),
        "source_crs": Input(
            title=Text(zh="源坐标参考系", en="Source reference system"),
            description=CRS_INPUT.description,
            schema=CRS_SCHEMA,
            required=False,
        ),
        "target_crs": Input(
            title=Text(zh="目标坐标参考系", en="Target reference system"),
            description=Text(
                zh="CRS84、EPSG:4490、4326、3857 或 CGCS2000 的 3 度、6 度带（EPSG:4491 至 4554）",
                en="CRS84, EPSG:4490, 4326, 3857 or a 3- or 6-degree zone of CGCS2000"
                " (EPSG:4491 to 4554)",
            ),
            schema={"type": "string", "maxLength": 200, "example": f"{EPSG_URI}4551"},
        ),
    },
    outputs={
        "features": Output(
            title=Text(zh="要素", en="Features"),
            description=Text(
                zh="GeoJSON，坐标轴次序按目标参考系注册的次序",
                en="GeoJSON in the axis order that the target's registry gives",
            ),
            schema=collection_schema(),
            features=True,
        ),
        "report": Output(
            title=Text(zh="说明", en="Report"),
            description=Text(
                zh="转换方法、精度与坐标轴次序", en="Operations, accuracy and axis order"
            ),
            schema=REPORT,
        ),
    },
    example={
        "inputs": {
            "features": {"type": "Point", "coordinates": [125.345, 43.8855]},
            "target_crs": f"{EPSG_URI}4551",
        }
    },
    run=run,
    check=check,
)
