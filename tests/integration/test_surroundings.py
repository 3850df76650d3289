"""What is drawn around a place: only what the caller sees, the nearest first, cut to the window."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
import shapely

from config.model import Catalogue
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.database import open_pools
from providers.layers import LayerStore
from providers.revisions import Revision
from providers.surroundings import Around, Neighbour, surroundings

type Loader = Callable[..., Revision]
WINDOW = Around(box=(125.005, 43.0, 125.045, 43.01), tolerance_deg=1e-6, most=100)
EVERYTHING = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL)
NAMES = [str(n) for n in range(8)]


def around(
    url: str, catalogue: Catalogue, window: Around = WINDOW, scope: Scope = EVERYTHING
) -> list[Neighbour]:
    layer, edition = catalogue.layers["land_use"], EditionKey("2024")

    async def asked() -> list[Neighbour]:
        async with open_pools(url) as pools:
            return await surroundings(LayerStore(pools), layer, edition, window, scope)

    return asyncio.run(asked())


@pytest.fixture
def row(load_squares: Loader, database_url: str) -> str:
    """Eight squares of a hundredth of a degree in a row, in two districts by turns."""
    regions = {"XZQDM": ["220102" if n % 2 else "220103" for n in range(8)]}
    load_squares("land_use", "2024", NAMES, columns=regions)
    return database_url


def test_the_nearest_come_first_and_are_cut_to_the_window(row: str, catalogue: Catalogue) -> None:
    found = around(row, catalogue)

    assert {each.om_id for each in found} == {"0", "1", "2", "3", "4"}
    assert found[0].om_id == "2"
    window = shapely.box(*WINDOW.box).buffer(1e-9)
    assert all(window.covers(shapely.from_wkb(each.shape)) for each in found)
    assert [each.om_id for each in around(row, catalogue, replace(WINDOW, most=1))] == ["2"]


def test_what_a_caller_may_not_see_is_not_drawn(row: str, catalogue: Catalogue) -> None:
    own = replace(EVERYTHING, regions=("220102",))
    nobody = replace(EVERYTHING, regions=())

    assert {each.om_id for each in around(row, catalogue, scope=own)} == {"1", "3"}
    assert around(row, catalogue, scope=nobody) == []
