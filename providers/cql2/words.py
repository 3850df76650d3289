"""The words of CQL2 (OGC 21-065) and what each of them is in pygeofilter's AST."""

from typing import Any

from pygeofilter import ast

COMPARISONS: dict[str, Any] = {
    "=": ast.Equal,
    "<>": ast.NotEqual,
    "<": ast.LessThan,
    ">": ast.GreaterThan,
    "<=": ast.LessEqual,
    ">=": ast.GreaterEqual,
}
ARITHMETIC: dict[str, Any] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mul, "/": ast.Div}
MORE_ARITHMETIC = ("%", "div", "^")  # the AST has no node for these: functions of these names
TEXT_FOLDS = ("casei", "accenti")
SPATIAL: dict[str, Any] = {
    "s_intersects": ast.GeometryIntersects,
    "s_equals": ast.GeometryEquals,
    "s_disjoint": ast.GeometryDisjoint,
    "s_touches": ast.GeometryTouches,
    "s_within": ast.GeometryWithin,
    "s_overlaps": ast.GeometryOverlaps,
    "s_crosses": ast.GeometryCrosses,
    "s_contains": ast.GeometryContains,
}
TEMPORAL: dict[str, Any] = {
    "t_after": ast.TimeAfter,
    "t_before": ast.TimeBefore,
    "t_contains": ast.TimeContains,
    "t_disjoint": ast.TimeDisjoint,
    "t_during": ast.TimeDuring,
    "t_equals": ast.TimeEquals,
    "t_finishedBy": ast.TimeEndedBy,
    "t_finishes": ast.TimeEnds,
    "t_meets": ast.TimeMeets,
    "t_metBy": ast.TimeMetBy,
    "t_overlappedBy": ast.TimeOverlappedBy,
    "t_overlaps": ast.TimeOverlaps,
    "t_startedBy": ast.TimeBegunBy,
    "t_starts": ast.TimeBegins,
    "t_intersects": None,  # the AST has no node for it: a function of this name
}
ARRAYS: dict[str, Any] = {
    "a_equals": ast.ArrayEquals,
    "a_contains": ast.ArrayContains,
    "a_containedBy": ast.ArrayContainedBy,
    "a_overlaps": ast.ArrayOverlaps,
}
# What a text writes in any case, a JSON document writes so.
SPELLING = {name.lower(): name for name in (*SPATIAL, *TEMPORAL, *ARRAYS, *TEXT_FOLDS, "isNull")}
GEOMETRIES = {
    name.upper(): name
    for name in (
        "Point",
        "LineString",
        "Polygon",
        "MultiPoint",
        "MultiLineString",
        "MultiPolygon",
        "GeometryCollection",
    )
}
# How many pairs of brackets are around the positions of each.
NESTING = {
    "Point": 0,
    "LineString": 1,
    "MultiPoint": 1,
    "Polygon": 2,
    "MultiLineString": 2,
    "MultiPolygon": 3,
}
