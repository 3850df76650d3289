"""Rules are tried on a parcel and on past parcels before anybody is judged by them."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

SQUARE = [[125.345, 43.8855], [125.35, 43.8855], [125.35, 43.8885], [125.345, 43.8885]]
PARCEL = {"type": "Polygon", "coordinates": [[*SQUARE, SQUARE[0]]]}
WITHOUT_BOUNDARY: Mapping[str, Any] = {
    "kind": "ruleset_override",
    "id": "trial_city",
    "ruleset": "national_default",
    "version": "2026.1.0",
    "valid_from": "2030-01-01",
    "source": "试〔2030〕1号",
    "title": {"zh": "试行规定", "en": "Trial"},
    "switch_off": [{"rule": "CR05", "reason": "试行期不审查"}],
}


def run(client: httpx.Client, process: str, **inputs: Any) -> httpx.Response:
    return client.post(f"/processes/{process}/execution", json={"inputs": inputs})


def keyed(client: httpx.Client, key: str, process: str, **inputs: Any) -> dict[str, Any]:
    answer = client.post(
        f"/processes/{process}/execution",
        json={"inputs": inputs},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def check(client: httpx.Client, **inputs: Any) -> dict[str, Any]:
    answer = run(
        client, "compliance-check", parcels=PARCEL, profile="planning_conditions", **inputs
    )
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def rules(document: Mapping[str, Any]) -> set[str]:
    return {rule["rule"] for rule in document["parcels"][0]["rules"]}


def test_a_draft_is_tried_on_a_parcel_and_leaves_no_trace(client: httpx.Client) -> None:
    standing = check(client)
    tried = check(client, draft=WITHOUT_BOUNDARY)

    assert (standing["draft"], tried["draft"]) == (False, True)
    assert rules(standing) - rules(tried) == {"CR05"}
    assert tried["ruleset"]["overrides"] == [{"id": "trial_city", "version": "2026.1.0"}]
    assert tried["ruleset"]["digest"] != standing["ruleset"]["digest"]
    assert client.get(f"/checks/{standing['hash']}").status_code == 200
    assert client.get(f"/checks/{tried['hash']}").status_code == 404


def test_past_parcels_that_a_draft_would_judge_otherwise_are_listed(client: httpx.Client) -> None:
    standing = check(client)
    checks = {"hashes": [standing["hash"]]}
    told = run(client, "compliance-compare", draft=WITHOUT_BOUNDARY, checks=checks).json()

    assert (told["checks"], told["parcels"]) == (1, 1)
    [boundary] = [r for r in standing["parcels"][0]["rules"] if r["rule"] == "CR05"]
    before = boundary["suggestion"]
    assert told["summary"] == [{"rule": "CR05", "before": before, "after": None, "parcels": 1}]
    [changed] = told["changed"]
    assert (changed["check"], changed["parcel"]) == (standing["hash"], 1)
    assert [move["rule"] for move in changed["rules"]] == ["CR05"]


def test_a_draft_that_says_what_is_said_already_changes_nothing(client: httpx.Client) -> None:
    same = {k: v for k, v in WITHOUT_BOUNDARY.items() if k != "switch_off"}
    draft = same | {
        "parameters": [
            {"id": "eps_m2", "value": 1, "unit": "m2", "title": "边界误差面积", "src": "S"}
        ]
    }
    checks = {"hashes": [check(client)["hash"]]}
    told = run(client, "compliance-compare", draft=draft, checks=checks).json()

    assert (told["parcels"], told["changed"], told["summary"]) == (1, [], [])


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "layer"}, "/inputs/draft/kind"),
        ({"ruleset": "no_such_set"}, "/inputs/draft/ruleset"),
        ({"switch_off": [{"rule": "CR99", "reason": "-"}]}, "/inputs/draft/switch_off/0"),
        ({"valid_from": "sometime"}, "/inputs/draft/valid_from"),
    ],
)
def test_a_draft_that_does_not_hold_together_is_refused_at_its_place(
    client: httpx.Client, changes: dict[str, Any], pointer: str
) -> None:
    answer = run(client, "compliance-check", parcels=PARCEL, draft={**WITHOUT_BOUNDARY, **changes})

    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


def test_without_a_key_only_checks_that_are_named_are_compared(client: httpx.Client) -> None:
    check(client)
    answer = run(client, "compliance-compare", draft=WITHOUT_BOUNDARY)

    assert answer.status_code == 200, answer.text
    assert (answer.json()["checks"], answer.json()["changed"]) == (0, [])


def test_the_checks_of_another_key_of_the_same_person_are_ones_own(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    person = f"周{uuid4().hex[:8]}"
    first, second = new_key("planner", person=person), new_key("planner", person=person)
    other = new_key("planner", person=f"吴{uuid4().hex[:8]}")  # may sign: reads what is named
    made = keyed(client, first, "compliance-check", parcels=PARCEL, profile="planning_conditions")
    named = {"hashes": [made["hash"]]}

    def compared(key: str, **inputs: Any) -> int:
        told = keyed(client, key, "compliance-compare", draft=WITHOUT_BOUNDARY, **inputs)
        return int(told["checks"])

    assert [compared(key) for key in (first, second, other)] == [1, 1, 0]
    assert [compared(key, checks=named) for key in (first, second, other)] == [1, 1, 1]
