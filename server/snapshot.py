"""What the server knows at one moment: catalogue, editions, regions; swapped whole on NOTIFY."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby

import psycopg
import structlog
from psycopg import AsyncConnection

from config.model import Catalogue, Layer
from config.vocabulary import LAYER_ID, Classification, EditionKey, EditionStatus, LayerId
from providers.access import Principal, Scope, anonymous, scope_of
from providers.database import DatabaseRole, Pools, connection_options
from providers.editions import EditionState, Window, edition_in, list_editions, today
from providers.errors import NotFound
from providers.keys import KeyRecord
from providers.layers import LayerStore
from providers.regions import CHANNEL, REGION_PATHS, expand

log = structlog.get_logger()

RECONNECT_S = 2.0
REFRESH_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a collection id means now: its layer, and the edition that answers, if one is in force."""

    layer: Layer
    state: EditionState | None
    pinned: bool  # the id names the edition

    @property
    def id(self) -> str:
        return (
            f"{self.layer.id}.{self.state.edition.key}"
            if self.pinned and self.state
            else self.layer.id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An immutable view; every request reads exactly one."""

    catalogue: Catalogue
    store: LayerStore
    build: str
    editions: Mapping[LayerId, tuple[EditionState, ...]] = field(default_factory=dict)
    region_paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loaded_at: datetime | None = None  # None: the database has not answered yet

    def resolve(self, collection: str, window: Window | None, scope: Scope) -> Resolved:
        """The layer and edition behind an id; NotFound for what is not there or not visible."""
        name, dot, key = collection.partition(".")
        layer = self.catalogue.layers.get(name) if LAYER_ID.fullmatch(name) else None
        if layer is None or not scope.sees(layer):
            raise NotFound("collection", collection)
        states = self.states(layer, scope)
        if dot:
            state = next((s for s in states if s.edition.key == EditionKey(key)), None)
            if state is None:
                raise NotFound("collection", collection)
            if window is not None and not state.edition.holds_in(window):
                return Resolved(layer=layer, state=None, pinned=True)
            return Resolved(layer=layer, state=state, pinned=True)
        return Resolved(layer=layer, state=edition_in(states, window or today()), pinned=False)

    def states(self, layer: Layer, scope: Scope) -> tuple[EditionState, ...]:
        """The layer's editions, newest first; what is not yet in force is an internal matter."""
        internal = scope.ceiling.rank >= Classification.INTERNAL.rank
        published = (EditionStatus.IN_FORCE, EditionStatus.REPEALED)
        held = self.editions.get(layer.id, ())
        return tuple(s for s in held if internal or s.edition.status in published)

    def visible(self, scope: Scope) -> list[Layer]:
        """The layers that the caller may see, in the order of the resource tree."""
        layers = (layer for layer in self.catalogue.layers.values() if scope.sees(layer))
        return sorted(layers, key=lambda layer: (layer.theme.order, layer.theme.id, layer.id))

    @property
    def _public(self) -> frozenset[str]:
        """The processes that everybody may call."""
        return frozenset(p.id for p in self.catalogue.processes.values() if p.public)

    @property
    def anonymous(self) -> Principal:
        """The caller without a key."""
        return anonymous(self.catalogue.roles["anonymous"], self._public)

    def principal(self, record: KeyRecord) -> Principal | None:
        """Whom a key stands for; None where its role is no longer declared."""
        role = self.catalogue.roles.get(record.role)
        if role is None:
            return None
        scope = scope_of(
            role,
            public=self._public,
            regions=record.regions,
            expand=lambda codes: expand(self.region_paths, codes),
        )
        return Principal(
            id=record.id,
            organisation=record.organisation,
            person=record.person,
            role=record.role,
            scope=scope,
        )


class SnapshotKeeper:
    """Holds the current snapshot and replaces it when the database says that something changed."""

    def __init__(self, catalogue: Catalogue, pools: Pools, url: str, build: str) -> None:
        self._pools, self._url = pools, url
        self.current = Snapshot(catalogue=catalogue, store=LayerStore(pools), build=build)

    async def refresh(self) -> None:
        """Read editions and regions anew and swap the snapshot."""
        async with self._pools.reading() as connection:
            states = await list_editions(connection)
            paths = await (await connection.execute(REGION_PATHS)).fetchall()
        grouped = groupby(states, key=lambda s: s.edition.layer)
        self.current = replace(
            self.current,
            editions={layer: tuple(group) for layer, group in grouped},
            region_paths={code: tuple(path) for code, path in paths},
            loaded_at=datetime.now(UTC),
        )

    async def follow(self) -> None:
        """Refresh on every notification; after a lost connection everything is read again."""
        while True:
            with suppress(psycopg.Error, OSError):
                async with await AsyncConnection.connect(
                    self._url, autocommit=True, **connection_options(DatabaseRole.READER)
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    await self._refresh_logged()
                    while True:  # a notification that was lost is made up for within a minute
                        async for _ in connection.notifies(timeout=REFRESH_S, stop_after=1):
                            pass
                        await self._refresh_logged()
            log.warning("listener_lost", retry_s=RECONNECT_S)
            await asyncio.sleep(RECONNECT_S)

    async def _refresh_logged(self) -> None:
        try:
            await self.refresh()
        except Exception as error:
            log.error("snapshot_refresh_failed", error=type(error).__name__)
            raise OSError("refresh failed") from error
        log.debug("snapshot_loaded", layers=len(self.current.editions))
