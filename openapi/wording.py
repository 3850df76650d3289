"""The contract speaks Chinese and English at once; here it is reduced to what one reader reads."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

TEXTS = ("title", "summary", "description")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def in_language(node: Any, lang: str) -> Any:
    """The document, or a part of it, with each text in this language where it has one."""
    if isinstance(node, Mapping):
        return {
            name: told(value, lang)
            if name in TEXTS and isinstance(value, str)
            else in_language(value, lang)
            for name, value in node.items()
        }
    return [in_language(each, lang) for each in node] if isinstance(node, list) else node


def told(text: str, lang: str) -> str:
    """The lines and halves of lines of a text in this language; a text in one language as it is."""
    kept = [part for part, chinese in _parts(text) if chinese == (lang == "zh")]
    return "\n".join(kept) if kept else text


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    for line in text.splitlines():
        chinese, slash, english = line.partition(" / ")
        if slash and CHINESE.search(chinese) and not CHINESE.search(english):
            yield chinese, True
            yield english, False
        elif line.strip():
            yield line, CHINESE.search(line) is not None
