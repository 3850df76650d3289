"""What the tiles of a layer hold at each level: features or classes, attributes, what is left out."""

from dataclasses import dataclass
from typing import Any

from config.model import Layer
from config.vocabulary import FieldType, GeometryKind, Text
from providers.editions import SHANGHAI
from providers.grids import Grid
from providers.layers import Box
from providers.omitted_features import name_of_omitted
from providers.overview_choice import FEW_FEATURES
from providers.overview_sources import Drawn, Overview, Source, rule_of
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
    "略去的个数写在该瓦片的图层 {layer} 中。"
    "小于瓦片自身坐标单位（十六分之一像元）的要素不绘，仅在瓦片装满时计入略去数。",
    en="A tile holds at most {features} features and {kilobytes} KB; beyond, {first} are left out"
    " first, and the tile's layer {layer} says how many. Features smaller than a tile's own unit, a"
    " sixteenth of a pixel, are not drawn; only where a tile is full are they among those counted.",
)
TAKEN = Text(
    zh="第 {levels} 级的瓦片显示该外部表截至 {moment}（北京时间）的状态，其后表中的改动在这些级别看不到，"
    "直到重新生成概览；其余级别按表的现状绘制。",
    en="At levels {levels}, tiles show the external table as of {moment} (Beijing time): what has"
    " changed in it since is not seen there until its overview is taken anew. At all other levels"
    " they show the table as it is now.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One layer of a tileset, as a caller sees it."""

    resolved: Resolved
    box: Box | None  # where the rows are that the caller may see; None: nowhere, or not known
    overview: Overview | None  # None: tiles are made of the rows themselves
    counted: bool = False  # the overview's counts are of what this caller's tiles leave out

    @property
    def layer(self) -> Layer:
        return self.resolved.layer

    def source(self, zoom: int) -> Source:
        return Source(Drawn.ROWS) if self.overview is None else self.overview.source(zoom)

    def taken(self, grid: Grid, lang: str) -> str | None:
        """At which levels an external table is shown as of which moment; None: at none."""
        taken = None if self.overview is None else self.overview.taken
        levels = [n for n in grid.levels if self.source(grid.zoom(n)).drawn is not Drawn.ROWS]
        if taken is None or not levels:
            return None
        moment = taken.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        told = "–".join(dict.fromkeys(map(str, (levels[0], levels[-1]))))
        return TAKEN.in_language(lang).format(levels=told, moment=moment)

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
                **{k: v for k, v in field.type.json_schema.items() if k == "format"},
                "x-onemap-from": str(level),
            }
            found.setdefault(field.code, document)
    return found


def facts(part: Part, grid: Grid, lang: str) -> dict[str, Any]:
    """What the standard has no word for: which state is drawn, and what a level's features are."""
    layer, state = part.layer, part.resolved.state
    taken = None if part.overview is None else part.overview.taken
    drawn = dict.fromkeys(part.source(grid.zoom(level)).drawn for level in grid.levels)
    edition = state and {
        "key": state.edition.key,
        "title": state.edition.title.in_language(lang),
    }
    return {
        "edition": edition,
        "revision": None if state is None else state.revision,
        "overviewRevision": None if part.overview is None or taken else part.overview.revision,
        "takenAt": taken.at.isoformat() if taken else None,
        "taken": part.taken(grid, lang),
        "geometry": layer.geometry,
        "synthetic": layer.synthetic,
        "tileMatrices": [_level(part, grid, level) for level in grid.levels],
        "features": {each.value: MEANINGS[each].in_language(lang) for each in drawn},
        "generalisation": rule_of(layer.geometry, drawn, FEW_FEATURES, lang),
        "omission": _omission(layer, lang),
    }


def _level(part: Part, grid: Grid, level: int) -> dict[str, Any]:
    """What a level's features are, and how many its tiles leave out; None: not counted."""
    zoom, overview = grid.zoom(level), part.overview
    drawn = part.source(zoom).drawn
    omitted = None
    if overview is not None and (part.counted or drawn is Drawn.CLASSES):  # these always fit
        live = overview.taken is not None and drawn is Drawn.ROWS
        omitted = None if live else overview.left_out(grid.tiling, zoom)
    return {"tileMatrix": str(level), "features": drawn, "omitted": omitted}


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
