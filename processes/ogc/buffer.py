"""Buffers as a process: a distance in metres on the ellipsoid, with a stated accuracy."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from config.vocabulary import Text
from processes.algorithms.blocks import Spread
from processes.algorithms.buffers import (
    MAX_DISTANCE_M,
    MAX_QUADRANT_SEGMENTS,
    QUADRANT_SEGMENTS,
    Buffers,
    allowed_error_m,
    beyond_map,
    buffers,
    dissolved,
)
from processes.algorithms.polygon_repair import Repaired, repair
from processes.compute import blockwise
from processes.context import Context
from processes.ogc.feature_documents import feature_documents
from processes.ogc.feature_schemas import (
    CRS_INPUT,
    SOURCE_SCHEMA,
    collection_schema,
    features_input,
    nullable,
    number,
    source_document,
)
from processes.spec import BodyError, Input, InvalidBody, Output, ProcessSpec
from processes.workflows.feature_input import Geometries, Rows, faults_of, read_rows

MAX_LISTED = 100
AREAL = 2  # dimensions of a polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Buffers, and the features that had to be repaired for them."""

    buffers: Buffers
    repaired: list[Repaired]


def read(inputs: Mapping[str, Any]) -> Rows:
    """The features, none of them too near to a pole or the antimeridian."""
    rows = read_rows(inputs, "features")
    distance_m = inputs["distance_m"]
    faults = [BodyError("/distance_m", "expected a distance that is not 0")] * (distance_m == 0)
    (beyond,) = np.nonzero(beyond_map(rows.geometries, distance_m))
    message = "the buffer of feature {} reaches over the antimeridian or beyond 80° of latitude"
    faults += [BodyError("/features", message.format(i)) for i in beyond[:MAX_LISTED]]
    if faults:
        raise InvalidBody(faults)
    return rows


def compute(rows: Rows, distance_m: float, quadrant_segments: int, spread: Spread) -> Made:
    """The buffers of all rows; polygons that are not valid are repaired first."""
    areal = shapely.get_dimensions(rows.geometries) == AREAL
    repaired = rows.geometries.copy()
    (places,) = np.nonzero(areal)
    repaired[places], found = repair(rows.geometries[places])
    return Made(
        buffers=buffers(repaired, distance_m, quadrant_segments=quadrant_segments, spread=spread),
        repaired=[
            Repaired(feature=int(places[r.feature]), reason=r.reason, left_out=r.left_out)
            for r in found
        ],
    )


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read, buffer, tell."""
    rows, distance_m = read(inputs), float(inputs["distance_m"])
    segments = int(inputs["quadrant_segments"])
    with blockwise(context, "buffers", end=90) as spread:
        made = compute(rows, distance_m, segments, spread)
    context.report(90, "result")
    return {
        "features": features(rows, made.buffers.geometries, inputs["dissolve"]),
        "report": report(rows, made, distance_m, segments),
    }


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """The geometries, their reference system, and how far the buffers reach."""
    return faults_of(read, inputs)


def features(rows: Rows, geometries: Geometries, dissolve: bool) -> dict[str, Any]:
    """The buffers as features with the properties of what they surround; or one of all."""
    if dissolve:
        whole = np.array([dissolved(geometries)], dtype=object)
        documents = feature_documents(whole, [{"features": len(rows)}])
    else:
        documents = feature_documents(geometries, rows.properties, rows.ids)
    return {"type": "FeatureCollection", "features": list(documents)}


def report(rows: Rows, made: Made, distance_m: float, segments: int) -> dict[str, Any]:
    """How exact the outlines are, which features left nothing, which were repaired."""
    found = made.buffers
    known = found.error_m[~np.isnan(found.error_m)]
    largest = float(known.max()) if len(known) else math.nan
    nothing = np.flatnonzero(shapely.is_empty(found.geometries))
    return {
        "source": source_document(rows),
        "distance_m": distance_m,
        "quadrant_segments": segments,
        "allowed_error_m": allowed_error_m(distance_m, segments),
        "largest_error_m": None if math.isnan(largest) else largest,
        "features": len(rows),
        "empty": nothing.tolist(),
        "repaired": [
            {"feature": one.feature, "id": rows.ids[one.feature], "reason": one.reason}
            for one in made.repaired
        ],
    }


REPORT = {
    "type": "object",
    "properties": {
        "source": SOURCE_SCHEMA,
        "distance_m": number("as asked for"),
        "quadrant_segments": {"type": "integer"},
        "allowed_error_m": number("0.1 % of the distance or 0.1 m, and the chords of the arcs"),
        "largest_error_m": nullable(number("of all outlines, as measured; null: no outline")),
        "features": {"type": "integer"},
        "empty": {
            "type": "array",
            "description": "places, from 0, of the features of which nothing is left",
            "items": {"type": "integer"},
        },
        "repaired": {
            "type": "array",
            "description": "polygons that were not valid",
            "items": {
                "type": "object",
                "properties": {
                    "feature": {"type": "integer"},
                    "id": {},
                    "reason": {"type": "string"},
                },
                "required": ["feature", "id", "reason"],
            },
        },
    },
    "required": ["source", "distance_m", "allowed_error_m", "largest_error_m", "features"],
}

BUFFER = ProcessSpec(
    id="buffer",
    version="1.0.0",
    title=Text(zh="缓冲区分析", en="Buffer"),
    description=Text(
        zh="按 CGCS2000 椭球面上的距离（米）生成缓冲区，误差不超过距离的 0.1 % 或 0.1 米；"
        "负值向内收缩，可合并。",
        en="Buffers by a distance in metres on the CGCS2000 ellipsoid, exact to 0.1 % of it or"
        " 0.1 m; a negative distance goes inwards; dissolved if asked for.",
    ),
    keywords=("缓冲区", "buffer"),
    inputs={
        "features": features_input(Text(zh="要素", en="Features")),
        "distance_m": Input(
            title=Text(zh="距离（米）", en="Distance (m)"),
            description=Text(
                zh="缓冲距离，不为 0；负值只对面有效，向内收缩",
                en="The distance, not 0; a negative one goes inwards, which polygons alone allow",
            ),
            schema={
                "type": "number",
                "minimum": -MAX_DISTANCE_M,
                "maximum": MAX_DISTANCE_M,
                "example": 500,
            },
        ),
        "quadrant_segments": Input(
            title=Text(zh="四分之一圆分段数", en="Chords of a quadrant"),
            description=Text(
                zh="四分之一圆弧用多少段弦表示",
                en="By how many chords a quarter of a circle is drawn",
            ),
            schema={
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_QUADRANT_SEGMENTS,
                "default": QUADRANT_SEGMENTS,
            },
            required=False,
        ),
        "dissolve": Input(
            title=Text(zh="合并", en="Dissolve"),
            description=Text(
                zh="把所有缓冲区合并为一个要素", en="All buffers as one feature, land counted once"
            ),
            schema={"type": "boolean", "default": False},
            required=False,
        ),
        "crs": CRS_INPUT,
    },
    outputs={
        "features": Output(
            title=Text(zh="缓冲区", en="Buffers"),
            description=Text(
                zh="GeoJSON，经度、纬度；保留原属性",
                en="GeoJSON in longitude and latitude, with the properties of their features",
            ),
            schema=collection_schema(),
            features=True,
        ),
        "report": Output(
            title=Text(zh="说明", en="Report"),
            description=Text(
                zh="精度、空结果与修复说明", en="Accuracy, empty results, and what was repaired"
            ),
            schema=REPORT,
        ),
    },
    example={
        "inputs": {
            "features": {"type": "Point", "coordinates": [125.345, 43.8855]},
            "distance_m": 500,
        }
    },
    run=run,
    check=check,
)
