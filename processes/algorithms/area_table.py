"""Areas of polygons in the three ways that are asked for, feature by feature and in total."""

from dataclasses import dataclass
from itertools import chain

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.blocks import Shapes, Spread, block_slices, in_place, vertex_counts
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.ellipsoid_edges import geodesic_area_m2

NO_GEOMETRY = "no geometry"
BLOCK_VERTICES = 200_000  # a few tenths of a second


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaTable:
    """Areas in square metres, parallel arrays; NaN is unknown, never zero."""

    official_m2: NDArray[np.float64]  # 椭球面积
    geodesic_m2: NDArray[np.float64]
    planar_m2: NDArray[np.float64]
    reasons: tuple[str | None, ...]  # why a feature has no area at all

    @property
    def measured(self) -> int:
        """How many features have an official area: the totals rest on them."""
        return int((~np.isnan(self.official_m2)).sum())

    @property
    def total_official_m2(self) -> float | None:
        return _total(self.official_m2, self.measured)

    @property
    def total_geodesic_m2(self) -> float | None:
        return _total(self.geodesic_m2, self.measured)

    @property
    def total_planar_m2(self) -> float | None:
        """None also where some feature has an official area and lies outside of the plane."""
        return _total(self.planar_m2, self.measured)


def area_table(
    stored: NDArray[np.object_], planar: NDArray[np.object_], *, spread: Spread = in_place
) -> AreaTable:
    """Official, geodesic and planar areas.

    Parameters
    ----------
    stored : ndarray of object, shape (n,)
        Polygon or MultiPolygon; longitude, latitude in degrees, EPSG:4490. None
        is a missing geometry.
    planar : ndarray of object, shape (n,)
        The same in a plane in metres; None where the plane means nothing there.
    spread : callable, optional
        Computes the blocks into which many polygons are cut.

    Returns
    -------
    AreaTable
        A polygon that is not valid has no area: what its crossing rings enclose
        is not known; `reasons` names the place.

    Raises
    ------
    ValueError
        If a geometry is no polygon or no longitudes and latitudes.

    References
    ----------
    国土调查办发〔2008〕32号 (official); Karney (2013), doi:10.1007/s00190-012-0578-z (geodesic).

    Examples
    --------
    >>> cell = shapely.box(125.3, 43.8, 125.31, 43.81)
    >>> tie = shapely.Polygon([(125, 43), (126, 44), (126, 43), (125, 44)])
    >>> shapes = np.array([cell, tie, None], dtype=object)
    >>> table = area_table(shapes, np.array([None, None, None]))
    >>> table.official_m2.round(3).tolist(), table.measured, table.total_planar_m2
    ([894071.981, nan, nan], 1, None)
    >>> table.reasons
    (None, 'not valid: Self-intersection[125.5 43.5]', 'no geometry')
    """
    slices = block_slices(vertex_counts(stored), BLOCK_VERTICES)
    blocks = [(Shapes(stored[one]), Shapes(planar[one])) for one in slices]
    tables = list(spread(_measured, blocks)) or [_measured((Shapes(stored), Shapes(planar)))]
    return AreaTable(
        official_m2=np.concatenate([one.official_m2 for one in tables]),
        geodesic_m2=np.concatenate([one.geodesic_m2 for one in tables]),
        planar_m2=np.concatenate([one.planar_m2 for one in tables]),
        reasons=tuple(chain.from_iterable(one.reasons for one in tables)),
    )


def _measured(block: tuple[Shapes, Shapes]) -> AreaTable:
    stored, planar = (one.geometries for one in block)
    missing = shapely.is_missing(stored)
    wrong = ~missing & ~shapely.is_valid(stored)
    whole = stored.copy()
    whole[wrong] = None
    plane_m2 = np.array(shapely.area(planar), dtype=np.float64)
    plane_m2[wrong | missing] = np.nan
    why = np.full(len(stored), None, dtype=object)
    why[missing] = NO_GEOMETRY
    why[wrong] = [f"not valid: {reason}" for reason in shapely.is_valid_reason(stored[wrong])]
    return AreaTable(
        official_m2=ellipsoid_area_m2(whole),
        geodesic_m2=geodesic_area_m2(whole),
        planar_m2=plane_m2,
        reasons=tuple(why.tolist()),
    )


def _total(areas_m2: NDArray[np.float64], measured: int) -> float | None:
    known = areas_m2[~np.isnan(areas_m2)]
    return float(known.sum()) if len(known) == measured > 0 else None
