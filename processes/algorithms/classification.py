"""Class breaks of a thematic map (专题图分级): upper bounds inclusive, missing a class of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from processes.algorithms.natural_breaks import natural_breaks

MAX_CLASSES = 20
SAMPLE = 10_000  # distinct values up to which natural breaks are sought in all of them
SEED = 20_190_101
DEVIATIONS = (-2.0, -1.0, 1.0, 2.0)
HEAD_SHARE = 0.4  # head/tail goes on while the head is a minority
# A computed break is the value it stands for up to floating noise of this share of the largest one.
NOISE_SHARE = 1e-12

type Values = NDArray[np.float64]


class Method(StrEnum):
    """How breaks are found."""

    EQUAL_INTERVAL = "equal-interval"  # 等间距
    QUANTILE = "quantile"  # 分位数
    STD_MEAN = "std-mean"  # 标准差
    FISHER_JENKS = "fisher-jenks"  # 自然断点
    HEAD_TAIL = "head-tail"  # 头尾分割
    MANUAL = "manual"  # 手动


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """Classes of values: class i holds what is above bound i - 1 and at most bound i."""

    bounds: tuple[float, ...]  # upper, inclusive, ascending
    counts: tuple[int, ...]
    codes: NDArray[np.int64]  # 1-based class of each value; 0: missing
    missing: int
    gvf: float | None  # goodness of variance fit, 0..1; None: no value at all
    sample: int | None  # how many distinct values the breaks rest on; None: all


def classify(
    values: Values,
    method: Method,
    *,
    k: int = 5,
    breaks: Sequence[float] = (),
    seed: int = SEED,
) -> Classes:
    """Class breaks, the class of each value, and how well the classes fit.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Any unit; NaN is missing (nodata) and gets the code 0, never a class.
    method : Method
        `std-mean` has bounds at the mean -2, -1, +1, +2 standard deviations
        (n - 1) and at the largest value; `head-tail` finds its own number.
    k : int
        How many classes are wanted, 1 to 20; with fewer distinct values there
        are as many classes as those. Not read by `std-mean`, `head-tail`, `manual`.
    breaks : sequence of float
        The upper bounds of `manual`, ascending; values above the last one make
        one more class, up to the largest value.
    seed : int
        Of the sample of 10,000 distinct values from which `fisher-jenks` takes
        its breaks where there are more; the smallest and largest are always in.

    Returns
    -------
    Classes
        Upper bounds are inclusive. A class may be empty where the method sets
        bounds without looking (equal intervals, standard deviations, manual).

    Raises
    ------
    ValueError
        If *k* is out of its range, or manual breaks are missing, not finite or
        not ascending, or a value is infinite.

    Notes
    -----
    A break that is computed is the value it stands for up to 1e-12 of the
    largest magnitude: 0.1 + 0.2 does not push 0.3 into the next class. Quantiles
    are linearly interpolated; bounds that coincide are one class. Of several
    optimal natural partitions the one with the lowest breaks is taken.

    References
    ----------
    Fisher (1958), On grouping for maximum homogeneity; Jenks (1977), Optimal data
    classification for choropleth maps (GVF); Jiang (2013), Head/tail breaks,
    doi:10.1080/00330124.2012.700499.

    Examples
    --------
    >>> found = classify(np.array([1.0, 2, 4, 5, 7, 9, 10, 20]), Method.FISHER_JENKS, k=3)
    >>> found.bounds, found.counts, round(found.gvf, 6)
    ((5.0, 10.0, 20.0), (4, 3, 1), 0.942596)
    >>> few = classify(np.array([1.0, np.nan, 2.0]), Method.QUANTILE, k=5)
    >>> few.bounds, few.codes.tolist(), few.missing
    ((1.5, 2.0), [1, 0, 2], 1)
    """
    if not 1 <= k <= MAX_CLASSES:
        raise ValueError(f"k: {k}; expected 1 to {MAX_CLASSES}")
    if np.isinf(values).any():
        raise ValueError("values: expected finite numbers, NaN where there is none")
    given = _ascending(breaks) if method is Method.MANUAL else ()
    known = np.sort(values[~np.isnan(values)])
    missing = len(values) - len(known)
    sample: int | None = None
    distinct = np.unique(known)
    if len(known) == 0:
        bounds = np.array(given)
    elif len(distinct) == 1 and method is not Method.MANUAL:
        bounds = distinct
    elif method is Method.FISHER_JENKS:
        bounds, sample = _natural(known, distinct, k, seed)
    elif method is Method.MANUAL:
        bounds = np.array([*given, known[-1]] if known[-1] > given[-1] else given)
    else:
        bounds = BOUNDS[method](known, min(k, len(distinct)))
    codes = class_codes(values, bounds)
    return Classes(
        bounds=tuple(bounds.tolist()),
        counts=tuple(np.bincount(codes, minlength=len(bounds) + 1)[1:].tolist()),
        codes=codes,
        missing=missing,
        gvf=goodness_of_variance_fit(values, codes),
        sample=sample,
    )


def class_codes(values: Values, bounds: Values) -> NDArray[np.int64]:
    """The 1-based class of each value by inclusive upper bounds; 0 where it is missing.

    Examples
    --------
    >>> class_codes(np.array([2.5, 2.6, np.nan]), np.array([2.5, 5.0])).tolist()
    [1, 2, 0]
    """
    if len(bounds) == 0:
        return np.zeros(len(values), dtype=np.int64)
    noise = NOISE_SHARE * float(np.abs(bounds).max())
    found = np.searchsorted(bounds + noise, values, side="left")
    inside = np.minimum(found, len(bounds) - 1)  # the largest value closes the last class
    return np.where(np.isnan(values), 0, inside + 1)


def goodness_of_variance_fit(values: Values, codes: NDArray[np.int64]) -> float | None:
    """1 - SSW/SST: 1 where classes have no spread inside; None without values.

    Examples
    --------
    >>> goodness_of_variance_fit(np.array([1.0, 1.0, 5.0]), np.array([1, 1, 2]))
    1.0
    """
    known = codes > 0
    if not known.any():
        return None
    held, code = values[known] - values[known].mean(), codes[known]
    total = float((held**2).sum())
    if total == 0.0:
        return 1.0
    count = np.bincount(code)
    mean = np.bincount(code, weights=held) / np.maximum(count, 1)
    return 1.0 - float(((held - mean[code]) ** 2).sum()) / total


def bivariate_codes(x: Values, y: Values) -> NDArray[np.int64]:
    """The 3 × 3 code of two variables by terciles: 3·class(x) + class(y), classes 0 to 2.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Any units; NaN is missing.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 to 8; -1 where either value is missing.

    Raises
    ------
    ValueError
        If the two have not the same length.

    Examples
    --------
    >>> bivariate_codes(np.array([1.0, 2, 3]), np.array([1.0, 2, np.nan])).tolist()
    [0, 4, -1]
    """
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} values, y {len(y)}; expected as many")
    first, second = (classify(one, Method.QUANTILE, k=3).codes - 1 for one in (x, y))
    return np.where((first < 0) | (second < 0), -1, 3 * first + second)


def _equal_interval(known: Values, k: int) -> Values:
    return np.append(np.linspace(known[0], known[-1], k + 1)[1:-1], known[-1])


def _quantile(known: Values, k: int) -> Values:
    return np.unique(np.quantile(known, np.arange(1, k + 1) / k))


def _std_mean(known: Values, _: int) -> Values:
    bounds = known.mean() + np.array(DEVIATIONS) * known.std(ddof=1)
    return np.append(bounds, known[-1]) if known[-1] > bounds[-1] else bounds


def _head_tail(known: Values, _: int) -> Values:
    bounds: list[float] = []
    head = known
    while head[0] < head[-1] and len(bounds) < MAX_CLASSES - 1:
        mean = float(head.mean())
        above = head[head > mean]
        bounds.append(mean)
        if len(above) > HEAD_SHARE * len(head):
            break
        head = above
    return np.append(bounds, known[-1])


BOUNDS: dict[Method, Callable[[Values, int], Values]] = {
    Method.EQUAL_INTERVAL: _equal_interval,
    Method.QUANTILE: _quantile,
    Method.STD_MEAN: _std_mean,
    Method.HEAD_TAIL: _head_tail,
}


def _natural(known: Values, distinct: Values, k: int, seed: int) -> tuple[Values, int | None]:
    """The natural breaks, and how large the sample was that they rest on."""
    if len(distinct) <= SAMPLE:
        return natural_breaks(known, min(k, len(distinct))), None
    inner = np.random.default_rng(seed).choice(distinct[1:-1], SAMPLE - 2, replace=False)
    kept = np.concatenate((distinct[:1], np.sort(inner), distinct[-1:]))
    return natural_breaks(known[np.isin(known, kept)], k), SAMPLE


def _ascending(breaks: Sequence[float]) -> tuple[float, ...]:
    given = np.array(breaks, dtype=np.float64)
    if len(given) == 0 or not np.isfinite(given).all() or not (np.diff(given) > 0).all():
        raise ValueError("breaks: expected finite numbers, each larger than the one before")
    if len(given) >= MAX_CLASSES:
        raise ValueError(f"breaks: expected fewer than {MAX_CLASSES}")
    return tuple(given.tolist())
