"""What is kept of a compliance check for good, and the parts of it that people are given later."""

from collections.abc import Mapping
from typing import Any

import orjson

from config.vocabulary import Outcome
from processes.algorithms.canonical import SEAL
from processes.workflows.check_outline import outline_of
from processes.workflows.check_overlaps import overlaps
from providers.checks import KeptCheck, pack, unpack

type Document = Mapping[str, Any]
RULESET = ("id", "version", "title", "overrides")


def kept_check(document: Document, content: bytes | None = None) -> KeptCheck:
    """The record of a sealed check; *content* is the same as JSON, where that was made before."""
    content = orjson.dumps(document) if content is None else content
    return KeptCheck(
        hash=document[SEAL], facts=facts_of(document), content=pack(content), bytes=len(content)
    )


def facts_of(document: Document) -> dict[str, Any]:
    """What is told of a check without reading its document again."""
    profile, project, outcomes = document["profile"], document["project"], document["summary"]
    return {
        "ruleset": {name: document["ruleset"][name] for name in RULESET},
        "profile": {name: profile[name] for name in ("id", "title")},
        "check_date": document["check_date"],
        "as_of": document["as_of"],
        "project": {"name": project["name"], "code": project["code"]},
        "parcels": sum(outcomes.values()),
        "overall": document["overall"],
        "outcomes": {one.value: outcomes[one] for one in Outcome if outcomes[one]},
        "synthetic": any(layer["synthetic"] for layer in document["layers"]),
        "manual": list(document["manual"]),
        "documents": sorted(documents_of(document)),
    }


def documents_of(document: Document) -> set[str]:
    """The documents that a check asks for or has been given, by id."""
    return {*document["needs"], *document["project"]["documents"]}


def excerpt(document: Document, parcels: frozenset[int]) -> dict[str, Any]:
    """Some parcels of a check; it has no hash of its own and says of which check it is a part."""
    part = {
        name: value for name, value in document.items() if name not in ("kind", SEAL, "parcels")
    }
    head = {"kind": document["kind"], "excerpt_of": document[SEAL]}
    some = among(document, parcels)
    return {**head, **part, **outline_of(some).document(), "parcels": some}


def made_report(
    packed: bytes, form: str, parcels: frozenset[int] | None, opinion: Document | None
) -> bytes:
    """A report of a packed check as XLSX, DOCX, JSON or JSON-FG.

    To be made in a process of its own: it takes a while, and a document may have 200 MB.
    """
    document = orjson.loads(unpack(packed))
    if form in ("json", "jsonfg"):
        part = document if parcels is None else excerpt(document, parcels)
        return orjson.dumps(part if form == "json" else overlaps(part))
    # What draws is not for servers to hold.
    from processes.workflows.check_reports import docx_report, xlsx_report

    if form == "docx":
        return docx_report(document, opinion, parcels=parcels)
    return xlsx_report(document, parcels=parcels)


def among(document: Document, parcels: frozenset[int]) -> list[Any]:
    """The parcels of these numbers."""
    return [parcel for parcel in document["parcels"] if parcel["number"] in parcels]
