"""Laws of rules judged on parcels, whatever lies there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
import shapely
import yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import Geometry

from config.predicates import AreaKind, Selection
from config.ruleset import Ruleset
from config.ruleset_reading import read_ruleset
from config.settings import PACKAGE_ROOT
from config.vocabulary import Outcome
from processes.algorithms.compliance.evidence import Declared, Evidence, Gap, LayerEvidence
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.inquiry import Inquiry
from processes.algorithms.compliance.judging import judge
from processes.algorithms.compliance.measuring import Yardstick
from processes.algorithms.compliance.noise import NoiseRule
from processes.algorithms.compliance.overlay import Overlay
from processes.algorithms.compliance.selecting import Selecting
from processes.algorithms.compliance.subjects import parcels_as_subjects
from providers.crs import from_epsg, to_plane

WEST, SOUTH, STEP = 125.3, 43.8, 0.0001  # features on a grid of some 8 by 11 metres
PARCELS = [
    shapely.box(WEST, SOUTH, WEST + 6 * STEP, SOUTH + 4 * STEP),
    shapely.box(WEST + 4 * STEP, SOUTH + 4 * STEP, WEST + 9 * STEP, SOUTH + 9 * STEP),
    shapely.Polygon(
        [(WEST, SOUTH + 5 * STEP), (WEST + 4 * STEP, SOUTH + 5 * STEP), (WEST, SOUTH + 9 * STEP)]
    ),
]
DECLARED = Declared(attributes={"planned_class": "0701", "case_number": "2026-003"})
FIELDS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "farmland_issued": [{}],
    "boundary_issued": [{"GHFQDM": "410"}, {"GHFQDM": "420"}, {"GHFQDM": None}],
    "nature_reserve": [{"GKFQ": "1"}, {"GKFQ": "2"}, {"GKFQ": None}],
    "survey_latest": [{"DLBM": "0103", "KCXS": 0.1}, {"DLBM": "0601"}, {"DLBM": None}],
    "survey_baseline": [{"DLBM": "0103"}, {"DLBM": "0601"}],
    "use_plan": [{"YDYHFLDM": "0701"}, {"YDYHFLDM": "1401"}],
    "approved_conversion": [{"AJBH": "2024-017", "PFWH": "1"}, {"AJBH": "2026-003"}],
    "permit_limits": [{"AJBH": None}],
    "approved_unbuilt": [{}],
}
RULES = ["CR01", "CR05", "CR07", "CR09", "CR16", "CR24"]

type Feature = tuple[Geometry, Mapping[str, Any]]


def zone(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    return to_plane(geometries, from_epsg(4551))


@cache
def rules(*, noise: bool = True) -> Ruleset:
    path = PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml"
    ruleset = read_ruleset(yaml.safe_load(path.read_text(encoding="utf-8")))
    if noise:
        return ruleset
    none = {
        name: replace(ruleset.parameters[name], value=Decimal(0))
        for name in ("eps_m2", "min_width_m")
    }
    return replace(ruleset, parameters={**ruleset.parameters, **none})


@st.composite
def boxes(draw: Any) -> Geometry:
    west, south = draw(st.integers(-2, 8)), draw(st.integers(-2, 8))
    wide, high = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    drawn: Geometry = shapely.box(
        WEST + west * STEP,
        SOUTH + south * STEP,
        WEST + (west + wide) * STEP,
        SOUTH + (south + high) * STEP,
    )
    return drawn


@st.composite
def layers(draw: Any) -> dict[str, list[Feature]]:
    return {
        binding: draw(st.lists(st.tuples(boxes(), st.sampled_from(fields)), max_size=4))
        for binding, fields in FIELDS.items()
    }


def read(
    found: Sequence[Feature], parcels: Sequence[Geometry], covered: Geometry | None = None
) -> LayerEvidence:
    """The layer of some features, as if it had been read for the parcels."""
    pairs = [
        (number, position)
        for number, parcel in enumerate(parcels)
        for position, (shape, _) in enumerate(found)
        if shapely.intersects(shape, parcel)
    ]
    overlaps = np.empty(len(pairs), dtype=object)
    overlaps[:] = [
        shapely.intersection(found[position][0], parcels[number]) for number, position in pairs
    ]
    gaps = {}
    for number, parcel in enumerate(parcels):
        if covered is not None and not shapely.within(parcel, covered):
            beyond = shapely.difference(parcel, covered)
            gaps[number] = Gap(geometry=beyond, reason="outside_coverage")
    codes = {code for _, fields in found for code in fields}
    return LayerEvidence(
        ids=tuple(f"F{position}" for position in range(len(found))),
        fields={code: tuple(fields.get(code) for _, fields in found) for code in codes},
        plans=(None,) * len(found),
        documents=(None,) * len(found),
        parcel=np.array([number for number, _ in pairs], dtype=np.intp),
        feature=np.array([position for _, position in pairs], dtype=np.intp),
        overlaps=overlaps,
        gaps=gaps,
    )


def judged(
    there: Mapping[str, Sequence[Feature]],
    parcels: Sequence[Geometry] = PARCELS,
    *,
    covered: Geometry | None = None,
    ruleset: Ruleset | None = None,
) -> list[tuple[RuleFinding, ...]]:
    evidence: dict[str, Evidence] = {
        binding: read(found, parcels, covered) for binding, found in there.items()
    }
    shapes = np.array(parcels, dtype=object)
    declared = [DECLARED] * len(parcels)
    return judge(ruleset or rules(), RULES, shapes, declared, evidence, zone, replace={})


def told(finding: RuleFinding) -> tuple[object, ...]:
    """What must be the same, areas to a square millimetre."""
    areas = [(c.binding, round(c.ellipsoid_m2, 6), round(c.noise_m2, 6)) for c in finding.concerns]
    return (finding.fact, finding.outcome, finding.clause, finding.reasons, areas)


@given(there=layers())
def test_many_parcels_at_once_are_judged_as_one_by_one(there: dict[str, list[Feature]]) -> None:
    together = judged(there)

    for number, parcel in enumerate(PARCELS):
        (alone,) = judged(there, [parcel])
        assert [told(finding) for finding in alone] == [
            told(finding) for finding in together[number]
        ]
        assert [len(f.pieces) for f in alone] == [len(f.pieces) for f in together[number]]


@given(there=layers())
def test_the_order_of_features_changes_no_rule_on_whole_parcels(
    there: dict[str, list[Feature]],
) -> None:
    turned = {binding: found[::-1] for binding, found in there.items()}

    for before, after in zip(judged(there), judged(turned), strict=True):
        for one, other in zip(before, after, strict=True):
            if not one.pieces:
                assert told(one) == told(other)


@given(there=layers())
def test_the_pieces_of_a_rule_make_the_parcel(there: dict[str, list[Feature]]) -> None:
    whole = judged(there, ruleset=rules(noise=False))

    for parcel, findings in zip(PARCELS, whole, strict=True):
        area_m2 = float(shapely.area(zone(np.array([parcel], dtype=object)))[0])
        for finding in findings:
            if finding.pieces:
                summed = sum(piece.planar_m2 for piece in finding.pieces)
                assert summed == pytest.approx(area_m2, abs=0.01)


@given(there=layers())
def test_overlap_and_outside_and_noise_make_the_parcel(there: dict[str, list[Feature]]) -> None:
    shapes = np.array(PARCELS, dtype=object)
    noise = NoiseRule(eps_m2=1.0, min_width_m=0.1, combine="or")
    inquiry = Inquiry(
        ruleset=rules(),
        declared=[DECLARED] * len(PARCELS),
        evidence={binding: read(found, PARCELS) for binding, found in there.items()},
        replace={},
        yardstick=Yardstick(to_plane=zone, noise=noise),
    )
    subjects = parcels_as_subjects(shapes, inquiry.yardstick)
    overlay = Overlay(inquiry, Selecting(inquiry), subjects)

    for binding in there:
        source = (Selection(binding=binding),)
        inside = overlay.overlap(source, AreaKind.PLANAR)
        outside = overlay.outside(source, AreaKind.PLANAR)
        assert inside.land is not None
        assert outside.land is not None
        left_out = inside.land.noise_m2 + outside.land.noise_m2
        together = inside.low + outside.low + left_out
        assert together == pytest.approx(subjects.planar_m2, abs=0.01)
        assert (inside.low == inside.high).all()


@given(there=layers(), gone=st.sampled_from(sorted(FIELDS)))
def test_a_layer_that_falls_away_never_gives_a_pass_that_was_none(
    there: dict[str, list[Feature]], gone: str
) -> None:
    known = judged(there)
    unknown = judged({binding: found for binding, found in there.items() if binding != gone})

    for before, after in zip(known, unknown, strict=True):
        for one, other in zip(before, after, strict=True):
            assert other.outcome.rank >= min(one.outcome.rank, Outcome.VERIFY.rank)


@given(there=layers(), more=layers(), covered=boxes())
def test_a_pass_beside_a_gap_stays_when_the_gap_is_filled(
    there: dict[str, list[Feature]], more: dict[str, list[Feature]], covered: Geometry
) -> None:
    """What lies beyond the coverage was unknown, so that nothing found there undoes a pass."""
    inside = {
        binding: [(shapely.intersection(shape, covered), fields) for shape, fields in found]
        for binding, found in there.items()
    }
    beyond = {
        binding: [
            *found,
            *((shapely.difference(shape, covered), fields) for shape, fields in more[binding]),
        ]
        for binding, found in inside.items()
    }
    before, after = judged(inside, covered=covered), judged(beyond)

    for known, full in zip(before, after, strict=True):
        for one, other in zip(known, full, strict=True):
            if one.outcome is Outcome.PASS:
                assert other.outcome is Outcome.PASS, (one, other)
