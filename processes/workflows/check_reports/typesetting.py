"""A Word document in Chinese typography: A4, 黑体 headings, 仿宋 text, 宋体 tables, fixed bytes."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import docx
from docx.enum.section import WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.section import Section
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from processes.workflows.check_reports.archive_days import within_archives
from processes.workflows.check_reports.tables import TableColumn, clean, table_xml

LATIN = "Times New Roman"
SONG, HEI, KAI, FANG_SONG = "宋体", "黑体", "楷体", "仿宋"
TEXT_WIDTH_MM = 156
TABLE, NOTE = "OneMapTable", "OneMapNote"
NUMERALS = "一二三四五六七八九十"
THUMBNAIL = "metadata/thumbnail"


class Paper:
    """A document that is written from its beginning to its end."""

    def __init__(self, *, title: str, subject: str, day: date) -> None:
        self._document = docx.Document()
        self._day = within_archives(day)
        self._chapters = self._sections = self._tables = self._figures = 0
        self._set_styles()
        self._set_page(self._document.sections[0])
        self._describe(title, subject)

    def frame(self, header: str, footers: Sequence[str], *, warning: str | None) -> None:
        """What stands on each page of the present section, with the page's number."""
        section = self._document.sections[-1]
        section.header.is_linked_to_previous = section.footer.is_linked_to_previous = False
        top = section.header.paragraphs[0]
        top.alignment = WD_ALIGN_PARAGRAPH.CENTER
        top.add_run(clean(header))
        if warning is not None:
            run = top.add_run(f"　【{warning}】")
            run.bold, run.font.color.rgb = True, RGBColor(0xC0, 0, 0)
        bottom = section.footer.paragraphs[0]
        for line in footers:
            bottom.alignment = WD_ALIGN_PARAGRAPH.CENTER
            bottom.add_run(clean(line))
            bottom = section.footer.add_paragraph(style="Footer")
        bottom.alignment = WD_ALIGN_PARAGRAPH.CENTER
        for words, field in (("第 ", "PAGE"), (" 页　共 ", "NUMPAGES")):
            bottom.add_run(words)
            bottom._p.append(parse_xml(_field(field)))
        bottom.add_run(" 页")

    def new_section(self) -> None:
        """A new page, of which the header and footer are its own."""
        self._document.add_section(WD_SECTION.NEW_PAGE)

    def title(self, text: str) -> None:
        self._document.add_paragraph(clean(text), style="Title")

    def chapter(self, text: str) -> None:
        """A numbered heading: 一、…"""
        self._chapters, self._sections = self._chapters + 1, 0
        self._document.add_heading(f"{chinese_number(self._chapters)}、{clean(text)}", 1)

    def section(self, text: str) -> None:
        """A numbered heading: （一）…"""
        self._sections += 1
        self._document.add_heading(f"（{chinese_number(self._sections)}）{clean(text)}", 2)

    def subsection(self, text: str) -> None:
        self._document.add_heading(clean(text), 3)

    def text(self, text: str) -> None:
        """A paragraph of the text, indented by two characters."""
        self._document.add_paragraph(clean(text))

    def note(self, text: str, *, bold: str = "") -> None:
        """A small paragraph beside a table; *bold* stands before it."""
        paragraph = self._document.add_paragraph(style=NOTE)
        paragraph.add_run(clean(bold)).bold = True
        paragraph.add_run(clean(text))

    def warning(self, text: str) -> None:
        """A line in red in the middle."""
        paragraph = self._document.add_paragraph(style=NOTE)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(clean(text))
        run.bold, run.font.color.rgb, run.font.size = True, RGBColor(0xC0, 0, 0), Pt(14)

    def table(
        self,
        caption: str | None,
        columns: Sequence[TableColumn],
        rows: Iterable[Sequence[str]],
        *,
        headings: bool = True,
    ) -> None:
        """A table whose headings are repeated on each page."""
        if caption is not None:
            self._tables += 1
            self._caption(f"表{self._tables}　{caption}", keep=True)
        xml = "".join(
            table_xml(columns, rows, headings=headings, style=TABLE, width_mm=TEXT_WIDTH_MM)
        )
        self._document.element.body.insert_element_before(parse_xml(xml), "w:sectPr")
        self._document.add_paragraph(style=NOTE)

    def figure(self, png: bytes, width_mm: float, caption: str, description: str) -> None:
        """A picture with its caption; *description* is read to who does not see it."""
        paragraph = self._document.add_paragraph(style=NOTE)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.keep_with_next = True
        _picture(paragraph, png, width_mm, description)
        self._figures += 1
        self._caption(f"图{self._figures}　{caption}", keep=False)

    def swatches(self, entries: Sequence[tuple[bytes, str]]) -> None:
        """A legend: small pictures and what they stand for."""
        for png, words in entries:
            paragraph = self._document.add_paragraph(style=NOTE)
            _picture(paragraph, png, 8, words)
            paragraph.add_run(f"　{clean(words)}")

    def saved(self) -> bytes:
        """The document; equal documents give equal bytes."""
        buffer = io.BytesIO()
        self._document.save(buffer)
        moment = (self._day.year, self._day.month, self._day.day, 0, 0, 0)
        fixed = io.BytesIO()
        with (
            zipfile.ZipFile(buffer) as source,
            zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target,
        ):
            for name in source.namelist():
                entry = zipfile.ZipInfo(name, moment)
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, source.read(name))
        return fixed.getvalue()

    def _caption(self, text: str, *, keep: bool) -> None:
        paragraph = self._document.add_paragraph(clean(text), style="Caption")
        paragraph.paragraph_format.keep_with_next = keep

    def _describe(self, title: str, subject: str) -> None:
        properties, moment = self._document.core_properties, datetime(*self._day.timetuple()[:3])
        properties.title, properties.subject = clean(title)[:250], subject
        properties.author = properties.last_modified_by = "OneMap"
        properties.comments, properties.language = "", "zh-CN"
        properties.created = properties.modified = moment
        relations = self._document.part.package.rels
        for key in [key for key, one in relations.items() if one.reltype.endswith(THUMBNAIL)]:
            del relations[key]

    def _set_page(self, section: Section) -> None:
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm((210 - TEXT_WIDTH_MM) / 2)
        section.top_margin, section.bottom_margin = Mm(28), Mm(27)
        section.header_distance, section.footer_distance = Mm(15), Mm(11)

    def _set_styles(self) -> None:
        for language in self._document.styles.element.iter(qn("w:lang")):
            language.set(qn("w:eastAsia"), "zh-CN")
        centre = WD_ALIGN_PARAGRAPH.CENTER
        self._style("Normal", FANG_SONG, 12, line=1.4, indent=True)
        self._style("Title", SONG, 20, bold=True, align=centre, after=14)
        self._style("Heading 1", HEI, 15, before=14, after=6)
        self._style("Heading 2", KAI, 13.5, bold=True, before=10, after=4)
        self._style("Heading 3", HEI, 12, before=8, after=3)
        self._style("Caption", HEI, 10, align=centre, before=4, after=3)
        self._style("Header", SONG, 9)
        self._style("Footer", SONG, 8)
        for name, size in ((TABLE, 9.0), (NOTE, 9.0)):
            self._document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            self._style(name, SONG, size, after=0 if name == TABLE else 2)

    def _style(
        self,
        name: str,
        east_asia: str,
        size: float,
        *,
        bold: bool = False,
        align: WD_ALIGN_PARAGRAPH | None = None,
        before: float = 0,
        after: float = 0,
        line: float = 1.0,
        indent: bool = False,
    ) -> None:
        style = self._document.styles[name]
        assert isinstance(style, ParagraphStyle)
        style.font.name, style.font.size, style.font.bold = LATIN, Pt(size), bold
        style.font.italic, style.font.color.rgb = False, RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), east_asia)
        layout = style.paragraph_format
        layout.alignment, layout.line_spacing = align, line
        layout.space_before, layout.space_after = Pt(before), Pt(after)
        properties = style.element.get_or_add_pPr()
        for ornament in properties.findall(qn("w:pBdr")):
            properties.remove(ornament)
        characters = properties.get_or_add_ind()
        characters.set(qn("w:firstLineChars"), "200" if indent else "0")
        characters.set(qn("w:firstLine"), str(int(size * 40)) if indent else "0")


def chinese_number(number: int) -> str:
    """A number up to 99 as it is written in headings."""
    tens, ones = divmod(number, 10)
    if tens == 0:
        return NUMERALS[ones - 1]
    return (NUMERALS[tens - 1] if tens > 1 else "") + "十" + (NUMERALS[ones - 1] if ones else "")


def _picture(paragraph: Paragraph, png: bytes, width_mm: float, description: str) -> None:
    inline = paragraph.add_run().add_picture(io.BytesIO(png), width=Mm(width_mm))._inline
    inline.docPr.set("descr", clean(description))
    for side in ("distT", "distB", "distL", "distR"):  # otherwise some readers leave a gap
        inline.set(side, "0")


def _field(name: str) -> str:
    return f'<w:fldSimple {nsdecls("w")} w:instr="{name}"><w:r><w:t>1</w:t></w:r></w:fldSimple>'
