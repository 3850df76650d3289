"""What is answered beside tiles is noted, and tiles themselves hold no tile up."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from server import tile_courtesy
from server.tile_courtesy import TileCourtesy


@pytest.mark.parametrize(
    ("path", "noted"),
    [
        ("/collections/land_use/items?limit=1", True),
        ("/collections/nowhere", True),
        ("/processes", True),
        ("/collections/land_use/tiles/CGCS2000Quad/12/524/3473?f=mvt", False),
        ("/tiles/CGCS2000Quad/12/524/3473?f=mvt", False),
        ("/health/live", False),
    ],
)
def test_items_are_noted_for_tiles_to_give_way_and_tiles_are_not(
    own: TestClient,
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    noted: bool,
) -> None:
    wait_until(lambda: own.get("/health/ready").status_code == 200)
    monkeypatch.setattr(tile_courtesy, "RECENT_S", 3_600.0)
    courtesy: TileCourtesy = own.app.state.onemap.tiles.slots.courtesy  # type: ignore[attr-defined]

    assert not courtesy.needed
    own.get(path)

    assert courtesy.needed is noted
