"""Tiles made ahead: each is asked of the cache as a server asks it, so that it finds them there."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from processes.workflows.tile_walk import drawn
from providers.errors import Refused
from providers.grids import TileAddress
from providers.tile_sources import Tile
from providers.tiles import TileQuery
from server.tile_cache import TileCache
from server.tile_disk import KEPT
from server.tile_memory import MIB, Entry
from server.tile_subject import AT_ONCE, TileSubject
from server.tiles import wanted_tile


@dataclass(slots=True)
class Seeded:
    """What came of the tiles that were asked for; those that lay there already are not made."""

    tiles: int = 0
    made: int = 0
    bytes: int = 0


async def seeded(
    cache: TileCache, subject: TileSubject, store_mb: int, passed: Callable[[int], None]
) -> Seeded:
    """Every tile of the subject in the cache's files; begun again, it goes on where it stopped.

    Raises
    ------
    Refused
        Where the files would be more than the store may hold: later ones would push out earlier.
    """
    found, most = Seeded(), int(store_mb * MIB * KEPT)

    async def ask(address: TileAddress) -> Entry | None:
        query = TileQuery(address=address)
        wanted = wanted_tile(subject.snapshot, subject.resolved, query, subject.scope)
        if wanted is None:
            return None

        async def make() -> Tile:
            tile = await subject.draw(address)
            found.made += bool(tile.content)
            return tile

        return await cache.tile(replace(wanted, make=make))

    async for _, entry in drawn(subject.walk.tiles(passed), ask, ahead=AT_ONCE):
        passed(1)
        if entry is not None and entry.content:
            found.tiles += 1
            found.bytes += len(entry.content)
        if found.bytes > most:
            raise Refused(
                f"The store may hold {store_mb:,} MB of tiles (ONEMAP_TILE_STORE_MB); these are"
                f" more: {found.tiles:,} lie there now. Name fewer zooms, or a --bbox."
            )
    return found
