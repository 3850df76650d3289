"""The verbs of the command line; each opens what it needs and closes it."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from config.loader import catalogue_folders
from config.model import Catalogue
from config.settings import Settings, child_environ, demo_folder
from providers.catalogue_edits import read_catalogue
from providers.database import DatabaseRole, connect
from providers.editions import list_editions_now
from providers.migrations import migrate
from providers.overview_tables import ensure_overview
from providers.parts import complete_parts
from providers.tables import ensure_tables
from server import serving
from server.instance import catalogue_of, database
from server.logs import configure
from server.supervisor import Child, Supervisor

DEFAULT_PARCELS, DEFAULT_SEED = 60_000, 20_210_101
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def with_demo(settings: Settings) -> Settings:
    """The same instance with the demo's catalogue beneath the bureau's own."""
    if demo_folder() in settings.catalogue:
        return settings
    return replace(settings, catalogue=(demo_folder(), *settings.catalogue))


def prepare(url: str, settings: Settings) -> Catalogue:
    """This version's schema, and every published layer's tables as its specification now is.

    The catalogue in force comes back: files and run-time edits.
    """
    migrate(url)
    catalogue, _ = read_catalogue(url, catalogue_folders(settings))
    with connect(url, DatabaseRole.READER) as connection:
        states = list_editions_now(connection)
    for state in states:  # each in a transaction of its own: a load that is running holds up one
        layer = catalogue.layers.get(state.edition.layer)
        if layer is not None and layer.external is None:
            with connect(url, DatabaseRole.OWNER) as connection:
                ensure_tables(connection, layer, state.edition.key)
                ensure_overview(connection, layer, state.edition.key)
                complete_parts(connection, layer, state.edition.key)
    return catalogue


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


def up(
    settings: Settings, *, announce: str | None = None, load_first: bool = False, **demo: int
) -> int:
    """`onemap up` and, with *load_first*, `onemap demo`: database, server and worker in one go."""
    from server.demo import load_demo, set_demo_key

    catalogue_of(settings)
    listening = serving.bind(settings)
    with database(settings) as db:
        catalogue = prepare(db.url, settings)
        if load_first:
            load_demo(db.url, catalogue, settings.home, store=settings.store, **demo)
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
            from server.stock import serve_stock

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
    catalogue_of(settings)
    with database(settings) as db:
        prepare(db.url, settings)
    print("the database is at this version's schema")
    return 0


def write_openapi() -> int:
    """`onemap openapi`: the published contract, built from the route table and the processes."""
    from server.contract import contract_text

    sys.stdout.write(contract_text())
    return 0


def pygeoapi_config(settings: Settings, output: Path | None) -> int:
    """`onemap pygeoapi-config`: the configuration with which stock pygeoapi serves this catalogue."""
    from server.stock import stock_configuration_text

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


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The verbs that run the instance, and those that print what it would publish."""
    verbs.add_parser("up", help="database, server and worker, until Ctrl-C").set_defaults(
        run=lambda settings, given: up(settings)
    )
    demo = verbs.add_parser("demo", help="load the demo city, then up")
    demo.add_argument(
        "--parcels", type=_count, default=DEFAULT_PARCELS, help="about how many (%(default)s)"
    )
    demo.add_argument(
        "--seed", type=_seed, default=DEFAULT_SEED, help="of the generated data (%(default)s)"
    )
    demo.set_defaults(
        run=lambda settings, given: up(
            with_demo(settings), load_first=True, parcels=given.parcels, seed=given.seed
        )
    )
    serving_ = verbs.add_parser("serve", help="the HTTP server alone")
    serving_.add_argument(
        "--engine", choices=("onemap", "pygeoapi"), default="onemap", help="who answers"
    )
    serving_.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    serving_.set_defaults(
        run=lambda settings, given: serve(settings, engine=given.engine, descriptor=given.fd)
    )
    working = verbs.add_parser("worker", help="run jobs")
    working.set_defaults(run=lambda settings, given: worker(settings))
    for child in (serving_, working):
        child.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    verbs.add_parser("migrate", help="bring the database to this version's schema").set_defaults(
        run=lambda settings, given: migrate_database(settings)
    )
    verbs.add_parser("openapi", help="print the OpenAPI document").set_defaults(
        run=lambda settings, given: write_openapi()
    )
    stock = verbs.add_parser("pygeoapi-config", help="print stock pygeoapi's configuration")
    stock.add_argument("--output", type=Path, help="a file instead of standard output")
    stock.set_defaults(run=lambda settings, given: pygeoapi_config(settings, given.output))


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError("a whole number")
    return int(text)


def _count(text: str) -> int:
    value = _whole(text)
    if not 50 <= value <= 10_000_000:
        raise argparse.ArgumentTypeError("from 50 to 10000000")
    return value


def _seed(text: str) -> int:
    value = _whole(text)
    if value >= 2**63:
        raise argparse.ArgumentTypeError("a whole number, zero or greater")
    return value
