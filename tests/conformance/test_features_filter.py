"""OGC API - Features, Part 3 (19-079r2): queryables and filters; drafts of Parts 6 and 8."""

from typing import Any

import httpx
import pytest

FILTERING = "http://www.opengis.net/spec/ogcapi-features-3/1.0/req/"
SELECTION = "http://www.opengis.net/spec/ogcapi-features-6/0.0/req/"
SORTING = "http://www.opengis.net/spec/ogcapi-features-8/0.0/req/"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SORTABLES = "http://www.opengis.net/def/rel/ogc/1.0/sortables"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
COLLECTION = "/collections/land_use"
ITEMS = f"{COLLECTION}/items"
TRIANGLE = "POLYGON((125.30 43.86, 125.34 43.86, 125.34 43.90, 125.30 43.86))"
TURNED = "POLYGON((43.86 125.30, 43.86 125.34, 43.90 125.34, 43.86 125.30))"


def _hits(client: httpx.Client, **given: str) -> int:
    asked = {"resulttype": "hits", **given}
    document = client.get(ITEMS, params=asked).raise_for_status().json()
    number: int = document["numberMatched"]
    return number


def _features(client: httpx.Client, **given: str) -> list[dict[str, Any]]:
    document = client.get(ITEMS, params={"limit": "50", **given}).raise_for_status().json()
    found: list[dict[str, Any]] = document["features"]
    return found


@pytest.mark.requirement(f"{FILTERING}queryables/queryables-link")
def test_a_collection_links_to_its_queryables(client: httpx.Client) -> None:
    links = client.get(COLLECTION).json()["links"]
    (found,) = [one for one in links if one["rel"] == QUERYABLES]

    assert found["type"] == "application/schema+json"
    assert client.get(found["href"]).status_code == 200


@pytest.mark.requirement(f"{FILTERING}queryables/get-queryables-op")
@pytest.mark.requirement(f"{FILTERING}queryables/get-queryables-response")
def test_queryables_are_a_schema_of_objects_with_titles(client: httpx.Client) -> None:
    accepted = {"Accept": "application/schema+json"}
    answer = client.get(f"{COLLECTION}/queryables", headers=accepted)
    document = answer.json()

    assert answer.headers["Content-Type"] == "application/schema+json"
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (document["type"], document["additionalProperties"]) == ("object", False)
    assert client.get(document["$id"]).json() == document
    for name, one in document["properties"].items():
        assert one["title"], name
        assert "type" in one or one["format"].startswith("geometry-"), name


@pytest.mark.requirement(f"{FILTERING}queryables-query-parameters/parameters")
def test_every_queryable_of_one_value_is_a_parameter(client: httpx.Client) -> None:
    schema = client.get(f"{COLLECTION}/queryables").json()["properties"]
    first = _features(client, limit="1")[0]["properties"]
    asked = {n: v for n, v in first.items() if n in schema and v is not None}

    assert asked
    for name, value in asked.items():
        assert _hits(client, **{name: str(value)}) > 0, name
    assert client.get(ITEMS, params={"NO_SUCH_FIELD": "1"}).status_code == 400


@pytest.mark.requirement(f"{FILTERING}filter/filter-param")
@pytest.mark.requirement(f"{FILTERING}filter/response")
@pytest.mark.requirement(f"{FILTERING}features-filter/filter-param")
def test_a_filter_selects_the_features_for_which_it_is_true(client: httpx.Client) -> None:
    chosen, others = "YDYHFLDM LIKE '01%'", "NOT (YDYHFLDM LIKE '01%')"

    assert all(f["properties"]["YDYHFLDM"][:2] == "01" for f in _features(client, filter=chosen))
    assert _hits(client, filter=chosen) + _hits(client, filter=others) == _hits(client)
    assert 0 < _hits(client, filter=chosen) < _hits(client)


@pytest.mark.requirement(f"{FILTERING}filter/filter-lang-param")
def test_a_filter_says_the_same_in_text_and_in_json(client: httpx.Client) -> None:
    said = '{"op":">","args":[{"property":"TBMJ"},10000]}'

    written = _hits(client, filter=said, **{"filter-lang": "cql2-json"})

    assert written == _hits(client, filter="TBMJ > 10000", **{"filter-lang": "cql2-text"}) > 0
    refused = client.get(ITEMS, params={"filter": said, "filter-lang": "ecql-text"})
    assert refused.json()["params"]["name"] == "filter-lang"


@pytest.mark.requirement(f"{FILTERING}filter/filter-crs-wgs84")
@pytest.mark.requirement(f"{FILTERING}filter/filter-crs-param")
def test_coordinates_are_those_of_filter_crs_or_of_crs84(client: httpx.Client) -> None:
    found = _hits(client, filter=f"S_INTERSECTS(geometry, {TRIANGLE})")
    turned = f"S_INTERSECTS(geometry, {TURNED})"

    for code in ("4490", "4326"):
        assert _hits(client, filter=turned, **{"filter-crs": f"{EPSG}{code}"}) == found > 0
    refused = client.get(ITEMS, params={"filter": turned, "filter-crs": "zzz"})
    assert (refused.status_code, refused.json()["params"]["name"]) == (400, "filter-crs")


@pytest.mark.requirement(f"{FILTERING}filter/mixing-expressions")
@pytest.mark.requirement(f"{FILTERING}features-filter/mixing-expressions")
def test_a_filter_goes_together_with_the_other_conditions(client: httpx.Client) -> None:
    box = {"bbox": "125.30,43.86,125.34,43.90"}
    both = _features(client, filter="TBMJ > 5000", limit="10000", **box)

    assert {f["id"] for f in both} == {
        f["id"] for f in _features(client, limit="10000", **box) if f["properties"]["TBMJ"] > 5000
    }


@pytest.mark.requirement(f"{FILTERING}filter/response")
@pytest.mark.parametrize("text", ["", "TBMJ >", "TBMJ > 'wide'", "NO_SUCH = 1", "f(TBMJ) = 1"])
def test_a_filter_that_is_none_of_the_collection_is_refused(
    client: httpx.Client, text: str
) -> None:
    answer = client.get(ITEMS, params={"filter": text})

    assert (answer.status_code, answer.json()["params"]["name"]) == (400, "filter")


@pytest.mark.requirement(f"{SELECTION}properties/definition")
@pytest.mark.requirement(f"{SELECTION}properties/response")
def test_only_the_selected_properties_come(client: httpx.Client) -> None:
    for feature in _features(client, properties="TBMJ,BSM", limit="5"):
        assert feature["properties"].keys() == {"TBMJ", "BSM"}
    assert client.get(ITEMS, params={"properties": "NO_SUCH"}).status_code == 400


@pytest.mark.requirement(f"{SORTING}sorting/sortby-definition")
@pytest.mark.requirement(f"{SORTING}sorting/sortby-response")
def test_features_come_in_the_order_that_was_asked_for(client: httpx.Client) -> None:
    areas = [f["properties"]["TBMJ"] for f in _features(client, sortby="-TBMJ")]

    assert areas == sorted(areas, reverse=True)
    assert client.get(ITEMS, params={"sortby": "geometry"}).status_code == 400


@pytest.mark.requirement(f"{SORTING}sortables/sortables-link")
@pytest.mark.requirement(f"{SORTING}sortables/get-sortables-response")
def test_a_collection_links_to_its_sortables(client: httpx.Client) -> None:
    links = client.get(COLLECTION).json()["links"]
    (found,) = [one for one in links if one["rel"] == SORTABLES]
    names = client.get(found["href"]).json()["properties"]

    assert "geometry" not in names
    for name in names:
        assert client.get(ITEMS, params={"sortby": name, "limit": "1"}).status_code == 200, name
