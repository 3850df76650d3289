"""OGC API - Processes, Part 1 (18-062r2): inputs of every kind; outputs by value and by reference."""

import base64
from email import message_from_bytes
from typing import Any

import httpx
import pytest

CORE = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/req/core/"
EXECUTION = "/processes/echo-values/execution"
GIVEN: dict[str, Any] = {
    "text": "一张图",
    "number": 1.5,
    "count": 3,
    "flag": True,
    "choice": "b",
    "day": "2026-11-27",
    "list": [1, 2, 3],
    "bbox": {
        "bbox": [125.0, 43.0, 126.0, 44.0],
        "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    },
    "object": {"name": "图斑", "size": 2.5},
    "mixed": 7,
    "geometry": {"type": "Point", "coordinates": [125.3, 43.9]},
    "binary": base64.b64encode(b"\x00\xff").decode(),
}
BOTH: dict[str, dict[str, str]] = {"values": {}, "names": {}}
REFERENCE = {"transmissionMode": "reference"}


def executed(client: httpx.Client, **more: Any) -> httpx.Response:
    answer = client.post(EXECUTION, json={"inputs": GIVEN, **more})
    assert answer.is_success, answer.text
    return answer


@pytest.mark.requirement(f"{CORE}process-execute-input-inline-object")
@pytest.mark.requirement(f"{CORE}process-execute-input-inline-bbox")
@pytest.mark.requirement(f"{CORE}process-execute-input-inline-binary")
@pytest.mark.requirement(f"{CORE}process-execute-input-mixed-type")
def test_inputs_of_every_kind_arrive_as_they_were_given(client: httpx.Client) -> None:
    assert executed(client, outputs={"values": {}}).json() == GIVEN


@pytest.mark.requirement(f"{CORE}process-execute-input-inline-object")
def test_an_object_may_be_wrapped_to_say_its_media_type(client: httpx.Client) -> None:
    wrapped = {"value": GIVEN["object"], "mediaType": "application/json"}
    answer = client.post(
        EXECUTION, json={"inputs": {**GIVEN, "object": wrapped}, "outputs": {"values": {}}}
    )

    assert answer.json() == GIVEN


@pytest.mark.requirement(f"{CORE}process-execute-input-validation")
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("number", "1"),
        ("count", 1.5),
        ("flag", "yes"),
        ("choice", "d"),
        ("day", "yesterday"),
        ("list", ["a"]),
        ("bbox", {"bbox": [1, 2, 3]}),
        ("object", {"size": 1}),
        ("mixed", True),
        ("geometry", {"type": "Point"}),
        ("binary", "not base64!"),
    ],
)
def test_a_wrong_value_is_named_by_its_place(client: httpx.Client, name: str, wrong: Any) -> None:
    answer = client.post(EXECUTION, json={"inputs": {**GIVEN, name: wrong}})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith(f"/inputs/{name}")


@pytest.mark.requirement(f"{CORE}process-execute-sync-document")
def test_a_document_holds_all_outputs_by_value(client: httpx.Client) -> None:
    document = executed(client, response="document").json()

    assert document["values"] == {"value": GIVEN, "mediaType": "application/json"}
    assert document["names"] == ", ".join(sorted(GIVEN))


@pytest.mark.requirement(f"{CORE}process-execute-sync-raw-value-multi")
def test_several_raw_outputs_are_parts_of_one_answer(client: httpx.Client) -> None:
    answer = executed(client, outputs=BOTH, response="raw")
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    whole: Any = message_from_bytes(head + answer.content)
    parts = {part["Content-ID"]: part for part in whole.get_payload()}

    assert answer.headers["Content-Type"].startswith("multipart/related; boundary=")
    assert parts.keys() == {"<values>", "<names>"}
    assert parts["<names>"].get_payload(decode=True).decode() == ", ".join(sorted(GIVEN))


@pytest.mark.requirement(f"{CORE}process-execute-sync-raw-ref")
def test_raw_outputs_by_reference_are_links_and_no_body(client: httpx.Client) -> None:
    answer = executed(client, outputs=dict.fromkeys(BOTH, REFERENCE), response="raw")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(answer.links["values"]["url"]).json() == GIVEN
    assert client.get(answer.links["names"]["url"]).text == ", ".join(sorted(GIVEN))


@pytest.mark.requirement(f"{CORE}process-execute-sync-raw-mixed-multi")
def test_values_and_references_may_be_mixed(client: httpx.Client) -> None:
    answer = executed(client, outputs={"values": REFERENCE, "names": {}}, response="raw")

    assert answer.text == ", ".join(sorted(GIVEN))
    assert client.get(answer.links["values"]["url"]).json() == GIVEN


@pytest.mark.requirement(f"{CORE}job-results-async-many")
def test_a_document_names_outputs_by_reference(client: httpx.Client) -> None:
    document = executed(
        client, outputs={"values": REFERENCE, "names": {}}, response="document"
    ).json()

    assert document["names"] == ", ".join(sorted(GIVEN))
    assert document["values"]["type"] == "application/json"
    assert client.get(document["values"]["href"]).json() == GIVEN


def test_an_output_that_was_not_asked_for_is_not_there(client: httpx.Client) -> None:
    answer = executed(client, outputs={"names": REFERENCE}, response="raw")
    address = answer.links["names"]["url"]

    assert client.get(address.replace("/names", "/values")).status_code == 404
