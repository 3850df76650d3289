"""The ceiling of tiles: pgbench with our server's own statements, prepared, and no server."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from peers.ceiling import BIND, EVERYTHING, transactions
from peers.table import EDITION

from config.model import Layer
from config.vocabulary import EditionKey
from providers.database import DatabaseRole, connection_options
from providers.dialect import compile_shape
from providers.editions import list_editions_now
from providers.grids import TileAddress
from providers.overview_sources import Overview
from providers.reader import Planning
from providers.tile_sources import Answered, Drawing, source_of
from providers.tiles import MAX_TILE_FEATURES, Form, TileQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class TileCeiling:
    """pgbench over one database, with the settings of our serving role."""

    url: str
    layer: Layer
    folder: Path
    binaries: Path  # of the database server

    def overview(self) -> Overview | None:
        """From what the layer's tiles of small scales are drawn."""
        with psycopg.connect(self.url) as connection:
            states = list_editions_now(connection)
        state = next(s for s in states if s.edition.layer == self.layer.id)
        return state.overview

    def rate(self, places: Sequence[TileAddress], *, seconds: float, clients: int = 8) -> float:
        """Tiles per second of one round; each place is a script of its own."""
        overview = self.overview()
        files = []
        for number, place in enumerate(places):
            file = self.folder / f"tile{number}.sql"
            file.write_text(self._script(place, overview), "utf-8")
            files.append(file)
        counted = TileQuery(address=places[0]).counted
        return transactions(
            self.binaries,
            self.url,
            files,
            planning=Planning.EACH if counted else Planning.ONCE,  # as LayerStore.tile has it
            seconds=seconds,
            clients=clients,
        )

    def _script(self, place: TileAddress, overview: Overview | None) -> str:
        query = TileQuery(address=place)
        source = source_of(query, EVERYTHING, overview)
        edition = EditionKey(EDITION)
        drawing = Drawing(self.layer, edition, query, EVERYTHING, source=source)
        form, most = self._last(drawing)
        text = compile_shape(drawing.statement(form)).text
        values: dict[str, Any] = {**drawing.values(most), "layer": self.layer.id}
        values["edition"] = EDITION
        numbers = (int, float)
        moving = {n for n in BIND.findall(text) if isinstance(values[n], numbers)}

        def written(bind: re.Match[str]) -> str:
            return f":{bind[1]}" if bind[1] in moving else f"'{values[bind[1]]}'"

        lines = [f"\\set {name} {values[name]!r}" for name in sorted(moving)]
        return "\n".join(
            [*lines, " ".join(BIND.sub(written, text).split()).replace("%%", "%") + ";", ""]
        )

    def _last(self, drawing: Drawing) -> tuple[Form, int]:
        """The statement that gives the tile in the end, where the first would be too full."""
        form, most = drawing.begin, MAX_TILE_FEATURES
        options = connection_options(DatabaseRole.READER)
        with psycopg.connect(self.url, **options) as connection:
            while True:
                text = compile_shape(drawing.statement(form)).text
                values = {**drawing.values(most), "layer": self.layer.id, "edition": EDITION}
                row = connection.execute(text.encode(), values).fetchone()
                assert row is not None
                found = Answered(content=row[0] or b"", version=row[1], met=row[2], drawn=row[3])
                if (fewer := drawing.fewer(form, most, found)) is None:
                    return form, most
                form, most = Form.LARGEST, fewer
