"""Processes over features that are referred to: a layer's, chosen by a filter, and an upload's."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

SOME = "TBMJ > 20000 AND YDYHFLDM LIKE '08%'"
REGION = "220102"


def executed(
    client: httpx.Client, process: str, inputs: dict[str, Any], **headers: str
) -> httpx.Response:
    body = {"inputs": inputs, "response": "document"}
    return client.post(f"/processes/{process}/execution", json=body, headers=headers, timeout=60)


def result(answer: httpx.Response, output: str) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()[output]["value"]
    return found


def items(client: httpx.Client, layer: str, **parameters: str) -> dict[str, dict[str, Any]]:
    found = client.get(f"/collections/{layer}/items", params={"limit": "10000", **parameters})
    return {one["id"]: one["properties"] for one in found.raise_for_status().json()["features"]}


def test_areas_of_a_layer_s_features_are_those_that_the_layer_tells(client: httpx.Client) -> None:
    inputs = {"features": {"collection": "land_use", "filter": SOME}}
    areas = result(executed(client, "area-ellipsoid", inputs), "areas")
    told = items(client, "land_use", filter=SOME)

    found = {one["id"]: one["official_m2"] for one in areas["features"]}
    assert found.keys() == told.keys()
    assert len(found) > 3
    for name, area in found.items():
        assert area == pytest.approx(told[name]["om_area_m2"], rel=1e-9)


def test_two_layers_are_laid_over_each_other(client: httpx.Client) -> None:
    sides = {
        "left": {"collection": "land_use", "filter": SOME},
        "right": {"collection": "urban_growth_boundary"},
    }
    inputs = {**sides, "operation": "intersection", "left_class": "YDYHFLDM"}
    statistics = result(executed(client, "overlay", inputs), "statistics")
    whole = sum(one["om_area_m2"] for one in items(client, "land_use", filter=SOME).values())

    left = statistics["left"]
    assert left["whole_m2"] == pytest.approx(whole, rel=1e-9)
    assert 0 < left["shared_m2"] <= whole * (1 + 1e-9)
    assert left["shared_m2"] + left["alone_m2"] == pytest.approx(whole, rel=1e-6)
    assert {row["left"][:2] for row in statistics["classes"] if row["left"]} == {"08"}


def test_a_caller_s_region_bounds_what_is_read(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    key = {"Authorization": f"Bearer {new_key('surveyor', REGION)}"}
    inputs = {"features": {"collection": "land_use", "filter": "TBMJ > 20000"}}
    everything = result(executed(client, "area-ellipsoid", inputs), "areas")["features"]
    own = result(executed(client, "area-ellipsoid", inputs, **key), "areas")["features"]
    regions = {p["om_region"] for p in items(client, "land_use", filter="TBMJ > 20000").values()}

    assert REGION in regions
    assert len(regions) > 1
    assert 0 < len(own) < len(everything)


def test_an_edition_and_a_past_state_may_be_named(client: httpx.Client) -> None:
    def count(**asked: str) -> int:
        inputs = {"features": {"collection": "land_use", "filter": SOME, **asked}}
        return len(result(executed(client, "area-ellipsoid", inputs), "areas")["features"])

    assert count(collection="land_use.2024") == count()
    assert count(datetime="2024-12-01") == count()
    assert count(asOf="2000-01-01") == 0


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"collection": "no_such_layer"}, "/inputs/features/collection"),
        ({"collection": "land_use.1900"}, "/inputs/features/collection"),
        ({"collection": "census_2020"}, "/inputs/features/collection"),
        ({"collection": "land_use", "filter": "NOPE > 1"}, "/inputs/features/filter"),
        ({"collection": "land_use", "filter": "("}, "/inputs/features/filter"),
        ({"collection": "land_use", "datetime": "soon"}, "/inputs/features/datetime"),
        ({"collection": "land_use", "asOf": "soon"}, "/inputs/features/asOf"),
        ({"collection": "land_use", "colour": "red"}, "/inputs/features"),
        ({"collection": 7}, "/inputs/features/collection"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_place(
    client: httpx.Client, asked: dict[str, Any], place: str
) -> None:
    answer = executed(client, "area-ellipsoid", {"features": asked})

    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [place]


def uploaded(client: httpx.Client, content: bytes, name: str, **headers: str) -> str:
    answer = client.post("/files", params={"name": name}, content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    href: str = answer.json()["href"]
    return href


@pytest.mark.parametrize("form", ["json", "gpkg", "fgb", "shp"])
def test_the_features_of_an_uploaded_file_are_what_they_were_in_the_layer(
    client: httpx.Client, form: str
) -> None:
    asked = {"f": form, "filter": SOME, "crs": "CRS84" if form in ("json",) else "EPSG:4551"}
    file = client.get("/collections/land_use/items", params={**asked, "limit": "10000"})
    href = uploaded(client, file.raise_for_status().content, f"parcels.{form}")
    areas = result(executed(client, "area-ellipsoid", {"features": {"href": href}}), "areas")
    told = sum(one["om_area_m2"] for one in items(client, "land_use", filter=SOME).values())

    assert areas["total"]["official_m2"] == pytest.approx(told, rel=1e-5)


def test_an_upload_is_its_owner_s_alone(client: httpx.Client, new_key: Callable[..., str]) -> None:
    owner, other = (
        {"Authorization": f"Bearer {new_key('surveyor', REGION, person=name)}"} for name in "甲乙"
    )
    file = client.get("/collections/county/items").content
    href = uploaded(client, file, "county.json", **owner)
    inputs = {"features": {"href": href}}

    assert executed(client, "area-ellipsoid", inputs, **owner).status_code == 200
    refused = executed(client, "area-ellipsoid", inputs, **other)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/inputs/features/href"


@pytest.mark.parametrize(
    "content", [b"no features", b"{}", b"PK\x03\x04broken", b"\x89PNG\r\n\x1a\n"]
)
def test_a_file_without_features_is_refused_by_its_place(
    client: httpx.Client, content: bytes
) -> None:
    href = uploaded(client, content, "whatever.bin")
    answer = executed(client, "area-ellipsoid", {"features": {"href": href}})

    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/inputs/features/href"]


@pytest.mark.parametrize(
    "href", ["/files/up-0", "http://127.0.0.1:1/x", "/etc/passwd", "file:///etc"]
)
def test_an_address_that_is_no_upload_is_not_followed(client: httpx.Client, href: str) -> None:
    answer = executed(client, "area-ellipsoid", {"features": {"href": href}})

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/inputs/features/href"]
