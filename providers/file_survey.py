"""Surveyed parcels as features: a faulty one has no geometry and says why; the others are read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray

from processes.algorithms.survey_checks import check_parcels
from processes.algorithms.survey_parcels import Finding, SurveyParcel
from processes.algorithms.survey_rings import Closing
from providers.file_geometry import Extent
from providers.source_file import Batch, OpenedPath, SourceFile
from providers.survey_frames import Framed, Stated, framed

FINDINGS = "findings"  # the column that says what is wrong with a parcel; null: nothing
MAX_FINDINGS = 10_000
MAX_SAID = 20  # of one parcel, in its column


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a surveyor's file holds, before it is looked at."""

    driver: str
    parcels: Sequence[SurveyParcel]
    closing: Closing
    stated: Stated
    crs: pyproj.CRS | None = None  # where the file names one
    findings: tuple[Finding, ...] = ()  # of reading it
    columns: Mapping[str, pa.Array] | None = None  # beside FINDINGS; else those of a text
    more: Mapping[str, pa.Array] = field(default_factory=dict)  # beside those of a text
    layer: str | None = None  # where the file names its layers
    encoding: str | None = None
    notes: tuple[str, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)  # of a coordinate text


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedFeatures:
    """Parcels that have been looked at."""

    columns: Mapping[str, pa.Array]
    geometries: NDArray[np.object_]

    def batches(self, rows: int) -> Iterator[Batch]:
        """The parcels from the beginning."""
        for first in range(0, len(self.geometries), rows):
            shapes = self.geometries[first : first + rows]
            said = self.columns[FINDINGS].slice(first, rows)
            faulty = np.flatnonzero(shapely.is_missing(shapes)).tolist()
            yield Batch(
                first=first,
                count=len(shapes),
                columns={name: one.slice(first, rows) for name, one in self.columns.items()},
                geometry=shapes,
                unreadable={row: said[row].as_py() or "it cannot be read" for row in faulty},
            )


def surveyed(asked: OpenedPath, survey: Survey) -> SourceFile:
    """Look at every parcel, and give them as features."""
    frame = _placed(survey)
    before = (*survey.findings, *frame.findings)
    faulty = frozenset(one.parcel for one in before if one.error and one.parcel is not None)
    closing = replace(survey.closing, degrees=frame.degrees)
    checked = check_parcels(frame.parcels, closing, faulty)
    geometries = checked.geometries
    findings = tuple(sorted((*before, *checked.findings), key=_place))
    extent = Extent()
    extent.add(geometries)
    columns = survey.columns if survey.columns is not None else _attributes(frame.parcels)
    columns = {**columns, **survey.more, FINDINGS: _sentences(len(geometries), findings)}
    return SourceFile(
        path=asked.given,
        name=asked.name,
        driver=survey.driver,
        layer=survey.layer or asked.title,
        columns={name: one.type for name, one in columns.items()},
        geometry="Polygon",
        crs=frame.crs,
        features=len(geometries),
        bounds=extent.found,
        encoding=survey.encoding,
        notes=(*asked.notes, *survey.notes, *_summary(findings, len(geometries))),
        sha256=asked.sha256,
        read=SurveyedFeatures(columns=columns, geometries=geometries).batches,
        findings=findings[:MAX_FINDINGS],
        surveyed=True,
        parcels=frame.parcels,
        header=survey.header,
    )


def _placed(survey: Survey) -> Framed:
    """The parcels in the system that the file names, else in what their numbers say."""
    if survey.crs is None:
        return framed(survey.parcels, survey.stated)
    degrees = bool(survey.crs.is_geographic)
    return Framed(parcels=tuple(survey.parcels), crs=survey.crs, findings=(), degrees=degrees)


def _place(one: Finding) -> tuple[int, bool]:
    return (-1 if one.parcel is None else one.parcel), not one.error


def _attributes(parcels: Sequence[SurveyParcel]) -> dict[str, pa.Array]:
    texts = {
        "number": [one.number for one in parcels],
        "name": [one.name for one in parcels],
        "use": [one.use for one in parcels],
        "class_code": [one.class_code for one in parcels],
    }
    columns = {n: pa.array([v or None for v in values], pa.string()) for n, values in texts.items()}
    return {**columns, "declared_ha": pa.array([p.declared_ha for p in parcels], pa.float64())}


def _sentences(count: int, findings: Sequence[Finding]) -> pa.Array:
    """What is wrong with each parcel, in words."""
    said: dict[int, list[str]] = {}
    for one in findings:
        if one.parcel is None or len(told := said.setdefault(one.parcel, [])) >= MAX_SAID:
            continue
        at = [f"point {one.point}"] if one.point else []
        at += [f"line {one.line}"] if one.line else []
        told.append(f"{one.message.en} ({', '.join(at)})" if at else one.message.en)
    return pa.array(["; ".join(said[i]) if i in said else None for i in range(count)], pa.string())


def _summary(findings: Sequence[Finding], parcels: int) -> Iterator[str]:
    """How many parcels are not read, and why the first of them is not."""
    errors = [one for one in findings if one.error]
    lost = {one.parcel for one in errors if one.parcel is not None}
    if lost:
        first = errors[0]
        name = first.number or (first.parcel or 0) + 1
        yield (
            f"{len(lost):,} of {parcels:,} parcels cannot be read;"
            f" parcel {name}: {first.message.en}"
        )
    if warned := len(findings) - len(errors):
        yield f"{warned:,} warnings"
    if len(findings) > MAX_FINDINGS:
        yield f"the first {MAX_FINDINGS:,} findings are listed"
