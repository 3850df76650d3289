"""Metrics of the tile cache: what an operator reads is what happened."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from providers.grids import CGCS2000_QUAD
from providers.revisions import Revision
from server.problems import Overloaded
from server.tile_cache import TileCache

type Figures = dict[tuple[str, ...], float]


def place(zoom: int, west: float = 125.015) -> str:
    first, _, column, _ = CGCS2000_QUAD.limits((west, 43.005, west, 43.005), zoom)
    return f"/collections/land_use/tiles/CGCS2000Quad/{zoom}/{first}/{column}"


@pytest.fixture
def figures(own: TestClient) -> Callable[[], Figures]:
    """The figures of tiles by name and labels, as the operator is told them."""
    application = own.app
    local = TestClient(application, client=("127.0.0.1", 50_000))

    def read() -> Figures:
        text = local.get("/metrics", headers={"Accept": "*/*"}).raise_for_status().text
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("onemap_tile")
        }

    return read


@pytest.fixture
def city(
    own: TestClient,
    load_squares: Callable[..., Revision],
    wait_until: Callable[..., None],
) -> TestClient:
    load_squares("land_use", "2024", ["1"])
    own.headers["Accept"] = "*/*"
    wait_until(lambda: own.get(place(14)).status_code == 200)
    return own


def test_each_tile_is_counted_by_how_it_was_had(
    city: TestClient, figures: Callable[[], Figures]
) -> None:
    before = figures()
    for _ in range(3):
        city.get(place(15)).raise_for_status()
    city.get(place(12)).raise_for_status()
    after = figures()

    def grown(*name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert grown("onemap_tiles_total", "made") == 2
    assert grown("onemap_tiles_total", "memory") == 2
    assert grown("onemap_tile_make_seconds_count", "low") == 1
    assert grown("onemap_tile_make_seconds_count", "near") == 1
    assert grown("onemap_tile_cache_entries") == 2
    assert grown("onemap_tile_cache_bytes", "memory") > 2_000


def test_a_tile_that_an_edit_elsewhere_left_as_it_was_is_counted_apart(
    city: TestClient,
    figures: Callable[[], Figures],
    load_squares: Callable[..., Revision],
    wait_until: Callable[..., None],
) -> None:
    city.get(place(15)).raise_for_status()
    before = figures()
    load_squares("land_use", "2024", ["90"], kind="merge")

    def checked() -> bool:
        city.get(place(15)).raise_for_status()
        name = ("onemap_tiles_total", "checked")
        return figures()[name] == before[name] + 1

    wait_until(checked)


def test_what_lies_in_files_is_told_in_bytes(
    city: TestClient,
    figures: Callable[[], Figures],
    wait_until: Callable[..., None],
) -> None:
    name = ("onemap_tile_cache_bytes", "files")
    before = figures()[name]
    size = len(city.get(place(16)).raise_for_status().content)

    wait_until(lambda: figures()[name] > before + size)


def test_tiles_that_are_refused_are_counted_and_told_in_a_line(
    city: TestClient, figures: Callable[[], Figures], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache: TileCache = city.app.state.onemap.tiles  # type: ignore[attr-defined]

    def full(*_: object) -> None:
        raise Overloaded("40 tiles of land_use wait to be made")

    monkeypatch.setattr(type(cache.slots), "turn", full)
    before = figures()
    with capture_logs() as told:
        refused = city.get(place(17))
    after = figures()

    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    name = ("onemap_tiles_total", "refused")
    assert after[name] == before[name] + 1
    lines = [one for one in told if one["event"] != "request"]
    assert [(one["event"], one["log_level"], one["why"]) for one in lines] == [
        ("request_refused", "warning", "40 tiles of land_use wait to be made")
    ]
    assert "exc_info" not in lines[0]
