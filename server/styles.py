"""Styles: the catalogue's symbols as MapLibre style documents, with legends and sprites."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from config.model import Layer, Style
from config.vocabulary import GeometryKind, Text
from providers.errors import BadParameter, NotFound
from providers.grids import GRIDS, WEB_MERCATOR_QUAD, Grid
from server import negotiate, sprites
from server.asked import STATE, resolve_asked
from server.collections import MAPBOX_STYLE, title_of
from server.extents import visible_extent
from server.legends import legend, picture, style_legend
from server.links import Link, link, query
from server.snapshot import Resolved, Snapshot
from server.state import onemap, scope
from server.style_documents import Styled, maplibre
from server.tile_layers import asked_layers

SVG, PNG = "image/svg+xml", "image/png"
FORMATS = {"mapbox": MAPBOX_STYLE, "json": negotiate.JSON, "html": negotiate.HTML}
LEGEND_FORMATS = {"json": negotiate.JSON, "svg": SVG, "html": negotiate.HTML}
ONE_MAP: Final = "one_map"  # all that a caller may see; no style of the catalogue has this id
TITLES: Final = {
    "styles": Text(zh="样式", en="Styles"),
    "legend": Text(zh="图例", en="Legend"),
    ONE_MAP: Text(zh="一张图", en="One Map"),
}
MOST: Final = 100  # collections that one style may be asked for


async def styles(request: Request) -> Response:
    """GET /styles: each style by which a visible layer is drawn, and the one of the whole map."""
    negotiate.only(request)
    one, lang = onemap(request), negotiate.language(request)
    base = one.settings.public_url
    layers = drawn_layers(one.snapshot, scope(request))
    entries = [_entry(ONE_MAP, TITLES[ONE_MAP].in_language(lang), layers, base, lang)]
    for style in _styles_of(layers):
        own = [layer for layer in layers if layer.style == style]
        more = {
            "version": style.version,
            "source": style.source.in_language(lang),
            "geometry": style.geometry,
            "legend": legend(style, lang),
        }
        entries.append(_entry(style.id, style.title.in_language(lang), own, base, lang) | more)
    title = TITLES["styles"].in_language(lang)
    body = {
        "title": title,
        "default": ONE_MAP,
        "styles": entries,
        "links": [
            link(f"{base}/styles", "self", negotiate.JSON, title),
            link(f"{base}/styles?f=html", "alternate", negotiate.HTML, title),
        ],
    }
    return negotiate.respond(request, body, template="styles.html")


async def style(request: Request) -> Response:
    """GET /styles/{styleId}: one source per layer that is drawn; as a page its legend."""
    given = negotiate.only(request, "grid", "collections", *STATE)
    chosen = negotiate.negotiated(request, FORMATS)
    one, lang = onemap(request), negotiate.language(request)
    name = request.path_params["styleId"]
    grid = _grid(given)
    asked = {each: value for each, value in given.items() if each in STATE}
    found = await _found(request, given)
    if chosen == "html":
        return negotiate.respond(request, _legend(request, given, found), template="legend.html")
    whole = name == ONE_MAP and "collections" not in given
    first = _first_branch(one.snapshot, [r.layer for r in found]) if whole else None
    styled = [
        Styled(
            layer=each.layer,
            style=each.layer.style,
            collection=each.id,
            title=_named(each, lang),
            bounds=await visible_extent(one.snapshot, each, scope(request)),
            classes_below=_classes_below(each) if not asked else 0,
            shown=first is None or _root(one.snapshot, each.layer) == first,
        )
        for each in found
        if each.layer.style is not None and each.answers
    ]
    title = _title(one.snapshot, name, lang)
    base = one.settings.public_url
    body = maplibre(title, styled, base=base, lang=lang, grid=grid, asked=asked)
    content = negotiate.dumps(body)
    tag = negotiate.etag(content, negotiate.encoding(request))
    if response := negotiate.unchanged(request, tag):
        return response
    fields = {"Content-Language": lang}
    return negotiate.answer(request, content, FORMATS[chosen], headers=fields, tag=tag)


async def style_legend_document(request: Request) -> Response:
    """GET /styles/{styleId}/legend: what each symbol means, as data, as a page, as a picture."""
    given = negotiate.only(request, "collections")
    lang = negotiate.language(request)
    chosen = negotiate.negotiated(request, LEGEND_FORMATS)
    body = _legend(request, given, await _found(request, given))
    if chosen != "svg":
        return negotiate.respond(request, body, template="legend.html")
    content = picture(body["title"], body["styles"]).encode()
    return _file(request, content, SVG, {"Content-Language": lang})


async def sprite_index(request: Request, *, ratio: int) -> Response:
    """GET /styles/sprite.json: where each image lies in the picture."""
    negotiate.negotiated(request, {"json": negotiate.JSON})
    return _file(request, negotiate.dumps(_sheet(request, ratio).index), negotiate.JSON)


async def sprite_picture(request: Request, *, ratio: int) -> Response:
    """GET /styles/sprite.png: the hatches of the catalogue."""
    negotiate.negotiated(request, {"png": PNG})
    return _file(request, _sheet(request, ratio).picture, PNG)


SPRITES: Final = {  # by the end of the address: MapLibre asks for @2x on dense screens
    ".json": partial(sprite_index, ratio=1),
    ".png": partial(sprite_picture, ratio=1),
    "@2x.json": partial(sprite_index, ratio=2),
    "@2x.png": partial(sprite_picture, ratio=2),
}


def drawn_layers(snapshot: Snapshot, caller: Any) -> list[Layer]:
    """The visible layers that have a place and a style, in the order of the resource tree."""
    seen = snapshot.visible(caller)
    return [layer for layer in seen if layer.style and layer.geometry is not GeometryKind.NONE]


def _sheet(request: Request, ratio: int) -> sprites.Sheet:
    """The catalogue's sprite; which hatches there are tells nothing of what is hatched."""
    negotiate.only(request)
    snapshot = onemap(request).snapshot
    colours = sprites.hatches(snapshot.catalogue.styles.values())
    build = partial(sprites.sheet, colours, ratio=ratio)
    return snapshot.keep(("sprite", ratio), snapshot.catalogue, build)


def _file(
    request: Request, content: bytes, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    tag = negotiate.etag(content, negotiate.encoding(request))
    if response := negotiate.unchanged(request, tag):
        return response
    return negotiate.answer(request, content, media_type, headers=headers or {}, tag=tag)


def _collections(request: Request, given: dict[str, str]) -> Sequence[str]:
    """The collections that a style draws, the uppermost first.

    Raises
    ------
    NotFound
        For a style that is not there, or that draws nothing that this caller may see.
    BadParameter
        For too many collections, none, or two of the same layer: each layer has one source.
    """
    snapshot, caller = onemap(request).snapshot, scope(request)
    name = request.path_params["styleId"]
    own = snapshot.catalogue.styles.get(name)
    layers = drawn_layers(snapshot, caller)
    drawn = [layer.id for layer in layers if name == ONE_MAP or (own and layer.style == own)]
    if not drawn and name != ONE_MAP:
        raise NotFound("style", name)
    if "collections" not in given:
        return [str(layer) for layer in drawn]
    asked = asked_layers(snapshot, given, caller)
    if len(asked) > MOST:
        raise BadParameter("collections", given["collections"], f"at most {MOST}")
    for collection in asked:
        if collection.partition(".")[0] not in drawn:
            raise NotFound("collection", collection)
    return asked


async def _found(request: Request, given: dict[str, str]) -> list[Resolved]:
    """What answers for each collection that the style draws, in the state that is asked for."""
    snapshot, caller = onemap(request).snapshot, scope(request)
    return [
        await resolve_asked(snapshot, collection, given, caller)
        for collection in _collections(request, given)
    ]


def _grid(given: dict[str, str]) -> Grid:
    name = given.get("grid", WEB_MERCATOR_QUAD.id)
    if name not in GRIDS:
        raise BadParameter("grid", name, f"one of {', '.join(GRIDS)}")
    return GRIDS[name]


def _legend(request: Request, given: dict[str, str], found: Sequence[Resolved]) -> dict[str, Any]:
    """The legend of a style: of the whole map, one after the other."""
    one, lang = onemap(request), negotiate.language(request)
    name = request.path_params["styleId"]
    entries = []
    for style in _styles_of([each.layer for each in found]):
        own = [each for each in found if each.layer.style == style]
        entry = style_legend(style, [each.layer for each in own], lang)
        entry["layers"] = [{"id": each.id, "title": _named(each, lang)} for each in own]
        entries.append(entry)
    chosen = {each: value for each, value in given.items() if each in ("collections", *STATE)}
    base = one.settings.public_url
    return {
        "id": name,
        "title": _title(one.snapshot, name, lang),
        "styles": entries,
        "links": _style_links(name, base, lang, chosen),
    }


def _named(resolved: Resolved, lang: str) -> str:
    return title_of(resolved.layer, lang, resolved.state if resolved.pinned else None)


def _entry(name: str, title: str, layers: Sequence[Layer], base: str, lang: str) -> dict[str, Any]:
    return {
        "id": name,
        "title": title,
        "layers": [{"id": each.id, "title": title_of(each, lang)} for each in layers],
        "links": _style_links(name, base, lang, {}),
    }


def _style_links(name: str, base: str, lang: str, chosen: Mapping[str, str]) -> list[Link]:
    """The style and its legend, of the collections and the state that were chosen."""
    here, drawn = f"{base}/styles/{name}", {"f": "mapbox", **chosen}
    of_layers = {"collections": chosen.get("collections")}  # a legend has no time
    title = TITLES["legend"].in_language(lang)
    return [
        link(query(here, drawn), "stylesheet", MAPBOX_STYLE, "MapLibre"),
        *(
            link(query(here, {**drawn, "grid": grid}), "stylesheet", MAPBOX_STYLE, grid)
            for grid in GRIDS
        ),
        link(query(f"{here}/legend", of_layers), "describedby", negotiate.JSON, title),
        link(query(f"{here}/legend", {"f": "svg", **of_layers}), "preview", SVG, title),
    ]


def _styles_of(layers: Sequence[Layer]) -> list[Style]:
    """The styles of these layers, each once, in the order of the layers."""
    return list({layer.style.id: layer.style for layer in layers if layer.style}.values())


def _title(snapshot: Snapshot, name: str, lang: str) -> str:
    title = TITLES[ONE_MAP] if name == ONE_MAP else snapshot.catalogue.styles[name].title
    return title.in_language(lang)


def _classes_below(resolved: Resolved) -> int:
    """The zoom below which the layer's tiles hold areas of classes."""
    overview = resolved.overview if resolved.at is None else None
    return overview.classes_below if overview else 0


def _first_branch(snapshot: Snapshot, layers: Sequence[Layer]) -> str | None:
    """The first branch of the tree: what the map shows to those who ask for nothing else."""
    return _root(snapshot, layers[0]) if layers else None


def _root(snapshot: Snapshot, layer: Layer) -> str:
    return snapshot.catalogue.branch(layer.theme)[0].id
