"""The spatial processes as jobs of the live server: offered, run, refused with every fault."""

import httpx
import pytest

from processes.registry import SPECS

OFFERED = ["area-ellipsoid", "buffer", "classify", "overlay", "transform-crs"]


@pytest.mark.parametrize("process", OFFERED)
def test_the_published_example_runs_and_answers_every_output(
    client: httpx.Client, process: str
) -> None:
    described = client.get(f"/processes/{process}").json()

    answer = client.post(
        f"/processes/{process}/execution",
        json={**described["x-onemap"]["example"], "response": "document"},
    )

    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == SPECS[process.replace("-", "_")].outputs.keys()


def test_a_body_is_refused_with_the_place_of_each_fault(client: httpx.Client) -> None:
    open_ring = {"type": "Polygon", "coordinates": [[[125, 43], [126, 43], [126, 44]]]}
    body = {"inputs": {"left": open_ring, "right": {"type": "Point"}, "crs": "nowhere"}}

    answer = client.post("/processes/overlay/execution", json=body)

    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/inputs/left/coordinates/0",
        "/inputs/right/type",
        "/inputs/crs",
    }
