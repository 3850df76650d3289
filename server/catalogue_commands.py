"""`onemap check`, `reload` and `catalogue`: files and run-time edits become what is served."""

import argparse
import json
import sys
from collections import Counter
from typing import Any

import yaml

from config.linking import Findings
from config.loader import (
    KINDS,
    MAX_FILE_BYTES,
    CatalogueError,
    catalogue_folders,
    load_merged,
    parse,
    read,
    satisfies_schema,
)
from config.merging import (
    Changes,
    Document,
    Edit,
    EditState,
    Key,
    key_of,
    latest,
    merge,
    state_of,
)
from config.model import Catalogue
from config.settings import Settings
from processes.schedules import schedule_findings
from processes.workflows.catalogue_changes import put_entries, reload_catalogue, withdraw_edit
from providers.catalogue_edits import every_edit, is_current, latest_edits
from providers.cluster_folder import POINTER
from providers.database import DatabaseRole, connect
from providers.errors import Refused
from providers.migrations import migrate
from providers.table_changes import incompatible
from server.commands import loaded_but_undeclared
from server.instance import check_plane, database

SHOWN = 20


class EditRefused(Refused):
    """What was named cannot be put or shown; one plain sentence."""


def check(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap check`: files, and the edits of the database where there is one."""
    if settings.planar_crs is not None:
        check_plane(settings.planar_crs)
    folders = catalogue_folders(settings)
    catalogue, merged = load_merged(folders, ())
    contradictions: list[str] = []
    if _has_database(settings):
        with database(settings) as db, connect(db.url, DatabaseRole.READER) as connection:
            catalogue, merged = load_merged(folders, latest_edits(connection))
            contradictions = incompatible(connection, catalogue) if is_current(connection) else []
    conflicts = [str(conflict) for conflict in merged.conflicts]
    told = [*conflicts, *contradictions, *schedule_findings(catalogue)]
    edited = sum(document.edited for document in merged.documents.values())
    if given.json:
        counts = {kind: len(names) for kind, names in catalogue.digests.items()}
        print(_json({"counts": counts, "edits": edited, "findings": told}))
    else:
        summary = f"{_counts(catalogue)}, {edited} edits in force"
        print(f"{summary}: {len(told) or 'no'} findings")
    for line in told:
        print(line, file=sys.stderr)
    return 1 if told else 0


def reload(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap reload`: put the catalogue as it now is in force, without a pause."""
    with database(settings) as db:
        migrate(db.url)
        done = reload_catalogue(db.url, catalogue_folders(settings), check=schedule_findings)
        undeclared = loaded_but_undeclared(db.url, done.catalogue)
    conflicts = [str(conflict) for conflict in done.conflicts]
    if given.json:
        named = {word: [list(key) for key in keys] for word, keys in _words(done.changes)}
        print(_json({**named, "tables": done.tables, "conflicts": conflicts}))
    else:
        print(f"in force: {_counts(done.catalogue)}")
        for word, keys in _words(done.changes):
            print(f"{word}: {_listed(keys)}")
        if done.tables:
            print(f"tables extended: {', '.join(done.tables)}")
    for line in [*conflicts, *([undeclared] if undeclared else [])]:
        print(line, file=sys.stderr)
    return 0


def put(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap catalogue put`: entries over those of the files, in force at once."""
    findings: Findings = []
    documents = [
        document
        for document in parse(given.file, _content(given.file), findings)
        if satisfies_schema(document, findings)
    ]
    entries = {key_of(d.entry): d for d in documents}
    times = Counter(key_of(d.entry) for d in documents)
    findings += [
        f"{given.file}: : {k} {i!r} is given twice" for (k, i), n in times.items() if n > 1
    ]
    if findings:
        raise CatalogueError(findings)
    if not entries:
        raise EditRefused(f"{given.file} holds no entry.")
    with database(settings) as db:
        migrate(db.url)
        written = put_entries(
            db.url,
            catalogue_folders(settings),
            entries,
            author=given.author,
            note=given.note or "",
            check=schedule_findings,
        )
    for (kind, name), number in written.items():
        print(f"{kind} {name}: {f'edit {number}' if number else 'stands so already'}")
    return 0


def drop(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap catalogue drop`: withdraw an edit; what the files say is in force again."""
    with database(settings) as db:
        migrate(db.url)
        done = withdraw_edit(
            db.url,
            catalogue_folders(settings),
            (given.kind, given.id),
            author=given.author,
            note=given.note or "",
            check=schedule_findings,
        )
    again = f"{done.file.place} is in force again" if done.file else "no file has the entry"
    print(f"{given.kind} {given.id}: withdrawn by edit {done.number}; {again}")
    for line in done.findings:
        print(line, file=sys.stderr)
    return 1 if done.findings else 0


def show_edits(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap catalogue edits`: who changed what, and what has become of it."""
    files = read(catalogue_folders(settings), [])
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.READER) as connection:
            edits = every_edit(connection)
    last = latest(edits)
    rows = [
        {
            "number": edit.number,
            "kind": edit.kind,
            "id": edit.id,
            "state": _state(edit, last, files.get(edit.key)),
            "author": edit.author,
            "edited_at": edit.edited_at.isoformat(timespec="seconds"),
            "note": edit.note,
        }
        for edit in edits
    ]
    if given.json:
        print(_json(rows))
    else:
        print("number\tkind\tid\tstate\tauthor\tedited at\tnote" if rows else "nothing was edited")
        for row in rows:
            print(*row.values(), sep="\t")
    return 0


def show(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap catalogue show KIND [ID]`: the entries in force as YAML, and where each stands."""
    edits: list[Edit] = []
    if _has_database(settings):
        with database(settings) as db, connect(db.url, DatabaseRole.READER) as connection:
            edits = latest_edits(connection)
    merged = merge(read(catalogue_folders(settings), []), edits)
    found = [
        f"# {document.place}\n{_yaml(document)}"
        for (kind, name), document in sorted(merged.documents.items())
        if kind == given.kind and given.id in (None, name, document.entry["id"])
    ]
    if not found:
        named = "" if given.id is None else f" {given.id!r}"
        raise EditRefused(f"There is no {given.kind}{named} in the catalogue.")
    print("---\n".join(found), end="")
    return 0


def _has_database(settings: Settings) -> bool:
    """Whether there is a database to ask; a check makes none."""
    home = settings.home
    return settings.database_url is not None or (home / "db").exists() or (home / POINTER).exists()


def _content(name: str) -> str:
    try:
        with open(name, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise EditRefused(f"{name} is larger than {MAX_FILE_BYTES} bytes.")
        return content.decode("utf-8")
    except OSError as error:
        raise EditRefused(f"{name} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise EditRefused(f"{name} is not UTF-8 text.") from None


def _state(edit: Edit, last: dict[Key, Edit], file: Document | None) -> EditState:
    return state_of(edit, file) if last[edit.key] is edit else EditState.REPLACED


def _words(changes: Changes | None) -> list[tuple[str, tuple[Key, ...]]]:
    if changes is None:
        return []
    return [
        ("added", changes.added),
        ("changed", changes.changed),
        ("removed", changes.removed),
    ]


def _listed(keys: tuple[Key, ...]) -> str:
    shown = ", ".join(f"{kind} {name}" for kind, name in keys[:SHOWN])
    return f"{shown} and {len(keys) - SHOWN} more" if len(keys) > SHOWN else shown or "nothing"


def _counts(catalogue: Catalogue) -> str:
    unconnected = sum(b.layer is None for b in catalogue.bindings.values())
    return (
        f"{len(catalogue.specifications)} specifications, {len(catalogue.code_lists)} code lists,"
        f" {len(catalogue.sources)} sources, {len(catalogue.themes)} themes,"
        f" {len(catalogue.styles)} styles, {len(catalogue.layers)} layers,"
        f" {len(catalogue.bindings)} bindings ({unconnected} not connected),"
        f" {len(catalogue.processes)} processes, {len(catalogue.roles)} roles,"
        f" {len(catalogue.schedules)} schedules,"
        f" {sum(map(len, catalogue.rulesets.values()))} rule sets,"
        f" {len(catalogue.ruleset_overrides)} local overrides"
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _yaml(document: Document) -> str:
    return yaml.safe_dump(document.entry, allow_unicode=True, sort_keys=False, width=100)


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap check`, `onemap reload`, `onemap catalogue put|drop|edits|show`."""
    checking = verbs.add_parser("check", help="check the catalogue; findings: exit 1")
    checking.set_defaults(run=check)
    loading = verbs.add_parser("reload", help="put the catalogue in force as it now is")
    loading.set_defaults(run=reload)
    catalogue = verbs.add_parser("catalogue", help="run-time edits of the catalogue")
    words = catalogue.add_subparsers(dest="catalogue_verb", required=True)
    putting = words.add_parser("put", help="put entries over those of the files")
    putting.add_argument("file", help="a YAML file of entries")
    putting.set_defaults(run=put)
    dropping = words.add_parser("drop", help="withdraw an edit")
    dropping.add_argument("kind", choices=KINDS)
    dropping.add_argument("id", help="of a rule set or an override with its version: ID@VERSION")
    dropping.set_defaults(run=drop)
    for one in (putting, dropping):
        one.add_argument("--author", required=True, type=_line, help="who edits")
        one.add_argument("--note", type=_line, help="why")
    listing = words.add_parser("edits", help="who changed what, and what has become of it")
    listing.set_defaults(run=show_edits)
    showing = words.add_parser("show", help="entries in force, as YAML")
    showing.add_argument("kind", choices=KINDS)
    showing.add_argument("id", nargs="?")
    showing.set_defaults(run=show)
    for one in (checking, loading, listing):
        one.add_argument("--json", action="store_true", help="for machines")


def _line(text: str) -> str:
    if not text.strip() or len(text) > 500 or not text.isprintable():
        raise argparse.ArgumentTypeError("1 to 500 printable characters")
    return text.strip()
