"""Planes that keep distances near a place: azimuthal equidistant on the CGCS2000 ellipsoid."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.enums import TransformDirection
from shapely import Geometry

from processes.algorithms.official_plane import ELLIPSOID

NODES_PER_DEGREE = 2  # neighbours share a plane: making one costs more than using it


@dataclass(frozen=True, slots=True, kw_only=True)
class DistancePlane:
    """A plane in metres round a place; distances near it are those on the ellipsoid."""

    lat_deg: float
    transformer: Transformer

    @property
    def narrowing(self) -> float:
        """How much shorter a degree of longitude is than one of latitude."""
        return math.cos(math.radians(self.lat_deg))

    def there(self, shape: Geometry) -> Geometry:
        """Longitude, latitude (EPSG:4490) in the plane."""
        return shapely.transform(shape, self.points)

    def back(self, shape: Geometry) -> Geometry:
        """From the plane to longitude, latitude."""
        return shapely.transform(shape, lambda p: self._moved(p, TransformDirection.INVERSE))

    def points(self, degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions in degrees, shape (n, 2), in the plane."""
        return self._moved(degrees, TransformDirection.FORWARD)

    def _moved(
        self, points: NDArray[np.float64], direction: TransformDirection
    ) -> NDArray[np.float64]:
        x, y = self.transformer.transform(points[:, 0], points[:, 1], direction=direction)
        return np.column_stack((x, y))


def plane_near(shape: Geometry) -> DistancePlane:
    """The plane of the half-degree node nearest to the middle of a shape in degrees.

    Examples
    --------
    >>> plane = plane_near(shapely.Point(125.3, 43.8))
    >>> one = plane.there(shapely.LineString([(125.3, 43.8), (125.3, 43.81)]))
    >>> round(one.length, 2)  # the meridian arc there is 1,111.09 m
    1111.09
    """
    west, south, east, north = shapely.bounds(shape).tolist()
    lon, lat = ((a + b) / 2 for a, b in ((west, east), (south, north)))
    return _plane(round(lon * NODES_PER_DEGREE), round(lat * NODES_PER_DEGREE))


@lru_cache(1_024)
def _plane(column: int, row: int) -> DistancePlane:
    lon, lat = column / NODES_PER_DEGREE, row / NODES_PER_DEGREE
    plane = CRS.from_proj4(f"+proj=aeqd +lon_0={lon} +lat_0={lat} {ELLIPSOID}")
    degrees = CRS.from_proj4(f"+proj=longlat {ELLIPSOID}")
    return DistancePlane(
        lat_deg=lat, transformer=Transformer.from_crs(degrees, plane, always_xy=True)
    )
