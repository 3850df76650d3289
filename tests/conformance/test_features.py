"""OGC API - Features, Part 1 (17-069r4): core, GeoJSON, HTML, OpenAPI 3.0."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest
import shapely
from shapely.geometry import shape

FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/req/"
ITEMS = "/collections/land_use/items"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOJSON = "application/geo+json"
FOLLOWED_PAGES = 3


def _rels(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    links: dict[str, list[dict[str, Any]]] = {}
    for link in document["links"]:
        links.setdefault(link["rel"], []).append(link)
    return links


def _parameter(published: dict[str, Any], operation: str, name: str) -> dict[str, Any]:
    for item in published["paths"].values():
        for found in item.values():
            if found["operationId"] == operation:
                for reference in found["parameters"]:
                    parameter = published["components"]["parameters"][
                        reference["$ref"].rpartition("/")[2]
                    ]
                    if parameter["name"] == name:
                        return dict(parameter)
    raise LookupError(f"{operation} has no parameter {name}")


def _pages(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    following: str | None = path
    while following:
        page = client.get(following).raise_for_status().json()
        yield page
        following = next((link["href"] for link in _rels(page).get("next", [])), None)


@pytest.fixture(scope="module")
def page(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(ITEMS, params={"limit": 20}).raise_for_status().json()
    return found


@pytest.fixture(scope="module")
def collections(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        client.get("/collections").raise_for_status().json()["collections"]
    )
    return found


@pytest.mark.requirement(f"{FEATURES}core/root-success")
def test_the_landing_page_links_to_the_collections(client: httpx.Client) -> None:
    assert {"service-desc", "service-doc", "conformance", "data"} <= _rels(
        client.get("/").json()
    ).keys()


@pytest.mark.requirement(f"{FEATURES}core/conformance-success")
def test_the_declaration_lists_the_core_of_features(client: httpx.Client) -> None:
    declared = client.get("/conformance").json()["conformsTo"]

    assert f"{FEATURES.removesuffix('req/')}conf/core" in declared


@pytest.mark.requirement(f"{FEATURES}core/http")
def test_items_are_had_with_get_and_not_with_a_method_that_is_not_there(
    client: httpx.Client,
) -> None:
    assert client.get(ITEMS).status_code == 200
    assert client.delete(ITEMS).status_code == 405


@pytest.mark.requirement(f"{FEATURES}core/query-param-unknown")
@pytest.mark.parametrize(
    "path", ["/", "/conformance", "/collections", "/collections/land_use", ITEMS]
)
def test_an_unknown_parameter_is_400_and_named(client: httpx.Client, path: str) -> None:
    answer = client.get(path, params={"no_such_parameter": "1"})

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == "no_such_parameter"


@pytest.mark.requirement(f"{FEATURES}core/query-param-invalid")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("bbox", "1,2,3"),
        ("bbox", "a,b,c,d"),
        ("bbox", "1,60,2,50"),
        ("bbox", "nan,1,2,3"),
        ("datetime", "yesterday"),
        ("datetime", "2024-12-31/2024-01-01"),
        ("f", "shapefile"),
        ("lang", "fr"),
    ],
)
def test_an_invalid_value_is_400_and_named(client: httpx.Client, name: str, value: str) -> None:
    answer = client.get(ITEMS, params={name: value})

    assert answer.status_code == 400
    assert answer.json()["params"] == {**answer.json()["params"], "name": name, "value": value}


@pytest.mark.requirement(f"{FEATURES}core/crs84")
def test_coordinates_are_longitude_before_latitude(page: dict[str, Any]) -> None:
    for feature in page["features"]:
        west, south, east, north = shape(feature["geometry"]).bounds
        assert 120 < west <= east < 130
        assert 40 < south <= north < 50


@pytest.mark.requirement(f"{FEATURES}core/fc-md-op")
def test_the_collections_are_listed(client: httpx.Client) -> None:
    assert client.get("/collections").status_code == 200


@pytest.mark.requirement(f"{FEATURES}core/fc-md-links")
def test_the_list_of_collections_links_to_itself_and_to_its_page(client: httpx.Client) -> None:
    links = _rels(client.get("/collections").json())

    assert links["self"][0]["type"] == "application/json"
    assert links["alternate"][0]["type"] == "text/html"


@pytest.mark.requirement(f"{FEATURES}core/fc-md-success")
def test_the_list_of_collections_has_each_collection_with_id_and_links(
    collections: list[dict[str, Any]],
) -> None:
    ids = [collection["id"] for collection in collections]

    assert "land_use" in ids
    assert len(ids) == len(set(ids))
    assert all(collection["links"] for collection in collections)


@pytest.mark.requirement(f"{FEATURES}core/fc-md-items")
def test_every_listed_collection_can_be_had(
    client: httpx.Client, collections: list[dict[str, Any]]
) -> None:
    for collection in collections:
        assert client.get(f"/collections/{collection['id']}").status_code == 200


@pytest.mark.requirement(f"{FEATURES}core/fc-md-items-links")
def test_every_listed_collection_links_to_its_items_in_every_format(
    collections: list[dict[str, Any]],
) -> None:
    for collection in collections:
        items = _rels(collection)["items"]
        assert {GEOJSON, "text/html"} <= {link["type"] for link in items}


@pytest.mark.requirement(f"{FEATURES}core/fc-md-extent")
def test_the_extent_of_a_collection_holds_its_features(
    client: httpx.Client, collections: list[dict[str, Any]]
) -> None:
    for collection in collections:
        if "spatial" not in collection.get("extent", {}):
            continue
        extent = shapely.box(*collection["extent"]["spatial"]["bbox"][0]).buffer(1e-6)
        found = client.get(f"/collections/{collection['id']}/items", params={"limit": 200}).json()
        assert all(extent.covers(shape(feature["geometry"])) for feature in found["features"])


@pytest.mark.requirement(f"{FEATURES}core/sfc-md-op")
def test_a_collection_that_is_not_there_is_404(client: httpx.Client) -> None:
    answer = client.get("/collections/no_such_layer")

    assert answer.status_code == 404
    assert answer.json()["code"] == "NotFound"


@pytest.mark.requirement(f"{FEATURES}core/sfc-md-success")
def test_a_collection_alone_says_what_the_list_says_of_it(
    client: httpx.Client, collections: list[dict[str, Any]]
) -> None:
    for listed in collections:
        alone = client.get(f"/collections/{listed['id']}").json()
        for name in ("id", "title", "description", "extent", "crs", "links"):
            assert alone.get(name) == listed.get(name)


@pytest.mark.requirement(f"{FEATURES}core/fc-op")
def test_every_collection_has_items(
    client: httpx.Client, collections: list[dict[str, Any]]
) -> None:
    for collection in collections:
        answer = client.get(f"/collections/{collection['id']}/items", params={"limit": 1})
        assert answer.status_code == 200
        assert answer.json()["type"] == "FeatureCollection"


@pytest.mark.requirement(f"{FEATURES}core/fc-limit-definition")
def test_limit_is_described_as_the_standard_does(published: dict[str, Any]) -> None:
    limit = _parameter(published, "getFeatures", "limit")

    assert (limit["in"], limit["style"], limit["explode"]) == ("query", "form", False)
    assert not limit.get("required", False)
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 10000, "default": 10}


@pytest.mark.requirement(f"{FEATURES}core/fc-limit-response-1")
@pytest.mark.parametrize("limit", [1, 7, 200, 10_001, 10**12])
def test_no_page_is_longer_than_its_limit(client: httpx.Client, limit: int) -> None:
    features = client.get(ITEMS, params={"limit": limit}).json()["features"]
    assert len(features) == min(
        limit, 2_000
    )  # all that the layer holds; more than the maximum is no error


@pytest.mark.requirement(f"{FEATURES}core/fc-limit-response-1")
def test_without_a_limit_a_page_is_as_long_as_the_described_default(
    client: httpx.Client, published: dict[str, Any]
) -> None:
    default = _parameter(published, "getFeatures", "limit")["schema"]["default"]

    assert len(client.get(ITEMS).json()["features"]) == default


@pytest.mark.requirement(f"{FEATURES}core/fc-bbox-definition")
def test_bbox_is_described_as_the_standard_does(published: dict[str, Any]) -> None:
    bbox = _parameter(published, "getFeatures", "bbox")

    assert (bbox["in"], bbox["style"], bbox["explode"]) == ("query", "form", False)
    assert bbox["schema"] == {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 4,
        "maxItems": 6,
    }


@pytest.mark.requirement(f"{FEATURES}core/fc-bbox-response")
def test_a_box_selects_the_features_that_touch_it_and_no_others(
    client: httpx.Client, page: dict[str, Any]
) -> None:
    west, south, east, north = shape(page["features"][7]["geometry"]).bounds
    text = f"{west},{south},{east},{north}"
    found = {
        feature["id"]
        for one in _pages(client, f"{ITEMS}?limit=1000&bbox={text}")
        for feature in one["features"]
    }
    box = shapely.box(west, south, east, north)
    expected = {
        feature["id"]
        for one in _pages(client, f"{ITEMS}?limit=10000")
        for feature in one["features"]
        if shape(feature["geometry"]).intersects(box)
    }

    assert page["features"][7]["id"] in found
    assert found == expected


@pytest.mark.requirement(f"{FEATURES}core/fc-bbox-response")
def test_a_box_of_six_numbers_selects_like_its_four(client: httpx.Client) -> None:
    four = client.get(ITEMS, params={"bbox": "125.2,43.8,125.3,43.9"}).json()
    six = client.get(ITEMS, params={"bbox": "125.2,43.8,-100,125.3,43.9,1000"}).json()

    assert [feature["id"] for feature in six["features"]] == [
        feature["id"] for feature in four["features"]
    ]


@pytest.mark.requirement(f"{FEATURES}core/fc-bbox-response")
def test_a_box_across_the_antimeridian_does_not_select_the_rest_of_the_world(
    client: httpx.Client,
) -> None:
    assert client.get(ITEMS, params={"bbox": "170,-90,-170,90"}).json()["features"] == []


@pytest.mark.requirement(f"{FEATURES}core/fc-time-definition")
def test_datetime_is_described_as_the_standard_does(published: dict[str, Any]) -> None:
    datetime = _parameter(published, "getFeatures", "datetime")

    assert (datetime["in"], datetime["style"], datetime["explode"]) == ("query", "form", False)
    assert datetime["schema"]["type"] == "string"


@pytest.mark.requirement(f"{FEATURES}core/fc-time-response")
def test_a_date_selects_the_edition_in_force_then(client: httpx.Client) -> None:
    editions = client.get("/collections/land_use").json()["x-onemap"]["editions"]
    in_force = [edition for edition in editions if edition["status"]["code"] == "in_force"]

    assert in_force
    for edition in in_force:
        answer = client.get(ITEMS, params={"datetime": edition["validFrom"], "limit": 1}).json()
        assert answer["x-onemap"]["edition"] is not None
    before = min(date.fromisoformat(edition["validFrom"]) for edition in in_force).year - 1
    assert client.get(ITEMS, params={"datetime": f"../{before}-01-01"}).json()["features"] == []


@pytest.mark.requirement(f"{FEATURES}core/fc-time-response")
@pytest.mark.parametrize(
    "text",
    [
        "2024-12-31",
        "2024-12-31T12:00:00Z",
        "2020-01-01/..",
        "../2024-12-31",
        "2020-01-01/2024-12-31",
    ],
)
def test_instants_and_open_and_closed_intervals_are_understood(
    client: httpx.Client, text: str
) -> None:
    assert client.get(ITEMS, params={"datetime": text}).status_code == 200


@pytest.mark.requirement(f"{FEATURES}core/fc-response")
def test_items_are_a_feature_collection(page: dict[str, Any]) -> None:
    assert page["type"] == "FeatureCollection"
    assert all(feature["type"] == "Feature" for feature in page["features"])


@pytest.mark.requirement(f"{FEATURES}core/fc-links")
def test_items_link_to_themselves_and_to_their_page(
    client: httpx.Client, page: dict[str, Any]
) -> None:
    links = _rels(page)

    assert client.get(links["self"][0]["href"]).json() == page
    assert {link["type"] for link in links["alternate"]} == {GEOJSON, "text/html"}
    for link in links["alternate"]:
        assert client.get(link["href"]).headers["Content-Type"].startswith(link["type"])


@pytest.mark.requirement(f"{FEATURES}core/fc-links")
def test_the_next_links_lead_through_every_feature_once(client: httpx.Client) -> None:
    ids = [
        feature["id"] for one in _pages(client, f"{ITEMS}?limit=500") for feature in one["features"]
    ]
    whole = client.get(ITEMS, params={"limit": 10000}).json()

    assert len(ids) == len(set(ids)) == whole["numberMatched"]
    assert ids == [feature["id"] for feature in whole["features"]]


@pytest.mark.requirement(f"{FEATURES}core/fc-rel-type")
def test_every_link_of_the_items_has_a_relation_and_a_type(page: dict[str, Any]) -> None:
    assert all(link["rel"] and link["type"] for link in page["links"])


@pytest.mark.requirement(f"{FEATURES}core/fc-numberMatched")
def test_the_number_matched_is_exact_where_it_is_given(client: httpx.Client) -> None:
    page = client.get(ITEMS, params={"bbox": "125.2,43.8,125.4,43.95", "limit": 10000}).json()

    assert page["numberMatched"] == len(page["features"])


@pytest.mark.requirement(f"{FEATURES}core/fc-numberReturned")
def test_the_number_returned_is_the_number_of_features(page: dict[str, Any]) -> None:
    assert page["numberReturned"] == len(page["features"])


@pytest.mark.requirement(f"{FEATURES}core/f-op")
def test_every_feature_can_be_had_alone(client: httpx.Client, page: dict[str, Any]) -> None:
    for feature in page["features"]:
        assert client.get(f"{ITEMS}/{feature['id']}").status_code == 200


@pytest.mark.requirement(f"{FEATURES}core/f-op")
def test_a_feature_that_is_not_there_is_404(client: httpx.Client) -> None:
    assert client.get(f"{ITEMS}/no-such-feature").status_code == 404


@pytest.mark.requirement(f"{FEATURES}core/f-success")
def test_a_feature_alone_is_the_feature_of_the_page(
    client: httpx.Client, page: dict[str, Any]
) -> None:
    feature = page["features"][0]
    alone = client.get(f"{ITEMS}/{feature['id']}").json()

    assert {name: alone[name] for name in feature} == feature


@pytest.mark.requirement(f"{FEATURES}core/f-links")
def test_a_feature_links_to_itself_its_page_and_its_collection(
    client: httpx.Client, page: dict[str, Any]
) -> None:
    links = _rels(client.get(f"{ITEMS}/{page['features'][0]['id']}").json())

    assert {"self", "alternate", "collection"} <= links.keys()
    assert all(
        client.get(link["href"]).status_code == 200
        for rel, found in links.items()
        for link in found
        if rel != "profile"  # a name, and nothing of ours
    )


@pytest.mark.requirement(f"{FEATURES}geojson/definition")
@pytest.mark.parametrize("accept", [GEOJSON, "application/json", "*/*"])
def test_items_and_item_come_with_the_media_type_of_geojson(
    client: httpx.Client, page: dict[str, Any], accept: str
) -> None:
    for path in (ITEMS, f"{ITEMS}/{page['features'][0]['id']}"):
        assert client.get(path, headers={"Accept": accept}).headers["Content-Type"] == GEOJSON


@pytest.mark.requirement(f"{FEATURES}geojson/content")
def test_geometries_are_valid_geojson_and_properties_an_object(
    client: httpx.Client, collections: list[dict[str, Any]]
) -> None:
    for collection in collections:
        found = client.get(f"/collections/{collection['id']}/items", params={"limit": 50}).json()
        for feature in found["features"]:
            assert isinstance(feature["properties"], dict)
            assert feature["geometry"] is None or not shape(feature["geometry"]).is_empty


@pytest.mark.requirement(f"{FEATURES}html/definition")
@pytest.mark.parametrize("path", ["/collections", "/collections/land_use", ITEMS])
def test_every_resource_has_a_page(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.requirement(f"{FEATURES}html/content")
def test_the_page_of_the_items_shows_each_feature(
    client: httpx.Client, page: dict[str, Any]
) -> None:
    text = client.get(ITEMS, params={"f": "html", "limit": 20}).text

    assert all(feature["id"] in text for feature in page["features"])


@pytest.mark.requirement(f"{FEATURES}oas30/oas-definition-1")
def test_the_definition_has_the_paths_of_features(published: dict[str, Any]) -> None:
    assert {
        "/",
        "/conformance",
        "/collections",
        "/collections/{collectionId}",
        "/collections/{collectionId}/items",
        "/collections/{collectionId}/items/{featureId}",
    } <= published["paths"].keys()


@pytest.mark.requirement(f"{FEATURES}oas30/completeness")
def test_the_definition_names_the_media_types_of_items(published: dict[str, Any]) -> None:
    files = {
        "text/csv",
        "application/flatgeobuf",
        "application/geopackage+sqlite3",
        "application/zip",
    }
    for path, more in (
        ("/collections/{collectionId}/items", files),
        ("/collections/{collectionId}/items/{featureId}", set()),
    ):
        content = published["paths"][path]["get"]["responses"]["200"]["content"]
        assert content.keys() == {GEOJSON, "text/html"} | more


@pytest.mark.requirement(f"{FEATURES}oas30/exceptions-codes")
def test_the_definition_names_the_refusals_of_items(published: dict[str, Any]) -> None:
    items = published["paths"]["/collections/{collectionId}/items"]["get"]

    assert {"400", "404", "500"} <= items["responses"].keys()


@pytest.mark.requirement(f"{FEATURES}oas30/security")
def test_the_definition_lets_anonymous_callers_read(published: dict[str, Any]) -> None:
    items = published["paths"]["/collections/{collectionId}/items"]["get"]

    assert {} in items.get("security", published["security"])
