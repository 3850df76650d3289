"""The rules of the compliance check as data: what the shipped set holds, and how each form is read."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml

from config.loader import load
from config.model import Catalogue
from config.predicate_reading import read_operand, read_predicate, read_value
from config.predicates import (
    AllOf,
    AnyOf,
    AreaKind,
    Attribute,
    BindingValue,
    ClassConformity,
    Condition,
    Document,
    FieldValue,
    Flag,
    Measure,
    Missing,
    Negation,
    Op,
    Operand,
    Param,
    Predicate,
    ProjectValue,
    Selection,
    Stale,
    TableValue,
)
from config.ruleset import DateBasis, Ruleset, TextMeasure
from config.ruleset_reading import read_ruleset
from config.settings import PACKAGE_ROOT
from config.vocabulary import Outcome, Text

SHIPPED = PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml"
FOREST = Selection(binding="forest")


@pytest.fixture(scope="module")
def product() -> Catalogue:
    return load([PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue"])


@pytest.fixture(scope="module")
def shipped(product: Catalogue) -> Ruleset:
    (only,) = product.rulesets["national_default"]
    return only


@pytest.mark.parametrize(
    ("said", "predicate"),
    [
        ({"all": [{"stale": {"binding": "forest"}}]}, AllOf((Stale("forest"),))),
        ({"any": [{"flag": {"id": "crosses"}}]}, AnyOf((Flag("crosses"),))),
        ({"not": {"document": {"id": "opinion"}}}, Negation(Document("opinion"))),
        ({"document": {"id": "opinion", "state": "verified"}}, Document("opinion", verified=True)),
        (
            {"overlap_m2": {"binding": "forest", "le": 0}},
            Measure(kind="overlap_m2", source=(FOREST,), op=Op.LE, than=Decimal(0)),
        ),
        (
            {"overlap_m2": {"binding": "forest", "area": "net", "gt": 0.5}},
            Measure(
                kind="overlap_m2",
                source=(FOREST,),
                op=Op.GT,
                than=Decimal("0.5"),
                area=AreaKind.NET,
            ),
        ),
        (
            {"outside_m2": {"any_of": [{"binding": "forest"}, {"binding": "sea"}], "gt": 0}},
            Measure(
                kind="outside_m2",
                source=(FOREST, Selection(binding="sea")),
                op=Op.GT,
                than=Decimal(0),
            ),
        ),
        (
            {"share": {"binding": "forest", "optional": True, "ge": {"param": "most"}}},
            Measure(
                kind="share",
                source=(Selection(binding="forest", optional=True),),
                op=Op.GE,
                than=Param("most"),
            ),
        ),
        (
            {"distance_m": {"binding": "forest", "inset_m": {"param": "inset"}, "lt": 30}},
            Measure(
                kind="distance_m",
                source=(FOREST,),
                op=Op.LT,
                than=Decimal(30),
                inset_m=Param("inset"),
            ),
        ),
        (
            {"overlap_m2": {"binding": "forest", "where": [{"field": "K", "in": ["1"]}], "le": 0}},
            Measure(
                kind="overlap_m2",
                source=(
                    Selection(
                        binding="forest", where=(Condition(code="K", op=Op.IN, operand=("1",)),)
                    ),
                ),
                op=Op.LE,
                than=Decimal(0),
            ),
        ),
        (
            {"attribute": {"project": "far", "gt": {"field": "RJLGX"}}},
            Attribute(of=ProjectValue("far"), op=Op.GT, operand=FieldValue("RJLGX")),
        ),
        (
            {"attribute": {"field": "DLBM", "under": ["01"]}},
            Attribute(of=FieldValue("DLBM"), op=Op.UNDER, operand=("01",)),
        ),
        (
            {"attribute": {"table": "ledger", "field": "SYMJ", "ge": {"project": "new"}}},
            Attribute(of=TableValue("ledger", "SYMJ"), op=Op.GE, operand=ProjectValue("new")),
        ),
        (
            {"attribute": {"binding": "air", "field": "H", "match": "any", "lt": 45.5}},
            Attribute(of=BindingValue("air", "H", "any"), op=Op.LT, operand=Decimal("45.5")),
        ),
        (
            {"class_conformity": {"table": "zone_class", "field": "GHFQDM", "in": ["A", "C"]}},
            ClassConformity(table="zone_class", code="GHFQDM", results=("A", "C")),
        ),
        ({"missing": {"binding": "forest"}}, Missing(binding="forest")),
        ({"missing": {"field": "DLBM"}}, Missing(code="DLBM")),
        ({"missing": {"binding": "forest", "field": "K"}}, Missing(binding="forest", code="K")),
        ({"missing": {"project": "far"}}, Missing(project="far")),
    ],
)
def test_each_form_of_a_predicate_is_read(said: dict[str, Any], predicate: Predicate) -> None:
    assert read_predicate(said) == predicate


@pytest.mark.parametrize(
    ("said", "operand"),
    [
        ("410", "410"),
        (True, True),
        (8, Decimal(8)),
        ({"param": "eps_m2"}, Param("eps_m2")),
        ({"project": "case_number"}, ProjectValue("case_number")),
        ({"field": "RJLGX"}, FieldValue("RJLGX")),
        ({"table": "ledger", "field": "SYMJ"}, TableValue("ledger", "SYMJ")),
        (["3", "低"], ("3", "低")),
    ],
)
def test_each_form_of_an_operand_is_read(said: Any, operand: Operand) -> None:
    assert read_operand(said) == operand


def test_a_number_is_the_decimal_that_is_written() -> None:
    assert read_value(0.1) == Decimal("0.1")


def test_the_shipped_set_has_40_rules_and_12_profiles_of_which_two_rules_are_for_people(
    shipped: Ruleset,
) -> None:
    assert len(shipped.rules) == 40
    assert len(shipped.profiles) == 12
    assert [rule.id for rule in shipped.rules.values() if rule.manual] == ["CR31", "CR34"]


def test_every_binding_of_the_shipped_set_is_declared_and_not_connected(
    product: Catalogue, shipped: Ruleset
) -> None:
    assert set(shipped.bindings) == set(product.bindings)
    assert all(product.bindings[name].layer is None for name in shipped.bindings)
    for name, wanted in shipped.bindings.items():
        assert product.bindings[name].edition.issuer == wanted.edition.issuer, name
        assert product.bindings[name].edition.key == wanted.edition.key, name


def test_a_shipped_rule_reads_as_it_is_written(shipped: Ruleset) -> None:
    farmland = shipped.rules["CR01"]

    assert [clause.outcome for clause in farmland.clauses] == [
        Outcome.PASS,
        Outcome.COND,
        Outcome.FAIL,
    ]
    assert farmland.clauses[1].needs == ("argument_report", "farmland_replenishment_plan")
    assert farmland.clauses[2].when is None
    assert "{area}公顷" in farmland.clauses[2].text
    assert farmland.legal[-1].valid_from == date(2025, 10, 1)
    assert farmland.legal[-1].verify


def test_a_rule_for_people_has_choices_and_a_reason(shipped: Ruleset) -> None:
    setback = shipped.rules["CR31"]

    assert [choice.outcome for choice in setback.choices] == [
        Outcome.PASS,
        Outcome.FAIL,
        Outcome.VERIFY,
    ]
    assert setback.reason is not None


def test_a_flag_that_is_not_declared_is_false_for_an_exception_and_unknown_for_a_burden(
    shipped: Ruleset,
) -> None:
    assert shipped.flags["national_major_project"].default is False
    assert shipped.flags["blocks_flood_way"].default is None


def test_the_zone_table_answers_for_each_zone_and_class(shipped: Ruleset) -> None:
    table = shipped.tables["zone_class"]

    assert len(table.rows) == 18 * 32
    assert table.rows["411", "0701"] == "A"
    assert table.rows["100", "0701"] == "X"
    assert table.rows["411", "1202"] == "A"
    assert shipped.tables["plan_class"].rows == {}


def test_every_class_of_land_has_its_group(shipped: Ruleset, product: Catalogue) -> None:
    codes = {code.rstrip("0") for code in product.code_lists["YDYH"].codes}
    grouped = {code.rstrip("0") for code in shipped.class_groups}

    assert codes - grouped <= {""}
    assert shipped.class_groups["0701"] == "urban_or_mixed_construction"
    assert shipped.class_groups["0703"] == "rural_construction"


def test_a_profile_knows_its_day_and_what_it_reads_in_place_of_what(shipped: Ruleset) -> None:
    works = shipped.profiles["works_permit"]

    assert works.date_basis is DateBasis.ACCEPTANCE
    assert works.replace == {"plan_limits": "permit_limits"}
    assert works.manual == ("CR31",)


def test_a_text_may_tell_a_distance(shipped: Ruleset) -> None:
    values = shipped.rules["CR14"].clauses[0].values

    assert values == {"value": TextMeasure(source=(Selection(binding="active_fault"),))}


def test_what_a_rule_cannot_see_is_told_in_both_languages_and_was_once_told_in_one(
    shipped: Ruleset,
) -> None:
    limits = [limit for one in shipped.rules.values() for limit in one.limits]
    document = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    document["rules"][0]["limits"] = ["judged by people"]

    assert limits
    assert all(limit.zh != limit.en for limit in limits)
    assert read_ruleset(document).rules["CR01"].limits == (
        Text(zh="judged by people", en="judged by people"),
    )


def test_reading_twice_gives_one_digest(shipped: Ruleset) -> None:
    again = load([PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue"])

    assert again.rulesets["national_default"][0].digest == shipped.digest
    assert len(shipped.digest) == 64
