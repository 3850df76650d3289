"""Areas on the ellipsoid as a process: official, geodesic and planar, each by its name."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from config.vocabulary import Text
from processes.algorithms.area_table import NO_GEOMETRY, area_table
from processes.algorithms.blocks import Spread, in_place
from processes.algorithms.geojson_features import POLYGONS
from processes.compute import blockwise
from processes.context import Context
from processes.ogc.feature_schemas import (
    CRS_INPUT,
    PIECE_INPUT,
    SOURCE_SCHEMA,
    features_input,
    nullable,
    number,
    source_document,
)
from processes.spec import BodyError, Output, ProcessSpec
from processes.workflows.feature_input import (
    Rows,
    cut_rows,
    faults_of,
    in_plane,
    plane_for,
    read_rows,
)
from providers.crs import Crs
from providers.file_survey import FINDINGS

OUTSIDE_PLANE = "lies outside of the plane"
METHOD = "国土调查办发〔2008〕32号"


def read(inputs: Mapping[str, Any]) -> Rows:
    """The polygons, their edges cut where that is asked for."""
    return cut_rows(read_rows(inputs, "features", POLYGONS), inputs.get("piece_m"), "piece_m")


def compute(
    rows: Rows, plane: Crs | None, piece_m: float | None, spread: Spread = in_place
) -> dict[str, Any]:
    """The table of areas as a document."""
    nowhere = np.full(len(rows), None, dtype=object)
    planar = nowhere if plane is None else in_plane(rows, plane)
    table = area_table(rows.geometries, planar, spread=spread)
    features = [
        {
            "id": rows.ids[i],
            "official_m2": _known(table.official_m2[i]),
            "geodesic_m2": _known(table.geodesic_m2[i]),
            "planar_m2": _known(table.planar_m2[i]),
            "reason": _reason(rows, i, reason)
            or (OUTSIDE_PLANE if math.isnan(table.planar_m2[i]) else None),
        }
        for i, reason in enumerate(table.reasons)
    ]
    return {
        "method": METHOD,
        "plane": None if plane is None else plane.label,
        "piece_m": piece_m,
        "source": source_document(rows),
        "features": features,
        "total": {
            "features": len(rows),
            "measured": table.measured,
            "official_m2": table.total_official_m2,
            "geodesic_m2": table.total_geodesic_m2,
            "planar_m2": table.total_planar_m2,
        },
    }


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read, measure, tell."""
    rows = read(inputs)
    plane = plane_for([rows], context.planar_crs)
    with blockwise(context, "areas", end=90) as spread:
        return {"areas": compute(rows, plane, inputs.get("piece_m"), spread)}


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """The geometries, their reference system, and how many pieces they would be cut into."""
    return faults_of(read, inputs)


def _reason(rows: Rows, place: int, reason: str | None) -> str | None:
    """What its file says of a parcel without geometry tells more than that it has none."""
    told = rows.properties[place].get(FINDINGS) if reason == NO_GEOMETRY else None
    return str(told) if told else reason


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


AREAS = {
    "official_m2": nullable(number("official formula on the CGCS2000 ellipsoid (椭球面积)")),
    "geodesic_m2": nullable(number("edges are geodesics of the CGCS2000 ellipsoid")),
    "planar_m2": nullable(number("in the plane that is named (平面面积)")),
}
RESULT = {
    "type": "object",
    "properties": {
        "method": {"type": "string", "description": "source of the official formula"},
        "plane": nullable({"type": "string", "description": "of planar_m2; null: there is none"}),
        "piece_m": nullable(number("edges were cut into pieces of at most this length first")),
        "source": SOURCE_SCHEMA,
        "features": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"description": "as it was sent; null: none"},
                    **AREAS,
                    "reason": nullable(
                        {"type": "string", "description": "why an area is null, never zero"}
                    ),
                },
                "required": ["id", *AREAS, "reason"],
            },
        },
        "total": {
            "type": "object",
            "description": "sums over the features that were measured",
            "properties": {
                "features": {"type": "integer"},
                "measured": {"type": "integer"},
                **AREAS,
            },
            "required": ["features", "measured", *AREAS],
        },
    },
    "required": ["method", "plane", "piece_m", "source", "features", "total"],
}
SQUARE = [[125.345, 43.8855], [125.35, 43.8855], [125.35, 43.8885], [125.345, 43.8885]]

AREA_ELLIPSOID = ProcessSpec(
    id="area_ellipsoid",
    version="1.0.0",
    title=Text(zh="椭球面积计算", en="Ellipsoidal area"),
    description=Text(
        zh="按官方公式计算图斑在 CGCS2000 椭球上的面积，并给出测地线面积和平面面积（注明投影带），"
        "逐要素及合计。",
        en="Areas of polygons on the CGCS2000 ellipsoid by the official survey formula, beside the"
        " geodesic area and the planar one in a named zone; for each feature and in total.",
    ),
    keywords=("椭球面积", "平面面积", "area"),
    inputs={
        "features": features_input(Text(zh="图斑", en="Polygons"), POLYGONS),
        "crs": CRS_INPUT,
        "piece_m": PIECE_INPUT,
    },
    outputs={
        "areas": Output(
            title=Text(zh="面积", en="Areas"),
            description=Text(
                zh="逐要素及合计的椭球面积、测地线面积、平面面积（平方米）",
                en="Official, geodesic and planar areas in square metres, by feature and in total",
            ),
            schema=RESULT,
        )
    },
    example={
        "inputs": {"features": {"type": "Polygon", "coordinates": [[*SQUARE, SQUARE[0]]]}},
    },
    run=run,
    check=check,
)
