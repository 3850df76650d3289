"""The areas that two layers share, by class, as one statement; pure, no connection.

The cut is made in the cylindrical equal-area plane, as `processes.algorithms.polygon_overlay` makes it
of values: planar areas there are the official ellipsoidal ones. A rectangle of degrees is a
rectangle of that plane, so that the pairs come from the index of the stored shapes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import BIGINT, BOOLEAN, DOUBLE_PRECISION, INTEGER, TEXT
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.visitors import replacement_traverse

from config.model import Field
from providers.access import Scope
from providers.conditions import Condition, parameters
from providers.crs import WORLD
from providers.relations import Relation

# Cylindrical equal-area, true at 30° N, of WGS 84: areas differ from those of CGCS2000 by 2e-11.
OFFICIAL_PLANE = 6933
# Small shapes are cut at once; for large ones it pays to ask first whether they meet at all.
MANY_VERTICES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One input of an overlay: rows of a layer, as its reader may see them, and their classes."""

    relation: Relation
    scope: Scope
    by: Field | None = None  # tells classes apart; None: all rows are one
    conditions: tuple[Condition, ...] = ()

    def parameters(self, name: str, bound: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The values of the side's binds; *bound* are those of its relation (`layer`, `at`, …)."""
        values = {**self.scope.parameters, **parameters(self.conditions), **(bound or {})}
        return {f"{name}_{key}": value for key, value in values.items()}


def overlay_statement(left: Side, right: Side) -> Select[Any]:
    """Rows (kind, left class, right class, parts, area_m2) of two layers laid over one another.

    Kind `both` is what two classes share, in square metres; `left` and `right` are the whole areas of
    one side's classes, so that what a class has alone is their difference (where the features of
    the other side do not overlap one another). Binds have the prefixes `left_` and `right_`.
    """
    one, other = _rows(left, "left"), _rows(right, "right")
    index = _visible(right, "right", lambda rows: [rows.c.fid, rows.c.geom]).subquery("placed")
    box = right.relation.moved(one.c.geom)
    vertices = func.ST_NPoints(one.c.plane) + func.ST_NPoints(other.c.plane)
    meets = case(
        (
            vertices > literal(MANY_VERTICES, INTEGER),
            func.ST_Intersects(one.c.plane, other.c.plane),
        ),
        else_=true(),
    )
    shared_m2 = func.ST_Area(func.ST_Intersection(one.c.plane, other.c.plane))
    cuts = (
        select(
            one.c["class"].label("left_class"),
            other.c["class"].label("right_class"),
            cast(shared_m2, DOUBLE_PRECISION).label("area_m2"),
        )
        .select_from(one)
        .join(index, index.c.geom.op("&&", return_type=BOOLEAN())(box))
        .join(other, other.c.fid == index.c.fid)
        .where(meets)
        .offset(literal(0, INTEGER))  # the cut is made once, and sorting carries no shapes
        .subquery("cuts")
    )
    both = (
        select(
            literal("both", TEXT).label("kind"),
            cuts.c.left_class,
            cuts.c.right_class,
            func.count().label("parts"),
            func.sum(cuts.c.area_m2).label("area_m2"),
        )
        .where(cuts.c.area_m2 > 0)
        .group_by(cuts.c.left_class, cuts.c.right_class)
    )
    found = union_all(both, _wholes(one, "left"), _wholes(other, "right")).subquery("found")
    return select(found).order_by(
        found.c.kind, found.c.area_m2.desc(), found.c.left_class, found.c.right_class
    )


def _rows(side: Side, name: str) -> CTE:
    """A side's rows, each brought into the plane once."""
    relation = side.relation

    def columns(rows: FromClause) -> list[ColumnElement[Any]]:
        degrees = relation.degrees(relation.plain(rows.c.geom))
        code = null() if side.by is None else relation.attribute(rows, side.by)
        return [
            rows.c.fid,
            cast(code, TEXT).label("class"),
            degrees.label("geom"),
            _in_plane(relation, degrees).label("plane"),
        ]

    found: CTE = _visible(side, name, columns).cte(name)
    return found.prefix_with("MATERIALIZED", dialect="postgresql")


def _visible(side: Side, name: str, columns: Any) -> Any:
    """What the caller may see of a side, from all branches of its relation."""

    def of(rows: FromClause, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
        narrowed = (one.of(side.relation, rows) for one in side.conditions)
        seen = side.relation.visible(side.scope, rows)
        return select(*columns(rows)).where(*conditions, seen, *narrowed)

    parts = [of(branch.rows, branch.conditions) for branch in side.relation.branches]
    whole = parts[0] if len(parts) == 1 else union_all(*parts)
    return _renamed(whole, name)


def _renamed(statement: Any, name: str) -> Any:
    """The statement with its caller's binds under names of its own: both sides may have equal ones."""

    def own(element: Any, **_: Any) -> Any:
        if isinstance(element, BindParameter) and element.required:
            return bindparam(f"{name}_{element.key}", type_=element.type)
        return None

    return replacement_traverse(statement, {}, own)


def _in_plane(relation: Relation, degrees: ColumnElement[Any]) -> ColumnElement[Any]:
    """Degrees in the official plane; what others wrote is made valid first."""
    shape: ColumnElement[Any] = func.ST_SetSRID(degrees, literal(WORLD, INTEGER))
    if relation.table is not None:
        made = func.ST_MakeValid(shape, literal("method=structure keepcollapsed=false", TEXT))
        shape = case((func.ST_IsValid(shape), shape), else_=func.ST_CollectionExtract(made, 3))
    return func.ST_Transform(shape, literal(OFFICIAL_PLANE, INTEGER))


def _wholes(rows: CTE, kind: str) -> Select[Any]:
    """The whole area of each class of one side."""
    nothing = cast(null(), TEXT)
    code = rows.c["class"]
    return select(
        literal(kind, TEXT),
        code if kind == "left" else nothing,
        code if kind == "right" else nothing,
        cast(func.count(), BIGINT),
        func.coalesce(func.sum(func.ST_Area(rows.c.plane)), literal(0.0, DOUBLE_PRECISION)),
    ).group_by(code)
