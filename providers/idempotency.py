"""Requests sent twice: under one idempotency key they make one job."""

from dataclasses import replace
from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from providers.access import ANONYMOUS_ID
from providers.job_records import COLUMNS, Job, Once, job_from

# Anonymous callers are one owner but do not know one another: their keys count with the request.
BEFORE: LiteralString = f"""
SELECT {COLUMNS}, once_digest FROM onemap.job
WHERE owner = %(owner)s AND once_key = %(key)s
  AND created_at > clock_timestamp() - interval '24 hours' AND status <> 'dismissed'
  AND (owner <> '{ANONYMOUS_ID}' OR once_digest = %(digest)s)
ORDER BY created_at DESC LIMIT 1
"""


class KeyReused(Exception):
    """An idempotency key stands for another request already."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the Idempotency-Key {key!r} was sent with another request before")
        self.key = key


async def made_before(connection: AsyncConnection[TupleRow], once: Once, owner: str) -> Job | None:
    """The job that the same request of the same owner made within the last 24 hours.

    What is asked at the same time waits for the end of this transaction. KeyReused where the key came
    with another request.
    """
    values = {"owner": owner, "key": once.key, "digest": once.digest}
    lock = f"onemap/once/{owner}/{once.key}"
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,))
    row = await (await connection.execute(BEFORE, values)).fetchone()
    if row is None:
        return None
    if bytes(row[-1]) != once.digest:
        raise KeyReused(once.key)
    return replace(job_from(row), repeated=True)
