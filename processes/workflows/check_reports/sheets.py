"""The sheets of a check's workbook (套合表) as columns."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from config.vocabulary import Outcome
from processes.workflows.check_reports.reading import Check
from processes.workflows.check_reports.sheet_rows import (
    Row,
    boundary_rows,
    composition_rows,
    features_rows,
    manual_rows,
    overlays_rows,
    parcels_rows,
    sources_rows,
    unconnected_rows,
)


class Kind(StrEnum):
    """How the values of a column are written."""

    TEXT = "text"
    COUNT = "count"
    M2 = "m2"
    HECTARES = "hectares"
    MU = "mu"
    SHARE = "share"
    METRES = "metres"
    COORDINATE = "coordinate"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its width in characters and its kind."""

    title: str
    width: float = 10
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet: rows are made as they are written."""

    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Check], Iterator[Row]]


NUMBER = Column("序号", 6, Kind.COUNT)
NAME = Column("地块名称", 18)
RULE, RULE_TITLE = Column("规则", 7), Column("审查事项", 18)
ELLIPSOID = (
    Column("椭球面积（平方米）", 18, Kind.M2),
    Column("椭球面积（公顷）", 16, Kind.HECTARES),
    Column("椭球面积（亩）", 14, Kind.MU),
)
PLANAR = Column("平面面积（平方米）", 18, Kind.M2)
DECLARED = Column("按申报面积（平方米）", 20, Kind.M2)
NET = Column("净面积（平方米）", 16, Kind.M2)


SHEETS = (
    Sheet(
        title="汇总",
        columns=(
            NUMBER,
            NAME,
            Column("标识", 14),
            Column("区划代码", 12),
            Column("行政区", 14),
            Column("申报面积（平方米）", 18, Kind.M2),
            PLANAR,
            *ELLIPSOID,
            Column("总体建议", 10, Kind.OUTCOME),
            *(Column(one.zh, 8, Kind.COUNT) for one in reversed(Outcome)),
            Column("地块问题", 40),
        ),
        rows=parcels_rows,
    ),
    Sheet(
        title="套合表",
        columns=(
            NUMBER,
            NAME,
            RULE,
            RULE_TITLE,
            Column("性质", 6),
            Column("事实", 9),
            Column("数据", 24),
            *ELLIPSOID,
            Column("占比", 9, Kind.SHARE),
            PLANAR,
            DECLARED,
            NET,
            Column("边界误差（平方米）", 18, Kind.M2),
            Column("最近距离（米）", 14, Kind.METRES),
            Column("图斑数", 8, Kind.COUNT),
            Column("规划", 20),
            Column("版次", 18),
            Column("依据文号", 20),
            Column("建议", 9, Kind.OUTCOME),
            Column("说明", 40),
            Column("未知原因", 30),
            Column("需补充材料", 24),
            Column("法律依据", 40),
        ),
        rows=overlays_rows,
    ),
    Sheet(
        title="图斑",
        columns=(
            NUMBER,
            NAME,
            RULE,
            RULE_TITLE,
            Column("数据", 24),
            Column("图斑标识", 22),
            *ELLIPSOID,
            PLANAR,
            Column("规划", 20),
            Column("依据文号", 20),
            Column("属性", 40),
        ),
        rows=features_rows,
    ),
    Sheet(
        title="地类构成",
        columns=(
            NUMBER,
            NAME,
            Column("时点", 7),
            Column("地类代码", 9),
            Column("地类名称", 18),
            *ELLIPSOID,
            NET,
            Column("占比", 9, Kind.SHARE),
            Column("按申报面积（公顷）", 18, Kind.HECTARES),
            Column("平差", 14),
        ),
        rows=composition_rows,
    ),
    Sheet(
        title="界址点",
        columns=(
            NUMBER,
            NAME,
            Column("圈号", 6, Kind.COUNT),
            Column("点号", 16),
            Column("X（北，米）", 16, Kind.COORDINATE),
            Column("Y（东，米）", 16, Kind.COORDINATE),
            Column("至下一点边长（米）", 18, Kind.METRES),
        ),
        rows=boundary_rows,
    ),
    Sheet(
        title="未接入",
        columns=(
            Column("数据角色", 24),
            Column("名称", 34),
            Column("性质", 8),
            Column("原因", 20),
        ),
        rows=unconnected_rows,
    ),
    Sheet(
        title="人工事项",
        columns=(RULE, RULE_TITLE, Column("原因", 50), Column("可选结论", 60)),
        rows=manual_rows,
    ),
    Sheet(
        title="依据数据",
        columns=(
            Column("数据角色", 22),
            Column("名称", 28),
            Column("图层", 22),
            Column("图层名称", 20),
            Column("版次", 12),
            Column("版次名称", 20),
            Column("生效", 12),
            Column("失效", 12),
            Column("来源", 10),
            Column("状态", 8),
            Column("依据文号", 24),
            Column("修订", 8),
            Column("发布日期", 12),
            Column("备注", 10),
        ),
        rows=sources_rows,
    ),
)
