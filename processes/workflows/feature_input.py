"""Features from a request to storage: every fault with its place, their system, their planes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from config.units import Unit
from processes.algorithms.ellipsoid_edges import cut_edges, piece_counts
from processes.algorithms.geojson_features import ANY, Features, read_features
from processes.spec import BodyError, InvalidBody
from providers.crs import (
    CRS84,
    CRS84_URI,
    Crs,
    CrsError,
    Operation,
    OutsideArea,
    parse_crs,
    to_plane,
    to_storage,
    zone_of,
)
from providers.crs_operations import RELABELLED
from providers.crs_systems import area_of_use, system_of_code

# A 3-degree zone used a degree beside its edge shows areas 0.1 % too large at 43°N; then it grows.
BESIDE_ZONE_DEG = 1.0
MAX_PIECES = 1_000_000
# Of features that are referred to: about a gibibyte of a computation's memory.
MOST_FEATURES, MOST_VERTICES = 200_000, 5_000_000
MIN_PIECE_M, MAX_PIECE_M = 0.5, 10_000.0

type Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Features that a computation reads, whether they were sent or come from a collection."""

    geometries: Geometries  # longitude, latitude, EPSG:4490; None: no geometry
    drawn: Geometries  # the same in their own system (x east, y north), where edges are straight
    properties: tuple[Mapping[str, Any], ...]
    ids: tuple[str | int | None, ...]
    crs: Crs  # of *drawn*
    operation: Operation  # how they came to storage
    nested: bool = False  # they are the output of a nested process
    units: Mapping[str, Unit] = field(default_factory=dict)  # of properties, as far as a layer says

    def __len__(self) -> int:
        return len(self.geometries)

    def classes(self, name: str | None) -> NDArray[np.object_]:
        """The class of each feature by a property; None where it has none."""
        values = [None if name is None else _as_class(p.get(name)) for p in self.properties]
        return np.array(values, dtype=object)


class NotHereYet(Exception):
    """The input names rows; they are read when the computation begins."""


def stored_rows(
    geometries: Geometries,
    properties: Sequence[Mapping[str, Any]],
    ids: Sequence[str | int | None],
) -> Rows:
    """Rows of a collection: what is in storage is drawn in degrees."""
    return Rows(
        geometries=geometries,
        drawn=geometries,
        properties=tuple(properties),
        ids=tuple(ids),
        crs=CRS84,
        operation=RELABELLED,
    )


def read_rows(
    inputs: Mapping[str, Any], name: str, kinds: Sequence[str] = ANY, crs_name: str = "crs"
) -> Rows:
    """The features of the input *name* in the system of *crs_name*.

    Raises
    ------
    InvalidBody
        With every fault.
    NotHereYet
        For a reference, which only a computation follows (referred_input.resolved).
    """
    given = inputs[name]
    if isinstance(given, Rows):
        return _of_kinds(given, name, kinds)
    if given.keys() & {"collection", "href", "process"}:
        raise NotHereYet(name)
    faults: list[BodyError] = []
    found = read_features(given, kinds)
    if not isinstance(found, Features):
        faults += [BodyError(f"/{name}{place}", message) for place, message in found]
    try:
        crs = parse_crs(inputs.get(crs_name, CRS84_URI))
    except CrsError as error:
        faults.append(BodyError(f"/{crs_name}", str(error)))
    if not isinstance(found, Features) or faults:
        raise InvalidBody(faults)
    return _placed(found, crs, name, crs_name)


def cut_rows(rows: Rows, piece_m: float | None, name: str) -> Rows:
    """Rows with their edges cut where they were drawn; None: they stay as they are."""
    if piece_m is None:
        return rows
    rings = shapely.get_rings(shapely.get_parts(rows.geometries))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    if piece_counts(points, ring, piece_m).sum() > MAX_PIECES:
        message = f"edges would be cut into more than {MAX_PIECES} pieces"
        raise InvalidBody([BodyError(f"/{name}", message)])
    drawn = cut_edges(rows.drawn, rows.geometries, piece_m)
    return replace(rows, drawn=drawn, geometries=stored_from(drawn, rows.crs))


def stored_from(drawn: Geometries, crs: Crs) -> Geometries:
    """What was drawn in *crs*, x east and y north, in storage."""
    there = _present(drawn)
    registry = in_registry_order(drawn, crs)
    stored = drawn.copy()
    if there.any():
        stored[there] = to_storage(registry[there], crs).geometries
    return stored


def in_registry_order(geometries: Geometries, crs: Crs) -> Geometries:
    """x east and y north in the axis order that the registry gives to *crs*; and back."""
    return shapely.transform(geometries, _swapped) if crs.north_first else geometries


def plane_for(rows: Sequence[Rows], configured: str | None) -> Crs | None:
    """Their own survey zone, else the configured plane, else the zone of their middle.

    None: they lie outside the zones of China, or nowhere.
    """
    first = rows[0].crs
    if first.survey_zone and all(one.crs == first for one in rows):
        return first
    if configured is not None:
        return parse_crs(configured)
    every = np.concatenate([one.geometries for one in rows])
    if not _present(every).any():
        return None
    west, _, east, _ = shapely.total_bounds(every)
    return zone_of(float(west + east) / 2)


def in_plane(rows: Rows, plane: Crs) -> Geometries:
    """Rows in a plane, x east and y north; None for what lies too far beside it to mean anything."""
    if rows.crs == plane:
        return rows.drawn
    west, south, east, north = area_of_use(system_of_code(plane.code).crs, BESIDE_ZONE_DEG)
    x0, y0, x1, y1 = shapely.bounds(rows.geometries).T
    near = (west <= x0) & (x1 <= east) & (south <= y0) & (y1 <= north)  # not where there is none
    placed = np.full(len(rows), None, dtype=object)
    if near.any():
        placed[near] = to_plane(rows.geometries[near], plane)
    return placed


def faults_of(read: Any, *arguments: Any) -> list[BodyError]:
    """What *read* finds wrong; nothing where it has to wait for the rows."""
    try:
        read(*arguments)
    except NotHereYet:
        return []
    except InvalidBody as error:
        return list(error.errors)
    return []


def _of_kinds(rows: Rows, name: str, kinds: Sequence[str]) -> Rows:
    held = {one.geom_type for one in rows.geometries if one is not None}
    if held <= {*kinds}:
        return rows
    source, place = (
        ("process gives", "process") if rows.nested else ("collection has", "collection")
    )
    message = f"the {source} {', '.join(sorted(held))}; expected {', '.join(kinds)}"
    raise InvalidBody([BodyError(f"/inputs/{name}/{place}", message)])


def _placed(found: Features, crs: Crs, name: str, crs_name: str) -> Rows:
    there = _present(found.geometries)
    stored, operation = found.geometries.copy(), RELABELLED
    if there.any():
        try:
            moved = to_storage(found.geometries[there], crs)
        except CrsError as error:
            raise InvalidBody(list(_blame(found, crs, name, crs_name, error))) from error
        stored[there], operation = moved.geometries, moved.operation
    return Rows(
        geometries=stored,
        drawn=in_registry_order(found.geometries, crs),
        properties=found.properties,
        ids=found.ids,
        crs=crs,
        operation=operation,
    )


def _blame(found: Features, crs: Crs, name: str, crs_name: str, error: CrsError) -> list[BodyError]:
    """The features that lie outside; or the system, where none is to blame."""
    if not isinstance(error, OutsideArea):
        return [BodyError(f"/{crs_name}", str(error))]
    faults: list[BodyError] = []
    for place, one in zip(found.places, found.geometries, strict=True):
        if one is None or shapely.is_empty(one) or len(faults) >= 100:
            continue
        try:
            to_storage(np.array([one], dtype=object), crs)
        except CrsError as own:
            faults.append(BodyError(f"/{name}{place}", str(own)))
    return faults or [BodyError(f"/{name}", str(error))]


def _present(geometries: Geometries) -> NDArray[np.bool_]:
    return np.array(
        ~(shapely.is_missing(geometries) | shapely.is_empty(geometries)), dtype=np.bool_
    )


def _as_class(value: Any) -> str | None:
    if value is None or isinstance(value, dict | list):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _swapped(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points[:, ::-1]
