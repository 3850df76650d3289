"""OGC API - Tiles, Part 1 (20-057) and Two Dimensional Tile Matrix Set 2.0 (17-083r4)."""

from typing import Any

import httpx
import mapbox_vector_tile
import pytest

TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/req/"
TMS = "http://www.opengis.net/spec/tms/2.0/req/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
TILESET = "/collections/land_use/tiles/WebMercatorQuad"
WITH_DATA, WITHOUT_DATA = f"{TILESET}/12/1490/3473", f"{TILESET}/12/0/0"
MVT = "application/vnd.mapbox-vector-tile"
WORLD_M = 20037508.342789244


def _rels(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    links: dict[str, list[dict[str, Any]]] = {}
    for link in document["links"]:
        links.setdefault(link["rel"], []).append(link)
    return links


@pytest.fixture(scope="module")
def tileset(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(TILESET).raise_for_status().json()
    return found


@pytest.fixture(scope="module")
def grid(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/tileMatrixSets/WebMercatorQuad").raise_for_status().json()
    return found


def _operation(published: dict[str, Any], suffix: str) -> dict[str, Any]:
    return next(
        operation
        for item in published["paths"].values()
        for operation in item.values()
        if operation["operationId"].endswith(suffix)
    )


@pytest.mark.requirement(f"{TILES}core/tc-op")
def test_a_tile_is_at_matrix_row_column(client: httpx.Client) -> None:
    assert client.get(WITH_DATA, headers={"Accept": "*/*"}).status_code == 200


@pytest.mark.requirement(f"{TILES}core/tc-tilematrix-definition")
@pytest.mark.requirement(f"{TILES}core/tc-tilerow-definition")
@pytest.mark.requirement(f"{TILES}core/tc-tilecol-definition")
@pytest.mark.parametrize("name", ["tileMatrix", "tileRow", "tileCol"])
def test_the_parts_of_a_tile_s_address_are_described(published: dict[str, Any], name: str) -> None:
    operation = _operation(published, ".collection.vector.getTile")
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
@pytest.mark.parametrize(
    "address",
    [
        "99/0/0",
        "12/4096/0",
        "12/0/4096",
        "12/2147483647/2147483647",
        "12/-1/0",
        "a/0/0",
        "12/a/0",
        "12/0/a",
    ],
)
def test_an_address_outside_the_grid_is_400_or_404(client: httpx.Client, address: str) -> None:
    answer = client.get(f"{TILESET}/{address}", headers={"Accept": "*/*"})

    assert answer.status_code in (400, 404)


@pytest.mark.requirement(f"{TILES}core/tc-error")
def test_a_tile_without_data_is_204_and_empty(client: httpx.Client) -> None:
    answer = client.get(WITHOUT_DATA, headers={"Accept": "*/*"})

    assert answer.status_code == 204
    assert answer.content == b""


@pytest.mark.requirement(f"{TILES}core/conformance-success")
def test_the_declaration_lists_the_core_of_tiles(client: httpx.Client) -> None:
    declared = client.get("/conformance").json()["conformsTo"]

    assert {f"{TILES.removesuffix('req/')}conf/{name}" for name in ("core", "tileset", "mvt")} <= {
        *declared
    }


@pytest.mark.requirement(f"{TILES}tileset/description")
def test_a_tileset_names_its_data_its_crs_and_its_grid(tileset: dict[str, Any]) -> None:
    assert tileset["dataType"] == "vector"
    assert tileset["crs"] == "http://www.opengis.net/def/crs/EPSG/0/3857"
    assert tileset["tileMatrixSetURI"].startswith("http://www.opengis.net/def/tilematrixset/")


@pytest.mark.requirement(f"{TILES}tileset/description")
def test_a_tileset_links_to_the_definition_of_its_grid(
    client: httpx.Client, tileset: dict[str, Any]
) -> None:
    (link,) = _rels(tileset)[f"{REL}tiling-scheme"]

    assert client.get(link["href"]).json()["tileMatrices"]


@pytest.mark.requirement(f"{TILES}tileset/description")
def test_the_template_of_a_tileset_leads_to_tiles(
    client: httpx.Client, tileset: dict[str, Any]
) -> None:
    (link,) = _rels(tileset)["item"]
    address = link["href"].format(tileMatrix=12, tileRow=1490, tileCol=3473)

    assert link["templated"] is True
    assert link["type"] == MVT
    assert client.get(address).headers["Content-Type"] == MVT


@pytest.mark.requirement(f"{TILES}tileset/description")
def test_a_grid_that_the_tileset_does_not_have_is_404(client: httpx.Client) -> None:
    assert client.get("/collections/land_use/tiles/NoSuchGrid").status_code == 404


@pytest.mark.requirement(f"{TILES}tilesets-list/tileset-links")
def test_the_list_of_tilesets_has_each_with_data_crs_grid_and_links(client: httpx.Client) -> None:
    (tileset,) = client.get("/collections/land_use/tiles").json()["tilesets"]
    links = _rels(tileset)

    assert tileset["dataType"] == "vector"
    assert tileset["crs"]
    assert tileset["tileMatrixSetURI"]
    assert f"{REL}tiling-scheme" in links
    assert client.get(links["self"][0]["href"]).status_code == 200
    assert links["self"][0]["href"].endswith("/collections/land_use/tiles/WebMercatorQuad")


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
    operation = _operation(published, ".collection.vector.getTile")

    assert operation["responses"]["200"]["content"].keys() == {MVT}
    assert {"204", "400", "404"} <= operation["responses"].keys()


@pytest.mark.requirement(f"{TILES}oas30/operation-id")
@pytest.mark.parametrize(
    "suffix",
    [
        ".collection.vector.getTileSetsList",
        ".collection.vector.getTileSet",
        ".collection.vector.getTile",
        "getTileMatrixSetsList",
        "getTileMatrixSet",
    ],
)
def test_the_operations_of_tiles_are_known_by_their_ids(
    published: dict[str, Any], suffix: str
) -> None:
    assert _operation(published, suffix)["summary"]


@pytest.mark.requirement(f"{TMS}tilematrixset/tilematrixset")
def test_a_grid_has_square_levels_that_cover_the_world_and_halve_the_cell(
    grid: dict[str, Any],
) -> None:
    for level, matrix in enumerate(grid["tileMatrices"]):
        assert matrix["id"] == str(level)
        assert matrix["tileWidth"] == matrix["tileHeight"] == 256
        assert matrix["matrixWidth"] == matrix["matrixHeight"] == 2**level
        assert matrix["cellSize"] * 256 * 2**level == pytest.approx(2 * WORLD_M, rel=1e-9)
        assert matrix["pointOfOrigin"] == pytest.approx([-WORLD_M, WORLD_M], rel=1e-9)


@pytest.mark.requirement(f"{TMS}tilematrixset/tilematrix")
def test_the_scale_of_a_level_is_that_of_cells_of_0_28_millimetres(grid: dict[str, Any]) -> None:
    for matrix in grid["tileMatrices"]:
        assert matrix["scaleDenominator"] * 0.00028 == pytest.approx(matrix["cellSize"], rel=1e-6)


@pytest.mark.requirement(f"{TMS}json-tilematrixset/json")
def test_a_grid_is_written_as_the_standard_s_json(
    client: httpx.Client, grid: dict[str, Any]
) -> None:
    answer = client.get("/tileMatrixSets/WebMercatorQuad")

    assert answer.headers["Content-Type"] == "application/json"
    assert grid["id"] == "WebMercatorQuad"
    assert "3857" in str(grid["crs"])


@pytest.mark.requirement(f"{TMS}json-tilematrixset/json")
def test_every_listed_grid_can_be_had(client: httpx.Client) -> None:
    for listed in client.get("/tileMatrixSets").json()["tileMatrixSets"]:
        (link,) = _rels(listed)["self"]
        assert client.get(link["href"]).json()["id"] == listed["id"]
    assert client.get("/tileMatrixSets/NoSuchGrid").status_code == 404
