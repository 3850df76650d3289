"""Parcels as surveyors hand them over, ring by ring, and what is found wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.vocabulary import Text

type Points = NDArray[np.float64]  # shape (n, 2): x to the east, y to the north


class Fault(StrEnum):
    """What can be wrong with a parcel; ERRORS keep its geometry from being read."""

    UNREADABLE_LINE = "unreadable_line"
    LOOSE_LINE = "loose_line"
    UNREADABLE_GEOMETRY = "unreadable_geometry"
    UNREADABLE_VALUE = "unreadable_value"
    NO_POINTS = "no_points"
    TOO_FEW_POINTS = "too_few_points"
    TOO_MANY_POINTS = "too_many_points"
    WRONG_COUNT = "wrong_count"
    NOT_AN_AREA = "not_an_area"
    UNCLOSED_RING = "unclosed_ring"
    CLOSED_BY_TOLERANCE = "closed_by_tolerance"
    REPEATED_RING_NUMBER = "repeated_ring_number"
    DUPLICATE_RING = "duplicate_ring"
    DUPLICATE_PARCEL = "duplicate_parcel"
    DUPLICATE_POINT = "duplicate_point"
    SELF_CROSSING = "self_crossing"
    WRONG_NESTING = "wrong_nesting"
    NESTED_PARCEL = "nested_parcel"
    SPIKE = "spike"
    SHARP_ANGLE = "sharp_angle"
    AREA_DIFFERS = "area_differs"
    FULL_WIDTH = "full_width"
    SWAPPED_AXES = "swapped_axes"
    WRONG_ZONE = "wrong_zone"
    ZONE_NUMBER_MISSING = "zone_number_missing"
    NO_ZONE_FITS = "no_zone_fits"
    OUTSIDE_UNIT = "outside_unit"
    WITHIN_NOISE = "within_noise"
    OTHER_RULES = "other_rules"
    BESIDE_PLANE = "beside_plane"
    TOO_LARGE = "too_large"


ERRORS = frozenset(
    {
        Fault.UNREADABLE_LINE,
        Fault.UNREADABLE_GEOMETRY,
        Fault.NO_POINTS,
        Fault.TOO_FEW_POINTS,
        Fault.TOO_MANY_POINTS,
        Fault.NOT_AN_AREA,
        Fault.UNCLOSED_RING,
        Fault.REPEATED_RING_NUMBER,
        Fault.DUPLICATE_RING,
        Fault.SELF_CROSSING,
        Fault.WRONG_NESTING,
        Fault.SPIKE,
        Fault.AREA_DIFFERS,
        Fault.WRONG_ZONE,
        Fault.BESIDE_PLANE,
        Fault.TOO_LARGE,
        Fault.WITHIN_NOISE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault with its place; None where the place is not so narrow."""

    fault: Fault
    message: Text
    error: bool
    parcel: int | None = None  # position in the file, from 0
    number: str | None = None  # as the file calls the parcel
    ring: int | None = None
    point: str | None = None
    line: int | None = None  # of a text, from 1
    params: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The finding as JSON; the parcel counted from 1, as people count."""
        return {
            "fault": str(self.fault),
            "severity": "error" if self.error else "warning",
            "parcel": None if self.parcel is None else self.parcel + 1,
            "number": self.number,
            "ring": self.ring,
            "point": self.point,
            "line": self.line,
            "message": {"zh": self.message.zh, "en": self.message.en},
            "params": dict(self.params),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRing:
    """A ring as it was written; the last point repeats the first where the file closed it."""

    number: int  # 1: the shell; others: holes
    names: tuple[str, ...]
    points: Points
    line: int | None = None  # of its first point


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyParcel:
    """A parcel as the file describes it."""

    rings: tuple[SurveyRing, ...]
    number: str = ""
    name: str = ""
    shape: str = "面"
    sheet: str = ""
    use: str = ""
    class_code: str = ""
    declared_ha: float | None = None
    area_text: str = ""  # the declared area as it was written
    declared_points: int | None = None
    line: int | None = None

    @property
    def points(self) -> int:
        """How many points its rings have, closing ones counted."""
        return sum(len(ring.points) for ring in self.rings)

    @property
    def known_as(self) -> str | None:
        """How people call it."""
        return self.number or self.name or None


def finding(
    fault: Fault,
    message: Text,
    *,
    parcel: int | None = None,
    of: SurveyParcel | None = None,
    ring: int | None = None,
    point: str | None = None,
    line: int | None = None,
    error: bool | None = None,
    **params: Any,
) -> Finding:
    """A finding with its place; its weight is the fault's unless it is said."""
    return Finding(
        fault=fault,
        message=message,
        error=fault in ERRORS if error is None else error,
        parcel=parcel,
        number=None if of is None else of.known_as,
        ring=ring,
        point=point,
        line=line if line is not None or of is None else of.line,
        params=params,
    )
