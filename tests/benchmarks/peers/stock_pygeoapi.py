"""pygeoapi as it comes, its own PostgreSQL provider, with its counting off."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from peers.questions import Question
from peers.servers import PROCESSES, Started, environment
from peers.table import CELL, COLUMNS, ORIGIN, ROWS, SCHEMA, TABLE
from psycopg.conninfo import conninfo_to_dict

from providers.grids import TileAddress

VERSION = "0.24.0"
PINS = (
    f"pygeoapi=={VERSION}",
    "geoalchemy2==0.20.0",
    "psycopg2-binary==2.9.13",
    "sqlalchemy==2.1.9",
    "starlette==1.10.0",
    "uvicorn[standard]==0.38.0",
)
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@dataclass(frozen=True, slots=True)
class Pygeoapi:
    """Two processes of its Starlette application."""

    name: str = "pygeoapi"
    title: str = f"pygeoapi {VERSION}"

    def start(self, folder: Path, url: str, port: int) -> Started:
        binaries = environment(self.name, *PINS)
        configuration = folder / "pygeoapi.yml"
        configuration.write_text(yaml.safe_dump(_configuration(url, port, folder)), "utf-8")
        description = folder / "openapi.json"
        generate = f"{binaries}/pygeoapi openapi generate {configuration} --format json"
        serve = f"{binaries}/uvicorn pygeoapi.starlette_app:APP --workers {PROCESSES}"
        quiet = "--no-access-log --log-level warning"
        script = f"{generate} --output-file {description} && exec {serve} --port {port} {quiet}"
        return Started(
            command=["/bin/sh", "-c", script],
            folder=folder,
            environ={"PYGEOAPI_CONFIG": str(configuration), "PYGEOAPI_OPENAPI": str(description)},
        )

    def addresses(self, question: Question) -> list[str]:
        asked = {"f": "json"}
        if question.code is not None:
            asked["dlbm"] = question.code
        if question.depth:
            asked["offset"] = str(question.depth)
        return question.at(f"/collections/{TABLE}/items", asked)

    def tiles(self, places: Sequence[TileAddress]) -> list[str]:
        return []  # it draws none from a table


def _configuration(url: str, port: int, folder: Path) -> dict[str, object]:
    told = conninfo_to_dict(url)
    data = {
        "host": told["host"],
        "port": int(told["port"] or 5432),
        "user": told["user"],
        "dbname": told["dbname"],
        "password": "",
        "search_path": [SCHEMA, "public"],
    }
    west, south = ORIGIN
    box = [west, south, west + COLUMNS * CELL[0], south + ROWS * CELL[1]]
    provider = {
        "type": "feature",
        "name": "PostgreSQL",
        "data": data,
        "id_field": "gid",
        "table": TABLE,
        "geom_field": "geom",
        "count": False,
        "crs": [CRS84],
        "storage_crs": CRS84,
    }
    collection = {
        "type": "collection",
        "title": "Parcels",
        "description": "Parcels",
        "keywords": ["parcels"],
        "links": [],
        "extents": {"spatial": {"bbox": box, "crs": CRS84}},
        "providers": [provider],
    }
    limits = {"default_items": 10, "max_items": 10_000, "on_exceed": "throttle"}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "gzip": False,
            "manager": {
                "name": "TinyDB",
                "connection": str(folder / "jobs.db"),
                "output_dir": str(folder),
            },
            "languages": ["en-US"],
            "limits": limits,
            "map": {"url": "http://127.0.0.1/{z}/{x}/{y}.png", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "bench",
                "description": "bench",
                "keywords": ["bench"],
                "keywords_type": "theme",
                "terms_of_service": "none",
                "url": "http://127.0.0.1",
            },
            "license": {"name": "none", "url": "http://127.0.0.1"},
            "provider": {"name": "bench", "url": "http://127.0.0.1"},
            "contact": {"name": "bench", "url": "http://127.0.0.1"},
        },
        "resources": {
            TABLE: collection,
            "hello-world": {"type": "process", "processor": {"name": "HelloWorld"}},
        },
    }
