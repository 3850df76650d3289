"""`onemap key`: who may see more than the public; a key's text is printed once."""

import argparse
from datetime import UTC, date, datetime

from config.model import Catalogue
from config.settings import Settings
from providers.access import ANONYMOUS_ID
from providers.callbacks import callback_secret
from providers.database import DatabaseRole, connect
from providers.editions import end_of_day_in_china
from providers.errors import Refused
from providers.keys import KeyRecord, list_keys, new_key, revoke_key
from providers.migrations import migrate
from providers.regions import region_code, registered
from server.instance import database, instance


class KeyRefused(Refused):
    """The key that was asked for would not do what its maker thinks; one plain sentence."""


def create_key(
    settings: Settings,
    *,
    organisation: str,
    person: str,
    role: str,
    regions: tuple[str, ...],
    expires: str | None,
) -> int:
    """`onemap key new`: prints the key; only its digest is kept."""
    codes, until = _codes(regions), _last_moment(expires)
    with instance(settings) as one:
        _check_role(one.catalogue, role, regions)
        with connect(one.url, DatabaseRole.WRITER) as connection:
            if unknown := sorted(set(codes) - registered(connection, codes)):
                raise KeyRefused(f"No such region is registered: {', '.join(unknown)}.")
            record = KeyRecord(
                id="", organisation=organisation, person=person, role=role, regions=codes
            )
            text = new_key(connection, record, until)
    print(text)
    return 0


def _check_role(catalogue: Catalogue, role: str, regions: tuple[str, ...]) -> None:
    roles = catalogue.roles
    if role not in roles or role == "anonymous":
        known = ", ".join(sorted(set(roles) - {"anonymous"}))
        raise KeyRefused(f"There is no role {role!r}; roles are {known}.")
    if roles[role].regions == "all" and regions:
        raise KeyRefused(f"The role {role!r} is held for all regions; leave --region out.")
    if roles[role].regions == "key" and not regions:
        raise KeyRefused(f"The role {role!r} is held for regions; name them with --region.")


def show_keys(settings: Settings) -> int:
    """`onemap key list`: the keys in force, without their secrets."""
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            keys = list_keys(connection)
    print("id\trole\tregions\torganisation\tperson" if keys else "no key is in force")
    for key in keys:
        print(key.id, key.role, ",".join(key.regions), key.organisation, key.person, sep="\t")
    return 0


def show_callback_secret(settings: Settings, name: str) -> int:
    """`onemap key callback-secret`: what a receiver verifies the callbacks of a key's jobs with."""
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            if name != ANONYMOUS_ID and name not in {key.id for key in list_keys(connection)}:
                raise KeyRefused(f"There is no key {name!r} in force.")
            print(callback_secret(connection, name))
    return 0


def end_key(settings: Settings, name: str) -> int:
    """`onemap key revoke`: takes effect within seconds."""
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            ended = revoke_key(connection, name)
    print(f"key {name} is revoked" if ended else f"There is no key {name!r} in force.")
    return 0 if ended else 1


def _codes(regions: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(region_code(code).value for code in regions)
    except ValueError as error:
        raise KeyRefused(f"--region: {error}.") from None


def _last_moment(expires: str | None) -> datetime | None:
    """The end of the key's last day in China."""
    if expires is None:
        return None
    try:
        until = end_of_day_in_china(date.fromisoformat(expires))
    except ValueError as error:
        raise KeyRefused(f"--expires {expires}: {error}.") from None
    if until < datetime.now(UTC):
        raise KeyRefused(f"--expires {expires} is over already.")
    return until


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap key new|list|callback-secret|revoke`."""
    key = verbs.add_parser("key", help="API keys").add_subparsers(dest="key_verb", required=True)
    new = key.add_parser("new", help="create a key; it is printed once")
    new.add_argument("--organisation", required=True, type=_name)
    new.add_argument("--person", required=True, type=_name)
    new.add_argument("--role", required=True, help="one of the catalogue's roles")
    new.add_argument(
        "--region", action="append", default=[], metavar="CODE", help="what it is for; repeatable"
    )
    new.add_argument("--expires", metavar="YYYY-MM-DD", help="its last day, in China")
    new.set_defaults(
        run=lambda settings, given: create_key(
            settings,
            organisation=given.organisation,
            person=given.person,
            role=given.role,
            regions=tuple(given.region),
            expires=given.expires,
        )
    )
    key.add_parser("list", help="the keys in force, without their secrets").set_defaults(
        run=lambda settings, given: show_keys(settings)
    )
    secret = key.add_parser(
        "callback-secret", help="what callbacks of a key's jobs are signed with"
    )
    secret.add_argument("id", help=f"the part after om_, or {ANONYMOUS_ID}")
    secret.set_defaults(run=lambda settings, given: show_callback_secret(settings, given.id))
    revoke = key.add_parser("revoke", help="end a key")
    revoke.add_argument("id", help="the part after om_")
    revoke.set_defaults(run=lambda settings, given: end_key(settings, given.id))


def _name(text: str) -> str:
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise argparse.ArgumentTypeError("1 to 200 printable characters")
    return text.strip()
