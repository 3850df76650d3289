"""Executions that are sent twice, and processes that run in one way alone."""

import argparse
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from config.settings import Settings
from server.catalogue_commands import add_verbs

ECHO = "/processes/echo/execution"
ROLE = "surveyor"
LIMITS = {"seconds": 30, "per_owner": 4}
ENTRIES = [
    {"kind": "process", "id": f"echo-{mode}", "spec": "echo", "public": True,
     "execution": [mode], "limits": LIMITS}
    for mode in ("sync", "async")
]  # fmt: skip


@pytest.fixture(scope="module")
def one_way(
    client: httpx.Client,
    live_settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    wait_until: Callable[..., None],
) -> Iterator[None]:
    """echo-sync and echo-async, offered while the module's tests run."""
    path = tmp_path_factory.mktemp("entries") / "processes.yaml"
    path.write_text("\n---\n".join(map(json.dumps, ENTRIES)), "utf-8")
    settings = Settings.from_environ(live_settings)
    parser = argparse.ArgumentParser()
    add_verbs(parser.add_subparsers())

    def command(*words: str) -> None:
        given = parser.parse_args(["catalogue", *words, "--author", "测试员"])
        assert given.run(settings, given) == 0

    def offered() -> bool:
        return client.get("/processes/echo-async").status_code == 200

    command("put", str(path))
    try:
        wait_until(offered)
        yield
    finally:
        for entry in ENTRIES:
            command("drop", "process", str(entry["id"]))
        wait_until(lambda: not offered())


def sent(
    client: httpx.Client, key: str, text: str = "a", pause: float = 0, **headers: str
) -> httpx.Response:
    body = {"inputs": {"text": text, "pause": pause}}
    return client.post(ECHO, json=body, headers={"Idempotency-Key": key, **headers})


@pytest.fixture
def bearer(new_key: Callable[..., str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {new_key(ROLE, '220102')}"}


def test_a_request_that_is_sent_again_makes_no_second_job(
    client: httpx.Client, bearer: dict[str, str]
) -> None:
    key, later = str(uuid4()), {"Prefer": "respond-async", **bearer}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: sent(client, key, pause=1, **later), range(4)))
    again = sent(client, f'"{key}"', pause=1, **bearer)

    assert {answer.status_code for answer in answers} == {201}
    jobs = {answer.headers["location"] for answer in answers}
    assert {again.links["monitor"]["url"]} == jobs
    assert (again.status_code, again.text) == (200, "a")
    assert len(client.get("/jobs", headers=bearer).json()["jobs"]) == 1


def test_a_key_stands_for_one_request_of_one_owner(
    client: httpx.Client, bearer: dict[str, str], new_key: Callable[..., str]
) -> None:
    key, other = str(uuid4()), {"Authorization": f"Bearer {new_key(ROLE, '220102')}"}
    first = sent(client, key, **bearer)
    refused = sent(client, key, text="b", **bearer)
    elsewhere = sent(client, key, text="b", **other)

    assert first.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (422, "IdempotencyKeyReused")
    assert (elsewhere.status_code, elsewhere.text) == (200, "b")


def test_anonymous_callers_do_not_stand_in_each_other_s_way(client: httpx.Client) -> None:
    key = str(uuid4())
    one, same, other = sent(client, key), sent(client, key), sent(client, key, text="b")

    assert one.links["monitor"] == same.links["monitor"]
    assert (other.status_code, other.text) == (200, "b")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "键".encode()])
def test_what_is_no_key_is_refused(client: httpx.Client, key: Any) -> None:
    answer = client.post(ECHO, json={"inputs": {"text": "a"}}, headers=[("Idempotency-Key", key)])

    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["parameter"] == "Idempotency-Key"


@pytest.mark.usefixtures("one_way")
def test_a_process_says_how_it_may_be_asked_to_run(client: httpx.Client) -> None:
    def options(name: str) -> list[str]:
        found: list[str] = client.get(f"/processes/{name}").json()["jobControlOptions"]
        return found

    assert options("echo") == ["sync-execute", "async-execute", "dismiss"]
    assert options("echo-sync") == ["sync-execute", "dismiss"]
    assert options("echo-async") == ["async-execute", "dismiss"]


@pytest.mark.usefixtures("one_way")
def test_a_process_that_gives_no_jobs_is_stopped_when_it_outlasts_the_wait(
    client: httpx.Client, bearer: dict[str, str]
) -> None:
    body = {"inputs": {"text": "a", "pause": 5}}
    headers = {"Prefer": "wait=1, respond-async", **bearer}
    answer = client.post("/processes/echo-sync/execution", json=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (503, "OutlastedWait")
    assert "retry-after" in answer.headers
    assert "location" not in answer.headers
    (job,) = client.get("/jobs", headers=bearer).json()["jobs"]
    assert (job["processID"], job["status"]) == ("echo-sync", "dismissed")


@pytest.mark.usefixtures("one_way")
def test_who_waits_less_for_one_and_the_same_request_does_not_end_it(
    client: httpx.Client, bearer: dict[str, str], wait_until: Callable[..., None]
) -> None:
    def under_way() -> bool:
        return bool(client.get("/jobs?status=running", headers=bearer).json()["jobs"])

    def asked(wait_s: int) -> httpx.Response:
        body = {"inputs": {"text": "shared", "pause": 3}}
        headers = {"Prefer": f"wait={wait_s}", "Idempotency-Key": key, **bearer}
        return client.post("/processes/echo-sync/execution", json=body, headers=headers)

    key = str(uuid4())
    with ThreadPoolExecutor(1) as patient:
        first = patient.submit(asked, 9)
        wait_until(under_way)
        second = asked(1)

        assert (second.status_code, second.json()["code"]) == (503, "OutlastedWait")
        assert first.result().status_code == 200


@pytest.mark.usefixtures("one_way")
def test_a_process_of_one_way_runs_that_way_whatever_is_preferred(client: httpx.Client) -> None:
    def asked(name: str, **headers: str) -> httpx.Response:
        body = {"inputs": {"text": "a"}}
        return client.post(f"/processes/{name}/execution", json=body, headers=headers)

    at_once = asked("echo-sync", Prefer="respond-async")
    later = asked("echo-async", Prefer="wait=9")

    assert (at_once.status_code, at_once.text) == (200, "a")
    assert later.status_code == 201
    for answer in (at_once, later):
        assert "preference-applied" not in answer.headers
