"""The command `onemap`: 0 done, 1 refused or findings, 2 cannot run, 3 done with rejects."""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

import psycopg

from config.loader import CatalogueError
from config.settings import Settings, SettingsError
from providers.database import DatabaseError, sentence
from providers.errors import CannotRun, Refused
from server.lifeline import follow_parent

CANNOT_RUN = (SettingsError, DatabaseError, CannotRun)
# Which module of this package has which verbs: only the one that is asked for is imported.
VERBS = {
    "commands": ("up", "demo", "serve", "worker", "migrate", "openapi", "pygeoapi-config"),
    "catalogue_commands": ("check", "reload", "catalogue"),
    "load_commands": ("load",),
    "edition_commands": ("editions", "revisions", "diff", "rollback"),
    "tile_commands": ("seed", "export"),
    "overview_commands": ("overview",),
    "plan_commands": ("plan",),
    "document_commands": ("document",),
    "region_commands": ("region",),
    "key_commands": ("key",),
    "check_commands": ("drop-check",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; whatever is the caller's to mend is one sentence on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    given = _parser(words).parse_args(words)
    if getattr(given, "lifeline", None) is not None:
        follow_parent(given.lifeline)
    for number in (signal.SIGTERM, signal.SIGHUP):  # until a server or supervisor has its own
        signal.signal(number, _leave)
    try:
        return _run(given, Settings.from_environ())
    except CatalogueError as error:
        print("\n".join(error.findings), file=sys.stderr)
        return 1
    except Refused as error:
        print(error, file=sys.stderr)
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
    """The verb's own function; every verb names one."""
    result: int = given.run(settings, given)
    return result


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the verb that comes first; of all verbs where it is none."""
    parser = argparse.ArgumentParser(prog="onemap", description="国土空间规划“一张图” / OneMap")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    asked = [module for module, names in VERBS.items() if words and words[0] in names]
    for module in asked or VERBS:
        import_module(f"server.{module}").add_verbs(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
