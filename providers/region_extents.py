"""Where the rows of some regions lie, in every edition, as it was noted at the last publication."""

from collections.abc import Mapping, Sequence

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from config.vocabulary import EditionKey, LayerId
from providers.crs import Bounds

WITHIN = """
SELECT layer, edition, min(west), min(south), max(east), max(north)
FROM onemap.region_extent WHERE region = ANY(%(regions)s) AND west IS NOT NULL
GROUP BY layer, edition
"""
type RegionExtents = Mapping[tuple[LayerId, EditionKey], Bounds]


async def extents_within(
    connection: AsyncConnection[TupleRow], regions: Sequence[str]
) -> RegionExtents:
    """The bounds of what lies in these regions, in degrees; absent: there is nothing."""
    cursor = await connection.execute(WITHIN, {"regions": list(regions)})
    return {(r[0], r[1]): (r[2], r[3], r[4], r[5]) for r in await cursor.fetchall()}
