"""Uploads: files that callers hand over for their own processes, for some days."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import LiteralString

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from providers.access import ANONYMOUS_ID
from providers.database import Pools
from providers.upload_store import UPLOAD_ID, Receiving, UploadLost, UploadStore, new_upload_id

SWEPT_AT_ONCE = 500
FILES = "/files/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What an operator lets each owner keep here; anonymous callers are one owner."""

    files: int
    bytes: int
    lifetime: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload; its content lies in the store under its id."""

    id: str
    owner: str
    name: str  # as it was handed over: shown, never a path
    media_type: str
    bytes: int
    sha256: str
    created: datetime
    expires: datetime

    @property
    def href(self) -> str:
        """As inputs of processes quote it."""
        return f"{FILES}{self.id}"


class QuotaReached(Exception):
    """The owner has as many uploads here as there may be of one owner."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(
            f"expected at most {limit} {what} of uploads of one owner; delete some with"
            f" DELETE {FILES}{{fileId}}, or wait until they expire"
        )
        self.what, self.limit = what, limit


COLUMNS: LiteralString = "id, owner, name, media_type, bytes, sha256, created_at, expires_at"
# An anonymous upload belongs to whoever knows its id.
VISIBLE: LiteralString = (
    f"id = %(id)s AND (owner = %(owner)s OR owner = '{ANONYMOUS_ID}') AND expires_at > now()"
)
FIND: LiteralString = f"SELECT {COLUMNS} FROM onemap.upload WHERE {VISIBLE}"
USED: LiteralString = """
SELECT count(*), coalesce(sum(bytes), 0) FROM onemap.upload
WHERE owner = %(owner)s AND expires_at > now()
"""
AGAIN: LiteralString = f"""
UPDATE onemap.upload SET expires_at = now() + %(lifetime)s
WHERE owner = %(owner)s AND owner <> '{ANONYMOUS_ID}' AND sha256 = %(sha256)s AND name = %(name)s
  AND media_type = %(media_type)s AND expires_at > now()
RETURNING {COLUMNS}
"""
# An expired row of the same content that was not swept yet would be in the way.
REPLACED: LiteralString = """
DELETE FROM onemap.upload
WHERE owner = %(owner)s AND sha256 = %(sha256)s AND name = %(name)s AND media_type = %(media_type)s
  AND expires_at <= now()
"""
INSERT: LiteralString = f"""
INSERT INTO onemap.upload (id, owner, name, media_type, bytes, sha256, expires_at)
VALUES (%(id)s, %(owner)s, %(name)s, %(media_type)s, %(bytes)s, %(sha256)s, now() + %(lifetime)s)
RETURNING {COLUMNS}
"""
# What expires while a computation reads it stays for as long as that may take.
EXPIRED: LiteralString = """
DELETE FROM onemap.upload WHERE id IN (
    SELECT id FROM onemap.upload WHERE expires_at <= now() - interval '1 day'
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""


async def check_quota(
    connection: AsyncConnection[TupleRow], owner: str, size: int, quota: Quota
) -> None:
    """QuotaReached where the owner may not have one more upload, of *size* bytes."""
    row = await (await connection.execute(USED, {"owner": owner})).fetchone()
    files, used = row or (0, 0)
    if files + 1 > quota.files:
        raise QuotaReached("files", quota.files)
    if used + size > quota.bytes:
        raise QuotaReached("bytes", quota.bytes)


async def put_upload(
    connection: AsyncConnection[TupleRow],
    store: UploadStore,
    received: Receiving,
    *,
    owner: str,
    name: str,
    media_type: str,
    quota: Quota,
) -> Upload:
    """Row and content at once; equal content of the same owner is the same upload, kept longer.

    The content gets its name last: only a commit that fails after that leaves it without a row,
    and as nobody can tell whether it did fail, it is left to `sweep_uploads`.
    """
    values = {
        "id": new_upload_id(),
        "owner": owner,
        "name": name,
        "media_type": media_type,
        "bytes": received.size,
        "sha256": received.sha256,
        "lifetime": quota.lifetime,
    }
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"onemap/uploads/{owner}",)
    )
    if row := await (await connection.execute(AGAIN, values)).fetchone():
        upload = _upload(row)
        await asyncio.to_thread(_restored, store, received, upload)
        return upload
    await check_quota(connection, owner, received.size, quota)
    await connection.execute(REPLACED, values)
    row = await (await connection.execute(INSERT, values)).fetchone()
    assert row is not None
    upload = _upload(row)
    await asyncio.to_thread(store.keep, received, upload.id)
    return upload


def _restored(store: UploadStore, received: Receiving, upload: Upload) -> None:
    """What the store has lost is here again."""
    try:
        store.path(upload.id, upload.bytes)
    except UploadLost:
        store.forget(upload.id)
        store.keep(received, upload.id)


async def find_upload(
    connection: AsyncConnection[TupleRow], upload: str, owner: str
) -> Upload | None:
    """The upload, where it is the caller's or anonymous and has not expired."""
    row = await (await connection.execute(FIND, {"id": upload, "owner": owner})).fetchone()
    return None if row is None else _upload(row)


def find_upload_now(connection: Connection[TupleRow], upload: str, owner: str) -> Upload | None:
    """The same for computations, whose owner is their job's."""
    row = connection.execute(FIND, {"id": upload, "owner": owner}).fetchone()
    return None if row is None else _upload(row)


async def delete_upload(
    connection: AsyncConnection[TupleRow], upload: str, owner: str
) -> Upload | None:
    """Delete the row of one's own upload; its content is forgotten after the commit."""
    statement = f"DELETE FROM onemap.upload WHERE {VISIBLE} RETURNING {COLUMNS}"
    row = await (await connection.execute(statement, {"id": upload, "owner": owner})).fetchone()
    return None if row is None else _upload(row)


async def sweep_uploads(pools: Pools, store: UploadStore) -> int:
    """Remove what has expired, and contents without a row; how many files went."""
    gone = 0
    while True:
        async with pools.writing() as connection:
            cursor = await connection.execute(EXPIRED, {"limit": SWEPT_AT_ONCE})
            expired = [str(row[0]) for row in await cursor.fetchall()]
        for upload in expired:
            store.forget(upload)
        gone += len(expired)
        if len(expired) < SWEPT_AT_ONCE:
            break
    for some in batched(await asyncio.to_thread(lambda: list(store.old())), SWEPT_AT_ONCE):
        async with pools.writing() as connection:
            cursor = await connection.execute(
                "SELECT id FROM onemap.upload WHERE id = ANY(%s)", (list(some),)
            )
            known = {str(row[0]) for row in await cursor.fetchall()}
        for upload in set(some) - known:
            store.forget(upload)
            gone += 1
    return gone


def upload_id(href: str, public_url: str) -> str | None:
    """The upload that a process input's `href` quotes; None where it is another address."""
    path = href.removeprefix(public_url)
    name = path.removeprefix(FILES)
    return name if name != path and UPLOAD_ID.fullmatch(name) else None


def _upload(row: TupleRow) -> Upload:
    return Upload(
        id=row[0],
        owner=row[1],
        name=row[2],
        media_type=row[3],
        bytes=row[4],
        sha256=row[5],
        created=row[6],
        expires=row[7],
    )
