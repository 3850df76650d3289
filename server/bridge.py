"""pygeoapi as a library: the routes that it answers, asked here and answered in our form.

What a caller sends is checked before; pygeoapi sees one format, one language and no headers, so
that its own reading of them (500 on `Accept: x;q=0`, on `zh-Hans`) is never reached.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from pygeoapi import l10n
from pygeoapi.api import API, APIRequest
from pygeoapi.api import tiles as upstream_tiles
from pygeoapi.error import GenericError
from starlette.requests import Request
from starlette.responses import Response

from config.settings import Settings
from config.vocabulary import Text
from providers.errors import BadParameter, NotFound
from providers.pygeoapi.caller import acting_as
from providers.tiles import GRID
from server import negotiate
from server.links import link, query
from server.state import onemap, scope
from server.stock import LANGUAGES, serve_stock, stock_configuration_text
from server.web.pages import Face

__all__ = ["serve_stock", "stock_configuration_text", "tile_matrix_set", "tile_matrix_sets"]

type Answer = tuple[dict[str, str], int, str | bytes]
type Upstream = Callable[..., Answer]

# Upstream's wheel brings no translations, and by default it looks for them in site-packages/locale,
# where any package may lay its own: this folder is not there, and every title given here is ours.
LOCALES = Path(__file__).resolve().parent / "locale"
MAX_THREADS = 4  # pygeoapi's functions block; they never take more of the process than this
SERVED_GRIDS: Mapping[str, Text] = {GRID: Text(zh="Web 墨卡托格网", en="Web Mercator grid")}


class UpstreamFailed(Exception):
    """pygeoapi answered with a server error of its own."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as pygeoapi reads it."""

    query_params: Mapping[str, str]
    path_info: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Bridge:
    """pygeoapi's API object over a minimal configuration, and the threads that it may block."""

    def __init__(self, settings: Settings) -> None:
        l10n.LOCALEDIR = LOCALES
        self._api = API(_minimal_configuration(settings), openapi={})
        self._threads = CapacityLimiter(MAX_THREADS)

    async def ask(self, request: Request, upstream: Upstream, *arguments: str) -> dict[str, Any]:
        """The JSON document that an endpoint function of pygeoapi gives for this caller.

        Raises
        ------
        BadParameter, NotFound
            Where pygeoapi answers 4xx or raises one of its own exceptions for such a status.
        UpstreamFailed
            Where it answers 5xx.
        """
        question = Question({"f": "json", "lang": negotiate.language(request)}, request.url.path)

        def answer() -> Answer:
            with acting_as(scope(request)):
                return upstream(self._api, APIRequest(question, self._api.locales), *arguments)

        try:
            # the thread runs in a copy of this task's context
            _, status, content = await to_thread.run_sync(answer, limiter=self._threads)
        except GenericError as error:
            raise _refusal(request, int(error.http_status_code), error.message) from error
        if status >= 400:
            raise _refusal(request, int(status), json.loads(content)["description"])
        document: dict[str, Any] = json.loads(content)
        return document


async def tile_matrix_sets(request: Request) -> Response:
    """GET /tileMatrixSets: pygeoapi's definitions of the grids that are served."""
    negotiate.only(request)
    lang, base = negotiate.language(request), onemap(request).settings.public_url
    known = (await _bridge(request).ask(request, upstream_tiles.tilematrixsets))["tileMatrixSets"]
    here = f"{base}/tileMatrixSets"
    body = {
        "links": _faces(here, "Tile matrix sets"),
        "tileMatrixSets": [
            {
                "id": grid["id"],
                "title": SERVED_GRIDS[grid["id"]].in_language(lang),
                "uri": grid["uri"],
                "links": _faces(f"{here}/{grid['id']}", grid["id"]),
            }
            for grid in known
            if grid["id"] in SERVED_GRIDS
        ],
    }
    return negotiate.respond(request, body, template=Face.DOCUMENT)


async def tile_matrix_set(request: Request) -> Response:
    """GET /tileMatrixSets/{tileMatrixSetId}: a TileMatrixSet as OGC 17-083r4 writes it in JSON."""
    negotiate.only(request)
    name = request.path_params["tileMatrixSetId"]
    if name not in SERVED_GRIDS:
        raise NotFound("tile matrix set", name)
    body = await _bridge(request).ask(request, upstream_tiles.tilematrixset, name)
    body["title"] = SERVED_GRIDS[name].in_language(negotiate.language(request))
    return negotiate.respond(request, body, template=Face.DOCUMENT)


def _bridge(request: Request) -> Bridge:
    """The application's bridge, built with the first question."""
    state = request.app.state
    if not hasattr(state, "bridge"):
        state.bridge = Bridge(onemap(request).settings)
    bridge: Bridge = state.bridge
    return bridge


def _faces(path: str, title: str) -> list[dict[str, str]]:
    return [
        link(path, "self", negotiate.JSON, title),
        link(query(path, {"f": "html"}), "alternate", negotiate.HTML, title),
    ]


def _refusal(request: Request, status: int, description: str) -> Exception:
    if status == 404:
        return NotFound("resource", request.url.path)
    if status < 500:
        return BadParameter("request", request.url.path, description)
    return UpstreamFailed(f"{status}: {description}")


def _minimal_configuration(settings: Settings) -> dict[str, Any]:
    """What pygeoapi must know to answer questions that concern no layer."""
    return {
        "server": {
            "url": settings.public_url,
            "languages": list(LANGUAGES),
            "encoding": "utf-8",
            "gzip": False,
            "mimetype": "application/json",
            "limits": {"default_items": 10, "max_items": 10},
        },
        "logging": {"level": "ERROR"},
        "metadata": {},
        "resources": {},
    }
