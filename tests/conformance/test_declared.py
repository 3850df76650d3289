"""What is declared is what is proved: runs after every other test."""

import httpx
import pytest

from openapi.conformance import conformance_classes, evidence


def test_the_committed_evidence_is_what_the_markers_say(
    marked_evidence: dict[str, list[str]], request: pytest.FixtureRequest
) -> None:
    """To bring it up to date: pytest tests/conformance --collect-only --write-evidence."""
    if request.config.getoption("keyword") or request.config.getoption("markexpr"):
        pytest.skip("only some tests were chosen")

    assert evidence() == marked_evidence


def test_the_server_declares_exactly_the_proved_classes(client: httpx.Client) -> None:
    assert set(client.get("/conformance").json()["conformsTo"]) == conformance_classes()


@pytest.mark.parametrize("conformance_class", sorted(conformance_classes()))
def test_every_test_of_a_declared_class_has_passed(
    conformance_class: str, outcomes: dict[str, set[str]]
) -> None:
    tests = evidence()[conformance_class]
    unproved = {
        test: outcomes.get(test, {"absent"}) for test in tests if outcomes.get(test) != {"passed"}
    }

    assert tests
    assert not unproved
