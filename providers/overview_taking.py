"""Taking the overview of an external table, and taking it down; what is taken: `taken_overviews`."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from psycopg import Connection, errors, sql
from psycopg.rows import TupleRow

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey, GeometryKind, LayerId
from providers.database import DatabaseRole, sentence
from providers.errors import Refused
from providers.external_rows import as_ours
from providers.overview_omitted import count_omitted
from providers.overview_tables import analyse_overview, ensure_overview
from providers.overviews import hold, make_all
from providers.regions import CHANNEL
from providers.tables import CURRENT, MOSAIC, OVERVIEW, edition_name
from providers.taken_overviews import taken_recipe, takes_overview
from providers.taken_rows import create_rows, fill_rows, key_repeats, table_version

FREE_WITHIN_MS = 5_000  # for tiles that read what is taken down
LAG = timedelta(minutes=1)  # in which a server that missed a notification sees what is new
BEING_TAKEN = EditionKey("table")  # what names the lock: one at a time is taken of a table

REPLACED = """
SELECT layer, edition, lead(made_at) OVER (PARTITION BY layer ORDER BY revision) < now() - %s
FROM onemap.overview WHERE taken_at IS NOT NULL ORDER BY layer, revision
"""
# Rows that were copied by one that was killed: editions have no table like this.
COPIES = """
SELECT relname::text FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'
    AND relpersistence = 'u' AND NOT relispartition AND relname ~ '.__table_[0-9]+$'
"""
NUMBER = "SELECT nextval('onemap.taken_overview'), now()"
INDEXES = (
    "CREATE UNIQUE INDEX ON {current} (fid)",
    "CREATE INDEX ON {current} USING gist (geom)",
    "ANALYZE {current}",
)
# An edition that is never published; what was taken is deleted with it.
EDITION = """
INSERT INTO onemap.edition (layer, edition, title_zh, title_en, valid_from, status, issuer,
    document, specification_version, features)
SELECT %(layer)s, %(edition)s, '外部表', 'External table', current_date, 'draft', 'own', '',
    %(specification)s, count(*) FROM {current}
"""
TELL = """
UPDATE onemap.overview SET taken_at = %(at)s, made_at = clock_timestamp(),
    table_version = %(version)s, recipe = %(recipe)s
WHERE layer = %(layer)s AND edition = %(edition)s
"""
FORGET = "DELETE FROM onemap.edition WHERE layer = %s AND edition = %s AND revision = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """The rows of a table as they were at a moment, while an overview is made of them."""

    number: int
    at: datetime
    version: str | None  # what changes with the rows

    @property
    def edition(self) -> EditionKey:
        return EditionKey(f"table_{self.number}")


def copy_rows(connection: Connection[TupleRow], layer: Layer) -> Copied:
    """Copy the rows of a described external layer; the caller holds it (`overviews.hold`).

    Belongs into one short transaction that sees one state of the rows (repeatable read), as the
    writer: until its end the table cannot be emptied or altered. `drop_copy` belongs to it.

    Raises
    ------
    Refused
        Where the table has no place, a view's key repeats, or rows are not what they should be.
    """
    if layer.geometry is GeometryKind.NONE:
        raise Refused(f"{layer.id} has no overview: its table has no geometry.")
    number, at = connection.execute(NUMBER).fetchall()[0]
    copied = Copied(number=number, at=at, version=None)
    _become(connection, DatabaseRole.OWNER)
    create_rows(connection, layer, as_ours(layer), copied.edition)
    _become(connection, DatabaseRole.READER)
    try:
        if key_repeats(connection, layer):
            raise _repeating(layer)
        fill_rows(connection, layer, copied.edition)
    except errors.DataError as error:
        raise Refused(f"{layer.id} has no overview. {sentence(error)}") from error
    return replace(copied, version=table_version(connection, layer))


def take(connection: Connection[TupleRow], layer: Layer, copied: Copied) -> None:
    """Make the overview of rows that were copied, in one transaction, as the writer.

    Raises
    ------
    Refused
        Where the key repeats.
    """
    ours, edition = as_ours(layer), copied.edition
    current = edition_name(ours, edition)
    _become(connection, DatabaseRole.OWNER)
    try:
        for statement in INDEXES:
            connection.execute(sql.SQL(statement).format(current=current))
    except errors.UniqueViolation as error:
        raise _repeating(layer) from error
    ensure_overview(connection, ours, edition)
    _become(connection, DatabaseRole.WRITER)
    binds = {"layer": layer.id, "edition": edition}
    specification = {"specification": layer.specification.version}
    connection.execute(sql.SQL(EDITION).format(current=current), {**binds, **specification})
    make_all(connection, ours, edition, copied.number, partial(count_omitted, shown=layer))
    told = {"at": copied.at, "version": copied.version, "recipe": taken_recipe(layer)}
    connection.execute(TELL, {**binds, **told})
    _become(connection, DatabaseRole.OWNER)
    analyse_overview(connection, ours, edition)
    _become(connection, DatabaseRole.WRITER)
    connection.execute(f"NOTIFY {CHANNEL}")


def drop_copy(connection: Connection[TupleRow], layer: Layer, copied: Copied) -> None:
    """Remove the rows again, whether or not an overview was made of them."""
    _become(connection, DatabaseRole.OWNER)
    connection.execute(
        sql.SQL("DROP TABLE IF EXISTS {}").format(edition_name(layer, copied.edition))
    )


def take_down(
    connection: Connection[TupleRow], catalogue: Catalogue, only: LayerId | None = None
) -> dict[str, str]:
    """Remove what a newer one replaced a while ago, what nobody asks for, what a killed one left.

    *connection* is the owner's, in autocommit: each is removed in a transaction of its own. What is
    being read is left for the next time. *only*: of this layer.

    Returns
    -------
    Why the database refused to remove one, by its name.
    """
    doomed: list[tuple[str, str, tuple[str, ...]]] = [
        (name, edition, (OVERVIEW, MOSAIC))
        for name, edition, long_replaced in connection.execute(REPLACED, (LAG,)).fetchall()
        if long_replaced or not _asked(catalogue, name)
    ]
    for (table,) in connection.execute(COPIES, (CURRENT,)).fetchall():
        name, _, edition = table.rpartition("__")
        doomed.append((name, edition, (CURRENT,)))
    refused: dict[str, str] = {}
    for name, edition, schemas in doomed:
        if only in (None, name):
            try:
                with connection.transaction():
                    _remove(connection, LayerId(name), EditionKey(edition), schemas)
            except errors.LockNotAvailable:
                continue
            except errors.Error as error:
                refused[f"{name}.{edition}"] = sentence(error)
    return refused


def _asked(catalogue: Catalogue, name: str) -> bool:
    layer = catalogue.layers.get(name)
    return layer is not None and takes_overview(layer)


def _remove(
    connection: Connection[TupleRow], layer: LayerId, edition: EditionKey, schemas: tuple[str, ...]
) -> None:
    connection.execute(f"SET LOCAL lock_timeout = {FREE_WITHIN_MS}")
    if CURRENT in schemas and not hold(connection, layer, BEING_TAKEN, lasting=False):
        return  # an overview is being made of these rows
    for schema in schemas:
        table = sql.Identifier(schema, f"{layer}__{edition}")
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    if OVERVIEW in schemas:
        connection.execute(FORGET, (layer, edition))


def _repeating(layer: Layer) -> Refused:
    return Refused(f"{layer.id} has no overview: values of its key repeat.")


def _become(connection: Connection[TupleRow], role: DatabaseRole) -> None:
    connection.execute(f"SET LOCAL ROLE {role}".encode())
