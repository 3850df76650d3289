"""Rings of surveyed points: closed as their kind of file closes them, vertex by vertex looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.vocabulary import Text
from processes.algorithms.survey_parcels import (
    Fault,
    Finding,
    Points,
    SurveyParcel,
    SurveyRing,
    finding,
)
from processes.algorithms.survey_sentences import of_ring

XY_TOLERANCE_M = 0.0001  # of survey databases: nearer points are one
SHARP_DEG = 10.0  # of survey checks
DEGREE_M = 111_000.0  # of latitude, about
SPIKE_DEG = 0.01  # turns back on itself: 1 mm beside an edge of 6 m
MAX_TOLD = 100  # of one kind in one ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How rings are closed in a kind of file."""

    tolerance_m: float = XY_TOLERANCE_M  # an end so near to its beginning is meant to be it
    implied: bool = False  # the last point need not repeat the first: lists of points
    degrees: bool = False  # coordinates are longitudes and latitudes, not metres of a plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """All rings in one row: whose each is, as it was written, and closed (None: it is open)."""

    owner: tuple[int, ...]
    given: tuple[SurveyRing, ...]
    rings: tuple[Points | None, ...]
    findings: tuple[Finding, ...]


def close_rings(parcels: Sequence[SurveyParcel], closing: Closing) -> Closed:
    """Every ring with its first point at its end, and what had to be said about it.

    Parameters
    ----------
    parcels : sequence of SurveyParcel
        Points as (east, north), all in metres of one plane or all in degrees.
    closing : Closing
        What the kind of file allows, and whether its coordinates are degrees.

    Returns
    -------
    Closed
        A ring of fewer than three different points, and one that is open where
        it may not be, is None and a finding.
    """
    owner: list[int] = []
    given: list[SurveyRing] = []
    rings: list[Points | None] = []
    found: list[Finding] = []
    for place, parcel in enumerate(parcels):
        for ring in parcel.rings:
            points, wrong = _closed(ring, closing)
            owner.append(place)
            given.append(ring)
            rings.append(points)
            if wrong is not None:
                fault, message = wrong
                found.append(
                    finding(
                        fault,
                        of_ring(ring.number, message),
                        parcel=place,
                        of=parcel,
                        ring=ring.number,
                        point=ring.names[-1] if ring.names else None,
                        line=ring.line,
                    )
                )
    return Closed(owner=tuple(owner), given=tuple(given), rings=tuple(rings), findings=tuple(found))


def _closed(ring: SurveyRing, closing: Closing) -> tuple[Points | None, tuple[Fault, Text] | None]:
    points = ring.points
    count = len(points)
    said: tuple[Fault, Text] | None = None
    if count > 1 and (points[0] != points[-1]).any():
        ends = in_metres(points[[0, -1]], degrees=closing.degrees)
        gap = float(np.hypot(*(ends[0] - ends[1])))
        if gap <= closing.tolerance_m:
            points = points.copy()
            points[-1] = points[0]
            message = Text(
                zh=f"终点距起点{gap:.4f}米，已按容差闭合",
                en=f"ends {gap:.4f} m beside its beginning; closed there",
            )
            said = Fault.CLOSED_BY_TOLERANCE, message
        elif closing.implied:
            points = np.concatenate([points, points[:1]])
        else:
            message = Text(
                zh=f"未闭合，终点距起点{gap:.4f}米",
                en=f"is open: its end lies {gap:.4f} m beside its beginning",
            )
            return None, (Fault.UNCLOSED_RING, message)
    if len(points) < 4 or not _encloses(points):
        different = len(np.unique(points, axis=0)) if count else 0
        message = Text(
            zh=f"只有{different}个不同的点，至少3个才能围成面",
            en=f"has {different} different points; at least 3 enclose an area",
        )
        return None, (Fault.TOO_FEW_POINTS, message)
    return points, said


def _encloses(points: Points) -> bool:
    """Whether there are three different points."""
    others = points[(points != points[0]).any(axis=1)]
    return bool(len(others) and (others != others[0]).any())


def in_metres(points: Points, *, degrees: bool) -> Points:
    """Points in metres of a plane of their place, near enough for tolerances; planes stay."""
    if not degrees:
        return points
    east_m = DEGREE_M * np.cos(np.radians(points[:1, 1]))
    return points * np.stack([east_m, np.full_like(east_m, DEGREE_M)], axis=1)


def vertex_findings(
    parcels: Sequence[SurveyParcel], closed: Closed, closing: Closing
) -> Iterator[Finding]:
    """Points that are given twice in a row, spikes and sharp angles, each by its name."""
    usable = [i for i, ring in enumerate(closed.rings) if ring is not None]
    if not usable:
        return
    points = [one for i in usable if (one := closed.rings[i]) is not None]
    sizes = np.array([len(one) - 1 for one in points])
    ring_of = np.repeat(np.arange(len(usable)), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    corner = np.arange(sizes.sum())
    before = corner - 1
    before[starts] += sizes
    edges = np.concatenate(
        [np.diff(in_metres(one, degrees=closing.degrees), axis=0) for one in points]
    )
    angles = _angles(-edges[before], edges)
    short = np.hypot(edges[:, 0], edges[:, 1]) <= XY_TOLERANCE_M
    told: dict[tuple[int, Fault], int] = {}
    for at in np.flatnonzero(short | (angles < SHARP_DEG)).tolist():
        i = usable[int(ring_of[at])]
        ring, place = closed.given[i], int(at - starts[ring_of[at]])
        name = ring.names[place] if place < len(ring.names) else None
        if short[at]:
            fault = Fault.DUPLICATE_POINT
            said = Text(zh="相邻两点重复", en="gives a point twice in a row")
        elif angles[at] < SPIKE_DEG:
            fault = Fault.SPIKE
            said = Text(zh="有折返的尖刺", en="turns back on itself in a spike")
        else:
            fault = Fault.SHARP_ANGLE
            angle = f"{angles[at]:.2f}"
            said = Text(zh=f"有{angle}°的尖锐角", en=f"has an angle of {angle} degrees")
        told[i, fault] = told.get((i, fault), 0) + 1
        if told[i, fault] > MAX_TOLD:
            continue
        parcel = closed.owner[i]
        yield finding(
            fault,
            of_ring(ring.number, said),
            parcel=parcel,
            of=parcels[parcel],
            ring=ring.number,
            point=name or None,
            line=None if ring.line is None else ring.line + place,
        )


def _angles(back: Points, on: Points) -> NDArray[np.float64]:
    """Degrees between the two edges at each corner; not a number where one has no length."""
    cross = np.abs(back[:, 0] * on[:, 1] - back[:, 1] * on[:, 0])
    along = (back * on).sum(axis=1)
    angles: NDArray[np.float64] = np.degrees(np.arctan2(cross, along))
    none = (back == 0).all(axis=1) | (on == 0).all(axis=1)
    return np.where(none, np.nan, angles)
