"""What rules say as one short text: equal for equal content, another for any other."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from config.ruleset import Override, Ruleset


def content_digest(said: Ruleset | Override) -> str:
    """SHA-256 over everything that *said* says but its digest."""
    content = {f.name: _plain(getattr(said, f.name)) for f in fields(said) if f.name != "digest"}
    return _digest(content)


def laid_digest(
    ruleset: Ruleset,
    won: Sequence[tuple[str, str, str]],
    pairs: Sequence[tuple[str, str]],
) -> str:
    """The digest of *ruleset* with what is laid over it.

    *won* has the kind and id of each item that an override sets, and the digest of the one that counts;
    *pairs* are the compatible classes that are added.
    """
    return _digest([ruleset.digest, list(map(list, won)), list(map(list, pairs))])


def _digest(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """*value* as JSON: each value object with its name, sets and mappings in order, 1.0 as 1."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        said = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return {type(value).__name__: said}
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return {"number": f"{value.normalize():f}"}
        case Mapping():
            return sorted([_plain(key), _plain(held)] for key, held in value.items())
        case frozenset():
            return sorted(map(_plain, value))
        case tuple():
            return [_plain(held) for held in value]
    return str(value)
