"""Making an edition's overview outside of a publication: what it takes, in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey
from processes.workflows.load import LOAD_SETTINGS
from providers.database import DatabaseRole, connect
from providers.overview_tables import analyse_overview, ensure_overview
from providers.overviews import due, hold, make_overview


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
        make_overview(connection, layer, edition, anew=anew)
    with connect(url, DatabaseRole.OWNER) as connection:
        analyse_overview(connection, layer, edition)
    return True


def due_overviews(url: str, catalogue: Catalogue) -> list[tuple[Layer, EditionKey]]:
    """The editions whose overview is to be made, those that changed first first."""
    with connect(url, DatabaseRole.READER) as connection:
        return list(due(connection, catalogue))


@contextmanager
def _holding(url: str, layer: Layer, edition: EditionKey) -> Iterator[Connection[TupleRow] | None]:
    """The one transaction at this overview, which sees one state of the rows."""
    with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
        if not hold(connection, layer, edition, lasting=True):
            yield None
            return
        connection.commit()  # what is seen from now on was published before we held it
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        for setting, value in LOAD_SETTINGS.items():
            connection.execute(f"SET LOCAL {setting} = '{value}'".encode())
        yield connection
