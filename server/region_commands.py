"""`onemap region`: the register of divisions (行政区划) and management units (管理单元)."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from config.settings import Settings
from config.vocabulary import AdminLevel, Text
from providers import region_changes
from providers.database import DatabaseRole, connect
from providers.editions import day_in_china
from providers.migrations import migrate
from providers.plausibility import displacement
from providers.region_assignment import polygons_of
from providers.region_change_files import read_changes
from providers.region_changes import changes_between
from providers.region_files import RegionColumns, RegionRow, read_land, read_regions, regions_of
from providers.region_lookup import Registered, changes_of, children, counts, known, periods
from providers.regions import (
    Region,
    RegionKind,
    RegionRefused,
    Written,
    put_changes,
    put_regions,
    region_code,
)
from server.instance import database
from server.plan_commands import as_json, day, words

LIFTED_SHOWN = 10


def load(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap region load`: a list of divisions, with or without polygons; all or none."""
    columns = RegionColumns(
        code=given.code_column, name=given.name_column, parents=tuple(given.parent_column)
    )
    level = AdminLevel(given.level) if given.level is not None else None
    rows = read_regions(given.file, layer=given.layer, level=level, columns=columns)
    start = given.valid_from or _today()
    with _connected(settings, DatabaseRole.WRITER) as connection:
        codes = {code for row in rows for code in (row.code.value, *row.parents)}
        regions, lifted = regions_of(rows, known(connection, codes, start), start)
        _refuse_displaced(connection, regions)
        try:
            written = put_regions(connection, regions, complete=given.complete)
        except RegionRefused as refused:
            raise RegionRefused(f"{refused}\n{_hint(given)}") from None
        standing = counts(connection, start)
    _report(given, rows, written, lifted, start, standing)
    return 0


def load_changes(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap region changes`: how codes changed over the years."""
    read = read_changes(given.file)
    with _connected(settings, DatabaseRole.WRITER) as connection:
        written, ended = put_changes(connection, read.changes)
    kinds = Counter(change.kind for change in read.changes)
    if given.json:
        print(as_json({"written": written, "withoutCode": read.without_code, "ended": ended}))
        return 0
    print(f"{written} changes: " + ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))
    print(f"{read.without_code} rows name no code that changes; {ended} registered divisions end.")
    return 0


def add_unit(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap region unit add`: a management unit (开发区, 分局) and its land."""
    unit = Region(
        code=given.code,
        parent=given.parent,
        level=None,
        name=Text(zh=given.title, en=given.title_en or given.title),
        valid_from=given.valid_from or _today(),
        polygon=read_land(given.file, layer=given.layer) if given.file is not None else None,
        kind=RegionKind.UNIT,
    )
    with _connected(settings, DatabaseRole.WRITER) as connection:
        put_regions(connection, [unit])
    print(f"{unit.code.value}\t{unit.name.zh}")
    return 0


def show_list(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap region list`: what lies in a region on a day."""
    on, parent = given.on or _today(), given.parent.value if given.parent is not None else None
    with _connected(settings, DatabaseRole.READER) as connection:
        found = children(connection, parent, on)
        if not found and parent is not None and not periods(connection, parent, on):
            raise RegionRefused(f"The register has no region {parent}.")
    if given.json:
        print(as_json([asdict(one) for one in found]))
        return 0
    print("code\tlevel\tname\tperiod\tpolygon\tchildren" if found else f"nothing on {on}")
    for one in found:
        polygon = "yes" if one.has_polygon else "no"
        print(one.code, _standing(one), one.name.zh, _period(one), polygon, one.children, sep="\t")
    return 0


def show(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap region show`: a code's periods, and what it was and became."""
    code, today = given.code.value, _today()
    with _connected(settings, DatabaseRole.READER) as connection:
        held = periods(connection, code, today)
        changes = changes_between(connection)
    events = changes_of(changes, code)
    if not held and not events:
        raise RegionRefused(f"The register has no region {code}.")
    before = region_changes.predecessors(changes, code, until=today)
    after = _successors(changes, code, held, today)
    if given.json:
        whole = {
            "code": code,
            "periods": [asdict(one) for one in held],
            "changes": [asdict(event) for event in events],
            "predecessors": before,
            "successors": after,
        }
        print(as_json(whole))
        return 0
    for one in held:
        print("period", _period(one), _standing(one), one.name.zh, "/".join(one.path), sep="\t")
    if held:
        polygon = "yes" if any(one.has_polygon for one in held) else "no"
        print("polygon", polygon, "children", held[-1].children, sep="\t")
    for event in events:
        when = event.earliest.year if event.earliest != event.latest else event.latest
        names = (event.old_name or "", event.new_name or "", event.source)
        print("change", when, event.kind, event.old or "-", event.new or "-", *names, sep="\t")
    print("predecessors", ", ".join(before) or "-", sep="\t")
    print("successors", ", ".join(after) or "-", sep="\t")
    return 0


def _successors(
    changes: Sequence[region_changes.Change], code: str, held: Sequence[Registered], today: date
) -> tuple[str, ...]:
    """What the code's last use became; nothing where it is in use."""
    valid = any(one.valid_from <= today <= (one.valid_to or today) for one in held)
    if valid:
        return ()
    heirs = region_changes.heirs(changes, {}).get(code, ())
    return tuple(heir.code for heir in heirs)


@contextmanager
def _connected(settings: Settings, role: DatabaseRole) -> Iterator[Connection[TupleRow]]:
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, role, statement_timeout_ms=0) as connection:
            yield connection


def _refuse_displaced(connection: Connection[TupleRow], regions: Sequence[Region]) -> None:
    """Refused where polygons lie beside what is registered of them, as GCJ-02 does."""
    placed = [region for region in regions if region.polygon is not None]
    above = {r.code.value: r.parent.value for r in placed if r.parent is not None}
    polygons = polygons_of(connection, sorted({*(r.code.value for r in placed), *above.values()}))
    compared = {
        r.code.value: r.code.value if r.code.value in polygons else above.get(r.code.value, "")
        for r in placed
    }
    shapes = [region.polygon for region in placed if region.polygon is not None]
    found = displacement(shapes, [compared[r.code.value] for r in placed], polygons)
    if found.found:
        raise RegionRefused(found.message)


def _hint(given: argparse.Namespace) -> str:
    if given.parent_column:
        return "Load the level above first, or a management unit with onemap region unit add."
    return (
        "Load the level above first, or name columns of parents from the nearest upward with"
        " --parent-column, so that what has no registered parent lies in the next one."
    )


def _report(
    given: argparse.Namespace,
    rows: Sequence[RegionRow],
    written: Written,
    lifted: Counter[str],
    start: date,
    standing: dict[AdminLevel, int],
) -> None:
    repaired = sum(row.repaired for row in rows)
    if given.json:
        document = {
            "read": len(rows),
            **asdict(written),
            "repaired": repaired,
            "validFrom": start,
            "lifted": dict(sorted(lifted.items())),
            "standingAtLevel": standing,
        }
        print(as_json(document))
        return
    print(
        f"{len(rows)} read, {written.new} new from {start}, {written.filled} got their polygon,"
        f" {written.unchanged} as they were, {written.ended} ended, {repaired} polygons repaired"
    )
    if written.standing:
        print(f"{written.standing} are divisions of a higher level that are not divided here")
    if lifted:
        shown = ", ".join(sorted(lifted)[:LIFTED_SHOWN])
        more = f" and {len(lifted) - LIFTED_SHOWN} more" if len(lifted) > LIFTED_SHOWN else ""
        print(f"{lifted.total()} lie in the next region above: {shown}{more} are not registered")
    print(
        "now: "
        + ", ".join(f"{standing[level]} {level}" for level in AdminLevel if level in standing)
    )


def _standing(one: Registered) -> str:
    return "+".join([one.level or one.kind.value, *one.stands_for])


def _period(one: Registered) -> str:
    return f"{one.valid_from}/{one.valid_to or '..'}"


def _today() -> date:
    return day_in_china(datetime.now(UTC))


def _code(text: str) -> Any:
    try:
        return region_code(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap region load|changes|unit|list|show`."""
    region = verbs.add_parser("region", help="divisions and management units").add_subparsers(
        dest="region_verb", required=True, metavar="VERB"
    )
    one = region.add_parser("load", help="register a list of divisions, with or without polygons")
    one.add_argument("file", type=Path, help="GeoPackage, GeoParquet, …, or CSV (also .gz)")
    one.add_argument("--layer", metavar="NAME", help="the file's layer")
    one.add_argument("--level", choices=[level.value for level in AdminLevel])
    one.add_argument("--code-column", metavar="NAME")
    one.add_argument("--name-column", metavar="NAME")
    one.add_argument(
        "--parent-column",
        metavar="NAME",
        action="append",
        default=[],
        help="of the parent's code; repeated: where the first's is not registered, the next one's",
    )
    one.add_argument("--valid-from", type=day, metavar="DATE", help="first day (default: today)")
    one.add_argument(
        "--complete",
        metavar="CODE",
        action="append",
        default=[],
        help="the list is all there is in CODE (100000: everywhere): what is missing ends",
    )
    one.add_argument("--json", action="store_true")
    one.set_defaults(run=load)
    changed = region.add_parser("changes", help="register how codes changed over the years")
    changed.add_argument("file", type=Path, help="CSV (also .gz): year, type, old_code, new_code")
    changed.add_argument("--json", action="store_true")
    changed.set_defaults(run=load_changes)
    unit = region.add_parser("unit", help="management units").add_subparsers(
        dest="unit_verb", required=True, metavar="VERB"
    )
    new = unit.add_parser("add", help="a management unit (开发区, 分局) with its polygon")
    new.add_argument("code", type=_code, help="a free division code as 220171, or as FJ01")
    new.add_argument("--title", required=True, type=words, help="in Chinese")
    new.add_argument("--title-en", type=words)
    new.add_argument("--parent", required=True, type=_code, metavar="CODE", help="whose unit it is")
    new.add_argument("--file", type=Path, metavar="POLYGON", help="its land")
    new.add_argument("--layer", metavar="NAME", help="the file's layer")
    new.add_argument("--valid-from", type=day, metavar="DATE", help="first day (default: today)")
    new.set_defaults(run=add_unit)
    listed = region.add_parser("list", help="what lies in a region, or stands at the top")
    listed.add_argument("--parent", type=_code, metavar="CODE")
    listed.add_argument("--on", type=day, metavar="DATE", help="default: today")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(run=show_list)
    shown = region.add_parser("show", help="periods of a code, what it was and became")
    shown.add_argument("code", type=_code)
    shown.add_argument("--json", action="store_true")
    shown.set_defaults(run=show)
