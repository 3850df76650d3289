"""What results leave behind goes in short steps, and what is still named stays."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from config.vocabulary import Classification, FieldType, GeometryKind, Text
from providers.access import ALL, Principal, Scope
from providers.database import Pools, open_pools
from providers.job_attempts import AttemptStore
from providers.job_records import NewJob
from providers.job_results import FileResult, TableResult
from providers.jobs import JobStore, open_jobs
from providers.result_files import AttemptFolder, ResultFiles
from providers.result_layers import Description, result_id
from providers.result_sweep import sweep_results

SCOPE = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL)
SURVEYOR = Principal(
    id="e" * 12, organisation="测试单位", person="测试员", role="surveyor", scope=SCOPE
)
NOTHING = Text(zh="", en="")
SAID = Description(
    title=Text(zh="点", en="Points"),
    description=NOTHING,
    geometry=GeometryKind.POINT,
    fields=(("n", FieldType.INTEGER),),
    synthetic=False,
)
ROW = b"1\tone\thash\t7\t\\N\n"
type Work = Callable[[JobStore, AttemptStore, Pools], Awaitable[None]]


class Killed(Exception):
    """What happens to a process, as far as a test can tell."""


@dataclass(frozen=True, slots=True)
class KilledAfterOne(ResultFiles):
    """Files of a process that is killed when it has tidied up one job; it tells of transactions."""

    url: str
    done: list[UUID]
    in_transactions: list[int]

    def keep_only(self, job: UUID, kept: Collection[str]) -> None:
        """Once."""
        if self.done:
            raise Killed
        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%'"
            ).fetchone()
        self.in_transactions.append(row[0] if row else -1)
        ResultFiles.keep_only(self, job, kept)
        self.done.append(job)


@pytest.fixture
def files(tmp_path: Path) -> ResultFiles:
    return ResultFiles.within(tmp_path)


def with_stores(url: str, work: Work) -> None:
    async def run() -> None:
        async with open_pools(url) as pools, open_jobs(url, pools) as jobs:
            await work(jobs, AttemptStore(pools), pools)

    asyncio.run(run())


async def ended(jobs: JobStore, attempts: AttemptStore, files: ResultFiles) -> AttemptFolder:
    """Where a job has written that ended with a layer and a file."""
    new = NewJob(
        process="buffer",
        process_version="1",
        inputs={},
        outputs=("features", "report"),
        response="document",
        catalogue="",
        per_owner=100,
        as_collection=("features",),
    )
    job = await jobs.submit(new, SURVEYOR)
    attempt = await attempts.start(job.id)
    assert attempt is not None
    folder = files.of(job.id, attempt.number)
    kept = folder.keep("report", b"{}")
    with folder.writing("features.rows") as spool:
        spool.write(ROW)
    made = (
        FileResult(output="report", media_type="application/json", kept=kept),
        TableResult(
            output="features",
            spool=folder.path("features.rows"),
            said=SAID,
            features=1,
            extent=None,
        ),
    )
    assert await attempts.finish(attempt, made, {})
    return folder


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'result'::regnamespace"
            " AND relkind = 'r'"
        )
        return {name for (name,) in rows}


def test_rows_on_their_way_to_a_table_are_gone_once_it_is_made(
    database_url: str, files: ResultFiles
) -> None:
    async def work(jobs: JobStore, attempts: AttemptStore, _: Pools) -> None:
        folder = await ended(jobs, attempts, files)
        assert [path.name for path in folder.path("").iterdir()] == ["report"]

    with_stores(database_url, work)


def test_beside_the_files_that_results_name_nothing_stays(
    database_url: str, files: ResultFiles
) -> None:
    """As where a worker was killed between the commit and the removal, or an attempt was lost."""

    async def work(jobs: JobStore, attempts: AttemptStore, pools: Pools) -> None:
        folder = await ended(jobs, attempts, files)
        with folder.writing("features.rows") as spool:
            spool.write(ROW)
        files.of(folder.job, 7).keep("report", b"lost")
        unfinished = await jobs.submit(
            NewJob(
                process="buffer",
                process_version="1",
                inputs={},
                outputs=("report",),
                response="raw",
                catalogue="",
                per_owner=100,
            ),
            SURVEYOR,
        )
        files.of(unfinished.id, 1).keep("report", b"under way")
        for _ in range(2):
            await sweep_results(pools, files)
            left = {p.relative_to(files.root) for p in files.root.rglob("*") if p.is_file()}
            assert left == {
                Path(folder.name) / "report",
                Path(unfinished.id.hex) / "1" / "report",
            }
            assert list(files.attempts(folder.job)) == [folder.number]

    with_stores(database_url, work)


def test_a_sweep_that_is_killed_has_done_what_it_did_and_holds_no_transaction_over_files(
    database_url: str, files: ResultFiles
) -> None:
    async def work(jobs: JobStore, attempts: AttemptStore, pools: Pools) -> None:
        gone = [(await ended(jobs, attempts, files)).job for _ in range(3)]
        for job in gone:
            await jobs.dismiss(job, SURVEYOR)
        killed = KilledAfterOne(files.root, database_url, [], [])
        with pytest.raises(Killed):
            await sweep_results(pools, killed)
        assert killed.in_transactions == [0]
        assert set(files.jobs()) == set(gone) - set(killed.done)
        assert tables(database_url) == set()
        await sweep_results(pools, files)
        assert list(files.jobs()) == []

    with_stores(database_url, work)


def test_a_table_that_somebody_reads_waits_for_the_next_sweep_and_keeps_no_other_from_going(
    database_url: str, files: ResultFiles
) -> None:
    async def work(jobs: JobStore, attempts: AttemptStore, pools: Pools) -> None:
        made = [(await ended(jobs, attempts, files)).job for _ in range(3)]
        names = [result_id(job, "features") for job in made]
        assert tables(database_url) == set(names)
        for job in made:
            await jobs.dismiss(job, SURVEYOR)
        with psycopg.connect(database_url) as reading:
            reading.execute(sql.SQL("SELECT FROM result.{}").format(sql.Identifier(names[1])))
            await sweep_results(pools, files)
            assert tables(database_url) == {names[1]}
        await sweep_results(pools, files)
        assert tables(database_url) == set()

    with_stores(database_url, work)
