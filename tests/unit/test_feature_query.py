from decimal import Decimal

import pytest

from config.model import Catalogue
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.dialect import compile_sql
from providers.errors import BadParameter
from providers.features import (
    FeatureQuery,
    page_statement,
    parse_bbox,
    parse_equals,
    parse_limit,
)
from providers.relations import current

PUBLIC = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)


def test_a_limit_beyond_the_maximum_is_the_maximum() -> None:
    assert parse_limit("10000") == parse_limit("10001") == parse_limit("9" * 15) == 10_000


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e3", "", "١٠", "9" * 5000, " 5"])
def test_a_limit_is_a_whole_number_from_1(text: str) -> None:
    with pytest.raises(BadParameter, match="limit"):
        parse_limit(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "a,b,c,d",
        "125,44,126,43",
        "125,43,126,nan",
        "-181,0,0,1",
        "0,0,0,91",
        "1,2,3,4,5",
    ],
)
def test_a_bbox_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="bbox"):
        parse_bbox(text)


def test_a_bbox_may_carry_heights_which_plane_layers_ignore() -> None:
    assert parse_bbox("125,43,0,126,44,100") == ((125.0, 43.0, 126.0, 44.0),)


def test_a_bbox_across_the_antimeridian_is_two_windows() -> None:
    assert parse_bbox("170,10,-170,20") == (
        (170.0, 10.0, 180.0, 20.0),
        (-180.0, 10.0, -170.0, 20.0),
    )


def test_attribute_values_are_typed_by_their_field(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    decimal = next(f for f in land_use.fields if f.type == "decimal")

    assert parse_equals(land_use, {decimal.code: "12.50"}) == ((decimal, Decimal("12.50")),)
    with pytest.raises(BadParameter, match=decimal.code):
        parse_equals(land_use, {decimal.code: "twelve"})


def test_values_are_bound_and_never_part_of_the_statement(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    hostile = "x'; DROP TABLE onemap.edition; --"
    query = FeatureQuery(equals=parse_equals(land_use, {"BSM": hostile}))

    compiled = compile_sql(
        page_statement(land_use, current(land_use, EditionKey("2024")), query, PUBLIC)
    )

    assert hostile not in compiled.text
    assert query.parameters["p_0"] == hostile


def test_one_shape_has_one_statement_whatever_the_values(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    relation = current(land_use, EditionKey("2024"))
    one = FeatureQuery(
        windows=((1, 2, 3, 4),), equals=parse_equals(land_use, {"BSM": "1"}), after=1
    )
    two = FeatureQuery(
        windows=((5, 6, 7, 8),), equals=parse_equals(land_use, {"BSM": "2"}), after=9
    )

    texts = {compile_sql(page_statement(land_use, relation, q, PUBLIC)).text for q in (one, two)}

    assert one.shape == two.shape
    assert len(texts) == 1


def test_what_a_caller_may_see_is_in_the_statement(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    relation = current(land_use, EditionKey("2024"))
    regional = Scope(
        layers=ALL,
        regions=("220102",),
        areas=b"",
        ceiling=Classification.INTERNAL,
        functions=frozenset(),
    )

    text = compile_sql(page_statement(land_use, relation, FeatureQuery(), regional)).text

    assert "om_region = ANY (%(scope_regions)s" in text
    assert "ST_GeomFromWKB(%(scope_areas)s" in text
    assert (
        "scope_" not in compile_sql(page_statement(land_use, relation, FeatureQuery(), PUBLIC)).text
    )
