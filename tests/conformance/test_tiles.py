"""OGC API - Tiles, Part 1 (20-057) and Two Dimensional Tile Matrix Set 2.0 (17-083r4)."""

from math import atan, degrees, floor, pi, sinh
from typing import Any

import httpx
import mapbox_vector_tile
import pytest

TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/req/"
TMS = "http://www.opengis.net/spec/tms/2.0/req/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
LAND_USE = "/collections/land_use/tiles"
TILESET = f"{LAND_USE}/WebMercatorQuad"
WITH_DATA, WITHOUT_DATA = f"{TILESET}/12/1490/3473", f"{TILESET}/12/0/0"
# the middle of that tile: there is land use in every grid
PLACE = (3473.5 / 4096 * 360 - 180, degrees(atan(sinh(pi * (1 - 2 * 1490.5 / 4096)))))
MVT = "application/vnd.mapbox-vector-tile"
TILEJSON = "application/vnd.mapbox.tilejson+json"
ANY = {"Accept": "*/*"}
ANY = {"Accept": "*/*"}
WORLD_M = 20037508.342789244
GRIDS = {
    "WebMercatorQuad": ("http://www.opengis.net/def/crs/EPSG/0/3857", 0, 24),
    "WorldCRS84Quad": ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", 0, 23),
    "CGCS2000Quad": ("http://www.opengis.net/def/crs/EPSG/0/4490", 1, 20),
}
REGISTERED = ("WebMercatorQuad", "WorldCRS84Quad")
each_grid = pytest.mark.parametrize("name", list(GRIDS))


def _rels(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    links: dict[str, list[dict[str, Any]]] = {}
    for link in document["links"]:
        links.setdefault(link["rel"], []).append(link)
    return links


def _get(client: httpx.Client, path: str, **parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(path, params=parameters).raise_for_status().json()
    return found


def _tile_at(grid: dict[str, Any], level: int, longitude: float, latitude: float) -> dict[str, Any]:
    """The tile of a level that holds a place, found as the grid's own document tells."""
    matrix = next(each for each in grid["tileMatrices"] if each["id"] == str(level))
    origin = matrix["pointOfOrigin"]
    x0, y0 = origin[::-1] if grid["orderedAxes"][0] == "Lat" else origin
    x, y = longitude, latitude
    if "3857" in grid["crs"]:
        x, y = x * WORLD_M / 180, _northing(y)
    side = matrix["cellSize"] * matrix["tileWidth"]
    return {
        "tileMatrix": matrix["id"],
        "tileRow": floor((y0 - y) / side),
        "tileCol": floor((x - x0) / side),
    }


def _northing(latitude: float) -> float:
    low, high = -WORLD_M, WORLD_M
    for _ in range(60):  # halved until it is exact
        middle = (low + high) / 2
        above = degrees(atan(sinh(middle * pi / WORLD_M))) > latitude
        low, high = (low, middle) if above else (middle, high)
    return low


def _operation(published: dict[str, Any], suffix: str) -> dict[str, Any]:
    return next(
        operation
        for item in published["paths"].values()
        for operation in item.values()
        if operation["operationId"].endswith(suffix)
    )


@pytest.mark.requirement(f"{TILES}core/tc-op")
def test_a_tile_is_at_matrix_row_column(client: httpx.Client) -> None:
    assert client.get(WITH_DATA, headers=ANY).status_code == 200


@pytest.mark.requirement(f"{TILES}core/tc-tilematrix-definition")
@pytest.mark.requirement(f"{TILES}core/tc-tilerow-definition")
@pytest.mark.requirement(f"{TILES}core/tc-tilecol-definition")
@pytest.mark.parametrize("name", ["tileMatrix", "tileRow", "tileCol"])
@pytest.mark.parametrize("origin", ["collection", "dataset"])
def test_the_parts_of_a_tile_s_address_are_described(
    published: dict[str, Any], origin: str, name: str
) -> None:
    operation = _operation(published, f".{origin}.vector.getTile")
    names = [each["$ref"].rpartition("/")[2] for each in operation["parameters"]]

    assert name in names
    assert published["components"]["parameters"][name]["required"] is True
    assert published["components"]["parameters"][name]["in"] == "path"


@pytest.mark.requirement(f"{TILES}core/tc-success")
def test_a_tile_comes_with_its_media_type_and_only_what_lies_in_it(client: httpx.Client) -> None:
    answer = client.get(WITH_DATA, params={"f": "mvt"})

    assert answer.headers["Content-Type"] == MVT
    assert mapbox_vector_tile.decode(answer.content)["land_use"]["features"]


@pytest.mark.requirement(f"{TILES}core/tc-error")
@each_grid
@pytest.mark.parametrize("path", [LAND_USE, "/tiles"])
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("99/0/0", 404),
        ("12/4096/0", 404),
        ("12/0/8192", 404),
        ("12/2147483647/2147483647", 404),
        ("12/-1/0", 400),
        ("a/0/0", 400),
        ("12/a/0", 400),
        ("12/0/a", 400),
        ("12/0/1.5", 400),
    ],
)
def test_an_address_that_is_no_number_is_400_and_one_outside_the_grid_404(
    client: httpx.Client, path: str, name: str, address: str, status: int
) -> None:
    answer = client.get(f"{path}/{name}/{address}", headers=ANY)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.requirement(f"{TILES}core/tc-error")
def test_the_national_grid_begins_at_level_1(client: httpx.Client) -> None:
    path = "/collections/county/tiles/CGCS2000Quad"

    assert client.get(f"{path}/0/0/0", headers=ANY).status_code == 404
    assert client.get(f"{path}/21/0/0", headers=ANY).status_code == 404
    assert client.get(f"{path}/1/0/1", headers=ANY).status_code in (200, 204)


@pytest.mark.requirement(f"{TILES}core/tc-error")
def test_a_tile_without_data_is_204_and_empty(client: httpx.Client) -> None:
    answer = client.get(WITHOUT_DATA, headers=ANY)

    assert answer.status_code == 204
    assert answer.content == b""


@pytest.mark.requirement(f"{TILES}core/conformance-success")
def test_the_declaration_lists_the_core_of_tiles(client: httpx.Client) -> None:
    declared = client.get("/conformance").json()["conformsTo"]

    assert {f"{TILES.removesuffix('req/')}conf/{name}" for name in ("core", "tileset", "mvt")} <= {
        *declared
    }


@pytest.mark.requirement(f"{TILES}tileset/description")
@each_grid
def test_a_tileset_names_its_data_its_crs_and_its_grid(
    client: httpx.Client, live_server: str, name: str
) -> None:
    tileset = _get(client, f"{LAND_USE}/{name}")
    registered = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{name}"
    ours = f"{live_server}/tileMatrixSets/{name}"

    assert tileset["dataType"] == "vector"
    assert tileset["crs"] == GRIDS[name][0]
    assert tileset["tileMatrixSetURI"] == (registered if name in REGISTERED else ours)


@pytest.mark.requirement(f"{TILES}tileset/description")
@each_grid
def test_a_tileset_links_to_the_definition_of_its_grid(client: httpx.Client, name: str) -> None:
    tileset = _get(client, f"{LAND_USE}/{name}")
    (link,) = _rels(tileset)[f"{REL}tiling-scheme"]
    grid = _get(client, link["href"])

    assert grid["tileMatrices"]
    assert grid["uri"] == tileset["tileMatrixSetURI"]
    assert grid["crs"] == tileset["crs"]


@pytest.mark.requirement(f"{TILES}tileset/description")
@each_grid
def test_the_template_of_a_tileset_leads_to_tiles(client: httpx.Client, name: str) -> None:
    (link,) = _rels(_get(client, f"{LAND_USE}/{name}"))["item"]
    place = _tile_at(_get(client, f"/tileMatrixSets/{name}"), 12, *PLACE)
    answer = client.get(link["href"].format(**place))

    assert link["templated"] is True
    assert link["type"] == MVT == answer.headers["Content-Type"]
    assert mapbox_vector_tile.decode(answer.content)["land_use"]["features"]


@pytest.mark.requirement(f"{TILES}tileset/description")
@each_grid
@pytest.mark.parametrize("collection", ["land_use", "land_use.2023", "county"])
def test_the_limits_of_a_tileset_hold_its_box_and_its_centre_at_every_level(
    client: httpx.Client, collection: str, name: str
) -> None:
    tileset = _get(client, f"/collections/{collection}/tiles/{name}")
    grid, (_, first, last) = _get(client, f"/tileMatrixSets/{name}"), GRIDS[name]
    west, south = tileset["boundingBox"]["lowerLeft"]
    east, north = tileset["boundingBox"]["upperRight"]
    x, y = tileset["centerPoint"]["coordinates"]
    limits = {each["tileMatrix"]: each for each in tileset["tileMatrixSetLimits"]}

    assert tileset["boundingBox"]["crs"].endswith("CRS84")
    assert west < x < east
    assert south < y < north
    assert list(limits) == [str(level) for level in range(first, last + 1)]
    assert tileset["centerPoint"]["tileMatrix"] in limits
    for level in range(first, last + 1):
        held = limits[str(level)]
        corner, opposite = (
            _tile_at(grid, level, *place) for place in ((west, north), (east, south))
        )
        middle = _tile_at(grid, level, x, y)
        assert (held["minTileRow"], held["maxTileRow"]) == (corner["tileRow"], opposite["tileRow"])
        assert (held["minTileCol"], held["maxTileCol"]) == (corner["tileCol"], opposite["tileCol"])
        assert held["minTileRow"] <= middle["tileRow"] <= held["maxTileRow"]
        assert held["minTileCol"] <= middle["tileCol"] <= held["maxTileCol"]


@pytest.mark.requirement(f"{TILES}tileset/description")
@each_grid
def test_a_tileset_describes_the_layer_and_the_attributes_that_its_tiles_hold(
    client: httpx.Client, name: str
) -> None:
    tileset = _get(client, f"{LAND_USE}/{name}")
    (layer,) = tileset["layers"]
    grid = _get(client, f"/tileMatrixSets/{name}")
    (link,) = _rels(tileset)["item"]
    known = layer["propertiesSchema"]["properties"]
    (feature,) = _get(client, "/collections/land_use/items", limit="1")["features"]
    place = feature["geometry"]["coordinates"][0][0][0]

    assert (layer["dataType"], layer["geometryDimension"]) == ("vector", 2)
    assert (layer["minTileMatrix"], layer["maxTileMatrix"]) == tuple(map(str, GRIDS[name][1:]))
    assert all(each["title"] for each in known.values())
    for level in (6, 12, 15):
        tile = client.get(link["href"].format(**_tile_at(grid, level, *place)))
        drawn = mapbox_vector_tile.decode(tile.content)
        assert level < 12 or drawn[layer["id"]]["features"]
        for feature in drawn.get(layer["id"], {"features": []})["features"]:
            for code, value in feature["properties"].items():
                assert int(known[code]["x-onemap-from"]) <= level
                assert isinstance(value, int if known[code]["type"] == "integer" else str)


@pytest.mark.requirement(f"{TILES}tileset/description")
@each_grid
def test_a_tileset_tells_its_state_and_what_the_features_of_each_level_are(
    client: httpx.Client, name: str
) -> None:
    facts = _get(client, f"/collections/land_use.2023/tiles/{name}")["x-onemap"]
    levels = [str(level) for level in range(GRIDS[name][1], GRIDS[name][2] + 1)]

    assert facts["edition"]["key"] == "2023"
    assert facts["revision"] >= 1
    assert [each["tileMatrix"] for each in facts["tileMatrices"]] == levels
    assert {each["features"] for each in facts["tileMatrices"]} == facts["features"].keys()
    assert all(each["omitted"] is None or each["omitted"] >= 0 for each in facts["tileMatrices"])
    assert facts["tileMatrices"][-1]["features"] == "rows"
    assert str(facts["omission"]["maxFeatures"]) in facts["omission"]["rule"]


@pytest.mark.requirement(f"{TILES}tileset/description")
@pytest.mark.parametrize("path", [LAND_USE, "/tiles"])
def test_a_grid_that_the_tileset_does_not_have_is_404(client: httpx.Client, path: str) -> None:
    assert client.get(f"{path}/NoSuchGrid").status_code == 404
    assert client.get(f"{path}/NoSuchGrid/0/0/0", headers=ANY).status_code == 404


@pytest.mark.requirement(f"{TILES}tilesets-list/tileset-links")
@pytest.mark.parametrize("path", [LAND_USE, "/collections/land_use.2024/tiles", "/tiles"])
def test_the_list_of_tilesets_has_each_with_data_crs_grid_and_links(
    client: httpx.Client, path: str
) -> None:
    listed = {each["tileMatrixSetId"]: each for each in _get(client, path)["tilesets"]}

    assert listed.keys() == GRIDS.keys()
    for name, tileset in listed.items():
        links = _rels(tileset)
        whole = _get(client, links["self"][0]["href"])
        assert tileset["dataType"] == "vector"
        assert links["self"][0]["href"].endswith(f"{path}/{name}")
        assert f"{REL}tiling-scheme" in links
        assert {key: whole[key] for key in ("title", "crs", "tileMatrixSetURI")} == {
            key: tileset[key] for key in ("title", "crs", "tileMatrixSetURI")
        }


@pytest.mark.requirement(f"{TILES}tilesets-list/tileset-links")
def test_the_list_of_tilesets_is_linked_to_itself_and_its_page(client: httpx.Client) -> None:
    links = _rels(_get(client, LAND_USE))

    assert links["self"][0]["href"].endswith(LAND_USE)
    assert client.get(links["alternate"][0]["href"]).headers["Content-Type"].startswith("text/html")


@pytest.mark.requirement(f"{TILES}dataset-tilesets/landingpage")
def test_the_landing_page_links_to_the_tilesets_of_the_whole_dataset(client: httpx.Client) -> None:
    (link,) = _rels(_get(client, "/"))[f"{REL}tilesets-vector"]

    assert _get(client, link["href"])["tilesets"]


@pytest.mark.requirement(f"{TILES}dataset-tilesets/operation")
@each_grid
def test_the_tilesets_of_the_dataset_have_every_layer_with_a_place(
    client: httpx.Client, name: str
) -> None:
    tileset = _get(client, f"/tiles/{name}")
    collections = _get(client, "/collections")["collections"]
    placed = {each["id"] for each in collections if each["x-onemap"]["geometry"] != "none"}

    assert {layer["id"] for layer in tileset["layers"]} == placed
    assert all(layer["x-onemap"]["tileMatrices"] for layer in tileset["layers"])
    assert all(_rels(layer)[f"{REL}geodata"] for layer in tileset["layers"])


@pytest.mark.requirement(f"{TILES}dataset-tilesets/operation")
@each_grid
def test_a_tile_of_the_dataset_holds_the_layers_that_lie_there(
    client: httpx.Client, name: str
) -> None:
    tileset = _get(client, f"/tiles/{name}")
    (link,) = _rels(tileset)["item"]
    place = _tile_at(_get(client, f"/tileMatrixSets/{name}"), 12, *PLACE)
    answer = client.get(link["href"].format(**place))
    found = {each for each in mapbox_vector_tile.decode(answer.content) if "_omitted" not in each}

    assert answer.headers["Content-Type"] == MVT
    assert {"land_use", "county"} <= found <= {layer["id"] for layer in tileset["layers"]}


@pytest.mark.requirement(f"{TILES}collections-selection/query-collections")
@pytest.mark.parametrize("chosen", ["county", "county,land_use", "land_use.2023,county"])
def test_tilesets_and_tiles_of_some_collections_can_be_asked_for(
    client: httpx.Client, chosen: str
) -> None:
    query = {"collections": chosen, "f": "mvt"}
    tile = client.get("/tiles/WebMercatorQuad/12/1490/3473", params=query)

    assert _get(client, "/tiles", collections=chosen)["tilesets"]
    assert _get(client, "/tiles/WebMercatorQuad", collections=chosen)["layers"]
    assert tile.status_code == 200


@pytest.mark.requirement(f"{TILES}collections-selection/collections-response")
@pytest.mark.parametrize("chosen", ["county", "county,land_use", "land_use.2023,county"])
def test_only_the_chosen_collections_are_drawn_the_first_of_them_first(
    client: httpx.Client, chosen: str
) -> None:
    layers = [name.partition(".")[0] for name in chosen.split(",")]
    tileset = _get(client, "/tiles/CGCS2000Quad", collections=chosen)
    (link,) = _rels(tileset)["item"]
    place = _tile_at(_get(client, "/tileMatrixSets/CGCS2000Quad"), 12, *PLACE)
    tile = mapbox_vector_tile.decode(client.get(link["href"].format(**place)).content)

    assert [layer["id"] for layer in tileset["layers"]] == layers
    assert [name for name in tile if not name.endswith("_omitted")] == layers


@pytest.mark.requirement(f"{TILES}collections-selection/query-collections")
@pytest.mark.parametrize(
    ("chosen", "status"),
    [
        ("nowhere", 404),
        ("county,nowhere", 404),
        ("census_2020", 404),
        ("land_use,land_use", 400),
        ("land_use.2023,land_use.2024", 400),
        (",".join(f"l{n}" for n in range(100)), 404),
    ],
)
@pytest.mark.parametrize("step", ["", "/WebMercatorQuad", "/WebMercatorQuad/12/1490/3473"])
def test_collections_that_cannot_be_chosen_are_refused(
    client: httpx.Client, step: str, chosen: str, status: int
) -> None:
    answer = client.get(f"/tiles{step}", params={"collections": chosen}, headers=ANY)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.requirement(f"{TILES}geodata-tilesets/desc-links")
def test_every_collection_with_geometry_links_to_its_vector_tilesets(client: httpx.Client) -> None:
    for collection in client.get("/collections").json()["collections"]:
        links = _rels(collection)
        table = collection["x-onemap"]["geometry"] == "none"
        assert (f"{REL}tilesets-vector" in links) is not table
        for link in links.get(f"{REL}tilesets-vector", []):
            assert client.get(link["href"]).json()["tilesets"]


@pytest.mark.requirement(f"{TILES}geodata-tilesets/operation")
def test_the_tilesets_of_a_collection_are_below_it(client: httpx.Client) -> None:
    assert client.get("/collections/land_use/tiles").status_code == 200


@pytest.mark.requirement(f"{TILES}mvt/content")
def test_a_tile_is_a_mapbox_vector_tile_of_version_2_with_unique_feature_ids(
    client: httpx.Client,
) -> None:
    decoded = mapbox_vector_tile.decode(client.get(WITH_DATA, params={"f": "mvt"}).content)
    (layer,) = decoded.values()
    ids = [feature["id"] for feature in layer["features"]]

    assert list(decoded) == ["land_use"]
    assert layer["version"] == 2
    assert layer["extent"] == 4096
    assert len(ids) == len(set(ids))
    assert all(ids)


@pytest.mark.requirement(f"{TILES}oas30/completeness")
def test_the_definition_names_the_media_type_of_tiles(published: dict[str, Any]) -> None:
    for suffix in (".collection.vector.getTile", ".dataset.vector.getTile"):
        operation = _operation(published, suffix)
        assert operation["responses"]["200"]["content"].keys() == {MVT}
        assert {"204", "400", "404"} <= operation["responses"].keys()


@pytest.mark.requirement(f"{TILES}oas30/operation-id")
@pytest.mark.parametrize(
    "suffix",
    [
        ".collection.vector.getTileSetsList",
        ".collection.vector.getTileSet",
        ".collection.vector.getTile",
        ".dataset.vector.getTileSetsList",
        ".dataset.vector.getTileSet",
        ".dataset.vector.getTile",
        "getTileMatrixSetsList",
        "getTileMatrixSet",
    ],
)
def test_the_operations_of_tiles_are_known_by_their_ids(
    published: dict[str, Any], suffix: str
) -> None:
    assert _operation(published, suffix)["summary"]


@pytest.mark.requirement(f"{TMS}tilematrixset/tilematrixset")
@each_grid
def test_a_grid_has_a_name_a_reference_system_and_the_order_of_its_axes(
    client: httpx.Client, name: str
) -> None:
    grid = _get(client, f"/tileMatrixSets/{name}")
    axes = {"WebMercatorQuad": ["X", "Y"], "WorldCRS84Quad": ["Lon", "Lat"]}

    assert grid["id"] == name
    assert grid["crs"] == GRIDS[name][0]
    assert grid["orderedAxes"] == axes.get(name, ["Lat", "Lon"])
    assert ("wellKnownScaleSet" in grid) is (name in REGISTERED)


@pytest.mark.requirement(f"{TMS}tilematrixset/tilematrixset")
@each_grid
def test_a_grid_has_levels_that_cover_the_world_and_halve_the_cell(
    client: httpx.Client, name: str
) -> None:
    grid, (_, first, last) = _get(client, f"/tileMatrixSets/{name}"), GRIDS[name]
    wide, high = (2 * WORLD_M, 2 * WORLD_M) if name == "WebMercatorQuad" else (360, 180)
    matrices = grid["tileMatrices"]

    assert [matrix["id"] for matrix in matrices] == [str(n) for n in range(first, last + 1)]
    for matrix in matrices:
        side = matrix["cellSize"] * 256
        corner = matrix["pointOfOrigin"]
        x, y = corner[::-1] if name == "CGCS2000Quad" else corner
        assert matrix["tileWidth"] == matrix["tileHeight"] == 256
        assert matrix["matrixWidth"] * side == pytest.approx(wide, rel=1e-9)
        assert matrix["matrixHeight"] * side == pytest.approx(high, rel=1e-9)
        assert (x, y) == pytest.approx((-wide / 2, high / 2), rel=1e-9)
        assert matrix["cornerOfOrigin"] == "topLeft"
    sizes = [matrix["cellSize"] for matrix in matrices]
    assert [size / 2 for size in sizes[:-1]] == sizes[1:]


@pytest.mark.requirement(f"{TMS}tilematrixset/tilematrix")
@each_grid
def test_the_scale_of_a_level_is_that_of_cells_of_0_28_millimetres(
    client: httpx.Client, name: str
) -> None:
    metres = 1.0 if name == "WebMercatorQuad" else 2 * pi * 6_378_137 / 360
    for matrix in _get(client, f"/tileMatrixSets/{name}")["tileMatrices"]:
        scale = matrix["cellSize"] * metres / 0.00028
        assert matrix["scaleDenominator"] == pytest.approx(scale, rel=1e-12)


@pytest.mark.requirement(f"{TMS}json-tilematrixset/json")
@each_grid
def test_a_grid_is_written_as_the_standard_s_json(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/tileMatrixSets/{name}")
    numbers = {"scaleDenominator", "cellSize"}
    whole = {"tileWidth", "tileHeight", "matrixWidth", "matrixHeight"}

    assert answer.headers["Content-Type"] == "application/json"
    for matrix in answer.json()["tileMatrices"]:
        assert matrix.keys() == {*numbers, *whole, "id", "cornerOfOrigin", "pointOfOrigin"}
        assert all(type(matrix[key]) is int for key in whole)
        assert all(matrix[key] > 0 for key in numbers)


@pytest.mark.requirement(f"{TMS}json-tilematrixset/json")
def test_every_listed_grid_can_be_had(client: httpx.Client) -> None:
    listed = _get(client, "/tileMatrixSets")["tileMatrixSets"]

    assert [each["id"] for each in listed] == list(GRIDS)
    for each in listed:
        (link,) = _rels(each)["self"]
        grid = _get(client, link["href"])
        assert (grid["id"], grid["uri"]) == (each["id"], each["uri"])
    assert client.get("/tileMatrixSets/NoSuchGrid").status_code == 404


@pytest.mark.requirement(f"{TILES}datetime/definition")
@pytest.mark.requirement(f"{TILES}datetime/axis")
@pytest.mark.requirement(f"{TILES}datetime/response")
def test_a_time_chooses_the_edition_whichever_way_it_is_asked(client: httpx.Client) -> None:
    now = client.get(WITH_DATA, headers=ANY)
    for asked in ({"datetime": "2025-01-01"}, {"subset": 'datetime("2025-01-01")'}):
        then = client.get(WITH_DATA, params=asked, headers=ANY)
        assert (then.status_code, then.content) == (200, now.content)
    for asked in ({"datetime": "1990-01-01"}, {"subset": 'datetime("1990-01-01":"1990-12-31")'}):
        assert client.get(WITH_DATA, params=asked, headers=ANY).status_code == 204
    for asked in ({"subset": "time(1)"}, {"subset": 'datetime("x")'}):
        assert client.get(WITH_DATA, params=asked, headers=ANY).status_code == 400
