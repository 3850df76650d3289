"""What every endpoint may reach: settings, pools, and the snapshot of this moment."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from config.settings import Settings
from providers.access import Principal, Scope
from providers.database import Pools
from providers.jobs import JobStore
from server.snapshot import Snapshot, SnapshotKeeper


@dataclass(frozen=True, slots=True)
class OneMap:
    """The application's state; `snapshot` is read once per request."""

    settings: Settings
    pools: Pools
    keeper: SnapshotKeeper
    jobs: JobStore

    @property
    def snapshot(self) -> Snapshot:
        return self.keeper.current


def onemap(request: Request) -> OneMap:
    return cast(OneMap, request.app.state.onemap)


def principal(request: Request) -> Principal:
    return cast(Principal, request.state.principal)


def scope(request: Request) -> Scope:
    return principal(request).scope
