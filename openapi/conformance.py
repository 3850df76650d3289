"""What the server declares to conform to: each class with the tests that prove it."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

EVIDENCE = Path(__file__).with_name("conformance.json")


def conformance_classes() -> frozenset[str]:
    """The URIs of the declared classes."""
    return frozenset(evidence())


@cache
def evidence() -> Mapping[str, Sequence[str]]:
    """The pytest node ids that prove each class."""
    found: dict[str, list[str]] = json.loads(EVIDENCE.read_text(encoding="utf-8"))
    return found
