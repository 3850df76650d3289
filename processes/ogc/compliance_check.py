"""The compliance check as a process: what it takes, what it answers."""

from collections.abc import Iterable, Mapping
from typing import Any

from config.vocabulary import Advice, Fact, Text
from processes.algorithms.parcel_geometry import MAX_VERTICES
from processes.context import Context
from processes.spec import BodyError, Input, Output, ProcessSpec
from processes.workflows.compliance import check_parcel
from processes.workflows.parcel import parcel_faults
from providers.crs import CRS84_URI, EPSG_URI

POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 4}
RING = {"type": "array", "items": POSITION, "minItems": 4}
RINGS = {"type": "array", "items": RING, "minItems": 1}
POLYGON = {
    "type": "object",
    "properties": {"type": {"type": "string", "enum": ["Polygon"]}, "coordinates": RINGS},
    "required": ["type", "coordinates"],
}
MULTIPOLYGON = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["MultiPolygon"]},
        "coordinates": {"type": "array", "items": RINGS, "minItems": 1},
    },
    "required": ["type", "coordinates"],
}
FEATURE = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "geometry": {"oneOf": [POLYGON, MULTIPOLYGON]},
        "properties": {"type": "object"},
    },
    "required": ["type", "geometry"],
}
SQUARE = [
    [125.345, 43.8855],
    [125.35, 43.8855],
    [125.35, 43.8885],
    [125.345, 43.8885],
    [125.345, 43.8855],
]


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """One parcel against the control lines that the entry's bindings name."""
    return {"result": check_parcel(context, inputs)}


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """The parcel's geometry and reference system."""
    return parcel_faults(inputs)


def _number(description: str) -> dict[str, Any]:
    return {"type": "number", "description": description}


def _nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(schema), {"type": "null"}]}


MEASURE = {
    "type": "object",
    "properties": {
        "ellipsoid_m2": _number("official method, CGCS2000 ellipsoid"),
        "planar_m2": _number("in the plane named planar_crs"),
        "share": _number("of the parcel's ellipsoidal area, 0 to 1"),
        "declared_m2": _nullable(_number("share of the declared area")),
        "noise_m2": _number("boundary noise left out, planar"),
    },
}
RESULT = {
    "type": "object",
    "properties": {
        "advisory": {"type": "object"},
        "check_date": {"type": "string", "format": "date"},
        "matter": _nullable({"type": "string"}),
        "parcel": {"type": "object"},
        "control_lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "control_line": {"type": "string"},
                    "binding": _nullable({"type": "string"}),
                    "layer": _nullable({"type": "string"}),
                    "edition": _nullable({"type": "object"}),
                    "revision": _nullable({"type": "integer"}),
                    "fact": {"type": "string", "enum": [fact.value for fact in Fact]},
                    "reason": _nullable({"type": "string"}),
                    "inside": _nullable(MEASURE),
                    "outside": _nullable(MEASURE),
                    "features": {"type": "array", "items": {"type": "object"}},
                },
                "required": ["control_line", "fact", "reason", "inside", "outside", "features"],
            },
        },
        "suggestion": {
            "type": "object",
            "properties": {
                "value": {"type": "string", "enum": [advice.value for advice in Advice]},
                "reasons": {"type": "array", "items": {"type": "string"}},
            },
        },
        "parameters": {"type": "object"},
        "lineage": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["advisory", "check_date", "parcel", "control_lines", "suggestion", "lineage"],
}

COMPLIANCE_CHECK = ProcessSpec(
    id="compliance_check",
    version="0.1.0",
    title=Text(zh="合规性审查", en="Compliance check"),
    description=Text(
        zh="一个地块与三条控制线（永久基本农田、生态保护红线、城镇开发边界）的空间关系："
        "涉及、不涉及或数据缺失，及椭球面积、平面面积和占比。系统辅助分析，不作为审批依据。",
        en="How one parcel lies to the three control lines (permanent basic farmland, ecological"
        " red line, urban growth boundary): concerned, not concerned or data missing, with ellipsoidal"
        " and planar areas and shares. Computer-aided analysis; no basis for approval.",
    ),
    keywords=("合规性审查", "三条控制线", "compliance"),
    inputs={
        "parcel": Input(
            title=Text(zh="地块", en="Parcel"),
            description=Text(
                zh="GeoJSON 面（Polygon、MultiPolygon 或 Feature），环须闭合，"
                f"至多 {MAX_VERTICES} 个顶点",
                en="A GeoJSON Polygon, MultiPolygon or Feature with closed rings and at most"
                f" {MAX_VERTICES} vertices",
            ),
            schema={"oneOf": [POLYGON, MULTIPOLYGON, FEATURE]},
            validated={"type": "object"},  # `check` finds the same faults, with better places
        ),
        "crs": Input(
            title=Text(zh="坐标参考系", en="Coordinate reference system"),
            description=Text(
                zh="地块坐标的参考系 URI；坐标轴次序按该参考系注册的次序，默认 CRS84（经度、纬度）",
                en="URI of the reference system of the parcel's coordinates, which are in its"
                " registered axis order; CRS84 (longitude, latitude) by default",
            ),
            schema={
                "type": "string",
                "default": CRS84_URI,
                "maxLength": 200,
                "example": f"{EPSG_URI}4551",
            },
            required=False,
        ),
        "declared_area_m2": Input(
            title=Text(zh="申报面积（平方米）", en="Declared area (m²)"),
            description=Text(zh="申报面积，平方米", en="The area as declared, in square metres"),
            schema={"type": "number", "minimum": 0.01, "maximum": 1e12},
            required=False,
        ),
        "check_date": Input(
            title=Text(zh="审查日期", en="Check date"),
            description=Text(
                zh="取该日有效的版次，默认今天（北京时间）",
                en="Editions in force on this day are read; today (China) by default",
            ),
            schema={"type": "string", "format": "date"},
            required=False,
        ),
        "matter": Input(
            title=Text(zh="审查事项", en="Matter"),
            description=Text(zh="项目或事项名称", en="The name of the project or matter"),
            schema={"type": "string", "maxLength": 500},
            required=False,
        ),
    },
    outputs={
        "result": Output(
            title=Text(zh="审查结果", en="Result"),
            description=Text(
                zh="每条控制线的事实、面积和要素，建议与数据来源",
                en="Facts, areas and features for each control line, the suggestion, the lineage",
            ),
            schema=RESULT,
        )
    },
    example={
        "inputs": {
            "parcel": {"type": "Polygon", "coordinates": [SQUARE]},
            "declared_area_m2": 134000,
            "matter": "示例地块",
        }
    },
    run=run,
    check=check,
)
