"""Tiles as they are kept: with their digest, and within a bound of bytes the ones asked for last."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from xxhash import xxh3_128_hexdigest

from providers.tiles import MVT
from server import compression
from server.compression import Coding
from server.tile_figures import ENTRIES, GONE, HELD, Kept

type Key = tuple[Hashable, ...]

MIB = 1 << 20
OVERHEAD_BYTES = 1_000  # of an entry beside its bytes: key, headers, the table's own


@dataclass(slots=True)
class Form:
    """A tile's bytes in one content coding, and their entity tag."""

    content: bytes
    tag: str
    coding: Coding  # identity too where the coding would not pay


@dataclass(slots=True, kw_only=True)
class Entry:
    """A tile, the revision up to which it is known to be right, and the codings asked for."""

    content: bytes
    revision: int
    digest: str
    forms: dict[Coding, Form] = field(default_factory=dict)

    @classmethod
    def of(cls, content: bytes, revision: int) -> "Entry":
        return cls(content=content, revision=revision, digest=digest_of(content))

    def form(self, coding: Coding) -> Form:
        """The tile in this coding; equal tiles have equal tags, each coding its own."""
        if (held := self.forms.get(coding)) is not None:
            return held
        tag = tag_of(self.digest, coding)
        worth = len(self.content) >= compression.MIN_BYTES
        packs = worth and compression.worth_packing(MVT, coding)
        content = compression.packed(self.content, coding) if packs else self.content
        form = self.forms[coding] = Form(content, tag, coding if packs else "identity")
        return form

    @property
    def size(self) -> int:
        own = (len(f.content) for f in self.forms.values() if f.content is not self.content)
        return OVERHEAD_BYTES + len(self.content) + sum(own)


def digest_of(content: bytes) -> str:
    """128 bits that tell contents apart; nobody is to be kept from making two alike."""
    return xxh3_128_hexdigest(content)


def tag_of(digest: str, coding: Coding) -> str:
    """The entity tag of bytes in a coding."""
    return f'"{digest}"' if coding == "identity" else f'"{digest}-{coding}"'


class TileMemory:
    """Entries by their keys; beyond *most* bytes, those that nobody asked for longest go."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self._held: OrderedDict[Key, tuple[Entry, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Key) -> Entry | None:
        """The entry, now the one that was asked for last."""
        held = self._held.get(key)
        if held is None:
            return None
        self._held.move_to_end(key)
        return held[0]

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry, or count it anew where it has grown by a coding."""
        size = entry.size
        _, before = self._held.pop(key, (entry, 0))
        self.size -= before
        if size <= self.most:
            self._held[key] = (entry, size)
            self.size += size
        while self.size > self.most:
            _, (_, gone) = self._held.popitem(last=False)
            self.size -= gone
            GONE[Kept.MEMORY].inc()
        HELD[Kept.MEMORY].set(self.size)
        ENTRIES.set(len(self._held))
