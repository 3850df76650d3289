"""Three values (真、假、未知) of many subjects at once: false wins in `all`, true wins in `any`."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from config.predicates import Op

type Truth = NDArray[np.int8]
type Reals = NDArray[np.float64]

FALSE, UNKNOWN, TRUE = 0, 1, 2


def always(value: int, count: int) -> Truth:
    """The same value for each subject."""
    return np.full(count, value, dtype=np.int8)


def certain(holds: NDArray[np.bool_]) -> Truth:
    """True or false, nothing unknown."""
    return np.where(holds, TRUE, FALSE).astype(np.int8)


def conjunction(parts: Iterable[Truth]) -> Truth:
    """`all`: false if a part is false, else unknown if one is unknown."""
    found: Truth = np.minimum.reduce(list(parts))
    return found


def disjunction(parts: Iterable[Truth]) -> Truth:
    """`any`: true if a part is true, else unknown if one is unknown."""
    found: Truth = np.maximum.reduce(list(parts))
    return found


def negation(part: Truth) -> Truth:
    """`not`: unknown stays unknown."""
    return (TRUE - part).astype(np.int8)


def compared(op: Op, low: Reals, high: Reals, than: float) -> Truth:
    """A measure known as an interval against a threshold: unknown where the interval straddles it.

    Examples
    --------
    >>> low, high = np.array([0.0, 0.0, 4.0]), np.array([0.0, 9.0, 9.0])
    >>> compared(Op.GT, low, high, 0.0).tolist()
    [0, 1, 2]
    """
    ends = _holds(op, low, than).astype(np.int8) + _holds(op, high, than).astype(np.int8)
    return ends.astype(np.int8)


def _holds(op: Op, measured: Reals, than: float) -> NDArray[np.bool_]:
    match op:
        case Op.GT:
            return measured > than
        case Op.GE:
            return measured >= than
        case Op.LT:
            return measured < than
        case Op.LE:
            return measured <= than
    raise ValueError(f"a measure is not compared with {op}")
