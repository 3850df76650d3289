"""Words of the pages about tiles: what tilesets hold, and how the world is cut."""

from collections.abc import Mapping
from typing import Final

from server.web.terms import Word

TILE_WORDS: Final[Mapping[str, Word]] = {
    "tile_address": Word("瓦片地址模板：", "Address of a tile, as a template:"),
    "tile_contents": Word("各级内容", "What each level holds"),
    "tile_levels": Word("级别", "Levels"),
    "tile_matrix": Word("级", "Level"),
    "tile_features": Word("瓦片中的要素", "Features in tiles"),
    "tile_omitted": Word("略去的要素数", "Features left out"),
    "not_counted": Word("未统计", "not counted"),
    "tile_layers": Word("图层", "Layers"),
    "tile_in": Word("包含的图层", "Layers in a tile"),
    "tile_not_in": Word("未包含的图层", "Layers not in it"),
    "tile_from": Word("自该级起", "From level"),
    "tile_centre": Word("中心点（经纬度）", "Centre (longitude, latitude)"),
    "tile_centre_level": Word("中心点级别", "Level of the centre"),
    "revision": Word("修订号", "Revision"),
    "drawn.rows": Word("要素", "features"),
    "drawn.generalised": Word("化简的要素", "simplified features"),
    "drawn.classes": Word("类别合并面", "areas of one class"),
    "tile_uri": Word("标识 URI", "URI"),
    "tile_axes": Word("坐标轴顺序", "Order of axes"),
    "tile_scales": Word("通用比例尺集", "Well-known scale set"),
    "tile_scale": Word("比例尺分母", "Scale denominator"),
    "tile_cell": Word("像元大小（坐标单位）", "Cell size (units of the system)"),
    "tile_columns_rows": Word("列数 × 行数", "Columns × rows"),
    "tile_size": Word("瓦片像素", "Pixels of a tile"),
    "tile_origin": Word("原点", "Origin"),
    "relation.tiling-scheme": Word("瓦片矩阵集", "Tile matrix set"),
    "relation.geodata": Word("所属数据集", "Collection"),
    "member.tileMatrix": Word("级", "level"),
    "member.omitted": Word("略去的要素数", "features left out"),
    "member.takenAt": Word("概览取自外部表的时刻", "when the overview was taken of the table"),
    "member.taken": Word("瓦片所示时刻", "moment that tiles show"),
    "member.overviewRevision": Word("概化图形的修订号", "revision of the simplified geometry"),
}
