"""The statements that compare two recorded states; rows that both share are never read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from config.model import Field, Layer
from config.vocabulary import EditionKey, GeometryKind
from providers.tables import HISTORY, edition_name

SHAPE = "geometry"  # what a changed shape is called among the fields


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedState:
    """An edition of a layer as it was at one of its revisions."""

    layer: Layer
    edition: EditionKey
    revision: int

    @property
    def name(self) -> str:
        return f"{self.layer.id}.{self.edition}@{self.revision}"


class Comparison:
    """The statements of one comparison, composed once; `differing` comes before the others.

    All but the areas count rows of the temporary table `differing`, or take both states (`classes`).
    """

    def __init__(self, before: RecordedState, after: RecordedState, by: Field | None) -> None:
        layer = before.layer
        placed = layer.geometry is not GeometryKind.NONE
        standing = ["om_region"]
        if before.edition == after.edition:  # two editions belong to two plans anyway
            standing += ["om_plan", "om_basis"]
        columns = {**{f.code: f.column for f in layer.fields}, **{name: name for name in standing}}
        self.compared = (*columns, *([SHAPE] if placed else []))
        self.binds = {
            "edition_a": before.edition,
            "edition_b": after.edition,
            "a": before.revision,
            "b": after.revision,
        }
        pairs: dict[str, sql.Composable] = {
            name: _unequal(column) for name, column in columns.items()
        }
        if placed:
            pairs[SHAPE] = sql.SQL("ST_AsBinary(a.geom) IS DISTINCT FROM ST_AsBinary(b.geom)")
        flags = [sql.Identifier(f"d_{number}") for number in range(len(self.compared))]
        kept = layer.geometry is GeometryKind.POLYGON  # of other shapes nobody asks the area
        names = {
            "rows_a": sql.SQL(" UNION ALL ").join(_rows(before, after, "a", placed)),
            "rows_b": sql.SQL(" UNION ALL ").join(_rows(after, before, "b", placed)),
            "class_a": _class("a", by),
            "class_b": _class("b", by),
            "standing": sql.SQL(" OR ").join(map(_unequal, standing)),
            "pairs": sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(pairs[name], flag)
                for name, flag in zip(self.compared, flags, strict=True)
            ),
            "geom_a": sql.SQL("a.geom" if kept else "NULL::text"),
            "geom_b": sql.SQL("b.geom" if kept else "NULL::text"),
            "flags": sql.SQL(", ").join(flags),
            "any": sql.SQL(" OR ").join(flags),
            "moved": flags[-1] if placed else sql.SQL("false"),
        }
        self.differing = sql.SQL(_DIFFERING).format(**names)
        counts = [sql.SQL("count(*) FILTER (WHERE {})").format(flag) for flag in flags]
        self.by_field = sql.SQL("SELECT {} FROM pg_temp.differing WHERE act = 'changed'").format(
            sql.SQL(", ").join(counts)
        )
        self.listed = sql.SQL(
            "SELECT om_id, act, area_a, area_b, {flags} FROM pg_temp.differing"
            " ORDER BY om_id LIMIT %(most)s"
        ).format(**names)
        self.classes = sql.SQL(_CLASSES).format(
            all_a=sql.SQL(" UNION ALL ").join(_rows(before, None, "a", False)),
            all_b=sql.SQL(" UNION ALL ").join(_rows(after, None, "b", False)),
            class_a=_class("a", by),
            class_b=_class("b", by),
        )


_DIFFERING = """
CREATE TEMPORARY TABLE differing ON COMMIT DROP AS
SELECT om_id, act, area_a, area_b, class_a, class_b, {flags},
    CASE WHEN {moved} THEN geom_a END AS geom_a, CASE WHEN {moved} THEN geom_b END AS geom_b
FROM (SELECT coalesce(a.om_id, b.om_id) AS om_id,
        CASE WHEN a.om_id IS NULL THEN 'added' WHEN b.om_id IS NULL THEN 'removed'
            ELSE 'changed' END AS act,
        a.om_area_m2 AS area_a, b.om_area_m2 AS area_b,
        {class_a} AS class_a, {class_b} AS class_b,
        {pairs}, {geom_a} AS geom_a, {geom_b} AS geom_b
    FROM ({rows_a}) a FULL JOIN ({rows_b}) b ON a.om_id = b.om_id
    WHERE a.om_hash IS DISTINCT FROM b.om_hash OR {standing}) compared
WHERE act <> 'changed' OR {any}
"""
_CLASSES = """
SELECT class, count(*) FILTER (WHERE NOT later), count(*) FILTER (WHERE later),
    sum(m2) FILTER (WHERE NOT later), sum(m2) FILTER (WHERE later)
FROM (SELECT {class_a} AS class, om_area_m2 AS m2, false AS later FROM ({all_a}) a
    UNION ALL SELECT {class_b}, om_area_m2, true FROM ({all_b}) b) both_states
GROUP BY class ORDER BY class LIMIT %(most)s
"""
ACTS = "SELECT act, count(*) FROM pg_temp.differing GROUP BY act"
TRANSITIONS = """
SELECT class_a, class_b, count(*), sum(area_a), sum(area_b) FROM pg_temp.differing
WHERE act = 'changed' AND class_a IS DISTINCT FROM class_b
GROUP BY 1, 2 ORDER BY 5 DESC NULLS LAST, 3 DESC, 1, 2 LIMIT %(most)s
"""
# The shapes of one side that are not, to the last bit, shapes of the other, by whatever identity;
# then of each what the shapes of the other do not cover. Equal neighbours touch and take nothing.
SHAPES = """
CREATE TEMPORARY TABLE shapes_a ON COMMIT DROP AS
SELECT geom_a AS shape FROM pg_temp.differing WHERE geom_a IS NOT NULL
EXCEPT ALL SELECT geom_b FROM pg_temp.differing WHERE geom_b IS NOT NULL;
CREATE TEMPORARY TABLE shapes_b ON COMMIT DROP AS
SELECT geom_b AS shape FROM pg_temp.differing WHERE geom_b IS NOT NULL
EXCEPT ALL SELECT geom_a FROM pg_temp.differing WHERE geom_a IS NOT NULL;
CREATE INDEX ON pg_temp.shapes_a USING gist (shape);
CREATE INDEX ON pg_temp.shapes_b USING gist (shape);
ANALYZE pg_temp.shapes_a, pg_temp.shapes_b
"""
_ONLY_IN = """
SELECT ST_AsBinary(CASE WHEN other.shape IS NULL THEN one.shape
    ELSE ST_CollectionExtract(ST_Difference(one.shape, other.shape), 3) END)
FROM {one} one CROSS JOIN LATERAL (
    SELECT ST_Union(o.shape) AS shape FROM {other} o WHERE o.shape && one.shape) other
"""
_TABLES = {"a": sql.Identifier("pg_temp", "shapes_a"), "b": sql.Identifier("pg_temp", "shapes_b")}
LOST = sql.SQL(_ONLY_IN).format(one=_TABLES["a"], other=_TABLES["b"])
GAINED = sql.SQL(_ONLY_IN).format(one=_TABLES["b"], other=_TABLES["a"])


def _unequal(column: str) -> sql.Composed:
    return sql.SQL("{} IS DISTINCT FROM {}").format(
        sql.Identifier("a", column), sql.Identifier("b", column)
    )


def _class(side: str, by: Field | None) -> sql.Composable:
    if by is None:
        return sql.SQL("NULL::text")
    return sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(side, by.column))


def _rows(
    state: RecordedState, other: RecordedState | None, side: str, placed: bool
) -> Iterator[sql.Composed]:
    """The rows of a state; of two revisions of one edition, only those that the other has not."""
    layer = state.layer
    columns = ["om_id", "om_hash", "om_area_m2", "om_region", "om_plan", "om_basis"]
    columns += [*(f.column for f in layer.fields), *(["geom"] if placed else [])]
    names: dict[str, Any] = {
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "current": edition_name(layer, state.edition),
        "history": sql.Identifier(HISTORY, layer.id),
        "here": sql.Placeholder(side),
        "there": sql.Placeholder("b" if side == "a" else "a"),
        "edition": sql.Placeholder(f"edition_{side}"),
    }
    current = "SELECT {columns} FROM {current} WHERE om_rev <= {here}"
    history = (
        "SELECT {columns} FROM {history} WHERE om_edition = {edition}"
        " AND rev_from <= {here} AND rev_to >= {here}"
    )
    if other is not None and other.edition == state.edition:
        if other.revision > state.revision:  # what has gone since
            yield sql.SQL(history + " AND rev_to < {there}").format(**names)
            return
        current, history = current + " AND om_rev > {there}", history + " AND rev_from > {there}"
    yield sql.SQL(current).format(**names)
    yield sql.SQL(history).format(**names)
