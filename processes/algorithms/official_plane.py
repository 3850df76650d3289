"""The plane whose planar area is the official ellipsoidal area (椭球面积): cylindrical equal-area."""

from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.enums import TransformDirection

from processes.algorithms.ellipsoid_area import INVERSE_FLATTENING, SEMI_MAJOR_AXIS_M

ELLIPSOID = f"+a={SEMI_MAJOR_AXIS_M} +rf={INVERSE_FLATTENING} +no_defs"
TRUE_LATITUDE_DEG = 30.0  # shapes are hardly stretched there; areas are true everywhere


def to_official_plane(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Geometries in the cylindrical equal-area plane of the CGCS2000 ellipsoid.

    Parameters
    ----------
    geometries : ndarray of object, shape (n,)
        Longitude, latitude in degrees, EPSG:4490. None stays None.

    Returns
    -------
    ndarray of object, shape (n,)
        Easting, northing in metres, true to scale at 30° N. The edges are those
        of the official area formula: `shapely.area` here is `ellipsoid_area_m2`
        there, for every polygon, so that areas of parts add up exactly.

    References
    ----------
    国土调查办发〔2008〕32号, whose edges are straight in longitude and authalic latitude.

    Examples
    --------
    >>> cell = np.array([shapely.box(125.3, 43.8, 125.31, 43.81)], dtype=object)
    >>> shapely.area(to_official_plane(cell)).round(3).tolist()
    [894071.981]
    """
    return shapely.transform(geometries, lambda p: _moved(p, TransformDirection.FORWARD))


def from_official_plane(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """The way back of `to_official_plane`: longitude, latitude in degrees, EPSG:4490.

    Examples
    --------
    >>> there = to_official_plane(np.array([shapely.Point(125.3, 43.8)], dtype=object))
    >>> shapely.get_coordinates(from_official_plane(there)).round(12).tolist()
    [[125.3, 43.8]]
    """
    return shapely.transform(geometries, lambda p: _moved(p, TransformDirection.INVERSE))


def _moved(points: NDArray[np.float64], direction: TransformDirection) -> NDArray[np.float64]:
    x, y = _projection().transform(points[:, 0], points[:, 1], direction=direction)
    return np.column_stack((x, y))


@cache
def _projection() -> Transformer:
    plane = CRS.from_proj4(f"+proj=cea +lat_ts={TRUE_LATITUDE_DEG} {ELLIPSOID}")
    return Transformer.from_crs(CRS.from_proj4(f"+proj=longlat {ELLIPSOID}"), plane, always_xy=True)
