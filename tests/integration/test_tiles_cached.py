"""Tiles over HTTP as they are kept: right after every edit, and never another caller's."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from config.model import Catalogue
from config.settings import Settings
from providers.database import DatabaseRole, connect
from providers.grids import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD, Grid
from providers.keys import KeyRecord, new_key
from providers.layers import LayerStore
from providers.revisions import Revision
from server.app import create_app
from server.problems import Overloaded
from server.tile_cache import TileCache

type Loader = Callable[..., Revision]
LAYER, KEY = "land_use", "2024"
ZOOM = 12


@pytest.fixture
def serving(settings: Settings, catalogue: Catalogue) -> Callable[[], Any]:
    """A server of its own, as each process is one."""

    @contextmanager
    def serve() -> Iterator[TestClient]:
        application = create_app(settings, catalogue, str(settings.database_url))
        with capture_logs(), TestClient(application) as client:
            client.headers["Accept"] = "*/*"
            yield client

    return serve


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that tiles ask of the database, as they are asked."""
    asked: list[str] = []
    for name in ("tile", "fetch"):
        real = getattr(LayerStore, name)

        def told(self: LayerStore, *args: Any, _real: Any = real, _name: str = name, **named: Any):  # type: ignore[no-untyped-def]
            asked.append(_name)
            return _real(self, *args, **named)

        monkeypatch.setattr(LayerStore, name, told)
    return asked


@pytest.fixture
def knows(wait_until: Callable[..., None]) -> Callable[[TestClient, int], None]:
    """Wait until a server has heard of a revision."""

    def wait(client: TestClient, revision: int) -> None:
        def heard() -> bool:
            editions = client.app.state.onemap.snapshot.editions  # type: ignore[attr-defined]
            return any(s.revision >= revision for s in editions.get(LAYER, ()))

        wait_until(heard)

    return wait


def path(
    longitude: float = 125.015,
    latitude: float = 43.005,
    grid: Grid = WEB_MERCATOR_QUAD,
    collection: str = LAYER,
    zoom: int = ZOOM,
) -> str:
    level = zoom - grid.shift
    row, _, column, _ = grid.limits((longitude, latitude, longitude, latitude), level)
    return f"/collections/{collection}/tiles/{grid.id}/{level}/{row}/{column}"


def ids(response: httpx.Response, layer: str = LAYER) -> list[str]:
    found: dict[str, Any] = mapbox_vector_tile.decode(response.content)
    return sorted(f["properties"]["om_id"] for f in found.get(layer, {"features": []})["features"])


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_an_edit_inside_a_tile_changes_its_tag_and_one_elsewhere_costs_one_question(
    load_squares: Loader,
    serving: Callable[[], Any],
    knows: Callable[[TestClient, int], None],
    statements: list[str],
    grid: Grid,
) -> None:
    load_squares(LAYER, KEY, ["1", "90"])
    with serving() as client:
        knows(client, 1)
        first = client.get(path(grid=grid))
        assert client.get(path(grid=grid)).headers["ETag"] == first.headers["ETag"]
        assert statements == ["tile"]

        load_squares(LAYER, KEY, ["91"], kind="merge")
        knows(client, 2)
        elsewhere = [client.get(path(grid=grid)) for _ in range(3)]
        assert {one.headers["ETag"] for one in elsewhere} == {first.headers["ETag"]}
        assert statements == ["tile", "fetch"]

        load_squares(LAYER, KEY, ["2"], kind="merge")
        knows(client, 3)
        inside = client.get(path(grid=grid))
        assert inside.headers["ETag"] != first.headers["ETag"]
        assert (ids(first), ids(inside)) == (["1"], ["1", "2"])
        assert statements == ["tile", "fetch", "fetch", "tile"]


def test_what_the_client_has_is_304_before_anything_is_asked_of_the_database(
    load_squares: Loader,
    serving: Callable[[], Any],
    knows: Callable[[TestClient, int], None],
    statements: list[str],
) -> None:
    load_squares(LAYER, KEY, [str(number) for number in range(9)])
    with serving() as client:
        knows(client, 1)
        tags = {}
        for coding in ("identity", "gzip", "zstd", "gzip, zstd"):
            headers = {"Accept-Encoding": coding}
            response = client.get(path(zoom=10), headers=headers)
            tags[coding] = response.headers["ETag"]
            known = {**headers, "If-None-Match": tags[coding]}
            again = client.get(path(zoom=10), headers=known)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == tags[coding]
        assert len({tags[coding] for coding in ("identity", "gzip", "zstd")}) == 3
        assert tags["gzip, zstd"] == tags["zstd"]
        assert statements == ["tile"]


def test_no_caller_gets_the_tile_of_another_scope(
    load_squares: Loader,
    serving: Callable[[], Any],
    knows: Callable[[TestClient, int], None],
    settings: Settings,
) -> None:
    columns = {"XZQDM": ["220102", "220103"]}
    load_squares(LAYER, KEY, ["1", "2"], columns=columns)
    keys = {region: _key(str(settings.database_url), region) for region in ("220102", "220103")}
    with serving() as client:
        knows(client, 1)
        for _ in range(2):  # made, then kept
            everybody = client.get(path())
            seen = {
                region: client.get(path(), headers={"Authorization": f"Bearer {key}"})
                for region, key in keys.items()
            }
            assert ids(everybody) == ["1", "2"]
            assert {region: ids(one) for region, one in seen.items()} == {
                "220102": ["1"],
                "220103": ["2"],
            }
            assert all("private" in one.headers["Cache-Control"] for one in seen.values())
            assert "private" not in everybody.headers["Cache-Control"]


def test_an_edition_is_kept_like_the_one_in_force(
    load_squares: Loader,
    serving: Callable[[], Any],
    knows: Callable[[TestClient, int], None],
    statements: list[str],
) -> None:
    load_squares(LAYER, KEY, ["1"])
    with serving() as client:
        knows(client, 1)
        bare, edition = path(), path(collection=f"{LAYER}.{KEY}")
        contents = {client.get(one).content for one in (bare, edition, bare, edition)}
        assert len(contents) == 1
        assert statements == ["tile"]


def test_a_tile_as_of_then_and_a_narrowed_one_are_drawn_anew_from_the_rows(
    load_squares: Loader,
    serving: Callable[[], Any],
    knows: Callable[[TestClient, int], None],
    database_url: str,
    statements: list[str],
) -> None:
    load_squares(LAYER, KEY, ["1"])
    with connect(database_url, DatabaseRole.READER) as connection:
        row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    then = row[0].isoformat()
    with serving() as client:
        knows(client, 1)
        first = client.get(path())
        load_squares(LAYER, KEY, ["2"], kind="merge")
        knows(client, 2)
        asked: list[dict[str, str]] = [
            {"asOf": then},
            {"filter": "BSM = '2'"},
            {"filter": '{"op":"=","args":[{"property":"BSM"},"2"]}', "filter-lang": "cql2-json"},
            {"BSM": "2"},
            {
                "filter": "S_INTERSECTS(geometry, POINT(43.005 125.025))",
                "filter-crs": "http://www.opengis.net/def/crs/EPSG/0/4490",
            },
        ]
        statements.clear()
        narrowed = [client.get(path(), params=one) for one in asked for _ in range(2)]
        assert statements == ["tile"] * len(narrowed)
        assert {one.status_code for one in narrowed} == {200}
        assert narrowed[0].content == first.content
        assert [ids(one) for one in narrowed] == [["1"]] * 2 + [["2"]] * 8


@pytest.mark.parametrize(
    ("address", "parameters", "status", "name"),
    [
        ("WebMercatorQuad/a/0/0", {}, 400, "tileMatrix"),
        ("WebMercatorQuad/3/-1/0", {}, 400, "tileRow"),
        ("WebMercatorQuad/3/0/0x1", {}, 400, "tileCol"),
        ("WebMercatorQuad/3/٣/0", {}, 400, "tileRow"),
        ("WebMercatorQuad/25/0/0", {}, 404, "25"),
        ("WebMercatorQuad/3/8/0", {}, 404, "8/0"),
        ("WebMercatorQuad/3/0/8", {}, 404, "0/8"),
        ("CGCS2000Quad/0/0/0", {}, 404, "0"),
        ("CGCS2000Quad/21/0/0", {}, 404, "21"),
        ("CGCS2000Quad/1/1/0", {}, 404, "1/0"),
        ("WorldCRS84Quad/24/0/0", {}, 404, "24"),
        ("Nowhere/3/0/0", {}, 404, "Nowhere"),
        ("WebMercatorQuad/3/0/0", {"filter": "NONE = 1"}, 400, "filter"),
        ("WebMercatorQuad/3/0/0", {"filter-lang": "cql2-text"}, 400, "filter-lang"),
        ("WebMercatorQuad/3/0/0", {"f": "png"}, 400, "f"),
        ("WebMercatorQuad/3/0/0", {"nonsense": "1"}, 400, "nonsense"),
        ("WebMercatorQuad/3/0/0", {"asOf": "yesterday"}, 400, "asOf"),
        ("WebMercatorQuad/3/0/0", {"bbox": "1,2,3,4"}, 400, "bbox"),
    ],
)
def test_what_is_no_tile_is_400_or_404_and_says_why(
    own: TestClient,
    wait_until: Callable[..., None],
    address: str,
    parameters: dict[str, str],
    status: int,
    name: str,
) -> None:
    wait_until(lambda: own.get("/health/ready").status_code == 200)

    problem = own.get(f"/collections/{LAYER}/tiles/{address}", params=parameters)

    assert problem.status_code == status
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert name in problem.json()["detail"]


def test_an_empty_tile_is_204_with_a_tag_and_a_layer_without_an_edition_has_no_other(
    load_squares: Loader, serving: Callable[[], Any], knows: Callable[[TestClient, int], None]
) -> None:
    load_squares(LAYER, KEY, ["1"])
    with serving() as client:
        knows(client, 1)
        empty = client.get(path(100.0, 30.0))
        assert (empty.status_code, empty.content) == (204, b"")
        assert empty.headers["ETag"]
        assert client.get(path(collection="ecological_redline")).status_code == 204


def test_two_servers_share_their_files_and_ask_only_whether_they_are_right(
    load_squares: Loader,
    serving: Callable[[], Any],
    knows: Callable[[TestClient, int], None],
    statements: list[str],
    settings: Settings,
    wait_until: Callable[..., None],
) -> None:
    load_squares(LAYER, KEY, ["1", "90"])
    with ExitStack() as stack:
        one, other = (stack.enter_context(serving()) for _ in range(2))
        for client in (one, other):
            knows(client, 1)
        first = one.get(path())
        wait_until(lambda: any(settings.store.rglob("*.tile")))
        assert other.get(path()).headers["ETag"] == first.headers["ETag"]
        assert statements == ["tile"]

        load_squares(LAYER, KEY, ["2"], kind="merge")
        for client in (one, other):
            knows(client, 2)
        changed = [client.get(path()) for client in (one, other)]
        assert [ids(response) for response in changed] == [["1", "2"]] * 2
        assert changed[0].headers["ETag"] == changed[1].headers["ETag"] != first.headers["ETag"]


def test_the_tile_of_the_dataset_is_the_tiles_of_its_layers(
    load_squares: Loader,
    serving: Callable[[], Any],
    knows: Callable[[TestClient, int], None],
    statements: list[str],
) -> None:
    load_squares("ecological_redline", KEY, ["2"])
    load_squares(LAYER, KEY, ["1"])
    whole = path().replace(f"/collections/{LAYER}", "")
    with serving() as client:
        knows(client, 1)
        parts = [client.get(path(collection=name)) for name in (LAYER, "ecological_redline")]
        statements.clear()
        both = client.get(whole, params={"collections": f"{LAYER},ecological_redline"})
        assert both.content == b"".join(part.content for part in parts)
        assert statements == []
        known = {"If-None-Match": both.headers["ETag"]}
        asked = {"collections": f"{LAYER},ecological_redline"}
        assert client.get(whole, params=asked, headers=known).status_code == 304

        every = client.get(whole)
        decoded = mapbox_vector_tile.decode(every.content)
        assert {LAYER, "ecological_redline"} == {*decoded}
        assert client.get(whole, params={"collections": "nowhere"}).status_code == 404
        assert client.get(whole, params={"collections": "census_2020"}).status_code == 404
        twice = f"{LAYER},{LAYER}"
        assert client.get(whole, params={"collections": twice}).status_code == 400


def test_the_operator_may_have_no_tile_kept(
    load_squares: Loader,
    catalogue: Catalogue,
    settings: Settings,
    knows: Callable[[TestClient, int], None],
    statements: list[str],
) -> None:
    load_squares(LAYER, KEY, ["1"])
    without = replace(settings, tile_cache_mb=0)
    application = create_app(without, catalogue, str(settings.database_url))
    with capture_logs(), TestClient(application) as client:
        knows(client, 1)
        tags = {client.get(path(), headers={"Accept": "*/*"}).headers["ETag"] for _ in range(3)}
    assert len(tags) == 1
    assert statements == ["tile"] * 3
    assert not list(settings.store.rglob("*.tile"))


def test_a_cold_storm_is_503_with_the_time_to_wait(
    load_squares: Loader,
    serving: Callable[[], Any],
    knows: Callable[[TestClient, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(*_: Any) -> None:
        raise Overloaded("too many tiles wait")

    load_squares(LAYER, KEY, ["1"])
    with serving() as client:
        knows(client, 1)
        monkeypatch.setattr(TileCache, "_made", full)
        refused = client.get(path(grid=CGCS2000_QUAD))
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0


def _key(url: str, region: str) -> str:
    """A key of a role that is held for one region."""
    record = KeyRecord(id="", organisation="单位", person="人", role="surveyor", regions=(region,))
    with connect(url, DatabaseRole.WRITER) as connection:
        return new_key(connection, record, None)
