"""A workbook (Office Open XML) written row by row into its archive, always with the same bytes.

Reports have millions of cells: they are written as they come, and no library's cell costs as
little as one line of text.
"""

import math
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import IO, Any, Self
from xml.sax.saxutils import escape, quoteattr

from processes.workflows.check_reports.archive_days import within_archives
from processes.workflows.check_reports.cell_styles import STYLES_XML, Style
from processes.workflows.check_reports.tables import clean

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
PACKAGE = "application/vnd.openxmlformats-package"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
LARGEST_TEXT = 32_000  # characters of a cell
MOST_ROWS = 1_000_000  # of a sheet; the format has room for a few more
MOST_CHARACTERS = 1_500_000_000  # of a sheet's XML, before it is packed
LINE_POINTS, MOST_LINES = 15, 20  # of a row
WIDE_FROM = "\u2e80"
WIDE = 1_000.0  # characters that no line above the headings reaches
CHUNK = 500  # rows packed at once
ESCAPED_CODE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # would be read as a character's code


class Paper(StrEnum):
    """Sizes of paper by their numbers in the format."""

    A3 = "8"
    A4 = "9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A sheet but for its rows: texts above, headings, and how it is seen and printed."""

    name: str
    above: Sequence[tuple[str, Style]]  # one line each, in the first column
    headings: Sequence[str]
    widths: Sequence[float]  # characters
    frozen_columns: int
    header: str
    footer_left: str
    paper: Paper


class Spreadsheet:
    """A workbook in the making."""

    def __init__(self, target: IO[bytes], day: date) -> None:
        moment = within_archives(day)
        self._moment = (moment.year, moment.month, moment.day, 0, 0, 0)
        self._archive = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self._pages: list[tuple[Page, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._archive.close()

    def write(self, page: Page, rows: Iterable[Sequence[tuple[Any, Style]]], *, rest: str) -> None:
        """Add a sheet of rows of (value, style), None for nothing; *rest*: where further rows are."""
        number, top = len(self._pages) + 1, len(page.above) + 1
        letters = [column_letters(place) for place in range(len(page.widths))]
        last, size, chunk = top, 0, list[str]()
        with self._archive.open(self._entry(f"xl/worksheets/sheet{number}.xml"), "w") as out:
            out.write(_before_rows(page, letters, first=number == 1).encode())
            for last, row in enumerate(rows, start=top + 1):
                if last > MOST_ROWS or size > MOST_CHARACTERS:
                    chunk.append(_row(last, letters[:1], [(rest, Style.WARNING)], [WIDE]))
                    break
                chunk.append(_row(last, letters, row, page.widths))
                size += len(chunk[-1])
                if len(chunk) == CHUNK:
                    out.write("".join(chunk).encode())
                    chunk.clear()
            out.write("".join(chunk).encode())
            out.write(_after_rows(page, f"A{top}:{letters[-1]}{last}").encode())
        self._pages.append((page, last))

    def finish(self, properties: Mapping[str, str], day: date) -> None:
        """Add what holds the sheets together; *properties* are Dublin Core elements."""
        described = "".join(
            f"<dc:{name}>{escape(clean(value))}</dc:{name}>" for name, value in properties.items()
        )
        parts = {
            "[Content_Types].xml": self._types(),
            "_rels/.rels": _relations(
                [
                    (f"{OFFICE}/officeDocument", "xl/workbook.xml"),
                    (f"{RELATIONS}/metadata/core-properties", "docProps/core.xml"),
                ]
            ),
            "docProps/core.xml": (
                f'<cp:coreProperties xmlns:cp="{CORE}" xmlns:dc="http://purl.org/dc/elements/1.1/"'
                ' xmlns:dcterms="http://purl.org/dc/terms/"'
                ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
                f'{described}<dcterms:created xsi:type="dcterms:W3CDTF">'
                f"{day.isoformat()}T00:00:00Z</dcterms:created></cp:coreProperties>"
            ),
            "xl/workbook.xml": self._workbook(),
            "xl/_rels/workbook.xml.rels": _relations(
                [
                    (f"{OFFICE}/worksheet", f"worksheets/sheet{number}.xml")
                    for number in range(1, len(self._pages) + 1)
                ]
                + [(f"{OFFICE}/styles", "styles.xml")]
            ),
            "xl/styles.xml": STYLES_XML,
        }
        for name, text in parts.items():
            self._archive.writestr(self._entry(name), XML + text)

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(name, self._moment)
        entry.compress_type = zipfile.ZIP_DEFLATED
        return entry

    def _types(self) -> str:
        sheets = "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml"'
            f' ContentType="{SHEET}.worksheet+xml"/>'
            for number in range(1, len(self._pages) + 1)
        )
        return (
            f'<Types xmlns="{TYPES}">'
            f'<Default Extension="rels" ContentType="{PACKAGE}.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{SHEET}.sheet.main+xml"/>{sheets}'
            f'<Override PartName="/xl/styles.xml" ContentType="{SHEET}.styles+xml"/>'
            '<Override PartName="/docProps/core.xml"'
            f' ContentType="{PACKAGE}.core-properties+xml"/></Types>'
        )

    def _workbook(self) -> str:
        sheets, names = "", ""
        for place, (page, last) in enumerate(self._pages):
            row, letters = len(page.above) + 1, column_letters(len(page.widths) - 1)
            name = page.name.replace("'", "''")
            sheets += (
                f'<sheet name={quoteattr(page.name)} sheetId="{place + 1}" r:id="rId{place + 1}"/>'
            )
            names += (
                f'<definedName name="_xlnm._FilterDatabase" localSheetId="{place}" hidden="1">'
                f"'{name}'!$A${row}:${letters}${last}</definedName>"
                f'<definedName name="_xlnm.Print_Titles" localSheetId="{place}">'
                f"'{name}'!${row}:${row}</definedName>"
            )
        return (
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets>'
            f"<definedNames>{names}</definedNames></workbook>"
        )


def column_letters(place: int) -> str:
    """The letters of a column, counted from 0."""
    before, last = divmod(place, 26)
    return (column_letters(before - 1) if before else "") + chr(65 + last)


def _row(
    number: int,
    letters: Sequence[str],
    row: Sequence[tuple[Any, Style]],
    widths: Sequence[float],
) -> str:
    cells = [
        f'<c r="{letter}{number}"{_text(value, style)}'
        if isinstance(value, str)
        else f'<c r="{letter}{number}" s="{style:d}"><v>{value}</v></c>'
        for letter, (value, style) in zip(letters, row, strict=True)
        if value is not None
    ]
    lines = max(
        (
            _lines(value, width)
            for width, (value, _) in zip(widths, row, strict=True)
            if isinstance(value, str)
        ),
        default=1,
    )
    height = min(lines, MOST_LINES) * LINE_POINTS
    return f'<row r="{number}" ht="{height}" customHeight="1">{"".join(cells)}</row>'


@lru_cache(8192)
def _lines(value: str, width: float) -> int:
    """How many lines a text takes in its column; Chinese characters are twice as wide."""
    return sum(
        max(1, math.ceil(sum(2 if char > WIDE_FROM else 1 for char in line) / width))
        for line in value.split("\n")
    )


@lru_cache(8192)
def _text(value: str, style: Style) -> str:
    """The rest of a text's cell; the same words stand in many rows."""
    words = escape(ESCAPED_CODE.sub("_x005F_", clean(value[:LARGEST_TEXT])))
    return f' s="{style:d}" t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'


def _before_rows(page: Page, letters: Sequence[str], *, first: bool) -> str:
    top = len(page.above) + 1
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(page.widths, start=1)
    )
    split = f'xSplit="{page.frozen_columns}" ' if page.frozen_columns else ""
    corner = "bottomRight" if page.frozen_columns else "bottomLeft"
    selected = ' tabSelected="1"' if first else ""
    above = "".join(
        _row(number, letters[:1], [line], [WIDE]) for number, line in enumerate(page.above, start=1)
    )
    headings = _row(top, letters, [(one, Style.HEADING) for one in page.headings], page.widths)
    return (
        f'{XML}<worksheet xmlns="{MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<sheetViews><sheetView{selected} workbookViewId="0"><pane {split}ySplit="{top}"'
        f' topLeftCell="{column_letters(page.frozen_columns)}{top + 1}" activePane="{corner}"'
        f' state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>'
        f"<cols>{columns}</cols><sheetData>{above}{headings}"
    )


def _after_rows(page: Page, filtered: str) -> str:
    return (
        f'</sheetData><autoFilter ref="{filtered}"/><printOptions gridLines="1"/>'
        '<pageMargins left="0.4" right="0.4" top="0.8" bottom="0.8" header="0.3" footer="0.3"/>'
        f'<pageSetup paperSize="{page.paper}" orientation="landscape" fitToHeight="0"/>'
        f"<headerFooter><oddHeader>&amp;C{_printed(page.header)}</oddHeader>"
        f"<oddFooter>&amp;L{_printed(page.footer_left)}&amp;R第 &amp;P 页 共 &amp;N 页</oddFooter>"
        "</headerFooter></worksheet>"
    )


def _printed(text: str) -> str:
    """Text of a header or footer, where & begins a code and 255 characters are the most."""
    return escape(clean(text)[:110].replace("&", "&&"))


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    entries = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{RELATIONS}">{entries}</Relationships>'
