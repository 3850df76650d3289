"""Rows of the tables by their names: `make bench ROW=jobs_overlay` measures one."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from providers.cluster import ADMIN, Cluster, open_cluster

MEMORY_BYTES = 2 * 1024**3
SETTINGS = {
    "max_connections": "200",  # of all servers that are compared, which stay open
    "fsync": "off",  # no write is measured
    "full_page_writes": "off",
    "wal_compression": "off",
}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The run's own PostGIS, on the disk, with connections for every peer; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="onemap-bench-cluster-"))
    home.chmod(0o755)  # the database server's user must pass through
    try:
        with (
            open_cluster(home, memory_bytes=MEMORY_BYTES) as first,
            psycopg.connect(first.address("postgres", ADMIN), autocommit=True) as admin,
        ):
            for name, value in SETTINGS.items():
                setting = sql.Identifier(name), sql.Literal(value)
                admin.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(*setting))
        with open_cluster(home, memory_bytes=MEMORY_BYTES) as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k` find a measurement by the row that it makes."""
    for mark in item.iter_markers("row"):
        item.extra_keyword_matches.update(mark.args)
