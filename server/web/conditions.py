"""The conditions of a page of a list: what was asked for, and addresses with one more or less."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

# What does not narrow a list: form, language, and the place in it.
PLACE: Final = frozenset({"cursor", "offset"})
FORM: Final = frozenset({"f", "lang"})
OF_ITEMS: Final = ("q", "bbox", "datetime", "filter", "sortby", "limit")
OF_COLLECTIONS: Final = ("q", "theme", "bbox", "datetime")
EXAMPLES: Final = {
    "bbox": "125.2,43.8,125.4,43.9",
    "datetime": "2024-12-31",
    "limit": "50",
}


class Condition(NamedTuple):
    """One parameter of an address, and the address without it."""

    name: str
    value: str
    without: str


def conditions(path: str) -> list[Condition]:
    """What narrows or orders the list, in the order of the address."""
    pairs = _pairs(path)
    return [
        Condition(name, value, without(path, name))
        for name, value in pairs
        if name not in PLACE | FORM
    ]


def asked(path: str, name: str) -> str:
    """The value of a parameter; empty where it is not given."""
    return dict(_pairs(path)).get(name, "")


def kept(path: str, name: str) -> list[tuple[str, str]]:
    """The other parameters, for a form that sets one: the list begins anew."""
    return [(n, v) for n, v in _pairs(path) if n != name and n not in PLACE]


def without(path: str, *names: str) -> str:
    """The address of the list's beginning without some parameters."""
    return _address(path, [(n, v) for n, v in _pairs(path) if n not in names and n not in PLACE])


def file_links(path: str, forms: Sequence[str]) -> list[tuple[str, str]]:
    """The key of each file's name, and its address under the conditions of the page.

    A document holds the page; a file holds the whole selection, so that it has no page.
    """
    links = []
    for form in forms:
        of_page = form in ("json", "jsonfg")
        dropped = FORM if of_page else FORM | PLACE | {"limit"}
        pairs = [(n, v) for n, v in _pairs(path) if n not in dropped]
        links.append((f"file.{form}", _address(path, [*pairs, ("f", form)])))
        if form == "shp":
            links.append(
                ("file.shp.gbk", _address(path, [*pairs, ("f", form), ("encoding", "gbk")]))
            )
    return links


def _pairs(path: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(path).query, keep_blank_values=True)


def _address(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    """A path of this host; no path can name another one."""
    place = "/" + quote(urlsplit(path).path.lstrip("/\\"), safe="/%:@!$&'()*+,;=~-._")
    return f"{place}?{urlencode(pairs)}" if pairs else place
