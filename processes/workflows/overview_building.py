"""Making an overview outside of a publication: what it takes, in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey, LayerId
from processes.workflows.load import LOAD_SETTINGS
from providers.database import DatabaseRole, connect
from providers.external import described_now
from providers.overview_due import due, uncounted
from providers.overview_tables import analyse_overview, drop_needless, ensure_overview
from providers.overview_taking import BEING_TAKEN, copy_rows, drop_copy, take, take_down
from providers.overviews import hold, make_overview, omitted_now, save_counts
from providers.taken_overviews import due_tables as tables_due
from providers.taken_overviews import keep_looked


def build_overview(url: str, layer: Layer, edition: EditionKey, *, anew: bool = False) -> bool:
    """Bring an edition's overview in step with its newest revision; *anew*: all of it.

    A publication meanwhile makes the overview due again; whoever reads sees the old one until this
    is done. What is killed leaves nothing behind.

    Returns
    -------
    False where another is at this overview.
    """
    with connect(url, DatabaseRole.OWNER) as connection:
        ensure_overview(connection, layer, edition)
    with _holding(url, layer, edition) as connection:
        if connection is None:
            return False
        with _writing(connection):
            make_overview(connection, layer, edition, anew=anew)
    with connect(url, DatabaseRole.OWNER) as connection:
        connection.autocommit = True
        drop_needless(connection, layer, edition)
        analyse_overview(connection, layer, edition)
    return True


def count_overview(url: str, layer: Layer, edition: EditionKey) -> bool:
    """Count what the tiles of an edition leave out; its overview may be brought in step meanwhile.

    Returns
    -------
    False where another counts them, or the overview is not in step, or another by now.
    """
    with _holding(url, layer, EditionKey(f"{edition}/omitted")) as connection:
        if connection is None:
            return False
        with _writing(connection):
            counted = omitted_now(connection, layer, edition)
        if counted is None:
            return False
        connection.isolation_level = None  # what another has made meanwhile is seen
        with connection.transaction():
            return save_counts(connection, layer, edition, *counted)


def take_overview(url: str, layer: Layer) -> bool:
    """Take an external layer's overview from its table as it is now.

    Whoever reads meanwhile sees the one before it. The table is in use only until its rows are
    copied. What is killed leaves at most the copy, until `clear_tables`.

    Returns
    -------
    False where another is at this overview.

    Raises
    ------
    Refused
        Where the table cannot be shown, or has no overview.
    """
    with connect(url, DatabaseRole.READER) as connection:
        found = described_now(connection, layer)
    with _holding(url, found, BEING_TAKEN) as connection:
        if connection is None:
            return False
        with _writing(connection):
            copied = copy_rows(connection, found)
        try:
            with _writing(connection):
                take(connection, found, copied)
        finally:
            with connection.transaction():
                drop_copy(connection, found, copied)
    return True


def clear_tables(url: str, catalogue: Catalogue, only: LayerId | None = None) -> dict[str, str]:
    """Remove overviews of external layers that a newer one replaced, or that nobody asks for.

    *only*: of this layer.

    Returns
    -------
    Why the database refused to remove one, by its name.
    """
    with connect(url, DatabaseRole.OWNER) as connection:
        connection.autocommit = True
        return take_down(connection, catalogue, only)


def due_tables(url: str, catalogue: Catalogue) -> list[Layer]:
    """The external layers whose overview is to be taken, as they are described now."""
    with connect(url, DatabaseRole.READER) as connection:
        looked = tables_due(connection, catalogue)
    if looked.same:
        with connect(url, DatabaseRole.WRITER) as connection:
            keep_looked(connection, looked)
    return looked.due


def due_overviews(url: str, catalogue: Catalogue) -> list[tuple[Layer, EditionKey]]:
    """The editions whose overview is to be made, those that changed first first."""
    with connect(url, DatabaseRole.READER) as connection:
        return list(due(connection, catalogue))


def due_counts(url: str, catalogue: Catalogue) -> list[tuple[Layer, EditionKey]]:
    """The editions of which is to be counted what their tiles leave out."""
    with connect(url, DatabaseRole.READER) as connection:
        return list(uncounted(connection, catalogue))


@contextmanager
def _holding(url: str, layer: Layer, edition: EditionKey) -> Iterator[Connection[TupleRow] | None]:
    """A connection that alone is at this overview; None where another is."""
    with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
        if not hold(connection, layer.id, edition, lasting=True):
            yield None
            return
        connection.commit()  # what is seen from now on was published before we held it
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        yield connection


@contextmanager
def _writing(connection: Connection[TupleRow]) -> Iterator[None]:
    """One transaction, which sees one state of the rows."""
    with connection.transaction():
        for setting, value in LOAD_SETTINGS.items():
            connection.execute(f"SET LOCAL {setting} = '{value}'".encode())
        yield
