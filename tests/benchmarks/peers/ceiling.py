"""The ceiling: pgbench with the very statements that our server sends, prepared, and no server."""

import re
import shutil
import subprocess
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from peers.questions import Question
from peers.servers import Unavailable
from peers.table import (
    CELL,
    COLUMNS,
    DIGITS,
    EDITION,
    ORIGIN,
    ROWS,
    SIDES,
    STEPS,
    WINDOW_CELLS,
    Window,
)
from psycopg.adapt import PyFormat, Transformer
from sqlalchemy import BOOLEAN, ColumnElement, FromClause, literal_column

from config.model import Layer
from config.settings import child_environ
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.conditions import Condition, parse_equals
from providers.cql2 import parse_filter
from providers.crs import CRS84
from providers.database import DatabaseRole, connection_options
from providers.dialect import compile_shape
from providers.features import FeatureQuery, page_statement
from providers.reader import Planning
from providers.relations import Relation, current
from providers.windows import parse_bbox

EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)
BIND = re.compile(r"%\((\w+)\)s")
# The window of each transaction, by the rule of `peers.table.windows`: every client goes through all.
NEXT_WINDOW = f"""\
\\set turn :turn + 1
\\set place (:turn + :client_id * 25) % :windows
\\set west {ORIGIN[0]} + (:place * {STEPS[0]} % {COLUMNS - WINDOW_CELLS} + 0.5) * {CELL[0]}
\\set south {ORIGIN[1]} + (:place * {STEPS[1]} % {ROWS - WINDOW_CELLS} + 0.5) * {CELL[1]}
\\set east :west + {WINDOW_CELLS - 1} * {CELL[0]}
\\set north :south + {WINDOW_CELLS - 1} * {CELL[1]}
"""
TPS = re.compile(r"tps = ([\d.]+) \(without")


@dataclass(frozen=True, slots=True)
class Written:
    """A condition as a person writes it, to be set against a filter's."""

    sql: str

    @property
    def shape(self) -> Hashable:
        return self.sql

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {}

    def of(self, relation: Relation, rows: FromClause) -> ColumnElement[bool]:
        return literal_column(self.sql, BOOLEAN)


def conditions_of(layer: Layer, question: Question) -> tuple[Condition, ...]:
    """What the server makes of the question's parameters."""
    found: list[Condition] = []
    if question.windows:
        found.append(parse_bbox(str(question.windows[0]), CRS84))
    if question.code is not None and (equal := parse_equals(layer, {"DLBM": question.code})):
        found.append(equal)
    return tuple(found)


def filtered(layer: Layer, text: str) -> Condition:
    """A CQL2 filter as the server reads it."""
    return parse_filter(text, language="cql2-text", layer=layer, crs=CRS84)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """pgbench over one database, with the settings of our serving role."""

    url: str
    layer: Layer
    folder: Path
    binaries: Path  # of the database server

    def rate(
        self,
        limit: int,
        conditions: tuple[Condition, ...],
        *,
        windows: tuple[Window, ...] = (),
        seconds: float,
        clients: int = 8,
    ) -> float:
        """Pages per second of one round."""
        text, values = self._statement(limit, conditions)
        sides = {getattr(windows[0], side): side for side in SIDES} if windows else {}

        def variable(bind: re.Match[str]) -> str:
            value = values[bind[1]]
            moving = isinstance(value, float) and sides.get(round(value, DIGITS))
            return f":{moving or bind[1]}"

        text = " ".join(BIND.sub(variable, text).replace("%%", "%").split())
        script = self.folder / "pgbench.sql"
        script.write_text(f"{NEXT_WINDOW if windows else ''}{text};\n", "utf-8")
        told = {**values, **({"turn": 0, "windows": len(windows)} if windows else {})}
        planning = Planning.EACH if conditions else Planning.ONCE  # as LayerStore.page has it
        return transactions(
            self.binaries,
            self.url,
            [script],
            planning=planning,
            seconds=seconds,
            clients=clients,
            defined={name: _as_text(value) for name, value in told.items()},
        )

    def count(self, limit: int, conditions: tuple[Condition, ...]) -> int:
        """How many features the statement gives."""
        text, values = self._statement(limit, conditions)
        options = connection_options(DatabaseRole.READER)
        with psycopg.connect(self.url, **options) as connection:
            row = connection.execute(text.encode(), values).fetchone()
        assert row is not None
        return int(row[1])

    def _statement(
        self, limit: int, conditions: tuple[Condition, ...]
    ) -> tuple[str, dict[str, Any]]:
        """The statement that the server sends for a page, and what it binds."""
        relation = current(self.layer, EditionKey(EDITION))
        query = FeatureQuery(limit=limit, conditions=conditions)
        text = compile_shape(page_statement(self.layer, relation, query, EVERYTHING)).text
        known = {**query.parameters, "layer": self.layer.id, "edition": EDITION}
        return text, {name: known[name] for name in dict.fromkeys(BIND.findall(text))}


def transactions(
    binaries: Path,
    url: str,
    scripts: Sequence[Path],
    *,
    planning: Planning,
    seconds: float,
    clients: int,
    defined: Mapping[str, str] | None = None,
) -> float:
    """Transactions per second of prepared scripts, with the settings of our serving role."""
    command = [pgbench(binaries), "--no-vacuum", "--protocol=prepared", f"--client={clients}"]
    command += ["--jobs=1", f"--time={max(1, round(seconds))}"]
    command += [f"--file={script}" for script in scripts]
    command += [f"--define={name}={value}" for name, value in (defined or {}).items()]
    options = connection_options(DatabaseRole.READER, planning=planning)["options"]
    done = subprocess.run(
        [*command, url],
        env=child_environ(PGOPTIONS=options),
        capture_output=True,
        text=True,
        check=False,
    )
    rate = TPS.search(done.stdout)
    if done.returncode != 0 or rate is None or "aborted" in done.stderr:
        raise AssertionError(f"pgbench: {done.stdout[-500:]} {done.stderr[-1_000:]}")
    return float(rate[1])


def pgbench(binaries: Path) -> str:
    """The program, of the database server's own version where that has it."""
    beside = binaries / "pgbench"
    found = str(beside) if beside.is_file() else shutil.which("pgbench")
    if found is None:
        raise Unavailable("pgbench is not installed")
    return found


def _as_text(value: object) -> str:
    """A value as the driver sends it in text."""
    transformer = Transformer()
    return bytes(transformer.get_dumper(value, PyFormat.TEXT).dump(value) or b"").decode()
