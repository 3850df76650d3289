"""Two sets of features laid over one another: the plane, what was repaired, the parts."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.blocks import Spread, in_place
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.official_plane import from_official_plane, to_official_plane
from processes.algorithms.overlay_statistics import ClassPair, Relation, class_pairs
from processes.algorithms.polygon_overlay import Overlay, Parts, overlay
from processes.algorithms.polygon_repair import Repaired, repair
from processes.workflows.feature_input import Geometries, Rows, stored_from
from providers.crs import Crs

OFFICIAL_PLANE = "cylindrical equal-area on the CGCS2000 ellipsoid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """An overlay of two inputs, and what it was made from."""

    plane: Crs | None  # None: the official plane
    found: Overlay
    pairs: list[ClassPair]
    left_repaired: list[Repaired]
    right_repaired: list[Repaired]

    @property
    def plane_label(self) -> str:
        return OFFICIAL_PLANE if self.plane is None else self.plane.label

    def parts(self, *relations: Relation) -> list[tuple[Relation, Parts, Geometries]]:
        """The parts of these kinds with their geometries in longitude, latitude, EPSG:4490."""
        found = [(one, self._part(one)) for one in relations]
        return [(one, parts, _degrees(parts.geometries, self.plane)) for one, parts in found]

    def _part(self, relation: Relation) -> Parts:
        match relation:
            case Relation.BOTH:
                return self.found.both
            case Relation.LEFT:
                return self.found.left_alone
            case Relation.RIGHT:
                return self.found.right_alone


def lay_over(
    left: Rows,
    right: Rows,
    *,
    left_class: str | None = None,
    right_class: str | None = None,
    snap_m: float | None = None,
    spread: Spread = in_place,
) -> Laid:
    """The overlay in the survey zone in which both were drawn, else in the official plane.

    Areas are ellipsoidal either way, by the official formula on the vertices of the parts. TooManyPairs
    where more features meet than one computation may cut.
    """
    plane = left.crs if left.crs.survey_zone and left.crs == right.crs else None
    one, left_repaired = _in_plane(left, plane)
    other, right_repaired = _in_plane(right, plane)
    measure = partial(_in_zone_m2, zone=plane) if plane is not None else shapely.area
    found = overlay(one, other, measure=measure, snap_m=snap_m, spread=spread)
    return Laid(
        plane=plane,
        found=found,
        pairs=class_pairs(found, left.classes(left_class), right.classes(right_class)),
        left_repaired=left_repaired,
        right_repaired=right_repaired,
    )


def _in_plane(rows: Rows, plane: Crs | None) -> tuple[Geometries, list[Repaired]]:
    """Valid polygons in the plane; what is wrong is said in the coordinates that were given."""
    drawn, repaired = repair(rows.drawn)
    if plane is not None:
        return drawn, repaired
    stored = stored_from(drawn, rows.crs) if repaired else rows.geometries
    moved, again = repair(to_official_plane(stored))
    known = {one.feature for one in repaired}
    return moved, [*repaired, *(one for one in again if one.feature not in known)]


def _in_zone_m2(geometries: Geometries, zone: Crs) -> NDArray[np.float64]:
    return ellipsoid_area_m2(_degrees(geometries, zone))


def _degrees(geometries: Geometries, plane: Crs | None) -> Geometries:
    return from_official_plane(geometries) if plane is None else stored_from(geometries, plane)
