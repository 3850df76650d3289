"""PROJ's operations to storage that are no guess, and how geometries are moved by them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.enums import TransformDirection
from pyproj.exceptions import ProjError
from pyproj.transformer import AreaOfInterest, TransformerGroup
from shapely.errors import GEOSException

from providers.crs_errors import CrsError
from providers.crs_systems import SAME_NUMBERS, WHOLE, WORLD, Bounds, System

# Published operations of these datums were made for oil surveys in single basins and offshore; on
# land the networks differ from them by tens of metres. Only parameters of the place will do.
NEED_LOCAL_SHIFT = frozenset({"beijing 1954", "xian 1980", "new beijing"})
_GRID = np.linspace(0.0, 1.0, 5)  # places at which a rectangle is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How coordinates came to storage, for the report."""

    name: str
    accuracy_m: float | None  # None: not stated by the registry
    exact: bool  # a relabelling or a projection on one datum


RELABELLED = Operation(
    name="relabelled: the numbers are those of EPSG:4490", accuracy_m=None, exact=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An operation from a system (x east, y north) to longitude and latitude."""

    operation: Operation
    area: Bounds  # where results may lie, degrees
    transformer: pyproj.Transformer | None  # None: the numbers stay

    def there(self, geometries: NDArray[np.object_]) -> NDArray[np.object_] | None:
        """Geometries in degrees; None where the operation has no answer for some of them."""
        return self._moved(geometries, TransformDirection.FORWARD)

    def back(self, geometries: NDArray[np.object_]) -> NDArray[np.object_] | None:
        """Geometries in degrees, in the system; None as above."""
        return self._moved(geometries, TransformDirection.INVERSE)

    def place(self, bounds: Bounds) -> Bounds | None:
        """Where a rectangle of the system comes to lie; None: nowhere."""
        return self._rectangle(bounds, TransformDirection.FORWARD)

    def plane(self, area: Bounds) -> Bounds | None:
        """The rectangle of the system that an area in degrees comes from; None: there is none."""
        return self._rectangle(area, TransformDirection.INVERSE)

    def lands(self, bounds: Bounds) -> bool:
        """Whether a rectangle of the system comes to lie where the operation holds."""
        place = self.place(bounds)
        return place is not None and inside(place, self.area)

    def _rectangle(self, bounds: Bounds, direction: TransformDirection) -> Bounds | None:
        west, south, east, north = bounds
        x, y = np.meshgrid(west + (east - west) * _GRID, south + (north - south) * _GRID)
        moved = self._points(np.column_stack([x.ravel(), y.ravel()]), direction)
        if moved is None:
            return None
        (west, south), (east, north) = moved.min(axis=0).tolist(), moved.max(axis=0).tolist()
        return west, south, east, north

    def _moved(
        self, geometries: NDArray[np.object_], direction: TransformDirection
    ) -> NDArray[np.object_] | None:
        if self.transformer is None:
            return geometries
        failed = False

        def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
            nonlocal failed
            known = np.isfinite(points).all(axis=1)  # what has no place is another's to reject
            moved = self._points(points[known], direction)
            if moved is None:
                failed = True
                return points
            result = points.copy()
            result[known] = moved
            return result

        try:
            moved: NDArray[np.object_] = shapely.transform(geometries, move)
        except GEOSException:  # far off, a ring may come back open
            return None
        return None if failed else moved

    def _points(
        self, points: NDArray[np.float64], direction: TransformDirection
    ) -> NDArray[np.float64] | None:
        if self.transformer is None or not len(points):
            return points
        try:
            x, y = self.transformer.transform(
                points[:, 0], points[:, 1], errcheck=True, direction=direction
            )
        except ProjError:
            return None
        moved = np.column_stack([x, y])
        return moved if np.isfinite(moved).all() else None


def inside(bounds: Bounds, area: Bounds) -> bool:
    """Whether a rectangle lies in another; never where it is unknown (NaN)."""
    west, south, east, north = bounds
    return bool(area[0] <= west and area[1] <= south and east <= area[2] and north <= area[3])


def own_degrees(system: System) -> Way:
    """To longitude and latitude on the system's own datum: not storage, but the right place."""
    return _own_degrees(system.crs, system.area)


def ways(system: System, place: Bounds) -> Iterator[Way]:
    """The ways to storage for data at *place* (degrees, on any datum), the best first."""
    own = own_degrees(system)
    if system.base in SAME_NUMBERS:
        yield own
    elif system.datum.lower() not in NEED_LOCAL_SHIFT:
        low, high = np.floor(place[:2]), np.ceil(place[2:])  # whole degrees: asked for once
        near = (*np.maximum(low, WHOLE[:2]).tolist(), *np.minimum(high, WHOLE[2:]).tolist())
        yield from (way for way in _published(system.crs, near) if inside(place, way.area))


@lru_cache(256)
def _own_degrees(crs: pyproj.CRS, area: Bounds) -> Way:
    if crs.is_geographic:
        return Way(operation=RELABELLED, area=area, transformer=None)
    try:
        back = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    except ProjError:  # a family of planes, as EPSG:32600 is
        raise CrsError(f"{crs.name} says not how it is projected") from None
    name = f"Inverse of {crs.name}" if crs.to_epsg() is None else _name(back)
    operation = Operation(name=name, accuracy_m=None, exact=True)
    return Way(operation=operation, area=area, transformer=back)


@lru_cache(256)
def _published(crs: pyproj.CRS, place: Bounds) -> tuple[Way, ...]:
    """PROJ's operations to EPSG:4326 that are no guess."""
    try:
        group = TransformerGroup(
            crs,
            pyproj.CRS.from_epsg(WORLD),
            always_xy=True,
            allow_ballpark=False,
            area_of_interest=AreaOfInterest(*place),
        )
        found = list(group.transformers)
    except (IndexError, ProjError):  # pyproj fails so where PROJ lists no operation at all
        found = []
    return tuple(map(_way, found))


def _way(transformer: pyproj.Transformer) -> Way:
    stated = transformer.accuracy is not None and transformer.accuracy >= 0
    holds = transformer.area_of_use
    operation = Operation(
        name=_name(transformer),
        accuracy_m=float(transformer.accuracy) if stated else None,
        exact=False,
    )
    return Way(
        operation=operation,
        area=WHOLE if holds is None else holds.bounds,
        transformer=transformer,
    )


def _name(transformer: pyproj.Transformer) -> str:
    return str(transformer.description).partition(" (with axis order")[0]
