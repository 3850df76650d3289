"""An array of bytes comes to the database as it is, whatever its items."""

import psycopg
import pytest

from providers.packed_arrays import ByteaArray, take_packed_arrays


@pytest.mark.parametrize(
    "items", [[], [b""], [b"\x00\xff", b"'{,}\\", b""], [bytes([i % 256]) * i for i in range(300)]]
)
def test_each_item_arrives_at_its_place(demo_database_url: str, items: list[bytes]) -> None:
    with psycopg.connect(demo_database_url) as connection:
        take_packed_arrays(connection)
        rows = connection.execute(
            "SELECT n, item FROM unnest(%s) WITH ORDINALITY AS given (item, n) ORDER BY n",
            (ByteaArray(items),),
        ).fetchall()

    assert rows == list(enumerate(items, start=1))
