"""What a problem document says, in Chinese: from its code and parameters, never from its English."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

# What a parameter is expected to be: the server's English, and the same in Chinese.
EXPECTED: Final[Mapping[str, str]] = {
    r"an integer from (\d+); at most (\d+) come at once": "不小于 {0} 的整数；一次至多返回 {1} 个",
    r"an integer from (\S+) to (\S+)": "{0} 到 {1} 之间的整数",
    r"a whole number, zero or greater": "零或正整数",
    r"a (\d+)-bit integer": "{0} 位整数",
    r"an integer value": "整数",
    r"a decimal value": "数字",
    r"a date value": "日期，形如 2024-12-31",
    r"a boolean value": "true 或 false",
    r"a date-time with its offset.*": "带时区的时刻，如 2024-12-31T08:00:00+08:00",
    r"a date or a date-time with its offset.*": (
        "日期（指当日末），或带时区的时刻，如 2024-12-31、2024-12-31T08:00:00+08:00"
    ),
    r"4 \(or 6\) numbers west,south,east,north.*": "四个（或六个）数：西,南,东,北（度），南不大于北",
    r"a date, a date-time, or an interval.*": "日期、时刻或时段，如 2023-01-01/2024-12-31、../2024-12-31",
    r"one of the parameters (.+)": "下列参数之一：{0}",
    r"no subset beside datetime": "subset 与 datetime 只取其一",
    r"datetime\(\"2024-12-31\"\), or an interval like .*": (
        'datetime("2024-12-31")，或时段 datetime("2023-01-01":*)'
    ),
    r"1 to (\d+) collections of different layers, separated by commas": (
        "1 到 {0} 个不同图层的数据集，以逗号分隔"
    ),
    r"one of (.+)": "下列之一：{0}",
    r"some of (.+)": "下列中的若干个：{0}",
    r"the parameter once": "该参数只出现一次",
    r"the parameter left out": "不带该参数",
    r"the parameter left out: (\S+) shows a table that OneMap does not keep.*": (
        "不带该参数：{0} 是外部维护的表，系统没有记录它以前的状态"
    ),
    r"results; rows are not counted": "results（不提供计数）",
    r"process": "process",
    r"text without null characters": "不含空字符的文本",
    r"percent-encoded UTF-8": "按 UTF-8 百分号编码的文本（不是 GBK）",
    r"at most (\d+) printable characters": "至多 {0} 个可见字符",
    r"at most (\d+) bytes": "至多 {0} 字节",
    r"at most (\d+)": "至多 {0}",
    r"all of it within (\S+) s": "在 {0} 秒内传完",
    r"JSON \(.*\)": "JSON 格式的内容",
    r"a cursor from a next link.*": "“下一页”链接中的值；请去掉它，从头开始",
}
# What is wrong with a part of a body, as the JSON Schema validator says it.
REASONS: Final[Mapping[str, str]] = {
    r"'(.+)' is a required property": "缺少必填项 {0}",
    r"Additional properties are not allowed \((.+) (?:was|were) unexpected\)": "不允许有 {0}",
    r"(.+) is not of type (.+)": "{0} 的类型应为 {1}",
    r"(.+) is not one of (.+)": "{0} 应为下列之一：{1}",
    r"(.+) is less than the minimum of (.+)": "{0} 小于最小值 {1}",
    r"(.+) is greater than the maximum of (.+)": "{0} 大于最大值 {1}",
}
THINGS: Final[Mapping[str, str]] = {
    "collection": "数据集",
    "feature": "要素",
    "style": "样式",
    "plan": "规划",
    "document": "文档",
    "file": "文件",
    "output": "输出",
    "result": "结果",
    "guide": "指南",
    "resource": "资源",
    "problem type": "错误类型",
    "tile matrix set": "瓦片矩阵集",
    "file of the web application": "应用文件",
    "result of the dismissed job": "已取消任务的结果",
    "tileset is made of a table without geometry:": "瓦片集（该图层是没有图形的表格）",
}
# Things that name numbers of the case.
NUMBERED: Final[Mapping[str, str]] = {
    r"tile matrix in (\S+) \((\d+) to (\d+)\)": "瓦片矩阵集 {0} 的层级（{1} 到 {2}）",
    r"tile in matrix (\d+) of (\S+)": "瓦片矩阵集 {1} 第 {0} 级的瓦片",
}


def in_chinese(document: Mapping[str, Any]) -> str | None:
    """The detail of a problem document in Chinese; None where its parameters do not tell."""
    given = document.get("params")
    params = given if isinstance(given, Mapping) else {}
    say = SENTENCES.get(str(document.get("code")))
    try:
        return None if say is None else say(params)
    except KeyError:  # a problem of this code without the parameters that the sentence needs
        return None


def reason_in_chinese(detail: str) -> str | None:
    """One entry of `errors` in Chinese; None where its English is not a known sentence."""
    if detail.startswith("expected "):
        expected = _translated(EXPECTED, detail.removeprefix("expected "))
        return None if expected is None else f"要求：{expected}"
    return _translated(REASONS, detail)


def _bad_parameter(params: Mapping[str, Any]) -> str:
    name, value = params["name"], params["value"]
    expected = _translated(EXPECTED, str(params["expected"]))
    given = f"参数 {name} 的值“{value}”无效" if value != "" else f"参数 {name} 缺少有效的值"
    if str(params["expected"]).startswith("one of the parameters "):
        given = f"没有名为 {name} 的参数"
    return f"{given}。" if expected is None else f"{given}，要求：{expected}。"


def _not_found(params: Mapping[str, Any]) -> str:
    what, name = str(params["what"]), params["name"]
    thing = THINGS.get(what) or _translated(NUMBERED, what) or "资源"
    return f"没有{thing}“{name}”，或当前用户无权查看。"


def _translated(table: Mapping[str, str], text: str) -> str | None:
    for pattern, chinese in table.items():
        if found := re.fullmatch(pattern, text, re.S):
            return chinese.format(*found.groups())
    return None


SENTENCES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "InvalidParameterValue": _bad_parameter,
    "NotFound": _not_found,
    "NoSuchProcess": lambda params: f"没有处理服务“{params['process']}”。",
    "FunctionNotGranted": lambda params: f"当前角色没有功能“{params['function']}”。",
    "NoSuchJob": lambda params: f"没有任务“{params['job']}”。",
    "ResultNotReady": lambda params: f"任务“{params['job']}”尚未完成。",
    "TooManyJobs": lambda params: (
        f"处理服务“{params['process']}”未完成的任务已达上限（{params['limit']} 个）。"
    ),
}
