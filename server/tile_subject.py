"""What a command makes tiles of: a layer as the public sees it, in the edition in force."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from config.loader import catalogue_folders
from config.settings import Settings
from config.vocabulary import GeometryKind
from processes.workflows.tile_walk import Walk, drawn
from providers.access import Scope
from providers.database import Pools, open_pools
from providers.errors import CannotRun, NotFound, Refused, StoreTimeout, StoreUnavailable
from providers.grids import Bounds, Grid, TileAddress
from providers.overview_sources import Drawn
from providers.tile_presence import presence_of
from providers.tile_sources import Tile
from providers.tiles import TileQuery
from server.app import BUILD
from server.extents import visible_extent
from server.instance import Instance
from server.keeper import SnapshotKeeper
from server.snapshot import Resolved, Snapshot
from server.tileset_facts import Part

AT_ONCE = 4  # tiles that the database makes at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class TileSubject:
    """A layer whose tiles are made, and the state of the instance that they are made from."""

    snapshot: Snapshot
    resolved: Resolved
    box: Bounds
    grid: Grid
    zooms: range

    @property
    def scope(self) -> Scope:
        return self.snapshot.anonymous.scope

    @property
    def part(self) -> Part:
        return Part(resolved=self.resolved, box=self.box, overview=self.resolved.overview)

    @property
    def walk(self) -> Walk:
        present = presence_of(
            self.snapshot.store, self.resolved.layer, self.resolved.edition, self.scope
        )
        return Walk(grid=self.grid, box=self.box, zooms=self.zooms, occupied=present)

    def revision(self, zoom: int) -> int | None:
        """The revision that tiles of a zoom show; None: the rows of an external layer have none."""
        state, overview = self.resolved.state, self.part.overview
        if overview is not None and overview.source(zoom).drawn is not Drawn.ROWS:
            return overview.revision
        return None if state is None else state.revision

    async def draw(self, address: TileAddress) -> Tile:
        """The tile as the public is given it."""
        resolved, part = self.resolved, self.part
        query = TileQuery(address=address)
        try:
            return await self.snapshot.store.tile(
                resolved.layer, resolved.edition, query, self.scope, overview=part.overview
            )
        except StoreTimeout:
            place = f"{address.level}/{address.row}/{address.column}"
            raise Refused(
                f"The tile {place} of {self.grid.id} took the database too long; name greater zooms"
                " (--zoom 8-14), or give the layer an overview (tiles: {overview: true})."
            ) from None

    def drawn(self, empty: Callable[[int], None]) -> AsyncIterator[tuple[TileAddress, Tile]]:
        """Every tile that may hold something, in the order of the walk."""
        return drawn(self.walk.tiles(empty), self.draw, ahead=AT_ONCE)


@asynccontextmanager
async def pools_of(one: Instance) -> AsyncIterator[Pools]:
    """The connections of a command that makes tiles; a lost database is one plain sentence."""
    try:
        async with open_pools(one.url, readers=AT_ONCE, writers=1) as pools:
            yield pools
    except StoreUnavailable as error:
        raise CannotRun(f"The database does not answer: {error}.") from error


async def subject_of(
    one: Instance,
    settings: Settings,
    pools: Pools,
    name: str,
    *,
    grid: Grid,
    zooms: range,
    box: Bounds | None,
) -> TileSubject:
    """The layer of this name or LAYER.EDITION, as everybody may see it now.

    Raises
    ------
    Refused
        Where there is no such layer for everybody, it has no place, or nothing of it lies there.
    """
    keeper = SnapshotKeeper(one.catalogue, pools, one.url, BUILD, catalogue_folders(settings))
    await keeper.refresh()
    snapshot = keeper.current
    scope = snapshot.anonymous.scope
    try:
        resolved = snapshot.resolve(name, None, scope)
    except NotFound:
        raise Refused(_unknown(snapshot, name)) from None
    if resolved.layer.geometry is GeometryKind.NONE:
        raise Refused(f"{name} is a table without geometry: it has no tiles.")
    if not resolved.answers:
        raise Refused(f"No edition of {name} is in force today (onemap editions {name}).")
    extent = await visible_extent(snapshot, resolved, scope)
    if extent is None:
        raise Refused(f"{name} has no features with a place.")
    within = extent if box is None else _common(extent, box)
    if within is None:
        raise Refused(f"Nothing of {name} lies in the box: its extent is {_sides(extent)}.")
    return TileSubject(snapshot=snapshot, resolved=resolved, box=within, grid=grid, zooms=zooms)


def _unknown(snapshot: Snapshot, name: str) -> str:
    layer, _, edition = name.partition(".")
    if layer not in snapshot.catalogue.layers:
        known = ", ".join(sorted(snapshot.catalogue.layers)) or "none"
        return f"The catalogue has no layer {layer!r}; it has: {known}."
    if not snapshot.anonymous.scope.sees(snapshot.catalogue.layers[layer]):
        return f"{layer} is not public: tiles are made ahead and exported for everybody only."
    return f"{layer} has no published edition {edition!r} (onemap editions {layer})."


def _common(one: Bounds, other: Bounds) -> Bounds | None:
    west, south = max(one[0], other[0]), max(one[1], other[1])
    east, north = min(one[2], other[2]), min(one[3], other[3])
    return (west, south, east, north) if west <= east and south <= north else None


def _sides(box: Bounds) -> str:
    return ",".join(f"{value:.6g}" for value in box)
