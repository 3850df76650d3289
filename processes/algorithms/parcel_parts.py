"""Parcels of any number of parts: looked at part by part, put together again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from config.vocabulary import Text
from processes.algorithms.survey_checks import CheckedParcels, check_parcels, repeated_parcels
from processes.algorithms.survey_parcels import Fault, Finding, SurveyParcel, SurveyRing, finding
from processes.algorithms.survey_rings import Closing
from processes.algorithms.survey_sentences import WITHOUT_GEOMETRY, WITHOUT_POINTS, validity

OVERLAPPING_PARTS = Text(zh="各部分重叠", en="its parts overlap")
POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenParcel:
    """A parcel as it was handed over: polygons, each a shell with its holes."""

    parts: tuple[SurveyParcel, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    id: str | int | None = None
    place: str | None = None  # JSON pointer of its geometry, in a document
    findings: tuple[Finding, ...] = ()  # of reading it

    @property
    def points(self) -> int:
        """How many points its rings have, closing ones counted."""
        return sum(part.points for part in self.parts)


def check_given(parcels: Sequence[GivenParcel], closing: Closing) -> CheckedParcels:
    """The geometries of parcels, and everything that is wrong with each.

    Parameters
    ----------
    parcels : sequence of GivenParcel
        Points as (east, north), all in metres of one plane or all in degrees.
    closing : Closing
        How rings are closed, and whether coordinates are degrees.

    Returns
    -------
    CheckedParcels
        A Polygon or MultiPolygon per parcel, None where an error keeps it from
        being read; nothing is repaired. Parts that overlap are an error.

    Examples
    --------
    >>> box = shapely.box(0, 0, 1, 1)
    >>> twice = GivenParcel(parts=parts_of(shapely.MultiPolygon([box, box])))
    >>> found = check_given([GivenParcel(parts=parts_of(box)), twice], Closing())
    >>> found.geometries[0].area, found.geometries[1], found.findings[0].fault.value
    (1.0, None, 'wrong_nesting')
    """
    owner = [place for place, one in enumerate(parcels) for _ in one.parts]
    flat = [part for one in parcels for part in one.parts]
    checked = check_parcels(flat, closing)
    found: list[Finding] = []
    for place, one in enumerate(parcels):
        found += (replace(each, parcel=place) for each in _of_reading(one))
    found += (
        replace(each, parcel=owner[each.parcel])
        for each in checked.findings
        if each.parcel is not None and each.fault is not Fault.DUPLICATE_PARCEL
    )
    bad = {one.parcel for one in found if one.error}
    geometries = np.full(len(parcels), None, dtype=object)
    held: dict[int, list[shapely.Geometry]] = {}
    for place, shape in zip(owner, checked.geometries, strict=True):
        held.setdefault(place, []).append(shape)
    for place, shapes in held.items():
        if place in bad:
            continue
        whole = shapes[0] if len(shapes) == 1 else shapely.multipolygons(shapes)
        if len(shapes) > 1 and not shapely.is_valid(whole):
            said = validity(OVERLAPPING_PARTS, str(shapely.is_valid_reason(whole)))
            found.append(finding(Fault.WRONG_NESTING, said, parcel=place))
        else:
            geometries[place] = whole
    found += repeated_parcels([_of(one) for one in parcels], geometries)
    found.sort(key=lambda one: (-1 if one.parcel is None else one.parcel, not one.error))
    return CheckedParcels(geometries=geometries, findings=tuple(found))


def parts_of(geometry: shapely.Geometry) -> tuple[SurveyParcel, ...]:
    """The polygons of a geometry, ring by ring; points named by their place from 1 on."""
    return tuple(
        SurveyParcel(rings=tuple(_rings(polygon)))
        for polygon in shapely.get_parts(geometry)
        if not polygon.is_empty
    )


def given_shape(
    geometry: BaseGeometry | None,
    properties: Mapping[str, Any],
    name: str | int | None,
    unreadable: str | None = None,
) -> GivenParcel:
    """A feature as a parcel; what is no area says so."""
    if unreadable is not None:
        said = Text(zh=f"图形无法读取：{unreadable}", en=unreadable)
        wrong = finding(Fault.UNREADABLE_GEOMETRY, said)
    elif geometry is None or geometry.is_empty:
        wrong = finding(Fault.NO_POINTS, WITHOUT_GEOMETRY)
    elif geometry.geom_type not in POLYGONS:
        said = Text(
            zh=f"是{geometry.geom_type}，只读取面",
            en=f"is a {geometry.geom_type}; only areas (面) are read",
        )
        wrong = finding(Fault.NOT_AN_AREA, said, shape=geometry.geom_type)
    else:
        return GivenParcel(parts=parts_of(geometry), properties=properties, id=name)
    return GivenParcel(properties=properties, id=name, findings=(wrong,))


def _of_reading(one: GivenParcel) -> Iterator[Finding]:
    yield from one.findings
    if not one.parts and not any(each.error for each in one.findings):
        yield finding(Fault.NO_POINTS, WITHOUT_POINTS)


def _of(one: GivenParcel) -> SurveyParcel:
    return one.parts[0] if one.parts else SurveyParcel(rings=())


def _rings(polygon: shapely.Geometry) -> Iterator[SurveyRing]:
    for number, ring in enumerate(shapely.get_rings(polygon), 1):
        points: NDArray[np.float64] = shapely.get_coordinates(ring)
        yield ring_of(number, points)


def ring_of(number: int, points: NDArray[np.float64]) -> SurveyRing:
    """A ring whose points are called by their places."""
    return SurveyRing(
        number=number, names=tuple(map(str, range(1, len(points) + 1))), points=points
    )
