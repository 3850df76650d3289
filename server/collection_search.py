"""Which collections are asked for: by words, theme, place and time; in parts (Common, Part 4 draft)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from config.model import Catalogue, Layer
from providers.access import Scope
from providers.crs import CRS84, WHOLE, Bounds
from providers.editions import Window
from providers.errors import BadParameter
from providers.frames import offered, parse_frame
from providers.search import fold, parse_terms, pattern_of
from providers.windows import parse_bbox
from server.extents import in_force, visible_extent
from server.snapshot import Resolved, Snapshot

PARAMETERS = ("layer", "theme", "q", "bbox", "bbox-crs", "datetime")
BETWEEN_TEXTS = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What narrows the list of collections; None: nothing does."""

    layer: str | None
    theme: str | None
    words: re.Pattern[str] | None
    boxes: tuple[Bounds, ...] | None  # degrees
    window: Window | None


def parse_search(catalogue: Catalogue, given: Mapping[str, str]) -> Search:
    """The search that the parameters ask for.

    Raises
    ------
    BadParameter
        For a value that is none of its parameter's.
    """
    theme = given.get("theme")
    if theme is not None and theme not in catalogue.themes:
        raise BadParameter("theme", theme, "the id of a theme as x-onemap.theme gives it")
    if "bbox-crs" in given and "bbox" not in given:
        raise BadParameter("bbox-crs", given["bbox-crs"], "the parameter bbox beside it")
    boxes = None
    if "bbox" in given:
        crs = CRS84
        if "bbox-crs" in given:
            crs = parse_frame("bbox-crs", given["bbox-crs"], offered(WHOLE))
        boxes = parse_bbox(given["bbox"], crs).bounds
    return Search(
        layer=given.get("layer"),
        theme=theme,
        words=pattern_of(parse_terms(given["q"])) if "q" in given else None,
        boxes=boxes,
        window=Window.parse(given["datetime"]) if "datetime" in given else None,
    )


async def find(
    snapshot: Snapshot, search: Search, scope: Scope, *, offset: int, limit: int
) -> tuple[int, list[Resolved]]:
    """How many collections are asked for and seen by the caller, and a part of them in tree order.

    With `layer` they are the editions of that one, newest first.
    """
    part = slice(offset, offset + limit)
    if search.layer is None:
        layers = [x for x in snapshot.visible(scope) if _is_meant(snapshot, search, x)]
        if search.window is None and search.boxes is None:  # nothing else need be known of the rest
            return len(layers), [snapshot.resolve(x.id, None, scope) for x in layers[part]]
        found = [snapshot.resolve(layer.id, None, scope) for layer in layers]
    else:
        layer = snapshot.resolve(search.layer, None, scope).layer
        states = snapshot.states(layer, scope) if _is_meant(snapshot, search, layer) else ()
        found = [Resolved(layer=layer, state=state, pinned=True) for state in states]
    if search.window is not None:
        found = [one for one in found if _is_then(snapshot, search.window, one, scope)]
    if search.boxes is not None:
        found = [one for one in found if await _is_there(snapshot, search.boxes, one, scope)]
    return len(found), found[part]


def keywords_of(catalogue: Catalogue, layer: Layer, lang: str) -> list[str]:
    """Words under which a layer is found: its themes, and the kind of its data."""
    themes = (theme.title for theme in catalogue.branch(layer.theme))
    titles = (*themes, layer.specification.kind.label)
    return list(dict.fromkeys(title.in_language(lang) for title in titles))


def _is_meant(snapshot: Snapshot, search: Search, layer: Layer) -> bool:
    """Whether what is said of a layer answers to the theme and the words."""
    if search.theme is not None and not f"{layer.theme.id}.".startswith(f"{search.theme}."):
        return False
    if search.words is None:
        return True
    catalogue = snapshot.catalogue
    texts = snapshot.keep(
        "texts", catalogue, lambda: {x.id: _text(catalogue, x) for x in catalogue.layers.values()}
    )
    text = texts.get(layer.id) or _text(catalogue, layer)  # results are no part of the catalogue
    return search.words.search(text) is not None


def _text(catalogue: Catalogue, layer: Layer) -> str:
    """What is searched of a layer, as it is compared."""
    said = [str(layer.id)]
    for lang in ("zh", "en"):
        said += [layer.title.in_language(lang), layer.description.in_language(lang)]
        said += keywords_of(catalogue, layer, lang)
    return BETWEEN_TEXTS.join(map(fold, said))


def _is_then(snapshot: Snapshot, window: Window, one: Resolved, scope: Scope) -> bool:
    """Whether an edition is in force in the window, or none tells of time at all."""
    states = in_force(one, snapshot.states(one.layer, scope))
    return not states or any(state.edition.holds_in(window) for state in states)


async def _is_there(
    snapshot: Snapshot, boxes: tuple[Bounds, ...], one: Resolved, scope: Scope
) -> bool:
    """Whether the extent meets one of the boxes, or there is none."""
    extent = await visible_extent(snapshot, one, scope)
    if extent is None:
        return True
    west, south, east, north = extent
    return any(w <= east and west <= e and s <= north and south <= n for w, s, e, n in boxes)
