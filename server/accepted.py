"""Headers of requests, and what those that begin with Accept prefer (RFC 9110, 12.4 and 12.5).

What is malformed counts as not given.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from starlette.types import Scope

MAX_RANGES = 100  # of a longer list, the first ones
KEPT = 1024  # different headers whose reading is remembered
QUALITY = re.compile(r"0?\.\d{1,9}|0(?:\.\d{0,9})?|1(?:\.0{0,9})?", re.ASCII)
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
MEDIA = re.compile(rf"{TOKEN.pattern}/{TOKEN.pattern}", re.ASCII)
JSON = "application/json"
BEST, EXCLUDED, UNNAMED = 1.0, 0.0, -1.0


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this name, which is in small letters, as it came."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


def ranges(header: str) -> Iterator[tuple[str, float, dict[str, str]]]:
    """The list's elements in their order: lower-case name, quality, other parameters."""
    for element in header.split(",", MAX_RANGES)[:MAX_RANGES]:
        name, *pieces = (piece.strip() for piece in element.split(";"))
        parameters = dict(_parameter(piece) for piece in pieces if piece)
        quality = parameters.pop("q", "1")
        if name and QUALITY.fullmatch(quality):
            yield name.lower(), float(quality), parameters


@lru_cache(KEPT)
def best_media(header: str | None, offered: tuple[str, ...]) -> str | None:
    """The media type to answer with, the first among equals; None where none is acceptable."""
    read = [
        ("*/*" if name == "*" else name, quality, parameters)
        for name, quality, parameters in ranges(header or "")
        if name == "*" or MEDIA.fullmatch(name)
    ]
    if not read:
        return offered[0]
    graded = [(_grade(read, media), media) for media in offered]
    best = max(quality for quality, _ in graded)
    return next((media for quality, media in graded if quality == best > EXCLUDED), None)


@lru_cache(KEPT)
def best_language(header: str, offered: tuple[str, ...]) -> str:
    """The language to answer in: one of the first and highest range, else one not excluded."""
    graded: dict[str, float] = {}
    for name, quality, _ in ranges(header):
        primary = re.split("[-_]", name, maxsplit=1)[0]
        graded[primary] = max(quality, graded.get(primary, UNNAMED))
    wildcard = graded.pop("*", UNNAMED)
    order = {name: place for place, name in enumerate(graded)}
    ranked = sorted(
        offered,
        key=lambda name: (-graded.get(name, wildcard), order.get(name, len(order))),
    )
    if graded.get(ranked[0], wildcard) > EXCLUDED:
        return ranked[0]
    return next((name for name in offered if graded.get(name) != EXCLUDED), offered[0])


@lru_cache(KEPT)
def best_coding(header: str, offered: tuple[str, ...], fallback: str) -> str:
    """The content coding of highest quality, the first of *offered* among equals, else identity.

    `*` stands for *fallback* where that is not named: a client that takes anything is sure to
    read the older coding. Where even identity is refused it is sent all the same, as 12.5.3 lets.
    """
    graded = {name: quality for name, quality, _ in ranges(header)}
    if "*" in graded:
        graded.setdefault(fallback, graded["*"])
    best = max(offered, key=lambda name: graded.get(name, EXCLUDED))
    quality = graded.get(best, EXCLUDED)
    return (
        best if quality > EXCLUDED and quality >= graded.get("identity", EXCLUDED) else "identity"
    )


def _grade(read: list[tuple[str, float, dict[str, str]]], media: str) -> float:
    """The quality that the most specific matching range gives."""
    name, *pieces = (piece.strip() for piece in media.split(";"))
    own = dict(_parameter(piece) for piece in pieces)
    kind = name.partition("/")[0]
    found = (-1, EXCLUDED)
    for given, quality, parameters in read:
        matched = {name: 4, f"{kind}/*": 1, "*/*": 0}.get(given, -1)
        if given == JSON and name.endswith("+json"):
            matched = 2
        said = parameters.keys() & own.keys()
        if any(parameters[key] != own[key] for key in said):
            continue
        if matched >= 0:
            found = max(found, (matched + (1 if said else 0), quality))
    return found[1]


def _parameter(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    return name.strip().lower(), value.strip().strip('"').lower()
