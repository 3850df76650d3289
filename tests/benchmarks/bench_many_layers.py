"""A thousand layers: how long a server takes to start, and to list, search and describe them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import psycopg
import pytest
import yaml

from config.settings import child_environ

LAYERS, FILES, ROUNDS, REGIONS = 1_000, 50, 30, 20
SPECIFICATIONS = {
    "XZYDYH": "present.land_use",
    "GHYDYH": "planning.master",
    "GHFQ": "planning.master",
}
EDITIONS = """
INSERT INTO onemap.edition (layer, edition, title_zh, title_en, valid_from, status, issuer, document,
    specification_version, revision, features, west, south, east, north)
SELECT 'layer_' || n, '2024', '2024年', '2024', '2024-01-01', 'in_force', 'own', 'x', '1', 1, 1000,
    124 + n / 1000.0, 43, 125 + n / 1000.0, 44 FROM generate_series(1, %(layers)s) n
"""
EXTENTS = """
INSERT INTO onemap.region_extent
SELECT layer, edition, (220100 + r)::text, 50, west, south, east, north
FROM onemap.edition, generate_series(1, %(regions)s) r
"""
REGION = """
INSERT INTO onemap.region (code, level, name_zh, name_en, path, valid_from)
VALUES ('220102', 'county', '区', 'District', '{}', '2000-01-01')
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalogue of many layers that share a few specifications."""
    entries = [
        {
            "kind": "layer",
            "id": f"layer_{n}",
            "title": {"zh": f"图层{n}", "en": f"Layer {n}"},
            "description": {"zh": f"第{n}个图层的说明", "en": f"What layer {n} is about"},
            "specification": name,
            "theme": theme,
            "classification": "public",
        }
        for n, (name, theme) in (
            (n, list(SPECIFICATIONS.items())[n % len(SPECIFICATIONS)]) for n in range(1, LAYERS + 1)
        )
    ]
    for i in range(FILES):
        text = yaml.safe_dump_all(entries[i::FILES], allow_unicode=True, sort_keys=False)
        (tmp_path / f"layers_{i}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def environ(
    database_url: str,
    folder: Path,
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    with psycopg.connect(database_url) as connection:
        connection.execute(EDITIONS, {"layers": LAYERS})
        connection.execute(EXTENTS, {"regions": REGIONS})
        connection.execute(REGION)
    port = free_port()
    return child_environ(
        ONEMAP_HOME=str(tmp_path_factory.mktemp("home")),
        ONEMAP_DATABASE_URL=database_url,
        ONEMAP_CATALOGUE=str(folder),
        ONEMAP_HOST="127.0.0.1",
        ONEMAP_PORT=str(port),
        ONEMAP_PUBLIC_URL=f"http://127.0.0.1:{port}",
    )


@pytest.fixture
def started(environ: dict[str, str]) -> Iterator[float]:
    """Seconds from the command to the first answer that says ready."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _ready(int(environ["ONEMAP_PORT"])):
            assert process.poll() is None
            assert time.perf_counter() - began < 60
            time.sleep(0.02)
        yield time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(40)


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_a_thousand_layers(started: float, environ: dict[str, str]) -> None:
    connection = HTTPConnection("127.0.0.1", int(environ["ONEMAP_PORT"]), timeout=60)
    command = [sys.executable, "-m", "server", "key", "new", "--organisation", "bench"]
    command += ["--person", "bench", "--role", "surveyor", "--region", "220102"]
    key = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)

    def ask(path: str, **headers: str) -> tuple[float, int]:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept": "application/json", **headers})
        response = connection.getresponse()
        size = len(response.read())
        assert response.status == 200, path
        return (time.perf_counter() - began) * 1000, size

    print(f"\n{LAYERS} layers: ready after {started:.2f} s")
    print(f"{'request':<48}{'first ms':>10}{'median ms':>11}{'bytes':>11}")
    limited = {"Authorization": f"Bearer {key.stdout.strip()}"}
    for path, headers in (
        ("/collections?limit=10", {}),
        ("/collections?limit=10", limited),
        ("/collections?limit=10&offset=900", {}),
        ("/collections?limit=10&q=%E5%9B%BE%E5%B1%82999", {}),
        ("/collections?limit=10&bbox=125,43,126,44", {}),
        ("/collections?limit=10&bbox=125,43,126,44", limited),
        ("/collections", {}),
        ("/collections/layer_500", {}),
        ("/openapi", {}),
    ):
        first, size = ask(path, **headers)
        rounds = 5 if path == "/collections" else ROUNDS
        taken = median(ask(path, **headers)[0] for _ in range(rounds))
        who = " (some regions)" if headers else ""
        print(f"{path[:32] + who:<48}{first:>10.1f}{taken:>11.1f}{size:>11}")
