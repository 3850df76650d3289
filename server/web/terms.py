"""Words for what comes from addresses and data: their parts, link relations, codes, advice."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Word(NamedTuple):
    """One wording in both languages."""

    zh: str
    en: str


TERMS: Final[Mapping[str, Word]] = {
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
    "segment.catalogue": Word("资源目录", "Catalogue"),
    "segment.plans": Word("规划名录", "Plan register"),
    "segment.documents": Word("文档", "Documents"),
    "segment.files": Word("文件", "Files"),
    "segment.functions": Word("函数", "Functions"),
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
    # documents: what they belong to, their formats and roles
    "subject.plan": Word("规划", "Plan"),
    "subject.edition": Word("版次", "Edition"),
    "subject.feature": Word("要素", "Feature"),
    "format.application/pdf": Word("PDF", "PDF"),
    "format.application/ofd": Word("OFD 版式文档", "OFD"),
    "format.application/vnd.openxmlformats-officedocument.wordprocessingml.document": Word(
        "Word 文档（DOCX）", "Word (DOCX)"
    ),
    "format.application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Word(
        "Excel 表格（XLSX）", "Excel (XLSX)"
    ),
    "format.image/png": Word("PNG 图像", "PNG image"),
    "format.image/jpeg": Word("JPEG 图像", "JPEG image"),
    "format.image/tiff": Word("TIFF 图像", "TIFF image"),
    "format.image/webp": Word("WebP 图像", "WebP image"),
    "role.文本": Word("文本", "Text"),
    "role.图件": Word("图件", "Drawing"),
    "role.批复": Word("批复", "Approval"),
    "role.说明": Word("说明", "Explanation"),
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
    "advice.IdempotencyKeyReused": Word(
        "这个 Idempotency-Key 已用于另一个请求。请为新的请求换一个。",
        "That Idempotency-Key belongs to another request. Use a new one for a new request.",
    ),
    "advice.OutlastedWait": Word(
        "计算未能在等待时间内完成，已停止。请减少数据后再试。",
        "The computation was not done in time and has been stopped. Try again with less data.",
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
