"""Regions are data: administrative divisions and management units, and what lies in what, when."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import LiteralString

import shapely
from psycopg import Connection
from psycopg.rows import TupleRow

from config.vocabulary import AdminLevel, RegionCode, Text
from providers import region_statements as statements
from providers.access import SRID
from providers.errors import Refused
from providers.region_changes import Change, renew_heirs, write_changes

CHANNEL = "onemap_revision"  # says that editions or regions have changed
COUNTRY = "100000"  # 全国: above all divisions, no row of the register
LEVELS = tuple(level.value for level in AdminLevel)  # from the top down
SHOWN = 20  # codes named in a refusal


class RegionKind(StrEnum):
    """Kinds of regions."""

    DIVISION = "division"  # 行政区划
    UNIT = "unit"  # 管理单元: 开发区, 分局; its polygon may cross divisions


class RegionRefused(Refused):
    """Regions that cannot be registered so; the message says which and why."""


@dataclass(frozen=True, slots=True, order=True)
class UnitCode:
    """The code of a management unit that has no division code: capitals and digits, as FJ01."""

    value: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z][A-Z0-9_-]{1,31}", self.value, re.ASCII):
            raise ValueError(f"unit code {self.value!r}: expected 2 to 32 of A-Z, 0-9, _ and -")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region in one period: its parent, and its polygon (lon/lat, EPSG:4490) if known.

    A unit stands at no level (None). A division that names itself as its parent stands at a lower
    level, too, because it is not divided there: a city without counties is its own county.
    """

    code: RegionCode | UnitCode
    parent: RegionCode | UnitCode | None
    level: AdminLevel | None
    name: Text
    valid_from: date
    polygon: shapely.MultiPolygon | None
    valid_to: date | None = None  # the last day
    kind: RegionKind = RegionKind.DIVISION


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a list of regions."""

    new: int  # periods written
    filled: int  # polygons added to periods that had none
    unchanged: int  # the register said the same
    standing: int  # divisions of a higher level that stand at this one themselves
    ended: int  # missing in a list that is complete


def region_code(text: str) -> RegionCode | UnitCode:
    """The code of a division or unit; ValueError says what is expected."""
    return UnitCode(text) if text[:1].isascii() and text[:1].isalpha() else RegionCode(text)


def put_regions(
    connection: Connection[TupleRow], regions: Iterable[Region], *, complete: Sequence[str] = ()
) -> Written:
    """Register regions, each from its first day on; in the caller's transaction, all or none.

    A region of which nothing new is said keeps its period; otherwise the period before ends the
    day before, and a period that follows already bounds the new one. A polygon is added to a period
    that has none, never taken away. Divisions of the levels in the list that lie in one of
    *complete* and are not in the list end; without it nothing ends.

    Raises
    ------
    RegionRefused
        A code twice, a parent that is not registered on that day or not above its child, a circle,
        a code that is a division's and a unit's.
    """
    given, levels = list(regions), {"levels": list(LEVELS)}
    _check_days(given)
    connection.execute(statements.ONE_WRITER)
    _copy(connection, given)
    _refuse(connection, statements.KIND_CONFLICTS, "registered as the other of division and unit")
    standing = len({row[0] for row in connection.execute(statements.STAND, levels).fetchall()})
    _refuse(connection, statements.SELF_UNKNOWN, "their own parents, but registered nowhere above")
    connection.execute(statements.DROP_STANDING)
    filled = connection.execute(statements.FILL).rowcount
    same = connection.execute(statements.DROP_UNCHANGED).rowcount - filled
    connection.execute(statements.CLIP)
    connection.execute(statements.CLOSE)
    new = connection.execute(statements.INSERT).rowcount
    _refuse(connection, statements.NO_PARENT, "parents that are not registered on that day")
    _refuse(
        connection, statements.WRONG_LEVEL, "child/parent, the parent not above its child", levels
    )
    _hang(connection)
    ended = _end_absent(connection, given, complete) if complete else 0
    renew_heirs(connection)
    connection.execute(f"NOTIFY {CHANNEL}")
    return Written(new=new, filled=filled, unchanged=same, standing=standing, ended=ended)


def put_changes(connection: Connection[TupleRow], changes: Iterable[Change]) -> tuple[int, int]:
    """Add changes of codes, and end registered divisions by them; how many of each."""
    connection.execute(statements.ONE_WRITER)
    written = write_changes(connection, changes)
    ended = connection.execute(statements.END_CHANGED).rowcount
    _hang(connection)
    renew_heirs(connection)
    connection.execute(f"NOTIFY {CHANNEL}")
    return written, ended


def _check_days(given: Sequence[Region]) -> None:
    """Each code once per first day, and no period that ends before it begins."""
    counted = Counter((region.code.value, region.valid_from) for region in given)
    if twice := sorted(code for (code, _), count in counted.items() if count > 1):
        raise RegionRefused(_list("codes that are given twice", twice))
    early = [r.code.value for r in given if r.valid_to is not None and r.valid_to < r.valid_from]
    if early:
        raise RegionRefused(_list("regions that end before they begin", early))


def _copy(connection: Connection[TupleRow], given: Sequence[Region]) -> None:
    for statement in statements.GIVEN.split(";"):
        connection.execute(statement)
    with connection.cursor().copy(statements.COPY_GIVEN) as writer:
        for region in given:
            parent = region.parent.value if region.parent is not None else None
            writer.write_row(
                (
                    region.code.value,
                    region.kind,
                    None if parent == COUNTRY else parent,
                    region.level,
                    region.name.zh,
                    region.name.en,
                    region.valid_from,
                    region.valid_to,
                    None if region.polygon is None else _hex(region.polygon),
                )
            )
    connection.execute("ANALYZE pg_temp.region_given")


def _hex(polygon: shapely.MultiPolygon) -> str:
    return str(shapely.to_wkb(shapely.set_srid(polygon, SRID), hex=True, include_srid=True))


def _hang(connection: Connection[TupleRow]) -> None:
    """Work out the paths anew; RegionRefused where the given regions lie in one another."""
    for statement in statements.TREE.split(";"):
        connection.execute(statement)
    if connection.execute("SELECT to_regclass('pg_temp.region_given')").fetchone() != (None,):
        _refuse(connection, statements.UNREACHED, "in a circle of parents")
    connection.execute(statements.PATHS)


def _end_absent(
    connection: Connection[TupleRow], given: Sequence[Region], complete: Sequence[str]
) -> int:
    days = {region.valid_from for region in given}
    if len(days) != 1:
        raise RegionRefused("A complete list has one first day for all its regions.")
    binds = {
        "day": days.pop(),
        "levels": sorted({region.level for region in given if region.level is not None}),
        "codes": [region.code.value for region in given],
        "within": list(complete),
        "country": COUNTRY in complete,
    }
    return connection.execute(statements.END_ABSENT, binds).rowcount


def _refuse(
    connection: Connection[TupleRow],
    statement: LiteralString,
    what: str,
    binds: Mapping[str, object] | None = None,
) -> None:
    """RegionRefused with the codes that the statement finds, if any."""
    if found := [row[0] for row in connection.execute(statement, binds).fetchall()]:
        raise RegionRefused(_list(what, found))


def _list(what: str, codes: Sequence[str]) -> str:
    more = f" and {len(codes) - SHOWN} more" if len(codes) > SHOWN else ""
    return f"Regions: {what}: {', '.join(codes[:SHOWN])}{more}."


REGION_PATHS = statements.REGION_PATHS


def expand(paths: Mapping[str, Sequence[str]], codes: Iterable[str]) -> tuple[str, ...]:
    """The codes and every region that is seen with one of them; an unknown code stands for itself."""
    wanted = set(codes)
    below = {code for code, path in paths.items() if wanted.intersection(path)}
    return tuple(sorted(wanted | below))


def registered(connection: Connection[TupleRow], codes: Iterable[str]) -> set[str]:
    """Those of the codes that the register knows, in any period."""
    statement = "SELECT DISTINCT code FROM onemap.region WHERE code = ANY(%s)"
    return {row[0] for row in connection.execute(statement, (list(codes),)).fetchall()}
