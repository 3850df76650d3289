"""In a zone's view tiles lie askew; their edges are not seen."""

import io
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

DRAWN_MS = 20_000
PLACE = "c=125.32416,43.88653"
ZONE = "4528"  # the tiles are turned by about 3.3 degrees in it
ENOUGH = 1_000  # pixels of a colour: an area, and no accident of an outline
ALIKE = 2  # of 255: what rounding makes of one colour

type Colour = NDArray[np.float64]


@pytest.fixture
def picture(page: Page, live_server: str) -> Callable[[str], NDArray[np.int64]]:
    """The map alone, once everything is drawn."""

    def take(query: str) -> NDArray[np.int64]:
        page.goto(f"{live_server}/app/map?{query}")
        expect(page.locator(".row").first).to_be_attached()
        for _ in range(2):
            expect(page.locator(".busy")).to_have_count(0, timeout=DRAWN_MS)
            page.evaluate("() => new Promise(done => setTimeout(done, 250))")
        image = Image.open(io.BytesIO(page.locator(".ol-viewport").first.screenshot()))
        return np.asarray(image.convert("RGB")).astype(np.int64)

    return take


def like(pixels: NDArray[np.int64], colour: Colour) -> int:
    """How many pixels have a colour."""
    return int((np.abs(pixels - colour).max(axis=-1) <= ALIKE).sum())


def test_what_is_translucent_is_not_laid_on_twice_where_tiles_meet(
    client: httpx.Client, picture: Callable[[str], NDArray[np.int64]]
) -> None:
    style = client.get("/styles/planning_zone", params={"f": "mapbox"}).raise_for_status().json()
    legend = style["metadata"]["onemap:legend"]["planning_zone"]
    pixels = picture(f"{PLACE}&s=20000&crs={ZONE}&l=planning_zone")
    ground = picture(f"{PLACE}&s=20000&crs={ZONE}&l=planning_zone:0")[-40, -40]
    fills = {each["fill"]: each["opacity"] for each in legend if each["fill"]}
    colours = {fill: np.array([int(fill[at : at + 2], 16) for at in (1, 3, 5)]) for fill in fills}
    once = {f: colours[f] * s + ground * (1 - s) for f, s in fills.items()}
    twice = {f: colours[f] * s + once[f] * (1 - s) for f, s in fills.items()}
    told = {
        fill: like(pixels, twice[fill])
        for fill in fills
        if like(pixels, once[fill]) >= ENOUGH
        and all(np.abs(twice[fill] - other).max() > 2 * ALIKE for other in once.values())
    }

    assert len(told) > 3, "areas in several colours are in the picture"
    assert set(told.values()) == {0}
