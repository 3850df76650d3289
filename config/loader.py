"""YAML -> JSON Schema -> cross-references -> Catalogue; every problem of every file at once."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

from config.linking import Findings, link
from config.merging import (
    VERSIONED,
    Document,
    Edit,
    Key,
    Merged,
    digest_of,
    key_of,
    merge,
    rewritten,
)
from config.model import Catalogue, Entry
from config.settings import PACKAGE_ROOT, Settings

SCHEMAS = PACKAGE_ROOT / "schemas"
KINDS = (
    "specification",
    "code_list",
    "source",
    "theme",
    "style",
    "layer",
    "binding",
    "process",
    "role",
    "schedule",
    "ruleset",
    "ruleset_override",
)
MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_MESSAGE = 300
MAX_FILES_KEPT = 10_000


class CatalogueError(Exception):
    """The catalogue has findings; each is `file: pointer: message`."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)


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
    return load_merged(folders, ())[0]


def load_merged(folders: Iterable[Path], edits: Iterable[Edit]) -> tuple[Catalogue, Merged]:
    """The catalogue of *folders* and *edits*, and how they were merged.

    Raises
    ------
    CatalogueError
        With all findings of all files and of the edits in force; a conflict is none.
    """
    findings: Findings = []
    merged = merge(read(folders, findings), edits)
    catalogue = linked(merged, findings)
    if findings:
        raise CatalogueError(findings)
    return catalogue, merged


def read(folders: Iterable[Path], findings: Findings) -> dict[Key, Document]:
    """The sound entries of *folders*; what is wrong with the others is added to *findings*."""
    merged: dict[Key, Document] = {}
    for folder in folders:
        here: dict[Key, Document] = {}
        for document in _documents(folder, findings):
            key = key_of(document.entry)
            if first := here.get(key):
                findings.append(
                    f"{document.place}/id: {key[0]} {key[1]!r} also stands in {first.place}"
                )
            here[key] = document
        findings += [
            rewritten(here[key], merged[key])
            for key in here.keys() & merged.keys()
            if key[0] in VERSIONED and here[key].entry != merged[key].entry
        ]
        merged |= here
    return merged


def linked(merged: Merged, findings: Findings) -> Catalogue:
    """The catalogue of merged entries; what does not hold together is added to *findings*."""
    entries: dict[str, dict[str, tuple[str, Entry]]] = {kind: {} for kind in KINDS}
    digests: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for (kind, name), document in sorted(merged.documents.items()):
        if document.edited and not satisfies_schema(document, findings):
            continue
        entries[kind][name] = (document.place, document.entry)
        digests[kind][name] = digest_of(document.entry)
    return link(entries, findings, digests)


def parse(name: str, content: str, findings: Findings) -> list[Document]:
    """The documents of a YAML text; unsound ones are told in *findings*."""
    try:
        entries = list(yaml.load_all(content, Loader=_TextLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        findings.append(f"{name}: : {' '.join(str(error).split())}")
        return []
    return [
        Document(file=name, number=number, entry=entry)
        for number, entry in enumerate(entries)
        if entry is not None
    ]


def schema(kind: str) -> Mapping[str, Any]:
    """The JSON Schema of a kind of entry."""
    return _schemas()[f"urn:onemap:schema:{kind}"]


_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where built


class _TextLoader(_SafeLoader):  # type: ignore[misc]
    """YAML 1.2-like: dates and numbers with leading zeros stay text, a repeated key is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for name in (self.construct_object(key, deep=True) for key, _ in node.value):
            if isinstance(name, str) and name not in seen:
                seen.add(name)
                continue
            fault = "is given twice" if isinstance(name, str) else "is not text; put it in quotes"
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {name!r} {fault}", node.start_mark
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
            content = path.read_text("utf-8")
        except (UnicodeDecodeError, OSError) as error:
            findings.append(f"{name}: : {' '.join(str(error).split())}")
            continue
        documents, told = _sound(name, content)
        findings.extend(told)
        yield from documents


@lru_cache(maxsize=MAX_FILES_KEPT)
def _sound(name: str, content: str) -> tuple[Sequence[Document], Sequence[str]]:
    """The sound entries of a file and what is wrong with the others: read again only if changed."""
    findings: Findings = []
    parsed = parse(name, content, findings)
    return [one for one in parsed if satisfies_schema(one, findings)], findings


def satisfies_schema(document: Document, findings: Findings) -> bool:
    """Whether an entry is of a known kind and as its JSON Schema says."""
    entry = document.entry
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind not in KINDS:
        findings.append(f"{document.place}/kind: {kind!r}; expected one of {', '.join(KINDS)}")
        return False
    try:
        json.dumps(entry, allow_nan=False)
        errors = sorted(
            _validator(kind).iter_errors(entry), key=lambda e: list(map(str, e.absolute_path))
        )
    except (ValueError, TypeError) as unfit:  # .nan, .inf, !!binary, !!set
        findings.append(f"{document.place}: {unfit}")
        return False
    except RecursionError:
        findings.append(f"{document.place}: is nested too deeply")
        return False
    for error in errors:
        nearest = best_match([error]) or error  # of several forms, the one that was meant
        pointer = "".join(f"/{part}" for part in nearest.absolute_path)
        message = " or ".join(c.message for c in nearest.context or ()) or nearest.message
        findings.append(f"{document.place}{pointer}: {message[:MAX_MESSAGE]}")
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
