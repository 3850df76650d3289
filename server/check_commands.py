"""`onemap drop-check`: an administrator removes a kept check; that it was there stays known."""

import argparse

from config.settings import Settings
from providers.checks import HASH, remove_check
from providers.database import DatabaseRole, connect
from providers.errors import Refused
from providers.migrations import migrate
from server.instance import database


class NoSuchCheck(Refused):
    """Nothing of this hash is kept; one plain sentence."""


def drop_check(settings: Settings, name: str, by: str, reason: str) -> int:
    """`onemap drop-check`: the check and the opinions on it; hash, moment, who and why stay."""
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.OWNER) as connection:
            removed = remove_check(connection, name, by, reason)
    if not removed:
        raise NoSuchCheck(f"No check {name} is kept.")
    print(f"check {name} is removed, with {removed - 1} opinions")
    return 0


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap drop-check HASH --by NAME --reason TEXT`."""
    drop = verbs.add_parser("drop-check", help="remove a kept compliance check and its opinions")
    drop.add_argument("hash", type=_hash, help="its hash (复核码)")
    drop.add_argument("--by", required=True, type=_words, help="the person who removes it")
    drop.add_argument("--reason", required=True, type=_words)
    drop.set_defaults(
        run=lambda settings, given: drop_check(settings, given.hash, given.by, given.reason)
    )


def _hash(text: str) -> str:
    if not HASH.fullmatch(text):
        raise argparse.ArgumentTypeError("64 hexadecimal digits")
    return text


def _words(text: str) -> str:
    if not text.strip() or len(text) > 1_000 or not text.isprintable():
        raise argparse.ArgumentTypeError("1 to 1000 printable characters")
    return text.strip()
