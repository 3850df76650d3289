"""Vector tiles and their tilesets."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import GeometryKind
from processes.spec import REL
from providers.crs import CRS84_URI
from providers.errors import BadParameter, NotFound
from providers.layers import Box
from providers.tiles import GRID, MAX_ZOOM, MVT, TileQuery
from server import negotiate
from server.asked import cached, resolve_asked, valid_in
from server.extents import visible_extent
from server.links import link, query
from server.snapshot import Resolved
from server.state import onemap, scope

GRID_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
TILE_FORMATS = {"mvt": MVT}


async def tile(request: Request) -> Response:
    """GET …/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}: 200, 204 where empty, 404 outside."""
    one, caller = onemap(request), scope(request)
    given = negotiate.only(request, "datetime", "asOf")
    collection = request.path_params["collectionId"]
    resolved = await resolve_asked(one.snapshot, collection, given, caller)
    layer = resolved.layer
    _with_geometry(resolved)
    negotiate.negotiated(request, TILE_FORMATS)
    valid = valid_in(layer, given)
    address = replace(_address(request), conditions=() if valid is None else (valid,))
    if not resolved.answers:
        return Response(status_code=204, headers=negotiate.cache_headers(request))
    content = await one.snapshot.store.tile(
        layer, resolved.edition, address, caller, at=resolved.at
    )
    tag = negotiate.etag(content.hex(), negotiate.encoding(request))
    response = negotiate.unchanged(request, tag)
    if response is None and not content:
        headers = {"ETag": tag, **negotiate.cache_headers(request)}
        response = Response(status_code=204, headers=headers)
    return cached(request, response or negotiate.answer(request, content, MVT, tag=tag), layer)


async def tilesets(request: Request) -> Response:
    """GET /collections/{collectionId}/tiles."""
    negotiate.only(request)
    one = onemap(request)
    resolved = one.snapshot.resolve(request.path_params["collectionId"], None, scope(request))
    _with_geometry(resolved)
    box = await visible_extent(one.snapshot, resolved, scope(request))
    base = one.settings.public_url
    here = f"{base}/collections/{resolved.id}/tiles"
    body = {
        "links": [link(here, "self", negotiate.JSON, "Tilesets")],
        "tilesets": [_tileset(resolved, box, base, negotiate.language(request))],
    }
    return negotiate.respond(request, body, template="tilesets.html")


async def tileset(request: Request) -> Response:
    """GET /collections/{collectionId}/tiles/WebMercatorQuad, also as TileJSON."""
    negotiate.only(request)
    one, lang = onemap(request), negotiate.language(request)
    resolved = one.snapshot.resolve(request.path_params["collectionId"], None, scope(request))
    _with_geometry(resolved)
    _grid(request)
    box = await visible_extent(one.snapshot, resolved, scope(request))
    base = one.settings.public_url
    chosen = negotiate.negotiated(
        request,
        {
            "json": negotiate.JSON,
            "tilejson": "application/vnd.mapbox.tilejson+json",
            "html": negotiate.HTML,
        },
    )
    if chosen == "tilejson":
        body = _tilejson(resolved, box, base, lang)
        return negotiate.answer(
            request, negotiate.dumps(body), "application/vnd.mapbox.tilejson+json"
        )
    return negotiate.respond(request, _tileset(resolved, box, base, lang), template="document.html")


def _tileset(resolved: Resolved, box: Box | None, base: str, lang: str) -> dict[str, Any]:
    layer = resolved.layer
    here = f"{base}/collections/{resolved.id}/tiles/{GRID}"
    template = f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt"
    document: dict[str, Any] = {
        "title": layer.title.in_language(lang),
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": GRID_URI,
        "links": [
            link(here, "self", negotiate.JSON, GRID),
            link(
                query(here, {"f": "tilejson"}),
                "describedby",
                "application/vnd.mapbox.tilejson+json",
                "TileJSON",
            ),
            link(f"{base}/tileMatrixSets/{GRID}", f"{REL}tiling-scheme", negotiate.JSON, GRID),
            {"href": template, "rel": "item", "type": MVT, "title": "MVT", "templated": True},
        ],
        "layers": [
            {"id": layer.id, "dataType": "vector", "geometryDimension": _dimension(layer.geometry)}
        ],
    }
    if box is not None:
        west, south, east, north = box
        document["boundingBox"] = {
            "lowerLeft": [west, south],
            "upperRight": [east, north],
            "crs": CRS84_URI,
        }
    return document


def _tilejson(resolved: Resolved, box: Box | None, base: str, lang: str) -> dict[str, Any]:
    layer = resolved.layer
    fields = {f.code: f.title.in_language(lang) for f in layer.fields}
    document: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": layer.title.in_language(lang),
        "attribution": layer.source.in_language(lang),
        "tiles": [f"{base}/collections/{resolved.id}/tiles/{GRID}/{{z}}/{{y}}/{{x}}?f=mvt"],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "vector_layers": [{"id": layer.id, "fields": fields}],
    }
    if box is not None:
        document["bounds"] = list(box)
    return document


def _dimension(kind: GeometryKind) -> int:
    return {GeometryKind.POINT: 0, GeometryKind.LINE: 1, GeometryKind.POLYGON: 2}[kind]


def _with_geometry(resolved: Resolved) -> None:
    if resolved.layer.geometry is GeometryKind.NONE:
        raise NotFound("tileset: the layer is a table without geometry", resolved.id)


def _grid(request: Request) -> None:
    if request.path_params["tileMatrixSetId"] != GRID:
        raise NotFound("tile matrix set", request.path_params["tileMatrixSetId"])


def _address(request: Request) -> TileQuery:
    """The tile's address: not numbers is 400, outside the grid is 404."""
    _grid(request)
    numbers: list[int] = []
    for name in ("tileMatrix", "tileRow", "tileCol"):
        text = request.path_params[name]
        if not text.isascii() or not text.isdigit() or len(text) > 10:
            raise BadParameter(name, text, "a whole number, zero or greater")
        numbers.append(int(text))
    z, row, column = numbers
    if z > MAX_ZOOM:
        raise NotFound(f"tile matrix in {GRID} (0 to {MAX_ZOOM})", str(z))
    if row >= 2**z or column >= 2**z:
        raise NotFound(f"tile in matrix {z} of {GRID}", f"{row}/{column}")
    return TileQuery(z=z, row=row, column=column)
