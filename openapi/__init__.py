"""The published contract: its components, the document built from them, what it conforms to."""

import json
from functools import cache
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).with_name("onemap.openapi.json")


def served(public_url: str) -> dict[str, Any]:
    """The committed document with this server's address."""
    return {**_committed(), "servers": [{"url": public_url}]}


@cache
def _committed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document
