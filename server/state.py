"""What every endpoint may reach: settings, pools, and the snapshot of this moment."""

from dataclasses import dataclass, replace
from typing import cast

from starlette.requests import Request

from config.settings import Settings
from providers.access import Principal, Scope
from providers.database import Pools
from providers.jobs import JobStore
from server.keeper import SnapshotKeeper
from server.page_answers import PageAnswers
from server.snapshot import Snapshot
from server.tile_answers import TileAnswers
from server.tile_cache import TileCache

HELD = "onemap"


@dataclass(frozen=True, slots=True)
class OneMap:
    """The application's state; a request sees the snapshot that it began with, and no other."""

    settings: Settings
    pools: Pools
    keeper: SnapshotKeeper
    jobs: JobStore
    tiles: TileCache
    answers: TileAnswers
    pages: PageAnswers
    began_with: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self.began_with or self.keeper.current


def onemap(request: Request) -> OneMap:
    """The application's state as it was when this request first asked for it."""
    held = request.scope.get(HELD)
    if held is None:
        now = cast(OneMap, request.app.state.onemap)
        held = request.scope[HELD] = replace(now, began_with=now.keeper.current)
    return cast(OneMap, held)


def principal(request: Request) -> Principal:
    return cast(Principal, request.state.principal)


def scope(request: Request) -> Scope:
    return principal(request).scope
