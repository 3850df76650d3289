"""Files of code changes: one change a row, as the year-by-year lists of the divisions have them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from config.vocabulary import RegionCode
from providers.region_changes import Change, ChangeKind
from providers.region_files import opened, plain_code
from providers.regions import SHOWN, RegionRefused

NEEDED = ("type", "old_code", "new_code")
USED = (*NEEDED, "year", "date", "old_name", "new_name", "doc_no", "source_official", "source_url")
SOURCES = ("doc_no", "source_official", "source_url")

# The lists' words. Of the whole division, now with another code:
RECODED = frozenset(
    {"同名改码", "撤县设市", "撤县设区", "撤市设区", "撤地设市", "撤旗设区", "更名"}
)
# Its land became a part of another, or nobody says what became of it:
ENDED = frozenset({"撤销", "撤区设区", "区划调整"})
# Of parts of a division, or of its seat: no code changes.
WITHOUT_CODE = frozenset({"划转", "驻地迁移"})
KINDS = {
    **dict.fromkeys(RECODED, ChangeKind.RECODED),
    **dict.fromkeys(ENDED, ChangeKind.MERGED),
    "新设": ChangeKind.ESTABLISHED,
    "码位改派": ChangeKind.REASSIGNED,
    **{kind.value: kind for kind in ChangeKind},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChanges:
    """The changes of a file, and how many rows name no code that changes."""

    changes: tuple[Change, ...]
    without_code: int


def read_changes(path: Path) -> ReadChanges:
    """The changes of a CSV (also .gz) with the columns year or date, type, old_code, new_code.

    Where several divisions go into one code on one day, none of them is that division: they are
    merged; one that goes into several is split.
    """
    found: list[Change] = []
    wrong: list[str] = []
    skipped = 0
    with opened(path, None) as source:
        if missing := [name for name in NEEDED if name not in source.columns]:
            raise RegionRefused(f"{path.name} has no columns {', '.join(missing)}.")
        if not {"year", "date"} & set(source.columns):
            raise RegionRefused(f"{path.name} has neither a column year nor a column date.")
        names = [name for name in USED if name in source.columns]
        for batch in source.batches():
            lists = [batch.columns[name].to_pylist() for name in names]
            for number, values in enumerate(zip(*lists, strict=True), batch.first + 1):
                cells = {n: str(v or "").strip() for n, v in zip(names, values, strict=True)}
                try:
                    change = _change(cells)
                except ValueError as error:
                    wrong.append(f"row {number}: {error}")
                    continue
                skipped += change is None
                found += [change] if change is not None else []
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise RegionRefused("\n".join([f"{path.name}:", *wrong[:SHOWN], *more]))
    return ReadChanges(changes=tuple(_joined(found)), without_code=skipped)


def _change(cells: Mapping[str, str]) -> Change | None:
    """A row's change; None where it names no code that changes."""
    word = cells["type"]
    if word not in KINDS and word not in WITHOUT_CODE:
        raise ValueError(f"the type {word!r} is not one of {', '.join(KINDS)}")
    old, new = _code(cells["old_code"]), _code(cells["new_code"])
    if word in WITHOUT_CODE or (old is None and new is None):
        return None
    kind = KINDS[word]
    earliest, latest = _days(cells)
    same_name = cells.get("old_name", "") == cells.get("new_name", "")
    if old is None:
        kind = ChangeKind.ESTABLISHED
    elif new is None:
        kind = ChangeKind.ABOLISHED
    elif kind is ChangeKind.ESTABLISHED:
        raise ValueError(f"the type {word!r} has an old code, {old}")
    elif kind is ChangeKind.RECODED and old == new:
        kind = ChangeKind.RENAMED
    elif kind is ChangeKind.MERGED and old == new:
        return None
    elif kind is ChangeKind.MERGED and word in ENDED and same_name:
        kind = ChangeKind.RECODED  # 撤销 here, and there again under its name
    return Change(
        old=old,
        new=new,
        earliest=earliest,
        latest=latest,
        kind=kind,
        old_name=cells.get("old_name") or None,
        new_name=cells.get("new_name") or None,
        source=" ".join(filter(None, (cells.get(name, "") for name in SOURCES))),
    )


def _joined(changes: Sequence[Change]) -> list[Change]:
    """The changes, each said once, with merged and split told from recoded by what else happens."""
    moving = {ChangeKind.RECODED, ChangeKind.MERGED, ChangeKind.SPLIT}
    pairs = {(c.latest, c.old, c.new) for c in changes if c.kind in moving and c.old != c.new}
    into = Counter((day, new) for day, _, new in pairs)
    out_of = Counter((day, old) for day, old, _ in pairs)
    found: dict[tuple[object, ...], Change] = {}
    for change in changes:
        one = change
        if change.kind is ChangeKind.RECODED and into[change.latest, change.new] > 1:
            one = replace(change, kind=ChangeKind.MERGED)
        elif change.kind is ChangeKind.RECODED and out_of[change.latest, change.old] > 1:
            one = replace(change, kind=ChangeKind.SPLIT)
        found.setdefault((one.old, one.new, one.earliest, one.latest, one.kind), one)
    return list(found.values())


def _code(text: str) -> str | None:
    return RegionCode(plain_code(text)).value if text else None


def _days(cells: Mapping[str, str]) -> tuple[date, date]:
    """The day of the change; of one known by its year, the year's first and last."""
    if text := cells.get("date"):
        day = date.fromisoformat(text)
        return day, day
    if not re.fullmatch(r"[12]\d{3}", cells.get("year", ""), re.ASCII):
        raise ValueError(f"the year {cells.get('year', '')!r}: expected four digits")
    year = int(cells["year"])
    return date(year, 1, 1), date(year, 12, 31)
