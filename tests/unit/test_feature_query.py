from decimal import Decimal

import pytest

from config.model import Catalogue, Layer
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.conditions import Condition, Equals, parse_equals
from providers.crs import CRS84
from providers.dialect import compile_sql
from providers.errors import BadParameter
from providers.features import FeatureQuery, Shown, page_statement, parse_limit
from providers.ordering import Position, Sort, parse_position, parse_sortby
from providers.relations import current
from providers.windows import parse_bbox

PUBLIC = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)


def chosen(layer: Layer, **values: str) -> tuple[Condition, ...]:
    """The condition that attributes have these values."""
    found = parse_equals(layer, values)
    assert found is not None
    return (found,)


def test_a_limit_beyond_the_maximum_is_the_maximum() -> None:
    assert parse_limit("10000") == parse_limit("10001") == parse_limit("9" * 15) == 10_000


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e3", "", "١٠", "9" * 5000, " 5"])
def test_a_limit_is_a_whole_number_from_1(text: str) -> None:
    with pytest.raises(BadParameter, match="limit"):
        parse_limit(text)


def test_attribute_values_are_typed_by_their_field(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    decimal = next(f for f in land_use.fields if f.type == "decimal")

    assert parse_equals(land_use, {decimal.code: "12.50"}) == Equals(((decimal, Decimal("12.50")),))
    with pytest.raises(BadParameter, match=decimal.code):
        parse_equals(land_use, {decimal.code: "twelve"})


def test_what_we_add_to_a_feature_is_asked_for_like_its_fields(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    query = FeatureQuery(conditions=chosen(land_use, om_region="220103", om_area_m2="12.5"))
    relation = current(land_use, EditionKey("2024"))

    compiled = compile_sql(page_statement(land_use, relation, query, PUBLIC))

    assert ".om_region = %(p_1)s" in compiled.text
    assert query.parameters == {"p_0": Decimal("12.5"), "p_1": "220103", "limit": 10}


def test_values_are_bound_and_never_part_of_the_statement(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    hostile = "x'; DROP TABLE onemap.edition; --"
    query = FeatureQuery(conditions=chosen(land_use, BSM=hostile))

    compiled = compile_sql(
        page_statement(land_use, current(land_use, EditionKey("2024")), query, PUBLIC)
    )

    assert hostile not in compiled.text
    assert query.parameters["p_0"] == hostile


def test_one_shape_has_one_statement_whatever_the_values(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    relation = current(land_use, EditionKey("2024"))
    one, two = (
        FeatureQuery(
            conditions=(parse_bbox(box, CRS84), *chosen(land_use, BSM=name)),
            after=Position((), key),
        )
        for box, name, key in (("1,2,3,4", "1", 1), ("5,6,7,8", "2", 9))
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


def test_a_place_in_an_order_comes_back_as_it_was_written(catalogue: Catalogue) -> None:
    layer = catalogue.layers["land_use"]
    order = parse_sortby(layer, "-TBMJ,+XZQMC")

    assert order == (Sort("TBMJ", descending=True), Sort("XZQMC"))
    assert parse_position(layer, order, '[12.50,"长春",7]') == Position(
        (Decimal("12.50"), "长春"), 7
    )
    assert parse_position(layer, order, "[null,null,7]") == Position((None, None), 7)


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "[]", "[7]", '["a","b",7]', "[1,2,7]", '[1,"b","x"]', '[1,"b",1.5]', "[" * 9999),
        *('[true,"b",7]', '[1e400,"b",7]', '[1e-400,"b",7]', '[-1e999999999999,"b",7]'),
        *(r'[1,"\ud800",7]', r'[1,"\u0000",7]'),
    ],
)
def test_text_that_no_statement_wrote_is_no_place(catalogue: Catalogue, text: str) -> None:
    layer = catalogue.layers["land_use"]

    assert parse_position(layer, parse_sortby(layer, "TBMJ,XZQMC"), text) is None


@pytest.mark.parametrize("text", ["", "XX", "BSM,BSM", "BSM,,TBMJ", "--BSM", "geom", "om_hash"])
def test_an_order_by_what_is_no_property_is_refused(catalogue: Catalogue, text: str) -> None:
    with pytest.raises(BadParameter, match="sortby"):
        parse_sortby(catalogue.layers["land_use"], text)


def test_only_what_is_written_is_read(catalogue: Catalogue) -> None:
    land_use = catalogue.layers["land_use"]
    query = FeatureQuery(shown=Shown(fields=("TBMJ",), geometry=False))
    relation = current(land_use, EditionKey("2024"))

    text = compile_sql(page_statement(land_use, relation, query, PUBLIC)).text

    assert "tbmj" in text
    assert "geom" not in text
    assert "xzqmc" not in text
