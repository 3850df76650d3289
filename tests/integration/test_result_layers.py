"""Results of jobs as collections, as files, and how they go again."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from processes.spec import COLLECTION_TYPE
from providers.database import open_pools
from providers.result_files import ResultFiles
from providers.result_sweep import sweep_results

READING = Path(__file__).parent / "clients" / "qgis_result.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # QGIS belongs to the distribution's Python

SQUARE = [[125.32, 43.88], [125.33, 43.88], [125.33, 43.89], [125.32, 43.89], [125.32, 43.88]]
AS_COLLECTION = {"features": {"format": {"mediaType": COLLECTION_TYPE}}}
FEATURES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": f"plot-{number}",
            "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
            "properties": {
                "DLBM": code,
                "area": number * 1.5,
                "count": number * 5_000_000_000,
                "open": number > 1,
                "note": None,
                "by": {"name": "甲\t乙\\", "year": 2024},
            },
        }
        for number, code in enumerate(["0101", "0301", "0701"], start=1)
    ],
}


def buffered(
    client: httpx.Client,
    outputs: dict[str, Any] = AS_COLLECTION,
    *,
    features: Any = FEATURES,
    headers: dict[str, str] | None = None,
    response: str = "raw",
) -> httpx.Response:
    """The answer to an execution of buffer."""
    body = {
        "inputs": {"features": features, "distance_m": 50},
        "outputs": outputs,
        "response": response,
    }
    return client.post("/processes/buffer/execution", json=body, headers=headers)


def collection_of(client: httpx.Client, headers: dict[str, str] | None = None) -> tuple[str, str]:
    """A result layer's path, and its job's."""
    answer = buffered(client, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rel"] == "data"
    assert answer.json()["type"] == "application/json"
    there = httpx.URL(answer.json()["href"]).path
    job = answer.headers["Link"].split(">")[0].removeprefix("<")
    return there, httpx.URL(job).path


@pytest.fixture(scope="module")
def made(client: httpx.Client) -> str:
    """A result layer of an anonymous job."""
    return collection_of(client)[0]


@pytest.fixture(scope="module")
def signed(new_key: Callable[..., str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {new_key('planner')}"}


def test_features_asked_for_as_a_collection_are_one_with_typed_properties(
    client: httpx.Client, made: str
) -> None:
    document = client.get(made).json()
    assert document["id"] == made.rpartition("/")[2]
    assert "缓冲区" in document["title"]
    assert {"via", "http://www.w3.org/ns/prov#has_provenance"} <= {
        link["rel"] for link in document["links"]
    }
    page = client.get(f"{made}/items").json()
    assert page["numberMatched"] == 3
    first = page["features"][0]
    assert first["id"] == "plot-1"
    assert first["geometry"]["type"] == "MultiPolygon"
    told = {name: first["properties"][name] for name in ("DLBM", "area", "count", "open", "note")}
    assert told == {
        "DLBM": "0101",
        "area": 1.5,
        "count": 5_000_000_000,
        "open": False,
        "note": None,
    }
    assert first["properties"]["by_name"] == "甲\t乙\\"
    types = {
        name: said["type"]
        for name, said in client.get(f"{made}/queryables").json()["properties"].items()
        if "type" in said
    }
    assert types["count"] == "integer"
    assert types["area"] == "number"
    assert types["open"] == "boolean"
    assert types["DLBM"] == "string"


def test_a_result_layer_declares_what_any_layer_declares_and_its_page_leads_to_the_map(
    client: httpx.Client, made: str
) -> None:
    def declared(path: str) -> set[tuple[str, str]]:
        links = client.get(path).json()["links"]
        for link in links:
            if not link.get("templated"):
                assert client.get(link["href"]).status_code == 200, link
        return {(link["rel"], link["type"]) for link in links}

    name = made.rpartition("/")[2]
    assert declared("/collections/county") < declared(made)
    for page in (made, f"{made}/items", f"{made}/items/plot-1"):
        there = client.get(page, params={"f": "html"}).text
        assert f'href="/app/map?l={name}' in there, page


def test_what_comes_of_invented_data_is_invented_however_many_results_lie_between(
    client: httpx.Client,
) -> None:
    def marked(features: Any) -> tuple[dict[str, str], bool]:
        answer = buffered(client, features=features)
        assert answer.status_code == 200, answer.text
        document = client.get(answer.json()["href"]).json()
        is_marked = document["x-onemap"]["synthetic"]
        assert ("模拟数据" in document["title"]) == is_marked
        return {"collection": document["id"]}, is_marked

    for features, expected in ({"collection": "nature_reserve"}, True), (FEATURES, False):
        for _ in range(3):
            features, found = marked(features)
            assert found == expected
        within = {"process": "buffer", "inputs": {"features": features, "distance_m": 5}}
        nested = {**within, "outputs": {"features": {}}}
        assert marked(nested)[1] == expected


def test_a_result_layer_answers_as_any_layer_does(client: httpx.Client, made: str) -> None:
    found = client.get(
        f"{made}/items", params={"filter": "DLBM='0301' AND count > 6000000000", "limit": 1}
    )
    assert [f["id"] for f in found.json()["features"]] == ["plot-2"]
    first = client.get(f"{made}/items", params={"limit": 1}).json()
    onward = next(link["href"] for link in first["links"] if link["rel"] == "next")
    assert client.get(onward).json()["features"][0]["id"] == "plot-2"
    assert client.get(f"{made}/items", params={"q": "0701"}).json()["numberReturned"] == 1
    assert client.get(f"{made}/items/plot-3").json()["properties"]["by_year"] == 2024
    for form in ("jsonfg", "csv", "fgb", "gpkg", "shp", "html"):
        assert client.get(f"{made}/items", params={"f": form}).status_code == 200, form
    for part in ("", "/schema", "/sortables", "/tiles", "/tiles/WebMercatorQuad"):
        for form in ("json", "html"):
            assert client.get(f"{made}{part}", params={"f": form}).status_code == 200, part
    moved = client.get(
        f"{made}/items", params={"crs": "http://www.opengis.net/def/crs/EPSG/0/4490"}
    ).json()
    assert moved["features"][0]["geometry"]["coordinates"][0][0][0][0] == pytest.approx(
        43.88, abs=0.1
    )
    tile = client.get(f"{made}/tiles/WebMercatorQuad/12/1491/3473?f=mvt")
    assert tile.status_code == 200, tile.text
    assert tile.content
    assert client.get(f"{made}/tiles/WebMercatorQuad/12/1491/3473?f=mvt").content == tile.content
    again = client.get(
        f"{made}/items", headers={"If-None-Match": client.get(f"{made}/items").headers["ETag"]}
    )
    assert again.status_code == 304
    style = next(
        link["href"] for link in client.get(made).json()["links"] if link["rel"].endswith("/styles")
    )
    drawn = client.get(style)
    assert drawn.status_code == 200, drawn.text
    assert len(drawn.json()["layers"]) >= 2
    name = made.rpartition("/")[2]
    assert (
        client.get(f"/tiles/WebMercatorQuad/12/1491/3473?f=mvt&collections={name}").status_code
        == 200
    )


def test_a_keyed_result_layer_is_its_owners_alone(
    client: httpx.Client, signed: dict[str, str], new_key: Callable[..., str]
) -> None:
    there, _ = collection_of(client, signed)
    name = there.rpartition("/")[2]
    assert client.get(f"{there}/items", headers=signed).json()["numberMatched"] == 3
    assert client.get(there, headers=signed).headers["Cache-Control"] == "private, no-cache"
    listed = client.get("/collections", headers=signed).json()["collections"]
    assert name in [c["id"] for c in listed]
    other = {"Authorization": f"Bearer {new_key('planner')}"}
    for stranger in ({}, other):
        for part in (
            "",
            "/items",
            "/tiles",
            "/tiles/WebMercatorQuad/12/1491/3473?f=mvt",
            "/schema",
        ):
            assert client.get(f"{there}{part}", headers=stranger).status_code == 404, part
        assert client.get(f"/styles/{name}", headers=stranger).status_code == 404
        listed = client.get("/collections", headers=stranger).json()["collections"]
        assert not [c for c in listed if c["id"].startswith("result_")]
    found = buffered(client, features={"collection": name}, headers=signed)
    assert found.status_code == 200
    refused = buffered(client, features={"collection": name}, headers=other)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/inputs/features/collection"


def test_a_result_layer_is_gone_with_its_job(client: httpx.Client) -> None:
    there, job = collection_of(client)
    tile = f"{there}/tiles/WebMercatorQuad/12/1491/3473?f=mvt"
    assert client.get(tile).status_code == 200
    assert client.get(tile).status_code == 200
    assert client.delete(job).status_code == 200
    for path in (there, f"{there}/items", tile, f"{job}/results"):
        assert client.get(path).status_code == 404, path
    unknown = there[:-34] + "0" * 25 + "_features"
    assert client.get(unknown).status_code == 404


def test_a_collection_by_reference_and_in_a_document_is_a_link(client: httpx.Client) -> None:
    asked = {"features": {**AS_COLLECTION["features"], "transmissionMode": "reference"}}
    answer = buffered(client, asked)
    assert answer.status_code == 204
    assert "/collections/result_" in answer.headers["Link"]
    document = buffered(client, {**AS_COLLECTION, "report": {}}, response="document").json()
    assert document["features"]["rel"] == "data"
    assert document["report"]["mediaType"] == "application/json"
    parts = buffered(client, {**AS_COLLECTION, "report": {}})
    assert parts.headers["Content-Type"].startswith("multipart/related")


def test_a_form_that_an_output_does_not_have_is_refused_at_its_place(client: httpx.Client) -> None:
    for outputs, where in (
        ({"features": {"format": {"mediaType": "text/csv"}}}, "features"),
        ({"report": {"format": {"mediaType": COLLECTION_TYPE}}}, "report"),
    ):
        answer = buffered(client, outputs)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == f"/outputs/{where}/format/mediaType"


def test_a_feature_too_large_for_a_row_fails_its_job_at_once_and_says_why(
    client: httpx.Client,
) -> None:
    wide = {f"p{number:03d}": f"{number:03d}" * 7 for number in range(499)}
    feature = {**FEATURES["features"][0], "properties": wide}
    answer = buffered(client, features={"type": "FeatureCollection", "features": [feature]})

    assert answer.json()["code"] == "JobFailed"
    assert "too large to be a row" in answer.json()["detail"]


def test_an_empty_result_is_an_empty_collection(client: httpx.Client) -> None:
    nothing = {"type": "FeatureCollection", "features": []}
    answer = buffered(client, features=nothing)
    assert answer.status_code == 200, answer.text
    there = httpx.URL(answer.json()["href"]).path
    assert client.get(f"{there}/items").json()["features"] == []
    assert client.get(f"{there}/tiles/WebMercatorQuad/12/1491/3473?f=mvt").status_code == 204


def test_features_moved_into_a_plane_lie_where_they_were(client: httpx.Client) -> None:
    body = {
        "inputs": {
            "features": FEATURES,
            "target_crs": "http://www.opengis.net/def/crs/EPSG/0/4551",
        },
        "outputs": AS_COLLECTION,
    }
    answer = client.post("/processes/transform-crs/execution", json=body)
    assert answer.status_code == 200, answer.text
    items = client.get(f"{httpx.URL(answer.json()['href']).path}/items").json()
    place = items["features"][0]["geometry"]["coordinates"][0][0][0]
    assert place == pytest.approx(SQUARE[0], abs=1e-7)


def test_a_large_value_is_sent_from_its_file_whole(client: httpx.Client) -> None:
    many = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [125 + n / 10_000, 43.88]},
            "properties": {"n": n, "text": "长" * 100},
        }
        for n in range(1_500)
    ]
    features = {"type": "FeatureCollection", "features": many}
    answer = buffered(client, {"features": {}}, features=features)
    assert answer.status_code == 200
    assert len(answer.content) > 1_048_576
    assert len(answer.json()["features"]) == 1_500
    job = httpx.URL(answer.headers["Link"].split(">")[0].removeprefix("<")).path
    one = client.get(f"{job}/results/features")
    assert one.json() == answer.json()
    assert (
        client.get(
            f"{job}/results/features", headers={"If-None-Match": one.headers["ETag"]}
        ).status_code
        == 304
    )
    document = buffered(
        client, {"features": {}, "report": {}}, features=features, response="document"
    )
    assert len(document.json()["features"]["value"]["features"]) == 1_500
    assert "value" in document.json()["report"]
    assert client.get(f"{job}/results/features", params={"f": "html"}).status_code in (200, 406)


def test_an_ended_job_says_when_it_goes(client: httpx.Client) -> None:
    _, job = collection_of(client)
    document = client.get(job).json()
    assert document["expires"] > document["finished"]


@pytest.mark.skipif(
    subprocess.run(["which", "ogrinfo"], capture_output=True).returncode != 0,
    reason="GDAL's command line is not installed",
)
def test_gdal_reads_a_result_layer_by_its_url(live_server: str, made: str) -> None:
    name = made.rpartition("/")[2]
    done = subprocess.run(
        ["ogrinfo", "-ro", "-al", "-so", f"OAPIF:{live_server}{made}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Feature Count: 3" in done.stdout, done.stdout + done.stderr
    assert name in done.stdout


def test_qgis_opens_the_layer_of_an_asynchronous_job_by_its_url(
    client: httpx.Client, live_server: str, wait_until: Callable[..., None], tmp_path: Path
) -> None:
    have = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False
    )
    if have.returncode:
        pytest.skip("QGIS is not installed (python3-qgis)")
    accepted = buffered(client, headers={"Prefer": "respond-async"})
    assert accepted.status_code == 201
    job = httpx.URL(accepted.headers["Location"]).path
    wait_until(lambda: client.get(job).json()["status"] == "successful")
    there = client.get(f"{job}/results").json()["href"]
    told = subprocess.run(
        [SYSTEM_PYTHON, READING, live_server, there.rpartition("/")[2]],
        cwd=tmp_path,
        env={
            "PATH": os.defpath,
            "QT_QPA_PLATFORM": "offscreen",
            "HOME": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    assert said["valid"]
    assert said["codes"] == ["0101", "0301", "0701"]
    assert {"area", "count", "open"} <= set(said["fields"])
    assert said["shapes"] == [False] * 3


def test_what_no_result_names_is_swept_away(
    client: httpx.Client, live_settings: dict[str, str]
) -> None:
    _, job = collection_of(client)
    assert client.delete(job).status_code == 200
    name = UUID(job.rpartition("/")[2])
    url, home = live_settings["ONEMAP_DATABASE_URL"], Path(live_settings["ONEMAP_HOME"])
    files = ResultFiles.within(home / "store")
    assert name in list(files.jobs())

    async def sweep() -> None:
        async with open_pools(url, readers=1, writers=1) as pools:
            await sweep_results(pools, files)

    asyncio.run(sweep())
    assert name not in list(files.jobs())
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT to_regclass(%s)", (f"result.result_{name.hex}_features",)
        ).fetchone()
    assert found == (None,)
