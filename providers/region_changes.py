"""How division codes change over the years: what a code became, and who may follow it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from psycopg import Connection
from psycopg.rows import TupleRow

DAY = timedelta(days=1)


class ChangeKind(StrEnum):
    """What happens to a code (代码变更)."""

    RECODED = "recoded"  # 改码: the same division, another code
    RENAMED = "renamed"  # 更名: the same code, another name
    MERGED = "merged"  # 并入: the division becomes a part of another
    SPLIT = "split"  # 分设: parts of the division become others
    ABOLISHED = "abolished"  # 撤销, and nobody says what its land became
    ESTABLISHED = "established"  # 新设
    REASSIGNED = "reassigned"  # 码位改派: the code stands for another division from now on


ENDING = frozenset(ChangeKind) - {ChangeKind.RENAMED, ChangeKind.ESTABLISHED}
STAYS_WITHIN = frozenset({ChangeKind.RECODED, ChangeKind.SPLIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a code; of a change known by its year only, the year's first and last day."""

    old: str | None
    new: str | None
    earliest: date
    latest: date
    kind: ChangeKind
    old_name: str | None = None
    new_name: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heir:
    """A code that another became; `within_old`: its land was all the other's."""

    code: str
    within_old: bool


def successors(
    changes: Iterable[Change], code: str, *, since: date, until: date
) -> tuple[str, ...]:
    """The codes that stand on *until* for what *code* stood for on *since*.

    A change of which only the year is known counts where it may have happened between the two
    days. A code without a change stands for itself; nothing is left of one that was abolished, or
    given to another division while nobody says what its own became.
    """
    ways = _walk(_endings(changes, until), code, since, True)
    return tuple(sorted({heir.code for heir in ways}))


def predecessors(changes: Iterable[Change], code: str, *, until: date) -> tuple[str, ...]:
    """The codes that what *code* stands for on *until* had before, wholly or in part."""
    known = [c for c in changes if c.earliest <= until]
    endings = _endings(known, until)
    arrivals: defaultdict[str, list[Change]] = defaultdict(list)
    for change in known:
        told = change.kind in ENDING and change.kind is not ChangeKind.REASSIGNED
        if told and change.new is not None and change.old != change.new:
            arrivals[change.new].append(change)
    begun = max((c.latest for c in arrivals[code]), default=date.min)
    ended_last = max((c.latest for c in endings.get(code, ())), default=date.min)
    found: set[str] = set()
    wanted = [(code, ended_last if ended_last > begun else date.max)]
    while wanted:
        one, before = wanted.pop()
        ended = [c.latest for c in endings.get(one, ()) if c.latest < before]
        start = max(ended, default=date.min)  # its use before that was another division's
        for change in arrivals[one]:
            if start <= change.latest < before and change.old is not None:
                found.add(change.old)
                wanted.append((change.old, change.latest))
    return tuple(sorted(found - {code}))


def heirs(changes: Iterable[Change], used_until: Mapping[str, date]) -> dict[str, tuple[Heir, ...]]:
    """What became of the codes that stand for nothing any more, by code.

    Codes are used again for other divisions; such a code has no heirs, or its new holder would be
    taken for the old one. *used_until* has the last day of codes that the register has.
    """
    known = list(changes)
    endings = _endings(known, date.max)
    begun: dict[str, date] = {}
    for change in known:
        begins = change.new != change.old or change.kind is ChangeKind.REASSIGNED
        if change.new is not None and begins:
            begun[change.new] = max(begun.get(change.new, date.min), change.latest)
    found: dict[str, tuple[Heir, ...]] = {}
    for code, events in endings.items():
        ended = max(change.latest for change in events)
        again = max(begun.get(code, date.min), used_until.get(code, date.min))
        if again < ended and (ways := _merged(_walk(endings, code, ended - DAY, True))):
            found[code] = ways
    return found


def _endings(changes: Iterable[Change], until: date) -> dict[str, list[Change]]:
    """The changes that end a code's use, by code, in the order of time."""
    found: defaultdict[str, list[Change]] = defaultdict(list)
    for change in sorted(changes, key=lambda c: (c.latest, c.earliest)):
        if change.kind in ENDING and change.old is not None and change.earliest <= until:
            found[change.old].append(change)
    return dict(found)


def _walk(
    endings: Mapping[str, Sequence[Change]], code: str, since: date, within: bool
) -> Iterator[Heir]:
    """Where a code leads after *since*; each step is later than the last, so that it ends."""
    later = [change for change in endings.get(code, ()) if change.latest > since]
    if not later:
        yield Heir(code=code, within_old=within)
        return
    day = later[0].latest
    for change in later:
        told = change.new is not None and change.kind is not ChangeKind.REASSIGNED
        if change.latest == day and told and change.new is not None:
            yield from _walk(endings, change.new, day, within and change.kind in STAYS_WITHIN)


def _merged(ways: Iterable[Heir]) -> tuple[Heir, ...]:
    """One heir per code: within the old one only where every way says so."""
    found: dict[str, bool] = {}
    for heir in ways:
        found[heir.code] = found.get(heir.code, True) and heir.within_old
    return tuple(Heir(code=code, within_old=found[code]) for code in sorted(found))


def changes_between(
    connection: Connection[TupleRow], since: date = date.min, until: date = date.max
) -> list[Change]:
    """The registered changes that may have happened after *since* and by *until*, in time order."""
    rows = connection.execute(
        "SELECT old, new, earliest, latest, kind, old_name, new_name, source"
        " FROM onemap.region_change WHERE latest > %s AND earliest <= %s"
        " ORDER BY latest, earliest, number",
        (since, until),
    ).fetchall()
    return [
        Change(
            old=old,
            new=new,
            earliest=earliest,
            latest=latest,
            kind=ChangeKind(kind),
            old_name=old_name,
            new_name=new_name,
            source=source,
        )
        for old, new, earliest, latest, kind, old_name, new_name, source in rows
    ]


def write_changes(connection: Connection[TupleRow], changes: Iterable[Change]) -> int:
    """Add changes, or say anew what is known of one; the number written."""
    rows = [
        (c.old, c.new, c.earliest, c.latest, c.kind, c.old_name, c.new_name, c.source)
        for c in changes
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO onemap.region_change"
            " (old, new, earliest, latest, kind, old_name, new_name, source)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (coalesce(old, ''), coalesce(new, ''), earliest, latest, kind) DO UPDATE"
            " SET old_name = excluded.old_name, new_name = excluded.new_name,"
            " source = excluded.source",
            rows,
        )
    return len(rows)


def renew_heirs(connection: Connection[TupleRow]) -> None:
    """Work out anew what became of the codes that are not used any more."""
    known = changes_between(connection)
    codes = sorted({change.old for change in known if change.old is not None})
    used = connection.execute(
        "SELECT code, max(coalesce(valid_to, %s)) FROM onemap.region WHERE code = ANY(%s)"
        " GROUP BY code",
        (date.max, codes),
    ).fetchall()
    rows = [
        (code, heir.code, len(found), heir.within_old)
        for code, found in heirs(known, dict(used)).items()
        for heir in found
    ]
    connection.execute("DELETE FROM onemap.region_heir")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO onemap.region_heir VALUES (%s, %s, %s, %s)", rows)
