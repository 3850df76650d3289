"""One read of a layer's rows in parts that all see the same state, however long it takes.

Each part is a statement of its own on a connection that is given back at once. What was published
in between does not show: the parts after the first read the revision that the first one saw.
"""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from typing import Protocol

from config.model import Layer
from config.vocabulary import EditionKey
from providers.access import Scope
from providers.editions import Window
from providers.features import FeatureQuery
from providers.layers import LayerStore
from providers.ordering import parse_position
from server.cursors import Cursor
from server.snapshot import Resolved, Snapshot

CHUNK = 1_000  # rows of one statement


class Part(Protocol):
    """What a statement gave: how many rows, where the next ones begin, of which state."""

    @property
    def count(self) -> int: ...
    @property
    def next_after(self) -> str | None: ...
    @property
    def revision(self) -> int | None: ...


class Read[P: Part](Protocol):
    """How a part is read from the store."""

    def __call__(
        self,
        store: LayerStore,
        layer: Layer,
        edition: EditionKey | None,
        query: FeatureQuery,
        scope: Scope,
        /,
        *,
        at: int | None,
    ) -> Awaitable[P]: ...


@dataclass(frozen=True, slots=True)
class Pin:
    """The edition and revision that the parts before were read from."""

    edition: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Which rows of which state of a layer are read, and for whom."""

    snapshot: Snapshot
    resolved: Resolved
    query: FeatureQuery
    caller: Scope
    window: Window | None = None
    cursor: Cursor | None = None  # where it begins: a cursor of a reader
    pin: Pin | None = None  # what it began with

    @property
    def layer(self) -> Layer:
        return self.resolved.layer


async def read_part[P: Part](reading: Reading, read: Read[P]) -> tuple[Reading, P]:
    """One part, and the reading as it goes on: pinned to what the part was read from.

    Raises
    ------
    BadParameter
        For a cursor of a state that never was.
    """
    store, layer = reading.snapshot.store, reading.layer
    query, caller, resolved = reading.query, reading.caller, reading.resolved
    pin = reading.pin
    if pin is None and reading.cursor is not None:
        pin = Pin(reading.cursor.edition, reading.cursor.revision)
    if pin is None or layer.external is not None:
        part = await read(store, layer, resolved.edition, query, caller, at=resolved.at)
        return _pinned(reading, resolved, part), part
    snapshot, window = reading.snapshot, reading.window
    seen = await snapshot.resolve_at(resolved, pin.edition, pin.revision, caller, window)
    if seen is None:
        raise _gone(reading)
    part = await read(store, layer, seen.edition, query, caller, at=seen.at)
    if part.revision == pin.revision:
        return _pinned(reading, seen, part), part
    if (part.revision or 0) < pin.revision:
        raise _gone(reading)
    # what is known here of the newest revision is older than what the statement saw
    newer = seen.superseded(part.revision or 0)
    past = await snapshot.resolve_at(newer, pin.edition, pin.revision, caller, window)
    if past is None:
        raise _gone(reading)
    part = await read(store, layer, past.edition, query, caller, at=past.at)
    return _pinned(reading, past, part), part


async def read_on[P: Part](
    reading: Reading, read: Read[P], part: P, left: int, *, chunk: int = CHUNK
) -> AsyncIterator[P]:
    """The parts behind *part*, at most *left* rows, all of the state that *reading* is pinned to."""
    while part.next_after is not None and left > 0:
        position = parse_position(reading.layer, reading.query.order, part.next_after)
        if position is None:  # without it the rows would begin anew
            raise LookupError(f"{reading.layer.id}: no position is {part.next_after}")
        limit = min(left, chunk)
        query = replace(reading.query, after=position, offset=0, limit=limit)
        reading, part = await read_part(replace(reading, query=query), read)
        yield part
        left -= part.count


async def chunks[P: Part](
    reading: Reading, read: Read[P], total: int, *, chunk: int = CHUNK
) -> AsyncIterator[P]:
    """The first *total* rows of a reading in parts, all of one state; at least one part."""
    query = replace(reading.query, limit=min(total, chunk))
    reading, part = await read_part(replace(reading, query=query), read)
    yield part
    async for further in read_on(reading, read, part, total - part.count, chunk=chunk):
        yield further


def _pinned(reading: Reading, resolved: Resolved, part: Part) -> Reading:
    if part.revision is None or resolved.edition is None:
        return replace(reading, resolved=resolved)
    return replace(reading, resolved=resolved, pin=Pin(resolved.edition, part.revision))


def _gone(reading: Reading) -> Exception:
    if reading.cursor is not None:
        return reading.cursor.refused()
    return LookupError(f"{reading.layer.id}: revision {reading.pin} is not there")
