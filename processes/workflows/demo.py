"""The demo city 模拟市（长春市界）: real counties and census, everything else invented.

What is generated is marked 模拟 in titles, documents and remarks. Identifiers (BSM) follow the
pattern of the standard, 6 county + 4 layer + 8 sequence; their layer numbers, and the towns 900 to
999 in village codes, are ours.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from config.loader import load
from config.model import Catalogue
from config.settings import PACKAGE_ROOT
from config.vocabulary import EditionKey, EditionStatus, FieldType, LayerId, RegionCode
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.synthetic_city import SyntheticCity, generate
from processes.workflows.demo_lines import line_tables
from processes.workflows.demo_plans import city_tables
from processes.workflows.demo_projects import project_tables
from processes.workflows.demo_proposal import proposals
from processes.workflows.demo_survey import survey
from processes.workflows.demo_tables import City, Column, County, padded
from processes.workflows.edition_facts import EditionFacts
from processes.workflows.feature_table import FeatureTable
from providers.admin_boundaries import REVIEW_NUMBER, counties

PREFECTURE = RegionCode("220100")
CENTRE = (125.3235, 43.8868)  # lon, lat EPSG:4490: where the invented city begins
AREA_PER_PARCEL_M2 = 15_000.0
METRES_PER_DEGREE = (80_300.0, 111_100.0)  # east, north at the centre: for the size of the window
CENSUS = PACKAGE_ROOT / "demo" / "census_2020.csv"
PLAN = "模拟市国土空间总体规划（2021—2035年）（模拟）"
ISSUED = "三区三线划定成果启用文件（模拟）〔2022〕1号"
BASELINE = "2020"  # the survey year on which plans rest
CONTROL_LINES = ("permanent_farmland", "ecological_redline", "urban_growth_boundary")
# plans of the demo's register, and the documents that features rest on
MASTER_PLAN, DETAILED_PLAN, ADJUSTMENT = "master_2021", "detailed_2021", "adjustment_2025"
BASIS, ISSUED_BASIS = "模拟批复〔2021〕1号", "模拟启用〔2022〕1号"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLoad:
    """One edition of one of the demo's layers: what is said of it, and its rows."""

    layer: LayerId
    edition: EditionKey
    facts: EditionFacts
    issued_from_above: bool
    table: FeatureTable


def demo_loads(parcels: int, seed: int) -> Iterator[DemoLoad]:
    """The editions of the demo's layers with their rows, in the order in which they are loaded."""
    catalogue = load([PACKAGE_ROOT / name for name in ("standards", "catalogue", "demo")])
    divisions = counties(PREFECTURE)
    held = [County(code=d.code.value, name=d.name, polygon=d.polygon) for d in divisions]
    yield _load(
        "county",
        "2024",
        EditionFacts(
            title_zh="2024年",
            title_en="2024",
            valid_from=date(2024, 1, 1),
            document=f"天地图 {REVIEW_NUMBER}",
            covers=PREFECTURE,
        ),
        _county_table(held),
    )
    yield _load(
        "census_2020",
        "2020",
        EditionFacts(
            title_zh="第七次全国人口普查",
            title_en="Seventh national census",
            valid_from=date(2020, 11, 1),
            document="第七次全国人口普查分县资料",
        ),
        _census_table(catalogue),
    )
    invented = _city(held, parcels, seed)
    # what the invented layers say ends where the invented parcels end
    whole = shapely.get_parts(shapely.coverage_union_all(invented.parcels))
    coverage = bytes(shapely.MultiPolygon(whole.tolist()).wkb)
    city = City.of(invented, held, catalogue)
    issued: dict[str, FeatureTable] = {}
    for layer, table in city_tables(city):
        if layer in CONTROL_LINES:
            issued[layer] = table
            yield _load(layer, "issued_2023", _issued(coverage), table, issued=True)
        elif layer == "land_use":
            yield _load(layer, "2023", _survey(2023, coverage, date(2024, 12, 30)), table)
            yield _load(layer, "2024", _survey(2024, coverage, None), city.next_year())
        else:
            yield _load(layer, "2021_2035", _planned(layer, coverage), table)
    yield _load(
        "survey_parcel",
        BASELINE,
        _survey(int(BASELINE), coverage, date(2024, 12, 30)),
        survey(city, invented.use, int(BASELINE), "0141"),
    )
    yield _load(
        "survey_parcel",
        "2024",
        _survey(2024, coverage, None),
        survey(city, invented.next_use, 2024, "0140"),
    )
    for layer, table in line_tables(city):
        if table.count:
            yield _load(layer, *_lines_of(layer, coverage), table)
    for layer, table in project_tables(city):
        if table.count:
            yield _load(layer, "2025", _register(coverage), table)
    for layer, table in proposals(city, issued):
        yield _load(layer, "proposal_2025", _proposed(coverage), table)


def _city(held: Sequence[County], parcels: int, seed: int) -> SyntheticCity:
    """The invented city in a window about the centre, inside the real boundary."""
    polygons = np.array([county.polygon for county in held], dtype=object)
    half = (parcels * AREA_PER_PARCEL_M2) ** 0.5 / 2
    east, north = half / METRES_PER_DEGREE[0], half / METRES_PER_DEGREE[1]
    lon, lat = CENTRE
    window = shapely.box(lon - east, lat - north, lon + east, lat + north)
    study = shapely.intersection(window, shapely.coverage_union_all(polygons))
    return generate(CENTRE, study, parcels=parcels, seed=seed, divisions=polygons)


def _load(
    layer: str, key: str, facts: EditionFacts, table: FeatureTable, *, issued: bool = False
) -> DemoLoad:
    return DemoLoad(
        layer=LayerId(layer),
        edition=EditionKey(key),
        facts=facts,
        issued_from_above=issued,
        table=table,
    )


def _survey(year: int, coverage: bytes, until: date | None) -> EditionFacts:
    return EditionFacts(
        title_zh=f"{year}年度国土变更调查（模拟）",
        title_en=f"Survey of {year} (synthetic)",
        valid_from=date(year, 12, 31),
        released=date(year + 1, 6, 30),
        valid_to=until,
        document=f"{year}年度国土变更调查成果（模拟）",
        covers=coverage,
    )


def _issued(coverage: bytes) -> EditionFacts:
    return EditionFacts(
        title_zh="2023年下发版（模拟）",
        title_en="Copy issued in 2023 (synthetic)",
        valid_from=date(2023, 1, 1),
        released=date(2023, 1, 1),
        document=ISSUED,
        plan=MASTER_PLAN,
        basis=ISSUED_BASIS,
        covers=coverage,
    )


def _proposed(coverage: bytes) -> EditionFacts:
    return EditionFacts(
        title_zh="2025年局部优化方案（模拟）",
        title_en="Local adjustment proposed in 2025 (synthetic)",
        valid_from=date(2025, 7, 1),
        status=EditionStatus.DRAFT,
        document="三条控制线局部优化方案（模拟，未批准）",
        plan=ADJUSTMENT,
        covers=coverage,
    )


def _planned(layer: str, coverage: bytes) -> EditionFacts:
    detailed = layer in ("detailed_plan_parcel", "detailed_plan_unit")
    return EditionFacts(
        title_zh="2021—2035年（模拟）",
        title_en="2021–2035 (synthetic)",
        valid_from=date(2021, 1, 1),
        valid_to=date(2035, 12, 31),
        released=date(2021, 1, 1),
        document="模拟市详细规划（模拟）" if detailed else PLAN,
        plan=DETAILED_PLAN if detailed else MASTER_PLAN,
        basis=BASIS,
        covers=coverage,
    )


def _lines_of(layer: str, coverage: bytes) -> tuple[str, EditionFacts]:
    """Key and facts of a lesser line or facility: all of a plan but the airport's surfaces."""
    if layer != "airport_surface":
        return "2021_2035", _planned(layer, coverage)
    facts = EditionFacts(
        title_zh="2022年公布（模拟）",
        title_en="Published in 2022 (synthetic)",
        valid_from=date(2022, 6, 1),
        document="模拟机场净空保护区域公告（模拟）",
        covers=coverage,
    )
    return "2022", facts


def _register(coverage: bytes) -> EditionFacts:
    return EditionFacts(
        title_zh="用途管制台账（模拟）",
        title_en="Register of land-use control (synthetic)",
        valid_from=date(2024, 1, 1),
        document="用途管制台账（模拟）",
        covers=coverage,
    )


def _county_table(held: Sequence[County]) -> FeatureTable:
    geometry: NDArray[np.object_] = np.array([county.polygon for county in held], dtype=object)
    codes = [padded(county.code) for county in held]
    columns: Mapping[str, Column] = {
        "BSM": [f"{county.code}0010{1:08d}" for county in held],
        "YSDM": ["1000600100"] * len(held),
        "XZQDM": codes,
        "XZQMC": [county.name for county in held],
        "MJ": np.round(ellipsoid_area_m2(geometry), 2).tolist(),
        "BZ": [f"界线来源：天地图，审图号 {REVIEW_NUMBER}；标识码为本系统编定"] * len(held),
    }
    return FeatureTable(values=columns, geometry=geometry)


def _census_table(catalogue: Catalogue) -> FeatureTable:
    """The census facts as given; an empty cell is missing, not zero."""
    fields = catalogue.specifications["RKPCXJ"].fields
    with CENSUS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    read: dict[FieldType, Any] = {FieldType.INTEGER: int, FieldType.DECIMAL: float}
    columns: dict[str, Column] = {
        field.code: [
            read.get(field.type, str)(row[field.code]) if row[field.code] else None for row in rows
        ]
        for field in fields
    }
    codes = [padded(code) for code in columns["XZQDM"]]
    return FeatureTable(values={**columns, "XZQDM": codes}, geometry=None)
