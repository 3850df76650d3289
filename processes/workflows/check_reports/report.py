"""A compliance check as a report (合规性审查报告): equal documents give equal bytes."""

from collections.abc import Collection, Sequence

from config.vocabulary import Outcome
from processes.workflows.check_reports.chapters import (
    write_conclusion,
    write_project,
    write_sources,
)
from processes.workflows.check_reports.closing_chapters import (
    write_manual,
    write_materials,
    write_statements,
)
from processes.workflows.check_reports.opinion_sheet import Opinion, write_opinion
from processes.workflows.check_reports.parcel_chapter import write_parcel
from processes.workflows.check_reports.reading import Check, Document
from processes.workflows.check_reports.typesetting import Paper

MOST_DETAILED = 20  # parcels


def docx_report(
    document: Document,
    opinion: Opinion | None = None,
    *,
    parcels: Collection[int] | None = None,
) -> bytes:
    """The report of a check, after the sheet of an *opinion* on it.

    All parcels are in its tables. In full it tells of those of *parcels* (by number), else of
    those of the opinion; where they are more than 20, of the ones with the worst suggestions.
    """
    check = Check.read(document, parcels)
    subject = document["hash"] if opinion is None else opinion["hash"]
    paper = Paper(title=check.title, subject=subject, day=check.day)
    warning = check.marks or None
    if opinion is not None:
        if opinion["check"] != document["hash"]:
            raise ValueError("the opinion is on another check")
        footers = (f"意见复核码：{opinion['hash']}", f"所附核查报告：{check.advisory}")
        paper.frame(f"{check.title}　审查意见", footers, warning=warning)
        write_opinion(paper, check, opinion)
        paper.new_section()
    paper.frame(check.title, (check.advisory, f"复核码：{document['hash']}"), warning=warning)
    paper.title(check.title)
    if warning is not None:
        paper.warning(warning)
    write_project(paper, check)
    write_sources(paper, check)
    write_conclusion(paper, check)
    _write_parcels(paper, check, _detailed(check, opinion))
    answers = {} if opinion is None else {one["rule"]: one for one in opinion["manual"]}
    write_manual(paper, check, answers)
    write_materials(paper, check)
    write_statements(paper, check)
    return paper.saved()


def _detailed(check: Check, opinion: Opinion | None) -> Sequence[Document]:
    """Parcels told of in full, in the order of their numbers."""
    chosen = check.parcels
    if check.only is None and opinion is not None and opinion["parcels"] is not None:
        chosen = [one for one in chosen if one["number"] in opinion["parcels"]]
    worst = sorted(chosen, key=lambda one: (-Outcome(one["overall"]).rank, one["number"]))
    return sorted(worst[:MOST_DETAILED], key=lambda one: int(one["number"]))


def _write_parcels(paper: Paper, check: Check, detailed: Sequence[Document]) -> None:
    paper.chapter("地块核查情况")
    every = len(check.document["parcels"])
    if len(detailed) < every:
        numbers = "、".join(str(one["number"]) for one in detailed)
        paper.text(
            f"共{every}个地块，本章只列{len(detailed)}个地块（{numbers}）的详细情况，"
            "其余见“地块汇总”表和套合表（XLSX）。"
        )
    for one in detailed:
        write_parcel(paper, check, one)
