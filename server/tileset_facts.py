"""What the tiles of a layer hold at each level: features or classes, attributes, what is left out."""

from dataclasses import dataclass
from typing import Any

from config.model import Layer
from config.vocabulary import FieldType, GeometryKind, Text
from providers.grids import Grid
from providers.layers import Box
from providers.omitted_features import name_of_omitted
from providers.overview_sources import RULES, Drawn, Overview, Source
from providers.tiles import MAX_TILE_BYTES, MAX_TILE_FEATURES, attributes_at
from server.collections import title_of
from server.snapshot import Resolved

KILOBYTE = 1000
BUSINESS_ID = Text(zh="业务标识", en="Business id")
MEANINGS = {
    Drawn.ROWS: Text(zh="要素，图形未化简", en="features with their geometry as it is stored"),
    Drawn.GENERALISED: Text(
        zh="要素，图形按该级像元化简", en="features, simplified to the level's cells"
    ),
    Drawn.CLASSES: Text(
        zh="同类要素合并后的区域，不是单个要素：单个要素在该级小于两个像元",
        en="areas of one class, not features: single ones are smaller than two cells",
    ),
}
LEFT_OUT = {
    GeometryKind.POLYGON: Text(zh="先略去面积最小的面", en="the polygons of the smallest area"),
    GeometryKind.LINE: Text(zh="先略去最短的线", en="the shortest lines"),
    GeometryKind.POINT: Text(zh="先略去要素号最大的点", en="the points of the highest ids"),
}
OMISSION = Text(
    zh="一张瓦片至多 {features} 个要素、{kilobytes} KB，超出时{first}；"
    "略去的个数写在该瓦片的图层 {layer} 中。",
    en="A tile holds at most {features} features and {kilobytes} KB; beyond, {first} are left out"
    " first, and the tile's layer {layer} says how many.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One layer of a tileset, as a caller sees it."""

    resolved: Resolved
    box: Box | None  # where the rows are that the caller may see; None: nowhere, or not known
    overview: Overview | None  # None: tiles are made of the rows themselves

    @property
    def layer(self) -> Layer:
        return self.resolved.layer

    def source(self, zoom: int) -> Source:
        return Source(Drawn.ROWS) if self.overview is None else self.overview.source(zoom)

    def title(self, lang: str) -> str:
        state = self.resolved.state if self.resolved.pinned else None
        return title_of(self.layer, lang, state)


def attributes(part: Part, grid: Grid, lang: str) -> dict[str, dict[str, Any]]:
    """The schema of each attribute that tiles carry, with the first level at which they do.

    Tiles know numbers and text: whole numbers are numbers, everything else is text.
    """
    found: dict[str, dict[str, Any]] = {}
    for level in grid.levels:
        zoom = grid.zoom(level)
        drawn = part.source(zoom).drawn
        if drawn is not Drawn.CLASSES:
            named = {"title": BUSINESS_ID.in_language(lang), "type": "string"}
            found.setdefault("om_id", {**named, "x-onemap-from": str(level)})
        for field in attributes_at(part.layer, drawn, zoom):
            whole = field.type is FieldType.INTEGER
            document = {
                "title": field.title.in_language(lang),
                "type": "integer" if whole else "string",
                **({"format": "date"} if field.type is FieldType.DATE else {}),
                "x-onemap-from": str(level),
            }
            found.setdefault(field.code, document)
    return found


def facts(part: Part, grid: Grid, lang: str) -> dict[str, Any]:
    """What the standard has no word for: which state is drawn, and what a level's features are."""
    layer, state = part.layer, part.resolved.state
    drawn = dict.fromkeys(part.source(grid.zoom(level)).drawn for level in grid.levels)
    edition = state and {
        "key": state.edition.key,
        "title": state.edition.title.in_language(lang),
    }
    return {
        "edition": edition,
        "revision": None if state is None else state.revision,
        "overviewRevision": None if part.overview is None else part.overview.revision,
        "geometry": layer.geometry,
        "synthetic": layer.synthetic,
        "tileMatrices": [_level(part, grid, level) for level in grid.levels],
        "features": {each.value: MEANINGS[each].in_language(lang) for each in drawn},
        "generalisation": RULES[layer.geometry].in_language(lang) if part.overview else None,
        "omission": _omission(layer, lang),
    }


def _level(part: Part, grid: Grid, level: int) -> dict[str, Any]:
    """What a level's features are, and how many its tiles leave out; None: not counted."""
    zoom, overview = grid.zoom(level), part.overview
    return {
        "tileMatrix": str(level),
        "features": part.source(zoom).drawn,
        "omitted": None if overview is None else overview.omitted.get(zoom, 0),
    }


def _omission(layer: Layer, lang: str) -> dict[str, Any]:
    kilobytes, told = MAX_TILE_BYTES // KILOBYTE, name_of_omitted(layer.id)
    rule = OMISSION.in_language(lang).format(
        features=MAX_TILE_FEATURES,
        kilobytes=kilobytes,
        first=LEFT_OUT[layer.geometry].in_language(lang),
        layer=told,
    )
    return {
        "maxFeatures": MAX_TILE_FEATURES,
        "maxKilobytes": kilobytes,
        "layer": told,
        "rule": rule,
    }
