"""Ours: the rows as a managed layer, which counts for the bars, and as an external one."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peers.questions import Question
from peers.servers import PROCESSES, ROOT, Started
from peers.table import EXTERNAL, MANAGED

from providers.grids import TileAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class OneMap:
    """One server; `collection` says which of its two layers is asked."""

    catalogue: Path
    collection: str = MANAGED
    after: str | None = None  # the cursor of the deep page
    cache_mb: int | None = None  # of tiles; None: as it comes
    keeps: bool = False  # short pages of features, as it comes

    @property
    def name(self) -> str:
        kept = "_keeping" if self.keeps else ""
        return f"onemap{kept}" if self.collection == MANAGED else "onemap_external"

    @property
    def title(self) -> str:
        if self.keeps:
            return "OneMap (kept pages)"
        return "OneMap" if self.collection == MANAGED else "OneMap (external table)"

    def start(self, folder: Path, url: str, port: int) -> Started:
        return Started(
            command=[sys.executable, "-m", "server", "serve"],
            folder=ROOT,
            environ={
                "ONEMAP_DATABASE_URL": url,
                "ONEMAP_HOME": str(folder),
                "ONEMAP_CATALOGUE": str(self.catalogue),
                "ONEMAP_PORT": str(port),
                "ONEMAP_PROCESSES": str(PROCESSES),
                **({} if self.keeps else {"ONEMAP_PAGE_CACHE_MB": "0"}),
                **({} if self.cache_mb is None else {"ONEMAP_TILE_CACHE_MB": str(self.cache_mb)}),
            },
        )

    def addresses(self, question: Question) -> list[str]:
        code = "DLBM" if self.collection == MANAGED else "dlbm"
        asked: dict[str, str] = {}
        if question.code is not None:
            asked[code] = question.code
        if question.depth:
            if self.after is None:
                return []
            asked["cursor"] = self.after
        return question.at(f"/collections/{self.collection}/items", asked)

    def tiles(self, places: Sequence[TileAddress]) -> list[str]:
        path = f"/collections/{self.collection}/tiles"
        return [f"{path}/{p.grid.id}/{p.level}/{p.row}/{p.column}?f=mvt" for p in places]


def external(ours: OneMap) -> OneMap:
    """The same server, asked for the external layer."""
    return OneMap(catalogue=ours.catalogue, collection=EXTERNAL)


def keeping(ours: OneMap) -> OneMap:
    """The same as a server of its own that keeps short pages, as it comes; else none keeps any."""
    return OneMap(catalogue=ours.catalogue, keeps=True)
