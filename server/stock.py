"""Stock pygeoapi over the same catalogue: its configuration, and its own application as a child."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from config.loader import catalogue_folders
from config.model import Catalogue, Layer
from config.settings import Settings, child_environ
from config.vocabulary import GeometryKind, Text
from providers.access import ANONYMOUS_ID, anonymous
from providers.catalogue_edits import read_catalogue
from providers.crs import CRS84_URI
from providers.database import DatabaseRole, connect
from providers.editions import EditionState, edition_in, list_editions_now, today
from providers.errors import CannotRun
from providers.external import describe_all
from providers.external_table import described, is_described
from providers.features import DEFAULT_LIMIT, MAX_LIMIT
from providers.grids import WEB_MERCATOR_QUAD
from providers.pygeoapi.source import DATABASE_VARIABLE
from providers.tiles import MVT
from server.asked import frames_of
from server.collections import GREGORIAN, title_of
from server.documents import DESCRIPTION, TITLE
from server.extents import in_force, intervals
from server.snapshot import Resolved
from server.supervisor import STOP_WITHIN_S

LANGUAGES = ("zh", "en")  # never zh-CN: upstream then answers 500 to `Accept-Language: zh`
FEATURES = "providers.pygeoapi.feature.LayerProvider"
TILES = "providers.pygeoapi.tile.LayerTileProvider"
PROCESSOR = "processes.ogc.processor.SpecProcessor"
MANAGER = "processes.ogc.manager.JobManager"
EVERYWHERE = [-180, -90, 180, 90]  # upstream demands an extent of tables without places too
# A transparent pixel: upstream's pages want a base map, and no other host is asked for one.
NO_BASE_MAP = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
LICENSE = Text(zh="见各图层的数据来源", en="as the source of each layer says")
QUIETLY = ("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "15")
CLI = "from pygeoapi import cli; cli()"
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HEADER = f"""\
# Stock pygeoapi over this catalogue, written by `onemap pygeoapi-config`.
# Run it with PYGEOAPI_CONFIG, PYGEOAPI_OPENAPI, ONEMAP_CATALOGUE and {DATABASE_VARIABLE} set.
"""


def stock_configuration(
    settings: Settings, catalogue: Catalogue, editions: Iterable[EditionState]
) -> dict[str, Any]:
    """pygeoapi's whole configuration: what the anonymous caller may see and call."""
    states = list(editions)
    public = frozenset(p.id for p in catalogue.processes.values() if p.public)
    scope = anonymous(catalogue.roles[ANONYMOUS_ID], public).scope
    layers = [a for a in catalogue.layers.values() if scope.sees(a) and is_described(a)]
    layers.sort(key=lambda a: ([(t.order, t.id) for t in catalogue.branch(a.theme)], a.id))
    return {
        "server": {
            "bind": {"host": settings.host, "port": settings.port},
            "url": settings.public_url,
            "mimetype": "application/json",
            "encoding": "utf-8",
            "gzip": False,
            "languages": list(LANGUAGES),
            "cors": True,
            "admin": False,
            "limits": {
                "default_items": DEFAULT_LIMIT,
                "max_items": MAX_LIMIT,
                "on_exceed": "throttle",
            },
            "map": {"url": NO_BASE_MAP, "attribution": "OneMap"},
            "manager": {
                "name": MANAGER,
                "connection": DATABASE_VARIABLE,
                "output_dir": str(settings.store),
                "principal": ANONYMOUS_ID,
            },
        },
        "logging": {"level": "ERROR"},
        "metadata": _metadata(settings),
        "resources": {
            **{layer.id: _collection(layer, states, catalogue) for layer in layers},
            **{name: _process(name) for name in catalogue.processes if scope.may(name)},
        },
    }


def stock_configuration_text(settings: Settings, url: str) -> str:
    """The same as YAML, with the extents, editions and external tables of the database at *url*."""
    catalogue = read_catalogue(url, catalogue_folders(settings))[0]
    external = [layer for layer in catalogue.layers.values() if layer.external is not None]
    if external:  # upstream has none whose table cannot be shown
        catalogue = catalogue.with_layers(describe_all(url, external)[0])
    with connect(url, DatabaseRole.READER) as connection:
        states = list_editions_now(connection)
    document = stock_configuration(settings, catalogue, states)
    return HEADER + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=1000)


def serve_stock(settings: Settings, url: str, listening: socket.socket) -> None:
    """Run pygeoapi's own application on *listening* until SIGINT or SIGTERM.

    Raises
    ------
    CannotRun
        If pygeoapi does not accept its configuration, or ends by itself.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pygeoapi-", dir=settings.home) as folder:
        configuration, description = Path(folder, "pygeoapi.yml"), Path(folder, "openapi.json")
        configuration.write_text(stock_configuration_text(settings, url), "utf-8")
        environ = child_environ(
            ONEMAP_HOME=str(settings.home),
            ONEMAP_CATALOGUE=os.pathsep.join(map(str, settings.catalogue)),
            ONEMAP_DATABASE_URL=url,
            PYGEOAPI_CONFIG=str(configuration),
            PYGEOAPI_OPENAPI=str(description),
        )
        output = ["--format", "json", "--output-file", str(description)]
        generate = ["-c", CLI, "openapi", "generate", str(configuration), *output]
        if _run([sys.executable, *generate], environ):
            number = listening.fileno()
            serve = ["uvicorn", "pygeoapi.starlette_app:APP", "--fd", str(number), *QUIETLY]
            _run([sys.executable, "-m", *serve], environ, pass_fds=(number,))


def _run(command: list[str], environ: Mapping[str, str], pass_fds: tuple[int, ...] = ()) -> bool:
    """Run a child to its end; false where a signal to us ended it."""
    stopped = False
    children: list[subprocess.Popen[bytes]] = []
    reminder = threading.Timer(STOP_WITHIN_S, lambda: children[0].kill())
    reminder.daemon = True

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if not stopped:
            reminder.start()
        stopped = True
        for child in children:
            child.terminate()

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        children.append(
            subprocess.Popen(
                command,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                pass_fds=pass_fds,
                start_new_session=True,  # Ctrl-C reaches only us: we end it in order
            )
        )
        if stopped:
            children[0].terminate()
        status = children[0].wait()
    finally:
        reminder.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
    if not stopped and status != 0:
        raise CannotRun(f"pygeoapi ended with status {status}; its own messages stand above.")
    return not stopped


def _metadata(settings: Settings) -> dict[str, Any]:
    return {
        "identification": {
            "title": _both(TITLE),
            "description": _both(DESCRIPTION),
            "keywords": {"zh": ["国土空间规划", "一张图"], "en": ["spatial planning", "One Map"]},
            "keywords_type": "theme",
            "terms_of_service": settings.public_url,
            "url": settings.public_url,
        },
        "license": {"name": _both(LICENSE), "url": settings.public_url},
        "provider": {"name": "OneMap", "url": settings.public_url},
        "contact": {"name": "OneMap", "url": settings.public_url},
    }


def _collection(layer: Layer, states: list[EditionState], catalogue: Catalogue) -> dict[str, Any]:
    held = [s for s in states if s.edition.layer == layer.id]
    resolved = Resolved(layer=layer, state=edition_in(held, today()), pinned=False)
    themes = catalogue.branch(layer.theme)
    block = {"data": DATABASE_VARIABLE, "layer": str(layer.id), "principal": ANONYMOUS_ID}
    # What is stored in 4490 is said to be CRS84, whose numbers are the same: upstream would swap the
    # axes of 4490 on the way out, and match nothing with a bbox. Out of CRS84 it names the system
    # that is asked for, and our SQL writes in it.
    crs = {"crs": [one.uri for one in frames_of(resolved)], "storage_crs": CRS84_URI}
    providers: list[dict[str, Any]] = [{"type": "feature", "name": FEATURES, **block, **crs}]
    if layer.geometry is not GeometryKind.NONE:
        grid = WEB_MERCATOR_QUAD
        options = {"zoom": {"min": grid.first, "max": grid.last}, "schemes": [grid.id]}
        form = {"name": "mvt", "mimetype": MVT}
        tile = {"type": "tile", "name": TILES, **block, "options": options, "format": form}
        providers.append(tile)
    return {
        "type": "collection",
        "title": {lang: title_of(layer, lang) for lang in LANGUAGES},
        "description": _both(layer.description),
        "keywords": {lang: [t.title.in_language(lang) for t in themes] for lang in LANGUAGES},
        "extents": _extents(resolved, held),
        "providers": providers,
    }


def _extents(resolved: Resolved, states: list[EditionState]) -> dict[str, Any]:
    """Where the layer lies, and when any edition is in force: `datetime` chooses between them."""
    box, layer = None, resolved.layer
    if layer.external is not None:
        box = described(layer).extent
    elif resolved.state is not None:
        box = resolved.state.extent
    spatial = {"bbox": EVERYWHERE if box is None else list(box), "crs": CRS84_URI}
    extents: dict[str, Any] = {"spatial": spatial}
    if whole := intervals(in_force(resolved, tuple(states)))[:1]:
        begin, end = (datetime.fromisoformat(day) if day else None for day in whole[0])
        extents["temporal"] = {"begin": begin, "end": end, "trs": GREGORIAN}
    return extents


def _process(name: str) -> dict[str, Any]:
    return {
        "type": "process",
        "processor": {"name": PROCESSOR, "process": name, "principal": ANONYMOUS_ID},
    }


def _both(text: Text) -> dict[str, str]:
    return {lang: text.in_language(lang) for lang in LANGUAGES}
