"""The guides for people: Markdown files of this folder as HTML, offline (pure functions)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

from server.web.pages import with_language
from server.web.words import LANGUAGES

FOLDER: Final = Path(__file__).parent
# The number orders the contents, the rest is the name in the address.
FILE_NAME: Final = re.compile(r"\d+-(?P<name>[a-z][a-z0-9-]*)\.md")
LINK: Final = re.compile(r"https?://|/(?!/)|#")  # other hosts by name, this one by path


class Entry(NamedTuple):
    """One line of the contents."""

    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidePage:
    """A guide, ready to be put on a page: *html* has no heading of the first level."""

    title: str
    html: Markup


def contents(lang: str) -> tuple[Entry, ...]:
    """The guides in this language, in reading order."""
    return tuple(Entry(name, _read(path, lang).title) for name, path in _files(lang).items())


def page(lang: str, name: str) -> GuidePage | None:
    """The guide *name*; None where this language has no such file."""
    path = _files(lang).get(name)
    return None if path is None else _read(path, lang)


def to_page(markdown: str, *, lang: str) -> GuidePage:
    """Markdown as a page; its first heading is the title, HTML in it is shown as text."""
    parser = _parser()
    tokens = parser.parse(markdown)
    if [token.type for token in tokens[:1]] != ["heading_open"] or tokens[0].tag != "h1":
        raise ValueError("a guide begins with a heading of the first level")
    title, body = tokens[1].content, tokens[3:]
    _adapt(body, lang)
    return GuidePage(title=title, html=Markup(parser.renderer.render(body, parser.options, {})))


def _adapt(tokens: Iterable[Token], lang: str) -> None:
    """Fit the tokens to the faces: anchors, header scope, no inline style, links in *lang*."""
    previous: Token | None = None
    for token in tokens:
        _adapt(token.children or (), lang)
        if token.type == "link_open" and str(token.attrs["href"]).startswith("/"):
            token.attrSet("href", with_language(str(token.attrs["href"]), lang=lang))
        if previous is not None and previous.type == "heading_open":
            previous.attrSet("id", re.sub(r"[^\w]+", "-", token.content).strip("-").lower())
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if alignment := token.attrs.pop("style", None):
            token.attrSet("class", str(alignment).removeprefix("text-align:"))
        previous = token


def _fence(
    renderer: RendererHTML, tokens: list[Token], position: int, options: OptionsDict, env: object
) -> str:
    token = tokens[position]
    language = f' class="language-{escape(token.info.strip())}"' if token.info.strip() else ""
    return f'<pre tabindex="0"><code{language}>{escape(token.content)}</code></pre>\n'


def _table_open(*_: object) -> str:
    return '<div class="wide" tabindex="0" role="group"><table>\n'


def _table_close(*_: object) -> str:
    return "</table></div>\n"


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    parser.validateLink = lambda url: LINK.match(url) is not None  # type: ignore[method-assign]
    return parser


@cache
def _read(path: Path, lang: str) -> GuidePage:
    return to_page(path.read_text("utf-8"), lang=lang)


@cache
def _files(lang: str) -> dict[str, Path]:
    if lang not in LANGUAGES:
        return {}
    found = (
        (FILE_NAME.fullmatch(path.name), path) for path in sorted((FOLDER / lang).glob("*.md"))
    )
    return {match["name"]: path for match, path in found if match}
