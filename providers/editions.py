"""Editions (版次): what is in force for a time."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from psycopg import AsyncConnection, Connection, sql
from psycopg.rows import TupleRow

from config.vocabulary import Classification, EditionKey, EditionStatus, Issuer, LayerId, Text
from providers.errors import BadParameter
from providers.overview_sources import Overview, stored_overview

EARLIEST, LATEST = date.min, date.max
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
SHANGHAI = timezone(timedelta(hours=8))  # China has one time and no summer time


def day_in_china(moment: datetime) -> date:
    """The date on the wall in China at a moment: what `today` means in planning."""
    return moment.astimezone(SHANGHAI).date()


def beginning_in_china(day: date) -> datetime:
    """The first moment of *day* in China."""
    return datetime.combine(day, time.min, SHANGHAI)


def end_of_day_in_china(day: date) -> datetime:
    """The last moment of *day* in China: a date includes its last hour."""
    return datetime.combine(day, time.max, SHANGHAI)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One edition of a layer; dates are inclusive."""

    layer: LayerId
    key: EditionKey
    title: Text
    valid_from: date
    valid_to: date | None
    status: EditionStatus
    issuer: Issuer
    document: str
    plan: str | None = None  # the plan that its features belong to, where they do not say otherwise
    basis: str | None = None  # 依据文号 of features that are added or changed from now on
    coverage: bytes | None = None  # WKB multipolygon, EPSG:4490: where it says all there is
    released: date | None = None  # 发布日期; None: not known

    def holds_in(self, window: "Window") -> bool:
        """Whether this edition is valid on at least one day of the window."""
        return self.valid_from <= window.end and window.start <= (self.valid_to or LATEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionState:
    """An edition as published: its current revision and what it holds."""

    edition: Edition
    revision: int
    features: int
    extent: tuple[float, float, float, float] | None  # west, south, east, north in degrees
    updated: datetime
    specification_version: str
    overview: Overview | None = None  # None: its tiles are drawn from the rows at every zoom


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The dates that `datetime` asks for, both inclusive."""

    start: date
    end: date

    @classmethod
    def parse(cls, text: str) -> "Window":
        """An instant or an interval as OGC API Features writes it."""
        expected = "a date, a date-time, or an interval like 2023-01-01/2024-12-31 or ../2024-12-31"
        parts = text.split("/")
        try:
            if len(parts) == 1:
                day = _day(parts[0])
                return cls(start=day, end=day)
            first, last = parts
            start = EARLIEST if first in ("", "..") else _day(first)
            end = LATEST if last in ("", "..") else _day(last)
        except ValueError:
            raise BadParameter("datetime", text, expected) from None
        if start > end or (start == EARLIEST and end == LATEST and text in ("/", "../", "/..")):
            raise BadParameter("datetime", text, expected)
        return cls(start=start, end=end)


def today() -> Window:
    """Today in China, the default of `datetime`."""
    day = day_in_china(datetime.now(UTC))
    return Window(start=day, end=day)


def _day(text: str) -> date:
    if not text.isascii():
        raise ValueError(text)
    if DAY.fullmatch(text):
        return date.fromisoformat(text)
    if "T" not in text.upper() or not (text[-1] in "zZ" or "+" in text[10:] or "-" in text[10:]):
        raise ValueError(text)
    try:
        return day_in_china(datetime.fromisoformat(text.upper()))
    except OverflowError as error:
        raise ValueError(text) from error


def published(states: Iterable[EditionState], ceiling: Classification) -> tuple[EditionState, ...]:
    """Those that a caller of this clearance knows of: what is not yet in force is internal."""
    internal = ceiling.rank >= Classification.INTERNAL.rank
    shown = (EditionStatus.IN_FORCE, EditionStatus.REPEALED)
    return tuple(s for s in states if internal or s.edition.status in shown)


def edition_in(
    editions: Iterable[EditionState],
    window: Window,
    *,
    status: EditionStatus = EditionStatus.IN_FORCE,
    issuer: Issuer | None = None,
) -> EditionState | None:
    """The newest edition of this status, of this issuer if one is named, within the window."""
    held = [
        state
        for state in editions
        if state.edition.status is status
        and (issuer is None or state.edition.issuer is issuer)
        and state.edition.holds_in(window)
    ]
    return max(held, key=lambda s: (s.edition.valid_from, s.edition.key), default=None)


LIST = """
SELECT layer, edition, title_zh, title_en, valid_from, valid_to, status, issuer, document,
       e.revision, e.features, west, south, east, north, updated_at, specification_version,
       o.revision, o.classes_below, o.levels, o.omitted, o.recipe
FROM onemap.edition e LEFT JOIN onemap.overview o USING (layer, edition)
WHERE e.revision > 0 ORDER BY layer, valid_from DESC, edition DESC
"""


async def list_editions(connection: AsyncConnection[TupleRow]) -> list[EditionState]:
    """All published editions, newest first within each layer."""
    return states_of(await (await connection.execute(LIST)).fetchall())


def list_editions_now(connection: Connection[TupleRow]) -> list[EditionState]:
    """The same on a blocking connection."""
    return states_of(connection.execute(LIST).fetchall())


_FACTS = (
    "title_zh",
    "title_en",
    "valid_from",
    "valid_to",
    "status",
    "issuer",
    "document",
    "plan",
    "basis",
    "released",
    "specification_version",
)


def facts_columns() -> tuple[str, ...]:
    """What an edition says of itself: columns of onemap.edition and of each of its revisions."""
    return (*_FACTS, "coverage")


def declare(connection: Connection[TupleRow], edition: Edition, specification_version: str) -> bool:
    """Write the edition's own facts, and say whether any was new or changed.

    Revision and content are publish's matter.
    """
    facts = {
        "title_zh": edition.title.zh,
        "title_en": edition.title.en,
        "valid_from": edition.valid_from,
        "valid_to": edition.valid_to,
        "status": edition.status,
        "issuer": edition.issuer,
        "document": edition.document,
        "plan": edition.plan,
        "basis": edition.basis,
        "released": edition.released,
        "specification_version": specification_version,
    }
    key = {"layer": edition.layer, "edition": edition.key, "coverage": edition.coverage}
    columns = sql.SQL(", ").join(map(sql.Identifier, _FACTS))
    given = sql.SQL(", ").join(map(sql.Placeholder, _FACTS))
    held = sql.SQL(", ").join(sql.Identifier("held", name) for name in _FACTS)
    new = sql.SQL(", ").join(sql.Identifier("excluded", name) for name in _FACTS)
    statement = sql.SQL(
        "INSERT INTO onemap.edition AS held (layer, edition, {columns}, coverage)"
        " VALUES (%(layer)s, %(edition)s, {given}, ST_Multi(ST_GeomFromWKB(%(coverage)s::bytea, 4490)))"
        " ON CONFLICT (layer, edition) DO UPDATE SET"
        " ({columns}, coverage) = ROW({new}, excluded.coverage)"
        " WHERE ROW({held}, ST_AsBinary(held.coverage))"
        " IS DISTINCT FROM ROW({new}, ST_AsBinary(excluded.coverage))"
    ).format(columns=columns, given=given, held=held, new=new)
    return connection.execute(statement, {**key, **facts}).rowcount == 1


def edition_now(
    connection: Connection[TupleRow], layer: LayerId, key: EditionKey
) -> Edition | None:
    """The edition's facts as they stand, coverage included; None where it was never published."""
    return _facts(connection, NOW, layer, key)


def edition_at(
    connection: Connection[TupleRow], layer: LayerId, key: EditionKey, number: int
) -> Edition | None:
    """The edition's facts at one of its revisions; None where there is no such revision."""
    return _facts(connection, THEN, layer, key, number)


NOW = sql.SQL("onemap.edition WHERE layer = %(layer)s AND edition = %(key)s AND revision > 0")
THEN = sql.SQL(
    "onemap.revision WHERE layer = %(layer)s AND edition = %(key)s AND number = %(number)s"
)


def _facts(
    connection: Connection[TupleRow],
    where: sql.SQL,
    layer: LayerId,
    key: EditionKey,
    number: int | None = None,
) -> Edition | None:
    columns = sql.SQL(", ").join(map(sql.Identifier, _FACTS))
    row = connection.execute(
        sql.SQL("SELECT {}, ST_AsBinary(coverage) FROM {}").format(columns, where),
        {"layer": layer, "key": key, "number": number},
    ).fetchone()
    if row is None:
        return None
    return Edition(
        layer=layer,
        key=key,
        title=Text(zh=row[0], en=row[1]),
        valid_from=row[2],
        valid_to=row[3],
        status=EditionStatus(row[4]),
        issuer=Issuer(row[5]),
        document=row[6],
        plan=row[7],
        basis=row[8],
        released=row[9],
        coverage=None if row[11] is None else bytes(row[11]),
    )


def states_of(rows: Sequence[TupleRow]) -> list[EditionState]:
    """Rows of the columns of LIST as values; a state of the past has no columns of an overview."""
    return [
        EditionState(
            edition=Edition(
                layer=LayerId(r[0]),
                key=EditionKey(r[1]),
                title=Text(zh=r[2], en=r[3]),
                valid_from=r[4],
                valid_to=r[5],
                status=EditionStatus(r[6]),
                issuer=Issuer(r[7]),
                document=r[8],
            ),
            revision=r[9],
            features=r[10],
            extent=None if r[11] is None else (r[11], r[12], r[13], r[14]),
            updated=r[15],
            specification_version=r[16],
            overview=stored_overview(r[17:]),
        )
        for r in rows
    ]
