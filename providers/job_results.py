"""What a job gave: a value in its row, a file, or a layer; written in the job's own transaction."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from config.vocabulary import Text
from providers.checks import KeptCheck, keep_check
from providers.job_records import Result
from providers.result_files import KeptFile
from providers.result_layers import Description
from providers.result_tables import fill

STORAGE_FULL = {
    "reason": "storage_full",
    "detail": "There is no room for the results; expected free space where they are kept.",
}
COMMIT_TIMEOUT_MS = 600_000  # a table of a million rows takes a while


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """One output's value, as a file of the store."""

    output: str
    media_type: str
    kept: KeptFile


@dataclass(frozen=True, slots=True, kw_only=True)
class TableResult:
    """One output's features, spooled as rows of a table that is to be made."""

    output: str
    spool: Path
    said: Description
    features: int
    extent: tuple[float, float, float, float] | None  # west, south, east, north in degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """One output's features, as the layer that they have become."""

    output: str
    layer: str
    title: Text


type Made = Result | FileResult | TableResult | KeptCheck  # the last beside the outputs
type Kept = Result | FileResult | LayerResult

INSERT: LiteralString = """
INSERT INTO onemap.job_result (job, output, media_type, value, file, bytes, sha256, layer)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
SELECT: LiteralString = """
SELECT r.output, r.media_type, r.value, r.file, r.bytes, r.sha256, r.layer, l.said -> 'title'
FROM onemap.job_result r LEFT JOIN onemap.result_layer l ON l.id = r.layer
WHERE r.job = %s
"""
FORGET: tuple[LiteralString, ...] = (
    "DELETE FROM onemap.job_result WHERE job = %s",
    "DELETE FROM onemap.result_layer WHERE job = %s",
)


async def write_results(
    connection: AsyncConnection[TupleRow], job: UUID, results: Sequence[Made]
) -> None:
    """Tables and rows, in the connection's own transaction."""
    await connection.execute(f"SET LOCAL statement_timeout = {COMMIT_TIMEOUT_MS:d}".encode())
    for one in results:
        value = file = size = sha256 = layer = None
        media_type = "application/json"
        match one:
            case KeptCheck():
                await keep_check(connection, job, one)
                continue
            case Result():
                media_type, value = one.media_type, one.value
            case FileResult():
                media_type, kept = one.media_type, one.kept
                file, size, sha256 = kept.file, kept.bytes, kept.sha256
            case TableResult():
                layer = await fill(
                    connection,
                    job,
                    one.output,
                    one.said,
                    spool=one.spool,
                    features=one.features,
                    extent=one.extent,
                )
        row = (job, one.output, media_type, value, file, size, sha256, layer)
        await connection.execute(INSERT, row)


async def forget_spools(results: Sequence[Made]) -> None:
    """Remove the rows that have become tables; what cannot be removed now is left to the sweep."""
    for one in results:
        if isinstance(one, TableResult):
            with suppress(OSError):
                await asyncio.to_thread(one.spool.unlink)


async def read_results(connection: AsyncConnection[TupleRow], job: UUID) -> dict[str, Kept]:
    """The results of a job by output; large values stay where they are."""
    rows = await (await connection.execute(SELECT, (job,))).fetchall()
    return {row[0]: _kept(row) for row in rows}


async def forget_results(connection: AsyncConnection[TupleRow], job: UUID) -> None:
    """The results are nobody's any more; tables and files go with the next sweep."""
    for statement in FORGET:
        await connection.execute(statement, (job,))


def _kept(row: TupleRow) -> Kept:
    output, media_type, value, file, size, sha256, layer, title = row
    if layer is not None:
        return LayerResult(output=output, layer=layer, title=Text(**title))
    if file is not None:
        kept = KeptFile(file=file, bytes=size, sha256=sha256)
        return FileResult(output=output, media_type=media_type, kept=kept)
    return Result(output=output, media_type=media_type, value=bytes(value))
