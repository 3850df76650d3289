"""Every request that the contract shows runs as it stands against the demo."""

from typing import Any

import httpx
import pytest

import openapi
from server.web import operations

DOCUMENT = openapi.served("/")
ADDRESSES = {
    operation.address: operation
    for group in operations.groups(DOCUMENT)
    for operation in group.operations
    if operation.address is not None
}
TRIALS = [
    trial
    for operation in ADDRESSES.values()
    for parameter in operation.parameters
    if (trial := operation.trial(parameter)) is not None
]
# The example names what only a running server can know.
RUN_TIME = "/files/"
EXECUTION = openapi.served("/")["paths"]["/processes/{processId}/execution"]["post"]
EXAMPLES: dict[str, Any] = EXECUTION["requestBody"]["content"]["application/json"]["examples"]
SIGN_IN = openapi.served("/")["paths"]["/session"]["post"]["requestBody"]["content"][
    "application/json"
]


@pytest.mark.parametrize("address", [each for each in ADDRESSES if RUN_TIME not in each])
def test_the_example_of_every_address_is_answered(client: httpx.Client, address: str) -> None:
    answer = client.get(address, headers={"Accept": "*/*"})

    assert answer.status_code in (200, 204), answer.text


@pytest.mark.parametrize("trial", TRIALS)
def test_the_example_of_every_query_parameter_is_answered(client: httpx.Client, trial: str) -> None:
    answer = client.get(trial, headers={"Accept": "*/*"})

    assert answer.status_code in (200, 204), answer.text


def test_every_query_parameter_of_items_has_an_example_but_those_of_a_single_form() -> None:
    without = {
        parameter["name"]
        for parameter in ADDRESSES["/collections/land_use/items"].parameters
        if parameter["in"] == "query" and "example" not in parameter
    }

    assert without == {"attributes", "cursor", "encoding", "f", "lang"}


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
