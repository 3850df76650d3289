"""Comparisons of the fields of those features that overlap the subject beyond noise."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from config.predicates import BindingValue, Op, Value
from processes.algorithms.compliance.cells import compared_cells, why_not_compared
from processes.algorithms.compliance.evidence import Absent
from processes.algorithms.compliance.inquiry import Cell, Unknown
from processes.algorithms.compliance.measuring import dissolved, measured
from processes.algorithms.compliance.overlay import Overlay
from processes.algorithms.compliance.small_parts import TOO_SMALL
from processes.algorithms.compliance.three_valued import FALSE, TRUE, UNKNOWN, Truth, always


def of_features(
    overlay: Overlay, of: BindingValue, op: Op, operand: Sequence[Cell]
) -> tuple[Truth, Callable[[int], Iterable[str]]]:
    """Whether any, or all, of the features compare so; none there: `any` false, `all` true.

    Noise is asked of the features of one value together, however they are cut up. What is not
    known of the layer leaves both open, unless a feature decides already.
    """
    inquiry, count = overlay.inquiry, len(overlay.subjects)
    layer = inquiry.layer(of.binding)
    start, worse = (FALSE, np.maximum) if of.match == "any" else (TRUE, np.minimum)
    truth = always(start, count)
    reasons: dict[int, set[str]] = {}
    if isinstance(layer, Absent):
        if of.optional:
            return truth, lambda _subject: ()
        reason = inquiry.because(of.binding, layer.reason)
        return always(UNKNOWN, count), lambda _subject: (reason,)

    name = inquiry.read(of.binding)
    values = overlay.selecting.field(layer, name, of.code)
    cut = overlay.regions.cut(of.binding, layer)
    groups: dict[tuple[int, Value | None], int] = {}  # features of one value are one, as pieces are
    keys = [
        (subject, values[feature])
        for subject, feature in zip(
            cut.subject.tolist(), layer.feature[cut.hit].tolist(), strict=True
        )
    ]
    owner = np.array([groups.setdefault(key, len(groups)) for key in keys], dtype=np.intp)
    land = measured(dissolved(len(groups), owner, cut.geometry), inquiry.yardstick).ellipsoid_m2
    for (subject, value), group in groups.items():
        if land[group] == 0:
            continue
        cell: Cell = Unknown(f"field_empty:{name}.{of.code}", True) if value is None else value
        told = compared_cells(op, cell, operand[subject])
        truth[subject] = worse(truth[subject], told)
        if told == UNKNOWN:
            why = why_not_compared(cell, operand[subject]) or {f"field_empty:{name}.{of.code}"}
            reasons.setdefault(subject, set()).update(why)
    small = cut.only(land[owner] == 0)
    together = measured(dissolved(count, small.subject, small.geometry), inquiry.yardstick)
    for subject in np.flatnonzero(together.ellipsoid_m2 > 0).tolist():
        truth[subject] = worse(truth[subject], UNKNOWN)
        reasons.setdefault(subject, set()).add(TOO_SMALL)
    if not of.optional:
        open_ = overlay.regions.uncovered(of.binding, layer)
        truth[open_] = worse(truth[open_], UNKNOWN)
        for gapped, reason in overlay.regions.gap_reasons(of.binding, layer):
            reasons.setdefault(gapped, set()).add(reason)
    return truth, lambda subject: reasons.get(subject, ())
