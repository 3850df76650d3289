"""The areas of an overlay by the classes of the features that were laid over one another."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from processes.algorithms.polygon_overlay import Overlay, Parts


class Relation(StrEnum):
    """Where a part of an overlay lies."""

    BOTH = "both"
    LEFT = "left"  # in the left input alone
    RIGHT = "right"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPair:
    """The parts of one class on the left and one on the right."""

    relation: Relation
    left: str | None  # class; None: features without one, or no feature at all (see relation)
    right: str | None
    parts: int
    area_m2: float


def class_pairs(
    found: Overlay, left: NDArray[np.object_], right: NDArray[np.object_]
) -> list[ClassPair]:
    """The areas of an overlay by the classes of its features, the largest first.

    Parameters
    ----------
    found : Overlay
        Of n left and m right features.
    left, right : ndarray of object, shapes (n,) and (m,)
        The class of each feature; None where it has none.

    Returns
    -------
    list of ClassPair
        First what both have, then left alone, then right alone.

    Examples
    --------
    >>> import shapely
    >>> from processes.algorithms.polygon_overlay import overlay
    >>> a, b = shapely.box(0, 0, 2, 1), shapely.box(1, 0, 2, 1)
    >>> cut = overlay(
    ...     np.array([a], dtype=object), np.array([b], dtype=object), measure=shapely.area
    ... )
    >>> for row in class_pairs(cut, np.array(["0103"], dtype=object), np.array([None])):
    ...     print(row.relation.value, row.left, row.right, row.area_m2)
    both 0103 None 1.0
    left 0103 None 1.0
    """
    rows = [
        *_grouped(Relation.BOTH, found.both, left, right),
        *_alone(Relation.LEFT, found.left_alone_m2, left),
        *_alone(Relation.RIGHT, found.right_alone_m2, right),
    ]
    order = list(Relation)
    return sorted(
        rows, key=lambda r: (order.index(r.relation), -r.area_m2, r.left or "", r.right or "")
    )


def _grouped(
    relation: Relation, parts: Parts, left: NDArray[np.object_], right: NDArray[np.object_]
) -> Iterator[ClassPair]:
    sums: dict[tuple[str | None, str | None], tuple[int, float]] = {}
    for i, j, area_m2 in zip(parts.left, parts.right, parts.area_m2, strict=True):
        key = (left[i] if i >= 0 else None, right[j] if j >= 0 else None)
        count, total = sums.get(key, (0, 0.0))
        sums[key] = (count + 1, total + float(area_m2))
    for (one, other), (count, total) in sums.items():
        yield ClassPair(relation=relation, left=one, right=other, parts=count, area_m2=total)


def _alone(
    relation: Relation, areas_m2: NDArray[np.float64], classes: NDArray[np.object_]
) -> Iterator[ClassPair]:
    sums: dict[str | None, tuple[int, float]] = {}
    for place in np.flatnonzero(areas_m2 > 0).tolist():
        count, total = sums.get(classes[place], (0, 0.0))
        sums[classes[place]] = (count + 1, total + float(areas_m2[place]))
    for one, (count, total) in sums.items():
        left, right = (one, None) if relation is Relation.LEFT else (None, one)
        yield ClassPair(relation=relation, left=left, right=right, parts=count, area_m2=total)
