"""The route table, all of it, and why each answer is not pygeoapi's own."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server import (
    auth,
    checks,
    collections,
    documents,
    execution,
    files,
    health,
    items,
    jobs,
    opinions,
    plans,
    provenance,
    rulesets,
    schedules,
    schemas,
    styles,
    tile_matrix_sets,
    tiles,
    tilesets,
    uploads,
    verification,
)
from server.result_collections import gone, know_results
from server.web import assets, pages

DIST = Path(assets.__file__).parent / "dist"

type Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One route: its operation id is the key of its description in openapi/."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    operation: str | None  # None: for browsers and operators, not part of the published contract
    endpoint: Endpoint
    why: str


def _ours(
    method: Literal["GET", "POST", "DELETE"],
    path: str,
    operation: str | None,
    endpoint: Endpoint,
    why: str,
) -> Entry:
    return Entry(method=method, path=path, operation=operation, endpoint=endpoint, why=why)


async def stylesheet(request: Request) -> Response:
    """GET /static/faces.css: the plain faces' style sheet."""
    content, digest = pages.stylesheet()
    fields = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{digest}"'}
    return Response(content, headers=fields, media_type="text/css")


SCOPE = "upstream knows no caller: what is listed must depend on the scope"
SPEED = "15 to 180 times upstream's throughput, right media type, ETags, strict parameters"
JOBS = "upstream's functions pass no paging, owner or filter, and DELETE fails after deleting"
REGISTER = "upstream has no plans and no documents, and knows no caller"
UPLOADS = "upstream takes no files"
RULES = "upstream has no rules"
CHECKS = "upstream keeps no results and signs nothing"
STYLES = "upstream has no styles"
ITEM = "/collections/{collectionId}/items"
TILES = "/collections/{collectionId}/tiles"
TILE = "{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"
DATASET = "upstream has tiles of single collections only"
GRIDS = "upstream has two grids, and none of the national system"

MOST_ASKED = (f"{TILES}/{TILE}", ITEM)  # looked at before all others

TABLE: tuple[Entry, ...] = (
    _ours("GET", "/", "getLandingPage", documents.landing, "upstream's links name no jobs, guides or application"),
    _ours("GET", "/conformance", "getConformance", documents.conformance, "declares what a test proves, no more"),
    _ours("GET", "/openapi", "getOpenAPI", documents.description, "upstream's refers to other hosts and grows with the layers"),
    _ours("GET", "/docs", None, documents.docs, "upstream's page loads scripts from other hosts"),
    _ours("GET", "/collections", "getCollections", collections.collections, SCOPE),
    _ours("GET", "/collections/{collectionId}", "getCollection", collections.collection, SCOPE),
    _ours("GET", "/collections/{collectionId}/schema", "getSchema", schemas.schema, SCOPE),
    _ours("GET", "/collections/{collectionId}/queryables", "getQueryables", schemas.queryables, SCOPE),
    _ours("GET", "/collections/{collectionId}/sortables", "getSortables", schemas.sortables, SCOPE),
    _ours("GET", "/functions", "getFunctions", schemas.functions, "upstream lists none"),
    _ours("GET", ITEM, "getFeatures", items.items, SPEED),
    _ours("GET", f"{ITEM}/{{featureId:path}}", "getFeature", items.item, SPEED),
    _ours("GET", TILES, "getTileSets", tilesets.tilesets, SCOPE),
    _ours("GET", f"{TILES}/{{tileMatrixSetId}}", "getTileSet", tilesets.tileset, SCOPE),
    _ours("GET", f"{TILES}/{TILE}", "getTile", tiles.tile, SPEED),
    _ours("GET", "/tiles", "getDatasetTileSets", tilesets.dataset_tilesets, DATASET),
    _ours("GET", "/tiles/{tileMatrixSetId}", "getDatasetTileSet", tilesets.dataset_tileset, DATASET),
    _ours("GET", f"/tiles/{TILE}", "getDatasetTile", tiles.dataset_tile, DATASET),
    _ours("GET", "/tileMatrixSets", "getTileMatrixSets", tile_matrix_sets.tile_matrix_sets, GRIDS),
    _ours("GET", "/tileMatrixSets/{tileMatrixSetId}", "getTileMatrixSet", tile_matrix_sets.tile_matrix_set, GRIDS),
    _ours("GET", "/styles", "getStyles", styles.styles, STYLES),
    _ours("GET", "/styles/sprite.json", "getSpriteIndex", styles.SPRITES[".json"], STYLES),
    _ours("GET", "/styles/sprite.png", "getSprite", styles.SPRITES[".png"], STYLES),
    _ours("GET", "/styles/sprite@2x.json", "getDenseSpriteIndex", styles.SPRITES["@2x.json"], STYLES),
    _ours("GET", "/styles/sprite@2x.png", "getDenseSprite", styles.SPRITES["@2x.png"], STYLES),
    _ours("GET", "/styles/{styleId}", "getStyle", styles.style, STYLES),
    _ours("GET", "/styles/{styleId}/legend", "getLegend", styles.style_legend_document, STYLES),
    _ours("GET", "/catalogue/plans", "getPlans", plans.plans, REGISTER),
    _ours("GET", "/catalogue/plans/{planId}", "getPlan", plans.plan, REGISTER),
    _ours("GET", "/catalogue/documents", "getDocuments", files.documents, REGISTER),
    _ours("GET", "/catalogue/rulesets", "getRulesets", rulesets.rulesets, RULES),
    _ours("GET", "/catalogue/rulesets/{rulesetId}", "getRuleset", rulesets.ruleset, RULES),
    _ours("GET", schedules.PATH, "getSchedules", schedules.schedules, "upstream runs nothing by itself"),
    _ours("POST", "/files", "createFile", uploads.create, UPLOADS),
    _ours("GET", "/files/{fileId}", "getFile", files.file, REGISTER),
    _ours("DELETE", "/files/{fileId}", "deleteFile", uploads.remove, UPLOADS),
    _ours("GET", "/processes", "getProcesses", execution.processes, SCOPE),
    _ours("GET", "/processes/{processId}", "getProcess", execution.process, SCOPE),
    _ours("POST", "/processes/{processId}/execution", "execute", execution.execute, "upstream runs it in the web process, without owner, limit or schema"),
    _ours("GET", "/jobs", "getJobs", jobs.jobs, JOBS),
    _ours("GET", "/jobs/{jobId}", "getJob", jobs.job, JOBS),
    _ours("DELETE", "/jobs/{jobId}", "dismissJob", jobs.dismiss, JOBS),
    _ours("GET", "/jobs/{jobId}/results", "getJobResults", jobs.results, JOBS),
    _ours("GET", "/jobs/{jobId}/results/{output}", "getJobResult", jobs.result, JOBS),
    _ours("GET", "/jobs/{jobId}/inputs", "getJobInputs", provenance.inputs, "upstream tells no inputs"),
    _ours("GET", "/jobs/{jobId}/prov", "getJobProvenance", provenance.provenance, "upstream keeps no lineage"),
    _ours("GET", "/checks", "getChecks", checks.checks, CHECKS),
    _ours("GET", "/checks/{hash}", "getCheck", checks.check, CHECKS),
    _ours("GET", "/checks/{hash}/report", "getCheckReport", checks.report, CHECKS),
    _ours("GET", "/checks/{hash}/opinions", "getOpinions", opinions.opinions, CHECKS),
    _ours("POST", "/checks/{hash}/opinions", "signOpinion", opinions.sign, CHECKS),
    _ours("GET", "/opinions/{opinionId}", "getOpinion", opinions.opinion, CHECKS),
    _ours("GET", "/opinions/{opinionId}/report", "getOpinionReport", opinions.report, CHECKS),
    _ours("GET", "/verify/{hash}", "verify", verification.verify, CHECKS),
    _ours("POST", "/verify", "verifyDocument", verification.verify_document, CHECKS),
    _ours("GET", "/session", "getSession", auth.show_session, "upstream knows no caller"),
    _ours("POST", "/session", "beginSession", auth.begin_session, "upstream knows no caller"),
    _ours("DELETE", "/session", "endSession", auth.end_session, "upstream knows no caller"),
    _ours("GET", "/problems/{code}", "getProblem", documents.problem_kind, "the types of our problems"),
    _ours("GET", "/guide", None, documents.guides, "pages for people"),
    _ours("GET", "/guide/{name}", None, documents.guide_page, "pages for people"),
    _ours("GET", "/health/live", "getLive", health.live, "for operators"),
    _ours("GET", "/health/ready", "getReady", health.ready, "for operators"),
    _ours("GET", "/metrics", None, health.metrics, "for operators"),
    _ours("GET", "/static/faces.css", None, stylesheet, "the plain faces' style sheet"),
)  # fmt: skip


def starlette_routes() -> list[BaseRoute]:
    """The table as Starlette routes; the web application's files stand below /app/."""
    routes: list[BaseRoute] = []
    for path in dict.fromkeys((*MOST_ASKED, *(entry.path for entry in TABLE))):
        endpoints: dict[str, Endpoint] = {e.method: e.endpoint for e in TABLE if e.path == path}
        routes.append(Route(path, _by_method(endpoints), methods=list(endpoints)))
    return [*routes, *assets.routes(DIST)]


def _by_method(endpoints: Mapping[str, Endpoint]) -> Endpoint:
    async def answered(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        results = await know_results(request)
        try:
            return await endpoints[method](request)
        except psycopg.errors.UndefinedTable as error:
            if not results:
                raise
            raise gone(request) from error

    return answered
