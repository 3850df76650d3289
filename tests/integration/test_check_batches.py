"""A batch that is judged in several processes comes out as one document, whole and in its order."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson

from processes.algorithms.canonical import stated_and_computed
from processes.workflows.compliance_check import BLOCK

COUNT = 2 * BLOCK + 20  # three blocks


def parcels() -> dict[str, Any]:
    """Small squares in rows over the demo city, one of them without any area."""
    features = []
    for number in range(COUNT):
        west, south = 125.2 + number % 40 * 0.005, 43.75 + number // 40 * 0.005
        side = 0.0 if number == BLOCK else 0.001
        ring = [
            [west, south],
            [west + side, south],
            [west + side, south + side],
            [west, south + side],
            [west, south],
        ]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        properties = {"name": f"地块{number}"}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return {"type": "FeatureCollection", "features": features}


def test_a_job_judges_a_batch_in_blocks_and_tells_it_whole(
    client: httpx.Client, wait_until: Callable[..., Any]
) -> None:
    started = client.post(
        "/processes/compliance-check/execution",
        json={"inputs": {"parcels": parcels()}},
        headers={"Prefer": "respond-async"},
    )
    assert started.status_code == 201, started.text
    job = f"/jobs/{started.json()['jobID']}"
    wait_until(lambda: client.get(job).json()["status"] not in ("accepted", "running"), 120)

    content = client.get(f"{job}/results").content
    document = orjson.loads(content)

    assert [one["number"] for one in document["parcels"]] == list(range(1, COUNT + 1))
    assert [one["name"] for one in document["parcels"]] == [f"地块{i}" for i in range(COUNT)]
    judged = [one for one in document["parcels"] if one["rules"]]
    assert len(judged) == COUNT - 1
    assert document["parcels"][BLOCK]["faults"]
    assert sum(document["summary"].values()) == COUNT
    for outcome, count in document["summary"].items():
        assert sum(one["overall"] == outcome for one in document["parcels"]) == count
    assert stated_and_computed(content) == (document["hash"], document["hash"])
    kept = client.get(f"/verify/{document['hash']}").json()
    assert kept["overall"] == document["overall"]
