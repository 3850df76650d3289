"""A full tile is within its bound with the number of what it leaves out."""

import pytest

from config.model import Catalogue
from config.vocabulary import Classification, EditionKey, LayerId
from providers.access import ALL, Scope
from providers.grids import CGCS2000_QUAD, TileAddress
from providers.omitted_features import features_told
from providers.tile_sources import Answered, Drawing
from providers.tiles import MAX_TILE_BYTES, Form, TileQuery

MET = 19_000
EVERYTHING = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL)


@pytest.fixture
def drawing(catalogue: Catalogue) -> Drawing:
    place = TileAddress(grid=CGCS2000_QUAD, level=8, row=0, column=0)
    return Drawing(
        catalogue.layers[LayerId("land_use")],
        EditionKey("2024"),
        TileQuery(address=place),
        EVERYTHING,
    )


@pytest.mark.parametrize("short_of", [0, 1, 20, 100, 1_000])
def test_the_largest_features_are_fewer_until_their_number_fits_too(
    drawing: Drawing, short_of: int
) -> None:
    most = MET - 1_000
    found = Answered(content=bytes(MAX_TILE_BYTES - short_of), version=1, met=MET, drawn=most)
    fewer = drawing.fewer(Form.LARGEST, most, found)

    if fewer is None:
        assert len(drawing.tile(Form.LARGEST, most, found).content) <= MAX_TILE_BYTES
    else:
        assert fewer < most
        assert short_of <= 100


def test_a_tile_of_all_its_features_may_fill_the_bound(drawing: Drawing) -> None:
    found = Answered(content=bytes(MAX_TILE_BYTES), version=1, met=MET, drawn=MET)

    assert drawing.fewer(Form.ALL, MET, found) is None
    assert drawing.tile(Form.ALL, MET, found).content == found.content


def test_what_is_left_out_is_told_in_a_layer_of_its_own(drawing: Drawing) -> None:
    found = Answered(content=b"", version=1, met=MET, drawn=MET - 7)
    tile = drawing.tile(Form.LARGEST, MET - 7, found)

    assert features_told("land_use", tile.content) == 7
