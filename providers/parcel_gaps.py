"""Where a layer says nothing of parcels, or of what lies around them: rows of a statement as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from psycopg.rows import TupleRow
from shapely import Geometry

from processes.algorithms.compliance.evidence import Gap, Geometries
from processes.algorithms.compliance.measuring import polygonal

ROUNDING_DEG2 = 1e-12  # a hundredth of a square metre is no gap
type Reason = Literal["outside_coverage", "outside_scope"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """Where nothing is told, by the position of the parcel: in parcels, and in reach of them."""

    gaps: Mapping[int, Gap]
    beyond: Mapping[int, Gap]


def unsaid_of(rows: Sequence[TupleRow], parcels: Geometries, *, told: bool, near: bool) -> Unsaid:
    """What the rows of a statement of gaps say.

    What is hidden in a parcel may lie anywhere in it; what is hidden near it may touch it.
    """
    gaps, beyond = dict[int, Gap](), dict[int, Gap]()
    if not told:
        gaps = {
            number: Gap(geometry=parcel, reason="outside_coverage")
            for number, parcel in enumerate(parcels)
        }
    of_scope, of_edition = (
        shapely.from_wkb(np.array([row[column] for row in rows], dtype=object)) for column in (1, 4)
    )
    numbers = np.array([row[0] for row in rows], dtype=np.intp)
    hidden, hidden_near = (
        np.array([bool(row[column]) for row in rows], dtype=np.bool_) for column in (2, 3)
    )
    if near:
        for place, number in enumerate(numbers.tolist()):
            shape = (
                parcels[number]
                if hidden_near[place]
                else shapely.union_all([of_scope[place], of_edition[place]])
            )
            kept_back = hidden_near[place] or shapely.area(of_scope[place]) > 0
            reason: Reason = "outside_scope" if kept_back else "outside_coverage"
            if not shapely.is_empty(shape):
                beyond[number] = Gap(geometry=shape, reason=reason)
        of_scope, of_edition = (
            polygonal(shapely.intersection(rest, parcels[numbers]))
            for rest in (of_scope, of_edition)
        )
    far, bare = (shapely.area(shapes) > ROUNDING_DEG2 for shapes in (of_scope, of_edition))
    for place in np.flatnonzero(hidden | far | bare).tolist():
        number = int(numbers[place])
        real = [
            shape
            for shape, counts in ((of_scope[place], far[place]), (of_edition[place], bare[place]))
            if counts
        ]
        whole: Geometry = parcels[number]
        missing = whole if hidden[place] or not told else shapely.union_all(real)
        reason = "outside_scope" if hidden[place] or far[place] else "outside_coverage"
        gaps[number] = Gap(geometry=missing, reason=reason)
    return Unsaid(gaps=gaps, beyond=beyond)
