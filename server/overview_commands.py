"""`onemap overview`: generalised geometry for the small scales, made at once."""

import argparse
import time
from typing import Any

from config.model import Layer
from config.settings import Settings
from processes.workflows.overview_building import (
    build_overview,
    clear_tables,
    count_overview,
    take_overview,
)
from providers.database import DatabaseRole, connect
from providers.editions import SHANGHAI, EditionState, list_editions_now
from providers.errors import Refused
from providers.overview_sources import Overview
from providers.overview_tables import has_overview
from providers.taken_overviews import list_taken_now, takes_overview
from server.instance import Instance, instance, managed_layer


def overview(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap overview LAYER[.EDITION]`: what the worker would make, now and in the foreground."""
    name, _, edition = given.layer.partition(".")
    with instance(settings) as one:
        found = one.catalogue.layers.get(given.layer)
        if found is not None and found.external is not None:
            return _take(one, found)
        layer = managed_layer(one.catalogue, name)
        if not has_overview(layer):
            raise Refused(f"{name} has no overview: it has no geometry, or its entry declines one.")
        keys = [
            state.edition.key
            for state in _states(one.url)
            if state.edition.layer == layer.id and edition in ("", state.edition.key)
        ]
        if not keys:
            raise Refused(f"Nothing is loaded as {given.layer} (onemap editions {name}).")
        for key in keys:
            began = time.monotonic()
            if not build_overview(one.url, layer, key, anew=given.anew):
                raise Refused(f"Another is making the overview of {name}.{key}; try again later.")
            if not count_overview(one.url, layer, key):
                print(f"{name}.{key}: the worker is to count what its tiles leave out", flush=True)
            print(f"{name}.{key}: {time.monotonic() - began:.1f} s", flush=True)
        for state in _states(one.url):
            if state.edition.layer == layer.id and state.edition.key in keys:
                print(_sentence(state))
    return 0


def _take(one: Instance, layer: Layer) -> int:
    """Of an external layer all is taken anew each time: nothing tells which rows changed."""
    if not takes_overview(layer):
        raise Refused(
            f"{layer.id} is an external layer whose entry asks for no overview"
            " (tiles: {overview: true})."
        )
    began = time.monotonic()
    if not take_overview(one.url, layer):
        raise Refused(f"Another is taking the overview of {layer.id}; try again later.")
    print(f"{layer.id}: {time.monotonic() - began:.1f} s", flush=True)
    clear_tables(one.url, one.catalogue, only=layer.id)
    with connect(one.url, DatabaseRole.READER) as connection:
        made = list_taken_now(connection)[layer.id]
    assert made.taken is not None
    at = made.taken.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    print(f"{layer.id}: as of {at} (Beijing time), {_made_of(made)}")
    return 0


def add_verbs(verbs: Any) -> None:
    """The verb of this module."""
    verb = verbs.add_parser("overview", help="make the overviews of a layer now")
    verb.add_argument("layer", metavar="LAYER[.EDITION]")
    verb.add_argument("--anew", action="store_true", help="all of it, not only what changed")
    verb.set_defaults(run=overview)


def _states(url: str) -> list[EditionState]:
    with connect(url, DatabaseRole.READER) as connection:
        return list_editions_now(connection)


def _sentence(state: EditionState) -> str:
    name = f"{state.edition.layer}.{state.edition.key}"
    if (made := state.overview) is None:
        return f"{name}: none"
    return f"{name}: revision {made.revision}, {_made_of(made)}"


def _made_of(made: Overview) -> str:
    levels = ", ".join(map(str, made.levels)) or "none"
    below = f"classes below zoom {made.classes_below}" if made.classes_below else "no classes"
    return f"{below}, generalised at zooms: {levels}"
