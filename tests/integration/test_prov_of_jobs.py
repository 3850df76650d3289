"""GET /jobs/{jobId}/prov: how each job came about, for those who may see the job."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx
from prov.model import ProvDocument

SOME = "TBMJ > 20000 AND YDYHFLDM LIKE '08%'"
ROLE = "surveyor"


def executed(client: httpx.Client, process: str, body: dict[str, Any], **headers: str) -> str:
    """The address of the job, once it has ended."""
    answer = client.post(f"/processes/{process}/execution", json=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.links["monitor"]["url"]


def provenance(client: httpx.Client, job: str, **headers: str) -> Any:
    """By the link that the job's status has."""
    links = client.get(job, headers=headers).raise_for_status().json()["links"]
    (there,) = (link for link in links if link["rel"].endswith("#has_provenance"))
    answer = client.get(there["href"], headers=headers).raise_for_status()
    assert answer.headers["content-type"] == there["type"] == "application/json"
    return answer.json()


def test_a_result_is_traced_to_the_edition_and_revision_that_was_read(
    client: httpx.Client,
) -> None:
    body = {"inputs": {"features": {"collection": "land_use", "filter": SOME}}}
    made = provenance(client, executed(client, "area-ellipsoid", body))

    ProvDocument.deserialize(content=json.dumps(made), format="json")
    (edition,) = (
        entity for name, entity in made["entity"].items() if name.startswith("collection:land_use")
        and "#revision=" in name
    )  # fmt: skip
    assert edition["om:layer"] == "land_use"
    assert edition["om:revision"] >= 1
    assert made["entity"]["in:/inputs/features"]["om:filter"] == SOME
    assert {"out:areas"} <= made["entity"].keys()
    assert made["agent"].keys() == {"who:software"}
    assert made["agent"]["who:software"]["om:version"]


def test_an_uploaded_file_is_known_by_its_content(client: httpx.Client) -> None:
    shape = {"type": "Polygon", "coordinates": [[[125.3, 43.8], [125.31, 43.8], [125.31, 43.81],
                                                [125.3, 43.8]]]}  # fmt: skip
    feature = {"type": "Feature", "properties": {}, "geometry": shape}
    content = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    posted = client.post("/files", params={"name": "p.geojson"}, content=content)
    href = posted.raise_for_status().json()["href"]
    body = {"inputs": {"features": {"href": href}}}
    made = provenance(client, executed(client, "area-ellipsoid", body))

    digest = hashlib.sha256(content).hexdigest()
    assert made["entity"][f"content:{digest}"]["om:file"] == "p.geojson"
    derived = [
        (one["prov:generatedEntity"], one["prov:usedEntity"])
        for one in made["wasDerivedFrom"].values()
    ]
    assert ("in:/inputs/features", f"content:{digest}") in derived


def test_an_output_s_digest_is_that_of_the_bytes_that_are_served(client: httpx.Client) -> None:
    job = executed(client, "echo", {"inputs": {"text": "一张图"}})
    made = provenance(client, job)

    output = client.get(f"{job}/results/text", headers={"Accept": "*/*"})
    assert made["entity"]["out:text"]["om:sha256"] == hashlib.sha256(output.content).hexdigest()
    assert made["entity"]["in:/inputs/text"]["prov:value"] == '"一张图"'


def test_the_owner_is_told_for_whom_it_was_and_others_find_nothing(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    own = {"Authorization": f"Bearer {new_key(ROLE, '220102', person='丈量员')}"}
    other = {"Authorization": f"Bearer {new_key(ROLE, '220102')}"}
    job = executed(client, "echo", {"inputs": {"text": "a"}}, **own)

    made = provenance(client, job, **own)
    assert made["agent"]["who:person"]["om:name"] == "丈量员"
    assert made["agent"]["who:organisation"]["om:name"] == "测试单位"
    for headers in (other, {}):
        refused = client.get(f"{job}/prov", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "NoSuchJob")


def test_a_job_that_failed_has_a_provenance_without_outputs(client: httpx.Client) -> None:
    answer = client.post(
        "/processes/area-ellipsoid/execution",
        json={"inputs": {"features": {"collection": "no_such_layer"}}},
        headers={"Prefer": "respond-async"},
    )
    job = answer.headers["location"]
    client.post("/processes/echo/execution", json={"inputs": {"text": "after it"}})
    made = provenance(client, job)

    assert not [name for name in made["entity"] if name.startswith("out:")]
    assert made["entity"]["in:/inputs/features"]["om:collection"] == "no_such_layer"


def test_there_is_a_page_of_it(client: httpx.Client) -> None:
    job = executed(client, "echo", {"inputs": {"text": "a"}})
    page = client.get(f"{job}/prov", headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert "SoftwareAgent" in page.text


def test_what_a_job_was_asked_can_be_asked_again(client: httpx.Client) -> None:
    body = {
        "inputs": {"features": {"collection": "land_use", "filter": SOME}},
        "outputs": {"areas": {"transmissionMode": "reference"}},
        "response": "document",
    }
    asked = client.get(f"{executed(client, 'area-ellipsoid', body)}/inputs").json()

    links = {link["rel"].rpartition("/")[2]: link["href"] for link in asked.pop("links")}
    assert asked["inputs"]["features"] == {"collection": "land_use", "filter": SOME}
    assert asked["outputs"] == body["outputs"]
    again = client.post(links["execute"], json={**asked, "response": "document"}, timeout=60)
    assert again.status_code == 200, again.text
