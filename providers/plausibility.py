"""Whether features lie where they say: the offset of GCJ-02 is seen against the region register.

Displaced features leave the divisions that they name on one side, and come home when the offset is
taken away. Other faults do not: another drawing of the boundary leaves on all sides, a wrong code
stays wrong wherever the features are moved. So the offset's way back has to do much better than
nothing, and better than half the way and the same way in other directions.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.gcj02 import from_gcj02, offset_m

MAX_FEATURES = 2_000  # looked at, taken evenly: enough for one of a thousand to be seen twice
# A simplified boundary strays by less than a tenth of the offset, and fifty times fewer vertices
# keep the work bounded whatever the register's detail.
MAX_VERTICES, SIMPLIFIED_M = 2_000, 20.0
# The largest county (若羌, 200,000 km²) leaves 0.1 % outside when it is moved by 500 m; much less is
# what two drawings of one boundary always differ by, and nothing to judge.
MIN_OUTSIDE_SHARE = 0.0002
# Of what lies outside as given, at most so much may remain. Two map houses' counties of 长春 differ
# by 1.1 % of the area, GCJ-02 makes it 2.7 %: 0.46 remains. In files that are not displaced what
# lies outside grows by the way back, or stays as it is.
MAX_REMAINING = 0.6
# Half the way back leaves half of it outside, a turn by 90° leaves all: the way back is the offset
# and no accident only if it leaves clearly less than those (in 长春 0.68 and 0.36 of it).
MAX_OF_OTHER_WAYS = 0.8
# Witnesses are features that come home, and those on the far side that stay until all are moved
# farther than the offset: were the data not displaced, some two thirds of these would leave before.
# Where there is no far side, all may lie at one doubtful stretch of boundary, and it takes more. A
# drawing of the division itself has boundary on all sides and is evidence alone.
MIN_WITNESSES, MIN_WITNESSES_ON_ONE_SIDE = 5, 15
SEEN_SHARE = 0.01  # of a feature, from which on it counts as leaving
OUTLINE_SHARE = 0.5  # of the division's area, from which on a feature is a drawing of it
MIN_OFFSET_M = 60.0  # where GCJ-02 moves less (a few places in 青海), drawings differ as much
OTHER_WAYS = 3  # half the way back, and to both sides of it
METRES_PER_DEGREE = 111_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Displacement:
    """How much lies outside the named divisions, as given and with the offset taken away."""

    found: bool
    outside_share_as_given: float | None  # None: nothing to compare
    outside_share_rectified: float | None  # None: not asked for, too little lies outside
    offset_m: float | None  # mean length of the offset at the features
    message: str


def displacement(
    geometry: Sequence[shapely.Geometry],
    regions: Sequence[str],
    polygons: Mapping[str, shapely.Geometry],
) -> Displacement:
    """Judge whether features are displaced as GCJ-02 against the divisions whose codes they carry.

    Parameters
    ----------
    geometry : sequence of Geometry
        Points, lines or polygons, longitude and latitude in degrees, EPSG:4490 as declared.
    regions : sequence of str
        The code that each feature claims.
    polygons : mapping of str to Polygon or MultiPolygon
        The registered divisions by code, EPSG:4490. Features of other codes say nothing.

    Returns
    -------
    Displacement
        Shares are of the planar area where all features compared are polygons, else of their
        number. Without evidence there is no verdict: `found` is False and the message says why.

    Notes
    -----
    The work is bounded: at most `MAX_FEATURES` features, polygons of at most some thousand
    vertices, and boundaries are cut out only where a feature crosses one.
    """
    shapes, held = _sample(geometry, regions, polygons)
    if not len(shapes):
        return _unjudged("no feature names a registered division")
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    offset = float(offset_m(centres).mean()) if len(centres) else 0.0
    if offset < MIN_OFFSET_M:
        return _unjudged(f"web maps are displaced by {offset:.0f} m only at this place")
    weights = _weights(shapes)
    if not weights.sum():
        return _unjudged("the features have no area")

    def outside(moved: NDArray[np.object_]) -> NDArray[np.float64]:
        return _outside(moved, held) * weights / weights.sum()

    given = outside(shapes)
    share = float(given.sum())
    if share < MIN_OUTSIDE_SHARE:
        return Displacement(
            found=False,
            outside_share_as_given=share,
            outside_share_rectified=None,
            offset_m=offset,
            message=f"{share:.2%} of the features lie outside the divisions that they name",
        )
    ways = _ways_back(shapes, centres)
    back = outside(next(ways))
    remaining = float(back.sum())
    found = remaining <= MAX_REMAINING * share and all(
        remaining <= MAX_OF_OTHER_WAYS * outside(next(ways)).sum() for _ in range(OTHER_WAYS)
    )
    if found:
        farther = outside(next(ways))
        home = back < MAX_REMAINING * given
        left = farther - back > SEEN_SHARE * weights / weights.sum()
        outlines = home & (shapely.area(shapes) > OUTLINE_SHARE * shapely.area(held))
        witnesses = int(np.count_nonzero(home | left))
        if remaining <= MAX_OF_OTHER_WAYS * farther.sum():
            found = bool(outlines.any()) or witnesses >= MIN_WITNESSES
        else:
            found = bool(remaining <= farther.sum()) and witnesses >= MIN_WITNESSES_ON_ONE_SIDE
    return Displacement(
        found=found,
        outside_share_as_given=share,
        outside_share_rectified=remaining,
        offset_m=offset,
        message=_message(share, remaining, offset, found=found),
    )


def _unjudged(why: str) -> Displacement:
    return Displacement(
        found=False,
        outside_share_as_given=None,
        outside_share_rectified=None,
        offset_m=None,
        message=why,
    )


def _message(share: float, remaining: float, offset: float, *, found: bool) -> str:
    numbers = (
        f"{share:.2%} of the features lie outside the divisions that they name, {remaining:.2%}"
        f" with the offset of web maps (here {offset:.0f} m) taken away"
    )
    if not found:
        return numbers
    return (
        "the coordinates are displaced as GCJ-02 (国测局坐标, 高德 and other web maps), whatever the"
        f" file declares: {numbers}. Ask for the data in CGCS2000"
    )


def _sample(
    geometry: Sequence[shapely.Geometry],
    regions: Sequence[str],
    polygons: Mapping[str, shapely.Geometry],
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Features with a registered division, and that division, both of bounded size."""
    pairs = [
        (shape, code)
        for shape, code in zip(geometry, regions, strict=True)
        if shape is not None and not shapely.is_empty(shape) and code in polygons
    ]
    pairs = pairs[:: max(1, math.ceil(len(pairs) / MAX_FEATURES))]
    simple = {code: _bounded(polygons[code]) for code in sorted({code for _, code in pairs})}
    shapely.prepare(list(simple.values()))
    shapes = np.array([_bounded(shape) for shape, _ in pairs], dtype=object)
    return shapes, np.array([simple[code] for _, code in pairs], dtype=object)


def _bounded(shape: shapely.Geometry) -> shapely.Geometry:
    if shapely.get_num_coordinates(shape) > MAX_VERTICES:
        # keeping the topology would take far longer than all else; what crosses is made valid
        simple = shapely.simplify(shape, SIMPLIFIED_M / METRES_PER_DEGREE, preserve_topology=False)
        shape = shape if shapely.is_empty(simple) else simple
    return shape if shapely.is_valid(shape) else shapely.make_valid(shape)


def _weights(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    if (shapely.get_dimensions(shapes) == 2).all():
        areas: NDArray[np.float64] = shapely.area(shapes)
        return areas
    return np.ones(len(shapes))


def _ways_back(
    shapes: NDArray[np.object_], centres: NDArray[np.float64]
) -> Iterator[NDArray[np.object_]]:
    """The features moved back by the offset; half of it; to its left; to its right; farther."""
    yield shapely.transform(shapes, from_gcj02)
    middle = centres.mean(axis=0, keepdims=True)
    east, north = (from_gcj02(middle) - middle)[0].tolist()
    shrink = math.cos(math.radians(middle[0, 1]))  # degrees to the east are shorter
    turned = (-north / shrink, east * shrink)
    yield _shifted(shapes, east / 2, north / 2)
    yield _shifted(shapes, *turned)
    yield _shifted(shapes, -turned[0], -turned[1])
    yield _shifted(shapes, east * 1.5, north * 1.5)


def _shifted(shapes: NDArray[np.object_], east: float, north: float) -> NDArray[np.object_]:
    shift = np.array([east, north])
    moved: NDArray[np.object_] = shapely.transform(shapes, lambda points: points + shift)
    return moved


def _outside(shapes: NDArray[np.object_], held: NDArray[np.object_]) -> NDArray[np.float64]:
    """Which part of each feature lies outside its division, 0 to 1."""
    result = np.zeros(len(shapes))
    for place in np.flatnonzero(~shapely.covers(held, shapes)):
        shape, region = shapes[place], held[place]
        measure = shapely.area if shapely.get_dimensions(shape) == 2 else shapely.length
        whole = measure(shape)
        if not whole:
            result[place] = 1.0  # a point
            continue
        if not shapely.is_valid(shape):
            shape = shapely.make_valid(shape)
        near = shapely.clip_by_rect(region, *shape.bounds)
        if not shapely.is_valid(near):
            near = shapely.intersection(region, shapely.box(*shape.bounds))
        result[place] = min(1.0, measure(shapely.difference(shape, near)) / whole)
    return result
