from hypothesis import assume, given
from hypothesis import strategies as st

from config.model import Catalogue
from config.units import FACTORS, Unit, convert
from providers.conditions import parse_value
from providers.editions import Window
from providers.errors import BadParameter
from providers.features import MAX_LIMIT, parse_limit


@given(st.text(max_size=40))
def test_any_text_is_a_limit_in_range_or_a_bad_parameter(text: str) -> None:
    try:
        assert 1 <= parse_limit(text) <= MAX_LIMIT
    except BadParameter as error:
        assert error.name == "limit"


@given(st.text(max_size=60))
def test_any_text_is_a_window_of_days_or_a_bad_parameter(text: str) -> None:
    try:
        window = Window.parse(text)
        assert window.start <= window.end
    except BadParameter as error:
        assert error.name == "datetime"


@given(st.dates(), st.dates())
def test_an_interval_is_read_as_it_is_written(one: object, other: object) -> None:
    first, last = sorted((str(one), str(other)))

    window = Window.parse(f"{first}/{last}")

    assert (str(window.start), str(window.end)) == (first, last)


@given(text=st.text(max_size=60))
def test_any_text_is_a_value_of_a_field_or_a_bad_parameter(text: str) -> None:
    for field in FIELDS:
        try:
            parse_value(field, text)
        except BadParameter as error:
            assert error.name == field.code


LEAST = 1e-290  # in any unit above the smallest normal double, below which digits are lost


@given(st.floats(-1e12, 1e12), st.sampled_from(sorted(FACTORS)), st.sampled_from(sorted(FACTORS)))
def test_a_conversion_and_its_inverse_give_the_value_back(value: float, a: Unit, b: Unit) -> None:
    assume(value == 0 or abs(value) > LEAST)
    if FACTORS[a][0] == FACTORS[b][0]:
        assert abs(convert(convert(value, a, b), b, a) - value) <= abs(value) * 1e-12


def _fields() -> list[object]:
    from config.loader import load
    from config.settings import PACKAGE_ROOT

    found: Catalogue = load([PACKAGE_ROOT / name for name in ("standards", "catalogue", "demo")])
    by_type = {f.type: f for layer in found.layers.values() for f in layer.fields}
    return list(by_type.values())


FIELDS = _fields()
