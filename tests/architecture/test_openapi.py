"""The published contract is current, valid, self-contained, and its examples fit their schemas."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

import openapi
from config.loader import load
from config.settings import PACKAGE_ROOT
from openapi import dialect
from openapi.build import Operation, UndescribedOperation, build, process_id
from processes.registry import SPECS
from server.contract import contract_text
from server.problems import documented

DOCUMENT_URI = "urn:onemap:openapi"
RUN_TIME_NAMES = {"featureId", "jobId"}  # what they name is known only to a running server


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    built: dict[str, Any] = json.loads(contract_text())
    return built


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _parameters(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    known = document["components"]["parameters"]
    return [known[each["$ref"].rpartition("/")[2]] for each in operation.get("parameters", [])]


def _validator(document: dict[str, Any], pointer: str) -> OAS30Validator:
    resource = Resource.from_contents(document, default_specification=DRAFT4)
    registry: Registry[Any] = Registry().with_resource(DOCUMENT_URI, resource)
    return OAS30Validator({"$ref": f"{DOCUMENT_URI}#{pointer}"}, registry=registry)


def _bodies(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method, path, operation in _operations(document):
        for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
            place = (
                f"/paths/{_token(path)}/{method}/requestBody/content/{_token(media_type)}/schema"
            )
            yield f"{method} {path}", place, media


def _token(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


def test_the_committed_document_is_what_the_route_table_and_the_processes_make() -> None:
    """To bring it up to date: make openapi."""
    assert openapi.DOCUMENT.read_text(encoding="utf-8") == contract_text()


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV30SpecValidator(document).iter_errors()] == []


def test_nothing_in_it_comes_from_another_place(document: dict[str, Any]) -> None:
    references = [each["$ref"] for each in _objects(document) if isinstance(each.get("$ref"), str)]

    assert references
    assert all(reference.startswith("#/") for reference in references)
    assert not any("externalValue" in each for each in _objects(document["paths"]))


def test_every_component_is_used(document: dict[str, Any]) -> None:
    used = {each["$ref"] for each in _objects(document) if isinstance(each.get("$ref"), str)}
    declared = {
        f"#/components/{kind}/{name}"
        for kind in ("parameters", "headers", "responses", "schemas")
        for name in document["components"][kind]
    }

    assert declared - used == set()


def test_no_description_is_cut_at_a_comma(document: dict[str, Any]) -> None:
    """YAML reads `{description: a, b}` as two keys, the second without a value."""
    assert not [each for each in _objects(document) if None in each.values()]


def test_every_operation_is_said_in_chinese_and_english_under_a_declared_tag(
    document: dict[str, Any],
) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for _, _, operation in _operations(document):
        chinese, _, english = operation["summary"].partition(" / ")
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert english.isascii()
        assert english
        assert set(operation["tags"]) <= tags


def test_every_path_variable_is_described_once_and_has_an_example(document: dict[str, Any]) -> None:
    for _, path, operation in _operations(document):
        found = [p for p in _parameters(document, operation) if p["in"] == "path"]
        assert sorted(p["name"] for p in found) == sorted(re.findall(r"\{(\w+)\}", path))
        assert all("example" in p for p in found if p["name"] not in RUN_TIME_NAMES)


def test_the_example_of_every_parameter_fits_its_schema(document: dict[str, Any]) -> None:
    for name, parameter in document["components"]["parameters"].items():
        if "example" in parameter:
            validator = _validator(document, f"/components/parameters/{name}/schema")
            assert [error.message for error in validator.iter_errors(parameter["example"])] == []


def test_every_body_has_an_example_and_every_example_fits_its_schema(
    document: dict[str, Any],
) -> None:
    bodies = list(_bodies(document))
    for _, place, media in bodies:
        values = [each["value"] for each in media.get("examples", {}).values()]
        values += [media["example"]] if "example" in media else []
        assert values
        for value in values:
            assert [error.message for error in _validator(document, place).iter_errors(value)] == []

    assert {name for name, _, _ in bodies} == {
        "post /processes/{processId}/execution",
        "post /session",
    }


def test_the_execution_has_an_example_for_every_process_of_the_catalogue(
    document: dict[str, Any],
) -> None:
    catalogue = load([PACKAGE_ROOT / name for name in ("standards", "catalogue", "demo")])
    execution = document["paths"]["/processes/{processId}/execution"]["post"]
    examples = execution["requestBody"]["content"]["application/json"]["examples"]

    assert examples.keys() == set(catalogue.processes)
    assert examples.keys() == {process_id(entry.spec) for entry in catalogue.processes.values()}


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_the_translated_schema_of_a_process_takes_its_example_as_the_original_does(
    document: dict[str, Any], spec: Any
) -> None:
    original = Draft202012Validator(spec.request_schema())
    forms = [
        form
        for form in document["components"]["schemas"]
        if form.endswith("Execution")
        and not list(_validator(document, f"/components/schemas/{form}").iter_errors(spec.example))
    ]

    assert list(original.iter_errors(spec.example)) == []
    assert len(forms) == 1


def test_every_code_of_a_problem_is_a_word_the_schema_allows(document: dict[str, Any]) -> None:
    pattern = document["components"]["schemas"]["Problem"]["properties"]["code"]["pattern"]

    assert all(re.fullmatch(pattern, code) for code in documented())


def test_a_route_without_a_description_is_refused() -> None:
    with pytest.raises(UndescribedOperation, match="getNothing"):
        build([Operation("GET", "/nothing", "getNothing")], [])


def test_a_schema_that_openapi_3_0_cannot_say_is_refused() -> None:
    with pytest.raises(dialect.NotSayable, match="X/properties/a/unevaluatedProperties"):
        dialect.components("X", {"properties": {"a": {"unevaluatedProperties": False}}})


def test_words_of_2020_12_are_said_in_the_words_of_openapi_3_0() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {
            "kind": {"const": "a"},
            "share": {"type": ["number", "null"], "exclusiveMinimum": 0},
            "part": {"$ref": "#/$defs/part"},
        },
        "$defs": {"part": {"type": "string", "examples": ["x", "y"]}},
    }

    assert dialect.components("Whole", schema) == {
        "Whole": {
            "properties": {
                "kind": {"enum": ["a"]},
                "share": {
                    "type": "number",
                    "nullable": True,
                    "minimum": 0,
                    "exclusiveMinimum": True,
                },
                "part": {"$ref": "#/components/schemas/Whole_part"},
            }
        },
        "Whole_part": {"type": "string", "example": "x"},
    }
