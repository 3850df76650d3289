"""Parcels in whatever form they are handed over: each form read, every parcel looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from config.units import Unit
from config.vocabulary import Text
from processes.algorithms.boundary_point_text import MAX_PARCEL_POINTS, MAX_POINTS
from processes.algorithms.parcel_documents import NoParcels, read_document
from processes.algorithms.parcel_parts import GivenParcel, check_given, given_shape
from processes.algorithms.survey_parcels import Fault, Finding, finding
from processes.algorithms.survey_rings import Closing
from processes.algorithms.survey_sentences import too_many_points
from processes.spec import BodyError, InvalidBody
from processes.workflows.feature_input import Rows
from processes.workflows.parcel_columns import NO_UNITS, Described, described
from processes.workflows.parcel_placing import Placed, lies_exchanged, placed, system_asked
from processes.workflows.uploaded_input import properties_of
from providers.crs import CRS84_URI, WHOLE, Crs, CrsError, parse_crs
from providers.crs_operations import inside
from providers.crs_systems import Bounds
from providers.file_boundary_points import DRIVER
from providers.file_survey import FINDINGS
from providers.files import Batch, SourceFile

MAX_PARCELS = 10_000  # of one check
UNREADABLE = Text(zh="无法读取", en="cannot be read")
CRS_PLACE = "/inputs/crs"
EASTING_FIRST = (
    "the positions give the easting first; by the axes of {system} the northing comes first:"
    " exchange the two numbers of every position, or send the document as a file (POST /files)"
)

type Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request says beside the parcels."""

    place: str  # JSON pointer of the parcels
    crs: str | None  # of the input, or of the reference to a file
    crs_place: str = CRS_PLACE
    unit: Bounds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadParcels:
    """Parcels in storage as far as they can be read, what is said of each, and what is wrong."""

    placed: Placed
    described: tuple[Described, ...]
    findings: tuple[Finding, ...]  # of reading and of placing
    places: tuple[str | None, ...]
    near_deg: float | None = None  # a longitude of theirs, readable or not
    compared: bool = False  # declared areas have been compared with the file's own plane
    notes: tuple[str, ...] = ()


def from_document(document: Mapping[str, Any], asked: Asked) -> ReadParcels:
    """The parcels of GeoJSON or JSON-FG; a document without a system is in CRS84.

    Raises
    ------
    InvalidBody
        Where the document or its system cannot be read as a whole.
    """
    try:
        given = read_document(document, MAX_PARCELS)
    except NoParcels as error:
        raise InvalidBody([BodyError(asked.place + error.place, str(error))]) from error
    said, where = given.crs or asked.crs or CRS84_URI, asked.crs_place
    if given.crs is not None:
        where = f"{asked.place}/coordRefSys"
    try:
        crs = parse_crs(said)
    except CrsError as error:
        raise InvalidBody([BodyError(where, str(error))]) from error
    parcels = [_turned(one) for one in given.parcels] if crs.north_first else given.parcels
    _check_size(parcels, asked.place)
    try:
        return _looked_at(parcels, crs, where, degrees=crs.geographic)
    except InvalidBody as error:
        if not crs.north_first or not lies_exchanged(_drawn(parcels), crs.uri):
            raise
        said = EASTING_FIRST.format(system=crs.label)
        raise InvalidBody([BodyError(where, said)]) from error


def from_rows(rows: Rows, asked: Asked) -> ReadParcels:
    """Features of a collection, of another host or of a nested process."""
    if not len(rows) or len(rows) > MAX_PARCELS:
        message = _too_many(len(rows)) if len(rows) else "holds no parcels"
        raise InvalidBody([BodyError(asked.place, message)])
    parcels = [
        given_shape(shape, properties, name)
        for shape, properties, name in zip(rows.geometries, rows.properties, rows.ids, strict=True)
    ]
    _check_size(parcels, asked.place)
    checked = check_given(parcels, Closing(degrees=True))
    where = Placed(stored=checked.geometries, crs=rows.crs, operation=rows.operation)
    return _read(parcels, where, checked.findings, rows.units)


def from_file(source: SourceFile, asked: Asked) -> ReadParcels:
    """The parcels of a file or a text, with the faults that its reader found.

    Raises
    ------
    InvalidBody
        For a table, for more than is read, and where no system is stated: with those that fit.
    """
    if source.geometry is None:
        message = f"{source.layer} is a table without parcels; expected columns 点号, X and Y"
        raise InvalidBody([BodyError(asked.place, message)])
    if (source.features or 0) > MAX_PARCELS:
        raise InvalidBody([BodyError(asked.place, _too_many(source.features or 0))])
    crs, said = system_asked(asked.crs or source.crs, source.bounds, asked.unit, asked.crs_place)
    where = asked.crs_place if asked.crs is not None else asked.place
    batches = _batches(source, asked)
    properties = [
        {name: value for name, value in row.items() if name != FINDINGS or not source.surveyed}
        for batch in batches
        for row in properties_of(batch)
    ]
    notes = (*source.notes, *([said] if said else []))
    if source.surveyed:
        shapes = np.concatenate([_shapes(one) for one in batches])
        parcels = [GivenParcel(properties=one) for one in properties]
        found = (*source.findings, *_unsaid(shapes, source.findings))
        read = _read(parcels, placed(shapes, crs, where), found)
        return replace(read, compared=source.driver == DRIVER, notes=notes)
    parcels = [
        given_shape(shape, row, None, batch.unreadable.get(i) if shape is None else None)
        for batch, rows in _with_rows(batches, properties)
        for i, (shape, row) in enumerate(zip(_shapes(batch), rows, strict=True))
    ]
    _check_size(parcels, asked.place)
    degrees = source.bounds is not None and inside(source.bounds, WHOLE)
    return replace(_looked_at(parcels, crs, where, degrees=degrees), notes=notes)


def _looked_at(
    parcels: Sequence[GivenParcel], crs: Crs | pyproj.CRS | str, where: str, *, degrees: bool
) -> ReadParcels:
    bounded = [_bounded(one) for one in parcels]
    checked = check_given(bounded, Closing(degrees=degrees))
    system = crs.uri if isinstance(crs, Crs) else crs
    read = _read(bounded, placed(checked.geometries, system, where), checked.findings)
    points = [ring.points[:, 0] for one in bounded for part in one.parts for ring in part.rings]
    if not degrees or not sum(map(len, points)):
        return read
    return replace(read, near_deg=float(np.median(np.concatenate(points))))


def _read(
    parcels: Sequence[GivenParcel],
    where: Placed,
    findings: Sequence[Finding],
    units: Mapping[str, Unit] = NO_UNITS,
) -> ReadParcels:
    said = [described(one.properties, one.id, units) for one in parcels]
    values = (
        replace(each, parcel=place) for place, one in enumerate(said) for each in one.findings
    )
    return ReadParcels(
        placed=where,
        described=tuple(said),
        findings=(*findings, *where.findings, *values),
        places=tuple(one.place for one in parcels),
    )


def _bounded(one: GivenParcel) -> GivenParcel:
    """A parcel of too many points without them."""
    if one.points <= MAX_PARCEL_POINTS:
        return one
    said = too_many_points(one.points, MAX_PARCEL_POINTS)
    return replace(one, parts=(), findings=(*one.findings, finding(Fault.TOO_MANY_POINTS, said)))


def _check_size(parcels: Sequence[GivenParcel], place: str) -> None:
    if (points := sum(one.points for one in parcels)) > MAX_POINTS:
        message = f"the parcels have {points:,} points; at most {MAX_POINTS:,}"
        raise InvalidBody([BodyError(place, message)])


def _too_many(count: int) -> str:
    return f"there are {count:,} parcels; at most {MAX_PARCELS:,} are checked together"


def _batches(source: SourceFile, asked: Asked) -> list[Batch]:
    found, count, points = list[Batch](), 0, 0
    for batch in source.batches():
        count += batch.count
        points += int(shapely.get_num_coordinates(_shapes(batch)).sum())
        if count > MAX_PARCELS:
            raise InvalidBody([BodyError(asked.place, _too_many(count))])
        if points > MAX_POINTS:
            message = f"the parcels have more than {MAX_POINTS:,} points"
            raise InvalidBody([BodyError(asked.place, message)])
        found.append(batch)
    if not count:
        raise InvalidBody([BodyError(asked.place, "holds no parcels")])
    return found


def _shapes(batch: Batch) -> Geometries:
    return np.full(batch.count, None, dtype=object) if batch.geometry is None else batch.geometry


def _with_rows(
    batches: Sequence[Batch], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[Batch, Sequence[Mapping[str, Any]]]]:
    found, first = [], 0
    for batch in batches:
        found.append((batch, rows[first : first + batch.count]))
        first += batch.count
    return found


def _unsaid(shapes: Geometries, told: Sequence[Finding]) -> list[Finding]:
    """Parcels that were not read, and whose findings are beyond those that are listed."""
    known = {one.parcel for one in told if one.error}
    return [
        finding(Fault.UNREADABLE_GEOMETRY, UNREADABLE, parcel=place)
        for place in np.flatnonzero(shapely.is_missing(shapes)).tolist()
        if place not in known
    ]


def _drawn(parcels: Sequence[GivenParcel]) -> Geometries:
    """The points of each parcel as they were given, whatever is wrong with its rings."""
    points = [[ring.points for part in one.parts for ring in part.rings] for one in parcels]
    drawn = [shapely.multipoints(np.concatenate(rings)) if rings else None for rings in points]
    return np.array(drawn, dtype=object)


def _turned(one: GivenParcel) -> GivenParcel:
    """A parcel whose system gives the northing first, x to the east."""
    parts = tuple(
        replace(part, rings=tuple(replace(r, points=r.points[:, ::-1].copy()) for r in part.rings))
        for part in one.parts
    )
    return replace(one, parts=parts)
