"""Style documents: layers in the catalogue's symbols, as MapLibre and OpenLayers read them; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from config.model import Layer, Style, StyleRule
from config.vocabulary import GeometryKind
from providers.grids import WEB_MERCATOR_QUAD, Grid
from providers.layers import Box
from server import sprites
from server.legends import legend
from server.style_expressions import by_code

CLEAR: Final = "rgba(0,0,0,0)"
FROM_AFAR: Final = 0.4  # opacity of areas that have an outline only, where no outline is drawn
DEEPEST: Final = 18  # the zoom of the last tiles that a client asks for; it enlarges them beyond
ORDER: Final = ("fill", "line", "circle", "symbol")  # from the ground up


@dataclass(frozen=True, slots=True, kw_only=True)
class Styled:
    """A layer with its style, as it is now."""

    layer: Layer
    style: Style
    collection: str  # the layer, or one edition of it
    title: str
    bounds: Box | None = None
    classes_below: int = 0  # tiles of zooms below hold areas of classes, cut at their edges
    shown: bool = True  # at first


def maplibre(
    title: str,
    styled: Sequence[Styled],
    *,
    base: str,
    lang: str,
    grid: Grid = WEB_MERCATOR_QUAD,
    asked: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A MapLibre style of these layers, the uppermost first, each from its tiles in *grid*.

    It has no glyphs: all text is drawn in fonts of the client's own system. Zooms count the levels
    of the grid, as `{z}` of the addresses does. *asked* are parameters that the tiles are asked
    with.
    """
    parts = [part for each in reversed(styled) for part in _parts(each, grid)]
    ground = {s.layer.id for s in styled if _covers(s.style)}
    # stable: what lies below stays below, and nothing that covers hides what can be seen through
    parts.sort(key=lambda part: (ORDER.index(part["type"]), part["source"] not in ground))
    document: dict[str, Any] = {
        "version": 8,
        "name": title,
        "metadata": {
            "onemap:legend": {s.layer.id: legend(s.style, lang) for s in styled},
            "onemap:layers": [_facts(s, lang) for s in styled],
            "onemap:styles": {
                s.style.id: {"source": s.style.source.in_language(lang), "version": s.style.version}
                for s in styled
            },
            "onemap:visible": [s.layer.id for s in styled if s.shown],
            "onemap:grid": {"id": grid.id, "zoomShift": grid.shift},
        },
        "sources": {s.layer.id: _source(s, base, lang, grid, asked or {}) for s in styled},
        "layers": parts,
    }
    if any("fill-pattern" in part["paint"] for part in parts):
        document["sprite"] = f"{base}/styles/sprite"
    return document


def _covers(style: Style) -> bool:
    """Whether what lies beneath its areas is not seen."""
    return any(rule.fill and rule.opacity == 1.0 for rule in style.rules)


def _facts(styled: Styled, lang: str) -> dict[str, Any]:
    layer = styled.layer
    return {
        "id": layer.id,
        "collection": styled.collection,
        "title": styled.title,
        "theme": layer.theme.id,
        "style": styled.style.id,
        "synthetic": layer.synthetic,
        "classesBelow": styled.classes_below,
        "visible": styled.shown,
    }


def _source(
    styled: Styled, base: str, lang: str, grid: Grid, asked: Mapping[str, str]
) -> dict[str, Any]:
    tiles = f"{base}/collections/{styled.collection}/tiles/{grid.id}/{{z}}/{{y}}/{{x}}"
    source: dict[str, Any] = {
        "type": "vector",
        "tiles": [f"{tiles}?{urlencode({'f': 'mvt', **asked})}"],
        "attribution": styled.layer.source.in_language(lang),
        "maxzoom": min(DEEPEST - grid.shift, grid.last),
    }
    if grid.first:
        source["minzoom"] = grid.first
    if styled.bounds is not None and grid == WEB_MERCATOR_QUAD:
        source["bounds"] = list(styled.bounds)  # MapLibre counts them in tiles of this grid only
    return source


def _parts(styled: Styled, grid: Grid) -> Iterator[dict[str, Any]]:
    """The parts of one layer, those that lie below first."""
    source, style = styled.layer.id, styled.style
    hidden = {} if styled.shown else {"visibility": "none"}
    for part in [*_symbols(styled, grid), *_labels(styled, grid)]:
        layout = {**part.pop("layout", {}), **hidden}
        more = {"layout": layout} if layout else {}
        yield {
            **part,
            "id": f"{source}-{part['id']}",
            "source": source,
            "source-layer": source,
            "metadata": {"onemap:style": style.id, **part.get("metadata", {})},
            **more,
        }


def _symbols(styled: Styled, grid: Grid) -> Iterator[dict[str, Any]]:
    """A fill and an outline for all rules that share what cannot depend on data.

    Colours, opacities and widths are looked up by code (`match`): one test per feature instead of
    one per rule, which is what a browser without a GPU needs.
    """
    style, rules = styled.style, list(enumerate(styled.style.rules))
    area = style.geometry is GeometryKind.POLYGON
    for number, rule in rules:
        alike = [n for n, other in rules if _manner(other) == _manner(rule)]
        if alike[0] != number:
            continue  # drawn with the first of its kind
        common: dict[str, Any] = {}
        if len(alike) < len(rules) or not any(not r.codes for r in style.rules):
            common["filter"] = by_code(style, dict.fromkeys(alike, True), False)

        def by_rule(values: dict[int, Any], alike: list[int] = alike) -> Any:
            return by_code(style, {n: values[n] for n in alike}, values[alike[0]])

        widths = by_rule({n: r.width for n, r in rules})
        opacities = by_rule({n: r.opacity for n, r in rules})
        fills = by_rule({n: r.fill or CLEAR for n, r in rules})
        filled = any(style.rules[n].fill for n in alike)
        lined = any(style.rules[n].outline for n in alike)
        if area and filled:
            paint = {"fill-color": fills, "fill-opacity": opacities, "fill-antialias": True}
            part = {"id": f"{number}-fill", "type": "fill", **common, "paint": paint}
            # clients that draw without sprites make the hatch themselves, in this colour
            hatch = {"onemap:hatch": sprites.hatch_colour(rule)} if rule.hatch else {}
            yield {**part, "metadata": hatch}
        if area and rule.hatch:
            name = sprites.hatch_name(sprites.hatch_colour(rule))
            paint = {"fill-pattern": name, "fill-opacity": opacities}
            yield {"id": f"{number}-hatch", "type": "fill", **common, "paint": paint}
        if style.geometry is GeometryKind.POINT and filled:
            paint = {"circle-color": fills, "circle-opacity": opacities, "circle-radius": widths}
            yield {"id": f"{number}-circle", "type": "circle", **common, "paint": paint}
        if style.geometry is not GeometryKind.POINT and lined:
            colours = by_rule({n: r.outline or CLEAR for n, r in rules})
            dash = {"line-dasharray": list(rule.dash)} if rule.dash else {}
            paint = {"line-color": colours, "line-width": widths, **dash}
            nearer = _from_zoom(rule.outline_min_zoom or 0, styled, grid)
            yield {"id": f"{number}-line", "type": "line", **common, **nearer, "paint": paint}
            bare = {n: (r.outline if not r.fill else None) or CLEAR for n, r in rules}
            if area and styled.classes_below and any(bare[n] != CLEAR for n in alike):
                paint = {"fill-color": by_rule(bare), "fill-opacity": FROM_AFAR}
                afar = {"maxzoom": max(0, styled.classes_below - grid.shift)}
                yield {"id": f"{number}-area", "type": "fill", **common, **afar, "paint": paint}


def _labels(styled: Styled, grid: Grid) -> Iterator[dict[str, Any]]:
    labels = styled.style.labels
    if labels is None:
        return
    yield {
        "id": "labels",
        "type": "symbol",
        "minzoom": 0,
        **_from_zoom(labels.min_zoom, styled, grid),
        "layout": {"text-field": ["to-string", ["get", labels.field]], "text-size": 12},
        "paint": {"text-color": "#1b2430", "text-halo-color": "#ffffff", "text-halo-width": 1.5},
    }


def _from_zoom(zoom: float, styled: Styled, grid: Grid) -> dict[str, float]:
    """From which zoom on the features themselves are drawn: areas of classes have no outline.

    A tile's areas end at its edge, so that a line around them would show the edge.
    """
    first = max(zoom, styled.classes_below) - grid.shift
    return {"minzoom": first} if first > 0 else {}


def _manner(rule: StyleRule) -> tuple[object, ...]:
    """What no expression can vary within one part: rules that agree in it are drawn together."""
    hatch = sprites.hatch_colour(rule) if rule.hatch else None
    return (hatch, rule.dash, rule.outline_min_zoom)
