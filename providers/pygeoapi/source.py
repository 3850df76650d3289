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
from sqlalchemy import Select, Table

from config.loader import catalogue_folders, load
from config.model import Catalogue, Layer
from config.settings import Settings
from providers.access import Scope
from providers.database import DatabaseRole, connection_options
from providers.dialect import compile_sql
from providers.editions import Window, edition_in, list_editions_now, today
from providers.errors import BadParameter, NotFound
from providers.pygeoapi.caller import scope_of_caller
from providers.tables import edition_table

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
    table: Table | None  # None: no edition is in force at the date
    edition: Mapping[str, str]  # the binds that name the edition in a statement

    def first(self, statement: Select[Any], values: Mapping[str, Any]) -> TupleRow | None:
        """The statement's first row. Compiled anew each time: upstream's own work weighs more."""
        compiled = compile_sql(statement)
        binds = compiled.binds({**self.edition, **self.scope.parameters, **values})
        with _connection() as connection:
            return connection.execute(compiled.text.encode(), binds).fetchone()


def layer_of(block: Mapping[str, Any]) -> Layer:
    """The layer that a configuration block names; no database is asked.

    Raises
    ------
    ProviderConnectionError
        For a layer that the catalogue does not declare, or data in another place.
    """
    layer = catalogue().layers.get(str(block.get("layer")))
    if layer is None:
        raise ProviderConnectionError(f"layer: {block.get('layer')!r} is not in the catalogue")
    if block["data"] != DATABASE_VARIABLE:
        # what stands there may be an address with its password: it is not repeated
        raise ProviderConnectionError(f"data: expected {DATABASE_VARIABLE}, the variable's name")
    return layer


def view(block: Mapping[str, Any], at: str | None) -> View:
    """The block's layer for the caller of this moment, in the edition in force at *at* or today."""
    layer = layer_of(block)
    scope = scope_of_caller(block, catalogue())
    if not scope.sees(layer):
        raise NotFound("collection", layer.id)
    with _connection() as connection:
        states = [s for s in list_editions_now(connection) if s.edition.layer == layer.id]
    state = edition_in(states, today() if at is None else Window.parse(at))
    if state is None:
        return View(layer, scope, None, {})
    key = state.edition.key
    return View(layer, scope, edition_table(layer, key), {"layer": layer.id, "edition": key})


@contextmanager
def told_upstream() -> Iterator[None]:
    """Our refusals and the driver's errors as the exceptions from which pygeoapi makes a status."""
    try:
        yield
    except BadParameter as error:
        raise ProviderInvalidQueryError(user_msg=str(error)) from error
    except NotFound as error:
        raise ProviderItemNotFoundError(user_msg=str(error)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreBusy(type(error).__name__) from error


@cache
def catalogue() -> Catalogue:
    """The catalogue that the environment names, read once in a process."""
    return load(catalogue_folders(Settings.from_environ()))


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
