"""Filters before any database: bounded, read exactly, checked against the layer, moved to storage."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
import shapely
from pygeofilter.parsers.cql2_text import parse as parse_by_pygeofilter

from config.model import Catalogue, Layer
from config.vocabulary import LayerId
from providers.cql2 import Filter, from_ast, functions_document, parse_filter
from providers.cql2.functions import FUNCTIONS
from providers.cql2.text import parse_text
from providers.crs import CRS84, Crs, from_epsg
from providers.errors import BadParameter

MANY = 100_000
type Language = Literal["cql2-text", "cql2-json"]
type Parse = Callable[..., Filter]


@pytest.fixture(scope="module")
def farmland(catalogue: Catalogue) -> Layer:
    """A layer of polygons with texts, numbers and dates."""
    return catalogue.layers[LayerId("permanent_farmland")]


@pytest.fixture(scope="module")
def parse(farmland: Layer) -> Parse:
    def read(text: str, *, language: Language = "cql2-text", crs: Crs = CRS84) -> Filter:
        return parse_filter(text, language=language, layer=farmland, crs=crs)

    return read


def expected(parse: Parse, text: str, language: Language = "cql2-text") -> str:
    with pytest.raises(BadParameter) as refused:
        parse(text, language=language)
    assert refused.value.name == "filter"
    assert len(refused.value.value) <= 201
    return refused.value.expected


@pytest.mark.parametrize(
    "text",
    [
        "(" * MANY,
        "(" * MANY + ")" * MANY,
        "(" * 40 + "GDDB=1",
        "NOT " * MANY + "TRUE",
        "TRUE" + " OR TRUE" * MANY,
        "TRUE" + " AND TRUE" * 500,
        "GDDB=" + "-" * MANY + "1",
        "GDDB=1" + "+1" * MANY,
        "GDDB=SJNF" + "*SJNF" * 200,
        "CASEI(" * MANY,
        "CASEI(" * 65 + "BZ" + ")" * 65 + "='x'",
        "A_EQUALS(" + "(" * MANY,
        "POLYGON" + "(" * 60,
        "'" * (MANY + 1),
        "BZ='" + "\\'" * 8_000,
        '"' * 9_001,
        f"BZ='{'x' * 1_001}'",
        f"GDDB IN ({','.join(['1'] * 1_001)})",
        f"GDDB={'9' * 101}",
        "GDDB=1e999999999",
    ],
    ids=lambda text: f"{text[:12]}… of {len(text)}",
)
def test_too_much_of_anything_is_refused_at_once(parse: Parse, text: str) -> None:
    assert expected(parse, text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * MANY,
        '{"op":"not","args":[' * 100 + "true" + "]}" * 100,
        json.dumps({"op": "and", "args": [True] * 501}),
        json.dumps({"op": "in", "args": [{"property": "GDDB"}, [1] * 1_001]}),
        '{"op":"s_intersects","args":[{"property":"geom"},{"type":"LineString","coordinates":['
        + ",".join(["[1,1]"] * 10_001)
        + "]}]}",
        '{"a":1,"a":2}',
        '{"op":"=","args":[1,NaN]}',
        '"' * MANY,
        "",
        "null",
        '{"op":"=","args":[1]}',
        '{"op":"s_intersects","args":[{"property":"geom"},{"type":"Point","coordinates":[]}]}',
        '{"op":"=","args":[{"property":"BZ"},"\\ud800"]}',
        '{"op":"=","args":[{"property":"BZ"},"\\u0000"]}',
    ],
    ids=lambda text: f"{text[:20]}… of {len(text)}",
)
def test_json_is_bounded_and_checked_likewise(parse: Parse, text: str) -> None:
    assert expected(parse, text, "cql2-json")


def test_the_deepest_filter_within_the_bounds_is_read(parse: Parse) -> None:
    text = "GDDB=1"
    for level in range(63):
        text = f"({text} {'AND' if level % 2 else 'OR'} NOT SJNF=2)"

    assert len(parse(text).parameters) == 64


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'O''Brien'", "O'Brien"),
        (r"'O\'Brien'", "O'Brien"),
        (r"'50\%'", r"50\%"),
        ("'权属单位'", "权属单位"),
        ("9007199254740993", 9007199254740993),
        ("37589262.0", 37589262),
        (".5", Decimal("0.5")),
        ("-1.5E-3", Decimal("-0.0015")),
        ("TRUE", True),
        ("a.b", {"property": "a.b"}),
        ('"a""b"', {"property": 'a"b'}),
        ("权属单位", {"property": "权属单位"}),
        ("_x:1", {"property": "_x:1"}),
    ],
)
def test_a_literal_or_name_is_what_was_written(text: str, value: Any) -> None:
    assert parse_text(f"x = {text}") == {"op": "=", "args": [{"property": "x"}, value]}


@pytest.mark.parametrize(
    ("text", "bracketed"),
    [
        ("a=1 OR b=2 AND c=3", "a=1 OR (b=2 AND c=3)"),
        ("NOT a=1 AND b=2", "(NOT (a=1)) AND b=2"),
        ("a BETWEEN 1 AND 2 AND b=3", "(a BETWEEN 1 AND 2) AND b=3"),
        ("x=1+2*3-4", "x=(1+(2*3))-4"),
        ("x=8/4/2", "x=(8/4)/2"),
        ("x=2*3^2", "x=2*(3^2)"),
        ("x=7 div 2 % 3", "x=(7 div 2) % 3"),
    ],
)
def test_operators_bind_as_the_grammar_says(text: str, bracketed: str) -> None:
    assert parse_text(text) == parse_text(bracketed)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nope='x'", "not 'nope': one of BSM, YSDM"),
        ("GDDB='x'", "the property GDDB (number) with a text"),
        ("BHKSSJ>'2020-01-01'", "DATE('2024-02-29')"),
        ("BHKSSJ>TIMESTAMP('2020-01-01T00:00:00Z')", "the property BHKSSJ (date) with a timestamp"),
        ("BHKSSJ=DATE('2023-02-30')", "not '2023-02-30'"),
        ("T_AFTER(GDDB,DATE('2020-01-01'))", "not the property GDDB (number)"),
        ("T_AFTER(BHKSSJ,INTERVAL('2021-01-01','2020-01-01'))", "does not end before it begins"),
        ("avg(GDDB)=1", "one of lower, length"),
        ("lower(BZ,BZ)='x'", "1 argument(s) of lower, not 2"),
        ("length(GDDB)=1", "a text as an argument of length"),
        ("GDDB", "a condition, not the property GDDB"),
        ("BZ LIKE DLMC", "a text in quotes after LIKE"),
        ("BZ LIKE 'a' 'b'", "at character 13"),
        ("GDDB=1=2", "brackets"),
        ("GDDB=2^3^2", "brackets"),
        ("S_INTERSECTS(geom,BZ)", "a geometry as s_intersects's geometry"),
        ("S_INTERSECTS(geom,POINT EMPTY)", "not empty"),
        ("S_INTERSECTS(geom,POINT(200 10))", "outside the area"),
        ("S_INTERSECTS(geom,BBOX(1,9,2,8))", "north"),
        ("S_INTERSECTS(geom,POLYGON((0 0,1 1,1 0,0 1,0 0)))", "Self-intersection"),
        ("S_INTERSECTS(geom,POLYGON((0 0,1 1,1 0)))", "end where they begin"),
        ("GDDB=10^200*10^200", "300 digits"),
        ("A_CONTAINS(('a'),(1))", "arrays of one type"),
        ("GDDB=;", "at character 6"),
        ("GDDB=", "at its end"),
    ],
)
def test_a_refusal_names_what_is_wrong_and_where(parse: Parse, text: str, named: str) -> None:
    assert named in expected(parse, text)


def test_a_table_without_geometry_takes_no_spatial_filter(catalogue: Catalogue) -> None:
    table = catalogue.layers[LayerId("census_2020")]

    with pytest.raises(BadParameter, match="not 'geom'"):
        parse_filter("S_INTERSECTS(geom,POINT(1 2))", language="cql2-text", layer=table, crs=CRS84)


def test_a_pattern_never_ends_within_an_escape(parse: Parse) -> None:
    alone = json.dumps({"op": "like", "args": [{"property": "BZ"}, "a\\"]})
    accented = {"op": "accenti", "args": ["a\\\u0301"]}
    folded = json.dumps({"op": "like", "args": [{"property": "BZ"}, accented]})

    for text in (alone, folded):
        assert "single backslash" in expected(parse, text, "cql2-json")
    assert parse(r"BZ LIKE 'a\\'").parameters == {"f_0": r"a\\"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GDDB=1", "GDDB=2"),
        ("GDDB IN (1,2)", "GDDB IN (3,4,5,6)"),
        ("BZ LIKE 'a%'", "BZ LIKE '%b'"),
        ("S_INTERSECTS(geom,POINT(1 2))", "S_INTERSECTS(geom,BBOX(1,2,3,4))"),
        ("BHKSSJ>DATE('2020-01-01')", "BHKSSJ>DATE('2021-01-01')"),
        ("GDDB=1+1", "GDDB=3*7"),
    ],
)
def test_filters_that_differ_in_literals_only_share_a_statement(
    parse: Parse, one: str, other: str
) -> None:
    assert parse(one).shape == parse(other).shape
    assert parse(one).parameters != parse(other).parameters


def test_literals_are_bound_in_the_types_of_columns(parse: Parse) -> None:
    text = "GDDB=1 AND KCXS=0.5 AND BHKSSJ=DATE('2024-02-29') AND BZ='x'"

    assert [*parse(text).parameters.values()] == [1, Decimal("0.5"), date(2024, 2, 29), "x"]


def test_a_date_beside_timestamps_is_its_whole_day(parse: Parse) -> None:
    found = parse("T_DURING(DATE('2024-02-29'),INTERVAL('2024-02-01T00:00:00+08:00','..'))")

    assert datetime(2024, 1, 31, 16, tzinfo=UTC) in found.parameters.values()
    assert datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC) in found.parameters.values()


def test_arithmetic_of_literals_is_done_before_the_database(parse: Parse) -> None:
    found = parse("GDDB IN (2^3, 7 div 2, -7 % 4, 1/4) OR GDDB=1/0")

    assert [*found.parameters.values()] == [8, 3, -3, Decimal("0.25")]


def bounds(found: Filter) -> tuple[float, ...]:
    return tuple(shapely.from_wkb(found.parameters["f_0"]).bounds)


def test_coordinates_are_read_in_the_axis_order_of_filter_crs(parse: Parse) -> None:
    plain = bounds(parse("S_INTERSECTS(geom,BBOX(124,43,125,44))"))

    for code in (4490, 4326):
        swapped = "S_INTERSECTS(geom,BBOX(43,124,44,125))"
        assert bounds(parse(swapped, crs=from_epsg(code))) == plain == (124, 43, 125, 44)


def test_a_zone_of_survey_is_only_unprojected_and_its_edges_are_curves(parse: Parse) -> None:
    text = (
        "S_INTERSECTS(geom,POLYGON((4800000 500000,4900000 500000,4900000 510000,4800000 500000)))"
    )

    found = shapely.from_wkb(parse(text, crs=from_epsg(4549)).parameters["f_0"])

    assert found.bounds == pytest.approx((120, 43.3355, 120.1252, 44.2356), abs=1e-4)
    assert shapely.get_num_coordinates(found) > 400


def test_a_bbox_across_the_antimeridian_is_two(parse: Parse) -> None:
    found = shapely.from_wkb(parse("S_INTERSECTS(geom,BBOX(170,-1,-170,1))").parameters["f_0"])

    assert found.equals(shapely.union(shapely.box(170, -1, 180, 1), shapely.box(-180, -1, -170, 1)))


@pytest.mark.parametrize(
    "text",
    [
        "DLBM = '0101' AND GDDB > 5",
        "BZ IS NULL AND NOT GDDB = 1",
        "BZ IS NOT NULL",
        "GDDB IN (1,2)",
        "BHKSSJ > DATE('2020-01-01')",
        "S_INTERSECTS(geom, POINT(1 2))",
        "S_INTERSECTS(geom, BBOX(1, 2, 3, 4))",
        "GDDB * 2 = 4",
        "BZ LIKE 'B_r%'",
    ],
)
def test_an_ast_of_pygeofilter_is_the_same_filter(parse: Parse, farmland: Layer, text: str) -> None:
    ours, theirs = parse(text), from_ast(parse_by_pygeofilter(text), farmland)

    assert (ours.shape, ours.parameters) == (theirs.shape, theirs.parameters)


def test_the_list_of_functions_says_what_each_takes_and_gives() -> None:
    document = functions_document("zh", "http://localhost")

    assert [one["name"] for one in document["functions"]] == list(FUNCTIONS)
    length = next(one for one in document["functions"] if one["name"] == "length")
    assert length == {
        "name": "length",
        "description": "字符数",
        "arguments": [{"title": "文本", "type": ["string"]}],
        "returns": ["number"],
    }
    assert document["links"][0]["href"] == "http://localhost/functions"
