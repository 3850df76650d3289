"""`missing`: data that are not there; never unknown."""

import numpy as np
from numpy.typing import NDArray

from config.predicates import FieldValue, Missing, ProjectValue
from processes.algorithms.compliance.cells import Cells
from processes.algorithms.compliance.evidence import Absent
from processes.algorithms.compliance.inquiry import Nowhere, Unknown
from processes.algorithms.compliance.overlay import Overlay


def missing(asked: Missing, overlay: Overlay, cells: Cells) -> NDArray[np.bool_]:
    """For each subject, whether a binding, a field or a value of the project is missing."""
    if asked.binding is not None:
        return _of_binding(asked.binding, asked.code, overlay)
    operand = ProjectValue(asked.project) if asked.project else FieldValue(asked.code or "")
    told = [isinstance(cell, Unknown | Nowhere) for cell in cells.column(operand)]
    return np.array(told, dtype=np.bool_)


def _of_binding(binding: str, code: str | None, overlay: Overlay) -> NDArray[np.bool_]:
    """Not connected, not covering the subject; or with a field: empty in a feature, or none there."""
    layer = overlay.inquiry.layer(binding)
    count = len(overlay.subjects)
    if isinstance(layer, Absent):
        return np.ones(count, dtype=np.bool_)
    uncovered = overlay.regions.uncovered(binding, layer)
    if code is None:
        return uncovered
    cut = overlay.regions.cut(binding, layer)
    cut = cut.only(overlay.regions.individual(binding, layer).ellipsoid_m2 > 0)
    values = overlay.selecting.field(layer, overlay.inquiry.read(binding), code)
    empty = np.array([value is None for value in values], dtype=np.bool_)
    nothing_there = np.ones(count, dtype=np.bool_)
    nothing_there[cut.subject] = False
    something_empty = np.zeros(count, dtype=np.bool_)
    something_empty[cut.subject[empty[layer.feature[cut.hit]]]] = True
    return uncovered | nothing_there | something_empty
