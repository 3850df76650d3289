"""How cells of a workbook look: fonts, grounds and number formats."""

from collections.abc import Mapping
from enum import IntEnum

from config.vocabulary import Outcome

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
FONT = "宋体"


class Style(IntEnum):
    """Looks of a cell; the numbers are places in the list of the format."""

    PLAIN = 0
    TITLE = 1
    WARNING = 2
    HEADING = 3
    TEXT = 4
    COUNT = 5
    AREA = 6  # square metres, 亩 and metres: two decimals
    HECTARES = 7  # four decimals
    SHARE = 8
    PASS = 9
    INFO = 10
    VERIFY = 11
    COND = 12
    FAIL = 13
    COORDINATE = 14  # metres in a plane: three decimals


OUTCOME_STYLES: Mapping[Outcome, Style] = {one: Style[one.name] for one in Outcome}
FONTS = (
    f'<font><sz val="10"/><name val="{FONT}"/><charset val="134"/></font>',
    f'<font><b/><sz val="12"/><name val="{FONT}"/><charset val="134"/></font>',
    f'<font><b/><sz val="10"/><color rgb="FFC00000"/><name val="{FONT}"/><charset val="134"/></font>',
    f'<font><b/><sz val="10"/><name val="{FONT}"/><charset val="134"/></font>',
)
GROUNDS = ("E7E6E6", "D8EFD9", "D9E7F7", "FFF2B3", "FBDDB8", "F8CBCB")  # headings, then outcomes
FILLS = (
    '<fill><patternFill patternType="none"/></fill>',
    '<fill><patternFill patternType="gray125"/></fill>',  # the format wants it in second place
    *(
        f'<fill><patternFill patternType="solid"><fgColor rgb="FF{ground}"/></patternFill></fill>'
        for ground in GROUNDS
    ),
)
TWO_DECIMALS, PERCENT = 4, 10  # the format's own
FOUR_DECIMALS, THREE_DECIMALS = 164, 165


def _look(number: int = 0, font: int = 0, fill: int = 0, alignment: str = "") -> str:
    return (
        f'<xf numFmtId="{number}" fontId="{font}" fillId="{fill}" borderId="0" xfId="0"'
        ' applyNumberFormat="1" applyFont="1" applyFill="1" applyAlignment="1">'
        f"<alignment {alignment}/></xf>"
    )


TOP, CENTRE = 'vertical="top"', 'horizontal="center" vertical="top"'
LOOKS = (
    _look(),
    _look(font=1),
    _look(font=2),
    _look(font=3, fill=2, alignment='horizontal="center" vertical="center" wrapText="1"'),
    _look(alignment='vertical="top" wrapText="1"'),
    _look(1, alignment=TOP),
    _look(TWO_DECIMALS, alignment=TOP),
    _look(FOUR_DECIMALS, alignment=TOP),
    _look(PERCENT, alignment=TOP),
    *(_look(fill=3 + place, alignment=CENTRE) for place in range(len(Outcome))),
    _look(THREE_DECIMALS, alignment=TOP),
)
STYLES_XML = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="2">'
    f'<numFmt numFmtId="{FOUR_DECIMALS}" formatCode="#,##0.0000"/>'
    f'<numFmt numFmtId="{THREE_DECIMALS}" formatCode="0.000"/></numFmts>'
    f'<fonts count="{len(FONTS)}">{"".join(FONTS)}</fonts>'
    f'<fills count="{len(FILLS)}">{"".join(FILLS)}</fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    f'<cellXfs count="{len(LOOKS)}">{"".join(LOOKS)}</cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)
