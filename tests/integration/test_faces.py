"""The plain pages as a reader gets them: every route, both languages, and what an item's page tells."""

import re
import shlex
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pyogrio
import pytest
import shapely
import shapely.geometry
from starlette.testclient import TestClient

from processes.registry import SPECS
from providers.errors import StoreTimeout
from providers.revisions import Revision
from server import sketches
from server.routes import TABLE

type Loader = Callable[..., Revision]
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}  # as browsers ask
# What answers with something else than a page: files, tiles, sprites, operators' and machines' routes.
NO_PAGES = re.compile(
    r"/openapi|/styles/sprite|/files/|/session|/health/|/metrics|/static/|.*\{tileCol\}|.*\{output\}"
    r"|.*/report",
    re.ASCII,
)
# Names that are no addresses to go to, and where data and standards come from.
NAMESPACES = frozenset(
    {"www.opengis.net", "json-schema.org", "spdx.org", "www.w3.org", "schemas.opengis.net"}
)
MAX_CRAWLED = 150
HOSTILE = '<script>alert("x")</script>'


def page_of(client: httpx.Client | TestClient, path: str, lang: str = "zh") -> str:
    response = client.get(path, params={"lang": lang} if "?" not in path else None, headers=HTML)
    assert response.status_code == 200, (path, response.text)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text


def first(client: httpx.Client, layer: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/collections/{layer}/items?limit=1").json()["features"][0]
    return found


@pytest.fixture(scope="module")
def job(client: httpx.Client, wait_until: Callable[..., None]) -> str:
    """A job that has ended, with a result that is a document."""
    started = client.post(
        "/processes/echo/execution",
        json={"inputs": {"text": "页"}, "response": "document"},
        headers={"Prefer": "respond-async"},
    )
    assert started.status_code == 201, started.text
    name: str = started.json()["jobID"]
    wait_until(lambda: client.get(f"/jobs/{name}").json()["status"] in ("successful", "failed"))
    return name


@pytest.fixture(scope="module")
def checked(client: httpx.Client, new_key: Callable[..., str]) -> dict[str, str]:
    """A check that anybody may see, and an opinion on it that its signer reads."""
    inputs: Any = SPECS["compliance_check"].example["inputs"]
    body = {"inputs": {**inputs, "project": {**inputs["project"], "code": uuid4().hex}}}
    check = client.post("/processes/compliance-check/execution", json=body).json()
    said = {
        "conclusion": "VERIFY",
        "text": "须核实。",
        "document_date": "2026-03-06",
        "manual": [
            {"rule": item["rule"], "outcome": item["choices"][0]["outcome"], "text": "经核对"}
            for item in check["manual"]
        ],
    }
    key = {"Authorization": f"Bearer {new_key('planner')}"}
    signed = client.post(f"/checks/{check['hash']}/opinions", json=said, headers=key)
    assert signed.status_code == 201, signed.text
    return {"hash": check["hash"], "opinionId": signed.json()["id"], **key}


@pytest.fixture(scope="module")
def names(client: httpx.Client, checked: dict[str, str]) -> dict[str, str]:
    """A value for each parameter of a path, beside the job."""
    return {
        "collectionId": "land_use",
        "featureId:path": quote(first(client, "land_use")["id"], safe=""),
        "tileMatrixSetId": "WebMercatorQuad",
        "planId": "master_2021",
        "rulesetId": "national_default",
        **checked,
        "styleId": "land_use",
        "processId": "compliance-check",
        "code": "NotFound",
        "name": urlsplit(client.get("/guide").json()["links"][0]["href"]).path.rpartition("/")[2],
    }


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "path",
    [e.path for e in TABLE if e.method == "GET" and not NO_PAGES.fullmatch(e.path)
     and not NO_PAGES.match(e.path)],
)  # fmt: skip
def test_every_resource_is_a_page_in_both_languages(
    client: httpx.Client,
    live_server: str,
    names: dict[str, str],
    request: pytest.FixtureRequest,
    path: str,
    lang: str,
) -> None:
    if "{jobId}" in path:
        path = path.replace("{jobId}", request.getfixturevalue("job"))
    address = re.sub(r"\{([\w:]+)\}", lambda found: names[found[1]], path)

    signer = {"Authorization": names["Authorization"]} if "{opinionId}" in path else {}
    with httpx.Client(base_url=live_server, headers=signer, timeout=60) as reader:
        html = page_of(reader, address, lang)

    assert f'<html lang="{ {"zh": "zh-CN", "en": "en"}[lang] }">' in html
    loaded = re.findall(
        r'<(?:link|img|script|iframe|object|form)\b[^>]*(?:href|src|action)="([^"]*)"', html
    )
    assert all(
        urlsplit(unescape(one)).netloc in ("", urlsplit(live_server).netloc) for one in loaded
    )
    if address != "/docs":  # its examples hold addresses that are nobody's
        hosts = {urlsplit(one).netloc for one in re.findall(r'href="(https?://[^"]+)"', html)}
        assert hosts <= {urlsplit(live_server).netloc, *NAMESPACES}


def test_links_of_the_pages_lead_to_answers(client: httpx.Client, live_server: str) -> None:
    waiting, seen = ["/?lang=zh"], {"/?lang=zh"}
    crawled = 0
    while waiting and crawled < MAX_CRAWLED:
        path = waiting.pop(0)
        crawled += 1
        response = client.get(path, headers=HTML)
        assert response.status_code == 200, path
        kind = response.headers["content-type"]
        if not kind.startswith("text/html") or path.startswith(("/app", "/docs")):
            continue  # the application finds its own way, and the documentation names examples
        for found in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', response.text):
            href = unescape(found).partition("#")[0].removeprefix(live_server)
            if href.startswith("/") and href not in seen:
                seen.add(href)
                waiting.append(href)
    assert crawled == MAX_CRAWLED


def test_the_page_of_a_feature_tells_its_plan_edition_and_documents(client: httpx.Client) -> None:
    feature = first(client, "planned_land_use")
    facts = client.get("/collections/planned_land_use").json()["x-onemap"]
    plan = client.get(f"/catalogue/plans/{feature['properties']['om_plan']}").json()
    beside = {"collection": "planned_land_use"}
    documents = client.get("/catalogue/documents", params=beside).json()["documents"]

    html = unescape(page_of(client, f"/collections/planned_land_use/items/{feature['id']}"))

    assert f'href="/catalogue/plans/{plan["id"]}?lang=zh">{plan["title"]}</a>' in html
    edition = facts["edition"]
    assert f'planned_land_use.{edition["key"]}?lang=zh">{edition["title"]}</a>' in html
    assert edition["document"] in html
    assert feature["properties"]["om_basis"] in html
    assert "吉林省 长春市" in html
    assert documents
    assert all(f'href="{d["href"]}">{d["title"]}</a>' in html for d in documents)
    assert "椭球面积" in html
    assert "公顷" in html


@pytest.mark.parametrize(
    "layer", ["planned_land_use", "permanent_farmland", "county", "ecological_redline"]
)
def test_the_page_of_a_feature_has_a_map_on_which_it_lies(client: httpx.Client, layer: str) -> None:
    feature = first(client, layer)

    html = page_of(client, f"/collections/{layer}/items/{quote(feature['id'], safe='')}")

    (path,) = re.findall(r'<path class="map-selected" d="([^"]+)"', html)
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", path)]
    assert len(numbers) >= 6
    assert all(0 <= x <= 640 for x in numbers[::2])
    assert all(0 <= y <= 420 for y in numbers[1::2])
    assert re.search(r'<svg viewBox="0 0 640 420" role="img" aria-label="[^"]+"', html)
    assert ("map-stamp" in html) is (layer != "county")


def test_a_map_is_the_same_whatever_the_reference_system(client: httpx.Client) -> None:
    feature = first(client, "planned_land_use")
    path = f"/collections/planned_land_use/items/{feature['id']}"
    crs = "http://www.opengis.net/def/crs/EPSG/0/4490"

    plain, moved = (
        client.get(path, params={"lang": "zh", **more}, headers=HTML).text
        for more in ({}, {"crs": crs})
    )

    shapes = [re.findall(r'class="map-selected" d="([^"]+)"', html) for html in (plain, moved)]
    assert shapes[0] == shapes[1] != []


def test_the_commands_to_copy_name_this_server_and_collection(
    client: httpx.Client, live_server: str
) -> None:
    feature = first(client, "land_use")["id"]
    for path in ("/collections/land_use", f"/collections/land_use/items/{feature}"):
        blocks = [
            unescape(b)
            for b in re.findall(r'<pre class="copy"[^>]*><code>([^<]+)<', page_of(client, path))
        ]

        assert len(blocks) == 6
        assert blocks[0] == blocks[1] == f"{live_server}/"
        assert all(live_server in block for block in blocks)


def test_a_printed_python_recipe_runs(
    client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    html = page_of(client, "/collections/county")
    blocks = [unescape(b) for b in re.findall(r'<pre class="copy"[^>]*><code>([^<]+)<', html)]
    owslib, paged = (b for b in blocks if "import " in b)

    for block in (owslib, paged):
        exec(compile(block, "recipe", "exec"), {})

    assert capsys.readouterr().out.split() == ["11", "11"]


def test_a_printed_gdal_recipe_reads_degrees_whatever_the_reference_system_of_the_page(
    client: httpx.Client,
) -> None:
    feature = first(client, "county")
    html = page_of(client, f"/collections/county/items/{feature['id']}?crs=EPSG:4551")
    blocks = [unescape(b) for b in re.findall(r'<pre class="copy"[^>]*><code>([^<]+)<', html)]
    (command,) = (b for b in blocks if b.startswith("ogrinfo"))

    meta, _, geometry, _ = pyogrio.raw.read(shlex.split(command)[-1])

    assert meta["crs"] == "EPSG:4326"
    expected = shapely.geometry.shape(feature["geometry"])
    assert shapely.from_wkb(geometry)[0].bounds == expected.bounds


@pytest.fixture
def squares(own: TestClient, load_squares: Loader, wait_until: Callable[..., None]) -> TestClient:
    """Three squares side by side, with a remark that is markup."""
    load_squares("land_use", "2024", ["0", "1", "2"], columns={"BZ": [HOSTILE, "b", None]})

    def known() -> bool:
        response = own.get("/collections/land_use/items")
        return response.is_success and bool(response.json()["features"])

    wait_until(known)
    return own


def test_markup_in_an_attribute_is_text(squares: TestClient) -> None:
    for path in ("/collections/land_use/items", "/collections/land_use/items/0"):
        html = page_of(squares, path)

        assert "<script" not in html
        assert HOSTILE in unescape(html)


def test_neighbours_are_drawn_beside_the_feature(squares: TestClient) -> None:
    html = page_of(squares, "/collections/land_use/items/1")

    (near,) = re.findall(r'<g class="map-near">(.*?)</g>', html, re.S)
    assert near.count("<path") == 2


def test_a_page_without_its_map_is_better_than_no_page(
    squares: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(*_: object, **__: object) -> None:
        raise StoreTimeout("stopped")

    monkeypatch.setattr(sketches, "surroundings", late)

    html = page_of(squares, "/collections/land_use/items/1")

    assert "map-paper" not in html
    assert "椭球面积" in html


def test_a_page_that_the_reader_has_is_not_sent_again(squares: TestClient) -> None:
    path = "/collections/land_use/items/1?lang=zh"
    tag = squares.get(path, headers=HTML).headers["ETag"]

    again = squares.get(path, headers={**HTML, "If-None-Match": tag})

    assert again.status_code == 304
