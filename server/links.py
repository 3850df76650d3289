"""Links and their relations, in one form."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

type Link = dict[str, Any]


def link(href: str, rel: str, media_type: str, title: str, **more: str) -> Link:
    return {"href": href, "rel": rel, "type": media_type, "title": title, **more}


def header(one: Link) -> str:
    """A link as the header Link writes it."""
    text = f'<{one["href"]}>; rel="{one["rel"]}"; type="{one["type"]}"'
    return text.encode("ascii", "replace").decode()


def query(path: str, parameters: Mapping[str, object]) -> str:
    """A path with the parameters that have a value."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def segment(text: str) -> str:
    """A value as one path segment."""
    return quote(text, safe="")
