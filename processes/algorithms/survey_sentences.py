"""Sentences on faults of parcels that several readers say, in both languages."""

import re
from collections.abc import Mapping

from config.vocabulary import Text

# What GEOS says of an invalid shape, before the place in brackets.
REASONS: Mapping[str, str] = {
    "Self-intersection": "自相交",
    "Ring Self-intersection": "圈自相交",
    "Holes are nested": "内圈嵌套",
    "Hole lies outside shell": "内圈在外圈之外",
    "Nested shells": "各部分重叠",
    "Interior is disconnected": "内部被割断",
    "Duplicate Rings": "圈重复",
    "Too few points in geometry component": "点数不足",
    "Invalid Coordinate": "坐标无效",
}
WITHOUT_POINTS = Text(zh="没有界址点", en="has no points")
WITHOUT_GEOMETRY = Text(zh="没有图形", en="has no geometry")
OUTSIDE = Text(zh="超出所填行政区的范围", en="reaches outside of the unit")
PLACED = re.compile(r"(?P<reason>[^\[]*)(?P<place>\[[^\]]*\])?")


def of_ring(number: int, said: Text) -> Text:
    """What is said of a ring of a parcel."""
    return Text(zh=f"第{number}圈{said.zh}", en=f"its ring {number} {said.en}")


def too_many_points(count: int, most: int) -> Text:
    """A parcel of more points than are read."""
    return Text(
        zh=f"有{count:,}个点，最多读取{most:,}个",
        en=f"has {count:,} points; at most {most:,} are read",
    )


def validity(said: Text, reason: str) -> Text:
    """*said*, with the reason that GEOS gives and its place."""
    found = PLACED.fullmatch(reason)
    known = None if found is None else REASONS.get(found["reason"].strip())
    place = "" if found is None or not found["place"] else found["place"]
    told = reason if known is None else f"{known}{place}"
    return Text(zh=f"{said.zh}：{told}", en=f"{said.en}: {reason}")
