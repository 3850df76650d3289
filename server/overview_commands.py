"""`onemap overview`: generalised geometry for the small scales, made at once."""

import argparse
import time
from typing import Any

from config.settings import Settings
from processes.workflows.overview_building import build_overview
from providers.database import DatabaseRole, connect
from providers.editions import EditionState, list_editions_now
from providers.errors import Refused
from providers.overview_tables import has_overview
from server.instance import instance, managed_layer


def overview(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap overview LAYER[.EDITION]`: what the worker would make, now and in the foreground."""
    name, _, edition = given.layer.partition(".")
    with instance(settings) as one:
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
            print(f"{name}.{key}: {time.monotonic() - began:.1f} s", flush=True)
        for state in _states(one.url):
            if state.edition.layer == layer.id and state.edition.key in keys:
                print(_sentence(state))
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
    levels = ", ".join(map(str, made.levels)) or "none"
    below = f"classes below zoom {made.classes_below}" if made.classes_below else "no classes"
    return f"{name}: revision {made.revision}, {below}, generalised at zooms: {levels}"
