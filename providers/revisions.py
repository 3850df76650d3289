"""Revisions: what was recorded when. Publishing is one transaction and all or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind, LayerId
from providers.database import DatabaseRole
from providers.editions import Edition, declare, facts_columns
from providers.regions import CHANNEL
from providers.tables import content_columns, index_edition, partition_name


class RevisionKind(StrEnum):
    """How a revision came about."""

    LOAD = "load"  # the edition's rows replaced
    REGION = "region"  # the rows of one region replaced
    MERGE = "merge"  # rows added or replaced by id
    DECLARATION = "declaration"  # only the edition's own facts changed
    ROLLBACK = "rollback"  # an earlier revision's rows and facts again


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """How staged rows come into an edition, and what is written down about it."""

    kind: RevisionKind
    author: str
    note: str
    regions: tuple[str, ...] = ()  # of kind REGION: the division's codes, expanded downward
    source: Mapping[str, Any] = field(default_factory=dict)  # where the rows came from


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What one publication did to an edition."""

    layer: LayerId
    edition: EditionKey
    number: int
    added: int
    changed: int
    removed: int

    @property
    def empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


def lock(connection: Connection[TupleRow], layer: LayerId, *, wait: bool) -> bool:
    """Hold the layer for this transaction: one publication at a time; False where another has it."""
    name = f"onemap/{layer}"
    if wait:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (name,))
        return True
    row = connection.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", (name,)).fetchone()
    return bool(row and row[0])


def publish(
    connection: Connection[TupleRow], layer: Layer, edition: Edition, publication: Publication
) -> Revision:
    """Bring the staged rows (providers.staging) into the edition as one new revision.

    Runs in the caller's transaction with the writer's role; the tables must exist
    (providers.tables.ensure_tables). Equal rows stay untouched, and what changes neither rows nor
    the edition's own facts makes no revision. The temporary table `delta` says what came, changed
    and went, with the envelopes before and after; of a first revision, where all is new, nothing.
    """
    lock(connection, layer.id, wait=True)
    declared = declare(connection, edition, layer.specification.version)
    last = current_revision(connection, layer.id, edition.key)
    statements = _Statements(layer, edition.key, publication.kind)
    bind = {
        "edition": edition.key,
        "layer": layer.id,
        "revision": last + 1,
        "regions": list(publication.regions),
    }
    connection.execute("DROP TABLE IF EXISTS pg_temp.delta")
    connection.execute(statements.delta if last else statements.no_delta, bind)
    if last:
        acts = connection.execute("SELECT act, count(*) FROM pg_temp.delta GROUP BY act").fetchall()
        counts: dict[str, int] = dict(acts)
    else:
        counts = {"added": _fill(connection, layer, edition.key, statements, bind)}
    result = Revision(
        layer=layer.id,
        edition=edition.key,
        number=last + 1,
        added=counts.get("added", 0),
        changed=counts.get("changed", 0),
        removed=counts.get("removed", 0),
    )
    if result.empty and last and not declared:
        return Revision(
            layer=layer.id, edition=edition.key, number=last, added=0, changed=0, removed=0
        )
    connection.execute("ANALYZE pg_temp.delta")
    if result.changed or result.removed:
        connection.execute(statements.close, bind)
    if result.removed:
        connection.execute(statements.delete, bind)
    if result.changed:
        connection.execute(statements.update, bind)
    if result.added and last:
        connection.execute(statements.insert, bind)
    kind = publication.kind if not (result.empty and last) else RevisionKind.DECLARATION
    written = {
        **bind,
        "kind": kind,
        "author": publication.author,
        "note": publication.note,
        "source": Jsonb(dict(publication.source)),
        "added": result.added,
        "changed": result.changed,
        "removed": result.removed,
    }
    for statement in (statements.forget, statements.survey, statements.summarise):
        connection.execute(statement, bind)
    connection.execute(statements.record, written)
    connection.execute(f"NOTIFY {CHANNEL}")
    return result


def _fill(
    connection: Connection[TupleRow],
    layer: Layer,
    edition: EditionKey,
    statements: "_Statements",
    bind: Mapping[str, Any],
) -> int:
    """The first rows of an edition, and then its indexes: built at once, not row by row."""
    filled = connection.execute(statements.fill, bind).rowcount
    connection.execute(f"SET LOCAL ROLE {DatabaseRole.OWNER}")
    index_edition(connection, layer, edition)
    connection.execute(f"SET LOCAL ROLE {DatabaseRole.WRITER}")
    return filled


def current_revision(connection: Connection[TupleRow], layer: LayerId, edition: EditionKey) -> int:
    """The number of the edition's newest revision; 0 where there is none."""
    row = connection.execute(
        "SELECT revision FROM onemap.edition WHERE layer = %s AND edition = %s",
        (layer, edition),
    ).fetchone()
    return int(row[0]) if row else 0


def stage_revision(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, number: int
) -> None:
    """Fill `staged` with the edition's rows as they were at a revision."""
    columns = ["om_id", *content_columns(layer)]
    connection.execute(
        sql.SQL(
            "INSERT INTO pg_temp.staged ({columns})"
            " SELECT {columns} FROM {current} WHERE om_rev <= %(number)s UNION ALL"
            " SELECT {columns} FROM {history} WHERE om_edition = %(edition)s"
            " AND rev_from <= %(number)s AND rev_to >= %(number)s"
        ).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            current=sql.Identifier("planning", partition_name(layer, edition)),
            history=sql.Identifier("planning_history", layer.id),
        ),
        {"number": number, "edition": edition},
    )


class _Statements:
    """The fixed statements of one publication, composed once."""

    def __init__(self, layer: Layer, edition: EditionKey, kind: RevisionKind) -> None:
        columns = content_columns(layer)
        placed = layer.geometry is not GeometryKind.NONE
        facts = facts_columns()
        # a row that says the same keeps the document it rests on, except where the old state is wanted
        compared = ["om_hash", "om_region", "om_plan"]
        if kind is RevisionKind.ROLLBACK:
            compared.append("om_basis")
        names = {
            "current": sql.Identifier("planning", partition_name(layer, edition)),
            "history": sql.Identifier("planning_history", layer.id),
            "sequence": sql.Literal(f"planning.{layer.id}__fid"),
            "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
            "qualified": sql.SQL(", ").join(sql.Identifier("c", name) for name in columns),
            "staged": sql.SQL(", ").join(sql.Identifier("s", name) for name in columns),
            "held": sql.SQL(", ").join(sql.Identifier("c", name) for name in compared),
            "given": sql.SQL(", ").join(sql.Identifier("s", name) for name in compared),
            "before": sql.SQL("Box2D(c.geom)" if placed else "NULL::box2d"),
            "after": sql.SQL("Box2D(s.geom)" if placed else "NULL::box2d"),
            "goes": sql.SQL(_GOES[kind]),
            # new rows in the geometry's own (Hilbert) order: pages and tiles read neighbours together
            "order": sql.SQL("s.geom, s.om_id" if placed else "s.om_id"),
            "box": sql.SQL("ST_Extent(geom)" if placed else "NULL::box2d"),
            "facts": sql.SQL(", ").join(map(sql.Identifier, facts)),
        }

        def built(text: str) -> sql.Composed:
            return sql.SQL(text).format(**names)

        self.delta = built(_DELTA)
        self.no_delta = built(_DELTA.rstrip() + " LIMIT 0")
        self.close = built(_CLOSE)
        self.delete = built(_DELETE)
        self.update = built(_UPDATE)
        self.insert = built(_INSERT)
        self.fill = built(_FILL)
        self.forget = built(_FORGET)
        self.survey = built(_SURVEY)
        self.summarise = built(_SUMMARISE)
        self.record = built(_RECORD)


_GOES = {  # which rows that were not given go
    RevisionKind.LOAD: "TRUE",
    RevisionKind.ROLLBACK: "TRUE",
    RevisionKind.REGION: "c.om_region = ANY(%(regions)s)",
    RevisionKind.MERGE: "FALSE",
    RevisionKind.DECLARATION: "FALSE",
}
_DELTA = """
CREATE TEMPORARY TABLE delta ON COMMIT DROP AS
SELECT c.fid, coalesce(s.om_id, c.om_id) AS om_id,
    CASE WHEN c.om_id IS NULL THEN 'added' WHEN s.om_id IS NULL THEN 'removed' ELSE 'changed' END
        AS act,
    {before} AS before, {after} AS after
FROM {current} c FULL JOIN pg_temp.staged s ON s.om_id = c.om_id
WHERE c.om_id IS NULL OR (s.om_id IS NULL AND {goes})
    OR (s.om_id IS NOT NULL AND ROW({held}) IS DISTINCT FROM ROW({given}))
"""
_CLOSE = """
INSERT INTO {history} (fid, om_edition, om_id, {columns}, rev_from, rev_to)
SELECT c.fid, c.om_edition, c.om_id, {qualified}, c.om_rev, %(revision)s - 1
FROM {current} c JOIN pg_temp.delta d USING (om_id) WHERE d.act <> 'added'
"""
_DELETE = """
DELETE FROM {current} c USING pg_temp.delta d WHERE d.act = 'removed' AND c.om_id = d.om_id
"""
_UPDATE = """
UPDATE {current} c SET ({columns}, om_rev) = ROW({staged}, %(revision)s)
FROM pg_temp.staged s JOIN pg_temp.delta d USING (om_id)
WHERE d.act = 'changed' AND c.om_id = s.om_id
"""
_INSERT = """
INSERT INTO {current} (fid, om_edition, om_id, {columns}, om_rev)
SELECT coalesce(kept, nextval({sequence})), %(edition)s, om_id, {columns}, %(revision)s FROM (
    SELECT s.*, h.kept FROM pg_temp.staged s JOIN pg_temp.delta d USING (om_id)
    LEFT JOIN (SELECT om_id, max(fid) AS kept FROM {history} WHERE om_edition = %(edition)s
        GROUP BY om_id) h USING (om_id)
    WHERE d.act = 'added' ORDER BY {order}) fresh
"""
_FILL = """
INSERT INTO {current} (fid, om_edition, om_id, {columns}, om_rev)
SELECT nextval({sequence}), %(edition)s, om_id, {columns}, %(revision)s
FROM (SELECT * FROM pg_temp.staged s ORDER BY {order}) fresh
"""
# What each region holds is kept: what a caller of some regions may see is known without a scan.
_FORGET = """
DELETE FROM onemap.region_extent WHERE layer = %(layer)s AND edition = %(edition)s
"""
_SURVEY = """
INSERT INTO onemap.region_extent (layer, edition, region, features, west, south, east, north)
SELECT %(layer)s, %(edition)s, region, n, ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b)
FROM (SELECT coalesce(om_region, '') AS region, count(*) AS n, {box} AS b FROM {current} GROUP BY 1) t
"""
_SUMMARISE = """
UPDATE onemap.edition SET revision = %(revision)s, features = t.n, west = t.w, south = t.s,
    east = t.e, north = t.top, updated_at = clock_timestamp()
FROM (SELECT coalesce(sum(features), 0) AS n, min(west) AS w, min(south) AS s, max(east) AS e,
    max(north) AS top FROM onemap.region_extent WHERE layer = %(layer)s AND edition = %(edition)s) t
WHERE layer = %(layer)s AND edition = %(edition)s
"""
# The moment of recording is taken at the very end and grows within the edition: what was answered
# as of a moment is answered so for ever.
_RECORD = """
INSERT INTO onemap.revision (layer, edition, number, kind, recorded_at, author, note, source,
    added, changed, removed, {facts}, features, west, south, east, north)
SELECT layer, edition, %(revision)s, %(kind)s, greatest(clock_timestamp(), (
        SELECT max(recorded_at) + interval '1 microsecond' FROM onemap.revision
        WHERE layer = %(layer)s AND edition = %(edition)s)),
    %(author)s, %(note)s, %(source)s, %(added)s, %(changed)s, %(removed)s,
    {facts}, features, west, south, east, north
FROM onemap.edition WHERE layer = %(layer)s AND edition = %(edition)s
"""
