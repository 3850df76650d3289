"""Pages of features: their order, what they show, how they are counted, and how they are kept."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from starlette.testclient import TestClient

from providers.revisions import Revision, RevisionKind

type Loader = Callable[..., Revision]
type Feature = dict[str, Any]
ITEMS = "/collections/land_use/items"
NUMBERS = 4_000  # more than two chunks
AREAS = [None if n % 7 == 0 else n % 11 / 4 for n in range(60)]
REMARKS = [None if n % 5 == 0 else "甲乙丙"[n % 3] for n in range(60)]


@pytest.fixture
def some(load_squares: Loader, own: TestClient, wait_until: Callable[..., None]) -> TestClient:
    """Sixty features with areas and remarks of which some are missing and many are equal."""
    names = [str(n) for n in range(60)]
    load_squares("land_use", "2024", names, columns={"TBDLMJ": AREAS, "BZ": REMARKS}, size=0.001)
    wait_until(lambda: knows(own))
    return own


def knows(own: TestClient) -> bool:
    """Whether the server has heard of the edition."""
    response = own.get(ITEMS, params={"limit": "1"})
    assert response.status_code in (200, 503), response.text
    return response.is_success and bool(response.json()["features"])


def asked(own: TestClient, path: str = ITEMS, **parameters: str) -> dict[str, Any]:
    response = own.get(path, params=parameters)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def refused(own: TestClient, **parameters: str) -> str:
    """The parameter that a refusal names."""
    response = own.get(ITEMS, params=parameters)
    assert response.status_code == 400, response.text
    named: str = response.json()["params"]["name"]
    return named


def walked(own: TestClient, **parameters: str) -> Iterator[dict[str, Any]]:
    """The pages from the first to the last."""
    page = asked(own, **parameters)
    while True:
        yield page
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            return
        page = own.get(following[0]).json()


@pytest.mark.parametrize("limit", ["1", "7", "60"])
@pytest.mark.parametrize(
    "sortby", ["TBDLMJ", "-TBDLMJ", "BZ,-TBDLMJ", "-BZ,TBDLMJ,-BSM", "-om_area_m2"]
)
def test_an_order_holds_across_pages_and_leaves_nothing_out(
    some: TestClient, sortby: str, limit: str
) -> None:
    pages = list(walked(some, sortby=sortby, limit=limit))
    features = [f for page in pages for f in page["features"]]

    assert sorted(int(f["id"]) for f in features) == list(range(60))
    for one, other in pairwise(features):
        assert in_order(one["properties"], other["properties"], sortby.split(","))
    assert [f["id"] for f in features] == [
        f["id"] for f in asked(some, sortby=sortby, limit="100")["features"]
    ]


def in_order(one: Feature, other: Feature, keys: list[str]) -> bool:
    """Whether one row may stand before the other: missing values last, up or down."""
    for key in keys:
        name, down = key.lstrip("-"), key.startswith("-")
        before, behind = one[name], other[name]
        if before == behind:
            continue
        if before is None or behind is None:
            return behind is None
        return bool(before > behind) is down
    return True


def test_a_cursor_of_another_order_is_refused(some: TestClient) -> None:
    page = asked(some, sortby="TBDLMJ", limit="5")
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    cursor = following.partition("cursor=")[2].partition("&")[0]

    assert refused(some, cursor=cursor) == "cursor"
    assert refused(some, cursor=cursor, sortby="BZ,TBDLMJ") == "cursor"
    assert refused(some, cursor=cursor, sortby="TBDLMJ", offset="3") == "offset"


def test_an_offset_leaves_out_the_rows_before_it(some: TestClient) -> None:
    every = [f["id"] for f in asked(some, limit="100", sortby="-TBDLMJ")["features"]]

    page = asked(some, limit="10", offset="25", sortby="-TBDLMJ")
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")

    assert [f["id"] for f in page["features"]] == every[25:35]
    assert [f["id"] for f in some.get(following).json()["features"]] == every[35:45]
    assert asked(some, offset="60")["features"] == []
    assert "numberMatched" not in asked(some, offset="60", BZ="甲")
    assert refused(some, offset="50001") == "offset"
    assert refused(some, offset="-1") == "offset"


def test_a_count_is_exact_or_not_there(some: TestClient) -> None:
    of = sum(remark == "乙" for remark in REMARKS)

    assert asked(some, limit="5")["numberMatched"] == 60, "without conditions it is known"
    assert asked(some, limit="5", offset="5")["numberMatched"] == 60
    assert asked(some, BZ="乙", limit="100")["numberMatched"] == of, "all of them are here"
    assert asked(some, BZ="乙", limit="100", offset="2")["numberMatched"] == of
    assert "numberMatched" not in asked(some, BZ="乙", limit="2")
    hits = asked(some, BZ="乙", resulttype="hits", limit="2")
    assert (hits["numberMatched"], hits["numberReturned"], hits["features"]) == (of, 0, [])
    assert asked(some, resulttype="hits")["numberMatched"] == 60
    assert refused(some, resulttype="all") == "resulttype"


def test_only_the_properties_that_were_asked_for_are_written(some: TestClient) -> None:
    page = asked(some, properties="TBDLMJ,BZ", limit="3")

    assert [list(f["properties"]) for f in page["features"]] == [["TBDLMJ", "BZ"]] * 3
    assert all(f["geometry"] for f in page["features"])
    bare = asked(some, properties="om_area_m2", skipGeometry="true")["features"]
    assert {(*f["properties"], f["geometry"]) for f in bare} == {("om_area_m2", None)}
    assert asked(some, properties="")["features"][0]["properties"] == {}
    assert refused(some, properties="BZ,,TBDLMJ") == "properties"
    one = asked(some, f"{ITEMS}/7", properties="BZ", skipGeometry="true")
    assert (one["properties"], one["geometry"]) == ({"BZ": REMARKS[7]}, None)
    assert refused(some, properties="TBDLMJ,om_hash") == "properties"
    assert refused(some, skipGeometry="yes") == "skipGeometry"


@pytest.mark.parametrize("name", ["bbox-crs", "filter-lang", "filter-crs"])
def test_what_belongs_to_a_parameter_that_is_not_there_is_refused(
    some: TestClient, name: str
) -> None:
    assert refused(some, **{name: "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}) == name


def test_what_a_client_holds_is_not_sent_again(some: TestClient, load_squares: Loader) -> None:
    first = some.get(ITEMS, params={"limit": "5"})
    tag, modified = first.headers["etag"], first.headers["last-modified"]

    for headers in ({"If-None-Match": tag}, {"If-Modified-Since": modified}):
        again = some.get(ITEMS, params={"limit": "5"}, headers=headers)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert some.get(ITEMS, params={"limit": "6"}, headers={"If-None-Match": tag}).is_success
    english = some.get(ITEMS, params={"limit": "5", "lang": "en"}, headers={"If-None-Match": tag})
    assert english.status_code == 200
    head = some.head(ITEMS, params={"limit": "5"})
    assert (head.content, head.headers["etag"]) == (b"", tag)
    for name in ("content-type", "content-crs", "last-modified", "cache-control", "vary"):
        assert head.headers[name] == first.headers[name]
    assert some.head(ITEMS, params={"limit": "x"}).status_code == 400
    assert some.head(f"{ITEMS}/nobody").status_code == 404


def test_a_change_shows_in_the_validator(
    some: TestClient, load_squares: Loader, wait_until: Callable[..., None]
) -> None:
    tag = some.get(ITEMS).headers["etag"]
    of_one = some.get(f"{ITEMS}/3").headers["etag"]

    load_squares("land_use", "2024", ["900"], kind=RevisionKind.MERGE, size=0.001)
    wait_until(lambda: asked(some, limit="1").get("numberMatched") == 61)

    assert some.get(ITEMS, headers={"If-None-Match": tag}).status_code == 200
    assert some.get(f"{ITEMS}/3", headers={"If-None-Match": of_one}).status_code == 304


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_a_long_page_leaves_in_parts_and_is_whole(
    load_squares: Loader, own: TestClient, wait_until: Callable[..., None], coding: str
) -> None:
    names = [str(n) for n in range(NUMBERS)]
    load_squares("land_use", "2024", names, size=0.00001)
    wait_until(lambda: knows(own))

    response = own.get(ITEMS, params={"limit": "3500"}, headers={"Accept-Encoding": coding})
    page = response.json()

    assert "content-length" not in response.headers
    assert response.headers.get("content-encoding", "identity") == coding
    ids = [f["id"] for f in page["features"]]
    short = (f["id"] for part in walked(own, limit="900") for f in part["features"])
    assert list(short)[:3_500] == ids
    assert (page["numberReturned"], page["numberMatched"]) == (3_500, NUMBERS)
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    rest = [f["id"] for f in own.get(following).json()["features"]]
    assert sorted(map(int, ids + rest)) == list(range(NUMBERS))
    tag = response.headers["etag"]
    asked_again = {"Accept-Encoding": coding, "If-None-Match": tag}
    assert own.get(ITEMS, params={"limit": "3500"}, headers=asked_again).status_code == 304
