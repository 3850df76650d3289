"""OGC API - Processes, Part 1 (18-062r2): core, description, JSON, HTML, OpenAPI 3.0, dismiss."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/req/"
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
EXECUTION = "/processes/echo/execution"
ASYNC = {"Prefer": "respond-async"}
FINAL = {"successful", "failed", "dismissed"}
PATIENCE_S = 20.0


def _rels(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    links: dict[str, list[dict[str, Any]]] = {}
    for link in document["links"]:
        links.setdefault(link["rel"], []).append(link)
    return links


def _submit(client: httpx.Client, text: str, pause: float = 0, **more: Any) -> httpx.Response:
    body = {"inputs": {"text": text, "pause": pause}, **more}
    answer = client.post(EXECUTION, json=body, headers=ASYNC)
    assert answer.status_code == 201, answer.text
    return answer


@pytest.fixture(scope="module")
def ended(client: httpx.Client, wait_until: Callable[..., None]) -> Callable[[str], dict[str, Any]]:
    """Wait for a job to end; its status."""

    def wait(job: str) -> dict[str, Any]:
        status: dict[str, Any] = {}

        def over() -> bool:
            status.update(client.get(f"/jobs/{job}").raise_for_status().json())
            return status["status"] in FINAL

        wait_until(over, PATIENCE_S)
        return status

    return wait


@pytest.fixture(scope="module")
def done(client: httpx.Client, ended: Callable[[str], dict[str, Any]]) -> str:
    """A job that has succeeded."""
    job = str(_submit(client, "一张图").json()["jobID"])
    assert ended(job)["status"] == "successful"
    return job


@pytest.fixture
def waiting(client: httpx.Client) -> Iterator[str]:
    """A job that has not ended."""
    job = str(_submit(client, "later", pause=5).json()["jobID"])
    yield job
    client.delete(f"/jobs/{job}")


@pytest.mark.requirement(f"{PROCESSES}core/landingpage-op")
def test_the_landing_page_is_at_the_root(client: httpx.Client) -> None:
    assert client.get("/").status_code == 200


@pytest.mark.requirement(f"{PROCESSES}core/landingpage-success")
def test_the_landing_page_links_to_the_processes(client: httpx.Client) -> None:
    links = _rels(client.get("/").json())

    assert {"service-desc", f"{REL}conformance", f"{REL}processes"} <= links.keys()
    assert client.get(links[f"{REL}processes"][0]["href"]).json()["processes"]


@pytest.mark.requirement(f"{PROCESSES}core/api-definition-op")
@pytest.mark.requirement(f"{PROCESSES}core/api-definition-success")
def test_the_definition_has_the_paths_of_processes(published: dict[str, Any]) -> None:
    assert {
        "/processes",
        "/processes/{processId}",
        "/processes/{processId}/execution",
        "/jobs/{jobId}",
        "/jobs/{jobId}/results",
    } <= published["paths"].keys()


@pytest.mark.requirement(f"{PROCESSES}core/conformance-op")
@pytest.mark.requirement(f"{PROCESSES}core/conformance-success")
def test_the_declaration_lists_the_core_of_processes(client: httpx.Client) -> None:
    declared = client.get("/conformance").json()["conformsTo"]

    assert f"{PROCESSES.removesuffix('req/')}conf/core" in declared


@pytest.mark.requirement(f"{PROCESSES}core/http")
def test_an_execution_is_posted_and_nothing_else(client: httpx.Client) -> None:
    answer = client.get(EXECUTION)

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.requirement(f"{PROCESSES}core/process-list")
@pytest.mark.requirement(f"{PROCESSES}core/process-list-success")
def test_the_processes_are_listed_with_id_version_and_what_they_can(client: httpx.Client) -> None:
    listed = {process["id"]: process for process in client.get("/processes").json()["processes"]}

    assert {"echo", "compliance-check"} <= listed.keys()
    for process in listed.values():
        assert process["version"]
        assert {"sync-execute", "async-execute"} <= {*process["jobControlOptions"]}
        assert process["outputTransmission"] == ["value", "reference"]


@pytest.mark.requirement(f"{PROCESSES}core/pl-limit-definition")
def test_the_limit_of_the_process_list_is_described(published: dict[str, Any]) -> None:
    limit = published["components"]["parameters"]["limit-processes"]
    operation = published["paths"]["/processes"]["get"]

    assert {"$ref": "#/components/parameters/limit-processes"} in operation["parameters"]
    assert (limit["name"], limit["in"], limit["style"], limit["explode"]) == (
        "limit",
        "query",
        "form",
        False,
    )
    assert limit["schema"]["type"] == "integer"
    assert limit["schema"]["minimum"] == 1


@pytest.mark.requirement(f"{PROCESSES}core/pl-limit-response")
def test_the_process_list_is_not_longer_than_its_limit(client: httpx.Client) -> None:
    assert len(client.get("/processes", params={"limit": 1}).json()["processes"]) == 1


def test_the_pages_of_the_process_list_lead_through_all_of_it(client: httpx.Client) -> None:
    listed: list[str] = []
    address: str | None = "/processes?limit=1&lang=en"
    while address is not None:
        page = client.get(address).raise_for_status().json()
        listed += [process["id"] for process in page["processes"]]
        following = _rels(page).get("next")
        address = following[0]["href"] if following else None

    assert listed == [process["id"] for process in client.get("/processes").json()["processes"]]
    assert client.get("/processes", params={"cursor": "No process"}).status_code == 400


def test_nobody_holds_a_slot_for_long_with_an_echo(client: httpx.Client) -> None:
    answer = client.post(EXECUTION, json={"inputs": {"text": "a", "pause": 5.1}})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/inputs/pause"


@pytest.mark.requirement(f"{PROCESSES}core/pl-links")
def test_the_process_list_links_to_itself_and_to_its_page(client: httpx.Client) -> None:
    links = _rels(client.get("/processes").json())

    assert client.get(links["self"][0]["href"]).json() == client.get("/processes").json()
    assert links["alternate"][0]["type"] == "text/html"


@pytest.mark.requirement(f"{PROCESSES}core/process-summary-links")
def test_every_listed_process_links_to_its_description(client: httpx.Client) -> None:
    for process in client.get("/processes").json()["processes"]:
        (link,) = _rels(process)["self"]
        assert client.get(link["href"]).json()["id"] == process["id"]


@pytest.mark.requirement(f"{PROCESSES}core/process-description")
@pytest.mark.requirement(f"{PROCESSES}core/process-description-success")
def test_a_process_alone_says_what_the_list_says_of_it(client: httpx.Client) -> None:
    for listed in client.get("/processes").json()["processes"]:
        alone = client.get(f"/processes/{listed['id']}").json()
        assert {name: alone[name] for name in listed if name != "links"} == {
            name: listed[name] for name in listed if name != "links"
        }


@pytest.mark.requirement(f"{PROCESSES}core/process-exception/no-such-process")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_process_that_is_not_there_is_404_with_the_standard_s_type(
    client: httpx.Client, method: str
) -> None:
    path = "/processes/no-such-process" + ("/execution" if method == "POST" else "")
    answer = client.request(method, path, json={"inputs": {}} if method == "POST" else None)

    assert answer.status_code == 404
    assert answer.json()["type"] == f"{EXCEPTIONS}no-such-process"


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-op")
@pytest.mark.requirement(f"{PROCESSES}core/process-execute-request")
def test_a_process_is_executed_with_a_json_body(client: httpx.Client) -> None:
    answer = client.post(EXECUTION, json={"inputs": {"text": "一张图"}})

    assert answer.status_code == 200
    assert (
        client.post(EXECUTION, content=b"text=1", headers={"Content-Type": "text/csv"}).status_code
        == 415
    )


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-inputs")
@pytest.mark.requirement(f"{PROCESSES}core/process-execute-input-inline-object")
@pytest.mark.requirement(f"{PROCESSES}core/process-execute-input-mixed-type")
def test_an_input_may_be_given_as_it_is_or_qualified(client: httpx.Client) -> None:
    square = [[125.3, 43.85], [125.303, 43.85], [125.303, 43.852], [125.3, 43.852], [125.3, 43.85]]
    parcel = {"type": "Polygon", "coordinates": [square]}
    plain = client.post(
        "/processes/compliance-check/execution", json={"inputs": {"parcels": parcel}}
    )
    qualified = client.post(
        "/processes/compliance-check/execution",
        json={"inputs": {"parcels": {"value": parcel, "mediaType": "application/geo+json"}}},
    )
    text = client.post(EXECUTION, json={"inputs": {"text": {"value": "qualified"}}})

    assert plain.status_code == qualified.status_code == 200, qualified.text
    assert plain.json()["hash"] == qualified.json()["hash"]
    assert text.text == "qualified"


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({}, "/inputs"),
        ({"text": 7}, "/inputs/text"),
        ({"text": "a", "pause": -1}, "/inputs/pause"),
        ({"text": "a", "pause": "long"}, "/inputs/pause"),
        ({"text": "a", "colour": "red"}, "/inputs"),
    ],
)
def test_an_input_that_does_not_fit_its_schema_is_400_and_pointed_at(
    client: httpx.Client, inputs: dict[str, Any], pointer: str
) -> None:
    answer = client.post(EXECUTION, json={"inputs": inputs})

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-default-execution-mode")
def test_without_a_preference_the_answer_is_the_result(client: httpx.Client) -> None:
    answer = client.post(EXECUTION, json={"inputs": {"text": "now"}})

    assert answer.status_code == 200
    assert answer.text == "now"


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-auto-execution-mode")
@pytest.mark.parametrize("prefer", ["respond-async", "Respond-Async", "respond-async; foo, wait=0"])
def test_who_prefers_it_is_answered_with_a_job(
    client: httpx.Client, ended: Callable[[str], dict[str, Any]], prefer: str
) -> None:
    answer = client.post(EXECUTION, json={"inputs": {"text": "job"}}, headers={"Prefer": prefer})

    assert answer.status_code == 201
    assert "respond-async" in answer.headers["Preference-Applied"]
    ended(answer.json()["jobID"])


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-auto-execution-mode")
def test_a_preference_that_is_not_known_is_ignored(client: httpx.Client) -> None:
    answer = client.post(
        EXECUTION,
        json={"inputs": {"text": "sync"}},
        headers={"Prefer": "respond-sync, handling=strict"},
    )

    assert answer.status_code == 200


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-default-outputs")
def test_without_a_choice_of_outputs_all_are_answered(client: httpx.Client) -> None:
    answer = client.post(EXECUTION, json={"inputs": {"text": "all"}, "response": "document"})

    assert answer.json() == {"text": "all"}


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-sync-raw-value-one")
def test_one_raw_output_is_answered_with_its_own_media_type(client: httpx.Client) -> None:
    body = {"inputs": {"text": "原样"}, "outputs": {"text": {}}, "response": "raw"}
    answer = client.post(EXECUTION, json=body)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == "原样"


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-sync-document")
def test_a_document_has_each_output_by_its_id(client: httpx.Client) -> None:
    body = {"inputs": {"text": "document"}, "outputs": {"text": {"transmissionMode": "value"}}}
    answer = client.post(EXECUTION, json={**body, "response": "document"})

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"text": "document"}


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-sync-job")
def test_a_result_links_to_the_job_that_made_it(client: httpx.Client) -> None:
    answer = client.post(EXECUTION, json={"inputs": {"text": "monitored"}})
    monitor = answer.links["monitor"]["url"]

    assert client.get(monitor).json()["status"] == "successful"


@pytest.mark.requirement(f"{PROCESSES}core/process-execute-success-async")
def test_an_accepted_job_is_201_with_its_address_and_status(
    client: httpx.Client, ended: Callable[[str], dict[str, Any]]
) -> None:
    answer = _submit(client, "accepted")
    status = answer.json()

    assert answer.headers["Location"].endswith(f"/jobs/{status['jobID']}")
    assert status["type"] == "process"
    assert status["processID"] == "echo"
    assert status["status"] in {"accepted", "running", "successful"}
    assert None not in status.values()
    ended(status["jobID"])


@pytest.mark.requirement(f"{PROCESSES}core/job")
@pytest.mark.requirement(f"{PROCESSES}core/job-success")
def test_a_job_tells_its_status_and_links_to_its_results(client: httpx.Client, done: str) -> None:
    status = client.get(f"/jobs/{done}").json()

    assert (status["jobID"], status["status"], status["progress"]) == (done, "successful", 100)
    assert status["created"] <= status["started"] <= status["finished"]
    assert client.get(_rels(status)[f"{REL}results"][0]["href"]).text == "一张图"


@pytest.mark.requirement(f"{PROCESSES}core/job-exception-no-such-job")
@pytest.mark.requirement(f"{PROCESSES}core/job-results-exception/no-such-job")
@pytest.mark.parametrize("path", ["", "/results"])
@pytest.mark.parametrize("job", ["no-such-job", str(uuid4())])
def test_a_job_that_is_not_there_is_404_with_the_standard_s_type(
    client: httpx.Client, job: str, path: str
) -> None:
    answer = client.get(f"/jobs/{job}{path}")

    assert answer.status_code == 404
    assert answer.json()["type"] == f"{EXCEPTIONS}no-such-job"


@pytest.mark.requirement(f"{PROCESSES}core/job-results")
@pytest.mark.requirement(f"{PROCESSES}core/job-results-async-one")
def test_the_results_of_a_job_are_what_the_execution_would_have_answered(
    client: httpx.Client, done: str
) -> None:
    answer = client.get(f"/jobs/{done}/results")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == "一张图"


@pytest.mark.requirement(f"{PROCESSES}core/job-results-async-many")
def test_the_results_of_a_job_that_asked_for_a_document_are_one(
    client: httpx.Client, ended: Callable[[str], dict[str, Any]]
) -> None:
    job = _submit(client, "many", response="document").json()["jobID"]
    ended(job)

    assert client.get(f"/jobs/{job}/results").json() == {"text": "many"}


@pytest.mark.requirement(f"{PROCESSES}core/job-results-exception/results-not-ready")
def test_results_before_the_end_are_404_with_the_standard_s_type(
    client: httpx.Client, waiting: str
) -> None:
    answer = client.get(f"/jobs/{waiting}/results")

    assert answer.status_code == 404
    assert answer.json()["type"] == f"{EXCEPTIONS}result-not-ready"


@pytest.mark.requirement(f"{PROCESSES}ogc-process-description/json-encoding")
def test_a_description_is_json(client: httpx.Client) -> None:
    answer = client.get("/processes/echo")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["id"] == "echo"


@pytest.mark.requirement(f"{PROCESSES}ogc-process-description/inputs-def")
@pytest.mark.requirement(f"{PROCESSES}ogc-process-description/input-def")
def test_every_input_has_a_schema_and_a_cardinality(client: httpx.Client) -> None:
    inputs = client.get("/processes/echo").json()["inputs"]

    assert inputs["text"]["schema"]["type"] == "string"
    assert "format" not in inputs["text"]["schema"]
    assert inputs["pause"]["schema"]["type"] == "number"
    assert (inputs["text"]["minOccurs"], inputs["pause"]["minOccurs"]) == (1, 0)


@pytest.mark.requirement(f"{PROCESSES}ogc-process-description/outputs-def")
@pytest.mark.requirement(f"{PROCESSES}ogc-process-description/output-def")
def test_every_output_has_a_schema(client: httpx.Client) -> None:
    for process in client.get("/processes").json()["processes"]:
        outputs = client.get(f"/processes/{process['id']}").json()["outputs"]
        assert outputs
        schemas = [output["schema"] for output in outputs.values()]
        assert all(form["type"] for schema in schemas for form in schema.get("oneOf", [schema]))


@pytest.mark.requirement(f"{PROCESSES}ogc-process-description/links")
def test_a_description_links_to_its_execution(client: httpx.Client) -> None:
    (link,) = _rels(client.get("/processes/echo").json())[f"{REL}execute"]

    assert client.post(link["href"], json={"inputs": {"text": "by link"}}).text == "by link"


@pytest.mark.requirement(f"{PROCESSES}json/definition")
def test_processes_jobs_and_results_can_be_had_as_json(client: httpx.Client, done: str) -> None:
    for path in ("/processes", "/processes/echo", f"/jobs/{done}"):
        answer = client.get(path, headers={"Accept": "application/json"})
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.requirement(f"{PROCESSES}html/definition")
def test_processes_and_jobs_can_be_had_as_pages(client: httpx.Client, done: str) -> None:
    for path in ("/processes", "/processes/echo", "/jobs", f"/jobs/{done}"):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.requirement(f"{PROCESSES}html/content")
def test_the_page_of_a_process_says_what_its_description_says(client: httpx.Client) -> None:
    document = client.get("/processes/echo").json()
    page = client.get("/processes/echo", params={"f": "html"}).text

    assert document["title"] in page
    assert document["description"] in page
    assert all(each["title"] in page for each in document["inputs"].values())


@pytest.mark.requirement(f"{PROCESSES}oas30/completeness")
def test_the_definition_names_the_answers_of_an_execution(published: dict[str, Any]) -> None:
    execution = published["paths"]["/processes/{processId}/execution"]["post"]

    assert {"200", "201", "400", "404", "429", "500"} <= execution["responses"].keys()
    assert {"application/json", "text/plain"} <= execution["responses"]["200"]["content"].keys()


@pytest.mark.requirement(f"{PROCESSES}dismiss/job-dismiss-op")
@pytest.mark.requirement(f"{PROCESSES}dismiss/job-dismiss-success")
def test_a_dismissed_job_ends_at_once_and_stays_dismissed(
    client: httpx.Client, waiting: str
) -> None:
    answer = client.delete(f"/jobs/{waiting}")

    assert answer.status_code == 200
    assert answer.json()["status"] == "dismissed"
    assert client.get(f"/jobs/{waiting}").json()["status"] == "dismissed"
    assert client.get(f"/jobs/{waiting}/results").status_code == 404


@pytest.mark.requirement(f"{PROCESSES}dismiss/job-dismiss-op")
def test_a_job_that_is_not_there_cannot_be_dismissed(client: httpx.Client) -> None:
    assert client.delete(f"/jobs/{uuid4()}").json()["type"] == f"{EXCEPTIONS}no-such-job"
