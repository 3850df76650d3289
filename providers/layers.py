"""The layer store: pages, items, extents and tiles of one snapshot's layers."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow
from sqlalchemy import ClauseElement

from config.model import Layer
from config.vocabulary import EditionKey, LayerId
from providers.access import Scope
from providers.conditions import Condition, parameters, shapes
from providers.database import Pools
from providers.dialect import compile_shape
from providers.edition_history import edition_at, editions_as_of
from providers.editions import EditionState
from providers.errors import NotFound
from providers.external_table import Key, LayerUnavailable, described
from providers.features import (
    AS_STORED,
    FeatureQuery,
    Shown,
    count_statement,
    extent_statement,
    item_statement,
    page_statement,
)
from providers.overview_sources import Overview
from providers.reader import Planning
from providers.relations import Relation, relation_of
from providers.tile_reading import read_tile
from providers.tile_sources import Drawing, Tile, source_of
from providers.tiles import TileQuery

MAX_KEPT = 2_000
type Box = tuple[float, float, float, float]  # west, south, east, north in degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of features: JSON texts joined by commas, and where the next page begins."""

    features: bytes
    count: int
    next_after: str | None  # the position of its last row, where more follow
    revision: int | None  # None: the layer is external and has none
    version: str | None = None  # what an external layer has instead; None: nothing tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many features there are, and of which state."""

    number: int
    revision: int | None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One feature as JSON text, and the hash of its content."""

    feature: str
    hash: str


@dataclass(frozen=True, slots=True)
class LayerStore:
    """Reads layers; statements are compiled once per shape and kept in a bounded cache.

    One store belongs to one catalogue snapshot: a changed specification is a new store. An edition
    is read as it stands or, where `at` is given, as it was at that revision; an external layer has
    no edition (None) and no past.
    """

    pools: Pools
    statements: dict[tuple[Any, ...], bytes] = field(default_factory=dict)
    extents: dict[tuple[Any, ...], Box | None] = field(default_factory=dict)

    async def page(
        self,
        layer: Layer,
        edition: EditionKey | None,
        query: FeatureQuery,
        scope: Scope,
        *,
        at: int | None = None,
    ) -> Page:
        """The features that the query asks for and the scope lets through."""
        statement = self._statement(
            ("page", layer.id, edition, at is None, query.shape, scope.shape),
            lambda: page_statement(layer, _relation(layer, edition, at), query, scope),
        )
        values = {**query.parameters, **scope.parameters, **_state(layer, edition, at)}
        steady = query.steady and at is None and scope.everywhere
        planning = Planning.ONCE if steady else Planning.EACH
        row = await self._row(layer, statement, values, raw=True, planning=planning)
        features, count, last, more, version = row or (None, b"0", None, b"f", None)
        ours = layer.external is None
        return Page(
            features=features or b"",
            count=int(count),
            next_after=last.decode() if more == b"t" else None,
            revision=int(version or 0) if ours else None,
            version=None if ours or version is None else version.decode(),
        )

    async def count(
        self,
        layer: Layer,
        edition: EditionKey | None,
        conditions: Sequence[Condition],
        scope: Scope,
        *,
        at: int | None = None,
    ) -> Count:
        """How many features satisfy the conditions and are let through; read one by one."""
        statement = self._statement(
            ("count", layer.id, edition, at is None, shapes(conditions), scope.shape),
            lambda: count_statement(_relation(layer, edition, at), conditions, scope),
        )
        values = {**parameters(conditions), **scope.parameters, **_state(layer, edition, at)}
        number, version = await self._row(layer, statement, values) or (0, None)
        ours = layer.external is None
        return Count(
            number=number,
            revision=version or 0 if ours else None,
            version=None if ours else version,
        )

    async def item(
        self,
        layer: Layer,
        edition: EditionKey | None,
        om_id: str,
        scope: Scope,
        *,
        at: int | None = None,
        conditions: Sequence[Condition] = (),
        shown: Shown = AS_STORED,
    ) -> Item:
        """One feature by business id; NotFound also where the scope hides it."""
        named: Key | None = om_id
        if layer.external is not None:
            named = described(layer).key_kind.parse(om_id)
        if named is None:
            raise NotFound("feature", om_id)
        statement = self._statement(
            ("item", layer.id, edition, at is None, shown, shapes(conditions), scope.shape),
            lambda: item_statement(
                layer, _relation(layer, edition, at), scope, shown=shown, conditions=conditions
            ),
        )
        values = {"om_id": named, **scope.parameters, **parameters(conditions)}
        planning = Planning.EACH if conditions else Planning.ONCE
        values |= _state(layer, edition, at)
        row = await self._row(layer, statement, values, planning=planning)
        if row is None:
            raise NotFound("feature", om_id)
        return Item(feature=row[0], hash=row[1])

    async def extent(
        self, layer: Layer, edition: EditionKey, revision: int, scope: Scope
    ) -> Box | None:
        """The bounds of what the caller may see, in degrees; remembered for this revision."""
        remembered = (layer.id, edition, revision, scope.key())
        if remembered not in self.extents:
            statement = self._statement(
                ("extent", layer.id, edition, scope.shape),
                lambda: extent_statement(_relation(layer, edition, None), scope),
            )
            row = await self._row(layer, statement, scope.parameters)
            box = None if row is None or row[0] is None else (row[0], row[1], row[2], row[3])
            _remember(self.extents, remembered, box)
        return self.extents[remembered]

    async def tile(
        self,
        layer: Layer,
        edition: EditionKey | None,
        query: TileQuery,
        scope: Scope,
        *,
        at: int | None = None,
        overview: Overview | None = None,
    ) -> Tile:
        """One vector tile within its bounds, from the *overview* where that serves it."""
        source = source_of(query, scope, overview if at is None else None)
        if overview is not None and overview.taken is not None:
            edition = overview.taken.edition
        past = at is not None
        # near the ground every window is small: the index answers, whatever the values are
        steady = not (past or query.conditions or query.counted) and scope.everywhere
        planning = Planning.ONCE if steady else Planning.EACH

        async def ask(
            key: tuple[Hashable, ...], build: Callable[[], ClauseElement], values: Mapping[str, Any]
        ) -> TupleRow | None:
            statement = self._statement((layer.id, *key), build)
            binds = {**values, **_state(layer, edition, at)}
            return await self._row(layer, statement, binds, binary=True, planning=planning)

        return await read_tile(ask, Drawing(layer, edition, query, scope, past, source))

    async def editions_as_of(self, layer: LayerId, moment: datetime) -> list[EditionState]:
        """The layer's editions as they were recorded until *moment*, newest first."""
        async with self.pools.reading() as connection:
            return await editions_as_of(connection, layer, moment)

    async def edition_at(
        self, layer: LayerId, edition: EditionKey, revision: int
    ) -> EditionState | None:
        """The edition as it was recorded at a revision."""
        async with self.pools.reading() as connection:
            return await edition_at(connection, layer, edition, revision)

    async def fetch(
        self,
        layer: Layer,
        key: tuple[Hashable, ...],
        build: Callable[[], ClauseElement],
        values: Mapping[str, Any],
    ) -> list[TupleRow]:
        """All rows of a bounded statement that *build* makes once for its *key*."""
        statement = self._statement(("fetch", layer.id, *key), build)
        try:
            async with self.pools.reading() as connection:
                cursor = await connection.execute(statement, values)
                return await cursor.fetchall()
        except psycopg.Error as error:
            if layer.external is None:
                raise
            raise LayerUnavailable(layer.id, type(error).__name__) from error

    async def _row(
        self,
        layer: Layer,
        statement: bytes,
        values: Mapping[str, Any],
        *,
        raw: bool = False,
        binary: bool = False,
        planning: Planning = Planning.EACH,
    ) -> TupleRow | None:
        """The statement's first row; what a table that is not ours refuses is LayerUnavailable.

        With *raw* its values are bytes as they came: a page is never made characters of.
        """
        try:
            async with self.pools.reading(planning) as connection:
                cursor = connection.cursor()
                await cursor.execute(statement, values, binary=binary)
                return _as_it_came(cursor.pgresult) if raw else await cursor.fetchone()
        except psycopg.Error as error:
            if layer.external is None:
                raise
            raise LayerUnavailable(layer.id, type(error).__name__) from error

    def _statement(self, key: tuple[Any, ...], build: Callable[[], ClauseElement]) -> bytes:
        if (statement := self.statements.get(key)) is None:
            statement = compile_shape(build()).text.encode()
            _remember(self.statements, key, statement)
        return statement


def _as_it_came(result: PGresult | None) -> TupleRow | None:
    if result is None or not result.ntuples:
        return None
    return tuple(result.get_value(0, column) for column in range(result.nfields))


def _relation(layer: Layer, edition: EditionKey | None, at: int | None) -> Relation:
    return relation_of(layer, edition, past=at is not None)


def _state(layer: Layer, edition: EditionKey | None, at: int | None) -> dict[str, Any]:
    """The binds that name what a relation reads."""
    return {"layer": layer.id, "edition": edition, "at": at}


def _remember[T](kept: dict[tuple[Any, ...], T], key: tuple[Any, ...], value: T) -> None:
    """Keep a value; beyond the bound the oldest goes."""
    while len(kept) >= MAX_KEPT:
        kept.pop(next(iter(kept)))
    kept[key] = value
