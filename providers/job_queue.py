"""How many jobs may wait, of all owners together."""

from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

WAITING = 2_000  # where nobody says otherwise

# Stops at the bound: what is beyond it need not be counted.
BEYOND: LiteralString = """
SELECT EXISTS (SELECT FROM onemap.job WHERE status = 'accepted' OFFSET %(waiting)s - 1)
"""


class QueueFull(Exception):
    """As many jobs wait as may."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} jobs wait already; try again later")


async def make_sure_of_room(connection: AsyncConnection[TupleRow], waiting: int) -> None:
    """QueueFull where *waiting* jobs wait; those who come at the same moment are let in together."""
    row = await (await connection.execute(BEYOND, {"waiting": waiting})).fetchone()
    if row is not None and row[0]:
        raise QueueFull(waiting)
