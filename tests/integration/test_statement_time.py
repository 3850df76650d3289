"""No statement that a request causes runs longer than its bound."""

import psycopg
import pytest

from providers.database import STATEMENT_TIMEOUT_MS, DatabaseRole, connect
from providers.errors import StoreTimeout
from server import problems

LONGEST_MS = 30_000


def test_a_reader_s_statements_are_stopped_by_the_database(database_url: str) -> None:
    with connect(database_url, DatabaseRole.READER) as connection:
        told = connection.execute(
            "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"
        ).fetchone()
    assert told is not None
    assert 0 < told[0] == STATEMENT_TIMEOUT_MS[DatabaseRole.READER] <= LONGEST_MS

    with (
        connect(database_url, DatabaseRole.READER, statement_timeout_ms=50) as connection,
        pytest.raises((psycopg.errors.QueryCanceled, StoreTimeout)),
    ):
        connection.execute("SELECT pg_sleep(20)")


def test_a_statement_that_was_stopped_is_answered_with_a_problem() -> None:
    kind = problems.kind_of(StoreTimeout("stopped"))

    assert kind.status == 503
