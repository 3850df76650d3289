"""Whether parcels that surveyors hand over are polygons: every fault of every parcel, by its place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from config.vocabulary import Text
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.survey_parcels import (
    Fault,
    Finding,
    Points,
    SurveyParcel,
    SurveyRing,
    finding,
)
from processes.algorithms.survey_rings import Closed, Closing, close_rings, vertex_findings
from processes.algorithms.survey_sentences import WITHOUT_POINTS, of_ring, validity

HA_M2 = 10_000.0
# 国土 filing: what the text declares against the area in its own plane.
AREA_TOLERANCE_HA, AREA_TOLERANCE_SHARE = 0.0001, 0.001
CROSSING = Text(zh="自相交或自相接", en="crosses or touches itself")
OVERLAPPING_RINGS = Text(zh="各圈重叠", en="its rings overlap")
PLACE = re.compile(r"\[(\S+) (\S+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedParcels:
    """A polygon per parcel, in the file's numbers; None where a fault keeps it from being read."""

    geometries: NDArray[np.object_]
    findings: tuple[Finding, ...]


def check_parcels(
    parcels: Sequence[SurveyParcel], closing: Closing, faulty: frozenset[int] = frozenset()
) -> CheckedParcels:
    """The polygons of parcels, and what is wrong with those that are none.

    Parameters
    ----------
    parcels : sequence of SurveyParcel
        Points as (east, north), all in metres of one plane or all in degrees.
    closing : Closing
        How the rings of this kind of file are closed, and whether its coordinates
        are degrees: then a declared area is compared with that on the ellipsoid.
    faulty : frozenset of int
        Positions of parcels that are known not to be readable; they are looked
        at all the same, so that all their faults are told at once.

    Returns
    -------
    CheckedParcels
        One geometry per parcel. Nothing is repaired: a crossing ring, a hole
        outside of its shell, a ring given twice leave the parcel without
        geometry, and say so.

    Examples
    --------
    >>> tie = np.array([[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]], dtype=float)
    >>> ring = SurveyRing(number=1, names=("J1", "J2", "J3", "J4", "J1"), points=tie)
    >>> found = check_parcels([SurveyParcel(rings=(ring,))], Closing())
    >>> found.geometries.tolist(), found.findings[0].fault.value
    ([None], 'self_crossing')
    """
    found: list[Finding] = list(_empty(parcels))
    closed = close_rings(parcels, closing)
    found += closed.findings
    found += vertex_findings(parcels, closed, closing)
    polygons = _ring_polygons(closed)
    found += _crossings(parcels, closed, polygons, frozenset(_spiked(found)))
    bad = {one.parcel for one in found if one.error} | faulty
    geometries = np.full(len(parcels), None, dtype=object)
    for place, rings in _by_parcel(closed):
        if place in bad:
            continue
        shape, wrong = _assembled(parcels[place], place, closed, rings, polygons)
        found += wrong
        if not any(one.error for one in wrong):
            geometries[place] = shape
    found += repeated_parcels(parcels, geometries)
    differing = _areas(parcels, geometries, degrees=closing.degrees)
    geometries[[one.parcel for one in differing if one.parcel is not None]] = None
    found += differing
    found.sort(key=lambda one: (-1 if one.parcel is None else one.parcel, not one.error))
    return CheckedParcels(geometries=geometries, findings=tuple(found))


def _empty(parcels: Sequence[SurveyParcel]) -> Iterator[Finding]:
    for place, one in enumerate(parcels):
        if one.shape != "面":
            said = Text(
                zh=f"是“{one.shape}”，只读取面", en=f"is a {one.shape!r}; only areas (面) are read"
            )
            yield finding(Fault.NOT_AN_AREA, said, parcel=place, of=one, shape=one.shape)
        elif not one.rings:
            yield finding(Fault.NO_POINTS, WITHOUT_POINTS, parcel=place, of=one)


def _ring_polygons(closed: Closed) -> NDArray[np.object_]:
    """A polygon of each ring alone; None where the ring is none."""
    polygons = np.full(len(closed.rings), None, dtype=object)
    usable = [i for i, ring in enumerate(closed.rings) if ring is not None and len(ring) >= 4]
    if usable:
        points = [ring for i in usable if (ring := closed.rings[i]) is not None]
        owner = np.repeat(np.arange(len(usable)), [len(one) for one in points])
        polygons[usable] = shapely.polygons(
            shapely.linearrings(np.concatenate(points), indices=owner)
        )
    return polygons


def _spiked(found: Sequence[Finding]) -> Iterator[tuple[int | None, int | None]]:
    return ((one.parcel, one.ring) for one in found if one.fault is Fault.SPIKE)


def _crossings(
    parcels: Sequence[SurveyParcel],
    closed: Closed,
    polygons: NDArray[np.object_],
    told: frozenset[tuple[int | None, int | None]],
) -> Iterator[Finding]:
    wrong = np.flatnonzero(~shapely.is_valid(polygons) & ~shapely.is_missing(polygons))
    for place in wrong.tolist():
        parcel, ring = closed.owner[place], closed.given[place]
        if (parcel, ring.number) in told:
            continue
        reason = str(shapely.is_valid_reason(polygons[place]))
        where = PLACE.search(reason)
        point = None
        if where is not None:
            point = _nearest(ring, np.array([float(where[1]), float(where[2])]))
        yield finding(
            Fault.SELF_CROSSING,
            of_ring(ring.number, validity(CROSSING, reason)),
            parcel=parcel,
            of=parcels[parcel],
            ring=ring.number,
            point=point,
        )


def _by_parcel(closed: Closed) -> Iterator[tuple[int, list[int]]]:
    rings: dict[int, list[int]] = {}
    for place, parcel in enumerate(closed.owner):
        rings.setdefault(parcel, []).append(place)
    yield from rings.items()


def _assembled(
    parcel: SurveyParcel,
    place: int,
    closed: Closed,
    rings: Sequence[int],
    polygons: NDArray[np.object_],
) -> tuple[shapely.Geometry, list[Finding]]:
    """Shell and holes as one polygon; what is wrong with how they lie."""
    shell = next((i for i in rings if closed.given[i].number == 1), rings[0])
    holes = [i for i in rings if i != shell]
    if not holes:
        return polygons[shell], []
    wrong: list[Finding] = []
    seen: dict[bytes, int] = {}
    for i in rings:
        number = closed.given[i].number
        first = seen.setdefault(shapely.normalize(polygons[i]).wkb, number)
        if first != number:
            said = of_ring(number, Text(zh=f"与第{first}圈重复", en=f"is ring {first} once more"))
            wrong.append(finding(Fault.DUPLICATE_RING, said, parcel=place, of=parcel, ring=number))
    whole = shapely.Polygon(closed.rings[shell], [closed.rings[i] for i in holes])
    if not wrong and not shapely.is_valid(whole):
        wrong.append(_misplaced(parcel, place, closed, shell, holes, polygons, whole))
    return whole, wrong


def _misplaced(
    parcel: SurveyParcel,
    place: int,
    closed: Closed,
    shell: int,
    holes: Sequence[int],
    polygons: NDArray[np.object_],
    whole: shapely.Geometry,
) -> Finding:
    shapely.prepare(polygons[shell])  # it may have many points, and many holes to look for
    outside = np.flatnonzero(~shapely.covers(polygons[shell], polygons[list(holes)]))
    if len(outside):
        number = closed.given[holes[outside[0]]].number
        outer = closed.given[shell].number
        said = Text(
            zh=f"内圈（第{number}圈）不在第{outer}圈之内",
            en=f"its hole, ring {number}, does not lie inside of ring {outer}",
        )
        return finding(Fault.WRONG_NESTING, said, parcel=place, of=parcel, ring=number)
    said = validity(OVERLAPPING_RINGS, str(shapely.is_valid_reason(whole)))
    return finding(Fault.WRONG_NESTING, said, parcel=place, of=parcel)


def repeated_parcels(
    parcels: Sequence[SurveyParcel], geometries: NDArray[np.object_]
) -> Iterator[Finding]:
    """Parcels that are an earlier one once more."""
    seen: dict[bytes, int] = {}
    there = np.flatnonzero(~shapely.is_missing(geometries)).tolist()
    for place, wkb in zip(there, shapely.to_wkb(shapely.normalize(geometries[there])), strict=True):
        first = seen.setdefault(wkb, place)
        if first != place:
            said = Text(zh=f"与地块{first + 1}重复", en=f"is parcel {first + 1} once more")
            yield finding(
                Fault.DUPLICATE_PARCEL, said, parcel=place, of=parcels[place], first=first + 1
            )


def _areas(
    parcels: Sequence[SurveyParcel], geometries: NDArray[np.object_], *, degrees: bool
) -> list[Finding]:
    found = []
    told = [
        place
        for place, one in enumerate(parcels)
        if one.declared_ha is not None and geometries[place] is not None
    ]
    areas_m2 = (ellipsoid_area_m2 if degrees else shapely.area)(geometries[told])
    surface = (
        Text(zh="椭球面积", en="on the ellipsoid")
        if degrees
        else Text(zh="平面面积", en="in their plane")
    )
    for place, area_m2 in zip(told, areas_m2.tolist(), strict=True):
        one = parcels[place]
        declared_ha, measured = one.declared_ha or 0.0, area_m2 / HA_M2
        allowed = AREA_TOLERANCE_HA + AREA_TOLERANCE_SHARE * declared_ha
        if abs(measured - declared_ha) > allowed:
            found.append(
                finding(
                    Fault.AREA_DIFFERS,
                    Text(
                        zh=f"申报{declared_ha:.4f}公顷，界址点所围{surface.zh}{measured:.4f}公顷，"
                        f"相差超过{allowed:.4f}公顷",
                        en=f"declares {declared_ha:.4f} ha; its points enclose {measured:.4f} ha"
                        f" {surface.en}, more than {allowed:.4f} ha off",
                    ),
                    parcel=place,
                    of=one,
                    declared_ha=declared_ha,
                    planar_ha=None if degrees else round(measured, 6),
                    ellipsoid_ha=round(measured, 6) if degrees else None,
                )
            )
    return found


def _nearest(ring: SurveyRing, place: Points) -> str | None:
    if not ring.names:
        return None
    return ring.names[int(np.argmin(((ring.points - place) ** 2).sum(axis=1)))] or None
