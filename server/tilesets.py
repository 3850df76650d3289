"""Tilesets: of one collection, and of several layers in one tile; in every grid that is served."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import GeometryKind, Text
from providers.access import ALL, Scope
from providers.errors import NotFound
from providers.grids import GRIDS, WEB_MERCATOR_QUAD, grid_of
from providers.overview_omitted import is_counted
from providers.relations import SYSTEM_PROPERTIES
from server import negotiate
from server.asked import conditions_of, resolve_asked
from server.extents import visible_extent
from server.links import link, segment
from server.snapshot import Resolved, Snapshot
from server.state import onemap, scope
from server.tile_layers import asked_layers, left_out
from server.tile_parameters import tile_parameters
from server.tileset_documents import (
    TILEJSON,
    Subject,
    detailed,
    listed,
    tilejson,
    together_facts,
)
from server.tileset_facts import Part
from server.web.pages import Face

NOT_CARRIED = ("f", "lang")
DATASET = Text(zh="一张图", en="One Map")


async def tilesets(request: Request) -> Response:
    """GET /collections/{collectionId}/tiles."""
    return _list(request, await _collection(request))


async def tileset(request: Request) -> Response:
    """GET /collections/{collectionId}/tiles/{tileMatrixSetId}, in Web Mercator also as TileJSON."""
    return _one(request, await _collection(request))


async def dataset_tilesets(request: Request) -> Response:
    """GET /tiles: the tilesets of all layers that the caller may see, or of some."""
    return _list(request, await _dataset(request))


async def dataset_tileset(request: Request) -> Response:
    """GET /tiles/{tileMatrixSetId}."""
    return _one(request, await _dataset(request))


async def _collection(request: Request) -> Subject:
    one, caller, lang = onemap(request), scope(request), negotiate.language(request)
    collection = request.path_params["collectionId"]
    fields = one.snapshot.layer(collection, caller).fields
    given = tile_parameters(request, *(f.code for f in fields), *SYSTEM_PROPERTIES)
    resolved = await resolve_asked(one.snapshot, collection, given, caller)
    part = await _part(one.snapshot, resolved, given, caller)
    return Subject(
        here=f"{one.settings.public_url}/collections/{segment(collection)}/tiles",
        title=part.title(lang),
        parts=(part,),
        several=False,
        carried=_carried(given),
    )


async def _dataset(request: Request) -> Subject:
    one, caller, lang = onemap(request), scope(request), negotiate.language(request)
    given = tile_parameters(request, "collections")
    narrowing = {name: value for name, value in given.items() if name != "collections"}
    parts = []
    for name in asked_layers(one.snapshot, given, caller):
        resolved = await resolve_asked(one.snapshot, name, narrowing, caller)
        parts.append(await _part(one.snapshot, resolved, narrowing, caller))
    return Subject(
        here=f"{one.settings.public_url}/tiles",
        title=DATASET.in_language(lang),
        parts=tuple(parts),
        several=True,
        carried=_carried(given),
        left_out=tuple(left_out(one.snapshot, given, caller)),
    )


async def _part(
    snapshot: Snapshot, resolved: Resolved, given: Mapping[str, str], caller: Scope
) -> Part:
    if resolved.layer.geometry is GeometryKind.NONE:
        raise NotFound("tileset is made of a table without geometry:", resolved.id)
    now, conditions = resolved.at is None, conditions_of(resolved, given)
    plain = now and caller.areas is ALL and not conditions
    overview = resolved.overview if plain else None
    # where the rows of an earlier state were is recorded of all of them together only
    told = now or (caller.regions is ALL and caller.areas is ALL)
    box = await visible_extent(snapshot, resolved, caller) if told else None
    counted = overview is not None and caller.everywhere and is_counted(overview, resolved.layer)
    return Part(resolved=resolved, box=box, overview=overview, counted=counted)


def _carried(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if name not in NOT_CARRIED}


def _list(request: Request, subject: Subject) -> Response:
    base, lang = onemap(request).settings.public_url, negotiate.language(request)
    body = {
        "title": subject.title,
        **together_facts(subject, lang),
        "links": [
            link(subject.at(), "self", negotiate.JSON, subject.title),
            link(subject.at(f="html"), "alternate", negotiate.HTML, subject.title),
        ],
        "tilesets": [listed(subject, grid, base, lang) for grid in GRIDS.values()],
    }
    return negotiate.respond(request, body, template=Face.TILESETS)


def _one(request: Request, subject: Subject) -> Response:
    base, lang = onemap(request).settings.public_url, negotiate.language(request)
    grid = grid_of(request.path_params["tileMatrixSetId"])
    formats = {"json": negotiate.JSON, "html": negotiate.HTML}
    if grid is WEB_MERCATOR_QUAD:
        formats["tilejson"] = TILEJSON
    if negotiate.negotiated(request, formats) != "tilejson":
        body = detailed(subject, grid, base, lang)
        return negotiate.respond(request, body, template=Face.TILESET)
    content = negotiate.dumps(tilejson(subject, lang))
    tag = negotiate.etag(content, negotiate.encoding(request))
    if response := negotiate.unchanged(request, tag):
        return response
    fields = {"Content-Language": lang}
    return negotiate.answer(request, content, TILEJSON, headers=fields, tag=tag)
