"""tipg: OGC API Features over asyncpg, as it comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from peers.questions import Question
from peers.servers import PROCESSES, Started, environment
from peers.table import IDENTIFIER, SCHEMA, TABLE
from psycopg.conninfo import conninfo_to_dict

from providers.grids import TileAddress

VERSION = "1.6.1"
PINS = (f"tipg=={VERSION}", "uvicorn[standard]==0.38.0")


@dataclass(frozen=True, slots=True)
class Tipg:
    """Two processes of its application."""

    name: str = "tipg"
    title: str = f"tipg {VERSION}"

    def start(self, folder: Path, url: str, port: int) -> Started:
        binaries = environment(self.name, *PINS)
        told = conninfo_to_dict(url)
        where = f"{quote(str(told['host']), safe='')}:{told['port']}"
        serve = [f"{binaries}/uvicorn", "tipg.main:app", "--workers", str(PROCESSES)]
        return Started(
            command=[*serve, "--port", str(port), "--no-access-log", "--log-level", "warning"],
            folder=folder,
            environ={
                "DATABASE_URL": f"postgresql://{told['user']}@{where}/{told['dbname']}",
                "TIPG_DB_SCHEMAS": f'["{SCHEMA}"]',
                "TIPG_DB_SPATIAL_EXTENT": "false",
                "TIPG_DB_DATETIME_EXTENT": "false",
            },
        )

    def addresses(self, question: Question) -> list[str]:
        asked = {"f": "geojson"}
        if question.code is not None:
            asked["dlbm"] = question.code
        if question.depth:
            asked["offset"] = str(question.depth)
        return question.at(f"/collections/{SCHEMA}.{TABLE}/items", asked)

    def tiles(self, places: Sequence[TileAddress]) -> list[str]:
        path = f"/collections/{SCHEMA}.{TABLE}/tiles"
        return [
            f"{path}/{p.grid.id}/{p.level}/{p.column}/{p.row}?properties={IDENTIFIER}"
            for p in places
        ]
