"""What lines of a drawing are, and how near is near enough in metres and in degrees."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processes.algorithms.survey_rings import DEGREE_M, in_metres
from providers.crs_operations import inside
from providers.crs_systems import CHINA

CLOSED_M = 0.01  # an end so near to its beginning was meant to meet it


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLine:
    """A polyline or closed curve, x to the east, y to the north in the drawing's numbers."""

    layer: str
    points: NDArray[np.float64]
    closed: bool  # as the drawing says, whether or not the last point repeats the first
    curved: bool
    hatched: bool = False  # the edge of a hatch: a parcel only where no line is one


def by_layer(lines: Iterable[DrawnLine]) -> dict[str, list[DrawnLine]]:
    """Lines by their layers, both in their order."""
    found: dict[str, list[DrawnLine]] = {}
    for line in lines:
        found.setdefault(line.layer, []).append(line)
    return found


def in_degrees(x: float, y: float) -> bool:
    """Whether the numbers are those of a place in China in degrees, and so taken for them."""
    return inside((x, y, x, y), CHINA)


def ring_tolerance(metres: float, *, degrees: bool) -> float:
    """A tolerance in the drawing's numbers."""
    return metres / DEGREE_M if degrees else metres


def is_ring(line: DrawnLine) -> bool:
    """Whether a line encloses an area, or was meant to."""
    points = line.points
    if len(points) < 3:
        return False
    return line.closed or gap_m(points) <= CLOSED_M


def gap_m(points: NDArray[np.float64]) -> float:
    """How far the end of a line lies from its beginning."""
    ends = in_metres(points[[0, -1]], degrees=in_degrees(*points[0].tolist()))
    return float(np.hypot(*(ends[0] - ends[1])))
