"""The domain's words as types; a new term enters here first, with its Chinese name."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

LayerId = NewType("LayerId", str)
EditionKey = NewType("EditionKey", str)

LAYER_ID = re.compile(r"[a-z](?:(?!__)[a-z0-9_]){0,42}")
EDITION_KEY = re.compile(r"[a-z0-9_]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A title in both languages; Chinese is the original."""

    zh: str
    en: str

    def in_language(self, lang: str) -> str:
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True, order=True)
class RegionCode:
    """An administrative division code (行政区划代码): 6, 9 or 12 digits, text, never a number."""

    value: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[1-9]\d{5}(\d{3}){0,2}", self.value, re.ASCII):
            raise ValueError(f"region code {self.value!r}: expected 6, 9 or 12 digits")


class ControlLine(StrEnum):
    """The three control lines (三条控制线)."""

    PERMANENT_FARMLAND = "permanent_farmland"  # 永久基本农田
    ECOLOGICAL_REDLINE = "ecological_redline"  # 生态保护红线
    URBAN_GROWTH_BOUNDARY = "urban_growth_boundary"  # 城镇开发边界


class AdminLevel(StrEnum):
    """Levels of administrative divisions (行政区划级别)."""

    PROVINCE = "province"  # 省
    CITY = "city"  # 市
    COUNTY = "county"  # 县
    TOWN = "town"  # 乡镇
    VILLAGE = "village"  # 村


class Classification(StrEnum):
    """How open a layer is (密级); the order is the ceiling's order."""

    PUBLIC = "public"  # 公开
    INTERNAL = "internal"  # 内部
    SECRET = "secret"  # 秘密

    @property
    def rank(self) -> int:
        return RANKS[self]


class DataKind(StrEnum):
    """What a specification is about (数据类别): the root of the resource tree by kind."""

    PRESENT = "present"  # 现状数据
    PLANNING = "planning"  # 规划数据
    MANAGEMENT = "management"  # 管理数据
    SOCIOECONOMIC = "socioeconomic"  # 社会经济数据

    @property
    def label(self) -> Text:
        return DATA_KIND_TITLES[self]


class EditionStatus(StrEnum):
    """Where an edition (版次) stands."""

    DRAFT = "draft"  # 过程
    SUBMITTED = "submitted"  # 上报
    RETURNED = "returned"  # 反馈
    IN_FORCE = "in_force"  # 启用
    REPEALED = "repealed"  # 废止

    @property
    def label(self) -> Text:
        return EDITION_STATUS_TITLES[self]


class Issuer(StrEnum):
    """Who issued an edition."""

    OWN = "own"  # 本级
    ABOVE = "above"  # 上级下发

    @property
    def label(self) -> Text:
        return ISSUER_TITLES[self]


class PlanLevel(StrEnum):
    """The five levels of plans (五级)."""

    NATIONAL = "national"  # 国
    PROVINCE = "province"  # 省
    CITY = "city"  # 市
    COUNTY = "county"  # 县
    TOWN = "town"  # 乡

    @property
    def label(self) -> Text:
        return PLAN_LEVEL_TITLES[self]


class PlanType(StrEnum):
    """The three types of plans (三类); a village plan (村庄规划) is a detailed one."""

    MASTER = "master"  # 总体规划
    DETAILED = "detailed"  # 详细规划
    SPECIAL = "special"  # 专项规划

    @property
    def label(self) -> Text:
        return PLAN_TYPE_TITLES[self]


class PlanState(StrEnum):
    """Where a plan stands; what follows what is in providers/plan_states.py."""

    DRAFTING = "drafting"  # 编制
    PUBLIC_NOTICE = "public_notice"  # 公示
    SUBMITTED = "submitted"  # 报批
    APPROVED = "approved"  # 已批复
    IN_FORCE = "in_force"  # 启用
    AMENDING = "amending"  # 修改中, and in force meanwhile
    REPEALED = "repealed"  # 废止

    @property
    def label(self) -> Text:
        return PLAN_STATE_TITLES[self]


class PlanAct(StrEnum):
    """What is done to a plan; each leaves an event."""

    REGISTER = "register"  # 登记
    LINK = "link"  # 关联
    NOTIFY = "notify"  # 公示
    SUBMIT = "submit"  # 报批
    RETURN = "return"  # 退回
    APPROVE = "approve"  # 批复
    START = "start"  # 启用
    AMEND = "amend"  # 启动修改
    ADOPT = "adopt"  # 修改获批
    RESUME = "resume"  # 终止修改
    REPEAL = "repeal"  # 废止
    SUPERSEDE = "supersede"  # 被替代

    @property
    def label(self) -> Text:
        return PLAN_ACT_TITLES[self]


class PlanLinkKind(StrEnum):
    """What one plan is to an earlier one."""

    AMENDS = "amends"  # 修改
    SUPERSEDES = "supersedes"  # 替代
    CORRECTS = "corrects"  # 更正

    @property
    def label(self) -> Text:
        return PLAN_LINK_TITLES[self]


class Fact(StrEnum):
    """What a machine may state (事实); a conclusion is a person's."""

    CONCERNED = "涉及"
    NOT_CONCERNED = "不涉及"
    DATA_MISSING = "数据缺失"


class Advice(StrEnum):
    """A suggestion (建议), advisory; without rules only these two can be given."""

    CONFORMS = "符合"  # outside farmland and red line, inside the growth boundary, all data there
    TO_VERIFY = "需核实"


class ExecutionMode(StrEnum):
    """How a process may be asked to run."""

    SYNC = "sync"  # the answer is the result
    ASYNC = "async"  # the answer is a job


class GeometryKind(StrEnum):
    """What a layer's rows carry; stored as the Multi type in EPSG:4490."""

    POINT = "point"
    LINE = "line"
    POLYGON = "polygon"
    NONE = "none"

    @property
    def postgis(self) -> str:
        """The PostGIS type name."""
        return {"point": "MultiPoint", "line": "MultiLineString", "polygon": "MultiPolygon"}[self]


class FieldType(StrEnum):
    """Types of attribute values."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    BOOLEAN = "boolean"

    @property
    def json_schema(self) -> dict[str, str]:
        """How JSON Schema says it."""
        return dict(JSON_TYPES[self])


RANKS = {level: rank for rank, level in enumerate(Classification)}
JSON_TYPES = {
    FieldType.TEXT: {"type": "string"},
    FieldType.INTEGER: {"type": "integer"},
    FieldType.DECIMAL: {"type": "number"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.BOOLEAN: {"type": "boolean"},
}
EDITION_STATUS_TITLES = {
    EditionStatus.DRAFT: Text(zh="过程", en="Draft"),
    EditionStatus.SUBMITTED: Text(zh="上报", en="Submitted"),
    EditionStatus.RETURNED: Text(zh="反馈", en="Returned"),
    EditionStatus.IN_FORCE: Text(zh="启用", en="In force"),
    EditionStatus.REPEALED: Text(zh="废止", en="Repealed"),
}
ISSUER_TITLES = {
    Issuer.OWN: Text(zh="本级", en="Own"),
    Issuer.ABOVE: Text(zh="上级下发", en="Issued from above"),
}
DATA_KIND_TITLES = {
    DataKind.PRESENT: Text(zh="现状数据", en="Present state"),
    DataKind.PLANNING: Text(zh="规划数据", en="Plans"),
    DataKind.MANAGEMENT: Text(zh="管理数据", en="Management"),
    DataKind.SOCIOECONOMIC: Text(zh="社会经济数据", en="Society and economy"),
}
PLAN_LEVEL_TITLES = {
    PlanLevel.NATIONAL: Text(zh="国家级", en="National"),
    PlanLevel.PROVINCE: Text(zh="省级", en="Province"),
    PlanLevel.CITY: Text(zh="市级", en="City"),
    PlanLevel.COUNTY: Text(zh="县级", en="County"),
    PlanLevel.TOWN: Text(zh="乡镇级", en="Town"),
}
PLAN_TYPE_TITLES = {
    PlanType.MASTER: Text(zh="总体规划", en="Master plan"),
    PlanType.DETAILED: Text(zh="详细规划", en="Detailed plan"),
    PlanType.SPECIAL: Text(zh="专项规划", en="Special plan"),
}
PLAN_STATE_TITLES = {
    PlanState.DRAFTING: Text(zh="编制", en="Drafting"),
    PlanState.PUBLIC_NOTICE: Text(zh="公示", en="Public notice"),
    PlanState.SUBMITTED: Text(zh="报批", en="Submitted"),
    PlanState.APPROVED: Text(zh="已批复", en="Approved"),
    PlanState.IN_FORCE: Text(zh="启用", en="In force"),
    PlanState.AMENDING: Text(zh="修改中", en="Being amended"),
    PlanState.REPEALED: Text(zh="废止", en="Repealed"),
}
PLAN_ACT_TITLES = {
    PlanAct.REGISTER: Text(zh="登记", en="Registered"),
    PlanAct.LINK: Text(zh="关联", en="Linked"),
    PlanAct.NOTIFY: Text(zh="公示", en="Put on public notice"),
    PlanAct.SUBMIT: Text(zh="报批", en="Submitted for approval"),
    PlanAct.RETURN: Text(zh="退回", en="Returned to drafting"),
    PlanAct.APPROVE: Text(zh="批复", en="Approved"),
    PlanAct.START: Text(zh="启用", en="Brought into force"),
    PlanAct.AMEND: Text(zh="启动修改", en="Amendment begun"),
    PlanAct.ADOPT: Text(zh="修改获批", en="Amendment approved"),
    PlanAct.RESUME: Text(zh="终止修改", en="Amendment given up"),
    PlanAct.REPEAL: Text(zh="废止", en="Repealed"),
    PlanAct.SUPERSEDE: Text(zh="被替代", en="Superseded"),
}
PLAN_LINK_TITLES = {
    PlanLinkKind.AMENDS: Text(zh="修改", en="Amends"),
    PlanLinkKind.SUPERSEDES: Text(zh="替代", en="Supersedes"),
    PlanLinkKind.CORRECTS: Text(zh="更正", en="Corrects"),
}
