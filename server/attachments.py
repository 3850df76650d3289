"""How a browser saves what it is given: under the title's own name (RFC 6266)."""

import re
from urllib.parse import quote

from config.model import Layer

# RFC 5987, attr-char: what may stand in filename* as it is
PLAIN = "!#$&+-.^_`|~"
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\/:*?"<>|]')
MAX_NAME = 80  # characters, with the ending: of three bytes each, what file systems take
SYNTHETIC, MARK = "（模拟）", "（模拟数据）"


def title_of(layer: Layer) -> str:
    """The Chinese title by which a file goes; what is invented says so wherever it is saved."""
    title = layer.title.zh
    if not layer.synthetic or MARK in title:
        return title
    return title.removesuffix(SYNTHETIC) + MARK


def attachment(plain: str, name: str) -> str:
    """The header's value: *name* for whom it can be told, *plain* in ASCII for the others."""
    stem, dot, ending = FORBIDDEN.sub("_", name).rpartition(".")
    told = f"{stem[: MAX_NAME - len(dot + ending)].strip()}{dot}{ending}"
    short = re.sub(r'[^ -~]|["\\%;]', "_", plain)
    return f"attachment; filename=\"{short}\"; filename*=UTF-8''{quote(told, safe=PLAIN)}"
