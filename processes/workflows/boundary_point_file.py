"""The readable parcels of a file as the coordinate text of land approvals (界址点坐标 TXT)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from processes.algorithms.boundary_point_export import write_boundary_points
from processes.algorithms.parcel_parts import parts_of
from processes.algorithms.survey_parcels import SurveyParcel, SurveyRing
from processes.workflows.parcel_columns import described
from processes.workflows.uploaded_input import properties_of
from providers.crs import from_epsg, to_plane, zone_of
from providers.crs_systems import (
    FIRST_NUMBERED,
    FIRST_PLAIN,
    SIX_DEGREES,
    THREE_DEGREES,
    Zone,
    system_of_code,
)
from providers.crs_ways import StorageWay, way_to_storage
from providers.files import SourceFile

HEADER: Mapping[str, str] = {
    "格式版本号": "1.01",
    "坐标系": "2000国家大地坐标系",
    "几度分带": str(THREE_DEGREES),
    "投影类型": "高斯克吕格",
    "计量单位": "米",
    "带号": "",
    "精度": "0.001",
    "转换参数": "0,0,0,0,0,0,0",
}
UNPLACED: Mapping[str, str] = {"格式版本号": "1.01", "计量单位": "米", "精度": "0.001"}
METRES = 3  # decimals

type Geometries = NDArray[np.object_]


def boundary_text(source: SourceFile, crs: pyproj.CRS | str | None) -> str:
    """The text; a coordinate text comes back as it was read, without its faulty parcels.

    *crs* is the system of the file's numbers, None where it is not known. Degrees are written in
    the 3-degree zone of CGCS2000 in which most of the parcels lie.
    """
    batches = list(source.batches())
    shapes = np.concatenate(
        [np.array([], dtype=object)] + [b.geometry for b in batches if b.geometry is not None]
    )
    rows = [row for batch in batches for row in properties_of(batch)]
    written = source.parcels or [None] * len(shapes)
    parcels = [
        part
        for place, (shape, row, one) in enumerate(zip(shapes, rows, written, strict=True), 1)
        if shape is not None
        for part in _parts(shape, row, one, place)
    ]
    zone = None
    if crs is not None and parcels and source.bounds is not None:
        way = way_to_storage(crs, source.bounds)
        system = None if way.code is None else system_of_code(way.code)
        zone = None if system is None else system.zone
        if system is not None and system.geographic:
            parcels, zone = _in_zone(parcels, way)
    if source.header and not _has_degrees(source):
        return write_boundary_points(source.header, [_measured(one) for one in parcels])
    header = UNPLACED if zone is None else {**HEADER, **_of_zone(zone)}
    return write_boundary_points(header, [_measured(one) for one in parcels], METRES)


def _has_degrees(source: SourceFile) -> bool:
    return source.crs is not None and bool(source.crs.is_geographic)


def _parts(
    shape: shapely.Geometry, row: Mapping[str, object], written: SurveyParcel | None, place: int
) -> list[SurveyParcel]:
    """A parcel as its file wrote it, else its polygons under its name."""
    if written is not None:
        return [replace(written, number=written.number or str(place))]
    said = described(row)
    found = []
    for part in parts_of(shape):
        rings, first = [], 1
        for ring in part.rings:
            names = [f"J{first + i}" for i in range(len(ring.points) - 1)]
            rings.append(replace(ring, names=(*names, names[0])))
            first += len(names)
        found.append(
            SurveyParcel(
                rings=tuple(rings),
                number=said.id or str(place),
                name=said.name or "",
                use=str(said.attributes.get("use", "")),
                class_code=str(said.attributes.get("planned_class", "")),
                declared_ha=None if said.declared_m2 is None else said.declared_m2 / 1e4,
            )
        )
    return found


def _measured(one: SurveyParcel) -> SurveyParcel:
    """With its planar area where it declares none, and its number of points."""
    points = one.points if one.declared_points is None else one.declared_points
    if one.declared_ha is not None or one.area_text or not one.rings:
        return replace(one, declared_points=points)
    shell = max(one.rings, key=lambda ring: ring.number == 1)
    holes = [ring.points for ring in one.rings if ring is not shell]
    area_m2 = float(shapely.area(shapely.Polygon(shell.points, holes)))
    return replace(one, declared_points=points, declared_ha=area_m2 / 1e4)


def _in_zone(
    parcels: Sequence[SurveyParcel], way: StorageWay
) -> tuple[list[SurveyParcel], Zone | None]:
    """Parcels from degrees to the zone of their middle, its number in front; else as they are."""
    rings = [ring for one in parcels for ring in one.rings]
    lines = np.array([shapely.LineString(ring.points) for ring in rings], dtype=object)
    stored = way.move(lines)
    middle = float(np.median(shapely.get_coordinates(stored)[:, 0]))
    plain = zone_of(middle)
    if plain is None:
        return list(parcels), None
    first, _ = FIRST_NUMBERED[THREE_DEGREES]
    plane = from_epsg(first + plain.code - FIRST_PLAIN[THREE_DEGREES])
    placed = iter(to_plane(stored, plane))
    moved = [
        replace(one, rings=tuple(_with(ring, next(placed)) for ring in one.rings))
        for one in parcels
    ]
    return moved, system_of_code(plane.code).zone


def _with(ring: SurveyRing, line: shapely.Geometry) -> SurveyRing:
    points = shapely.get_coordinates(line).round(METRES)
    return replace(ring, points=points)


def _of_zone(zone: Zone) -> Mapping[str, str]:
    """What the header says of a zone."""
    number = zone.number
    if number is not None and number < FIRST_NUMBERED[THREE_DEGREES][1]:
        return {"几度分带": str(SIX_DEGREES), "带号": str(number)}
    if number is None:
        number = round(zone.meridian_deg / THREE_DEGREES)
    return {"带号": str(number)}
