"""Kept checks as a computation reads them: whole documents, the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

import orjson
from psycopg import Connection
from psycopg.rows import TupleRow

from providers.checks import OWNED, VISIBLE, unpack
from providers.editions import beginning_in_china

OWN: LiteralString = f"""
SELECT k.hash, (k.facts ->> 'parcels')::integer FROM onemap.kept_check k
WHERE EXISTS (SELECT FROM onemap.check_owner v WHERE v.hash = k.hash AND {OWNED})
  AND (%(since)s::timestamptz IS NULL OR k.kept_at >= %(since)s)
  AND k.facts -> 'ruleset' ->> 'id' = %(ruleset)s
  AND (%(profile)s::text IS NULL OR k.facts -> 'profile' ->> 'id' = %(profile)s)
ORDER BY k.kept_at DESC, k.hash LIMIT %(most)s
"""
BY_HASH: LiteralString = f"""
SELECT k.hash, (k.facts ->> 'parcels')::integer FROM onemap.kept_check k
WHERE k.hash = ANY(%(hashes)s) AND {VISIBLE}
  AND k.facts -> 'ruleset' ->> 'id' = %(ruleset)s
ORDER BY k.kept_at DESC, k.hash LIMIT %(most)s
"""
CONTENT: LiteralString = "SELECT content FROM onemap.kept_check WHERE hash = %(hash)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCheck:
    """A kept check, and how many parcels it has."""

    hash: str
    parcels: int


def past_checks(
    connection: Connection[TupleRow],
    eyes: Mapping[str, object],
    *,
    ruleset: str,
    hashes: Sequence[str] | None,
    since: date | None,
    profile: str | None,
    most: int,
) -> list[PastCheck]:
    """Kept checks by a rule set, the newest first: those named, else the caller's own.

    Whose a check is, and who may read one that is named, is what `providers.checks` says of *eyes*.
    """
    values = {
        **eyes,
        "ruleset": ruleset,
        "hashes": None if hashes is None else list(hashes),
        "since": None if since is None else beginning_in_china(since),
        "profile": profile,
        "most": most,
    }
    statement = OWN if hashes is None else BY_HASH
    rows = connection.execute(statement, values).fetchall()
    return [PastCheck(hash=name, parcels=count) for name, count in rows]


def past_document(connection: Connection[TupleRow], past: PastCheck) -> dict[str, Any]:
    """The whole document of one that `past_checks` told of."""
    row = connection.execute(CONTENT, {"hash": past.hash}).fetchone()
    assert row is not None  # kept for good, and in one snapshot
    document: dict[str, Any] = orjson.loads(unpack(bytes(row[0])))
    return document
