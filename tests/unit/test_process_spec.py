"""A process is declared once: description, body schema and checks follow from it."""

import json
from datetime import date, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from config.model import Binding, Catalogue, EditionChoice
from config.settings import PACKAGE_ROOT
from config.vocabulary import (
    Classification,
    EditionKey,
    EditionStatus,
    Issuer,
    Text,
)
from processes.description import description_document
from processes.registry import SPECS
from processes.spec import BodyError, Input, InvalidBody, Output, ProcessSpec
from providers.access import ALL, Scope
from providers.bindings import Bound, Missing, NotBound, bind
from providers.editions import Edition, EditionState
from providers.job_records import scope_document, scope_from
from server.preference import Preference

TEXT = Text(zh="题", en="title")
SHAPE = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"type": {"type": "string", "enum": ["circle"]}, "r": {"type": "number"}},
            "required": ["type", "r"],
        },
        {
            "type": "object",
            "properties": {"type": {"type": "string", "enum": ["square"]}, "a": {"type": "number"}},
            "required": ["type", "a"],
        },
    ]
}


def no_thirteen(inputs: Any) -> list[BodyError]:
    return [BodyError("/count", "not thirteen")] if inputs.get("count") == 13 else []


SPEC = ProcessSpec(
    id="sample",
    version="1.2.3",
    title=TEXT,
    description=TEXT,
    inputs={
        "name": Input(title=TEXT, description=TEXT, schema={"type": "string"}),
        "count": Input(
            title=TEXT,
            description=TEXT,
            schema={"type": "integer", "default": 7},
            required=False,
        ),
        "shape": Input(title=TEXT, description=TEXT, schema=SHAPE, required=False),
        "a/b~c": Input(title=TEXT, description=TEXT, schema={"type": "number"}, required=False),
    },
    outputs={
        "one": Output(title=TEXT, description=TEXT, schema={"type": "string"}),
        "two": Output(title=TEXT, description=TEXT, schema={"type": "string"}),
    },
    example={"inputs": {"name": "x"}},
    run=lambda context, inputs: {},
    check=no_thirteen,
)


def places(body: Any) -> list[str]:
    with pytest.raises(InvalidBody) as refused:
        SPEC.parse(body)
    return [error.pointer for error in refused.value.errors]


def test_defaults_are_filled_in_and_all_outputs_are_meant() -> None:
    execution = SPEC.parse({"inputs": {"name": "x"}})

    assert execution.inputs == {"name": "x", "count": 7}
    assert execution.outputs == ("one", "two")
    assert execution.response == "raw"


def test_a_qualified_input_is_its_value() -> None:
    body = {"inputs": {"name": {"value": "x", "mediaType": "text/plain"}}, "outputs": {"two": {}}}

    execution = SPEC.parse(body)

    assert execution.inputs["name"] == "x"
    assert execution.outputs == ("two",)


def test_every_error_of_a_body_is_told_with_its_pointer() -> None:
    body = {
        "inputs": {"count": "many", "shape": {"type": "circle", "r": "x"}, "zz": 1, "a/b~c": "x"},
        "outputs": {"three": {}},
        "response": "both",
        "mode": "sync",
    }

    assert places(body) == [
        "",
        "/inputs",
        "/inputs",
        "/inputs/a~1b~0c",
        "/inputs/count",
        "/inputs/shape/r",
        "/outputs",
        "/response",
    ]


def test_pointers_lead_through_the_wrapping_that_was_sent() -> None:
    assert places({"inputs": {"name": {"value": 5}}}) == ["/inputs/name/value"]
    assert places({"inputs": {"name": "x", "count": {"value": 13}}}) == ["/inputs/count/value"]
    assert places({"inputs": {"name": "x", "count": 13}}) == ["/inputs/count"]


@pytest.mark.parametrize("body", [None, [], 5, "x", {}, {"inputs": None}, {"inputs": []}])
def test_a_body_that_is_no_request_is_refused(body: Any) -> None:
    assert places(body)


def test_a_choice_that_nothing_fits_is_one_short_error() -> None:
    with pytest.raises(InvalidBody) as refused:
        SPEC.parse({"inputs": {"name": "x", "shape": {"type": "heart"}}})

    assert [e.pointer for e in refused.value.errors] == ["/inputs/shape"]
    assert len(refused.value.errors[0].message) < 100


def test_messages_stay_short_whatever_was_sent() -> None:
    with pytest.raises(InvalidBody) as refused:
        SPEC.parse({"inputs": {"name": ["x" * 100_000]}})

    assert len(refused.value.errors[0].message) < 400


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.id)
def test_every_process_describes_itself_in_both_languages(spec: ProcessSpec) -> None:
    for lang in ("zh", "en"):
        document = description_document(spec, "some-id", lang, "https://example.org")
        assert document["id"] == "some-id"
        assert document["inputs"].keys() == spec.inputs.keys()
        assert document["outputs"].keys() == spec.outputs.keys()
        for part in (*document["inputs"].values(), *document["outputs"].values()):
            assert part["title"]
            assert part["description"]
            Draft202012Validator.check_schema(part["schema"])


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.id)
def test_every_example_satisfies_the_published_schema_and_the_checks(spec: ProcessSpec) -> None:
    Draft202012Validator(spec.request_schema()).validate(spec.example)

    assert spec.parse(dict(spec.example)).outputs


def test_the_catalogue_offers_only_processes_that_exist(catalogue: Catalogue) -> None:
    assert {entry.spec for entry in catalogue.processes.values()} <= SPECS.keys()


def test_an_entry_states_no_limit_that_nobody_reads(catalogue: Catalogue) -> None:
    schema = json.loads((PACKAGE_ROOT / "schemas" / "process.json").read_text("utf-8"))

    assert schema["properties"]["limits"]["properties"].keys() == {"seconds", "per_owner"}
    for entry in catalogue.processes.values():
        assert entry.limits.keys() == {"seconds", "per_owner"}


@pytest.mark.parametrize(
    ("parcels", "pointer"),
    [
        ({"text": "1,2", "href": "/files/x"}, "/inputs/parcels"),
        ({"name": "nothing"}, "/inputs/parcels"),
        ("POLYGON EMPTY", "/inputs/parcels"),
    ],
)
def test_parcels_come_in_one_form_and_no_other(parcels: Any, pointer: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        SPECS["compliance_check"].parse({"inputs": {"parcels": parcels}})

    assert [error.pointer for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize(
    ("headers", "asynchronous", "wait_s"),
    [
        ([], False, None),
        (["respond-async"], True, None),
        (["respond-async, wait=10"], True, 10),
        (["wait=5", "Respond-Async"], True, 5),
        (["respond-sync"], False, None),
        (["wait=soon, handling=lenient"], False, None),
        (['foo="a, b"; bar, wait="7"'], False, 7),
        (["wait=3, wait=9"], False, 3),
        (["wait=99999999"], False, None),
    ],
)
def test_preferences_are_read_as_rfc_7240_says(
    headers: list[str], asynchronous: bool, wait_s: int | None
) -> None:
    preference = Preference.parse(headers)

    assert (preference.asynchronous, preference.wait_s) == (asynchronous, wait_s)


def test_the_wait_of_a_request_is_bounded_by_the_servers() -> None:
    assert Preference().patience_s(10) == 10
    assert Preference(asynchronous=True).patience_s(10) == 0
    assert Preference(asynchronous=True, wait_s=3).patience_s(10) == 3
    assert Preference(wait_s=60).patience_s(10) == 10


@pytest.mark.parametrize(
    "scope",
    [
        Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL),
        Scope(
            layers=frozenset({"land_use"}),
            regions=("220102",),
            areas=b"\x01\x02",
            ceiling=Classification.PUBLIC,
            functions=frozenset(),
        ),
    ],
)
def test_a_jobs_scope_is_kept_as_it_was(scope: Scope) -> None:
    assert scope_from(scope_document(scope)) == scope


def state(
    layer: Any, key: str, start: date, end: date | None = None, **changes: Any
) -> EditionState:
    edition = Edition(
        layer=layer.id,
        key=EditionKey(key),
        title=TEXT,
        valid_from=start,
        valid_to=end,
        status=changes.get("status", EditionStatus.IN_FORCE),
        issuer=changes.get("issuer", Issuer.ABOVE),
        document="",
    )
    return EditionState(
        edition=edition,
        revision=1,
        features=0,
        extent=None,
        updated=datetime(2026, 1, 1),
        specification_version="1",
    )


def test_a_binding_reads_the_edition_in_force_at_the_check_date(catalogue: Catalogue) -> None:
    binding = catalogue.bindings["farmland_issued"]
    layer = catalogue.layers["permanent_farmland"]
    editions = [
        state(layer, "a2020", date(2020, 1, 1), date(2022, 12, 31)),
        state(layer, "a2023", date(2023, 1, 1)),
        state(layer, "own", date(2024, 1, 1), issuer=Issuer.OWN),
        state(layer, "draft", date(2024, 1, 1), status=EditionStatus.DRAFT),
    ]
    sees = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=ALL)
    blind = Scope(
        layers=frozenset(), regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=ALL
    )

    def read(day: date, scope: Scope = sees, of: Binding | None = binding) -> str:
        found = bind(of, editions, day, scope)
        return found.state.edition.key if isinstance(found, Bound) else found.reason

    assert read(date(2022, 12, 31)) == "a2020"
    assert read(date(2023, 1, 1)) == "a2023"
    assert read(date(2019, 1, 1)) == Missing.NO_EDITION
    assert read(date(2025, 1, 1), blind) == Missing.NOT_VISIBLE
    assert read(date(2025, 1, 1), of=None) == Missing.NOT_CONNECTED
    unconnected = Binding(id="x", title=TEXT, layer=None, edition=EditionChoice())
    assert bind(unconnected, editions, date(2025, 1, 1), sees) == NotBound(
        binding=unconnected, reason=Missing.NOT_CONNECTED
    )
    fixed = Binding(id="x", title=TEXT, layer=layer, edition=EditionChoice(key=EditionKey("a2020")))
    assert read(date(2025, 1, 1), of=fixed) == "a2020"
