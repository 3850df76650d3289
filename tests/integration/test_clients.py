"""Real clients: GDAL's OAPIF driver through pyogrio, and OWSLib."""

import subprocess
import sys
from collections.abc import Callable

import httpx
import pyogrio
from owslib.ogcapi.features import Features
from owslib.ogcapi.processes import Processes


def test_gdal_lists_and_reads_the_collections(live_server: str) -> None:
    source = f"OAPIF:{live_server}"

    names = {name for name, _ in pyogrio.list_layers(source)}
    meta, _, geometry, fields = pyogrio.raw.read(source, layer="county")
    columns = dict(zip(meta["fields"], fields, strict=True))

    assert {"county", "land_use", "permanent_farmland"} <= names
    assert len(geometry) == 11
    assert meta["geometry_type"] in ("MultiPolygon", "Polygon", "Unknown")
    assert "农安县" in set(columns["XZQMC"])


def test_gdal_pages_through_a_layer_and_pushes_a_window_down(live_server: str) -> None:
    source = f"OAPIF:{live_server}"

    _, _, whole, _ = pyogrio.raw.read(source, layer="land_use", PAGE_SIZE=500)
    _, _, part, _ = pyogrio.raw.read(source, layer="land_use", bbox=(125.30, 43.87, 125.34, 43.89))

    assert len(whole) == 2_000
    assert 0 < len(part) < len(whole)


def test_gdal_sends_its_filters_to_the_server(live_server: str) -> None:
    where = "TBMJ > 5000 AND YDYHFLDM LIKE '01%'"
    reading = (
        "import pyogrio, sys; pyogrio.set_gdal_config_options({'CPL_DEBUG': 'ON'});"
        "print(len(pyogrio.raw.read(sys.argv[1], layer='land_use', where=sys.argv[2])[2]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", reading, f"OAPIF:{live_server}", where],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    asked = Features(live_server).collection_items("land_use", filter=where, limit=10_000)

    assert int(told.stdout) == len(asked["features"]) > 0
    assert "client side" not in told.stderr
    assert "filter-lang=cql-text" in told.stderr


def test_owslib_reads_features(live_server: str) -> None:
    service = Features(live_server)

    page = service.collection_items("land_use", limit=5)
    assert len(page["features"]) == 5
    name = page["features"][0]["id"]
    assert service.collection_item("land_use", name)["id"] == name
    assert "land_use" in service.feature_collections()
    assert service.collection_queryables("land_use")["type"] == "object"


def test_owslib_runs_the_process(live_server: str) -> None:
    service = Processes(live_server)

    assert {"compliance-check", "echo"} <= {p["id"] for p in service.processes()}
    result = service.execute("echo", inputs={"text": "一张图", "pause": 0}, response="document")
    assert "一张图" in str(result)
    ring = [[125.32, 43.88], [125.322, 43.88], [125.322, 43.882], [125.32, 43.882], [125.32, 43.88]]
    parcel = {"type": "Polygon", "coordinates": [ring]}
    checked = service.execute("compliance-check", inputs={"parcels": parcel}, response="raw")
    facts = {rule["fact"] for one in checked["parcels"] for rule in one["rules"]}
    assert facts <= {"涉及", "不涉及", "数据缺失"}
    assert len(facts) > 1


def test_a_body_arrives_beside_an_offer_of_http_2_in_clear_text(live_server: str) -> None:
    """What java.net.http sends unless it is told another version."""
    offer = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAEAAEAA",
    }
    with httpx.Client(base_url=live_server) as java:
        for word in ("一", "二"):  # over one connection
            body = {"inputs": {"text": word}}
            answer = java.post("/processes/echo/execution", json=body, headers=offer)
            assert (answer.status_code, answer.text) == (200, word)


def test_owslib_makes_a_job_and_finds_its_results_where_it_is_told(
    live_server: str, client: httpx.Client, wait_until: Callable[..., None]
) -> None:
    service = Processes(live_server)
    features = {"collection": "land_use", "filter": "TBMJ > 20000"}

    job = service.execute("area-ellipsoid", inputs={"features": features}, async_=True)
    address = service.response_headers["Location"]

    assert job["status"] in ("accepted", "running", "successful")
    assert address == f"{live_server}/jobs/{job['jobID']}"
    wait_until(lambda: client.get(address).json()["status"] == "successful")
    results = client.get(f"{address}/results").raise_for_status().json()
    assert results["areas"]["value"]["features"]
