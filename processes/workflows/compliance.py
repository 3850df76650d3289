"""The compliance check (合规性审查) of one parcel: facts per control line, advice, lineage.

Facts only: rules and opinions are other people's. Missing data are 数据缺失 with the reason, and
hold the advice at 需核实; they never count as zero.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache, partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow
from shapely import Geometry, MultiPolygon, Polygon

from config.settings import PACKAGE_ROOT
from config.vocabulary import ControlLine, Fact, Text
from processes.algorithms.control_line_check import Areas, Measure, NoiseRule, measure, overlay
from processes.algorithms.parcel_geometry import invalidity, read_parcel
from processes.context import Context
from processes.spec import BodyError, InvalidBody
from providers.bindings import Bound, NotBound
from providers.crs import (
    CRS84_URI,
    Crs,
    CrsError,
    Operation,
    parse_crs,
    to_plane,
    to_storage,
    zone_of,
)
from providers.overlays import Met, features_meeting

ADVISORY = Text(
    zh="系统辅助分析，不作为审批依据",
    en="Computer-aided analysis; no basis for approval",
)
PARAMETERS = PACKAGE_ROOT / "standards" / "parameters" / "boundary-noise.json"
COORDINATE_DIGITS = 9
TITLES = {
    ControlLine.PERMANENT_FARMLAND: Text(zh="永久基本农田", en="Permanent basic farmland"),
    ControlLine.ECOLOGICAL_REDLINE: Text(zh="生态保护红线", en="Ecological protection red line"),
    ControlLine.URBAN_GROWTH_BOUNDARY: Text(zh="城镇开发边界", en="Urban growth boundary"),
}


class Advice(StrEnum):
    """A suggestion (建议); without rules only these two can be given."""

    CONFORMS = "符合"  # outside farmland and red line, inside the growth boundary, all data there
    TO_VERIFY = "需核实"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel in storage, and how it came there."""

    geometry: Polygon | MultiPolygon  # longitude, latitude, EPSG:4490
    crs: Crs
    operation: Operation
    declared_m2: float | None  # 申报面积


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one control line says about the parcel."""

    line: ControlLine
    fact: Fact
    reason: str | None  # why data are missing
    bound: Bound | NotBound
    inside: Measure | None = None
    outside: Measure | None = None
    features: Sequence[Mapping[str, Any]] = ()


def parcel_faults(inputs: Mapping[str, Any]) -> list[BodyError]:
    """Everything wrong with the parcel and its reference system."""
    try:
        read(inputs)
    except InvalidBody as error:
        return list(error.errors)
    return []


def read(inputs: Mapping[str, Any]) -> Parcel:
    """The parcel of a request, in storage; InvalidBody with every fault."""
    faults: list[BodyError] = []
    found = read_parcel(inputs["parcel"])
    if isinstance(found, list):
        faults += [BodyError(f"/parcel{place}", message) for place, message in found]
    try:
        crs = parse_crs(inputs.get("crs", CRS84_URI))
    except CrsError as error:
        faults.append(BodyError("/crs", str(error)))
    if isinstance(found, list) or faults:
        raise InvalidBody(faults)
    try:
        stored = to_storage(np.array([found], dtype=object), crs)
    except CrsError as error:
        raise InvalidBody([BodyError("/parcel", str(error))]) from error
    geometry: Polygon | MultiPolygon = stored.geometries[0]
    if why := invalidity(geometry):
        raise InvalidBody([BodyError("/parcel", f"the polygon is not valid: {why}")])
    return Parcel(
        geometry=geometry,
        crs=crs,
        operation=stored.operation,
        declared_m2=inputs.get("declared_area_m2"),
    )


def check_parcel(context: Context, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Read, compute, tell: the findings of one parcel as a JSON document."""
    parcel = read(inputs)
    plane_crs = plane_of(parcel, context.planar_crs)
    day = date.fromisoformat(inputs["check_date"]) if "check_date" in inputs else context.today
    noise = noise_rule()
    plane = partial(_to_plane, plane_crs)
    findings: list[Finding] = []
    with context.reading() as connection:
        for number, line in enumerate(ControlLine):
            context.report(100 * number // len(ControlLine), TITLES[line].zh)
            bound = context.bound(line, day)
            findings.append(_finding(context, connection, line, bound, parcel, plane, noise))
    return {
        "advisory": {"zh": ADVISORY.zh, "en": ADVISORY.en},
        "check_date": day.isoformat(),
        "matter": inputs.get("matter"),
        "parcel": _parcel_document(parcel, measure(parcel.geometry, plane), plane_crs),
        "control_lines": [_finding_document(f, parcel) for f in findings],
        "suggestion": _suggestion(findings),
        "parameters": {
            "id": "boundary_noise",
            "version": noise.version,
            "source": noise.source,
            "eps_m2": noise.eps_m2,
            "min_width_m": noise.min_width_m,
            "noise": noise.combine,
        },
        "lineage": context.lineage,
    }


@cache
def noise_rule() -> NoiseRule:
    """The parameters of boundary noise (边界误差), with their source."""
    data = json.loads(PARAMETERS.read_text("utf-8"))
    return NoiseRule(
        eps_m2=data["eps_m2"],
        min_width_m=data["min_width_m"],
        combine=data["noise"],
        version=data["version"],
        source=data["source"]["zh"],
    )


def plane_of(parcel: Parcel, configured: str | None) -> Crs:
    """The file's own survey zone, else the configured plane, else the 3-degree zone."""
    if parcel.crs.survey_zone:
        return parcel.crs
    if configured is not None:
        return parse_crs(configured)
    zone = zone_of(float(shapely.centroid(parcel.geometry).x))
    if zone is None:
        message = "lies outside the zones of China (73.5°E to 136.5°E), and no plane is configured"
        raise InvalidBody([BodyError("/inputs/parcel", message)])
    return zone


def _to_plane(crs: Crs, geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    return to_plane(geometries, crs)


def _finding(
    context: Context,
    connection: Connection[TupleRow],
    line: ControlLine,
    bound: Bound | NotBound,
    parcel: Parcel,
    plane: Any,
    noise: NoiseRule,
) -> Finding:
    if isinstance(bound, NotBound):
        named = bound.binding.id if bound.binding else line.value
        reason = f"{bound.reason}:{named}"
        return Finding(line=line, fact=Fact.DATA_MISSING, reason=reason, bound=bound)
    met = features_meeting(connection, bound, parcel.geometry, context.scope)
    cut = overlay(parcel.geometry, met.geometries.tolist(), to_plane=plane, noise=noise)
    concerned = cut.inside.areas.planar_m2 > 0
    return Finding(
        line=line,
        fact=Fact.CONCERNED if concerned else Fact.NOT_CONCERNED,
        reason=None,
        bound=bound,
        inside=cut.inside,
        outside=cut.outside,
        features=[_feature_document(met, part.feature, part) for part in cut.parts],
    )


def _suggestion(findings: Sequence[Finding]) -> dict[str, Any]:
    """Without rules: 符合 only where every fact is there and none asks for a judgement."""
    reasons = [f"{f.line}: {f.fact} {f.reason}" for f in findings if f.fact is Fact.DATA_MISSING]
    for finding in findings:
        if finding.line is ControlLine.URBAN_GROWTH_BOUNDARY:
            if finding.outside is not None and finding.outside.areas.planar_m2 > 0:
                reasons.append(f"{finding.line}: {finding.outside.areas.planar_m2:.2f} m² 在界外")
        elif finding.fact is Fact.CONCERNED:
            reasons.append(f"{finding.line}: {finding.fact}")
    value = Advice.TO_VERIFY if reasons else Advice.CONFORMS
    return {"value": value.value, "reasons": reasons, "note": ADVISORY.zh}


def _parcel_document(parcel: Parcel, areas: Areas, plane: Crs) -> dict[str, Any]:
    return {
        "area_m2": {
            "declared": parcel.declared_m2,
            "planar": areas.planar_m2,
            "ellipsoid": areas.ellipsoid_m2,
        },
        "planar_crs": plane.label,
        "crs": {
            "uri": parcel.crs.uri,
            "operation": parcel.operation.name,
            "accuracy_m": parcel.operation.accuracy_m,
        },
        "geometry": _geojson(parcel.geometry),
    }


def _finding_document(finding: Finding, parcel: Parcel) -> dict[str, Any]:
    bound = finding.bound
    state = bound.state if isinstance(bound, Bound) else None
    document: dict[str, Any] = {
        "control_line": finding.line.value,
        "title": {"zh": TITLES[finding.line].zh, "en": TITLES[finding.line].en},
        "binding": bound.binding.id if bound.binding else None,
        "fact": finding.fact.value,
        "reason": finding.reason,
        "layer": bound.layer.id if isinstance(bound, Bound) else None,
        "edition": None,
        "revision": None,
        "inside": _measure_document(finding.inside, parcel.declared_m2),
        "outside": _measure_document(finding.outside, parcel.declared_m2),
        "features": list(finding.features),
    }
    if state is not None:
        edition = state.edition
        document["revision"] = state.revision
        document["edition"] = {
            "key": edition.key,
            "title": {"zh": edition.title.zh, "en": edition.title.en},
            "status": edition.status.value,
            "issuer": edition.issuer.value,
            "document": edition.document,
            "valid_from": edition.valid_from.isoformat(),
            "valid_to": edition.valid_to.isoformat() if edition.valid_to else None,
        }
    return document


def _measure_document(found: Measure | None, declared_m2: float | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "ellipsoid_m2": found.areas.ellipsoid_m2,
        "planar_m2": found.areas.planar_m2,
        "share": found.share,
        "declared_m2": None if declared_m2 is None else found.share * declared_m2,
        "noise_m2": found.noise_m2,
    }


def _feature_document(met: Met, position: int, part: Any) -> dict[str, Any]:
    return {
        "id": met.ids[position],
        "plan": met.plans[position],
        "document": met.documents[position],
        "area_m2": part.areas.ellipsoid_m2,
        "planar_m2": part.areas.planar_m2,
        "geometry": _geojson(part.geometry),
    }


def _geojson(geometry: Geometry) -> dict[str, Any]:
    """Nine decimals of a degree; areas are never computed from this again."""
    rounded = shapely.transform(geometry, lambda points: points.round(COORDINATE_DIGITS))
    return dict(json.loads(shapely.to_geojson(rounded)))
