"""What stock pygeoapi serves beside items, and the configuration that makes it do so."""

import json
from datetime import datetime, timedelta
from math import pi
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import yaml
from pygeoapi.config import validate_config

from config.loader import catalogue_folders, load
from config.settings import PACKAGE_ROOT, Settings
from processes.registry import SPECS
from server.stock import stock_configuration, stock_configuration_text

OGC = "http://www.opengis.net/def/rel/ogc/1.0/"
SHARED = {"service-desc", "conformance", "data", f"{OGC}processes", f"{OGC}tiling-schemes"}
PIXEL_M = 0.28e-3  # OGC 17-083r4: the standardised rendering pixel
EQUATOR_M = 2 * pi * 6378137.0
TABLE = b"""
CREATE SCHEMA gis;
GRANT USAGE ON SCHEMA gis TO onemap_reader;
CREATE TABLE gis.pipe (id integer PRIMARY KEY, kind text, geom geometry(Polygon, 4547));
INSERT INTO gis.pipe
    SELECT i, 'PE', ST_Transform(ST_MakeEnvelope(114.0, 30.0, 114.0 + i * 0.01, 30.1, 4490), 4547)
    FROM generate_series(1, 7) i;
GRANT SELECT ON gis.pipe TO onemap_reader;
"""
HEAD = "kind: layer\ntitle: {zh: 管线, en: Pipes}\ntheme: present\nclassification: public\n"
LAYERS = "---\n".join(
    f"{HEAD}id: {name}\nstorage: {{external: gis.{name}}}\n" for name in ("pipe", "missing")
)


def unescaped(response: httpx.Response) -> Any:
    """A stock answer without the escapes that upstream adds to every JSON text."""
    response.raise_for_status()
    return json.loads(response.text.replace("&lt;", "<").replace("&gt;", ">"))


def answered(response: httpx.Response) -> Any:
    return response.raise_for_status().json()


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
        assert len(mine) > 5


def test_an_offset_there_is_the_next_page_here(ours: httpx.Client, stock: httpx.Client) -> None:
    path = "/collections/land_use/items"
    first = answered(ours.get(path, params={"limit": 7}))
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    mine = answered(httpx.get(following, timeout=60))["features"]
    theirs = unescaped(stock.get(path, params={"limit": 7, "offset": 7}))["features"]
    assert theirs == mine
    assert len(mine) == 7


def test_both_define_the_same_grid(ours: httpx.Client, stock: httpx.Client) -> None:
    mine = answered(ours.get("/tileMatrixSets/WebMercatorQuad"))
    theirs = unescaped(stock.get("/TileMatrixSets/WebMercatorQuad"))
    assert theirs["crs"] == mine["crs"]
    for one, other in zip(theirs["tileMatrices"], mine["tileMatrices"], strict=True):
        numbers = {name: one[name] for name in ("scaleDenominator", "cellSize", "pointOfOrigin")}
        assert all(other[name] == pytest.approx(number) for name, number in numbers.items())
        counts = ("id", "matrixWidth", "matrixHeight", "tileWidth", "tileHeight")
        assert [one[name] for name in counts] == [other[name] for name in counts]
    assert [int(matrix["id"]) for matrix in mine["tileMatrices"]] == list(range(25))
    for level, matrix in enumerate(mine["tileMatrices"]):
        assert matrix["matrixWidth"] == matrix["matrixHeight"] == 2**level
        assert matrix["cellSize"] == pytest.approx(matrix["scaleDenominator"] * PIXEL_M)
        assert matrix["cellSize"] * 256 * 2**level == pytest.approx(EQUATOR_M)
        assert matrix["pointOfOrigin"] == pytest.approx([-EQUATOR_M / 2, EQUATOR_M / 2])


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
    begin = extents["temporal"]["begin"]
    assert begin.utcoffset() == timedelta(hours=8), "a day in China"
    assert begin < datetime.now(begin.tzinfo)
    west, south, east, north = extents["spatial"]["bbox"]
    assert 120 < west < east < 130
    assert 40 < south < north < 50


def test_stock_offers_the_reference_systems_of_our_engine(
    ours: httpx.Client, stock: httpx.Client
) -> None:
    for layer in ("county", "land_use", "census_2020"):
        mine, theirs = (answered(one.get(f"/collections/{layer}"))["crs"] for one in (ours, stock))
        assert theirs == mine
    county = answered(stock.get("/collections/county"))["crs"]
    assert {uri.rsplit("/", 1)[1] for uri in county} >= {"CRS84", "4490", "4326", "3857", "4551"}


def test_stock_configuration_describes_tables_that_are_not_ours(
    tmp_path: Path, database_url: str
) -> None:
    """The table's own system and extent; a table that cannot be shown is left out."""
    with psycopg.connect(database_url) as connection:
        connection.execute(TABLE)
    (tmp_path / "layers.yaml").write_text(LAYERS, "utf-8")
    settings = Settings(
        home=tmp_path,
        store=tmp_path / "store",
        database_url=database_url,
        catalogue=(PACKAGE_ROOT / "demo", tmp_path),
    )
    configuration = yaml.safe_load(stock_configuration_text(settings, database_url))
    assert validate_config(configuration)
    assert "missing" not in configuration["resources"]
    pipes = configuration["resources"]["pipe"]
    assert pipes["providers"][0]["storage_crs"].endswith("/CRS84"), "where upstream is right"
    assert any(uri.endswith("/EPSG/0/4547") for uri in pipes["providers"][0]["crs"])
    west, south, east, north = pipes["extents"]["spatial"]["bbox"]
    assert 113.9 < west < east < 114.2
    assert 29.9 < south < north < 30.2
