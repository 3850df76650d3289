"""Geometries of one batch: of the layer's kind, valid, in degrees; repaired by a stated rule."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from config.model import Layer
from config.settings import PACKAGE_ROOT
from config.vocabulary import GeometryKind
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

RULES = PACKAGE_ROOT / "standards" / "parameters" / "intake.json"
SINGLE = {
    GeometryKind.POINT: shapely.GeometryType.POINT,
    GeometryKind.LINE: shapely.GeometryType.LINESTRING,
    GeometryKind.POLYGON: shapely.GeometryType.POLYGON,
}
MULTI = {
    GeometryKind.POINT: shapely.GeometryType.MULTIPOINT,
    GeometryKind.LINE: shapely.GeometryType.MULTILINESTRING,
    GeometryKind.POLYGON: shapely.GeometryType.MULTIPOLYGON,
}
WORLD = ((-180.0, -90.0), (180.0, 90.0))
FAULTS = {  # the words of GEOS, and ours
    "Self-intersection": "the boundary crosses itself",
    "Ring Self-intersection": "a ring touches itself",
    "Hole lies outside shell": "a hole lies outside its outer ring",
    "Holes are nested": "a hole lies in a hole",
    "Interior is disconnected": "the rings cut the interior apart",
    "Nested shells": "a part lies inside another part",
    "Duplicate Rings": "a ring is given twice",
    "Too few points in geometry component": "a part has too few different points",
    "Invalid Coordinate": "a coordinate is not a finite number",
}
SAMPLED_EDGES, EDGES_AT_ONCE, NEIGHBOURS = 500, 10, 3  # an edge meets itself and two others
type Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeRules:
    """The rules of acceptance and repair; their values and sources stand in intake.json."""

    max_vertices: int
    max_area_change_m2: float
    max_crossings: int


@dataclass(slots=True, kw_only=True)
class Shapes:
    """Geometries as they are stored, and what was mended or is wrong, by row of the batch."""

    geometry: Geometries
    repaired: dict[int, str] = field(default_factory=dict)
    rejected: dict[int, str] = field(default_factory=dict)

    def mend(self, row: int, geometry: shapely.Geometry, how: str) -> None:
        """Take another geometry for a row."""
        self.geometry[row] = geometry
        self.repaired[row] = f"{self.repaired[row]}; {how}" if row in self.repaired else how

    def reject(self, row: int, reason: str) -> None:
        """Take a row out; the first reason stands."""
        self.rejected.setdefault(row, reason)
        self.repaired.pop(row, None)

    def reject_all(self, wrong: NDArray[np.bool_], reason: Callable[[int], str]) -> None:
        """Take out the rows of which something is wrong."""
        for row in np.flatnonzero(wrong).tolist():
            if row not in self.rejected:
                self.reject(row, reason(row))

    def left(self) -> NDArray[np.int64]:
        """The rows that are not taken out."""
        left = np.ones(len(self.geometry), dtype=np.bool_)
        left[list(self.rejected)] = False
        return np.flatnonzero(left)


@cache
def shape_rules() -> ShapeRules:
    """The rules of config/standards/parameters/intake.json."""
    rules = json.loads(RULES.read_text("utf-8"))
    return ShapeRules(
        max_vertices=rules["max_vertices"]["value"],
        max_area_change_m2=rules["max_area_change_m2"]["value"],
        max_crossings=rules["max_crossings"]["value"],
    )


def checked_shapes(layer: Layer, geometry: Geometries, rules: ShapeRules) -> Shapes:
    """Geometries as a layer stores them, and what had to be mended or refused.

    Parameters
    ----------
    layer : Layer
        Says the kind: point, line or polygon.
    geometry : ndarray of object, shape (n,)
        shapely; longitude, latitude in degrees, EPSG:4490. None is a missing geometry.
    rules : ShapeRules
        Bounds and tolerances.

    Returns
    -------
    Shapes
        Multi geometries of the kind, 2D, valid, outer rings counter-clockwise; None where rejected.
        A row is repaired, rejected, or neither.

    Notes
    -----
    An invalid polygon is repaired by the structure of its rings (what lies inside an outer ring
    stays, what lies inside a hole goes, what has no width falls away) where that leaves a polygon
    whose area differs from the signed area of the given rings by no more than the rule allows.
    So a spike, a ring touching itself or a sliver of a loop are mended; a bow-tie, overlapping
    parts or a hole outside are not. Invalid lines and points are never repaired.
    """
    deep = (shapely.has_z(geometry) | shapely.has_m(geometry)).any()
    found = Shapes(geometry=shapely.force_2d(geometry) if deep else geometry.copy())
    kind = layer.geometry
    _unpack(found, kind)
    _reject_unfit(found, kind, rules)
    rows = found.left()
    invalid = rows[~shapely.is_valid(found.geometry[rows])]
    if len(invalid):
        _mend_invalid(found, invalid, kind, rules)
    if kind is GeometryKind.POLYGON:
        rows = found.left()
        flat = np.zeros(len(geometry), dtype=np.bool_)
        flat[rows] = shapely.area(found.geometry[rows]) == 0
        found.reject_all(flat, lambda row: "the polygon has no area")
    found.geometry[list(found.rejected)] = None
    if kind is GeometryKind.POLYGON:
        found.geometry = shapely.orient_polygons(found.geometry)
    to_multi(found.geometry, kind)
    return found


def _unpack(found: Shapes, kind: GeometryKind) -> None:
    """A collection of one geometry of the kind is that geometry; parts of nothing are left out."""
    types = shapely.get_type_id(found.geometry)
    one = shapely.get_num_geometries(found.geometry) == 1
    collections = types == shapely.GeometryType.GEOMETRYCOLLECTION
    for row in np.flatnonzero(collections & one).tolist():
        (only,) = found.geometry[row].geoms
        if shapely.get_type_id(only) in (SINGLE[kind], MULTI[kind]):
            found.mend(row, only, "taken out of a geometry collection")
            types[row] = shapely.get_type_id(only)
    rows = np.flatnonzero((types == MULTI[kind]) & ~shapely.is_empty(found.geometry))
    parts, owner = shapely.get_parts(found.geometry[rows], return_index=True)
    for row in rows[np.unique(owner[shapely.is_empty(parts)])].tolist():
        kept = [part for part in found.geometry[row].geoms if not part.is_empty]
        found.mend(row, type(found.geometry[row])(kept), "a part without coordinates left out")


def _reject_unfit(found: Shapes, kind: GeometryKind, rules: ShapeRules) -> None:
    shapes = found.geometry
    nothing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    found.reject_all(nothing, lambda row: "no geometry")
    other = ~np.isin(shapely.get_type_id(shapes), (SINGLE[kind], MULTI[kind]))
    found.reject_all(other, lambda row: f"{_called(shapes[row])}; expected a {kind}")
    vertices = shapely.get_num_coordinates(shapes)
    found.reject_all(
        vertices > rules.max_vertices,
        lambda row: f"{vertices[row]:,} vertices; expected at most {rules.max_vertices:,}",
    )
    bounds = shapely.bounds(shapes)
    inside = (bounds[:, :2] >= WORLD[0]).all(axis=1) & (bounds[:, 2:] <= WORLD[1]).all(axis=1)

    def outside(row: int) -> str:
        if not np.isfinite(bounds[row]).all():
            return FAULTS["Invalid Coordinate"]
        west, south, east, north = bounds[row].tolist()
        return (
            f"coordinates from {west:.9g}, {south:.9g} to {east:.9g}, {north:.9g};"
            " expected longitude within ±180 and latitude within ±90"
        )

    found.reject_all(~inside, outside)


def _mend_invalid(
    found: Shapes, rows: NDArray[np.int64], kind: GeometryKind, rules: ShapeRules
) -> None:
    """Repair what the rule lets be repaired, reject the rest."""
    reasons: dict[int, str] = {}
    for row in rows.tolist():
        shape: shapely.Geometry = found.geometry[row]
        reason = reasons[row] = _fault(shape)
        # bounds know nothing of NaN, nor of a hole outside
        inside = (np.abs(shapely.get_coordinates(shape)) <= WORLD[1]).all()
        if kind is not GeometryKind.POLYGON or not inside:
            found.reject(row, reason)
        elif not _repairable(shape, rules):
            found.reject(row, f"{reason}, and in more than {rules.max_crossings:,} places")
    candidates = np.array([row for row in reasons if row not in found.rejected], dtype=np.int64)
    given = found.geometry[candidates]
    mended = _by_structure(given)
    fits = np.isin(shapely.get_type_id(mended), (SINGLE[kind], MULTI[kind]))
    fits &= ~shapely.is_empty(mended) & shapely.is_valid(mended)
    mended[~fits] = None
    before_m2, after_m2 = ellipsoid_area_m2(given), ellipsoid_area_m2(mended)
    for row, better, before, after in zip(
        candidates.tolist(), mended, before_m2, after_m2, strict=True
    ):
        if better is None:
            found.reject(row, f"{reasons[row]}; repairing it leaves no polygon")
        elif not abs(after - before) <= rules.max_area_change_m2:
            found.reject(
                row,
                f"{reasons[row]}; repairing it would change the area from {before:,.2f} m² to"
                f" {after:,.2f} m², expected a change of at most {rules.max_area_change_m2:g} m²",
            )
        else:
            how = f"{reasons[row]}; repaired, area {before:,.2f} m² before, {after:,.2f} m² after"
            found.mend(row, better, how)


def _by_structure(shapes: Geometries) -> Geometries:
    """Each polygon made valid by the structure of its rings; None where that fails."""
    made = np.full(len(shapes), None, dtype=object)
    for number, shape in enumerate(shapes):
        try:
            made[number] = shapely.make_valid(shape, method="structure", keep_collapsed=False)
        except GEOSException:
            continue
    return made


def _repairable(shape: shapely.Geometry, rules: ShapeRules) -> bool:
    """Whether a sample of its edges meets so few others that all crossings can be worked out."""
    if int(shapely.get_num_coordinates(shape)) ** 2 <= rules.max_crossings:  # an int32 overflows
        return True
    rings = shapely.get_rings(shapely.get_parts(shape))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    edges = shapely.linestrings(np.stack((points[:-1], points[1:]), axis=1)[ring[1:] == ring[:-1]])
    tree = shapely.STRtree(edges)
    sample = edges[:: -(-len(edges) // SAMPLED_EDGES)]
    share = len(sample) / len(edges)
    met = 0
    for first in range(0, len(sample), EDGES_AT_ONCE):
        some = sample[first : first + EDGES_AT_ONCE]
        met += tree.query(some, predicate="intersects").shape[1] - NEIGHBOURS * len(some)
        if met / share / 2 > rules.max_crossings:  # each crossing is met from both sides
            return False
    return True


def _fault(shape: shapely.Geometry) -> str:
    """What is wrong and where, longitude and latitude."""
    what, _, place = str(shapely.is_valid_reason(shape)).partition("[")
    words = FAULTS.get(what.strip(), what.strip().lower())
    if not place or "nan" in place or "inf" in place:
        return words
    return f"{words} at {', '.join(f'{float(one):.9g}' for one in place.rstrip(']').split()[:2])}"


def _called(shape: shapely.Geometry) -> str:
    count = shapely.get_num_geometries(shape)
    return f"a {type(shape).__name__}" + (f" of {count}" if count > 1 else "")


def to_multi(shapes: Geometries, kind: GeometryKind) -> None:
    """Make each single geometry of the kind a multi geometry of one part, in place."""
    rows = np.flatnonzero(shapely.get_type_id(shapes) == SINGLE[kind])
    if not len(rows):
        return
    single, each = shapes[rows], np.arange(len(rows))
    match kind:
        case GeometryKind.POINT:
            shapes[rows] = shapely.multipoints(single, indices=each)
        case GeometryKind.LINE:
            shapes[rows] = shapely.multilinestrings(single, indices=each)
        case _:
            shapes[rows] = shapely.multipolygons(single, indices=each)
