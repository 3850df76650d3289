"""Documents about the server itself: landing page, conformance, OpenAPI, problems, guides."""

from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import openapi
from config.vocabulary import Text
from openapi import Version
from openapi.conformance import conformance_classes
from openapi.wording import in_language
from processes.spec import REL
from providers.errors import NotFound
from server import negotiate, problems
from server.compression import Coding, packed
from server.guide import render as guide
from server.links import link, query
from server.state import onemap, principal

TITLE = Text(
    zh="国土空间规划“一张图”实施监督信息系统",
    en="OneMap: territorial spatial planning on one map",
)
DESCRIPTION = Text(
    zh="以 OGC API 标准发布规划图层（要素、瓦片）与审查评价算法（处理）。系统辅助分析，不作为审批依据。",
    en="Planning layers as OGC API Features and Tiles, checks and evaluations as OGC API Processes."
    " Analysis is advisory and no basis of approval.",
)
LINKS = {  # the titles of the landing page's links
    "self": Text(zh="本文档", en="This document"),
    "docs": Text(zh="接口文档", en="API documentation"),
    "conformance": Text(zh="符合性声明", en="Conformance"),
    "collections": Text(zh="数据集", en="Collections"),
    "tiles": Text(zh="矢量瓦片", en="Vector tilesets"),
    "grids": Text(zh="瓦片矩阵集", en="Tile matrix sets"),
    "processes": Text(zh="处理服务", en="Processes"),
    "jobs": Text(zh="任务", en="Jobs"),
    "plans": Text(zh="规划名录", en="Plan register"),
    "documents": Text(zh="文档", en="Documents"),
    "map": Text(zh="一张图", en="One Map"),
    "guides": Text(zh="使用指南", en="Guides"),
}
CONTRACTS = {"json": negotiate.OPENAPI, "json31": negotiate.OPENAPI_3_1}
VERSIONS = {"json": Version.V3_0, "json31": Version.V3_1}


async def landing(request: Request) -> Response:
    """GET /."""
    negotiate.only(request)
    base, lang = onemap(request).settings.public_url, negotiate.language(request)
    json, html = negotiate.JSON, negotiate.HTML
    named = {name: title.in_language(lang) for name, title in LINKS.items()}
    body = {
        "title": TITLE.in_language(lang),
        "description": DESCRIPTION.in_language(lang),
        "links": [
            link(f"{base}/", "self", json, named["self"]),
            link(f"{base}/?f=html", "alternate", html, "HTML"),
            link(f"{base}/openapi", "service-desc", negotiate.OPENAPI, "OpenAPI 3.0"),
            link(f"{base}/openapi?f=json31", "service-desc", negotiate.OPENAPI_3_1, "OpenAPI 3.1"),
            link(f"{base}/docs", "service-doc", html, named["docs"]),
            link(f"{base}/conformance", "conformance", json, named["conformance"]),
            link(f"{base}/conformance", f"{REL}conformance", json, named["conformance"]),
            link(f"{base}/collections", "data", json, named["collections"]),
            link(f"{base}/collections", f"{REL}data", json, named["collections"]),
            link(f"{base}/tiles", f"{REL}tilesets-vector", json, named["tiles"]),
            link(f"{base}/tileMatrixSets", f"{REL}tiling-schemes", json, named["grids"]),
            link(f"{base}/processes", f"{REL}processes", json, named["processes"]),
            link(f"{base}/jobs", f"{REL}job-list", json, named["jobs"]),
            link(f"{base}/catalogue/plans", "related", json, named["plans"]),
            link(f"{base}/catalogue/documents", "related", json, named["documents"]),
            link(f"{base}/app/map", "related", html, named["map"]),
            link(f"{base}/guide?f=html", "help", html, named["guides"]),
        ],
    }
    return negotiate.respond(request, body, template="landing.html")


async def conformance(request: Request) -> Response:
    """GET /conformance: the classes that a committed test proves."""
    negotiate.only(request)
    return negotiate.respond(
        request, {"conformsTo": sorted(conformance_classes())}, template="conformance.html"
    )


async def description(request: Request) -> Response:
    """GET /openapi: the published contract with this server's address, the same for every caller."""
    negotiate.only(request)
    lang, coding = negotiate.language(request), negotiate.encoding(request)
    chosen = negotiate.negotiated(request, CONTRACTS)
    content, tag = _contract(onemap(request).settings.public_url, VERSIONS[chosen], coding)
    if response := negotiate.unchanged(request, tag):
        return response
    coded = {} if coding == "identity" else {"Content-Encoding": coding}
    headers = {"Content-Language": lang, **coded}
    return negotiate.answer(request, content, CONTRACTS[chosen], headers=headers, tag=tag)


@lru_cache(maxsize=16)
def _contract(public_url: str, version: Version, coding: Coding) -> tuple[bytes, str]:
    """The document's bytes in a coding, and their tag."""
    content = negotiate.dumps(openapi.served(public_url, version))
    if coding != "identity":
        content = packed(content, coding)
    return content, negotiate.etag(content)


async def docs(request: Request) -> Response:
    """GET /docs: the contract to read, in the reader's language."""
    negotiate.only(request)
    document = _told(onemap(request).settings.public_url, negotiate.language(request))
    return _page(request, document, "docs.html")


@lru_cache(maxsize=4)
def _told(public_url: str, lang: str) -> dict[str, Any]:
    document: dict[str, Any] = in_language(openapi.served(public_url), lang)
    return document


async def problem_kind(request: Request) -> Response:
    """GET /problems/{code}: what a problem's type means."""
    negotiate.only(request)
    lang, code = negotiate.language(request), request.path_params["code"]
    kind = problems.documented().get(code)
    if kind is None:
        raise NotFound("problem type", code)
    body = {
        "code": kind.code,
        "status": int(kind.status),
        "title": kind.title.in_language(lang),
        "type": kind.uri or f"{onemap(request).settings.public_url}/problems/{kind.code}",
    }
    return negotiate.respond(request, body, template="document.html")


async def guides(request: Request) -> Response:
    """GET /guide: the list of guides."""
    negotiate.only(request)
    lang, base = negotiate.language(request), onemap(request).settings.public_url
    entries = [
        link(query(f"{base}/guide/{name}", {"lang": lang}), "item", negotiate.HTML, title)
        for name, title in guide.contents(lang)
    ]
    title = Text(zh="使用指南", en="Guides").in_language(lang)
    return negotiate.respond(request, {"title": title, "links": entries}, template="document.html")


async def guide_page(request: Request) -> Response:
    """GET /guide/{name}: one guide, rendered from its Markdown."""
    negotiate.only(request)
    lang, name = negotiate.language(request), request.path_params["name"]
    found = guide.page(lang, name)
    if found is None:
        raise NotFound("guide", name)
    contents = [entry._asdict() for entry in guide.contents(lang)]
    body = {"name": name, "title": found.title, "html": found.html, "contents": contents}
    return _page(request, body, "guide.html")


def _page(request: Request, document: dict[str, Any], template: str) -> Response:
    lang = negotiate.language(request)
    negotiate.negotiated(request, {"html": negotiate.HTML})
    text = negotiate.render(request, document, template=template, lang=lang).encode()
    tag = negotiate.etag(text, principal(request).id, negotiate.encoding(request))
    if response := negotiate.unchanged(request, tag):
        return response
    kind = f"{negotiate.HTML}; charset=utf-8"
    return negotiate.answer(request, text, kind, headers={"Content-Language": lang}, tag=tag)
