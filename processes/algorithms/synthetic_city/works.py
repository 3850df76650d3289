"""What a city holds beside its plan: street lines, a nature reserve, an airport, projects."""

from dataclasses import dataclass

import numpy as np
import shapely

from processes.algorithms.synthetic_city.city import SyntheticCity
from processes.algorithms.synthetic_city.classes import Codes, Use, is_cultivated
from processes.algorithms.synthetic_city.convex import Flags, Floats, Ints
from processes.algorithms.synthetic_city.coverage import Geometries, dissolve
from processes.algorithms.synthetic_city.plane import Plane
from processes.algorithms.synthetic_city.plans import Line

CORE, GENERAL = 1, 2  # control zones of a reserve
# Obstacle limits after the usual form of ICAO Annex 14, runway code 4: a level surface 45 m above
# the aerodrome within 4 km, then a cone that rises by 5 % for 2 km.
LEVEL_RADIUS_M, LEVEL_HEIGHT_M = 4_000.0, 45.0
CONE_STEPS, CONE_STEP_M, CONE_SLOPE = 5, 400.0, 0.05
PERMITTED_EVERY, PENDING_EVERY = 40, 10
PLOTS_PER_PROJECT = 6
# Second-level zones inside the concentrated construction zone, by what most of a district is for.
INNER_ZONE = {
    "07": "411", "08": "412", "09": "413", "10": "414", "11": "415", "14": "416", "16": "418",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetLines:
    """Outlines of the built-up streets (道路红线), one closed line per ring."""

    lines: Geometries  # degrees
    parcel: Ints  # a street parcel that the line runs along
    outer: Flags  # the outside of a street network; else round a block


@dataclass(frozen=True, slots=True, kw_only=True)
class ObstacleSurfaces:
    """Rings about an airport, none over another, and the height above the aerodrome each allows."""

    rings: Geometries  # degrees
    height_m: Floats  # the least within the ring


def street_lines(city: SyntheticCity) -> StreetLines:
    """The lines between built-up streets and what lies beside them.

    Parameters
    ----------
    city : SyntheticCity
        Streets are the parcels planned as such inside the growth boundary.

    Returns
    -------
    StreetLines
        Lines on the vertices of the parcels; no line crosses a parcel. Empty without streets.

    Examples
    --------
    >>> from processes.algorithms.synthetic_city import generate
    >>> city = generate((125.315, 43.88), shapely.box(125.3, 43.87, 125.33, 43.89),
    ...                 parcels=200, seed=1)
    >>> streets = street_lines(city)
    >>> bool(shapely.is_closed(streets.lines).all()), len(streets.lines) == len(streets.parcel)
    (True, True)
    """
    street = (city.planned_use == Use.STREET.value) & (city.line == Line.BOUNDARY)
    label = np.where(street, 0, -1)
    networks, _ = dissolve(city.parcels, label)
    rings, network = shapely.get_rings(networks, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    lines = shapely.linestrings(points, indices=ring)
    streets = np.flatnonzero(street)
    tree = shapely.STRtree(city.parcels[streets])
    first = shapely.points(shapely.get_coordinates(shapely.get_point(rings, 0)))
    line, beside = tree.query(first, predicate="intersects")
    nearest = np.zeros(len(rings), dtype=np.int64)
    nearest[line[::-1]] = streets[beside[::-1]]
    outer = np.diff(network, prepend=-1) != 0
    return StreetLines(lines=np.asarray(lines), parcel=nearest, outer=outer)


def inner_zones(city: SyntheticCity) -> Codes:
    """Planning zones with the second level (411 to 418) inside the concentrated construction zone.

    Parameters
    ----------
    city : SyntheticCity

    Returns
    -------
    ndarray of str, shape (parcels,)
        The zone of each parcel; one second-level zone per district, that of the planned classes
        with the largest area there. A district without such classes keeps 410.

    Examples
    --------
    >>> from processes.algorithms.synthetic_city import generate
    >>> city = generate((125.315, 43.88), shapely.box(125.3, 43.87, 125.33, 43.89),
    ...                 parcels=200, seed=1)
    >>> bool((inner_zones(city)[city.zone != "410"] == city.zone[city.zone != "410"]).all())
    True
    """
    zone = city.zone.copy()
    groups = np.array([code[:2] for code in city.planned_use.tolist()])
    inside = zone == "410"
    size = np.zeros((int(city.district.max()) + 1, len(INNER_ZONE)))
    area = shapely.area(city.parcels)  # of degrees: compared within one district only
    for column, group in enumerate(INNER_ZONE):
        chosen = inside & (groups == group)
        size[:, column] = np.bincount(city.district[chosen], area[chosen], minlength=len(size))
    largest = np.array(list(INNER_ZONE.values()))[size.argmax(axis=1)]
    known = inside & size.any(axis=1)[city.district]
    zone[known] = largest[city.district[known]]
    return zone


def reserve_zones(city: SyntheticCity) -> Ints:
    """The control zone of a nature reserve in the largest red-lined wood.

    Parameters
    ----------
    city : SyntheticCity

    Returns
    -------
    ndarray of int, shape (parcels,)
        CORE for the wood itself, GENERAL for the other land outside the growth boundary and the
        farmland in its districts, 0 elsewhere. All 0 where no wood has a red line.

    Examples
    --------
    >>> from processes.algorithms.synthetic_city import generate
    >>> city = generate((125.315, 43.88), shapely.box(125.3, 43.87, 125.33, 43.89),
    ...                 parcels=200, seed=1)
    >>> sorted(set(reserve_zones(city).tolist())) in ([0], [0, 1], [0, 1, 2])
    True
    """
    zone = np.zeros(len(city.parcels), dtype=np.int64)
    wood = (city.line == Line.REDLINE) & ~np.char.startswith(city.use, "17")
    parts, _ = dissolve(city.parcels, np.where(wood, city.division, -1))
    if not len(parts):
        return zone
    largest = parts[int(np.argmax(shapely.area(parts)))]
    woods = np.flatnonzero(wood)
    inner = shapely.point_on_surface(city.parcels[woods])
    core = woods[shapely.STRtree(inner).query(largest, predicate="intersects")]
    around = np.isin(city.district, city.district[core])
    around &= np.isin(city.division, city.division[core])
    zone[around & np.isin(city.line, [Line.NONE, Line.REDLINE])] = GENERAL
    zone[core] = CORE
    return zone


def obstacle_surfaces(lon: float, lat: float) -> ObstacleSurfaces:
    """Obstacle limitation surfaces of an airport, as level rings (机场净空限制面).

    Parameters
    ----------
    lon, lat : float
        The aerodrome, degrees, EPSG:4490.

    Returns
    -------
    ObstacleSurfaces
        The level surface and the steps of the cone; a step allows the height of its inner edge.

    Raises
    ------
    ValueError
        If the place is not in longitude and latitude.

    Examples
    --------
    >>> surfaces = obstacle_surfaces(125.4, 43.9)
    >>> surfaces.height_m.tolist()
    [45.0, 45.0, 65.0, 85.0, 105.0, 125.0]
    """
    radii = LEVEL_RADIUS_M + CONE_STEP_M * np.arange(CONE_STEPS + 1)
    discs = shapely.buffer(shapely.Point(0, 0), radii, quad_segs=24)
    rings = np.concatenate((discs[:1], shapely.difference(discs[1:], discs[:-1])))
    height = LEVEL_HEIGHT_M + CONE_SLOPE * CONE_STEP_M * np.arange(CONE_STEPS)
    return ObstacleSurfaces(
        rings=Plane.at(lon, lat).degrees(rings),
        height_m=np.concatenate(([LEVEL_HEIGHT_M], height)),
    )


def converted(city: SyntheticCity) -> tuple[Ints, Ints]:
    """Parcels that were built on in the second survey year, and the project of each.

    Parameters
    ----------
    city : SyntheticCity

    Returns
    -------
    parcel, project : ndarray of int
        In order of project, numbered from 0; a project has up to PLOTS_PER_PROJECT parcels of one
        district and division.

    Examples
    --------
    >>> from processes.algorithms.synthetic_city import generate
    >>> city = generate((125.315, 43.88), shapely.box(125.3, 43.87, 125.33, 43.89),
    ...                 parcels=200, seed=1)
    >>> parcel, project = converted(city)
    >>> bool((city.use[parcel] != city.next_use[parcel]).all()), int(project[0])
    (True, 0)
    """
    parcel = np.flatnonzero(city.use != city.next_use)
    parcel = parcel[np.lexsort((parcel, city.district[parcel], city.division[parcel]))]
    place = np.column_stack((city.division[parcel], city.district[parcel]))
    _, where, rank = np.unique(place, axis=0, return_index=True, return_inverse=True)
    within = np.arange(len(parcel)) - where[rank]
    fresh = within % PLOTS_PER_PROJECT == 0
    return parcel, np.cumsum(fresh) - 1


def permitted(city: SyntheticCity) -> Ints:
    """Which plots of the detailed plan have a permit: indices into `city.plots`.

    Parameters
    ----------
    city : SyntheticCity

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> from processes.algorithms.synthetic_city import generate
    >>> city = generate((125.315, 43.88), shapely.box(125.3, 43.87, 125.33, 43.89),
    ...                 parcels=200, seed=1)
    >>> bool((permitted(city) < len(city.plots)).all())
    True
    """
    return np.arange(0, len(city.plots), PERMITTED_EVERY)


def pending(city: SyntheticCity) -> Ints:
    """Fields inside the growth boundary whose conversion is asked for and not yet approved.

    Parameters
    ----------
    city : SyntheticCity

    Returns
    -------
    ndarray of int
        Parcels; none of those that `converted` names.

    Examples
    --------
    >>> from processes.algorithms.synthetic_city import generate
    >>> city = generate((125.315, 43.88), shapely.box(125.3, 43.87, 125.33, 43.89),
    ...                 parcels=200, seed=1)
    >>> bool((city.use[pending(city)] == city.next_use[pending(city)]).all())
    True
    """
    field = (city.line == Line.BOUNDARY) & is_cultivated(city.use) & (city.use == city.next_use)
    return np.flatnonzero(field)[::PENDING_EVERY]
