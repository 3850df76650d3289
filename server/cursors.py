"""Where the next page begins: the edition and revision that are being read, and the last key."""

import base64
from dataclasses import dataclass

from config.model import Layer
from providers.errors import BadParameter
from providers.external_table import Key, KeyKind, described

NO_EDITION = "-"
MOST_REVISIONS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What a cursor says."""

    text: str
    edition: str
    revision: int
    after: Key

    def refused(self) -> BadParameter:
        """What to say where there was no such page."""
        return _refused(self.text)


def write_cursor(edition: str, revision: int, after: int | str) -> str:
    """A cursor for a next link."""
    said = f"{edition}:{revision}:{after}".encode()
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def parse_cursor(text: str, layer: Layer) -> Position:
    """What a cursor of this layer says.

    Raises
    ------
    BadParameter
        For anything that no next link of the layer holds.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        said = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        edition, revision, after = said.split(":", 2)
        number = int(revision)
    except ValueError:
        raise _refused(text) from None
    external = layer.external is not None
    kind = described(layer).key_kind if external else KeyKind.WHOLE
    key = kind.parse(after)
    if key is None or (edition == NO_EDITION) is not external or not 0 <= number < MOST_REVISIONS:
        raise _refused(text)
    return Position(text=text, edition=edition, revision=number, after=key)


def _refused(text: str) -> BadParameter:
    expected = "a cursor from a next link of this collection; begin again without it"
    return BadParameter("cursor", text, expected)
