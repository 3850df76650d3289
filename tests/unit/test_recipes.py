"""Commands to copy: they name the service that the page belongs to, and nothing in them gets out."""

import ast
import shlex
from typing import Any
from urllib.parse import urlsplit

import pytest

from server.web.conditions import conditions, file_links, kept, without
from server.web.recipes import Service, recipes, service_of

BASE = "https://map.example/onemap"
DOCUMENT = {"links": [{"rel": "self", "href": f"{BASE}/collections/land_use/items?limit=5"}]}
NASTY = "a'; rm -rf ~ #\"$(x)`y`\n\\"


def texts(feature: str | None = None, path: str = "/x", document: Any = DOCUMENT) -> dict[str, str]:
    return {one.tool: one.text for one in recipes(document, "land_use", feature, path)}


def test_the_service_is_what_the_links_of_the_document_name() -> None:
    assert service_of(DOCUMENT, "land_use") == Service(BASE, "land_use")


@pytest.mark.parametrize(
    "href",
    ["/collections/land_use", "javascript:alert(1)//collections/land_use", f"{BASE}/x", 5, None],
)
def test_without_an_absolute_link_there_is_nothing_to_copy(href: object) -> None:
    assert texts(document={"links": [{"rel": "self", "href": href}]}) == {}


def test_each_program_gets_what_it_asks_for() -> None:
    found = texts()

    assert found["QGIS"] == found["ArcGIS Pro"] == f"{BASE}/"
    assert f"ogrinfo -ro -so OAPIF:{BASE} land_use" in found["GDAL"]
    assert f"Features('{BASE}')" in found["Python · OWSLib"]
    assert f"{BASE}/collections/land_use/items?f=json&limit=1000" in found["Python · httpx"]


def test_commands_keep_the_filter_of_the_page_and_not_its_place() -> None:
    path = "/collections/land_use/items?bbox=1,2,3,4&cursor=abc&lang=zh&f=html&limit=5&q=a%26b"

    found = texts(path=path)

    assert shlex.split(found["curl"])[-1] == (
        f"{BASE}/collections/land_use/items?bbox=1%2C2%2C3%2C4&q=a%26b&f=json&limit=100"
    )
    assert found["GDAL"].endswith("land_use -spat 1 2 3 4")


def test_gdal_is_told_degrees_with_the_longitude_first() -> None:
    items = "/collections/land_use/items"
    zone = f"{items}?bbox=4860000,440000,4861000,441000&bbox-crs=EPSG:4551&crs=EPSG:4551"

    feature = texts("7", f"{items}/7?crs=EPSG:4551&datetime=2024-01-01")["GDAL"]

    assert shlex.split(feature) == ["ogrinfo", "-al", f"{BASE}{items}/7?datetime=2024-01-01"]
    assert "-spat" not in texts(path=zone)["GDAL"]


def test_an_id_cannot_leave_the_quotes_of_a_command() -> None:
    found = texts(NASTY)

    for tool in ("GDAL", "curl"):
        *_, address = shlex.split(found[tool])
        assert address.startswith(f"{BASE}/collections/land_use/items/a%27%3B%20rm")
        assert len(found[tool].splitlines()) == 1
    for tool in ("Python · OWSLib", "Python · httpx"):
        ast.parse(found[tool])
    assert repr(NASTY) in found["Python · OWSLib"]


def test_a_condition_is_taken_away_and_the_list_begins_anew() -> None:
    path = "/collections/a/items?bbox=1,2,3,4&limit=5&cursor=x&lang=en"

    assert [(c.name, c.value) for c in conditions(path)] == [("bbox", "1,2,3,4"), ("limit", "5")]
    assert conditions(path)[0].without == "/collections/a/items?limit=5&lang=en"
    assert without(path) == "/collections/a/items?bbox=1%2C2%2C3%2C4&limit=5&lang=en"
    assert kept(path, "limit") == [("bbox", "1,2,3,4"), ("lang", "en")]


@pytest.mark.parametrize("path", ["//evil.example/x?q=1", "/\\evil.example?q=1"])
def test_no_path_makes_an_address_of_another_host(path: str) -> None:
    address = urlsplit(without(path))
    assert (address.scheme, address.netloc, address.path[:2] in ("//", "/\\")) == ("", "", False)


def test_a_file_holds_the_whole_selection_and_a_document_the_page() -> None:
    path = "/collections/a/items?BZ=%E7%94%B2&limit=5&cursor=x&lang=zh"

    links = dict(file_links(path, ["json", "csv", "shp"]))

    assert links == {
        "file.json": "/collections/a/items?BZ=%E7%94%B2&limit=5&cursor=x&f=json",
        "file.csv": "/collections/a/items?BZ=%E7%94%B2&f=csv",
        "file.shp": "/collections/a/items?BZ=%E7%94%B2&f=shp",
        "file.shp.gbk": "/collections/a/items?BZ=%E7%94%B2&f=shp&encoding=gbk",
    }
