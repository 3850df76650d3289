"""Sprites: the hatches of the catalogue as one picture per pixel density, made here, no other host."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from config.model import Style, StyleRule
from config.vocabulary import GeometryKind

HATCH_PX: Final = 8  # side of a pattern, in pixels of the style
LINE_PX: Final = 1.0
PLAIN: Final = "#4a5563"  # the lines of a hatch whose rule has no outline
SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
TRUE_COLOUR_ALPHA: Final = (8, 6, 0, 0, 0)  # bits, colour type, compression, filter, interlace
type Pixels = list[bytes]  # rows of red, green, blue, alpha


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sprite as MapLibre reads it: where each image lies in the picture, and the picture."""

    index: dict[str, dict[str, int]]
    picture: bytes


def hatch_colour(rule: StyleRule) -> str:
    """The colour of a hatched rule's lines."""
    return rule.outline or PLAIN


def hatch_name(colour: str) -> str:
    """What the image of a hatch in this colour is called."""
    return f"hatch-{colour.removeprefix('#').lower()}"


def hatches(styles: Iterable[Style]) -> list[str]:
    """The colours of all hatches of these styles, each once."""
    drawn = (s for s in styles if s.geometry is GeometryKind.POLYGON)
    return sorted({hatch_colour(rule).lower() for s in drawn for rule in s.rules if rule.hatch})


def sheet(colours: Iterable[str], *, ratio: int) -> Sheet:
    """The hatches in these colours, one below the other, at *ratio* pixels per pixel of the style."""
    side = HATCH_PX * ratio
    index: dict[str, dict[str, int]] = {}
    rows: Pixels = []
    for number, colour in enumerate(colours):
        place = {"x": 0, "y": number * side, "width": side, "height": side, "pixelRatio": ratio}
        index[hatch_name(colour)] = place
        rows += _hatch(colour, side, LINE_PX * ratio)
    return Sheet(index, png(rows or [bytes(4)]))


def png(rows: Pixels) -> bytes:
    """A PNG (ISO/IEC 15948) of rows of red, green, blue and alpha, not premultiplied."""
    header = struct.pack(">2I5B", len(rows[0]) // 4, len(rows), *TRUE_COLOUR_ALPHA)
    unfiltered = b"".join(b"\0" + row for row in rows)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(unfiltered, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in chunks)


def _hatch(colour: str, side: int, width: float) -> Pixels:
    """Lines from the lower left to the upper right on clear ground; copies join without a seam."""
    ink = bytes.fromhex(colour.removeprefix("#"))

    def alpha(x: int, y: int) -> int:
        along = (x + y + 1) % side  # the lines lie where this is zero
        away = min(along, side - along) / 2**0.5
        return round(255 * min(max(width / 2 + 0.5 - away, 0.0), 1.0))

    return [b"".join(ink + bytes([alpha(x, y)]) for x in range(side)) for y in range(side)]


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
