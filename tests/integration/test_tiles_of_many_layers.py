"""Tiles of all layers: however many there are, each is there or is named with its reason."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import httpx
import mapbox_vector_tile
import pytest
import shapely
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from config.loader import catalogue_folders, load
from config.settings import PACKAGE_ROOT, Settings
from config.vocabulary import EditionKey, EditionStatus, Issuer, LayerId, Text
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from providers.editions import Edition
from providers.grids import CGCS2000_QUAD
from server import styles, tile_courtesy, tileset_documents
from server.app import create_app
from server.tile_courtesy import TileCourtesy

MANY, LOADED = 120, 24  # layers beside the demo's, and those of them that hold something


LAYER = """\
kind: layer
id: plots_{number:03}
title: {{zh: 图斑, en: Plots}}
theme: present.land_use
specification: XZYDYH
storage: managed
identity: [BSM]
region: {{field: XZQDM}}
plan: none
classification: public
source: mock_city
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, ...]:
    """The demo's catalogue and very many layers beside."""
    (tmp_path / "many" / "layers").mkdir(parents=True)
    layers = "---\n".join(LAYER.format(number=number) for number in range(MANY))
    (tmp_path / "many" / "layers" / "many.yaml").write_text(layers, "utf-8")
    return (PACKAGE_ROOT / "demo", tmp_path / "many")


@pytest.fixture
def city(
    folders: tuple[Path, ...],
    database_url: str,
    tmp_path: Path,
    make_squares: Callable[..., FeatureTable],
    wait_until: Callable[..., None],
) -> Iterator[TestClient]:
    settings = Settings(
        home=tmp_path, store=tmp_path / "store", database_url=database_url, catalogue=folders
    )
    many = load(catalogue_folders(settings))
    for number in range(LOADED):
        layer = many.layers[LayerId(f"plots_{number:03}")]
        edition = Edition(
            layer=layer.id,
            key=EditionKey("2024"),
            title=Text(zh="2024", en="2024"),
            valid_from=date(2024, 1, 1),
            valid_to=None,
            status=EditionStatus.IN_FORCE,
            issuer=Issuer.ABOVE,
            document="test",
            plan=None,
            coverage=shapely.MultiPolygon([shapely.box(124, 42, 127, 45)]).wkb,
        )
        rows = make_squares(layer, ["1"]).of(layer)
        load_edition(database_url, layer, edition, rows, author="test", note="")
    with capture_logs(), TestClient(create_app(settings, many, database_url)) as client:
        client.headers["Accept"] = "*/*"
        wait_until(lambda: client.get(here()).status_code == 200)
        yield client


def here(zoom: int = 12) -> str:
    first, _, west, _ = CGCS2000_QUAD.limits((125.015, 43.005, 125.015, 43.005), zoom)
    return f"/tiles/CGCS2000Quad/{zoom}/{first}/{west}"


def test_a_tile_has_every_layer_that_lies_there_and_that_was_chosen_however_many_they_are(
    city: TestClient,
) -> None:
    tile = city.get(here()).raise_for_status()
    tileset = city.get("/tiles/CGCS2000Quad", headers={"Accept": "application/json"}).json()
    facts = tileset["x-onemap-layers"]

    assert {*mapbox_vector_tile.decode(tile.content)} == {f"plots_{n:03}" for n in range(LOADED)}
    assert [layer["id"] for layer in tileset["layers"]] == facts["layers"]
    assert {f"plots_{n:03}" for n in range(MANY)} <= {*facts["layers"]}
    assert len(tile.content) <= facts["maxKilobytes"] * 1000

    names = [f"plots_{n:03}" for n in reversed(range(MANY))]
    chosen = city.get(here(), params={"collections": ",".join(names)}).raise_for_status()
    assert [*mapbox_vector_tile.decode(chosen.content)] == names[-LOADED:], "in the order asked for"


def test_more_layers_than_a_style_can_be_asked_for_have_the_style_of_the_whole_map_or_none(
    city: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = LOADED - 1
    monkeypatch.setattr(styles, "MOST", most)
    monkeypatch.setattr(tileset_documents, "MOST", most)
    plots = [f"plots_{n:03}" for n in range(LOADED)]

    def drawn(**asked: str) -> list[str] | None:
        answer = city.get("/tiles/CGCS2000Quad", params={**asked, "f": "json"})
        tileset = answer.raise_for_status().json()
        found = [link["href"] for link in tileset["links"] if link["rel"].endswith("/styles")]
        if not found:
            return None
        (address,) = found
        return [*city.get(address).raise_for_status().json()["sources"]]

    assert drawn() == drawn(datetime="2024-12-31") == plots
    assert drawn(collections=",".join(plots[1:])) == plots[1:]
    assert drawn(collections=",".join(plots)) is None
    assert drawn(asOf="2099-12-31") is None


def test_a_cold_tile_of_all_layers_does_not_give_way_once_for_each(
    city: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(TileCourtesy, "_rest", lambda _, until: rests.append(until))
    monkeypatch.setattr(tile_courtesy, "RECENT_S", 3_600.0)
    city.get("/collections").raise_for_status()
    tile = city.get(here(11)).raise_for_status()

    assert len(mapbox_vector_tile.decode(tile.content)) == LOADED
    assert len(rests) == 1


@pytest.mark.parametrize("path", ["/tiles", "/tiles/WebMercatorQuad"])
def test_each_layer_that_the_caller_sees_is_in_the_tiles_or_named_with_the_reason(
    client: httpx.Client, path: str
) -> None:
    facts = client.get(path, params={"lang": "en"}).json()["x-onemap-layers"]
    listed = client.get("/collections", params={"limit": 1000}).json()["collections"]
    left = {each["id"]: each["reason"] for each in facts["leftOut"]}

    assert {*facts["layers"], *left} == {each["id"] for each in listed}
    assert not {*facts["layers"]} & left.keys()
    assert "items" in left["census_2020"]
    assert "collections=" in facts["rule"]


def test_who_chooses_layers_is_not_told_of_others(client: httpx.Client) -> None:
    facts = client.get("/tiles", params={"collections": "land_use.2023"}).json()["x-onemap-layers"]

    assert (facts["layers"], facts["leftOut"]) == (["land_use.2023"], [])


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", ["/tiles", "/tiles/CGCS2000Quad"])
def test_the_pages_name_the_layers_and_how_to_have_others(
    client: httpx.Client, path: str, lang: str
) -> None:
    facts = client.get(path, params={"lang": lang}).json()["x-onemap-layers"]
    page = client.get(path, params={"f": "html", "lang": lang}).text

    assert all(f"/collections/{name}" in page for name in facts["layers"])
    assert all(each["reason"] in page for each in facts["leftOut"])
    assert "collections=a,b" in page
