"""OGC API - Features, Part 2 (18-058r1): coordinate reference systems by reference."""

from typing import Any

import httpx
import numpy as np
import pyproj
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

CRS = "http://www.opengis.net/spec/ogcapi-features-2/1.0/req/crs/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
STORAGE = f"{EPSG}4490"
ITEMS = "/collections/land_use/items"
CODES = [4490, 4326, 3857, 4551, 4530]  # the demo city lies in the zone of 126°E


@pytest.fixture(scope="module")
def collections(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        client.get("/collections").raise_for_status().json()["collections"]
    )
    return found


@pytest.fixture(scope="module")
def land_use(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/collections/land_use").raise_for_status().json()
    return found


@pytest.fixture(scope="module")
def shapes(client: httpx.Client) -> dict[str, BaseGeometry]:
    """Every feature as it comes by default: longitude, latitude."""
    page = client.get(ITEMS, params={"limit": 3_000}).raise_for_status().json()
    return {f["id"]: shapely.geometry.shape(f["geometry"]) for f in page["features"]}


def east_first(code: int, geometry: BaseGeometry) -> BaseGeometry:
    """A geometry in the registry's axis order with x to the east."""
    axes = [axis.direction for axis in pyproj.CRS.from_epsg(code).axis_info]
    if axes[0] == "east":
        return geometry
    return shapely.transform(geometry, lambda xy: xy[:, ::-1])


def projected(code: int, geometry: BaseGeometry) -> BaseGeometry:
    """Longitude and latitude in a reference system, x to the east, by PROJ."""
    if code in (4490, 4326):
        return geometry
    there = pyproj.Transformer.from_crs(4326 if code == 3857 else 4490, code, always_xy=True)

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(there.transform(points[:, 0], points[:, 1]))

    moved: BaseGeometry = shapely.transform(geometry, move)
    return moved


def bbox(code: int, bounds: tuple[float, float, float, float]) -> str:
    """The text of a rectangle, given with x to the east, in the registry's axis order."""
    west, south, east, north = bounds
    axes = [axis.direction for axis in pyproj.CRS.from_epsg(code).axis_info]
    numbers = (west, south, east, north) if axes[0] == "east" else (south, west, north, east)
    return ",".join(repr(float(number)) for number in numbers)


@pytest.mark.requirement(f"{CRS}crs-uri")
def test_each_reference_system_has_a_uri(collections: list[dict[str, Any]]) -> None:
    for collection in collections:
        for uri in collection["crs"]:
            assert uri == CRS84 or (uri.startswith(EPSG) and uri.removeprefix(EPSG).isdigit())


@pytest.mark.requirement(f"{CRS}fc-md-crs-list")
def test_a_collection_lists_its_reference_systems_the_default_first(
    collections: list[dict[str, Any]], land_use: dict[str, Any]
) -> None:
    assert all(collection["crs"][0] == CRS84 for collection in collections)
    assert {STORAGE, f"{EPSG}4326", f"{EPSG}3857"} <= set(land_use["crs"])
    assert len(land_use["crs"]) == len(set(land_use["crs"]))


@pytest.mark.requirement(f"{CRS}fc-md-crs-list")
def test_the_zones_listed_are_those_whose_area_of_use_meets_the_layer(
    land_use: dict[str, Any],
) -> None:
    west, south, east, north = land_use["extent"]["spatial"]["bbox"][0]
    meets = []
    for code in range(4513, 4555):
        area = pyproj.CRS.from_epsg(code).area_of_use
        assert area is not None
        if area.west <= east and west <= area.east and area.south <= north and south <= area.north:
            meets.append(f"{EPSG}{code}")

    assert [uri for uri in land_use["crs"] if uri[len(EPSG) :] in map(str, range(4513, 4555))] == (
        meets
    )


@pytest.mark.requirement(f"{CRS}fc-md-storageCrs")
@pytest.mark.requirement(f"{CRS}fc-md-storageCrs-valid-value")
def test_the_storage_is_one_of_the_listed_reference_systems(
    collections: list[dict[str, Any]], land_use: dict[str, Any]
) -> None:
    assert land_use["storageCrs"] == STORAGE
    for collection in collections:
        if "storageCrs" in collection:
            assert collection["storageCrs"] in collection["crs"]


def declared(published: dict[str, Any], name: str) -> dict[str, Any]:
    """The parameter of the items as the OpenAPI document declares it."""
    for path in published["paths"].values():
        for operation in path.values():
            if operation.get("operationId") != "getFeatures":
                continue
            for reference in operation["parameters"]:
                key = reference["$ref"].rpartition("/")[2]
                parameter: dict[str, Any] = published["components"]["parameters"][key]
                if parameter["name"] == name:
                    return parameter
    raise LookupError(f"no parameter {name}")


@pytest.mark.requirement(f"{CRS}fc-bbox-crs-definition")
@pytest.mark.requirement(f"{CRS}fc-crs-definition")
@pytest.mark.parametrize("name", ["bbox-crs", "crs"])
def test_the_parameters_are_declared_as_uris_in_the_query(
    published: dict[str, Any], name: str
) -> None:
    parameter = declared(published, name)

    assert (parameter["in"], parameter.get("required", False)) == ("query", False)
    assert parameter["schema"]["type"] == "string"
    assert parameter["schema"]["format"] == "uri"
    assert (parameter.get("style", "form"), parameter["explode"]) == ("form", False)


@pytest.mark.requirement(f"{CRS}fc-bbox-crs-valid-value")
@pytest.mark.requirement(f"{CRS}fc-crs-valid-value")
@pytest.mark.parametrize("name", ["bbox-crs", "crs"])
@pytest.mark.parametrize("value", ["zzz", "", f"{EPSG}4547", f"{EPSG}2056", f"{EPSG}999999"])
def test_what_a_collection_does_not_list_is_400_and_named(
    client: httpx.Client, name: str, value: str
) -> None:
    answer = client.get(ITEMS, params={"bbox": "125,43,126,44", name: value})

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == name
    assert CRS84 in answer.text


@pytest.mark.requirement(f"{CRS}fc-bbox-crs-valid-value")
@pytest.mark.requirement(f"{CRS}fc-crs-valid-value")
def test_every_listed_reference_system_is_understood(
    client: httpx.Client, land_use: dict[str, Any], shapes: dict[str, BaseGeometry]
) -> None:
    whole = shapely.box(*shapely.total_bounds(list(shapes.values())))
    for uri in land_use["crs"]:
        code = 4326 if uri == CRS84 else int(uri.removeprefix(EPSG))
        box = projected(code, shapely.segmentize(whole, 0.01)).bounds
        text = ",".join(map(repr, box)) if uri == CRS84 else bbox(code, box)
        asked = {"crs": uri, "bbox-crs": uri, "bbox": text, "resulttype": "hits"}
        answer = client.get(ITEMS, params=asked).raise_for_status()
        assert answer.headers["content-crs"] == f"<{uri}>"
        assert answer.json()["numberMatched"] == len(shapes)


@pytest.mark.requirement(f"{CRS}fc-bbox-crs-valid-defaultValue")
def test_a_bbox_is_in_crs84_unless_told_otherwise(
    client: httpx.Client, shapes: dict[str, BaseGeometry]
) -> None:
    west, south, east, north = next(iter(shapes.values())).bounds
    asked = {"bbox": f"{west},{south},{east},{north}", "limit": "1000"}

    plain = client.get(ITEMS, params=asked).json()["features"]
    said = client.get(ITEMS, params={**asked, "bbox-crs": CRS84}).json()["features"]

    assert [f["id"] for f in plain] == [f["id"] for f in said]
    assert plain


@pytest.mark.requirement(f"{CRS}fc-bbox-crs-action")
@pytest.mark.parametrize("code", CODES)
def test_a_bbox_finds_what_meets_it_in_its_own_reference_system(
    client: httpx.Client, shapes: dict[str, BaseGeometry], code: int
) -> None:
    placed = {name: projected(code, shape) for name, shape in shapes.items()}
    west, south, east, north = shapely.total_bounds(list(placed.values()))
    across, up = east - west, north - south
    box = (west + 0.31 * across, south + 0.37 * up, west + 0.63 * across, south + 0.71 * up)
    expected = {name for name, shape in placed.items() if shape.intersects(shapely.box(*box))}
    asked = {"bbox": bbox(code, box), "bbox-crs": f"{EPSG}{code}", "limit": "3000"}

    found = client.get(ITEMS, params=asked).raise_for_status().json()["features"]

    assert {f["id"] for f in found} == expected
    assert 0 < len(expected) < len(shapes)


@pytest.mark.requirement(f"{CRS}fc-crs-default-value")
def test_coordinates_are_in_crs84_unless_told_otherwise(client: httpx.Client) -> None:
    plain = client.get(ITEMS, params={"limit": "5"})
    said = client.get(ITEMS, params={"limit": "5", "crs": CRS84})

    assert plain.json()["features"] == said.json()["features"]
    assert plain.headers["content-crs"] == said.headers["content-crs"] == f"<{CRS84}>"


@pytest.mark.requirement(f"{CRS}fc-crs-action")
@pytest.mark.requirement(f"{CRS}geojson")
@pytest.mark.parametrize("code", CODES)
def test_coordinates_are_in_the_reference_system_and_axis_order_asked_for(
    client: httpx.Client, shapes: dict[str, BaseGeometry], code: int
) -> None:
    asked = {"limit": "50", "crs": f"{EPSG}{code}"}
    page = client.get(ITEMS, params=asked).raise_for_status().json()
    precision = 2e-9 if code in (4490, 4326) else 0.0003  # of both roundings

    for feature in page["features"]:
        answered = east_first(code, shapely.geometry.shape(feature["geometry"]))
        expected = projected(code, shapes[feature["id"]])
        off = shapely.get_coordinates(answered) - shapely.get_coordinates(expected)
        assert np.abs(off).max() < precision
    assert len(page["features"]) == 50


@pytest.mark.requirement(f"{CRS}fc-crs-action")
def test_a_single_feature_comes_in_the_reference_system_asked_for(
    client: httpx.Client, shapes: dict[str, BaseGeometry]
) -> None:
    name, shape = next(iter(shapes.items()))

    answer = client.get(f"{ITEMS}/{name}", params={"crs": f"{EPSG}4551"}).raise_for_status()

    answered = east_first(4551, shapely.geometry.shape(answer.json()["geometry"]))
    off = shapely.get_coordinates(answered) - shapely.get_coordinates(projected(4551, shape))
    assert np.abs(off).max() < 0.0003
    assert answer.headers["content-crs"] == f"<{EPSG}4551>"


@pytest.mark.requirement(f"{CRS}ogc-crs-header")
@pytest.mark.requirement(f"{CRS}ogc-crs-header-value")
@pytest.mark.parametrize("uri", [CRS84, *(f"{EPSG}{code}" for code in CODES)])
def test_the_answer_names_its_reference_system(client: httpx.Client, uri: str) -> None:
    answer = client.get(ITEMS, params={"limit": "1", "crs": uri}).raise_for_status()

    assert answer.headers["content-crs"] == f"<{uri}>"


def test_pages_go_on_in_the_reference_system_they_began_in(client: httpx.Client) -> None:
    page = client.get(ITEMS, params={"limit": "3", "crs": f"{EPSG}4551"}).json()
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")

    answer = client.get(following).raise_for_status()

    assert answer.headers["content-crs"] == f"<{EPSG}4551>"
    first = shapely.get_coordinates(
        shapely.geometry.shape(answer.json()["features"][0]["geometry"])
    )
    assert first[0][0] > 4_000_000, "northing first"


@pytest.mark.parametrize(
    "value", ["125,43,126,44", "400000,4800000,500000,4900000", "4800000,42400000,4900000,42500000"]
)
def test_a_bbox_that_is_none_of_its_zone_is_400_and_says_why(
    client: httpx.Client, value: str
) -> None:
    answer = client.get(ITEMS, params={"bbox": value, "bbox-crs": f"{EPSG}4551"})

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == "bbox"
    assert "northing first; eastings without a zone number" in answer.text
