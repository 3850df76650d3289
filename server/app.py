"""The application: everything it needs is passed in or opened here, and closed here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from config.loader import catalogue_folders
from config.model import Catalogue
from config.settings import Settings
from providers.current_revisions import CurrentRevisions
from providers.database import open_pools
from providers.jobs import open_jobs
from server.auth import Identification
from server.keeper import SnapshotKeeper
from server.middleware.envelope import Envelope, problem_response
from server.middleware.giving_way import GivingWay
from server.middleware.limits import Limits
from server.middleware.sharing import Sharing
from server.page_answers import PageAnswers
from server.routes import starlette_routes
from server.state import OneMap
from server.tile_answers import TileAnswers
from server.tile_cache import TileCache

BUILD = version("onemap-server")


def create_app(settings: Settings, catalogue: Catalogue, database_url: str) -> Starlette:
    """The ASGI application over one catalogue and one database."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        keep = timedelta(days=settings.job_days)
        async with (
            open_pools(database_url) as pools,
            open_jobs(database_url, pools, keep, settings.job_queue) as jobs,
        ):
            folders = catalogue_folders(settings)
            keeper = SnapshotKeeper(catalogue, pools, database_url, BUILD, folders)
            tiles = TileCache.of(settings, pools)
            pages = PageAnswers(CurrentRevisions(pools), settings.page_cache_mb)
            app.state.onemap = OneMap(
                settings, pools, keeper, jobs, tiles, TileAnswers(tiles.memory), pages
            )
            follower = asyncio.create_task(keeper.follow())
            try:
                yield
            finally:
                follower.cancel()
                with suppress(asyncio.CancelledError):
                    await follower
                await tiles.close()

    middleware = [
        Middleware(Envelope),
        Middleware(Sharing),
        Middleware(Limits, sync_wait_s=settings.sync_wait_s),
        Middleware(GivingWay),
        Middleware(Identification),
    ]
    app = Starlette(
        routes=starlette_routes(),
        middleware=middleware,
        exception_handlers={404: problem_response_for, 405: problem_response_for},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would name whatever host the caller named
    return app


async def problem_response_for(request: Request, error: Exception) -> Response:
    """The router's own refusals, as problems."""
    return problem_response(request, error)
