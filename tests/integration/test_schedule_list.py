"""Schedules as their operators see them: which there are, the next time, the last run."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from config.loader import catalogue_folders
from config.merging import Document
from config.schedule import Schedule, last_due, next_due
from config.settings import Settings
from config.vocabulary import Text
from processes.schedules import schedule_findings
from processes.workflows.catalogue_changes import put_entries, withdraw_edit
from providers.database import open_pools
from providers.keys import split_key
from providers.schedule_runs import followed
from providers.schedules import system

PATH = "/catalogue/schedules"


@pytest.fixture(scope="module")
def operator(new_key: Callable[..., str]) -> dict[str, str]:
    """Who sees all jobs."""
    return {"Authorization": f"Bearer {new_key('administrator')}"}


@pytest.fixture(scope="module")
def owner(new_key: Callable[..., str]) -> tuple[str, dict[str, str]]:
    """A key's id, and its header."""
    key = new_key("planner")
    return split_key(key)[0], {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def put(
    live_settings: dict[str, str], client: httpx.Client, wait_until: Callable[..., None]
) -> Callable[..., Any]:
    """A schedule that cannot become due meanwhile, in force for a while."""
    settings = Settings.from_environ(live_settings)
    url, folders = live_settings["ONEMAP_DATABASE_URL"], catalogue_folders(settings)
    month = 1 + (datetime.now(UTC).month + 5) % 12

    @contextmanager
    def schedule(operator: dict[str, str], key: str | None = None) -> Iterator[str]:
        name = f"yearly-{uuid4().hex[:8]}"
        entry: dict[str, Any] = {
            "kind": "schedule",
            "id": name,
            "title": {"zh": "每年", "en": "Yearly"},
            "process": "echo",
            "inputs": {"text": "一张图"},
            "cron": f"0 0 1 {month} *",
            **({} if key is None else {"key": key}),
        }
        document = Document(file="test", number=0, entry=entry)
        by = {"author": "test", "note": ""}
        named = ("schedule", name)
        put_entries(url, folders, {named: document}, check=schedule_findings, **by)
        try:
            wait_until(lambda: name in listed(client, operator))
            yield name
        finally:
            withdraw_edit(url, folders, named, check=schedule_findings, **by)
        wait_until(lambda: name not in listed(client, operator))

    return schedule


def listed(client: httpx.Client, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer = client.get(PATH, headers=headers)
    assert answer.status_code == 200, answer.text
    return {one["id"]: one for one in answer.json()["schedules"]}


def test_a_schedule_tells_its_next_time_and_its_last_run_to_who_sees_all_jobs(
    client: httpx.Client,
    put: Callable[..., Any],
    operator: dict[str, str],
    owner: tuple[str, dict[str, str]],
    live_settings: dict[str, str],
) -> None:
    with put(operator) as name:
        told = listed(client, operator)[name]
        due = next_due(told["cron"], datetime.now(UTC))
        assert datetime.fromisoformat(told["next"]) == due
        assert (told["process"], told["key"], told["last"]) == ("echo", None, None)

        body = {"inputs": {"text": "一"}}
        made = client.post(
            "/processes/echo/execution",
            json=body,
            headers={**operator, "Prefer": "respond-async"},
        ).json()["jobID"]
        with psycopg.connect(live_settings["ONEMAP_DATABASE_URL"]) as connection:
            connection.execute("UPDATE onemap.job SET schedule = %s WHERE id = %s", (name, made))
        last = listed(client, operator)[name]["last"]
        assert last["jobID"] == made
        assert client.get(last["href"], headers=operator).json()["schedule"] == name
        page = client.get(PATH, params={"f": "html"}, headers=operator).text
        assert name in page
        assert f"/jobs/{made}" in page

        for stranger in (None, owner[1]):
            assert name not in listed(client, stranger)


def test_a_schedule_is_told_to_the_key_in_whose_name_it_runs_without_jobs_of_others(
    client: httpx.Client,
    put: Callable[..., Any],
    operator: dict[str, str],
    owner: tuple[str, dict[str, str]],
    new_key: Callable[..., str],
    live_settings: dict[str, str],
) -> None:
    name, headers = owner
    with put(operator, name) as schedule:
        assert listed(client, headers)[schedule]["key"] == name
        other = {"Authorization": f"Bearer {new_key('planner')}"}
        assert schedule not in listed(client, other)

        body = {"inputs": {"text": "二"}}
        asked = {**other, "Prefer": "respond-async"}
        made = client.post("/processes/echo/execution", json=body, headers=asked).json()["jobID"]
        with psycopg.connect(live_settings["ONEMAP_DATABASE_URL"]) as connection:
            connection.execute(
                "UPDATE onemap.job SET schedule = %s WHERE id = %s", (schedule, made)
            )
        assert listed(client, headers)[schedule]["last"] is None


def test_a_time_that_waits_for_room_is_told_as_the_next_though_it_has_passed(
    database_url: str,
) -> None:
    now = datetime(2026, 11, 27, 4, tzinfo=UTC)
    one = Schedule(
        id="monthly",
        title=Text(zh="每月", en="Monthly"),
        process="echo",
        inputs={},
        cron="0 0 1 * *",
        key=None,
    )

    async def next_time() -> datetime:
        async with open_pools(database_url) as pools:
            return (await followed(pools, [one], system(), now))[one.id].next

    assert asyncio.run(next_time()) == next_due(one.cron, now), "nobody has looked yet"
    dues = {last_due(one.cron, now): next_due(one.cron, now)}
    before = last_due(one.cron, now - timedelta(days=40))
    dues[before] = last_due(one.cron, now)
    with psycopg.connect(database_url) as connection:
        for due, expected in dues.items():
            connection.execute("DELETE FROM onemap.schedule")
            values = (one.id, one.cron, due)
            connection.execute("INSERT INTO onemap.schedule VALUES (%s, %s, %s)", values)
            connection.commit()
            assert asyncio.run(next_time()) == expected


def test_the_list_of_jobs_leads_to_the_schedules(client: httpx.Client) -> None:
    links = client.get("/jobs").json()["links"]
    assert any(link["rel"] == "related" and link["href"].endswith(PATH) for link in links)
