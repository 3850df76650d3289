"""The domain's words as types; a new term enters here first, with its Chinese name."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from config.text import Text as Text
from config.text import TitledWord
from config.vocabulary_plans import PlanAct as PlanAct
from config.vocabulary_plans import PlanLevel as PlanLevel
from config.vocabulary_plans import PlanLinkKind as PlanLinkKind
from config.vocabulary_plans import PlanState as PlanState
from config.vocabulary_plans import PlanType as PlanType

LayerId = NewType("LayerId", str)
OMITTED = "_omitted"  # so ends what a tile names the layer that counts what it leaves out of one
EditionKey = NewType("EditionKey", str)

LAYER_ID = re.compile(r"[a-z](?:(?!__)[a-z0-9_]){0,42}")
EDITION_KEY = re.compile(r"[a-z0-9_]{1,16}")


@dataclass(frozen=True, slots=True, order=True)
class RegionCode:
    """An administrative division code (行政区划代码): 6, 9 or 12 digits, text, never a number."""

    value: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[1-9]\d{5}(\d{3}){0,2}", self.value, re.ASCII):
            raise ValueError(f"region code {self.value!r}: expected 6, 9 or 12 digits")


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


class DataKind(TitledWord):
    """What a specification is about (数据类别): the root of the resource tree by kind."""

    PRESENT = "present", "现状数据", "Present state"
    PLANNING = "planning", "规划数据", "Plans"
    MANAGEMENT = "management", "管理数据", "Management"
    SOCIOECONOMIC = "socioeconomic", "社会经济数据", "Society and economy"


class EditionStatus(TitledWord):
    """Where an edition (版次) stands."""

    DRAFT = "draft", "过程", "Draft"
    SUBMITTED = "submitted", "上报", "Submitted"
    RETURNED = "returned", "反馈", "Returned"
    IN_FORCE = "in_force", "启用", "In force"
    REPEALED = "repealed", "废止", "Repealed"


class Issuer(TitledWord):
    """Who issued an edition."""

    OWN = "own", "本级", "Own"
    ABOVE = "above", "上级下发", "Issued from above"


class Fact(StrEnum):
    """What a machine may state (事实); a conclusion is a person's."""

    CONCERNED = "涉及"
    NOT_CONCERNED = "不涉及"
    DATA_MISSING = "数据缺失"


class Outcome(StrEnum):
    """A suggestion (建议) or an opinion (意见) on a rule, mildest first."""

    PASS = "PASS"
    INFO = "INFO"
    VERIFY = "VERIFY"
    COND = "COND"
    FAIL = "FAIL"

    @property
    def rank(self) -> int:
        """1 is the mildest, 5 the worst."""
        return _RANKS[self]

    @property
    def zh(self) -> str:
        """The word that people read."""
        return ("符合", "提示", "需核实", "需论证", "不符合")[self.rank - 1]


_RANKS = {outcome: number for number, outcome in enumerate(Outcome, start=1)}


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
    INSTANT = "instant"  # of external tables; no specification has it
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
    FieldType.INSTANT: {"type": "string", "format": "date-time"},
    FieldType.BOOLEAN: {"type": "boolean"},
}
