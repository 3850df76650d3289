"""OGC Features and Geometries JSON, Part 1 (21-045r1): core, types and schemas, profiles, web APIs."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import shapely
from shapely.geometry import shape

JSONFG = "http://www.opengis.net/spec/json-fg-1/1.0/"
PROFILES = "http://www.opengis.net/def/profile/OGC/0/"
COLLECTION = "/collections/land_use.2023"
ITEMS = f"{COLLECTION}/items"
CENSUS = "/collections/census_2020/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
FRAMES = [CRS84, f"{EPSG}4490", f"{EPSG}4326", f"{EPSG}4551", f"{EPSG}3857"]
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _document(client: httpx.Client, path: str = ITEMS, **given: str) -> dict[str, Any]:
    asked = {"f": "jsonfg", "limit": "20", **given}
    found: dict[str, Any] = client.get(path, params=asked).raise_for_status().json()
    return found


def _positions(coordinates: list[Any]) -> Iterator[list[float]]:
    if isinstance(coordinates[0], list):
        for part in coordinates:
            yield from _positions(part)
    else:
        yield coordinates


@pytest.fixture(scope="module", params=FRAMES)
def document(client: httpx.Client, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The first features in each kind of reference system."""
    return {**_document(client, crs=request.param), "asked": request.param}


@pytest.mark.requirement(f"{JSONFG}req/core/schema-valid")
def test_a_collection_has_the_members_that_the_schema_wants(document: dict[str, Any]) -> None:
    assert document["type"] == "FeatureCollection"
    for feature in document["features"]:
        assert feature["type"] == "Feature"
        assert {"id", "time", "place", "geometry", "properties"} <= feature.keys()


@pytest.mark.requirement(f"{JSONFG}req/core/metadata")
def test_a_document_says_to_what_it_conforms(document: dict[str, Any]) -> None:
    assert f"{JSONFG}conf/core" in document["conformsTo"]


@pytest.mark.requirement(f"{JSONFG}req/core/coordinate-dimension")
def test_each_position_has_two_coordinates(document: dict[str, Any]) -> None:
    for feature in document["features"]:
        for member in (feature["place"], feature["geometry"]):
            if member is not None:
                assert {len(one) for one in _positions(member["coordinates"])} == {2}


@pytest.mark.requirement(f"{JSONFG}req/core/geometry-wgs84")
def test_a_geometry_is_in_degrees_with_the_longitude_first(document: dict[str, Any]) -> None:
    for feature in document["features"]:
        if feature["geometry"] is not None:
            west, south, east, north = shape(feature["geometry"]).bounds
            assert 125 < west <= east < 126
            assert 43 < south <= north < 44


@pytest.mark.requirement(f"{JSONFG}req/core/geom-valid")
def test_a_place_is_a_valid_geometry(document: dict[str, Any]) -> None:
    places = [one["place"] for one in document["features"] if one["place"] is not None]

    assert shapely.is_valid([shape(place) for place in places]).all()


@pytest.mark.requirement(f"{JSONFG}req/core/place")
def test_a_place_is_never_in_wgs_84_with_the_longitude_first(document: dict[str, Any]) -> None:
    for feature in document["features"]:
        assert (feature["place"] is None) is (document["asked"] == CRS84)
        assert (feature["geometry"] is None) is (document["asked"] != CRS84)


@pytest.mark.requirement(f"{JSONFG}req/core/axis-order")
def test_a_place_has_the_axis_order_of_the_system_that_is_named(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    asked = {"limit": "20", "crs": document["asked"]}
    plain = client.get(ITEMS, params=asked).json()["features"]

    assert document.get("coordRefSys", CRS84) == document["asked"]
    for feature, other in zip(document["features"], plain, strict=True):
        assert (feature["place"] or feature["geometry"]) == other["geometry"]
        assert feature["properties"] == other["properties"]
        if document["asked"] == f"{EPSG}4490":
            assert next(_positions(feature["place"]["coordinates"]))[0] < 44


@pytest.mark.requirement(f"{JSONFG}req/core/geometry-collection")
def test_a_place_names_no_system_of_its_own(document: dict[str, Any]) -> None:
    assert all("coordRefSys" not in (one["place"] or {}) for one in document["features"])


@pytest.mark.requirement(f"{JSONFG}req/core/fallback")
def test_a_fallback_is_not_the_place_again(client: httpx.Client) -> None:
    found = _document(client, crs=f"{EPSG}4551", profile="jsonfg-plus")

    for feature in found["features"]:
        assert feature["place"] != feature["geometry"]


@pytest.mark.requirement(f"{JSONFG}req/core/instant")
@pytest.mark.requirement(f"{JSONFG}req/core/interval")
@pytest.mark.requirement(f"{JSONFG}req/core/instant-and-interval")
@pytest.mark.requirement(f"{JSONFG}req/core/utc")
@pytest.mark.parametrize("path", [ITEMS, CENSUS])
def test_time_is_an_interval_of_days_or_null(client: httpx.Client, path: str) -> None:
    for feature in _document(client, path)["features"]:
        if feature["time"] is not None:
            assert feature["time"].keys() == {"interval"}
            first, last = feature["time"]["interval"]
            assert all(one == ".." or DAY.fullmatch(one) for one in (first, last))


@pytest.mark.requirement(f"{JSONFG}req/types-schemas/metadata")
def test_a_document_says_that_it_names_its_type(document: dict[str, Any]) -> None:
    assert f"{JSONFG}conf/types-schemas" in document["conformsTo"]


@pytest.mark.requirement(f"{JSONFG}req/types-schemas/feature-type")
def test_collections_and_features_name_their_type(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    path = f"{ITEMS}/{document['features'][0]['id']}"
    one = client.get(path, params={"f": "jsonfg"}).raise_for_status().json()

    assert document["featureType"] == one["featureType"] == "land_use"
    assert "geometryDimension" not in one


@pytest.mark.requirement(f"{JSONFG}req/types-schemas/geometry-dimension")
def test_the_dimension_is_that_of_the_geometries(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    assert document["geometryDimension"] == 2
    for feature in document["features"]:
        assert (feature["place"] or feature["geometry"])["type"].endswith("Polygon")
    assert "geometryDimension" not in _document(client, CENSUS)
    assert "geometryDimension" not in _document(client, skipGeometry="true")


@pytest.mark.requirement(f"{JSONFG}req/types-schemas/feature-schemas")
@pytest.mark.requirement(f"{JSONFG}req/types-schemas/single-feature-schema")
def test_a_schema_that_is_named_is_the_collection_s(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    assert document["featureSchema"].endswith(f"{COLLECTION}/schema")
    schema = client.get(document["featureSchema"]).raise_for_status().json()
    properties = {one for feature in document["features"] for one in feature["properties"]}
    assert properties <= schema["properties"].keys()


@pytest.mark.requirement(f"{JSONFG}req/profiles/rfc7946")
@pytest.mark.requirement(f"{JSONFG}req/api/profile-parameter")
@pytest.mark.parametrize("given", [{}, {"profile": "rfc7946"}])
def test_geojson_comes_unless_json_fg_is_asked_for(
    client: httpx.Client, given: dict[str, str]
) -> None:
    answer = client.get(ITEMS, params={"f": "json", "limit": "2", **given}).raise_for_status()
    found = answer.json()

    assert "conformsTo" not in found
    assert all("place" not in feature for feature in found["features"])
    assert f'<{PROFILES}rfc7946>; rel="profile"' in answer.headers["Link"]


@pytest.mark.requirement(f"{JSONFG}req/profiles/jsonfg")
@pytest.mark.requirement(f"{JSONFG}req/api/profile-parameter")
@pytest.mark.parametrize("path", [ITEMS, "item"])
def test_json_fg_is_asked_for_by_its_profile(client: httpx.Client, path: str) -> None:
    if path == "item":
        path = f"{ITEMS}/{_document(client)['features'][0]['id']}"
    asked = {"f": "json", "profile": "jsonfg", "crs": f"{EPSG}4490"}
    answer = client.get(path, params=asked).raise_for_status()

    assert answer.headers["Content-Type"] == "application/geo+json"
    assert f"{JSONFG}conf/core" in answer.json()["conformsTo"]
    assert f'<{PROFILES}jsonfg>; rel="profile"' in answer.headers["Link"]
    assert {"rel": "profile", "href": f"{PROFILES}jsonfg"} in [
        {"rel": one["rel"], "href": one["href"]} for one in answer.json()["links"]
    ]


@pytest.mark.requirement(f"{JSONFG}req/profiles/jsonfg-plus")
def test_json_fg_plus_has_each_place_in_wgs_84_too(client: httpx.Client) -> None:
    plus = _document(client, crs=f"{EPSG}4551", profile="jsonfg-plus")
    plain = client.get(ITEMS, params={"limit": "20"}).json()["features"]

    assert all(one["place"] is not None for one in plus["features"])
    assert [one["geometry"] for one in plus["features"]] == [one["geometry"] for one in plain]


@pytest.mark.requirement(f"{JSONFG}req/api/profile-parameter")
@pytest.mark.parametrize(
    "given", [{"f": "json", "profile": "stac"}, {"f": "csv", "profile": "jsonfg"}]
)
def test_a_profile_that_is_none_of_the_format_is_refused(
    client: httpx.Client, given: dict[str, str]
) -> None:
    answer = client.get(ITEMS, params=given)

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == "profile"
