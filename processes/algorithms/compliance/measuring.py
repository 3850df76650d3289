"""Areas of many regions at once, boundary noise (边界误差) left out."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon

from processes.algorithms.compliance.evidence import Geometries, ToPlane
from processes.algorithms.compliance.noise import NoiseRule
from processes.algorithms.compliance.three_valued import Reals
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

type Positions = NDArray[np.intp]

NOTHING = MultiPolygon()
ROUNDING_DEG = 1e-13  # how far the rounding of an overlay may move an edge, some 10 nm


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Yardstick:
    """How areas are measured: in which plane, and what counts as noise."""

    to_plane: ToPlane
    noise: NoiseRule

    def plane(self, geometries: Geometries) -> Geometries:
        """Geometries in the plane."""
        return self.to_plane(geometries) if len(geometries) else geometries


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """Regions with their areas; noise is left out of all but *noise_m2* and *whole_m2*."""

    geometry: Geometries
    ellipsoid_m2: Reals
    planar_m2: Reals
    noise_m2: Reals  # planar
    whole_m2: Reals  # ellipsoidal, noise included

    @property
    def noisy(self) -> NDArray[np.bool_]:
        """Which regions lost a part."""
        return self.noise_m2 > 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interval:
    """A measure of each subject, and the land that surely has it."""

    low: Reals
    high: Reals
    land: Measured | None = None  # of areas: the certain region


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole:
    """Shapes and their areas, in which regions lie."""

    geometry: Geometries
    areas: Measured


def measured(regions: Geometries, yardstick: Yardstick) -> Measured:
    """Measure *regions* (longitude, latitude, EPSG:4490; points and lines in them have no area).

    Parameters
    ----------
    regions : ndarray of object, shape (n,)
        Any geometry; what is no polygon, and None, has no area.
    yardstick : Yardstick
        The plane in metres and the noise rule, asked of each connected part.

    Returns
    -------
    Measured
        Arrays of shape (n,), square metres.
    """
    count = len(regions)
    parts, owner = polygons_of(regions)
    if len(parts) == 0:
        zero = np.zeros(count)
        return Measured(
            geometry=nothing(count),
            ellipsoid_m2=zero,
            planar_m2=zero,
            noise_m2=zero,
            whole_m2=zero,
        )
    plane = yardstick.plane(parts)
    planar = shapely.area(plane)
    noise = yardstick.noise.is_noise(planar, shapely.length(plane))
    ellipsoid = ellipsoid_area_m2(parts)

    def total(weights: Reals) -> Reals:
        summed: Reals = np.bincount(owner, weights=weights, minlength=count)
        return summed

    return Measured(
        geometry=_without(regions, parts, owner, noise) if noise.any() else polygonal(regions),
        ellipsoid_m2=total(np.where(noise, 0.0, ellipsoid)),
        planar_m2=total(np.where(noise, 0.0, planar)),
        noise_m2=total(np.where(noise, planar, 0.0)),
        whole_m2=total(ellipsoid),
    )


def measured_within(regions: Geometries, whole: Whole, yardstick: Yardstick) -> Measured:
    """Measure regions that lie in *whole*; one that fills it has its areas, and costs nothing."""
    full = fills(regions, whole.geometry)
    rows = np.flatnonzero(~full)
    some = measured(regions[rows], yardstick)

    def put(of_whole: Reals, found: Reals) -> Reals:
        result = of_whole.copy()
        result[rows] = found
        return result

    geometry = whole.areas.geometry.copy()
    geometry[rows] = some.geometry
    return Measured(
        geometry=geometry,
        ellipsoid_m2=put(whole.areas.ellipsoid_m2, some.ellipsoid_m2),
        planar_m2=put(whole.areas.planar_m2, some.planar_m2),
        noise_m2=put(whole.areas.noise_m2, some.noise_m2),
        whole_m2=put(whole.areas.whole_m2, some.whole_m2),
    )


def polygons_of(regions: Geometries) -> tuple[Geometries, Positions]:
    """The single polygons of regions, and which region each belongs to."""
    kinds, full = shapely.get_type_id(regions), ~shapely.is_empty(regions)
    single = np.flatnonzero(full & (kinds == shapely.GeometryType.POLYGON))
    several = np.flatnonzero(full & (kinds >= shapely.GeometryType.MULTIPOLYGON))
    if len(several) == 0:
        return regions[single], single
    parts, owner = shapely.get_parts(regions[several], return_index=True)
    if (shapely.get_type_id(parts) == shapely.GeometryType.MULTIPOLYGON).any():
        parts, position = shapely.get_parts(parts, return_index=True)  # inside a collection
        owner = owner[position]
    kept = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, owner = parts[kept], several[owner[kept]]
    order = np.argsort(np.concatenate([single, owner]), kind="stable")
    return (
        np.concatenate([regions[single], parts])[order],
        np.concatenate([single, owner])[order],
    )


def fills(parts: Geometries, whole: Geometries) -> NDArray[np.bool_]:
    """Whether *parts* that lie in *whole* leave nothing of it, to the rounding of an overlay."""
    slack = shapely.length(whole) * ROUNDING_DEG
    full: NDArray[np.bool_] = shapely.area(parts) >= shapely.area(whole) - slack
    return full


def counted(areas: Measured, rows: Positions) -> Measured:
    """Some regions as what is left of them without noise."""
    return Measured(
        geometry=areas.geometry[rows],
        ellipsoid_m2=areas.ellipsoid_m2[rows],
        planar_m2=areas.planar_m2[rows],
        noise_m2=np.zeros(len(rows)),
        whole_m2=areas.ellipsoid_m2[rows],
    )


def dissolved(count: int, owner: Positions, geometries: Geometries) -> Geometries:
    """The union of each owner's *geometries*; nothing where it has none."""
    result = nothing(count)
    if len(owner) == 0:
        return result
    order = np.argsort(owner, kind="stable")
    owners, first, sizes = np.unique(owner[order], return_index=True, return_counts=True)
    for size in np.unique(sizes):  # those of as many geometries in one call
        rows = np.flatnonzero(sizes == size)
        groups = geometries[order[first[rows, np.newaxis] + np.arange(size)]]
        result[owners[rows]] = groups[:, 0] if size == 1 else shapely.union_all(groups, axis=1)
    return result


def united(one: Geometries, other: Geometries) -> Geometries:
    """The unions of pairs; a pair with an empty side costs nothing."""
    result = np.where(shapely.is_empty(one), other, one)
    both = ~shapely.is_empty(one) & ~shapely.is_empty(other)
    result[both] = shapely.union(one[both], other[both])
    return result


def left_over(whole: Geometries, parts: Geometries) -> Geometries:
    """Each *whole* without *parts* that lie in it; nothing where their areas are the same."""
    full = fills(parts, whole)
    result = nothing(len(whole))
    result[~full] = remainder(whole[~full], parts[~full])
    return result


def remainder(whole: Geometries, taken: Geometries) -> Geometries:
    """Each *whole* without what is *taken* from it."""
    result = whole.copy()
    cut = ~shapely.is_empty(taken)
    result[cut] = shapely.difference(whole[cut], taken[cut])
    return result


def nothing(count: int) -> Geometries:
    """Empty regions."""
    result = np.empty(count, dtype=object)
    result[:] = NOTHING
    return result


def ranges(sorted_owner: Positions, owners: Positions) -> tuple[Positions, Positions]:
    """Where the entries of each of *owners* start and end in a sorted array."""
    start = np.searchsorted(sorted_owner, owners, side="left")
    return start, np.searchsorted(sorted_owner, owners, side="right")


def polygonal(regions: Geometries) -> Geometries:
    """The regions as polygons or multipolygons; points and lines are dropped from them."""
    kinds = shapely.get_type_id(regions)
    kept = (kinds == shapely.GeometryType.POLYGON) | (kinds == shapely.GeometryType.MULTIPOLYGON)
    if kept.all():
        return regions
    parts, owner = polygons_of(regions)
    return _rebuilt(regions, np.flatnonzero(~kept), parts, owner)


def _without(
    regions: Geometries, parts: Geometries, owner: Positions, noise: NDArray[np.bool_]
) -> Geometries:
    return _rebuilt(polygonal(regions), np.unique(owner[noise]), parts[~noise], owner[~noise])


def _rebuilt(
    regions: Geometries, rows: Positions, parts: Geometries, owner: Positions
) -> Geometries:
    result = regions.copy()
    for row, start, end in zip(rows, *ranges(owner, rows), strict=True):
        result[row] = MultiPolygon(list(parts[start:end]))
    return result
