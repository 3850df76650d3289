"""Layers are put together in their order within a bound of bytes; what does not fit is counted."""

import asyncio

import mapbox_vector_tile
import pytest

from config.vocabulary import LayerId
from providers.omitted_features import features_told, most_told, omitted_layer
from server.tile_layers import AT_ONCE, MAX_TOGETHER_BYTES, of_each, together

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
    most = max(len(one) + most_told("b"), len(other) + most_told("a"))

    assert told(together([(A, one), (B, other)], most)) == {"a": 50, "b_omitted": 50}
    assert told(together([(B, other), (A, one)], most)) == {"b": 50, "a_omitted": 50}


def test_what_a_layer_left_out_already_counts_too() -> None:
    full = points("a", 40) + omitted_layer("a", 123_456)

    assert features_told("a", full) == 123_496
    assert told(together([(A, full)], most=len(full) - 1)) == {"a_omitted": 123_496}


def test_a_hundred_layers_of_the_usual_size_are_one_tile() -> None:
    usual = 15_000
    tile = together([(LayerId(f"layer{n}"), bytes(usual)) for n in range(100)])

    assert len(tile) == 100 * usual < MAX_TOGETHER_BYTES


def test_layers_that_fit_to_the_last_byte_are_all_there() -> None:
    tiles = [(LayerId(f"layer{n}"), points(f"layer{n}", 1 + 30 * (n % 2))) for n in range(20)]
    whole = b"".join(content for _, content in tiles)

    assert together(tiles, most=len(whole)) == whole


@pytest.mark.parametrize("short_of", [1, 100, 1_000, 5_000, 9_000])
def test_with_the_numbers_of_what_it_leaves_out_a_tile_is_within_its_bound(short_of: int) -> None:
    tiles = [(LayerId(f"layer{n}"), points(f"layer{n}", 40)) for n in range(20)]
    most = sum(len(content) for _, content in tiles) - short_of
    tile = together(tiles, most)

    assert len(tile) <= most
    assert sum(told(tile).values()) == 20 * 40


def test_a_layer_whose_name_ends_as_if_it_counted_is_counted_itself() -> None:
    content = points("a_omitted", 3)

    assert features_told("a_omitted", content) == 3


def test_a_failure_ends_what_is_being_had_of_other_layers_and_is_told() -> None:
    begun: list[int] = []
    ended: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise OSError("gone")
        try:
            await asyncio.sleep(3_600)
        finally:
            ended.append(number)

    async def all_of_it() -> None:
        async with asyncio.timeout(30):
            with pytest.raises(OSError, match="gone"):
                await of_each(work, range(100))
            await asyncio.sleep(0)

    asyncio.run(all_of_it())

    assert len(begun) <= AT_ONCE + 1
    assert {*begun} == {*ended, 2}


def test_each_is_had_in_its_order_a_few_at_once() -> None:
    under_way = most = 0

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001 * (20 - number))
        under_way -= 1
        return number

    assert asyncio.run(of_each(work, range(20))) == [*range(20)]
    assert most == AT_ONCE
