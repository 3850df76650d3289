"""How far a net area may stray where features that are perhaps chosen lie on others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.compliance.evidence import Geometries
from processes.algorithms.compliance.measuring import Positions, nothing, polygonal, ranges
from processes.algorithms.compliance.three_valued import Reals
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

TURNS = 1 << 40  # more than a layer has hits: those of a later selection come after
NO_ROWS = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares:
    """What features share with subjects, in their turn, and which part of each is no ridge."""

    subject: Positions
    geometry: Geometries
    kept: Reals  # 0 to 1
    turn: NDArray[np.intp]  # the lower takes the land first


def joined(shares: Sequence[Shares]) -> Shares:
    """Those of several selections together."""
    return Shares(
        subject=np.concatenate([NO_ROWS, *(one.subject for one in shares)]),
        geometry=np.concatenate([nothing(0), *(one.geometry for one in shares)]),
        kept=np.concatenate([np.zeros(0), *(one.kept for one in shares)]),
        turn=np.concatenate([NO_ROWS, *(one.turn for one in shares)]),
    )


def strayed(sure: Shares, perhaps: Shares, count: int) -> tuple[Reals, Reals]:
    """What the net area of surely chosen features loses and gains at most by those in doubt.

    Parameters
    ----------
    sure : Shares
        Of features that are chosen; none of the same subject overlap. EPSG:4490.
    perhaps : Shares
        Of features of which it is not known whether they are chosen.
    count : int
        How many subjects there are.

    Returns
    -------
    tuple of ndarray
        Square metres for each subject. Land under a feature in doubt that would take it first has
        the ridges of either; the worst of several counts.
    """
    loss, gain = np.zeros(count), np.zeros(count)
    order = np.argsort(perhaps.subject, kind="stable")
    subjects = np.unique(perhaps.subject)
    for subject, first, last in zip(
        subjects, *ranges(perhaps.subject[order], subjects), strict=True
    ):
        doubtful = order[first:last]
        for one in np.flatnonzero(sure.subject == subject):
            before = doubtful[perhaps.turn[doubtful] < sure.turn[one]]
            apart = perhaps.kept[before] - sure.kept[one]
            loss[subject] += _most(sure.geometry[one], perhaps.geometry[before], -apart)
            gain[subject] += _most(sure.geometry[one], perhaps.geometry[before], apart)
    return loss, gain


def _most(land: shapely.Geometry, others: Geometries, weights: Reals) -> float:
    """Square metres of *land* under the others, each by the largest weight above zero."""
    total = 0.0
    for other in np.argsort(-weights, kind="stable"):
        if weights[other] <= 0:
            break
        shared = polygonal(np.array([shapely.intersection(land, others[other])], dtype=object))
        total += float(ellipsoid_area_m2(shared)[0]) * float(weights[other])
        land = shapely.difference(land, others[other])
    return total
