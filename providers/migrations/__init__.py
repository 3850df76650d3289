"""Alembic migrations of the schema onemap: `versions`, run by `migrate`."""

from pathlib import Path

import psycopg

VERSIONS = Path(__file__).parent / "versions"


def migrate(url: str) -> None:
    """Bring the database to this version's schema; safe to call from several processes at once."""
    if _is_current(url):
        return
    from providers.migrations.upgrading import upgrade  # Alembic takes half a second to import

    upgrade(url)


def _is_current(url: str) -> bool:
    """Whether the database has the newest version; False also where it cannot be asked."""
    newest = max(path.name[:4] for path in VERSIONS.glob("[0-9]*.py"))
    try:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT version_num FROM schema_version").fetchone()
    except psycopg.Error:
        return False
    return row is not None and row[0] == newest
