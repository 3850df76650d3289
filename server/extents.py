"""Where a caller's data lie, in space and in time, without a look at the rows."""

from config.vocabulary import EditionStatus, GeometryKind
from providers.access import ALL, Scope
from providers.editions import (
    EditionState,
    beginning_in_china,
    end_of_day_in_china,
)
from providers.external_table import described
from providers.layers import Box
from providers.region_extents import RegionExtents, extents_within
from server.snapshot import Resolved, Snapshot

type Interval = list[str | None]


async def visible_extent(snapshot: Snapshot, resolved: Resolved, scope: Scope) -> Box | None:
    """The bounds of the rows that the caller may see; None where there are none, or not known.

    An area in a scope is met by the rows alone: they are looked at, once for each revision.
    """
    layer, state = resolved.layer, resolved.state
    if layer.geometry is GeometryKind.NONE or not resolved.answers:
        return None
    if layer.external is not None:  # of part of its rows it is not known
        everything = scope.regions is ALL and scope.areas is ALL
        return described(layer).extent if everything else None
    if state is None:
        return None
    if layer.id in snapshot.results:
        return state.extent
    if scope.areas is not ALL:
        return await snapshot.store.extent(layer, state.edition.key, state.revision, scope)
    if scope.regions is ALL:
        return state.extent
    within = await _within(snapshot, scope.regions)
    return within.get((layer.id, state.edition.key))


def in_force(resolved: Resolved, states: tuple[EditionState, ...]) -> list[EditionState]:
    """The editions that the collection answers with, oldest first: one if the id names it."""
    if resolved.pinned:
        return [resolved.state] if resolved.state else []
    held = (s for s in states if s.edition.status is EditionStatus.IN_FORCE)
    return sorted(held, key=lambda s: (s.edition.valid_from, s.edition.key))


def intervals(states: list[EditionState]) -> list[Interval]:
    """The time that the editions cover in all, and before several of them the time of each."""
    ends = [s.edition.valid_to for s in states]
    until = max((end for end in ends if end is not None), default=None)
    if not states:
        return []
    each: list[Interval] = [
        [
            beginning_in_china(s.edition.valid_from).isoformat(),
            end_of_day_in_china(end).isoformat(timespec="seconds") if end else None,
        ]
        for s, end in zip(states, ends, strict=True)
    ]
    last = None if None in ends or until is None else end_of_day_in_china(until)
    whole: Interval = [each[0][0], last.isoformat(timespec="seconds") if last else None]
    return [whole] if len(each) == 1 else [whole, *each]


async def _within(snapshot: Snapshot, regions: tuple[str, ...]) -> RegionExtents:
    """What these regions hold: read once as long as no edition is published."""
    held = snapshot.kept.get(("within", regions))
    if held is not None and held[0] is snapshot.editions:
        found: RegionExtents = held[1]
        return found
    async with snapshot.store.pools.reading() as connection:
        found = await extents_within(connection, regions)
    return snapshot.keep(("within", regions), snapshot.editions, lambda: found)
