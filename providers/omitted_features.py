"""A tile's second layer, which says how many features the tile leaves out.

https://github.com/mapbox/vector-tile-spec/blob/master/2.1/vector_tile.proto
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from config.vocabulary import OMITTED

VERSION, EXTENT = 2, 4096
POINT = 1
MOVE_TO_ONE = 9  # the command 1, once
MOST = 2**63 - 1  # no count takes more bytes
VARINT, BYTES = 0, 2  # wire types


def name_of_omitted(layer: str) -> str:
    """The layer of a tile that says how many features of *layer* the tile leaves out."""
    return f"{layer}{OMITTED}"


def omitted_layer(layer: str, count: int) -> bytes:
    """An MVT layer with one point at the tile's centre and the property `count`."""
    centre = EXTENT  # the parameter of a half: zigzag doubles it
    geometry = _packed((MOVE_TO_ONE, centre, centre))
    feature = _field(2, _packed((0, 0))) + _number(3, POINT) + _field(4, geometry)
    content = (
        _field(1, name_of_omitted(layer).encode())
        + _field(2, feature)
        + _field(3, b"count")
        + _field(4, _number(5, count))
        + _number(5, EXTENT)
        + _number(15, VERSION)
    )
    return _field(3, content)


@lru_cache(1_024)
def most_told(layer: str) -> int:
    """The most bytes that the number of features left out may take."""
    return len(omitted_layer(layer, MOST))


def features_told(layer: str, tile: bytes) -> int:
    """How many features, or areas of classes, a layer's tile stands for.

    Those that are drawn in it, and those that it says it leaves out.
    """
    found, counting = 0, name_of_omitted(layer).encode()
    for number, part_of_tile in _fields(tile):
        if number != 3 or isinstance(part_of_tile, int):
            continue
        parts = list(_fields(part_of_tile))
        (name,) = (part for number, part in parts if number == 1)
        if name == counting:
            (value,) = (part for number, part in parts if number == 4)
            told = dict(_fields(value)) if isinstance(value, bytes) else {}
            found += sum(count for count in told.values() if isinstance(count, int))
        else:
            found += sum(number == 2 for number, _ in parts)
    return found


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The numbered parts of a message, as far as tiles use them: numbers and bytes."""
    view, at = memoryview(message), 0
    while at < len(view):
        key, at = _read(view, at)
        value, at = _read(view, at)
        if key & 7 == BYTES:
            yield key >> 3, bytes(view[at : at + value])
            at += value
        else:
            yield key >> 3, value


def _read(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | VARINT) + _varint(value)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _packed(values: Iterable[int]) -> bytes:
    return b"".join(map(_varint, values))


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
