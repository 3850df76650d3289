"""The compliance check (合规性审查) of one parcel: facts per control line, advice, lineage.

Facts only: rules and opinions are other people's. Missing data are 数据缺失 with the reason, and
hold the advice at 需核实; they never count as zero.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow
from shapely import Geometry

from config.settings import PACKAGE_ROOT
from config.vocabulary import Advice, ControlLine, Fact, Text
from processes.algorithms.control_line_check import (
    Areas,
    Measure,
    NoiseRule,
    Part,
    ToPlane,
    measure,
    overlay,
)
from processes.context import Context
from processes.spec import BodyError, InvalidBody
from processes.workflows.parcel import Parcel, parcel_bounds, plane_of, read_stored
from providers.bindings import Bound, NotBound
from providers.crs import Crs, to_plane
from providers.editions import covers
from providers.overlays import Met, TooManyFeatures, features_meeting, hides, part_in_scope

ADVISORY = Text(
    zh="系统辅助分析，不作为审批依据",
    en="Computer-aided analysis; no basis for approval",
)
PARAMETERS = PACKAGE_ROOT / "standards" / "parameters" / "boundary-noise.json"
COORDINATE_DIGITS = 9
OUTSIDE_SCOPE = "outside_scope"  # part of the parcel lies where the caller sees no rows
OUTSIDE_COVERAGE = "outside_coverage"  # part lies where the edition says nothing, or none knows
REASONS = {
    OUTSIDE_SCOPE: "超出权限范围",
    OUTSIDE_COVERAGE: "超出数据覆盖范围",
    "not_connected": "未接入",
    "no_edition": "当日无有效版次",
    "not_visible": "无权查看",
}
TITLES = {
    ControlLine.PERMANENT_FARMLAND: Text(zh="永久基本农田", en="Permanent basic farmland"),
    ControlLine.ECOLOGICAL_REDLINE: Text(zh="生态保护红线", en="Ecological protection red line"),
    ControlLine.URBAN_GROWTH_BOUNDARY: Text(zh="城镇开发边界", en="Urban growth boundary"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one control line says about the parcel."""

    line: ControlLine
    fact: Fact
    reason: str | None  # why data are missing, or incomplete
    bound: Bound | NotBound
    inside: Measure | None = None
    outside: Measure | None = None
    features: Sequence[Mapping[str, Any]] = ()


def check_parcel(context: Context, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Read, compute, tell: the findings of one parcel as a JSON document."""
    parcel = read_stored(inputs)
    plane_crs = plane_of(parcel, context.planar_crs)
    day = date.fromisoformat(inputs["check_date"]) if "check_date" in inputs else context.today
    noise = noise_rule()
    plane = partial(_to_plane, plane_crs)
    findings: list[Finding] = []
    with context.reading() as connection:
        if (
            overlay(
                parcel.geometry, [parcel.geometry], to_plane=plane, noise=noise
            ).inside.areas.planar_m2
            == 0
        ):
            message = "is no larger than the boundary noise: nothing can be said of it"
            raise InvalidBody([BodyError("/inputs/parcel", message)])
        visible = part_in_scope(connection, parcel.geometry, context.scope)
        seen = overlay(parcel.geometry, [visible], to_plane=plane, noise=noise)
        whole = seen.outside.areas.planar_m2 == 0
        for number, line in enumerate(ControlLine):
            context.report(100 * number // len(ControlLine), TITLES[line].zh)
            bound = context.bound(line, day)
            findings.append(_finding(context, connection, line, bound, parcel, plane, noise, whole))
    return {
        "advisory": {"zh": ADVISORY.zh, "en": ADVISORY.en},
        "check_date": day.isoformat(),
        "matter": inputs.get("matter"),
        "parcel": _parcel_document(parcel, measure(parcel.geometry, plane), plane_crs)
        | {"visible_share": seen.inside.share},
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


def _to_plane(crs: Crs, geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    return to_plane(geometries, crs)


def _finding(
    context: Context,
    connection: Connection[TupleRow],
    line: ControlLine,
    bound: Bound | NotBound,
    parcel: Parcel,
    plane: ToPlane,
    noise: NoiseRule,
    whole: bool,
) -> Finding:
    """*whole*: the caller's scope covers the parcel; else what is beyond it is unknown."""
    if isinstance(bound, NotBound):
        named = bound.binding.id if bound.binding else line.value
        why = f"{bound.reason}:{named}"
        return Finding(line=line, fact=Fact.DATA_MISSING, reason=why, bound=bound)
    try:
        most = parcel_bounds().max_features
        met = features_meeting(connection, bound, parcel.geometry, context.scope, most=most)
    except TooManyFeatures as error:
        raise InvalidBody([BodyError("/inputs/parcel", str(error))]) from error
    cut = overlay(parcel.geometry, met.geometries.tolist(), to_plane=plane, noise=noise)
    concerned = cut.inside.areas.planar_m2 > 0
    # rows are kept back by their own region, whatever the divisions' polygons say
    whole = whole and not hides(connection, bound, parcel.geometry, context.scope)
    state, wkb = bound.state.edition, shapely.to_wkb(parcel.geometry)
    covered = covers(connection, bound.layer.id, state.key, wkb)
    missing = None if whole else OUTSIDE_SCOPE
    if whole and not covered:  # also where the edition does not tell how far it reaches
        missing = OUTSIDE_COVERAGE
    reason = f"{missing}:{bound.binding.id}" if missing else None
    whole = missing is None
    if not concerned and not whole:
        return Finding(line=line, fact=Fact.DATA_MISSING, reason=reason, bound=bound)
    return Finding(
        line=line,
        fact=Fact.CONCERNED if concerned else Fact.NOT_CONCERNED,
        reason=reason,
        bound=bound,
        inside=cut.inside,
        outside=cut.outside if whole else None,
        features=[_feature_document(met, part) for part in cut.parts],
    )


def _suggestion(findings: Sequence[Finding]) -> dict[str, Any]:
    """Without rules: 符合 only where every fact is there and none asks for a judgement."""
    reasons = [
        f"{TITLES[f.line].zh}：{f.fact}（{REASONS.get(f.reason.partition(':')[0], f.reason)}）"
        for f in findings
        if f.reason is not None
    ]
    for finding in findings:
        if finding.line is ControlLine.URBAN_GROWTH_BOUNDARY:
            if finding.outside is not None and finding.outside.areas.planar_m2 > 0:
                beyond = finding.outside.areas.ellipsoid_m2
                reasons.append(f"{TITLES[finding.line].zh}：椭球面积 {beyond:.2f} 平方米在界外")
        elif finding.fact is Fact.CONCERNED:
            reasons.append(f"{TITLES[finding.line].zh}：{finding.fact}")
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


def _feature_document(met: Met, part: Part) -> dict[str, Any]:
    return {
        "id": met.ids[part.feature],
        "plan": met.plans[part.feature],
        "document": met.documents[part.feature],
        "area_m2": part.areas.ellipsoid_m2,
        "planar_m2": part.areas.planar_m2,
        "geometry": _geojson(part.geometry),
    }


def _geojson(geometry: Geometry) -> dict[str, Any]:
    """Nine decimals of a degree; areas are never computed from this again."""
    rounded = shapely.transform(geometry, lambda points: points.round(COORDINATE_DIGITS))
    return dict(json.loads(shapely.to_geojson(rounded)))
