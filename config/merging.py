"""Entries of files and run-time edits become one set of entries; pure, and told where they disagree.

An edit remembers the file's entry that it was made over. It is in force for as long as that entry
stands unchanged; when the file changes beneath it, the file is in force again and the edit is a
conflict until somebody puts it anew or withdraws it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from config.model import Digests, Entry

type Key = tuple[str, str]  # kind, id; of what has versions side by side: id@version

VERSIONED = frozenset({"ruleset", "ruleset_override"})  # a change is a new version beside the old


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One entry and where it stands: a file and its number there, or an edit."""

    file: str
    number: int
    entry: Entry
    edited: bool = False  # it is an edit's

    @property
    def place(self) -> str:
        return f"{self.file}: /{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody said at run time about one entry; without an entry the edit is withdrawn."""

    kind: str
    id: str
    number: int
    entry: Entry | None
    base: str | None  # digest of the file's entry that it was made over; None: no file had one
    author: str
    note: str
    edited_at: datetime

    @property
    def key(self) -> Key:
        return (self.kind, self.id)

    @property
    def place(self) -> str:
        return f"edit {self.number} by {self.author}"

    def says(self, entry: Entry, base: str | None) -> bool:
        """Whether it says just this over just that entry of a file."""
        if self.entry is None:
            return False
        return (digest_of(self.entry), self.base) == (digest_of(entry), base)


class EditState(StrEnum):
    """What has become of an edit."""

    IN_FORCE = "in_force"
    SET_ASIDE = "set_aside"  # the file's entry changed beneath it
    ADOPTED = "adopted"  # the file now says the same
    WITHDRAWN = "withdrawn"  # says that there is no edit any more
    REPLACED = "replaced"  # a later edit of the same entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An edit that is set aside, and the entry of a file that is in force instead."""

    edit: Edit
    file: Document | None

    def __str__(self) -> str:
        changed = f"{self.file.place} changed" if self.file else "the file's entry went"
        return (
            f"{self.edit.kind} {self.edit.id}: {changed} beneath {self.edit.place}, which is set"
            " aside; put it anew or drop it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The entries that are in force, and the edits that are not."""

    documents: Mapping[Key, Document]
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What differs between two catalogues, by kind and id."""

    added: tuple[Key, ...]
    changed: tuple[Key, ...]
    removed: tuple[Key, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def key_of(entry: Entry) -> Key:
    """What tells an entry from all others."""
    kind, name = entry["kind"], entry["id"]
    return (kind, f"{name}@{entry['version']}" if kind in VERSIONED else name)


def rewritten(given: Document, standing: Document) -> str:
    """The finding that a version would be edited in place."""
    entry = given.entry
    return (
        f"{given.place}/version: {entry['kind']} {entry['id']} {entry['version']} says something"
        f" else in {standing.place}; a version is never edited: give it a higher one"
    )


def digest_of(entry: Entry) -> str:
    """A text that differs where entries differ; the order of members does not count."""
    content = json.dumps(entry, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def latest(edits: Iterable[Edit]) -> dict[Key, Edit]:
    """The last word about each entry."""
    return {edit.key: edit for edit in sorted(edits, key=lambda e: e.number)}


def state_of(edit: Edit, file: Document | None) -> EditState:
    """What has become of the last edit of an entry, given what the file says now."""
    if edit.entry is None:
        return EditState.WITHDRAWN
    base = digest_of(file.entry) if file else None
    if base == digest_of(edit.entry):
        return EditState.ADOPTED
    return EditState.IN_FORCE if base == edit.base else EditState.SET_ASIDE


def merge(files: Mapping[Key, Document], edits: Iterable[Edit]) -> Merged:
    """The entries of *files* with the *edits* that are in force over them."""
    documents, conflicts = dict(files), []
    for key, edit in sorted(latest(edits).items()):
        match state_of(edit, files.get(key)):
            case EditState.IN_FORCE if edit.entry is not None:
                documents[key] = Document(file=edit.place, number=0, entry=edit.entry, edited=True)
            case EditState.SET_ASIDE:
                conflicts.append(Conflict(edit=edit, file=files.get(key)))
    return Merged(documents=documents, conflicts=tuple(conflicts))


def over(merged: Merged, entries: Mapping[Key, Document]) -> Merged:
    """What would be in force with these entries as edits."""
    return Merged(
        documents={
            **merged.documents,
            **{key: replace(document, edited=True) for key, document in entries.items()},
        },
        conflicts=tuple(c for c in merged.conflicts if c.edit.key not in entries),
    )


def changes(before: Digests, after: Digests) -> Changes:
    """What came, went and became another, from one catalogue's digests to another's."""
    old, new = _flat(before), _flat(after)
    return Changes(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(k for k in new.keys() & old.keys() if new[k] != old[k])),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


def _flat(digests: Mapping[str, Mapping[str, Any]]) -> dict[Key, Any]:
    return {(kind, name): d for kind, named in digests.items() for name, d in named.items()}
