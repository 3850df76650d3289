"""The verbs of the command line; each opens what it needs and closes it."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from config.loader import catalogue_folders, load
from config.model import Catalogue
from config.settings import Settings, SettingsError, child_environ, demo_folder
from providers.cluster import open_cluster
from providers.database import DatabaseRole, check_server, connect
from providers.editions import list_editions_now
from providers.migrations import migrate
from providers.tables import ensure_tables
from server import serving
from server.logs import configure
from server.supervisor import Child, Supervisor

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Database:
    """The instance's database: its address, and how to bring it back where it is ours."""

    url: str
    watch: Callable[[], None]


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """The given database, or the embedded cluster's for as long as it is needed."""
    if settings.database_url is not None:
        check_server(settings.database_url)
        yield Database(settings.database_url, lambda: None)
        return
    with open_cluster(settings.home, given=settings.home_given) as cluster:
        yield Database(cluster.url, cluster.ensure_running)


def catalogue_of(settings: Settings) -> Catalogue:
    """The catalogue, and with it the settings that only the domain can judge."""
    if settings.planar_crs is not None:
        check_plane(settings.planar_crs)
    return load(catalogue_folders(settings))


def check_plane(text: str) -> None:
    """SettingsError unless ONEMAP_PLANAR_CRS names a plane."""
    from providers.crs import CrsError, parse_crs

    try:
        geographic = parse_crs(text).geographic
    except CrsError as error:
        raise SettingsError(f"ONEMAP_PLANAR_CRS: {error}.") from error
    if geographic:
        raise SettingsError(f"ONEMAP_PLANAR_CRS is {text!r}; expected a projected system.")


def with_demo(settings: Settings) -> Settings:
    """The same instance with the demo's catalogue beneath the bureau's own."""
    if demo_folder() in settings.catalogue:
        return settings
    return replace(settings, catalogue=(demo_folder(), *settings.catalogue))


def prepare(url: str, catalogue: Catalogue) -> None:
    """This version's schema, and every published layer's tables as its specification now is."""
    migrate(url)
    with connect(url, DatabaseRole.OWNER) as connection:
        for state in list_editions_now(connection):
            layer = catalogue.layers.get(state.edition.layer)
            if layer is not None:
                ensure_tables(connection, layer, state.edition.key)


def loaded_but_undeclared(url: str, catalogue: Catalogue) -> str | None:
    """A word to the operator where data lie in the database that no catalogue entry shows."""
    with connect(url, DatabaseRole.READER) as connection:
        loaded = {state.edition.layer for state in list_editions_now(connection)}
    if not (missing := sorted(loaded - set(catalogue.layers))):
        return None
    return (
        f"Loaded, but in no catalogue and so not served: {', '.join(missing)}."
        " ONEMAP_CATALOGUE names the folders; the word demo there is the demo's own."
    )


def check(settings: Settings) -> int:
    """`onemap check`: load the catalogue; findings are raised as CatalogueError."""
    catalogue = catalogue_of(settings)
    print(
        f"{len(catalogue.layers)} layers, {len(catalogue.bindings)} bindings"
        f" ({sum(b.layer is None for b in catalogue.bindings.values())} not connected),"
        f" {len(catalogue.processes)} processes, {len(catalogue.roles)} roles: no findings"
    )
    return 0


def up(
    settings: Settings, *, announce: str | None = None, load_first: bool = False, **demo: int
) -> int:
    """`onemap up` and, with *load_first*, `onemap demo`: database, server and worker in one go."""
    from server.demo import load_demo, set_demo_key

    catalogue = catalogue_of(settings)
    listening = serving.bind(settings)
    with database(settings) as db:
        prepare(db.url, catalogue)
        if load_first:
            load_demo(db.url, catalogue, **demo)
        if undeclared := loaded_but_undeclared(db.url, catalogue):
            print(undeclared, file=sys.stderr, flush=True)
        alone = {listening.getsockname()[0], urlsplit(settings.public_url).hostname} <= LOOPBACK
        set_demo_key(db.url, wanted=load_first and alone)
        environ = child_environ(
            ONEMAP_DATABASE_URL=db.url,
            ONEMAP_HOME=str(settings.home),
            ONEMAP_CATALOGUE=os.pathsep.join(map(str, settings.catalogue)),
        )
        program = [sys.executable, "-m", "server"]
        number = listening.fileno()
        lifeline, held = os.pipe()  # closed with us, however we end
        server = Child(
            name="server",
            command=[*program, "serve", "--fd", str(number), "--lifeline", str(lifeline)],
            environ=environ,
            log=settings.home / "log" / "serve.log",
            pass_fds=(number, lifeline),
        )
        worker = Child(
            name="worker",
            command=[*program, "worker", "--lifeline", str(lifeline)],
            environ=environ,
            log=settings.home / "log" / "worker.log",
            pass_fds=(lifeline,),
        )
        local = f"http://{_reachable(settings.host)}:{settings.port}"
        Supervisor([server, worker], db.watch).run(
            f"{local}/health/ready", announce or addresses(settings)
        )
        os.close(held)
    return 0


def addresses(settings: Settings) -> str:
    """What is printed when the instance is ready."""
    base = settings.public_url
    rows = [
        ("一张图 / map", f"{base}/app/map"),
        ("接口 / API", f"{base}/"),
        ("数据集 / collections", f"{base}/collections"),
        ("处理 / processes", f"{base}/processes"),
        ("指南 / guides", f"{base}/guide"),
    ]
    lines = "\n".join(f"  {title:<24}{address}" for title, address in rows)
    return f"OneMap is ready / 系统已就绪\n{lines}\nCtrl-C stops it. Logs: {settings.home / 'log'}"


def serve(settings: Settings, *, engine: str, descriptor: int | None) -> int:
    """`onemap serve`: the HTTP server alone, ours or stock pygeoapi's."""
    configure(settings.log_level)
    catalogue_of(settings)
    if descriptor is not None:
        import socket

        listening = socket.socket(fileno=descriptor)
    else:
        listening = serving.bind(settings)
    with database(settings) as db:
        if engine == "pygeoapi":
            from server.bridge import serve_stock

            serve_stock(settings, db.url, listening)
        else:
            serving.serve(settings, db.url, listening)
    return 0


def worker(settings: Settings) -> int:
    """`onemap worker`: run jobs until SIGINT or SIGTERM."""
    from processes.worker import run_worker

    configure(settings.log_level)
    with database(settings) as db:
        run_worker(replace(settings, database_url=db.url), catalogue_of(settings))
    return 0


def migrate_database(settings: Settings) -> int:
    """`onemap migrate`."""
    catalogue = catalogue_of(settings)
    with database(settings) as db:
        prepare(db.url, catalogue)
    print("the database is at this version's schema")
    return 0


def editions(settings: Settings, *, as_json: bool) -> int:
    """`onemap editions`: what is loaded."""
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.READER) as connection:
            states = list_editions_now(connection)
    rows = [
        {
            "layer": s.edition.layer,
            "edition": s.edition.key,
            "status": s.edition.status,
            "valid_from": s.edition.valid_from.isoformat(),
            "valid_to": s.edition.valid_to.isoformat() if s.edition.valid_to else None,
            "revision": s.revision,
            "features": s.features,
        }
        for s in states
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        print("\t".join(rows[0]) if rows else "no edition is loaded")
        for row in rows:
            print("\t".join("" if value is None else str(value) for value in row.values()))
    return 0


def write_openapi() -> int:
    """`onemap openapi`: the published contract, built from the route table and the processes."""
    from server.contract import contract_text

    sys.stdout.write(contract_text())
    return 0


def pygeoapi_config(settings: Settings, output: Path | None) -> int:
    """`onemap pygeoapi-config`: the configuration with which stock pygeoapi serves this catalogue."""
    from server.bridge import stock_configuration_text

    with database(settings) as db:
        migrate(db.url)
        text = stock_configuration_text(settings, db.url)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, "utf-8")
    return 0


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", ""):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
