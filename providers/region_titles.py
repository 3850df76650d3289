"""What a region code is called: its own name behind those of the regions that it lies in."""

from datetime import date

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from config.vocabulary import Text

# A code may have had several names: that of the day, else the one it had last.
TITLES = """
WITH own AS (
    SELECT path || code AS way FROM onemap.region WHERE code = %(code)s
    ORDER BY (valid_from <= %(day)s AND coalesce(valid_to, 'infinity') >= %(day)s) DESC,
        valid_from DESC LIMIT 1
)
SELECT DISTINCT ON (array_position(own.way, r.code)) r.name_zh, r.name_en
FROM own JOIN onemap.region r ON r.code = ANY(own.way)
ORDER BY array_position(own.way, r.code),
    (r.valid_from <= %(day)s AND coalesce(r.valid_to, 'infinity') >= %(day)s) DESC,
    r.valid_from DESC
"""


async def region_titles(
    connection: AsyncConnection[TupleRow], code: str, day: date
) -> tuple[Text, ...]:
    """The names from the widest region down to the code's own; empty: the register knows none."""
    cursor = await connection.execute(TITLES, {"code": code, "day": day})
    return tuple(Text(zh=row[0], en=row[1]) for row in await cursor.fetchall())
