"""`onemap editions`, `revisions`, `diff` and `rollback`: what is recorded, and back again."""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Catalogue, Layer
from config.settings import Settings
from config.vocabulary import EDITION_KEY, EditionKey
from processes.workflows.difference_report import document, text
from processes.workflows.rollback import rollback
from providers.database import DatabaseRole, connect
from providers.difference_statements import RecordedState
from providers.differences import class_field, differences
from providers.editions import (
    DAY,
    SHANGHAI,
    EditionState,
    end_of_day_in_china,
    list_editions_now,
)
from providers.errors import Refused
from providers.revision_log import RecordedRevision, list_revisions, revision_at
from server.instance import instance, managed_layer, user

REVISION = re.compile(r"\d{1,9}", re.ASCII)


def editions(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap editions`: what is loaded."""
    with instance(settings) as one:
        with connect(one.url, DatabaseRole.READER) as connection:
            states = list_editions_now(connection)
        rows = [_edition_row(s) for s in states if given.layer in (None, s.edition.layer)]
        if not rows and given.layer is not None:
            managed_layer(one.catalogue, given.layer)  # a layer that is none is told apart
    _print_rows(rows, "no edition is loaded", as_json=given.json)
    return 0


def revisions(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap revisions LAYER[.EDITION]`: what was recorded when, by whom and why."""
    layer, _, edition = given.layer.partition(".")
    with instance(settings) as one:
        with connect(one.url, DatabaseRole.READER) as connection:
            rows = [_revision_row(r) for r in list_revisions(connection, layer, edition or None)]
        if not rows:
            managed_layer(one.catalogue, layer)
    if not rows and edition:
        raise Refused(f"There is no edition {layer}.{edition} (onemap editions {layer}).")
    _print_rows(rows, "nothing is recorded", as_json=given.json)
    return 0


def diff(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap diff A B`: features, classes and areas that differ; exit 0 whether or not any does."""
    # temporary tables need a writer; two years of a large layer may take minutes, and Ctrl-C
    with (
        instance(settings) as one,
        connect(one.url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection,
    ):
        before = _state(connection, one.catalogue, given.before)
        after = _state(connection, one.catalogue, given.after)
        if before.layer.id != after.layer.id:
            raise Refused(f"{before.layer.id} and {after.layer.id} are two layers, not two states.")
        by = class_field(before.layer)
        if given.by is not None and (by := before.layer.field(given.by)) is None:
            known = ", ".join(f.code for f in before.layer.fields)
            raise Refused(f"--by: {before.layer.id} has no field {given.by!r}; it has {known}.")
        found = differences(connection, before, after, by=by)
        connection.rollback()
    print(json.dumps(document(found), ensure_ascii=False, indent=2) if given.json else text(found))
    return 0


def roll_back(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap rollback LAYER.EDITION --to N`."""
    with instance(settings) as one:
        layer, key = _edition(one.catalogue, given.edition)
        made = rollback(
            one.url,
            layer,
            key,
            given.to,
            author=given.author,
            note=given.note,
            issued_from_above=given.issued_from_above,
            tell=lambda sentence: print(sentence, file=sys.stderr),
        )
    if made is None:
        print(f"{layer.id}.{key} says what revision {given.to} says already; nothing was changed")
    else:
        print(
            f"{layer.id}.{key} is at revision {made.number}, as revision {given.to} was:"
            f" {made.added:,} added, {made.changed:,} changed, {made.removed:,} removed"
        )
    return 0


def _edition(catalogue: Catalogue, name: str) -> tuple[Layer, EditionKey]:
    layer, _, key = name.partition(".")
    if not EDITION_KEY.fullmatch(key):
        raise Refused(f"{name!r} names no edition; expected LAYER.EDITION, such as land_use.2024.")
    return managed_layer(catalogue, layer), EditionKey(key)


def _state(connection: Connection[TupleRow], catalogue: Catalogue, name: str) -> RecordedState:
    """LAYER.EDITION, with @N for a revision or @TIME for what was recorded by then."""
    of, at, point = name.partition("@")
    layer, key = _edition(catalogue, of)
    number = int(point) if REVISION.fullmatch(point) else None
    moment = _moment(point) if at and number is None else datetime.now(UTC)
    found = revision_at(connection, layer.id, key, number=number, moment=moment)
    if found is not None:
        return RecordedState(layer=layer, edition=key, revision=found)
    recorded = list_revisions(connection, layer.id, key)
    if not recorded:
        raise Refused(f"There is no edition {of} (onemap editions {layer.id}).")
    if number is not None:
        raise Refused(f"{of} has no revision {number}; its newest is {recorded[0].number}.")
    raise Refused(
        f"Nothing of {of} was recorded by {point}; its first revision is of"
        f" {_local(recorded[-1].recorded_at)}."
    )


def _moment(point: str) -> datetime:
    """An instant; without an offset it is China's time, and a date means its last moment."""
    try:
        if DAY.fullmatch(point):
            return end_of_day_in_china(date.fromisoformat(point))
        read = datetime.fromisoformat(point)
    except ValueError:
        raise Refused(
            f"{point!r} is neither a revision's number nor a time such as 2026-01-01T12:00."
        ) from None
    return read if read.tzinfo else read.replace(tzinfo=SHANGHAI)


def _local(moment: datetime) -> str:
    # in full: what is printed can be given to diff again
    return moment.astimezone(SHANGHAI).isoformat(timespec="microseconds")


def _edition_row(state: EditionState) -> dict[str, Any]:
    edition = state.edition
    return {
        "layer": edition.layer,
        "edition": edition.key,
        "title": edition.title.zh,
        "status": edition.status,
        "issuer": edition.issuer,
        "validFrom": edition.valid_from.isoformat(),
        "validTo": edition.valid_to.isoformat() if edition.valid_to else None,
        "revision": state.revision,
        "features": state.features,
    }


def _revision_row(r: RecordedRevision) -> dict[str, Any]:
    return {
        "layer": r.layer,
        "edition": r.edition,
        "revision": r.number,
        "kind": r.kind,
        "recorded": _local(r.recorded_at),
        "author": r.author,
        "features": r.features,
        "added": r.added,
        "changed": r.changed,
        "removed": r.removed,
        "file": r.source.get("file"),
        "note": r.note,
    }


def _print_rows(rows: Sequence[Mapping[str, Any]], none: str, *, as_json: bool) -> None:
    """One line per row, tabs between; a tab or line end in a note would break it."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    print("\t".join(rows[0]) if rows else none)
    for row in rows:
        cells = ("" if value is None else " ".join(str(value).split()) for value in row.values())
        print("\t".join(cells))


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap editions|revisions|diff|rollback`."""
    listing = verbs.add_parser("editions", help="list what is loaded")
    listing.add_argument("layer", nargs="?", help="of this layer only")
    listing.set_defaults(run=editions)
    chain = verbs.add_parser("revisions", help="what was recorded when, by whom and why")
    chain.add_argument("layer", metavar="LAYER[.EDITION]")
    chain.set_defaults(run=revisions)
    comparing = verbs.add_parser("diff", help="what differs between two states of a layer")
    for name in ("before", "after"):
        comparing.add_argument(name, metavar="LAYER.EDITION[@REVISION|@TIME]")
    comparing.add_argument("--by", metavar="FIELD", help="the field that tells classes apart")
    comparing.set_defaults(run=diff)
    for parser in (listing, chain, comparing):
        parser.add_argument("--json", action="store_true", help="for machines")
    back = verbs.add_parser("rollback", help="make an earlier revision the newest again")
    back.add_argument("edition", metavar="LAYER.EDITION")
    back.add_argument("--to", type=_number, required=True, metavar="REVISION")
    back.add_argument("--author", default=user(), help="who does it (%(default)s)")
    back.add_argument("--note", default="", help="why")
    back.add_argument("--issued-from-above", action="store_true", help="the issuer takes it back")
    back.set_defaults(run=roll_back)


def _number(word: str) -> int:
    if not REVISION.fullmatch(word):
        raise argparse.ArgumentTypeError("a revision's number")
    return int(word)
