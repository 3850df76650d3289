"""The local plane of a city, and smooth noise over it."""

from dataclasses import dataclass
from math import cos, radians, sin, sqrt

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.ellipsoid_area import INVERSE_FLATTENING, SEMI_MAJOR_AXIS_M
from processes.algorithms.synthetic_city.convex import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Metres east and north of a centre: an affine image of degrees, so straight stays straight.

    True to scale at the centre (radii of curvature of CGCS2000); east-west lengths are off by
    about 1.7 % one degree of latitude away: good for sizes, areas are measured elsewhere.
    """

    lon: float
    lat: float
    east_m: float  # metres per degree of longitude
    north_m: float  # metres per degree of latitude

    @classmethod
    def at(cls, lon: float, lat: float) -> "Plane":
        """The plane that touches the ellipsoid at a point, degrees EPSG:4490."""
        if not (-180 <= lon <= 180 and -85 <= lat <= 85):
            raise ValueError(f"not longitude/latitude degrees: {(lon, lat)}")
        e2 = (2 - 1 / INVERSE_FLATTENING) / INVERSE_FLATTENING
        w = 1 - e2 * sin(radians(lat)) ** 2
        normal = SEMI_MAJOR_AXIS_M / sqrt(w)
        meridian = SEMI_MAJOR_AXIS_M * (1 - e2) / w**1.5
        return cls(
            lon=lon,
            lat=lat,
            east_m=radians(1) * normal * cos(radians(lat)),
            north_m=radians(1) * meridian,
        )

    def metres(self, degrees: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries in degrees as geometries in metres."""
        return np.asarray(
            shapely.transform(
                degrees, lambda p: (p - (self.lon, self.lat)) * (self.east_m, self.north_m)
            )
        )

    def degrees(self, metres: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries in metres as geometries in degrees."""
        return np.asarray(
            shapely.transform(
                metres, lambda p: p / (self.east_m, self.north_m) + (self.lon, self.lat)
            )
        )


@dataclass(frozen=True, slots=True)
class Noise:
    """A smooth random surface, values roughly within -1..1."""

    waves: Floats  # wave vectors, radians per metre, shape (k, 2)
    phases: Floats

    @classmethod
    def drawn(cls, rng: np.random.Generator, length_m: float, count: int = 9) -> "Noise":
        """A surface whose hills are about *length_m* apart."""
        angle = rng.uniform(0, 2 * np.pi, count)
        wave = 2 * np.pi / (length_m * rng.uniform(0.6, 1.8, count))
        vectors = np.column_stack((np.cos(angle), np.sin(angle))) * wave[:, None]
        return cls(vectors, rng.uniform(0, 2 * np.pi, count))

    def __call__(self, points: Floats) -> Floats:
        """The height at points in metres, shape (n, 2)."""
        waves = np.sin(points @ self.waves.T + self.phases)
        height: Floats = waves.sum(axis=1) / np.sqrt(len(self.phases))
        return height
