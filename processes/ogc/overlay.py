"""Overlay as a process: intersection, difference and union with statistics by class."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from config.vocabulary import Text
from processes.algorithms.geojson_features import POLYGONS
from processes.algorithms.overlay_statistics import Relation
from processes.algorithms.polygon_overlay import SNAP_M, Closing, TooManyPairs
from processes.algorithms.polygon_repair import Repaired
from processes.compute import blockwise
from processes.context import Context
from processes.ogc.feature_documents import feature_documents
from processes.ogc.feature_schemas import (
    CRS_INPUT,
    PIECE_INPUT,
    SOURCE_SCHEMA,
    collection_schema,
    features_input,
    nullable,
    number,
    source_document,
)
from processes.ogc.lazy_outputs import LazyOutputs
from processes.spec import BodyError, Input, InvalidBody, Output, ProcessSpec
from processes.workflows.feature_input import Rows, cut_rows, faults_of, read_rows
from processes.workflows.polygon_overlay import Laid, lay_over

OPERATIONS: Mapping[str, tuple[Relation, ...]] = {
    "intersection": (Relation.BOTH,),
    "difference": (Relation.LEFT,),
    "union": (Relation.BOTH, Relation.LEFT, Relation.RIGHT),
}
SIDES = ("left", "right")


def read(inputs: Mapping[str, Any], side: str) -> Rows:
    """The polygons of one side, their edges cut where that is asked for."""
    return cut_rows(read_rows(inputs, side, POLYGONS), inputs.get("piece_m"), "piece_m")


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read, lay over, tell."""
    left, right = (read(inputs, side) for side in SIDES)
    context.report(10, "overlay")
    try:
        with blockwise(context, "overlay", start=10, end=90, passes=3) as spread:
            laid = lay_over(
                left,
                right,
                left_class=inputs.get("left_class"),
                right_class=inputs.get("right_class"),
                snap_m=inputs.get("snap_m"),
                spread=spread,
            )
    except TooManyPairs as error:
        raise InvalidBody([BodyError("/inputs/right", str(error))]) from error
    context.report(90, "result")
    return LazyOutputs(
        statistics=partial(statistics, laid, left, right, inputs.get("piece_m")),
        features=partial(features, laid, left, right, OPERATIONS[inputs["operation"]]),
    )


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """The geometries of both sides and their reference system, all faults at once."""
    found = [fault for side in SIDES for fault in faults_of(read, inputs, side)]
    return list(dict.fromkeys(found))


def statistics(laid: Laid, left: Rows, right: Rows, piece_m: float | None) -> dict[str, Any]:
    """Areas by class, whether they close, and what had to be repaired."""
    return {
        "plane": laid.plane_label,
        "piece_m": piece_m,
        "classes": [
            {
                "relation": row.relation.value,
                "left": row.left,
                "right": row.right,
                "parts": row.parts,
                "area_m2": row.area_m2,
            }
            for row in laid.pairs
        ],
        "left": _side(left, laid.found.left, laid.left_repaired),
        "right": _side(right, laid.found.right, laid.right_repaired),
    }


def features(
    laid: Laid, left: Rows, right: Rows, relations: tuple[Relation, ...]
) -> dict[str, Any]:
    """The parts as features in longitude and latitude."""

    def parts() -> Iterator[dict[str, Any]]:
        for relation, found, geometries in laid.parts(*relations):
            properties = (
                {
                    "relation": relation.value,
                    "left": _named(left, i),
                    "right": _named(right, j),
                    "area_m2": float(area_m2),
                }
                for i, j, area_m2 in zip(found.left, found.right, found.area_m2, strict=True)
            )
            yield from feature_documents(geometries, properties)

    return {"type": "FeatureCollection", "features": list(parts())}


def _named(rows: Rows, place: int) -> dict[str, Any] | None:
    """A feature of an input: its place there, its id and properties."""
    if place < 0:
        return None
    return {"feature": int(place), "id": rows.ids[place], "properties": rows.properties[place]}


def _side(rows: Rows, closing: Closing, repaired: list[Repaired]) -> dict[str, Any]:
    return {
        "source": source_document(rows),
        "features": len(rows),
        "whole_m2": closing.whole_m2,
        "shared_m2": closing.shared_m2,
        "alone_m2": closing.alone_m2,
        "difference_m2": closing.difference_m2,
        "closes": closing.closes,
        "repaired": [
            {
                "feature": one.feature,
                "id": rows.ids[one.feature],
                "reason": one.reason,
                "left_out": one.left_out,
            }
            for one in repaired
        ],
    }


SIDE = {
    "type": "object",
    "properties": {
        "source": SOURCE_SCHEMA,
        "features": {"type": "integer"},
        "whole_m2": number("ellipsoidal, of the features as given"),
        "shared_m2": number("with the other input"),
        "alone_m2": number("without the other input"),
        "difference_m2": number("shared and alone minus whole"),
        "closes": {
            "type": "boolean",
            "description": "in the plane, within 1 m² or a millionth; false where features of the"
            " other input overlap one another, whose land then counts twice",
        },
        "repaired": {
            "type": "array",
            "description": "features that were not valid",
            "items": {
                "type": "object",
                "properties": {
                    "feature": {"type": "integer", "description": "its place, from 0"},
                    "id": {},
                    "reason": {"type": "string"},
                    "left_out": {"type": "boolean"},
                },
                "required": ["feature", "id", "reason", "left_out"],
            },
        },
    },
    "required": ["source", "features", "whole_m2", "shared_m2", "alone_m2", "difference_m2"],
}
STATISTICS = {
    "type": "object",
    "properties": {
        "plane": {"type": "string", "description": "in which edges are straight"},
        "piece_m": nullable(number("edges were cut into pieces of at most this length first")),
        "classes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "relation": {"type": "string", "enum": [one.value for one in Relation]},
                    "left": nullable({"type": "string"}),
                    "right": nullable({"type": "string"}),
                    "parts": {"type": "integer"},
                    "area_m2": number("ellipsoidal, official formula"),
                },
                "required": ["relation", "left", "right", "parts", "area_m2"],
            },
        },
        "left": SIDE,
        "right": SIDE,
    },
    "required": ["plane", "piece_m", "classes", "left", "right"],
}


def _class_input(title: Text) -> Input:
    return Input(
        title=title,
        description=Text(
            zh="按此属性的值分类统计；缺省为不分类",
            en="Areas are told apart by the values of this property; by default they are not",
        ),
        schema={"type": "string", "minLength": 1, "maxLength": 200, "example": "YDYHFLDM"},
        required=False,
    )


def _example(west: float, code: str) -> dict[str, Any]:
    east, south, north = west + 0.004, 43.885, 43.888
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": geometry, "properties": {"code": code}}],
    }


OVERLAY = ProcessSpec(
    id="overlay",
    version="1.0.0",
    title=Text(zh="叠加分析", en="Overlay"),
    description=Text(
        zh="两组面要素的相交、差和联合，并按类别统计椭球面积；各部分面积之和与原面积相互校核，"
        "不合法的图形逐一说明并修复。",
        en="Intersection, difference and union of two sets of polygons with ellipsoidal areas by"
        " class; the parts are checked to add up to the whole, invalid features are explained and"
        " repaired one by one.",
    ),
    keywords=("叠加分析", "overlay"),
    inputs={
        "left": features_input(Text(zh="图层甲", en="Left polygons"), POLYGONS),
        "right": features_input(Text(zh="图层乙", en="Right polygons"), POLYGONS),
        "operation": Input(
            title=Text(zh="运算", en="Operation"),
            description=Text(
                zh="返回哪些部分：相交 intersection、甲减乙 difference、联合 union；统计总是完整的",
                en="Which parts are returned: intersection, left without right (difference), or"
                " all (union); the statistics are always complete",
            ),
            schema={"type": "string", "enum": list(OPERATIONS), "default": "intersection"},
            required=False,
        ),
        "left_class": _class_input(Text(zh="甲的分类属性", en="Class property on the left")),
        "right_class": _class_input(Text(zh="乙的分类属性", en="Class property on the right")),
        "crs": CRS_INPUT,
        "piece_m": PIECE_INPUT,
        "snap_m": Input(
            title=Text(zh="捕捉格网（米）", en="Snapping grid (m)"),
            description=Text(
                zh="顶点捕捉到此格网，至多 1 毫米；缺省仅在精确计算失败时使用",
                en="Vertices are snapped to this grid, at most 1 mm; by default only where the"
                " exact computation fails",
            ),
            schema={"type": "number", "minimum": 1e-6, "maximum": SNAP_M},
            required=False,
        ),
    },
    outputs={
        "statistics": Output(
            title=Text(zh="统计", en="Statistics"),
            description=Text(
                zh="按类别的面积、校核和修复说明",
                en="Areas by class, their closing, and what was repaired",
            ),
            schema=STATISTICS,
        ),
        "features": Output(
            title=Text(zh="要素", en="Features"),
            description=Text(
                zh="叠加后的各部分（GeoJSON，经度、纬度）",
                en="The parts (GeoJSON, longitude and latitude)",
            ),
            schema=collection_schema(),
            features=True,
        ),
    },
    example={
        "inputs": {
            "left": _example(125.345, "0103"),
            "right": _example(125.347, "0701"),
            "left_class": "code",
            "right_class": "code",
        }
    },
    run=run,
    check=check,
)
