"""Keeps the snapshot in step: catalogue on `reload` and edits, editions and regions on publication."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import structlog
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from config.loader import CatalogueError
from config.merging import changes
from config.model import Catalogue
from providers.catalogue_edits import CHANNEL as CATALOGUE_CHANNEL
from providers.catalogue_edits import read_catalogue
from providers.database import Pools
from providers.editions import list_editions
from providers.layers import LayerStore
from providers.listening import listen
from providers.regions import CHANNEL, REGION_PATHS
from providers.taken_overviews import list_taken, standing
from server.external_layers import external_layers
from server.snapshot import Snapshot

log = structlog.get_logger()

RECONNECT_S = 2.0
REFRESH_S = 60.0
SETTLE_S = 0.05  # what is announced within this time is read once


class SnapshotKeeper:
    """Holds the current snapshot and replaces it when the database says that something changed."""

    def __init__(
        self, catalogue: Catalogue, pools: Pools, url: str, build: str, folders: Sequence[Path]
    ) -> None:
        self._pools, self._url, self._folders = pools, url, tuple(folders)
        self._declared = catalogue  # as files and edits say it; the current one knows more
        self.current = Snapshot(
            catalogue=catalogue, store=LayerStore(pools), build=build, taken_at=datetime.now(UTC)
        )

    async def refresh(self) -> None:
        """Read editions and regions anew and swap the snapshot."""
        self.current = await self._with_states(self.current)

    async def reload(self) -> None:
        """Read files and edits anew and swap the snapshot; a catalogue with findings is not taken."""
        try:
            catalogue, conflicts = await asyncio.to_thread(read_catalogue, self._url, self._folders)
        except CatalogueError as error:
            log.error("catalogue_refused", findings=list(error.findings))
            if self.current.loaded_at is not None:
                await self.refresh()
            return
        for conflict in conflicts:
            log.warning("catalogue_edit_set_aside", conflict=str(conflict))
        new = self.current
        if catalogue != self._declared:
            # statements are compiled from layers: what was compiled from the old goes with them
            store = LayerStore(self._pools)
            new = replace(new, catalogue=catalogue, store=store, taken_at=datetime.now(UTC))
        self.current = await self._with_states(new)
        differing = changes(self._declared.digests, catalogue.digests)
        self._declared = catalogue
        log.info(
            "catalogue_taken",
            digest=catalogue.digest,
            added=len(differing.added),
            changed=len(differing.changed),
            removed=len(differing.removed),
        )

    async def follow(self) -> None:
        """Read anew on every notification; after a lost connection everything is read again."""
        await listen(self._url, CHANNEL, CATALOGUE_CHANNEL, hear=self._hear, retry_s=RECONNECT_S)

    async def _hear(self, connection: AsyncConnection[TupleRow]) -> None:
        await self._logged(self.reload)
        while True:  # a notification that was lost is made up for within a minute
            channels = await _notified(connection)
            unread = CATALOGUE_CHANNEL in channels or self.current.loaded_at is None
            await self._logged(self.reload if unread else self.refresh)

    async def _with_states(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the editions and regions of this moment."""
        async with self._pools.reading() as connection:
            states = await list_editions(connection)
            paths = await (await connection.execute(REGION_PATHS)).fetchall()
            taken = await list_taken(connection)
        grouped = groupby(states, key=lambda s: s.edition.layer)
        fresh = replace(
            snapshot,
            editions={layer: tuple(group) for layer, group in grouped},
            region_paths={code: tuple(path) for code, path in paths},
            loaded_at=datetime.now(UTC),
        )
        found = fresh.with_layers(await external_layers(self._url, fresh.catalogue))
        return replace(found, taken=standing(taken, found.catalogue.layers))

    async def _logged(self, read: Callable[[], Awaitable[None]]) -> None:
        try:
            await read()
        except Exception as error:
            log.error("snapshot_refresh_failed", error=type(error).__name__)
            raise OSError("refresh failed") from error
        log.debug("snapshot_loaded", layers=len(self.current.editions))


async def _notified(connection: AsyncConnection[TupleRow]) -> set[str]:
    """The channels that spoke within a minute; what follows at once is one change."""
    channels = {n.channel async for n in connection.notifies(timeout=REFRESH_S, stop_after=1)}
    channels |= {n.channel async for n in connection.notifies(timeout=SETTLE_S)}
    return channels
