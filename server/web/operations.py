"""An OpenAPI document read for people: operations by tag, local references followed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
UNTAGGED: Final = "default"
WITH: Final = "x-onemap-with"  # the parameter that must stand beside this one
VARIABLE: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path, with everything that `$ref` points to in its place."""

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    deprecated: bool
    parameters: Sequence[Mapping[str, Any]]
    body: Mapping[str, Any] | None
    responses: Mapping[str, Mapping[str, Any]]

    @property
    def address(self) -> str | None:
        """Where the operation can be tried by following a link: GET with the path's examples."""
        known = {p["name"]: p["example"] for p in self._of("path") if "example" in p}
        if self.method != "GET" or not known.keys() >= {*VARIABLE.findall(self.path)}:
            return None
        return VARIABLE.sub(lambda found: quote(str(known[found[1]]), safe=""), self.path)

    def trial(self, parameter: Mapping[str, Any]) -> str | None:
        """The address with the example of a query parameter, and of the one it goes with."""
        named = {p["name"]: p for p in self._of("query")}
        together = [named.get(parameter.get(WITH, "")), parameter]
        given = {p["name"]: written(p["example"]) for p in together if p and "example" in p}
        if self.address is None or parameter.get("in") != "query" or "example" not in parameter:
            return None
        return f"{self.address}?{urlencode(given, safe=',:/')}"

    def _of(self, place: str) -> Iterator[Mapping[str, Any]]:
        return (each for each in self.parameters if each.get("in") == place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The operations of one tag."""

    name: str
    anchor: str
    description: str
    operations: Sequence[Operation]


def anchor(*words: str) -> str:
    """A fragment identifier: `anchor("post", "/processes/x/execution")`."""
    return re.sub(r"[^\w.-]+", "-", "-".join(words)).strip("-")


def groups(document: Mapping[str, Any]) -> list[Group]:
    """All operations of an OpenAPI document, grouped by first tag, in the order of its tags."""
    tags = document.get("tags", ())
    declared = {str(tag["name"]): str(tag.get("description", "")) for tag in tags}
    found: dict[str, list[Operation]] = {name: [] for name in declared}
    for tag, operation in _operations(document):
        found.setdefault(tag, []).append(operation)
    return [
        Group(
            name=name,
            anchor=anchor("tag", name),
            description=declared.get(name, ""),
            operations=operations,
        )
        for name, operations in found.items()
        if operations
    ]


def resolve(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """*node*, or what its local `$ref` leads to; a reference that leads nowhere stays."""
    seen: set[str] = set()
    while isinstance(reference := node.get("$ref"), str) and reference not in seen:
        seen.add(reference)
        target = _target(document, reference)
        if target is None:
            break
        node = target
    return node


def written(value: Any) -> str:
    """An example as it stands in an address: lists separated by commas."""
    if isinstance(value, list):
        return ",".join(written(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def examples(media: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The examples of a media type object, as (title, value)."""
    found = [("", media["example"])] if "example" in media else []
    for name, example in (media.get("examples") or {}).items():
        if "value" in example:
            found.append((str(example.get("summary", name)), example["value"]))
    return found


def _target(document: Mapping[str, Any], reference: str) -> Mapping[str, Any] | None:
    if not reference.startswith("#/"):
        return None
    node: Any = document
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, Mapping) or key not in node:
            return None
        node = node[key]
    return node if isinstance(node, Mapping) else None


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, item in document.get("paths", {}).items():
        shared = item.get("parameters", ())
        for method in METHODS:
            if method not in item:
                continue
            raw = item[method]
            own = [resolve(document, each) for each in (*shared, *raw.get("parameters", ()))]
            parameters = {(str(each.get("in")), str(each.get("name"))): each for each in own}
            body = resolve(document, raw["requestBody"]) if "requestBody" in raw else None
            yield (
                str((raw.get("tags") or [UNTAGGED])[0]),
                Operation(
                    method=method.upper(),
                    path=path,
                    anchor=anchor(method, path),
                    summary=str(raw.get("summary", "")),
                    description=str(raw.get("description", "")),
                    deprecated=bool(raw.get("deprecated")),
                    parameters=list(parameters.values()),
                    body=body,
                    responses={
                        str(status): resolve(document, response)
                        for status, response in raw.get("responses", {}).items()
                    },
                ),
            )
