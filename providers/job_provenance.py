"""What is kept of how a job came about: who asked for what, what was read, what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from providers.access import ANONYMOUS_ID, Principal
from providers.database import Pools
from providers.job_records import JobStatus
from providers.jobs import VISIBLE, NoSuchJob, eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One output: what it is, and the digest of its bytes where they are still here."""

    output: str
    media_type: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    collection: str | None = None  # the layer that it has become


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a job came about, as far as it has come."""

    job: UUID
    process: str
    process_version: str
    anonymous: bool
    organisation: str
    person: str
    status: JobStatus
    inputs: Mapping[str, Any]  # as asked: values, and references to features
    asked: Sequence[str]  # the outputs that are wanted
    by_reference: Sequence[str]
    as_collection: Sequence[str]
    catalogue: str  # digest of the catalogue under which it was computed, else accepted
    software: str | None  # name and version; None before it has been computed
    read: Sequence[Mapping[str, Any]]
    outputs: Sequence[Made]  # none before the job has succeeded
    created: datetime
    started: datetime | None
    finished: datetime | None


FIND: LiteralString = f"""
SELECT id, process, process_version, owner, organisation, person, status, inputs, catalogue,
       lineage, outputs, by_reference, as_collection, created_at, started_at, finished_at
FROM onemap.job WHERE id = %(id)s AND {VISIBLE}
"""
MADE: LiteralString = """
SELECT output, media_type, coalesce(bytes, octet_length(value)),
       coalesce(sha256, encode(sha256(value), 'hex')), layer
FROM onemap.job_result WHERE job = %(id)s
"""


async def origin_of(pools: Pools, name: UUID, principal: Principal) -> Origin:
    """How the job came about, if this caller may see it; NoSuchJob else."""
    values = {"id": name, **eyes(principal)}
    async with pools.writing() as connection:
        row = await (await connection.execute(FIND, values)).fetchone()
        if row is None:
            raise NoSuchJob(name)
        rows = await (await connection.execute(MADE, {"id": name})).fetchall()
    known = {
        r[0]: Made(output=r[0], media_type=r[1], bytes=r[2], sha256=r[3], collection=r[4])
        for r in rows
    }
    status, lineage = JobStatus(row[6]), row[9] or {}
    outputs = row[10] if status is JobStatus.SUCCESSFUL else ()
    return Origin(
        job=row[0],
        process=row[1],
        process_version=row[2],
        anonymous=row[3] == ANONYMOUS_ID,
        organisation=row[4],
        person=row[5],
        status=status,
        inputs=row[7],
        asked=row[10],
        by_reference=row[11],
        as_collection=row[12],
        catalogue=lineage.get("catalogue", row[8]),
        software=lineage.get("software"),
        read=lineage.get("read", ()),
        outputs=[known.get(output, Made(output=output)) for output in outputs],
        created=row[13],
        started=row[14],
        finished=row[15],
    )
