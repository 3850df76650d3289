"""Schedules: each due time one job, over any number of workers; what is wrong with one is found."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.loader import CatalogueError, catalogue_folders, load
from config.model import Catalogue
from config.schedule import ZONE, last_due
from config.settings import Settings
from config.vocabulary import Classification
from processes.schedules import ScheduleDuty, schedule_findings
from providers.access import ALL, Principal, Scope
from providers.database import DatabaseRole, connect, open_pools
from providers.job_documents import status_document
from providers.job_records import Job, JobQuery
from providers.jobs import JobStore, open_jobs
from providers.keys import KeyRecord, new_key, revoke_key, split_key
from providers.schedules import ScheduleStore

EVERY_MINUTE = """
kind: schedule
id: every-minute
title: {zh: 每分钟, en: Every minute}
process: echo
inputs: {text: 一张图}
cron: "* * * * *"
"""
SEES_ALL = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL)
ADMINISTRATOR = Principal(
    id="a" * 12, organisation="测试单位", person="管理员", role="administrator", scope=SEES_ALL
)


def catalogue_of(folder: Path, text: str = EVERY_MINUTE) -> Catalogue:
    folder.mkdir(exist_ok=True)
    (folder / "schedules.yaml").write_text(text, "utf-8")
    return load([*catalogue_folders(Settings.from_environ({})), folder])


def with_duties[T](
    url: str,
    catalogue: Callable[[], Catalogue],
    work: Callable[[list[ScheduleDuty], JobStore], Awaitable[T]],
    *,
    workers: int = 1,
) -> T:
    """Run *work* with the duties of as many workers over *url*."""

    async def run() -> T:
        async with open_pools(url, writers=8) as pools, open_jobs(url, pools) as jobs:
            store = ScheduleStore(pools, jobs)
            return await work([ScheduleDuty(store, catalogue) for _ in range(workers)], jobs)

    return asyncio.run(run())


def a_look(url: str, catalogue: Catalogue, *, workers: int = 1) -> list[Job]:
    """All jobs, after every worker looked at the same time."""

    async def look(duties: list[ScheduleDuty], jobs: JobStore) -> list[Job]:
        await asyncio.gather(*(duty.look() for duty in duties))
        return list((await jobs.list(JobQuery(limit=100), ADMINISTRATOR)).jobs)

    return with_duties(url, lambda: catalogue, look, workers=workers)


def back(url: str) -> None:
    """As if nobody had looked for three years."""
    with connect(url, DatabaseRole.WRITER) as connection:
        connection.execute("UPDATE onemap.schedule SET due = due - interval '3 years'")


def test_a_schedule_that_is_new_waits_for_its_next_time(database_url: str, tmp_path: Path) -> None:
    assert a_look(database_url, catalogue_of(tmp_path, _yearly("a-year"))) == []


def test_missed_times_are_one_job_over_any_number_of_workers(
    database_url: str, tmp_path: Path
) -> None:
    catalogue = catalogue_of(tmp_path, _yearly("a-year"))
    a_look(database_url, catalogue)
    back(database_url)
    (job,) = a_look(database_url, catalogue, workers=6)
    assert (job.process, job.owner, job.schedule) == ("echo", "system", "a-year")
    assert status_document(job, "")["schedule"] == "a-year"
    assert len(a_look(database_url, catalogue, workers=6)) == 1, "the time has been dealt with"


def test_other_times_of_a_schedule_begin_with_the_next_of_them(
    database_url: str, tmp_path: Path
) -> None:
    a_look(database_url, catalogue_of(tmp_path, _yearly("a-year", month=1)))
    assert a_look(database_url, catalogue_of(tmp_path, _yearly("a-year", month=2))) == []


def test_jobs_of_the_system_are_listed_to_those_who_see_all_jobs_alone(
    database_url: str, tmp_path: Path
) -> None:
    catalogue = catalogue_of(tmp_path)
    a_look(database_url, catalogue)
    back(database_url)
    stranger = replace(ADMINISTRATOR, scope=replace(SEES_ALL, functions=frozenset({"echo"})))

    async def look(duties: list[ScheduleDuty], jobs: JobStore) -> tuple[int, int]:
        await duties[0].look()
        lists = [await jobs.list(JobQuery(limit=9), who) for who in (ADMINISTRATOR, stranger)]
        return len(lists[0].jobs), len(lists[1].jobs)

    assert with_duties(database_url, lambda: catalogue, look) == (1, 0)


def test_a_schedule_runs_in_the_name_of_its_key_and_not_without_it(
    database_url: str, tmp_path: Path
) -> None:
    record = KeyRecord(
        id="", organisation="测试单位", person="测试员", role="surveyor", regions=("220102",)
    )
    with connect(database_url, DatabaseRole.WRITER) as connection:
        name, _ = split_key(new_key(connection, record, None))
    catalogue = catalogue_of(tmp_path, _yearly("by-key") + f"key: {name}\n")
    a_look(database_url, catalogue)

    def years_later() -> list[Job]:
        back(database_url)
        return a_look(database_url, catalogue)

    (job,) = years_later()
    assert (job.owner, job.schedule) == (name, "by-key")
    with connect(database_url, DatabaseRole.WRITER) as connection:
        revoke_key(connection, name)
    assert len(years_later()) == 1


def test_a_time_without_room_for_its_job_stays_due(database_url: str, tmp_path: Path) -> None:
    catalogue = catalogue_of(tmp_path, _yearly("a-year"))
    entry = replace(catalogue.processes["echo"], limits={"seconds": 60, "per_owner": 1})
    narrow = replace(catalogue, processes={**catalogue.processes, "echo": entry})
    a_look(database_url, narrow)
    for _ in range(2):
        back(database_url)
        assert len(a_look(database_url, narrow)) == 1
    with connect(database_url, DatabaseRole.WRITER) as connection:
        connection.execute("UPDATE onemap.job SET status = 'successful'")
    assert len(a_look(database_url, narrow)) == 2


def test_a_schedule_that_is_dropped_is_forgotten(database_url: str, tmp_path: Path) -> None:
    a_look(database_url, catalogue_of(tmp_path))
    a_look(database_url, catalogue_of(tmp_path, ""))
    with connect(database_url, DatabaseRole.WRITER) as connection:
        assert connection.execute("SELECT count(*) FROM onemap.schedule").fetchone() == (0,)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (("process: echo", "process: gone"), "/process: no sound process 'gone'"),
        (('"* * * * *"', '"61 * * * *"'), "/cron: '61 * * * *' is no time"),
        (('"* * * * *"', '"0 0 30 2 *"'), "/cron: '0 0 30 2 *' is no time"),
        (('"* * * * *"', '"* * * *"'), "/cron: '* * * *' does not match"),
        (("cron:", "owner: nobody\ncron:"), "'owner' was unexpected"),
    ],
)
def test_a_schedule_that_does_not_hold_together_is_a_finding(
    change: tuple[str, str], finding: str, tmp_path: Path
) -> None:
    with pytest.raises(CatalogueError) as found:
        catalogue_of(tmp_path, EVERY_MINUTE.replace(*change))
    assert any(finding in line for line in found.value.findings), found.value.findings


def test_inputs_that_the_process_would_refuse_are_findings_with_their_places(
    tmp_path: Path,
) -> None:
    text = EVERY_MINUTE.replace("{text: 一张图}", "{text: 5, pause: long}")
    found = "\n".join(schedule_findings(catalogue_of(tmp_path, text)))
    assert "schedule every-minute: /inputs/text: " in found
    assert "schedule every-minute: /inputs/pause: " in found
    assert list(schedule_findings(catalogue_of(tmp_path))) == []


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        ("0 6 * * *", "2026-11-27T06:00:00+08:00"),
        ("0 13 * * *", "2026-11-26T13:00:00+08:00"),
        ("* * * * *", "2026-11-27T12:34:00+08:00"),
        ("0 0 1 1 *", "2026-01-01T00:00:00+08:00"),
    ],
)
def test_times_are_those_of_china(cron: str, due: str) -> None:
    now = datetime(2026, 11, 27, 4, 34, 56, tzinfo=UTC)
    assert last_due(cron, now) == datetime.fromisoformat(due).astimezone(ZONE)


def _yearly(name: str, month: int = 1) -> str:
    """A schedule that cannot become due while a test runs."""
    month = 1 + (datetime.now(ZONE).month + 5 + month) % 12
    return EVERY_MINUTE.replace("every-minute", name).replace("* * * * *", f"0 0 1 {month} *")
