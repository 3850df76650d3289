"""Processes within processes: bounded, granted, and every error with its pointer into the whole body."""

from typing import Any

import pytest

from config.model import Catalogue
from config.vocabulary import Classification
from processes.registry import SPECS
from processes.spec import BodyError, Execution, InvalidBody
from processes.workflows.nested_input import MAX_NESTED, Offered, Step, finding, parse_body
from processes.workflows.process_steps import step_documents
from processes.workflows.referred_input import address_faults, layers_of_steps
from providers.access import ALL, Scope

BASE = "http://map.example.cn"
POINT = {"type": "Point", "coordinates": [125.345, 43.8855]}
GRANTED = frozenset({"area-ellipsoid", "buffer", "overlay"})


@pytest.fixture
def parsed(catalogue: Catalogue) -> Any:
    """Parses a body for a caller who may run GRANTED."""
    scope = Scope(
        layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=GRANTED
    )
    find = finding(catalogue.processes, SPECS, scope, BASE)

    def parse(process: str, body: Any) -> tuple[Execution, list[Step]]:
        entry = catalogue.processes[process]
        outer = Offered(entry=entry, spec=SPECS[entry.spec])
        execution, steps = parse_body(outer, body, find, lambda s: address_faults(s, BASE, ()))
        return execution, list(steps)

    return parse


@pytest.fixture
def refused(parsed: Any) -> Any:
    """The pointers of what is wrong with a body."""

    def pointers(process: str, body: Any) -> list[str]:
        with pytest.raises(InvalidBody) as error:
            parsed(process, body)
        return sorted(each.pointer for each in error.value.errors)

    return pointers


def buffer(features: Any = POINT, **more: Any) -> dict[str, Any]:
    inputs = {"features": features, "distance_m": 100, **more}
    return {"process": "buffer", "inputs": inputs, "outputs": {"features": {}}}


def areas(features: Any) -> dict[str, Any]:
    return {"inputs": {"features": features}}


def within(deep: int) -> dict[str, Any]:
    return buffer(within(deep - 1)) if deep > 1 else buffer()


def test_three_processes_nest_in_one_another_and_a_fourth_does_not(
    parsed: Any, refused: Any
) -> None:
    _, steps = parsed("area-ellipsoid", areas(within(3)))
    place = "/inputs/features"

    assert [step.pointer for step in steps] == [place * 3, place * 2, place, ""]
    assert refused("area-ellipsoid", areas(within(4))) == [place * 4]


def test_a_body_holds_no_more_than_ten_processes(refused: Any) -> None:
    def both(deep: int) -> dict[str, Any]:
        if deep == 0:
            return buffer()
        inputs = {"left": both(deep - 1), "right": both(deep - 1)}
        return {"process": "overlay", "inputs": inputs, "outputs": {"features": {}}}

    found = refused("overlay", {"inputs": {"left": both(2), "right": both(2)}})
    tenth = "/inputs/right/inputs/left/inputs/left"

    assert MAX_NESTED == 10
    assert found == [tenth.removesuffix("left") + "right", "/inputs/right/inputs/right"]


def test_every_level_tells_all_its_errors_by_their_places_in_the_whole_body(refused: Any) -> None:
    inner = buffer({"type": "Point", "coordinates": ["x", 1]}, dissolve="perhaps")
    body = {
        "inputs": {
            "left": {"value": buffer(inner, distance_m="far")},
            "right": {"type": "Polygon", "coordinates": []},
            "operation": "sum",
        }
    }

    assert refused("overlay", body) == [
        "/inputs/left/value/inputs/distance_m",
        "/inputs/left/value/inputs/features/inputs/dissolve",
        "/inputs/operation",
    ]


def test_a_process_that_is_not_granted_is_told_like_one_that_does_not_exist(parsed: Any) -> None:
    told = set[BodyError]()
    for name in ("transform-crs", "nothing", "http://other.example.cn/processes/buffer"):
        with pytest.raises(InvalidBody) as error:
            parsed("area-ellipsoid", areas({**buffer(), "process": name}))
        told.update(error.value.errors)

    assert {each.pointer for each in told} == {"/inputs/features/process"}
    assert len(told) == 1


def test_a_nested_process_is_named_by_its_address_as_well(parsed: Any) -> None:
    _, steps = parsed("area-ellipsoid", areas({**buffer(), "process": f"{BASE}/processes/buffer"}))

    assert [step["process"] for step in step_documents(steps)] == ["buffer", "area-ellipsoid"]
    assert step_documents(parsed("area-ellipsoid", areas(within(1)))[1][-1:]) == []


@pytest.mark.parametrize(
    ("outputs", "place"),
    [
        (None, ""),
        ({"features": {}, "report": {}}, "/outputs"),
        ({"report": {}}, "/outputs/report"),
        ({"nothing": {}}, "/outputs"),
        ({"features": {"transmissionMode": "reference"}}, "/outputs/features"),
        ({}, "/outputs"),
        ("features", "/outputs"),
    ],
)
def test_exactly_one_output_of_features_feeds_an_input(
    refused: Any, outputs: Any, place: str
) -> None:
    inner = {k: v for k, v in buffer().items() if k != "outputs"}
    if outputs is not None:
        inner["outputs"] = outputs

    assert set(refused("area-ellipsoid", areas(inner))) == {f"/inputs/features{place}"}


@pytest.mark.parametrize(
    "inner",
    [{"process": 5, "inputs": {}}, {"process": "buffer", "inputs": []}, {"process": "buffer"}],
)
def test_what_is_no_process_is_refused_at_its_place(refused: Any, inner: Any) -> None:
    assert all(p.startswith("/inputs/features") for p in refused("area-ellipsoid", areas(inner)))


def test_layers_and_addresses_of_every_level_are_looked_at(parsed: Any, refused: Any) -> None:
    inner = buffer({"collection": "land_use.2024"})
    body = {"inputs": {"left": inner, "right": {"collection": "county"}}}
    _, steps = parsed("overlay", body)

    assert layers_of_steps(steps) == {"land_use", "county"}
    body["inputs"]["left"] = buffer({"href": "https://elsewhere.example.cn/a.json?secret=1"})
    assert refused("overlay", body) == ["/inputs/left/inputs/features/href"]
