"""The contract between the engines: asked the same question, ours and stock pygeoapi say the same.

Stock pygeoapi differs by design in form, and these differences are taken out before comparing: it
writes `<` and `>` in JSON as `&lt;` and `&gt;`, and its path is `/TileMatrixSets`.
"""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from math import asinh, pi, radians, tan
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import mapbox_vector_tile
import pytest
import yaml
from pygeoapi.config import validate_config
from pygeoapi.provider.base import (
    ProviderConnectionError,
    ProviderInvalidQueryError,
    ProviderItemNotFoundError,
)

from config.loader import catalogue_folders, load
from config.settings import Settings, child_environ
from config.vocabulary import Classification
from processes.registry import SPECS
from providers.access import ALL, Scope
from providers.pygeoapi import source
from providers.pygeoapi.caller import NoCaller, acting_as
from providers.pygeoapi.feature import MAX_OFFSET, LayerProvider
from server.stock import stock_configuration, stock_configuration_text

ROOT = Path(__file__).resolve().parents[2]
OGC = "http://www.opengis.net/def/rel/ogc/1.0/"
SHARED = {"service-desc", "conformance", "data", f"{OGC}processes", f"{OGC}tiling-schemes"}
type Face = Callable[..., LayerProvider]

LAYERS = ("land_use", "permanent_farmland", "county")
PIXEL_M = 0.28e-3  # OGC 17-083r4: the standardised rendering pixel
EQUATOR_M = 2 * pi * 6378137.0
STARTS_WITHIN_S = 120  # two interpreters, one after the other, on a busy machine


def unescaped(response: httpx.Response) -> Any:
    """A stock answer without the escapes that upstream adds to every JSON text."""
    response.raise_for_status()
    return json.loads(response.text.replace("&lt;", "<").replace("&gt;", ">"))


def answered(response: httpx.Response) -> Any:
    return response.raise_for_status().json()


@pytest.fixture(scope="module")
def ours(live_server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live_server, timeout=60, params={"f": "json"}) as client:
        yield client


@pytest.fixture(scope="module")
def stock(
    live_server: str, live_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """`onemap serve --engine pygeoapi` over the live server's database and workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("stock")
    base = f"http://127.0.0.1:{port}"
    environ = live_settings | {
        "ONEMAP_HOME": str(home),
        "ONEMAP_PORT": str(port),
        "ONEMAP_PUBLIC_URL": base,
    }
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--engine", "pygeoapi"],
            cwd=ROOT,
            env=child_environ(**environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        with httpx.Client(
            transport=httpx.HTTPTransport(retries=7),  # until it listens: 0.5, 1, 2 … seconds apart
            base_url=base,
            timeout=STARTS_WITHIN_S,
            params={"f": "json"},
        ) as client:
            try:
                client.get("/").raise_for_status()
            except httpx.HTTPError:
                pytest.fail(f"the stock engine did not start:\n{log.read_text('utf-8')}")
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(40)
    assert status == 0, log.read_text("utf-8")
    assert [path.name for path in home.iterdir()] == ["log"], "its configuration is gone with it"


@pytest.fixture(scope="module")
def middle(ours: httpx.Client) -> Callable[[str], tuple[float, float, float, float]]:
    """The middle ninth of a layer's extent: west, south, east, north."""

    def of(layer: str) -> tuple[float, float, float, float]:
        box = answered(ours.get(f"/collections/{layer}"))["extent"]["spatial"]["bbox"][0]
        west, south, east, north = box
        third, half = (east - west) / 3, (north - south) / 3
        return (west + third, south + half, east - third, north - half)

    return of


def test_landing_pages_lead_to_the_same_places(ours: httpx.Client, stock: httpx.Client) -> None:
    def targets(landing: Any) -> dict[str, str]:
        links = {link["rel"]: urlsplit(link["href"]).path for link in landing["links"]}
        return {rel: path.lower() for rel, path in links.items() if rel in SHARED}

    here, there = targets(answered(ours.get("/"))), targets(unescaped(stock.get("/")))
    assert here == there
    assert here.keys() == SHARED


def test_both_list_the_same_collections(ours: httpx.Client, stock: httpx.Client) -> None:
    def titles(document: Any) -> dict[str, str]:
        return {one["id"]: one["title"] for one in document["collections"]}

    for lang in ("zh", "en"):
        mine = titles(answered(ours.get("/collections", params={"lang": lang})))
        theirs = titles(unescaped(stock.get("/collections", params={"lang": lang})))
        assert theirs == mine
        assert len(mine) >= len(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_both_find_the_same_features_in_a_window(
    layer: str,
    ours: httpx.Client,
    stock: httpx.Client,
    middle: Callable[[str], tuple[float, float, float, float]],
) -> None:
    asked = {"bbox": ",".join(map(str, middle(layer))), "limit": 25}
    mine = answered(ours.get(f"/collections/{layer}/items", params=asked))["features"]
    theirs = unescaped(stock.get(f"/collections/{layer}/items", params=asked))["features"]
    assert [one["id"] for one in theirs] == [one["id"] for one in mine]
    assert theirs == mine
    assert mine


def test_both_find_the_same_rows_without_a_place(ours: httpx.Client, stock: httpx.Client) -> None:
    mine = answered(ours.get("/collections/census_2020/items"))["features"]
    theirs = unescaped(stock.get("/collections/census_2020/items"))["features"]
    assert theirs == mine
    assert mine


def test_both_select_by_the_value_of_an_attribute(ours: httpx.Client, stock: httpx.Client) -> None:
    path = "/collections/land_use/items"
    code = answered(ours.get(path))["features"][0]["properties"]["YDYHFLDM"]
    asked = {"YDYHFLDM": code, "limit": 50}
    mine = answered(ours.get(path, params=asked))["features"]
    theirs = unescaped(stock.get(path, params=asked))["features"]
    assert theirs == mine
    assert {one["properties"]["YDYHFLDM"] for one in mine} == {code}


def test_an_offset_there_is_the_next_page_here(ours: httpx.Client, stock: httpx.Client) -> None:
    path = "/collections/land_use/items"
    first = answered(ours.get(path, params={"limit": 7}))
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    mine = answered(httpx.get(following, timeout=60))["features"]
    theirs = unescaped(stock.get(path, params={"limit": 7, "offset": 7}))["features"]
    assert theirs == mine
    assert len(mine) == 7


def test_both_tell_one_feature_alike(ours: httpx.Client, stock: httpx.Client) -> None:
    listed = answered(ours.get("/collections/land_use/items", params={"limit": 1}))["features"][0]
    path = f"/collections/land_use/items/{listed['id']}"
    mine, theirs = answered(ours.get(path)), unescaped(stock.get(path))
    for document in (mine, theirs):
        assert {k: v for k, v in document.items() if k != "links"} == listed


def test_both_refuse_what_is_not_there(ours: httpx.Client, stock: httpx.Client) -> None:
    for path in ("/collections/nowhere", "/collections/land_use/items/nobody"):
        assert (ours.get(path).status_code, stock.get(path).status_code) == (404, 404)
    for wrong in ({"bbox": "1,2,3"}, {"limit": "0"}, {"TBMJ": "wide"}, {"sortby": "BSM"}):
        path = "/collections/land_use/items"
        answers = (ours.get(path, params=wrong), stock.get(path, params=wrong))
        assert [answer.status_code for answer in answers] == [400, 400], wrong


def test_both_draw_the_same_tile(
    ours: httpx.Client,
    stock: httpx.Client,
    middle: Callable[[str], tuple[float, float, float, float]],
) -> None:
    west, south, east, north = middle("land_use")
    level, row, column = tile_at((west + east) / 2, (south + north) / 2, 12)
    path = f"/collections/land_use/tiles/WebMercatorQuad/{level}/{row}/{column}"
    mine, theirs = (client.get(path, params={"f": "mvt"}) for client in (ours, stock))
    assert (mine.status_code, theirs.status_code) == (200, 200)
    drawn = mapbox_vector_tile.decode(mine.content)
    assert mapbox_vector_tile.decode(theirs.content) == drawn
    assert list(drawn) == ["land_use"]
    assert drawn["land_use"]["features"]
    beyond = f"/collections/land_use/tiles/WebMercatorQuad/{level}/{2**level}/0"
    assert [c.get(beyond, params={"f": "mvt"}).status_code for c in (ours, stock)] == [404, 404]


def tile_at(longitude: float, latitude: float, level: int) -> tuple[int, int, int]:
    """The WebMercatorQuad tile that holds a place: level, row, column."""
    size = 2**level
    column = int((longitude + 180) / 360 * size)
    row = int((1 - asinh(tan(radians(latitude))) / pi) / 2 * size)
    return level, row, column


def test_both_define_the_same_grid(ours: httpx.Client, stock: httpx.Client) -> None:
    mine = answered(ours.get("/tileMatrixSets/WebMercatorQuad"))
    theirs = unescaped(stock.get("/TileMatrixSets/WebMercatorQuad"))
    assert {k: v for k, v in theirs.items() if k != "title"} == {
        k: v for k, v in mine.items() if k != "title"
    }
    assert [int(matrix["id"]) for matrix in mine["tileMatrices"]] == list(range(25))
    for level, matrix in enumerate(mine["tileMatrices"]):
        assert matrix["matrixWidth"] == matrix["matrixHeight"] == 2**level
        assert matrix["cellSize"] == pytest.approx(matrix["scaleDenominator"] * PIXEL_M)
        assert matrix["cellSize"] * 256 * 2**level == pytest.approx(EQUATOR_M)
        assert matrix["pointOfOrigin"] == pytest.approx([-EQUATOR_M / 2, EQUATOR_M / 2])


def test_what_pygeoapi_answers_here_is_in_our_form(ours: httpx.Client, live_server: str) -> None:
    listed = answered(ours.get("/tileMatrixSets", params={"lang": "en"}))
    assert [grid["id"] for grid in listed["tileMatrixSets"]] == ["WebMercatorQuad"]
    for link in (*listed["links"], *listed["tileMatrixSets"][0]["links"]):
        assert httpx.get(link["href"], timeout=60).headers["content-type"].startswith(link["type"])
        assert link["href"].startswith(f"{live_server}/tileMatrixSets")
    for path, status in (
        ("/tileMatrixSets/WorldCRS84Quad", 404),
        ("/tileMatrixSets?colour=red", 400),
        ("/tileMatrixSets?lang=fr", 400),
    ):
        refused = httpx.get(live_server + path, timeout=60)
        assert refused.status_code == status
        assert refused.headers["content-type"].startswith("application/problem+json")
    for language in ("zh-Hans", "zh-CN", "*", "ja", "en;q=x"):  # stock: 500 to some of these
        headers = {"Accept-Language": language, "Accept": "application/json;q=0.5"}
        assert ours.get("/tileMatrixSets", headers=headers).status_code == 200


@pytest.mark.parametrize("process", ["echo", "compliance-check"])
def test_both_compute_the_same(process: str, ours: httpx.Client, stock: httpx.Client) -> None:
    spec = SPECS[process.replace("-", "_")]
    body = {**spec.example, "response": "document"}
    path = f"/processes/{process}/execution"
    mine, theirs = answered(ours.post(path, json=body)), unescaped(stock.post(path, json=body))
    assert theirs == mine
    assert mine.keys() == spec.outputs.keys()


def test_stock_configuration_satisfies_upstreams_schema(live_settings: dict[str, str]) -> None:
    settings = Settings.from_environ(live_settings)
    catalogue = load(catalogue_folders(settings))
    configuration = stock_configuration(settings, catalogue, [])
    assert validate_config(configuration)
    kinds = {name: entry["type"] for name, entry in configuration["resources"].items()}
    assert {name for name, kind in kinds.items() if kind == "process"} == {
        entry.id for entry in catalogue.processes.values() if entry.public
    }
    assert {name for name, kind in kinds.items() if kind == "collection"} <= catalogue.layers.keys()


def test_stock_configuration_holds_no_address_of_a_database(
    live_settings: dict[str, str],
) -> None:
    settings = Settings.from_environ(live_settings)
    url = live_settings["ONEMAP_DATABASE_URL"]
    text = stock_configuration_text(settings, url)
    assert "postgresql" not in text
    assert urlsplit(url).query not in text
    blocks = [
        block
        for resource in yaml.safe_load(text)["resources"].values()
        for block in (*resource.get("providers", ()), *filter(None, [resource.get("processor")]))
    ]
    assert {block["principal"] for block in blocks} == {"anonymous"}
    assert {block["data"] for block in blocks if "data" in block} == {"ONEMAP_DATABASE_URL"}


def test_stock_times_are_those_of_the_editions(live_settings: dict[str, str]) -> None:
    text = stock_configuration_text(
        Settings.from_environ(live_settings), live_settings["ONEMAP_DATABASE_URL"]
    )
    extents = yaml.safe_load(text)["resources"]["land_use"]["extents"]
    assert extents["temporal"]["begin"].tzinfo == UTC
    assert extents["temporal"]["begin"] < datetime.now(UTC)
    west, south, east, north = extents["spatial"]["bbox"]
    assert 120 < west < east < 130
    assert 40 < south < north < 50


@pytest.fixture
def face(live_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Face]:
    """Makes a layer's feature provider in this very process."""
    for name, value in live_settings.items():
        monkeypatch.setenv(name, value)
    source.catalogue.cache_clear()
    source.pool.cache_clear()

    def made(layer: str, **block: str) -> LayerProvider:
        fixed = {"type": "feature", "name": "face", "data": source.DATABASE_VARIABLE}
        return LayerProvider({**fixed, "layer": layer, **block})

    yield made
    source.pool().close()
    source.catalogue.cache_clear()
    source.pool.cache_clear()


def holding(*regions: str) -> Scope:
    return Scope(
        layers=ALL, regions=regions, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
    )


def test_a_face_that_nobody_asks_answers_nothing(face: Face) -> None:
    for block in ({}, {"principal": "administrator"}):
        provider = face("land_use", **block)
        with pytest.raises(NoCaller):
            provider.query()
        with pytest.raises(NoCaller):
            provider.get("1")


def test_a_face_shows_its_caller_no_more_than_the_scope(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    everything = provider.query(limit=10_000)["features"]
    found = {one["properties"]["om_region"] for one in everything}
    region = min(found)
    assert len(found) > 1
    hidden = next(one for one in everything if one["properties"]["om_region"] != region)
    with acting_as(holding(region)):
        seen = provider.query(limit=10_000)["features"]
        with pytest.raises(ProviderItemNotFoundError):
            provider.get(hidden["id"])
    assert seen == [one for one in everything if one["properties"]["om_region"] == region]
    assert provider.get(hidden["id"]) == hidden, "the caller is forgotten with the question"


def test_a_face_tells_no_one_of_a_layer_outside_the_scope(face: Face) -> None:
    narrow = replace(holding("220100"), layers=frozenset({"county"}))
    provider = face("land_use", principal="anonymous")
    with acting_as(narrow), pytest.raises(ProviderItemNotFoundError):
        provider.query()


def test_a_face_takes_offsets_up_to_a_bound(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    ids = [one["id"] for one in provider.query(limit=50)["features"]]
    assert [one["id"] for one in provider.query(offset=30, limit=20)["features"]] == ids[30:]
    assert provider.query(offset=MAX_OFFSET)["features"] == []
    with pytest.raises(ProviderInvalidQueryError):
        provider.query(offset=MAX_OFFSET + 1)


def test_a_face_answers_from_exactly_one_edition(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    for date in (None, "2024-06-01", "2023-06-01/2024-06-01"):
        ids = [one["id"] for one in provider.query(limit=10_000, datetime_=date)["features"]]
        assert len(ids) == len(set(ids))
    assert provider.query(datetime_="1949-10-01")["features"] == []
    with pytest.raises(ProviderInvalidQueryError):
        provider.query(datetime_="yesterday")


def test_a_face_gives_only_the_properties_asked_for(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    given = provider.query(limit=3, select_properties=["BSM"], skip_geometry=True)["features"]
    assert [list(one["properties"]) for one in given] == [["BSM"]] * 3
    assert {one["geometry"] for one in given} == {None}


def test_a_block_must_name_a_layer_and_the_variable_of_the_address(face: Face) -> None:
    for wrong in ({"layer": "nowhere"}, {"data": "postgresql://someone:secret@somewhere/db"}):
        with pytest.raises(ProviderConnectionError) as raised:
            face(**{"layer": "land_use", **wrong})
        assert "secret" not in raised.value.message
