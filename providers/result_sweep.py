"""What results leave behind: tables and files of jobs that are dismissed, expired or lost."""

import asyncio
from contextlib import suppress
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from providers.database import Pools
from providers.result_files import ResultFiles
from providers.result_tables import drop_forgotten

TABLES_AT_ONCE = 200
# What an unfinished job's attempts write is its own; of an ended one what its results name stays.
WANTED: LiteralString = """
SELECT EXISTS (SELECT FROM onemap.job
               WHERE id = %(job)s AND status IN ('accepted', 'running')),
       array(SELECT split_part(file, '/', 2)::integer FROM onemap.job_result
             WHERE job = %(job)s AND file IS NOT NULL)
"""


async def sweep_results(pools: Pools, files: ResultFiles) -> None:
    """Remove what no result names any more."""
    async with pools.writing() as connection:
        with suppress(psycopg.errors.LockNotAvailable):  # somebody reads one: the next sweep
            async with connection.transaction():
                await drop_forgotten(connection, TABLES_AT_ONCE)
        for job in await asyncio.to_thread(lambda: list(files.jobs())):
            await _sweep_job(connection, files, job)


async def _sweep_job(connection: AsyncConnection[TupleRow], files: ResultFiles, job: UUID) -> None:
    row = await (await connection.execute(WANTED, {"job": job})).fetchone()
    unfinished, kept = row or (False, [])
    if unfinished:
        return
    if not kept:
        await asyncio.to_thread(files.forget, job)
        return
    for number in await asyncio.to_thread(lambda: list(files.attempts(job))):
        if number not in kept:
            await asyncio.to_thread(files.forget, job, number)
