"""Collections in the order of the resource tree: each theme's with the way to it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Branch(NamedTuple):
    """A theme, the titles from the root down to it, and its collections."""

    id: str | None
    titles: tuple[str, ...]
    collections: list[Mapping[str, Any]]


def branches(collections: Sequence[Mapping[str, Any]]) -> list[Branch]:
    """The collections by theme, in the order in which they come."""
    found: list[Branch] = []
    for one in collections:
        theme = (one.get("x-onemap") or {}).get("theme") or {}
        name = theme.get("id")
        if not found or found[-1].id != name:
            way = [*(theme.get("parents") or ()), theme] if theme else []
            titles = tuple(str(t.get("title") or t.get("id") or "") for t in way)
            found.append(Branch(name, titles, []))
        found[-1].collections.append(one)
    return found


def themes(collections: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The themes of the collections and those above, by id, with the way to each."""
    known: dict[str, str] = {}
    for one in collections:
        theme = (one.get("x-onemap") or {}).get("theme") or {}
        way: list[str] = []
        for each in [*(theme.get("parents") or ()), theme] if theme.get("id") else []:
            way.append(str(each.get("title") or each["id"]))
            known[str(each["id"])] = " › ".join(way)
    return known
