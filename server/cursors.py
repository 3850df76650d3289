"""Where the next page begins: the edition and revision that are being read, and the last row."""

import base64
from dataclasses import dataclass

from config.model import Layer
from providers.errors import BadParameter
from providers.ordering import Position, Sort, parse_position

NO_EDITION = "-"
MOST_REVISIONS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """What a cursor says."""

    text: str
    edition: str
    revision: int
    after: Position

    def refused(self) -> BadParameter:
        """What to say where there was no such page."""
        return _refused(self.text)


def write_cursor(edition: str, revision: int, position: str) -> str:
    """A cursor for a next link; the position is as a statement wrote it."""
    said = f"{edition}:{revision}:{position}".encode()
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def parse_cursor(text: str, layer: Layer, order: tuple[Sort, ...]) -> Cursor:
    """What a cursor of this layer, in this order, says.

    Raises
    ------
    BadParameter
        For anything that no next link of the layer holds.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        said = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        edition, revision, position = said.split(":", 2)
        number = int(revision)
    except ValueError:
        raise _refused(text) from None
    external = layer.external is not None
    after = parse_position(layer, order, position)
    if after is None or (edition == NO_EDITION) is not external or not 0 <= number < MOST_REVISIONS:
        raise _refused(text)
    return Cursor(text=text, edition=edition, revision=number, after=after)


def _refused(text: str) -> BadParameter:
    expected = (
        "a cursor from a next link of this collection, with the same sortby; begin without it"
    )
    return BadParameter("cursor", text, expected)
