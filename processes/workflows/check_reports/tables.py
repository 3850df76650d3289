"""Tables of a Word document as XML."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

from docx.oxml.ns import nsdecls

TWIPS_PER_MM = 1440 / 25.4
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

BORDERS: Mapping[str, int] = {
    "top": 8,
    "left": 4,
    "bottom": 8,
    "right": 4,
    "insideH": 4,
    "insideV": 4,
}
MARGINS: Mapping[str, int] = {"top": 25, "left": 70, "bottom": 25, "right": 70}  # twips

type Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table; the widths of all are stretched to the width of the text."""

    title: str
    width: float
    align: Align = "left"


def clean(text: str) -> str:
    """Without the characters that no XML may hold."""
    return UNPRINTABLE.sub("", text)


def table_xml(
    columns: Sequence[TableColumn],
    rows: Iterable[Sequence[str]],
    *,
    headings: bool,
    style: str,
    width_mm: float,
) -> Iterator[str]:
    """The table as XML, row by row: cells one at a time would take minutes for large ones."""
    stretch = width_mm * TWIPS_PER_MM / sum(one.width for one in columns)
    widths = [round(one.width * stretch) for one in columns]
    borders = "".join(
        f'<w:{side} w:val="single" w:sz="{size}" w:space="0" w:color="404040"/>'
        for side, size in BORDERS.items()
    )
    margins = "".join(f'<w:{side} w:w="{twips}" w:type="dxa"/>' for side, twips in MARGINS.items())
    yield (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:jc w:val="center"/><w:tblBorders>{borders}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar></w:tblPr><w:tblGrid>'
    )
    yield "".join(f'<w:gridCol w:w="{width}"/>' for width in widths) + "</w:tblGrid>"
    if headings:
        yield "<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>"
        for one, width in zip(columns, widths, strict=True):
            yield _cell(one.title, width, "center", style, heading=True)
        yield "</w:tr>"
    for row in rows:
        yield "<w:tr><w:trPr><w:cantSplit/></w:trPr>"
        for place, (one, width, value) in enumerate(zip(columns, widths, row, strict=True)):
            yield _cell(value, width, one.align, style, heading=not headings and place % 2 == 0)
        yield "</w:tr>"
    yield "</w:tbl>"


def _cell(text: str, width: int, align: Align, style: str, *, heading: bool) -> str:
    ground = '<w:shd w:val="clear" w:color="auto" w:fill="EDEDED"/>' if heading else ""
    weight = "<w:rPr><w:b/></w:rPr>" if heading else ""
    lines = clean(text).split("\n")
    words = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in lines)
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{ground}<w:vAlign w:val="center"/>'
        f'</w:tcPr><w:p><w:pPr><w:pStyle w:val="{style}"/>'
        f'<w:jc w:val="{align}"/></w:pPr><w:r>{weight}{words}</w:r></w:p></w:tc>'
    )
