"""Parcels from GeoJSON and JSON-FG: what is wrong with one of them is its own matter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.vocabulary import Text
from processes.algorithms.boundary_point_text import MAX_PARCEL_POINTS
from processes.algorithms.parcel_parts import POLYGONS, GivenParcel, ring_of
from processes.algorithms.survey_parcels import Fault, Finding, SurveyParcel, finding
from processes.algorithms.survey_sentences import WITHOUT_GEOMETRY

MAX_NUMBER = 1e12  # beyond any coordinate of any system
MAX_RINGS = 20_000  # of one parcel
REFERENCE = "coordRefSys"  # JSON-FG: of what stands in `place`

A_FEATURE = Text(zh="应为要素（Feature）", en="expected a Feature")
A_GEOMETRY = Text(zh="应为图形（geometry）", en="expected a geometry")
RINGS = Text(zh="应为圈的数组", en="expected an array of rings")
POSITIONS = Text(zh="应为坐标的数组", en="expected an array of positions")
A_POSITION = Text(
    zh="应为坐标：两个或三个数的数组",
    en="expected a position: an array of two or three numbers",
)
A_NUMBER = Text(zh="应为可作坐标的数", en="expected a number that can be a coordinate")

type Wrong = tuple[str, Text]  # JSON pointer, what is wrong


class NoParcels(ValueError):
    """A document that is none of parcels, and the place that says so (a JSON pointer)."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenDocument:
    """The parcels of a document, and the reference system that it names."""

    parcels: tuple[GivenParcel, ...]  # points in the order of the system's axes
    crs: str | None  # JSON-FG only


def read_document(document: Mapping[str, Any], most: int) -> GivenDocument:
    """The parcels of a geometry, a feature or a feature collection, in GeoJSON or JSON-FG.

    Parameters
    ----------
    document : mapping
        Coordinates in any system and axis order; heights are dropped.
    most : int
        How many parcels are read.

    Returns
    -------
    GivenDocument
        A parcel per feature, in their order. A feature that cannot be read has
        findings in place of parts; the others are read.

    Raises
    ------
    NoParcels
        Where the document as a whole is none of parcels.

    References
    ----------
    RFC 7946, sections 3.1 to 3.3; OGC 21-045r1 (JSON-FG), `place` and `coordRefSys`.

    Examples
    --------
    >>> ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    >>> square = {"type": "Polygon", "coordinates": [ring]}
    >>> odd = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [0, 0]}}
    >>> both = [{"type": "Feature", "geometry": square, "properties": {"far": 2}}, odd]
    >>> found = read_document({"type": "FeatureCollection", "features": both}, 10).parcels
    >>> [(one.points, one.properties, len(one.findings)) for one in found]
    [(4, {'far': 2}, 0), (0, {}, 1)]
    """
    if "crs" in document:
        raise NoParcels("/crs", "is not read; name the reference system in the input crs")
    crs = _reference(document.get(REFERENCE), f"/{REFERENCE}")
    kind = document.get("type")
    if kind == "FeatureCollection":
        features = document.get("features")
        if not isinstance(features, list) or not features:
            raise NoParcels("/features", "expected an array of at least one feature")
        if len(features) > most:
            raise NoParcels("/features", f"has {len(features):,} features; at most {most:,}")
        systems = {_own(one, place) for place, one in enumerate(features)} - {None}
        if len(systems | {crs} - {None}) > 1:
            raise NoParcels("/features", f"has features in several systems ({REFERENCE})")
        found = tuple(_feature(one, f"/features/{i}") for i, one in enumerate(features))
        return GivenDocument(parcels=found, crs=crs or next(iter(systems), None))
    if kind == "Feature":
        return GivenDocument(parcels=(_feature(document, ""),), crs=crs)
    if kind in POLYGONS:
        return GivenDocument(parcels=(_geometry(document, "", {}, None),), crs=crs)
    wanted = ", ".join(("FeatureCollection", "Feature", *POLYGONS))
    raise NoParcels("/type", f"expected one of {wanted}")


def _own(feature: Any, place: int) -> str | None:
    if not isinstance(feature, dict):
        return None
    return _reference(feature.get(REFERENCE), f"/features/{place}/{REFERENCE}")


def _reference(value: Any, place: str) -> str | None:
    """The system's address: a URI, a safe CURIE [EPSG:4551], or an object that refers to one."""
    if value is None:
        return None
    text = value.get("href") if isinstance(value, dict) else value
    if not isinstance(text, str):
        raise NoParcels(place, "expected the URI of one reference system")
    return text.strip().removeprefix("[").removesuffix("]")


def _feature(feature: Any, place: str) -> GivenParcel:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return _unread({}, None, place, (place, A_FEATURE))
    properties, name = feature.get("properties"), feature.get("id")
    if not isinstance(properties, dict):
        properties = {}
    if type(name) not in (str, int):
        name = None
    placed = feature.get("place") is not None
    key = "place" if placed else "geometry"
    geometry, here = feature.get(key), f"{place}/{key}"
    if geometry is None:
        wrong = finding(Fault.NO_POINTS, WITHOUT_GEOMETRY)
        return GivenParcel(properties=properties, id=name, place=here, findings=(wrong,))
    if not isinstance(geometry, dict):
        return _unread(properties, name, here, (here, A_GEOMETRY))
    return _geometry(geometry, here, properties, name)


def _geometry(
    geometry: Mapping[str, Any], place: str, properties: Mapping[str, Any], name: str | int | None
) -> GivenParcel:
    kind, coordinates, here = geometry.get("type"), geometry.get("coordinates"), ""
    if kind not in POLYGONS:
        named = str(kind)[:40]
        said = Text(
            zh=f"是{named}，只读取面（Polygon、MultiPolygon）",
            en=f"is a {named}; only areas (Polygon, MultiPolygon) are read",
        )
        wrong = finding(Fault.NOT_AN_AREA, said, shape=named)
        return GivenParcel(properties=properties, id=name, place=place, findings=(wrong,))
    here = f"{place}/coordinates"
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list) or not polygons:
        return _unread(properties, name, place, (here, RINGS))
    parts: list[SurveyParcel] = []
    rings = points = 0
    for i, polygon in enumerate(polygons):
        at = here if kind == "Polygon" else f"{here}/{i}"
        if not isinstance(polygon, list) or not polygon:
            return _unread(properties, name, place, (at, RINGS))
        read = []
        for k, ring in enumerate(polygon):
            size = len(ring) if isinstance(ring, list) else 0
            rings, points = rings + 1, points + size
            if points > MAX_PARCEL_POINTS or rings > MAX_RINGS:
                said = Text(
                    zh=f"超过{MAX_PARCEL_POINTS:,}个点或{MAX_RINGS:,}个圈",
                    en=f"has more than {MAX_PARCEL_POINTS:,} points or {MAX_RINGS:,} rings",
                )
                much = finding(Fault.TOO_MANY_POINTS, said)
                return GivenParcel(properties=properties, id=name, place=place, findings=(much,))
            found = _ring(ring, f"{at}/{k}")
            if isinstance(found, tuple):
                return _unread(properties, name, place, found)
            read.append(ring_of(k + 1, found))
        parts.append(SurveyParcel(rings=tuple(read)))
    return GivenParcel(parts=tuple(parts), properties=properties, id=name, place=place)


def _ring(ring: Any, place: str) -> NDArray[np.float64] | Wrong:
    if not isinstance(ring, list):
        return place, POSITIONS
    wrong = next(_wrong_positions(ring, place), None)
    if wrong is not None:
        return wrong
    points = np.array([position[:2] for position in ring], dtype=np.float64)
    return points.reshape(-1, 2)


def _wrong_positions(ring: Sequence[Any], place: str) -> Iterator[Wrong]:
    for i, position in enumerate(ring):
        if not isinstance(position, list) or not 2 <= len(position) <= 4:
            yield f"{place}/{i}", A_POSITION
            continue
        for j, number in enumerate(position[:2]):
            if type(number) not in (int, float) or not -MAX_NUMBER < number < MAX_NUMBER:
                yield f"{place}/{i}/{j}", A_NUMBER


def _unread(
    properties: Mapping[str, Any], name: str | int | None, place: str, wrong: Wrong
) -> GivenParcel:
    where, message = wrong
    said = Text(
        zh=f"图形无法读取：{message.zh}（{where}）", en=f"cannot be read: {message.en} ({where})"
    )
    told: Finding = finding(Fault.UNREADABLE_GEOMETRY, said)
    return GivenParcel(properties=properties, id=name, place=where, findings=(told,))
