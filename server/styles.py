"""Styles: the catalogue's symbols as MapLibre style documents with their legend."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.model import Layer, Style, StyleRule
from config.vocabulary import GeometryKind
from providers.errors import NotFound
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
                "tiles": [
                    f"{base}/collections/{layer.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=mvt"
                ],
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
    """Per rule a fill and an outline; the first rule that matches a code wins."""
    parts: list[dict[str, Any]] = []
    earlier: list[Any] = []
    for number, rule in enumerate(style.rules):
        match = _match(style, rule)
        tests = [*([match] if match else []), *(["!", test] for test in earlier)]
        chosen = {"filter": ["all", *tests]} if tests else {}
        common = {"source": source, "source-layer": source, **chosen}
        if style.geometry is GeometryKind.POLYGON and rule.fill is not None:
            paint = {"fill-color": rule.fill, "fill-opacity": rule.opacity, "fill-antialias": True}
            parts.append(
                {"id": f"{source}-{number}-fill", "type": "fill", **common, "paint": paint}
            )
        if style.geometry is GeometryKind.POINT and rule.fill is not None:
            paint = {
                "circle-color": rule.fill,
                "circle-opacity": rule.opacity,
                "circle-radius": rule.width,
            }
            parts.append(
                {"id": f"{source}-{number}-circle", "type": "circle", **common, "paint": paint}
            )
        if rule.outline is not None and style.geometry is not GeometryKind.POINT:
            line: dict[str, Any] = {"line-color": rule.outline, "line-width": rule.width}
            if rule.dash:
                line["line-dasharray"] = list(rule.dash)
            parts.append({"id": f"{source}-{number}-line", "type": "line", **common, "paint": line})
        if match is not None:
            earlier.append(match)
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


def _match(style: Style, rule: StyleRule) -> list[Any] | None:
    if style.field is None or not rule.codes:
        return None
    value = ["get", style.field]
    if rule.match == "exact":
        return ["in", value, ["literal", list(rule.codes)]]
    tests = [["==", ["slice", ["to-string", value], 0, len(code)], code] for code in rule.codes]
    return ["any", *tests]
