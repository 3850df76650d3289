"""One tile by as few statements as it needs: one, or more where it would be too full."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from psycopg.errors import UndefinedTable
from psycopg.rows import TupleRow
from sqlalchemy import ClauseElement

from config.model import Layer
from config.vocabulary import EditionKey
from providers.database import Pools
from providers.external_table import LayerUnavailable
from providers.grids import TileAddress
from providers.tile_sources import (
    ROWS,
    Answered,
    Drawing,
    Tile,
    touched_statement,
    window_of,
)
from providers.tiles import MAX_TILE_FEATURES, Form

type Key = tuple[Hashable, ...]
type Build = Callable[[], ClauseElement]
# A statement's first row, or all of its rows; the statement is built once for its key.
type Ask = Callable[[Key, Build, Mapping[str, Any]], Awaitable[TupleRow | None]]
type Fetch = Callable[[Layer, Key, Build, Mapping[str, Any]], Awaitable[list[TupleRow]]]


async def read_tile(ask: Ask, drawing: Drawing) -> Tile:
    """The tile within its bounds; from the rows where its overview is another by now."""
    form, most = drawing.begin, MAX_TILE_FEATURES
    while True:
        statement = partial(drawing.statement, form)
        try:
            row = await ask(("tile", *drawing.key(form)), statement, drawing.values(most))
        except (UndefinedTable, LayerUnavailable):  # the latter where a layer is external
            if drawing.source == ROWS:
                raise
            row = None
        if row is None or (row[1] is None and drawing.source != ROWS):
            if drawing.source == ROWS:
                raise LookupError(f"{drawing.layer.id}: no answer to a tile's statement")
            return await read_tile(ask, replace(drawing, source=ROWS))
        found = Answered(content=row[0] or b"", version=row[1], met=row[2], drawn=row[3])
        fewer = drawing.fewer(form, most, found)
        if fewer is None:
            return drawing.tile(form, most, found)
        form, most = Form.LARGEST, fewer


async def touched(
    fetch: Fetch, layer: Layer, edition: EditionKey, tile: TileAddress, after: int, until: int
) -> bool:
    """Whether revisions after one, up to another, changed anything that the tile draws."""
    values = {
        **window_of(tile),
        "layer": layer.id,
        "edition": edition,
        "zoom": tile.zoom,
        "after": after,
        "until": until,
    }
    rows = await fetch(layer, ("touched",), touched_statement, values)
    return bool(rows[0][0])


# A restored backup is another database although its revisions have the same numbers.
IDENTITY = """
SELECT (SELECT system_identifier FROM pg_control_system()),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    (SELECT timeline_id FROM pg_control_checkpoint())
"""


async def database_identity(pools: Pools) -> str:
    """What tells this database from every other, and from what it was before a restoration."""
    async with pools.reading() as connection:
        row = await (await connection.execute(IDENTITY)).fetchone()
    return "-".join(map(str, row or ()))
