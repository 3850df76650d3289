"""OGC API - Processes, Part 1 (18-062r2): the job list and what narrows it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

JOB_LIST = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/req/job-list/"
ENDED = {"successful", "failed", "dismissed"}
QUICK, SLOW = 3, "slow"
type Listed = Callable[..., list[str]]


@pytest.fixture(scope="module")
def key(new_key: Callable[..., str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {new_key('surveyor', '220102', person='作业员')}"}


@pytest.fixture(scope="module")
def made(
    client: httpx.Client, key: dict[str, str], wait_until: Callable[..., None]
) -> dict[str, dict[str, Any]]:
    """Three quick jobs and one of more than two seconds, by name, in the order of their making."""

    def submit(name: str, pause: float) -> str:
        answer = client.post(
            "/processes/echo/execution",
            json={"inputs": {"text": name, "pause": pause}},
            headers={**key, "Prefer": "respond-async"},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    def status(job: str) -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"/jobs/{job}", headers=key).raise_for_status().json()
        return found

    names = {SLOW: submit(SLOW, 2.2)} | {str(n): submit(str(n), 0) for n in range(QUICK)}
    wait_until(lambda: all(status(job)["status"] in ENDED for job in names.values()))
    return {name: status(job) for name, job in names.items()}


@pytest.fixture(scope="module")
def listed(client: httpx.Client, key: dict[str, str]) -> Listed:
    def ids(**parameters: str) -> list[str]:
        answer = client.get("/jobs", params={"limit": "1000", **parameters}, headers=key)
        assert answer.status_code == 200, answer.text
        return [job["jobID"] for job in answer.json()["jobs"]]

    return ids


def _ids(made: dict[str, dict[str, Any]]) -> list[str]:
    return [str(job["jobID"]) for job in made.values()]


def _parameter(published: dict[str, Any], name: str) -> dict[str, Any]:
    operation = published["paths"]["/jobs"]["get"]
    found = [p["$ref"].rpartition("/")[2] for p in operation["parameters"]]
    parameters = [published["components"]["parameters"][each] for each in found]
    return next(p for p in parameters if p["name"] == name)


@pytest.mark.requirement(f"{JOB_LIST}job-list-op")
@pytest.mark.requirement(f"{JOB_LIST}job-list-success")
def test_the_list_holds_the_caller_s_jobs_newest_first(
    listed: Listed, made: dict[str, dict[str, Any]]
) -> None:
    assert listed() == _ids(made)[::-1]


@pytest.mark.requirement(f"{JOB_LIST}type-definition")
@pytest.mark.requirement(f"{JOB_LIST}processID-definition")
@pytest.mark.requirement(f"{JOB_LIST}status-definition")
@pytest.mark.parametrize("name", ["type", "processID", "status"])
def test_a_list_of_values_is_separated_by_commas(published: dict[str, Any], name: str) -> None:
    parameter = _parameter(published, name)

    assert (parameter["in"], parameter["style"], parameter["explode"]) == ("query", "form", False)
    assert parameter["schema"]["type"] == "array"


@pytest.mark.requirement(f"{JOB_LIST}type-response")
def test_every_job_is_of_the_type_process(
    client: httpx.Client, listed: Listed, key: dict[str, str], made: dict[str, dict[str, Any]]
) -> None:
    assert listed(type="process") == _ids(made)[::-1]
    assert client.get("/jobs?type=coverage", headers=key).status_code == 400


@pytest.mark.requirement(f"{JOB_LIST}processID-mandatory")
@pytest.mark.requirement(f"{JOB_LIST}processID-response")
def test_jobs_are_told_by_their_process(listed: Listed, made: dict[str, dict[str, Any]]) -> None:
    assert all(job["processID"] == "echo" for job in made.values())
    assert listed(processID="echo") == _ids(made)[::-1]
    assert listed(processID="compliance-check") == []
    assert listed(processID="compliance-check,echo") == _ids(made)[::-1]


@pytest.mark.requirement(f"{JOB_LIST}status-response")
def test_jobs_are_told_by_their_status(listed: Listed, made: dict[str, dict[str, Any]]) -> None:
    assert listed(status="successful") == _ids(made)[::-1]
    assert listed(status="failed,dismissed") == []


@pytest.mark.requirement(f"{JOB_LIST}datetime-definition")
def test_the_time_is_an_instant_or_an_interval(
    client: httpx.Client, key: dict[str, str], published: dict[str, Any]
) -> None:
    assert _parameter(published, "datetime")["schema"]["type"] == "string"
    for text in (
        "yesterday",
        "2026-13-01",
        "2026-01-01/2025-01-01",
        "../..",
        "2026-01-01T00:00:00",
    ):
        answer = client.get("/jobs", params={"datetime": text}, headers=key)
        assert (answer.status_code, answer.json()["params"]["name"]) == (400, "datetime"), text


@pytest.mark.requirement(f"{JOB_LIST}datetime-response")
def test_jobs_are_told_by_when_they_were_made(
    listed: Listed, made: dict[str, dict[str, Any]]
) -> None:
    moments = [datetime.fromisoformat(job["created"]) for job in made.values()]
    first, last = moments[0].isoformat(), (moments[-1] + timedelta(milliseconds=1)).isoformat()
    before = (moments[0] - timedelta(milliseconds=1)).isoformat()

    assert listed(datetime=f"{first}/{last}") == _ids(made)[::-1]
    assert listed(datetime=f"../{before}") == []
    assert listed(datetime=f"{last}/..") == []
    assert listed(datetime="2000-01-01/2000-12-31") == []


@pytest.mark.requirement(f"{JOB_LIST}duration-definition")
@pytest.mark.parametrize("name", ["minDuration", "maxDuration"])
def test_durations_are_whole_seconds(
    client: httpx.Client, key: dict[str, str], published: dict[str, Any], name: str
) -> None:
    assert _parameter(published, name)["schema"]["type"] == "integer"
    for text in ("-1", "1.5", "a", ""):
        answer = client.get("/jobs", params={name: text}, headers=key)
        assert (answer.status_code, answer.json()["params"]["name"]) == (400, name), text


@pytest.mark.requirement(f"{JOB_LIST}duration-response")
def test_jobs_are_told_by_how_long_they_ran(
    listed: Listed, made: dict[str, dict[str, Any]]
) -> None:
    slow = made[SLOW]["jobID"]

    assert slow in listed(minDuration="2")
    assert set(listed(maxDuration="1")) <= set(_ids(made)) - {slow}
    assert set(listed(minDuration="2")) | set(listed(maxDuration="2")) == set(_ids(made))
    assert listed(minDuration="3600") == []


@pytest.mark.requirement(f"{JOB_LIST}limit-definition")
@pytest.mark.requirement(f"{JOB_LIST}limit-response")
@pytest.mark.requirement(f"{JOB_LIST}links")
def test_pages_of_the_list_follow_each_other(
    client: httpx.Client, key: dict[str, str], made: dict[str, dict[str, Any]]
) -> None:
    found: list[str] = []
    address: str | None = "/jobs?limit=2&status=successful"
    while address is not None:
        page = client.get(address, headers=key).json()
        assert len(page["jobs"]) <= 2
        found += [job["jobID"] for job in page["jobs"]]
        address = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
        assert address is None or "status=successful" in address

    assert found == _ids(made)[::-1]
