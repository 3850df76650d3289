"""The plain HTML faces: pure functions from a JSON document to a page, no script, no other host."""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.web import branches, conditions, faults, operations, recipes, sketch, values, words

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
# Parts of a collection whose documents carry the collection's title.
TITLED_PARTS = frozenset({"items", "schema", "queryables", "sortables"})
# Steps of addresses at which no page stands: they are named, not linked.
PAGELESS = frozenset({"/catalogue", "/files", "/opinions", "/problems", "/verify"})


class Face(StrEnum):
    """The templates that `render` knows."""

    LANDING = "landing.html"
    CONFORMANCE = "conformance.html"
    COLLECTIONS = "collections.html"
    COLLECTION = "collection.html"
    ITEMS = "items.html"
    ITEM = "item.html"
    SCHEMA = "schema.html"
    TILESETS = "tilesets.html"
    TILESET = "tileset.html"
    TILE_MATRIX_SETS = "tile_matrix_sets.html"
    TILE_MATRIX_SET = "tile_matrix_set.html"
    PROCESSES = "processes.html"
    PROCESS = "process.html"
    JOBS = "jobs.html"
    JOB = "job.html"
    RESULTS = "results.html"
    PLANS = "plans.html"
    PLAN = "plan.html"
    DOCUMENTS = "documents.html"
    PROBLEM = "problem.html"
    DOCS = "docs.html"
    GUIDE = "guide.html"
    FUNCTIONS = "functions.html"
    STYLES = "styles.html"
    LEGEND = "legend.html"
    CHECKS = "checks.html"
    CHECK = "check.html"
    OPINIONS = "opinions.html"
    OPINION = "opinion.html"
    VERIFICATION = "verification.html"
    DOCUMENT = "document.html"  # any other JSON document


class Alternate(NamedTuple):
    """The same resource in another format."""

    media_type: str
    title: str
    href: str


class Crumb(NamedTuple):
    """One step of the way from the landing page to this one."""

    label: str
    href: str | None  # None where no page stands


def render(
    template: str,
    document: Mapping[str, Any],
    *,
    lang: str,
    path: str,
    alternates: Sequence[Alternate],
    user: str | None = None,
    beside: Mapping[str, Any] | None = None,
) -> str:
    """The page of *document*; *path* is the request's path with its query string.

    *beside* is what the page tells and the document does not: maps, titles of codes, a plan.
    """
    crumbs = breadcrumbs(document, path=path, lang=lang)
    return (
        _environment()
        .get_template(str(template))
        .render(
            document=document,
            lang=lang,
            path=path,
            alternates=_alternates(template, alternates),
            user=user,
            beside=beside or {},
            crumbs=crumbs,
            heading=_heading(document, path=path, crumbs=crumbs),
            collection_id=collection_id(path),
            feature_id=feature_id(path),
            synthetic=is_synthetic(document),
            say=partial(words.say, lang),
            here=partial(with_language, lang=chosen_language(path)),
            digest=stylesheet()[1],
        )
    )


@cache
def stylesheet() -> tuple[bytes, str]:
    """The content of `/static/faces.css` and its digest."""
    content = (Path(__file__).parent / "faces.css").read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]


def heading(document: Mapping[str, Any]) -> str | None:
    """The title that the document gives itself, if any."""
    info = document.get("info")  # an OpenAPI document
    title = document.get("title") or (info.get("title") if isinstance(info, Mapping) else None)
    return title if isinstance(title, str) else None


def _heading(document: Mapping[str, Any], *, path: str, crumbs: Sequence[Crumb]) -> str:
    """The document's own title; a part that has the title of its collection says which part it is."""
    own = heading(document)
    match _segments(path):
        case ["collections", _, part] if own and part in TITLED_PARTS and "code" not in document:
            return own if part == "items" else f"{own} · {crumbs[-1].label}"
        case _:
            return own or " · ".join(_subject(crumbs))


def is_synthetic(document: Mapping[str, Any]) -> bool:
    """Whether the document says that its data are generated (模拟数据)."""
    extension = document.get("x-onemap")
    return isinstance(extension, Mapping) and extension.get("synthetic") is True


def collection_id(path: str) -> str | None:
    """The collection that *path* lies in."""
    match _segments(path):
        case ["collections", name, *_]:
            return name
        case _:
            return None


def feature_id(path: str) -> str | None:
    """The feature that *path* names; its id may hold slashes."""
    match _segments(path):
        case ["collections", _, "items", *rest] if rest:
            return "/".join(rest)
        case _:
            return None


def breadcrumbs(document: Mapping[str, Any], *, path: str, lang: str) -> list[Crumb]:
    """The way from the landing page; names of collections come from the document's own links."""
    chosen = chosen_language(path)
    crumbs = [Crumb(words.say(lang, "home"), with_language("/", lang=chosen))]
    segments = _segments(path)
    for position, segment in enumerate(segments):
        label = segment
        if _is_word(position, segments):
            label = words.say(lang, f"segment.{segment}", segment)
        if position == len(segments) - 1 and label == segment:
            label = heading(document) or label
        elif position == 1 and segments[0] == "collections":
            label = _collection_title(document, segments) or segment
        address = "/" + "/".join(quote(each, safe="") for each in segments[: position + 1])
        href = None if address in PAGELESS else with_language(address, lang=chosen)
        crumbs.append(Crumb(label, href))
    return crumbs


def _is_word(position: int, segments: Sequence[str]) -> bool:
    """Words stand at even places, identifiers between them: /collections/{id}/items/{id}.

    Below the catalogue a second word tells what is listed: /catalogue/plans/{id}.
    """
    return position < 2 if segments[0] == "catalogue" else position % 2 == 0


def _collection_title(document: Mapping[str, Any], segments: Sequence[str]) -> str | None:
    """The collection's title where its part says it: by its own title, else by its link."""
    is_part = len(segments) == 3 and segments[2] in TITLED_PARTS and "code" not in document
    if is_part and (own := heading(document)):  # a problem, which has a code, is named otherwise
        return own
    owner = values.link_to(document, "collection") or {}
    return str(owner["title"]) if owner.get("title") else None


def chosen_language(path: str) -> str | None:
    """The language that the address asks for; links to this system keep it."""
    asked = dict(parse_qsl(urlsplit(path).query)).get("lang")
    return asked if asked in words.LANGUAGES else None


def with_language(path: str, *, lang: str | None) -> str:
    """*path* in this language, its other parameters kept; None leaves the choice to the reader."""
    parts = urlsplit(path)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name != "lang"
    ]
    if lang is not None:
        query.append(("lang", lang))
    # Each segment is quoted anew, so that no path ("//host", "/\\host") can name another host.
    segments = (quote(unquote(part), safe="") for part in parts.path.lstrip("/").split("/"))
    return "/" + "/".join(segments) + (f"?{urlencode(query)}" if query else "")


def _alternates(template: str, given: Sequence[Alternate]) -> Sequence[Alternate]:
    """Where the same is to be had: a guide is a page alone, the documentation is that of /openapi."""
    match template:
        case Face.GUIDE:
            return ()
        case Face.DOCS:
            return (Alternate(OPENAPI, "OpenAPI", "/openapi"),)
        case _:
            return given


def _unspoken(limits: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The members of a schema that there is no word for."""
    return {n: limit for n, limit in limits.items() if not words.say(lang, f"keyword.{n}", "")}


def _subject(crumbs: Sequence[Crumb]) -> Sequence[str]:
    """What a document without a title is about: its place, behind the resource it belongs to."""
    return [crumb.label for crumb in crumbs[-2:] if len(crumbs) > 3 or crumb is crumbs[-1]]


def _segments(path: str) -> list[str]:
    return [unquote(part) for part in urlsplit(path).path.split("/") if part]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        LANGUAGES=words.LANGUAGES,
        word=words.say,
        with_language=with_language,
        kind=values.kind,
        text=values.text,
        json_text=values.json_text,
        safe_href=values.safe_href,
        colour=values.colour,
        columns=values.columns,
        rest=values.rest,
        geometry_summary=values.geometry_summary,
        relation=values.relation,
        main_links=values.main_links,
        link_to=values.link_to,
        local_time=values.local_time,
        rounded_area=values.rounded_area,
        unit_within=values.unit_within,
        merged=values.merged,
        in_chinese=faults.in_chinese,
        reason_in_chinese=faults.reason_in_chinese,
        type_name=values.type_name,
        code_titles=values.code_titles,
        unspoken=_unspoken,
        groups=operations.groups,
        resolve=operations.resolve,
        examples=operations.examples,
        anchor=operations.anchor,
        conditions=conditions.conditions,
        asked=conditions.asked,
        without=conditions.without,
        kept=conditions.kept,
        file_links=conditions.file_links,
        recipes=recipes.recipes,
        extent_sketch=sketch.extent_sketch,
        outline=sketch.outline,
        branches=branches.branches,
        themes=branches.themes,
        EXAMPLES=conditions.EXAMPLES,
        OF_ITEMS=conditions.OF_ITEMS,
        OF_COLLECTIONS=conditions.OF_COLLECTIONS,
        quoted=partial(quote, safe=""),
    )
    return environment
