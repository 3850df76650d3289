"""Processes fed by processes and by files of other hosts: results, steps, lineage, refusals."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import psycopg
import pytest

POINT = {"type": "Point", "coordinates": [125.345, 43.8855]}


def buffer(features: Any, distance_m: float = 100) -> dict[str, Any]:
    inputs = {"features": features, "distance_m": distance_m}
    return {"process": "buffer", "inputs": inputs, "outputs": {"features": {}}}


def executed(client: httpx.Client, process: str, inputs: Any, **headers: str) -> httpx.Response:
    body = {"inputs": inputs, "response": "document"}
    return client.post(f"/processes/{process}/execution", json=body, headers=headers, timeout=60)


def value(answer: httpx.Response, output: str) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()[output]["value"]
    return found


def job_of(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = client.get(answer.links["monitor"]["url"]).json()
    return found


@pytest.fixture
def lineage(live_settings: dict[str, str]) -> Callable[[str], list[dict[str, Any]]]:
    """What a job has read and run."""

    def read(job: str) -> list[dict[str, Any]]:
        with psycopg.connect(live_settings["ONEMAP_DATABASE_URL"]) as connection:
            statement = "SELECT lineage -> 'read' FROM onemap.job WHERE id = %s"
            row = connection.execute(statement, (job,)).fetchone()
        assert row is not None
        found: list[dict[str, Any]] = row[0]
        return found

    return read


@pytest.fixture
def left() -> threading.Event:
    """Set once nobody reads the slow file any more."""
    return threading.Event()


@pytest.fixture
def begun() -> threading.Event:
    """Set once somebody reads the slow file."""
    return threading.Event()


@pytest.fixture
def source(
    live_settings: dict[str, str],
    client: httpx.Client,
    begun: threading.Event,
    left: threading.Event,
) -> Iterator[str]:
    """A host that the server may ask for files; its address."""
    county = client.get("/collections/county/items", params={"limit": "1000"}).content
    point = b'{"type": "Point", "coordinates": [125.345, 43.8855]}'
    table = b"x,y,name\n125.3,43.8,a\n"
    files = {"/county.json": county, "/point.json": point, "/no.json": b"<html>", "/t.csv": table}
    port = int(live_settings["ONEMAP_FETCH_HOSTS"].partition("=")[0].rpartition(":")[2])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/slow":
                return self.trickle()
            content = files.get(path, b"")
            self.send_response(302 if path == "/away" else 200 if content else 404)
            if path == "/away":
                self.send_header("Location", "http://169.254.169.254/secret")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def trickle(self) -> None:
            self.send_response(200)
            self.end_headers()
            begun.set()
            with suppress(OSError):
                for _ in range(300):
                    self.wfile.write(b" ")
                    time.sleep(0.1)
            left.set()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_nested_process_gives_what_its_output_sent_by_hand_would_give(
    client: httpx.Client,
) -> None:
    by_hand = value(executed(client, "buffer", buffer(POINT)["inputs"]), "features")
    expected = value(executed(client, "area-ellipsoid", {"features": by_hand}), "areas")
    found = value(executed(client, "area-ellipsoid", {"features": buffer(POINT)}), "areas")

    assert found == expected


def test_a_job_of_nested_processes_shows_its_steps_and_what_each_has_read(
    client: httpx.Client, lineage: Callable[[str], list[dict[str, Any]]]
) -> None:
    layer = {"collection": "land_use", "filter": "TBMJ > 20000 AND YDYHFLDM LIKE '08%'"}
    inputs = {"left": buffer(layer, 50), "right": {"collection": "urban_growth_boundary"}}
    answer = executed(client, "overlay", inputs)
    assert answer.status_code == 200, answer.text
    job = job_of(client, answer)
    done = {"status": "successful", "progress": 100}

    assert job["steps"] == [
        {"pointer": "/inputs/left", "process": "buffer", **done},
        {"pointer": "", "process": "overlay", **done},
    ]
    read = lineage(job["jobID"])
    assert {(one["step"], one["layer"]) for one in read if "layer" in one} == {
        ("/inputs/left", "land_use"),
        ("", "urban_growth_boundary"),
    }
    (ran,) = [one for one in read if "process" in one]
    assert (ran["step"], ran["process"]) == ("/inputs/left", "buffer")
    assert ran["started"] <= ran["ended"]


def test_a_job_without_nested_processes_has_no_steps(client: httpx.Client) -> None:
    assert "steps" not in job_of(client, executed(client, "buffer", buffer(POINT)["inputs"]))


def test_the_features_of_a_nested_process_have_the_types_that_its_reader_takes(
    client: httpx.Client,
) -> None:
    lines = {"type": "LineString", "coordinates": [[125.3, 43.8], [125.31, 43.8]]}
    moved = {
        "process": "transform-crs",
        "inputs": {"features": lines, "target_crs": "EPSG:4490"},
        "outputs": {"features": {}},
    }
    answer = executed(client, "area-ellipsoid", {"features": moved})

    assert answer.status_code == 400, answer.text
    assert all(e["pointer"].startswith("/inputs/features") for e in answer.json()["errors"])


@pytest.mark.parametrize("target", ["EPSG:4490", "EPSG:4516"])
def test_the_system_of_a_nested_output_is_the_one_that_it_names(
    client: httpx.Client, target: str
) -> None:
    ring = [[85.0, 43.8], [85.01, 43.8], [85.01, 43.81], [85.0, 43.81], [85.0, 43.8]]
    land = {"type": "Polygon", "coordinates": [ring]}
    moved = {
        "process": "transform-crs",
        "inputs": {"features": land, "target_crs": target},
        "outputs": {"features": {}},
    }
    total_m2 = [
        value(executed(client, "area-ellipsoid", {"features": one}), "areas")["total"][
            "official_m2"
        ]
        for one in (land, moved)
    ]

    assert total_m2[1] == pytest.approx(total_m2[0], rel=1e-6)


def test_references_of_every_level_are_told_at_once(client: httpx.Client) -> None:
    inputs = {"left": buffer({"collection": "no_such"}), "right": {"href": f"/files/up-{'0' * 32}"}}
    answer = executed(client, "overlay", inputs)

    assert answer.status_code == 400, answer.text
    assert {each["pointer"] for each in answer.json()["errors"]} == {
        "/inputs/left/inputs/features/collection",
        "/inputs/right/href",
    }


@pytest.mark.parametrize("name", ["county.json?token=secret", "point.json"])
def test_a_file_of_another_host_is_read_and_named_without_its_query(
    client: httpx.Client, source: str, name: str, lineage: Callable[[str], list[dict[str, Any]]]
) -> None:
    inputs = {"features": {"href": f"{source}/{name}"}, "distance_m": 10}
    answer = executed(client, "buffer", inputs)
    report = value(answer, "report")
    (read,) = lineage(job_of(client, answer)["jobID"])

    assert report["features"] >= 1
    assert read.keys() == {"step", "url", "sha256", "bytes"}
    assert read["url"] == f"{source}/{name.partition('?')[0]}"


@pytest.mark.parametrize("name", ["no.json", "missing.json", "away"])
def test_a_host_that_gives_no_features_fails_the_job_at_the_place_of_its_address(
    client: httpx.Client, source: str, name: str
) -> None:
    answer = executed(
        client, "area-ellipsoid", {"features": buffer({"href": f"{source}/{name}?s=1"})}
    )

    assert answer.status_code == 400, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/inputs/features/inputs/features/href"
    assert "s=1" not in error["detail"]


def test_a_host_that_is_not_listed_makes_no_job(client: httpx.Client) -> None:
    for href in ("https://example.org/a.json", "http://127.0.0.1:1/a.json", "ftp://x/a"):
        answer = executed(client, "area-ellipsoid", {"features": buffer({"href": href})})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/inputs/features/inputs/features/href"
        assert "monitor" not in answer.links


def test_dismissing_the_job_ends_the_work_of_the_processes_within(
    client: httpx.Client,
    source: str,
    begun: threading.Event,
    left: threading.Event,
) -> None:
    body = {"inputs": {"features": buffer({"href": f"{source}/slow"})}}
    asynchronously = {"Prefer": "respond-async"}
    made = client.post("/processes/area-ellipsoid/execution", json=body, headers=asynchronously)
    here = made.headers["Location"]
    assert [s["status"] for s in made.json()["steps"]] == ["accepted", "accepted"]
    assert begun.wait(60)
    assert not left.is_set()

    ended = client.delete(here).json()

    assert {s["status"] for s in ended["steps"]} == {"dismissed"}
    assert left.wait(2.0), "dismissal is promised to stop the work by then"
