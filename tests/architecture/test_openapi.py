"""The published contract is current, valid, self-contained, and its examples fit their schemas."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4, DRAFT202012

import openapi
from config.loader import load
from config.settings import PACKAGE_ROOT
from openapi import dialect
from openapi.build import Operation, UndescribedOperation, build, process_id
from processes.registry import SPECS
from providers.features import MAX_LIMIT, MAX_OFFSET
from server.contract import contract_text
from server.problems import documented

DOCUMENT_URI = "urn:onemap:openapi"
NAMESPACES = re.compile(
    r"https?://(www\.opengis\.net/def/|json-schema\.org/draft/|(www\.)?apache\.org/licenses/)"
)
MAX_BYTES = 2_000_000
# Clients name their functions after these: one that goes or changes breaks them.
STABLE_IDS = [
    ".collection.vector.getTile",
    ".collection.vector.getTileSet",
    ".collection.vector.getTileSetsList",
    ".dataset.vector.getTile",
    ".dataset.vector.getTileSet",
    ".dataset.vector.getTileSetsList",
    "beginSession",
    "createFile",
    "deleteFile",
    "dismissJob",
    "endSession",
    "execute",
    "getCheck",
    "getCheckReport",
    "getChecks",
    "getCollection",
    "getCollections",
    "getConformance",
    "getDenseSprite",
    "getDenseSpriteIndex",
    "getDocuments",
    "getFeature",
    "getFeatures",
    "getFile",
    "getFunctions",
    "getJob",
    "getJobInputs",
    "getJobProvenance",
    "getJobResult",
    "getJobResults",
    "getJobs",
    "getLandingPage",
    "getLegend",
    "getLive",
    "getOpenAPI",
    "getOpinion",
    "getOpinionReport",
    "getOpinions",
    "getPlan",
    "getPlans",
    "getProblem",
    "getProcess",
    "getProcesses",
    "getQueryables",
    "getReady",
    "getRuleset",
    "getRulesets",
    "getSchedules",
    "getSchema",
    "getSession",
    "getSortables",
    "getSprite",
    "getSpriteIndex",
    "getStyle",
    "getStyles",
    "getTileMatrixSet",
    "getTileMatrixSetsList",
    "signOpinion",
    "verify",
    "verifyDocument",
]
# What they name is known only to a running server.
RUN_TIME_NAMES = {"featureId", "hash", "jobId", "opinionId"}


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


@pytest.fixture(scope="module")
def modern(document: dict[str, Any]) -> dict[str, Any]:
    return dialect.modern(document)


def test_the_same_contract_is_valid_as_openapi_3_1(modern: dict[str, Any]) -> None:
    assert modern["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(modern).iter_errors()] == []


def test_no_word_of_openapi_3_0_is_left_in_the_schemas_of_3_1(modern: dict[str, Any]) -> None:
    schemas = modern["components"]["schemas"]

    assert not [each for each in _objects(schemas) if "nullable" in each]
    assert not [each for each in _objects(schemas) if each.get("exclusiveMinimum") is True]
    assert not [each for each in _objects(schemas) if each.get("format") == "binary"]


def test_both_versions_take_and_refuse_the_same_values(
    document: dict[str, Any], modern: dict[str, Any]
) -> None:
    resource = Resource.from_contents(modern, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(DOCUMENT_URI, resource)
    for _, place, media in _bodies(document):
        now = Draft202012Validator({"$ref": f"{DOCUMENT_URI}#{place}"}, registry=registry)
        for example in media.get("examples", {}).values():
            assert not list(now.iter_errors(example["value"]))
            assert list(now.iter_errors({"inputs": 1}))


def test_operation_ids_are_stable(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in _operations(document)]

    assert sorted(ids) == STABLE_IDS


def test_the_document_is_small_whatever_the_number_of_layers(document: dict[str, Any]) -> None:
    """It names no collection: what a layer can be asked for stands in its own documents."""
    assert len(json.dumps(document)) < MAX_BYTES
    assert "enum" not in document["components"]["parameters"]["collectionId"]["schema"]


def test_it_names_no_host_but_those_of_namespaces(document: dict[str, Any]) -> None:
    addresses = re.findall(r"https?://[^\s\"]+", json.dumps(document))

    assert addresses
    assert [address for address in addresses if not NAMESPACES.match(address)] == []


def test_no_operation_takes_parameters_of_any_name_unseen(document: dict[str, Any]) -> None:
    """Where `additionalProperties` stands, the suite of OGC skips its test of unknown parameters."""
    parameters = document["components"]["parameters"].values()

    assert not [each for each in parameters if "additionalProperties" in each["schema"]]


def test_the_contract_says_the_bounds_that_the_server_keeps(document: dict[str, Any]) -> None:
    parameters = document["components"]["parameters"]

    assert parameters["limit"]["schema"]["maximum"] == MAX_LIMIT
    assert parameters["offset"]["schema"]["maximum"] == MAX_OFFSET


def test_every_parameter_is_described_in_chinese_and_english(document: dict[str, Any]) -> None:
    for name, parameter in document["components"]["parameters"].items():
        said = parameter["description"]
        assert re.search(r"[\u4e00-\u9fff]", said), name
        assert re.search(r"(^| / |\n)[^\u4e00-\u9fff]*[A-Za-z]{3,}[^\u4e00-\u9fff]*$", said), name


def test_no_operation_has_two_parameters_of_one_name(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        names = [(each["in"], each["name"]) for each in _parameters(document, operation)]
        assert len(names) == len(set(names)), f"{method} {path}"


def test_words_of_openapi_3_0_are_said_in_the_words_of_2020_12() -> None:
    schemas = {
        "Share": {"type": "number", "nullable": True, "minimum": 0, "exclusiveMinimum": True},
        "Part": {
            "description": "d",
            "type": "object",
            "nullable": True,
            "allOf": [{"$ref": "#/components/schemas/Share"}],
        },
        "Bytes": {"type": "string", "format": "binary"},
        "Named": {"properties": {"example": {"type": "string", "example": "x"}}},
    }
    example = {"schema": {"type": "string"}, "example": {"nullable": True}}

    assert dialect.modern({"components": {"schemas": schemas}, "paths": [example]}) == {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": [example],
        "components": {
            "schemas": {
                "Share": {"type": ["number", "null"], "exclusiveMinimum": 0},
                "Part": {
                    "description": "d",
                    "anyOf": [
                        {"type": "object", "allOf": [{"$ref": "#/components/schemas/Share"}]},
                        {"type": "null"},
                    ],
                },
                "Bytes": {"type": "string", "contentMediaType": "application/octet-stream"},
                "Named": {"properties": {"example": {"type": "string", "examples": ["x"]}}},
            }
        },
    }


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


def test_the_example_of_every_schema_fits_it(document: dict[str, Any]) -> None:
    found = [n for n, each in document["components"]["schemas"].items() if "example" in each]

    assert {"Feature", "FeatureCollection", "Problem", "PropertySchema"} <= {*found}
    for name in found:
        validator = _validator(document, f"/components/schemas/{name}")
        example = document["components"]["schemas"][name]["example"]
        assert [error.message for error in validator.iter_errors(example)] == []


def test_every_document_sent_has_an_example_and_every_example_fits_its_schema(
    document: dict[str, Any],
) -> None:
    bodies = [body for body in _bodies(document) if "application~1json" in body[1]]
    for _, place, media in bodies:
        values = [each["value"] for each in media.get("examples", {}).values()]
        values += [media["example"]] if "example" in media else []
        assert values
        for value in values:
            assert [error.message for error in _validator(document, place).iter_errors(value)] == []

    assert {name for name, _, _ in bodies} == {
        "post /processes/{processId}/execution",
        "post /session",
        "post /checks/{hash}/opinions",
        "post /verify",
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
    assert f"{spec.id.title().replace('_', '')}Execution" in forms


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
