"""`onemap key`: who may see more than the public; a key's text is printed once."""

from datetime import UTC, date, datetime

from config.settings import Settings
from config.vocabulary import RegionCode
from providers.database import DatabaseRole, connect
from providers.editions import end_of_day_in_china
from providers.keys import KeyRecord, list_keys, new_key, revoke_key
from providers.migrations import migrate
from providers.regions import registered
from server.commands import catalogue_of, database


class KeyRefused(Exception):
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
    roles = catalogue_of(settings).roles
    if role not in roles or role == "anonymous":
        known = ", ".join(sorted(set(roles) - {"anonymous"}))
        raise KeyRefused(f"There is no role {role!r}; roles are {known}.")
    if roles[role].regions == "all" and regions:
        raise KeyRefused(f"The role {role!r} is held for all regions; leave --region out.")
    if roles[role].regions == "key" and not regions:
        raise KeyRefused(f"The role {role!r} is held for regions; name them with --region.")
    codes, until = _codes(regions), _last_moment(expires)
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            if unknown := sorted(set(codes) - registered(connection, codes)):
                raise KeyRefused(f"No such region is registered: {', '.join(unknown)}.")
            record = KeyRecord(
                id="", organisation=organisation, person=person, role=role, regions=codes
            )
            text = new_key(connection, record, until)
    print(text)
    return 0


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
        return tuple(RegionCode(code).value for code in regions)
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
