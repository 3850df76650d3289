"""Entries of rule sets and of local overrides become values; they satisfy their JSON Schemas."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Protocol

from config.edition_choice import EditionChoice
from config.predicate_reading import (
    read_distance,
    read_operand,
    read_predicate,
    read_selection,
    read_source,
    read_value,
)
from config.predicates import AreaKind, FieldValue, Flag, ProjectValue, TableValue
from config.ruleset import (
    AttributeSpec,
    BindingSpec,
    Choice,
    ClassTable,
    Clause,
    Concern,
    DateBasis,
    DocumentSpec,
    FlagSpec,
    Legal,
    Override,
    Parameter,
    Profile,
    Rule,
    Ruleset,
    TextMeasure,
)
from config.ruleset_digest import content_digest
from config.vocabulary import EditionKey, EditionStatus, Issuer, Outcome, Text


class Named(Protocol):
    """What has an id."""

    @property
    def id(self) -> str: ...


def read_ruleset(document: Mapping[str, Any]) -> Ruleset:
    """The rule set of an entry."""
    editions = {name: _edition(e) for name, e in document["editions"].items()}
    ruleset = Ruleset(
        id=document["id"],
        version=document["version"],
        valid_from=date.fromisoformat(document["valid_from"]),
        valid_to=_day(document.get("valid_to")),
        title=_text(document["title"]),
        parameters=_by_id(map(_parameter, document["parameters"])),
        tables=_by_id(map(_table, document["tables"])),
        class_groups={
            code: group
            for group, codes in document.get("class_groups", {}).items()
            for code in codes
        },
        attributes=_by_id(AttributeSpec(**e) for e in document["attributes"]),
        flags=_by_id(map(_flag, document["flags"])),
        documents=_by_id(DocumentSpec(**e) for e in document["documents"]),
        bindings=_by_id(_binding(e, editions) for e in document["bindings"]),
        rules=_by_id(map(_rule, document["rules"])),
        profiles=_by_id(map(_profile, document["profiles"])),
    )
    return replace(ruleset, digest=content_digest(ruleset))


def read_override(document: Mapping[str, Any]) -> Override:
    """The local override of an entry."""
    override = Override(
        id=document["id"],
        version=document["version"],
        ruleset=document["ruleset"],
        valid_from=date.fromisoformat(document["valid_from"]),
        valid_to=_day(document.get("valid_to")),
        source=document["source"],
        title=_text(document["title"]),
        region=tuple(document.get("region", ())),
        parameters=tuple(map(_parameter, document.get("parameters", ()))),
        compatible=_pairs(document.get("compatible", ())),
        rules=tuple(map(_rule, document.get("rules", ()))),
        switch_off={e["rule"]: e["reason"] for e in document.get("switch_off", ())},
        profiles=tuple(map(_profile, document.get("profiles", ()))),
    )
    return replace(override, digest=content_digest(override))


def _by_id[T: Named](values: Iterable[T]) -> dict[str, T]:
    return {value.id: value for value in values}


def _text(e: Mapping[str, str]) -> Text:
    return Text(zh=e["zh"], en=e["en"])


def _either(value: str | Mapping[str, str]) -> Text:
    """A text of both languages; of rule sets written before there were two, the same in both."""
    return Text(zh=value, en=value) if isinstance(value, str) else _text(value)


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _pairs(pairs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((planned, admitted) for planned, admitted in pairs)


def _edition(e: Mapping[str, str]) -> EditionChoice:
    return EditionChoice(
        key=EditionKey(e["key"]) if "key" in e else None,
        issuer=Issuer(e["issuer"]) if "issuer" in e else None,
        status=EditionStatus(e.get("status", EditionStatus.IN_FORCE)),
        at="check_date" if "at" in e else None,
    )


def _parameter(e: Mapping[str, Any]) -> Parameter:
    value = e["value"]
    return Parameter(
        id=e["id"],
        value=tuple(map(read_value, value)) if isinstance(value, list) else read_value(value),
        title=e["title"],
        src=e["src"],
        unit=e.get("unit"),
        note=e.get("note"),
    )


def _table(e: Mapping[str, Any]) -> ClassTable:
    rows = {
        (zone, code): result
        for zone, results in e.get("rows", {}).items()
        for result, codes in results.items()
        for code in codes
    }
    return ClassTable(
        id=e["id"],
        title=e["title"],
        results=tuple(e["results"]),
        src=e["src"],
        rows=rows,
        columns=tuple(sorted({code for _, code in rows})),
        compatible=_pairs(e.get("compatible", ())),
        titles=e.get("titles", {}),
    )


def _flag(e: Mapping[str, Any]) -> FlagSpec:
    return FlagSpec(
        id=e["id"],
        title=e["title"],
        default=None if e["default"] == "unknown" else e["default"],
        source=e.get("source", "applicant"),
        note=e.get("note"),
    )


def _binding(e: Mapping[str, Any], editions: Mapping[str, EditionChoice]) -> BindingSpec:
    return BindingSpec(
        id=e["id"],
        title=_text(e["title"]),
        kind=e.get("kind", "layer"),
        geometry=e.get("geometry", "polygon"),
        edition=editions[e["edition"]],
        fields=tuple(e["fields"]),
        specification=e["specification"],
        accepts=tuple(e.get("accepts", ())),
        src=e["src"],
        note=e.get("note"),
    )


def _rule(e: Mapping[str, Any]) -> Rule:
    return Rule(
        id=e["id"],
        version=e["version"],
        title=_text(e["title"]),
        family=e["family"],
        each=e.get("each", "parcel"),
        split=tuple(map(read_selection, e.get("split", ()))),
        concerns=tuple(map(_concern, e.get("concerns", ()))),
        compares=tuple(map(_compared, e.get("compares", ()))),
        clauses=tuple(map(_clause, e.get("clauses", ()))),
        limits=tuple(map(_either, e.get("limits", ()))),
        legal=tuple(map(_legal, e["legal"])),
        valid_from=_day(e.get("valid_from")),
        valid_to=_day(e.get("valid_to")),
        src=e["src"],
        note=e.get("note"),
        changes=tuple(e.get("changes", ())),
        reason=_text(e["reason"]) if "reason" in e else None,
        choices=tuple(
            Choice(outcome=Outcome(c["outcome"]), text=c["text_zh"]) for c in e.get("manual", ())
        ),
    )


def _concern(e: Mapping[str, Any]) -> Concern:
    return Concern(
        selection=read_selection(e),
        area=AreaKind(e.get("area", AreaKind.ELLIPSOID)),
        within_m=read_distance(e.get("within_m")),
        inset_m=read_distance(e.get("inset_m")),
    )


def _compared(e: Mapping[str, str]) -> ProjectValue | TableValue | Flag:
    if "flag" in e:
        return Flag(e["flag"])
    if "table" in e:
        return TableValue(e["table"], e["field"])
    return ProjectValue(e["project"])


def _clause(e: Mapping[str, Any]) -> Clause:
    return Clause(
        when=read_predicate(e["when"]) if "when" in e else None,
        outcome=Outcome(e["outcome"]),
        text=e["text_zh"],
        needs=tuple(e.get("needs", ())),
        values={holder: _holder(said) for holder, said in e.get("values", {}).items()},
        titles={h: said["titles"] for h, said in e.get("values", {}).items() if "titles" in said},
    )


def _holder(e: Mapping[str, Any]) -> ProjectValue | FieldValue | TableValue | TextMeasure:
    if "distance_m" in e:
        measured = e["distance_m"]
        return TextMeasure(
            source=read_source(measured), inset_m=read_distance(measured.get("inset_m"))
        )
    value = read_operand(e)
    assert isinstance(value, ProjectValue | FieldValue | TableValue)
    return value


def _legal(e: Mapping[str, Any]) -> Legal:
    return Legal(
        cite=e["cite"],
        valid_from=_day(e.get("valid_from")),
        valid_to=_day(e.get("valid_to")),
        verify=e.get("verify", False),
    )


def _profile(e: Mapping[str, Any]) -> Profile:
    return Profile(
        id=e["id"],
        title=_text(e["title"]),
        matter=e["matter"],
        date_basis=DateBasis(e["date_basis"]),
        mandatory=tuple(e["mandatory"]),
        advisory=tuple(e.get("advisory", ())),
        manual=tuple(e.get("manual", ())),
        replace=dict(e.get("replace", {})),
        bindings_mandatory=tuple(e["bindings"]["mandatory"]),
        bindings_advisory=tuple(e["bindings"]["advisory"]),
        template=e["report"]["template"],
        report_title=e["report"]["title_zh"],
        valid_from=_day(e.get("valid_from")),
        valid_to=_day(e.get("valid_to")),
        note=e.get("note"),
        src=e["src"],
    )
