"""What the tiles of each zoom are drawn from: rows as they are, generalised rows, or classes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from config.vocabulary import EditionKey, GeometryKind, Text


class Drawn(StrEnum):
    """What a tile's features are."""

    ROWS = "rows"  # features as they are stored
    GENERALISED = "generalised"  # each feature, its shape simplified together with its neighbours'
    CLASSES = "classes"  # areas of one class: the features would be smaller than two pixels


@dataclass(frozen=True, slots=True)
class Source:
    """Where a zoom's features are read: which stored zoom, where it is not the rows themselves."""

    drawn: Drawn
    zoom: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Of a table that is not ours: when its rows were read, and under which key that is stored."""

    at: datetime
    edition: EditionKey
    features: int = field(compare=False)  # that were drawn
    version: str | None = field(compare=False)  # what changes with the rows; None: nothing tells
    looked_at: datetime = field(compare=False)  # when the table was last known to be the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many features all tiles of a zoom leave out."""

    recipe: str = ""  # what was counted, beside the rows and their overview
    # At a zoom that is not named none is left out; None: not counted, as a tiling that is not named.
    by_tiling: Mapping[str, Mapping[int, int | None]] = field(default_factory=dict)


NOT_COUNTED = Counts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The generalised geometry of an edition or a table, as it is in the database now."""

    revision: int  # the edition's revision that it shows
    classes_below: int  # zooms below are drawn as classes; 0: none are
    levels: tuple[int, ...]  # zooms for which generalised rows are stored, ascending
    omitted: Counts = NOT_COUNTED
    recipe: str = ""  # what it was made by, beside the rows: another style makes another overview
    taken: Taken | None = None  # None: it follows the revisions of an edition of ours

    def source(self, zoom: int) -> Source:
        """The coarsest that is fine enough."""
        if zoom < self.classes_below:
            return Source(Drawn.CLASSES, zoom)
        level = next((level for level in self.levels if level >= zoom), None)
        return Source(Drawn.ROWS) if level is None else Source(Drawn.GENERALISED, level)

    def left_out(self, tiling: str, zoom: int) -> int | None:
        """How many features all tiles of a zoom leave out, whoever sees them; None: not counted."""
        if zoom < self.classes_below:
            return 0  # class areas are made to fit
        counted = self.omitted.by_tiling.get(tiling)
        return None if counted is None else counted.get(zoom, 0)


def stored_overview(columns: Sequence[Any], taken: Taken | None = None) -> Overview | None:
    """The columns revision, classes_below, levels, omitted, recipe of onemap.overview, or nothing."""
    if not columns or columns[0] is None:
        return None
    revision, classes_below, levels, omitted, recipe = columns
    return Overview(
        revision=revision,
        classes_below=classes_below,
        levels=tuple(levels),
        omitted=_counts(**omitted) if omitted.keys() == COUNTED else NOT_COUNTED,
        recipe=recipe,
        taken=taken,
    )


def stored_counts(counts: Counts) -> dict[str, Any]:
    """The column omitted of onemap.overview."""
    return {"recipe": counts.recipe, "tilings": counts.by_tiling} if counts.recipe else {}


COUNTED = {"recipe", "tilings"}  # else it is of a release that counted otherwise


def _counts(recipe: str, tilings: Mapping[str, Mapping[str, int | None]]) -> Counts:
    by_tiling = {
        tiling: {int(zoom): count for zoom, count in counted.items()}
        for tiling, counted in tilings.items()
    }
    return Counts(recipe=recipe, by_tiling=by_tiling)


RULES: Mapping[GeometryKind, Text] = {
    GeometryKind.POLYGON: Text(
        zh="面要素与相邻面一起简化，共边保持一致，容差为该级别半个像元。",
        en="Polygons are simplified together with their neighbours, shared edges stay shared, the"
        " tolerance is half a pixel of the zoom.",
    ),
    GeometryKind.LINE: Text(
        zh="线要素逐条简化，容差为该级别半个像元；不足一个像元的线在该级别不绘。",
        en="Each line is simplified by itself, the tolerance is half a pixel of the zoom; lines"
        " shorter than a pixel are left out.",
    ),
    GeometryKind.POINT: Text(
        zh="每个像元内，同一类别、同一行政区至多绘一个点，取要素号最小者；"
        "某级别若因此省不到十分之一，则沿用更细一级，至多多绘九分之一。",
        en="Of the points of one class and one division in a pixel, the one with the lowest feature"
        " id is drawn. Where that would spare less than a tenth, the next finer zoom serves: at most"
        " a ninth more points.",
    ),
}
CLASS_RULE = Text(
    zh="当面积居中的图斑不足两个像元时改绘分类图：每个像元取其中心所在图斑的类别，"
    "更小级别取四个像元中的多数，仅三个及以下像元的小块并入相邻类别；"
    "一张瓦片容不下这样的细节时，并入更大的小块，再将 2×2、4×4……个像元绘为其中的多数。",
    en="Where the median polygon is under two pixels, areas of classes are drawn: a pixel has the"
    " class of the polygon that its centre lies in, further out that of the majority of its four,"
    " and patches of three pixels or less are joined to a neighbouring class. Where a tile has no"
    " room for so much detail, larger patches are, and then squares of 2 by 2, 4 by 4, … pixels are"
    " drawn as what most of them are.",
)
NO_CLASSES = Text(
    zh="要素不足 {features} 个时不绘分类图，各级均绘要素。",
    en="A layer of fewer than {features} features is not drawn as classes: features are drawn at"
    " every level.",
)


def rule_of(kind: GeometryKind, drawn: Collection[Drawn], few: int, lang: str) -> str | None:
    """How what tiles draw differs from the rows; None: they draw the rows at every level.

    *few*: of so many features on, polygons are drawn as classes.
    """
    if not {Drawn.GENERALISED, Drawn.CLASSES} & {*drawn}:
        return None
    parts = [RULES[kind]] if Drawn.GENERALISED in drawn else []
    if Drawn.CLASSES in drawn:
        parts.append(CLASS_RULE)
    told = [part.in_language(lang) for part in parts]
    if kind is GeometryKind.POLYGON and Drawn.CLASSES not in drawn:
        told.append(NO_CLASSES.in_language(lang).format(features=few))
    return ("" if lang == "zh" else " ").join(told)
