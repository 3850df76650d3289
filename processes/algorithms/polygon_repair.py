"""Polygons that are not valid, repaired and explained; the polygons among what an overlay leaves."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

type Geometries = NDArray[np.object_]

_POLYGON, _MULTIPOLYGON = int(shapely.GeometryType.POLYGON), int(shapely.GeometryType.MULTIPOLYGON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A feature that was not valid, and what was wrong with it."""

    feature: int  # position in its input
    reason: str
    left_out: bool  # nothing with an area was left of it


def repair(geometries: Geometries) -> tuple[Geometries, list[Repaired]]:
    """Valid polygons out of what was given, and what had to be repaired.

    Parameters
    ----------
    geometries : ndarray of object, shape (n,)
        Polygon or MultiPolygon, any CRS. None is a missing geometry.

    Returns
    -------
    (ndarray of object of shape (n,), list of Repaired)
        Repaired by structure: rings are joined and holes cut out, so that no
        area counts twice. Empty where nothing with an area is left, or nothing
        was given.

    Examples
    --------
    >>> tie = shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")
    >>> valid, found = repair(np.array([tie], dtype=object))
    >>> float(shapely.area(valid)[0]), found[0].reason, found[0].left_out
    (2.0, 'Self-intersection[1 1]', False)
    """
    given = geometries.copy()
    given[shapely.is_missing(given)] = shapely.Polygon()
    valid = shapely.is_valid(given)
    if valid.all():
        return given, []
    wrong = np.flatnonzero(~valid)
    repaired = given.copy()
    made = shapely.make_valid(given[wrong], method="structure", keep_collapsed=False)
    repaired[wrong] = polygonal(made)
    reasons = shapely.is_valid_reason(given[wrong])
    lost = shapely.is_empty(repaired[wrong])
    return repaired, [
        Repaired(feature=int(i), reason=str(reason), left_out=bool(out))
        for i, reason, out in zip(wrong, reasons, lost, strict=True)
    ]


def polygonal(geometries: Geometries) -> Geometries:
    """The parts of geometries that have an area; an empty polygon where there is none.

    Examples
    --------
    >>> mixed = shapely.from_wkt("GEOMETRYCOLLECTION (POINT (0 0), POLYGON ((0 0, 1 0, 1 1, 0 0)))")
    >>> polygonal(np.array([mixed, shapely.Point(0, 0)], dtype=object)).tolist()
    [<POLYGON ((0 0, 1 0, 1 1, 0 0))>, <POLYGON EMPTY>]
    """
    kinds = shapely.get_type_id(geometries)
    result = geometries.copy()
    for place in np.flatnonzero((kinds != _POLYGON) & (kinds != _MULTIPOLYGON)):
        result[place] = _of_polygons(geometries[place])
    return result


def _of_polygons(geometry: shapely.Geometry) -> shapely.Geometry:
    once = shapely.get_parts(geometry)
    parts = shapely.get_parts(once)  # a collection may hold multi-geometries
    found = parts[(shapely.get_type_id(parts) == _POLYGON) & ~shapely.is_empty(parts)]
    if len(found) == 0:
        return shapely.Polygon()
    return found[0] if len(found) == 1 else shapely.MultiPolygon(list(found))
