"""Outcomes of the run, and the evidence that openapi/conformance.json should hold."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest

EVIDENCE = Path(__file__).resolve().parents[2] / "openapi" / "conformance.json"
HERE = Path(__file__).parent
OUTCOMES: dict[str, set[str]] = defaultdict(set)
FOUND: dict[str, list[str]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-evidence",
        action="store_true",
        help="write openapi/conformance.json from the markers",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Gather what the markers say; the tests about the whole run come last."""
    last = [item for item in items if item.path == HERE / "test_declared.py"]
    items[:] = [item for item in items if item not in last] + last
    classes: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.path.parent == HERE:
            for marker in item.iter_markers("requirement"):
                classes[_conformance_class(marker.args[0])].add(_whole(item.nodeid))
    FOUND.update({name: sorted(tests) for name, tests in sorted(classes.items())})
    if config.getoption("--write-evidence", default=False):
        EVIDENCE.write_text(json.dumps(FOUND, indent=2) + "\n", encoding="utf-8")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or not report.passed:
        OUTCOMES[_whole(report.nodeid)].add(report.outcome)


@pytest.fixture
def marked_evidence() -> dict[str, list[str]]:
    """Each class that a marker names, with its tests."""
    return FOUND


@pytest.fixture
def outcomes() -> dict[str, set[str]]:
    """What came of each test so far."""
    return OUTCOMES


@pytest.fixture(scope="session")
def published(client: httpx.Client) -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    document: dict[str, Any] = client.get("/openapi").raise_for_status().json()
    return document


def _whole(nodeid: str) -> str:
    """The test without its parameters."""
    return nodeid.partition("[")[0]


def _conformance_class(requirement: str) -> str:
    """…/req/core/fc-op belongs to …/conf/core."""
    standard, _, rest = requirement.partition("/req/")
    return f"{standard}/conf/{rest.partition('/')[0]}"
