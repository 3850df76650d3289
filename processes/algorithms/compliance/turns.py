"""Land under several features counts once: the first takes it, in the order of the layer's keys."""

import numpy as np
import shapely

from processes.algorithms.compliance.evidence import Geometries
from processes.algorithms.compliance.measuring import ROUNDING_DEG, Positions, ranges, remainder
from processes.algorithms.compliance.regions import Cut


def in_turn(cut: Cut, taken: Geometries, union: Geometries) -> Geometries:
    """Each cut without what was *taken* before, and without earlier features of its own layer.

    Parameters
    ----------
    cut : Cut
        What features share with subjects, by subject and then by feature; EPSG:4490.
    taken : ndarray of object, shape (subjects,)
        What earlier layers took of each subject.
    union : ndarray of object, shape (subjects,)
        The union of the cuts of each subject: where areas add up to it, none overlap.

    Returns
    -------
    ndarray of object, one for each cut
    """
    pieces = remainder(cut.geometry, taken[cut.subject])
    areas = np.bincount(cut.subject, weights=shapely.area(cut.geometry), minlength=len(union))
    lapping = np.flatnonzero(areas > shapely.area(union) + shapely.length(union) * ROUNDING_DEG)
    for first, last in zip(*ranges(cut.subject, lapping), strict=True):
        shapes = cut.geometry[first:last]
        earlier, later = _crossing(shapes)
        for one in np.unique(later):
            before = shapely.union_all(shapes[earlier[later == one]])
            pieces[first + one] = shapely.difference(pieces[first + one], before)
    return pieces


def _crossing(shapes: Geometries) -> tuple[Positions, Positions]:
    """Pairs of shapes with common land, the earlier first."""
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    common = shapely.relate_pattern(shapes[one], shapes[other], "T********")
    return one[common], other[common]
