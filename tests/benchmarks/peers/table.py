"""The one table of the comparison: generated parcels, as a managed layer and as a plain table."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import psycopg
import shapely

from config.loader import load
from config.model import Layer
from config.settings import PACKAGE_ROOT, child_environ
from config.vocabulary import EditionKey
from processes.workflows.feature_table import FeatureTable
from providers.tables import edition_name

PARCELS, VERTICES = 200_000, 25
MANAGED, EXTERNAL, EDITION = "parcels", "parcels_external", "2024"
SCHEMA, TABLE = "bench", "parcels"
IDENTIFIER = "bsm"  # the column that tiles carry
COLUMNS, ROWS = 500, 400  # cells of the grid in which the parcels lie, one each
ORIGIN, CELL = (124.8, 43.4), (0.0016, 0.0012)  # degrees
STEPS = (197, 131)  # columns and rows from one window to the next
WINDOW_CELLS = 24  # a window meets 24 x 24 parcels or a few more: more than the 500 asked for
CODES = {
    "0101": "水田", "0103": "旱地", "0201": "果园", "0301": "乔木林地", "0305": "灌木林地",
    "0403": "人工牧草地", "0602": "采矿用地", "0701": "城镇住宅用地", "0702": "农村宅基地",
    "1003": "公路用地", "1006": "农村道路", "1101": "河流水面",
}  # fmt: skip
CODE = "0701"  # what the attribute filter asks for: a twelfth of the rows
SPECIFICATION = """\
kind: specification
id: BENCH
version: "1"
title: {zh: 测试地块, en: Parcels of the benchmark}
source: {zh: 本系统的性能测试, en: The benchmark of this system}
geometry: polygon
class: present
fields:
  - {code: BSM, title: {zh: 标识码, en: Identifier}, type: text, length: 18, required: true}
  - {code: DLBM, title: {zh: 地类编码, en: Land class}, type: text, length: 4, required: true}
  - {code: DLMC, title: {zh: 地类名称, en: Class name}, type: text, length: 60, required: true}
  - {code: QSDWMC, title: {zh: 权属单位名称, en: Owner}, type: text, length: 100}
  - {code: ZLDWMC, title: {zh: 坐落单位名称, en: Place}, type: text, length: 100}
  - {code: MJ, title: {zh: 面积, en: Area}, type: decimal, decimals: 2, unit: m2}
  - {code: CS, title: {zh: 层数, en: Storeys}, type: integer}
  - {code: GXRQ, title: {zh: 更新日期, en: Updated}, type: date}
  - {code: BZ, title: {zh: 备注, en: Remark}, type: text, length: 255}
"""
LAYERS = f"""\
kind: layer
id: {MANAGED}
title: {{zh: 测试地块, en: Parcels}}
theme: present
specification: BENCH
storage: managed
identity: [BSM]
region: none
plan: none
classification: public
---
kind: layer
id: {EXTERNAL}
title: {{zh: 测试地块（外部）, en: Parcels (external)}}
theme: present
storage: {{external: {SCHEMA}.{TABLE}, key: gid, version: none}}
region: none
plan: none
classification: public
"""


SIDES = ("west", "south", "east", "north")
DIGITS = 6  # of a window's sides


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle in degrees."""

    west: float
    south: float
    east: float
    north: float

    def __str__(self) -> str:
        return ",".join(f"{getattr(self, side):.{DIGITS}f}" for side in SIDES)


def windows(count: int) -> list[Window]:
    """The windows that everybody is asked for, spread over the table by a fixed rule."""
    found = []
    for number in range(count):
        column = number * STEPS[0] % (COLUMNS - WINDOW_CELLS)
        row = number * STEPS[1] % (ROWS - WINDOW_CELLS)
        # half a cell inside: the outermost parcels of the window are met, their neighbours are not
        west, south = ORIGIN[0] + (column + 0.5) * CELL[0], ORIGIN[1] + (row + 0.5) * CELL[1]
        wide, high = (WINDOW_CELLS - 1) * CELL[0], (WINDOW_CELLS - 1) * CELL[1]
        sides = (west, south, west + wide, south + high)
        found.append(Window(*(round(side, DIGITS) for side in sides)))
    return found


def write_catalogue(folder: Path) -> None:
    """The catalogue of the benchmark: one specification and two layers."""
    (folder / "layers").mkdir(parents=True, exist_ok=True)
    (folder / "standards").mkdir(exist_ok=True)
    (folder / "standards" / "bench.yaml").write_text(SPECIFICATION, "utf-8")
    (folder / "layers" / "bench.yaml").write_text(LAYERS, "utf-8")


def layer_in(folder: Path, name: str) -> Layer:
    """A layer as the catalogue in *folder* declares it."""
    folders = [PACKAGE_ROOT / part for part in ("standards", "catalogue")]
    return load([*folders, folder]).layers[name]


def generated(count: int) -> FeatureTable:
    """Parcels that repeat exactly: star-shaped rings, one in each cell of a grid."""
    random = np.random.default_rng(20_240_101)
    number = np.arange(count)
    centre = np.stack(
        [
            ORIGIN[0] + (number % COLUMNS + 0.5) * CELL[0],
            ORIGIN[1] + (number // COLUMNS + 0.5) * CELL[1],
        ],
        axis=-1,
    )
    turn = np.linspace(0, 2 * np.pi, VERTICES - 1, endpoint=False)
    radius = random.uniform(0.3, 0.48, (count, VERTICES - 1))
    offset = np.stack([np.cos(turn) * radius * CELL[0], np.sin(turn) * radius * CELL[1]], axis=-1)
    shapes = np.asarray(shapely.polygons(centre[:, None, :] + offset))
    codes = list(CODES)
    chosen = [codes[i] for i in random.integers(0, len(codes), count)]
    town, village = random.integers(0, 40, count), random.integers(0, 25, count)
    begin = date(2015, 1, 1)
    return FeatureTable(
        values={
            "BSM": [f"2201000701{i:08d}" for i in range(count)],
            "DLBM": chosen,
            "DLMC": [CODES[code] for code in chosen],
            "QSDWMC": [f"模拟第{t}镇农民集体经济组织" for t in town],
            "ZLDWMC": [f"模拟市第{t}镇第{v}村民委员会" for t, v in zip(town, village, strict=True)],
            "MJ": np.round(random.uniform(500, 20_000, count), 2).tolist(),
            "CS": random.integers(1, 34, count).tolist(),
            "GXRQ": [begin + timedelta(int(d)) for d in random.integers(0, 3600, count)],
            "BZ": [f"模拟数据，第{i}号地块" for i in range(count)],
        },
        geometry=shapes,
    )


def load_table(url: str, home: Path, catalogue: Path, count: int = PARCELS) -> None:
    """Load the managed layer with `onemap load`, and copy its rows into the plain table.

    The plain table is what the peers read and what the external layer shows: labelled 4326, whose
    numbers are 4490's, because peers swap the axes of 4490 or match nothing with it.
    """
    layer = layer_in(catalogue, MANAGED)
    file = home / "parcels.gpkg"
    generated(count).of(layer).write(file, layer)
    arguments = ("--edition", EDITION, "--valid-from", "2024-01-01", "--title", EDITION)
    run_onemap(url, home, catalogue, "load", MANAGED, str(file), *arguments)
    columns = ", ".join(f"{f.column} AS {f.code.lower()}" for f in layer.fields)
    partition = edition_name(layer, EditionKey(EDITION))
    with psycopg.connect(url, autocommit=True) as connection:
        rows = partition.as_string(connection)
        shape = "ST_SetSRID(geom, 4326)::geometry(MultiPolygon, 4326)"
        for statement in (
            f"CREATE SCHEMA {SCHEMA}",
            f"CREATE TABLE {SCHEMA}.{TABLE} AS SELECT fid::integer AS gid, {columns},"
            f" {shape} AS geom FROM {rows} ORDER BY fid",
            f"ALTER TABLE {SCHEMA}.{TABLE} ADD PRIMARY KEY (gid)",
            f"CREATE INDEX ON {SCHEMA}.{TABLE} USING gist (geom)",
            f"CREATE INDEX ON {SCHEMA}.{TABLE} (dlbm)",
            f"CREATE INDEX ON {SCHEMA}.{TABLE} (bsm)",
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO onemap_reader",
            f"GRANT SELECT ON {SCHEMA}.{TABLE} TO onemap_reader",
            f"VACUUM ANALYZE {SCHEMA}.{TABLE}",
            f"VACUUM ANALYZE {rows}",
        ):
            connection.execute(statement.encode())


def run_onemap(url: str, home: Path, catalogue: Path, *arguments: Sequence[str] | str) -> None:
    """A command of ours over the benchmark's database and catalogue."""
    environ = child_environ(
        ONEMAP_DATABASE_URL=url, ONEMAP_HOME=str(home), ONEMAP_CATALOGUE=str(catalogue)
    )
    command = [sys.executable, "-m", "server", *map(str, arguments)]
    subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, check=True, capture_output=True)
