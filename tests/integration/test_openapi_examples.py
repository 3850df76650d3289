"""Every request body that the contract shows runs as it stands against the demo."""

from typing import Any

import httpx
import pytest

import openapi

EXECUTION = openapi.served("/")["paths"]["/processes/{processId}/execution"]["post"]
EXAMPLES: dict[str, Any] = EXECUTION["requestBody"]["content"]["application/json"]["examples"]
SIGN_IN = openapi.served("/")["paths"]["/session"]["post"]["requestBody"]["content"][
    "application/json"
]


@pytest.mark.parametrize("process", sorted(EXAMPLES))
def test_the_example_of_a_process_runs(client: httpx.Client, process: str) -> None:
    answer = client.post(f"/processes/{process}/execution", json=EXAMPLES[process]["value"])

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("process", sorted(EXAMPLES))
def test_the_example_of_a_process_runs_as_a_job(client: httpx.Client, process: str) -> None:
    answer = client.post(
        f"/processes/{process}/execution",
        json=EXAMPLES[process]["value"],
        headers={"Prefer": "respond-async"},
    )

    assert answer.status_code == 201, answer.text
    assert client.get(answer.headers["Location"]).json()["jobID"] == answer.json()["jobID"]


def test_the_example_of_signing_in_signs_in_the_demo_s_visitor(live_server: str) -> None:
    with httpx.Client(base_url=live_server) as browser:
        answer = browser.post("/session", json=SIGN_IN["example"])

        assert answer.status_code == 201, answer.text
        assert browser.get("/session").json()["authenticated"] is True
