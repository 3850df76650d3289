"""`onemap seed` and `onemap export`: a layer's tiles made ahead, or as one file."""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from config.settings import Settings
from providers.database import Pools
from providers.errors import CannotRun, Refused
from providers.grids import GRIDS, WEB_MERCATOR_QUAD, Bounds, Grid
from providers.omitted_features import name_of_omitted
from providers.tile_archive import SUFFIX, TileArchive, Written, tile_archive
from server.collections import title_of
from server.instance import Instance, instance
from server.tile_cache import TileCache
from server.tile_seeding import Seeded, seeded
from server.tile_subject import TileSubject, pools_of, subject_of
from server.tileset_facts import attributes

TRIES = 3  # where the layer is published while its archive is written
DEFAULT_ZOOMS = "0-14"
MAX_TILES = 50_000_000
ZOOMS = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)


class _Superseded(Exception):
    """The layer was published while its tiles were being made."""


@dataclass(slots=True)
class _Count:
    """What came of the tiles that were asked for."""

    tiles: int = 0
    omitted: bool = False  # some tile leaves features out


def export(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap export LAYER FILE`: a PMTiles archive of what the public may see."""
    path: Path = given.file
    if path.suffix.lower() != SUFFIX:
        raise Refused(f"{path.name}: tiles are exported as PMTiles; name the file …{SUFFIX}.")
    if given.grid is not WEB_MERCATOR_QUAD:
        raise Refused(
            f"PMTiles knows {WEB_MERCATOR_QUAD.id} only; tiles of {given.grid.id} are served by"
            f" onemap serve and made ahead with onemap seed --grid {given.grid.id}."
        )
    with instance(settings) as one:
        subject, count, written = asyncio.run(_export(one, settings, given))
    report = {**_said(subject, count.tiles), "file": str(path), "bytes": path.stat().st_size}
    report["contents"] = written.contents
    if given.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(
            f"{_named(subject)}: {_tiles(count.tiles, subject.zooms)} in {path},"
            f" {written.contents:,} different, {report['bytes'] / 1e6:,.1f} MB"
        )
    return 0


async def _export(
    one: Instance, settings: Settings, given: argparse.Namespace
) -> tuple[TileSubject, _Count, Written]:
    async with pools_of(one) as pools:
        for _ in range(TRIES):
            subject = await _subject(one, settings, pools, given)
            _check_state(subject)
            try:
                with tile_archive(given.file) as archive:
                    count = await _fill(archive, subject)
                return subject, count, archive.written
            except _Superseded:
                print(f"{given.layer} was published meanwhile; once more.", file=sys.stderr)
            except OSError as error:
                raise CannotRun(f"{given.file} cannot be written: {error.strerror}.") from error
    raise Refused(f"{given.layer} was published {TRIES} times while it was exported; try later.")


def seed(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap seed LAYER`: the public tiles of the edition in force as files of the tile store."""
    if not (settings.tile_cache_mb and settings.tile_store_mb):
        raise Refused("No tiles are kept as files here: ONEMAP_TILE_STORE_MB or _CACHE_MB is 0.")
    with instance(settings) as one:
        subject, seeded = asyncio.run(_seed(one, settings, given))
    if given.json:
        more = {"made": seeded.made, "megabytes": round(seeded.bytes / 1e6, 1)}
        print(json.dumps({**_said(subject, seeded.tiles), **more}, ensure_ascii=False))
    else:
        print(
            f"{_named(subject)}: {_tiles(seeded.tiles, subject.zooms)} of {subject.grid.id}"
            f" in the store, {seeded.made:,} made now,"
            f" {seeded.bytes / 1e6:,.1f} MB"
        )
    return 0


async def _seed(
    one: Instance, settings: Settings, given: argparse.Namespace
) -> tuple[TileSubject, Seeded]:
    async with pools_of(one) as pools:
        subject = await _subject(one, settings, pools, given)
        live = next((zoom for zoom in subject.zooms if subject.revision(zoom) is None), None)
        if live is not None:
            raise Refused(
                f"{given.layer} is an external layer: its tiles are not kept from zoom {live} on."
            )
        cache = TileCache.of(settings, pools, ahead=True)
        try:
            with _progress(subject) as passed:
                return subject, await seeded(cache, subject, settings.tile_store_mb, passed)
        finally:
            await cache.close()


async def _fill(archive: TileArchive, subject: TileSubject) -> _Count:
    count, version = _Count(), None
    with _progress(subject) as passed:
        async for address, tile in subject.drawn(passed):
            if tile.revision != subject.revision(address.zoom):
                raise _Superseded
            if tile.revision is None:
                version = tile.version if version is None else version
                if tile.version != version:
                    raise _Superseded
            archive.add(address.zoom, address.row, address.column, tile.content)
            count.tiles += bool(tile.content)
            count.omitted |= tile.omitted > 0
            passed(1)
    if not count.tiles:
        raise Refused(f"There is nothing of {subject.resolved.id} at these zooms; no file is made.")
    archive.bounds, archive.zooms = subject.box, (subject.zooms[0], subject.zooms[-1])
    archive.metadata = metadata(subject, omitted=count.omitted)
    return count


def metadata(subject: TileSubject, *, omitted: bool) -> dict[str, Any]:
    """What the archive says of itself, in the words of TileJSON; types as readers expect them."""
    layer, state, part = subject.resolved.layer, subject.resolved.state, subject.part
    first, last = subject.zooms[0], subject.zooms[-1]
    west, south, east, north = subject.box
    types = {"integer": "Number", "string": "String"}
    documents = attributes(part, subject.grid, "zh")
    mark = "" if not layer.synthetic or "模拟" in layer.source.zh else "（模拟数据）"
    layers: list[dict[str, Any]] = [
        {
            "id": layer.id,
            "description": layer.description.zh,
            "minzoom": first,
            "maxzoom": last,
            "fields": {code: types[one["type"]] for code, one in documents.items()},
        }
    ]
    if omitted:
        layers.append({"id": name_of_omitted(layer.id), "fields": {"count": "Number"}})
    return {
        "name": title_of(layer, "zh", state),
        "description": layer.description.zh,
        "attribution": f"{layer.source.zh}{mark}",
        "type": "overlay",
        "format": "pbf",
        "minzoom": first,
        "maxzoom": last,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, first],
        "vector_layers": layers,
        "x-onemap": {
            "layer": layer.id,
            "edition": subject.resolved.edition,
            "revision": None if state is None else state.revision,
            "taken": part.taken(subject.grid, "zh"),
            "synthetic": layer.synthetic,
            "fields": {code: one["title"] for code, one in documents.items()},
        },
    }


async def _subject(
    one: Instance, settings: Settings, pools: Pools, given: argparse.Namespace
) -> TileSubject:
    subject = await subject_of(
        one, settings, pools, given.layer, grid=given.grid, zooms=given.zoom, box=given.bbox
    )
    if (count := subject.walk.count) > MAX_TILES:
        raise Refused(f"These would be up to {count:,} tiles; name fewer zooms, or a --bbox.")
    return subject


def _check_state(subject: TileSubject) -> None:
    """Refused where the archive would not be of one state."""
    state = subject.resolved.state
    overview = None if state is None else state.overview
    if state is not None and overview is not None and overview.revision != state.revision:
        raise Refused(
            f"{subject.resolved.id} is at revision {state.revision}, its overview still at"
            f" {overview.revision}: a worker brings it up to date (onemap worker); export it then."
        )


def _said(subject: TileSubject, tiles: int) -> dict[str, Any]:
    state = subject.resolved.state
    return {
        "layer": subject.resolved.layer.id,
        "edition": subject.resolved.edition,
        "revision": None if state is None else state.revision,
        "grid": subject.grid.id,
        "zooms": [subject.zooms[0], subject.zooms[-1]],
        "tiles": tiles,
    }


def _named(subject: TileSubject) -> str:
    resolved, state = subject.resolved, subject.resolved.state
    if state is None:
        return resolved.id
    return f"{resolved.layer.id}.{resolved.edition} at revision {state.revision}"


def _tiles(count: int, zooms: range) -> str:
    many = "tile" if count == 1 else "tiles"
    levels = f"zoom {zooms[0]}" if len(zooms) == 1 else f"zooms {zooms[0]} to {zooms[-1]}"
    return f"{count:,} {many} at {levels}"


@contextmanager
def _progress(subject: TileSubject) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere: of tiles that are made or passed over."""
    with tqdm(
        total=subject.walk.count, unit=" tiles", unit_scale=True, disable=None, leave=False
    ) as bar:

        def count(tiles: int) -> None:
            bar.update(tiles)

        yield count


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap seed` and `onemap export`."""
    exporting = verbs.add_parser("export", help="a layer's public tiles as one PMTiles file")
    exporting.add_argument("layer", metavar="LAYER[.EDITION]", help="a public layer")
    exporting.add_argument("file", type=Path, help="….pmtiles; appears when it is complete")
    exporting.set_defaults(run=export)
    seeding = verbs.add_parser("seed", help="make a layer's public tiles ahead, as files")
    seeding.add_argument("layer", metavar="LAYER[.EDITION]", help="a public layer")
    seeding.set_defaults(run=seed)
    for one in (exporting, seeding):
        one.add_argument(
            "--zoom",
            type=_zooms,
            default=DEFAULT_ZOOMS,
            metavar="A-B",
            help="at zoom N the world is 2^N tiles wide, in every grid (%(default)s)",
        )
        one.add_argument(
            "--grid", type=_grid, default=WEB_MERCATOR_QUAD.id, help="its grid (%(default)s)"
        )
        one.add_argument(
            "--bbox", type=_box, metavar="W,S,E,N", help="only tiles that meet a box of degrees"
        )
        one.add_argument("--json", action="store_true", help="for machines")


def _zooms(text: str) -> range:
    found = ZOOMS.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError("a zoom like 12, or some like 0-14")
    first = int(found[1])
    last = first if found[2] is None else int(found[2])
    if not first <= last <= WEB_MERCATOR_QUAD.last:
        raise argparse.ArgumentTypeError(f"0 to {WEB_MERCATOR_QUAD.last}, the smaller one first")
    return range(first, last + 1)


def _grid(name: str) -> Grid:
    if (grid := GRIDS.get(name)) is None:
        raise argparse.ArgumentTypeError(f"one of {', '.join(GRIDS)}")
    return grid


def _box(text: str) -> Bounds:
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        west = south = east = north = float("nan")
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise argparse.ArgumentTypeError("west,south,east,north in degrees, such as 125,43,126,44")
    return (west, south, east, north)
