"""What the server knows at one moment: catalogue, editions, regions; swapped whole on NOTIFY."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from config.model import Catalogue, Layer
from config.vocabulary import LAYER_ID, EditionKey, LayerId
from providers.access import Principal, Scope, anonymous, scope_of
from providers.editions import (
    EditionState,
    Window,
    beginning_in_china,
    edition_in,
    published,
    today,
)
from providers.errors import BadParameter, NotFound, StoreUnavailable
from providers.external_table import described, is_described
from providers.keys import KeyRecord
from providers.layers import LayerStore
from providers.overview_sources import Overview
from providers.regions import expand

EPOCH = datetime.fromtimestamp(0, UTC)
MAX_KEPT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a collection id means: its layer, and the edition that answers, if one is in force."""

    layer: Layer
    state: EditionState | None
    pinned: bool  # the id names the edition
    at: int | None = None  # the revision that answers; None: the current one
    taken: Overview | None = None  # of an external layer

    @property
    def id(self) -> str:
        return (
            f"{self.layer.id}.{self.state.edition.key}"
            if self.pinned and self.state
            else self.layer.id
        )

    @property
    def edition(self) -> EditionKey | None:
        return self.state.edition.key if self.state else None

    @property
    def overview(self) -> Overview | None:
        """What its tiles of the small scales are drawn from; None: from the rows."""
        return self.taken if self.state is None else self.state.overview

    @property
    def answers(self) -> bool:
        """Whether there are rows to ask for: an edition in force, or a table that is not ours."""
        return self.state is not None or self.layer.external is not None

    def superseded(self, revision: int) -> "Resolved":
        """The same, now that the database has told of a newer revision."""
        state = self.state and replace(self.state, revision=revision)
        return replace(self, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An immutable view; every request reads exactly one."""

    catalogue: Catalogue
    store: LayerStore
    build: str
    editions: Mapping[LayerId, tuple[EditionState, ...]] = field(default_factory=dict)
    region_paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    taken_at: datetime = EPOCH  # when this catalogue was taken: titles and links are its own
    loaded_at: datetime | None = None  # None: the database has not answered yet
    taken: Mapping[str, Overview] = field(default_factory=dict)  # of external layers, as they serve
    results: Mapping[LayerId, Layer] = field(default_factory=dict)  # that one request is about
    anonymous: Principal = field(init=False)  # the caller without a key
    # since when a layer answers so, as it was worked out on a day
    turns: dict[tuple[LayerId, date], datetime] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        nobody = anonymous(self.catalogue.roles["anonymous"], self._public)
        object.__setattr__(self, "anonymous", nobody)

    kept: dict[Hashable, tuple[object, Any]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def resolve(self, collection: str, window: Window | None, scope: Scope) -> Resolved:
        """The layer and edition behind an id; NotFound for what is not there or not visible."""
        layer = self.layer(collection, scope)
        if layer.external is not None:
            return Resolved(layer=layer, state=None, pinned=False, taken=self.taken.get(layer.id))
        return _chosen(layer, collection, self.states(layer, scope), window)

    async def resolve_as_of(
        self, collection: str, window: Window | None, moment: datetime, scope: Scope
    ) -> Resolved:
        """The same by what was recorded until *moment*: an edition of later was not there yet.

        Raises
        ------
        BadParameter
            For an external layer: what its table was is not recorded.
        """
        layer = self.layer(collection, scope)
        if layer.id in self.results:  # it never changes
            found = self.resolve(collection, window, scope)
            made = found.state is not None and found.state.updated <= moment
            return found if made else replace(found, state=None)
        if layer.external is not None:
            raise BadParameter(
                "asOf",
                moment.isoformat(),
                f"the parameter left out: {layer.id} shows a table that OneMap does not keep, and"
                " earlier states of it are not recorded",
            )
        then = published(await self.store.editions_as_of(layer.id, moment), scope.ceiling)
        key = collection.partition(".")[2]
        if key and all(s.edition.key != key for s in then):
            return replace(self.resolve(collection, window, scope), state=None)
        found = _chosen(layer, collection, then, window)
        return replace(found, at=found.state.revision if found.state else None)

    async def resolve_at(
        self, resolved: Resolved, edition: str, revision: int, scope: Scope, window: Window | None
    ) -> Resolved | None:
        """The edition at a revision of a page that was given before; None: there was no such page.

        A newer edition that came into force in between does not change what is being read.
        """
        layer = resolved.layer
        held = self.states(layer, scope) if resolved.at is None and not resolved.pinned else ()
        known = (resolved.state, *(s for s in held if s.edition.holds_in(window or today())))
        state = next((s for s in known if s is not None and s.edition.key == edition), None)
        if state is None or not 0 < revision <= (resolved.at or revision):
            return None
        if revision >= state.revision:
            return replace(resolved, state=state)
        then = await self.store.edition_at(layer.id, state.edition.key, revision)
        if then is None or not published([then], scope.ceiling):
            return None
        return replace(resolved, state=then, at=revision)

    def layer(self, collection: str, scope: Scope) -> Layer:
        """The layer behind an id.

        Raises
        ------
        NotFound
            Where there is none, or none for this caller.
        LayerUnavailable
            For an external layer whose table cannot be shown now.
        """
        name, dot, edition = collection.partition(".")
        if dot and not edition:
            raise NotFound("collection", collection)
        if (result := self.results.get(LayerId(name))) is not None:
            return result
        layer = self._layers.get(name) if LAYER_ID.fullmatch(name) else None
        if layer is None or not scope.sees(layer) or (dot and layer.external is not None):
            raise NotFound("collection", collection)
        if layer.external is not None:
            described(layer)
        return layer

    def states(self, layer: Layer, scope: Scope) -> tuple[EditionState, ...]:
        """The layer's editions, newest first; what is not yet in force is an internal matter."""
        return published(self.editions.get(layer.id, ()), scope.ceiling)

    def modified(self, layer: Layer) -> datetime | None:
        """Since when the layer answers as it does now; None: nothing tells.

        An edition changes what is answered when it is published, when it comes into force and when
        it is over.
        """
        if layer.external is not None:
            return None
        now = today().start
        if (known := self.turns.get((layer.id, now))) is not None:
            return known
        states = self.editions.get(layer.id, ())
        begun = [s.edition.valid_from for s in states if s.edition.valid_from <= now]
        ends = [s.edition.valid_to for s in states if s.edition.valid_to is not None]
        over = [end + timedelta(days=1) for end in ends if end < now]
        turns = [beginning_in_china(day) for day in (*begun, *over)]
        found = max([self.taken_at, *(s.updated for s in states), *turns])
        self.turns[layer.id, now] = found
        return found

    def visible(self, scope: Scope) -> list[Layer]:
        """The layers that the caller may see and that answer, in the order of the resource tree."""
        layers = self._layers

        def place(layer: Layer) -> tuple[list[tuple[int, str]], str]:
            return [(t.order, t.id) for t in self.catalogue.branch(layer.theme)], layer.id

        ordered = self.keep("order", self.catalogue, lambda: sorted(layers.values(), key=place))
        seen = [layer for layer in ordered if scope.sees(layer) and is_described(layer)]
        return [*seen, *self.results.values()]

    def keep[T](self, name: Hashable, basis: object, build: Callable[[], T]) -> T:
        """What *build* makes of *basis*: made once, and anew when the basis is another."""
        held = self.kept.get(name)
        if held is None or held[0] is not basis:
            if len(self.kept) >= MAX_KEPT:
                self.kept.clear()
            held = self.kept[name] = (basis, build())
        return cast(T, held[1])

    def with_layers(self, layers: Mapping[str, Layer]) -> "Snapshot":
        """The same with external layers as they were found; other statements where one changed."""
        held = {name: self.catalogue.layers.get(name) for name in layers}
        catalogue = self.catalogue.with_layers(layers)
        same = held == dict(layers)
        store = self.store if same else LayerStore(self.store.pools)
        return replace(self, catalogue=catalogue, store=store)

    @property
    def _layers(self) -> Mapping[str, Layer]:
        """The layers; who may see which is not known before the run-time edits are."""
        if self.loaded_at is None:
            raise StoreUnavailable("the catalogue is not loaded yet")
        return self.catalogue.layers

    @property
    def _public(self) -> frozenset[str]:
        """The processes that everybody may call."""
        return frozenset(p.id for p in self.catalogue.processes.values() if p.public)

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


def _chosen(
    layer: Layer, collection: str, states: Sequence[EditionState], window: Window | None
) -> Resolved:
    key = collection.partition(".")[2]
    if not key:
        return Resolved(layer=layer, state=edition_in(states, window or today()), pinned=False)
    state = next((s for s in states if s.edition.key == EditionKey(key)), None)
    if state is None:
        raise NotFound("collection", collection)
    if window is not None and not state.edition.holds_in(window):
        return Resolved(layer=layer, state=None, pinned=True)
    return Resolved(layer=layer, state=state, pinned=True)
