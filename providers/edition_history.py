"""Past states of editions: what was believed at a moment, by what was recorded until then."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from config.vocabulary import EditionKey, LayerId
from providers.editions import DAY, EditionState, end_of_day_in_china, states_of
from providers.errors import BadParameter
from providers.moments import parse_moment

FACTS = """
SELECT DISTINCT ON (edition) layer, edition, title_zh, title_en, valid_from, valid_to, status,
    issuer, document, number, features, west, south, east, north, recorded_at,
    specification_version
FROM onemap.revision WHERE layer = %(layer)s
"""
AS_OF = f"{FACTS} AND recorded_at <= %(moment)s ORDER BY edition, number DESC"
AT = f"{FACTS} AND edition = %(edition)s AND number = %(number)s"


def parse_as_of(text: str) -> datetime:
    """An instant as RFC 3339 writes it; a date means its last moment in China."""
    try:
        if DAY.fullmatch(text):
            return end_of_day_in_china(date.fromisoformat(text)).astimezone(UTC)
        return parse_moment(text)
    except (ValueError, OverflowError):
        pass
    raise BadParameter("asOf", text, "a date or a date-time with its offset, as RFC 3339 has it")


async def editions_as_of(
    connection: AsyncConnection[TupleRow], layer: LayerId, moment: datetime
) -> list[EditionState]:
    """The layer's editions by their newest revisions of then, newest edition first."""
    found = await _states(connection, AS_OF, {"layer": layer, "moment": moment})
    return sorted(found, key=lambda s: (s.edition.valid_from, s.edition.key), reverse=True)


def editions_then(
    connection: Connection[TupleRow], layer: LayerId, moment: datetime
) -> list[EditionState]:
    """The same on a blocking connection."""
    binds = {"layer": layer, "moment": moment}
    found = states_of(connection.execute(AS_OF.encode(), binds).fetchall())
    return sorted(found, key=lambda s: (s.edition.valid_from, s.edition.key), reverse=True)


async def edition_at(
    connection: AsyncConnection[TupleRow], layer: LayerId, edition: EditionKey, number: int
) -> EditionState | None:
    """The edition as it was recorded at one of its revisions; None where there is no such one."""
    binds = {"layer": layer, "edition": edition, "number": number}
    return next(iter(await _states(connection, AT, binds)), None)


async def _states(
    connection: AsyncConnection[TupleRow], statement: str, binds: Mapping[str, Any]
) -> Sequence[EditionState]:
    return states_of(await (await connection.execute(statement.encode(), binds)).fetchall())
