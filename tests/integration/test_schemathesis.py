"""The running server against its own contract: no 5xx, nothing undocumented, each operation works."""

import copy
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import settings
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from processes.registry import SPECS

PHASES = {"examples": True, "coverage": True, "fuzzing": True, "stateful": False}
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
CAMPAIGN = settings().max_examples > 100  # the profile of `make campaign`
MAX_EXAMPLES = 20  # of each operation
UNTIL = (
    {"max-time": 900} if CAMPAIGN else {}
)  # with a limit of time, fuzzing begins anew until then
PATIENCE_S = 20.0
SEED = 20_210_101
# Which name of `known_names`, as which parameter, lets these succeed.
OPERATIONS = {
    "getJob": ("jobId", "done"),
    "getJobResults": ("jobId", "done"),
    "dismissJob": ("jobId", "waiting"),
    "deleteFile": ("fileId", "upload"),
}


def known_names(caller: httpx.Client) -> dict[str, Any]:
    """A feature, a document, an upload, a check, and two jobs: one ended, one to be dismissed."""
    page = caller.get("/collections/land_use/items", params={"limit": 1}).raise_for_status().json()
    jobs = {}
    for name, pause in (("done", 0), ("waiting", 5)):
        answer = caller.post(
            "/processes/echo/execution",
            json={"inputs": {"text": name, "pause": pause}},
            headers={"Prefer": "respond-async"},
        )
        jobs[name] = str(answer.raise_for_status().json()["jobID"])
    until = time.monotonic() + PATIENCE_S
    while caller.get(f"/jobs/{jobs['done']}").json()["status"] != "successful":
        assert time.monotonic() < until
        time.sleep(0.05)
    documents = caller.get("/catalogue/documents").raise_for_status().json()["documents"]
    upload = caller.post("/files", content=b"known").raise_for_status().json()["id"]
    known = {"feature": page["features"][0]["id"], "document": documents[0]["id"]}
    return {**known, "upload": upload, **jobs, **known_check(caller)}


def known_check(caller: httpx.Client) -> dict[str, Any]:
    """A check of one parcel, what may be said on it, and an opinion that was signed."""
    inputs: Any = SPECS["compliance_check"].example["inputs"]
    body = {"inputs": {**inputs, "project": {**inputs["project"], "code": uuid4().hex}}}
    made = caller.post("/processes/compliance-check/execution", json=body).raise_for_status().json()
    said = {
        "conclusion": "VERIFY",
        "text": "须核实。",
        "document_date": "2026-03-06",
        "manual": [
            {"rule": item["rule"], "outcome": item["choices"][0]["outcome"], "text": "经核对"}
            for item in made["manual"]
        ],
    }
    signed = caller.post(f"/checks/{made['hash']}/opinions", json=said).raise_for_status().json()
    following = {**said, "supersedes": signed["id"]}
    return {"check": made["hash"], "said": following, "opinion": signed["id"]}


def with_names(document: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """The document with examples that only a running server can know."""
    known = copy.deepcopy(document)
    known["components"]["parameters"]["featureId"]["example"] = names["feature"]
    known["components"]["parameters"]["fileId"]["example"] = names["document"]
    known["components"]["parameters"]["hash"]["example"] = names["check"]
    known["components"]["parameters"]["opinionId"]["example"] = names["opinion"]
    known["components"]["parameters"]["of-parcels"]["example"] = "1"
    signing = known["paths"]["/checks/{hash}/opinions"]["post"]["requestBody"]
    signing["content"]["application/json"]["example"] = names["said"]
    for item in known["paths"].values():
        for operation in item.values():
            if operation["operationId"] in OPERATIONS:
                parameter, name = OPERATIONS[operation["operationId"]]
                parameters = operation["parameters"]
                place = parameters.index({"$ref": f"#/components/parameters/{parameter}"})
                described = known["components"]["parameters"][parameter]
                parameters[place] = {**described, "example": names[name]}
    return known


@pytest.fixture(scope="module")
def caller(live_server: str, new_key: Callable[..., str]) -> Iterator[httpx.Client]:
    """A planner, who may sign; what jobs are left over in the end are dismissed."""
    headers = {
        "Authorization": f"Bearer {new_key('planner')}",
        "Accept": "application/json",
    }
    with httpx.Client(base_url=live_server, headers=headers, timeout=30) as client:
        yield client
        left = client.get("/jobs", params={"status": "accepted,running", "limit": 1000}).json()[
            "jobs"
        ]
        for job in left:
            client.delete(f"/jobs/{job['jobID']}")


@pytest.fixture(scope="module")
def scenarios(caller: httpx.Client, live_server: str) -> list[ScenarioFinished]:
    """Everything that schemathesis tried, and what came of it."""
    document = with_names(caller.get("/openapi").raise_for_status().json(), known_names(caller))
    config = schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "base-url": live_server,
            "headers": {"Authorization": caller.headers["Authorization"]},
            "workers": 2,
            "request-timeout": 20,
            **UNTIL,
            "cache": {"enabled": False},
            "phases": {name: {"enabled": enabled} for name, enabled in PHASES.items()},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "generation": {
                "with-security-parameters": False,
                "database": "none",
                "max-examples": MAX_EXAMPLES,
            },
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    finished = []
    for event in from_schema(schema).execute():
        assert not isinstance(event, NonFatalError | FatalError), event
        if isinstance(event, ScenarioFinished):
            finished.append(event)
    return finished


def test_the_server_keeps_to_its_contract(scenarios: list[ScenarioFinished]) -> None:
    failures = [
        f"{scenario.recorder.label}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
        for scenario in scenarios
        for checks in scenario.recorder.checks.values()
        for check in checks
        if check.status is Status.FAILURE and check.failure_info is not None
    ]

    assert not failures, "\n\n".join(failures)
    assert sum(len(scenario.recorder.interactions) for scenario in scenarios) > 500


def test_every_operation_succeeds_at_least_once(
    scenarios: list[ScenarioFinished], caller: httpx.Client
) -> None:
    statuses: dict[str, set[int]] = defaultdict(set)
    for scenario in scenarios:
        for interaction in scenario.recorder.interactions.values():
            if interaction.response is not None:
                statuses[scenario.recorder.label].add(interaction.response.status_code)
    operations = {
        f"{method.upper()} {path}"
        for path, item in caller.get("/openapi").json()["paths"].items()
        for method in item
    }

    assert statuses.keys() == operations
    assert {
        name for name in operations if not any(200 <= code < 300 for code in statuses[name])
    } == set()
