"""Changing what is served while it is served: reload, put an entry, withdraw an edit.

Each holds the catalogue's lock from reading to writing, checks the whole result as if it stood in
files, adds to the tables what they lack, and tells servers and workers when all is committed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow

from config.linking import Findings
from config.loader import CatalogueError, linked, load_merged, read
from config.merging import (
    VERSIONED,
    Changes,
    Conflict,
    Document,
    Key,
    changes,
    digest_of,
    latest,
    merge,
    over,
    rewritten,
)
from config.model import Catalogue
from providers.catalogue_edits import announce, hold, last_taken, latest_edits, record_edit
from providers.database import DatabaseRole, connect
from providers.errors import Refused
from providers.table_changes import incompatible, make_tables

# What a catalogue that holds together gets wrong all the same.
type Check = Callable[[Catalogue], Iterable[str]]


class TablesContradict(Refused):
    """Tables that hold published rows cannot become what the catalogue now says."""


class NoSuchEdit(Refused):
    """There is no edit of this entry in force."""


class VersionStays(Refused):
    """A version that was put stays: what was decided by it can then be told again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What a reload put in force."""

    catalogue: Catalogue
    changes: Changes | None  # against the catalogue before; None: there was none
    tables: tuple[str, ...]  # editions whose tables have gained something
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An edit that is no more."""

    number: int
    file: Document | None  # what is in force again
    findings: tuple[str, ...]  # faults there were before: nothing can be put in force yet


def reload_catalogue(url: str, folders: Sequence[Path], *, check: Check) -> Reloaded:
    """Put the catalogue of files and edits in force as it now is.

    Raises
    ------
    CatalogueError
        With all findings; what was in force stays so.
    TablesContradict, TablesInUse
        Where tables cannot follow.
    """
    with _held(url) as connection:
        before = last_taken(connection)
        load_merged(folders, ())  # files stand by themselves: a server starts before it knows edits
        catalogue, merged = load_merged(folders, latest_edits(connection))
        changed = None if before is None else changes(before, catalogue.digests)
        findings = [
            f"{merged.documents[key].place}/version: {key[0]} {key[1]} said something else when it"
            " was last in force; a version is never edited: give it a higher one"
            for key in (changed.changed if changed else ())
            if key[0] in VERSIONED
        ]
        if not findings:  # a catalogue that hangs together
            findings += check(catalogue)
        if findings:
            raise CatalogueError(findings)
        made = _prepare(connection, url, catalogue)
        announce(connection, catalogue)
    return Reloaded(
        catalogue=catalogue,
        changes=changed,
        tables=tuple(made),
        conflicts=merged.conflicts,
    )


def put_entries(
    url: str,
    folders: Sequence[Path],
    entries: Mapping[Key, Document],
    *,
    author: str,
    note: str,
    check: Check,
) -> dict[Key, int | None]:
    """Put entries over those of the files, together; the number of each edit, None if it stood so.

    Raises
    ------
    CatalogueError
        With all findings of the catalogue that they would make.
    TablesContradict, TablesInUse
        Where tables cannot follow.
    """
    written: dict[Key, int | None] = {}
    with _held(url) as connection:
        findings: Findings = []
        files, edits = read(folders, findings), latest(latest_edits(connection))
        merged = merge(files, edits.values())
        versions = {k: merged.documents[k] for k in entries.keys() & merged.documents.keys()}
        versions = {k: document for k, document in versions.items() if k[0] in VERSIONED}
        findings += [
            rewritten(entries[key], document)
            for key, document in versions.items()
            if digest_of(entries[key].entry) != digest_of(document.entry)
        ]
        catalogue = linked(over(merged, entries), findings)
        if not findings:  # a catalogue that hangs together
            findings += check(catalogue)
        if findings:
            raise CatalogueError(findings)
        _prepare(connection, url, catalogue)
        for key, document in entries.items():
            file, standing = files.get(key), edits.get(key)
            base = digest_of(file.entry) if file else None
            if key in versions or (standing and standing.says(document.entry, base)):
                written[key] = None
                continue
            written[key] = record_edit(
                connection,
                kind=key[0],
                name=key[1],
                entry=document.entry,
                base=base,
                author=author,
                note=note,
            )
        announce(connection, catalogue)
    return written


def withdraw_edit(
    url: str, folders: Sequence[Path], key: Key, *, author: str, note: str, check: Check
) -> Withdrawn:
    """Withdraw the edit of an entry: what the files say of it, if anything, is in force again.

    Raises
    ------
    NoSuchEdit
        Where none is there.
    VersionStays
        Where it is the only word of a version of rules.
    CatalogueError
        With the findings that its absence would make.
    """
    kind, name = key
    with _held(url) as connection:
        found: Findings = []
        files, edits = read(folders, found), latest(latest_edits(connection))
        if key not in edits or edits[key].entry is None:
            stands = f"; it stands in {files[key].place}" if key in files else ""
            raise NoSuchEdit(f"There is no edit of {kind} {name!r}{stands}.")
        if kind in VERSIONED and key not in files:
            raise VersionStays(
                f"{kind} {name!r} stays; put a higher version, which may end earlier."
            )
        before, after = list(found), list(found)
        before += check(linked(merge(files, edits.values()), before))
        left = [edit for edit in edits.values() if edit.key != key]
        catalogue = linked(merge(files, left), after)
        after += check(catalogue)
        if new := [finding for finding in after if finding not in before]:
            raise CatalogueError(new)
        if not after:
            _prepare(connection, url, catalogue)
        number = record_edit(
            connection, kind=kind, name=name, entry=None, base=None, author=author, note=note
        )
        if not after:
            announce(connection, catalogue)
    return Withdrawn(number=number, file=files.get(key), findings=tuple(after))


@contextmanager
def _held(url: str) -> Iterator[Connection[TupleRow]]:
    with connect(url, DatabaseRole.OWNER) as connection:
        hold(connection)
        yield connection


def _prepare(connection: Connection[TupleRow], url: str, catalogue: Catalogue) -> list[str]:
    """The tables of published editions as their specifications now are."""
    if contradictions := incompatible(connection, catalogue):
        raise TablesContradict("\n".join(contradictions))
    return make_tables(url, catalogue)
