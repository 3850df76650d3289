"""A compliance check's document as reports read it: its layers, and words for its codes."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

from config.vocabulary import Outcome
from processes.algorithms.survey_fault_titles import FAULT_TITLES
from processes.algorithms.survey_parcels import Fault
from providers.errors import BadParameter

type Document = Mapping[str, Any]

M2_PER_HA = 10_000.0
M2_PER_MU = 2_000.0 / 3.0  # 亩
SYNTHETIC = "模拟数据"
DRAFT = "规则草案试算"
UNLISTED = "来源未列明"
WITHOUT = "—"  # no value
CONNECTION_REASONS: Mapping[str, str] = {
    "not_connected": "未接入",
    "no_edition": "审查日无现行版次",
    "not_visible": "不在可见范围",
}
# What stayed unknown: {} is the title of what the reason names.
REASONS: Mapping[str, str] = {
    "not_connected": "{}未接入",
    "no_edition": "{}在审查日无现行版次",
    "not_visible": "{}不在可见范围",
    "outside_coverage": "{}未覆盖全部用地",
    "outside_scope": "{}超出可查询的范围",
    "field_empty": "字段{}为空",
    "attribute_missing": "未填报{}",
    "not_declared": "未申报{}",
    "no_table_row": "{}无本区域记录",
    "no_release_date": "{}无发布日期",
    "no_clause": "没有适用的条款",
    "pieces_too_small": "分块过小，未能逐块判定",
}
DOCUMENT_STATES: Mapping[str, str] = {"attached": "已附", "verified": "已核验"}
PLACES = re.compile(r"\b(line|ring|point) ([^,]+)")
PLACE_WORDS: Mapping[str, str] = {"line": "第{}行", "ring": "第{}圈", "point": "点{}"}
VERIFY_MARK = re.compile(r" ?\((?:revision: )?verify(?: numbers)?\)|, verify(?=\))")
ARTICLES = re.compile(r" ?art\. (\d+(?:-\d+)?(?:, \d+(?:-\d+)?)*)")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check's document with what reports look up in it."""

    document: Document
    only: frozenset[int] | None = None  # numbers of parcels that were asked for

    @classmethod
    def read(cls, document: Document, parcels: Collection[int] | None = None) -> "Check":
        """The check; every number in *parcels* must be one of its parcels."""
        if parcels is not None:
            known = {one["number"] for one in document["parcels"]}
            if strange := sorted(set(parcels) - known):
                raise BadParameter("parcel", str(strange[0]), "numbers of parcels of this check")
        return cls(document=document, only=None if parcels is None else frozenset(parcels))

    @cached_property
    def layers(self) -> Mapping[str, Document]:
        """What each binding read."""
        return {one["binding"]: one for one in self.document["layers"]}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Chinese titles of bindings, of attributes, flags and documents, as far as told."""
        titles: dict[str, str] = dict(self.document["ruleset"].get("titles", {}))
        for parcel in self.document["parcels"]:
            for rule in parcel["rules"]:
                for need in rule["needs"]:
                    titles.setdefault(need["id"], chinese(need["title"]))
        return titles | {key: chinese(one["title"]) for key, one in self.layers.items()}

    @property
    def synthetic(self) -> bool:
        """Whether any layer holds invented data."""
        return any(one["synthetic"] for one in self.layers.values())

    @property
    def marks(self) -> str:
        """What every page has to say beside the title, for instance that data are invented."""
        draft = DRAFT if self.document.get("draft") else ""
        return "、".join(mark for mark in (SYNTHETIC if self.synthetic else "", draft) if mark)

    @property
    def title(self) -> str:
        """Of the report, as its matter names it."""
        return str(self.document["profile"]["report"]["title_zh"])

    @property
    def advisory(self) -> str:
        return chinese(self.document["advisory"])

    @property
    def day(self) -> date:
        return date.fromisoformat(self.document["check_date"])

    @property
    def parcels(self) -> Sequence[Document]:
        """The parcels asked for, else all."""
        every: Sequence[Document] = self.document["parcels"]
        return every if self.only is None else [one for one in every if one["number"] in self.only]

    @property
    def plane(self) -> str:
        """The plane of planar areas and coordinates, with the number of its zone."""
        plane = self.document["planar_crs"]
        zone = plane.get("zone")
        return str(plane["name"]) + ("" if zone is None else f"（3度带第{zone}带）")

    def layer(self, binding: str) -> Document:
        """What a binding read; one that the check does not list gives no figures."""
        unlisted = {"title": binding, "connected": False, "reason": UNLISTED, "edition": None}
        return self.layers.get(binding, unlisted)

    def name(self, code: str) -> str:
        """The title of a binding, attribute, flag or document, else its own code."""
        return self.names.get(code, code)

    def reasons(self, codes: Sequence[str]) -> Iterator[str]:
        """What stayed unknown, in words."""
        for code in codes:
            kind, _, what = code.partition(":")
            if kind.startswith("rows_"):
                yield f"{self.name(what)}有{kind.removeprefix('rows_')}条记录"
            elif kind in REASONS:
                yield REASONS[kind].format(self.name(what))
            else:
                yield code

    def ruleset(self, of: Document | None = None) -> str:
        """The rule set of the check or of one parcel, and what was laid over it."""
        rules = (of or self.document)["ruleset"]
        named = [f"{chinese(rules['title'])} {rules['id']} {rules['version']}"]
        named += [f"{one['id']} {one['version']}" for one in rules["overrides"]]
        return "；".join(named)


def chinese(title: Mapping[str, str] | str | None) -> str:
    """The Chinese words of a title; nothing where there is none."""
    return title or "" if not isinstance(title, Mapping) else title["zh"]


def outcome(code: str) -> str:
    """The word of an outcome."""
    return Outcome(code).zh


def parcel_name(parcel: Document) -> str:
    """What a person calls the parcel."""
    return str(parcel["name"] or parcel["id"] or f"地块{parcel['number']}")


def fault_words(fault: Document) -> str:
    """What is wrong with a parcel, and where."""
    code = fault["code"]
    title = FAULT_TITLES[Fault(code)].zh if code in Fault else code
    place = f"（{_place_words(fault['place'])}）" if fault["place"] else ""
    return f"{title}：{chinese(fault['message'])}{place}"


def _place_words(place: str) -> str:
    """Lines, rings and points as they are called in Chinese; a pointer into a document stays."""
    return PLACES.sub(lambda found: PLACE_WORDS[found[1]].format(found[2]), place).replace(
        ", ", "，"
    )


def basis(rule: Document) -> str:
    """The legal basis; what is not yet checked against the text says so."""
    return "；".join(
        _citation(one["cite"]) + ("（条文待核）" if one["verify"] else "") for one in rule["legal"]
    )


@lru_cache(4096)
def _citation(text: str) -> str:
    plain = VERIFY_MARK.sub("", text)
    return ARTICLES.sub(lambda found: f"第{found[1].replace(', ', '、')}条", plain).strip()


def near_only(concern: Document) -> bool:
    """Whether the distance is asked and no area is shared: 0 hectares would say too much."""
    return concern["distance_m"] is not None and concern["ellipsoid_m2"] == 0


def edition(layer: Document) -> str:
    """The edition that was read, else why there is none."""
    if not layer["connected"]:
        return CONNECTION_REASONS.get(layer["reason"], str(layer["reason"]))
    found = layer["edition"]
    return "" if found is None else chinese(found["title"]) or str(found["key"])


def square_metres(value: float | None) -> str:
    return WITHOUT if value is None else f"{value:,.2f}"


def hectares(value: float | None) -> str:
    """Square metres as hectares with four decimals."""
    return WITHOUT if value is None else f"{value / M2_PER_HA:.4f}"


def mu(value: float | None) -> str:
    """Square metres as 亩 with two decimals."""
    return WITHOUT if value is None else f"{value / M2_PER_MU:,.2f}"


def percent(value: float | None) -> str:
    return WITHOUT if value is None else f"{value * 100:.2f}%"


def date_words(text: str | None) -> str:
    """A day as it is written in Chinese documents."""
    if text is None:
        return WITHOUT
    day = date.fromisoformat(text[:10])
    return f"{day.year}年{day.month}月{day.day}日"


def value_text(value: Any) -> str:
    """An attribute's value for people."""
    match value:
        case None:
            return WITHOUT
        case bool():
            return "是" if value else "否"
        case float():
            return f"{value:g}" if abs(value) < 1e5 else f"{value:.2f}"
        case _:
            return str(value)


def fields_text(fields: Mapping[str, Any], between: str = "，") -> str:
    """A feature's fields and their values."""
    return between.join(f"{code}={value_text(value)}" for code, value in fields.items())
