"""The report (审查报告) of a compliance check and the sheet of an opinion on it."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import docx
import numpy as np
import pytest
import shapely
from docx.oxml.ns import qn
from PIL import Image

from config.vocabulary import Outcome
from processes.workflows.check_reports import docx_report, xlsx_report
from processes.workflows.check_reports.findings_map import _pierced, findings_map
from processes.workflows.check_reports.plane_shapes import Found, PlaneParcel
from processes.workflows.check_reports.reading import Check
from providers.errors import BadParameter

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "data" / "compliance_check.json").read_text(encoding="utf-8")
)
OPINION = {
    "kind": "compliance_opinion",
    "id": "5f0c6a7e-1b1d-4a52-9a55-0d5b7e8f2c11",
    "hash": "ab12" * 16,
    "check": SAMPLE["hash"],
    "parcels": [1],
    "conclusion": "COND",
    "text": "原则同意，须先完成占补平衡。",
    "document_number": "自然资审〔2026〕12号",
    "document_date": "2026-03-09",
    "manual": [{"rule": "CR34", "outcome": "PASS", "text": "与综合交通专项规划一致"}],
    "documents": {"argument_report": "verified"},
    "signed_by": "张三",
    "key": "k7f2",
    "signed_at": "2026-03-09T02:15:00Z",
    "proof": {"zh": "以签发给张三本人的接口密钥为凭", "en": "by the API key of a named person"},
}


def opened(*arguments: Any, **options: Any) -> Any:
    return docx.Document(io.BytesIO(docx_report(*arguments, **options)))


def tables(report: Any) -> Iterator[tuple[str, list[list[str]]]]:
    """Each table with the caption that stands before it."""
    caption = ""
    for block in report.iter_inner_content():
        if hasattr(block, "rows"):
            yield caption, [[cell.text for cell in row.cells] for row in block.rows]
        elif block.style.name == "Caption":
            caption = block.text.partition("　")[2]


def words(report: Any) -> str:
    paragraphs = [one.text for one in report.paragraphs]
    cells = [cell for _, table in tables(report) for row in table for cell in row]
    return "\n".join(paragraphs + cells)


@pytest.fixture(scope="module")
def report() -> Any:
    return opened(SAMPLE)


def test_a_report_has_its_chapters_in_order(report: Any) -> None:
    headings = [one.text for one in report.paragraphs if one.style.name == "Heading 1"]

    assert headings == [
        "一、项目概况",
        "二、审查规则和数据",
        "三、核查结果和建议",
        "四、地块核查情况",
        "五、人工审查事项",
        "六、需补充材料",
        "七、说明",
    ]
    assert report.paragraphs[0].text == "建设项目规划选址合规性审查报告"


def test_areas_are_in_square_metres_hectares_with_four_decimals_and_mu_with_two(
    report: Any,
) -> None:
    table = next(rows for caption, rows in tables(report) if caption == "地块面积")

    assert table == [
        ["面积", "平方米", "公顷", "亩"],
        ["申报面积", "12,500.00", "1.2500", "18.75"],
        ["平面面积", "11,570.00", "1.1570", "17.36"],
        ["椭球面积", "11,569.24", "1.1569", "17.35"],
    ]


def test_findings_are_facts_and_a_missing_layer_has_no_figure(report: Any) -> None:
    table = next(rows for caption, rows in tables(report) if caption == "三条控制线套合情况")

    assert table[1:3] == [
        [
            "CR01 永久基本农田",
            "三线.下发版.永久基本农田\n2023年下发版",
            "涉及",
            "0.2292",
            "3.44",
            "19.81%",
            "不符合",
        ],
        [
            "CR04 生态保护红线(其他)",
            "三线.下发版.生态保护红线\n未接入",
            "数据缺失",
            "—",
            "—",
            "—",
            "需核实",
        ],
    ]


def test_a_layer_that_only_lies_near_is_told_by_its_distance(report: Any) -> None:
    rows = next(rows for caption, rows in tables(report) if caption.startswith("其他控制线"))

    near = next(row for row in rows if row[0].startswith("CR14"))

    assert near[1].endswith("最近1520.40米")
    assert near[3] == "—"


def test_corners_are_northing_before_easting_ring_by_ring(report: Any) -> None:
    table = next(rows for caption, rows in tables(report) if caption.startswith("界址点成果"))

    assert table[1] == ["J1", "1", "4861000.000", "447800.000", "120.42"]
    assert table[6] == ["J6", "2", "4861040.000", "447850.000", "20.00"]
    assert len(table) == 1 + 5 + 4


def test_a_parcel_with_an_error_is_told_and_has_no_findings(report: Any) -> None:
    text = words(report)

    assert "界址线自相交：ring 1 crosses itself" in text  # as a check of old tells it
    assert "本地块坐标有误，未作套合分析" in text
    assert len(report.inline_shapes) == 2 + 3  # two maps and the legend of the first


def test_each_page_carries_the_advisory_the_hash_its_number_and_the_mark_of_invented_data(
    report: Any,
) -> None:
    section = report.sections[0]
    footer = "\n".join(one.text for one in section.footer.paragraphs)
    fields = [one.get(qn("w:instr")) for one in section.footer._element.iter(qn("w:fldSimple"))]

    assert "系统辅助分析，不作为审批依据" in footer
    assert SAMPLE["hash"] in footer
    assert fields == ["PAGE", "NUMPAGES"]
    assert "模拟数据" in section.header.paragraphs[0].text


def test_real_data_are_not_marked_as_invented() -> None:
    layers = [{**one, "synthetic": False} for one in SAMPLE["layers"]]

    real = opened({**SAMPLE, "layers": layers})

    assert "模拟数据" not in words(real) + real.sections[0].header.paragraphs[0].text


def test_a_trial_of_draft_rules_is_marked_on_each_page() -> None:
    trial = opened({**SAMPLE, "draft": True})

    assert "【模拟数据、规则草案试算】" in trial.sections[0].header.paragraphs[0].text


def test_a_binding_that_the_check_does_not_list_gives_no_figure() -> None:
    layers = [one for one in SAMPLE["layers"] if one["binding"] != "farmland_issued"]

    rows = next(t for c, t in tables(opened({**SAMPLE, "layers": layers})) if c.startswith("三条"))

    assert rows[1][1:4] == ["farmland_issued\n来源未列明", "涉及", "—"]


def test_a_parcel_says_what_was_declared_of_it_and_which_rules_held_there() -> None:
    rules = {**SAMPLE["ruleset"], "overrides": [{"id": "nanguan", "version": "1"}]}
    parcel = {**SAMPLE["parcels"][1], "attributes": {"far": 2.5}, "ruleset": rules}

    text = words(opened({**SAMPLE, "parcels": [parcel]}))

    assert "申报内容：容积率：2.5。" in text
    assert "本地块适用规则：合规性审查规则 national_default 2026.1.0；nanguan 1。" in text


def test_paper_is_a4_and_chinese_words_have_chinese_fonts(report: Any) -> None:
    section = report.sections[0]
    fonts = {
        name: report.styles[name].element.rPr.rFonts.get(qn("w:eastAsia"))
        for name in ("Normal", "Title", "Heading 1", "OneMapTable")
    }

    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert fonts == {"Normal": "仿宋", "Title": "宋体", "Heading 1": "黑体", "OneMapTable": "宋体"}


def test_headings_of_tables_are_repeated_on_each_page(report: Any) -> None:
    with_headings = [
        one
        for one in report.tables
        if one._tbl.tr_lst[0].trPr is not None
        and one._tbl.tr_lst[0].trPr.find(qn("w:tblHeader")) is not None
    ]

    assert len(with_headings) == len(report.tables) - 1  # the project's has none


def test_equal_documents_give_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = docx_report(deepcopy(SAMPLE), deepcopy(OPINION))
    monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)
    archive = zipfile.ZipFile(io.BytesIO(first))

    assert docx_report(deepcopy(SAMPLE), deepcopy(OPINION)) == first
    assert {one.date_time[:3] for one in archive.infolist()} == {(2026, 3, 5)}
    assert opened(SAMPLE).core_properties.created.replace(tzinfo=None) == datetime(2026, 3, 5)


def test_an_opinion_sheet_says_who_signed_by_what_proof_and_claims_no_electronic_signature() -> (
    None
):
    report = opened(SAMPLE, OPINION)
    rows: Mapping[str, str] = {
        row[0]: row[1] for _, table in tables(report) for row in table if len(row) == 2
    }
    footer = "\n".join(one.text for one in report.sections[0].footer.paragraphs)

    assert report.paragraphs[0].text == "审查意见"
    assert (rows["审查结论"], rows["签署人"]) == ("需论证", "张三")
    assert rows["签署凭据"] == "以签发给张三本人的接口密钥为凭\n密钥标识：k7f2"
    assert rows["签署时间"] == "2026年3月9日 10:15:00（北京时间）"
    assert (rows["意见复核码"], rows["核查结果复核码"]) == (OPINION["hash"], SAMPLE["hash"])
    assert rows["核验材料"] == "占用永久基本农田论证报告（已核验）"
    assert OPINION["hash"] in footer
    assert SAMPLE["hash"] in report.sections[1].footer.paragraphs[1].text
    assert "电子签名" not in words(report)


def test_a_manual_item_waits_until_an_opinion_answers_it(report: Any) -> None:
    def answers(of: Any) -> list[str]:
        rows = [table for caption, table in tables(of) if caption == "人工审查事项"]
        return [row[3] for row in rows[-1][1:]]

    assert answers(report) == ["待审查"]
    assert answers(opened(SAMPLE, OPINION)) == ["符合\n与综合交通专项规划一致"]


def test_an_opinion_on_another_check_is_refused() -> None:
    with pytest.raises(ValueError, match="another check"):
        docx_report(SAMPLE, {**OPINION, "check": "0" * 64})


def test_of_a_batch_the_worst_parcels_are_told_in_full_and_all_are_in_the_table() -> None:
    good, bad = SAMPLE["parcels"][1], SAMPLE["parcels"][0]
    many = [{**(bad if n == 77 else good), "number": n} for n in range(1, 101)]

    report = opened({**SAMPLE, "parcels": many})
    told = [one.text for one in report.paragraphs if one.style.name == "Heading 2"]
    table = next(rows for caption, rows in tables(report) if caption == "地块汇总")

    assert len(told) == 20
    assert told[-1].endswith("地块77　一期地块")
    assert len(table) == 1 + 100
    assert "共100个地块，本章只列20个地块" in words(report)


def test_the_parcels_that_are_asked_for_are_told_in_full() -> None:
    report = opened(SAMPLE, parcels=[2])

    assert [one.text for one in report.paragraphs if one.style.name == "Heading 2"] == [
        "（一）地块2"
    ]
    with pytest.raises(BadParameter, match="'9'"):
        docx_report(SAMPLE, parcels=[9])


def test_characters_that_no_document_may_hold_are_left_out() -> None:
    project = {**SAMPLE["project"], "name": "甲\x00\x0b<乙>&\ufffe"}

    report = opened({**SAMPLE, "project": project})

    assert "甲<乙>&" in words(report)


def test_every_area_of_the_findings_is_one_of_the_document(report: Any) -> None:
    of_the_document = {
        f"{concern['ellipsoid_m2'] / 10_000:.4f}"
        for parcel in SAMPLE["parcels"]
        for rule in parcel["rules"]
        for concern in rule["concerns"]
    }

    shown = {
        row[3]
        for caption, rows in tables(report)
        if caption.endswith("套合情况")
        for row in rows[1:]
    }

    assert shown - {"—"} <= of_the_document


@pytest.mark.parametrize("day", ["1900-01-01", "2108-01-01", "9999-12-31"])
def test_a_day_that_no_archive_can_write_makes_a_report_all_the_same(day: str) -> None:
    checked = {**SAMPLE, "check_date": day}

    for made in (docx_report(checked), xlsx_report(checked)):
        with zipfile.ZipFile(io.BytesIO(made)) as archive:
            assert archive.testzip() is None


def test_a_choice_that_leaves_something_open_is_printed_with_a_blank() -> None:
    checked = deepcopy(SAMPLE)
    checked["manual"][0]["choices"] = [{"outcome": "PASS", "text": "符合{plan}"}]

    text = words(opened(checked))

    assert "符合……" in text
    assert "{plan}" not in text


def test_a_sheet_says_where_it_is_told_whether_the_opinion_stands() -> None:
    assert f"/verify/{OPINION['hash']}" in words(opened(SAMPLE, OPINION))


def test_each_reason_has_words() -> None:
    told = list(Check.read(SAMPLE).reasons(["no_clause", "outside_scope:x", "no_edition:x"]))

    assert told == ["没有适用的条款", "x超出可查询的范围", "x在审查日无现行版次"]


def test_thousands_of_pierced_parts_are_drawn_and_their_holes_stay_empty() -> None:
    west, south = np.mgrid[0:60, 0:60].reshape(2, -1) * 10.0
    boxes = shapely.box(west, south, west + 8, south + 8)
    holes = shapely.box(west + 2, south + 2, west + 6, south + 6)
    parts = shapely.multipolygons(shapely.difference(boxes, holes))
    found = Found(rule="CR01", title="x", outcome=Outcome.FAIL, areas=(parts,))
    parcel = PlaneParcel(outline=shapely.box(0, 0, 600, 600), found=(found,), left_out=0)
    inside = Image.new("1", (100, 100), 0)

    assert findings_map(parcel, []).png == findings_map(parcel, []).png
    _pierced(inside, [(10, 10), (90, 10), (90, 90), (10, 90)], [[(40, 40), (60, 40), (60, 60)]])
    _pierced(inside, [(50, 45), (55, 45), (55, 50)], [[(0, 0), (1, 0), (1, 1)]])
    assert [inside.getpixel(at) for at in ((5, 5), (20, 20), (58, 45), (54, 46))] == [0, 1, 0, 1]
    _pierced(inside, [(200, 200), (210, 200), (210, 210)], [[(201, 200), (202, 200), (202, 201)]])
