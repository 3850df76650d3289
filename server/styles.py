"""Styles: the catalogue's symbols as MapLibre style documents with their legend."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.model import Layer, Style, StyleRule
from config.vocabulary import GeometryKind
from providers.errors import NotFound
from providers.tiles import GRID
from server import negotiate
from server.state import onemap, scope

MEDIA_TYPE = "application/vnd.mapbox.style+json"
FORMATS = {"mapbox": MEDIA_TYPE, "json": negotiate.JSON}


async def style(request: Request) -> Response:
    """GET /styles/{styleId}: one source per visible layer that is drawn in this style."""
    negotiate.only(request)
    one, lang = onemap(request), negotiate.language(request)
    chosen = negotiate.negotiated(request, FORMATS)
    name = request.path_params["styleId"]
    entry = one.snapshot.catalogue.styles.get(name)
    layers = [layer for layer in one.snapshot.visible(scope(request)) if layer.style == entry]
    if entry is None or not layers:
        raise NotFound("style", name)
    body = maplibre(entry, layers, base=one.settings.public_url, lang=lang)
    content = negotiate.dumps(body)
    tag = negotiate.etag(content, negotiate.encoding(request))
    if response := negotiate.unchanged(request, tag):
        return response
    fields = {"Content-Language": lang}
    return negotiate.answer(request, content, FORMATS[chosen], headers=fields, tag=tag)


def maplibre(style: Style, layers: list[Layer], *, base: str, lang: str) -> dict[str, Any]:
    """A MapLibre style without glyphs and sprites: nothing it needs comes from another host."""
    return {
        "version": 8,
        "name": style.title.in_language(lang),
        "metadata": {
            "onemap:legend": {layer.id: legend(style, lang) for layer in layers},
            "onemap:source": style.source.in_language(lang),
        },
        "sources": {
            layer.id: {
                "type": "vector",
                "tiles": [f"{base}/collections/{layer.id}/tiles/{GRID}/{{z}}/{{y}}/{{x}}?f=mvt"],
                "attribution": layer.source.in_language(lang),
                "maxzoom": 18,
            }
            for layer in layers
        },
        "layers": [part for layer in layers for part in _parts(style, layer.id)],
    }


def legend(style: Style, lang: str) -> list[dict[str, Any]]:
    """One entry per rule, as a legend draws it."""
    return [
        {
            "title": rule.title.in_language(lang),
            "codes": list(rule.codes),
            "fill": rule.fill,
            "opacity": rule.opacity,
            "outline": rule.outline,
            "width": rule.width,
            "dash": list(rule.dash),
            "hatch": rule.hatch,
        }
        for rule in style.rules
    ]


def _parts(style: Style, source: str) -> list[dict[str, Any]]:
    """A fill and an outline for all rules that share what cannot depend on data.

    Colours, opacities and widths are looked up by code (`match`): one test per feature instead of
    one per rule, which is what a browser without a GPU needs.
    """
    parts: list[dict[str, Any]] = []
    rules = list(enumerate(style.rules))
    for number, rule in rules:
        alike = [n for n, other in rules if _manner(other) == _manner(rule)]
        if alike[0] != number:
            continue  # drawn with the first of its kind
        common = {"source": source, "source-layer": source}
        if len(alike) < len(rules) or not any(not r.codes for r in style.rules):
            common["filter"] = _choice(style, dict.fromkeys(alike, True), False)

        def by_rule(values: dict[int, Any], alike: list[int] = alike) -> Any:
            return _choice(style, {n: values[n] for n in alike}, values[alike[0]])

        clear = "rgba(0,0,0,0)"
        fills = {n: r.fill or clear for n, r in rules}
        lines = {n: r.outline or clear for n, r in rules}
        widths = {n: r.width for n, r in rules}
        opacities = {n: r.opacity for n, r in rules}
        filled = any(style.rules[n].fill for n in alike)
        lined = any(style.rules[n].outline for n in alike)
        if style.geometry is GeometryKind.POLYGON and filled:
            paint = {
                "fill-color": by_rule(fills),
                "fill-opacity": by_rule(opacities),
                "fill-antialias": True,
            }
            part = {"id": f"{source}-{number}-fill", "type": "fill", **common, "paint": paint}
            if rule.hatch:  # drawn by the client: MapLibre itself would need a sprite
                part["metadata"] = {"onemap:hatch": rule.outline or "#4a5563"}
            parts.append(part)
        if style.geometry is GeometryKind.POINT and filled:
            paint = {
                "circle-color": by_rule(fills),
                "circle-opacity": by_rule(opacities),
                "circle-radius": by_rule(widths),
            }
            parts.append(
                {"id": f"{source}-{number}-circle", "type": "circle", **common, "paint": paint}
            )
        if style.geometry is not GeometryKind.POINT and lined:
            line: dict[str, Any] = {"line-color": by_rule(lines), "line-width": by_rule(widths)}
            if rule.dash:
                line["line-dasharray"] = list(rule.dash)
            nearer = {} if rule.outline_min_zoom is None else {"minzoom": rule.outline_min_zoom}
            parts.append(
                {
                    "id": f"{source}-{number}-line",
                    "type": "line",
                    **common,
                    **nearer,
                    "paint": line,
                }
            )
    if style.labels is not None:
        parts.append(
            {
                "id": f"{source}-labels",
                "type": "symbol",
                "source": source,
                "source-layer": source,
                "minzoom": style.labels.min_zoom,
                "layout": {
                    "text-field": ["to-string", ["get", style.labels.field]],
                    "text-size": 12,
                },
                "paint": {
                    "text-color": "#1b2430",
                    "text-halo-color": "#ffffff",
                    "text-halo-width": 1.5,
                },
            }
        )
    return parts


def _manner(rule: StyleRule) -> tuple[object, ...]:
    """What no expression can vary within one part: rules that agree in it are drawn together."""
    return (rule.hatch, rule.dash, rule.outline_min_zoom)


def _choice(style: Style, values: dict[int, Any], otherwise: Any) -> Any:
    """The value of the first rule that matches a feature's code, as a MapLibre expression.

    Codes are looked up longest first. What a key of n characters chooses is the first rule whose
    code is a prefix of the key, so that the order of the rules decides, not the length of codes.
    """
    rest = next((n for n, rule in enumerate(style.rules) if not rule.codes), None)
    chosen: Any = otherwise if rest is None else values.get(rest, otherwise)
    if style.field is None:
        return next(iter(values.values()))
    text = ["to-string", ["get", style.field]]
    prefixes = {code for rule in style.rules if rule.match != "exact" for code in rule.codes}
    for length in sorted({len(code) for code in prefixes}):
        keys = sorted(code for code in prefixes if len(code) == length)
        chosen = _lookup(
            ["slice", text, 0, length],
            {k: _first(style, k, exact=False) for k in keys},
            values,
            otherwise,
            chosen,
        )
    whole = sorted({code for rule in style.rules if rule.match == "exact" for code in rule.codes})
    return _lookup(
        text, {k: _first(style, k, exact=True) for k in whole}, values, otherwise, chosen
    )


def _first(style: Style, key: str, *, exact: bool) -> int:
    """The number of the first rule for a code (*exact*), or for every code that begins with *key*."""

    def takes(rule: StyleRule) -> bool:
        if not rule.codes:
            return True
        if rule.match == "exact":
            return exact and key in rule.codes
        return key.startswith(rule.codes)

    return next(number for number, rule in enumerate(style.rules) if takes(rule))


def _lookup(
    value: Any, rules: dict[str, int], values: dict[int, Any], otherwise: Any, rest: Any
) -> Any:
    groups: dict[Any, list[str]] = {}
    for key, number in rules.items():
        groups.setdefault(values.get(number, otherwise), []).append(key)
    # A branch that gives what everything else gives anyway is left out.
    branches = [
        part for result, keys in groups.items() if result != rest for part in (keys, result)
    ]
    return ["match", value, *branches, rest] if branches else rest
