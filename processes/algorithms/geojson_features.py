"""Features from GeoJSON: geometries of every kind, every fault at once with its place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely import Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon

MAX_FEATURES = 20_000
MAX_VERTICES = 200_000
MAX_FAULTS = 100
MAX_NUMBER = 1e12  # beyond any coordinate of any system
POLYGONS = ("Polygon", "MultiPolygon")
LINES = ("LineString", "MultiLineString")
POINTS = ("Point", "MultiPoint")
ANY = (*POINTS, *LINES, *POLYGONS)

type Fault = tuple[str, str]  # JSON pointer, what is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a GeoJSON document holds: parallel sequences, in its order."""

    geometries: NDArray[np.object_]  # as given; None: the feature has no geometry
    properties: tuple[Mapping[str, Any], ...]
    ids: tuple[str | int | None, ...]
    places: tuple[str, ...]  # JSON pointer of each feature's geometry


def read_features(
    document: Mapping[str, Any], kinds: Sequence[str] = ANY
) -> Features | list[Fault]:
    """The features of a FeatureCollection, a Feature or a bare geometry; or its faults.

    Parameters
    ----------
    document : mapping
        GeoJSON. Coordinates in any CRS and axis order; heights are dropped.
    kinds : sequence of str
        The types of geometry that are taken; collections of geometries never are.

    Returns
    -------
    Features or list of (JSON pointer, message)
        Geometries as given, a null geometry as None; or what is wrong: at most
        100 faults, rings that are not closed, positions that are no numbers,
        more than 20,000 features or 200,000 vertices.

    Notes
    -----
    Whether a polygon is valid (no crossing edges) is not looked at here.

    References
    ----------
    RFC 7946, sections 3.1 to 3.3.

    Examples
    --------
    >>> read_features({"type": "Point", "coordinates": [125, 43]}).geometries.tolist()
    [<POINT (125 43)>]
    >>> line = {"type": "LineString", "coordinates": [[0, 0], [1, "x"]]}
    >>> read_features({"type": "Feature", "geometry": line, "properties": None})
    [('/geometry/coordinates/1/1', 'expected a number that can be a coordinate')]
    """
    reader = _Reader(tuple(kinds))
    with suppress(_Enough):
        reader.document(document)
    if reader.faults:
        return reader.faults
    return Features(
        geometries=np.array(reader.geometries, dtype=object),
        properties=tuple(reader.properties),
        ids=tuple(reader.ids),
        places=tuple(reader.places),
    )


class _Enough(Exception):
    """There is no point in reading on."""


class _Reader:
    """One pass over a document."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds
        self.faults: list[Fault] = []
        self.geometries: list[Geometry | None] = []
        self.properties: list[Mapping[str, Any]] = []
        self.ids: list[str | int | None] = []
        self.places: list[str] = []
        self.vertices = 0

    def document(self, document: Mapping[str, Any]) -> None:
        if "crs" in document:
            self.fault("/crs", "is not read; name the reference system in the input crs")
        kind = document.get("type")
        if kind == "FeatureCollection":
            self.collection(document.get("features"))
        elif kind == "Feature":
            self.feature(document, "")
        elif kind in ANY:
            self.keep(self.geometry(document, ""), {}, None, "")
        else:
            wanted = ", ".join(("FeatureCollection", "Feature", *self.kinds))
            self.fault("/type", f"expected one of {wanted}")

    def collection(self, features: Any) -> None:
        if not isinstance(features, list):
            self.fault("/features", "expected an array of features")
            return
        if len(features) > MAX_FEATURES:
            self.fault("/features", f"has {len(features)} features; at most {MAX_FEATURES}")
            return
        for i, feature in enumerate(features):
            if isinstance(feature, dict) and feature.get("type") == "Feature":
                self.feature(feature, f"/features/{i}")
            else:
                self.fault(f"/features/{i}", "expected a Feature")

    def feature(self, feature: Mapping[str, Any], place: str) -> None:
        properties, name = feature.get("properties"), feature.get("id")
        if properties is not None and not isinstance(properties, dict):
            self.fault(f"{place}/properties", "expected an object or null")
            properties = None
        if not (name is None or type(name) in (str, int, float)):
            self.fault(f"{place}/id", "expected a text or a number")
        geometry, here = feature.get("geometry"), f"{place}/geometry"
        if geometry is None:
            shape = None
        elif isinstance(geometry, dict):
            shape = self.geometry(geometry, here)
        else:
            self.fault(here, "expected a geometry or null")
            return
        self.keep(shape, properties or {}, name, here)

    def keep(
        self, shape: Geometry | None, properties: Mapping[str, Any], name: Any, place: str
    ) -> None:
        self.geometries.append(shape)
        self.properties.append(properties)
        self.ids.append(name)
        self.places.append(place)

    def geometry(self, document: Mapping[str, Any], place: str) -> Geometry | None:
        kind, coordinates = document.get("type"), document.get("coordinates")
        if kind not in self.kinds:
            self.fault(f"{place}/type", f"expected one of {', '.join(self.kinds)}")
            return None
        here = f"{place}/coordinates"
        if not isinstance(coordinates, list):
            self.fault(here, "expected an array")
            return None
        before = len(self.faults)
        shape = SHAPES[kind](self, coordinates, here)
        return None if len(self.faults) > before else shape

    def point(self, position: Any, place: str) -> Point | None:
        self.count(1, place)
        faults = list(_wrong_position(position, place))
        self.add(faults)
        return None if faults else Point(position[:2])

    def line(self, positions: Any, place: str) -> LineString | None:
        points = self.positions(positions, place, 2, "a line")
        return None if points is None else LineString(points)

    def polygon(self, rings: Any, place: str) -> Polygon | None:
        if not isinstance(rings, list) or not rings:
            self.fault(place, "at least one ring is required")
            return None
        read = [self.ring(ring, f"{place}/{i}") for i, ring in enumerate(rings)]
        whole = [ring for ring in read if ring is not None]
        return Polygon(whole[0], whole[1:]) if len(whole) == len(read) else None

    def ring(self, positions: Any, place: str) -> NDArray[np.float64] | None:
        points = self.positions(positions, place, 4, "a ring")
        if points is not None and not np.array_equal(points[0], points[-1]):
            self.fault(place, "the ring is not closed: its last position must repeat its first")
            return None
        return points

    def positions(
        self, positions: Any, place: str, least: int, what: str
    ) -> NDArray[np.float64] | None:
        if not isinstance(positions, list):
            self.fault(place, f"{what} is an array of positions")
            return None
        self.count(len(positions), place)
        faults: list[Fault] = []
        for i, position in enumerate(positions):
            faults += _wrong_position(position, f"{place}/{i}")
            if len(faults) >= MAX_FAULTS:
                break
        if not faults and len(positions) < least:
            faults = [(place, f"{what} has at least {least} positions")]
        self.add(faults)
        if faults:
            return None
        return np.array([position[:2] for position in positions], dtype=np.float64)

    def several[T](
        self, read: Callable[[Any, str], T | None], parts: Sequence[Any], place: str
    ) -> list[T]:
        if not parts:
            self.fault(place, "at least one part is required")
        found = [read(part, f"{place}/{i}") for i, part in enumerate(parts)]
        return [part for part in found if part is not None]

    def count(self, vertices: int, place: str) -> None:
        self.vertices += vertices
        if self.vertices > MAX_VERTICES:
            self.fault(place, f"there are more than {MAX_VERTICES} vertices up to here")
            raise _Enough

    def fault(self, place: str, message: str) -> None:
        self.add([(place, message)])

    def add(self, faults: Sequence[Fault]) -> None:
        self.faults += faults
        if len(self.faults) >= MAX_FAULTS:
            del self.faults[MAX_FAULTS:]
            raise _Enough


SHAPES: Mapping[str, Callable[[_Reader, list[Any], str], Geometry | None]] = {
    "Point": _Reader.point,
    "LineString": _Reader.line,
    "Polygon": _Reader.polygon,
    "MultiPoint": lambda r, parts, place: MultiPoint(r.several(r.point, parts, place)),
    "MultiLineString": lambda r, parts, place: MultiLineString(r.several(r.line, parts, place)),
    "MultiPolygon": lambda r, parts, place: MultiPolygon(r.several(r.polygon, parts, place)),
}


def _wrong_position(position: Any, place: str) -> Iterator[Fault]:
    if not isinstance(position, list) or not 2 <= len(position) <= 4:
        yield place, "a position is an array of two or three numbers"
        return
    for j, number in enumerate(position):
        if type(number) not in (int, float) or not -MAX_NUMBER < number < MAX_NUMBER:
            yield f"{place}/{j}", "expected a number that can be a coordinate"
