"""Overviews of external tables: taken from the rows as they are at one moment, where asked for.

What was taken is stored as that of an edition which is never published, under a number that no
other has: it never changes, and the next one is made beside it. It serves as long as the layer is
what it was made of. Rows are read with the serving role's rights, so that it holds nothing that
this role may not read.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection, Connection, errors
from psycopg.rows import TupleRow

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey, GeometryKind, LayerId
from providers.external import described_now
from providers.external_rows import as_ours
from providers.external_table import ExternalRefused, described, is_described
from providers.overview_choice import FEW_FEATURES, recipe
from providers.overview_sources import Overview, Taken, stored_overview
from providers.taken_rows import count_rows, table_version

TAKEN = """
SELECT layer, edition, taken_at, features, table_version, coalesce(looked_at, taken_at),
    revision, classes_below, levels, omitted, recipe
FROM onemap.overview WHERE taken_at IS NOT NULL ORDER BY layer, revision
"""
LOOKED = """
UPDATE onemap.overview SET looked_at = now() WHERE edition = ANY(%s) AND taken_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the tables of external layers were found to need."""

    due: list[Layer] = field(default_factory=list)  # as they are described now
    same: list[EditionKey] = field(default_factory=list)  # their hours are over, nothing changed


def takes_overview(layer: Layer) -> bool:
    """Whether an overview of this external layer is asked for."""
    return layer.external is not None and layer.tiles.overview


def taken_recipe(layer: Layer) -> str:
    """What an overview of a described external layer depends on beside the rows."""
    table = described(layer)
    read = (table.schema, table.table, table.key_column, table.key_kind, table.view, layer.region)
    placed = (table.place, table.srid, table.curved, table.area)
    shown = [
        (f.code, f.type, name, table.types[name])
        for f, name in zip(layer.fields, table.shown, strict=True)
    ]
    said = repr((recipe(as_ours(layer)), read, placed, shown, table.definition))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def standing(held: Mapping[LayerId, Overview], layers: Mapping[str, Layer]) -> dict[str, Overview]:
    """Those that serve: asked for, not empty, and of the layer as it is found now."""
    return {
        name: overview
        for name, overview in held.items()
        if (layer := layers.get(name)) is not None
        and takes_overview(layer)
        and is_described(layer)
        and (overview.levels or overview.classes_below)
        and overview.recipe == taken_recipe(layer)
    }


async def list_taken(connection: AsyncConnection[TupleRow]) -> dict[LayerId, Overview]:
    """The newest of each layer, whether it serves or not."""
    return dict(map(_taken, await (await connection.execute(TAKEN)).fetchall()))


def list_taken_now(connection: Connection[TupleRow]) -> dict[LayerId, Overview]:
    """The same on a blocking connection."""
    return dict(map(_taken, connection.execute(TAKEN).fetchall()))


def due_tables(connection: Connection[TupleRow], catalogue: Catalogue) -> Looked:
    """The external layers whose overview is to be taken; *connection* has the serving rights."""
    held, looked = list_taken_now(connection), Looked()
    for declared in catalogue.layers.values():
        if not takes_overview(declared):
            continue
        try:
            layer = described_now(connection, declared)
        except ExternalRefused:  # whoever serves tells of it
            continue
        if layer.geometry is GeometryKind.NONE:
            continue
        overview = held.get(layer.id)
        taken = overview.taken if overview else None
        if overview is None or taken is None or overview.recipe != taken_recipe(layer):
            looked.due.append(layer)
        elif _over(layer, taken):
            version = _version(connection, layer)
            if version is None or version != taken.version:
                looked.due.append(layer)
            else:
                looked.same.append(taken.edition)
        elif taken.features < FEW_FEATURES and _many(connection, layer):
            looked.due.append(layer)
    return looked


def keep_looked(connection: Connection[TupleRow], looked: Looked) -> None:
    """Remember which tables have not changed, as the writer: their hours begin anew."""
    connection.execute(LOOKED, (looked.same,))


def _taken(row: TupleRow) -> tuple[LayerId, Overview]:
    layer, edition, at, features, version, looked_at, *columns = row
    taken = Taken(
        at=at,
        edition=EditionKey(edition),
        features=features,
        version=version,
        looked_at=looked_at,
    )
    overview = stored_overview(columns, taken)
    assert overview is not None
    return LayerId(layer), overview


def _over(layer: Layer, taken: Taken) -> bool:
    """Whether the hours are over after which the table is looked at."""
    hours = layer.tiles.overview_hours
    return hours is not None and datetime.now(UTC) - taken.looked_at >= timedelta(hours=hours)


def _version(connection: Connection[TupleRow], layer: Layer) -> str | None:
    try:
        with connection.transaction():
            return table_version(connection, layer)
    except errors.Error:  # not known, as where nothing tells
        return None


def _many(connection: Connection[TupleRow], layer: Layer) -> bool:
    """Whether a table that had too few rows for an overview has enough of them now."""
    try:
        with connection.transaction():
            return count_rows(connection, layer, FEW_FEATURES) >= FEW_FEATURES
    except errors.Error:
        return False
