"""Words of the pages about styles and legends."""

from collections.abc import Mapping
from typing import Final

from server.web.terms import Word

STYLE_WORDS: Final[Mapping[str, Word]] = {
    "segment.legend": Word("图例", "Legend"),
    "style.layers": Word("所画图层", "Layers drawn"),
    "style.symbol": Word("符号", "Symbol"),
    "style.colours": Word("色值", "Colours"),
    "style.classes": Word("所含各类", "Classes"),
    "style.source": Word("颜色的出处", "Where the colours come from"),
    "relation.stylesheet": Word("MapLibre 样式", "MapLibre style"),
    "relation.preview": Word("图片", "Picture"),
}
