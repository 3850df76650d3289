"""The composition of a parcel closes on what was declared, and never counts land twice."""

from decimal import Decimal

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from processes.algorithms.compliance.composition import compositions
from processes.algorithms.compliance.evidence import LayerEvidence

PARCEL = shapely.box(0, 0, 10, 1)


def layer(
    *strips: tuple[float, float, str | None], ridge: tuple[float | None, ...] = ()
) -> LayerEvidence:
    shapes = np.array([shapely.box(a, 0, b, 1) for a, b, _ in strips], dtype=object)
    fields: dict[str, tuple[object, ...]] = {"DLBM": tuple(code for _, _, code in strips)}
    if ridge:
        fields["KCXS"] = ridge
    return LayerEvidence(
        ids=tuple(map(str, range(len(strips)))),
        fields=fields,
        plans=(None,) * len(strips),
        documents=(None,) * len(strips),
        parcel=np.zeros(len(strips), dtype=np.intp),
        feature=np.arange(len(strips)),
        overlaps=shapes,
    )


def composed(evidence: LayerEvidence, declared: float | None = None, ridge: str | None = None):  # type: ignore[no-untyped-def]
    parcels = np.array([PARCEL], dtype=object)
    [found] = compositions(
        evidence, "DLBM", parcels, [declared], shapely.area, noise_m2=0.001, ridge=ridge
    )
    return found


def test_land_under_two_features_counts_for_the_first() -> None:
    found = composed(layer((0, 6, "0101"), (4, 10, "0701")))

    assert [(c.code, round(c.ellipsoid_m2, 9)) for c in found.classes] == [("0101", 6), ("0701", 4)]


def test_land_that_no_feature_covers_is_named_and_never_spread() -> None:
    found = composed(layer((0, 4, "0101")))

    assert [(c.code, c.ellipsoid_m2) for c in found.classes] == [(None, 6.0), ("0101", 4.0)]


def test_an_empty_ridge_coefficient_takes_nothing_off() -> None:
    found = composed(layer((0, 4, "0101"), (4, 10, "0103"), ridge=(None, 0.1)), ridge="KCXS")

    assert {c.code: c.net_m2 for c in found.classes} == {"0101": 4.0, "0103": 5.4}


def test_a_ridge_coefficient_that_is_no_part_of_one_deducts_nothing() -> None:
    found = composed(layer((0, 4, "0101"), (4, 10, "0103"), ridge=(12.5, "-")), ridge="KCXS")  # type: ignore[arg-type]

    assert {c.code: c.net_m2 for c in found.classes} == {"0101": 4.0, "0103": 6.0}


def test_what_rounding_leaves_over_goes_to_the_largest_class_and_is_told() -> None:
    strips = layer((0, 10 / 3, "0103"), (10 / 3, 20 / 3, "0101"), (20 / 3, 10, "0102"))
    found = composed(strips, declared=10_000.0)

    assert sum(c.declared_ha or 0 for c in found.classes) == Decimal("1.0000")
    assert found.remainder_ha == Decimal("0.0001")
    assert found.closed_on == found.classes[0].code


@given(
    st.lists(st.floats(0.01, 5), min_size=1, max_size=8),
    st.integers(1, 10**7).map(lambda n: n / 10),
)
def test_declared_areas_always_add_up_to_the_declared_area(
    widths: list[float], declared_m2: float
) -> None:
    ends = np.cumsum(widths) / sum(widths) * 10
    strips = [(a, b, f"{n:04d}") for n, (a, b) in enumerate(zip([0, *ends], ends, strict=False))]
    found = composed(layer(*strips), declared=declared_m2)

    total = sum((c.declared_ha or Decimal(0) for c in found.classes), Decimal(0))
    assert abs(total - Decimal(str(declared_m2)) / 10_000) <= Decimal("0.00005")
    assert all(c.declared_ha is not None for c in found.classes)
