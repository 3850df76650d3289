"""Whatever the unknown turns out to be, the net area lies in the interval that was told before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
import yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import Geometry

from config.predicates import AreaKind, Condition, Op, Selection
from config.ruleset_reading import read_ruleset
from config.settings import PACKAGE_ROOT
from processes.algorithms.compliance.evidence import (
    Absent,
    Declared,
    Evidence,
    Gap,
    LayerEvidence,
)
from processes.algorithms.compliance.inquiry import Inquiry
from processes.algorithms.compliance.measuring import Interval, Yardstick
from processes.algorithms.compliance.noise import NoiseRule
from processes.algorithms.compliance.overlay import Overlay
from processes.algorithms.compliance.selecting import Selecting
from processes.algorithms.compliance.subjects import parcels_as_subjects
from providers.crs import from_epsg, to_plane

WEST, SOUTH, STEP = 125.3, 43.8, 0.0001  # features on a grid of some 8 by 11 metres
PARCEL = shapely.box(WEST, SOUTH, WEST + 6 * STEP, SOUTH + 6 * STEP)
RULESET = read_ruleset(
    yaml.safe_load(
        (PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml").read_text("utf-8")
    )
)
BINDINGS = ("survey_latest", "survey_baseline", "use_plan")
SOURCE = tuple(
    Selection(binding=name, where=(Condition(code="LB", op=Op.EQ, operand="x"),))
    for name in BINDINGS
)
NOWHERE = shapely.Polygon()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature that may be chosen: *chosen* tells it, once it is known."""

    shape: Geometry
    ridges: float
    known: bool
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What an edition says within its coverage, and what is hidden beyond it."""

    covered: Geometry
    told: Sequence[Feature]
    hidden: Sequence[Feature]


@st.composite
def boxes(draw: Any) -> Geometry:
    west, south = draw(st.integers(-2, 5)), draw(st.integers(-2, 5))
    wide, high = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    drawn: Geometry = shapely.box(
        WEST + west * STEP,
        SOUTH + south * STEP,
        WEST + (west + wide) * STEP,
        SOUTH + (south + high) * STEP,
    )
    return drawn


features = st.builds(
    Feature,
    shape=boxes(),
    ridges=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    known=st.booleans(),
    chosen=st.booleans(),
)
coverages = st.one_of(st.just(PARCEL), st.just(NOWHERE), boxes())
layers = st.builds(
    Layer,
    covered=coverages,
    told=st.lists(features, max_size=4),
    hidden=st.lists(features, max_size=2),
)


def within(found: Sequence[Feature], land: Geometry) -> list[Feature]:
    cut = [replace(one, shape=shapely.intersection(one.shape, land)) for one in found]
    return [one for one in cut if shapely.area(one.shape) > 0]


def evidence(layer: Layer, *, all_known: bool) -> LayerEvidence:
    """The layer as it was read for the parcel, or as it really is."""
    found = within(layer.told, shapely.intersection(PARCEL, layer.covered))
    beyond = shapely.difference(PARCEL, layer.covered)
    gaps = {}
    if all_known:
        found = [*within(layer.hidden, beyond), *found]
    elif not beyond.is_empty:
        gaps = {0: Gap(geometry=beyond, reason="outside_coverage")}
    overlaps = np.empty(len(found), dtype=object)
    overlaps[:] = [one.shape for one in found]
    return LayerEvidence(
        ids=tuple(f"F{number}" for number in range(len(found))),
        fields={
            "LB": tuple(
                ("x" if one.chosen else "y") if one.known or all_known else None for one in found
            ),
            "KCXS": tuple(one.ridges for one in found),
        },
        plans=(None,) * len(found),
        documents=(None,) * len(found),
        parcel=np.zeros(len(found), dtype=np.intp),
        feature=np.arange(len(found), dtype=np.intp),
        overlaps=overlaps,
        gaps=gaps,
    )


def zone(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    return to_plane(geometries, from_epsg(4551))


def net(found: Mapping[str, Evidence]) -> Interval:
    inquiry = Inquiry(
        ruleset=RULESET,
        declared=[Declared()],
        evidence=found,
        replace={},
        yardstick=Yardstick(
            to_plane=zone, noise=NoiseRule(eps_m2=0.0, min_width_m=0.0, combine="or")
        ),
    )
    subjects = parcels_as_subjects(np.array([PARCEL], dtype=object), inquiry.yardstick)
    return Overlay(inquiry, Selecting(inquiry), subjects).overlap(SOURCE, AreaKind.NET)


@given(there=st.tuples(layers, layers, layers), absent=st.sets(st.sampled_from(BINDINGS)))
def test_a_net_area_lies_in_the_interval_that_was_told_before_all_was_known(
    there: tuple[Layer, ...], absent: set[str]
) -> None:
    named = dict(zip(BINDINGS, there, strict=True))
    before = net(
        {
            name: Absent("not_connected") if name in absent else evidence(layer, all_known=False)
            for name, layer in named.items()
        }
    )
    after = net({name: evidence(layer, all_known=True) for name, layer in named.items()})

    assert after.low == after.high
    assert 0 <= before.low[0] <= after.low[0] + 1e-3
    assert after.high[0] <= before.high[0] + 1e-3
