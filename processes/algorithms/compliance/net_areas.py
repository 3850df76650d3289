"""How far a net area may stray where features that are perhaps chosen lie on others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.compliance.evidence import Geometries
from processes.algorithms.compliance.measuring import Positions, nothing, polygonal, ranges
from processes.algorithms.compliance.regions import Cut
from processes.algorithms.compliance.three_valued import Reals
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

TURNS = 1 << 40  # more than a layer has hits: those of a later selection come after
PAIRS_EACH = 32  # for each share of a subject, so many of a sure share and a doubtful one
MOST_IN_TURN = 50  # doubtful shares of which it is told which of them lie on each other
NO_ROWS = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares:
    """What features share with subjects, in their turn, and which part of each is no ridge."""

    subject: Positions
    geometry: Geometries
    kept: Reals  # 0 to 1
    turn: NDArray[np.intp]  # the lower takes the land first

    def only(self, rows: Positions) -> "Shares":
        """Some of them."""
        return Shares(
            subject=self.subject[rows],
            geometry=self.geometry[rows],
            kept=self.kept[rows],
            turn=self.turn[rows],
        )


def untold(cut: Cut, turn: int) -> Shares:
    """Land of which a selection says nothing: all ridges or none, after what it says (as in pieces)."""
    count = len(cut.subject)
    return Shares(
        subject=np.tile(cut.subject, 2),
        geometry=np.tile(cut.geometry, 2),
        kept=np.repeat([0.0, 1.0], count),
        turn=np.full(2 * count, (turn + 1) * TURNS - 1, dtype=np.intp),
    )


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
        the ridges of either; the worst of several counts. Never too little, but too much where
        very many shares lie on each other: of a sure share under more than MOST_IN_TURN their sum
        counts, at most all that it can lose or gain; of a subject with more than PAIRS_EACH pairs
        for each share all that it can lose and gain.
    """
    loss, gain = np.zeros(count), np.zeros(count)
    ours, theirs = (np.argsort(one.subject, kind="stable") for one in (sure, perhaps))
    subjects = np.intersect1d(sure.subject, perhaps.subject)
    for subject, first, last, start, end in zip(
        subjects,
        *ranges(sure.subject[ours], subjects),
        *ranges(perhaps.subject[theirs], subjects),
        strict=True,
    ):
        loss[subject], gain[subject] = _strayed(
            sure.only(ours[first:last]), perhaps.only(theirs[start:end])
        )
    return loss, gain


def _strayed(sure: Shares, perhaps: Shares) -> tuple[float, float]:
    """The same of one subject."""
    pairs = _close(sure, perhaps)
    if pairs is None:
        areas = ellipsoid_area_m2(polygonal(sure.geometry))
        lost = np.maximum(sure.kept - perhaps.kept.min(), 0)
        gained = np.maximum(perhaps.kept.max() - sure.kept, 0)
        return float(areas @ lost), float(areas @ gained)
    lands, doubtful = pairs
    loss = gain = 0.0
    found = np.unique(lands)
    for land, first, last in zip(found, *ranges(lands, found), strict=True):
        before = doubtful[first:last]
        apart = perhaps.kept[before] - sure.kept[land]
        loss += _most(sure.geometry[land], perhaps.geometry[before], -apart)
        gain += _most(sure.geometry[land], perhaps.geometry[before], apart)
    return loss, gain


def _close(sure: Shares, perhaps: Shares) -> tuple[Positions, Positions] | None:
    """Sure shares, sorted, and doubtful ones at them that would change them; None: too many."""
    tree = shapely.STRtree(perhaps.geometry)
    most = PAIRS_EACH * (len(sure.turn) + len(perhaps.turn))
    step = max(1, most // len(perhaps.turn))
    lands, doubtful, count = [NO_ROWS], [NO_ROWS], 0
    for start in range(0, len(sure.turn), step):
        land, before = tree.query(sure.geometry[start : start + step])
        land = land + start
        kept = perhaps.turn[before] < sure.turn[land]
        kept &= perhaps.kept[before] != sure.kept[land]
        lands.append(land[kept])
        doubtful.append(before[kept])
        count += int(kept.sum())
        if count > most:
            return None
    return np.concatenate(lands), np.concatenate(doubtful)


def _most(land: shapely.Geometry, others: Geometries, weights: Reals) -> float:
    """Square metres of *land* under the others, each by the largest weight above zero."""
    others, weights = others[weights > 0], weights[weights > 0]
    areas = ellipsoid_area_m2(polygonal(shapely.intersection(land, others)))
    others, weights, areas = others[areas > 0], weights[areas > 0], areas[areas > 0]
    if len(others) > MOST_IN_TURN:
        whole = ellipsoid_area_m2(polygonal(np.array([land], dtype=object)))
        return min(float(areas @ weights), float(whole[0] * weights.max()))
    total = 0.0
    for other in np.argsort(-weights, kind="stable"):
        shared = polygonal(np.array([shapely.intersection(land, others[other])], dtype=object))
        total += float(ellipsoid_area_m2(shared)[0]) * float(weights[other])
        land = shapely.difference(land, others[other])
    return total
