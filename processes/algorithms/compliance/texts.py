"""What a finding says in words: the clause's text with its numbers, or why none can be given."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache

from config.predicates import FieldValue, ProjectValue, TableValue
from config.ruleset import Clause, TextMeasure
from config.vocabulary import Outcome
from processes.algorithms.compliance.cells import Cells
from processes.algorithms.compliance.inquiry import Cell, Nowhere, Unknown
from processes.algorithms.compliance.overlay import Overlay

HOLDER = re.compile(r"\{(\w+)\}")
AREAS = ("area", "area_m2")
NOT_THERE = "—"
SQUARE_METRES_PER_HECTARE = 10_000
OUTCOMES = tuple(Outcome)  # by rank, from 1


def tells_area(clause: Clause) -> bool:
    """Whether the text names an area."""
    return any(holder in AREAS for holder in HOLDER.findall(clause.text))


def filled(clause: Clause, area_m2: float | None, value: Callable[[str], str]) -> str:
    """The text with its holders filled; areas in hectares with four decimals or m² with two."""
    if "{" not in clause.text:
        return clause.text

    def words(match: re.Match[str]) -> str:
        holder = match[1]
        if holder not in AREAS:
            return value(holder)
        if area_m2 is None:
            return NOT_THERE
        if holder == "area":
            return f"{area_m2 / SQUARE_METRES_PER_HECTARE:.4f}"
        return f"{area_m2:.2f}"

    return HOLDER.sub(words, clause.text)


def holder_words(clause: Clause, holder: str, cells: Cells, overlay: Overlay, subject: int) -> str:
    """The value of one holder of a text."""
    match clause.values.get(holder):
        case ProjectValue() | FieldValue() | TableValue() as operand:
            said = words_of(cells.column(operand)[subject])
            return _titled(clause, holder, said, cells)
        case TextMeasure() as measure:
            inset = 0.0 if measure.inset_m is None else cells.inquiry.number(measure.inset_m)
            metres = float(overlay.distances.interval(measure.source, inset).high[subject])
            return f"{metres:.2f}" if metres < float("inf") else NOT_THERE
    return NOT_THERE


def _titled(clause: Clause, holder: str, code: str, cells: Cells) -> str:
    """A code behind its name, where the rule set has a table that names it."""
    table = clause.titles.get(holder)
    name = None if table is None else cells.inquiry.ruleset.tables[table].titles.get(code)
    return code if name is None else f"{name}（{code}）"


def words_of(cell: Cell) -> str:
    """A value as it is printed."""
    match cell:
        case Unknown() | Nowhere():
            return NOT_THERE
        case bool():
            return "是" if cell else "否"
        case Decimal():
            return f"{cell.normalize():f}"
        case tuple():
            return "、".join(map(words_of, cell))
    return cell


def accepted(clause: Clause, text: str, stated: int) -> str:
    """A condition that counts as met says why."""
    met = clause.outcome is Outcome.COND and stated == Outcome.PASS.rank
    return f"{text}（所需材料已核实）" if met else text


def hedged(text: str, suggested: int, stated: int, others: frozenset[int]) -> str:
    """*text* where it is the suggestion; what stays possible where data are missing.

    Examples
    --------
    >>> hedged("不涉及", 1, 1, frozenset())
    '不涉及'
    >>> hedged("涉及0.0000公顷", 3, 5, frozenset({1}))
    '数据不足，不能确定结论：可能为不符合或符合'
    """
    if not stated:
        return "数据不足，不能得出结论，需核实" if others else "没有适用的条款，需核实"
    if suggested != stated:
        return f"数据不足，不能确定结论：可能为{_named(others | {stated})}"
    unlike = others - {stated}
    return f"{text}（数据不足，不排除{_named(unlike)}）" if unlike else text


@cache
def _named(ranks: frozenset[int]) -> str:
    return "或".join(OUTCOMES[rank - 1].zh for rank in sorted(ranks, reverse=True))
