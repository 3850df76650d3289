"""Reading the region register: what a code stands for on a day, and what lies in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg import Connection
from psycopg.rows import TupleRow

from config.vocabulary import AdminLevel, Text
from providers import region_changes
from providers.region_changes import Change, changes_between
from providers.regions import RegionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One period of a region as the register has it; `children` are those valid on the day asked."""

    code: str
    kind: RegionKind
    level: AdminLevel | None
    stands_for: tuple[AdminLevel, ...]  # lower levels at which it stands itself: undivided
    parent: str | None
    path: tuple[str, ...]
    name: Text
    valid_from: date
    valid_to: date | None
    has_polygon: bool
    children: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the register says of a code on a day."""

    name: Text
    parent: str | None


VALID = "valid_from <= %(day)s AND coalesce(valid_to, 'infinity') >= %(day)s"
COLUMNS = """
SELECT code, kind, level, stands_for, parent, path, name_zh, name_en, valid_from, valid_to,
    geom IS NOT NULL, (SELECT count(*) FROM onemap.region c WHERE c.parent = r.code
        AND c.valid_from <= %(day)s AND coalesce(c.valid_to, 'infinity') >= %(day)s)
FROM onemap.region r
"""
ON_DAY = f"{COLUMNS} WHERE code = %(code)s AND {VALID}"
CHILDREN = f"{COLUMNS} WHERE parent = %(code)s AND {VALID} ORDER BY code"
ROOTS = f"{COLUMNS} WHERE parent IS NULL AND {VALID} ORDER BY code"
PERIODS = f"{COLUMNS} WHERE code = %(code)s ORDER BY valid_from"
KNOWN = f"""
SELECT code, name_zh, name_en, parent FROM onemap.region WHERE code = ANY(%(codes)s) AND {VALID}
"""
COUNTS = f"""
SELECT level, count(*) FROM (
    SELECT unnest(level || stands_for) AS level FROM onemap.region
    WHERE kind = 'division' AND {VALID}) held GROUP BY level
"""


def region_on(connection: Connection[TupleRow], code: str, day: date) -> Registered | None:
    """What the code stands for on the day; None where it stands for nothing then."""
    row = connection.execute(ON_DAY, {"code": code, "day": day}).fetchone()
    return None if row is None else _registered(row)


def children(connection: Connection[TupleRow], code: str | None, day: date) -> list[Registered]:
    """The regions directly in another on the day, by code; of None those at the top."""
    statement = ROOTS if code is None else CHILDREN
    rows = connection.execute(statement, {"code": code, "day": day}).fetchall()
    return [_registered(row) for row in rows]


def periods(connection: Connection[TupleRow], code: str, day: date) -> list[Registered]:
    """All periods of a code in the order of time; children are counted on the day."""
    rows = connection.execute(PERIODS, {"code": code, "day": day}).fetchall()
    return [_registered(row) for row in rows]


def counts(connection: Connection[TupleRow], day: date) -> dict[AdminLevel, int]:
    """How many divisions stand at each level on the day; one may stand at several."""
    rows = connection.execute(COUNTS, {"day": day}).fetchall()
    return {AdminLevel(level): count for level, count in rows}


def known(connection: Connection[TupleRow], codes: Iterable[str], day: date) -> dict[str, Known]:
    """The register's word on those of the codes that it knows on the day."""
    rows = connection.execute(KNOWN, {"codes": sorted(set(codes)), "day": day}).fetchall()
    return {code: Known(name=Text(zh=zh, en=en), parent=parent) for code, zh, en, parent in rows}


def successors(
    connection: Connection[TupleRow], code: str, *, since: date, until: date
) -> tuple[str, ...]:
    """The codes that stand on *until* for what *code* stood for on *since*."""
    known = changes_between(connection, since, until)
    return region_changes.successors(known, code, since=since, until=until)


def changes_of(changes: Sequence[Change], code: str) -> list[Change]:
    """The changes that a code takes part in, in the order of time."""
    return [change for change in changes if code in (change.old, change.new)]


def _registered(row: TupleRow) -> Registered:
    code, kind, level, stands, parent, path, zh, en, start, end, placed, below = row
    return Registered(
        code=code,
        kind=RegionKind(kind),
        level=AdminLevel(level) if level is not None else None,
        stands_for=tuple(AdminLevel(one) for one in stands),
        parent=parent,
        path=tuple(path),
        name=Text(zh=zh, en=en),
        valid_from=start,
        valid_to=end,
        has_polygon=placed,
        children=below,
    )
