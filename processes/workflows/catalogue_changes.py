"""Changing what is served while it is served: reload, put an entry, withdraw an edit.

Each holds the catalogue's lock from reading to writing, checks the whole result as if it stood in
files, adds to the tables what they lack, and tells servers and workers when all is committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow

from config.linking import Findings
from config.loader import CatalogueError, linked, load_merged, read
from config.merging import Changes, Conflict, Document, Key, changes, digest_of, latest, merge, over
from config.model import Catalogue
from providers.catalogue_edits import announce, hold, last_taken, latest_edits, record_edit
from providers.database import DatabaseRole, connect
from providers.errors import Refused
from providers.table_changes import incompatible, make_tables


class TablesContradict(Refused):
    """Tables that hold published rows cannot become what the catalogue now says."""


class NoSuchEdit(Refused):
    """There is no edit of this entry in force."""


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


def reload_catalogue(url: str, folders: Sequence[Path]) -> Reloaded:
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
        made = _prepare(connection, url, catalogue)
        announce(connection, catalogue)
    return Reloaded(
        catalogue=catalogue,
        changes=None if before is None else changes(before, catalogue.digests),
        tables=tuple(made),
        conflicts=merged.conflicts,
    )


def put_entries(
    url: str, folders: Sequence[Path], entries: Mapping[Key, Document], *, author: str, note: str
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
        catalogue = linked(over(merge(files, edits.values()), entries), findings)
        if findings:
            raise CatalogueError(findings)
        _prepare(connection, url, catalogue)
        for key, document in entries.items():
            file, standing = files.get(key), edits.get(key)
            base = digest_of(file.entry) if file else None
            if standing and standing.says(document.entry, base):
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
    url: str, folders: Sequence[Path], key: Key, *, author: str, note: str
) -> Withdrawn:
    """Withdraw the edit of an entry: what the files say of it, if anything, is in force again.

    Raises
    ------
    NoSuchEdit
        Where none is there.
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
        before, after = list(found), list(found)
        linked(merge(files, edits.values()), before)
        left = [edit for edit in edits.values() if edit.key != key]
        catalogue = linked(merge(files, left), after)
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
