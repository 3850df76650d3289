"""The workbook (套合表) of a compliance check."""

import io
import json
import tracemalloc
import zipfile
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pyproj import Transformer

from processes.workflows.check_reports import xlsx_report
from providers.errors import BadParameter

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "data" / "compliance_check.json").read_text(encoding="utf-8")
)
HEADINGS = 5  # the row of the headings
TITLES = ["汇总", "套合表", "图斑", "地类构成", "界址点", "未接入", "人工事项", "依据数据"]


def opened(document: Mapping[str, Any], **options: Any) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(xlsx_report(document, **options)))


def rows(book: openpyxl.Workbook, title: str) -> list[dict[str, Any]]:
    """The rows of a sheet by their headings."""
    values = list(book[title].iter_rows(min_row=HEADINGS, values_only=True))
    return [dict(zip(values[0], row, strict=True)) for row in values[1:]]


def rings(geometry: Mapping[str, Any]) -> list[list[list[float]]]:
    """The rings of a polygon or of several, in their order."""
    coordinates = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        return list(coordinates)
    return [ring for polygon in coordinates for ring in polygon]


def close(value: float | None) -> Any:
    """The same number as far as a cell keeps digits (16 of them)."""
    return None if value is None else pytest.approx(value, rel=1e-14)


@pytest.fixture(scope="module")
def book() -> openpyxl.Workbook:
    return opened(SAMPLE)


def test_a_workbook_has_a_sheet_for_each_subject(book: openpyxl.Workbook) -> None:
    assert book.sheetnames == TITLES


def test_each_parcel_has_one_row_with_its_areas_suggestion_and_counts(
    book: openpyxl.Workbook,
) -> None:
    for row, parcel in zip(rows(book, "汇总"), SAMPLE["parcels"], strict=True):
        assert row["序号"] == parcel["number"]
        assert row["申报面积（平方米）"] == parcel["areas"]["declared_m2"]
        assert row["平面面积（平方米）"] == close(parcel["areas"]["planar_m2"])
        assert row["椭球面积（平方米）"] == close(parcel["areas"]["ellipsoid_m2"])
        assert row["不符合"] == parcel["summary"]["FAIL"]
        assert row["符合"] == parcel["summary"]["PASS"]
    assert [row["总体建议"] for row in rows(book, "汇总")] == ["不符合", "需核实", "需核实"]
    assert rows(book, "汇总")[2]["地块问题"].startswith("界址线自相交：")


def test_each_rule_and_binding_has_one_row_with_unrounded_areas_in_three_units(
    book: openpyxl.Workbook,
) -> None:
    table = rows(book, "套合表")
    farmland = SAMPLE["parcels"][0]["rules"][0]["concerns"][0]

    first = table[0]

    assert len(table) == sum(
        max(1, len(rule["concerns"])) for one in SAMPLE["parcels"] for rule in one["rules"]
    )
    assert (first["规则"], first["事实"], first["建议"]) == ("CR01", "涉及", "不符合")
    assert first["椭球面积（平方米）"] == close(farmland["ellipsoid_m2"])
    assert first["椭球面积（公顷）"] == close(farmland["ellipsoid_m2"] / 10_000)
    assert first["椭球面积（亩）"] == close(farmland["ellipsoid_m2"] * 3 / 2_000)
    assert first["占比"] == close(farmland["share"])
    assert first["依据文号"] == "自然资函〔2023〕88号"
    assert "土地管理法第35、44、46条" in first["法律依据"]
    assert "永久基本农田保护红线管理办法 (2025)（条文待核）" in first["法律依据"]


def test_a_layer_that_is_not_connected_has_no_figure_and_says_why(book: openpyxl.Workbook) -> None:
    row = next(row for row in rows(book, "套合表") if row["规则"] == "CR04")

    assert (row["事实"], row["版次"]) == ("数据缺失", "未接入")
    assert row["椭球面积（平方米）"] is None
    assert row["未知原因"] == "三线.下发版.生态保护红线未接入"
    assert {one["名称"] for one in rows(book, "未接入")} == {
        "三线.下发版.生态保护红线",
        "历史文化保护线",
    }


def test_areas_are_shown_as_hectares_with_four_decimals_and_mu_with_two(
    book: openpyxl.Workbook,
) -> None:
    page = book["套合表"]
    titles = [cell.value for cell in page[HEADINGS]]
    formats = {
        title: page.cell(HEADINGS + 1, column).number_format
        for column, title in enumerate(titles, start=1)
    }

    assert formats["椭球面积（公顷）"] == "#,##0.0000"
    assert formats["椭球面积（亩）"] == "#,##0.00"
    assert formats["占比"] == "0.00%"


def test_each_sheet_is_frozen_filtered_and_carries_the_advisory_and_the_hash(
    book: openpyxl.Workbook,
) -> None:
    for page in book:
        assert page.freeze_panes.endswith(str(HEADINGS + 1))
        assert page.auto_filter.ref
        assert SAMPLE["advisory"]["zh"] in page.oddFooter.left.text
        assert SAMPLE["hash"] in page.oddFooter.left.text
        assert "模拟数据" in page.oddHeader.center.text


def test_features_and_classes_have_rows_of_their_own(book: openpyxl.Workbook) -> None:
    features = rows(book, "图斑")
    classes = rows(book, "地类构成")

    assert features[0]["图斑标识"] == "YJJBNT000123"
    assert features[2]["属性"] == "DLBM=0103，KCXS=0.06，GDPDJB=2"
    assert [(one["时点"], one["地类代码"]) for one in classes[:3]] == [
        ("现状", "0601"),
        ("现状", "0103"),
        ("规划", "1001"),
    ]
    assert sum(one["按申报面积（公顷）"] for one in classes[:2]) == pytest.approx(1.25)
    assert classes[0]["平差"] == "尾差归入本类"


def test_the_points_of_each_parcel_stand_as_northing_and_easting_in_the_plane_of_the_check() -> (
    None
):
    book = opened({**SAMPLE, "planar_crs": {**SAMPLE["planar_crs"], "zone": 42}})
    points = rows(book, "界址点")
    to_plane = Transformer.from_crs("EPSG:4490", SAMPLE["planar_crs"]["uri"], always_xy=True)
    shaped = [one for one in SAMPLE["parcels"] if one["geometry"] is not None]
    corners = [
        (one["number"], number, to_plane.transform(corner[0], corner[1]))
        for one in shaped
        for number, ring in enumerate(rings(one["geometry"]), 1)
        for corner in ring[:-1]
    ]

    assert [(row["序号"], row["圈号"]) for row in points] == [one[:2] for one in corners]
    for row, (_, _, (east, north)) in zip(points, corners, strict=True):
        assert row["X（北，米）"] == pytest.approx(north, abs=1e-3)
        assert row["Y（东，米）"] == pytest.approx(east, abs=1e-3)
    assert points[0]["点号"] == "J1"
    assert book["界址点"].cell(HEADINGS + 1, 5).number_format == "0.000"
    assert f"{SAMPLE['planar_crs']['name']}（3度带第42带）" in book["界址点"].cell(2, 1).value


def test_of_a_parcel_with_too_many_points_it_is_said_how_many_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("processes.workflows.check_reports.sheet_rows.MOST_POINTS", 2)
    parcel = next(one for one in SAMPLE["parcels"] if one["geometry"] is not None)
    all_points = sum(len(ring) - 1 for ring in rings(parcel["geometry"]))

    points = rows(opened({**SAMPLE, "parcels": [parcel]}), "界址点")

    assert [row["点号"] for row in points] == ["J1", "J2", f"另有{all_points - 2}点未列"]


def test_equal_documents_give_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = xlsx_report(deepcopy(SAMPLE))
    monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)

    assert xlsx_report(deepcopy(SAMPLE)) == first
    assert xlsx_report({**SAMPLE, "hash": "0" * 64}) != first


def test_only_the_parcels_that_are_asked_for_are_written() -> None:
    assert [row["序号"] for row in rows(opened(SAMPLE, parcels=[2]), "汇总")] == [2]
    with pytest.raises(BadParameter, match="'7'"):
        xlsx_report(SAMPLE, parcels=[2, 7])


def test_a_name_that_looks_like_a_formula_stays_a_text() -> None:
    parcel = {**SAMPLE["parcels"][0], "name": "=1+1\x07"}

    page = opened({**SAMPLE, "parcels": [parcel]})["汇总"]

    assert page.cell(HEADINGS + 1, 2).data_type == "s"
    assert page.cell(HEADINGS + 1, 2).value.startswith("=1+1")


def test_words_that_look_like_a_character_code_stay_as_they_are() -> None:
    parcel = {**SAMPLE["parcels"][0], "name": "a_x0041_<&>"}

    page = opened({**SAMPLE, "parcels": [parcel]})["汇总"]

    assert page.cell(HEADINGS + 1, 2).value in ("a_x0041_<&>", "a_x005F_x0041_<&>")


def test_rows_beyond_the_room_of_a_sheet_are_said_to_be_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("processes.workflows.check_reports.spreadsheet.MOST_ROWS", HEADINGS + 2)

    page = opened(SAMPLE)["汇总"]

    assert page.max_row == HEADINGS + 3
    assert page.cell(HEADINGS + 3, 1).value == "其余各行见核查结果（JSON）"


def test_faults_are_told_in_chinese_with_their_place_and_those_of_old_checks_as_they_were() -> None:
    fault = {
        "code": "self_crossing",
        "severity": "error",
        "title": {"zh": "界址线自相交", "en": "boundary crosses itself"},
        "message": {"zh": "第2圈自相交", "en": "its ring 2 crosses itself"},
        "place": "/features/0/geometry, line 7, ring 2, point J3",
    }
    old = {**fault, "message": "its ring 2 crosses itself", "place": None}
    parcel = {**SAMPLE["parcels"][0], "faults": [fault, old]}

    [row] = rows(opened({**SAMPLE, "parcels": [parcel]}), "汇总")

    assert row["地块问题"] == (
        "界址线自相交：第2圈自相交（/features/0/geometry，第7行，第2圈，点J3）；"
        "界址线自相交：its ring 2 crosses itself"
    )


def test_ten_thousand_parcels_are_written_in_little_memory() -> None:
    rule = SAMPLE["parcels"][0]["rules"][0]
    one = {
        **SAMPLE["parcels"][0],
        "rules": [rule],
        "composition": SAMPLE["parcels"][2]["composition"],
    }
    many = {**SAMPLE, "parcels": [{**one, "number": number} for number in range(1, 10_001)]}

    tracemalloc.start()
    try:
        written = xlsx_report(many)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    first = zipfile.ZipFile(io.BytesIO(written)).read("xl/worksheets/sheet1.xml")
    assert first.count(b"<row ") == HEADINGS + 10_000
    assert peak < 3 * len(written) + 8_000_000
