"""Vector tiles: of one collection, and of several in one."""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import EditionKey, GeometryKind, LayerId
from providers.access import Scope
from providers.errors import NotFound
from providers.grids import TileAddress, grid_of, parse_address
from providers.overview_sources import Drawn, Source
from providers.relations import SYSTEM_PROPERTIES
from providers.tile_reading import touched
from providers.tile_sources import source_of
from providers.tiles import MVT, TileQuery
from server import compression, negotiate
from server.asked import cached, conditions_of, resolve_asked
from server.compression import Coding
from server.snapshot import Resolved, Snapshot
from server.state import onemap, scope
from server.tile_cache import Wanted
from server.tile_figures import HAD, Had
from server.tile_layers import asked_layers, of_each, together
from server.tile_memory import Entry, Form, digest_of, tag_of
from server.tile_parameters import tile_parameters

TILE_FORMATS = {"mvt": MVT}
EMPTY = Entry.of(b"", 0)


async def tile(request: Request) -> Response:
    """GET …/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}: 204 where empty, 404 outside."""
    one = onemap(request)
    snapshot = one.snapshot
    everybody = request.state.principal.anonymous and not snapshot.results
    if everybody and (ready := one.answers.get(request, snapshot)) is not None:
        HAD[Had.MEMORY].inc()
        return ready
    caller, collection = scope(request), request.path_params["collectionId"]
    layer = snapshot.layer(collection, caller)
    given = tile_parameters(request, *(f.code for f in layer.fields), *SYSTEM_PROPERTIES)
    resolved = await resolve_asked(snapshot, collection, given, caller)
    negotiate.negotiated(request, TILE_FORMATS)
    query = TileQuery(address=_address(request), conditions=conditions_of(resolved, given))
    wanted = wanted_tile(snapshot, resolved, query, caller)
    entry = EMPTY if wanted is None else await one.tiles.tile(wanted)
    key = wanted.key if wanted is not None else None
    form = await one.tiles.form(key, entry, negotiate.encoding(request))
    response = _answer(request, form)
    if key is None:
        response = cached(request, response, layer)
    if everybody and key is not None and response.status_code == HTTPStatus.OK:
        one.answers.put(request, snapshot, key, entry, response, form)
    return response


async def dataset_tile(request: Request) -> Response:
    """GET /tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}: the layers' tiles as one."""
    one, caller = onemap(request), scope(request)
    given = tile_parameters(request, "collections")
    negotiate.negotiated(request, TILE_FORMATS)
    address = _address(request)
    names = asked_layers(one.snapshot, given, caller)
    narrowing = {name: value for name, value in given.items() if name != "collections"}

    async def asked(name: str) -> Resolved:
        return await resolve_asked(one.snapshot, name, narrowing, caller)

    found = await of_each(asked, names)
    wanted = [
        wanted_tile(
            one.snapshot,
            resolved,
            TileQuery(address=address, conditions=conditions_of(resolved, narrowing)),
            caller,
        )
        for resolved in found
    ]
    there = [each for each in wanted if each is not None]
    entries = await one.tiles.tiles(there)
    tiles = [(each.layer, entry) for each, entry in zip(there, entries, strict=True)]
    coding = negotiate.encoding(request)
    live = (r for r, each in zip(found, wanted, strict=True) if each is None or each.key is None)
    unkept = next((r.layer for r in live if r.layer.external is not None), None)
    response = await _together(request, tiles, coding)
    return response if unkept is None else cached(request, response, unkept)


async def _together(
    request: Request, tiles: Sequence[tuple[LayerId, Entry]], coding: Coding
) -> Response:
    digests = "".join(entry.digest for _, entry in tiles)
    tag = tag_of(digest_of(digests.encode()), coding)
    if (response := negotiate.unchanged(request, tag)) is not None:
        return response

    def joined() -> Form:
        content = together([(layer, entry.content) for layer, entry in tiles])
        form = Entry(content=content, revision=0, digest=tag).form(coding)
        return Form(form.content, tag, form.coding)

    large = sum(len(entry.content) for _, entry in tiles) > compression.ASIDE_BYTES
    return _answer(request, await run_in_threadpool(joined) if large else joined())


def _answer(request: Request, form: Form) -> Response:
    if (response := negotiate.unchanged(request, form.tag)) is not None:
        return response
    fields = {"ETag": form.tag, **negotiate.cache_headers(request)}
    if not form.content:
        return Response(status_code=204, headers=fields)
    if form.coding != "identity":
        fields["Content-Encoding"] = form.coding
    return Response(form.content, headers={"Content-Type": MVT, **fields})


def wanted_tile(
    snapshot: Snapshot, resolved: Resolved, query: TileQuery, caller: Scope
) -> Wanted | None:
    """What to ask the cache for; None where there are no rows to draw.

    A tile is kept where only its edition decides what it shows, and its revision tells when; of an
    external layer where what was once taken of its table does.
    """
    layer = resolved.layer
    if layer.geometry is GeometryKind.NONE:
        raise NotFound("tileset is made of a table without geometry:", resolved.id)
    if not resolved.answers:
        return None
    kept = resolved.at is None and not query.conditions
    overview = resolved.overview if kept else None
    source = source_of(query, caller, overview)
    key, revision = None, 0
    if kept and (shown := _shown(resolved, source)) is not None:
        one, (edition, revision) = query.address, shown
        key = (
            layer.id,
            edition,
            caller.key(),
            one.grid.id,
            one.level,
            one.row,
            one.column,
            str(source.drawn),
            source.zoom,
            overview.recipe if overview is not None else "",
            snapshot.build,
            snapshot.catalogue.digest,
        )
    store = snapshot.store
    return Wanted(
        key=key,
        layer=layer.id,
        zoom=query.address.zoom,
        revision=revision,
        source=source,
        make=partial(
            store.tile,
            layer,
            resolved.edition,
            query,
            caller,
            at=resolved.at,
            overview=overview,
        ),
        touched=partial(_touched, snapshot, resolved, query.address),
    )


def _shown(resolved: Resolved, source: Source) -> tuple[EditionKey, int] | None:
    """The edition and revision that a source shows now; None: an external table's rows have none."""
    state = resolved.state
    overview = None if source.drawn is Drawn.ROWS else resolved.overview
    if overview is not None and overview.taken is not None:
        return overview.taken.edition, overview.revision
    if state is None:
        return None
    return state.edition.key, state.revision if overview is None else overview.revision


async def _touched(
    snapshot: Snapshot, resolved: Resolved, address: TileAddress, after: int, until: int
) -> bool:
    if resolved.edition is None:
        return True
    fetch = snapshot.store.fetch
    return await touched(fetch, resolved.layer, resolved.edition, address, after, until)


def _address(request: Request) -> TileAddress:
    """The tile's address: not numbers is 400, outside the grid is 404."""
    given = request.path_params
    grid = grid_of(given["tileMatrixSetId"])
    return parse_address(grid, given["tileMatrix"], given["tileRow"], given["tileCol"])
