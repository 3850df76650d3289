"""ProcessSpec: a process declared once; its description, its body's schema and checks derived."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from config.vocabulary import Text

JSON = "application/json"
COLLECTION_TYPE = "application/vnd.ogc.collection+json"  # asks for features as a collection
MAX_ERRORS = 100
MAX_MESSAGE = 300
TRANSMISSION = ("value", "reference")
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
URI = {"type": "string", "format": "uri", "maxLength": 2_000}
SUBSCRIBER: Mapping[str, Any] = {
    "type": "object",
    "properties": {"successUri": URI, "inProgressUri": URI, "failedUri": URI},
    "required": ["successUri"],
    "additionalProperties": False,
}
# OGC API Processes 1.0, qualifiedInputValue: an input may be wrapped to say its media type.
WRAPPING = frozenset({"value", "mediaType", "encoding", "schema"})


class BodyError(NamedTuple):
    """One thing wrong with a request body, and where (a JSON pointer)."""

    pointer: str
    message: str


class InvalidBody(Exception):
    """A request body does not satisfy its schema or its meaning; every error at once."""

    def __init__(self, errors: Sequence[BodyError]) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.pointer or 'the body'}: {first.message}{more}")
        self.errors = tuple(errors)

    def __reduce__(self) -> tuple[Any, ...]:
        """From one process to another with its errors."""
        return type(self), (self.errors,)


class NoSuchProcess(Exception):
    """No process of this id is offered."""

    def __init__(self, process: str) -> None:
        super().__init__(f"no process {process[:200]!r}")
        self.process = process[:200]


class FunctionNotGranted(Exception):
    """The caller's role does not include this function."""

    def __init__(self, function: str) -> None:
        super().__init__(f"the function {function!r} is not granted to this caller")
        self.function = function


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input: JSON Schema 2020-12 restricted to what OpenAPI 3.0 can say as well.

    `validated` is a shallower schema, for values whose insides the spec's `check` reads.
    """

    title: Text
    description: Text
    schema: Mapping[str, Any]
    required: bool = True
    validated: Mapping[str, Any] | None = None
    referable: bool = False  # features may be referred to: `{"collection": …}`, `{"href": …}`
    surveyed: bool = False  # the process reads an upload itself, as a surveyor's file


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output and the media type of its value."""

    title: Text
    description: Text
    schema: Mapping[str, Any]
    media_type: str = JSON
    features: bool = False  # a FeatureCollection: may become a collection (COLLECTION_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A request body that satisfies its spec: input values unwrapped, defaults filled in."""

    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    by_reference: tuple[str, ...]  # outputs whose address is wanted, not their value
    response: Literal["raw", "document"]
    subscriber: Mapping[str, str] | None = None  # who is told, by the standard's names
    as_collection: tuple[str, ...] = ()  # outputs that become layers


def nothing_more(_: Mapping[str, Any]) -> Iterable[BodyError]:
    """For processes whose input schemas say everything."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProcessSpec:
    """What a process is. `run` takes a processes.context.Context and the inputs, and returns
    a value for each output; `check` finds what JSON Schema cannot say, with pointers that
    begin at the inputs (`/parcel/coordinates/0`)."""

    id: str
    version: str
    title: Text
    description: Text
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    example: Mapping[str, Any]
    run: Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]
    check: Callable[[Mapping[str, Any]], Iterable[BodyError]] = nothing_more
    keywords: tuple[str, ...] = field(default=())
    ruled: bool = False  # it is given the rule sets of the catalogue
    kept: str | None = None  # the output, a sealed check, that is kept for good under its hash

    def request_schema(self) -> dict[str, Any]:
        """What a request body must look like."""
        required = [name for name, i in self.inputs.items() if i.required]
        return {
            "type": "object",
            "properties": {
                "inputs": {
                    "type": "object",
                    "properties": {name: _wrapped(i.schema) for name, i in self.inputs.items()},
                    **(
                        {"required": required} if required else {}
                    ),  # OpenAPI 3.0 knows no empty one
                    "additionalProperties": False,
                },
                "outputs": {
                    "type": "object",
                    "properties": {name: output_request(o) for name, o in self.outputs.items()},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
                "response": {"type": "string", "enum": ["raw", "document"], "default": "raw"},
                "subscriber": dict(SUBSCRIBER),
            },
            "required": ["inputs"],
            "additionalProperties": False,
        }

    def parse(self, body: Any) -> Execution:
        """The body as values; InvalidBody with every error, each with its JSON pointer."""
        envelope, places = _unwrap(body)
        errors = list(_schema_errors(_validator(self), envelope, places))
        if not errors:
            found = self.check(envelope["inputs"])
            errors = [BodyError(_placed(e.pointer, places), e.message) for e in found]
        if errors:
            raise InvalidBody(errors[:MAX_ERRORS])
        defaults = {n: i.schema["default"] for n, i in self.inputs.items() if "default" in i.schema}
        asked: Mapping[str, Any] = envelope.get("outputs", {name: {} for name in self.outputs})
        return Execution(
            inputs={**defaults, **envelope["inputs"]},
            outputs=tuple(asked),
            by_reference=tuple(
                name for name, how in asked.items() if how.get("transmissionMode") == "reference"
            ),
            response=envelope.get("response", "raw"),
            subscriber=envelope.get("subscriber"),
            as_collection=tuple(
                name
                for name, how in asked.items()
                if how.get("format", {}).get("mediaType") == COLLECTION_TYPE
            ),
        )


def charset(media_type: str) -> str:
    """How a text of this media type is written."""
    return media_type.partition("charset=")[2] or "utf-8"


def output_request(output: Output) -> dict[str, Any]:
    """How an output may be asked for: by value or reference, in its own form or as a collection."""
    forms = [output.media_type, *([COLLECTION_TYPE] if output.features else [])]
    return {
        "type": "object",
        "properties": {
            "transmissionMode": {"type": "string", "enum": list(TRANSMISSION)},
            "format": {
                "type": "object",
                "properties": {"mediaType": {"type": "string", "enum": forms}},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    }


def _wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An input as it may be sent: the value itself, or qualified by its media type."""
    qualified = {
        "type": "object",
        "properties": {
            "value": dict(schema),
            "mediaType": {"type": "string"},
            "encoding": {"type": "string"},
        },
        "required": ["value"],
        "additionalProperties": False,
    }
    return {"anyOf": [dict(schema), qualified]}


def _unwrap(body: Any) -> tuple[Any, frozenset[str]]:
    """The body with qualified inputs unwrapped, and the names of those."""
    if not isinstance(body, dict) or not isinstance(body.get("inputs"), dict):
        return body, frozenset()
    inputs = body["inputs"]
    qualified = frozenset(
        name
        for name, value in inputs.items()
        if isinstance(value, dict) and "value" in value and value.keys() <= WRAPPING
    )
    plain = {n: v["value"] if n in qualified else v for n, v in inputs.items()}
    return {**body, "inputs": plain}, qualified


@cache
def _validator(spec: ProcessSpec) -> Draft202012Validator:
    """The body's schema for unwrapped inputs: each value against its own schema alone."""
    schema = spec.request_schema()
    schema["properties"]["inputs"]["properties"] = {
        name: dict(i.schema if i.validated is None else i.validated)
        for name, i in spec.inputs.items()
    }
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _schema_errors(
    validator: Draft202012Validator, body: Any, qualified: frozenset[str]
) -> Iterator[BodyError]:
    found = (leaf for error in validator.iter_errors(body) for leaf in _leaves(error))
    errors = [(list(error.absolute_path), _message(error)) for error in found]
    for path, message in sorted(errors, key=lambda e: [str(part) for part in e[0]]):
        inner = pointer(path[1:]) if path[:1] == ["inputs"] else None
        place = pointer(path) if inner is None else _placed(inner, qualified)
        yield BodyError(place, message)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Of a choice by `type`, the errors of the branch that was meant; else the error itself."""
    if error.validator in ("oneOf", "anyOf") and error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        meant = [
            errors
            for errors in branches.values()
            if not any(
                list(e.path) == ["type"] or (not e.path and e.validator == "type") for e in errors
            )
        ]
        if len(meant) == 1:
            for inner in meant[0]:
                yield from _leaves(inner)
            return
    yield error


def _message(error: ValidationError) -> str:
    if error.validator in ("oneOf", "anyOf"):
        return "is none of the forms that are allowed here"
    text, half = error.message, MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[:half]} … {text[-half:]}"


def _placed(inner: str, qualified: frozenset[str]) -> str:
    """A pointer from the inputs as a pointer from the body as it was sent."""
    name, slash, rest = inner.removeprefix("/").partition("/")
    plain = name.replace("~1", "/").replace("~0", "~")
    wrapping = "/value" if plain in qualified else ""
    return f"/inputs/{name}{wrapping}{slash}{rest}" if name else "/inputs"


def pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
