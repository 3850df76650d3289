"""Martin, where MARTIN_BIN names its program: vector tiles straight from the table."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from peers.questions import Question
from peers.servers import PROCESSES, Started, Unavailable
from peers.table import IDENTIFIER, SCHEMA, TABLE

from providers.grids import TileAddress

VARIABLE = "MARTIN_BIN"


@dataclass(frozen=True, slots=True)
class Martin:
    """As many threads as the others have processes; with its cache, or without."""

    cache_mb: int = 0

    @property
    def name(self) -> str:
        return "martin" if not self.cache_mb else "martin_cached"

    @property
    def title(self) -> str:
        return "Martin"

    def start(self, folder: Path, url: str, port: int) -> Started:
        program = os.environ.get(VARIABLE)
        if not program:
            raise Unavailable(f"{VARIABLE} is not set")
        table = {
            "schema": SCHEMA,
            "table": TABLE,
            "srid": 4326,
            "geometry_column": "geom",
            "id_column": "gid",
            "geometry_type": "MULTIPOLYGON",
            "extent": 4096,
            "buffer": 64,
            "properties": {IDENTIFIER: "text"},
        }
        told = {
            "listen_addresses": f"127.0.0.1:{port}",
            "worker_processes": PROCESSES,
            "cache_size_mb": self.cache_mb,
            "postgres": {
                "connection_string": url,
                "pool_size": 8,
                "auto_publish": False,
                "tables": {TABLE: table},
            },
        }
        file = folder / "martin.yaml"
        file.write_text(yaml.safe_dump(told), "utf-8")
        return Started(command=[program, "--config", str(file)], folder=folder)

    def addresses(self, question: Question) -> list[str]:
        return []  # it has tiles only

    def tiles(self, places: Sequence[TileAddress]) -> list[str]:
        return [f"/{TABLE}/{p.level}/{p.column}/{p.row}" for p in places]
