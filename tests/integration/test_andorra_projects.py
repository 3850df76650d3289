"""28 projects over Andorra's synthetic control lines, measured in EPSG:25831 by other software.

The expected table was made beside the data with shapely in the plane: overlaps, ids, parcels.
"""

import csv
import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
import pyogrio.raw
import pyproj
import pytest
import shapely
from psycopg import sql

from config.loader import load
from config.model import Catalogue
from config.rulebook import rulebook_of
from config.settings import PACKAGE_ROOT
from config.vocabulary import Classification
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.context import Context
from processes.registry import SPECS
from providers.access import ALL, Scope
from providers.database import DatabaseRole, connect, connection_options
from server.__main__ import main

DATA = Path(__file__).parents[1] / "data" / "andorra_plan"
PLANE = "EPSG:25831"
LINES = {  # layer: words of the file, binding, rule, columns of the expected table
    "farmland": ("永久基本农田", "farmland_issued", "CR01", "farm_overlap_m2", "farm_ids"),
    "redline": ("生态保护红线", "redline_issued", "CR04", "eco_overlap_m2", "eco_ids"),
    "boundary": ("城镇开发边界", "boundary_issued", "CR05", "urban_overlap_m2", "urban_ids"),
}
ZONES = {"城镇集中建设区": "410", "特别用途区": "430"}
AROUND = shapely.box(1.3, 42.3, 1.9, 42.8)  # what the data say ends nowhere in between
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
)
PLANAR_M2, ELLIPSOID_M2 = 0.5, 0.01  # how far apart they may be
SPECIFICATION = """
kind: specification
id: KZX
version: "1"
title: {zh: 控制线, en: Control lines}
geometry: polygon
source: {zh: 测试, en: A test}
class: planning
defaults: {theme: planning.control_lines, identity: [BH], region: none, plan: none}
fields:
- {code: BH, title: {zh: 编号, en: Number}, type: text, required: true, aliases: [id]}
- {code: HXLX, title: {zh: 管控级别, en: Level of control}, type: text, aliases: [管控级别]}
- {code: GHFQDM, title: {zh: 分区代码, en: Zone code}, type: text}
"""
LAYER = """
---
kind: layer
id: {layer}
title: {{zh: {words}, en: {layer}}}
description: {{zh: 模拟数据, en: Synthetic data}}
specification: KZX
storage: managed
classification: public
synthetic: true
---
kind: binding
id: {binding}
title: {{zh: {words}, en: {layer}}}
layer: {layer}
edition: {{issuer: above, status: in_force, at: check_date}}
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """The result, and the lines as they are stored."""

    parcels: Mapping[str, Mapping[str, Any]]  # by the project's id
    shapes: Mapping[str, shapely.Geometry]  # of the projects in longitude and latitude
    cut: Mapping[str, shapely.Geometry]  # the same with a point each 500 m of their edges
    stored: Mapping[str, Mapping[str, shapely.Geometry]]  # by layer and id

    def concern(self, project: str, layer: str) -> Mapping[str, Any]:
        """What the rule of a control line says of a project's overlap with it."""
        _, binding, rule, *_ = LINES[layer]
        (found,) = (r for r in self.parcels[project]["rules"] if r["rule"] == rule)
        (concern,) = (c for c in found["concerns"] if c["binding"] == binding)
        return dict(concern)


def expected() -> dict[str, dict[str, str]]:
    with (DATA / "projects_a_expected.csv").open(encoding="utf-8", newline="") as file:
        return {row["project_id"]: row for row in csv.DictReader(file)}


EXPECTED = expected()
SOUND = [project for project, row in EXPECTED.items() if row["valid"] == "True"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue with the three lines in it, and their files as a keeper would cut them."""
    place = tmp_path_factory.mktemp("andorra")
    said = SPECIFICATION + "".join(
        LAYER.format(layer=layer, words=words, binding=binding)
        for layer, (words, binding, *_) in LINES.items()
    )
    (place / "catalogue").mkdir()
    (place / "catalogue" / "lines.yaml").write_text(said, "utf-8")
    (place / "around.geojson").write_text(shapely.to_geojson(AROUND), "utf-8")
    for layer, (words, *_) in LINES.items():
        meta, _, geometry, columns = pyogrio.raw.read(
            DATA / "andorra_plan_synthetic.gpkg",
            layer="control_line",
            where=f"控制线类型 = '{words}'",
            columns=["id", "管控级别", "分区"],
        )
        column = dict(zip(meta["fields"], columns, strict=True))
        column["GHFQDM"] = np.array([ZONES.get(word) for word in column.pop("分区")], dtype=object)
        pyogrio.raw.write(
            place / f"{layer}.gpkg",
            geometry,
            list(column.values()),
            list(column),
            layer=layer,
            crs=meta["crs"],
            geometry_type=meta["geometry_type"],
        )
    return place


@pytest.fixture(scope="module")
def loaded(cluster: Any, new_database: Callable[..., str], folder: Path) -> tuple[str, Catalogue]:
    """A database into which `onemap load` has put the three lines."""
    url = cluster.address(new_database())
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ONEMAP_DATABASE_URL", url)
        environment.setenv("ONEMAP_CATALOGUE", str(folder / "catalogue"))
        environment.setenv("ONEMAP_PLANAR_CRS", PLANE)
        for layer in LINES:
            command = ["load", layer, str(folder / f"{layer}.gpkg"), "--edition", "issued_2025"]
            command += ["--valid-from", "2025-01-01", "--released", "2025-01-01"]
            command += ["--issued-from-above", "--document", "模拟启用〔2025〕1号"]
            assert main([*command, "--covers", str(folder / "around.geojson")]) == 0
    for number, handler in handlers.items():
        signal.signal(number, handler)
    catalogue = load([PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue", folder / "catalogue"])
    return url, catalogue


@pytest.fixture(scope="module")
def checked(loaded: tuple[str, Catalogue]) -> Checked:
    """All 28 projects in one request, in their own plane."""
    url, catalogue = loaded
    spec = SPECS["compliance_check"]
    inputs = {"parcels": document(projects()), "crs": PLANE, "check_date": "2026-06-30"}
    with psycopg.connect(
        url, autocommit=True, **connection_options(DatabaseRole.READER)
    ) as connection:
        context = Context(
            entry=catalogue.processes["compliance-check"],
            scope=EVERYTHING,
            reader=lambda: connection,
            report=lambda percent, message: None,
            now=datetime(2026, 6, 30, 4, tzinfo=UTC),
            planar_crs=PLANE,
            rulebook=rulebook_of(catalogue),
        )
        value = spec.run(context, spec.parse({"inputs": inputs}).inputs)["result"]
    result = orjson.loads(orjson.dumps(value))
    return Checked(
        parcels={parcel["id"]: parcel for parcel in result["parcels"]},
        shapes={name: in_degrees(shape) for name, shape in projects().items()},
        cut={
            name: in_degrees(shapely.segmentize(shape, 500))
            for name, shape in projects().items()
            if name in SOUND
        },
        stored={layer: features(url, layer) for layer in LINES},
    )


def projects() -> dict[str, shapely.Geometry]:
    """The projects in their plane; one has edges of 10 km."""
    meta, _, geometry, columns = pyogrio.raw.read(DATA / "projects_a.gpkg")
    names = dict(zip(meta["fields"], columns, strict=True))["project_id"]
    shapes = shapely.from_wkb(geometry)
    return dict(zip(names.tolist(), shapes.tolist(), strict=True))


def document(shapes: Mapping[str, shapely.Geometry]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": name,
                "properties": {"planned_class": "0701"},
                "geometry": json.loads(shapely.to_geojson(shape)),
            }
            for name, shape in shapes.items()
        ],
    }


def in_degrees(shape: shapely.Geometry) -> shapely.Geometry:
    there = pyproj.Transformer.from_crs(PLANE, "EPSG:4490", always_xy=True)
    return shapely.transform(shape, lambda p: np.column_stack(there.transform(p[:, 0], p[:, 1])))


def features(url: str, layer: str) -> dict[str, shapely.Geometry]:
    with connect(url, DatabaseRole.READER) as connection:
        table = sql.Identifier("planning", f"{layer}__issued_2025")
        statement = sql.SQL("SELECT bh, ST_AsBinary(geom) FROM {}").format(table)
        rows = connection.execute(statement).fetchall()
    return {name: shapely.from_wkb(bytes(shape)) for name, shape in rows}


def test_all_projects_are_answered_and_the_bow_tie_stops_none(checked: Checked) -> None:
    assert list(checked.parcels) == list(EXPECTED)
    broken = checked.parcels["XM022"]

    assert broken["rules"] == []
    assert broken["overall"] == "VERIFY"
    assert [fault["severity"] for fault in broken["faults"]] == ["error"]
    assert all(checked.parcels[project]["rules"] for project in SOUND)


@pytest.mark.parametrize("layer", LINES)
def test_planar_overlaps_are_those_of_the_table(checked: Checked, layer: str) -> None:
    column = LINES[layer][3]
    for project in SOUND:
        concern = checked.concern(project, layer)
        found = concern["planar_m2"] + concern["noise_m2"]

        assert found == pytest.approx(float(EXPECTED[project][column]), abs=PLANAR_M2), project


@pytest.mark.parametrize("layer", LINES)
def test_the_features_met_are_those_of_the_table(checked: Checked, layer: str) -> None:
    column = LINES[layer][4]
    for project in SOUND:
        concern = checked.concern(project, layer)
        met = {feature["id"] for feature in concern["features"]}
        ids = set(filter(None, EXPECTED[project][column].split(";")))

        assert met == (set() if concern["planar_m2"] == 0.0 else ids), project
        assert bool(ids) == (concern["planar_m2"] + concern["noise_m2"] > 0.0), project


@pytest.mark.parametrize("layer", LINES)
def test_ellipsoidal_overlaps_are_those_of_the_official_formula(
    checked: Checked, layer: str
) -> None:
    column, told = LINES[layer][4], 0
    for project in SOUND:
        ids = list(filter(None, EXPECTED[project][column].split(";")))
        concern = checked.concern(project, layer)
        if not ids or concern["noise_m2"] > 0:
            continue
        held = shapely.union_all([checked.stored[layer][one] for one in ids])
        overlap = shapely.intersection(checked.cut[project], held)
        (official,) = ellipsoid_area_m2(np.array([overlap], dtype=object))

        assert concern["ellipsoid_m2"] == pytest.approx(official, abs=ELLIPSOID_M2), project
        told += 1
    assert told > 3


def test_areas_of_the_parcels_are_those_of_the_table_and_of_the_formula(checked: Checked) -> None:
    for project in SOUND:
        areas = checked.parcels[project]["areas"]
        (official,) = ellipsoid_area_m2(np.array([checked.cut[project]], dtype=object))

        assert areas["planar_m2"] == pytest.approx(
            float(EXPECTED[project]["area_m2"]), abs=PLANAR_M2
        )
        assert areas["ellipsoid_m2"] == pytest.approx(official, abs=ELLIPSOID_M2)


def test_an_edge_that_only_touches_is_no_finding(checked: Checked) -> None:
    touching = [p for p in SOUND if EXPECTED[p]["kind"] == "touch_farmland_edge"]
    assert touching

    for project in touching:
        concern = checked.concern(project, "farmland")
        (rule,) = (r for r in checked.parcels[project]["rules"] if r["rule"] == "CR01")
        assert (rule["fact"], rule["suggestion"]) == ("不涉及", "PASS")
        assert concern["features"] == []
        assert concern["planar_m2"] == concern["noise_m2"] == 0.0


def test_a_sliver_below_one_square_metre_is_told_and_not_counted(checked: Checked) -> None:
    slivers = [p for p in SOUND if EXPECTED[p]["kind"] == "sliver_farmland_lt_1m2"]
    assert slivers

    for project in slivers:
        concern = checked.concern(project, "farmland")
        (rule,) = (r for r in checked.parcels[project]["rules"] if r["rule"] == "CR01")
        assert (rule["fact"], rule["suggestion"]) == ("不涉及", "PASS")
        assert concern["planar_m2"] == 0.0
        assert concern["noise_m2"] > 0.0
