"""Opinions that named persons signed on kept checks: added one after the other, none overwritten."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import orjson
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from providers.access import Principal
from providers.checks import ENTITLED, eyes

type Connection = AsyncConnection[TupleRow]
type Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOpinion:
    """An opinion, what is known of its check, and the opinions that followed it."""

    document: Document
    facts: Mapping[str, Any]  # of the check
    followed_by: tuple[Mapping[str, Any], ...]  # later, on any of its parcels (None: all)


ADD: LiteralString = """
INSERT INTO onemap.opinion (id, hash, of_check, number, supersedes, content)
SELECT %(id)s, %(hash)s, %(check)s, count(*) + 1, %(supersedes)s, %(content)s::json
FROM onemap.opinion WHERE of_check = %(check)s
"""
# In full it is for who signed it, for who had the check before it, and for colleagues who sign:
# whoever makes an equal check later has the check, and not what others said on it.
IN_FULL: LiteralString = f"""(%(all)s
    OR (NOT %(owner)s = %(anonymous)s AND (p.content ->> 'key' = %(owner)s
        OR (p.content ->> 'organisation' = %(organisation)s AND %(organisation)s <> ''
            AND (%(signs)s OR p.content ->> 'signed_by' = %(person)s))))
    OR EXISTS (SELECT FROM onemap.check_owner v
               WHERE v.hash = p.of_check AND v.seen_at < p.added_at AND {ENTITLED}))"""
OF_CHECK: LiteralString = """
SELECT content::text FROM onemap.opinion WHERE of_check = %s ORDER BY number
"""
OF_CHECK_FOR: LiteralString = f"""
SELECT p.content::text, {IN_FULL} FROM onemap.opinion p WHERE p.of_check = %(check)s
ORDER BY p.number
"""
FIND: LiteralString = f"""
SELECT p.content::text FROM onemap.opinion p WHERE p.id = %(id)s AND {IN_FULL}
"""
KNOWN: LiteralString = """
SELECT p.content::text, k.facts, ARRAY(
    SELECT jsonb_build_object('hash', l.hash, 'of_parcels', l.content -> 'parcels')
    FROM onemap.opinion l WHERE l.of_check = p.of_check AND l.number > p.number ORDER BY l.number)
FROM onemap.opinion p JOIN onemap.kept_check k ON k.hash = p.of_check
WHERE p.hash = %s
"""


async def add_opinion(connection: Connection, document: Document) -> None:
    """Keep a signed opinion, in the connection's own transaction."""
    values = {
        "id": UUID(document["id"]),
        "hash": document["hash"],
        "check": document["check"],
        "supersedes": document["supersedes"],
        "content": orjson.dumps(dict(document)).decode(),
    }
    await connection.execute(ADD, values)


async def opinions_of(connection: Connection, check: str) -> list[dict[str, Any]]:
    """The opinions on a check, oldest first: for who signs and for verification."""
    rows = await (await connection.execute(OF_CHECK, (check,))).fetchall()
    return [orjson.loads(row[0]) for row in rows]


async def opinions_for(
    connection: Connection, check: str, principal: Principal
) -> list[tuple[dict[str, Any], bool]]:
    """The opinions on a check, oldest first, and whether the caller may see each in full."""
    values = {"check": check, **eyes(principal)}
    rows = await (await connection.execute(OF_CHECK_FOR, values)).fetchall()
    return [(orjson.loads(row[0]), row[1]) for row in rows]


async def find_opinion(
    connection: Connection, name: UUID, principal: Principal
) -> dict[str, Any] | None:
    """An opinion that the caller may see in full."""
    values = {"id": name, **eyes(principal)}
    row = await (await connection.execute(FIND, values)).fetchone()
    return None if row is None else orjson.loads(row[0])


async def known_opinion(connection: Connection, name: str) -> KnownOpinion | None:
    """The opinion of a hash: for verification, which tells a part."""
    row = await (await connection.execute(KNOWN, (name,))).fetchone()
    if row is None:
        return None
    document = orjson.loads(row[0])
    later = tuple(one for one in row[2] if _meet(document["parcels"], one["of_parcels"]))
    return KnownOpinion(document=document, facts=row[1], followed_by=later)


def superseded(opinions: Sequence[Document], parcels: Iterable[int]) -> Document | None:
    """The newest of *opinions* that speaks of any of these parcels."""
    asked = tuple(parcels)
    return next((one for one in reversed(opinions) if _meet(asked, one["parcels"])), None)


def _meet(some: Sequence[int] | None, others: Sequence[int] | None) -> bool:
    """Whether two opinions speak of a common parcel; None: of all."""
    return some is None or others is None or not frozenset(some).isdisjoint(others)
