"""Edges on the ellipsoid: geodesic areas beside the official ones, edges cut into short pieces."""

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from processes.algorithms.ellipsoid_area import INVERSE_FLATTENING, SEMI_MAJOR_AXIS_M

# An edge of just the piece length stays whole: its length is known to about this share only.
ROUNDING_SHARE = 1e-9


def geodesic_area_m2(geometries: NDArray[np.object_]) -> NDArray[np.float64]:
    """Area of polygons whose edges are geodesics of the CGCS2000 ellipsoid.

    Parameters
    ----------
    geometries : ndarray of object, shape (n,)
        shapely Polygon or MultiPolygon; longitude, latitude in degrees,
        EPSG:4490. Any ring orientation. None is a missing geometry.

    Returns
    -------
    ndarray of float64, shape (n,)
        Square metres, never negative; 0.0 for an empty polygon; NaN where the
        geometry is missing.

    References
    ----------
    Karney (2013), Algorithms for geodesics, doi:10.1007/s00190-012-0578-z, section 6.

    Examples
    --------
    >>> cell = shapely.box(125.3, 43.8, 125.31, 43.81)
    >>> geodesic_area_m2(np.array([cell, None], dtype=object)).round(3).tolist()
    [894071.98, nan]
    """
    oriented, ellipsoid = shapely.orient_polygons(geometries), cgcs2000()
    areas = [
        np.nan if one is None else abs(ellipsoid.geometry_area_perimeter(one)[0])
        for one in oriented
    ]
    return np.array(areas, dtype=np.float64)


def cut_edges(
    drawn: NDArray[np.object_], stored: NDArray[np.object_], piece_m: float
) -> NDArray[np.object_]:
    """Geometries with every edge cut into equal pieces, each a straight part of the drawn edge.

    Parameters
    ----------
    drawn : ndarray of object, shape (n,)
        Polygon or MultiPolygon in the system in which they were drawn: there an
        edge is straight. None is a missing geometry.
    stored : ndarray of object, shape (n,)
        The same with the same vertices in longitude, latitude, EPSG:4490.
    piece_m : float
        The longest piece: how far its ends may lie apart on the ellipsoid, metres.

    Returns
    -------
    ndarray of object, shape (n,)
        In the system of *drawn*; the vertices that were there stay, exactly.

    Raises
    ------
    ValueError
        If *piece_m* is not positive, or the vertices of the two do not pair.

    Examples
    --------
    >>> square = np.array([shapely.box(125.3, 43.8, 125.31, 43.81)], dtype=object)
    >>> cut = cut_edges(square, square, 500.0)  # 804 m wide, 1,111 m high: 2 and 3 pieces
    >>> shapely.get_num_coordinates(cut).tolist(), bool(shapely.area(cut - square)[0] < 1e-15)
    ([11], True)
    """
    if not piece_m > 0:
        raise ValueError(f"piece_m: {piece_m}; expected a positive number")
    polygons, owner = shapely.get_parts(drawn, return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    degrees = shapely.get_coordinates(stored)
    if len(points) != len(degrees):
        raise ValueError("drawn and stored geometries have not the same vertices")
    if len(points) == 0:
        return drawn
    pieces = piece_counts(degrees, ring, piece_m)
    begin = np.repeat(np.arange(len(points)), pieces)
    place = np.arange(len(begin)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (place / pieces[begin])[:, np.newaxis]
    end = np.minimum(begin + 1, len(points) - 1)
    cut = points[begin] + share * (points[end] - points[begin])
    cut_rings = np.asarray(shapely.linearrings(cut, indices=ring[begin]), dtype=object)
    whole = np.asarray(shapely.polygons(cut_rings, indices=polygon), dtype=object)
    present, position = np.unique(owner, return_inverse=True)
    result = drawn.copy()
    result[present] = shapely.multipolygons(whole, indices=position)
    return result


def piece_counts(
    degrees: NDArray[np.float64], ring: NDArray[np.int64], piece_m: float
) -> NDArray[np.int64]:
    """Into how many pieces the edge from each vertex is cut; 1 at the last vertex of a ring.

    Examples
    --------
    >>> ends = np.array([[125.0, 43.0], [125.0, 43.009]])  # 1,000 m
    >>> piece_counts(ends, np.array([0, 0]), 400.0).tolist()
    [3, 1]
    """
    counts = np.ones(len(degrees), dtype=np.int64)
    (begins,) = np.nonzero(ring[1:] == ring[:-1])
    west, south = degrees[begins].T
    east, north = degrees[begins + 1].T
    _, _, length_m = cgcs2000().inv(west, south, east, north)
    needed = np.ceil(np.asarray(length_m) / piece_m * (1 - ROUNDING_SHARE))
    counts[begins] = np.maximum(1, needed).astype(np.int64)
    return counts


def cgcs2000() -> Geod:
    """Geodesics of the CGCS2000 ellipsoid."""
    return Geod(a=SEMI_MAJOR_AXIS_M, rf=INVERSE_FLATTENING)
