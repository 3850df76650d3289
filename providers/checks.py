"""Compliance checks that are kept: written with their job's result, read by their owners."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import zstandard
from psycopg import AsyncConnection
from psycopg import Connection as SyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from providers.access import ANONYMOUS_ID, Principal, Scope
from providers.database import Pools
from providers.errors import BadParameter

SEE_ALL = "checks:all"  # the function of those who look after the archive
SIGN = "sign"  # the function of those who conclude
SWEPT_AT_ONCE = 200
HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PART_BYTES = 256 * 1024
LEVEL = 3  # of compression; the next ones take far longer and save little
type Connection = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCheck:
    """A check's document, compressed, and what lists and verification tell of it."""

    hash: str
    facts: Mapping[str, Any]
    content: bytes  # zstd
    bytes: int  # of the document itself


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """A kept check without its document."""

    hash: str
    facts: Mapping[str, Any]
    bytes: int
    kept: datetime
    seen: datetime  # when its owner had it first
    opinions: int
    conclusion: str | None  # of the newest opinion


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPage:
    """Checks, newest first, and the cursor of the next page."""

    checks: tuple[CheckRecord, ...]
    cursor: str | None


KEEP: LiteralString = """
INSERT INTO onemap.kept_check (hash, facts, content, bytes)
VALUES (%(hash)s, %(facts)s, %(content)s, %(bytes)s)
ON CONFLICT DO NOTHING
"""
# Without a key each time counts, for how long the check is kept; with one the first.
OWN: LiteralString = """
INSERT INTO onemap.check_owner (hash, owner, organisation, person, job)
SELECT %(hash)s, j.owner, coalesce(a.organisation, ''), coalesce(a.person, ''), j.id
FROM onemap.job j LEFT JOIN onemap.api_key a ON a.id = j.owner
WHERE j.id = %(job)s AND (j.owner = %(anonymous)s OR NOT EXISTS (
    SELECT FROM onemap.check_owner o WHERE o.hash = %(hash)s AND o.owner = j.owner))
ON CONFLICT DO NOTHING
"""
# Who keeps, signs or removes waits for who does so with the same check.
ALONE: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended('check:' || %s, 0))"
# The caller's own: by this key, or by another key of the same person.
OWNED: LiteralString = """(v.owner <> %(anonymous)s AND (v.owner = %(owner)s
    OR (v.organisation = %(organisation)s AND v.person = %(person)s AND v.person <> '')))"""
# Whoever may sign reads what others of the same organisation made, by its hash.
ENTITLED: LiteralString = f"""({OWNED} OR (%(signs)s AND v.owner <> %(anonymous)s
    AND v.organisation = %(organisation)s AND v.organisation <> ''))"""
# A check that somebody made without a key is open to whoever knows its hash.
VISIBLE: LiteralString = f"""(%(all)s OR EXISTS (
    SELECT FROM onemap.check_owner v
    WHERE v.hash = k.hash AND (v.owner = %(anonymous)s OR {ENTITLED})))"""
RECORD: LiteralString = """
    k.hash, k.facts, k.bytes, k.kept_at, coalesce(o.seen_at, k.kept_at),
    (SELECT count(*) FROM onemap.opinion p WHERE p.of_check = k.hash),
    (SELECT p.content ->> 'conclusion' FROM onemap.opinion p WHERE p.of_check = k.hash
     ORDER BY p.number DESC LIMIT 1)
"""
FIND: LiteralString = f"""
SELECT {RECORD} FROM onemap.kept_check k CROSS JOIN LATERAL (
    SELECT min(v.seen_at) AS seen_at FROM onemap.check_owner v WHERE v.hash = k.hash AND {OWNED}) o
WHERE k.hash = %(hash)s AND {VISIBLE}
"""
CONTENT: LiteralString = f"""
SELECT k.content FROM onemap.kept_check k WHERE k.hash = %(hash)s AND {VISIBLE}
"""
LIST: LiteralString = f"""
SELECT {RECORD} FROM (
    SELECT v.hash, min(v.seen_at) AS seen_at FROM onemap.check_owner v WHERE {OWNED}
    GROUP BY v.hash) o
JOIN onemap.kept_check k ON k.hash = o.hash
WHERE %(seen)s::timestamptz IS NULL OR (o.seen_at, o.hash) < (%(seen)s, %(last)s)
ORDER BY o.seen_at DESC, o.hash DESC LIMIT %(limit)s
"""
# What verification tells is told to everybody who knows the hash.
KNOWN: LiteralString = "SELECT facts, kept_at FROM onemap.kept_check WHERE hash = %s"
REMOVED: LiteralString = """
SELECT kind, removed_at FROM onemap.removed_check WHERE hash = %s ORDER BY removed_at DESC LIMIT 1
"""
EXPIRED: LiteralString = "SELECT onemap.drop_expired_checks(%s, %s)"
REMOVE: LiteralString = "SELECT onemap.remove_check(%s, %s, %s)"


def pack(document: bytes) -> bytes:
    """A document as it is kept."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(document)


def unpack(content: bytes) -> bytes:
    """A kept document as it was."""
    return zstandard.ZstdDecompressor().decompress(content)


def unpacking(content: bytes) -> Iterator[bytes]:
    """A kept document as it was, part by part."""
    yield from zstandard.ZstdDecompressor().read_to_iter(content, write_size=PART_BYTES)


async def keep_check(connection: Connection, job: UUID, check: KeptCheck) -> None:
    """Keep what a job made, in the connection's own transaction; an equal one is there once.

    The job's owner has it from now on.
    """
    await alone(connection, check.hash)
    values = {
        "job": job,
        "anonymous": ANONYMOUS_ID,
        "hash": check.hash,
        "facts": Jsonb(dict(check.facts)),
        "content": check.content,
        "bytes": check.bytes,
    }
    await connection.execute(KEEP, values, binary=True)
    await connection.execute(OWN, values)


async def find_check(connection: Connection, name: str, principal: Principal) -> CheckRecord | None:
    """A check that the caller may see."""
    values = {"hash": name, **eyes(principal)}
    row = await (await connection.execute(FIND, values)).fetchone()
    return None if row is None else _record(row)


async def check_content(connection: Connection, name: str, principal: Principal) -> bytes | None:
    """The packed document of a check that the caller may see."""
    values = {"hash": name, **eyes(principal)}
    row = await (await connection.execute(CONTENT, values, binary=True)).fetchone()
    return None if row is None else bytes(row[0])


async def list_checks(
    connection: Connection,
    principal: Principal,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> CheckPage:
    """One page of the caller's own checks, newest first; without a key there are none."""
    seen, last = after or (None, None)
    values = {"limit": limit + 1, "seen": seen, "last": last, **eyes(principal)}
    rows = await (await connection.execute(LIST, values)).fetchall()
    checks = tuple(map(_record, rows[:limit]))
    return CheckPage(checks=checks, cursor=cursor(checks[-1]) if len(rows) > limit else None)


async def known_check(
    connection: Connection, name: str
) -> tuple[Mapping[str, Any], datetime] | None:
    """What is known of a check, and since when it is kept: for verification, which tells a part."""
    row = await (await connection.execute(KNOWN, (name,))).fetchone()
    return None if row is None else (row[0], row[1])


async def alone(connection: Connection, name: str) -> None:
    """Nobody else keeps, signs or removes this check until the transaction ends."""
    await connection.execute(ALONE, (name,))


async def known_removal(connection: Connection, name: str) -> tuple[str, datetime] | None:
    """What kind of record of this hash was removed by an administrator, and when."""
    row = await (await connection.execute(REMOVED, (name,))).fetchone()
    return None if row is None else (row[0], row[1])


async def sweep_checks(pools: Pools, keep: timedelta) -> int:
    """Drop checks that were only made without a key, longer ago than *keep*, and nobody signed on."""
    async with pools.writing() as connection:
        row = await (await connection.execute(EXPIRED, (keep, SWEPT_AT_ONCE))).fetchone()
    return int(row[0]) if row else 0


def remove_check(connection: SyncConnection[TupleRow], name: str, by: str, reason: str) -> int:
    """Remove a check and the opinions on it, as the tables' owner; how many records there were."""
    row = connection.execute(REMOVE, (name, by, reason)).fetchone()
    return int(row[0]) if row else 0


def eyes(principal: Principal) -> dict[str, object]:
    """Whose checks a principal sees."""
    return eyes_of(principal.id, principal.organisation, principal.person, principal.scope)


def eyes_of(owner: str, organisation: str, person: str, scope: Scope) -> dict[str, object]:
    """Whose checks a key sees that names this organisation and person."""
    keyed = owner != ANONYMOUS_ID
    return {
        "owner": owner,
        "organisation": organisation,
        "person": person,
        "anonymous": ANONYMOUS_ID,
        "signs": keyed and scope.may(SIGN),
        "all": keyed and scope.may(SEE_ALL),
    }


def cursor(check: CheckRecord) -> str:
    """Where the page after *check* begins."""
    micros = (check.seen - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{micros}.{check.hash}".encode()).decode().rstrip("=")


def parse_cursor(text: str) -> tuple[datetime, str]:
    """A cursor that `cursor` made."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        micros, _, name = plain.partition(".")
        seen = EPOCH + timedelta(microseconds=int(micros))
        if not HASH.fullmatch(name):
            raise ValueError(name)
        return seen, name
    except (ValueError, binascii.Error, OverflowError):
        raise BadParameter("cursor", text, "a cursor from a next link") from None


def _record(row: TupleRow) -> CheckRecord:
    return CheckRecord(
        hash=row[0],
        facts=row[1],
        bytes=row[2],
        kept=row[3],
        seen=row[4],
        opinions=row[5],
        conclusion=row[6],
    )
