"""The log of revisions: what was recorded when, by whom, from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from config.vocabulary import EditionKey, LayerId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRevision:
    """One revision as it was written down."""

    layer: LayerId
    edition: EditionKey
    number: int
    kind: str
    recorded_at: datetime
    author: str
    note: str
    features: int
    added: int
    changed: int
    removed: int
    source: Mapping[str, Any]


def list_revisions(
    connection: Connection[TupleRow], layer: str, edition: str | None
) -> list[RecordedRevision]:
    """The revisions of a layer or of one of its editions, the newest first."""
    rows = connection.execute(
        "SELECT layer, edition, number, kind, recorded_at, author, note, features, added, changed,"
        " removed, source FROM onemap.revision WHERE layer = %(layer)s"
        " AND (%(edition)s::text IS NULL OR edition = %(edition)s)"
        " ORDER BY recorded_at DESC, edition, number DESC",
        {"layer": layer, "edition": edition},
    ).fetchall()
    return [
        RecordedRevision(
            layer=LayerId(r[0]),
            edition=EditionKey(r[1]),
            number=r[2],
            kind=r[3],
            recorded_at=r[4],
            author=r[5],
            note=r[6],
            features=r[7],
            added=r[8],
            changed=r[9],
            removed=r[10],
            source=r[11],
        )
        for r in rows
    ]


def revision_at(
    connection: Connection[TupleRow],
    layer: LayerId,
    edition: EditionKey,
    *,
    number: int | None,
    moment: datetime,
) -> int | None:
    """The edition's revision of this number, or the newest recorded by a moment; None: there is none."""
    row = connection.execute(
        "SELECT max(number) FROM onemap.revision WHERE layer = %(layer)s AND edition = %(edition)s"
        " AND CASE WHEN %(number)s::int IS NULL THEN recorded_at <= %(moment)s"
        " ELSE number = %(number)s END",
        {"layer": layer, "edition": edition, "number": number, "moment": moment},
    ).fetchone()
    return None if row is None else row[0]
