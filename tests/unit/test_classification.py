"""Class breaks against worked numbers, and at their edges."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from processes.algorithms.classification import (
    SAMPLE,
    Method,
    bivariate_codes,
    classify,
)
from processes.algorithms.natural_breaks import natural_breaks

WORKED = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "worked_classes.yaml").read_text(encoding="utf-8")
)


def values_of(numbers: list[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if n is None else n for n in numbers], dtype=np.float64)


@pytest.mark.parametrize("case", WORKED["breaks"], ids=lambda case: case["id"])
def test_breaks_counts_and_fit_are_the_worked_ones(case: dict[str, Any]) -> None:
    found = classify(values_of(case["values"]), Method(case["method"]), k=case.get("k", 5))

    assert found.bounds == pytest.approx(case["bounds"], abs=WORKED["tolerance"], rel=0)
    assert list(found.counts) == case["counts"]
    assert found.gvf == pytest.approx(case["gvf"], abs=WORKED["tolerance"], rel=0)
    assert found.missing == case["values"].count(None)


@pytest.mark.parametrize("case", WORKED["bivariate"], ids=lambda case: case["id"])
def test_bivariate_codes_are_the_worked_ones(case: dict[str, Any]) -> None:
    assert bivariate_codes(values_of(case["x"]), values_of(case["y"])).tolist() == case["codes"]


def test_a_computed_break_is_the_value_that_it_stands_for() -> None:
    found = classify(np.array([0.0, 0.1, 0.2, 0.3]), Method.EQUAL_INTERVAL, k=3)

    assert found.codes.tolist() == [1, 1, 2, 3]


def test_head_tail_breaks_at_means_while_the_head_is_a_minority() -> None:
    found = classify(np.array([1.0] * 8 + [2.0, 100.0]), Method.HEAD_TAIL)

    assert found.bounds == (11.0, 100.0)
    assert found.counts == (9, 1)


def test_values_above_the_last_manual_break_are_one_more_class() -> None:
    values = np.array([1.0, 5.0, 5.1, 9.0])

    assert classify(values, Method.MANUAL, breaks=[5]).bounds == (5.0, 9.0)
    assert classify(values, Method.MANUAL, breaks=[5, 20, 30]).counts == (2, 2, 0)


@pytest.mark.parametrize("method", [m for m in Method if m is not Method.MANUAL])
def test_one_value_is_one_class_and_none_is_no_class(method: Method) -> None:
    one = classify(np.array([3.0, 3.0, np.nan]), method)
    none = classify(np.array([np.nan]), method)

    assert (one.bounds, one.counts, one.missing, one.gvf) == ((3.0,), (2,), 1, 1.0)
    assert (none.bounds, none.missing, none.gvf, none.codes.tolist()) == ((), 1, None, [0])


def test_beyond_ten_thousand_distinct_values_a_stated_sample_is_taken_with_both_ends() -> None:
    values = np.random.default_rng(1).lognormal(size=SAMPLE + 2_000)

    found, again = (classify(values, Method.FISHER_JENKS, k=3, seed=7) for _ in range(2))

    assert found.sample == SAMPLE
    assert found.bounds == again.bounds
    assert found.bounds[-1] == values.max()
    assert sum(found.counts) == len(values)


def test_many_equal_values_need_no_sample() -> None:
    values = np.repeat(np.arange(50.0), 1_000)

    assert classify(values, Method.FISHER_JENKS, k=5).sample is None


@pytest.mark.parametrize(
    ("method", "options", "word"),
    [
        (Method.QUANTILE, {"k": 0}, "k"),
        (Method.QUANTILE, {"k": 21}, "k"),
        (Method.MANUAL, {}, "breaks"),
        (Method.MANUAL, {"breaks": [2, 2]}, "breaks"),
        (Method.MANUAL, {"breaks": [float("nan")]}, "breaks"),
    ],
)
def test_parameters_out_of_range_are_refused(
    method: Method, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        classify(np.array([1.0, 2.0]), method, **options)


def test_an_infinite_value_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        classify(np.array([1.0, np.inf]), Method.QUANTILE)


def test_more_classes_than_distinct_values_have_no_natural_breaks() -> None:
    with pytest.raises(ValueError, match="distinct"):
        natural_breaks(np.array([1.0, 1.0]), 2)
