"""The published contract: its components, the document built from them, what it conforms to."""

import json
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from openapi import dialect

DOCUMENT = Path(__file__).with_name("onemap.openapi.json")


class Version(StrEnum):
    """The versions of OpenAPI in which the contract is said."""

    V3_0 = "3.0"
    V3_1 = "3.1"


def served(public_url: str, version: Version = Version.V3_0) -> dict[str, Any]:
    """The committed document with this server's address."""
    return {**_committed(version), "servers": [{"url": public_url}]}


@cache
def _committed(version: Version) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document if version is Version.V3_0 else dialect.modern(document)
