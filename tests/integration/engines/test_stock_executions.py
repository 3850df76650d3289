"""Executions under stock pygeoapi: the same jobs, callbacks and references as under our engine."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import httpx
import pytest

ECHO = "/processes/echo/execution"
REFERENCE = {"transmissionMode": "reference"}


@pytest.fixture
def told(live_settings: dict[str, str]) -> Iterator[tuple[str, Queue[tuple[str, bytes, bool]]]]:
    """Where callbacks may go, and what has arrived: path, content, whether it was signed."""
    place = live_settings["ONEMAP_CALLBACK_HOSTS"].partition("=")[0]
    arrived: Queue[tuple[str, bytes, bool]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.put((self.path, content, "webhook-signature" in self.headers))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", int(place.rpartition(":")[2])), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://{place}", arrived
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_subscriber_is_told_by_our_workers(
    stock: httpx.Client, told: tuple[str, Queue[tuple[str, bytes, bool]]]
) -> None:
    place, arrived = told
    subscriber = {"successUri": f"{place}/done", "inProgressUri": f"{place}/started"}
    body = {"inputs": {"text": "一张图"}, "subscriber": subscriber}

    answer = stock.post(ECHO, json=body)

    assert answer.status_code == 200, answer.text
    messages = [arrived.get(timeout=30) for _ in subscriber]
    assert {path for path, _, _ in messages} == {"/done", "/started"}
    assert all(signed for _, _, signed in messages)
    assert "一张图".encode() in next(content for path, content, _ in messages if path == "/done")


def test_a_subscriber_that_may_not_be_called_is_refused(stock: httpx.Client) -> None:
    body = {"inputs": {"text": "a"}, "subscriber": {"successUri": "http://10.0.0.1/done"}}

    answer = stock.post(ECHO, json=body)

    assert answer.status_code == 400
    assert "/subscriber/successUri" in answer.text


@pytest.mark.parametrize("response", ["raw", "document"])
def test_what_is_asked_for_by_reference_is_found_there(stock: httpx.Client, response: str) -> None:
    body = {"inputs": {"text": "found there"}, "outputs": {"text": REFERENCE}, "response": response}
    link = stock.post(ECHO, json=body).raise_for_status().json()["text"]

    found = stock.get(link["href"]).raise_for_status()

    assert "found there" in found.text


def test_what_is_asked_for_by_value_comes_beside_a_reference(stock: httpx.Client) -> None:
    inputs = {"text": "一张图", "number": 1, "count": 1, "flag": True, "choice": "a"}
    outputs = {"names": {}, "values": REFERENCE}
    answer = stock.post(
        "/processes/echo-values/execution", json={"inputs": inputs, "outputs": outputs}
    )

    assert answer.status_code == 200, answer.text
    assert "values" in answer.links
    found = stock.get(answer.links["values"]["url"]).raise_for_status().json()
    assert found.keys() == {"names", "values"}


def test_a_job_of_the_stock_engine_is_one_of_ours(
    ours: httpx.Client, stock: httpx.Client, wait_until: Callable[..., None]
) -> None:
    later = {"Prefer": "respond-async"}
    answer = stock.post(ECHO, json={"inputs": {"text": "a"}}, headers=later)
    job = answer.json()["jobID"]

    assert answer.status_code == 201
    wait_until(lambda: ours.get(f"/jobs/{job}").json()["status"] == "successful")
    assert stock.get(f"/jobs/{job}/results").text == ours.get(f"/jobs/{job}/results").text
    assert ours.get(f"/jobs/{job}/prov").status_code == 200
