"""What is wrong with a rule set or an override is told with its place, before it can be used."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.linking import Findings
from config.linking_rulesets import link_override, link_ruleset
from config.loader import CatalogueError, load, parse, satisfies_schema
from config.merging import Document
from config.model import Catalogue
from config.settings import PACKAGE_ROOT

PRODUCT = (PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue")
RULES = PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml"
TITLE = {"zh": "地方", "en": "Local"}
type Entry = dict[str, Any]
type Change = Callable[[Entry], object]


@pytest.fixture(scope="module")
def product() -> Catalogue:
    return load(PRODUCT)


@pytest.fixture(scope="module")
def shipped() -> Entry:
    (document,) = parse("rules.yaml", RULES.read_text("utf-8"), [])
    return dict(document.entry)


@pytest.fixture
def entry(shipped: Entry) -> Entry:
    """The shipped rule set, to be spoiled."""
    return copy.deepcopy(shipped)


def rule(entry: Entry, name: str) -> Entry:
    found: Entry = next(one for one in entry["rules"] if one["id"] == name)
    return found


def local(**said: Any) -> Entry:
    """An override's entry."""
    return {
        "kind": "ruleset_override",
        "id": "local",
        "ruleset": "national_default",
        "version": "1.0.0",
        "valid_from": "2026-02-01",
        "source": "某资规〔2026〕1号",
        "title": TITLE,
        **said,
    }


def put(tmp_path: Path, *entries: Entry) -> tuple[Path, ...]:
    """The product's folders with one of the bureau's above them."""
    (tmp_path / "local.yaml").write_text(
        yaml.safe_dump_all(entries, allow_unicode=True, sort_keys=False), "utf-8"
    )
    return (*PRODUCT, tmp_path)


def findings(tmp_path: Path, *entries: Entry) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as caught:
        load(put(tmp_path, *entries))
    return caught.value.findings


def told(entry: Entry, product: Catalogue) -> list[str]:
    found: list[str] = []
    link_ruleset(entry, product.bindings, lambda at, message: found.append(f"{at}: {message}"))
    return found


def told_of_override(entry: Entry, product: Catalogue) -> list[str]:
    found: list[str] = []
    rulesets = product.rulesets["national_default"]
    link_override(entry, rulesets, lambda at, message: found.append(f"{at}: {message}"))
    return found


def clause(name: str, **said: Any) -> Change:
    """Spoil the first clause of a rule."""
    return lambda e: rule(e, name)["clauses"][0].update(said)


def predicate(name: str, said: Entry) -> Change:
    return clause(name, when=said)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            predicate("CR01", {"overlap_m2": {"binding": "no_such", "le": 0}}),
            "/rules/0/clauses/0/when/overlap_m2/binding: no binding 'no_such' in the rule set",
        ),
        (
            predicate("CR01", {"all": [{"not": {"stale": {"binding": "no_such"}}}]}),
            "/rules/0/clauses/0/when/all/0/not/stale/binding: no binding 'no_such'",
        ),
        (
            predicate("CR01", {"overlap_m2": {"any_of": [{"binding": "no_such"}], "le": 0}}),
            "/when/overlap_m2/any_of/0/binding: no binding 'no_such'",
        ),
        (
            predicate("CR01", {"stale": {"binding": "quota_ledger"}}),
            "the binding 'quota_ledger' is a table, not a layer",
        ),
        (
            predicate(
                "CR03",
                {
                    "overlap_m2": {
                        "binding": "redline_issued",
                        "where": [{"field": "NONE", "in": ["1"]}],
                        "gt": 0,
                    }
                },
            ),
            "'NONE' is not among the fields of the binding 'redline_issued'",
        ),
        (
            predicate("CR07", {"overlap_m2": {"binding": "wetland", "area": "net", "le": 0}}),
            "'KCXS' is not among the fields of the binding 'wetland'",
        ),
        (
            predicate("CR35", {"missing": {"binding": "survey_latest", "field": "NONE"}}),
            "'NONE' is not among the fields of the binding 'survey_latest'",
        ),
        (
            predicate("CR05", {"attribute": {"field": "NONE", "in": ["410"]}}),
            "/rules/4/clauses/0/when/attribute/field: 'NONE' is not a field of what the rule is"
            " split by",
        ),
        (
            predicate("CR01", {"attribute": {"field": "DLBM", "in": ["01"]}}),
            "'DLBM' is not a field of what the rule is split by",
        ),
        (
            predicate("CR01", {"attribute": {"project": "no_such", "eq": 1}}),
            "/when/attribute/project: no attribute 'no_such'",
        ),
        (
            predicate("CR25", {"attribute": {"project": "far", "le": {"project": "no_such"}}}),
            "/when/attribute/le/project: no attribute 'no_such'",
        ),
        (
            predicate("CR01", {"missing": {"project": "no_such"}}),
            "/when/missing/project: no attribute 'no_such'",
        ),
        (
            predicate("CR01", {"flag": {"id": "no_such"}}),
            "/when/flag/id: no flag 'no_such'",
        ),
        (
            predicate("CR01", {"document": {"id": "no_such"}}),
            "/when/document/id: no document 'no_such'",
        ),
        (clause("CR01", needs=["no_such"]), "/clauses/0/needs: no document 'no_such'"),
        (
            predicate("CR26", {"attribute": {"table": "no_such", "field": "SYMJ", "ge": 1}}),
            "/when/attribute/table: no binding 'no_such'",
        ),
        (
            predicate("CR26", {"attribute": {"table": "quota_ledger", "field": "NONE", "ge": 1}}),
            "'NONE' is not among the fields of the binding 'quota_ledger'",
        ),
        (
            predicate(
                "CR08", {"class_conformity": {"table": "no_such", "field": "GHFQDM", "in": ["A"]}}
            ),
            "/when/class_conformity/table: no table 'no_such'",
        ),
        (
            predicate(
                "CR08",
                {"class_conformity": {"table": "zone_class", "field": "GHFQDM", "in": ["same"]}},
            ),
            "'same' is no result of the table 'zone_class'",
        ),
        (
            predicate("CR12", {"distance_m": {"binding": "river_shore", "lt": {"param": "none"}}}),
            "/when/distance_m/lt/param: no parameter 'none'",
        ),
        (
            predicate("CR12", {"distance_m": {"binding": "river_shore", "lt": {"param": "noise"}}}),
            "the parameter 'noise' is not a number",
        ),
        (
            predicate(
                "CR12",
                {"distance_m": {"binding": "river_shore", "lt": {"param": "wetland_dlbm"}}},
            ),
            "the parameter 'wetland_dlbm' is not one value",
        ),
        (
            predicate("CR24", {"attribute": {"field": "DLBM", "in": {"param": "eps_m2"}}}),
            "the parameter 'eps_m2' is not a list",
        ),
        (clause("CR01", text_zh="涉及{plan}"), "/clauses/0/text_zh: {plan} has no value"),
        (
            clause("CR27", values={"value": {"field": "NONE"}}),
            "/clauses/0/values/value/field: 'NONE' is not a field",
        ),
        (
            lambda e: rule(e, "CR14")["compares"].append({"flag": "no_such"}),
            "/compares/2/flag: no flag 'no_such'",
        ),
        (
            lambda e: rule(e, "CR01")["concerns"].append({"binding": "no_such"}),
            "/concerns/1/binding: no binding 'no_such'",
        ),
        (
            lambda e: rule(e, "CR05").update(split=[{"binding": "no_such"}]),
            "/split/0/binding: no binding 'no_such'",
        ),
        (
            lambda e: rule(e, "CR01")["clauses"].reverse(),
            "/rules/0/clauses/0/otherwise: always holds: no clause after it is reached",
        ),
        (
            lambda e: rule(e, "CR08")["clauses"][1]["values"]["zone"].update(titles="no_such"),
            "/values/zone/titles: no table 'no_such' in the rule set",
        ),
        (
            lambda e: e["profiles"][0]["mandatory"].append("CR99"),
            "/profiles/0/mandatory/8: no rule 'CR99'",
        ),
        (
            lambda e: e["profiles"][0]["advisory"].append("CR31"),
            "the rule 'CR31' is a manual item",
        ),
        (lambda e: e["profiles"][0]["manual"].append("CR10"), "the rule 'CR10' is computed"),
        (
            lambda e: e["profiles"][0]["advisory"].append("CR01"),
            "/profiles/0: the rule 'CR01' is mandatory and advisory",
        ),
        (
            lambda e: e["profiles"][0]["bindings"]["advisory"].insert(0, "no_such"),
            "/profiles/0/bindings/advisory/0: no binding 'no_such'",
        ),
        (
            lambda e: e["profiles"][0].update(replace={"plan_limits": "wetland"}),
            "/profiles/0/replace/plan_limits: 'RJLGX' is not among the fields",
        ),
        (
            predicate("CR12", {"overlap_m2": {"binding": "river_shore", "gt": 0}}),
            "/when/overlap_m2/binding: the binding 'river_shore' has lines: only distances",
        ),
        (
            predicate(
                "CR12",
                {"not": {"outside_m2": {"any_of": [{"binding": "hazard_point"}], "gt": 0}}},
            ),
            "/when/not/outside_m2/any_of/0/binding: the binding 'hazard_point' has points",
        ),
        (
            predicate("CR12", {"share": {"binding": "road_line", "gt": 0}}),
            "/when/share/binding: the binding 'road_line' has lines",
        ),
        (
            lambda e: rule(e, "CR05").update(split=[{"binding": "road_line"}]),
            "/split/0/binding: the binding 'road_line' has lines",
        ),
        (
            lambda e: rule(e, "CR12")["concerns"][-1].pop("within_m"),
            "/concerns/4/binding: the binding 'river_shore' has lines",
        ),
        (
            lambda e: e["profiles"][0].update(replace={"quota_ledger": "wetland"}),
            "/profiles/0/replace/quota_ledger: the binding 'wetland' is a layer, not a table",
        ),
        (
            lambda e: e["profiles"][0].update(replace={"wetland": "quota_ledger"}),
            "/profiles/0/replace/wetland: the binding 'quota_ledger' is a table, not a layer",
        ),
        (
            lambda e: e["profiles"][0].update(replace={"sight_corridor": "road_line"}),
            "/profiles/0/replace/sight_corridor: 'road_line' has lines, 'sight_corridor' polygons",
        ),
        (
            lambda e: e["rules"].append(copy.deepcopy(e["rules"][0])),
            "/rules: 'CR01' is given twice",
        ),
        (
            lambda e: e["bindings"][0].update(edition="no_such"),
            "/bindings/0/edition: no edition 'no_such' in the rule set",
        ),
        (lambda e: e["bindings"][0].update(id="unheard_of"), "no binding 'unheard_of'"),
        (
            lambda e: e["outcomes"][0].update(zh="否"),
            "/outcomes: expected PASS 符合 1, INFO 提示 2",
        ),
        (lambda e: e.update(facts=["是", "否", "不详"]), "/facts: expected 涉及"),
        (lambda e: e["parameters"].pop(0), "/parameters: a number 'eps_m2' is needed"),
        (lambda e: e["parameters"][2].update(value="xor"), "'noise' is needed: 'or' or 'and'"),
        (
            lambda e: e["tables"][0]["rows"]["100"]["A"].append("0701"),
            "/tables/0/rows/100: the class '0701' has two results",
        ),
        (
            lambda e: e["tables"][0]["rows"]["100"].update(B=["0801"]),
            "/tables/0/rows/100: 'B' is no result of the table",
        ),
        (
            lambda e: e["class_groups"]["reserved"].append("0701"),
            "/class_groups: the class '0701' is in two groups",
        ),
        (
            lambda e: e.update(valid_to="2025-12-31"),
            "/valid_to: 2025-12-31 is before the first day, 2026-01-01",
        ),
    ],
)
def test_a_fault_in_a_rule_set_is_a_finding_with_its_place(
    entry: Entry, product: Catalogue, change: Change, finding: str
) -> None:
    change(entry)

    assert any(finding in one for one in told(entry, product)), told(entry, product)


def test_the_shipped_rule_set_has_no_finding(entry: Entry, product: Catalogue) -> None:
    assert told(entry, product) == []


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ({"ruleset": "no_such", "switch_off": []}, "/ruleset: no sound rule set 'no_such'"),
        (
            {"parameters": [{"id": "none", "value": 1, "title": "无", "src": "U"}]},
            "/parameters/0/id: no parameter 'none' in national_default 2026.1.0",
        ),
        (
            {"parameters": [{"id": "eps_m2", "value": "大", "title": "无", "src": "U"}]},
            "/parameters/0/value: is of another kind",
        ),
        (
            {"parameters": [{"id": "noise", "value": "zzz", "title": "无", "src": "U"}]},
            "/parameters: 'noise' is needed: 'or' or 'and'",
        ),
        (
            {"switch_off": [{"rule": "CR99", "reason": "无"}]},
            "/switch_off/0/rule: no rule 'CR99' in national_default 2026.1.0",
        ),
    ],
)
def test_a_fault_in_an_override_is_a_finding_with_its_place(
    product: Catalogue, said: Entry, finding: str
) -> None:
    assert told_of_override(local(**said), product)[0].startswith(finding)


def test_an_override_replaces_a_rule_by_a_higher_version_only(
    entry: Entry, product: Catalogue
) -> None:
    same = rule(entry, "CR14")

    (finding,) = told_of_override(local(rules=[same]), product)
    assert "/rules/0/version: national_default 2026.1.0 has version 2" in finding
    assert told_of_override(local(rules=[{**same, "version": 3}]), product) == []


def test_an_override_s_rule_may_name_what_the_rule_set_and_the_override_have(
    entry: Entry, product: Catalogue
) -> None:
    own = {**rule(entry, "CR12"), "version": 3}
    own["clauses"] = [
        {
            "when": {"distance_m": {"binding": "river_shore", "lt": {"param": "city_river_m"}}},
            "outcome": "VERIFY",
            "text_zh": "距岸线不足",
        }
    ]
    parameter = {"id": "city_river_m", "value": 50, "title": "市规定", "src": "U"}

    assert told_of_override(local(rules=[own], parameters=[parameter]), product) == []
    (finding,) = told_of_override(local(rules=[own]), product)
    assert "no parameter 'city_river_m'" in finding


def test_one_rule_is_not_replaced_and_switched_off_at_once(
    entry: Entry, product: Catalogue
) -> None:
    said = local(
        rules=[{**rule(entry, "CR14"), "version": 3}],
        switch_off=[{"rule": "CR14", "reason": "区内无活动断层"}],
    )

    assert "is also switched off" in told_of_override(said, product)[0]


def test_an_override_is_tried_over_the_versions_that_it_meets(product: Catalogue) -> None:
    before = local(
        valid_from="2025-01-01",
        valid_to="2025-12-31",
        parameters=[{"id": "none", "value": 1, "title": "无", "src": "U"}],
    )

    assert told_of_override(before, product) == []


NOISE = {"parameters": [{"id": "eps_m2", "value": 2, "title": "边界误差面积", "src": "U"}]}


def test_overrides_that_would_tie_are_a_finding(tmp_path: Path) -> None:
    one = local(id="one", region=["220100"], **NOISE)
    other = local(id="other", region=["220100000000", "220200"], **NOISE)

    (finding,) = findings(tmp_path, one, other)

    assert "local.yaml: /1/valid_from: sets parameter eps_m2 with the same right" in finding
    assert "override one 1.0.0" in finding


@pytest.mark.parametrize(
    "other",
    [
        local(id="other", region=["220102"], **NOISE),
        local(id="other", region=["220100"], **{**NOISE, "valid_from": "2026-03-01"}),
        local(id="other", region=["220200"], **NOISE),
        local(id="one", region=["220100"], **{**NOISE, "version": "1.0.1"}),
        local(
            id="other",
            region=["220100"],
            switch_off=[{"rule": "CR14", "reason": "区内无活动断层"}],
        ),
    ],
)
def test_overrides_of_different_right_place_or_matter_do_not_tie(
    tmp_path: Path, other: Entry
) -> None:
    catalogue = load(put(tmp_path, local(id="one", region=["220100"], **NOISE), other))

    assert len(catalogue.ruleset_overrides) == 2


def test_a_finding_names_file_document_and_pointer(tmp_path: Path, entry: Entry) -> None:
    entry["version"] = "2026.1.1"
    rule(entry, "CR01")["clauses"][0]["when"] = {"flag": {"id": "no_such"}}

    (finding,) = findings(tmp_path, entry)

    assert finding == (
        f"{tmp_path.name}/local.yaml: /0/rules/0/clauses/0/when/flag/id:"
        " no flag 'no_such' in the rule set"
    )


def test_versions_of_one_rule_set_stand_beside_each_other(tmp_path: Path, entry: Entry) -> None:
    versions = [{**entry, "version": version} for version in ("2026.10.0", "2026.9.0")]

    catalogue = load(put(tmp_path, *versions))

    found = [one.version for one in catalogue.rulesets["national_default"]]
    assert found == ["2026.1.0", "2026.9.0", "2026.10.0"]
    assert "national_default@2026.9.0" in catalogue.digests["ruleset"]


def test_a_version_is_not_said_anew_in_a_later_folder(tmp_path: Path, entry: Entry) -> None:
    entry["title"] = TITLE

    (finding,) = findings(tmp_path, entry)

    assert "/0/version: ruleset national_default 2026.1.0 says something else in" in finding
    assert "catalogue/rules/national_default.yaml" in finding


def test_the_same_words_in_a_later_folder_are_no_finding(tmp_path: Path, entry: Entry) -> None:
    assert len(load(put(tmp_path, entry)).rulesets["national_default"]) == 1


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (clause("CR01", outcome="MAYBE"), "/rules/0/clauses/0/outcome"),
        (lambda e: rule(e, "CR01")["clauses"][0].pop("when"), "/rules/0/clauses/0"),
        (
            predicate("CR01", {"overlap_m2": {"binding": "wetland", "le": 0, "gt": 1}}),
            "/rules/0/clauses/0/when/overlap_m2",
        ),
        (predicate("CR01", {"flag": {"id": "a"}, "not": {}}), "/rules/0/clauses/0/when"),
        (predicate("CR01", {"eval": "1 + 1"}), "/rules/0/clauses/0/when"),
        (lambda e: rule(e, "CR05").pop("split"), "/rules/4: 'split' is a required property"),
        (lambda e: rule(e, "CR31").pop("manual"), "/rules/30: 'manual' is a required property"),
        (lambda e: e.update(version="2026.1"), "/version"),
        (lambda e: e.update(valid_from="2026-02-30"), "/valid_from"),
        (lambda e: e["tables"][1].pop("compatible"), "/tables/1"),
    ],
)
def test_what_is_not_of_the_language_is_a_finding(
    entry: Entry, change: Change, finding: str
) -> None:
    change(entry)
    found: Findings = []

    sound = satisfies_schema(Document(file="rules.yaml", number=0, entry=entry), found)

    assert not sound
    assert any(finding in one for one in found), found


@pytest.mark.parametrize("depth", [60, 300, 20_000])
def test_predicates_may_be_nested_and_too_deep_a_nest_is_a_finding(
    entry: Entry, product: Catalogue, depth: int
) -> None:
    said: Entry = {"flag": {"id": "new_reclamation"}}
    for _ in range(depth):
        said = {"not": said}
    rule(entry, "CR01")["clauses"][0]["when"] = said
    found: Findings = []

    if satisfies_schema(Document(file="rules.yaml", number=0, entry=entry), found):
        assert told(entry, product) == []
    else:
        assert found == ["rules.yaml: /0: is nested too deeply"]


def test_a_layer_of_another_kind_than_the_rules_read_is_a_finding(tmp_path: Path) -> None:
    layer = {
        "kind": "layer",
        "id": "roads",
        "specification": "ZXCQDLHX",
        "title": TITLE,
    }
    bound = {
        "kind": "binding",
        "id": "wetland",
        "title": TITLE,
        "layer": "roads",
        "edition": {"status": "in_force", "at": "check_date"},
    }

    (finding,) = findings(tmp_path, layer, bound)

    assert "/1/layer: national_default 2026.1.0 reads polygons; roads has none" in finding
