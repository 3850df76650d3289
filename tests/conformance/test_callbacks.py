"""OGC API - Processes, Part 1 (18-062r2), class callback: who asks to be told of a job is told."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

CALLBACK = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/req/callback/"
EXECUTION = "/processes/echo/execution"
ASYNC = {"Prefer": "respond-async"}
type Told = list[tuple[str, dict[str, str], Any]]


@pytest.fixture(scope="module")
def subscriber(live_settings: dict[str, str]) -> Iterator[tuple[str, Told]]:
    """The address of a subscriber, and what it was told."""
    told: Told = []
    place = live_settings["ONEMAP_CALLBACK_HOSTS"].partition("=")[0]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.append((self.path, headers, json.loads(content)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    host, _, port = place.partition(":")
    server = HTTPServer((host, int(port)), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://{place}", told
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.requirement(f"{CALLBACK}job-callback")
def test_a_subscriber_is_told_that_the_job_runs_and_of_its_results(
    client: httpx.Client, subscriber: tuple[str, Told], wait_until: Callable[..., None]
) -> None:
    base, told = subscriber
    names = {
        "successUri": f"{base}/done",
        "inProgressUri": f"{base}/runs",
        "failedUri": f"{base}/no",
    }
    body = {"inputs": {"text": "一张图"}, "subscriber": names}
    answer = client.post(EXECUTION, json=body, headers=ASYNC)
    assert answer.status_code == 201, answer.text
    job = answer.json()["jobID"]
    wait_until(lambda: {path for path, _, _ in told} == {"/runs", "/done"})

    documents = {path: document for path, _, document in told}
    assert documents["/done"] == {"text": "一张图"}
    assert documents["/runs"]["jobID"] == job
    assert all("webhook-signature" in headers for _, headers, _ in told)

    def states() -> set[str]:
        said = client.get(f"/jobs/{job}").json()["x-onemap"]["callbacks"]
        return {one["state"] for one in said}

    wait_until(lambda: states() == {"delivered"})


@pytest.mark.requirement(f"{CALLBACK}job-callback")
def test_an_address_that_is_not_listed_is_refused_by_its_place(client: httpx.Client) -> None:
    body = {"inputs": {"text": "a"}, "subscriber": {"successUri": "http://127.0.0.1:1/secret"}}
    answer = client.post(EXECUTION, json=body, headers=ASYNC)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/subscriber/successUri"


@pytest.mark.requirement(f"{CALLBACK}job-callback")
def test_the_definition_describes_what_subscribers_are_sent(published: dict[str, Any]) -> None:
    execution = published["paths"]["/processes/{processId}/execution"]["post"]

    assert {address for told in execution["callbacks"].values() for address in told} == {
        f"{{$request.body#/subscriber/{name}}}"
        for name in ("successUri", "inProgressUri", "failedUri")
    }
