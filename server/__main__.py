"""The command `onemap`: 0 done, 1 refused or findings, 2 cannot run, 3 done with rejects."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import psycopg

from config.loader import CatalogueError
from config.settings import Settings, SettingsError
from providers.admin_boundaries import BoundariesMissing
from providers.database import DatabaseError, sentence
from providers.errors import LoadRejected
from server import commands, key_commands
from server.demo import DEFAULT_PARCELS, DEFAULT_SEED
from server.key_commands import KeyRefused
from server.lifeline import follow_parent
from server.serving import PortTaken
from server.supervisor import CannotRun

CANNOT_RUN = (SettingsError, DatabaseError, PortTaken, CannotRun, BoundariesMissing, KeyRefused)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; whatever is the caller's to mend is one sentence on standard error."""
    given = _parser().parse_args(arguments)
    if getattr(given, "lifeline", None) is not None:
        follow_parent(given.lifeline)
    for number in (signal.SIGTERM, signal.SIGHUP):  # until a server or supervisor has its own
        signal.signal(number, _leave)
    try:
        return _run(given, Settings.from_environ())
    except CatalogueError as error:
        print("\n".join(error.findings), file=sys.stderr)
        return 1
    except LoadRejected as error:
        print("\n".join(error.findings), file=sys.stderr)
        return 1
    except CANNOT_RUN as error:
        print(error, file=sys.stderr)
        return 2
    except psycopg.Error as error:
        print(sentence(error), file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 0


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind, so that whatever is open is closed."""
    raise SystemExit(128 + number)


def _run(given: argparse.Namespace, settings: Settings) -> int:
    match given.verb:
        case "up":
            return commands.up(settings)
        case "demo":
            demo = commands.with_demo(settings)
            return commands.up(demo, load_first=True, parcels=given.parcels, seed=given.seed)
        case "serve":
            return commands.serve(settings, engine=given.engine, descriptor=given.fd)
        case "worker":
            return commands.worker(settings)
        case "migrate":
            return commands.migrate_database(settings)
        case "check":
            return commands.check(settings)
        case "editions":
            return commands.editions(settings, as_json=given.json)
        case "openapi":
            return commands.write_openapi()
        case "pygeoapi-config":
            return commands.pygeoapi_config(settings, given.output)
        case _ if given.key_verb == "list":
            return key_commands.show_keys(settings)
        case _ if given.key_verb == "revoke":
            return key_commands.end_key(settings, given.id)
        case _:
            return key_commands.create_key(
                settings,
                organisation=given.organisation,
                person=given.person,
                role=given.role,
                regions=tuple(given.region),
                expires=given.expires,
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="onemap", description="国土空间规划“一张图” / OneMap")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("up", help="database, server and worker, until Ctrl-C")
    demo = verbs.add_parser("demo", help="load the demo city, then up")
    demo.add_argument(
        "--parcels", type=_count, default=DEFAULT_PARCELS, help="about how many (%(default)s)"
    )
    demo.add_argument(
        "--seed", type=_seed, default=DEFAULT_SEED, help="of the generated data (%(default)s)"
    )
    serve = verbs.add_parser("serve", help="the HTTP server alone")
    serve.add_argument(
        "--engine", choices=("onemap", "pygeoapi"), default="onemap", help="who answers"
    )
    serve.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    worker = verbs.add_parser("worker", help="run jobs")
    for child in (serve, worker):
        child.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    verbs.add_parser("migrate", help="bring the database to this version's schema")
    verbs.add_parser("check", help="check the catalogue; findings: exit 1")
    editions = verbs.add_parser("editions", help="list what is loaded")
    editions.add_argument("--json", action="store_true", help="for machines")
    verbs.add_parser("openapi", help="print the OpenAPI document")
    stock = verbs.add_parser("pygeoapi-config", help="print stock pygeoapi's configuration")
    stock.add_argument("--output", type=Path, help="a file instead of standard output")
    key = verbs.add_parser("key", help="API keys").add_subparsers(dest="key_verb", required=True)
    new = key.add_parser("new", help="create a key; it is printed once")
    new.add_argument("--organisation", required=True, type=_name)
    new.add_argument("--person", required=True, type=_name)
    new.add_argument("--role", required=True, help="one of the catalogue's roles")
    new.add_argument(
        "--region", action="append", default=[], metavar="CODE", help="what it is for; repeatable"
    )
    new.add_argument("--expires", metavar="YYYY-MM-DD", help="its last day, in China")
    key.add_parser("list", help="the keys in force, without their secrets")
    key.add_parser("revoke", help="end a key").add_argument("id", help="the part after om_")
    return parser


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


def _name(text: str) -> str:
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise argparse.ArgumentTypeError("1 to 200 printable characters")
    return text.strip()


if __name__ == "__main__":
    sys.exit(main())
