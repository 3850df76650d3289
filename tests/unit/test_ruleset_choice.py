"""Which rules hold on a day at a place, by versions and local overrides."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.loader import load
from config.ruleset import Legal, Override, Parameter, Ruleset
from config.ruleset_choice import NoRuleset, TiedOverrides, in_force, reach
from config.ruleset_digest import content_digest
from config.settings import PACKAGE_ROOT
from config.vocabulary import Text

DAY = date(2026, 3, 5)
TITLE = Text(zh="地方规则", en="Local rules")
COUNTY, CITY, PROVINCE = "220102", "220100", "220000"
TOWN, VILLAGE = "220102001", "220102001003"


@pytest.fixture(scope="module")
def base() -> Ruleset:
    catalogue = load([PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue"])
    return catalogue.rulesets["national_default"][0]


def eps(value: int) -> Parameter:
    return Parameter(id="eps_m2", value=Decimal(value), title="边界误差面积", src="U")


def override(name: str, value: int | None = None, **said: Any) -> Override:
    """An override, which sets the noise area where a value is given."""
    given: dict[str, Any] = {
        "version": "1.0.0",
        "ruleset": "national_default",
        "valid_from": date(2026, 1, 1),
        "valid_to": None,
        "source": "某资规〔2026〕1号",
        "title": TITLE,
        "parameters": () if value is None else (eps(value),),
        **said,
    }
    made = Override(id=name, **given)
    return replace(made, digest=content_digest(made))


def chosen(
    base: Ruleset, *overrides: Override, day: date = DAY, region: str | None = COUNTY
) -> Ruleset:
    return in_force([base], overrides, "national_default", day, region)


def noise(ruleset: Ruleset) -> Any:
    return ruleset.parameters["eps_m2"].value


def test_without_overrides_the_rules_are_those_of_the_version(base: Ruleset) -> None:
    found = chosen(base)

    assert found.digest == base.digest
    assert found.overrides == ()


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2026, 1, 1), "1.0.0"),
        (date(2026, 6, 30), "1.0.0"),
        (date(2026, 7, 1), "1.10.0"),
        (date(2026, 12, 31), "1.10.0"),
    ],
)
def test_a_version_takes_the_place_of_lower_ones_from_its_first_to_its_last_day(
    base: Ruleset, day: date, version: str
) -> None:
    versions = [
        replace(base, version="1.9.0", valid_from=date(2026, 7, 1)),
        replace(base, version="1.10.0", valid_from=date(2026, 7, 1), valid_to=date(2026, 12, 31)),
        replace(base, version="1.0.0", valid_from=date(2026, 1, 1)),
    ]

    assert in_force(versions, [], "national_default", day, None).version == version


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2027, 1, 1)])
def test_a_day_without_a_valid_version_is_an_error(base: Ruleset, day: date) -> None:
    versions = [
        replace(base, version="1.0.0"),
        replace(base, version="1.0.1", valid_to=date(2026, 12, 31)),
    ]

    with pytest.raises(NoRuleset, match="national_default"):
        in_force(versions, [], "national_default", day, None)


def test_an_unknown_rule_set_is_an_error(base: Ruleset) -> None:
    with pytest.raises(NoRuleset, match="no_such"):
        in_force([base], [], "no_such", DAY, None)


@pytest.mark.parametrize(
    ("region", "value"),
    [(COUNTY, 4), (TOWN, 5), (VILLAGE, 5), ("220103", 3), (CITY, 3), ("220202", 2), ("110101", 1)],
)
def test_a_longer_region_code_beats_a_shorter(base: Ruleset, region: str, value: int) -> None:
    found = chosen(
        base,
        override("town", 5, region=(TOWN,)),
        override("city", 3, region=(CITY,)),
        override("county", 4, region=("110108", COUNTY)),
        override("province", 2, region=(PROVINCE,)),
        region=region,
    )

    assert noise(found) == value


def test_an_override_without_region_holds_everywhere_and_yields_to_any_region(
    base: Ruleset,
) -> None:
    general, city = override("general", 7), override("city", 3, region=(CITY,))

    assert noise(chosen(base, general, region=None)) == 7
    assert noise(chosen(base, general, city)) == 3
    assert noise(chosen(base, general, city, region=None)) == 7


def test_of_equal_regions_the_later_first_day_wins(base: Ruleset) -> None:
    earlier = override("earlier", 3, region=(CITY,))
    later = override("later", 4, region=(CITY,), valid_from=date(2026, 2, 1))

    assert noise(chosen(base, later, earlier)) == 4
    assert noise(chosen(base, later, earlier, day=date(2026, 1, 31))) == 3


def test_two_that_set_one_item_with_equal_right_are_an_error(base: Ruleset) -> None:
    one, other = override("one", 3, region=(CITY,)), override("other", 3, region=(CITY,))

    with pytest.raises(TiedOverrides, match=r"one .* other .* both set parameter eps_m2"):
        chosen(base, one, other)


def test_a_tie_beneath_a_better_right_is_none(base: Ruleset) -> None:
    one, other = override("one", 3, region=(CITY,)), override("other", 4, region=(CITY,))

    assert noise(chosen(base, one, override("county", 5, region=(COUNTY,)), other)) == 5


def test_overrides_that_set_different_items_stand_beside_each_other(base: Ruleset) -> None:
    quiet = override("quiet", switch_off={"CR14": "区内无活动断层"})

    found = chosen(base, quiet, override("noise", 3))

    assert noise(found) == 3
    assert found.switched_off == {"CR14": "区内无活动断层"}
    assert found.overrides == (("noise", "1.0.0"), ("quiet", "1.0.0"))


def test_an_override_that_is_outdone_in_all_that_it_sets_is_not_named(base: Ruleset) -> None:
    found = chosen(base, override("city", 3, region=(CITY,)), override("general", 7))

    assert found.overrides == (("city", "1.0.0"),)


def test_the_last_day_is_included_and_a_new_version_may_end_an_override(base: Ruleset) -> None:
    open_ended = override("city", 3)
    ended = override("city", 3, version="1.0.1", valid_to=DAY)

    assert noise(chosen(base, open_ended, ended)) == 3
    assert noise(chosen(base, open_ended, ended, day=date(2026, 3, 6))) == 1


def test_a_rule_is_replaced_whole_and_a_longer_region_switches_it_on_again(base: Ruleset) -> None:
    rule = replace(base.rules["CR14"], version=9)
    off = override("off", switch_off={"CR14": "区内无活动断层"})
    on = override("on", rules=(rule,), region=(COUNTY,))

    found = chosen(base, off, on)

    assert found.rules["CR14"].version == 9
    assert found.switched_off == {}
    assert chosen(base, off, on, region="220103").switched_off


def test_compatible_pairs_of_all_overrides_are_added(base: Ruleset) -> None:
    pairs = [frozenset({("0701", "0702")}), frozenset({("08", "0901")})]
    found = chosen(
        base,
        override("one", compatible=pairs[0]),
        override("other", compatible=pairs[1], region=(CITY,)),
    )

    assert found.tables["plan_class"].compatible == pairs[0] | pairs[1]
    assert found.tables["zone_class"].compatible == frozenset()
    assert len(found.overrides) == 2


def test_a_profile_is_replaced_whole(base: Ruleset) -> None:
    profile = replace(base.profiles["temporary_land"], mandatory=("CR01",))

    found = chosen(base, override("city", profiles=(profile,)))

    assert found.profiles["temporary_land"].mandatory == ("CR01",)
    assert found.profiles.keys() == base.profiles.keys()


def test_the_digest_differs_with_the_rules_and_with_what_is_laid_over_them(base: Ruleset) -> None:
    digests = {
        chosen(base).digest,
        chosen(base, override("city", 3)).digest,
        chosen(base, override("city", 4)).digest,
        chosen(base, override("city", 4, version="1.1.0")).digest,
        chosen(base, override("city", 4), override("town", 4, region=(TOWN,)), region=TOWN).digest,
    }

    assert len(digests) == 5
    assert chosen(base, override("city", 3)).digest == chosen(base, override("city", 3)).digest


def test_the_digest_tells_which_override_counts_for_what(base: Ruleset) -> None:
    width = Parameter(id="min_width_m", value=Decimal("0.5"), title="最小宽度", src="U")
    one = override("one", 1, region=("220100", "220203"))
    other = override("other", 5000, region=("220200", "220102"))
    both = [replace(o, parameters=(*o.parameters, width)) for o in (one, other)]
    both[1] = replace(both[1], parameters=both[1].parameters[:1])
    both[0] = replace(both[0], valid_from=date(2026, 2, 1))
    made = [replace(o, digest=content_digest(o)) for o in both]

    here, there = (chosen(base, *made, region=code) for code in ("220102", "220203"))

    assert noise(here) != noise(there)
    assert here.overrides == (("one", "1.0.0"), ("other", "1.0.0"))
    assert here.digest != there.digest


def test_a_local_rule_that_is_not_valid_yet_leaves_the_national_one_in_force(
    base: Ruleset,
) -> None:
    own = replace(base.rules["CR01"], version=9, valid_from=date(2027, 1, 1))
    early = override("early", rules=(own,))

    assert chosen(base, early).rules["CR01"].version == base.rules["CR01"].version
    assert chosen(base, early, day=date(2027, 1, 1)).rules["CR01"].version == 9


def test_a_legal_basis_and_a_rule_count_only_while_they_are_valid(base: Ruleset) -> None:
    ended = replace(base.rules["CR02"], valid_to=date(2026, 3, 4))
    basis: Mapping[str, Legal] = {
        name: Legal(cite=name, valid_from=first, valid_to=last)
        for name, first, last in [
            ("旧法", None, date(2026, 3, 4)),
            ("现行法", None, None),
            ("新法", date(2026, 3, 6), None),
        ]
    }
    cited = replace(base.rules["CR01"], legal=tuple(basis.values()))
    rules = {**base.rules, "CR01": cited, "CR02": ended}

    found = chosen(replace(base, rules=rules))

    assert [one.cite for one in found.rules["CR01"].legal] == ["现行法"]
    assert "CR02" not in found.rules


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        (PROVINCE, "22"),
        (CITY, "2201"),
        (COUNTY, COUNTY),
        (TOWN, TOWN),
        (VILLAGE, VILLAGE),
        ("220102001000", TOWN),
        ("220102000000", COUNTY),
        ("220100000000", "2201"),
    ],
)
def test_a_code_reaches_as_far_as_its_digits_before_the_zeros(code: str, digits: str) -> None:
    assert reach(code) == digits


@given(st.permutations(range(5)), st.sampled_from([None, TOWN, COUNTY, "220202"]))
def test_the_order_in_which_overrides_are_read_changes_nothing(
    base: Ruleset, order: list[int], region: str | None
) -> None:
    overrides = [
        override("general", 7, switch_off={"CR14": "区内无活动断层"}),
        override("city", 3, region=(CITY,)),
        override("city", 4, region=(CITY,), version="1.1.0", valid_from=date(2026, 2, 1)),
        override("county", 5, region=(COUNTY,), compatible=frozenset({("0701", "0702")})),
        override("town", region=(TOWN,), rules=(replace(base.rules["CR14"], version=9),)),
    ]

    assert chosen(base, *(overrides[i] for i in order), region=region) == chosen(
        base, *overrides, region=region
    )
