"""A compliance check as a workbook (套合表): equal documents give equal bytes."""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from config.vocabulary import Outcome
from processes.workflows.check_reports.cell_styles import OUTCOME_STYLES, Style
from processes.workflows.check_reports.reading import Check, Document
from processes.workflows.check_reports.sheets import SHEETS, Kind, Sheet
from processes.workflows.check_reports.spreadsheet import Page, Paper, Spreadsheet

REST = "其余各行见核查结果（JSON）"
WIDE = 220  # characters; wider sheets are printed on larger paper
KIND_STYLES: Mapping[Kind, Style] = {
    Kind.TEXT: Style.TEXT,
    Kind.COUNT: Style.COUNT,
    Kind.M2: Style.AREA,
    Kind.HECTARES: Style.HECTARES,
    Kind.MU: Style.AREA,
    Kind.SHARE: Style.SHARE,
    Kind.METRES: Style.AREA,
    Kind.COORDINATE: Style.COORDINATE,
}


def xlsx_report(document: Document, *, parcels: Collection[int] | None = None) -> bytes:
    """The workbook of a check, or of some of its parcels (by number)."""
    check = Check.read(document, parcels)
    buffer = io.BytesIO()
    with Spreadsheet(buffer, check.day) as book:
        for sheet in SHEETS:
            book.write(_page(sheet, check), _cells(sheet, check), rest=REST)
        properties = {
            "title": check.title,
            "subject": document["hash"],
            "creator": "OneMap",
            "description": check.advisory,
        }
        book.finish(properties, check.day)
    return buffer.getvalue()


def _cells(sheet: Sheet, check: Check) -> Iterator[Sequence[tuple[Any, Style]]]:
    """The rows with the style of each cell."""
    kinds = [one.kind for one in sheet.columns]
    styles = [KIND_STYLES.get(kind, Style.TEXT) for kind in kinds]
    coloured = [place for place, kind in enumerate(kinds) if kind is Kind.OUTCOME]
    for values in sheet.rows(check):
        cells = list(zip(values, styles, strict=True))
        for place in coloured:
            found = Outcome(values[place])
            cells[place] = (found.zh, OUTCOME_STYLES[found])
        yield cells


def _page(sheet: Sheet, check: Check) -> Page:
    document = check.document
    project = document["project"]
    named = " ".join(part for part in (project["name"], project["code"]) if part) or "未命名"
    widths = [one.width for one in sheet.columns]
    return Page(
        name=sheet.title,
        above=(
            (f"{check.title}：{sheet.title}", Style.TITLE),
            (
                f"项目：{named}　审查事项：{document['profile']['matter']}"
                f"　审查日：{document['check_date']}　规则：{check.ruleset()}"
                f"　平面坐标系：{check.plane}",
                Style.PLAIN,
            ),
            (f"{check.advisory}　{check.marks}".strip(), Style.WARNING),
            (f"复核码：{document['hash']}", Style.PLAIN),
        ),
        headings=[one.title for one in sheet.columns],
        widths=widths,
        frozen_columns=2 if sheet.columns[0].title == "序号" else 0,
        header=f"{check.title}　{check.marks}".strip(),
        footer_left=f"{check.advisory}\n{document['hash']}",
        paper=Paper.A3 if sum(widths) > WIDE else Paper.A4,
    )
