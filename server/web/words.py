"""The words of the plain faces, each in Chinese and English: one entry carries both."""

from collections.abc import Mapping
from typing import Final, NamedTuple

LANGUAGES: Final = ("zh", "en")


class Word(NamedTuple):
    """One wording in both languages."""

    zh: str
    en: str


def say(lang: str, key: str, fallback: str | None = None) -> str:
    """The word for *key*; *fallback* where the key comes from data and may be unknown."""
    if lang not in LANGUAGES:
        raise ValueError(f"language {lang!r}: expected one of {', '.join(LANGUAGES)}")
    if fallback is not None and key not in WORDS:
        return fallback
    word = WORDS[key]
    return word.zh if lang == "zh" else word.en


WORDS: Final[Mapping[str, Word]] = {
    # every page
    "system": Word(
        "国土空间规划“一张图”实施监督信息系统",
        "Territorial Spatial Planning One Map Implementation and Supervision System",
    ),
    "skip": Word("跳到正文", "Skip to content"),
    "main_navigation": Word("主导航", "Main"),
    "breadcrumbs": Word("所在位置", "You are here"),
    "home": Word("首页", "Home"),
    "application": Word("一张图", "Map application"),
    "language": Word("语言", "Language"),
    "language_name": Word("中文", "English"),
    "formats": Word("其他格式", "Other formats"),
    "user": Word("当前用户", "Signed in as"),
    "advisory": Word("系统辅助分析，不作为审批依据", "Advisory analysis, not a basis for approval"),
    "synthetic": Word("模拟数据", "Synthetic data"),
    "open_in_map": Word("在一张图中打开", "Open in the map"),
    "missing": Word("无数据", "no data"),
    "links": Word("链接", "Links"),
    "relation": Word("关系", "Relation"),
    "address": Word("地址", "Address"),
    "media_type": Word("格式", "Format"),
    "further": Word("其余内容", "Further members"),
    "entries": Word("项", "entries"),
    "resources": Word("资源", "Resources"),
    "yes": Word("是", "yes"),
    "no": Word("否", "no"),
    # members of documents
    "title": Word("名称", "Title"),
    "description": Word("说明", "Description"),
    "name": Word("名称", "Name"),
    "id": Word("标识", "Identifier"),
    "type": Word("类型", "Type"),
    "unit": Word("单位", "Unit"),
    "value": Word("值", "Value"),
    "field": Word("字段", "Field"),
    "fields": Word("字段", "Fields"),
    "constraints": Word("约束", "Constraints"),
    "required": Word("必填", "Required"),
    "version": Word("版本", "Version"),
    "keywords": Word("关键词", "Keywords"),
    "spatial_extent": Word("空间范围（经纬度）", "Spatial extent (longitude, latitude)"),
    "temporal_extent": Word("时间范围", "Temporal extent"),
    "theme": Word("专题", "Theme"),
    "edition": Word("版次", "Edition"),
    "editions": Word("版次", "Editions"),
    "edition_shown": Word("本页所示", "shown here"),
    "valid_from": Word("起始日期", "Valid from"),
    "valid_to": Word("终止日期", "Valid to"),
    "open_end": Word("至今", "open"),
    "issuer": Word("下发方", "Issuer"),
    "document": Word("依据文件", "Source document"),
    "classification": Word("密级", "Classification"),
    "geometry": Word("几何", "Geometry"),
    "source": Word("数据来源", "Source"),
    "keeper": Word("维护单位", "Keeper"),
    "updated": Word("更新时间", "Updated"),
    "legend": Word("图例", "Legend"),
    "class": Word("类别", "Class"),
    "crs": Word("坐标参考系", "Coordinate reference systems"),
    # pages
    "conformance_classes": Word("符合类", "Conformance classes"),
    "no_collections": Word(
        "没有可见的数据集。登录后可能看到更多。",
        "No collection is visible to you. Signing in may show more.",
    ),
    "features": Word("要素", "Features"),
    "returned": Word("本页要素数", "On this page"),
    "matched": Word("符合条件总数", "Matched"),
    "as_of": Word("响应时间", "Answered at"),
    "pages": Word("翻页", "Pages"),
    "previous": Word("上一页", "Previous page"),
    "next": Word("下一页", "Next page"),
    "no_features": Word(
        "没有符合条件的要素。可放宽范围或属性条件。",
        "No feature meets the conditions. Widen the box or drop an attribute condition.",
    ),
    "without_conditions": Word("去掉全部条件", "Without conditions"),
    "properties": Word("属性", "Properties"),
    "geometry_type": Word("几何类型", "Geometry type"),
    "vertices": Word("顶点数", "Vertices"),
    "no_geometry": Word("无几何（表格数据）", "No geometry (table data)"),
    "tilesets": Word("瓦片集", "Tilesets"),
    "tile_matrix_set": Word("瓦片矩阵集", "Tile matrix set"),
    "data_type": Word("数据类型", "Data type"),
    "no_tilesets": Word("没有瓦片集。", "There are no tilesets."),
    "processes": Word("处理服务", "Processes"),
    "no_processes": Word(
        "没有可见的处理服务。登录后可能看到更多。",
        "No process is visible to you. Signing in may show more.",
    ),
    "execution_modes": Word("执行方式", "Execution modes"),
    "mode.sync-execute": Word("同步", "synchronous"),
    "mode.async-execute": Word("异步", "asynchronous"),
    "mode.dismiss": Word("可取消", "dismissable"),
    "inputs": Word("输入", "Inputs"),
    "outputs": Word("输出", "Outputs"),
    "default": Word("缺省值", "Default"),
    "schema": Word("结构", "Schema"),
    "how_to_call": Word("调用方法与请求示例", "How to call it, with an example request"),
    "jobs": Word("任务", "Jobs"),
    "job": Word("任务", "Job"),
    "process": Word("处理服务", "Process"),
    "status": Word("状态", "Status"),
    "progress": Word("进度", "Progress"),
    "message": Word("消息", "Message"),
    "created": Word("提交时间", "Created"),
    "started": Word("开始时间", "Started"),
    "finished": Word("结束时间", "Finished"),
    "no_jobs": Word(
        "没有任务。任务由处理服务产生，只有提交者可见。",
        "There are no jobs. Processes make them; only their owner sees them.",
    ),
    "no_results": Word("结果为空。", "The result is empty."),
    "what_to_do": Word("如何处理", "What to do"),
    "detail": Word("详情", "Detail"),
    "code": Word("代码", "Code"),
    "errors": Word("逐项错误", "Errors"),
    "pointer": Word("位置", "Where"),
    "parameters": Word("参数", "Parameters"),
    "location": Word("位置", "In"),
    "request_body": Word("请求体", "Request body"),
    "example": Word("示例", "Example"),
    "responses": Word("响应", "Responses"),
    "schemas": Word("数据结构", "Schemas"),
    "deprecated": Word("已弃用", "deprecated"),
    "contents": Word("目录", "Contents"),
    # parts of an address
    "segment.collections": Word("数据集", "Collections"),
    "segment.items": Word("要素", "Items"),
    "segment.queryables": Word("可查询字段", "Queryables"),
    "segment.sortables": Word("可排序字段", "Sortables"),
    "segment.schema": Word("数据结构", "Schema"),
    "segment.tiles": Word("瓦片", "Tiles"),
    "segment.styles": Word("样式", "Styles"),
    "segment.tileMatrixSets": Word("瓦片矩阵集", "Tile matrix sets"),
    "segment.processes": Word("处理服务", "Processes"),
    "segment.execution": Word("执行", "Execution"),
    "segment.jobs": Word("任务", "Jobs"),
    "segment.results": Word("结果", "Results"),
    "segment.conformance": Word("符合性声明", "Conformance"),
    "segment.openapi": Word("接口定义", "API definition"),
    "segment.docs": Word("接口文档", "API documentation"),
    "segment.guide": Word("使用指南", "Guide"),
    "segment.problems": Word("错误", "Problems"),
    "segment.session": Word("会话", "Session"),
    # columns that the system adds to every layer
    "system.om_area_m2": Word("椭球面积（平方米）", "Ellipsoidal area (m²)"),
    "system.om_region": Word("行政区划代码", "Region code"),
    "system.om_plan": Word("所属规划", "Plan"),
    "system.om_basis": Word("依据文号", "Legal basis"),
    # link relations, by their last word
    "relation.items": Word("要素", "Features"),
    "relation.collection": Word("所属数据集", "Collection"),
    "relation.data": Word("数据集", "Collections"),
    "relation.conformance": Word("符合性声明", "Conformance"),
    "relation.service-desc": Word("接口定义", "API definition"),
    "relation.service-doc": Word("接口文档", "API documentation"),
    "relation.queryables": Word("可查询字段", "Queryables"),
    "relation.sortables": Word("可排序字段", "Sortables"),
    "relation.schema": Word("数据结构", "Schema"),
    "relation.tilesets-vector": Word("矢量瓦片", "Vector tiles"),
    "relation.tilesets-map": Word("地图瓦片", "Map tiles"),
    "relation.tiling-schemes": Word("瓦片矩阵集", "Tile matrix sets"),
    "relation.processes": Word("处理服务", "Processes"),
    "relation.job-list": Word("任务", "Jobs"),
    "relation.execute": Word("执行", "Execute"),
    "relation.results": Word("结果", "Results"),
    "relation.status": Word("状态", "Status"),
    "relation.license": Word("许可", "Licence"),
    "relation.version-history": Word("全部版次", "All editions"),
    "relation.styles": Word("样式", "Styles"),
    # codes of documents
    "status.accepted": Word("已接受", "accepted"),
    "status.running": Word("运行中", "running"),
    "status.successful": Word("成功", "successful"),
    "status.failed": Word("失败", "failed"),
    "status.dismissed": Word("已取消", "dismissed"),
    "edition_status.draft": Word("过程", "draft"),
    "edition_status.submitted": Word("上报", "submitted"),
    "edition_status.returned": Word("反馈", "returned"),
    "edition_status.in_force": Word("启用", "in force"),
    "edition_status.repealed": Word("废止", "repealed"),
    "issuer.own": Word("本级", "own"),
    "issuer.above": Word("上级下发", "issued from above"),
    "classification.public": Word("公开", "public"),
    "classification.internal": Word("内部", "internal"),
    "classification.secret": Word("涉密", "secret"),
    "geometry.point": Word("点", "point"),
    "geometry.line": Word("线", "line"),
    "geometry.polygon": Word("面", "polygon"),
    "geometry.none": Word("表格", "table"),
    # what a reader can do about a problem, by its code
    "advice.InvalidParameterValue": Word(
        "请求参数有误。请按下面的“详情”修改地址中的参数后重试。",
        "A parameter is wrong. Correct it in the address as the detail says and try again.",
    ),
    "advice.InvalidBody": Word(
        "请求体不符合要求。请按下面逐项错误修改后重新提交。",
        "The request body is not as required. Correct each error below and send it again.",
    ),
    "advice.Unauthenticated": Word(
        "需要有效的密钥。请登录，或在请求头中给出密钥。",
        "A valid key is needed. Sign in, or send the key in the request header.",
    ),
    "advice.FunctionNotGranted": Word(
        "当前角色没有此项功能。请向管理员申请。",
        "Your role does not include this function. Ask the administrator for it.",
    ),
    "advice.NotFound": Word(
        "资源不存在，或当前用户无权查看。请检查地址，或登录后重试。",
        "There is no such resource, or you may not see it. Check the address, or sign in.",
    ),
    "advice.MethodNotAllowed": Word(
        "该地址不支持这种请求方法。请查看接口文档。",
        "This address does not take that method. See the API documentation.",
    ),
    "advice.NotAcceptable": Word(
        "该资源没有所要的格式。请从页面上的其他格式中选择。",
        "The resource has no such format. Choose one that it offers.",
    ),
    "advice.BodyTooLarge": Word(
        "请求体过大。请减少内容或分批提交。",
        "The request body is too large. Send less, or in parts.",
    ),
    "advice.UnsupportedMediaType": Word(
        "不支持这种请求体格式。请按“详情”设置 Content-Type。",
        "The request body is of a kind not read here. Set Content-Type as the detail says.",
    ),
    "advice.NoSuchProcess": Word(
        "没有这个处理服务。请从处理服务目录中选择。",
        "There is no such process. Choose one from the list of processes.",
    ),
    "advice.NoSuchJob": Word(
        "没有这个任务，或任务已过期（保留 30 天）。",
        "There is no such job, or it has expired (jobs are kept for 30 days).",
    ),
    "advice.ResultNotReady": Word(
        "任务尚未完成，结果还不能读取。请稍后查看任务状态。",
        "The job has not finished, so its result cannot be read yet. See the job's status.",
    ),
    "advice.Conflict": Word(
        "与当前状态冲突。请刷新后重试。",
        "The request conflicts with the present state. Reload and try again.",
    ),
    "advice.Overloaded": Word(
        "系统繁忙，请稍后重试。", "The system is busy. Try again in a moment."
    ),
    "advice.NoApplicableCode": Word(
        "系统内部错误。请把请求编号告诉管理员。",
        "An internal error. Tell the administrator the request number.",
    ),
}
