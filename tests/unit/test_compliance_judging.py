"""The predicate language beyond the shipped rules: every form, on small rules made here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
import shapely
import yaml
from numpy.typing import NDArray
from shapely import Geometry

from config.predicate_reading import read_predicate, read_selection
from config.predicates import ProjectValue
from config.ruleset import Clause, Concern, Rule, Ruleset
from config.ruleset_reading import read_ruleset
from config.settings import PACKAGE_ROOT
from config.vocabulary import Fact, Outcome
from processes.algorithms.compliance.evidence import (
    Absent,
    Declared,
    Evidence,
    Gap,
    LayerEvidence,
    TableEvidence,
)
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.judging import judge
from processes.algorithms.compliance.needs import needs_of
from processes.algorithms.compliance.net_areas import strayed
from providers.crs import from_epsg, to_plane, to_storage

ZONE = from_epsg(4551)
EAST, NORTH = 443667.0, 4851838.0


def zone(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    return to_plane(geometries, ZONE)


def stored(drawn: Geometry) -> Geometry:
    """A shape given in metres east and north of the origin, as it is stored."""
    turned = shapely.transform(
        drawn, lambda xy: np.column_stack([xy[:, 1] + NORTH, xy[:, 0] + EAST])
    )
    found: Geometry = to_storage(np.array([turned], dtype=object), ZONE).geometries[0]
    return found


def box(west: float, south: float, east: float, north: float) -> Geometry:
    return stored(shapely.box(west, south, east, north))


PARCEL = box(0, 0, 50, 40)


@cache
def shipped() -> Ruleset:
    path = PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml"
    return read_ruleset(yaml.safe_load(path.read_text(encoding="utf-8")))


def layer(
    *features: tuple[Geometry, Mapping[str, Any]], near: bool = False, **told: Any
) -> LayerEvidence:
    shapes = np.empty(len(features), dtype=object)
    shapes[:] = [shape for shape, _ in features]
    codes = {code for _, fields in features for code in fields}
    return LayerEvidence(
        ids=tuple(f"F{number}" for number in range(len(features))),
        fields={code: tuple(fields.get(code) for _, fields in features) for code in codes},
        plans=("P1",) * len(features),
        documents=("文1",) * len(features),
        parcel=np.zeros(len(features), dtype=np.intp),
        feature=np.arange(len(features), dtype=np.intp),
        overlaps=shapely.intersection(shapes, PARCEL),
        near=shapes if near else None,
        **told,
    )


def judged(
    rule: Rule,
    evidence: Mapping[str, Evidence],
    *,
    ruleset: Ruleset | None = None,
    declared: Declared | None = None,
) -> RuleFinding:
    base = ruleset or shipped()
    ((finding,),) = judge(
        replace(base, rules={**base.rules, rule.id: rule}),
        [rule.id],
        np.array([PARCEL], dtype=object),
        [declared or Declared()],
        evidence,
        zone,
        replace={},
    )
    return finding


def asking(
    when: Mapping[str, Any], text: str = "", needs: tuple[str, ...] = (), **rule: Any
) -> Rule:
    """A rule that fails where *when* is true and passes elsewhere."""
    clauses = (
        Clause(when=read_predicate(when), outcome=Outcome.FAIL, text=text, needs=needs),
        Clause(when=None, outcome=Outcome.PASS, text=""),
    )
    return replace(shipped().rules["CR01"], concerns=(), clauses=clauses, **rule)


HALF = layer((box(-5, -5, 25, 45), {"LB": "a", "HEIGHT": 36}))
GAP = {0: Gap(geometry=box(25, 0, 50, 40), reason="outside_scope")}


SOIL, WETLAND = {"binding": "black_soil"}, {"binding": "wetland"}
ANY, ALL = {"match": "any"}, {"match": "all"}
OWN = [{"field": "HEIGHT", "ge": {"field": "HEIGHT"}}]  # a field against one of the same feature


@pytest.mark.parametrize(
    ("when", "clause"),
    [
        ({"overlap_m2": {**SOIL, "area": "planar", "ge": 999.9}}, 1),
        ({"overlap_m2": {**SOIL, "area": "planar", "gt": 1000.1}}, 2),
        ({"outside_m2": {**SOIL, "lt": 1000.1}}, 1),
        ({"share": {**SOIL, "gt": 0.49}}, 1),
        ({"share": {**SOIL, "gt": 0.51}}, 2),
        ({"overlap_m2": {**SOIL, "where": [{"field": "LB", "eq": "b"}], "gt": 0}}, 2),
        ({"overlap_m2": {**SOIL, "where": [{"field": "HEIGHT", "lt": 36.5}], "gt": 0}}, 1),
        ({"overlap_m2": {**SOIL, "where": OWN, "gt": 0}}, 1),
        ({"attribute": {**SOIL, **ALL, "field": "LB", "in": ["a"]}}, 1),
        ({"attribute": {**SOIL, **ANY, "field": "LB", "ne": "a"}}, 2),
        ({"missing": {**SOIL}}, 2),
        ({"missing": {**SOIL, "field": "LB"}}, 2),
        ({"missing": {**SOIL, "field": "NAME"}}, 1),
        ({"missing": {"project": "far"}}, 1),
        ({"attribute": {"project": "far", "present": False}}, 1),
        ({"document": {"id": "topsoil_plan"}}, 1),
        ({"document": {"id": "topsoil_plan", "state": "verified"}}, 2),
        ({"not": {"document": {"id": "topsoil_plan"}}}, 2),
        ({"attribute": {"table": "quota_ledger", "field": "SYMJ", "lt": 20}}, 1),
    ],
)  # fmt: skip
def test_each_predicate_is_true_where_it_says(when: Mapping[str, Any], clause: int) -> None:
    declared = Declared(documents={"topsoil_plan": "attached"})
    ledger = TableEvidence(rows=(({"SYMJ": Decimal("15.0")},),))
    finding = judged(asking(when), {"black_soil": HALF, "quota_ledger": ledger}, declared=declared)

    assert finding.clause == clause
    assert not finding.reasons


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({"overlap_m2": {**SOIL, "gt": 1200}}, "outside_scope:black_soil"),
        ({"outside_m2": {**SOIL, "gt": 0}}, "outside_scope:black_soil"),
        ({"share": {**SOIL, "ge": 0.9}}, "outside_scope:black_soil"),
        ({"attribute": {**SOIL, **ALL, "field": "LB", "eq": "a"}}, "outside_scope:black_soil"),
        ({"attribute": {**SOIL, **ANY, "field": "NAME", "eq": "a"}}, "field_empty:black_soil.NAME"),
        ({"attribute": {**WETLAND, **ANY, "field": "JB", "eq": "1"}}, "no_edition:wetland"),
        ({"stale": {**SOIL}}, "no_release_date:black_soil"),
        ({"stale": {"binding": "wetland"}}, "no_edition:wetland"),
        ({"attribute": {"project": "far", "gt": 2}}, "attribute_missing:far"),
        ({"attribute": {"project": "seismic_class", "gt": 2}}, "attribute_missing:seismic_class"),
        ({"attribute": {"table": "quota_ledger", "field": "SYMJ", "lt": 20}}, "rows_0:quota_ledger"),
        ({"flag": {"id": "military_hit"}}, "not_declared:military_hit"),
    ],
)  # fmt: skip
def test_what_is_unknown_says_why_and_is_never_a_pass(when: Mapping[str, Any], reason: str) -> None:
    evidence: dict[str, Evidence] = {
        "black_soil": replace(HALF, gaps=GAP),
        "wetland": Absent("no_edition"),
        "quota_ledger": TableEvidence(rows=((),)),
    }
    declared = Declared(attributes={"seismic_class": "丙"})
    finding = judged(asking(when), evidence, declared=declared)

    assert finding.outcome is Outcome.VERIFY
    assert reason in finding.reasons
    assert "不符合或符合" in finding.text


def test_a_distance_is_open_to_what_is_not_known_of_a_feature() -> None:
    when = {
        "distance_m": {
            "binding": "river_shore",
            "where": [{"field": "LX", "eq": "a"}],
            "lt": 30,
        }
    }
    line = stored(shapely.LineString([(70, -20), (70, 60)]))
    empty = layer((line, {"LX": None}), near=True)
    told = layer((line, {"LX": "a"}), near=True)

    assert judged(asking(when), {"river_shore": told}).outcome is Outcome.FAIL
    open_ = judged(asking(when), {"river_shore": empty})
    assert open_.outcome is Outcome.VERIFY
    assert open_.reasons == {"field_empty:river_shore.LX"}
    gapped = replace(layer(near=True), gaps=GAP)
    assert judged(asking(when), {"river_shore": gapped}).reasons == {"outside_scope:river_shore"}


@pytest.mark.parametrize("reason", ["outside_coverage", "outside_scope"])
def test_where_a_layer_ends_a_distance_is_known_only_as_far_as_there(reason: Any) -> None:
    ends = {0: Gap(geometry=box(58, -100, 150, 140), reason=reason)}  # 8 m east of the parcel
    layers = {"river_shore": replace(layer(near=True), beyond=ends)}
    far: dict[str, Any] = {"distance_m": {"binding": "river_shore", "ge": 100}}
    near: dict[str, Any] = {"distance_m": {"binding": "river_shore", "lt": 7}}

    open_ = judged(asking({"not": far}), layers)
    assert open_.outcome is Outcome.VERIFY
    assert open_.reasons == {f"{reason}:river_shore"}
    assert judged(asking(near), layers).outcome is Outcome.PASS
    optional = {"distance_m": {"binding": "river_shore", "optional": True, "ge": 100}}
    assert judged(asking({"not": optional}), layers).outcome is Outcome.PASS
    line = stored(shapely.LineString([(55, -20), (55, 60)]))  # nearer than where it ends
    with_line = {"river_shore": replace(layer((line, {}), near=True), beyond=ends)}
    assert judged(asking({"not": far}), with_line).outcome is Outcome.FAIL
    assert not judged(asking(near), with_line).reasons


def test_a_concern_within_metres_is_open_where_the_layer_ends_nearer() -> None:
    ends = {0: Gap(geometry=box(58, -100, 150, 140), reason="outside_coverage")}
    layers = {"river_shore": replace(layer(near=True), beyond=ends)}
    for within, fact in ((Decimal(7), Fact.NOT_CONCERNED), (Decimal(9), Fact.DATA_MISSING)):
        concern = Concern(selection=read_selection({"binding": "river_shore"}), within_m=within)
        rule = replace(asking({"flag": {"id": "military_hit"}}), concerns=(concern,))
        assert judged(rule, layers).fact is fact


def test_a_parcel_in_parts_is_drawn_in_part_by_part() -> None:
    narrow = box(60, 0, 60.1, 40)  # an inset of 1 m leaves nothing of it
    parcel = shapely.union(PARCEL, narrow)
    line = stored(shapely.LineString([(61, -20), (61, 60)]))
    when = {"distance_m": {"binding": "road_line", "inset_m": 1, "lt": 2}}
    base, rule = shipped(), asking(when)
    ((finding,),) = judge(
        replace(base, rules={**base.rules, rule.id: rule}),
        [rule.id],
        np.array([parcel], dtype=object),
        [Declared()],
        {"road_line": layer((line, {}), near=True)},
        zone,
        replace={},
    )

    assert finding.outcome is Outcome.FAIL


def test_a_layer_read_without_its_neighbourhood_is_not_asked_for_distances() -> None:
    when = {"distance_m": {"binding": "river_shore", "lt": 30}}
    with pytest.raises(ValueError, match="river_shore"):
        judged(asking(when), {"river_shore": layer((PARCEL, {}))})


def piecewise(split: Sequence[Mapping[str, Any]], code: str, value: str) -> Rule:
    when = {"attribute": {"field": code, "eq": value}}
    return asking(when, each="piece", split=tuple(map(read_selection, split)))


def test_features_take_in_their_order_and_layers_in_that_of_the_split() -> None:
    lapping = layer((box(0, 0, 30, 40), {"LB": "a"}), (box(20, 0, 50, 40), {"LB": "b"}))
    first = layer((box(0, 0, 10, 40), {"LB": "c"}))
    rule = piecewise([{"binding": "wetland"}, {"binding": "black_soil"}], "LB", "b")
    finding = judged(rule, {"wetland": first, "black_soil": lapping})

    pieces = {(p.binding, p.feature): round(p.planar_m2, 2) for p in finding.pieces}
    assert pieces == {
        ("wetland", "F0"): 400.0,
        ("black_soil", "F0"): 800.0,
        ("black_soil", "F1"): 800.0,
    }
    assert (finding.outcome, finding.clause) == (Outcome.FAIL, 1)


def cells(value: Any) -> list[tuple[Geometry, Mapping[str, Any]]]:
    """The western half of the parcel but for a strip, as cells of 0.81 m² with a value each."""
    corners = [(0.9 * n % 18, 0.9 * (n // 20)) for n in range(20 * 40)]
    return [
        (box(west, south, west + 0.9, south + 0.9), {"LB": value(number)})
        for number, (west, south) in enumerate(corners)
    ]


def test_a_zone_that_is_stored_as_small_cells_is_a_piece() -> None:
    rule = piecewise([{"binding": "wetland"}], "LB", "b")
    finding = judged(rule, {"wetland": layer(*cells(lambda number: "b"))})

    zone_m2 = 18 * 36
    assert finding.outcome is Outcome.FAIL
    assert sorted(round(p.planar_m2) for p in finding.pieces) == [zone_m2, 2000 - zone_m2]
    assert {p.binding: round(p.planar_m2) for p in finding.pieces}["wetland"] == zone_m2


def test_small_cells_that_are_not_alike_are_together_a_piece_of_which_nothing_is_known() -> None:
    rule = piecewise([{"binding": "wetland"}], "LB", "b")
    mixed = layer(*cells(lambda number: "bc"[(number + number // 20) % 2]))
    finding = judged(rule, {"wetland": mixed})

    assert finding.outcome is Outcome.VERIFY
    assert finding.reasons == {"pieces_too_small"}
    assert sum(p.planar_m2 for p in finding.pieces) == pytest.approx(2000, abs=0.1)


def test_the_values_of_small_cells_count_where_the_cells_of_a_value_make_a_zone() -> None:
    high = {"attribute": {"binding": "wetland", "field": "LB", "match": "any", "eq": "b"}}
    alike = layer(*cells(lambda number: "b"))
    mixed = layer(*cells(lambda number: "bc"[(number + number // 20) % 2]))

    assert judged(asking(high), {"wetland": alike}).outcome is Outcome.FAIL
    open_ = judged(asking(high), {"wetland": mixed})
    assert open_.outcome is Outcome.VERIFY
    assert open_.reasons == {"pieces_too_small"}
    assert judged(asking(high), {"wetland": layer((box(0, 0, 0.9, 0.9), {"LB": "b"}))}).clause == 2


def test_a_sliver_beside_a_piece_that_is_judged_alike_belongs_to_it() -> None:
    rule = piecewise([{"binding": "wetland"}], "LB", "b")
    strip = box(0, 0, 20, 40), {"LB": "a", "OTHER": 1}
    alike = layer(strip, (box(20, 0, 20.01, 40), {"LB": "a", "OTHER": 2}))
    unlike = layer(strip, (box(20, 0, 20.01, 40), {"LB": "c", "OTHER": 2}))

    for told, piece_m2 in ((alike, 800.4), (unlike, 800.0)):
        finding = judged(rule, {"wetland": told})
        [piece] = [p for p in finding.pieces if p.binding == "wetland"]
        assert piece.planar_m2 == pytest.approx(piece_m2, abs=0.02)
        assert piece.feature == "F0"


def test_a_split_without_data_makes_what_is_left_a_piece_of_its_own() -> None:
    rule = piecewise([{"binding": "wetland"}, {"binding": "black_soil"}], "LB", "b")
    finding = judged(rule, {"wetland": HALF})

    assert [round(p.planar_m2) for p in finding.pieces] == [1000, 1000]
    assert finding.reasons == {"not_connected:black_soil"}
    assert finding.outcome is Outcome.VERIFY


def test_a_feature_that_a_split_may_take_is_a_piece_of_which_nothing_is_known() -> None:
    where = [{"field": "LB", "eq": "b"}]
    rule = piecewise([{"binding": "wetland", "where": where}], "LB", "b")
    finding = judged(rule, {"wetland": layer((box(0, 0, 25, 40), {"LB": None}))})

    assert finding.reasons == {"field_empty:wetland.LB"}
    assert {p.outcome for p in finding.pieces} == {Outcome.VERIFY, Outcome.PASS}


def test_a_parcel_of_which_only_noise_is_left_is_to_be_verified() -> None:
    everything = {
        "eps_m2": replace(shipped().parameters["eps_m2"], value=Decimal(10_000)),
    }
    ruleset = replace(shipped(), parameters={**shipped().parameters, **everything})
    finding = judged(
        piecewise([{"binding": "wetland"}], "LB", "b"), {"wetland": HALF}, ruleset=ruleset
    )

    assert (finding.outcome, finding.clause) == (Outcome.VERIFY, 0)
    assert finding.reasons == {"no_clause"}


def test_a_condition_whose_needs_are_all_verified_is_a_pass_and_says_so() -> None:
    cond = replace(
        asking({"overlap_m2": {"binding": "black_soil", "gt": 0}}).clauses[0],
        outcome=Outcome.COND,
        text="涉及{area}公顷",
        needs=("topsoil_plan", "field_rebuild_plan"),
    )
    rule = replace(shipped().rules["CR01"], concerns=(), clauses=(cond,))
    half = Declared(documents={"topsoil_plan": "verified", "field_rebuild_plan": "attached"})
    full = Declared(documents={"topsoil_plan": "verified", "field_rebuild_plan": "verified"})

    open_ = judged(rule, {"black_soil": HALF}, declared=half)
    assert (open_.outcome, open_.needs) == (Outcome.COND, ("field_rebuild_plan",))
    assert open_.text == "涉及0.1000公顷"
    met = judged(rule, {"black_soil": HALF}, declared=full)
    assert (met.outcome, met.needs, met.clause) == (Outcome.PASS, (), 1)
    assert met.text == "涉及0.1000公顷（所需材料已核实）"


def test_the_area_of_a_text_is_the_union_of_what_makes_the_clause_true() -> None:
    either = {
        "any": [
            {"overlap_m2": {"binding": "black_soil", "gt": 0}},
            {"overlap_m2": {"binding": "wetland", "gt": 0}},
            {"overlap_m2": {"binding": "river", "gt": 0}},
        ]
    }
    finding = judged(
        asking(either, text="{area_m2}平方米"),
        {
            "black_soil": HALF,
            "wetland": layer((box(20, 0, 40, 40), {})),
            "river": layer(),
        },
    )

    assert finding.text == "1599.87平方米"
    assert finding.ellipsoid_m2 == pytest.approx(1599.875, abs=0.01)


def test_a_text_prints_values_as_they_are_written_and_says_what_is_not_there() -> None:
    clause = Clause(
        when=None,
        outcome=Outcome.PASS,
        text="{far}/{low}",
        values={"far": ProjectValue("far"), "low": ProjectValue("norm_area_m2")},
    )
    rule = replace(shipped().rules["CR01"], concerns=(), clauses=(clause,))

    assert judged(rule, {}, declared=Declared(attributes={"far": Decimal("2.50")})).text == "2.5/—"


def test_a_zone_is_printed_by_its_name_with_its_code_and_an_unnamed_one_by_its_code() -> None:
    rule, declared = shipped().rules["CR08"], Declared(attributes={"planned_class": "0701"})
    zones = {"zone_plan": layer((PARCEL, {"GHFQDM": "300"}))}
    tables = {**shipped().tables}
    tables["zone_class"] = replace(tables["zone_class"], titles={})

    named = judged(rule, zones, declared=declared)
    bare = judged(rule, zones, declared=declared, ruleset=replace(shipped(), tables=tables))

    assert named.text == "与农田保护区（300）管控要求不符,0.2000公顷"
    assert bare.text == "与300管控要求不符,0.2000公顷"
    assert set(shipped().tables["zone_class"].titles) == {
        zone for zone, _ in shipped().tables["zone_class"].rows
    }


def test_a_concern_tells_its_features_with_plan_and_document_largest_first() -> None:
    rule = replace(
        asking({"overlap_m2": {"binding": "black_soil", "gt": 0}}),
        concerns=(Concern(selection=read_selection({"binding": "black_soil"})),),
    )
    two = layer((box(0, 0, 5, 40), {"LB": "x"}), (box(10, 0, 30, 40), {"LB": "y"}))
    ((concern),) = judged(rule, {"black_soil": two}).concerns

    assert [(f.id, f.plan, f.document) for f in concern.features] == [
        ("F1", "P1", "文1"),
        ("F0", "P1", "文1"),
    ]
    assert concern.features[0].fields == {"LB": "y"}
    assert sum(f.ellipsoid_m2 for f in concern.features) == pytest.approx(concern.ellipsoid_m2)


def test_noise_beside_a_counted_part_is_told_apart() -> None:
    sliver = layer((box(0, 0, 20, 40), {}), (box(49.99, 0, 60, 40), {}))
    rule = replace(
        asking({"overlap_m2": {"binding": "black_soil", "gt": 0}}),
        concerns=(Concern(selection=read_selection({"binding": "black_soil"})),),
    )
    finding = judged(rule, {"black_soil": sliver})

    assert finding.fact is Fact.CONCERNED
    assert finding.concerns[0].planar_m2 == pytest.approx(800, abs=0.01)
    assert finding.concerns[0].noise_m2 == pytest.approx(0.4, abs=0.01)
    assert [feature.id for feature in finding.concerns[0].features] == ["F0"]


@pytest.mark.parametrize(
    "source",
    [
        {"binding": "survey_latest"},
        {
            "any_of": [
                {"binding": "survey_latest", "where": [{"field": "KCXS", "lt": 1}]},
                {"binding": "survey_latest"},
            ]
        },
    ],
)
def test_a_net_area_counts_land_under_two_features_once_for_the_first(
    source: Mapping[str, Any],
) -> None:
    halves = (box(0, 0, 30, 40), {"KCXS": "0.5"}), (box(20, 0, 50, 40), {"KCXS": "0"})
    survey = {"survey_latest": layer(*halves)}
    net_m2 = 0.5 * 1200 + 800  # in the plane

    for bound, clause in ((net_m2 - 5, 1), (net_m2 + 5, 2)):
        when = {"overlap_m2": {**source, "area": "net", "gt": bound}}
        assert judged(asking(when), survey).clause == clause


@pytest.mark.parametrize(
    ("first", "second", "least_m2", "most_m2"),
    [("0.5", "0", 1_500, 2_000), ("0", "0.5", 1_000, 1_500), ("0.5", "0.5", 1_000, 1_000)],
)
@pytest.mark.parametrize("doubtful", [0, 1])
def test_a_net_area_is_open_to_a_feature_in_doubt_that_would_take_land_before_another(
    first: str, second: str, least_m2: float, most_m2: float, doubtful: int
) -> None:
    fields: Mapping[str, Any] = {"LB": None, "KCXS": first}
    in_doubt, chosen = (box(0, 0, 25, 40), fields), (PARCEL, {"LB": "x", "KCXS": second})
    told = [in_doubt, chosen] if doubtful == 0 else [chosen, in_doubt]
    if doubtful == 1:  # what comes after takes nothing of it
        least_m2 = most_m2 = 2_000 * (1 - float(second))
    survey = {"survey_latest": layer(*told)}
    source = {"binding": "survey_latest", "where": [{"field": "LB", "eq": "x"}], "area": "net"}

    def outcome(bound: float) -> Outcome:
        return judged(asking({"overlap_m2": {**source, "gt": bound}}), survey).outcome

    assert outcome(least_m2 - 5) is Outcome.FAIL
    assert outcome(most_m2 + 5) is Outcome.PASS
    if least_m2 < most_m2:
        assert outcome((least_m2 + most_m2) / 2) is Outcome.VERIFY


@pytest.mark.parametrize(
    ("first", "outcome", "why"),
    [
        (layer(gaps={0: Gap(geometry=PARCEL, reason="outside_coverage")}), "VERIFY", "coverage"),
        (layer(gaps=GAP), "VERIFY", "scope"),
        (Absent("no_edition"), "VERIFY", "no_edition"),
        (layer(), "FAIL", ""),
    ],
)
def test_a_net_area_is_open_to_what_an_earlier_layer_does_not_tell(
    first: Evidence, outcome: str, why: str
) -> None:
    """Its features would take the land first, with ridges of which nothing is known."""
    later = layer((box(0, 0, 50, 20), {"KCXS": 0}))
    when = {"overlap_m2": {"any_of": [SOIL, WETLAND], "area": "net", "gt": 900}}
    turned = {"overlap_m2": {"any_of": [WETLAND, SOIL], "area": "net", "gt": 900}}
    optional = {"any_of": [{**SOIL, "optional": True}, WETLAND], "area": "net", "gt": 900}
    there = {"black_soil": first, "wetland": later}
    found = judged(asking(when), there)

    assert found.outcome == outcome
    assert why in "".join(found.reasons)
    assert judged(asking(turned), there).outcome is Outcome.FAIL  # it comes after
    assert judged(asking({"overlap_m2": optional}), there).outcome is Outcome.FAIL


def test_a_net_area_is_cut_once_for_all_that_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counting(*given: Any) -> Any:
        asked.append(given)
        return strayed(*given)

    monkeypatch.setattr("processes.algorithms.compliance.overlay.strayed", counting)
    survey = layer((box(0, 0, 25, 40), {"LB": None}), (PARCEL, {"LB": "x", "KCXS": 0.5}))
    source = {"binding": "survey_latest", "where": [{"field": "LB", "eq": "x"}], "area": "net"}
    when = {"any": [{"overlap_m2": {**source, "gt": bound}} for bound in (5_000, 6_000, 7_000)]}

    assert judged(asking(when), {"survey_latest": survey}).outcome is Outcome.PASS
    assert len(asked) == 1


def test_what_is_no_fraction_of_ridges_deducts_nothing() -> None:
    area = {"binding": "survey_latest", "area": "net", "gt": 900}
    for ridges in (12, "-", -0.5, None):
        survey = layer((box(0, 0, 25, 40), {"KCXS": ridges}))
        assert judged(asking({"overlap_m2": area}), {"survey_latest": survey}).clause == 1
    tilled = layer((box(0, 0, 25, 40), {"KCXS": "0.2"}))
    assert judged(asking({"overlap_m2": area}), {"survey_latest": tilled}).clause == 2


def test_an_older_edition_than_the_newest_release_is_stale() -> None:
    when = {"stale": {"binding": "black_soil"}}
    for released, clause in ((date(2024, 1, 1), 1), (date(2025, 1, 1), 2), (date(2026, 1, 1), 2)):
        dated = replace(HALF, released=released, latest_release=date(2025, 1, 1))
        assert judged(asking(when), {"black_soil": dated}).clause == clause


def test_no_parcels_give_no_findings() -> None:
    nobody = np.zeros(0, dtype=object)
    assert judge(shipped(), ["CR01"], nobody, [], {}, zone, replace={}) == []


def test_needs_name_fields_margins_and_tables_of_what_is_really_read() -> None:
    needs = needs_of(shipped(), ["CR07", "CR12", "CR26", "CR27"], {"plan_limits": "permit_limits"})

    assert needs["survey_latest"].fields >= {"DLBM", "KCXS"}
    assert needs["river_shore"].margin_m == 30
    assert not needs["river_shore"].overlaps
    assert needs["quota_ledger"].table
    assert needs["permit_limits"].fields >= {"RJLGX", "RJLDX"}
    assert "plan_limits" not in needs
    optional = needs_of(shipped(), ["CR08"], {})
    assert (optional["zone_plan_core"].mandatory, optional["zone_plan"].mandatory) == (False, True)
    assert optional["zone_plan_core"].fields == {"GHFQDM"}


def test_every_shipped_rule_can_be_judged_with_nothing_connected_and_nothing_declared() -> None:
    ids = [rule.id for rule in shipped().rules.values() if not rule.manual]
    (findings,) = judge(
        shipped(), ids, np.array([PARCEL], dtype=object), [Declared()], {}, zone, replace={}
    )

    assert len(findings) == 38
    assert [f.rule for f in findings if f.outcome is Outcome.PASS] == []
