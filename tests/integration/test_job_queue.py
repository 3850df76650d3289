"""A bound on the jobs that wait, of all owners together."""

import asyncio
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from config.model import Catalogue
from config.settings import PACKAGE_ROOT, Settings
from config.vocabulary import Classification
from providers.access import ALL, Principal, Scope
from providers.database import open_pools
from providers.job_attempts import AttemptStore
from providers.job_queue import QueueFull
from providers.job_records import NewJob
from providers.jobs import open_jobs
from server.app import create_app

SCOPE = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=ALL)
ECHO = NewJob(
    process="echo",
    process_version="1",
    inputs={"text": "x", "pause": 0},
    outputs=("text",),
    response="raw",
    catalogue="",
    per_owner=9,
)


def person(name: str) -> Principal:
    return Principal(id=name, organisation="", person="", role="surveyor", scope=SCOPE)


def test_jobs_that_wait_are_bounded_whoever_made_them(database_url: str) -> None:
    async def work() -> None:
        async with (
            open_pools(database_url) as pools,
            open_jobs(database_url, pools, waiting=2) as jobs,
        ):
            first = await jobs.submit(ECHO, person("one"))
            await jobs.submit(ECHO, person("another"))
            with pytest.raises(QueueFull, match="2 jobs wait"):
                await jobs.submit(ECHO, person("third"))
            assert await AttemptStore(pools).start(first.id) is not None
            await jobs.submit(ECHO, person("third"))  # what runs waits no longer

    asyncio.run(work())


def test_a_full_queue_is_an_overload_that_says_when_to_come_again(
    database_url: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path,
        store=tmp_path / "store",
        database_url=database_url,
        catalogue=(PACKAGE_ROOT / "demo",),
        job_queue=1,
    )
    body, later = {"inputs": {"text": "x"}}, {"Prefer": "respond-async"}
    path = "/processes/echo/execution"
    with capture_logs(), TestClient(create_app(settings, catalogue, database_url)) as client:
        assert client.post(path, json=body, headers=later).status_code == 201
        refused = client.post(path, json=body, headers=later)
    assert refused.status_code == 503
    assert refused.json()["code"] == "Overloaded"
    assert "1 jobs wait already" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) > 0
