"""Tilesets as documents (OGC 17-083r4 and 20-057, TileJSON 3): what tiles hold, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from config.vocabulary import GeometryKind, Text
from processes.spec import REL
from providers.crs import CRS84_URI
from providers.grids import WEB_MERCATOR_QUAD, Grid
from providers.layers import Box
from providers.tiles import MVT
from server import negotiate
from server.asked import STATE
from server.collections import MAPBOX_STYLE
from server.links import Link, link, query
from server.styles import MOST, ONE_MAP
from server.styles import TITLES as STYLE_TITLES
from server.tile_layers import MAX_TOGETHER_BYTES, RULE, LeftOut
from server.tile_matrix_sets import address_of, uri_of
from server.tileset_facts import KILOBYTE, Part, attributes, facts

TILEJSON = "application/vnd.mapbox.tilejson+json"
TAKEN_BY_STYLES = {"collections", *STATE}
DIMENSIONS = {GeometryKind.POINT: 0, GeometryKind.LINE: 1, GeometryKind.POLYGON: 2}
CENTRE_ZOOM = 16  # a centre's level shows a place, not a single parcel

CONTENTS = Text(zh="{held} 个图层合成一张瓦片", en="Layers in one tile: {held}")
CONTENTS_WITHOUT = Text(
    zh="{held} 个图层合成一张瓦片，另有 {others} 个不在其中",
    en="Layers in one tile: {held}; left out: {others}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What tilesets are made of, whatever their grid: one collection, or several layers at once."""

    here: str  # the address of the list of its tilesets
    title: str
    parts: tuple[Part, ...]
    several: bool  # tiles of several layers
    carried: Mapping[str, str]  # the parameters that lead to the same tiles
    left_out: tuple[LeftOut, ...] = ()

    @property
    def box(self) -> Box | None:
        boxes = [part.box for part in self.parts if part.box is not None]
        if not boxes:
            return None
        west, south, east, north = zip(*boxes, strict=True)
        return (min(west), min(south), max(east), max(north))

    def at(self, step: str = "", **more: str) -> str:
        """An address below this one, with the parameters that are carried on."""
        given = {**self.carried, **more}
        path = f"{self.here}{step}"
        return f"{path}?{urlencode(given, safe=',:/')}" if given else path


def listed(subject: Subject, grid: Grid, base: str, lang: str) -> dict[str, Any]:
    """A tileset as the list of tilesets has it."""
    return {
        "title": f"{subject.title} · {grid.title.in_language(lang)}",
        "dataType": "vector",
        "crs": grid.crs,
        "tileMatrixSetId": grid.id,
        "tileMatrixSetURI": uri_of(grid, base),
        "links": _faces(subject, grid, base, lang),
    }


def detailed(subject: Subject, grid: Grid, base: str, lang: str) -> dict[str, Any]:
    """A tileset with its layers, its place and its limits."""
    document = listed(subject, grid, base, lang)
    document["links"] += [_template(subject, grid), *_styles(subject, grid, base, lang)]
    document["layers"] = [_layer(part, subject, grid, base, lang) for part in subject.parts]
    if (box := subject.box) is not None:
        document |= _place(grid, box)
    if subject.several:
        document |= together_facts(subject, lang)
    else:
        (part,) = subject.parts
        document["attribution"] = part.layer.source.in_language(lang)
        document["x-onemap"] = facts(part, grid, lang)
    return document


def together_facts(subject: Subject, lang: str) -> dict[str, Any]:
    """Which layers tiles of several have, and which they do not have, why, and how to have them."""
    if not subject.several:
        return {}
    kilobytes = MAX_TOGETHER_BYTES // KILOBYTE
    return {
        "description": _contents(subject, lang),
        "x-onemap-layers": {
            "layers": [part.resolved.id for part in subject.parts],
            "leftOut": [
                {
                    "id": each.layer.id,
                    "title": each.layer.title.in_language(lang),
                    "reason": each.why.in_language(lang),
                }
                for each in subject.left_out
            ],
            "maxKilobytes": kilobytes,
            "rule": RULE.in_language(lang).format(kilobytes=kilobytes),
        },
    }


def _contents(subject: Subject, lang: str) -> str:
    without = CONTENTS_WITHOUT if subject.left_out else CONTENTS
    return without.in_language(lang).format(held=len(subject.parts), others=len(subject.left_out))


def tilejson(subject: Subject, lang: str) -> dict[str, Any]:
    """The same for clients of TileJSON 3, which knows Web Mercator only."""
    grid = WEB_MERCATOR_QUAD
    sources = dict.fromkeys(part.layer.source.in_language(lang) for part in subject.parts)
    document: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": subject.title,
        "attribution": "; ".join(sources),
        "tiles": [subject.at(f"/{grid.id}/{{z}}/{{y}}/{{x}}", f="mvt")],
        "minzoom": grid.first,
        "maxzoom": grid.last,
        "vector_layers": [
            {
                "id": part.layer.id,
                "description": " · ".join(filter(None, (part.title(lang), part.taken(grid, lang)))),
                "fields": {n: a["title"] for n, a in attributes(part, grid, lang).items()},
                "minzoom": grid.first,
                "maxzoom": grid.last,
            }
            for part in subject.parts
        ],
    }
    if subject.several:
        document["description"] = _contents(subject, lang)
    if (box := subject.box) is not None:
        west, south, east, north = box
        zoom = _centre_level(grid, box)
        document["bounds"] = [west, south, east, north]
        document["center"] = [(west + east) / 2, (south + north) / 2, zoom]
    return document


def _layer(part: Part, subject: Subject, grid: Grid, base: str, lang: str) -> dict[str, Any]:
    layer, resolved = part.layer, part.resolved
    document: dict[str, Any] = {
        "id": layer.id,
        "title": part.title(lang),
        "description": layer.description.in_language(lang),
        "attribution": layer.source.in_language(lang),
        "dataType": "vector",
        "geometryDimension": DIMENSIONS[layer.geometry],
        "minTileMatrix": str(grid.first),
        "maxTileMatrix": str(grid.last),
        "propertiesSchema": {
            "type": "object",
            "properties": attributes(part, grid, lang),
        },
        "links": [
            link(f"{base}/collections/{resolved.id}", f"{REL}geodata", negotiate.JSON, resolved.id)
        ],
    }
    if resolved.state is not None:
        document["updated"] = resolved.state.updated.isoformat()
    if part.box is not None:
        document["boundingBox"] = _bounding(part.box)
    if subject.several:
        document["x-onemap"] = facts(part, grid, lang)
    return document


def _place(grid: Grid, box: Box) -> dict[str, Any]:
    west, south, east, north = box
    level = _centre_level(grid, box)
    return {
        "boundingBox": _bounding(box),
        "centerPoint": {
            "coordinates": [(west + east) / 2, (south + north) / 2],
            "crs": CRS84_URI,
            "tileMatrix": str(level),
            "cellSize": grid.cell(level),
        },
        "tileMatrixSetLimits": [_limits(grid, box, level) for level in grid.levels],
    }


def _bounding(box: Box) -> dict[str, Any]:
    west, south, east, north = box
    return {
        "lowerLeft": [west, south],
        "upperRight": [east, north],
        "crs": CRS84_URI,
        "orderedAxes": ["Lon", "Lat"],
    }


def _limits(grid: Grid, box: Box, level: int) -> dict[str, Any]:
    first_row, last_row, first_column, last_column = grid.limits(box, level)
    return {
        "tileMatrix": str(level),
        "minTileRow": first_row,
        "maxTileRow": last_row,
        "minTileCol": first_column,
        "maxTileCol": last_column,
    }


def _centre_level(grid: Grid, box: Box) -> int:
    """The finest level, within reason, at which a view of two by two tiles holds the box."""

    def holds(level: int) -> bool:
        top, bottom, left, right = grid.limits(box, level)
        return bottom - top < 2 and right - left < 2

    within = (level for level in grid.levels if grid.zoom(level) <= CENTRE_ZOOM)
    return max((level for level in within if holds(level)), default=grid.first)


def _faces(subject: Subject, grid: Grid, base: str, lang: str) -> list[Link]:
    step, title = f"/{grid.id}", grid.title.in_language(lang)
    links = [
        link(subject.at(step), "self", negotiate.JSON, title),
        link(subject.at(step, f="html"), "alternate", negotiate.HTML, title),
        link(address_of(grid, base), f"{REL}tiling-scheme", negotiate.JSON, grid.id),
    ]
    if grid is WEB_MERCATOR_QUAD:
        links.append(link(subject.at(step, f="tilejson"), "describedby", TILEJSON, "TileJSON"))
    return links


def _template(subject: Subject, grid: Grid) -> Link:
    """The address of each tile, a URI template."""
    step = f"/{grid.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    href = subject.at(step, f="mvt")
    return {"href": href, "rel": "item", "type": MVT, "title": "MVT", "templated": True}


def _styles(subject: Subject, grid: Grid, base: str, lang: str) -> list[Link]:
    """The style that draws what the tiles hold; none where there is none: no style takes a filter."""
    drawn = {
        part.resolved.id: part.layer.style
        for part in subject.parts
        if part.layer.style is not None and part.resolved.answers
    }
    if not drawn or subject.carried.keys() - TAKEN_BY_STYLES:
        return []
    name, title = ONE_MAP, STYLE_TITLES[ONE_MAP]
    if not subject.several:
        (own,) = drawn.values()
        name, title = own.id, own.title
    asked: dict[str, str | None] = {"f": "mapbox", "collections": ",".join(drawn)}
    if len(drawn) > MOST:  # more than a style can be asked for; unasked, it draws them all
        if subject.carried.keys() - {"datetime"}:
            return []
        del asked["collections"]
    asked |= {state: subject.carried.get(state) for state in STATE}
    asked["grid"] = None if grid is WEB_MERCATOR_QUAD else grid.id
    href = query(f"{base}/styles/{name}", asked)
    return [link(href, f"{REL}styles", MAPBOX_STYLE, title.in_language(lang))]
