"""What a command works on: the instance's database and catalogue, and who asks."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from config.loader import catalogue_folders, load
from config.model import Catalogue, Layer
from config.settings import Settings, SettingsError
from providers.catalogue_edits import read_catalogue
from providers.cluster import open_cluster
from providers.database import check_server
from providers.errors import Refused
from providers.migrations import migrate


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


@dataclass(frozen=True, slots=True)
class Instance:
    """The database at this version's schema, and the catalogue in force: files and edits."""

    url: str
    catalogue: Catalogue


@contextmanager
def instance(settings: Settings) -> Iterator[Instance]:
    """What most commands work on."""
    if settings.planar_crs is not None:
        check_plane(settings.planar_crs)
    with database(settings) as db:
        migrate(db.url)
        yield Instance(db.url, read_catalogue(db.url, catalogue_folders(settings))[0])


def catalogue_of(settings: Settings) -> Catalogue:
    """The files' catalogue, and with it the settings that only the domain can judge."""
    if settings.planar_crs is not None:
        check_plane(settings.planar_crs)
    return load(catalogue_folders(settings))


def managed_layer(catalogue: Catalogue, name: str) -> Layer:
    """The catalogue's layer of this id, where its rows are ours to write."""
    layer = catalogue.layers.get(name)
    if layer is None:
        known = ", ".join(sorted(catalogue.layers)) or "none"
        raise Refused(f"The catalogue has no layer {name!r}; it has: {known}.")
    if layer.external is not None:
        raise Refused(
            f"{name} is an external layer: it shows the table {layer.external.schema}."
            f"{layer.external.table} as it is, and is read-only here."
        )
    return layer


def user() -> str:
    """Who is at the command line."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "onemap"


def check_plane(text: str) -> None:
    """SettingsError unless ONEMAP_PLANAR_CRS names a plane."""
    from providers.crs import CrsError, parse_crs

    try:
        geographic = parse_crs(text).geographic
    except CrsError as error:
        raise SettingsError(f"ONEMAP_PLANAR_CRS: {error}.") from error
    if geographic:
        raise SettingsError(f"ONEMAP_PLANAR_CRS is {text!r}; expected a projected system.")
