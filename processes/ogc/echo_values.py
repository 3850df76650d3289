"""Echo of values: one input of every kind that clients can send, and two outputs."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from config.vocabulary import Text
from processes.context import Context
from processes.spec import JSON, BodyError, Input, Output, ProcessSpec

MAX_BYTES = 100_000
BBOX = {
    "type": "object",
    "properties": {
        "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        "crs": {"type": "string"},
    },
    "required": ["bbox"],
    "additionalProperties": False,
}
KINDS: dict[str, tuple[Text, dict[str, Any]]] = {
    "text": (Text(zh="文字", en="Text"), {"type": "string", "maxLength": 10_000}),
    "number": (Text(zh="数", en="Number"), {"type": "number"}),
    "count": (Text(zh="整数", en="Whole number"), {"type": "integer"}),
    "flag": (Text(zh="真假", en="True or false"), {"type": "boolean"}),
    "choice": (Text(zh="选项", en="Choice"), {"type": "string", "enum": ["a", "b", "c"]}),
    "day": (Text(zh="日期", en="Date"), {"type": "string", "format": "date"}),
    "list": (
        Text(zh="数组", en="Array"),
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 100},
    ),
    "bbox": (Text(zh="范围框", en="Bounding box"), BBOX),
    "object": (
        Text(zh="对象", en="Object"),
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "size": {"type": "number"}},
            "required": ["name"],
        },
    ),
    "mixed": (
        Text(zh="文字或数", en="Text or number"),
        {"oneOf": [{"type": "string", "maxLength": 10_000}, {"type": "number"}]},
    ),
    "geometry": (
        Text(zh="点", en="Point"),
        {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": ["Point"]},
                "coordinates": {
                    "type": "array",
                    "items": {"type": "number"},
                    "minItems": 2,
                    "maxItems": 3,
                },
            },
            "required": ["type", "coordinates"],
        },
    ),
    "binary": (
        Text(zh="二进制（Base64）", en="Binary (Base64)"),
        {
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": "application/octet-stream",
            "maxLength": MAX_BYTES,
        },
    ),
}


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was given, as it was given, and the names of it."""
    return {"values": dict(inputs), "names": ", ".join(sorted(inputs))}


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """Whether what is said to be Base64 is."""
    try:
        base64.b64decode(inputs.get("binary", ""), validate=True)
    except (ValueError, binascii.Error):
        yield BodyError("/binary", "is not Base64 (RFC 4648, 4)")


ECHO_VALUES = ProcessSpec(
    id="echo_values",
    version="1.0.0",
    title=Text(zh="各类输入的回声", en="Echo of values"),
    description=Text(
        zh="原样返回所给的各类输入，另给出其名称；用于测试客户端。",
        en="Returns inputs of every kind as they were given, and their names; for trying out clients.",
    ),
    keywords=("test",),
    inputs={
        name: Input(title=title, description=title, schema=schema, required=name == "text")
        for name, (title, schema) in KINDS.items()
    },
    outputs={
        "values": Output(
            title=Text(zh="输入", en="Inputs"),
            description=Text(zh="所给的输入", en="The inputs that were given"),
            schema={"type": "object"},
            media_type=JSON,
        ),
        "names": Output(
            title=Text(zh="名称", en="Names"),
            description=Text(zh="所给输入的名称", en="The names of the inputs that were given"),
            schema={"type": "string"},
            media_type="text/plain",
        ),
    },
    example={"inputs": {"text": "一张图", "list": [1, 2, 3]}, "response": "document"},
    run=run,
    check=check,
)
