"""Every case of the compliance rules gives its fact, clause, areas and suggestion, on evidence in memory."""

import runpy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shapely
import yaml
from shapely import Geometry

from config.ruleset import Ruleset
from config.ruleset_reading import read_ruleset
from config.settings import PACKAGE_ROOT
from config.vocabulary import Outcome
from processes.algorithms.compliance.evidence import Absent, Declared, Gap, LayerEvidence
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.judging import judge
from processes.algorithms.compliance.needs import needs_of
from processes.algorithms.compliance.overall import overall

TOLD = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "compliance_cases.py")))
CASES, COMPUTED, MANUAL = TOLD.CASES, TOLD.COMPUTED, TOLD.MANUAL


@cache
def rules() -> Ruleset:
    path = PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml"
    return read_ruleset(yaml.safe_load(path.read_text(encoding="utf-8")))


def layer(told: Mapping[str, Any], parcel: Geometry) -> LayerEvidence:
    """What a case says of a binding, as if it had been read."""
    features = told["features"]
    shapes = np.empty(len(features), dtype=object)
    shapes[:] = [TOLD.shape(feature) for feature in features]
    codes = {code for feature in features for code in feature.get("fields", {})}
    gaps = {}
    if "coverage" in told:
        rest = shapely.difference(parcel, TOLD.shape(told["coverage"]))
        if not rest.is_empty:
            gaps[0] = Gap(geometry=rest, reason="outside_coverage")
    return LayerEvidence(
        ids=tuple(f"F{number}" for number in range(len(features))),
        fields={
            code: tuple(feature.get("fields", {}).get(code) for feature in features)
            for code in codes
        },
        plans=(None,) * len(features),
        documents=(None,) * len(features),
        parcel=np.zeros(len(features), dtype=np.intp),
        feature=np.arange(len(features), dtype=np.intp),
        overlaps=shapely.intersection(shapes, parcel),
        near=shapes,
        gaps=gaps,
        released=TOLD.day(told.get("released")),
        latest_release=TOLD.day(told.get("latest_release")),
    )


def finding_of(
    case: Mapping[str, Any], *, instead: Mapping[str, Mapping[str, Any] | None] | None = None
) -> RuleFinding:
    """The finding of a case, with some bindings told otherwise; None: not connected."""
    parcel = TOLD.parcel_of(case)
    bindings = {**case.get("bindings", {}), **(instead or {})}
    evidence = {name: layer(told, parcel) for name, told in bindings.items() if told is not None}
    finding: RuleFinding = TOLD.judged(rules(), case, evidence)
    return finding


@pytest.mark.parametrize("case", COMPUTED, ids=lambda case: case["id"])
def test_a_case_gives_its_fact_clause_areas_and_suggestion(case: Mapping[str, Any]) -> None:
    expected = case["expected"]
    finding = finding_of(case)

    assert (finding.fact, finding.outcome, finding.clause) == (
        expected["fact"],
        expected["outcome"],
        expected["clause"],
    )
    assert finding.reasons == frozenset(expected.get("reasons", ()))
    assert [told.binding for told in finding.concerns] == [
        measure["binding"] for measure in expected.get("measures", ())
    ]
    for told, measure in zip(finding.concerns, expected.get("measures", ()), strict=True):
        for name in ("planar_m2", "ellipsoid_m2", "noise_m2", "net_m2"):
            if name in measure:
                known = pytest.approx(measure[name], abs=CASES["tolerance_m2"])
                assert getattr(told, name) == known, name
        if "share" in measure:
            assert told.share == pytest.approx(measure["share"], abs=1e-5)
        if "distance_m" in measure:
            assert told.distance_m == pytest.approx(measure["distance_m"], abs=0.001)
        elif "share" not in measure:
            assert told.distance_m == float("inf")
    if "pieces" in expected:
        summed: dict[tuple[int, Outcome], list[float]] = {}
        for piece in finding.pieces:
            areas = summed.setdefault((piece.clause, piece.outcome), [0.0, 0.0])
            areas[0] += piece.planar_m2
            areas[1] += piece.ellipsoid_m2
        assert sorted(summed) == sorted((p["clause"], p["outcome"]) for p in expected["pieces"])
        for piece in expected["pieces"]:
            areas = summed[piece["clause"], Outcome(piece["outcome"])]
            whole = [piece["planar_m2"], piece["ellipsoid_m2"]]
            assert areas == pytest.approx(whole, abs=CASES["tolerance_m2"])


def read_by(case: Mapping[str, Any]) -> set[str]:
    """The bindings that the rule of a case cannot do without."""
    needs = needs_of(rules(), [case["rule"]], case.get("replace", {}))
    return {binding for binding, need in needs.items() if need.mandatory and not need.table}


@pytest.mark.parametrize("case", COMPUTED, ids=lambda case: case["id"])
def test_a_binding_that_falls_away_never_makes_a_suggestion_milder(
    case: Mapping[str, Any],
) -> None:
    known = finding_of(case)

    for binding in read_by(case) & set(case.get("bindings", {})):
        told = case["bindings"][binding]
        nowhere = {**told, "coverage": {"box": [900, 900, 910, 910]}, "features": []}
        for instead in (None, nowhere):
            unknown = finding_of(case, instead={binding: instead})
            least = min(known.outcome.rank, Outcome.VERIFY.rank)
            assert unknown.outcome.rank >= least, (binding, unknown)


@pytest.mark.parametrize("case", COMPUTED, ids=lambda case: case["id"])
def test_what_is_said_without_reserve_stays_when_more_becomes_known(
    case: Mapping[str, Any],
) -> None:
    said = finding_of(case)
    if said.reasons or said.outcome is Outcome.VERIFY:
        return

    for binding in read_by(case) - set(case.get("bindings", {})):
        for features in ([], [{"box": [-5, -5, 55, 45]}], [{"box": [10, 10, 30, 30]}]):
            more = finding_of(case, instead={binding: {"features": features}})
            assert (more.outcome, more.clause) == (said.outcome, said.clause), binding


@pytest.mark.parametrize("case", MANUAL, ids=lambda case: case["id"])
def test_a_manual_item_is_never_decided_by_the_machine(case: Mapping[str, Any]) -> None:
    assert rules().rules[case["rule"]].manual


@pytest.mark.parametrize("case", CASES["overall_cases"], ids=lambda case: case["id"])
def test_the_overall_suggestion_is_the_worst_mandatory_one(case: Mapping[str, Any]) -> None:
    mandatory = map(Outcome, case["mandatory"].values())
    advisory = map(Outcome, case.get("advisory", {}).values())
    assert overall(mandatory, advisory) is Outcome(case["expected"])


def test_there_are_268_cases_and_eight_of_the_whole() -> None:
    assert (len(CASES["cases"]), len(CASES["overall_cases"])) == (268, 8)


def test_a_binding_without_edition_or_out_of_sight_says_so() -> None:
    parcel = np.array([TOLD.shape(CASES["parcel"])], dtype=object)
    for reason in ("no_edition", "not_visible"):
        evidence = {"farmland_issued": Absent(reason)}
        ((finding,),) = judge(
            rules(), ["CR01"], parcel, [Declared()], evidence, TOLD.to_plane, replace={}
        )
        assert finding.outcome is Outcome.VERIFY
        assert finding.reasons == {f"{reason}:farmland_issued"}
