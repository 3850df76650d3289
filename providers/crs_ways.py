"""How a file's coordinates come to storage: chosen once per file, contradictions refused.

Vector files give x to the east and y to the north, whatever axis order the registry has. A plane
on the CGCS2000 datum is projected back, with any parameters; WGS 84 is relabelled; every other
datum goes to EPSG:4326 by PROJ's best published operation (`crs` says why). What the numbers
contradict is refused with what was found, what was expected, and what would fit.
"""

import re
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from providers.crs import NAMES
from providers.crs_errors import Contradiction, MissingCrs, NoOperation, OutsideArea, UnknownCrs
from providers.crs_fits import REACH_M, Fit, exchanged, fits, meets, zone_numbers
from providers.crs_operations import Operation, Way, inside, own_degrees, ways
from providers.crs_systems import (
    CHINA,
    SAME_NUMBERS,
    WHOLE,
    Bounds,
    System,
    area_of_use,
    recognised,
)

__all__ = [
    "Contradiction",
    "MissingCrs",
    "NoOperation",
    "StorageWay",
    "missing_crs",
    "way_to_storage",
]

AUTHORITY_CODE = re.compile(r"(?:EPSG:)?([1-9][0-9]{3,5})", re.ASCII | re.IGNORECASE)
FULL_CIRCLE_DEG = 360.0  # numbers up to it are shown as degrees
CHOOSE = "Say which with --srs EPSG:CODE"
# Two drawings of one region agree better; the wrong central meridian is 3 degrees off.
BESIDE_REGION_DEG = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageWay:
    """From a file's coordinates (x east, y north) to longitude and latitude, EPSG:4490."""

    crs_label: str
    code: int | None  # EPSG
    area: Bounds  # where results may lie, degrees
    way: Way

    @property
    def operation(self) -> Operation:
        """How, for the report."""
        return self.way.operation

    def move(self, geometries: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries as they are stored; None and coordinates that are not finite stay.

        Raises
        ------
        OutsideArea
            Some lie where the reference system is not used.
        """
        moved = self.way.there(geometries)
        if moved is None or not _within(moved, self.area):
            raise OutsideArea(f"some coordinates lie outside the area of {self.crs_label}")
        return moved


def way_to_storage(
    crs: pyproj.CRS | str, bounds: Bounds, region: Bounds | None = None
) -> StorageWay:
    """The way for a file in *crs* whose coordinates have these *bounds* (x east, y north).

    Parameters
    ----------
    crs : pyproj.CRS or str
        As the file has it, or an EPSG code, URI, URN or WKT.
    bounds : tuple of float
        The smallest x and y and the largest x and y of all coordinates, in the file's numbers.
    region : tuple of float, optional
        Where the data have to lie: west, south, east, north in degrees, EPSG:4490.

    Raises
    ------
    UnknownCrs, MissingCrs, CrsError
        *crs* tells no place on the earth, or counts in units that are not taken.
    Contradiction
        *crs* and *bounds* (or *region*) cannot both be right.
    NoOperation
        Only a guess leads to storage.
    """
    if not (np.isfinite(bounds).all() and bounds[0] <= bounds[2] and bounds[1] <= bounds[3]):
        raise Contradiction(f"the coordinates have no bounds that are finite numbers: {bounds}")
    try:
        system = recognised(_parsed(crs))
    except MissingCrs as error:
        raise MissingCrs(f"{error}; would fit: {_hint(bounds, region)}") from None
    own = own_degrees(system)
    place = own.place(bounds)
    found = _contradiction(system, bounds, place)
    if found is not None or place is None:
        raise _refusal(system, bounds, region, found or "they lie nowhere in it")
    chosen = next(ways(system, place), None)
    if chosen is None:
        raise NoOperation(system.label, system.datum)
    if region is not None and not meets(chosen.place(bounds) or place, _widened(region)):
        raise _refusal(
            system,
            bounds,
            region,
            f"they would lie at {_degrees(place)}, outside the region ({_degrees(region)})",
        )
    return StorageWay(
        crs_label=system.label, code=system.code, area=_clipped(system.area), way=chosen
    )


def missing_crs(bounds: Bounds, region: Bounds | None = None) -> MissingCrs:
    """What to say of a file without a reference system: what its numbers could be."""
    return MissingCrs(f"the file names no reference system; would fit: {_hint(bounds, region)}")


def _parsed(crs: pyproj.CRS | str) -> pyproj.CRS:
    if isinstance(crs, pyproj.CRS):
        return crs
    text = crs.strip()
    if (match := AUTHORITY_CODE.fullmatch(text) or NAMES.fullmatch(text)) is not None:
        text = f"EPSG:{match[1]}"
    elif text.upper().endswith(("CRS:CRS84", "OGC:1.3:CRS84", "OGC/1.3/CRS84", "OGC:CRS84")):
        text = "OGC:CRS84"
    elif not text.startswith("{") and "[" not in text:  # PROJ would take a name for what is like it
        raise UnknownCrs(crs)
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError:
        raise UnknownCrs(crs) from None


def _contradiction(system: System, bounds: Bounds, place: Bounds | None) -> str | None:
    """What speaks against the system; None: nothing."""
    degrees = inside(bounds, WHOLE)
    if system.geographic:
        if not degrees and not inside(exchanged(bounds), WHOLE):
            return "they are no degrees"
        own_area = CHINA if system.base in SAME_NUMBERS else system.area
        if not degrees or (inside(exchanged(bounds), CHINA) and not inside(bounds, own_area)):
            return "latitude comes before longitude"
    elif degrees and (
        # a plane with its origin in its city has such numbers, but not where x is a longitude there
        place is None or not inside(place, system.area) or inside(bounds, system.area)
    ):
        return "they are degrees"
    if place is not None and inside(place, system.area):
        return None
    if (number := _wrong_number(system, bounds)) is not None:
        return number
    if _turned(system, bounds):
        return "latitude comes before longitude" if system.geographic else "northing comes first"
    if place is None:
        return "they lie nowhere in it"
    return f"they would lie at {_degrees(place)}"


def _turned(system: System, bounds: Bounds) -> bool:
    """Whether the system fits once x and y are exchanged."""
    place = own_degrees(system).place(exchanged(bounds))
    area = CHINA if system.geographic and system.base in SAME_NUMBERS else system.area
    return place is not None and inside(place, area)


def _wrong_number(system: System, bounds: Bounds) -> str | None:
    """What is wrong with the zone number in front of the eastings."""
    if system.zone is None:
        return None
    own, found = system.zone.number, zone_numbers(bounds)
    if found is None:
        plain = own is not None and any(fit.zone is None for fit in _given(bounds))
        return f"the eastings have no zone number {own} in front" if plain else None
    if found[0] != found[1]:
        return f"the eastings begin with {found[0]} to {found[1]}: more than one zone in one file"
    if own is None:
        return f"the eastings have the zone number {found[0]} in front"
    return None if own == found[0] else f"the eastings have the zone number {found[0]}, not {own}"


def _given(bounds: Bounds) -> tuple[Fit, ...]:
    found = fits(bounds)
    return () if found.swapped else found.found


def _refusal(system: System, bounds: Bounds, region: Bounds | None, found: str) -> Contradiction:
    west, south, east, north = bounds
    digits = 4 if max(map(abs, bounds)) <= FULL_CIRCLE_DEG else 0
    return Contradiction(
        f"the coordinates contradict {system.label}: {found}\n"
        f"  found:     x {west:,.{digits}f} to {east:,.{digits}f},"
        f" y {south:,.{digits}f} to {north:,.{digits}f}\n"
        f"  expected:  {_expected(system)}\n"
        f"  would fit: {_hint(bounds, region, system)}"
    )


def _expected(system: System) -> str:
    if system.geographic:
        used = "" if system.base in SAME_NUMBERS else f" within {_degrees(system.area)}"
        return f"longitude as x, latitude as y, in degrees{used}"
    unit = str(system.crs.axis_info[0].unit_name).replace("metre", "metres")
    if system.zone is None:
        plane = own_degrees(system).plane(area_of_use(system.crs, 0.0))
        if plane is None:
            return f"x easting, y northing, in {unit}"
        west, south, east, north = plane
        return (
            f"x easting of {west:,.0f} to {east:,.0f}, y northing of {south:,.0f} to {north:,.0f},"
            f" in {unit}"
        )
    middle, number = system.zone.false_easting_m, system.zone.number
    front = "no zone number" if number is None else f"zone number {number}"
    return (
        f"x easting of about {middle - REACH_M:,.0f} to {middle + REACH_M:,.0f}"
        f" ({front} in front), y northing, in {unit}"
    )


def _hint(bounds: Bounds, region: Bounds | None, system: System | None = None) -> str:
    """What would fit, in words."""
    degrees, zones = inside(bounds, WHOLE), zone_numbers(bounds)
    if system is not None and degrees <= system.geographic and _turned(system, bounds):
        return f"{system.label} once x and y are exchanged: files give easting or longitude as x"
    found = fits(bounds, region)
    if found.found:
        if system is not None and system.zone is not None and system.zone.number is not None:
            for fit in found.found:
                if fit.zone is None and fit.meridian_deg == system.zone.meridian_deg:
                    return f"the same zone without its number, EPSG:{fit.code}. {CHOOSE}"
        return found.words if degrees or found.swapped else f"{found.words}. {CHOOSE}"
    if region is not None and fits(bounds).found:
        return "nothing that lies in the region; is it the right one?"
    if degrees:
        return f"degrees outside China, as EPSG:4326. {CHOOSE}"
    if zones is not None and zones[0] != zones[1]:
        return f"each of the zones {zones[0]} to {zones[1]} by itself, in a file of its own"
    return found.words


def _degrees(place: Bounds) -> str:
    west, south, east, north = place
    return f"{west:.2f} to {east:.2f}°E, {south:.2f} to {north:.2f}°N"


def _widened(area: Bounds) -> Bounds:
    west, south, east, north = area
    margin = BESIDE_REGION_DEG
    return west - margin, south - margin, east + margin, north + margin


def _clipped(area: Bounds) -> Bounds:
    west, south, east, north = area
    return max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0)


def _within(geometries: NDArray[np.object_], area: Bounds) -> bool:
    """Whether all that has a place lies in the area."""
    if not len(geometries):
        return True
    west, south, east, north = shapely.total_bounds(geometries).tolist()
    return bool(np.isnan(west)) or inside((west, south, east, north), area)
