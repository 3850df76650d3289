"""Layers are put together in their order within a bound of bytes; what does not fit is counted."""

import mapbox_vector_tile
import pytest

from config.vocabulary import LayerId
from providers.omitted_features import features_told, omitted_layer
from server.tile_layers import MAX_TOGETHER_BYTES, together

A, B, C = LayerId("a"), LayerId("b"), LayerId("c")


def points(name: str, count: int) -> bytes:
    features = [
        {"geometry": f"POINT({at % 4096} {at // 4096})", "properties": {"om_id": str(at)}}
        for at in range(count)
    ]
    return bytes(mapbox_vector_tile.encode([{"name": name, "features": features}]))


def told(tile: bytes) -> dict[str, int]:
    """Features of each layer, or what a layer of omitted ones says."""
    return {
        name: layer["features"][0]["properties"]["count"]
        if name.endswith("_omitted")
        else len(layer["features"])
        for name, layer in mapbox_vector_tile.decode(tile).items()
    }


def test_layers_that_fit_stand_one_after_the_other_as_they_are() -> None:
    tiles = [(A, points("a", 3)), (B, b""), (C, points("c", 2))]

    assert together(tiles) == tiles[0][1] + tiles[2][1]
    assert together([]) == b""


@pytest.mark.parametrize("count", [1, 127, 128, 300])
def test_a_layer_that_no_longer_fits_is_left_out_whole_and_the_next_may_fit(count: int) -> None:
    first, large, small = points("a", 20), points("b", count + 40), points("c", 1)
    tile = together([(A, first), (B, large), (C, small)], most=len(first) + len(large) - 1)

    assert told(tile) == {"a": 20, "b_omitted": count + 40, "c": 1}


def test_who_comes_first_has_the_room() -> None:
    one, other = points("a", 50), points("b", 50)
    most = max(len(one), len(other))

    assert told(together([(A, one), (B, other)], most)) == {"a": 50, "b_omitted": 50}
    assert told(together([(B, other), (A, one)], most)) == {"b": 50, "a_omitted": 50}


def test_what_a_layer_left_out_already_counts_too() -> None:
    full = points("a", 40) + omitted_layer("a_omitted", 123_456)

    assert features_told(full) == 123_496
    assert told(together([(A, full)], most=len(full) - 1)) == {"a_omitted": 123_496}


def test_a_hundred_layers_of_the_usual_size_are_one_tile() -> None:
    usual = 15_000
    tile = together([(LayerId(f"layer{n}"), bytes(usual)) for n in range(100)])

    assert len(tile) == 100 * usual < MAX_TOGETHER_BYTES
