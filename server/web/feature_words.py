"""Words of the pages of features: maps, conditions, files, and how other programs open them."""

from collections.abc import Mapping
from typing import Final

from server.web.terms import Word

FEATURE_WORDS: Final[Mapping[str, Word]] = {
    # what is said of a feature
    "facts": Word("基本信息", "At a glance"),
    "collection": Word("所属数据集", "Collection"),
    "valid": Word("有效期", "Valid"),
    "from_until": Word("%s 至 %s", "%s to %s"),
    "from_on": Word("%s 至今", "from %s on"),
    "as_of_revision": Word("按历史状态显示，修订号", "A past state, revision"),
    "plan_of_feature": Word("所属规划", "Plan"),
    "basis": Word("依据文号", "Legal basis"),
    "region": Word("行政区划", "Region"),
    "ellipsoidal_area": Word("椭球面积", "Ellipsoidal area"),
    "hectares": Word("公顷", "ha"),
    "mu": Word("亩", "mu"),
    "square_metres": Word("平方米", "m²"),
    "source_documents": Word("相关文件", "Source documents"),
    "no_source_documents": Word(
        "没有登记的文件。", "No document is registered for this feature or its edition."
    ),
    # maps
    "map": Word("位置图", "Map"),
    "overview": Word("本页要素分布", "The features of this page"),
    "north": Word("北", "N"),
    "sketch.item": Word(
        "{0}要素 {1} 的位置图，周围有同一图层的 {2} 个要素",
        "Map of the feature {1} of {0} among {2} features of the same layer",
    ),
    "sketch.page": Word("{0}：本页 {1} 个要素的分布图", "{0}: map of {1} features of this page"),
    "sketch.extent": Word("经纬网中的空间范围", "The spatial extent in its graticule"),
    "sketch.left_out": Word(
        "要素较多，图上只画出一部分。", "There are many features; the map shows a part of them."
    ),
    "sketch.note": Word(
        "示意图，仅供浏览；坐标以数据为准。", "A sketch to look at; the data hold the coordinates."
    ),
    # conditions
    "conditions": Word("查询条件", "Conditions"),
    "conditions_now": Word("当前条件", "Conditions now"),
    "remove": Word("去掉", "Remove"),
    "apply": Word("应用", "Apply"),
    "first": Word("首页", "First page"),
    "condition.q": Word("文字搜索", "Text search"),
    "condition.bbox": Word("范围（西,南,东,北，度）", "Box (west,south,east,north, degrees)"),
    "condition.datetime": Word("日期或时段", "Date or interval"),
    "condition.filter": Word("筛选条件（CQL2）", "Filter (CQL2)"),
    "condition.sortby": Word("排序字段（-为降序）", "Sort by (- for descending)"),
    "condition.limit": Word("每页条数", "Per page"),
    "condition.theme": Word("专题", "Theme"),
    "condition.asOf": Word("历史状态", "As of"),
    "condition.crs": Word("坐标系", "Reference system"),
    "condition.properties": Word("所列字段", "Properties"),
    "condition.bbox-crs": Word("范围坐标系", "Reference system of the box"),
    "condition.filter-lang": Word("筛选语言", "Filter language"),
    "condition.filter-crs": Word("筛选坐标系", "Reference system of the filter"),
    "condition.skipGeometry": Word("不带几何", "Without geometry"),
    "condition.resulttype": Word("结果类型", "Result type"),
    "condition.layer": Word("图层", "Layer"),
    "condition.plan": Word("规划", "Plan"),
    "condition.collection": Word("数据集", "Collection"),
    "condition.feature": Word("要素", "Feature"),
    "condition.state": Word("规划状态", "State of the plan"),
    "condition.type": Word("类型", "Type"),
    "condition.on": Word("日期", "On"),
    # files
    "take_away": Word("下载所选要素", "Download the selection"),
    "take_away_note": Word(
        "下载当前条件下的全部要素，不只本页。",
        "All features that meet the conditions, not only those of this page.",
    ),
    "file.json": Word("GeoJSON（本页）", "GeoJSON (this page)"),
    "file.jsonfg": Word("JSON-FG（本页）", "JSON-FG (this page)"),
    "file.csv": Word("CSV", "CSV"),
    "file.fgb": Word("FlatGeobuf", "FlatGeobuf"),
    "file.gpkg": Word("GeoPackage", "GeoPackage"),
    "file.shp": Word("Shapefile（UTF-8）", "Shapefile (UTF-8)"),
    "file.shp.gbk": Word("Shapefile（GBK）", "Shapefile (GBK)"),
    # other programs
    "recipes": Word("在其他软件中使用", "Use it in other programs"),
    "recipes_note": Word(
        "点击文字即可全选，再复制。未公开的数据需带密钥：请求头 Authorization: Bearer 密钥。",
        "A click selects the whole text for copying. Data that are not public need a key: "
        "the header Authorization: Bearer <key>.",
    ),
    "recipe.qgis": Word(
        "图层 › 添加图层 › 添加 WFS / OGC API 要素图层 › 新建：地址如下，版本选“OGC API - Features”，"
        "连接后选择本数据集。",
        "Layer › Add Layer › Add WFS / OGC API - Features Layer › New: the address below, version "
        "“OGC API - Features”; connect and choose this collection.",
    ),
    "recipe.arcgis": Word(
        "插入 › 连接 › 服务器 › 新建 OGC API 服务器：地址如下；在目录窗格中把本数据集拖到地图上。",
        "Insert › Connections › Server › New OGC API Server: the address below; then drag this "
        "collection from the Catalog pane onto the map.",
    ),
    "recipe.collection": Word("数据集标识", "Collection id"),
    "recipe.gdal": Word("GDAL 3.6 或更高版本，命令行：", "GDAL 3.6 or later, on the command line:"),
    "recipe.owslib": Word("OWSLib：", "OWSLib:"),
    "recipe.httpx": Word("httpx，逐页读取：", "httpx, page by page:"),
    "recipe.curl": Word("命令行：", "On the command line:"),
    # schemas
    "code_list": Word("代码表", "Code list"),
    "role_column": Word("角色", "Role"),
    "ogc_role.id": Word("标识", "identifier"),
    "ogc_role.primary-geometry": Word("主几何", "primary geometry"),
    "ogc_role.primary-instant": Word("主时刻", "primary instant"),
    "ogc_role.primary-interval-start": Word("时段起点", "start of the interval"),
    "ogc_role.primary-interval-end": Word("时段终点", "end of the interval"),
    "ogc_role.type": Word("类型", "type"),
    "ogc_role.reference": Word("引用", "reference"),
    "read_only": Word("只读", "read-only"),
    "keyword.maxLength": Word("最大长度", "longest"),
    "keyword.minLength": Word("最小长度", "shortest"),
    "keyword.minimum": Word("最小值", "minimum"),
    "keyword.maximum": Word("最大值", "maximum"),
    "keyword.exclusiveMinimum": Word("大于", "more than"),
    "keyword.exclusiveMaximum": Word("小于", "less than"),
    "keyword.multipleOf": Word("步长", "multiple of"),
    "keyword.pattern": Word("格式", "pattern"),
    "keyword.x-onemap-decimals": Word("小数位数", "decimals"),
    "keyword.enum": Word("取值", "one of"),
    # members of documents that have no page of their own kind
    "member.id": Word("标识", "identifier"),
    "member.title": Word("名称", "title"),
    "member.crs": Word("坐标参考系", "reference system"),
    "member.uri": Word("统一标识", "URI"),
    "member.orderedAxes": Word("坐标轴次序", "order of axes"),
    "member.wellKnownScaleSet": Word("标准比例尺集", "well-known scale set"),
    "member.tileMatrices": Word("瓦片层级", "tile matrices"),
    "member.scaleDenominator": Word("比例尺分母", "scale denominator"),
    "member.cellSize": Word("像元大小", "cell size"),
    "member.pointOfOrigin": Word("原点", "point of origin"),
    "member.tileWidth": Word("瓦片宽", "tile width"),
    "member.tileHeight": Word("瓦片高", "tile height"),
    "member.matrixWidth": Word("列数", "columns"),
    "member.matrixHeight": Word("行数", "rows"),
    "member.tileMatrixSets": Word("瓦片矩阵集", "tile matrix sets"),
    "member.tileMatrixSetURI": Word("瓦片矩阵集", "tile matrix set"),
    "member.dataType": Word("数据类型", "data type"),
    "member.boundingBox": Word("范围", "bounding box"),
    "member.lowerLeft": Word("西南角", "lower left"),
    "member.upperRight": Word("东北角", "upper right"),
    "member.layers": Word("图层", "layers"),
    "member.geometryDimension": Word("几何维数", "dimension of geometry"),
    "member.links": Word("链接", "links"),
    "member.code": Word("代码", "code"),
    "member.status": Word("状态码", "status"),
    "member.type": Word("类型", "type"),
    "member.revision": Word("修订号", "revision"),
    "member.synthetic": Word("模拟数据", "synthetic"),
    # functions
    "functions": Word("函数", "Functions"),
    "arguments": Word("参数", "Arguments"),
    "returns": Word("返回值", "Returns"),
    "no_functions": Word("没有函数。", "There are no functions."),
    "storage_crs": Word("存储坐标系", "Stored in"),
}
