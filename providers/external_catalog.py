"""What the database says of an external table, as the serving role sees it."""

from dataclasses import dataclass

from psycopg import Connection, errors, sql
from psycopg.rows import TupleRow

from providers.crs import Bounds

TABLE, PARTITIONED = "r", "p"
SAMPLE_ROWS = 1_000
EXTENT_WITHIN_MS = 2_000
RELATION = """
SELECT c.oid::bigint, c.relkind::text,
    has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
COLUMNS = """
SELECT a.attname::text, coalesce(b.typname, t.typname)::text, a.attnotnull,
    CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
    col_description(a.attrelid, a.attnum)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
KEYS = """
SELECT a.attname::text FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %s AND i.indisunique AND i.indnkeyatts = 1 AND i.indisvalid
    AND i.indpred IS NULL AND i.indexprs IS NULL AND a.attnotnull
ORDER BY i.indisprimary DESC, a.attnum
"""
# What decides which rows the serving role sees, of the relation and of all that a view reads.
DEFINITION = """
WITH RECURSIVE read (oid) AS (
    SELECT %s::oid
    UNION SELECT d.refobjid FROM read JOIN pg_rewrite r ON r.ev_class = read.oid
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass
), said (line) AS (
    SELECT row(n.nspname, c.relname, c.relkind, c.relowner::regrole, c.relrowsecurity,
        c.relforcerowsecurity, CASE WHEN c.relkind = 'v' THEN c.reloptions END,
        CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, (
            SELECT string_agg(row(p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[],
                pg_get_expr(p.polqual, p.polrelid))::text, ',' ORDER BY p.polname)
            FROM pg_policy p WHERE p.polrelid = c.oid))::text
    FROM read JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
) SELECT md5(string_agg(line, ';' ORDER BY line COLLATE "C")) FROM said
"""
COUNTED = """
SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE t.tgrelid = %(oid)s AND t.tgenabled <> 'D'
        AND n.nspname = 'onemap' AND p.proname = 'count_change')
    OR EXISTS (SELECT FROM onemap.external_version WHERE relation = %(relation)s)
"""
SAMPLE = """
SELECT array_agg(DISTINCT GeometryType(g)), array_agg(DISTINCT ST_SRID(g)),
    ST_XMin(ST_Extent(g)), ST_YMin(ST_Extent(g)), ST_XMax(ST_Extent(g)), ST_YMax(ST_Extent(g))
FROM (SELECT {place} AS g FROM {table} WHERE {place} IS NOT NULL
    AND NOT ST_IsEmpty({place}) LIMIT {most}) sampled
"""
ESTIMATED = "SELECT ST_EstimatedExtent(%s, %s, %s)"
WHOLE = "SELECT ST_Extent({place}) FROM {table}"
CORNERS = """
SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b) FROM (SELECT ST_Transform(
    ST_Segmentize(ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, %(srid)s),
        greatest(%(east)s - %(west)s, %(north)s - %(south)s, 1e-6) / 64), %(degrees)s) AS b) moved
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundColumn:
    """A column as PostgreSQL keeps it."""

    name: str
    type: str  # the type's own name, a domain's base type
    required: bool
    modifier: int  # -1: none
    comment: str | None

    @property
    def length(self) -> int | None:
        """Characters at most."""
        limited = self.type in ("varchar", "bpchar") and self.modifier > 4
        return self.modifier - 4 if limited else None

    @property
    def scale(self) -> int | None:
        """Decimal places of a numeric column."""
        if self.type != "numeric" or self.modifier < 4:
            return None
        return ((self.modifier - 4 & 2047) ^ 1024) - 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTable:
    """A table or view, its columns, and which of them identify a row."""

    oid: int
    view: bool  # or what else has no unique index of its own to rely on
    columns: tuple[FoundColumn, ...]
    keys: tuple[str, ...]  # unique and never null, the primary key first
    definition: str  # digest of what decides which rows the serving role sees

    def column(self, name: str) -> FoundColumn | None:
        return next((c for c in self.columns if c.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundShapes:
    """What the first rows of a geometry column hold."""

    types: frozenset[str]
    srids: frozenset[int]
    bounds: Bounds | None  # of these rows only, in their own system


def find_table(connection: Connection[TupleRow], schema: str, table: str) -> FoundTable | str:
    """The table, or why there is none to read."""
    row = connection.execute(RELATION, (schema, table)).fetchone()
    if row is None:
        return f"there is no table or view {schema}.{table} in this database"
    oid, kind, readable = row
    if not readable:
        target, inside = sql.Identifier(schema, table), sql.Identifier(schema)
        grant = sql.SQL(
            "GRANT USAGE ON SCHEMA {} TO onemap_reader; GRANT SELECT ON {} TO onemap_reader;"
        ).format(inside, target)
        return f"the serving role may not read it; run: {grant.as_string(connection)}"
    columns = tuple(
        FoundColumn(name=r[0], type=r[1], required=r[2], modifier=r[3], comment=r[4])
        for r in connection.execute(COLUMNS, (oid,)).fetchall()
    )
    keys = tuple(r[0] for r in connection.execute(KEYS, (oid,)).fetchall())
    ((definition,),) = connection.execute(DEFINITION, (oid,)).fetchall()
    return FoundTable(
        oid=oid,
        view=kind not in (TABLE, PARTITIONED),
        columns=columns,
        keys=keys,
        definition=str(definition),
    )


def is_counted(connection: Connection[TupleRow], table: FoundTable, relation: str) -> bool:
    """Whether a trigger counts the table's changes, or has counted one."""
    binds = {"oid": table.oid, "relation": relation}
    row = connection.execute(COUNTED, binds).fetchone()
    return bool(row and row[0])


def typmod(connection: Connection[TupleRow], column: FoundColumn) -> tuple[str, int]:
    """The declared geometry type in capitals and its SRID; GEOMETRY and 0 where undeclared."""
    row = connection.execute(
        "SELECT upper(postgis_typmod_type(%(m)s)), postgis_typmod_srid(%(m)s)",
        {"m": column.modifier},
    ).fetchone()
    return (str(row[0]).rstrip("ZM"), int(row[1])) if row else ("GEOMETRY", 0)


def sample(connection: Connection[TupleRow], schema: str, table: str, place: str) -> FoundShapes:
    """The types, reference systems and bounds of the first rows."""
    statement = sql.SQL(SAMPLE).format(
        place=sql.Identifier(place),
        table=sql.Identifier(schema, table),
        most=sql.Literal(SAMPLE_ROWS),
    )
    row = connection.execute(statement).fetchone() or (None, None, None, None, None, None)
    types, srids, *sides = row
    bounds = None if sides[0] is None else (sides[0], sides[1], sides[2], sides[3])
    named = frozenset(str(one).upper().rstrip("ZM") for one in types or ())
    return FoundShapes(types=named, srids=frozenset(srids or ()), bounds=bounds)


def registered_code(connection: Connection[TupleRow], srid: int) -> int | None:
    """The EPSG code that the database knows an SRID by."""
    row = connection.execute(
        "SELECT auth_srid FROM spatial_ref_sys WHERE srid = %s AND auth_name = 'EPSG'", (srid,)
    ).fetchone()
    return None if row is None else int(row[0])


def extent(
    connection: Connection[TupleRow],
    schema: str,
    table: str,
    place: str,
    *,
    srid: int,
    degrees: int,
) -> Bounds | None:
    """Where the rows lie, in degrees: the planner's estimate, else measured if that is quick."""
    names = {"place": sql.Identifier(place), "table": sql.Identifier(schema, table)}
    for statement, binds in (
        (sql.SQL(ESTIMATED), (schema, table, place)),
        (sql.SQL(WHOLE).format(**names), ()),
    ):
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL statement_timeout = {EXTENT_WITHIN_MS}")
                sides = sql.SQL(
                    "SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b) FROM ({}) one (b)"
                ).format(statement)
                row = connection.execute(sides, binds).fetchone()
                if row is None or row[0] is None:
                    continue
                corners = dict(zip(("west", "south", "east", "north"), row, strict=True))
                moved = connection.execute(
                    CORNERS, {**corners, "srid": srid, "degrees": degrees}
                ).fetchone()
        except errors.Error:  # no estimate for a view; too many rows to measure
            continue
        if moved is not None and moved[0] is not None:
            return (moved[0], moved[1], moved[2], moved[3])
    return None
