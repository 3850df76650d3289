"""Laws of class breaks."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from processes.algorithms.classification import Method, classify
from processes.algorithms.natural_breaks import natural_breaks

VALUES = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=14)
FREE = st.sampled_from([m for m in Method if m is not Method.MANUAL])


def spread(values: NDArray[np.float64], bounds: tuple[float, ...]) -> float:
    """Squared deviations from the means of the classes."""
    codes = np.searchsorted(bounds, values)
    groups = [values[codes == code] for code in np.unique(codes)]
    return float(sum(((group - group.mean()) ** 2).sum() for group in groups))


@given(values=VALUES, k=st.integers(1, 5))
def test_no_partition_into_as_many_classes_is_better_than_the_natural_one(
    values: list[float], k: int
) -> None:
    known = np.sort(np.array(values))
    distinct = np.unique(known).tolist()
    k = min(k, len(distinct))
    every = [(*chosen, distinct[-1]) for chosen in combinations(distinct[:-1], k - 1)]
    best = min(spread(known, bounds) for bounds in every)
    lowest = min(bounds for bounds in every if spread(known, bounds) <= best + 1e-9)

    found = natural_breaks(known, k)

    assert spread(known, tuple(found)) == pytest.approx(best, abs=1e-9)
    assert tuple(found) == lowest


@given(values=VALUES, method=FREE, k=st.integers(1, 8))
def test_each_value_lies_above_the_bound_below_and_at_most_at_its_own(
    values: list[float], method: Method, k: int
) -> None:
    found = classify(np.array([*values, np.nan]), method, k=k)

    assert sum(found.counts) == len(values)
    assert found.codes[-1] == 0
    lower = (-np.inf, *found.bounds)
    for value, code in zip(values, found.codes[:-1], strict=True):
        assert lower[code - 1] - 1e-9 < value <= found.bounds[code - 1] + 1e-9


@given(values=VALUES, method=FREE, k=st.integers(1, 8))
def test_the_fit_is_a_share_and_the_order_of_values_does_not_matter(
    values: list[float], method: Method, k: int
) -> None:
    found = classify(np.array(values), method, k=k)
    turned = classify(np.array(values[::-1]), method, k=k)

    assert found.gvf is not None
    assert -1e-12 <= found.gvf <= 1 + 1e-12
    assert found.bounds == turned.bounds
    assert found.codes.tolist() == turned.codes[::-1].tolist()
