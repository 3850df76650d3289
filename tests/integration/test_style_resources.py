"""Styles, legends and sprites over HTTP, as a caller sees them."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

MAPBOX = "application/vnd.mapbox.style+json"


def style_of(client: httpx.Client, name: str, **asked: str) -> dict[str, Any]:
    response = client.get(f"/styles/{name}", params={"f": "mapbox", **asked})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == MAPBOX
    found: dict[str, Any] = response.json()
    return found


def drawn(client: httpx.Client) -> list[str]:
    found = client.get("/collections").json()["collections"]
    return [c["id"] for c in found if c["x-onemap"]["style"] is not None]


def test_the_list_names_the_whole_map_first_and_each_style_that_draws_a_layer(
    client: httpx.Client,
) -> None:
    found = client.get("/styles").json()

    assert found["default"] == found["styles"][0]["id"] == "one_map"
    assert [layer["id"] for layer in found["styles"][0]["layers"]] == drawn(client)
    layers = [layer["id"] for each in found["styles"][1:] for layer in each["layers"]]
    assert sorted(layers) == sorted(drawn(client))
    for each in found["styles"]:
        for link in each["links"]:
            answer = client.get(link["href"])
            assert answer.status_code == 200, link
            assert answer.headers["content-type"] == link["type"]


def test_the_whole_map_has_a_source_for_each_visible_layer_and_shows_the_first_branch(
    client: httpx.Client,
) -> None:
    style = style_of(client, "one_map")

    assert list(style["sources"]) == drawn(client)
    visible = style["metadata"]["onemap:visible"]
    assert visible == [
        each["id"] for each in style["metadata"]["onemap:layers"] if each["theme"][:7] == "present"
    ]
    west, south, east, north = style["sources"]["county"]["bounds"]
    assert 73 < west < east < 136
    assert 17 < south < north < 54


def test_a_style_draws_the_edition_that_it_is_asked_for(client: httpx.Client) -> None:
    style = style_of(client, "land_use", collections="land_use.2023")

    (source,) = style["sources"].values()
    assert "/collections/land_use.2023/tiles/" in source["tiles"][0]
    assert style["metadata"]["onemap:layers"][0]["collection"] == "land_use.2023"


def test_collections_lie_over_each_other_as_they_are_asked_for(client: httpx.Client) -> None:
    for order in (["land_use", "planned_land_use"], ["planned_land_use", "land_use"]):
        style = style_of(client, "one_map", collections=",".join(order))
        fills = [part["source"] for part in style["layers"] if part["type"] == "fill"]
        assert list(dict.fromkeys(fills)) == order[::-1]
        assert style["metadata"]["onemap:visible"] == order


@pytest.mark.parametrize("grid", ["WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad"])
def test_the_tiles_of_a_style_lie_in_the_grid_that_it_is_asked_for(
    client: httpx.Client, grid: str
) -> None:
    style = style_of(client, "administrative_boundary", grid=grid)
    address = style["sources"]["county"]["tiles"][0]

    assert f"/tiles/{grid}/" in address
    shift = style["metadata"]["onemap:grid"]["zoomShift"]
    level = 6 - shift
    tms = client.get(f"/tileMatrixSets/{grid}").json()
    matrix = next(m for m in tms["tileMatrices"] if m["id"] == str(level))
    assert matrix["matrixWidth"] == 2**6  # a zoom counts alike in all grids
    column = int((125.3 + 180) / 360 * 64)
    rows = [
        client.get(address.format(z=level, y=row, x=column)).status_code
        for row in range(matrix["matrixHeight"])
    ]
    assert set(rows) <= {200, 204}
    assert 200 in rows


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/styles/nope", 404),
        ("/styles/nope/legend", 404),
        ("/styles/land_use?collections=county", 404),
        ("/styles/land_use?collections=land_use.nope", 404),
        ("/styles/one_map?collections=land_use,land_use.2023", 400),
        ("/styles/one_map?collections=", 400),
        ("/styles/one_map/legend?collections=", 400),
        ("/styles/land_use?grid=nope", 400),
        ("/styles/land_use?datetime=nope", 400),
        ("/styles/land_use?asOf=nope", 400),
        ("/styles/land_use?f=html&grid=nope", 400),
        ("/styles/land_use?f=html&datetime=bad", 400),
        ("/styles/land_use?f=html&asOf=bad", 400),
        ("/styles/land_use?f=html&collections=land_use.1999", 404),
        ("/styles/land_use/legend?collections=land_use.1999", 404),
        ("/styles/land_use/legend?f=svg&collections=land_use.1999", 404),
        ("/styles/land_use?f=sld", 400),
        ("/styles/land_use?nope=1", 400),
        ("/styles/land_use/legend?f=png", 400),
        ("/styles/sprite.png?f=json", 400),
    ],
)
def test_what_is_not_there_or_not_understood_is_refused(
    client: httpx.Client, address: str, status: int
) -> None:
    refused = client.get(address)

    assert refused.status_code == status, refused.text
    page = "f=html" in address
    told = "text/html; charset=utf-8" if page else "application/problem+json"
    assert refused.headers["content-type"] == told


def test_the_link_of_a_collection_leads_to_a_style_of_that_collection_alone(
    client: httpx.Client,
) -> None:
    for name in ("land_use", "land_use.2023", "county"):
        links = client.get(f"/collections/{name}").json()["links"]
        (address,) = (each["href"] for each in links if each["rel"].endswith("/styles"))
        style = client.get(address).raise_for_status().json()

        assert [each["collection"] for each in style["metadata"]["onemap:layers"]] == [name]


@pytest.mark.parametrize(("lang", "edition"), [("zh", "2023"), ("en", "2023")])
def test_the_legend_of_an_edition_names_it_and_leads_to_its_style(
    client: httpx.Client, lang: str, edition: str
) -> None:
    name = f"land_use.{edition}"
    asked = {"collections": name, "lang": lang}
    legend = client.get("/styles/land_use/legend", params=asked).json()
    title = client.get(f"/collections/{name}", params={"lang": lang}).json()["title"]

    assert [each["layers"] for each in legend["styles"]] == [[{"id": name, "title": title}]]
    for each in legend["links"]:
        answer = client.get(each["href"])
        assert answer.status_code == 200, each
        assert name in each["href"]
        assert each["title"] in {
            "MapLibre",
            "WebMercatorQuad",
            "WorldCRS84Quad",
            "CGCS2000Quad",
        } | {{"zh": "图例", "en": "Legend"}[lang]}
    page = client.get("/styles/land_use", params={**asked, "f": "html", "datetime": "2023-12-31"})
    assert page.status_code == 200
    assert title in page.text


def test_the_list_of_styles_names_its_page(client: httpx.Client) -> None:
    (page,) = (e for e in client.get("/styles").json()["links"] if e["rel"] == "alternate")

    assert client.get(page["href"]).headers["content-type"].startswith(page["type"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_legend_is_data_and_a_picture_of_the_same_entries(
    client: httpx.Client, lang: str
) -> None:
    for name in ("one_map", "land_use"):
        address = f"/styles/{name}/legend"
        data = client.get(address, params={"lang": lang}).json()
        picture = client.get(address, params={"lang": lang, "f": "svg"})
        assert picture.headers["content-type"] == "image/svg+xml"
        texts = {e.text for e in ElementTree.fromstring(picture.text).iter() if "text" in e.tag}
        assert {e["title"] for s in data["styles"] for e in s["entries"]} < texts
        assert picture.headers["content-language"] == lang
    (style,) = data["styles"]
    assert style["version"] == "2023"
    assert sum(len(entry["classes"]) for entry in style["entries"]) == 175
    assert {"#f5f8dc", "#ff0000"} <= {entry["fill"] for entry in style["entries"]}


def test_a_sprite_is_cached_by_its_bytes_and_dense_screens_get_twice_the_pixels(
    client: httpx.Client,
) -> None:
    for suffix, kind in ((".json", "application/json"), (".png", "image/png")):
        for density in ("", "@2x"):
            address = f"/styles/sprite{density}{suffix}"
            found = client.get(address, headers={"Accept": "*/*"})
            assert found.headers["content-type"] == kind
            tag = {"If-None-Match": found.headers["etag"], "Accept": "*/*"}
            assert client.get(address, headers=tag).status_code == 304
    plain, dense = (client.get(f"/styles/sprite{d}.json").json() for d in ("", "@2x"))
    assert plain.keys() == dense.keys()
    for name, place in plain.items():
        assert dense[name] == {each: 2 * number for each, number in place.items()}


def test_a_layer_that_a_caller_may_not_see_is_in_no_style_of_theirs(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    key = {"Authorization": f"Bearer {new_key('administrator')}"}
    open_to_all = set(style_of(client, "one_map")["sources"])
    with_key = client.get("/styles/one_map", params={"f": "mapbox"}, headers=key).json()

    seen = client.get("/collections", headers=key).json()["collections"]
    assert set(with_key["sources"]) == {c["id"] for c in seen if c["x-onemap"]["style"] is not None}
    assert open_to_all <= set(with_key["sources"])


@pytest.mark.parametrize("asked", ["", ",", "land_use,", ",land_use", "land_use,land_use.2023"])
@pytest.mark.parametrize("face", ["one_map", "one_map/legend", "land_use", "land_use/legend"])
def test_styles_read_the_collections_that_are_asked_for_as_tiles_do(
    client: httpx.Client, face: str, asked: str
) -> None:
    chosen = {"collections": asked}
    of_tiles = client.get("/tiles", params=chosen)
    of_style = client.get(f"/styles/{face}", params=chosen)

    assert of_style.status_code == of_tiles.status_code == 400
    assert of_style.json()["detail"] == of_tiles.json()["detail"]
    assert "collections" in of_style.json()["detail"]
