"""`onemap seed` and `onemap export` as an operator meets them."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import psycopg
import pyogrio
import pytest
import shapely
from pmtiles.reader import MemorySource, Reader, all_tiles

from config.settings import child_environ
from providers.cluster import Cluster
from providers.grids import GRIDS
from providers.revisions import Revision, RevisionKind

ROOT = Path(__file__).resolve().parents[2]
MERCATOR = GRIDS["WebMercatorQuad"]
type Loader = Callable[..., Revision]
type Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def onemap(command: Command, demo_database_url: str, tmp_path: Path) -> Command:
    """Run the command over a demo city of this test's own."""
    return partial(command, **environment(demo_database_url, tmp_path))


def environment(url: str, home: Path) -> dict[str, str]:
    return {"ONEMAP_DATABASE_URL": url, "ONEMAP_HOME": str(home), "ONEMAP_CATALOGUE": "demo"}


def refused(done: subprocess.CompletedProcess[str], *says: str, code: int = 1) -> None:
    assert done.returncode == code
    for words in says:
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def tiles_of(path: Path) -> dict[tuple[int, int, int], bytes]:
    return {key: gzip.decompress(one) for key, one in all_tiles(MemorySource(path.read_bytes()))}


def test_the_archive_holds_what_the_server_gives_the_public_and_nothing_empty(
    client: httpx.Client,
    live_settings: dict[str, str],
    command: Command,
    tmp_path: Path,
    wait_until: Callable[..., None],
) -> None:
    path = tmp_path / "out.pmtiles"
    tileset = "/collections/land_use/tiles/WebMercatorQuad"
    wait_until(lambda: client.get(tileset).json()["x-onemap"]["overviewRevision"] is not None)
    given = environment(live_settings["ONEMAP_DATABASE_URL"], tmp_path)

    done = command("export", "land_use", str(path), "--zoom", "6-13", "--json", **given)

    said = json.loads(done.stdout)
    found = tiles_of(path)
    assert (done.returncode, done.stderr) == (0, "")
    assert said["tiles"] == len(found) > 10
    assert all(found.values())
    assert {zoom for zoom, _, _ in found} == set(range(6, 14))
    box = client.get("/collections/land_use").json()["extent"]["spatial"]["bbox"][0]
    for zoom in range(6, 14):
        top, bottom, left, right = MERCATOR.limits(tuple(box), zoom)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                answer = client.get(f"{tileset}/{zoom}/{row}/{column}", params={"f": "mvt"})
                assert found.get((zoom, column, row), b"") == answer.content


def test_the_archive_says_what_it_holds(onemap: Command, tmp_path: Path) -> None:
    path = tmp_path / "out.pmtiles"
    onemap("export", "permanent_farmland", str(path), "--zoom", "10-12")

    reader = Reader(MemorySource(path.read_bytes()))
    header, about = reader.header(), reader.metadata()

    (layer,) = about["vector_layers"]
    west, south, east, north = about["bounds"]
    held = {
        name
        for content in tiles_of(path).values()
        for feature in mapbox_vector_tile.decode(content)["permanent_farmland"]["features"]
        for name in feature["properties"]
    }
    assert layer["id"] == "permanent_farmland"
    assert set(layer["fields"]) >= held
    assert set(layer["fields"].values()) <= {"String", "Number", "Boolean"}
    assert "模拟" in about["name"]
    assert "模拟数据" in about["attribution"]
    assert about["x-onemap"]["edition"] == "issued_2023"
    assert about["x-onemap"]["revision"] == 1
    assert about["x-onemap"]["synthetic"]
    assert 125 < west < east < 126
    assert (header["min_zoom"], header["max_zoom"]) == (10, 12)
    assert header["min_lat_e7"] == round(south * 1e7)
    assert header["max_lat_e7"] == round(north * 1e7)


def test_gdal_reads_the_archive_where_the_features_are(onemap: Command, tmp_path: Path) -> None:
    path = tmp_path / "out.pmtiles"
    onemap("export", "land_use", str(path))

    meta, _, wkb, columns = pyogrio.raw.read(path, layer="land_use", ZOOM_LEVEL=14)

    about = Reader(MemorySource(path.read_bytes())).metadata()
    west, south, east, north = shapely.total_bounds(shapely.from_wkb(wkb))
    sides = (value * 180 / 20037508.342789244 for value in (west, east))
    assert meta["crs"] == "EPSG:3857"
    assert {"BSM", "YDYHFLDM"} <= set(meta["fields"])
    drawn = set(columns[list(meta["fields"]).index("BSM")])
    assert 1_990 <= len(drawn) <= 2_000  # slivers are thinner than the steps of a tile
    assert list(sides) == pytest.approx([about["bounds"][0], about["bounds"][2]], abs=1e-5)
    assert south < north


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["nowhere", "{}.pmtiles"], ["no layer 'nowhere'", "land_use"]),
        (["land_use.1999", "{}.pmtiles"], ["'1999'"]),
        (["census_2020", "{}.pmtiles"], ["without geometry"]),
        (["land_use", "{}.mbtiles"], [".pmtiles"]),
        (["land_use", "{}.pmtiles", "--grid", "CGCS2000Quad"], ["WebMercatorQuad only", "seed"]),
        (["land_use", "{}.pmtiles", "--bbox", "10,10,11,11"], ["lies in the box", "125."]),
        (["land_use", "{}/none/out.pmtiles"], ["cannot be written"]),
        (["county", "{}.pmtiles", "--zoom", "24"], ["up to", "fewer zooms"]),
    ],
    ids=lambda value: value[-1],
)
def test_what_cannot_be_exported_is_refused_in_one_sentence(
    onemap: Command, tmp_path: Path, given: list[str], says: list[str]
) -> None:
    arguments = [word.format(tmp_path / "out") for word in given]

    refused(onemap("export", *arguments), *says)

    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".pmtiles"] == []


@pytest.mark.parametrize("option", [["--zoom", "9-3"], ["--zoom", "30"], ["--bbox", "1,2,3"]])
def test_an_option_that_says_nothing_is_told_how_it_is_meant(
    onemap: Command, tmp_path: Path, option: list[str]
) -> None:
    done = onemap("export", "land_use", str(tmp_path / "out.pmtiles"), *option)

    assert done.returncode == 2
    assert option[0] in done.stderr


def test_what_is_not_public_is_neither_exported_nor_seeded(
    onemap: Command, demo_database_url: str, tmp_path: Path
) -> None:
    entry = onemap("catalogue", "show", "layer", "land_use").stdout
    held = "classification: public"
    assert held in entry
    (tmp_path / "one.yaml").write_text(entry.replace(held, "classification: internal"), "utf-8")
    onemap("catalogue", "put", str(tmp_path / "one.yaml"), "--author", "test")

    refused(onemap("export", "land_use", str(tmp_path / "out.pmtiles")), "not public")
    refused(onemap("seed", "land_use"), "not public")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_a_killed_export_leaves_the_file_of_before_and_no_half_one(
    demo_database_url: str, tmp_path: Path, wait_until: Callable[..., None], sent: signal.Signals
) -> None:
    path = tmp_path / "out.pmtiles"
    path.write_bytes(b"before")
    with psycopg.connect(demo_database_url) as holder:
        holder.execute("LOCK TABLE planning.land_use__2024 IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "export", "land_use", str(path)],
            cwd=ROOT,
            env=child_environ(**environment(demo_database_url, tmp_path)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        waiting = (
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        with psycopg.connect(demo_database_url, autocommit=True) as other:
            wait_until(lambda: other.execute(waiting).fetchone() == (True,))
        os.kill(process.pid, sent)
        assert process.wait(30) != 0

    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir() if "pmtiles" in one.name] == ["out.pmtiles"]


def test_places_without_data_are_not_asked_for(
    load_squares: Loader, command: Command, database_url: str, tmp_path: Path
) -> None:
    """Two parcels far apart: a city's width of tiles between them holds nothing."""
    load_squares("land_use", "2024", ["0", "180"], kind=RevisionKind.LOAD)
    path = tmp_path / "out.pmtiles"

    given = environment(database_url, tmp_path)
    done = command("export", "land_use", str(path), "--zoom", "14", "--json", **given)

    assert done.returncode == 0
    places = {column for _, column, _ in tiles_of(path)}
    assert max(places) - min(places) > 80
    assert len(places) <= 6


@pytest.fixture(scope="module")
def served(
    cluster: Cluster,
    new_database: Callable[..., str],
    demo_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """What a server and the commands beside it share: a demo city and a home."""
    url = cluster.address(new_database(demo_template))
    return environment(url, tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def server(served: dict[str, str], free_port: Callable[[], int]) -> Iterator[httpx.Client]:
    """A server with the home of the commands."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve"],
        cwd=ROOT,
        env=child_environ(**served, ONEMAP_PORT=str(port)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as one:
        yield one
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def answers(server: httpx.Client, path: str) -> bool:
    try:
        return server.get(path).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("grid", GRIDS)
def test_a_seeded_tile_is_served_without_a_look_at_the_rows(
    command: Command,
    server: httpx.Client,
    served: dict[str, str],
    wait_until: Callable[..., None],
    grid: str,
) -> None:
    one = GRIDS[grid]
    level = 13 - one.shift
    row, _, column, _ = one.limits((125.3235, 43.8865, 125.3235, 43.8865), level)
    address = f"/collections/land_use/tiles/{grid}/{level}/{row}/{column}?f=mvt"
    wait_until(lambda: answers(server, "/collections/land_use"))

    done = command("seed", "land_use", "--zoom", "10-13", "--grid", grid, "--json", **served)

    said: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert said["tiles"] == said["made"] > 0
    with psycopg.connect(served["ONEMAP_DATABASE_URL"]) as holder:
        for table in ("planning.land_use__2024", "planning_overview.land_use__2024"):
            holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
        answer = server.get(address)
    assert answer.status_code == 200
    assert answer.content


def test_one_tile_of_one_zoom_is_said_in_the_singular(
    load_squares: Loader, command: Command, database_url: str, tmp_path: Path
) -> None:
    run = partial(command, **environment(database_url, tmp_path))
    load_squares("land_use", "2024", ["0"])

    def said(zooms: str) -> list[str]:
        path = str(tmp_path / "out.pmtiles")
        seeded = run("seed", "land_use", "--zoom", zooms)
        return [seeded.stdout, run("export", "land_use", path, "--zoom", zooms).stdout]

    assert all(": 1 tile at zoom 8 " in text for text in said("8"))
    assert all(re.search(r": \d+ tiles at zooms 8 to 9 ", text) for text in said("8-9"))


def test_seeding_again_makes_only_what_an_edit_changed(
    load_squares: Loader, command: Command, database_url: str, tmp_path: Path
) -> None:
    run = partial(command, **environment(database_url, tmp_path))
    load_squares("land_use", "2024", ["0", "180"])

    def seeded() -> tuple[int, int]:
        done = run("seed", "land_use", "--zoom", "12-14", "--grid", "CGCS2000Quad", "--json")
        said = json.loads(done.stdout)
        return said["tiles"], said["made"]

    first, again = seeded(), seeded()
    load_squares("land_use", "2024", ["180"], size=0.0099, kind=RevisionKind.MERGE)
    edited = seeded()

    assert first[0] == first[1] > 0
    assert again == (first[0], 0)
    assert 0 < edited[1] < edited[0]


def test_seeding_stops_where_the_store_is_full_and_says_which_setting_bounds_it(
    onemap: Command,
) -> None:
    refused(onemap("seed", "land_use", ONEMAP_TILE_STORE_MB="1"), "ONEMAP_TILE_STORE_MB")
    refused(onemap("seed", "land_use", ONEMAP_TILE_STORE_MB="0"), "ONEMAP_TILE_STORE_MB")
