"""The sheet on which a named person's opinion leaves the house."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from config.vocabulary import Outcome
from processes.workflows.check_reports.chapters import PAIRS
from processes.workflows.check_reports.reading import (
    DOCUMENT_STATES,
    WITHOUT,
    Check,
    chinese,
    date_words,
    outcome,
)
from processes.workflows.check_reports.tables import TableColumn
from processes.workflows.check_reports.typesetting import Paper

BEIJING = timezone(timedelta(hours=8))

type Opinion = Mapping[str, Any]


def write_opinion(paper: Paper, check: Check, opinion: Opinion) -> None:
    """Who concluded what, on which check, and by what proof."""
    document = check.document
    project = document["project"]
    paper.title("审查意见")
    paper.table(
        None,
        PAIRS,
        (
            (
                "项目名称",
                project["name"] or WITHOUT,
                "项目代码",
                project["code"] or WITHOUT,
            ),
            (
                "审查事项",
                document["profile"]["matter"],
                "审查日",
                date_words(document["check_date"]),
            ),
            (
                "文号",
                opinion["document_number"] or WITHOUT,
                "日期",
                date_words(opinion["document_date"]),
            ),
            (
                "意见范围",
                _range(opinion),
                "系统建议",
                _suggested(check, opinion),
            ),
        ),
        headings=False,
    )
    paper.table(
        None,
        (TableColumn("", 26), TableColumn("", 130)),
        _statements(check, opinion),
        headings=False,
    )
    if opinion["manual"]:
        titles = {one["rule"]: chinese(one["title"]) for one in document["manual"]}
        paper.table(
            "人工审查事项的结论",
            (TableColumn("事项", 46), TableColumn("结论", 24, "center"), TableColumn("说明", 86)),
            (
                (
                    f"{one['rule']} {titles.get(one['rule'], '')}".strip(),
                    outcome(one["outcome"]),
                    one["text"] or WITHOUT,
                )
                for one in opinion["manual"]
            ),
        )
    paper.note("所附核查报告由系统自动生成，供本意见参考。意见复核码和核查结果复核码均可查验。")
    paper.note(
        f"本意见签署后可能被新的意见替代，现行与否以“核验”页面（/verify/{opinion['hash']}）为准。"
    )


def _statements(check: Check, opinion: Opinion) -> Iterator[tuple[str, str]]:
    yield "审查结论", outcome(opinion["conclusion"])
    yield "审查意见", opinion["text"] or WITHOUT
    if opinion["documents"]:
        yield (
            "核验材料",
            "；".join(
                f"{check.name(key)}（{DOCUMENT_STATES.get(state, state)}）"
                for key, state in opinion["documents"].items()
            ),
        )
    yield "签署人", opinion["signed_by"]
    if opinion.get("organisation"):
        yield "所属单位", opinion["organisation"]
    yield "签署时间", _moment(opinion["signed_at"])
    yield "签署凭据", f"{chinese(opinion['proof'])}\n密钥标识：{opinion['key']}"
    if opinion.get("supersedes"):
        yield "替代意见", str(opinion["supersedes"])
    yield "意见复核码", opinion["hash"]
    yield "核查结果复核码", opinion["check"]


def _range(opinion: Opinion) -> str:
    numbers = opinion["parcels"]
    return "全部地块" if numbers is None else "地块" + "、".join(str(one) for one in numbers)


def _suggested(check: Check, opinion: Opinion) -> str:
    """The machine's suggestion for what the opinion is about, beside the person's own."""
    numbers = opinion["parcels"]
    overalls = [
        Outcome(one["overall"])
        for one in check.document["parcels"]
        if numbers is None or one["number"] in numbers
    ]
    return max(overalls, key=lambda one: one.rank).zh if overalls else WITHOUT


def _moment(text: str) -> str:
    """A moment as clocks in China show it."""
    moment = datetime.fromisoformat(text).astimezone(BEIJING)
    return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M:%S}（北京时间）"
