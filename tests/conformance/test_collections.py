"""The list of collections in parts and searched, as Common Part 4 (25-046, draft) has it."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

CRS = "http://www.opengis.net/def/crs/"


def listed(client: httpx.Client, **parameters: object) -> list[str]:
    answer = client.get("/collections", params=parameters)  # type: ignore[arg-type]
    assert answer.status_code == 200
    document = answer.json()
    found = [c["id"] for c in document["collections"]]
    assert document["numberReturned"] == len(found)
    return found


def link(document: dict[str, Any], rel: str) -> str | None:
    return next((x["href"] for x in document["links"] if x["rel"] == rel), None)


@pytest.fixture(scope="module")
def every(client: httpx.Client) -> list[str]:
    return listed(client)


def parts(client: httpx.Client, address: str | None, rel: str) -> Iterator[list[str]]:
    while address:
        document = client.get(address).json()
        yield [c["id"] for c in document["collections"]]
        address = link(document, rel)


def test_the_parts_of_the_list_are_the_list_forwards_and_backwards(
    client: httpx.Client, every: list[str]
) -> None:
    forwards = list(parts(client, "/collections?limit=2", "next"))
    last = (len(every) - 1) // 2 * 2
    backwards = list(parts(client, f"/collections?limit=2&offset={last}", "prev"))

    assert [one for part in forwards for one in part] == every
    assert all(len(part) <= 2 for part in forwards)
    assert backwards[::-1] == forwards


def test_the_number_matched_is_of_the_whole_list_and_no_more_than_the_limit_comes(
    client: httpx.Client, every: list[str]
) -> None:
    document = client.get("/collections", params={"limit": 3}).json()

    assert document["numberMatched"] == len(every)
    assert document["numberReturned"] == len(document["collections"]) == 3
    assert listed(client, limit=10**9) == every


def test_words_are_found_in_titles_and_descriptions_of_both_languages(
    client: httpx.Client, every: list[str]
) -> None:
    assert set(listed(client, q="红线")) == {"ecological_redline", "road_line"}
    assert listed(client, q="RED line") == ["ecological_redline"]
    assert listed(client, q="line red") == []
    assert set(listed(client, q="红线,普查")) == {"ecological_redline", "road_line", "census_2020"}
    assert listed(client, q="planned_land_use") == ["planned_land_use"]
    assert listed(client, q="规划数据") == [
        c for c in every if c in listed(client, theme="planning")
    ]


def test_a_theme_is_a_branch(client: httpx.Client, every: list[str]) -> None:
    branch = listed(client, theme="planning")

    assert {*listed(client, theme="planning.control_lines")} < {*branch} < {*every}
    assert "county" not in branch


def test_a_box_leaves_out_the_collections_that_lie_elsewhere(
    client: httpx.Client, every: list[str]
) -> None:
    bare = [c for c in every if not _extent(client, c)]

    assert listed(client, bbox="125.2,43.8,125.4,44") == every
    assert listed(client, bbox="0,0,1,1") == bare == ["census_2020"]
    assert listed(client, bbox="170,40,-170,50") == bare


@pytest.mark.parametrize(
    ("bbox", "code"), [("43.8,125.2,44,125.4", 4490), ("4860000,42000000,4865000,42600000", 4530)]
)
def test_a_box_may_be_given_in_another_reference_system(
    client: httpx.Client, every: list[str], bbox: str, code: int
) -> None:
    assert listed(client, **{"bbox": bbox, "bbox-crs": f"{CRS}EPSG/0/{code}"}) == every


def test_a_time_leaves_out_the_collections_that_tell_of_other_times(
    client: httpx.Client, every: list[str]
) -> None:
    first = min(_begin(client, c) for c in every)

    assert listed(client, datetime="../1900-01-01") == []
    assert listed(client, datetime=f"{first[:4]}-12-31/..") == every
    assert listed(client, datetime="2024-06-01") != []


def test_the_editions_of_a_layer_are_searched_alike(client: httpx.Client) -> None:
    editions = listed(client, layer="land_use")

    assert len(editions) > 1
    assert listed(client, layer="land_use", datetime="2024-06-01") == editions[-1:]
    assert listed(client, layer="land_use", q="普查") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "ten"),
        ("offset", "-1"),
        ("theme", "no_such"),
        ("q", ""),
        ("q", "，"),
        ("bbox", "1,2,3"),
        ("bbox", "1,60,2,50"),
        ("bbox-crs", f"{CRS}EPSG/0/4490"),
        ("datetime", "yesterday"),
        ("type", "feature"),
    ],
)
def test_what_is_no_search_is_400_and_named(client: httpx.Client, name: str, value: str) -> None:
    answer = client.get("/collections", params={name: value})

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == name


def test_an_unknown_reference_system_of_the_box_is_400_and_named(client: httpx.Client) -> None:
    asked = {"bbox": "0,0,1,1", "bbox-crs": f"{CRS}EPSG/0/27700"}
    answer = client.get("/collections", params=asked)

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == "bbox-crs"


def test_a_collection_says_its_systems_keywords_terms_and_times(client: httpx.Client) -> None:
    found = client.get("/collections/land_use").json()

    assert found["crs"][0] == f"{CRS}OGC/1.3/CRS84"
    assert found["storageCrs"] == f"{CRS}EPSG/0/4490"
    assert found["storageCrs"] in found["crs"]
    assert "用地用海" in "".join(found["keywords"]) or "现状" in "".join(found["keywords"])
    assert found["attribution"]
    assert found["x-onemap"]["licence"]
    whole, *each = found["extent"]["temporal"]["interval"]
    assert whole[0] == min(begin for begin, _ in each)
    assert whole[1] is None or None not in [end for _, end in each]


def test_the_items_are_linked_in_every_form_and_geojson_but_once(client: httpx.Client) -> None:
    for collection, forms in (("land_use", 7), ("census_2020", 5)):
        found = client.get(f"/collections/{collection}").json()["links"]
        types = [x["type"] for x in found if x["rel"] == "items"]
        assert len(types) == len({*types}) == forms
        assert "application/geo+json" in types


@pytest.mark.parametrize("path", ["/collections", "/collections/land_use", "/collections?q=红线"])
def test_what_a_client_has_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_extents_tell_a_caller_of_some_regions_of_these_alone(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    key = {"Authorization": f"Bearer {new_key('surveyor', '220102')}"}
    every = _boxes(client.get("/collections").json())
    seen = _boxes(client.get("/collections", headers=key).json())

    assert {*seen} <= {*every}
    for collection, box in seen.items():
        page = client.get(
            f"/collections/{collection}/items", params={"limit": 10_000}, headers=key
        ).json()
        assert page["features"]
        xs, ys = _coordinates([f["geometry"] for f in page["features"]])
        assert box == pytest.approx([min(xs), min(ys), max(xs), max(ys)], abs=1e-8)
    nothing = {*every} - {*seen}
    for collection in nothing:
        page = client.get(f"/collections/{collection}/items", headers=key).json()
        assert page["features"] == []


def _boxes(document: dict[str, Any]) -> dict[str, list[float]]:
    return {
        c["id"]: c["extent"]["spatial"]["bbox"][0]
        for c in document["collections"]
        if "spatial" in c.get("extent", {})
    }


def _coordinates(geometries: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    pairs = [pair for geometry in geometries for pair in _positions(geometry["coordinates"])]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _positions(coordinates: list[Any]) -> Iterator[list[float]]:
    if isinstance(coordinates[0], list):
        for part in coordinates:
            yield from _positions(part)
    else:
        yield coordinates


def _extent(client: httpx.Client, collection: str) -> object:
    return client.get(f"/collections/{collection}").json()["extent"].get("spatial")


def _begin(client: httpx.Client, collection: str) -> str:
    extent = client.get(f"/collections/{collection}").json()["extent"]
    return str(extent["temporal"]["interval"][0][0])
