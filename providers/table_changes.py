"""What a changed specification does to tables that hold rows already: additions, or a refusal."""

import time
from collections.abc import Iterator

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey, GeometryKind
from providers.database import DatabaseRole, connect
from providers.dialect import DIALECT
from providers.editions import list_editions_now
from providers.errors import Refused
from providers.overview_tables import ensure_overview
from providers.parts import complete_parts
from providers.tables import COLUMN_TYPES, CURRENT, HISTORY, PARTS, ensure_tables, partition_name

# Who reads waits behind us for the table's lock: shorter than any reader's statement timeout.
LOCK_WAIT_MS = 2_000
ATTEMPTS = 10
PAUSE_S = 0.5


class TablesInUse(Refused):
    """A table cannot be changed now because a load holds it."""


def incompatible(connection: Connection[TupleRow], catalogue: Catalogue) -> list[str]:
    """What the catalogue says otherwise than the tables that hold published rows; one sentence each."""
    return [
        finding
        for layer in _held(connection, catalogue)
        for finding in _contradictions(layer, _columns(connection, CURRENT, layer.id))
    ]


def make_tables(url: str, catalogue: Catalogue) -> list[str]:
    """Add to the tables of published editions what their specifications have gained, as the owner.

    Each edition in a transaction of its own that waits for the table only as long as its readers can.

    Returns
    -------
    The names of the editions whose tables were changed.

    Raises
    ------
    TablesInUse
        If a load held a table all the time.
    """
    made = []
    with connect(url, DatabaseRole.OWNER) as connection:
        wanting = [
            (layer, state.edition.key)
            for state in list_editions_now(connection)
            if (layer := _managed(catalogue, state.edition.layer)) is not None
            and _lacks(connection, layer, state.edition.key)
        ]
    for layer, edition in wanting:
        _patiently(url, layer, edition)
        made.append(f"{layer.id}.{edition}")
    return made


def _patiently(url: str, layer: Layer, edition: EditionKey) -> None:
    for attempt in range(ATTEMPTS):
        try:
            with connect(url, DatabaseRole.OWNER) as connection:
                connection.execute(
                    "SELECT set_config('lock_timeout', %s, true)", (f"{LOCK_WAIT_MS}ms",)
                )
                ensure_tables(connection, layer, edition)
                ensure_overview(connection, layer, edition)
                complete_parts(connection, layer, edition)
            return
        except psycopg.errors.LockNotAvailable as error:
            if attempt == ATTEMPTS - 1:
                raise TablesInUse(
                    f"The tables of {layer.id} are in use by a load; try again when it has ended."
                ) from error
            time.sleep(PAUSE_S)


def _held(connection: Connection[TupleRow], catalogue: Catalogue) -> Iterator[Layer]:
    """The managed layers that have published editions."""
    names = {state.edition.layer for state in list_editions_now(connection)}
    for name in sorted(names):
        if (layer := _managed(catalogue, name)) is not None:
            yield layer


def _managed(catalogue: Catalogue, name: str) -> Layer | None:
    layer = catalogue.layers.get(name)
    return layer if layer is not None and layer.external is None else None


def _contradictions(layer: Layer, present: dict[str, str]) -> Iterator[str]:
    for field in layer.fields:
        declared = COLUMN_TYPES[field.type].compile(dialect=DIALECT)
        wanted = declared.lower().partition(" collate")[0]  # as PostgreSQL itself writes it
        found = present.get(field.column)
        if found is not None and found != wanted:
            yield (
                f"layer {layer.id}: {field.code} is stored as {found} and the specification"
                f" {layer.specification.id} now says {wanted}; a published field keeps its type:"
                " give the field another code, or load the layer under another id."
            )
    found = present.get("geom")
    wanted_shape = (
        None if layer.geometry is GeometryKind.NONE else f"geometry({layer.geometry.postgis},4490)"
    )
    if present and found != wanted_shape:
        yield (
            f"layer {layer.id}: its rows carry {found or 'no geometry'} and the specification"
            f" {layer.specification.id} now says {wanted_shape or 'none'};"
            " load the layer under another id."
        )


def _lacks(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> bool:
    """Whether a column or a table of this edition is missing."""
    wanted = {field.column for field in layer.fields}
    names = [(CURRENT, layer.id), (HISTORY, layer.id)]
    if any(wanted - _columns(connection, schema, name).keys() for schema, name in names):
        return True
    return layer.subdivided and not _columns(connection, PARTS, partition_name(layer, edition))


def _columns(connection: Connection[TupleRow], schema: str, name: str) -> dict[str, str]:
    """The columns of a table and their types; empty where there is no such table."""
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = to_regnamespace(%s)"
        " AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        (schema, name),
    ).fetchall()
    return {row[0]: row[1] for row in rows}
