"""JSON Schema 2020-12 and OpenAPI 3.0's own dialect: processes declare the one, 3.0 speaks the other."""

from collections.abc import Mapping
from typing import Any

SAME = frozenset({
    "allOf", "anyOf", "oneOf", "not", "items", "properties", "additionalProperties", "required",
    "enum", "type", "format", "title", "description", "default", "minimum", "maximum", "multipleOf",
    "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties", "readOnly", "writeOnly", "deprecated", "example",
})  # fmt: skip
DROPPED = frozenset({"$schema", "$id", "$comment", "$defs", "contentMediaType"})
EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
LOCAL = "#/$defs/"
COMPONENTS = "#/components/schemas/"
NULL = {"type": "null"}
VERSION_3_1, DIALECT_3_1 = "3.1.0", "https://json-schema.org/draft/2020-12/schema"
CODED = {
    "binary": {"contentMediaType": "application/octet-stream"},
    "byte": {"contentEncoding": "base64"},
}


class NotSayable(ValueError):
    """A schema uses a word that OpenAPI 3.0 does not have."""


def components(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as a component of this name, and one more for each of its `$defs`."""
    parts = {
        name: schema,
        **{f"{name}_{key}": part for key, part in schema.get("$defs", {}).items()},
    }
    return {key: _said(part, name, key) for key, part in parts.items()}


def _said(schema: Any, owner: str, place: str) -> Any:
    """One schema translated; *owner* is the component whose `$defs` it may refer to."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    said: dict[str, Any] = {}
    for word, value in schema.items():
        here = f"{place}/{word}"
        if word in DROPPED:
            continue
        if word == "$ref":
            return {"$ref": _reference(value, owner, here)}
        if word == "const":
            said["enum"] = [value]
        elif word == "contentEncoding" and value == "base64":
            said["format"] = "byte"
        elif word == "examples":
            said["example"] = value[0]
        elif word in EXCLUSIVE:
            said |= {EXCLUSIVE[word]: value, word: True}
        elif word == "type" and isinstance(value, list):
            said |= _nullable(value, here)
        elif word == "properties":
            said[word] = {key: _said(part, owner, f"{here}/{key}") for key, part in value.items()}
        elif word in ("anyOf", "oneOf") and NULL in value:
            said |= _or_null(
                [_said(part, owner, here) for part in value if part != NULL], word, here
            )
        elif word in ("allOf", "anyOf", "oneOf"):
            said[word] = [_said(part, owner, f"{here}/{i}") for i, part in enumerate(value)]
        elif word in ("items", "not"):
            said[word] = _said(value, owner, here)
        elif word == "additionalProperties":
            said[word] = value if isinstance(value, bool) else _said(value, owner, here)
        elif word in SAME or word.startswith("x-"):
            said[word] = value
        else:
            raise NotSayable(f"{here}: OpenAPI 3.0 has no {word!r}")
    return said


def _reference(target: str, owner: str, place: str) -> str:
    if not target.startswith(LOCAL):
        raise NotSayable(f"{place}: {target!r}; expected a reference into {LOCAL}")
    return f"{COMPONENTS}{owner}_{target.removeprefix(LOCAL)}"


def _nullable(types: list[str], place: str) -> dict[str, Any]:
    others = [name for name in types if name != "null"]
    if len(others) != 1:
        raise NotSayable(f"{place}: {types}; OpenAPI 3.0 has one type, nullable or not")
    return (
        {"type": others[0], "nullable": "null" in types} if "null" in types else {"type": others[0]}
    )


def _or_null(others: list[Any], word: str, place: str) -> dict[str, Any]:
    """A choice with null among it: `nullable` has a meaning beside one `type` only."""
    kinds = {part.get("type") for part in others}
    if len(kinds) != 1 or None in kinds:
        raise NotSayable(
            f"{place}: null beside {others}; expected schemas of one and the same type"
        )
    if len(others) == 1:
        return {**others[0], "nullable": True}
    return {"type": kinds.pop(), "nullable": True, word: others}


def modern(document: Mapping[str, Any]) -> dict[str, Any]:
    """The OpenAPI 3.0 document as OpenAPI 3.1 says the same: its schemas become 2020-12."""
    kept = {name: value for name, value in document.items() if name != "openapi"}
    head = {"openapi": VERSION_3_1, "jsonSchemaDialect": DIALECT_3_1}
    return {**head, **{name: _around(value) for name, value in kept.items()}}


def _around(node: Any) -> Any:
    """What stands around schemas: as it is, with the schemas in it translated."""
    if isinstance(node, list):
        return [_around(each) for each in node]
    if not isinstance(node, dict):
        return node
    said = {}
    for word, value in node.items():
        if word == "schema":
            said[word] = _modern_schema(value)
        elif word == "schemas":
            said[word] = {name: _modern_schema(part) for name, part in value.items()}
        else:
            said[word] = value if word in ("example", "examples") else _around(value)
    return said


def _modern_schema(schema: Any) -> Any:
    """One schema of OpenAPI 3.0 as JSON Schema 2020-12."""
    if not isinstance(schema, dict):
        return schema
    said: dict[str, Any] = {}
    for word, value in schema.items():
        if word == "properties":
            said[word] = {name: _modern_schema(part) for name, part in value.items()}
        elif word in ("allOf", "anyOf", "oneOf"):
            said[word] = [_modern_schema(part) for part in value]
        elif word in ("items", "not", "additionalProperties"):
            said[word] = _modern_schema(value)
        elif word == "example":
            said["examples"] = [value]
        elif word == "format" and value in CODED:
            said |= CODED[value]
        elif word not in ("nullable", *EXCLUSIVE):
            said[word] = value
    for word, bound in EXCLUSIVE.items():
        if schema.get(word):
            said[word] = said.pop(bound)
    return _modern_null(said) if schema.get("nullable") else said


def _modern_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Null as one more type; beside a choice of schemas, which would refuse it, as one more choice."""
    if not schema.keys() & {"allOf", "anyOf", "oneOf", "enum"}:
        return {**schema, "type": [schema["type"], "null"]}
    told: dict[str, Any] = {
        word: schema[word] for word in ("title", "description") if word in schema
    }
    rest = {word: value for word, value in schema.items() if word not in told}
    return {**told, "anyOf": [rest, NULL]}
