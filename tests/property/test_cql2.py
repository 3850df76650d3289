"""Filters at random: their two languages agree, and PostgreSQL agrees with three-valued logic."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import psycopg
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from config.loader import load
from config.model import Layer
from config.settings import PACKAGE_ROOT
from config.vocabulary import Classification
from providers.access import ALL, Scope
from providers.cql2 import parse_filter
from providers.cql2.words import ARRAYS as ARRAY_WORDS
from providers.cql2.words import SPATIAL as SPATIAL_WORDS
from providers.cql2.words import TEMPORAL as TEMPORAL_WORDS
from providers.crs import CRS84
from providers.database import DatabaseRole, connect
from providers.dialect import compile_sql
from providers.errors import BadParameter
from providers.external import describe
from providers.features import count_statement
from providers.relations import relation_of

TABLE = """
CREATE SCHEMA cql2;
GRANT USAGE ON SCHEMA cql2 TO onemap_reader;
CREATE TABLE cql2.thing (
    id serial PRIMARY KEY, word text, number integer, amount numeric, real double precision,
    flag boolean, day date, at timestamptz, tags text[], geom geometry(Polygon, 4490));
"""
ENTRY = (
    "kind: layer\ntitle: {zh: 物, en: Things}\ntheme: present\nclassification: public\n"
    "id: thing\nstorage: {external: cql2.thing}\n"
)
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=frozenset()
)
WORDS = [None, "", "a", "B", "Ab", "ß", "东坡", "a_b", "50%", "É", "a\\b"]
NUMBERS = [None, -7, 0, 1, 2, 2**31 - 1]
DAYS = [None, date(1970, 1, 1), date(2024, 2, 29), date(2024, 3, 1)]
FLAGS = [None, True, False]
type Row = dict[str, Any]
type Document = Any


@dataclass(frozen=True, slots=True)
class Things:
    """A table with gaps in every column, and the counts of filters on it."""

    connection: psycopg.Connection[Any]
    layer: Layer
    rows: list[Row]

    def count(self, document: Document) -> int:
        text = json.dumps(document)
        condition = parse_filter(text, language="cql2-json", layer=self.layer, crs=CRS84)
        relation = relation_of(self.layer, None, past=False)
        compiled = compile_sql(count_statement(relation, [condition], EVERYTHING))
        with self.connection.transaction():
            row = self.connection.execute(
                compiled.text.encode(), compiled.binds(condition.parameters)
            ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def things(
    cluster: Any, new_database: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Things]:
    combinations = list(product(WORDS[:9], NUMBERS, DAYS, FLAGS))[::7]
    rows = [
        {
            "word": w,
            "number": n,
            "day": d,
            "flag": f,
            "at": i % 3 and f"2024-02-{1 + i % 29}T12:00Z",
        }
        for i, (w, n, d, f) in enumerate(combinations)
    ]
    address = cluster.address(new_database())
    with psycopg.connect(address) as connection:
        connection.execute(TABLE)
        for i, row in enumerate(rows):
            box = (
                None if i % 11 == 0 else shapely.to_wkt(shapely.box(i % 5, 0, i % 5 + 2, i % 7 + 1))
            )
            beside = {"amount": None if i % 4 == 0 else Decimal(i) / 8, "box": box}
            connection.execute(
                "INSERT INTO cql2.thing (word, number, amount, real, flag, day, at, tags, geom)"
                " VALUES (%(word)s, %(number)s, %(amount)s::numeric,"
                " %(amount)s::numeric::float8 * 1e290, %(flag)s,"
                " %(day)s, NULLIF(%(at)s::text, '0')::timestamptz, ARRAY[%(word)s::text, 'x'],"
                " ST_GeomFromText(%(box)s, 4490))",
                {**row, **beside},
            )
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA cql2 TO onemap_reader")
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "layers.yaml").write_text(ENTRY, "utf-8")
    catalogue = load([*(PACKAGE_ROOT / n for n in ("standards", "catalogue", "demo")), folder])
    with connect(address, DatabaseRole.READER) as reader:
        layer = next(one for one in catalogue.layers.values() if one.id == "thing")
        yield Things(reader, describe(reader, layer), rows)


def op(name: str, *args: Document) -> Document:
    return {"op": name, "args": list(args)}


def a_property(name: str) -> Document:
    return {"property": name}


def said(value: Any) -> Document:
    return {"date": value.isoformat()} if isinstance(value, date) else value


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "word": st.sampled_from(WORDS[1:]),
    "number": st.sampled_from(NUMBERS[1:]) | st.integers(-(10**30), 10**30),
    "day": st.sampled_from(DAYS[1:]) | st.dates(),
    "flag": st.booleans(),
}
NAMES = sorted(VALUES)
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


@st.composite
def comparisons(draw: st.DrawFn) -> Document:
    name = draw(st.sampled_from(NAMES))
    value, column = VALUES[name].map(said), a_property(name)
    match draw(st.sampled_from(["compare", "null", "in", "between", "like", "same"])):
        case "null":
            return op("isNull", column)
        case "in":
            return op("in", column, draw(st.lists(value, min_size=1, max_size=4)))
        case "between" if name == "number":
            return op("between", column, draw(value), draw(value))
        case "like":
            return op("like", a_property("word"), draw(st.text("aAbB%_东", max_size=4)))
        case "same":
            return op(draw(st.sampled_from(sorted(COMPARED))), column, column)
    pair = [column, draw(value)]
    return op(
        draw(st.sampled_from(sorted(COMPARED))), *(pair[::-1] if draw(st.booleans()) else pair)
    )


CONDITIONS = st.recursive(
    comparisons() | st.booleans(),
    lambda inner: (
        st.builds(op, st.sampled_from(["and", "or"]), inner, inner)
        | st.builds(op, st.sampled_from(["and", "or"]), inner, inner, inner)
        | st.builds(op, st.just("not"), inner)
    ),
    max_leaves=12,
)


def value_in(row: Row, document: Document) -> Any:
    """What a filter or an operand is of a row: true, false, unknown (None), or a value."""
    match document:
        case {"property": name}:
            return row[name]
        case {"date": text}:
            return date.fromisoformat(text)
        case {"op": "not", "args": [inner]}:
            value = value_in(row, inner)
            return None if value is None else not value
        case {"op": "and" | "or" as joined, "args": args}:
            found = [value_in(row, each) for each in args]
            decisive = joined == "or"
            if decisive in found:
                return decisive
            return None if None in found else not decisive
        case {"op": "isNull", "args": [inner]}:
            return value_in(row, inner) is None
        case {"op": "in", "args": [inner, items]}:
            alternatives = [op("=", inner, item) for item in items]
            return value_in(row, op("or", *alternatives, False))
        case {"op": "between", "args": [inner, low, high]}:
            return value_in(row, op("and", op(">=", inner, low), op("<=", inner, high)))
        case {"op": "like", "args": [inner, pattern]}:
            value = value_in(row, inner)
            return None if value is None else matches(value, pattern)
        case {"op": name, "args": [left, right]}:
            pair = value_in(row, left), value_in(row, right)
            return None if None in pair else COMPARED[name](*pair)
    return document


def matches(value: str, pattern: str) -> bool:
    if not pattern:
        return not value
    head, rest = pattern[0], pattern[1:]
    if head == "%":
        return any(matches(value[i:], rest) for i in range(len(value) + 1))
    return bool(value) and head in ("_", value[0]) and matches(value[1:], rest)


def as_text(document: Document) -> str:
    """The same filter in CQL2 text."""
    match document:
        case bool():
            return str(document).upper()
        case int() | float():
            return str(document)
        case str():
            return "'" + document.replace("'", "''") + "'"
        case list():
            return f"({', '.join(map(as_text, document))})"
        case {"property": name}:
            return f'"{name}"'
        case {"date": day}:
            return f"DATE('{day}')"
        case {"op": "not", "args": [inner]}:
            return f"NOT ({as_text(inner)})"
        case {"op": "and" | "or" as joined, "args": args}:
            return f" {joined} ".join(f"({as_text(each)})" for each in args)
        case {"op": "isNull", "args": [inner]}:
            return f"({as_text(inner)}) IS NULL"
        case {"op": "in" | "like" as name, "args": [inner, items]}:
            return f"{as_text(inner)} {name} {as_text(items)}"
        case {"op": "between", "args": [inner, low, high]}:
            return f"{as_text(inner)} Between {as_text(low)} And {as_text(high)}"
        case {"op": name, "args": [left, right]} if not name[0].isalpha():
            return f"({as_text(left)}) {name} ({as_text(right)})"
        case {"op": name, "args": args}:
            return f"{name}({', '.join(map(as_text, args))})"
        case {"bbox": sides}:
            return f"BBOX({', '.join(map(str, sides))})"
        case {"type": _}:
            return shapely.to_wkt(shapely.from_geojson(json.dumps(document)), rounding_precision=-1)
    raise TypeError(document)


@given(document=CONDITIONS)
def test_text_and_json_are_the_same_condition(things: Things, document: Document) -> None:
    text, layer = as_text(document), things.layer
    one = parse_filter(text, language="cql2-text", layer=layer, crs=CRS84)

    other = parse_filter(json.dumps(document), language="cql2-json", layer=layer, crs=CRS84)

    assert (one.shape, one.parameters) == (other.shape, other.parameters)


@given(document=CONDITIONS)
def test_a_count_is_that_of_the_rows_for_which_the_filter_is_true(
    things: Things, document: Document
) -> None:
    expected = sum(value_in(row, document) is True for row in things.rows)

    assert things.count(document) == expected


NUMERIC = st.recursive(
    st.sampled_from([a_property(n) for n in ("number", "amount", "real")])
    | st.integers(-9, 9)
    | st.sampled_from([0.5, -2.25, 1e90, 1e-90, 10**99, 0]),
    lambda inner: (
        st.builds(op, st.sampled_from(["+", "-", "*", "/", "%", "div", "^"]), inner, inner)
        | st.builds(op, st.sampled_from(["abs", "round", "floor", "ceiling"]), inner)
    ),
    max_leaves=8,
)
TEXTS = st.recursive(
    st.sampled_from([a_property("word"), "é", "\\", "İ", "%", "", "e\u0301\\\u0301"]),
    lambda inner: st.builds(op, st.sampled_from(["casei", "accenti", "lower"]), inner),
    max_leaves=3,
)
MOMENTS = st.sampled_from(
    [
        a_property("day"),
        a_property("at"),
        {"date": "0001-01-01"},
        {"date": "9999-12-31"},
        {"timestamp": "9999-12-31T23:59:59.999Z"},
        {"interval": ["..", ".."]},
        {"interval": [a_property("day"), ".."]},
        {"interval": ["..", "2024-02-10T00:00:00+08:00"]},
        {"interval": ["2024-01-01", "2024-02-29"]},
        {"interval": [a_property("at"), a_property("at")]},
    ]
)
COORDINATE = st.integers(-2, 8)
POINTS = st.tuples(COORDINATE, COORDINATE).map(list)
SIMPLE = st.one_of(
    POINTS.map(lambda p: {"type": "Point", "coordinates": p}),
    st.lists(POINTS, min_size=2, max_size=4).map(
        lambda p: {"type": "LineString", "coordinates": p}
    ),
    st.lists(POINTS, min_size=1, max_size=3).map(
        lambda p: {"type": "MultiPoint", "coordinates": p}
    ),
    st.lists(POINTS, min_size=3, max_size=5).map(
        lambda p: {"type": "Polygon", "coordinates": [[*p, p[0]]]}
    ),
)
SHAPES = st.one_of(
    SIMPLE,
    st.just(a_property("geom")),
    st.just(op("point_on_surface", a_property("geom"))),
    st.lists(SIMPLE, min_size=1, max_size=3).map(
        lambda g: {"type": "GeometryCollection", "geometries": g}
    ),
    st.tuples(*[st.integers(-200, 200)] * 4).map(lambda b: {"bbox": list(b)}),
)
SPATIAL = st.sampled_from(sorted(SPATIAL_WORDS))
TEMPORAL = st.sampled_from(sorted(TEMPORAL_WORDS))
TAGS = st.sampled_from([a_property("tags"), [], ["x"], ["a", "x"], [a_property("word")], [1]])
ARRAYS = st.sampled_from(sorted(ARRAY_WORDS))
ANYTHING = st.one_of(
    st.builds(op, st.sampled_from(sorted(COMPARED)), NUMERIC, NUMERIC),
    st.builds(op, st.just("in"), NUMERIC, st.lists(NUMERIC, min_size=1, max_size=3)),
    st.builds(op, st.sampled_from([*sorted(COMPARED), "like", "starts_with"]), TEXTS, TEXTS),
    st.builds(op, st.just("="), st.builds(op, st.just("length"), TEXTS), NUMERIC),
    st.builds(op, SPATIAL, SHAPES, SHAPES),
    st.builds(op, TEMPORAL, MOMENTS, MOMENTS),
    st.builds(op, ARRAYS, TAGS, TAGS),
)


@given(document=ANYTHING)
def test_no_accepted_filter_fails_and_each_row_is_true_false_or_unknown(
    things: Things, document: Document
) -> None:
    try:
        true = things.count(document)
    except BadParameter:
        return

    false, unknown = things.count(op("not", document)), things.count(op("isNull", document))

    assert true + false + unknown == len(things.rows)


SPANS = st.lists(st.integers(0, 6), min_size=2, max_size=2, unique=True).map(sorted)


@given(name=TEMPORAL, first=SPANS, second=SPANS)
def test_intervals_relate_as_allen_says(
    things: Things, name: str, first: list[int], second: list[int]
) -> None:
    start, end, begin, last = (date(2024, 1, 1) + timedelta(days=n) for n in (*first, *second))
    intervals = [
        {"interval": [a.isoformat(), b.isoformat()]} for a, b in ((start, end), (begin, last))
    ]
    expected = {
        "t_after": start > last,
        "t_before": end < begin,
        "t_disjoint": start > last or end < begin,
        "t_intersects": not (start > last or end < begin),
        "t_equals": (start, end) == (begin, last),
        "t_contains": start < begin and last < end,
        "t_during": begin < start and end < last,
        "t_finishedBy": start < begin and end == last,
        "t_finishes": begin < start and end == last,
        "t_meets": end == begin,
        "t_metBy": start == last,
        "t_overlaps": start < begin < end < last,
        "t_overlappedBy": begin < start < last < end,
        "t_startedBy": start == begin and last < end,
        "t_starts": start == begin and end < last,
    }

    assert things.count(op(name, *intervals)) == (len(things.rows) if expected[name] else 0)
