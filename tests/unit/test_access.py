import pytest

from config.model import Catalogue
from config.vocabulary import Classification
from providers.access import ALL, Scope, anonymous, scope_of
from providers.regions import expand

PATHS = {"22": (), "220100": ("220000", "220100"), "220102": ("220000", "220100", "220102")}


def expanding(codes: tuple[str, ...]) -> tuple[str, ...]:
    return expand(PATHS, codes)


def test_a_region_stands_for_all_that_lies_in_it() -> None:
    assert expand(PATHS, ["220100"]) == ("220100", "220102")
    assert expand(PATHS, ["220102"]) == ("220102",)
    assert expand(PATHS, ["999999"]) == ("999999",)


def test_a_role_by_key_without_region_sees_no_rows(catalogue: Catalogue) -> None:
    scope = scope_of(catalogue.roles["surveyor"], public=frozenset(), regions=(), expand=expanding)

    assert scope.regions == ()
    assert scope.shape == (True, False)


def test_a_layer_above_the_ceiling_is_not_seen(catalogue: Catalogue) -> None:
    from dataclasses import replace

    secret = replace(catalogue.layers["land_use"], classification=Classification.SECRET)
    planner = scope_of(catalogue.roles["planner"], public=frozenset(), regions=(), expand=expanding)

    assert planner.sees(catalogue.layers["land_use"])
    assert not planner.sees(secret)


def test_anonymous_callers_see_public_layers_and_call_public_processes(
    catalogue: Catalogue,
) -> None:
    from dataclasses import replace

    who = anonymous(catalogue.roles["anonymous"], frozenset({"compliance-check"}))
    internal = replace(catalogue.layers["land_use"], classification=Classification.INTERNAL)

    assert who.scope.sees(catalogue.layers["land_use"])
    assert not who.scope.sees(internal)
    assert who.scope.may("compliance-check")
    assert not who.scope.may("metrics")


def test_different_scopes_have_different_keys() -> None:
    def scope(**changes: object) -> Scope:
        values = {
            "layers": ALL,
            "regions": ALL,
            "areas": ALL,
            "ceiling": Classification.PUBLIC,
            "functions": ALL,
        }
        return Scope(**(values | changes))  # type: ignore[arg-type]

    scopes = [
        scope(),
        scope(layers=frozenset({"a"})),
        scope(layers=frozenset()),
        scope(regions=()),
        scope(regions=("220102",)),
        scope(areas=b"\x01"),
        scope(ceiling=Classification.SECRET),
        scope(functions=frozenset()),
    ]

    assert len({s.key() for s in scopes}) == len(scopes)


@pytest.mark.parametrize("code", ["220102", "220102001", "220102001001"])
def test_region_codes_are_text_of_6_9_or_12_digits(code: str) -> None:
    from config.vocabulary import RegionCode

    assert RegionCode(code).value == code
    for wrong in (code + "0", code[:-1], "0" + code[1:], " " + code[1:]):
        with pytest.raises(ValueError, match="expected 6, 9 or 12 digits"):
            RegionCode(wrong)
