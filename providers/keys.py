"""API keys and page sessions: stored as digests, shown once."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

KEY_PATTERN = re.compile(r"om_([a-z0-9]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
SESSION_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """Who a key stands for; the secret is not in it."""

    id: str
    organisation: str
    person: str
    role: str
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A page session: the cookie's token is known only to the browser."""

    record: KeyRecord
    csrf: str


# A key's secret is 256 random bits: a fast digest is enough, there is nothing to guess.
def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def new_key(
    connection: Connection[TupleRow], record: KeyRecord, expires_at: datetime | None
) -> str:
    """Create a key for *record* (its id is given here) and return its text, which is not stored."""
    name, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    put_key(connection, replace(record, id=name), secret, expires_at)
    return f"om_{name}_{secret}"


def put_key(
    connection: Connection[TupleRow],
    record: KeyRecord,
    secret: str,
    expires_at: datetime | None = None,
) -> None:
    """Store a key's digest and whom it stands for; a key of the same id is in force again."""
    connection.execute(  # whoever was in by an earlier key of this id is out
        "DELETE FROM onemap.session WHERE key_id = %s AND EXISTS (SELECT FROM onemap.api_key"
        " WHERE id = %s AND (digest <> %s OR revoked_at IS NOT NULL))",
        (record.id, record.id, digest(secret)),
    )
    connection.execute(
        "INSERT INTO onemap.api_key (id, digest, organisation, person, role, regions, expires_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, role = excluded.role,"
        " organisation = excluded.organisation, person = excluded.person,"
        " regions = excluded.regions, expires_at = excluded.expires_at, revoked_at = NULL",
        (
            record.id,
            digest(secret),
            record.organisation,
            record.person,
            record.role,
            list(record.regions),
            expires_at,
        ),
    )


def split_key(text: str) -> tuple[str, str]:
    """The id and the secret of a key's text; ValueError where it is none."""
    match = KEY_PATTERN.fullmatch(text)
    if match is None:
        raise ValueError("expected om_<id>_<secret>")
    return match[1], match[2]


def list_keys(connection: Connection[TupleRow]) -> list[KeyRecord]:
    """The keys in force, oldest first."""
    rows = connection.execute(
        "SELECT id, organisation, person, role, regions FROM onemap.api_key"
        " WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
        " ORDER BY created_at, id"
    ).fetchall()
    return [_record(row) for row in rows]


def revoke_key(connection: Connection[TupleRow], name: str) -> bool:
    """End a key; its sessions end with it. Whether there was one in force."""
    ended = connection.execute(
        "UPDATE onemap.api_key SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL", (name,)
    )
    return ended.rowcount == 1


async def find_key(connection: AsyncConnection[TupleRow], text: str) -> KeyRecord | None:
    """The record of a key in force; None for anything else."""
    try:
        name, secret = split_key(text)
    except ValueError:
        return None
    row = await (
        await connection.execute(
            "SELECT id, organisation, person, role, regions, digest FROM onemap.api_key"
            " WHERE id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
            (name,),
        )
    ).fetchone()
    if row is None or not hmac.compare_digest(bytes(row[5]), digest(secret)):
        return None
    return _record(row)


async def find_record(connection: AsyncConnection[TupleRow], name: str) -> KeyRecord | None:
    """The record of a key in force, by its id: for what is done in its name."""
    row = await (
        await connection.execute(
            "SELECT id, organisation, person, role, regions FROM onemap.api_key"
            " WHERE id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
            (name,),
        )
    ).fetchone()
    return None if row is None else _record(row)


async def open_session(
    connection: AsyncConnection[TupleRow], record: KeyRecord
) -> tuple[str, Session]:
    """A new session for a key: the cookie's token, and the session with its CSRF token."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    await connection.execute("DELETE FROM onemap.session WHERE expires_at < now()")
    await connection.execute(
        "INSERT INTO onemap.session (digest, key_id, csrf, expires_at) VALUES (%s, %s, %s, now() + %s)",
        (digest(token), record.id, csrf, SESSION_LIFETIME),
    )
    return token, Session(record=record, csrf=csrf)


async def find_session(connection: AsyncConnection[TupleRow], token: str) -> Session | None:
    """The live session of a cookie, if its key is still in force."""
    row = await (
        await connection.execute(
            "SELECT k.id, k.organisation, k.person, k.role, k.regions, s.csrf"
            " FROM onemap.session s JOIN onemap.api_key k ON k.id = s.key_id"
            " WHERE s.digest = %s AND s.expires_at > now() AND k.revoked_at IS NULL"
            " AND (k.expires_at IS NULL OR k.expires_at > now())",
            (digest(token),),
        )
    ).fetchone()
    return None if row is None else Session(record=_record(row), csrf=row[5])


async def close_session(connection: AsyncConnection[TupleRow], token: str) -> None:
    await connection.execute("DELETE FROM onemap.session WHERE digest = %s", (digest(token),))


def _record(row: TupleRow) -> KeyRecord:
    return KeyRecord(
        id=row[0], organisation=row[1], person=row[2], role=row[3], regions=tuple(row[4])
    )
