"""Random edits over two server processes: an edit changes the tags of the tiles it changed, no other.

Each round publishes one edit and waits until both servers say so. The truth is every watched tile
made anew without a cache; a server's tag has to change exactly where these bytes did.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from hypothesis import settings as hypothesis_settings

from config.model import Catalogue, Layer
from config.settings import child_environ
from config.vocabulary import EditionKey, EditionStatus, Issuer, Text
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from processes.workflows.overview_building import build_overview
from processes.workflows.rollback import rollback
from providers.access import ALL, Classification, Scope
from providers.database import open_pools
from providers.editions import Edition, list_editions
from providers.grids import GRIDS, TileAddress
from providers.layers import LayerStore
from providers.overview_sources import Drawn
from providers.revisions import RevisionKind
from providers.tiles import TileQuery

ROOT = Path(__file__).resolve().parents[2]
LAYER, KEY = "land_use", EditionKey("2024")
SIDE = 26  # cells of the lattice in each direction
FEWEST = 550  # cells that stay: fewer would be drawn without classes
CELL = 0.0025  # degrees; drawn as classes below zoom 11, generalised at 11 and 12
BENDS = 4  # points between two corners
WEST, SOUTH = 125.30, 43.86
CODES = ["010100", "010300", "030100", "070100", "120700"]
ZOOMS = [4, 6, 8, 9, 10, 11, 12, 13, 14, 16]
WATCHED_PER_ZOOM = 3
PUBLIC = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)
MakeSquares = Callable[..., FeatureTable]
Tiles = dict[TileAddress, bytes]
Tags = dict[TileAddress, tuple[int, str]]


@dataclass(slots=True)
class Parcels:
    """A coverage without gaps: a lattice with bent sides, and the cells that there are by code."""

    corners: Any
    bends: Any  # by corner, and by the side that goes east or north from it
    codes: dict[int, str] = field(default_factory=dict)

    def copy(self) -> "Parcels":
        return Parcels(self.corners.copy(), self.bends, dict(self.codes))

    @classmethod
    def of(cls, chance: random.Random) -> "Parcels":
        steps = np.arange(SIDE + 1) * CELL
        x, y = np.meshgrid(WEST + steps, SOUTH + steps)
        size = (SIDE + 1) * (SIDE + 1) * 2 * BENDS * 2
        bends = np.array([chance.uniform(-0.015, 0.015) * CELL for _ in range(size)])
        made = cls(np.stack([x, y], axis=-1), bends.reshape(SIDE + 1, SIDE + 1, 2, BENDS, 2))
        made.codes = {n: chance.choice(CODES) for n in range(SIDE * SIDE)}
        for row in range(1, SIDE):
            for column in range(1, SIDE):
                made.move(row, column, chance)
        return made

    def move(self, row: int, column: int, chance: random.Random) -> None:
        """Another place for a corner, so near to its first that no ring crosses itself."""
        shift = [chance.uniform(-0.3, 0.3) * CELL for _ in range(2)]
        self.corners[row, column] = [WEST + column * CELL + shift[0], SOUTH + row * CELL + shift[1]]

    def shape(self, cell: int) -> shapely.Polygon:
        row, column = divmod(cell, SIDE)
        south, north = self.side(row, column, 0), self.side(row + 1, column, 0)
        west, east = self.side(row, column, 1), self.side(row, column + 1, 1)
        ring = np.vstack([south[:-1], east[:-1], north[:0:-1], west[:0:-1]])
        return shapely.Polygon(ring)

    def side(self, row: int, column: int, north: int) -> Any:
        """The points from a corner to the one east or north of it, the same for both neighbours."""
        first = self.corners[row, column]
        last = self.corners[row + 1, column] if north else self.corners[row, column + 1]
        steps = np.linspace(0, 1, BENDS + 2)[:, None]
        points = first + (last - first) * steps
        points[1:-1] += self.bends[row, column, north]
        return points

    def table(self, cells: list[int], layer: Layer, make: MakeSquares) -> FeatureTable:
        coded = {"YDYHFLDM": [self.codes[cell] for cell in cells]}
        plain = make(layer, [str(cell) for cell in cells], columns=coded)
        shapes = np.array([self.shape(cell) for cell in cells], dtype=object)
        return replace(plain, geometry=shapes)


@dataclass(slots=True)
class Editor:
    """Publishes random edits and knows what each revision said."""

    url: str
    layer: Layer
    make: MakeSquares
    chance: random.Random
    parcels: Parcels
    history: list[Parcels] = field(default_factory=list)  # by revision, from 1

    def publish(self, cells: list[int], kind: RevisionKind) -> None:
        edition = Edition(
            layer=self.layer.id,
            key=KEY,
            title=Text(zh="2024", en="2024"),
            valid_from=date(2023, 1, 1),
            valid_to=None,
            status=EditionStatus.IN_FORCE,
            issuer=Issuer.ABOVE,
            document="test",
        )
        source = self.parcels.table(cells, self.layer, self.make).of(self.layer)
        made = load_edition(
            self.url, self.layer, edition, source, author="test", note="", kind=kind
        )
        self._remember(made.number)

    def edit(self) -> str:
        """One edit that changes something; what it was."""
        before = len(self.history)
        acts = [self.move, self.recode, self.remove, self.add, self.roll_back]
        while len(self.history) == before:
            act = self.chance.choice(acts)
            act()
        return act.__name__

    def move(self) -> None:
        row, column = (self.chance.randrange(1, SIDE) for _ in range(2))
        self.parcels.move(row, column, self.chance)
        around = [(row - r) * SIDE + column - c for r in (0, 1) for c in (0, 1)]
        if cells := [cell for cell in around if cell in self.parcels.codes]:
            self.publish(cells, RevisionKind.MERGE)

    def recode(self) -> None:
        held = sorted(self.parcels.codes)
        cells = self.chance.sample(held, min(len(held), self.chance.randint(1, 5)))
        self.parcels.codes |= {cell: self.chance.choice(CODES) for cell in cells}
        self.publish(cells, RevisionKind.MERGE)

    def remove(self) -> None:
        if len(self.parcels.codes) < FEWEST:
            return
        for cell in self.chance.sample(sorted(self.parcels.codes), self.chance.randint(1, 4)):
            del self.parcels.codes[cell]
        self.publish(sorted(self.parcels.codes), RevisionKind.LOAD)

    def add(self) -> None:
        free = sorted(set(range(SIDE * SIDE)) - set(self.parcels.codes))
        if not free:
            return
        cells = self.chance.sample(free, min(len(free), self.chance.randint(1, 4)))
        self.parcels.codes |= {cell: self.chance.choice(CODES) for cell in cells}
        self.publish(cells, RevisionKind.MERGE)

    def roll_back(self) -> None:
        number = self.chance.randint(1, len(self.history))
        made = rollback(
            self.url, self.layer, KEY, number, author="t", note="", issued_from_above=True
        )
        if made is not None:
            self.parcels = self.history[number - 1].copy()
            self._remember(made.number)

    def _remember(self, revision: int) -> None:
        if revision > len(self.history):  # an edit without a change is no revision
            self.history.append(self.parcels.copy())


def watched(chance: random.Random) -> list[TileAddress]:
    """Some tiles of every grid and zoom, those beside the data included."""
    box = (WEST, SOUTH, WEST + SIDE * CELL, SOUTH + SIDE * CELL)
    found = []
    for grid in GRIDS.values():
        for zoom in ZOOMS:
            level = zoom - grid.shift
            top, bottom, left, right = grid.limits(box, level)
            columns, rows = grid.size(level)
            there = [
                TileAddress(grid, level, row, column)
                for row in range(max(top - 1, 0), min(bottom + 2, rows))
                for column in range(max(left - 1, 0), min(right + 2, columns))
            ]
            inner = [one for one in there if top <= one.row <= bottom]
            inner = [one for one in inner if left <= one.column <= right]
            found += chance.sample(inner, min(len(inner), WATCHED_PER_ZOOM))
            found.append(chance.choice(there))
    return list(dict.fromkeys(found))


def recomputed(url: str, layer: Layer, tiles: list[TileAddress]) -> Tiles:
    """Each tile made anew, by connections and statements of its own."""

    async def run() -> Tiles:
        async with open_pools(url, readers=2, writers=1) as pools:
            async with pools.reading() as connection:
                (state,) = await list_editions(connection)
            drawn = {state.overview.source(zoom).drawn for zoom in ZOOMS if state.overview}
            assert drawn == set(Drawn), f"not all kinds of sources are watched: {drawn}"
            store, found = LayerStore(pools), {}
            for address in tiles:
                query = TileQuery(address=address)
                tile = await store.tile(layer, KEY, query, PUBLIC, overview=state.overview)
                found[address] = tile.content
            return found

    return asyncio.run(run())


def path_of(tile: TileAddress) -> str:
    place = f"{tile.level}/{tile.row}/{tile.column}"
    return f"/collections/{LAYER}/tiles/{tile.grid.id}/{place}?f=mvt"


def served(server: httpx.Client, tiles: list[TileAddress], truth: Tiles, before: Tags) -> Tags:
    """The tags that a server gives; every body is the truth, and 304 is said of equal tags only."""
    tags: Tags = {}
    for tile in tiles:
        answer = server.get(path_of(tile))
        assert answer.status_code in (200, 204), answer.text
        assert answer.content == truth[tile], f"{tile} is not as it is in the database"
        tags[tile] = (answer.status_code, answer.headers["ETag"])
        if tile in before:
            asked = {"If-None-Match": before[tile][1]}
            again = server.get(path_of(tile), headers=asked).status_code
            assert (again == 304) == (before[tile] == tags[tile])
    return tags


@contextmanager
def serving(database_url: str, home: Path, port: int, store: Path) -> Iterator[httpx.Client]:
    """One server process; both share the files of tiles."""
    home.mkdir()
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve"],
            cwd=ROOT,
            env=child_environ(
                ONEMAP_HOME=str(home),
                ONEMAP_STORE=str(store),
                ONEMAP_DATABASE_URL=database_url,
                ONEMAP_CATALOGUE="demo",
                ONEMAP_PORT=str(port),
            ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    coding = {"Accept-Encoding": "identity"}
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=60, headers=coding
        ) as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def at_revision(server: httpx.Client, number: int) -> bool:
    """Whether the server knows the revision, and an overview that shows it."""
    try:
        answer = server.get(f"/collections/{LAYER}/tiles/WebMercatorQuad", params={"f": "json"})
    except httpx.TransportError:
        return False
    if answer.status_code != 200:
        return False
    said = answer.json()["x-onemap"]
    return said["revision"] == number and said["overviewRevision"] in (None, number)


def changed[T](before: dict[TileAddress, T], after: dict[TileAddress, T]) -> set[TileAddress]:
    return {tile for tile in after if before[tile] != after[tile]}


@pytest.fixture
def rounds() -> int:
    """100 edits in a campaign, some in the suite."""
    return 100 if hypothesis_settings.get_current_profile_name() == "campaign" else 6


def test_after_each_random_edit_exactly_the_changed_tiles_have_another_tag_in_both_servers(
    database_url: str,
    catalogue: Catalogue,
    make_squares: MakeSquares,
    tmp_path: Path,
    free_port: Callable[[], int],
    wait_until: Callable[..., None],
    rounds: int,
) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"random edits, seed {seed}")
    chance = random.Random(seed)
    layer, tiles = catalogue.layers[LAYER], watched(chance)
    editor = Editor(database_url, layer, make_squares, chance, Parcels.of(chance))
    editor.publish(sorted(editor.parcels.codes), RevisionKind.LOAD)
    store = tmp_path / "store"
    with (
        serving(database_url, tmp_path / "one", free_port(), store) as one,
        serving(database_url, tmp_path / "two", free_port(), store) as two,
    ):
        truth: Tiles = {}
        tags: list[Tags] = [{}, {}]
        moved = 0
        for number in range(1, rounds + 2):
            what = editor.edit() if number > 1 else "load"
            revision = len(editor.history)
            for server in (one, two):
                wait_until(partial(at_revision, server, revision))
            made = recomputed(database_url, layer, tiles)
            told = [
                served(server, tiles, made, held)
                for server, held in zip((one, two), tags, strict=True)
            ]
            assert told[0] == told[1]
            if truth:
                differing = changed(truth, made)
                moved += len(differing)
                for held, new in zip(tags, told, strict=True):
                    assert changed(held, new) == differing, f"round {number}: {what}, seed {seed}"
            truth, tags = made, told
        assert sum(map(bool, truth.values())) > len(tiles) // 2
        assert moved
        assert build_overview(database_url, layer, KEY, anew=True)
        anew = recomputed(database_url, layer, tiles)
        assert changed(truth, anew) == set(), f"the overview made anew is another, seed {seed}"
        for server, held in zip((one, two), tags, strict=True):
            assert served(server, tiles, anew, held) == held
