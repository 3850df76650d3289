"""Whose request a pygeoapi face answers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from config.model import Catalogue
from providers.access import ANONYMOUS_ID, Scope, anonymous

_caller: ContextVar[Scope] = ContextVar("caller")


class NoCaller(Exception):
    """A face was asked by nobody: neither the bridge nor its configuration names a principal."""


@contextmanager
def acting_as(scope: Scope) -> Iterator[None]:
    """Every face that is asked inside sees what *scope* sees."""
    token = _caller.set(scope)
    try:
        yield
    finally:
        _caller.reset(token)


def scope_of_caller(block: Mapping[str, Any], catalogue: Catalogue) -> Scope:
    """The bridge's caller; without one, the principal that the configuration block names.

    Raises
    ------
    NoCaller
        Unless there is a caller or the block says `principal: anonymous`: never a wider scope.
    """
    if (scope := _caller.get(None)) is not None:
        return scope
    if block.get("principal") == ANONYMOUS_ID:
        public = frozenset(p.id for p in catalogue.processes.values() if p.public)
        return anonymous(catalogue.roles[ANONYMOUS_ID], public).scope
    raise NoCaller(f"principal: {block.get('principal')!r}; expected {ANONYMOUS_ID!r}")
