"""From the route table, the processes and the components to one OpenAPI 3.0 document."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from config.vocabulary import Text
from openapi import dialect
from openapi.bodies import FIXED_BODIES, typed

COMPONENTS = Path(__file__).with_name("components")
EVERYWHERE = (400, 401, 406, 500, 503)  # what the layers around every operation may answer
NO_CONTENT = (304,)
UNSAFE: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"session": [], "csrf": []}]
CONVERTER = re.compile(r"\{(\w+):\w+\}")
type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the route table: its id is the key of its description in components/operations."""

    method: str
    path: str
    id: str


class Produced(Protocol):
    """An output, as far as the contract speaks of it."""

    @property
    def schema(self) -> Mapping[str, Any]: ...
    @property
    def media_type(self) -> str: ...


class Process(Protocol):
    """A process, as far as the contract speaks of it."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def outputs(self) -> Mapping[str, Produced]: ...
    @property
    def example(self) -> Mapping[str, Any]: ...
    def request_schema(self) -> Json: ...


class UndescribedOperation(LookupError):
    """The route table and components/operations do not agree."""


def build(routes: Sequence[Operation], specs: Sequence[Process], *, server_url: str = "/") -> Json:
    """The document of these operations and processes."""
    described = _merged("operations/*.yaml")
    ids = {operation.id for operation in routes}
    if odd := ids ^ described.keys():
        raise UndescribedOperation(f"only in the route table or only described: {sorted(odd)}")
    document: Json = _read("document.yaml")
    security_schemes = document.pop("securitySchemes")
    paths: dict[str, Json] = {}
    for operation in routes:
        item = paths.setdefault(CONVERTER.sub(r"{\1}", operation.path), {})
        item[operation.method.lower()] = _operation(operation, described[operation.id], specs)
    document["servers"] = [{"url": server_url}]
    document["paths"] = paths
    document["components"] = {
        "securitySchemes": security_schemes,
        "parameters": _read("parameters.yaml"),
        "headers": _read("headers.yaml"),
        "responses": dict(_problems()),
        "schemas": dict(sorted(_schemas(specs).items())),
    }
    return document


def text(document: Json) -> str:
    """The document as it is committed."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def process_id(spec_id: str) -> str:
    """The id in addresses: kebab-case, as catalogue entries write it."""
    return spec_id.replace("_", "-")


def _operation(operation: Operation, described: Json, specs: Sequence[Process]) -> Json:
    built: Json = {
        "operationId": described.get("operationId", operation.id),
        "tags": described["tags"],
        "summary": described["summary"],
    }
    if "description" in described:
        built["description"] = described["description"]
    if operation.method == "GET" and "text/html" in described["answers"]["200"].get("content", {}):
        described = _with_validator(described)
    if parameters := described["parameters"]:
        built["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in parameters]
    if described.get("security") == "unsafe":
        built["security"] = UNSAFE
    if "body" in described:
        built["requestBody"] = BODIES[described["body"]](specs)
    answers = {status: _answer(answer, specs) for status, answer in described["answers"].items()}
    around = {*EVERYWHERE} - {*described.get("never", ())}
    for status in sorted({*around, *described.get("problems", ())}):
        answers.setdefault(
            str(status), {"$ref": f"#/components/responses/{_response_name(status)}"}
        )
    built["responses"] = dict(sorted(answers.items()))
    if "callbacks" in described:
        built["callbacks"] = {
            name: {told["to"]: {"post": _told(told, specs)}}
            for name, told in described["callbacks"].items()
        }
    return built


def _told(told: Json, specs: Sequence[Process]) -> Json:
    """What a subscriber is sent, and what it answers."""
    content = (
        _results(specs) if told.get("results") else {"application/json": typed(told["schema"])}
    )
    return {
        "requestBody": {
            "description": told["description"],
            "required": True,
            "content": {"application/json": content["application/json"]},
        },
        "responses": {"2XX": {"description": "已收到 / Taken"}},
    }


def _with_validator(described: Json) -> Json:
    """Every document that has a page has a tag, and is not sent to who has it."""
    found = described["answers"]["200"]
    answer = {**found, "headers": list(dict.fromkeys(["ETag", *found.get("headers", ())]))}
    return {
        **described,
        "parameters": list(dict.fromkeys([*described["parameters"], "if-none-match"])),
        "answers": {**described["answers"], "200": answer},
        "problems": [*described.get("problems", ()), *NO_CONTENT],
    }


def _answer(described: Json, specs: Sequence[Process]) -> Json:
    built: Json = {"description": described["description"]}
    if headers := described.get("headers"):
        built["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    if content := described.get("content"):
        built["content"] = {media: typed(schema) for media, schema in content.items()}
    if described.get("results"):
        built["content"] = {**_results(specs), **built.get("content", {})}
    return built


def _execution(specs: Sequence[Process]) -> Json:
    """The body of an execution: one form per process, each with an example that runs."""
    forms = [{"$ref": f"{dialect.COMPONENTS}{_form(spec)}"} for spec in specs]
    examples = {
        process_id(spec.id): {
            "summary": f"{spec.title.zh} / {spec.title.en}",
            "value": dict(spec.example),
        }
        for spec in specs
    }
    return {
        "required": True,
        "description": "每个算法有自己的输入 / Each process has its own inputs",
        "content": {"application/json": {"schema": {"anyOf": forms}, "examples": examples}},
    }


BODIES = {"execution": _execution, **FIXED_BODIES}


def _results(specs: Sequence[Process]) -> Json:
    """What an execution may answer with: a document of outputs, or one output as it is."""
    raw: dict[str, list[Json]] = {}
    for spec in specs:
        for name, output in spec.outputs.items():
            raw.setdefault(output.media_type, []).append(
                {"$ref": f"{dialect.COMPONENTS}{_form(spec, 'Results')}_{name}"}
            )
    documents = [{"$ref": f"{dialect.COMPONENTS}{_form(spec, 'Results')}"} for spec in specs]
    forms = {"application/json": [], **raw}
    forms["application/json"] = [*documents, *forms["application/json"]]
    return {
        media: {"schema": {"anyOf": found} if len(found) > 1 else found[0]}
        for media, found in forms.items()
    }


def _form(spec: Process, kind: str = "Execution") -> str:
    """The name of a process's component: compliance_check -> ComplianceCheckExecution."""
    return "".join(part.capitalize() for part in re.split(r"[-_]", spec.id)) + kind


def _schemas(specs: Sequence[Process]) -> Json:
    schemas = _merged("schemas/*.yaml")
    for spec in specs:
        schemas |= dialect.components(_form(spec), spec.request_schema())
        schemas |= dialect.components(_form(spec, "Results"), _results_schema(spec))
    return schemas


def _results_schema(spec: Process) -> Json:
    """A results document: the asked-for outputs by their ids; objects say their media type."""
    return {
        "type": "object",
        "properties": {name: _inline(name, output) for name, output in spec.outputs.items()},
        "minProperties": 1,
        "additionalProperties": False,
        "$defs": {name: dict(output.schema) for name, output in spec.outputs.items()},
    }


def _inline(name: str, output: Produced) -> Json:
    value = {"$ref": f"{dialect.LOCAL}{name}"}
    if output.media_type != "application/json":
        return value
    qualified = {
        "type": "object",
        "properties": {"value": value, "mediaType": {"type": "string"}},
        "required": ["value", "mediaType"],
    }
    return {"anyOf": [qualified, value]}


def _problems() -> Iterator[tuple[str, Json]]:
    """The refusals, as problem documents and as pages."""
    for status, described in _read("responses.yaml").items():
        built: Json = {"description": described["description"]}
        if headers := described.get("headers"):
            built["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
        if int(status) not in NO_CONTENT:
            built["content"] = {
                "application/problem+json": typed("Problem"),
                "text/html": typed("Page"),
            }
        yield _response_name(int(status)), built


def _response_name(status: int) -> str:
    return "NotModified" if status in NO_CONTENT else f"Problem{status}"


def _read(name: str) -> Json:
    content: Json = yaml.safe_load((COMPONENTS / name).read_text(encoding="utf-8"))
    return content


def _merged(pattern: str) -> Json:
    merged: Json = {}
    for path in sorted(COMPONENTS.glob(pattern)):
        merged |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return merged
