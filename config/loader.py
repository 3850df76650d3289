"""YAML -> JSON Schema -> cross-references -> Catalogue; every problem of every file at once."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from config.linking import Findings, link
from config.model import Catalogue, Entry
from config.settings import PACKAGE_ROOT, Settings

SCHEMAS = PACKAGE_ROOT / "schemas"
KINDS = ("specification", "code_list", "theme", "style", "layer", "binding", "process", "role")
MAX_FILE_BYTES = 8 * 1024 * 1024


class CatalogueError(Exception):
    """The catalogue has findings; each is `file: pointer: message`."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document and where it stands."""

    file: str
    number: int
    entry: Entry

    @property
    def place(self) -> str:
        return f"{self.file}: /{self.number}"


def catalogue_folders(settings: Settings) -> tuple[Path, ...]:
    """The folders that make this instance's catalogue, later ones win."""
    return (PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue", *settings.catalogue)


def load(folders: Iterable[Path]) -> Catalogue:
    """The catalogue of *folders*: an entry in a later folder replaces one of the same kind and id.

    Raises
    ------
    CatalogueError
        With all findings of all files.
    """
    findings: Findings = []
    merged: dict[tuple[str, str], Document] = {}
    for folder in folders:
        here: dict[tuple[str, str], Document] = {}
        for document in _documents(folder, findings):
            if not _satisfies_schema(document, findings):
                continue
            key = (document.entry["kind"], document.entry["id"])
            if first := here.get(key):
                findings.append(
                    f"{document.place}/id: {key[0]} {key[1]!r} also stands in {first.place}"
                )
            here[key] = document
        merged |= here
    entries: dict[str, dict[str, tuple[str, Entry]]] = {kind: {} for kind in KINDS}
    for (kind, name), document in merged.items():
        entries[kind][name] = (document.place, document.entry)
    catalogue = link(entries, findings, _digest(merged))
    if findings:
        raise CatalogueError(findings)
    return catalogue


def schema(kind: str) -> Mapping[str, Any]:
    """The JSON Schema of a kind of entry."""
    return _schemas()[f"urn:onemap:schema:{kind}"]


_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where built


class _TextLoader(_SafeLoader):  # type: ignore[misc]
    """YAML 1.2-like: dates and numbers with leading zeros stay text, a repeated key is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} is given twice", node.start_mark
                )
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _documents(folder: Path, findings: Findings) -> Iterator[Document]:
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                findings.append(f"{name}: : larger than {MAX_FILE_BYTES} bytes")
                continue
            documents = list(yaml.load_all(path.read_text("utf-8"), Loader=_TextLoader))
        except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError, ValueError) as error:
            findings.append(f"{name}: : {' '.join(str(error).split())}")
            continue
        for number, entry in enumerate(documents):
            if entry is not None:
                yield Document(file=name, number=number, entry=entry)


def _satisfies_schema(document: Document, findings: Findings) -> bool:
    entry = document.entry
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind not in KINDS:
        findings.append(f"{document.place}/kind: {kind!r}; expected one of {', '.join(KINDS)}")
        return False
    errors = sorted(
        _validator(kind).iter_errors(entry), key=lambda e: list(map(str, e.absolute_path))
    )
    for error in errors:
        pointer = "".join(f"/{part}" for part in error.absolute_path)
        findings.append(f"{document.place}{pointer}: {error.message}")
    return not errors


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    found = (json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.glob("*.json")))
    return {document["$id"]: document for document in found}


@cache
def _validator(kind: str) -> Draft202012Validator:
    documents = [(uri, Resource.from_contents(content)) for uri, content in _schemas().items()]
    registry: Registry[Any] = Registry().with_resources(documents)
    return Draft202012Validator(
        _schemas()[f"urn:onemap:schema:{kind}"],
        registry=registry,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def _digest(merged: Mapping[tuple[str, str], Document]) -> str:
    content = [[list(key), document.entry] for key, document in sorted(merged.items())]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
