"""A load that is stopped in the middle leaves the old state, and the next one finds nothing in its way."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.model import Catalogue
from config.settings import child_environ
from processes.workflows.feature_table import FeatureTable

COMMAND = (sys.executable, "-m", "server", "load", "land_use")


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_a_load_stopped_at_its_last_step_has_changed_nothing(
    database_url: str,
    catalogue: Catalogue,
    make_squares: Callable[..., FeatureTable],
    tmp_path: Path,
    wait_until: Callable[..., None],
    ended_by: signal.Signals,
) -> None:
    layer = catalogue.layers["land_use"]
    environ = child_environ(
        ONEMAP_DATABASE_URL=database_url, ONEMAP_CATALOGUE="demo", ONEMAP_HOME=str(tmp_path)
    )

    def command(ids: list[str], size: float) -> list[str]:
        path = tmp_path / f"{size}.gpkg"
        make_squares(layer, ids, size=size).of(layer).write(path, layer)
        return [*COMMAND, str(path), "--edition", "2023"]

    def state(connection: psycopg.Connection[Any]) -> list[Any]:
        rows = "SELECT om_id, om_hash, fid, om_rev FROM planning.land_use ORDER BY om_id"
        counts = (
            "SELECT (SELECT count(*) FROM onemap.revision), (SELECT count(*) FROM onemap.touch)"
        )
        history = "SELECT count(*) FROM planning_history.land_use"
        return [connection.execute(q).fetchall() for q in (rows, counts, history)]

    subprocess.run(command(["1", "2"], 0.01), env=environ, check=True, capture_output=True)
    second = command(["2", "3"], 0.02)
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = state(connection)
        with psycopg.connect(database_url) as holder:
            holder.execute("LOCK TABLE onemap.revision IN EXCLUSIVE MODE")
            loading = subprocess.Popen(second, env=environ, start_new_session=True)
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND query ILIKE '%INSERT INTO onemap.revision%' AND datname = current_database()"
            )
            wait_until(lambda: connection.execute(waiting).fetchone() == (1,))
            os.kill(loading.pid, ended_by)
            assert loading.wait(30) != 0
        gone = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name LIKE 'onemap%' AND datname = current_database()"
        )
        wait_until(lambda: connection.execute(gone).fetchone() == (0,))

        assert state(connection) == before

        subprocess.run(second, env=environ, check=True, capture_output=True)
        assert [row[0] for row in state(connection)[0]] == ["2", "3"]
