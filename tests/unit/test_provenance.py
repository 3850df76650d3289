"""The provenance of a job is W3C PROV, and names all that it was made from."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from prov.model import ProvDocument

from processes.provenance import provenance_document
from providers.job_provenance import Made, Origin
from providers.job_records import JobStatus

BASE = "https://onemap.example.cn"
JOB = UUID("7a0d8c4e-0f8b-4c6c-9f5e-2b7f4f1c9a10")
AT = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)
REVISION = {"layer": "land_use", "edition": "2023", "revision": 4, "specification": "2023"}
NESTED = {
    "process": "https://onemap.example.cn/processes/buffer",
    "inputs": {
        "features": {"collection": "land_use", "filter": "TBMJ > 20000", "asOf": "2026-01-01"},
        "distance_m": 5,
    },
    "outputs": {"features": {}},
}
STEP = {
    "step": "/inputs/left",
    "process": "buffer",
    "version": "1.1.0",
    "started": "2026-11-27T02:30:00Z",
    "ended": "2026-11-27T02:30:01Z",
}


def origin(**changes: Any) -> Origin:
    told: dict[str, Any] = {
        "job": JOB,
        "process": "overlay",
        "process_version": "1.0.0",
        "anonymous": False,
        "organisation": "测试单位",
        "person": "测试员",
        "status": JobStatus.SUCCESSFUL,
        "inputs": {"left": NESTED, "right": {"href": "/files/up-1"}, "operation": "union"},
        "asked": ["statistics", "features"],
        "by_reference": [],
        "as_collection": [],
        "catalogue": "c0ffee",
        "software": "onemap-server 0.8.0",
        "read": [
            {"step": "/inputs/left", **REVISION},
            STEP,
            {"step": "", "file": "地块.gpkg", "sha256": "f1"},
        ],
        "outputs": [
            Made(output="statistics", media_type="application/json", bytes=7, sha256="ab"),
            Made(output="features"),
        ],
        "created": AT,
        "started": AT,
        "finished": AT,
    }
    return Origin(**{**told, **changes})


def document(**changes: Any) -> dict[str, Any]:
    return provenance_document(origin(**changes), BASE)


def related(made: dict[str, Any], relation: str, first: str, second: str) -> set[tuple[str, str]]:
    return {(r[f"prov:{first}"], r[f"prov:{second}"]) for r in made.get(relation, {}).values()}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"anonymous": True, "organisation": "", "person": ""},
        {"status": JobStatus.ACCEPTED, "started": None, "finished": None, "read": [],
         "software": None, "outputs": []},
        {"inputs": {}, "read": [], "outputs": []},
    ],
)  # fmt: skip
def test_it_is_a_prov_document_whose_every_name_is_told(changes: dict[str, Any]) -> None:
    made = document(**changes)

    read = ProvDocument.deserialize(content=json.dumps(made), format="json")
    assert read.get_records()
    assert (
        json.loads(str(read.serialize(format="json")))["activity"].keys() == made["activity"].keys()
    )
    nodes = {name for sort in ("entity", "activity", "agent") for name in made[sort]}
    for name in nodes:
        assert name.partition(":")[0] in made["prefix"]
    parts = {
        value
        for relation, rows in made.items()
        if relation not in ("prefix", "entity", "activity", "agent")
        for row in rows.values()
        for part, value in row.items()
        if part not in ("prov:role", "prov:time")
    }
    assert parts <= nodes


def test_an_output_can_be_followed_back_to_the_revision_that_was_read() -> None:
    derived = related(document(), "wasDerivedFrom", "generatedEntity", "usedEntity")

    reached, ahead = set[str](), {"out:statistics"}
    while ahead:
        reached |= ahead
        ahead = {source for made, source in derived if made in ahead} - reached

    assert "collection:land_use.2023#revision=4" in reached
    assert "content:f1" in reached


def test_a_reference_to_features_says_its_filter_and_state() -> None:
    asked = document()["entity"]["in:/inputs/left/inputs/features"]

    assert asked["om:collection"] == "land_use"
    assert asked["om:filter"] == "TBMJ > 20000"
    assert asked["om:asOf"] == "2026-01-01"


def test_a_nested_process_is_an_activity_of_its_own_with_its_times() -> None:
    made = document()

    assert made["activity"]["step:/inputs/left"] == {
        "prov:startTime": STEP["started"],
        "prov:endTime": STEP["ended"],
    }
    assert made["entity"]["process:buffer"]["om:version"] == "1.1.0"
    generated = related(made, "wasGeneratedBy", "entity", "activity")
    assert ("in:/inputs/left", "step:/inputs/left") in generated
    assert related(made, "wasInformedBy", "informed", "informant") == {
        (f"job:{JOB}", "step:/inputs/left")
    }


def test_a_value_is_known_by_its_digest_and_shown_only_where_it_is_short() -> None:
    inputs = {"short": {"b": 1, "a": "一"}, "long": "x" * 10_000}
    entities = document(inputs=inputs, read=[])["entity"]

    short = entities["in:/inputs/short"]
    assert short["prov:value"] == '{"a":"一","b":1}'
    assert short["om:sha256"] == hashlib.sha256('{"a":"一","b":1}'.encode()).hexdigest()
    assert "prov:value" not in entities["in:/inputs/long"]
    assert entities["in:/inputs/long"]["om:bytes"] == 10_002


def test_two_files_that_cannot_be_told_apart_are_used_but_not_ascribed() -> None:
    """Unless what was read says for which address it was."""
    inputs = {"left": {"href": "/files/up-1"}, "right": {"href": "/files/up-2"}}
    read = [{"file": "a", "sha256": "f1"}, {"file": "b", "sha256": "f2"}]
    known = [{**r, "href": f"/files/up-{n}"} for n, r in enumerate(read, 1)]

    blind, seeing = document(inputs=inputs, read=read), document(inputs=inputs, read=known)

    used = related(blind, "used", "activity", "entity")
    assert {(f"job:{JOB}", "content:f1"), (f"job:{JOB}", "content:f2")} <= used
    pairs = related(seeing, "wasDerivedFrom", "generatedEntity", "usedEntity")
    assert {("in:/inputs/left", "content:f1"), ("in:/inputs/right", "content:f2")} <= pairs
    assert ("in:/inputs/left", "content:f2") not in pairs


def test_whoever_asked_is_named_and_an_anonymous_caller_is_nobody() -> None:
    named, anonymous = document(), document(anonymous=True)

    assert named["agent"]["who:person"]["om:name"] == "测试员"
    assert related(named, "actedOnBehalfOf", "delegate", "responsible") == {
        ("who:software", "who:person"),
        ("who:person", "who:organisation"),
    }
    assert anonymous["agent"].keys() == {"who:software"}


def test_queries_of_addresses_are_not_told() -> None:
    inputs = {"features": {"href": "https://data.example.cn/a.gpkg?token=secret"}}

    assert "secret" not in json.dumps(document(inputs=inputs, read=[]))


def test_the_rules_that_were_applied_are_named_with_their_version() -> None:
    rules = {
        "step": "",
        "ruleset": "national_default",
        "version": "2026.1.0",
        "overrides": "example_city 2026.2.0",
        "digest": "d" * 64,
    }
    document = provenance_document(origin(read=[rules]), BASE)

    (name,) = [one for one in document["entity"] if one.startswith("rules:")]
    assert name.startswith("rules:national_default@2026.1.0")
    assert document["entity"][name]["om:overrides"] == "example_city 2026.2.0"
    assert name in {used["prov:entity"] for used in document["used"].values()}
    ProvDocument.deserialize(content=json.dumps(document), format="json")
