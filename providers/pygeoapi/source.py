"""What the faces of one process share: its catalogue, and a pool opened by the first question."""

import atexit
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool
from pygeoapi.provider.base import (
    ProviderConnectionError,
    ProviderGenericError,
    ProviderInvalidQueryError,
    ProviderItemNotFoundError,
)
from sqlalchemy import Select

from config.loader import catalogue_folders
from config.model import Catalogue, Layer
from config.settings import Settings
from providers.access import Scope
from providers.catalogue_edits import catalogue_in_force
from providers.conditions import Days
from providers.database import DatabaseRole, connection_options
from providers.dialect import compile_sql
from providers.editions import EditionState, Window, edition_in, list_editions_now, today
from providers.errors import BadParameter, NotFound
from providers.external import describe
from providers.external_table import ExternalRefused, LayerUnavailable
from providers.pygeoapi.caller import scope_of_caller
from providers.relations import Relation, relation_of

# What `data:` of a configuration block says: where the address stands, not the address.
DATABASE_VARIABLE = "ONEMAP_DATABASE_URL"
POOL_SIZE = 4  # upstream's threads wait for the interpreter, not for the database


class StoreBusy(ProviderGenericError):  # type: ignore[misc]
    """The database cannot be reached or stopped a statement; 503, where upstream would say 500."""

    ogc_exception_code = "Overloaded"
    http_status_code = 503
    default_msg = "the database does not answer now; try again"


@dataclass(frozen=True, slots=True)
class View:
    """One layer as one caller sees it, in the edition that answers now, where one does."""

    layer: Layer
    scope: Scope
    relation: Relation | None  # None: no edition is in force at the date
    state: EditionState | None  # None: there is no such edition, or the table is not ours
    days: Days | None  # on which rows must be valid, where they say when they are

    def first(self, statement: Select[Any], values: Mapping[str, Any]) -> TupleRow | None:
        """The statement's first row. Compiled anew each time: upstream's own work weighs more."""
        compiled = compile_sql(statement)
        key = self.state.edition.key if self.state else None
        edition = {"layer": self.layer.id, "edition": key}
        binds = compiled.binds({**edition, **self.scope.parameters, **values})
        try:
            with _connection() as connection:
                return connection.execute(compiled.text.encode(), binds).fetchone()
        except psycopg.Error as error:
            if self.layer.external is None:
                raise
            raise LayerUnavailable(self.layer.id, type(error).__name__) from error


def layer_of(block: Mapping[str, Any]) -> Layer:
    """The layer that a configuration block names; the database is asked of external ones only.

    Raises
    ------
    ProviderConnectionError
        For a layer that the catalogue does not declare, data in another place, or an external
        table that cannot be shown.
    """
    layer = catalogue().layers.get(str(block.get("layer")))
    if layer is None:
        raise ProviderConnectionError(f"layer: {block.get('layer')!r} is not in the catalogue")
    if block["data"] != DATABASE_VARIABLE:
        # what stands there may be an address with its password: it is not repeated
        raise ProviderConnectionError(f"data: expected {DATABASE_VARIABLE}, the variable's name")
    return layer if layer.external is None else external_layer(layer.id)


def view(block: Mapping[str, Any], at: str | None) -> View:
    """The block's layer for the caller of this moment, in the edition in force at *at* or today."""
    layer = layer_of(block)
    scope = scope_of_caller(block, catalogue())
    if not scope.sees(layer):
        raise NotFound("collection", layer.id)
    window = None if at is None else Window.parse(at)
    days = (window.start, window.end) if window and any(layer.validity) else None
    if layer.external is not None:
        return View(layer, scope, relation_of(layer, None, past=False), None, days)
    with _connection() as connection:
        states = [s for s in list_editions_now(connection) if s.edition.layer == layer.id]
    state = edition_in(states, window or today())
    if state is None:
        return View(layer, scope, None, None, days)
    return View(layer, scope, relation_of(layer, state.edition.key, past=False), state, days)


@contextmanager
def told_upstream() -> Iterator[None]:
    """Our refusals and the driver's errors as the exceptions from which pygeoapi makes a status."""
    try:
        yield
    except BadParameter as error:
        raise ProviderInvalidQueryError(user_msg=str(error)) from error
    except NotFound as error:
        raise ProviderItemNotFoundError(user_msg=str(error)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, LayerUnavailable) as error:
        raise StoreBusy(type(error).__name__) from error


@cache
def catalogue() -> Catalogue:
    """The catalogue in force, files and run-time edits, read once in a process."""
    with _connection() as connection:
        return catalogue_in_force(connection, catalogue_folders(Settings.from_environ()))[0]


@cache
def external_layer(name: str) -> Layer:
    """An external layer as the process found its table; a changed one is seen after a restart."""
    try:
        with _connection() as connection:
            return describe(connection, catalogue().layers[name])
    except ExternalRefused as error:
        raise ProviderConnectionError(str(error)) from error


@contextmanager
def _connection() -> Iterator[Connection[TupleRow]]:
    with _opening:
        opened = pool()
    with opened.connection() as connection:
        yield connection


_opening = Lock()  # the cache alone would let two threads open a pool each


@cache
def pool() -> ConnectionPool[Connection[TupleRow]]:
    """The process's one pool, opened by the first question and closed at the interpreter's end."""
    url = Settings.from_environ().database_url
    if url is None:
        raise ProviderConnectionError(f"{DATABASE_VARIABLE} is not set")
    opened = ConnectionPool(
        url,
        kwargs=connection_options(DatabaseRole.READER),
        min_size=1,
        max_size=POOL_SIZE,
        open=True,
        timeout=5.0,
        max_waiting=50,
        check=ConnectionPool.check_connection,
        name="pygeoapi",
    )
    atexit.register(opened.close)
    return opened
