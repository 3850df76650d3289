"""The last chapters of a report: what is left to people, and how to read it."""

from collections.abc import Mapping
from typing import Any

from processes.workflows.check_reports.reading import (
    DOCUMENT_STATES,
    SYNTHETIC,
    WITHOUT,
    Check,
    chinese,
    outcome,
)
from processes.workflows.check_reports.tables import TableColumn
from processes.workflows.check_reports.typesetting import Paper
from processes.workflows.manual_choices import blanked

STATEMENTS = (
    "本报告由系统根据接入的数据和审查规则自动生成，只陈述事实并给出建议；{advisory}。",
    "椭球面积按2000国家大地坐标系椭球面积计算公式计算；平面面积为{plane}平面上的面积；"
    "申报面积由申请人填报。1公顷=10000平方米，1亩=2000/3平方米。",
    "“涉及”指用地与有关范围有超出边界误差的重叠或者在规定距离以内，不表示已经批准占用；"
    "“数据缺失”指数据未接入、无现行版次或者未覆盖，不得视为不涉及。",
    "凭复核码可在系统“核验”页面（/verify/{hash}）核对本报告是否与系统留存的核查结果一致。",
)


def write_manual(paper: Paper, check: Check, answers: Mapping[str, Mapping[str, Any]]) -> None:
    """What a person has to judge; *answers* by rule, where an opinion gives them."""
    paper.chapter("人工审查事项")
    if not check.document["manual"]:
        paper.text("本事项无人工审查事项。")
        return
    paper.table(
        "人工审查事项",
        (
            TableColumn("事项", 32),
            TableColumn("原因", 44),
            TableColumn("可选结论", 46),
            TableColumn("审查结论", 34),
        ),
        (
            (
                f"{one['rule']} {chinese(one['title'])}",
                chinese(one["reason"]) or WITHOUT,
                "\n".join(
                    f"{outcome(ch['outcome'])}：{blanked(ch['text'])}" for ch in one["choices"]
                ),
                _answer(answers.get(one["rule"])),
            )
            for one in check.document["manual"]
        ),
    )


def write_materials(paper: Paper, check: Check) -> None:
    """Documents that rules ask for, and where they stand."""
    states: Mapping[str, str] = check.document["project"]["documents"]
    asked: dict[str, set[str]] = {}
    for parcel in check.document["parcels"]:
        for rule in parcel["rules"]:
            for need in rule["needs"]:
                asked.setdefault(need["id"], set()).add(rule["rule"])
    paper.chapter("需补充材料")
    if not asked:
        paper.text("无。")
        return
    paper.table(
        "需补充材料",
        (
            TableColumn("材料", 76),
            TableColumn("审查事项", 50),
            TableColumn("状态", 30, "center"),
        ),
        (
            (
                check.name(key),
                "、".join(sorted(rules)),
                DOCUMENT_STATES.get(states.get(key, ""), "未提供"),
            )
            for key, rules in asked.items()
        ),
    )


def write_statements(paper: Paper, check: Check) -> None:
    """How to read the report."""
    paper.chapter("说明")
    plane = check.document["planar_crs"]["name"]
    for number, words in enumerate(STATEMENTS, start=1):
        filled = words.format(advisory=check.advisory, plane=plane, hash=check.document["hash"])
        paper.text(f"{number}．{filled}")
    if check.synthetic:
        paper.warning(f"本报告读取了{SYNTHETIC}，不反映任何真实地块的情况。")


def _answer(answer: Mapping[str, Any] | None) -> str:
    if answer is None:
        return "待审查"
    return f"{outcome(answer['outcome'])}\n{answer['text'] or ''}".strip()
