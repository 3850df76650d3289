"""The demo city 模拟市（长春市界）: real counties and census, everything else invented.

What is generated is marked 模拟 in titles, documents and remarks. Identifiers (BSM) follow the
pattern of the standard, 6 county + 4 layer + 8 sequence; their layer numbers, and the towns 900 to
999 in village codes, are ours.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from config.loader import load
from config.model import Catalogue
from config.settings import PACKAGE_ROOT
from config.vocabulary import (
    EditionKey,
    EditionStatus,
    FieldType,
    Issuer,
    LayerId,
    RegionCode,
    Text,
)
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.synthetic_city import SyntheticCity, generate
from processes.workflows.demo_plans import city_tables
from processes.workflows.demo_tables import City, Column, County, padded
from providers.admin_boundaries import REVIEW_NUMBER, counties
from providers.editions import Edition
from providers.staging import FeatureTable

PREFECTURE = RegionCode("220100")
CENTRE = (125.3235, 43.8868)  # lon, lat EPSG:4490: where the invented city begins
AREA_PER_PARCEL_M2 = 15_000.0
METRES_PER_DEGREE = (80_300.0, 111_100.0)  # east, north at the centre: for the size of the window
CENSUS = PACKAGE_ROOT / "demo" / "census_2020.csv"
PLAN = "模拟市国土空间总体规划（2021—2035年）（模拟）"
ISSUED = "三区三线划定成果启用文件（模拟）〔2022〕1号"


def demo_loads(parcels: int, seed: int) -> Iterator[tuple[Edition, FeatureTable]]:
    """The editions of the demo's layers with their rows, in the order in which they are loaded."""
    catalogue = load([PACKAGE_ROOT / name for name in ("standards", "catalogue", "demo")])
    divisions = counties(PREFECTURE)
    held = [County(code=d.code.value, name=d.name, polygon=d.polygon) for d in divisions]
    yield (
        _edition("county", "2024", "2024年", "2024", date(2024, 1, 1), f"天地图 {REVIEW_NUMBER}"),
        (_county_table(held)),
    )
    yield (
        _edition(
            "census_2020",
            "2020",
            "第七次全国人口普查",
            "Seventh national census",
            date(2020, 11, 1),
            "第七次全国人口普查分县资料",
        ),
        _census_table(catalogue),
    )
    invented = _city(held, parcels, seed)
    # what the invented layers say ends where the invented parcels end
    whole = shapely.get_parts(shapely.coverage_union_all(invented.parcels))
    coverage = shapely.MultiPolygon(whole.tolist()).wkb
    city = City.of(invented, held, catalogue)
    for layer, table in city_tables(city):
        yield replace(_edition_of(layer), coverage=coverage), table
        if layer == "land_use":
            second = _edition_of("land_use", second_year=True)
            yield replace(second, coverage=coverage), city.next_year()


def _city(held: Sequence[County], parcels: int, seed: int) -> SyntheticCity:
    """The invented city in a window about the centre, inside the real boundary."""
    polygons = np.array([county.polygon for county in held], dtype=object)
    half = (parcels * AREA_PER_PARCEL_M2) ** 0.5 / 2
    east, north = half / METRES_PER_DEGREE[0], half / METRES_PER_DEGREE[1]
    lon, lat = CENTRE
    window = shapely.box(lon - east, lat - north, lon + east, lat + north)
    study = shapely.intersection(window, shapely.coverage_union_all(polygons))
    return generate(CENTRE, study, parcels=parcels, seed=seed, divisions=polygons)


def _edition(
    layer: str,
    key: str,
    zh: str,
    en: str,
    valid_from: date,
    document: str,
    *,
    valid_to: date | None = None,
    issuer: Issuer = Issuer.OWN,
) -> Edition:
    return Edition(
        layer=LayerId(layer),
        key=EditionKey(key),
        title=Text(zh=zh, en=en),
        valid_from=valid_from,
        valid_to=valid_to,
        status=EditionStatus.IN_FORCE,
        issuer=issuer,
        document=document,
    )


def _edition_of(layer: str, *, second_year: bool = False) -> Edition:
    match layer:
        case "land_use":
            year = 2024 if second_year else 2023
            return _edition(
                layer,
                str(year),
                f"{year}年度国土变更调查（模拟）",
                f"Survey of {year} (synthetic)",
                date(year, 12, 31),
                f"{year}年度国土变更调查成果（模拟）",
                valid_to=None if second_year else date(2024, 12, 30),
            )
        case "permanent_farmland" | "ecological_redline" | "urban_growth_boundary":
            return _edition(
                layer,
                "issued_2023",
                "2023年下发版（模拟）",
                "Copy issued in 2023 (synthetic)",
                date(2023, 1, 1),
                ISSUED,
                issuer=Issuer.ABOVE,
            )
        case _:
            return _edition(
                layer,
                "2021_2035",
                "2021—2035年（模拟）",
                "2021–2035 (synthetic)",
                date(2021, 1, 1),
                PLAN if layer != "detailed_plan_parcel" else "模拟市详细规划（模拟）",
                valid_to=date(2035, 12, 31),
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
    return FeatureTable(ids=codes, geometry=geometry, columns=columns)


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
    return FeatureTable(ids=codes, geometry=None, columns={**columns, "XZQDM": codes})
