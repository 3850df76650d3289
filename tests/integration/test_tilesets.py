"""Tilesets say what their tiles hold for whom, when and under which conditions; bad input is named."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

LAND_USE = "/collections/land_use/tiles"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
TILEJSON = "application/vnd.mapbox.tilejson+json"
GRIDS = ("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad")


def template(tileset: dict[str, Any]) -> str:
    (link,) = (each for each in tileset["links"] if each["rel"] == "item")
    address: str = link["href"]
    return address


def carried(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    "asked",
    [
        {"datetime": "2023-06-30"},
        {"datetime": "../2023-12-31", "asOf": "2099-12-31"},
        {"filter": "YDYHFLDM LIKE '01%' AND TBMJ > 1000", "filter-lang": "cql2-text"},
        {"YDYHFLDM": "0101"},
    ],
)
def test_time_and_conditions_are_carried_into_the_address_of_each_tile(
    client: httpx.Client, grid: str, asked: dict[str, str]
) -> None:
    tileset = client.get(f"{LAND_USE}/{grid}", params={**asked, "lang": "en"})
    tileset.raise_for_status()
    listed = client.get(LAND_USE, params=asked).raise_for_status().json()["tilesets"]

    assert carried(template(tileset.json())) == {**asked, "f": "mvt"}
    assert f"/{grid}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?" in template(tileset.json())
    for each in listed:
        (own,) = (link for link in each["links"] if link["rel"] == "self")
        assert carried(own["href"]) == asked
        assert client.get(own["href"]).status_code == 200


@pytest.mark.parametrize("path", [LAND_USE, "/tiles"])
def test_a_subset_of_time_is_carried_as_the_datetime_that_it_means(
    client: httpx.Client, path: str
) -> None:
    subset = {"subset": 'datetime("2023-01-01":"2023-12-31")'}
    tileset = client.get(f"{path}/CGCS2000Quad", params=subset).raise_for_status().json()
    beside = {**subset, "datetime": "2023-06-30"}

    assert carried(template(tileset)) == {"datetime": "2023-01-01/2023-12-31", "f": "mvt"}
    assert client.get(f"{path}/CGCS2000Quad", params=beside).status_code == 400
    assert client.get(path, params={"subset": "Lat(1:2)"}).status_code == 400


def test_conditions_and_past_states_are_drawn_from_the_rows_at_every_level(
    client: httpx.Client,
) -> None:
    for asked in ({"asOf": "2099-12-31"}, {"filter": "TBMJ > 1"}):
        facts = client.get(f"{LAND_USE}/CGCS2000Quad", params=asked).json()["x-onemap"]

        assert {each["features"] for each in facts["tileMatrices"]} == {"rows"}
        assert {each["omitted"] for each in facts["tileMatrices"]} == {None}
        assert facts["overviewRevision"] is None


def test_who_sees_part_of_the_rows_is_not_told_what_all_tiles_leave_out(
    client: httpx.Client, new_key: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    def levels(**headers: str) -> dict[str, set[int | None]]:
        facts = client.get(f"{LAND_USE}/CGCS2000Quad", headers=headers).json()["x-onemap"]
        found: dict[str, set[int | None]] = {}
        for each in facts["tileMatrices"]:
            found.setdefault(each["features"], set()).add(each["omitted"])
        return found

    wait_until(lambda: all(counts == {0} for counts in levels().values()))  # the worker has counted
    everything = levels()
    part = levels(Authorization=f"Bearer {new_key('surveyor', '220102')}")

    assert {"classes", "rows"} <= everything.keys()
    assert part == {drawn: {0 if drawn == "classes" else None} for drawn in everything}


def test_the_edition_that_is_in_force_is_told_and_where_none_is_nothing_is_placed(
    client: httpx.Client,
) -> None:
    path = f"{LAND_USE}/WebMercatorQuad"
    then = client.get(path, params={"datetime": "2023-12-31"}).json()
    never = client.get(path, params={"datetime": "1900-01-01"}).json()

    assert then["x-onemap"]["edition"]["key"] == "2023"
    assert (never["x-onemap"]["edition"], never["x-onemap"]["revision"]) == (None, None)
    assert {"boundingBox", "centerPoint", "tileMatrixSetLimits"} & never.keys() == set()
    assert {"boundingBox", "centerPoint", "tileMatrixSetLimits"} <= then.keys()


@pytest.mark.parametrize("path", [LAND_USE, "/collections/land_use.2023/tiles", "/tiles"])
def test_tilejson_is_given_for_web_mercator_only(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{path}/WebMercatorQuad", params={"f": "tilejson", "lang": "en"})
    document = answer.json()
    tag = answer.headers["ETag"]
    tileset = client.get(f"{path}/WebMercatorQuad", params={"lang": "en"}).json()

    assert answer.headers["Content-Type"] == TILEJSON
    assert document["tilejson"] == "3.0.0"
    assert "{z}/{y}/{x}" in document["tiles"][0]
    assert [each["id"] for each in document["vector_layers"]] == [
        each["id"] for each in tileset["layers"]
    ]
    assert document["bounds"] == [
        *tileset["boundingBox"]["lowerLeft"],
        *tileset["boundingBox"]["upperRight"],
    ]
    assert document["center"][:2] == tileset["centerPoint"]["coordinates"]
    again = client.get(
        f"{path}/WebMercatorQuad",
        params={"f": "tilejson", "lang": "en"},
        headers={"If-None-Match": tag},
    )
    assert again.status_code == 304
    for grid in GRIDS[1:]:
        assert client.get(f"{path}/{grid}", params={"f": "tilejson"}).status_code == 400
        assert client.get(f"{path}/{grid}", headers={"Accept": TILEJSON}).status_code == 406


def test_a_tileset_names_the_style_that_draws_it_in_its_grid(client: httpx.Client) -> None:
    for grid, wanted in zip(GRIDS, (None, *GRIDS[1:]), strict=True):
        tileset = client.get(f"{LAND_USE}/{grid}").json()
        (link,) = (each for each in tileset["links"] if each["rel"] == f"{REL}styles")

        assert carried(link["href"]).get("grid") == wanted
        answer = client.get(link["href"], headers={"Accept": link["type"]}).raise_for_status()
        assert f"/tiles/{grid}/" in str(answer.json()["sources"])


def styles_of(tileset: dict[str, Any]) -> list[str]:
    return [each["href"] for each in tileset["links"] if each["rel"] == f"{REL}styles"]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("path", "asked", "draws"),
    [
        ("/collections/land_use/tiles", {}, ["land_use"]),
        ("/collections/land_use.2023/tiles", {}, ["land_use.2023"]),
        ("/collections/land_use/tiles", {"datetime": "2023-12-31"}, ["land_use"]),
        ("/collections/land_use.2023/tiles", {"asOf": "2099-12-31"}, ["land_use.2023"]),
        ("/tiles", {"collections": "planned_land_use,land_use.2023"}, None),
        ("/tiles", {"collections": "county,land_use", "datetime": "2024-12-31"}, None),
        ("/tiles", {"collections": "land_use.2023"}, None),
    ],
)
def test_the_style_of_a_tileset_draws_its_layers_and_no_others_in_the_same_state(
    client: httpx.Client, grid: str, path: str, asked: dict[str, str], draws: list[str] | None
) -> None:
    tileset = client.get(f"{path}/{grid}", params=asked).raise_for_status().json()
    (address,) = styles_of(tileset)
    style = client.get(address).raise_for_status().json()
    state = {name: value for name, value in asked.items() if name != "collections"}
    drawn = [each["collection"] for each in style["metadata"]["onemap:layers"]]

    assert drawn == (draws or asked["collections"].split(","))
    for source in style["sources"].values():
        (tiles,) = source["tiles"]
        assert f"/tiles/{grid}/" in tiles
        assert carried(tiles) == {**state, "f": "mvt"}


@pytest.mark.parametrize("asked", [{}, {"datetime": "2023-12-31"}, {"asOf": "2099-12-31"}])
def test_the_style_of_all_layers_draws_those_of_them_that_have_a_symbol(
    client: httpx.Client, asked: dict[str, str]
) -> None:
    tileset = client.get("/tiles/CGCS2000Quad", params=asked).raise_for_status().json()
    (address,) = styles_of(tileset)
    style = client.get(address).raise_for_status().json()
    listed = client.get("/collections", params={"limit": 1000}).json()["collections"]
    symbols = {each["id"] for each in listed if each["x-onemap"]["style"] is not None}
    edition = {each["id"]: each["x-onemap"]["edition"] for each in tileset["layers"]}

    assert urlsplit(address).path == "/styles/one_map"
    assert {n for n in edition if n in symbols and edition[n]} <= {*style["sources"]} <= symbols
    assert [*style["sources"]] == [name for name in edition if name in style["sources"]]


@pytest.mark.parametrize("asked", [{"filter": "TBMJ > 1"}, {"YDYHFLDM": "0101"}])
def test_no_style_is_said_to_draw_a_choice_of_features(
    client: httpx.Client, asked: dict[str, str]
) -> None:
    tileset = client.get(f"{LAND_USE}/CGCS2000Quad", params=asked).raise_for_status().json()

    assert styles_of(tileset) == []


def test_where_nothing_is_in_force_no_style_is_named(client: httpx.Client) -> None:
    for path, asked in (
        (LAND_USE, {"datetime": "1900-01-01"}),
        ("/collections/land_use.2023/tiles", {"asOf": "1999-12-31"}),
    ):
        tileset = client.get(f"{path}/CGCS2000Quad", params=asked).raise_for_status().json()
        assert styles_of(tileset) == []


def test_the_layers_of_one_tile_are_counted_in_words_that_fit_every_number(
    client: httpx.Client,
) -> None:
    one = client.get("/tiles", params={"collections": "county", "lang": "en"}).json()
    every = client.get("/tiles", params={"lang": "en"}).json()
    facts = every["x-onemap-layers"]

    assert one["description"] == "Layers in one tile: 1"
    assert every["description"] == (
        f"Layers in one tile: {len(facts['layers'])}; left out: {len(facts['leftOut'])}"
    )


@pytest.mark.parametrize("step", ["", "/CGCS2000Quad"])
@pytest.mark.parametrize("origin", [LAND_USE, "/tiles"])
@pytest.mark.parametrize(
    ("asked", "status", "name"),
    [
        ({"f": "xml"}, 400, "f"),
        ({"lang": "fr"}, 400, "lang"),
        ({"bbox": "1,2,3,4"}, 400, "bbox"),
        ({"datetime": "yesterday"}, 400, "datetime"),
        ({"asOf": "yesterday"}, 400, "asOf"),
        ({"filter": "TBMJ >"}, 400, "filter"),
        ({"filter": "TBMJ >", "asOf": "2099-12-31"}, 400, "filter"),
        ({"filter": "NOBODY = 1"}, 400, "NOBODY"),
        ({"filter-lang": "cql2-text"}, 400, "filter-lang"),
    ],
)
def test_what_a_tileset_cannot_be_asked_for_is_named(
    client: httpx.Client, origin: str, step: str, asked: dict[str, str], status: int, name: str
) -> None:
    answer = client.get(f"{origin}{step}", params=asked)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert name in answer.json()["detail"]


@pytest.mark.parametrize("path", [LAND_USE, "/tiles", "/tileMatrixSets"])
def test_a_format_that_is_not_offered_is_not_acceptable(client: httpx.Client, path: str) -> None:
    for step in ("", "/CGCS2000Quad"):
        answer = client.get(f"{path}{step}", headers={"Accept": "application/xml"})
        assert answer.status_code == 406
        assert client.get(f"{path}{step}", params={"f": "xml"}).status_code == 400
        assert client.get(f"{path}{step}", params={"grid": "x"}).status_code == 400


@pytest.mark.parametrize(
    "path", [f"{LAND_USE}/NoSuchGrid", "/tiles/NoSuchGrid", "/tileMatrixSets/NoSuchGrid"]
)
def test_a_grid_that_is_not_served_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "NoSuchGrid" in answer.json()["detail"]


def test_a_collection_of_the_dataset_that_the_collection_lacks_is_not_found(
    client: httpx.Client,
) -> None:
    assert client.get("/collections/nowhere/tiles").status_code == 404
    assert client.get("/collections/census_2020/tiles").status_code == 404
    assert client.get("/collections/census_2020/tiles/CGCS2000Quad").status_code == 404


def test_limits_and_box_are_those_of_what_the_caller_may_see(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    path = "/collections/county/tiles/CGCS2000Quad"
    key = {"Authorization": f"Bearer {new_key('surveyor', '220102')}"}

    whole, part = client.get(path).json(), client.get(path, headers=key).json()

    def span(tileset: dict[str, Any]) -> float:
        (west, south), (east, north) = (
            tileset["boundingBox"][corner] for corner in ("lowerLeft", "upperRight")
        )
        return float((east - west) * (north - south))

    last = [tileset["tileMatrixSetLimits"][-1] for tileset in (whole, part)]
    assert span(part) < span(whole)
    assert last[0]["minTileCol"] <= last[1]["minTileCol"]
    assert last[1]["maxTileCol"] <= last[0]["maxTileCol"]
    assert last[0] != last[1]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ("瓦片中的要素", "自该级起", "瓦片矩阵集")),
        ("en", ("Features in tiles", "From level")),
    ],
)
def test_the_page_of_a_tileset_shows_where_it_lies_and_what_each_level_holds(
    client: httpx.Client, lang: str, words: tuple[str, ...]
) -> None:
    page = client.get(f"{LAND_USE}/CGCS2000Quad", params={"f": "html", "lang": lang}).text

    assert all(word in page for word in words)
    assert "<svg" in page
    assert re.search(r'class="stamp"', page), "invented data say so"
    assert "{tileMatrix}/{tileRow}/{tileCol}" in page


@pytest.mark.parametrize("grid", GRIDS)
def test_the_page_of_a_grid_shows_every_level(client: httpx.Client, grid: str) -> None:
    document = client.get(f"/tileMatrixSets/{grid}").json()
    page = client.get(f"/tileMatrixSets/{grid}", params={"f": "html"}).text

    for matrix in document["tileMatrices"]:
        assert str(matrix["matrixWidth"]) in page
    assert document["uri"] in page
