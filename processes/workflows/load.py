"""Loading one edition: tables, rows, statistics, each in its own transaction and right."""

from datetime import UTC, datetime

from config.model import Layer
from providers.database import DatabaseRole, connect
from providers.editions import Edition
from providers.revisions import Revision, publish
from providers.staging import FeatureTable
from providers.tables import analyse, ensure_tables


def load_edition(
    url: str, layer: Layer, edition: Edition, table: FeatureTable, *, author: str, note: str
) -> Revision:
    """Publish *table* as the edition's rows; LoadRejected leaves everything as it was."""
    with connect(url, DatabaseRole.OWNER) as connection:
        ensure_tables(connection, layer, edition.key)
    with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
        now = datetime.now(UTC)
        revision = publish(connection, layer, edition, table, author=author, note=note, now=now)
    with connect(url, DatabaseRole.OWNER) as connection:
        analyse(connection, layer, edition.key)
    return revision
