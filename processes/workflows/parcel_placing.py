"""Parcels from their own numbers to storage, and the plane in which they are measured."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from config.vocabulary import Text
from processes.algorithms.survey_parcels import Fault, Finding, finding
from processes.spec import BodyError, InvalidBody
from processes.workflows.feature_input import BESIDE_ZONE_DEG
from providers.crs import (
    CRS84,
    WORLD,
    Crs,
    from_epsg,
    parse_crs,
    to_plane,
    to_storage,
    zone_of,
)
from providers.crs_errors import Contradiction, CrsError, OutsideArea
from providers.crs_fits import exchanged, fits
from providers.crs_operations import RELABELLED, Operation
from providers.crs_systems import STORAGE, Bounds, area_of_use, recognised, system_of_code
from providers.crs_ways import way_to_storage
from providers.survey_frames import zones_allowed

MAX_EDGE_M = 500.0  # of an overlay; longer ones are cut where they were drawn
MAX_ASTRAY = 500  # parcels that contradict their system one by one; beyond, it is the wrong system
LOCAL_FRAME = (
    "the coordinates fit no zone of CGCS2000 and no degrees in China, likely a local frame"
    " (地方独立坐标系): who keeps it must transform them to CGCS2000"
)

type Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Parcels in storage, how they came there, and which of them could not."""

    stored: Geometries  # longitude, latitude, EPSG:4490; None: not readable
    crs: Crs
    operation: Operation
    findings: tuple[Finding, ...] = ()


def system_asked(
    said: pyproj.CRS | str | None, bounds: Bounds | None, unit: Bounds | None, place: str
) -> tuple[pyproj.CRS | str, str | None]:
    """The system of a file's coordinates, and what is to be said of it.

    Raises
    ------
    InvalidBody
        At *place* where nothing says which: with the zones that fit, in the *unit* if one is given.
    """
    if said is not None or bounds is None:
        return (CRS84.uri if said is None else said), None
    zones = zones_allowed(bounds, unit)
    if [one.code for one in zones] == [STORAGE] and not zones[0].swapped:
        return f"EPSG:{STORAGE}", "it names no reference system; its degrees are read as CGCS2000"
    if zones:
        turned = ", once x and y are exchanged" if zones[0].swapped else ""
        where = "in the unit" if unit is not None else "in China"
        named = ", ".join(
            f"EPSG:{one.code}" + (f" ({one.meridian_deg}°E)" if one.meridian_deg else "")
            for one in zones
        )
        message = f"no zone is stated; expected one of those that fit {where}{turned}: {named}"
    elif unit is not None and (words := fits(bounds)).found:
        message = (
            f"no zone is stated, and none that fits lies in the unit; elsewhere: {words.words}"
        )
    else:
        message = LOCAL_FRAME
    raise InvalidBody([BodyError(place, message)])


def placed(shapes: Geometries, crs: pyproj.CRS | str, place: str) -> Placed:
    """Parcels (x east, y north) in storage; one that contradicts the system is a finding.

    Raises
    ------
    InvalidBody
        At *place* where the system cannot be used, or nothing is in it.
    """
    stored = np.full(len(shapes), None, dtype=object)
    there = np.flatnonzero(~shapely.is_missing(shapes))
    if not len(there):
        return Placed(stored=stored, crs=_known(crs), operation=RELABELLED)
    astray: dict[int, CrsError] = {}
    groups = list(_groups(shapes, there, crs, astray, place))
    if not groups:
        raise InvalidBody([BodyError(place, _told(next(iter(astray.values()))))])
    good = np.concatenate(groups)
    way = way_to_storage(crs, _bounds(shapes[good]))
    stored[good] = way.move(shapes[good])
    found = tuple(_astray(one, shapes[one], crs, why) for one, why in sorted(astray.items()))
    return Placed(
        stored=stored,
        crs=_of_code(way.code),
        operation=way.operation,
        findings=found,
    )


def plane_of(
    crs: Crs, stored: Geometries, configured: str | None, near_deg: float | None = None
) -> Crs | None:
    """The survey zone in which they were given, else the configured plane, else that of most.

    *near_deg* is a longitude to go by where no parcel can be read. None: they lie outside of China.
    """
    if crs.survey_zone:
        return crs
    if configured is not None:
        return parse_crs(configured)
    x0, _, x1, _ = shapely.bounds(stored[~shapely.is_missing(stored)]).T
    zones = Counter(zone for middle in ((x0 + x1) / 2).tolist() if (zone := zone_of(middle)))
    if not zones:
        return None if near_deg is None else zone_of(near_deg)
    return max(zones, key=lambda zone: zones[zone])  # of as many the first


def along_plane(stored: Geometries, crs: Crs) -> Geometries:
    """The same parcels where they were drawn: edges straight in a plane, not in degrees.

    Overlays take edges as straight in degrees, which leaves the line of a plane by its length
    squared: 4 mm at 500 m, 2 m at 10 km. Longer ones are cut in the plane of *crs*.
    """
    if crs.geographic or not len(stored):
        return stored
    drawn = to_plane(stored, crs)
    cut = shapely.segmentize(drawn, MAX_EDGE_M)
    longer = np.flatnonzero(shapely.get_num_coordinates(cut) > shapely.get_num_coordinates(drawn))
    if not len(longer):
        return stored
    turned = cut[longer]
    if crs.north_first:
        turned = shapely.transform(turned, lambda points: points[:, ::-1])
    found = stored.copy()
    found[longer] = to_storage(turned, crs).geometries
    return found


def beside(stored: Geometries, plane: Crs) -> Iterator[Finding]:
    """Parcels too far beside the area of a plane for an area in it to mean anything."""
    west, south, east, north = area_of_use(system_of_code(plane.code).crs, BESIDE_ZONE_DEG)
    x0, y0, x1, y1 = shapely.bounds(stored).T
    far = (x0 < west) | (x1 > east) | (y0 < south) | (y1 > north)  # not where there is none
    for one in np.flatnonzero(far).tolist():
        said = Text(
            zh=f"超出{plane.label}适用范围{BESIDE_ZONE_DEG:g}°以上",
            en=f"lies more than {BESIDE_ZONE_DEG:g}° beside the area of {plane.label}",
        )
        yield finding(Fault.BESIDE_PLANE, said, parcel=one)


def _groups(
    shapes: Geometries,
    there: NDArray[np.int64],
    crs: pyproj.CRS | str,
    astray: dict[int, CrsError],
    place: str,
) -> Iterator[NDArray[np.int64]]:
    """Parcels that lie in the system together; halved until those that do not are alone."""
    waiting = [there]
    while waiting:
        group = waiting.pop()
        try:
            way_to_storage(crs, _bounds(shapes[group])).move(shapes[group])
        except (Contradiction, OutsideArea) as error:
            if len(group) > 1:
                middle = len(group) // 2
                waiting += [group[middle:], group[:middle]]
                continue
            astray[int(group[0])] = error
            if len(astray) > MAX_ASTRAY:
                raise InvalidBody([BodyError(place, _told(error))]) from error
        except CrsError as error:
            raise InvalidBody([BodyError(place, _told(error))]) from error
        else:
            yield group


def _astray(one: int, shape: shapely.Geometry, crs: pyproj.CRS | str, why: CrsError) -> Finding:
    bounds = _bounds(np.array([shape], dtype=object))
    if _fits(crs, exchanged(bounds)):
        fault = Fault.SWAPPED_AXES
        said = Text(zh="坐标轴次序颠倒", en="gives its axes the other way round")
    elif fits(bounds).found:
        fault = Fault.WRONG_ZONE
        said = Text(zh="不在所注的坐标参考系内", en="does not lie in the system that is stated")
    else:
        fault = Fault.NO_ZONE_FITS
        said = Text(
            zh="不落在任何投影带内，可能为地方独立坐标系",
            en="fits no zone: likely a local frame (地方独立坐标系)",
        )
    reason = _told(why)
    told = Text(zh=f"{said.zh}：{reason}", en=f"{said.en}: {reason}")
    return finding(fault, told, parcel=one, error=True)


def lies_exchanged(shapes: Geometries, crs: pyproj.CRS | str) -> bool:
    """Whether shapes (x east, y north) would lie in a system once x and y are exchanged."""
    there = shapes[~shapely.is_missing(shapes)]
    return len(there) > 0 and _fits(crs, exchanged(_bounds(there)))


def _fits(crs: pyproj.CRS | str, bounds: Bounds) -> bool:
    try:
        way_to_storage(crs, bounds)
    except CrsError:
        return False
    return True


def _known(crs: pyproj.CRS | str) -> Crs:
    """The system by its code; where it has none, as what came to storage."""
    try:
        if isinstance(crs, str):
            return parse_crs(crs)
        code = recognised(crs).code
    except CrsError:
        return CRS84
    return _of_code(code)


def _of_code(code: int | None) -> Crs:
    return CRS84 if code in (None, WORLD) else from_epsg(code)


def _told(error: CrsError) -> str:
    """The message in one line, without what only a command line has."""
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    text = "; ".join(lines).replace(". Say which with --srs EPSG:CODE", "")
    return text.replace(": --srs EPSG:4490 would fit", " (EPSG:4490)")


def _bounds(shapes: Sequence[shapely.Geometry] | Geometries) -> Bounds:
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west, south, east, north
