"""How much of a parcel lies in a control line (三条控制线), with boundary noise left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Geometry, MultiPolygon, Polygon

from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

type ToPlane = Callable[[NDArray[np.object_]], NDArray[np.object_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseRule:
    """When a connected part is boundary noise (边界误差); parameters come from data."""

    eps_m2: float
    min_width_m: float
    combine: Literal["or", "and"]
    version: str
    source: str

    def is_noise(
        self, area_m2: NDArray[np.float64], perimeter_m: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Of parts with these planar areas and perimeters, which are noise.

        The mean width of a part is 2A/P.
        """
        small = area_m2 <= self.eps_m2
        width_m = 2 * area_m2 / np.where(perimeter_m > 0, perimeter_m, np.inf)
        narrow = width_m < self.min_width_m
        return small & narrow if self.combine == "and" else small | narrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """One area, measured in both ways."""

    ellipsoid_m2: float  # official method, CGCS2000
    planar_m2: float  # in the named plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one feature shares with the parcel."""

    feature: int  # position among the features
    areas: Areas
    geometry: Geometry  # longitude, latitude, EPSG:4490


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A region of the parcel: its area without noise, and the noise that was left out."""

    areas: Areas
    share: float  # of the parcel's ellipsoidal area, 0..1
    noise_m2: float  # planar
    geometry: Geometry  # without noise; empty where nothing is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A parcel over one control line."""

    inside: Measure
    outside: Measure
    parts: tuple[Part, ...]  # the features inside, largest first; noise left out


def measure(geometry: Geometry, to_plane: ToPlane) -> Areas:
    """Ellipsoidal and planar area of a polygon given in longitude, latitude, EPSG:4490."""
    one = np.array([geometry], dtype=object)
    return Areas(
        ellipsoid_m2=float(ellipsoid_area_m2(one)[0]),
        planar_m2=float(shapely.area(to_plane(one)[0])),
    )


def overlay(
    parcel: Polygon | MultiPolygon,
    features: Sequence[Geometry],
    *,
    to_plane: ToPlane,
    noise: NoiseRule,
) -> Overlay:
    """The parcel cut by the union of a control line's features.

    Parameters
    ----------
    parcel : Polygon or MultiPolygon
        Longitude, latitude in degrees, EPSG:4490; valid.
    features : sequence of Polygon or MultiPolygon
        The features that meet the parcel, same CRS; they may overlap each other.
    to_plane : callable
        Takes geometries in EPSG:4490 to a plane in metres (the parcel's zone).
    noise : NoiseRule
        What is left out as boundary noise.

    Returns
    -------
    Overlay
        Areas in square metres, inside and outside the union. Parts that only
        touch have no area and do not appear.

    Notes
    -----
    The overlay is made on the stored vertices, edges straight in longitude and
    latitude; planar areas are those of the result's vertices in the plane.
    Features are dissolved before anything is measured, so that land under two
    features counts once; the parts by feature are not.

    References
    ----------
    Compliance predicates, section 2, "Geometry" (overlap_m2, outside_m2, noise).

    Examples
    --------
    >>> rule = NoiseRule(eps_m2=1, min_width_m=0.1, combine="or", version="1", source="")
    >>> parcel = shapely.box(125.3, 43.8, 125.301, 43.801)
    >>> def metres(g):  # a plane good enough for an example
    ...     return shapely.transform(g, lambda p: p * [80_400, 111_100])
    >>> west = shapely.box(125.3, 43.8, 125.3005, 43.801)
    >>> half = overlay(parcel, [west], to_plane=metres, noise=rule)
    >>> round(half.inside.share, 6), len(half.parts)
    (0.5, 1)
    >>> overlay(parcel, [], to_plane=metres, noise=rule).inside.areas.ellipsoid_m2
    0.0
    """
    shapes = np.array(list(features), dtype=object)
    pieces = shapely.intersection(shapes, parcel)
    union = shapely.union_all(pieces) if len(pieces) else MultiPolygon()
    whole_m2 = float(ellipsoid_area_m2(np.array([parcel], dtype=object))[0])
    inside = _measured(union, whole_m2, to_plane, noise)
    outside = _measured(shapely.difference(parcel, union), whole_m2, to_plane, noise)
    return Overlay(inside=inside, outside=outside, parts=_parts(pieces, inside.geometry, to_plane))


def _measured(geometry: Geometry, whole_m2: float, to_plane: ToPlane, noise: NoiseRule) -> Measure:
    parts = _polygons(np.array([geometry], dtype=object))[0]
    if len(parts) == 0:
        nothing = Areas(ellipsoid_m2=0.0, planar_m2=0.0)
        return Measure(areas=nothing, share=0.0, noise_m2=0.0, geometry=MultiPolygon())
    plane = to_plane(parts)
    planar_m2 = shapely.area(plane)
    left_out = noise.is_noise(planar_m2, shapely.length(plane))
    ellipsoid_m2 = float(ellipsoid_area_m2(parts)[~left_out].sum())
    return Measure(
        areas=Areas(ellipsoid_m2=ellipsoid_m2, planar_m2=float(planar_m2[~left_out].sum())),
        share=min(1.0, ellipsoid_m2 / whole_m2) if whole_m2 > 0 else 0.0,
        noise_m2=float(planar_m2[left_out].sum()),
        geometry=MultiPolygon(list(parts[~left_out])),
    )


def _parts(pieces: NDArray[np.object_], counted: Geometry, to_plane: ToPlane) -> tuple[Part, ...]:
    polygons, owner = _polygons(pieces)
    if len(polygons) == 0 or shapely.is_empty(counted):
        return ()
    shapely.prepare(counted)
    kept = shapely.intersects(shapely.point_on_surface(polygons), counted)
    polygons, owner = polygons[kept], owner[kept]
    planar_m2, ellipsoid_m2 = shapely.area(to_plane(polygons)), ellipsoid_area_m2(polygons)
    found = [
        Part(
            feature=int(feature),
            areas=Areas(
                ellipsoid_m2=float(ellipsoid_m2[owner == feature].sum()),
                planar_m2=float(planar_m2[owner == feature].sum()),
            ),
            geometry=MultiPolygon(list(polygons[owner == feature])),
        )
        for feature in np.unique(owner)
    ]
    return tuple(sorted(found, key=lambda part: (-part.areas.ellipsoid_m2, part.feature)))


def _polygons(geometries: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The single polygons of an overlay's results; points and lines have no area."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    collections = shapely.get_type_id(parts) == shapely.GeometryType.MULTIPOLYGON
    if collections.any():  # polygons inside a geometry collection
        inner, position = shapely.get_parts(parts, return_index=True)
        parts, owner = inner, owner[position]
    kept = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    return parts[kept], owner[kept]
