"""Revisions: what was recorded when. Publishing is one transaction and all or nothing."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind
from providers.editions import Edition, declare
from providers.regions import CHANNEL
from providers.staging import FeatureTable, stage
from providers.tables import content_columns, partition_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What one publication did to an edition."""

    layer: str
    edition: EditionKey
    number: int
    added: int
    changed: int
    removed: int

    @property
    def empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


def publish(
    connection: Connection[TupleRow],
    layer: Layer,
    edition: Edition,
    table: FeatureTable,
    *,
    author: str,
    note: str,
    now: datetime,
) -> Revision:
    """Replace the edition's rows by *table* as one new revision; equal rows stay untouched.

    Runs in the caller's transaction with the writer's role; the tables must exist
    (providers.tables.ensure_tables). A load that changes neither rows nor the edition's own facts
    makes no revision.

    Raises
    ------
    LoadRejected
        If any feature does not satisfy the specification; nothing is changed then.
    """
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"onemap/{layer.id}",))
    declared = declare(connection, edition, layer.specification.version)
    stage(connection, layer, table)
    _complete_staged(connection, layer)
    row = connection.execute(
        "SELECT revision FROM onemap.edition WHERE layer = %s AND edition = %s FOR UPDATE",
        (layer.id, edition.key),
    ).fetchone()
    last = int(row[0]) if row else 0
    statements = _Statements(layer, edition.key)
    bind = {"edition": edition.key, "revision": last + 1}
    removed = connection.execute(statements.close_removed, bind).rowcount
    changed = connection.execute(statements.close_changed, bind).rowcount
    connection.execute(statements.update_changed, bind)
    added = connection.execute(statements.insert_added, bind).rowcount
    result = Revision(
        layer=layer.id,
        edition=edition.key,
        number=last + 1,
        added=added,
        changed=changed,
        removed=removed,
    )
    if result.empty and last and not declared:
        connection.execute(f"NOTIFY {CHANNEL}")
        return Revision(
            layer=layer.id, edition=edition.key, number=last, added=0, changed=0, removed=0
        )
    kind = "load" if not result.empty or not last else "declaration"
    connection.execute(
        "INSERT INTO onemap.revision (layer, edition, number, kind, recorded_at, author, note,"
        " added, changed, removed) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (layer.id, edition.key, last + 1, kind, now, author, note, added, changed, removed),
    )
    connection.execute(statements.summarise, {**bind, "layer": layer.id, "now": now})
    connection.execute(f"NOTIFY {CHANNEL}")
    return result


def _complete_staged(connection: Connection[TupleRow], layer: Layer) -> None:
    """Regions by overlap, and the hash of each row's content."""
    if layer.region == "overlap":
        connection.execute(
            """
            UPDATE pg_temp.staged s SET om_region = (
                SELECT r.code FROM onemap.region r
                WHERE r.level = 'county' AND ST_Intersects(r.geom, s.geom)
                ORDER BY ST_Area(ST_Intersection(r.geom, s.geom)) DESC, r.code LIMIT 1)
            """
        )
    else:  # a town's or village's code is lifted to the division that is registered
        connection.execute(
            """
            UPDATE pg_temp.staged s SET om_region = r.code FROM (
                SELECT DISTINCT ON (c.om_region) c.om_region AS given, r.code
                FROM (SELECT DISTINCT om_region FROM pg_temp.staged) c JOIN onemap.region r
                ON r.code IN (c.om_region, left(c.om_region, 9), left(c.om_region, 6))
                ORDER BY c.om_region, length(r.code) DESC) r
            WHERE s.om_region = r.given AND r.code <> r.given
            """
        )
    plain = [name for name in content_columns(layer) if name != "geom"]
    listed = sql.SQL(", ").join(map(sql.Identifier, plain))
    shape = sql.SQL("ST_AsEWKB(geom)" if layer.geometry is not GeometryKind.NONE else "''::bytea")
    connection.execute("ALTER TABLE pg_temp.staged ADD COLUMN om_hash text")
    connection.execute(
        sql.SQL(
            "UPDATE pg_temp.staged SET om_hash = left(encode(sha256("
            "convert_to({} || to_json(ROW({}))::text, 'UTF8') || {}), 'hex'), 32)"
        ).format(sql.Literal(layer.specification.version + "|"), listed, shape)
    )
    connection.execute("CREATE UNIQUE INDEX ON pg_temp.staged (om_id)")
    connection.execute("ANALYZE pg_temp.staged")


class _Statements:
    """The fixed statements of one publication, composed once."""

    def __init__(self, layer: Layer, edition: EditionKey) -> None:
        columns = [*content_columns(layer), "om_hash"]
        names = {
            "current": sql.Identifier("planning", partition_name(layer, edition)),
            "history": sql.Identifier("planning_history", layer.id),
            "sequence": sql.Literal(f"planning.{layer.id}__fid"),
            "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
            "qualified": sql.SQL(", ").join(sql.Identifier("c", name) for name in columns),
            "staged": sql.SQL(", ").join(sql.Identifier("s", name) for name in columns),
            # new rows in the geometry's own (Hilbert) order: pages and tiles read neighbours together
            "order": sql.SQL("s.geom, s.om_id" if "geom" in columns else "s.om_id"),
        }
        box = (
            "ST_Extent(geom)::box2d AS b"
            if layer.geometry is not GeometryKind.NONE
            else "NULL::box2d AS b"
        )

        def built(text: str) -> sql.Composed:
            return sql.SQL(text).format(**names)

        close = (
            " INSERT INTO {history} (fid, om_edition, om_id, {columns}, rev_from, rev_to)"
            " SELECT c.fid, c.om_edition, c.om_id, {qualified}, c.om_rev, %(revision)s - 1 FROM "
        )
        self.close_removed = built(
            "WITH closed AS (DELETE FROM {current} c WHERE NOT EXISTS"
            " (SELECT FROM pg_temp.staged s WHERE s.om_id = c.om_id) RETURNING c.*)"
            + close
            + "closed c"
        )
        self.close_changed = built(
            close + "{current} c JOIN pg_temp.staged s USING (om_id) WHERE c.om_hash <> s.om_hash"
        )
        self.update_changed = built(
            "UPDATE {current} c SET ({columns}, om_rev) = ROW({staged}, %(revision)s) FROM pg_temp.staged s"
            " WHERE s.om_id = c.om_id AND s.om_hash <> c.om_hash"
        )
        self.insert_added = built(
            "INSERT INTO {current} (fid, om_edition, om_id, {columns}, om_rev)"
            " SELECT coalesce(kept, nextval({sequence})), %(edition)s, om_id, {columns},"
            " %(revision)s FROM ("
            " SELECT s.*, (SELECT max(h.fid) FROM {history} h WHERE h.om_id = s.om_id"
            " AND h.om_edition = %(edition)s) AS kept FROM pg_temp.staged s"
            " WHERE NOT EXISTS (SELECT FROM {current} c WHERE c.om_id = s.om_id)"
            " ORDER BY {order}) fresh"
        )
        self.summarise = built(
            "UPDATE onemap.edition SET revision = %(revision)s, features = t.n, west = ST_XMin(b),"
            " south = ST_YMin(b), east = ST_XMax(b), north = ST_YMax(b), updated_at = %(now)s"
            " FROM (SELECT count(*) AS n, " + box + " FROM {current}) t"
            " WHERE layer = %(layer)s AND edition = %(edition)s"
        )
