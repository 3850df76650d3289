"""Inputs and outputs that the spatial processes share: features by value, systems, pieces."""

from collections.abc import Mapping, Sequence
from typing import Any

from config.vocabulary import Text
from processes.algorithms.geojson_features import ANY, MAX_FEATURES, MAX_VERTICES
from processes.spec import Input
from processes.workflows.feature_input import (
    MAX_PIECE_M,
    MIN_PIECE_M,
    MOST_FEATURES,
    MOST_VERTICES,
    Rows,
)
from processes.workflows.nested_input import MAX_DEEP, MAX_NESTED
from providers.crs import CRS84_URI, EPSG_URI, Operation

CRS_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "default": CRS84_URI,
    "maxLength": 200,
    "example": f"{EPSG_URI}4551",
}
CRS_INPUT = Input(
    title=Text(zh="坐标参考系", en="Coordinate reference system"),
    description=Text(
        zh="坐标的参考系 URI；坐标轴次序按该参考系注册的次序，默认 CRS84（经度、纬度）",
        en="URI of the reference system of the coordinates, which are in its registered axis"
        " order; CRS84 (longitude, latitude) by default",
    ),
    schema=CRS_SCHEMA,
    required=False,
)
TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 16_384}
NAMED: Mapping[str, Any] = {
    "type": "object",
    "description": "features of a layer or of one of its editions: its id, and what chooses among them",
    "properties": {
        "collection": {
            "type": "string",
            "minLength": 1,
            "maxLength": 100,
            "example": "land_use.2024",
        },
        "filter": {**TEXT, "description": "CQL2 text"},
        "datetime": {**TEXT, "description": "as on items"},
        "asOf": {**TEXT, "description": "as on items"},
    },
    "required": ["collection"],
    "additionalProperties": False,
}
UPLOADED: Mapping[str, Any] = {
    "type": "object",
    "description": "features of a file that was uploaded (POST /files), or that lies on a host that"
    " the operator lists",
    "properties": {
        "href": {"type": "string", "minLength": 1, "maxLength": 2_000, "example": "/files/up-…"},
        "type": {**TEXT, "description": "media type of a file on another host"},
        "layer": {**TEXT, "description": "which of several layers of the file"},
        "crs": {**TEXT, "description": "reference system, where the file does not say it"},
    },
    "required": ["href"],
    "additionalProperties": False,
}
NESTED: Mapping[str, Any] = {
    "type": "object",
    "description": f"features that another process makes, itself with inputs like these: at most"
    f" {MAX_DEEP} processes in one another, {MAX_NESTED} in all",
    "properties": {
        "process": {
            "type": "string",
            "minLength": 1,
            "maxLength": 300,
            "description": "its id, or its address here",
            "example": "buffer",
        },
        "inputs": {"type": "object", "additionalProperties": True},
        "outputs": {
            "type": "object",
            "description": "the one output that is wanted, where the process has several",
            "additionalProperties": {"type": "object", "maxProperties": 0},
            "minProperties": 1,
            "example": {"features": {}},
        },
    },
    "required": ["process", "inputs"],
    "additionalProperties": False,
}
REFERENCES = (dict(NAMED), dict(UPLOADED), dict(NESTED))
PIECE_INPUT = Input(
    title=Text(zh="边长分段（米）", en="Piece length (m)"),
    description=Text(
        zh="先在原坐标系中把每条边等分为不超过此长度的小段再计算；默认不分段。该值随结果给出",
        en="Cuts every edge in its own system into equal pieces of at most this length first; no"
        " cutting by default. The result names it",
    ),
    schema={"type": "number", "minimum": MIN_PIECE_M, "maximum": MAX_PIECE_M},
    required=False,
)


def features_schema(kinds: Sequence[str] = ANY) -> dict[str, Any]:
    """GeoJSON, a collection, a feature or a bare geometry of these types; or a reference."""
    return {"oneOf": [_collection(kinds), _feature(kinds), _geometry(kinds), *REFERENCES]}


def features_input(title: Text, kinds: Sequence[str] = ANY) -> Input:
    """An input of features by value, which the spec's check looks into, or by reference."""
    names = "、".join(kinds), ", ".join(kinds)
    return Input(
        title=title,
        description=Text(
            zh=f"GeoJSON（FeatureCollection、Feature 或几何），几何类型 {names[0]}，"
            f"至多 {MAX_FEATURES} 个要素、{MAX_VERTICES} 个顶点（引用时至多 {MOST_FEATURES} 个要素、"
            f"{MOST_VERTICES} 个顶点）；或以 collection 指明图层的要素"
            "（可带 filter、datetime、asOf），按调用者的权限读取；"
            "或以 href 引用上传的文件或许可主机上的文件；或以 process 嵌套另一算法的要素输出",
            en=f"GeoJSON (FeatureCollection, Feature or geometry) of {names[1]}, at most"
            f" {MAX_FEATURES} features and {MAX_VERTICES} vertices ({MOST_FEATURES} and"
            f" {MOST_VERTICES} where they are referred to); or the features of a collection"
            " (with filter, datetime, asOf), as the caller may see them; or a file by href, uploaded"
            " or on a host that is listed; or the features that another process makes",
        ),
        schema=features_schema(kinds),
        validated={
            "if": {"required": ["collection"]},
            "then": dict(NAMED),
            "else": {
                "if": {"required": ["href"]},
                "then": dict(UPLOADED),
                "else": {
                    "if": {"required": ["process"]},
                    "then": dict(NESTED),
                    "else": {"type": "object"},
                },
            },
        },
        referable=True,
    )


def collection_schema() -> dict[str, Any]:
    """A FeatureCollection as an output."""
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["type", "features"],
    }


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, or null: missing is a value."""
    return {"anyOf": [dict(schema), {"type": "null"}]}


def number(description: str) -> dict[str, Any]:
    """A number and what it is."""
    return {"type": "number", "description": description}


OPERATION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "accuracy_m": nullable(number("as the registry states it; null: not stated")),
        "exact": {"type": "boolean"},
    },
    "required": ["name", "accuracy_m", "exact"],
}
SOURCE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "the reference system of an input, and how it came to CGCS2000 (EPSG:4490)",
    "properties": {"crs": {"type": "string"}, "operation": OPERATION_SCHEMA},
    "required": ["crs", "operation"],
}


def operation_document(operation: Operation) -> dict[str, Any]:
    """How coordinates were moved."""
    return {
        "name": operation.name,
        "accuracy_m": operation.accuracy_m,
        "exact": operation.exact,
    }


def source_document(rows: Rows) -> dict[str, Any]:
    """Where rows come from."""
    return {"crs": rows.crs.uri, "operation": operation_document(rows.operation)}


def _collection(kinds: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": _feature(kinds), "maxItems": MAX_FEATURES},
        },
        "required": ["type", "features"],
    }


def _feature(kinds: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "geometry": nullable(_geometry(kinds)),
            "properties": nullable({"type": "object"}),
        },
        "required": ["type", "geometry"],
    }


def _geometry(kinds: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": list(kinds)},
            "coordinates": {"type": "array", "items": {}},
        },
        "required": ["type", "coordinates"],
    }
