"""The cases of the compliance rules: what each of them tells, and the finding of its rule."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import yaml
from pyproj import Transformer
from shapely import Geometry

from config.predicate_reading import read_value
from config.ruleset import Ruleset
from processes.algorithms.compliance.evidence import Declared, Evidence, Geometries, TableEvidence
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.judging import judge

FILE = Path(__file__).parent / "data" / "compliance_cases.yaml"
CASES: dict[str, Any] = yaml.load(FILE.read_text("utf-8"), yaml.CSafeLoader)
COMPUTED: list[dict[str, Any]] = [c for c in CASES["cases"] if "manual" not in c["expected"]]
MANUAL: list[dict[str, Any]] = [c for c in CASES["cases"] if "manual" in c["expected"]]
INTO = Transformer.from_crs(CASES["crs"], "EPSG:4490", always_xy=True)
OUT_OF = Transformer.from_crs("EPSG:4490", CASES["crs"], always_xy=True)


def projected(shapes: Any, way: Transformer) -> Any:
    return shapely.transform(
        shapes, lambda points: np.column_stack(way.transform(points[:, 0], points[:, 1]))
    )


def to_plane(shapes: Geometries) -> Geometries:
    plane: Geometries = projected(shapes, OUT_OF)
    return plane


def shape(told: Mapping[str, Any]) -> Geometry:
    """A shape of the file, in stored longitude and latitude."""
    match told:
        case {"box": [west, south, east, north]}:
            drawn: Geometry = shapely.box(west, south, east, north)
        case {"polygon": [shell, *holes]}:
            drawn = shapely.Polygon(shell, holes)
        case {"polygons": polygons}:
            drawn = shapely.MultiPolygon([(shell, holes) for shell, *holes in polygons])
        case {"line": line}:
            drawn = shapely.LineString(line)
        case {"point": point}:
            drawn = shapely.Point(point)
        case _:
            raise AssertionError(told)
    placed = shapely.transform(drawn, lambda points: points + CASES["origin"])
    stored: Geometry = projected(placed, INTO)
    return stored


def parcel_of(case: Mapping[str, Any]) -> Geometry:
    return shape(case.get("parcel", CASES["parcel"]))


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def with_parameters(ruleset: Ruleset, told: Mapping[str, Any]) -> Ruleset:
    """The rule set with the parameters and compatible pairs of a case."""
    parameters, tables = dict(ruleset.parameters), dict(ruleset.tables)
    for name, value in told.items():
        if name == "compatible":
            pairs = frozenset((plan, admitted) for plan, admitted in value)
            tables["plan_class"] = replace(tables["plan_class"], compatible=pairs)
        else:
            parameters[name] = replace(parameters[name], value=read_value(value))
    return replace(ruleset, parameters=parameters, tables=tables)


def judged(
    ruleset: Ruleset, case: Mapping[str, Any], bindings: Mapping[str, Evidence]
) -> RuleFinding:
    """The finding of a case on this evidence of its bindings, its tables and declarations."""
    tables = {
        name: TableEvidence(rows=(tuple(rows),)) for name, rows in case.get("tables", {}).items()
    }
    declared = Declared(
        attributes={name: read_value(v) for name, v in case.get("project", {}).items()},
        flags=case.get("flags", {}),
        documents=case.get("documents", {}),
    )
    ((finding,),) = judge(
        with_parameters(ruleset, case.get("parameters", {})),
        [case["rule"]],
        np.array([parcel_of(case)], dtype=object),
        [declared],
        {**bindings, **tables},
        to_plane,
        replace=case.get("replace", {}),
    )
    return finding
