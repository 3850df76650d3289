"""The layer store: pages, items, extents and tiles of one snapshot's layers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ClauseElement

from config.model import Layer
from config.vocabulary import EditionKey
from providers.access import Scope
from providers.database import Pools
from providers.dialect import Compiled, compile_sql
from providers.errors import NotFound
from providers.features import FeatureQuery, extent_statement, item_statement, page_statement
from providers.tables import edition_table
from providers.tiles import TileQuery, tile_statement

MAX_KEPT = 2_000
type Box = tuple[float, float, float, float]  # west, south, east, north in degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of features: GeoJSON texts joined by commas, and where the next page begins."""

    features: str
    count: int
    next_after: int | None
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One feature as GeoJSON text, and the hash of its content."""

    feature: str
    hash: str


@dataclass(frozen=True, slots=True)
class LayerStore:
    """Reads layers; statements are compiled once per shape and kept in a bounded cache.

    One store belongs to one catalogue snapshot: a changed specification is a new store.
    """

    pools: Pools
    statements: dict[tuple[Any, ...], Compiled] = field(default_factory=dict)
    extents: dict[tuple[Any, ...], Box | None] = field(default_factory=dict)

    async def page(
        self, layer: Layer, edition: EditionKey, query: FeatureQuery, scope: Scope
    ) -> Page:
        """The features of one edition that the query asks for and the scope lets through."""
        compiled = self._compiled(
            ("page", layer.id, edition, query.shape, scope.shape),
            lambda: page_statement(layer, edition_table(layer, edition), query, scope),
        )
        values = {**query.parameters, **scope.parameters, "layer": layer.id, "edition": edition}
        async with self.pools.reading() as connection:
            cursor = await connection.execute(compiled.text.encode(), compiled.binds(values))
            features, count, last, more, revision = await cursor.fetchone() or (None, 0, None, 0, 0)
        return Page(
            features=features or "",
            count=count,
            next_after=last if more else None,
            revision=revision,
        )

    async def item(self, layer: Layer, edition: EditionKey, om_id: str, scope: Scope) -> Item:
        """One feature by business id; NotFound also where the scope hides it."""
        compiled = self._compiled(
            ("item", layer.id, edition, scope.shape),
            lambda: item_statement(layer, edition_table(layer, edition), scope),
        )
        values = {"om_id": om_id, **scope.parameters}
        async with self.pools.reading() as connection:
            cursor = await connection.execute(compiled.text.encode(), compiled.binds(values))
            row = await cursor.fetchone()
        if row is None:
            raise NotFound("feature", om_id)
        return Item(feature=row[0], hash=row[1])

    async def extent(
        self, layer: Layer, edition: EditionKey, revision: int, scope: Scope
    ) -> Box | None:
        """The bounds of what the caller may see, in degrees; remembered for this revision."""
        remembered = (layer.id, edition, revision, scope.key())
        if remembered not in self.extents:
            compiled = self._compiled(
                ("extent", layer.id, edition, scope.shape),
                lambda: extent_statement(edition_table(layer, edition), scope),
            )
            async with self.pools.reading() as connection:
                cursor = await connection.execute(
                    compiled.text.encode(), compiled.binds(scope.parameters)
                )
                row = await cursor.fetchone()
            box = None if row is None or row[0] is None else (row[0], row[1], row[2], row[3])
            _remember(self.extents, remembered, box)
        return self.extents[remembered]

    async def tile(
        self, layer: Layer, edition: EditionKey, query: TileQuery, scope: Scope
    ) -> bytes:
        """One vector tile; empty bytes where nothing is drawn."""
        compiled = self._compiled(
            ("tile", layer.id, edition, scope.shape),
            lambda: tile_statement(layer, edition_table(layer, edition), scope),
        )
        values = {**query.parameters, **scope.parameters}
        async with self.pools.reading() as connection:
            cursor = await connection.execute(compiled.text.encode(), compiled.binds(values))
            row = await cursor.fetchone()
        return bytes(row[0]) if row and row[0] else b""

    def _compiled(self, key: tuple[Any, ...], build: Callable[[], ClauseElement]) -> Compiled:
        if (compiled := self.statements.get(key)) is None:
            compiled = compile_sql(build())
            _remember(self.statements, key, compiled)
        return compiled


def _remember[T](kept: dict[tuple[Any, ...], T], key: tuple[Any, ...], value: T) -> None:
    """Keep a value; beyond the bound the oldest goes."""
    while len(kept) >= MAX_KEPT:
        kept.pop(next(iter(kept)))
    kept[key] = value
