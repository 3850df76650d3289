"""Parcels that people bring, in any form, in storage: each with its faults, none stops the others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow
from shapely import Geometry

from config.vocabulary import Text
from processes.algorithms.survey_checks import AREA_TOLERANCE_HA, AREA_TOLERANCE_SHARE, HA_M2
from processes.algorithms.survey_fault_titles import FAULT_TITLES
from processes.algorithms.survey_parcels import Fault, Finding, finding
from processes.algorithms.survey_sentences import OUTSIDE, validity
from processes.context import Context
from processes.spec import MAX_ERRORS, BodyError, InvalidBody
from processes.workflows.collection_input import COLLECTION, collection_rows
from processes.workflows.feature_input import Rows
from processes.workflows.parcel_bounds import parcel_bounds
from processes.workflows.parcel_placing import beside, plane_of
from processes.workflows.parcel_sources import (
    Asked,
    ReadParcels,
    from_document,
    from_file,
    from_rows,
)
from processes.workflows.survey_report import unit_of
from processes.workflows.surveyed_input import PASTED, opened_text, opened_upload
from processes.workflows.uploaded_input import HREF
from providers.crs import Crs, Operation, to_plane
from providers.errors import BadParameter

PARCELS, UNIT, CRS = "parcels", "unit", "crs"
FORMS = (PASTED, HREF, COLLECTION)
MAX_SAID = 20  # faults of one parcel
OUTSIDE_CHINA = "lie outside the zones of China (73.5°E to 136.5°E), and no plane is configured"

CROSSING_STORED = Text(zh="入库坐标中自相交", en="crosses itself in storage")

type Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeParcel:
    """One parcel; with an error among its faults it has no geometry."""

    number: int  # its place among the others, from 1
    name: str | None
    id: str | None
    geometry: Geometry | None  # longitude, latitude, EPSG:4490
    declared_m2: float | None  # 申报面积
    attributes: Mapping[str, Any]
    faults: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """All parcels of a request, how they came to storage, and the plane that measures them."""

    parcels: tuple[IntakeParcel, ...]
    crs: Crs
    plane: Crs
    operation: Operation
    notes: tuple[str, ...]


def form_faults(inputs: Mapping[str, Any]) -> Iterator[BodyError]:
    """What is wrong with the form of `parcels`, before anything is read."""
    given = inputs[PARCELS]
    if not isinstance(given, Mapping):
        return
    named = [one for one in FORMS if one in given]
    if len(named) > 1 or (named and "type" in given and HREF not in given):
        expected = f"one of {', '.join(FORMS)}, or a GeoJSON document"
        yield BodyError(f"/{PARCELS}", f"expected {expected}")
    elif not named and "type" not in given:
        expected = f"a GeoJSON document, or an object with one of {', '.join(FORMS)}"
        yield BodyError(f"/{PARCELS}", f"expected {expected}")


def read_parcels(
    context: Context, connection: Connection[TupleRow], inputs: Mapping[str, Any]
) -> Intake:
    """The parcels of the input `parcels`, in the system `crs` where they do not say theirs.

    Raises
    ------
    InvalidBody
        For what cannot be read as a whole; where no zone is stated, at `/inputs/crs` with those that fit;
        and for more than is read. Whatever is wrong with single parcels is told with them.
    """
    unit = None
    if inputs.get(UNIT) is not None:
        unit = unit_of(connection, str(inputs[UNIT]), context.today)
        if unit is None:
            message = "expected a region of the register that has an area"
            raise InvalidBody([BodyError(f"/inputs/{UNIT}", message)])
    read = _read(context, connection, inputs, unit)
    found = list(read.findings)
    stored = read.placed.stored
    found += _unfit(stored)
    stored = _without(stored, found)
    plane = plane_of(read.placed.crs, stored, context.planar_crs, read.near_deg)
    if plane is None:
        raise InvalidBody(_unmeasured(read, found, _place_of(inputs)))
    found += beside(stored, plane)
    stored = _without(stored, found)
    if not read.compared:
        found += _differing(read, stored, plane)
    if unit is not None:
        found += _outside(stored, unit)
    return Intake(
        parcels=tuple(_parcels(read, stored, found)),
        crs=read.placed.crs,
        plane=plane,
        operation=read.placed.operation,
        notes=read.notes,
    )


def _read(
    context: Context,
    connection: Connection[TupleRow],
    inputs: Mapping[str, Any],
    unit: Geometry | None,
) -> ReadParcels:
    given, place = inputs[PARCELS], f"/inputs/{PARCELS}"
    bounds = None
    if unit is not None:
        west, south, east, north = shapely.bounds(unit).tolist()
        bounds = (west, south, east, north)
    asked = Asked(place=place, crs=inputs.get(CRS), unit=bounds)
    if isinstance(given, Rows):
        return from_rows(given, asked)
    if given.get(CRS) is not None and given.keys() & {*FORMS}:
        asked = replace(asked, crs=given[CRS], crs_place=f"{place}/{CRS}")
    if PASTED in given:
        place = f"{place}/{PASTED}"
        with opened_text(given[PASTED], place) as source:
            return from_file(source, replace(asked, place=place))
    if HREF in given:
        with opened_upload(connection, context, given, place) as (source, _):
            return from_file(source, replace(asked, place=f"{place}/{HREF}"))
    if COLLECTION in given:
        try:
            return from_rows(collection_rows(connection, context, given), asked)
        except BadParameter as error:
            told = str(error).partition(": ")[2]
            raise InvalidBody([BodyError(f"{place}/{error.name}", told)]) from error
    return from_document(given, asked)


def _unfit(stored: Geometries) -> Iterator[Finding]:
    """Parcels that are larger than a check measures, or that cross themselves once in storage."""
    x0, y0, x1, y1 = shapely.bounds(stored).T
    most = parcel_bounds().max_span_deg
    for one in np.flatnonzero(np.fmax(x1 - x0, y1 - y0) > most).tolist():
        said = Text(
            zh=f"经度或纬度跨度超过{most}°", en=f"spans more than {most}° in longitude or latitude"
        )
        yield finding(Fault.TOO_LARGE, said, parcel=one)
    for one in np.flatnonzero(~shapely.is_valid(stored) & ~shapely.is_missing(stored)).tolist():
        said = validity(CROSSING_STORED, str(shapely.is_valid_reason(stored[one])))
        yield finding(Fault.SELF_CROSSING, said, parcel=one)


def _without(stored: Geometries, found: Iterable[Finding]) -> Geometries:
    """Only the parcels that have no error."""
    kept = stored.copy()
    kept[[one.parcel for one in found if one.error and one.parcel is not None]] = None
    return kept


def _differing(read: ReadParcels, stored: Geometries, plane: Crs) -> Iterator[Finding]:
    """Parcels whose declared area is not that of their plane: told, for a table may say other areas."""
    declared = [one.declared_m2 for one in read.described]
    chosen = [
        place
        for place, area in enumerate(declared)
        if area is not None and stored[place] is not None
    ]
    if not chosen:
        return
    planar = shapely.area(to_plane(stored[chosen], plane))
    for place, measured_m2 in zip(chosen, planar.tolist(), strict=True):
        declared_m2 = declared[place] or 0.0
        allowed = AREA_TOLERANCE_HA * HA_M2 + AREA_TOLERANCE_SHARE * declared_m2
        if abs(measured_m2 - declared_m2) > allowed:
            said = Text(
                zh=f"申报{declared_m2:.2f}平方米，界址点所围平面面积{measured_m2:.2f}平方米"
                f"（{plane.label}）",
                en=f"declares {declared_m2:.2f} m²; its points enclose {measured_m2:.2f} m²"
                f" in {plane.label}",
            )
            yield finding(Fault.AREA_DIFFERS, said, parcel=place, error=False)


def _outside(stored: Geometries, unit: Geometry) -> Iterator[Finding]:
    shapely.prepare(unit)
    out = ~shapely.is_missing(stored) & ~shapely.covers(unit, stored)
    for place in np.flatnonzero(out).tolist():
        yield finding(Fault.OUTSIDE_UNIT, OUTSIDE, parcel=place)


def _parcels(
    read: ReadParcels, stored: Geometries, found: Sequence[Finding]
) -> Iterator[IntakeParcel]:
    told: dict[int, list[Finding]] = {}
    for one in found:
        if one.parcel is not None:
            told.setdefault(one.parcel, []).append(one)
    for place, (geometry, said) in enumerate(zip(stored, read.described, strict=True)):
        own = sorted(told.get(place, ()), key=lambda one: not one.error)[:MAX_SAID]
        yield IntakeParcel(
            number=place + 1,
            name=said.name,
            id=said.id,
            geometry=geometry,
            declared_m2=said.declared_m2,
            attributes=said.attributes,
            faults=tuple(fault_document(one, read.places[place]) for one in own),
        )


def fault_document(one: Finding, place: str | None) -> Mapping[str, Any]:
    """A fault of a parcel as results tell it."""
    title = FAULT_TITLES[one.fault]
    return {
        "code": str(one.fault),
        "severity": "error" if one.error else "warning",
        "title": {"zh": title.zh, "en": title.en},
        "message": {"zh": one.message.zh, "en": one.message.en},
        "place": _where(one, place),
    }


def _where(one: Finding, place: str | None) -> str | None:
    """The narrowest place that is known: of a document, a line, a ring, a point."""
    parts = [] if place is None else [place]
    parts += [f"line {one.line}"] if one.line is not None else []
    parts += [f"ring {one.ring}"] if one.ring is not None else []
    parts += [f"point {one.point}"] if one.point is not None else []
    return ", ".join(parts) or None


def _unmeasured(read: ReadParcels, found: Sequence[Finding], place: str) -> list[BodyError]:
    """Why there is no plane: none of the parcels can be read, or they lie outside of China."""
    errors = [one for one in found if one.error]
    return [
        BodyError(
            place + (read.places[one.parcel] or "" if one.parcel is not None else ""),
            f"parcel {(one.parcel or 0) + 1}: {one.message.en}",
        )
        for one in errors[:MAX_ERRORS]
    ] or [BodyError(place, OUTSIDE_CHINA)]


def _place_of(inputs: Mapping[str, Any]) -> str:
    """Where faults of all parcels are told: at the text, the file, or within the document."""
    given, place = inputs[PARCELS], f"/inputs/{PARCELS}"
    if isinstance(given, Rows):
        return place
    return next((f"{place}/{one}" for one in FORMS if one in given), place)
