"""Whether a layer has anything in a box: what tiles that are made in bulk need not ask for."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, INTEGER

from config.model import Layer
from config.vocabulary import EditionKey
from providers.access import Scope
from providers.grids import Bounds
from providers.layers import LayerStore
from providers.relations import Relation, relation_of
from providers.tiles import SIDES

type Present = Callable[[Bounds], Awaitable[bool]]


def presence_of(
    store: LayerStore, layer: Layer, edition: EditionKey | None, scope: Scope
) -> Present:
    """A question to the index: whether rows that the scope lets through meet a box of degrees."""

    async def ask(box: Bounds) -> bool:
        sides = {f"window_{side}": value for side, value in zip(SIDES, box, strict=True)}
        rows = await store.fetch(
            layer,
            ("present", edition, scope.shape),
            lambda: presence_statement(relation_of(layer, edition, past=False), scope),
            {**sides, **scope.parameters},
        )
        return bool(rows[0][0])

    return ask


def presence_statement(relation: Relation, scope: Scope) -> Select[Any]:
    """How many rows meet the bound window, counted to one."""
    window = relation.moved_window(
        *(bindparam(f"window_{side}", type_=DOUBLE_PRECISION) for side in SIDES)
    )

    def met(rows: FromClause) -> list[ColumnElement[bool]]:
        return [rows.c.geom.op("&&")(window), relation.visible(scope, rows)]

    one = relation.first(["fid"], met, lambda _: [], literal(1, INTEGER))
    return select(func.count()).select_from(one)
