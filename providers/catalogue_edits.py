"""Run-time edits of the catalogue: an append-only table beside the files, merged when read."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from config.loader import load_merged
from config.merging import Conflict, Edit
from config.model import Catalogue, Digests, Entry
from providers.database import DatabaseRole, connect

CHANNEL = "onemap_catalogue"  # says that the catalogue is to be read again
LOCK = "onemap/catalogue"  # held from reading to writing, so that no edit is made over another's


EDITS = """
SELECT kind, id, number, entry, base_digest, author, note, edited_at FROM onemap.catalogue_edit
"""
LATEST = """
SELECT DISTINCT ON (kind, id) kind, id, number, entry, base_digest, author, note, edited_at
FROM onemap.catalogue_edit
"""


def every_edit(connection: Connection[TupleRow]) -> list[Edit]:
    """All edits ever made, the first first."""
    return _edits(connection, EDITS + "ORDER BY number")


def latest_edits(connection: Connection[TupleRow]) -> list[Edit]:
    """The last word about each entry that was ever edited."""
    return _edits(connection, LATEST + "ORDER BY kind, id, number DESC")


def is_current(connection: Connection[TupleRow]) -> bool:
    """Whether the database knows edits; one of an earlier version has none."""
    return connection.execute("SELECT to_regclass('onemap.catalogue_edit')").fetchone() != (None,)


def _edits(connection: Connection[TupleRow], statement: LiteralString) -> list[Edit]:
    if not is_current(connection):
        return []
    return [
        Edit(
            kind=row[0],
            id=row[1],
            number=row[2],
            entry=row[3],
            base=row[4],
            author=row[5],
            note=row[6],
            edited_at=row[7],
        )
        for row in connection.execute(statement).fetchall()
    ]


def hold(connection: Connection[TupleRow]) -> None:
    """Make other writers of edits wait until this transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (LOCK,))


def record_edit(
    connection: Connection[TupleRow],
    *,
    kind: str,
    name: str,
    entry: Entry | None,
    base: str | None,
    author: str,
    note: str,
) -> int:
    """Add one edit, or a withdrawal where it has no entry; its number."""
    row = connection.execute(
        "INSERT INTO onemap.catalogue_edit (kind, id, entry, base_digest, author, note)"
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING number",
        (kind, name, None if entry is None else _as_json(entry), base, author, note),
    ).fetchone()
    assert row is not None
    return int(row[0])


def last_taken(connection: Connection[TupleRow]) -> Digests | None:
    """What was in the catalogue that was last put in force; None before the first."""
    row = connection.execute(
        "SELECT digests FROM onemap.catalogue_state ORDER BY number DESC LIMIT 1"
    ).fetchone()
    return None if row is None else row[0]


def announce(connection: Connection[TupleRow], catalogue: Catalogue) -> None:
    """Remember what is now in force, and tell servers and workers at the end of the transaction."""
    if last_taken(connection) != catalogue.digests:
        connection.execute(
            "INSERT INTO onemap.catalogue_state (digests) VALUES (%s)",
            (_as_json(catalogue.digests),),
        )
    connection.execute(f"NOTIFY {CHANNEL}")


def catalogue_in_force(
    connection: Connection[TupleRow], folders: Iterable[Path]
) -> tuple[Catalogue, tuple[Conflict, ...]]:
    """The catalogue of files and edits, and the edits that were set aside.

    Raises
    ------
    CatalogueError
        With all findings.
    """
    catalogue, merged = load_merged(folders, latest_edits(connection))
    return catalogue, merged.conflicts


def read_catalogue(url: str, folders: Sequence[Path]) -> tuple[Catalogue, tuple[Conflict, ...]]:
    """The same over a connection of its own, with a reader's rights; blocks."""
    with connect(url, DatabaseRole.READER) as connection:
        return catalogue_in_force(connection, folders)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
