"""What results leave behind: tables and files of jobs that are dismissed, expired or lost.

Each table goes in a transaction of its own, and files go outside of any: a sweep that is killed
has done what it did, and the next one does the rest.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import LiteralString
from uuid import UUID

from providers.database import Pools
from providers.result_files import ResultFiles
from providers.result_tables import drop_table, forgotten_tables

TABLES_AT_ONCE, JOBS_AT_ONCE = 200, 500
# What an unfinished job's attempts write is its own; of an ended one what its results name stays.
WANTED: LiteralString = """
SELECT id, status IN ('accepted', 'running'),
       array(SELECT file FROM onemap.job_result WHERE job = id AND file IS NOT NULL)
FROM onemap.job WHERE id = ANY(%(jobs)s)
"""


async def sweep_results(pools: Pools, files: ResultFiles) -> None:
    """Remove what no result names any more."""
    async with pools.writing() as connection:
        tables = await forgotten_tables(connection, TABLES_AT_ONCE)
    for table in tables:
        async with pools.writing() as connection:
            await drop_table(connection, table)
    for jobs in batched(await asyncio.to_thread(lambda: list(files.jobs())), JOBS_AT_ONCE):
        wanted = await _wanted(pools, jobs)
        for job in jobs:
            if (kept := wanted.get(job, frozenset())) is not None:
                await asyncio.to_thread(files.keep_only, job, kept)


async def _wanted(pools: Pools, jobs: Sequence[UUID]) -> Mapping[UUID, frozenset[str] | None]:
    """The files that the results of each job name; None: the job has not ended."""
    async with pools.writing() as connection:
        rows = await (await connection.execute(WANTED, {"jobs": list(jobs)})).fetchall()
    return {job: None if unfinished else frozenset(kept) for job, unfinished, kept in rows}
