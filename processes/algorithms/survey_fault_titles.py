"""What faults of parcels are called, for people."""

from collections.abc import Mapping

from config.vocabulary import Text
from processes.algorithms.survey_parcels import Fault

FAULT_TITLES: Mapping[Fault, Text] = {
    Fault.UNREADABLE_LINE: Text(zh="无法识别的行", en="unreadable line"),
    Fault.LOOSE_LINE: Text(zh="不属于任何地块的行", en="line of no parcel"),
    Fault.UNREADABLE_GEOMETRY: Text(zh="无法读取的图形", en="unreadable geometry"),
    Fault.UNREADABLE_VALUE: Text(zh="无法识别的属性值", en="unreadable value"),
    Fault.NO_POINTS: Text(zh="没有坐标", en="no coordinates"),
    Fault.TOO_FEW_POINTS: Text(zh="界址点不足", en="too few points"),
    Fault.TOO_MANY_POINTS: Text(zh="界址点过多", en="too many points"),
    Fault.WRONG_COUNT: Text(zh="界址点数不符", en="wrong number of points"),
    Fault.NOT_AN_AREA: Text(zh="不是面", en="not an area"),
    Fault.UNCLOSED_RING: Text(zh="界址线未闭合", en="ring not closed"),
    Fault.CLOSED_BY_TOLERANCE: Text(zh="按容差闭合", en="closed within the tolerance"),
    Fault.REPEATED_RING_NUMBER: Text(zh="圈号重复", en="ring number used twice"),
    Fault.DUPLICATE_RING: Text(zh="重复的圈", en="ring given twice"),
    Fault.DUPLICATE_PARCEL: Text(zh="重复的地块", en="parcel given twice"),
    Fault.DUPLICATE_POINT: Text(zh="重复的界址点", en="point given twice"),
    Fault.SELF_CROSSING: Text(zh="界址线自相交", en="boundary crosses itself"),
    Fault.WRONG_NESTING: Text(zh="内外圈或各部分关系有误", en="rings or parts do not fit"),
    Fault.NESTED_PARCEL: Text(zh="位于另一地块之内", en="inside another parcel"),
    Fault.SPIKE: Text(zh="尖刺", en="spike"),
    Fault.SHARP_ANGLE: Text(zh="尖锐角", en="sharp angle"),
    Fault.AREA_DIFFERS: Text(zh="申报面积与图形面积不符", en="declared area differs"),
    Fault.FULL_WIDTH: Text(zh="全角字符", en="full-width characters"),
    Fault.SWAPPED_AXES: Text(zh="坐标轴颠倒", en="axes exchanged"),
    Fault.WRONG_ZONE: Text(zh="带号不符", en="wrong zone"),
    Fault.ZONE_NUMBER_MISSING: Text(zh="缺少带号", en="zone number missing"),
    Fault.NO_ZONE_FITS: Text(zh="可能为地方独立坐标系", en="likely a local frame"),
    Fault.OUTSIDE_UNIT: Text(zh="超出行政区范围", en="outside of the unit"),
    Fault.BESIDE_PLANE: Text(zh="超出投影带范围", en="beside the plane"),
    Fault.TOO_LARGE: Text(zh="地块范围过大", en="too large"),
    Fault.WITHIN_NOISE: Text(zh="不超过边界误差", en="no larger than boundary noise"),
    Fault.OTHER_RULES: Text(zh="跨行政区，所适用规则不同", en="across divisions with other rules"),
}
